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
)

const (
	// SendPushStep is the name of the step that sends a push.
	SendPushStep = "send-push"

	pushNames  = "cipp-mcp push" // begins the names of temporary secrets
	pushSent   = "pushSent"
	pushAnswer = "pushAnswer"
	cleanTries = 3
)

// SendPush asks the user for a second factor, to see whether the authenticator answers. For that a secret that lasts five
// minutes is put on Microsoft's own MFA application in the tenant, which is brought there where it is missing, and taken
// away again; the tenant's rules for applications are never changed. allowed says why it may not be done, "" when it may.
// A push is sent once: whether one whose answer was lost arrived nobody can know.
func SendPush(t Target, allowed string) []jobs.Step {
	app := effect{
		name: "push-application", want: true,
		there: func(ctx context.Context) (bool, error) {
			p, err := t.Graph.PushPrincipal(ctx, t.tid())
			return p != nil, err
		},
		change: jobs.Change{Summary: "Bring Microsoft's MFA application into the tenant", Before: "not there", After: "there", NoWayBack: "it stays; without a secret it does nothing"},
		do: func(ctx context.Context) error {
			return passing(t.Graph.CreatePushPrincipal(ctx, t.tid()), graphclient.Conflict)
		},
	}.step()
	return []jobs.Step{app, {
		Name: SendPushStep, Class: jobs.Idempotent, Needs: []string{app.Name}, Settle: 4 * time.Minute,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			c := jobs.Change{Summary: "Send a push to the authenticator of " + t.User.UserPrincipalName + " and wait for the answer", Before: "nothing asked", After: "answered", NoWayBack: "a push that was sent was sent"}
			if allowed != "" {
				c.Blockers = append(c.Blockers, allowed)
				return c, nil
			}
			if !t.Graph.CanPush() {
				c.Blockers = append(c.Blockers, "where this cloud's push service answers is not known")
			}
			if t.User.Guest() {
				c.Blockers = append(c.Blockers, t.User.UserPrincipalName+" is a guest, whose second factor is asked for at home")
			}
			methods, err := t.Graph.AuthMethods(ctx, t.tid(), t.User.ID)
			if err != nil {
				return c, err
			}
			if !slices.ContainsFunc(methods, func(m graphclient.AuthMethod) bool { return m.Type() == "microsoftAuthenticator" }) {
				c.Blockers = append(c.Blockers, t.User.UserPrincipalName+" has no Microsoft Authenticator to which a push could go")
			}
			c.Warnings = append(c.Warnings, "in "+t.Tenant.DefaultDomain+" a secret that lasts five minutes is put on Microsoft's MFA application and taken away again",
				"tell the user before: whoever approves pushes nobody announced lets attackers in")
			return c, nil
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			p, err := t.Graph.PushPrincipal(ctx, t.tid())
			if err != nil || p == nil {
				return nil, errors.Join(err, errNoPushApp(p))
			}
			var sent bool
			if run.Get(pushSent, &sent); !sent {
				if err := t.push(ctx, run, p.ID); err != nil {
					return nil, errors.Join(err, t.cleanPushSecrets(ctx))
				}
			}
			if err := t.cleanPushSecrets(ctx); err != nil {
				return nil, err
			}
			var answer graphclient.PushResult
			if !run.Get(pushAnswer, &answer) {
				return nil, errors.New("the push may have been sent, and its answer was lost; ask the user, then send another if it is needed")
			}
			return nil, pushMeans(answer)
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			var answer graphclient.PushResult
			var sent bool
			switch run.Get(pushSent, &sent); {
			case run.Get(pushAnswer, &answer) && pushMeans(answer) == nil:
				p, err := t.Graph.PushPrincipal(ctx, t.tid())
				if err != nil || p != nil && slices.ContainsFunc(p.Secrets, ours) {
					return jobs.NotDone, err
				}
				return jobs.Done, nil
			case sent:
				return jobs.Unknown, nil
			}
			return jobs.NotDone, nil
		},
	}}
}

func errNoPushApp(p *graphclient.PushPrincipal) error {
	if p == nil {
		return errors.New("not begun: Microsoft's MFA application is not in the tenant")
	}
	return nil
}

func ours(s graphclient.PushSecret) bool { return strings.HasPrefix(s.DisplayName, pushNames) }

// push makes the secret and sends the push with it. That it is about to be sent is in the ledger before it is.
func (t Target) push(ctx context.Context, run *jobs.Run, appID string) error {
	s, err := t.Graph.AddPushSecret(ctx, t.tid(), appID, pushNames+" "+run.ID)
	if err != nil {
		return err
	}
	if err := run.Keep(ctx, pushSent, true); err != nil {
		return err
	}
	answer, err := t.Graph.Push(ctx, t.tid(), s.Secret, t.User.UserPrincipalName)
	if err != nil {
		if !graphclient.IsAmbiguous(err) {
			return errors.Join(err, run.Keep(ctx, pushSent, false))
		}
		return err
	}
	return run.Keep(ctx, pushAnswer, answer)
}

// cleanPushSecrets takes away every temporary secret, also one whose making was not answered.
func (t Target) cleanPushSecrets(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	var last error
	for range cleanTries {
		p, err := t.Graph.PushPrincipal(ctx, t.tid())
		if err != nil {
			return err
		}
		if p == nil || !slices.ContainsFunc(p.Secrets, ours) {
			return nil
		}
		for _, s := range p.Secrets {
			if ours(s) {
				last = t.Graph.RemovePushSecret(ctx, t.tid(), p.ID, s.KeyID)
			}
		}
	}
	return fmt.Errorf("the temporary secret on Microsoft's MFA application could not be taken away; it ends by itself within five minutes: %w", last)
}

// pushMeans is what the answer says, nil where the user approved.
func pushMeans(a graphclient.PushResult) error {
	upn := "the user"
	switch a.Value {
	case "Success":
		return nil
	case "PhoneAppDenied":
		return errors.New("the push arrived, and " + upn + " denied it")
	case "PhoneAppNoResponse":
		return errors.New("the push was sent, and nobody answered it")
	case "NoDefaultAuthenticationMethodIsConfigured":
		return errors.New("no push was sent: the user has no default method that takes one")
	case "UserNotFound":
		return errors.New("no push was sent: Microsoft's push service does not know the user (yet)")
	}
	return errors.New("Microsoft's push service answered " + jobs.Fence(shortened(a.Value)))
}
