package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// accessFound is one right of the leaver on somebody else's mailbox or calendar.
type accessFound struct {
	MailboxID string                          `json:"mailboxId"` // the mailbox's own guid, which outlives names
	Mailbox   string                          `json:"mailbox"`   // its address, for people
	Right     string                          `json:"right"`     // FullAccess | SendAs | SendOnBehalf | Calendar
	Rights    []string                        `json:"rights,omitempty"`
	Calendar  *graphclient.CalendarPermission `json:"calendar,omitempty"`
}

func (a accessFound) ref() graphclient.MailboxRef { return graphclient.MailboxRef{ID: a.MailboxID} }

// OwnAccess are the rights the user has on other people's mailboxes and calendars. Every mailbox of the tenant is
// looked at, which takes a while in a large one.
func (t Target) ownAccess(ctx context.Context) ([]accessFound, error) {
	boxes, err := t.Graph.MailboxAccessOf(ctx, t.tid(), t.mailbox())
	if err != nil {
		return nil, err
	}
	var out []accessFound
	for _, b := range boxes {
		a := accessFound{MailboxID: firstOf(b.Mailbox.ExchangeGUID, b.Mailbox.UserPrincipalName), Mailbox: b.Mailbox.PrimarySMTPAddress}
		var full []string
		for _, r := range b.AccessRights {
			switch r {
			case "SendAs", "SendOnBehalf":
				a.Right = r
				out = append(out, a)
			default:
				full = append(full, r)
			}
		}
		if len(full) > 0 {
			a.Right, a.Rights = "FullAccess", full
			out = append(out, a)
		}
	}
	every, err := t.Graph.Mailboxes(ctx, t.tid())
	if err != nil {
		return nil, err
	}
	calendars, err := t.Graph.CalendarAccessOf(ctx, t.tid(), t.mailbox(), every)
	for _, c := range calendars {
		out = append(out, accessFound{MailboxID: firstOf(c.Mailbox.ExchangeGUID, c.Mailbox.UserPrincipalName), Mailbox: c.Mailbox.PrimarySMTPAddress, Right: "Calendar", Calendar: &c.CalendarPermission})
	}
	return out, err
}

// RemoveOwnAccess takes the user's rights on other people's mailboxes and calendars, one step a right.
func RemoveOwnAccess(ctx context.Context, t Target, run *jobs.Run) ([]jobs.Step, error) {
	found, err := jobs.Found(ctx, run, "access", t.ownAccess)
	var steps []jobs.Step
	for _, a := range found {
		steps = append(steps, accessStep(t, a, false))
	}
	return steps, err
}

var accessWords = map[string]string{"FullAccess": "full access to", "SendAs": "sending as", "SendOnBehalf": "sending on behalf of", "Calendar": "access to the calendar of"}

func accessStep(t Target, a accessFound, give bool) jobs.Step {
	upn := t.User.UserPrincipalName
	e := effect{
		name: "end-" + strings.ToLower(a.Right) + "-" + a.MailboxID, want: give, known: !give,
		change: jobs.Change{Summary: fmt.Sprintf("End %s %s", accessWords[a.Right], jobs.Fence(a.Mailbox)), Target: a.MailboxID, Before: "granted", After: "taken"},
		there:  func(ctx context.Context) (bool, error) { return t.hasAccess(ctx, a) },
	}
	if !give {
		e.back = func() jobs.Step { return accessStep(t, a, true) }
		e.do = func(ctx context.Context) error {
			var err error
			switch a.Right {
			case "FullAccess":
				err = t.Graph.RemoveMailboxPermission(ctx, t.tid(), a.ref(), upn, a.Rights)
			case "SendAs":
				err = t.Graph.RemoveRecipientPermission(ctx, t.tid(), a.ref(), upn)
			case "SendOnBehalf":
				err = t.Graph.SetSendOnBehalf(ctx, t.tid(), a.ref(), nil, []string{upn})
			case "Calendar":
				err = t.Graph.RemoveCalendarPermission(ctx, t.tid(), a.ref(), a.Calendar.Folder, upn)
			}
			return passing(err, graphclient.NotMember)
		}
		return e.step()
	}
	e.change.Summary = fmt.Sprintf("Give back %s %s", accessWords[a.Right], jobs.Fence(a.Mailbox))
	e.change.Before, e.change.After = e.change.After, e.change.Before
	e.do = func(ctx context.Context) error {
		var err error
		switch a.Right {
		case "FullAccess": // whether Outlook opened it by itself is nowhere to be read; it does so unless it was switched off
			err = t.Graph.AddMailboxPermission(ctx, t.tid(), a.ref(), upn, a.Rights, true)
		case "SendAs":
			err = t.Graph.AddRecipientPermission(ctx, t.tid(), a.ref(), upn)
		case "SendOnBehalf":
			err = t.Graph.SetSendOnBehalf(ctx, t.tid(), a.ref(), []string{upn}, nil)
		case "Calendar":
			err = t.Graph.AddCalendarPermission(ctx, t.tid(), a.ref(), *a.Calendar, upn)
		}
		return passing(err, graphclient.AlreadyMember)
	}
	return e.step()
}

func (t Target) hasAccess(ctx context.Context, a accessFound) (bool, error) {
	upn := t.User.UserPrincipalName
	switch a.Right {
	case "FullAccess":
		return t.Graph.HasFullAccess(ctx, t.tid(), a.ref(), upn)
	case "SendAs":
		return t.Graph.CanSendAs(ctx, t.tid(), a.ref(), upn)
	case "Calendar":
		p, err := t.Graph.CalendarPermissionOf(ctx, t.tid(), a.Calendar.Folder, upn)
		return p != nil, err
	}
	return t.sendsOnBehalf(ctx, a.ref(), t.User)
}

// sendsOnBehalf says whether who may send on behalf of a mailbox. Exchange shows people there by names of its own.
func (t Target) sendsOnBehalf(ctx context.Context, ref graphclient.MailboxRef, who graphclient.User) (bool, error) {
	m, err := t.Graph.Mailbox(ctx, t.tid(), ref)
	return slices.ContainsFunc(m.GrantSendOnBehalfTo, func(shown string) bool { return namesUser(shown, who, true) }), err
}
