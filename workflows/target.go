// Package workflows holds what is done in steps: each step plans by reading, writes once, and is read
// back. Single writes and long workflows are made of the same steps.
package workflows

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/jobs"
)

// Target is the user a workflow works on, with what its steps need to reach Microsoft.
type Target struct {
	Graph  *graphclient.Client
	Clock  clock.Clock
	Tenant graphclient.Tenant
	User   graphclient.User
}

func (t Target) tid() string { return t.Tenant.ID }

func (t Target) mailbox() graphclient.MailboxRef {
	return graphclient.MailboxRef{ID: t.User.ID, UPN: t.User.UserPrincipalName}
}

// stamp writes a time for a plan's before and after.
func stamp(t *time.Time) string {
	if t == nil || t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

// enabledWord is accountEnabled in a word; where Microsoft leaves the property out nothing is assumed.
func enabledWord(b *bool) string {
	switch {
	case b == nil:
		return "unknown"
	case *b:
		return "enabled"
	default:
		return "blocked"
	}
}

// onPremisesSentence is why a synchronised user cannot be changed here.
func onPremisesSentence(upn, what string) string {
	return fmt.Sprintf("%s is synchronised from an on-premises directory, so %s has to be changed in Active Directory", upn, what)
}

// byHand is a step that a person has to do, because Microsoft gives it to another kind of sign-in only.
func byHand(summary, how string, why error) jobs.Change {
	var e *graphclient.Error
	reason := why.Error()
	if errors.As(why, &e) {
		reason = strings.TrimSuffix(e.Message, " Nothing was changed.")
	}
	return jobs.Change{Summary: summary, Manual: "do it " + how + ": " + strings.TrimSuffix(reason, ".")}
}

// readBack makes a step's Verify of a reading that says whether the effect is there.
func readBack(there func(context.Context) (bool, error)) func(context.Context, *jobs.Run) (jobs.Outcome, error) {
	return func(ctx context.Context, _ *jobs.Run) (jobs.Outcome, error) {
		done, err := there(ctx)
		switch {
		case err != nil:
			return jobs.Unknown, err
		case done:
			return jobs.Done, nil
		default:
			return jobs.NotDone, nil
		}
	}
}

// isGone says whether an error means that what was to be removed is not there.
func isGone(err error) bool {
	k := graphclient.KindOf(err)
	return k == graphclient.NotFound || k == graphclient.NotMember
}

func equalFold(a, b string) bool { return strings.EqualFold(a, b) }
