package tools

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
)

// ControlJobIn are the arguments of cipp_control_job.
type ControlJobIn struct {
	JobArg
	Action string `json:"action" jsonschema:"enum=cancel,enum=retry,enum=resume" jsonschema_description:"cancel: begin no further step. retry: failed steps again. resume: go on after a cancel."`
	WriteArgs
}

var controlJob = Write(Tool{
	Name: "cipp_control_job", Title: "Cancel or retry a job", Toolset: "jobs", Risk: policy.Write, MayDestroy: true, Idempotent: true, Aliases: map[string]string{"id": "jobId", "job": "jobId"},
	Description: "Cancels a job between two steps, runs its failed steps again, or goes on after a cancel. What a job has done stays: cipp_undo_job brings it back.",
	Example:     `{"jobId":"run_00000000000000000000000000000000","action":"cancel","dryRun":true}`,
}, func(_ context.Context, c *Call, in ControlJobIn) (Work, error) {
	w := Work{Steps: []jobs.Step{controlStep(c, c.Job.Run.ID, in.Action)}}
	if in.Action != "cancel" { // what runs again is as risky as it was
		w.Risk = c.Policy.RiskOf(c.Job.RunInfo)
	}
	return w, nil
})

// controlStep is one thing done to a job, in the shape of every other write.
func controlStep(c *Call, id, action string) jobs.Step {
	l := c.Policy.Ledger
	return jobs.Step{
		Name: action + "-job", Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			j, err := l.Job(ctx, id)
			if err != nil {
				return jobs.Change{}, err
			}
			children, err := l.Children(ctx, id)
			return controlChange(j, children, action), err
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			var err error
			switch action {
			case "cancel":
				err = l.Cancel(ctx, id, "cipp_control_job")
			default:
				err = again(ctx, l, id, action == "resume")
			}
			if errors.Is(err, jobs.ErrNotEnded) {
				err = nil // it is at work again already
			}
			return nil, errors.Join(err, run.Put("told", err == nil))
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			j, err := l.Job(ctx, id)
			var told bool
			run.Get("told", &told)
			switch {
			case err != nil:
				return jobs.Unknown, err
			case told, action == "cancel" && (j.Cancelled || j.Ended()), action != "cancel" && !j.Ended():
				return jobs.Done, nil
			default:
				return jobs.NotDone, nil
			}
		},
	}
}

// again runs a job again, or those of its rows that need it.
func again(ctx context.Context, l *jobs.Ledger, id string, resume bool) error {
	n, err := l.RetryChildren(ctx, id, "cipp_control_job", resume)
	switch {
	case err != nil || n > 0:
		return err
	case resume:
		return l.Resume(ctx, id, "cipp_control_job")
	default:
		return l.Retry(ctx, id, "cipp_control_job")
	}
}

func controlChange(j jobs.Job, children map[string]int, action string) jobs.Change {
	c := jobs.Change{Summary: fmt.Sprintf("%s the job %s (%s)", strings.ToUpper(action[:1])+action[1:], j.Run.ID, j.Tool()), Target: j.Run.ID, Before: j.State}
	if action == "cancel" {
		c.After = "cancelled; what is done stays done"
		if j.Ended() {
			c.Nothing = "the job has ended already: " + j.State
		}
		return c
	}
	again := map[string]bool{jobs.StateCancelled: true, jobs.StateSkipped: true, jobs.StatePending: true, jobs.StateIntent: true, jobs.StateFailed: action == "retry", jobs.StateToDo: true}
	var names []string
	for _, s := range j.Steps {
		if again[s.State] {
			names = append(names, s.Name)
		}
	}
	rows := children[jobs.RunAttention]
	if action == "resume" {
		rows = children[jobs.RunCancelled]
	}
	if rows > 0 {
		names = append(names, count(rows, "row", "rows"))
	}
	c.After = "running again: " + strings.Join(names, ", ")
	switch {
	case !j.Ended():
		c.Nothing = "the job is at work"
	case len(names) == 0:
		c.Nothing = "no step of it can run again"
	}
	return c
}
