package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
	"cipp-mcp/workflows/bec/collect"
)

// remediateTool takes an attacker's things away.
const remediateTool = "cipp_bec_remediate"

// BECRemediateIn are the arguments of cipp_bec_remediate.
type BECRemediateIn struct {
	TenantArg
	UserArg
	CaseID string   `json:"caseId"`
	Steps  []string `json:"steps,omitempty" jsonschema:"maxItems=60" jsonschema_description:"ids of its plan (section=plan); default all."`
	WriteArgs
}

var becRemediate = Write(Tool{
	Name: remediateTool, Title: "BEC response", Toolset: "security", Risk: policy.Destructive, Aliases: with(userAliases, map[string]string{"case": "caseId"}),
	Description: "Executes the response a case of cipp_bec_check proposes: ends sessions, sets a password, then removes what is the attacker's, by its id.",
	Needs: Needs{
		App: []string{"User.EnableDisableAccount.All", "User.RevokeSessions.All", "User-PasswordProfile.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All", "AppRoleAssignment.ReadWrite.All",
			"Application.ReadWrite.All", "Device.ReadWrite.All", "Files.ReadWrite.All", "Exchange.ManageAsApp"},
		AppRoles: []string{"Exchange Administrator", "User Administrator"}, GDAPRoles: []string{"Privileged Authentication Administrator", "User Administrator", "Exchange Administrator", "Cloud Application Administrator", "Cloud Device Administrator"},
	},
	Example: `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","caseId":"case_20260312_abcdefgh","dryRun":true}`,
}, func(ctx context.Context, c *Call, in BECRemediateIn) (Work, error) {
	k, err := c.caseOf(in.CaseID)
	if err != nil {
		return Work{}, err
	}
	r, left, err := c.response(ctx, k, in.Steps)
	if err != nil {
		return Work{}, err
	}
	steps, err := workflows.Respond(ctx, c.target(), c.Run, c.sealer(), r)
	if err != nil {
		return Work{}, err
	}
	if len(steps) > 0 {
		steps = append(steps, c.verifyLater(k))
	}
	w := Work{Steps: steps, CaseID: k.CaseID}
	if len(left) > 0 {
		w.Warnings = append(w.Warnings, "left out of this response, and open until they are done: "+strings.Join(left, ", "))
	}
	return w, nil
})

// response is the chosen part of the plan of a case, with what of it is left out. A process that rebuilds the run
// takes what planning chose, whatever the evidence says by then.
func (c *Call) response(ctx context.Context, k *casefile.Case, chosen []string) (workflows.Response, []string, error) {
	found, err := jobs.Found(ctx, c.Run, "casePlan", func(ctx context.Context) (casePlan, error) {
		p := casePlan{CaseID: k.CaseID}
		a, err := c.judged(ctx, k)
		if err != nil {
			return p, err
		}
		p.Plan = a.Plan
		for _, e := range a.Events {
			if e.Attribution == bec.ByAttacker && e.TimeUTC.After(p.LastAct) {
				p.LastAct = e.TimeUTC
			}
		}
		readings, err := k.Readings()
		if err != nil || len(readings) == 0 || !readings[0].Did(collect.Snapshot) {
			return p, err
		}
		p.Snapshot = readings[0].Begun()
		return p, nil
	})
	if err != nil {
		return workflows.Response{}, nil, err
	}
	r := workflows.Response{CaseID: k.CaseID, Whole: found.Plan, Snapshot: found.Snapshot, LastAct: found.LastAct}
	var left []string
	for _, s := range found.Plan {
		all := len(chosen) == 0 && !slices.Contains(onRequest, s.Action)
		switch {
		case all || slices.Contains(chosen, s.ID) || s.Action == "snapshot":
			r.Plan = append(r.Plan, s)
		case !slices.Contains(wayBack, s.Action): // that is no part of containing it
			left = append(left, s.ID+" "+s.Action)
		}
	}
	for _, id := range chosen {
		if !slices.ContainsFunc(found.Plan, func(s bec.Step) bool { return s.ID == id }) {
			return r, nil, &Problem{Code: "invalid_argument", Message: fmt.Sprintf("The plan of this case has no step %q.", Clean(id, 60)), Next: "cipp_bec_check with this caseId and section=plan shows the steps and their ids."}
		}
	}
	return r, left, nil
}

// wayBack are the steps that hand the account back to the user, once the attacker's things are gone.
var wayBack = []string{"issueAccessPass", "allowSignIn"}

// onRequest are the steps that nobody gets who does not name them: the way back, and what reaches past this account, which
// waits for the operator, and the rest must not wait with it.
var onRequest = append([]string{"disableServicePrincipal"}, wayBack...)

