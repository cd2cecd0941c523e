package graphclient

import "context"

// CalendarPermissions are the rights on a mailbox's calendar. The folder's name is looked up first: it is in
// the mailbox's language.
//
// Get-MailboxFolderStatistics and Get-MailboxFolderPermission; least role Exchange Recipient Administrator
// or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxfolderpermission
func (c *Client) CalendarPermissions(ctx context.Context, tid string, ref MailboxRef) ([]CalendarPermission, error) {
	folders, err := c.MailboxFolders(ctx, tid, ref, "Calendar")
	if err != nil {
		return nil, err
	}
	for _, f := range folders {
		if !equalFold(f.FolderType, "Calendar") {
			continue
		}
		folder := ref.identity() + `:\` + f.Name
		found, err := rows[CalendarPermission](ctx, c, tid, cmdlet{name: "Get-MailboxFolderPermission",
			params: map[string]any{"Identity": folder}, anchor: ref.UPN, mailbox: true})
		for i := range found {
			found[i].Folder, found[i].FolderName = folder, f.Name
		}
		return found, err
	}
	return nil, &Error{Kind: NotFound, Service: string(exchangeService), Tenant: tid, Message: "The mailbox has no calendar folder."}
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
