package workflows

import (
	"context"
	"fmt"
	"strings"

	"cipp-mcp/internal/jobs"
)

// BlockOptions are what goes together with blocking a user's sign-in.
type BlockOptions struct {
	RevokeSessions bool
	RemoveGroups   bool
	RemoveLicenses bool
	// Schedules are the jobs that would change the sign-in later, and Cancel calls them off.
	Schedules []PlannedJob
	Cancel    Scheduler
}

// PlannedJob is a job that waits for its time.
type PlannedJob struct {
	JobID string `json:"jobId"`
	Tool  string `json:"tool"`
	At    string `json:"at"`
}

// BlockUser blocks the sign-in first, then takes what was chosen, the groups that grant licences last.
func BlockUser(ctx context.Context, t Target, run *jobs.Run, o BlockOptions) ([]jobs.Step, error) {
	steps := []jobs.Step{SetSignIn(t, false)}
	if o.RevokeSessions {
		steps = append(steps, RevokeSessions(t))
	}
	if len(o.Schedules) > 0 {
		steps = append(steps, clearSchedules(o))
	}
	if !o.RemoveGroups && !o.RemoveLicenses {
		return steps, nil
	}
	_, now, last, err := leaveGroups(ctx, t, run, OffboardingOptions{RemoveFromGroups: o.RemoveGroups, RemoveLicenses: o.RemoveLicenses})
	if err != nil {
		return nil, err
	}
	steps = append(steps, now...)
	if o.RemoveLicenses {
		if last, err = loseLicences(ctx, t, run, last, false); err != nil {
			return nil, err
		}
	}
	return append(steps, last...), nil
}

// clearSchedules calls off what would allow or block the sign-in at a time that was set before.
func clearSchedules(o BlockOptions) jobs.Step {
	left := func(ctx context.Context) ([]string, error) {
		var out []string
		for _, s := range o.Schedules {
			there, err := o.Cancel.Scheduled(ctx, s.JobID)
			if err != nil {
				return nil, err
			}
			if there {
				out = append(out, s.JobID)
			}
		}
		return out, nil
	}
	return jobs.Step{
		Name: "clear-schedules", Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			c := jobs.Change{Summary: "Call off what was planned for this sign-in", After: "called off", NoWayBack: "a job that was called off is asked for anew"}
			var words []string
			for _, s := range o.Schedules {
				words = append(words, fmt.Sprintf("%s on %s (%s)", s.Tool, s.At, s.JobID))
			}
			c.Before = strings.Join(words, ", ")
			still, err := left(ctx)
			if len(still) == 0 {
				c.Nothing = "nothing is planned any more"
			}
			return c, err
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			still, err := left(ctx)
			for _, id := range still {
				if err := o.Cancel.Cancel(ctx, id); err != nil {
					return nil, err
				}
			}
			return nil, err
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			still, err := left(ctx)
			return len(still) == 0, err
		}),
	}
}
