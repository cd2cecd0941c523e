package graphclient

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// CalendarPermissions are the rights on a mailbox's calendar. The folder's name is looked up first: it is in
// the mailbox's language.
//
// Get-MailboxFolderStatistics and Get-MailboxFolderPermission; least role Exchange Recipient Administrator
// or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxfolderpermission
func (c *Client) CalendarPermissions(ctx context.Context, tid string, ref MailboxRef) ([]CalendarPermission, error) {
	f, err := c.calendarOf(ctx, tid, ref)
	if err != nil {
		return nil, err
	}
	folder := ref.identity() + `:\` + f.Name
	found, err := rows[CalendarPermission](ctx, c, tid, cmdlet{name: "Get-MailboxFolderPermission",
		params: map[string]any{"Identity": folder}, anchor: ref.UPN, mailbox: true})
	for i := range found {
		found[i].Folder, found[i].FolderName = folder, f.Name
	}
	return found, err
}

// calendarOf is the calendar folder of a mailbox.
func (c *Client) calendarOf(ctx context.Context, tid string, ref MailboxRef) (MailboxFolder, error) {
	folders, err := c.MailboxFolders(ctx, tid, ref, "Calendar")
	if err != nil {
		return MailboxFolder{}, err
	}
	for _, f := range folders {
		if equalFold(f.FolderType, "Calendar") {
			return f, nil
		}
	}
	return MailboxFolder{}, &Error{Kind: NotFound, Service: string(exchangeService), Tenant: tid, Message: "The mailbox has no calendar folder."}
}

// Calendars are the calendars of a mailbox, the default one first. Their names are in the mailbox's language, or the
// user's own.
//
// Get-MailboxFolderStatistics -FolderScope Calendar; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxfolderstatistics
func (c *Client) Calendars(ctx context.Context, tid string, ref MailboxRef) ([]MailboxFolder, error) {
	folders, err := c.MailboxFolders(ctx, tid, ref, "Calendar")
	slices.SortStableFunc(folders, func(a, b MailboxFolder) int {
		return strings.Compare(fmt.Sprint(!equalFold(a.FolderType, "Calendar")), fmt.Sprint(!equalFold(b.FolderType, "Calendar")))
	})
	return folders, err
}

// RemoveCalendarPermission takes a user's rights on a calendar away. folder is what CalendarPermissions gave;
// a user without rights is kind NotMember.
//
// Remove-MailboxFolderPermission; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/remove-mailboxfolderpermission
func (c *Client) RemoveCalendarPermission(ctx context.Context, tid string, ref MailboxRef, folder, user string) error {
	if err := require(tid, folder, user); err != nil {
		return err
	}
	return c.run(ctx, tid, cmdlet{name: "Remove-MailboxFolderPermission", anchor: ref.UPN,
		params: map[string]any{"Identity": folder, "User": user, "Confirm": false}})
}

// AddCalendarPermission gives a user rights on a calendar; rights that exist are kind AlreadyMember.
//
// Add-MailboxFolderPermission; least role Exchange Recipient Administrator.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/add-mailboxfolderpermission
func (c *Client) AddCalendarPermission(ctx context.Context, tid string, ref MailboxRef, p CalendarPermission, user string) error {
	if err := require(tid, append([]string{p.Folder, user}, p.AccessRights...)...); err != nil {
		return err
	}
	params := map[string]any{"Identity": p.Folder, "User": user, "AccessRights": p.AccessRights, "Confirm": false}
	if p.SharingPermissionFlags != "" && !equalFold(p.SharingPermissionFlags, "None") {
		params["SharingPermissionFlags"] = strings.ReplaceAll(p.SharingPermissionFlags, " ", "")
	}
	return c.run(ctx, tid, cmdlet{name: "Add-MailboxFolderPermission", anchor: ref.UPN, params: params})
}

// CalendarPermissionOf are the rights of one user on a calendar, nil where the user has none of his own.
// folder is what CalendarPermissions or CalendarAccessOf gave.
//
// Get-MailboxFolderPermission -User; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxfolderpermission
func (c *Client) CalendarPermissionOf(ctx context.Context, tid, folder, user string) (*CalendarPermission, error) {
	if err := require(tid, folder, user); err != nil {
		return nil, err
	}
	found, err := rows[CalendarPermission](ctx, c, tid, cmdlet{name: "Get-MailboxFolderPermission", params: map[string]any{"Identity": folder, "User": user}})
	if KindOf(err) == NotMember || err == nil && len(found) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found[0].Folder = folder
	return &found[0], nil
}

// CalendarAccessOf finds the calendars of others on which a user has rights of his own. It looks at every
// mailbox given, ten to a request and twice, since a calendar's name is in its owner's language.
//
// Get-MailboxFolderStatistics and Get-MailboxFolderPermission -User.
func (c *Client) CalendarAccessOf(ctx context.Context, tid string, user MailboxRef, boxes []Mailbox) ([]CalendarAccess, error) {
	who := firstOf(user.UPN, user.ID)
	if err := require(tid, who); err != nil {
		return nil, err
	}
	var others []Mailbox
	var look []cmdlet
	for _, b := range boxes {
		if id := firstOf(b.ExchangeGUID, b.UserPrincipalName); !equalFold(b.UserPrincipalName, user.UPN) && !equalFold(b.ExternalDirectoryObjectID, user.ID) {
			others = append(others, b)
			look = append(look, cmdlet{name: "Get-MailboxFolderStatistics", mailbox: true, params: map[string]any{"Identity": id, "FolderScope": "Calendar"}})
		}
	}
	answers, err := c.each(ctx, tid, look)
	if err != nil {
		return nil, err
	}
	var out []CalendarAccess
	var ask []cmdlet
	k := call{service: exchangeService, tenant: tid}
	for i, b := range others {
		folders, err := decodeRows[MailboxFolder](k, answers[i])
		if err != nil {
			return nil, err
		}
		for _, f := range folders {
			if equalFold(f.FolderType, "Calendar") {
				id := firstOf(b.ExchangeGUID, b.UserPrincipalName) + `:\` + f.Name
				out = append(out, CalendarAccess{Mailbox: b, CalendarPermission: CalendarPermission{Folder: id, FolderName: f.Name}})
				ask = append(ask, cmdlet{name: "Get-MailboxFolderPermission", params: map[string]any{"Identity": id, "User": who}})
			}
		}
	}
	if answers, err = c.each(ctx, tid, ask); err != nil {
		return nil, err
	}
	var held []CalendarAccess
	for i, a := range out {
		found, err := decodeRows[CalendarPermission](k, answers[i])
		switch {
		case KindOf(err) == NotMember || KindOf(err) == NotFound || err == nil && len(found) == 0:
		case err != nil:
			return held, err
		default:
			found[0].Folder, found[0].FolderName = a.Folder, a.FolderName
			a.CalendarPermission = found[0]
			held = append(held, a)
		}
	}
	return held, nil
}
