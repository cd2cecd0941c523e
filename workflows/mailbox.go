package workflows

import (
	"context"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

const (
	hideStep    = "hide-from-address-lists"
	forwardStep = "forward-mail"
)

// HideFromAddressLists takes the mailbox out of the address lists (Set-Mailbox
// -HiddenFromAddressListsEnabled).
func HideFromAddressLists(t Target) jobs.Step {
	return addressLists(t, "Hide from the address lists", true)
}

func addressLists(t Target, summary string, hidden bool) jobs.Step {
	word := func(hidden bool) string { return map[bool]string{true: "hidden", false: "shown"}[hidden] }
	return setMailboxStep(t, hideStep, summary, map[string]any{"HiddenFromAddressListsEnabled": hidden},
		func(m graphclient.Mailbox, _ bool) string { return word(m.HiddenFromAddressListsEnabled) }, word(hidden),
		func(b mailboxBefore) *jobs.Step {
			s := addressLists(t, "Show in the address lists again", b.Hidden)
			return &s
		})
}

// Forward sends new mail on to a recipient of the tenant (Set-Mailbox -ForwardingAddress), with or
// without a copy in the mailbox. The target's several names are how Exchange may show it.
func Forward(t Target, to graphclient.User, keepCopy bool) jobs.Step {
	after := to.UserPrincipalName
	if keepCopy {
		after += ", a copy stays"
	}
	s := setMailboxStep(t, forwardStep, "Forward new mail to "+to.UserPrincipalName, map[string]any{
		"ForwardingAddress": to.UserPrincipalName, "ForwardingSmtpAddress": nil, "DeliverToMailboxAndForward": keepCopy,
	}, func(m graphclient.Mailbox, sent bool) string {
		now := m.ForwardingAddress
		if now == "" {
			now = m.ForwardingSMTPAddress
		}
		if now == "" {
			return "not forwarded"
		}
		if namesUser(now, to, sent) {
			now = to.UserPrincipalName
		} else {
			now = jobs.Fence(now)
		}
		if m.DeliverToMailboxAndForward {
			now += ", a copy stays"
		}
		return now
	}, after, func(b mailboxBefore) *jobs.Step { s := forwardAgain(t, b); return &s })
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		c.People = []string{to.ID}
		return c, err
	}
	return s
}

// forwardAgain brings back where mail went before: nowhere, to an address, or to a recipient, which Exchange
// showed by a name of its own and takes by the same.
func forwardAgain(t Target, b mailboxBefore) jobs.Step {
	say := func(address, smtp string, both bool) string {
		now := address
		if now == "" {
			now = smtp
		}
		if now == "" {
			return "not forwarded"
		}
		if now = jobs.Fence(now); both {
			now += ", a copy stays"
		}
		return now
	}
	null := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	return setMailboxStep(t, forwardStep, "Bring the forwarding of new mail back as it was", map[string]any{
		"ForwardingAddress": null(b.Forwarding), "ForwardingSmtpAddress": null(b.ForwardingSMTP), "DeliverToMailboxAndForward": b.Both,
	}, func(m graphclient.Mailbox, _ bool) string {
		return say(m.ForwardingAddress, m.ForwardingSMTPAddress, m.DeliverToMailboxAndForward)
	}, say(b.Forwarding, b.ForwardingSMTP, b.Both), nil)
}

// namesUser says whether Exchange's way of showing a recipient (address, id, name or canonical name)
// means this user. Display names are not unique, so one counts only where it was just sent.
func namesUser(shown string, u graphclient.User, sent bool) bool {
	last := shown[strings.LastIndexByte(shown, '/')+1:]
	names := []string{u.UserPrincipalName, u.ID, u.Mail, u.MailNickname}
	if sent {
		names = append(names, u.DisplayName)
	}
	return slices.ContainsFunc(names, func(n string) bool {
		return n != "" && (equalFold(n, shown) || equalFold(n, last))
	})
}

// setMailboxStep is a Set-Mailbox whose effect one reading of the mailbox shows; read is told whether the
// change was sent. back makes the step that undoes it of what was there before.
func setMailboxStep(t Target, name, summary string, params map[string]any, read func(m graphclient.Mailbox, sent bool) string, after string, back func(mailboxBefore) *jobs.Step) jobs.Step {
	return jobs.Step{
		Name: name, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
			if graphclient.KindOf(err) == graphclient.NoMailbox {
				return jobs.Change{Summary: summary, Nothing: withoutMailbox}, nil
			}
			if err != nil {
				return jobs.Change{}, err
			}
			c := jobs.Change{Summary: summary, Before: read(m, false), After: after}
			switch {
			case c.Before == after:
				c.Nothing = "it is so already"
			case m.IsDirSynced && params["HiddenFromAddressListsEnabled"] != nil:
				c.Manual = onPremisesSentence(t.User.UserPrincipalName, "the visibility in address lists (msExchHideFromAddressLists)")
			}
			return c, nil
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			if _, err := jobs.KeepBefore(ctx, t.mailboxBefore); err != nil {
				return nil, err
			}
			return nil, t.Graph.SetMailbox(ctx, t.tid(), t.mailbox(), params)
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
			return read(m, true) == after, err
		}),
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			var was mailboxBefore
			if back == nil || !run.Before(name, &was) {
				return nil, nil
			}
			return undo(name, *back(was))
		},
	}
}

// mailboxBefore is what the steps that change a mailbox's settings bring back.
type mailboxBefore struct {
	Hidden         bool   `json:"hidden"`
	Forwarding     string `json:"forwarding,omitempty"`
	ForwardingSMTP string `json:"forwardingSmtp,omitempty"`
	Both           bool   `json:"both"`
	Hold           bool   `json:"hold"`
	RetentionHold  bool   `json:"retentionHold"`
	// Quotas are in bytes, by the names of Set-Mailbox's parameters.
	Quotas map[string]int64 `json:"quotas,omitempty"`
}

func (t Target) mailboxBefore(ctx context.Context) (mailboxBefore, error) {
	m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
	return mailboxBefore{m.HiddenFromAddressListsEnabled, m.ForwardingAddress, m.ForwardingSMTPAddress, m.DeliverToMailboxAndForward, m.LitigationHoldEnabled, m.RetentionHoldEnabled,
		map[string]int64{"IssueWarningQuota": m.IssueWarningQuota, "ProhibitSendQuota": m.ProhibitSendQuota, "ProhibitSendReceiveQuota": m.ProhibitSendReceiveQuota}}, err
}

func domainOf(upn string) string { return upn[strings.LastIndexByte(upn, '@')+1:] }
