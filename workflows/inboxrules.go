package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// RemoveInboxRules deletes every rule of the mailbox, hidden ones too, one step a rule (Remove-InboxRule).
// Each rule is kept as Exchange showed it, so that it can be made again as far as a program can.
func RemoveInboxRules(ctx context.Context, t Target, run *jobs.Run) ([]jobs.Step, error) {
	rules, err := jobs.Found(ctx, run, "rules", func(ctx context.Context) ([]graphclient.InboxRule, error) {
		rules, err := t.Graph.InboxRules(ctx, t.tid(), t.mailbox())
		return rules, noMailbox(err)
	})
	var steps []jobs.Step
	for _, r := range rules {
		steps = append(steps, removeRule(t, r))
	}
	return steps, err
}

// noMailbox takes a missing mailbox for an empty one: there is nothing in it to look after.
func noMailbox(err error) error { return passing(err, graphclient.NoMailbox) }

// ruleNumber is the part of a rule's identity that is its own, after the mailbox's.
func ruleNumber(r graphclient.InboxRule) string {
	return r.Identity[strings.LastIndexByte(r.Identity, '\\')+1:]
}

func removeRule(t Target, r graphclient.InboxRule) jobs.Step {
	what := "rule " + jobs.Fence(shortened(r.Name))
	if r.Hidden {
		what = "hidden " + what
	}
	e := effect{
		name: "remove-rule-" + ruleNumber(r), want: false, known: true,
		change: jobs.Change{Summary: "Delete the inbox " + what + forwardsTo(r), Target: r.Identity, Before: "there", After: "deleted"},
		there: func(ctx context.Context) (bool, error) {
			rules, err := t.Graph.InboxRules(ctx, t.tid(), t.mailbox())
			return slices.ContainsFunc(rules, func(x graphclient.InboxRule) bool { return x.Identity == r.Identity }), noMailbox(err)
		},
		do: func(ctx context.Context) error {
			return passing(t.Graph.RemoveInboxRule(ctx, t.tid(), t.mailbox(), r.Identity), graphclient.NotFound)
		},
	}
	switch {
	case r.Hidden:
		e.change.NoWayBack = "a hidden rule cannot be made again"
	case r.SupportedByTask != nil && !*r.SupportedByTask:
		e.change.NoWayBack = "a rule that was not made by a mail client's rules cannot be made again"
	case len(r.Beyond) > 0:
		e.change.NoWayBack = "this rule also holds " + jobs.Fence(strings.Join(r.Beyond, ", ")) + ", which this version does not make again"
	default:
		e.back = func() jobs.Step { return makeRule(t, r) }
	}
	return e.step()
}

// forwardsTo says where a rule sends mail, since that is what matters before and after.
func forwardsTo(r graphclient.InboxRule) string {
	to := slices.Concat(r.ForwardTo, r.ForwardAsAttachmentTo, r.RedirectTo)
	if len(to) == 0 {
		return ""
	}
	return ", which sends mail to " + jobs.Fence(shortened(strings.Join(to, ", ")))
}

// makeRule makes a rule anew (New-InboxRule). It gets another number, and Exchange words its description itself.
func makeRule(t Target, r graphclient.InboxRule) jobs.Step {
	e := effect{
		name: "make-rule", want: true,
		change: jobs.Change{Summary: "Make the inbox rule " + jobs.Fence(shortened(r.Name)) + " again" + forwardsTo(r), Before: "not there", After: "there"},
		there: func(ctx context.Context) (bool, error) {
			rules, err := t.Graph.InboxRules(ctx, t.tid(), t.mailbox())
			return slices.ContainsFunc(rules, func(x graphclient.InboxRule) bool { return sameRule(x, r) }), err
		},
		judge: func(_ context.Context, c *jobs.Change) error {
			if to := forwardsTo(r); to != "" {
				c.Warnings = append(c.Warnings, "the rule "+jobs.Fence(shortened(r.Name))+" works again once it is made"+to)
			}
			return nil
		},
		do: func(ctx context.Context) error {
			made, err := t.Graph.AddInboxRule(ctx, t.tid(), t.mailbox(), r)
			if err != nil || r.Enabled {
				return err
			}
			if made == "" {
				return fmt.Errorf("exchange did not name the rule it made, so it could not be switched off: %s", jobs.Fence(shortened(r.Name)))
			}
			return t.Graph.DisableInboxRule(ctx, t.tid(), t.mailbox(), made)
		},
	}
	return e.step()
}

// sameRule compares what a rule is called and does, not its number or place.
func sameRule(a, b graphclient.InboxRule) bool {
	return a.Name == b.Name && a.Enabled == b.Enabled && a.DeleteMessage == b.DeleteMessage && a.SoftDeleteMessage == b.SoftDeleteMessage &&
		a.MarkAsRead == b.MarkAsRead && a.StopProcessingRules == b.StopProcessingRules && (a.MoveToFolder == "") == (b.MoveToFolder == "") && (a.CopyToFolder == "") == (b.CopyToFolder == "") &&
		len(a.ForwardTo) == len(b.ForwardTo) && len(a.ForwardAsAttachmentTo) == len(b.ForwardAsAttachmentTo) && len(a.RedirectTo) == len(b.RedirectTo) && len(a.From) == len(b.From) &&
		slices.Equal(a.SubjectContainsWords, b.SubjectContainsWords) && slices.Equal(a.SubjectOrBodyContainsWords, b.SubjectOrBodyContainsWords) && slices.Equal(a.BodyContainsWords, b.BodyContainsWords) &&
		slices.Equal(a.FromAddressContainsWords, b.FromAddressContainsWords) && slices.Equal(a.HeaderContainsWords, b.HeaderContainsWords) && slices.Equal(a.RecipientAddressContainsWords, b.RecipientAddressContainsWords)
}

// longestName bounds a tenant's own words within a sentence.
const longestName = 80

// shortened is a tenant's text, short enough for a sentence.
func shortened(s string) string {
	if r := []rune(s); len(r) > longestName {
		return string(r[:longestName]) + "…"
	}
	return s
}
