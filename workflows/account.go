package workflows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// SetSignIn blocks or allows the user's sign-in (PATCH /users/{id} accountEnabled). Sessions that are
// open go on until they are revoked.
func SetSignIn(t Target, enabled bool) jobs.Step {
	name, verb := "block-sign-in", "Block sign-in"
	if enabled {
		name, verb = "allow-sign-in", "Allow sign-in"
	}
	read := func(ctx context.Context) (graphclient.User, error) {
		return t.Graph.User(ctx, t.tid(), t.User.ID, "id", "accountEnabled", "onPremisesSyncEnabled")
	}
	return jobs.Step{
		Name: name, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			u, err := read(ctx)
			if err != nil {
				return jobs.Change{}, err
			}
			c := jobs.Change{Summary: verb, Before: enabledWord(u.AccountEnabled), After: enabledWord(&enabled)}
			if c.Before == c.After {
				c.Nothing = "sign-in is " + c.After + " already"
			}
			if u.Synced() {
				c.Warnings = append(c.Warnings, onPremisesSentence(t.User.UserPrincipalName, "the account's state")+" as well: the next synchronisation brings back what is set there")
			}
			return c, nil
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			_, err := jobs.KeepBefore(ctx, func(ctx context.Context) (*bool, error) {
				u, err := read(ctx)
				return u.AccountEnabled, err
			})
			if err != nil {
				return nil, err
			}
			return nil, t.Graph.UpdateUser(ctx, t.tid(), t.User.ID, map[string]any{"accountEnabled": enabled})
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			u, err := read(ctx)
			return u.AccountEnabled != nil && *u.AccountEnabled == enabled, err
		}),
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			var was *bool
			if !run.Before(name, &was) || was == nil || *was == enabled {
				return nil, nil
			}
			return undo(name, SetSignIn(t, *was))
		},
	}
}

// sameSecond: Microsoft keeps whole seconds, so a second change right after another bears the same.
const sameSecond = 2 * time.Second

// setAnew says whether a time that Microsoft keeps was set anew since a step began. A change in the second
// of the one before it bears the same time: then only Microsoft's answer tells, and without it nobody can.
func setAnew(before, now *time.Time, began time.Time, answered bool) jobs.Outcome {
	switch {
	case now == nil:
		return jobs.NotDone
	case before == nil || now.After(*before):
		return jobs.Done
	case !now.Add(sameSecond).After(began):
		return jobs.NotDone
	case answered:
		return jobs.Done
	default:
		return jobs.Unknown
	}
}

// beginSetting keeps what setSinceBegun needs, before the call, so that a later process has it too; what is
// kept as <what>Answered is added after the call.
func beginSetting(ctx context.Context, run *jobs.Run, what string, before *time.Time, at time.Time) error {
	return errors.Join(run.Put(what+"Before", before), run.Put(what+"Answered", false), run.Keep(ctx, what+"Began", at))
}

// setSinceBegun is setAnew over what the run kept. A process that died before it kept anything has called nobody.
func setSinceBegun(run *jobs.Run, what string, now *time.Time) jobs.Outcome {
	var before *time.Time
	var began time.Time
	var answered bool
	if !run.Get(what+"Began", &began) {
		return jobs.NotDone // it is kept before the call, so there was none
	}
	run.Get(what+"Before", &before)
	run.Get(what+"Answered", &answered)
	return setAnew(before, now, began, answered)
}

// RevokeSessions ends every session of the user (POST /users/{id}/revokeSignInSessions). Access
// tokens that are out live on for up to an hour.
func RevokeSessions(t Target) jobs.Step {
	return revokeSessions(t, "revoke-sessions", "End all sessions")
}

// RevokeAgain ends the sessions once more at the end of an offboarding: what was begun between the first
// time and the block, or in the minutes a block takes to be known everywhere, ends too.
func RevokeAgain(t Target) jobs.Step {
	return revokeSessions(t, "revoke-sessions-again", "End what sessions were begun meanwhile")
}