// casePlan is the plan of a case as it was when a response was planned.
type casePlan struct {
	CaseID   string     `json:"caseId"`
	Plan     []bec.Step `json:"plan"`
	Snapshot time.Time  `json:"snapshot"`
	LastAct  time.Time  `json:"lastAct,omitzero"`
}

// verifyAt is when a response is looked at again: tokens outlive a revocation by up to an hour, and attackers return.
var verifyAt = []time.Duration{0, 15 * time.Minute, time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}

// verifyLater makes the readings that look whether a response held.
func (c *Call) verifyLater(k *casefile.Case) jobs.Step {
	const name = "verify-later"
	return jobs.Step{
		Name: name, Class: jobs.Idempotent,
		Plan: func(context.Context, *jobs.Run) (jobs.Change, error) {
			return jobs.Change{Summary: "Read the evidence again now and after 15 minutes, an hour, a day and a week", Target: k.CaseID, Before: "not verified", After: "readings are scheduled"}, nil
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			now := c.Clock.Now().UTC()
			for i, after := range verifyAt {
				if err := c.readAt(ctx, k, now.Add(after), fmt.Sprintf("verify %s %d", run.ID, i), "job "+run.ID); err != nil {
					return nil, err
				}
			}
			return nil, nil
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			for i := 1; i < len(verifyAt); i++ { // the first may have joined a reading that was at work
				id, err := c.Policy.Ledger.ByKey(ctx, fmt.Sprintf("verify %s %d", run.ID, i))
				if err != nil {
					return jobs.Unknown, err
				}
				if id == "" {
					return jobs.NotDone, nil
				}
			}
			return jobs.Done, nil
		},
	}
}

// CaseOutcome is what a response to a compromise has come to.
type CaseOutcome struct {
	CaseID    string         `json:"caseId"`
	Steps     []bec.Step     `json:"steps"`
	Outcome   string         `json:"outcome,omitempty"` // contained | partially_contained | failed; once the job has ended
	Remaining []CaseLeftOver `json:"remaining,omitempty"`
}

// CaseLeftOver is a way in that is not known to be closed.
type CaseLeftOver struct {
	Action     string `json:"action"`
	TargetID   string `json:"targetId"`
	TargetName string `json:"targetName,omitempty"`
	Reason     string `json:"reason,omitempty"`
	Next       string `json:"next,omitempty"`
}

// MarshalJSON lets the steps of a response stand in the words of its case.
func (r *WriteResult) MarshalJSON() ([]byte, error) {
	type plain WriteResult
	if r.Case == nil {
		return json.Marshal((*plain)(r))
	}
	return json.Marshal(struct {
		*plain
		*CaseOutcome
		Steps []bec.Step `json:"steps"`
	}{(*plain)(r), r.Case, r.Case.Steps})
}

// notAWayIn are the steps of a response that close no way in: without them it can still hold.
var notAWayIn = []string{"snapshot", "litigationHold", "unblockSender", "restoreAutoReply", "notify", "confirmCompromised", "disableServicePrincipal", "issueAccessPass", "allowSignIn"}

// PlanCase shows a plan's steps in the words of its case.
func (r *WriteResult) PlanCase(run *jobs.Run, plan policy.Plan) {
	steps, names := workflows.ResponseSteps(run)
	if steps == nil {
		return
	}
	changes := map[string]jobs.Change{}
	for _, ch := range plan.Changes {
		changes[ch.Step] = ch
	}
	r.Case = &CaseOutcome{CaseID: caseOfRun(run), Steps: []bec.Step{}}
	for _, s := range steps {
		ch, ok := changes[names[s.ID]]
		if !ok {
			continue
		}
		s.Before, s.After, s.Status = ch.Before, ch.After, "planned"
		s.Undo = &bec.Undo{Possible: ch.NoWayBack == "" && ch.Manual == "" && ch.Nothing == "", Recipe: "cipp_undo_job"}
		if !s.Undo.Possible {
			s.Undo.Recipe = ""
		}
		switch {
		case ch.Manual != "":
			s.Status, s.Reason = jobs.StateManual, ch.Manual
		case ch.Nothing != "":
			s.Status, s.Reason = "skipped", ch.Nothing
		}
		r.Case.Steps = append(r.Case.Steps, s)
	}
}

func caseOfRun(run *jobs.Run) string {
	var p casePlan
	run.Get("found/casePlan", &p)
	return p.CaseID
}

