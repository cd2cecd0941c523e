package workflows

import (
	"context"
	"fmt"
	"slices"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// Grant is what somebody is given of a leaver's.
type Grant string

// What can be given.
const (
	FullAccess   Grant = "full-access"
	SendAs       Grant = "send-as"
	SendOnBehalf Grant = "send-on-behalf"
	OneDrive     Grant = "onedrive"
)

var grantWords = map[Grant]string{FullAccess: "full access to the mailbox", SendAs: "the right to send as the mailbox", SendOnBehalf: "the right to send on behalf of the mailbox", OneDrive: "access to the OneDrive"}

// GiveAccess lets a colleague use the leaver's mailbox or OneDrive (Add-MailboxPermission, Add-RecipientPermission,
// Set-Mailbox -GrantSendOnBehalfTo, POST /drives/{id}/items/root/invite). automap: Outlook opens the mailbox by
// itself.
func GiveAccess(t Target, g Grant, who graphclient.User, automap bool) jobs.Step {
	return grantAccess(t, g, who, automap, true)
}

// EndAccess takes back what GiveAccess gave.
func EndAccess(t Target, g Grant, who graphclient.User) jobs.Step {
	return grantAccess(t, g, who, true, false)
}

func grantAccess(t Target, g Grant, who graphclient.User, automap, give bool) jobs.Step {
	e := effect{
		name: "give-" + string(g) + "-" + who.ID, want: give,
		change: jobs.Change{Summary: fmt.Sprintf("Give %s %s", who.UserPrincipalName, grantWords[g]), Target: who.ID, People: []string{who.ID}, Before: "not granted", After: "granted"},
		there:  func(ctx context.Context) (bool, error) { return t.isGranted(ctx, g, who) },
		do:     func(ctx context.Context) error { return t.grant(ctx, g, who, automap) },
		back:   func() jobs.Step { return grantAccess(t, g, who, automap, false) },
	}
	if !give {
		e.name = "end-" + string(g) + "-" + who.ID
		e.change.Summary = fmt.Sprintf("Take from %s %s", who.UserPrincipalName, grantWords[g])
		e.change.Before, e.change.After = e.change.After, e.change.Before
		e.do = func(ctx context.Context) error { return t.ungrant(ctx, g, who) }
		e.back = func() jobs.Step { return grantAccess(t, g, who, automap, true) }
	}
	s := e.step()
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		switch {
		case graphclient.KindOf(err) == graphclient.NoMailbox:
			return jobs.Change{Summary: e.change.Summary, Target: who.ID, Nothing: withoutMailbox}, nil
		case graphclient.KindOf(err) == graphclient.NoDrive:
			return jobs.Change{Summary: e.change.Summary, Target: who.ID, Nothing: "there is no OneDrive"}, nil
		}
		return c, err
	}
	return s
}

func (t Target) isGranted(ctx context.Context, g Grant, who graphclient.User) (bool, error) {
	switch g {
	case FullAccess:
		return t.Graph.HasFullAccess(ctx, t.tid(), t.mailbox(), who.UserPrincipalName)
	case SendAs:
		return t.Graph.CanSendAs(ctx, t.tid(), t.mailbox(), who.UserPrincipalName)
	case SendOnBehalf:
		return t.sendsOnBehalf(ctx, t.mailbox(), who)
	case OneDrive:
	}
	_, held, err := t.driveRights(ctx, who)
	return len(held) > 0, err
}

// driveRights are the rights somebody has on the root of the leaver's OneDrive.
func (t Target) driveRights(ctx context.Context, who graphclient.User) (driveID string, held []graphclient.DrivePermission, err error) {
	d, err := t.Graph.Drive(ctx, t.tid(), t.User.ID)
	if err != nil {
		return "", nil, err
	}
	if d == nil {
		return "", nil, &graphclient.Error{Kind: graphclient.NoDrive, Tenant: t.tid(), Message: "The user has no OneDrive."}
	}
	all, err := t.Graph.DrivePermissions(ctx, t.tid(), d.ID)
	return d.ID, slices.DeleteFunc(all, func(p graphclient.DrivePermission) bool { return !p.Of(who.ID) }), err
}

func (t Target) grant(ctx context.Context, g Grant, who graphclient.User, automap bool) error {
	var err error
	switch g {
	case FullAccess:
		err = t.Graph.AddMailboxPermission(ctx, t.tid(), t.mailbox(), who.UserPrincipalName, []string{"FullAccess"}, automap)
	case SendAs:
		err = t.Graph.AddRecipientPermission(ctx, t.tid(), t.mailbox(), who.UserPrincipalName)
	case SendOnBehalf:
		err = t.Graph.SetSendOnBehalf(ctx, t.tid(), t.mailbox(), []string{who.UserPrincipalName}, nil)
	case OneDrive:
		var id string
		if id, _, err = t.driveRights(ctx, who); err == nil {
			err = t.Graph.ShareDrive(ctx, t.tid(), id, who.ID)
		}
	}
	return passing(err, graphclient.AlreadyMember)
}

func (t Target) ungrant(ctx context.Context, g Grant, who graphclient.User) error {
	var err error
	switch g {
	case FullAccess:
		err = t.Graph.RemoveMailboxPermission(ctx, t.tid(), t.mailbox(), who.UserPrincipalName, []string{"FullAccess"})
	case SendAs:
		err = t.Graph.RemoveRecipientPermission(ctx, t.tid(), t.mailbox(), who.UserPrincipalName)
	case SendOnBehalf:
		err = t.Graph.SetSendOnBehalf(ctx, t.tid(), t.mailbox(), nil, []string{who.UserPrincipalName})
	case OneDrive:
		id, held, derr := t.driveRights(ctx, who)
		if derr != nil {
			return derr
		}
		for _, p := range held {
			if err = passing(t.Graph.UnshareDrive(ctx, t.tid(), id, p.ID), graphclient.NotFound); err != nil {
				return err
			}
		}
	}
	return passing(err, graphclient.NotMember)
}

// HasAccess says whether somebody has a right on the mailbox or OneDrive of the target.
func HasAccess(ctx context.Context, t Target, g Grant, who graphclient.User) (bool, error) {
	return t.isGranted(ctx, g, who)
}