func revokeSessions(t Target, name, summary string) jobs.Step {
	read := func(ctx context.Context) (*time.Time, error) {
		u, err := t.Graph.User(ctx, t.tid(), t.User.ID, "id", "signInSessionsValidFromDateTime")
		return u.SignInSessionsValidFromDateTime, err
	}
	return jobs.Step{
		Name: name, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			before, err := read(ctx)
			if err != nil {
				return jobs.Change{}, err
			}
			c := jobs.Change{Summary: summary, Before: "sessions since " + stamp(before) + " hold", After: "none holds", NoWayBack: "ended sessions stay ended; the user signs in again"}
			if t.User.Guest() {
				c.Warnings = append(c.Warnings, t.User.UserPrincipalName+" is a guest: sessions in the home tenant are not touched")
			}
			return c, nil
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			before, err := read(ctx)
			if err != nil {
				return nil, err
			}
			if err := beginSetting(ctx, run, name, before, t.Clock.Now()); err != nil {
				return nil, err
			}
			err = t.Graph.RevokeSessions(ctx, t.tid(), t.User.ID)
			return nil, errors.Join(err, run.Keep(ctx, name+"Answered", err == nil))
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			now, err := read(ctx)
			if err != nil {
				return jobs.Unknown, err
			}
			return setSinceBegun(run, name, now), nil
		},
	}
}

// ResetPassword sets a new password (PATCH /users/{id} passwordProfile). Without a given one it
// generates one, which is sealed before Microsoft is called, so that it can never be lost or seen.
func ResetPassword(t Target, s Sealer, given string, mustChange bool) jobs.Step {
	if t.User.Synced() {
		return resetPasswordBack(t, s, given)
	}
	read := func(ctx context.Context) (graphclient.User, error) {
		return t.Graph.User(ctx, t.tid(), t.User.ID, "id", "lastPasswordChangeDateTime", "onPremisesSyncEnabled", "userType")
	}
	return jobs.Step{
		Name: resetPassword, Class: jobs.Verifiable,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			u, err := read(ctx)
			if err != nil {
				return jobs.Change{}, err
			}
			c := jobs.Change{Summary: "Set a new password", Before: "set " + stamp(u.LastPasswordChangeDateTime), After: "new", NoWayBack: "the old password cannot be brought back"}
			if mustChange {
				c.After = "new, to be changed at the next sign-in"
			}
			c.Blockers, err = passwordBlockers(ctx, t, u)
			if err != nil {
				return c, err
			}
			sealedFor(&c, s, given)
			return c, nil
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			u, err := read(ctx)
			if err != nil {
				return nil, err
			}
			if err := beginSetting(ctx, run, "password", u.LastPasswordChangeDateTime, t.Clock.Now()); err != nil {
				return nil, err
			}
			secret, err := newSecret(ctx, s, resetPassword, given, t.User.UserPrincipalName, run)
			if err != nil {
				return nil, err
			}
			err = t.Graph.SetPassword(ctx, t.tid(), t.User.ID, secret.password, mustChange)
			return nil, errors.Join(err, secret.settle(ctx, run, err), run.Put("passwordAnswered", err == nil))
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			u, err := read(ctx)
			if err != nil {
				return jobs.Unknown, err
			}
			return setSinceBegun(run, "password", u.LastPasswordChangeDateTime), nil
		},
	}
}

const resetPassword = "reset-password"

// sealedFor says where a generated password goes, and blocks where it cannot go there.
func sealedFor(c *jobs.Change, s Sealer, given string) {
	if given != "" {
		return
	}
	if err := s.Ready(); err != nil {
		c.Blockers = append(c.Blockers, err.Error())
	}
	c.After += ", sealed for the operator"
}

// writeBackTime is how long it may take until a password is written back on premises.
const writeBackTime = 15 * time.Minute

