package workflows

import (
	"context"
	"errors"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// effect is a step whose effect one reading shows: something is there, or it is not.
type effect struct {
	name   string
	change jobs.Change
	// want says whether it shall be there when the step is done.
	want bool
	// known: planning has just read that it is not as it shall be, so that the plan need not read again.
	known bool
	there func(context.Context) (bool, error)
	do    func(context.Context) error
	// already are the answers to do that mean it was so before. Where they are given nothing is read before the
	// call: the first call's answer tells as much, and somebody may be in hundreds of groups.
	already []graphclient.Kind
	// judge adds to the plan what stands against the step, or has to be known before; nil adds nothing.
	judge func(context.Context, *jobs.Change) error
	// back is the opposite step; nil where Microsoft has no way back, which change.NoWayBack then says.
	back func() jobs.Step
}

// step makes the effect a step. What was there is kept before the first call: a thing that was as it
// shall be already is neither written nor brought back later.
func (e effect) step() jobs.Step {
	return jobs.Step{
		Name: e.name, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			c := e.change
			c.Warnings, c.Blockers = slices.Clone(c.Warnings), slices.Clone(c.Blockers)
			if !e.known {
				there, err := e.there(ctx)
				if err != nil {
					return c, err
				}
				if there == e.want {
					c.Before, c.NoWayBack, c.Critical = c.After, "", ""
					c.Nothing = "it is so already"
					return c, nil
				}
			}
			if e.judge == nil {
				return c, nil
			}
			return c, e.judge(ctx, &c)
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			first := false
			was, err := jobs.KeepBefore(ctx, func(ctx context.Context) (bool, error) {
				first = true
				if e.already != nil {
					return !e.want, nil
				}
				return e.there(ctx)
			})
			if err != nil || was == e.want {
				return nil, err
			}
			err = e.do(ctx)
			if err == nil || !slices.Contains(e.already, graphclient.KindOf(err)) {
				return nil, err
			}
			if first { // a later call would meet its own effect
				return nil, run.Keep(ctx, e.wasSo(), true)
			}
			return nil, nil
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			there, err := e.there(ctx)
			return there == e.want, err
		}),
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			var was, so bool
			if e.back == nil || !run.Before(e.name, &was) || was == e.want || run.Get(e.wasSo(), &so) && so {
				return nil, nil
			}
			return undo(e.name, e.back())
		},
	}
}

// wasSo is where a run keeps that the first call found everything as it should be.
func (e effect) wasSo() string { return e.name + "/wasSo" }

// undo names the step that brings another's effect back. Undoing an undo is doing it again: that is
// asked for anew. A mailbox that went with the licence is no reason to leave a step out: the licence comes
// back first, and the mailbox with it.
func undo(of string, s jobs.Step) (*jobs.Step, error) {
	s.Name, s.Undo = "undo-"+of, nil
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if graphclient.KindOf(err) != graphclient.NoMailbox && c.Nothing != withoutMailbox {
			return c, err
		}
		c.Before, c.After, c.Nothing = "there is no mailbox now", "as it was", ""
		c.Warnings = append(c.Warnings, "what was set in the mailbox is brought back once the licence has brought the mailbox back")
		return c, nil
	}
	return &s, nil
}

// withoutMailbox is why a step on a mailbox has nothing to do.
const withoutMailbox = "there is no mailbox"

// OrderUndo puts the undo steps of a run, which come in the order of the run, into the order in which
// they are to be done: the last first. So a deletion is called off, or the user restored, before
// anything else; licences and the groups that grant them come back before the mailbox is made a user's
// again, which needs them; and sign-in is allowed last, when the account holds again what it held.
func OrderUndo(steps []jobs.Step) []jobs.Step {
	out := slices.Clone(steps)
	slices.Reverse(out)
	restores := slices.ContainsFunc(out, func(s jobs.Step) bool { return s.Name == undoDeletion })
	var licences []string
	for i, s := range out {
		if restores && s.Name != undoDeletion {
			out[i] = onceRestored(s)
			s = out[i]
		}
		switch {
		case s.Name == "undo-"+removeLicenses, len(s.Name) > len(undoGroup) && s.Name[:len(undoGroup)] == undoGroup:
			licences = append(licences, s.Name)
		case s.Name == "undo-"+convertToShared:
			out[i].Needs = append(slices.Clone(s.Needs), licences...)
		}
	}
	return out
}

const (
	undoGroup    = "undo-" + leaveGroup
	undoDeletion = "undo-" + scheduleDeletion
)

// onceRestored lets a step wait for the user, who may have been deleted in the meantime: as long as nobody is there,
// nothing can be read for a plan.
func onceRestored(s jobs.Step) jobs.Step {
	s.Needs = append(slices.Clone(s.Needs), undoDeletion)
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if graphclient.KindOf(err) != graphclient.NotFound {
			return c, err
		}
		if c.Summary == "" {
			c.Summary = strings.ReplaceAll(s.Name, "-", " ")
		}
		c.Before, c.After = "the user is deleted", "as it was"
		c.Warnings = append(c.Warnings, "the user is deleted and is restored first; what the other steps find then cannot be shown before")
		return c, nil
	}
	return s
}

// passing turns refusals that mean "it is so already" into success.
func passing(err error, kinds ...graphclient.Kind) error {
	if err != nil && slices.Contains(kinds, graphclient.KindOf(err)) {
		return nil
	}
	return err
}

// order gives an order that takes effect later, and keeps whether Microsoft took it.
func order(ctx context.Context, run *jobs.Run, name string, give func() error) error {
	if err := run.Keep(ctx, name+"Answered", false); err != nil {
		return err
	}
	err := give()
	return errors.Join(err, run.Put(name+"Answered", err == nil))
}

// underWay is the outcome of an order whose effect is not there yet. Only one that Microsoft took can be under
// way: one whose answer was lost, perhaps with the process that sent it, may never have arrived, and all of
// these orders may be given again.
func underWay(run *jobs.Run, name string) jobs.Outcome {
	var answered bool
	if run.Get(name+"Answered", &answered) && answered {
		return jobs.Pending
	}
	return jobs.NotDone
}
