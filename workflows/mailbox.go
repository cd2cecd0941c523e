package workflows

import (
	"context"
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

// ConvertToShared turns the mailbox into a shared one (Set-Mailbox -Type Shared) and waits until it
// is one: a licence taken away before that loses the mailbox.
func ConvertToShared(t Target) jobs.Step {
	return jobs.Step{
		Name: "convert-to-shared", Class: jobs.Async, Settle: conversionTime,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
			if graphclient.KindOf(err) == graphclient.NoMailbox {
				return jobs.Change{Summary: "Convert the mailbox to a shared one", Nothing: "there is no mailbox"}, nil
			}
			if err != nil {
				return jobs.Change{}, err
			}
			c := jobs.Change{Summary: "Convert the mailbox to a shared one", Before: m.RecipientTypeDetails, After: "SharedMailbox"}
			switch {
			case m.Shared():
				c.Nothing = "the mailbox is shared already"
			case m.IsDirSynced:
				c.Warnings = append(c.Warnings, onPremisesSentence(t.User.UserPrincipalName, "the mailbox type")+" as well, or the next synchronisation may turn it back")
			}
			return c, nil
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			return nil, t.Graph.SetMailbox(ctx, t.tid(), t.mailbox(), map[string]any{"Type": "Shared"})
		},
		Verify: func(ctx context.Context, _ *jobs.Run) (jobs.Outcome, error) {
			m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
			switch {
			case err != nil:
				return jobs.Unknown, err
			case m.Shared():
				return jobs.Done, nil
			default:
				return jobs.Pending, nil
			}
		},
	}
}

// HideFromAddressLists takes the mailbox out of the address lists (Set-Mailbox
// -HiddenFromAddressListsEnabled).
func HideFromAddressLists(t Target) jobs.Step {
	return setMailboxStep(t, "hide-from-address-lists", "Hide from the address lists", map[string]any{"HiddenFromAddressListsEnabled": true},
		func(m graphclient.Mailbox, _ bool) string {
			return map[bool]string{true: "hidden", false: "shown"}[m.HiddenFromAddressListsEnabled]
		}, "hidden")
}

// Forward sends new mail on to a recipient of the tenant (Set-Mailbox -ForwardingAddress), with or
// without a copy in the mailbox. The target's several names are how Exchange may show it.
func Forward(t Target, to graphclient.User, keepCopy bool) jobs.Step {
	after := to.UserPrincipalName
	if keepCopy {
		after += ", a copy stays"
	}
	return setMailboxStep(t, "forward-mail", "Forward new mail to "+to.UserPrincipalName, map[string]any{
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
	}, after)
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
// change was sent.
func setMailboxStep(t Target, name, summary string, params map[string]any, read func(m graphclient.Mailbox, sent bool) string, after string) jobs.Step {
	return jobs.Step{
		Name: name, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
			if graphclient.KindOf(err) == graphclient.NoMailbox {
				return jobs.Change{Summary: summary, Nothing: "there is no mailbox"}, nil
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
			return nil, t.Graph.SetMailbox(ctx, t.tid(), t.mailbox(), params)
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
			return read(m, true) == after, err
		}),
	}
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
		Name: "out-of-office", Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			r, err := t.Graph.AutoReply(ctx, t.tid(), t.mailbox())
			if graphclient.KindOf(err) == graphclient.NoMailbox {
				return jobs.Change{Summary: "Turn automatic replies on", Nothing: "there is no mailbox"}, nil
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
			return nil, t.Graph.SetAutoReply(ctx, t.tid(), t.mailbox(), graphclient.AutoReply{AutoReplyState: "Enabled", InternalMessage: text, ExternalMessage: text, ExternalAudience: "All"})
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			r, err := t.Graph.AutoReply(ctx, t.tid(), t.mailbox())
			return shows(r), err
		}),
	}
}

var tags = regexp.MustCompile(`<[^>]*>`)

// plainText is what a person sees of a reply's HTML: Exchange wraps what it is given in a document.
func plainText(s string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(s, " "))), " ")
}

func domainOf(upn string) string { return upn[strings.LastIndexByte(upn, '@')+1:] }