// stepStatus are the words of a case for what became of a step.
var stepStatus = map[string]string{jobs.StateDone: "done", jobs.StateNothing: "done", jobs.StateManual: "manual_required", jobs.StateFailed: "failed", jobs.StateSkipped: "skipped", jobs.StateUnknown: "unknown",
	jobs.StateCancelled: "cancelled", jobs.StatePending: "running", jobs.StateIntent: "running", jobs.StateToDo: "planned"}

// caseOutcome tells what a response has come to, step by step, and whether it holds the attacker out; nil for any
// other run.
func (e *Env) caseOutcome(ctx context.Context, j jobs.Job) *CaseOutcome {
	steps, names := workflows.ResponseSteps(j.Run)
	if steps == nil {
		return nil
	}
	requests := e.requestIDs(ctx, j.Run.ID)
	rows := map[string]jobs.StepRow{}
	for _, row := range j.Steps {
		rows[row.Name] = row
	}
	out := &CaseOutcome{CaseID: caseOfRun(j.Run), Steps: []bec.Step{}}
	closed, ways := 0, 0
	for _, s := range steps {
		row, ok := rows[names[s.ID]]
		if !ok {
			continue
		}
		s.Before, s.After, s.Status, s.Reason = row.Change.Before, row.Change.After, stepStatus[row.State], firstNonEmpty(row.Detail, row.Change.Manual, row.Change.Nothing, s.Reason)
		s.Verified = (row.State == jobs.StateDone || row.State == jobs.StateNothing) && row.Class != jobs.Blind
		s.RequestID = requests[row.Name]
		s.Undo = &bec.Undo{Possible: row.State == jobs.StateDone && row.Change.NoWayBack == ""}
		if s.Undo.Possible {
			s.Undo.Recipe = "cipp_undo_job"
		}
		out.Steps = append(out.Steps, s)
		if slices.Contains(notAWayIn, s.Action) {
			continue
		}
		ways++
		if s.Verified {
			closed++
		} else {
			out.Remaining = append(out.Remaining, CaseLeftOver{s.Action, s.TargetID, s.TargetName, s.Reason, leftNext(s)})
		}
	}
	if ways == 0 {
		return out // nothing was to be contained by it
	}
	out.Remaining = append(out.Remaining, leftOut(j.Run, steps)...)
	if j.Ended() {
		switch {
		case closed == 0:
			out.Outcome = "failed"
		case len(out.Remaining) > 0:
			out.Outcome = "partially_contained"
		default:
			out.Outcome = "contained"
		}
	}
	return out
}

// leftOut are the ways in of the case's plan that this response was not to close.
func leftOut(run *jobs.Run, done []bec.Step) []CaseLeftOver {
	var p casePlan
	run.Get("found/casePlan", &p)
	var out []CaseLeftOver
	for _, s := range p.Plan {
		if !slices.Contains(notAWayIn, s.Action) && !slices.ContainsFunc(done, func(d bec.Step) bool { return d.ID == s.ID }) {
			out = append(out, CaseLeftOver{s.Action, s.TargetID, s.TargetName, "left out of this response", "Call " + remediateTool + " with steps=[\"" + s.ID + "\"]."})
		}
	}
	return out
}

func leftNext(s bec.Step) string {
	switch s.Status {
	case "manual_required":
		return "A person does it as the reason says."
	case "unknown":
		return "Read the state; the operator settles it with cipp-mcp jobs resolve."
	case "running":
		return "Microsoft is still at it; look at the job again."
	default:
		return "Read why, then call " + remediateTool + " with steps=[\"" + s.ID + "\"]."
	}
}

func firstNonEmpty(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// requestIDs are Microsoft's ids of the answers to a run's calls, the last of each step.
func (e *Env) requestIDs(ctx context.Context, runID string) map[string]string {
	lines, err := e.Policy.Ledger.Journal(ctx, jobs.JournalQuery{RunID: runID})
	out := map[string]string{}
	if err != nil {
		return out // the result is whole without them, and the record has them
	}
	for _, l := range lines { // the newest first
		if n := len(l.Event.Answers); n > 0 && out[l.Event.Step] == "" {
			out[l.Event.Step] = l.Event.Answers[n-1]
		}
	}
	return out
}

// caseText tells a response's outcome in lines.
func (o *CaseOutcome) text(l *lines) {
	if o.Outcome != "" {
		l.add("outcome: %s (%s)", o.Outcome, o.CaseID)
	}
	for _, left := range o.Remaining {
		l.add("still open: %s %s%s", left.Action, q(firstNonEmpty(left.TargetName, left.TargetID)), ifText(left.Reason, ": "))
	}
}
