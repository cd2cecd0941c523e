package tools

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"cipp-mcp/graphclient"
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
}, func(ctx context.Context, c *Call, in ControlJobIn) (Work, error) {
	w := Work{Steps: []jobs.Step{controlStep(c, c.Job.Run.ID, in.Action)}}
	if in.Action == "cancel" {
		return w, nil
	}
	below, err := c.goOn(ctx, c.Job.Run.ID, in.Action)
	if err != nil {
		return w, err
	}
	// What runs again is as risky as it was, and needs as many persons.
	w.Risk, w.Parts = c.Policy.Took(append(below, c.Job.RunInfo)...)
	return w, nil
})

// goOn are the writes below a job that a retry, or a resume, sets to work again.
func (c *Call) goOn(ctx context.Context, id, action string) ([]jobs.RunInfo, error) {
	state := jobs.RunAttention
	if action == "resume" {
		state = jobs.RunCancelled
	}
	below, err := c.Policy.Ledger.ChildJobs(ctx, id)
	return slices.DeleteFunc(below, func(r jobs.RunInfo) bool { return r.State != state || !toolOf(r.Kind).Writes() }), err
}

// guardAgain adds to a change what guards the users of runs that are to go on, by now: the job itself may be about
// nobody, and weeks may lie between.
func (c *Call) guardAgain(ctx context.Context, below []jobs.RunInfo, ch *jobs.Change) error {
	names, plans := map[string][]string{}, map[string]int{}
	for _, r := range below {
		if r.Run.UserID != "" {
			plans[r.Run.TenantID]++
			names[r.Run.TenantID] = append(names[r.Run.TenantID], r.Run.UserID)
		}
	}
	ctx = c.withUsers(policy.Together(ctx, plans), names)
	guarded := make([]policy.Plan, len(below))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(bulkWide)
	for i, r := range below {
		if r.Run.UserID == "" {
			continue
		}
		g.Go(func() error {
			return jobs.Caught(func() error {
				tenant, err := c.Graph.ResolveTenant(gctx, r.Run.TenantID)
				if err != nil {
					return err
				}
				u, err := c.user(gctx, tenant.ID, r.Run.UserID)
				if graphclient.KindOf(err) == graphclient.NotFound {
					return nil // deleted meanwhile; its own steps say so
				}
				if err != nil {
					return err
				}
				guarded[i], err = c.Policy.StillGuarded(gctx, r, tenant, &u, names[tenant.ID])
				return err
			})
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	var critical, blockers, warnings gathered
	for i, p := range guarded {
		r := bulkRow{N: i + 1, User: below[i].Run.User}
		critical.add(r, 3, p.Critical...)
		blockers.add(r, shownErrors, p.Blockers...)
		warnings.add(r, sampleRows, p.Warnings...)
	}
	ch.Critical, ch.Blockers, ch.Warnings = strings.Join(critical.list("jobs need the operator"), "; "), blockers.list("jobs are blocked"), warnings.list("warnings")
	return nil
}

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
			if err != nil {
				return jobs.Change{}, err
			}
			ch := controlChange(j, children, action)
			if action == "cancel" || ch.Nothing != "" {
				return ch, nil
			}
			below, err := c.goOn(ctx, id, action)
			if err != nil {
				return ch, err
			}
			if err := c.guardAgain(ctx, below, &ch); err != nil {
				return ch, err
			}
			n, err := l.CalledOffBelow(ctx, id)
			if n > 0 { // somebody may have called one off for a reason of its own
				ch.Warnings = append(ch.Warnings, fmt.Sprintf("%s that its rows had planned for later and that were called off stay so; cipp_list_scheduled_items with status=all names them, and each is resumed by itself", count(n, "job", "jobs")))
			}
			return ch, err
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
	n, err := l.RetryChildren(ctx, id, runRows, "cipp_control_job", resume)
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
