package workflows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/workflows/bec"
)

// The way back for the user: a pass that a person hands over, then the account. Both are asked for by their ids, after the
// response, and the account opens only when what would let the attacker in again is gone.

// handOver makes the pass, for the operator's hands alone. The password of the same response would lie under the same
// handle, and comes first anyway.
func (t Target) handOver(s Sealer, f responseFound) jobs.Step {
	once := true
	step := softened(CreateAccessPass(t, s, graphclient.NewAccessPass{IsUsableOnce: &once}))
	if f.does("resetPassword") {
		return onlyShown(step.Name, jobs.Change{Summary: "Create a Temporary Access Pass for " + t.User.UserPrincipalName, Target: t.User.ID,
			Blockers: []string{"a pass is handed over once the response is done: call with the pass alone in steps then"}})
	}
	plan := step.Plan
	step.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if err == nil && c.Runs() {
			c.Warnings = append(c.Warnings, "hand it over in person, or by a call back to a number that was known before: not by mail, chat or a number that the mailbox names")
		}
		return c, err
	}
	return step
}

// does says whether this response carries out an action.
func (f responseFound) does(action string) bool {
	return slices.ContainsFunc(f.Plan, func(b bec.Step) bool { return b.Action == action && b.Status != jobs.StateManual })
}

// reopen allows sign-in again, when nothing of the attacker's could be used for one.
func (t Target) reopen(f responseFound) jobs.Step {
	step := SetSignIn(t, true)
	plan, do := step.Plan, step.Do
	step.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if err != nil || c.Nothing != "" {
			return c, err
		}
		open, err := t.stillOpen(ctx, f, true)
		if len(open) > 0 {
			c.Blockers = append(c.Blockers, "sign-in stays blocked as long as this lets the attacker in again: "+strings.Join(open, "; "))
		}
		return c, err
	}
	step.Do = func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
		open, err := t.stillOpen(ctx, f, false) // the steps before this one may have failed
		if err != nil {
			return nil, err
		}
		if len(open) > 0 {
			return nil, fmt.Errorf("sign-in stays blocked: %w", errors.New(strings.Join(open, "; ")))
		}
		return do(ctx, run)
	}
	return step
}

// stillOpen are the things of the attacker's by which an account that is enabled can be entered: a password that may be
// known, methods and devices. planned leaves out what this response is about to take away.
func (t Target) stillOpen(ctx context.Context, f responseFound, planned bool) ([]string, error) {
	var open []string
	done := func(b bec.Step) bool {
		return planned && b.Status != jobs.StateManual && slices.ContainsFunc(f.Plan, func(x bec.Step) bool { return x.ID == b.ID })
	}
	u, err := t.Graph.User(ctx, t.tid(), t.User.ID, "id", "lastPasswordChangeDateTime")
	if err != nil {
		return nil, err
	}
	for _, b := range f.Whole {
		if done(b) {
			continue
		}
		switch b.Action {
		case "resetPassword":
			if !f.since(u.LastPasswordChangeDateTime) {
				open = append(open, b.ID+" resetPassword: the password is of before this response")
			}
		case "removeMethod":
			there, err := t.methodThere(ctx, last(b.TargetID))
			if err != nil {
				return nil, err
			}
			if there {
				open = append(open, b.ID+" removeMethod: the method is still registered")
			}
		case "disableDevice":
			there, err := t.deviceEnabled(ctx, last(b.TargetID))
			if err != nil {
				return nil, err
			}
			if there {
				open = append(open, b.ID+" disableDevice: the device is still enabled")
			}
		}
	}
	return open, nil
}

// since tells whether something was done after the evidence was kept, and after the attacker's last known act: then it was
// no attacker's. Microsoft keeps whole seconds.
func (f responseFound) since(at *time.Time) bool {
	return at != nil && !f.Snapshot.IsZero() && !at.Before(f.Snapshot.Truncate(time.Second)) && at.After(f.LastAct)
}

func (t Target) methodThere(ctx context.Context, id string) (bool, error) {
	now, err := t.Graph.AuthMethods(ctx, t.tid(), t.User.ID)
	return slices.ContainsFunc(now, func(m graphclient.AuthMethod) bool { return equalFold(m.ID, id) }), err
}

func (t Target) deviceEnabled(ctx context.Context, id string) (bool, error) {
	var f responseFound
	if err := t.devicesFound(ctx, &f); err != nil {
		return false, err
	}
	return slices.ContainsFunc(f.Devices, func(d deviceFound) bool { return equalFold(d.ID, id) && d.Enabled }), nil
}

// byHand is a step that a person does. What the cloud shows of it is its proof: then nothing is left to do.
func (t Target) byHand(f responseFound, b bec.Step) jobs.Step {
	step := manualStep(b, b.Reason)
	plan := step.Plan
	step.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if err != nil {
			return c, err
		}
		if why, err := t.proven(ctx, f, b); err != nil || why != "" {
			c.Manual, c.Nothing = "", why
			return c, err
		}
		return c, nil
	}
	return step
}

// proven says by what Microsoft shows that a person has done a step in the local directory; "" where it is not.
func (t Target) proven(ctx context.Context, f responseFound, b bec.Step) (string, error) {
	if b.Action != "resetPassword" && b.Action != "blockSignIn" && b.Action != "allowSignIn" {
		return "", nil
	}
	u, err := t.Graph.User(ctx, t.tid(), t.User.ID, "id", "accountEnabled", "lastPasswordChangeDateTime")
	if err != nil {
		return "", err
	}
	at, enabled := u.LastPasswordChangeDateTime, u.AccountEnabled == nil || *u.AccountEnabled
	switch {
	case b.Action == "resetPassword" && f.since(at):
		return "the password was set " + stamp(at) + ", after the evidence was kept", nil
	case b.Action == "blockSignIn" && !enabled:
		return "sign-in is blocked already", nil
	case b.Action == "allowSignIn" && enabled:
		return "sign-in is allowed already", nil
	}
	return "", nil
}
