package mcpserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cipp-mcp/internal/policy"
	"cipp-mcp/tools"
)

// question is what a question's sealed state holds: which plan was shown, and until when an answer
// counts.
type question struct {
	PlanToken string
	Binding   string
	Expires   time.Time
}

const questionPurpose = "question"

// write plans a write, has it approved, puts it into the ledger and says step by step what was read back.
func (inv *Invoker) write(ctx context.Context, t tools.Tool, call *tools.Call, in any, args map[string]any, caller Caller) (Result, *Question, error) {
	wa, key := tools.WriteArguments(in), inv.callKey(t, call, args)
	if before, q, err := inv.earlier(ctx, key, caller); before != nil && !wa.DryRun || err != nil {
		return before, q, err
	}
	if err := call.Begin(ctx, t.Name); err != nil {
		return nil, nil, err
	}
	at, err := call.RunAt(ctx, text(args["runAt"]))
	if err != nil {
		return nil, nil, err
	}
	work, err := t.Work(ctx, call, in)
	if err != nil {
		return nil, nil, err
	}
	req := policy.Request{
		Tool: t.Name, Risk: max(t.Risk, work.Risk), Tenant: call.Tenant, User: call.User, Args: args, Steps: work.Steps, Warnings: work.Warnings,
		Client: caller.Name, Of: work.Of, Rows: work.Rows, Parts: work.Parts, Reason: inv.Env.Redact(text(args["reason"])), Ticket: inv.Env.Redact(text(args["ticket"])),
	}
	plan, err := inv.Engine.Plan(ctx, req, call.Run)
	if err != nil {
		return nil, nil, err
	}
	res := &tools.WriteResult{Tool: t.Name, TenantID: plan.TenantID, Tenant: plan.Tenant, UserID: plan.UserID, User: plan.User, Plan: &plan, Warnings: plan.Warnings}
	if !at.IsZero() {
		res.RunAt = &at
	}
	res.PlanCase(call.Run, plan)
	if wa.PlanToken != "" {
		if err := inv.shown(wa.PlanToken, plan); err != nil {
			return nil, nil, err
		}
	}
	if work.Review != nil && wa.PlanToken == "" && caller.Answer == nil {
		if res.Review, err = work.Review(ctx); err != nil {
			return nil, nil, err
		}
	}
	var a approval
	switch {
	case len(plan.Blockers) > 0:
		res.Status, res.Next = "blocked", "Nothing was changed. Resolve what blocks it, or leave that part out, and call again."
		return res, nil, nil
	case plan.Writes() == 0 && plan.ByHand() > 0:
		res.Status, res.Next = "attention", "Nothing was changed: what is left has to be done by hand, as the plan says."
		return res, nil, nil
	case plan.Writes() == 0:
		res.Status, res.Next = "done", "Nothing needed changing."
		return res, nil, nil
	case wa.DryRun:
		return inv.show(res, plan, "planned", "Show this plan to the person. To execute it, call again with the same arguments and this planToken.")
	case caller.Answer != nil && inv.Engine.Mode(req, plan.Risk, true) != policy.ModeOperator:
		if a.by, err = inv.answered(plan, *caller.Answer, caller.Name); err != nil {
			return nil, nil, err
		}
		if a.by == "" {
			res.Status, res.Next = "declined", "The person declined, so nothing was changed. Do not ask again unless the person wants it."
			return res, nil, nil
		}
	default:
		var q *Question
		if a, q, err = inv.approve(ctx, req, plan, wa, caller, res); err != nil || q != nil {
			return nil, q, err
		}
		if a.by == "" && !a.held {
			return inv.show(res, plan, "needs_approval", "Nothing was changed yet. Show this plan to the person; when the person agrees, call again with the same arguments and this planToken.")
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, fmt.Errorf("before the first write: %w", err) // nothing executes inside a call that was given up
	}
	if a.held {
		if j, err := inv.Engine.Held(ctx, req, plan); err != nil || j != nil {
			if err == nil {
				res.Report(ctx, inv.Env, *j) // it waits already
			}
			return res, nil, err
		}
	}
	return inv.start(ctx, policy.Start{Request: req, Run: call.Run, Plan: plan, ApprovedBy: a.by, NotBefore: at, Held: a.held, Grant: a.grant, CallKey: key}, res, caller)
}

// approval is how a plan came to be approved; held is that the operator has yet to.
type approval struct {
	by, grant string
	held      bool
}

// callKey is the idempotencyKey of a call bound to everything else it says; "" when the caller gave none. It
// is a fingerprint: the arguments may hold a password.
func (inv *Invoker) callKey(t tools.Tool, call *tools.Call, args map[string]any) string {
	key := text(args["idempotencyKey"])
	if key == "" {
		return ""
	}
	user := ""
	if call.User != nil {
		user = call.User.ID
	}
	return inv.Engine.Sealer.Fingerprint(strings.Join([]string{t.Name, call.Tenant.ID, user, policy.ArgsHash(args), key}, " "))
}

// shown checks that a token belongs to exactly the plan that would run now.
func (inv *Invoker) shown(token string, plan policy.Plan) error {
	shown, err := inv.Engine.Plans.Peek(token)
	if err != nil {
		return err
	}
	return policy.Approved(shown, plan)
}

// approve finds out whether a plan may run now: approval names it, a question has to be put first, or
// neither, and the plan has to be shown.
func (inv *Invoker) approve(ctx context.Context, req policy.Request, plan policy.Plan, wa tools.WriteArgs, caller Caller, res *tools.WriteResult) (a approval, q *Question, err error) {
	mode := inv.Engine.Mode(req, plan.Risk, caller.CanAsk)
	token := wa.PlanToken
	if mode == policy.ModeOperator || !caller.CanAsk && mode != policy.ModeNone {
		grant, err := inv.Engine.Granted(ctx, req, plan)
		if grant != "" || err != nil {
			return approval{by: "standing grant " + grant, grant: grant}, nil, err
		}
	}
	switch {
	case mode == policy.ModeNone:
		return approval{by: "configuration (approval." + req.Risk.String() + ": none)"}, nil, nil
	case mode == policy.ModeOperator:
		return approval{held: true}, nil, nil
	case mode == policy.ModeClient:
		if token == "" {
			if token, _, err = inv.Engine.Plans.Keep(plan); err != nil {
				return a, nil, err
			}
		}
		q, err = inv.ask(plan, token, res)
		return a, q, err
	case token != "":
		if _, err := inv.Engine.Plans.Take(token); err != nil {
			return a, nil, err
		}
		return approval{by: "plan token, by " + caller.Name}, nil, nil
	default:
		return a, nil, nil
	}
}

func (inv *Invoker) ask(plan policy.Plan, token string, res *tools.WriteResult) (*Question, error) {
	expires := inv.Env.Clock.Now().Add(policy.PlanLifetime)
	state, err := inv.Engine.Sealer.Seal(questionPurpose, question{token, plan.Binding(), expires})
	if err != nil {
		return nil, err
	}
	res.Status, res.PlanToken, res.ExpiresAt = "needs_approval", token, &expires
	res.Next = "Nobody answered in time, so nothing was changed. When the person is there, call again with the same arguments and this planToken."
	who := plan.Tenant
	if plan.User != "" {
		who = plan.User + " in " + plan.Tenant
	}
	shown := plan
	tools.Sanitize(&shown, inv.Env.Redact)
	tools.Sanitize(res.Review, inv.Env.Redact)
	message := fmt.Sprintf("%s (%s) on %s:%s%s", plan.Tool, plan.Risk, tools.Clean(who, 200), tools.ReviewText(res.Review), tools.PlanText(&shown))
	return &Question{Message: message, State: state, Unanswered: res}, nil
}

// answered checks a person's answer: it must belong to exactly the plan that would run now.
func (inv *Invoker) answered(plan policy.Plan, a Answer, client string) (approvedBy string, err error) {
	var q question
	if err := inv.Engine.Sealer.Open(questionPurpose, a.State, &q); err != nil {
		return "", fmt.Errorf("the confirmation does not belong to this call: %w", policy.ErrPlanOther)
	}
	if !a.Accepted {
		_, err := inv.Engine.Plans.Take(q.PlanToken)
		if err != nil && !errors.Is(err, policy.ErrPlanUnknown) && !errors.Is(err, policy.ErrPlanExpired) {
			return "", err
		}
		return "", nil
	}
	if inv.Env.Clock.Now().After(q.Expires) {
		return "", policy.ErrPlanExpired
	}
	shown, err := inv.Engine.Plans.Take(q.PlanToken)
	if err != nil {
		return "", err
	}
	if err := policy.Approved(shown, plan); err != nil {
		return "", err
	}
	return "the person at " + client, nil
}

// show answers with the plan and its token.
func (inv *Invoker) show(res *tools.WriteResult, plan policy.Plan, status, next string) (Result, *Question, error) {
	token, expires, err := inv.Engine.Plans.Keep(plan)
	if err != nil {
		return nil, nil, err
	}
	res.Status, res.Next, res.PlanToken, res.ExpiresAt = status, next, token, &expires
	return res, nil, nil
}

func text(v any) string {
	s, _ := v.(string)
	return tools.Clean(s, 200)
}
