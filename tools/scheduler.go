package tools

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// scheduler makes runs for later below the run of a call. They were shown and approved as a step of that run;
// when their time comes they are planned and checked again like any other, but for their number: what was approved once may fall due
// in whatever hour.
type scheduler struct{ call *Call }

func (c *Call) scheduler() workflows.Scheduler { return scheduler{c} }

// Schedule makes a run of a tool for a time and answers its id. Asked twice by the same run for the same, it
// answers the first: the process may have died before it could keep the id.
func (s scheduler) Schedule(ctx context.Context, parent *jobs.Run, tool string, args map[string]any, at time.Time) (string, error) {
	l := s.call.Policy.Ledger
	key := strings.Join([]string{"child of", parent.ID, tool, policy.ArgsHash(args)}, " ")
	if id, err := l.ByKey(ctx, key); id != "" || err != nil {
		return id, err
	}
	i := slices.IndexFunc(known(), func(t Tool) bool { return t.Name == tool })
	if i < 0 {
		return "", fmt.Errorf("there is no tool %s", tool)
	}
	t := known()[i]
	in, err := t.input(args)
	if err != nil {
		return "", err
	}
	child := &Call{Env: s.call.Env, Tenant: s.call.Tenant, User: s.call.User, Progress: func(int, int, string) {}}
	if err := child.Begin(ctx, tool); err != nil {
		return "", err
	}
	w, err := t.Work(ctx, child, in)
	if err != nil {
		return "", err
	}
	req := policy.Request{Tool: tool, Risk: max(t.Risk, w.Risk), Tenant: child.Tenant, User: child.User, Args: args, Steps: w.Steps, Warnings: w.Warnings, Client: "job " + parent.ID, Row: true}
	plan, err := s.call.Policy.Plan(ctx, req, child.Run)
	if err != nil {
		return "", err
	}
	if len(plan.Blockers) > 0 {
		return "", errors.New("not planned: " + strings.Join(plan.Blockers, "; "))
	}
	above, err := l.Job(ctx, parent.ID)
	if err != nil {
		return "", err
	}
	switch more, err := s.call.Policy.NeedsMore(ctx, above.RunInfo, req, plan); {
	case err != nil:
		return "", err
	case more: // who approved the whole has not approved this
		return "", fmt.Errorf("not planned: %s needs an approval of its own by now%s; call it with runAt", tool, ifText(strings.Join(plan.Critical, "; "), ": "))
	}
	err = s.call.Policy.Start(ctx, policy.Start{Request: req, Run: child.Run, Plan: plan, ApprovedBy: "approved with job " + parent.ID, NotBefore: at.UTC(), ParentID: parent.ID, CallKey: key})
	if errors.Is(err, policy.ErrCallKnown) {
		return l.ByKey(ctx, key)
	}
	return child.Run.ID, err
}

// Scheduled says whether such a run is there and has not begun.
func (s scheduler) Scheduled(ctx context.Context, jobID string) (bool, error) {
	j, err := s.call.Policy.Ledger.Job(ctx, jobID)
	if errors.Is(err, jobs.ErrNoRun) {
		return false, nil
	}
	return err == nil && j.State == jobs.RunQueued && !j.Cancelled, err
}

// Cancel calls one off.
func (s scheduler) Cancel(ctx context.Context, jobID string) error {
	err := s.call.Policy.Ledger.Cancel(ctx, jobID, "cipp_undo_job")
	if errors.Is(err, jobs.ErrNoRun) {
		return nil
	}
	return err
}
