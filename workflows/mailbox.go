package workflows

import (
	"context"
	"errors"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// conversionTime is how long Exchange may take to turn a mailbox into a shared one.
const conversionTime = 10 * time.Minute

const gib = 1 << 30

const (
	convertToShared = "convert-to-shared"
	hideStep        = "hide-from-address-lists"
	forwardStep     = "forward-mail"
	outOfOffice     = "out-of-office"
)

// ConvertToShared turns the mailbox into a shared one (Set-Mailbox -Type Shared) and waits until it
// is one: a licence taken away before that loses the mailbox.
func ConvertToShared(t Target) jobs.Step {
	s := convert(t, convertToShared, "Convert the mailbox to a shared one", "Shared", "SharedMailbox", nil)
	s.Undo = func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
		var was string
		if !run.Before(convertToShared, &was) || was != "UserMailbox" {
			return nil, nil // a room or a piece of equipment was never a leaver's
		}
		return undo(convertToShared, convert(t, convertToShared, "Convert the mailbox back to a user's", "Regular", was, t.needsMailboxPlan))
	}
	return s
}

// convert makes the mailbox another kind. first looks right before the call whether it may be made.
func convert(t Target, name, summary, kind, details string, first func(context.Context) error) jobs.Step {
	read := func(ctx context.Context) (string, error) {
		m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
		return m.RecipientTypeDetails, err
	}
	return jobs.Step{
		Name: name, Class: jobs.Async, Settle: conversionTime,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
			if graphclient.KindOf(err) == graphclient.NoMailbox {
				return jobs.Change{Summary: summary, Nothing: withoutMailbox}, nil
			}
			if err != nil {
				return jobs.Change{}, err
			}
			c := jobs.Change{Summary: summary, Before: m.RecipientTypeDetails, After: details}
			switch {
			case equalFold(m.RecipientTypeDetails, details):
				c.Nothing = "it is so already"
			case m.IsDirSynced:
				c.Warnings = append(c.Warnings, onPremisesSentence(t.User.UserPrincipalName, "the mailbox type")+" as well, or the next synchronisation may turn it back")
			}
			return c, nil
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			if _, err := jobs.KeepBefore(ctx, read); err != nil {
				return nil, err
			}
			if first != nil {
				if err := first(ctx); err != nil {
					return nil, err
				}
			}
			return nil, order(ctx, run, name, func() error { return t.Graph.SetMailbox(ctx, t.tid(), t.mailbox(), map[string]any{"Type": kind}) })
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			now, err := read(ctx)
			switch {
			case err != nil:
				return jobs.Unknown, err
			case equalFold(now, details):
				return jobs.Done, nil
			default:
				return underWay(run, name), nil
			}
		},
	}
}

// needsMailboxPlan refuses to make a mailbox a user's again that no licence would keep: it would be lost.
func (t Target) needsMailboxPlan(ctx context.Context) error {
	held, err := t.Graph.LicenseDetails(ctx, t.tid(), t.User.ID)
	if err != nil {
		return err
	}
	for _, l := range held {
		for _, p := range l.ServicePlans {
			if mailboxPlans[strings.ToUpper(p.ServicePlanName)] && !equalFold(p.ProvisioningStatus, "Disabled") {
				return nil
			}
		}
	}
	return errors.New("not begun: no licence of the user gives a mailbox, so it would be lost; bring the licence back first")
}

// mailboxPlans are the service plans that come with a mailbox, of which EXCHANGE_S_FOUNDATION and the archiving
// plans are none (https://learn.microsoft.com/entra/identity/users/licensing-service-plan-reference).
var mailboxPlans = map[string]bool{"EXCHANGE_S_STANDARD": true, "EXCHANGE_S_ENTERPRISE": true, "EXCHANGE_S_DESKLESS": true, "EXCHANGE_S_ESSENTIALS": true,
	"EXCHANGE_S_STANDARD_GOV": true, "EXCHANGE_S_ENTERPRISE_GOV": true, "EXCHANGE_S_DESKLESS_GOV": true, "EXCHANGE_L_STANDARD": true, "EXCHANGE_B_STANDARD": true}

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
}