// resetPasswordBack sets the password of a synchronised user through Microsoft's write-back (POST
// …/authentication/methods/{password}/resetPassword). Whether that is set up Microsoft says only when it is asked to; an
// application is never let.
func resetPasswordBack(t Target, s Sealer, given string) jobs.Step {
	read := func(ctx context.Context) (*time.Time, error) {
		u, err := t.Graph.User(ctx, t.tid(), t.User.ID, "id", "lastPasswordChangeDateTime")
		return u.LastPasswordChangeDateTime, err
	}
	return jobs.Step{
		Name: resetPassword, Class: jobs.Async, Settle: writeBackTime,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			before, err := read(ctx)
			if err != nil {
				return jobs.Change{}, err
			}
			upn := t.User.UserPrincipalName
			c := jobs.Change{Summary: "Set a new password and have it written back on premises", Before: "set " + stamp(before), After: "new, to be changed at the next sign-in", NoWayBack: "the old password cannot be brought back"}
			if t.Graph.Mode() == graphclient.App {
				c.Blockers = append(c.Blockers, fmt.Sprintf("the password of %s, who is synchronised, in %s needs a delegated sign-in (mode partner or user) and password write-back; this server signs in as an application. Nothing was changed. Set it in Active Directory, or ask the operator to configure auth.mode partner.", upn, t.Tenant.DefaultDomain))
				return c, nil
			}
			c.Warnings = append(c.Warnings, upn+" is synchronised: the password is written back on premises, which takes password write-back there, and Active Directory's own rules hold; where it is not set up Microsoft refuses")
			sealedFor(&c, s, given)
			return c, nil
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			before, err := read(ctx)
			if err != nil {
				return nil, err
			}
			if err := beginSetting(ctx, run, "password", before, t.Clock.Now()); err != nil {
				return nil, err
			}
			secret, err := newSecret(ctx, s, resetPassword, given, t.User.UserPrincipalName, run)
			if err != nil {
				return nil, err
			}
			operation, err := t.Graph.ResetPasswordBack(ctx, t.tid(), t.User.ID, secret.password)
			err = errors.Join(err, secret.settle(ctx, run, err), run.Put("passwordAnswered", err == nil))
			return jobs.Handle{"operation": operation}, errors.Join(err, run.Put("passwordOperation", operation))
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			var operation string
			if run.Get("passwordOperation", &operation); operation == "" { // the answer was lost, or names nothing to follow
				now, err := read(ctx)
				if err != nil {
					return jobs.Unknown, err
				}
				return setSinceBegun(run, "password", now), nil
			}
			status, detail, err := t.Graph.PasswordOperation(ctx, t.tid(), t.User.ID, operation)
			switch {
			case err != nil:
				return jobs.Unknown, err
			case equalFold(status, "succeeded"):
				return jobs.Done, nil
			case equalFold(status, "failed"):
				return jobs.NotDone, fmt.Errorf("the password was not written back: %s", jobs.Fence(detail))
			}
			return jobs.Pending, nil
		},
	}
}

// passwordBlockers says why no password can be set here: synchronised, foreign or federated users
// have it elsewhere.
func passwordBlockers(ctx context.Context, t Target, u graphclient.User) ([]string, error) {
	upn := t.User.UserPrincipalName
	switch {
	case u.Synced():
		return []string{onPremisesSentence(upn, "the password")}, nil
	case u.Guest():
		return []string{upn + " is a guest, whose password is kept in the home organisation"}, nil
	}
	domains, err := t.Graph.Domains(ctx, t.tid())
	if err != nil {
		return nil, err
	}
	for _, d := range domains {
		if equalFold(d.ID, domainOf(upn)) && equalFold(d.AuthenticationType, "Federated") {
			return []string{d.ID + " is federated: the password of " + upn + " has to be changed at its identity provider"}, nil
		}
	}
	return nil, nil
}
