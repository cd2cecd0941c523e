package workflows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

const (
	createPass = "create-access-pass"
	passID     = "accessPassId" // where a run keeps which pass it made
)

// CreateAccessPass gives a user a Temporary Access Pass (POST …/temporaryAccessPassMethods). Microsoft makes the pass and
// shows it in its answer alone: it is sealed at once. One whose answer was lost is known to nobody, so another is made,
// which takes its place.
func CreateAccessPass(t Target, s Sealer, in graphclient.NewAccessPass) jobs.Step {
	held := func(ctx context.Context) ([]graphclient.AccessPass, error) {
		return t.Graph.AccessPasses(ctx, t.tid(), t.User.ID)
	}
	return jobs.Step{
		Name: createPass, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			c := jobs.Change{Summary: "Create a Temporary Access Pass for " + t.User.UserPrincipalName, Before: "none"}
			old, err := held(ctx)
			if err != nil {
				return c, err
			}
			if len(old) > 0 {
				c.Before, c.NoWayBack = "there is one", "the earlier pass stops working and does not come back"
			}
			if err := s.Ready(); err != nil {
				c.Blockers = append(c.Blockers, err.Error())
			}
			policy, err := t.Graph.AccessPassPolicy(ctx, t.tid())
			if err != nil {
				return c, err
			}
			return c, t.judgePass(ctx, policy, in, &c)
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			var earlier string
			run.Get(SecretHandle, &earlier)
			p, err := t.Graph.CreateAccessPass(ctx, t.tid(), t.User.ID, in)
			if err != nil {
				return nil, err
			}
			handle, err := s.Seal(ctx, "temporary access pass", t.User.UserPrincipalName, p.Pass)
			if err != nil { // nobody would ever know it
				return nil, errors.Join(err, t.Graph.DeleteAccessPass(ctx, t.tid(), t.User.ID, p.ID))
			}
			if earlier != "" {
				s.Discard(ctx, earlier)
			}
			return jobs.Handle{"id": p.ID}, errors.Join(run.Put(SecretStep, createPass), run.Put(passID, p.ID), run.Keep(ctx, SecretHandle, handle))
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			var mine string
			run.Get(passID, &mine)
			now, err := held(ctx)
			switch {
			case err != nil:
				return jobs.Unknown, err
			case mine != "" && slices.ContainsFunc(now, func(p graphclient.AccessPass) bool { return p.ID == mine }):
				return jobs.Done, nil
			}
			return jobs.NotDone, nil
		},
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			var mine string
			if !run.Get(passID, &mine) || mine == "" {
				return nil, nil
			}
			return undo(createPass, effect{
				name: createPass, want: false,
				change: jobs.Change{Summary: "Take the Temporary Access Pass away", Target: mine, Before: "there", After: "gone"},
				there: func(ctx context.Context) (bool, error) {
					now, err := held(ctx)
					return slices.ContainsFunc(now, func(p graphclient.AccessPass) bool { return p.ID == mine }), err
				},
				do: func(ctx context.Context) error {
					return passing(t.Graph.DeleteAccessPass(ctx, t.tid(), t.User.ID, mine), graphclient.NotFound)
				},
			}.step())
		},
	}
}

// judgePass holds a pass against the tenant's policy: what Microsoft would refuse is said before.
func (t Target) judgePass(ctx context.Context, p graphclient.AccessPassPolicy, in graphclient.NewAccessPass, c *jobs.Change) error {
	lifetime, once := in.LifetimeInMinutes, p.IsUsableOnce
	if lifetime == 0 {
		lifetime = p.DefaultLifetimeInMinutes
	}
	if in.IsUsableOnce != nil {
		once = *in.IsUsableOnce
	}
	c.After = fmt.Sprintf("one for %d minutes, %s, sealed for the operator", lifetime, map[bool]string{true: "usable once", false: "usable more than once"}[once])
	if in.StartDateTime != nil {
		c.After += ", from " + stamp(in.StartDateTime)
	}
	upn := t.User.UserPrincipalName
	switch {
	case t.User.Guest() || strings.Contains(strings.ToUpper(upn), "#EXT#"):
		c.Blockers = append(c.Blockers, upn+" is a guest, and Microsoft gives guests no Temporary Access Pass")
	case !equalFold(p.State, "enabled"):
		c.Blockers = append(c.Blockers, "the authentication methods policy of "+t.Tenant.DefaultDomain+" does not allow Temporary Access Passes: an administrator enables them in the Entra admin centre (Authentication methods, Policies)")
	case lifetime < p.MinimumLifetimeInMinutes || lifetime > p.MaximumLifetimeInMinutes:
		c.Blockers = append(c.Blockers, fmt.Sprintf("the tenant's policy allows %d to %d minutes, not %d", p.MinimumLifetimeInMinutes, p.MaximumLifetimeInMinutes, lifetime))
	case in.StartDateTime != nil && in.StartDateTime.Before(t.Clock.Now()):
		c.Blockers = append(c.Blockers, "startAt lies in the past")
	case p.IsUsableOnce && !once:
		c.Blockers = append(c.Blockers, "the tenant's policy allows only passes that are usable once")
	}
	if t.User.AccountEnabled != nil && !*t.User.AccountEnabled {
		c.Warnings = append(c.Warnings, "sign-in of "+upn+" is blocked, so the pass opens nothing until it is allowed")
	}
	c.Warnings = append(c.Warnings, "whoever has the pass gets in as "+upn+" without password and MFA, and can register methods: give it to that person only")
	included, err := t.among(ctx, p.IncludeTargets)
	if err != nil {
		return err
	}
	out, err := t.among(ctx, p.ExcludeTargets)
	if err == nil && (out || !included && len(p.IncludeTargets) > 0) {
		c.Warnings = append(c.Warnings, upn+" does not seem to be among those for whom the tenant's policy allows Temporary Access Passes (only direct members of its groups are seen); Microsoft may refuse it")
	}
	return err
}

// among says whether a policy's targets mean the user: everybody, or a group the user is a direct member of.
func (t Target) among(ctx context.Context, targets []graphclient.PolicyTarget) (bool, error) {
	for _, x := range targets {
		if equalFold(x.ID, "all_users") {
			return true, nil
		}
		in, err := t.Graph.IsGroupMember(ctx, t.tid(), x.ID, t.User.ID)
		if in || err != nil && graphclient.KindOf(err) != graphclient.NotFound {
			return in, err
		}
	}
	return false, nil
}
