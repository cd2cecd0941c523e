package workflows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// binTime is how long a deleted user can be restored.
const binTime = 30 * 24 * time.Hour

// DeletedAt is where a run keeps when the user was deleted.
const DeletedAt = "deletedAt"

// RestorableUntil is until when a user who is deleted at that time can be restored.
func RestorableUntil(at time.Time) time.Time { return at.Add(binTime) }

const deleteUser = "delete-user"

// deletedUser is the user in the recycle bin, nil where it is not there.
func (t Target) deletedUser(ctx context.Context) (*graphclient.User, error) {
	for p, err := range t.Graph.Users(ctx, t.tid(), graphclient.UserQuery{Deleted: true, Filter: "id eq " + graphclient.ODataString(t.User.ID), Select: []string{"id", "userPrincipalName", "displayName", "deletedDateTime"}}) {
		if err != nil {
			return nil, err
		}
		for _, u := range p.Users {
			if u.ID == t.User.ID {
				return &u, nil
			}
		}
	}
	return nil, nil
}

// lives says whether the user is in the directory.
func (t Target) lives(ctx context.Context) (bool, error) {
	_, err := t.Graph.User(ctx, t.tid(), t.User.ID, "id")
	if graphclient.KindOf(err) == graphclient.NotFound {
		return false, nil
	}
	return err == nil, err
}

// DeleteUser moves the user to the recycle bin (DELETE /users/{id}), whence it can be restored for 30 days.
func DeleteUser(t Target) jobs.Step {
	e := effect{
		name: deleteUser, want: false, there: t.lives,
		change: jobs.Change{Summary: "Delete " + t.User.UserPrincipalName, Before: "there", After: "in the recycle bin"},
		judge: func(ctx context.Context, c *jobs.Change) error {
			c.Warnings = append(c.Warnings, fmt.Sprintf("deleted today, %s can be restored until %s and is gone for good after that, with mailbox and OneDrive unless something holds them",
				t.User.UserPrincipalName, RestorableUntil(t.Clock.Now()).Format(time.DateOnly)))
			if t.User.Synced() {
				c.Blockers = append(c.Blockers, onPremisesSentence(t.User.UserPrincipalName, "the account"))
			}
			owned, err := t.ownedGroups(ctx)
			for _, g := range owned {
				if g.Sole {
					c.Blockers = append(c.Blockers, t.User.UserPrincipalName+" is the only owner of "+jobs.Fence(g.DisplayName)+": name another owner first, or nobody can manage it")
				}
			}
			return err
		},
		do: func(ctx context.Context) error {
			return passing(t.Graph.DeleteUser(ctx, t.tid(), t.User.ID), graphclient.NotFound)
		},
		back: func() jobs.Step { return RestoreUser(t) },
	}
	return e.step()
}

// RestoreUser brings the user back from the recycle bin (POST /directory/deletedItems/{id}/restore), with groups,
// licences and mailbox as far as Microsoft keeps them.
func RestoreUser(t Target) jobs.Step {
	e := effect{
		name: "restore-user", want: true, there: t.lives,
		change: jobs.Change{Summary: "Restore " + t.User.UserPrincipalName, Before: "in the recycle bin", After: "there"},
		judge: func(ctx context.Context, c *jobs.Change) error {
			u, err := t.deletedUser(ctx)
			if err == nil && u == nil {
				c.Blockers = append(c.Blockers, t.User.UserPrincipalName+" is not in the recycle bin: after 30 days, or once it is emptied, there is nothing to restore")
			}
			return err
		},
		do: func(ctx context.Context) error {
			_, err := t.Graph.RestoreUser(ctx, t.tid(), t.User.ID)
			return err
		},
		back: func() jobs.Step { return DeleteUser(t) },
	}
	return e.step()
}

