package workflows

import (
	"context"
	"hash/fnv"
	"strconv"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// EverybodyInside is whom the row Default of a calendar means.
const EverybodyInside = "Default"

// SetCalendarRight gives somebody a right on a calendar of the user in place of the one before
// (Set-MailboxFolderPermission, Add-MailboxFolderPermission); an empty right takes it away
// (Remove-MailboxFolderPermission). folder is what Calendars calls FolderPath. Nobody gets a mail.
func SetCalendarRight(t Target, folder graphclient.MailboxFolder, who Trustee, to CalendarRight) jobs.Step {
	name := "calendar-" + firstOf(who.ID, who.UserPrincipalName) + "-" + shortID(folder.FolderPath)
	everybody := who.UserPrincipalName == EverybodyInside
	read := func(ctx context.Context) (CalendarRight, error) { return t.calendarRight(ctx, folder, who) }
	called := who.called()
	if everybody {
		called = "everybody inside"
	}
	summary := "Give " + called + " the right " + to.inWords() + " on the calendar " + jobs.Fence(shortened(folder.Name))
	if len(to.Rights) == 0 {
		summary = "Take from " + called + " the right on the calendar " + jobs.Fence(shortened(folder.Name))
	}
	return jobs.Step{
		Name: name, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			c := jobs.Change{Summary: summary, Target: who.ID, After: to.inWords()}
			if who.ID != "" {
				c.People = []string{who.ID}
			}
			now, err := read(ctx)
			if graphclient.KindOf(err) == graphclient.NoMailbox {
				c.Nothing = withoutMailbox
				return c, nil
			}
			if err != nil {
				return c, err
			}
			if c.Before = now.inWords(); now.same(to) {
				c.Nothing = "it is so already"
			}
			return c, nil
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			if _, err := jobs.KeepBefore(ctx, read); err != nil {
				return nil, err
			}
			now, err := read(ctx)
			if err != nil || now.same(to) {
				return nil, err
			}
			switch identity := who.UserPrincipalName; {
			case len(to.Rights) == 0:
				return nil, passing(t.Graph.RemoveFolderPermission(ctx, t.tid(), t.mailbox(), folder.FolderPath, identity), graphclient.NotMember)
			case len(now.Rights) > 0 || everybody:
				return nil, t.Graph.SetFolderPermission(ctx, t.tid(), t.mailbox(), folder.FolderPath, identity, to.Rights, to.Flags)
			default:
				return nil, passing(t.Graph.AddFolderPermission(ctx, t.tid(), t.mailbox(), folder.FolderPath, identity, to.Rights, to.Flags), graphclient.AlreadyMember)
			}
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			now, err := read(ctx)
			return now.same(to), err
		}),
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			var was CalendarRight
			if !run.Before(name, &was) || was.same(to) {
				return nil, nil
			}
			return undo(name, SetCalendarRight(t, folder, who, was))
		},
	}
}

// calendarRight is somebody's own right on a calendar, empty where there is none.
func (t Target) calendarRight(ctx context.Context, folder graphclient.MailboxFolder, who Trustee) (CalendarRight, error) {
	p, err := t.Graph.FolderPermissionOf(ctx, t.tid(), t.mailbox(), folder.FolderPath, who.UserPrincipalName)
	if err != nil || p == nil {
		return CalendarRight{}, err
	}
	return CalendarRight{Rights: p.AccessRights, Flags: p.SharingPermissionFlags}, nil
}

// HasCalendarRight says whether somebody has just this right on the default calendar of the target.
func HasCalendarRight(ctx context.Context, t Target, who graphclient.User, right CalendarRight) (bool, error) {
	all, err := t.Graph.Calendars(ctx, t.tid(), t.mailbox())
	if err != nil {
		return false, err
	}
	for _, folder := range all {
		if equalFold(folder.FolderType, "Calendar") {
			has, err := t.calendarRight(ctx, folder, Trustee{User: who})
			return has.same(right), err
		}
	}
	return false, nil
}

// shortID is a short part of a step's name that tells one thing from the others.
func shortID(id string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.ToLower(id)))
	return strconv.FormatUint(uint64(h.Sum32()), 10)
}