func (t Target) mailboxBefore(ctx context.Context) (mailboxBefore, error) {
	m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
	return mailboxBefore{m.HiddenFromAddressListsEnabled, m.ForwardingAddress, m.ForwardingSMTPAddress, m.DeliverToMailboxAndForward, m.LitigationHoldEnabled}, err
}

// OutOfOffice turns automatic replies on, with one text inside and outside
// (Set-MailboxAutoReplyConfiguration). The message is text: whatever looks like a tag is shown as it stands, so
// that nothing of it is lost, and nothing in it acts, at whoever gets the reply.
func OutOfOffice(t Target, message string) jobs.Step {
	text := strings.ReplaceAll(html.EscapeString(message), "\n", "<br>")
	shows := func(r graphclient.AutoReply) bool {
		return equalFold(r.AutoReplyState, "Enabled") && plainText(r.InternalMessage) == plainText(text) && plainText(r.ExternalMessage) == plainText(text)
	}
	return jobs.Step{
		Name: outOfOffice, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			r, err := t.Graph.AutoReply(ctx, t.tid(), t.mailbox())
			if graphclient.KindOf(err) == graphclient.NoMailbox {
				return jobs.Change{Summary: "Turn automatic replies on", Nothing: withoutMailbox}, nil
			}
			if err != nil {
				return jobs.Change{}, err
			}
			c := jobs.Change{Summary: "Turn automatic replies on", Before: strings.ToLower(r.AutoReplyState), After: fmt.Sprintf("enabled, inside and outside: %q", plainText(text))}
			if tags.MatchString(message) {
				c.Warnings = append(c.Warnings, "the automatic reply is sent as text: tags in it are shown as they stand")
			}
			if shows(r) {
				c.Nothing = "it is so already"
			}
			return c, nil
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			if _, err := jobs.KeepBefore(ctx, t.autoReply); err != nil {
				return nil, err
			}
			return nil, t.Graph.SetAutoReply(ctx, t.tid(), t.mailbox(), graphclient.AutoReply{AutoReplyState: "Enabled", InternalMessage: text, ExternalMessage: text, ExternalAudience: "All"})
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			r, err := t.autoReply(ctx)
			return shows(r), err
		}),
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			var was graphclient.AutoReply
			if !run.Before(outOfOffice, &was) {
				return nil, nil
			}
			return undo(outOfOffice, autoReplyAgain(t, was))
		},
	}
}

func (t Target) autoReply(ctx context.Context) (graphclient.AutoReply, error) {
	return t.Graph.AutoReply(ctx, t.tid(), t.mailbox())
}

// autoReplyAgain brings the automatic replies back as they were, texts and audience with them.
func autoReplyAgain(t Target, was graphclient.AutoReply) jobs.Step {
	is := func(r graphclient.AutoReply) bool {
		return equalFold(r.AutoReplyState, was.AutoReplyState) && equalFold(r.ExternalAudience, was.ExternalAudience) &&
			plainText(r.InternalMessage) == plainText(was.InternalMessage) && plainText(r.ExternalMessage) == plainText(was.ExternalMessage)
	}
	return jobs.Step{
		Name: outOfOffice, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			r, err := t.autoReply(ctx)
			c := jobs.Change{Summary: "Bring the automatic replies back as they were", Before: jobs.Fence(r.AutoReplyState), After: jobs.Fence(was.AutoReplyState)}
			if is(r) {
				c.Nothing = "it is so already"
			}
			return c, err
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			return nil, t.Graph.RestoreAutoReply(ctx, t.tid(), t.mailbox(), was)
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			r, err := t.autoReply(ctx)
			return is(r), err
		}),
	}
}

var tags = regexp.MustCompile(`<[^>]*>`)

// plainText is what a person sees of a reply's HTML: Exchange wraps what it is given in a document.
func plainText(s string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(s, " "))), " ")
}

func domainOf(upn string) string { return upn[strings.LastIndexByte(upn, '@')+1:] }