// Scheduler makes runs that begin later, below the run they come from.
type Scheduler interface {
	// Schedule makes a run of a tool for a time and answers its id.
	Schedule(ctx context.Context, run *jobs.Run, tool string, args map[string]any, at time.Time) (jobID string, err error)
	// Scheduled says whether such a run is there and has not begun.
	Scheduled(ctx context.Context, jobID string) (bool, error)
	// Cancel calls one off.
	Cancel(ctx context.Context, jobID string) error
}

// Later is a run that begins after so many days.
type Later struct {
	Step    string // the step's name
	Summary string
	Tool    string
	// Args are the arguments of that run, made of what the run has done by then; nil: there is nothing to plan.
	Args func(*jobs.Run) map[string]any
	Days int
}

// Schedule makes a run for later and sees that it is there. Undone, the run is called off; one that has begun
// cannot be, and whoever undoes it has to undo that run itself, or restore the user.
func Schedule(t Target, s Scheduler, l Later) jobs.Step {
	key := l.Step + "/job"
	return jobs.Step{
		Name: l.Step, Class: jobs.Verifiable,
		Plan: func(context.Context, *jobs.Run) (jobs.Change, error) {
			at := t.Clock.Now().AddDate(0, 0, l.Days)
			c := jobs.Change{Summary: l.Summary, Before: "not planned", After: "planned for " + at.Format(time.DateOnly)}
			if s == nil {
				c.Blockers = append(c.Blockers, l.Summary+": this server plans nothing for later; leave it out and do it by hand on "+at.Format(time.DateOnly))
			}
			return c, nil
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			if s == nil {
				return nil, errNoScheduler
			}
			args := l.Args(run)
			if args == nil {
				return nil, run.Keep(ctx, key, "")
			}
			id, err := s.Schedule(ctx, run, l.Tool, args, t.Clock.Now().AddDate(0, 0, l.Days))
			if err != nil {
				return nil, err
			}
			return jobs.Handle{"job": id}, run.Keep(ctx, key, id)
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			var id string
			if s == nil || !run.Get(key, &id) {
				return jobs.Unknown, nil // it may have been made; its name was lost
			}
			if id == "" {
				return jobs.Done, nil // there was nothing to plan
			}
			there, err := s.Scheduled(ctx, id)
			switch {
			case err != nil:
				return jobs.Unknown, err
			case there:
				return jobs.Done, nil
			default:
				return jobs.NotDone, nil
			}
		},
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			var id string
			if !run.Get(key, &id) || id == "" || s == nil {
				return nil, nil
			}
			return undo(l.Step, callOff(t, s, l, id))
		},
	}
}

var errNoScheduler = errors.New("not begun: this server plans nothing for later")

// callOff cancels a planned run. Where a deletion has happened already the user is restored instead.
func callOff(t Target, s Scheduler, l Later, id string) jobs.Step {
	e := effect{
		want: false, change: jobs.Change{Summary: "Call off: " + l.Summary, Target: id, Before: "planned", After: "called off"},
		there: func(ctx context.Context) (bool, error) { return s.Scheduled(ctx, id) },
		do:    func(ctx context.Context) error { return s.Cancel(ctx, id) },
	}
	off := e.step()
	if l.Tool != DeleteTool {
		return off
	}
	back := RestoreUser(t)
	pick := func(ctx context.Context) (jobs.Step, error) {
		lives, err := t.lives(ctx)
		if lives || err != nil {
			return off, err
		}
		return back, nil
	}
	return jobs.Step{
		Class: jobs.Idempotent,
		Plan: func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
			s, err := pick(ctx)
			if err != nil {
				return jobs.Change{}, err
			}
			return s.Plan(ctx, run)
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			s, err := pick(ctx)
			if err != nil {
				return nil, err
			}
			return s.Do(ctx, run)
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			if out, err := back.Verify(ctx, run); err != nil || out != jobs.Done {
				return out, err
			}
			return off.Verify(ctx, run)
		},
	}
}

// The tools that runs for later are of.
const (
	DeleteTool    = "cipp_delete_user"
	EndAccessTool = "cipp_end_access"
)
