package graphclient

import (
	"context"
	"strings"
)

// FolderRights are the rights on one folder, or why they could not be read.
type FolderRights struct {
	Folder string // as it was asked for
	Rights []CalendarPermission
	Err    error
}

// FolderPermissions are the rights on folders of a mailbox, Default and Anonymous among them, in the order of
// folders; each folder has its own outcome. A folder is named by its FolderPath, "" being the top.
//
// Get-MailboxFolderPermission, ten to a request; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxfolderpermission
func (c *Client) FolderPermissions(ctx context.Context, tid string, ref MailboxRef, folders []string) ([]FolderRights, error) {
	if err := require(tid, ref.identity()); err != nil {
		return nil, err
	}
	ask := make([]cmdlet, len(folders))
	for i, f := range folders {
		ask[i] = cmdlet{name: "Get-MailboxFolderPermission", params: map[string]any{"Identity": ref.folderIdentity(f)}, anchor: ref.UPN}
	}
	answers, err := c.each(ctx, tid, ask)
	if err != nil {
		return nil, err
	}
	out := make([]FolderRights, len(folders))
	for i, f := range folders {
		out[i].Folder = f
		out[i].Rights, out[i].Err = decodeRows[CalendarPermission](call{service: exchangeService, tenant: tid}, answers[i])
		for j := range out[i].Rights {
			out[i].Rights[j].Folder = ref.folderIdentity(f)
		}
	}
	return out, nil
}

// FolderPermissionOf are the rights of one user, or of Default or Anonymous, on a folder; nil where there are none.
//
// Get-MailboxFolderPermission -User; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxfolderpermission
func (c *Client) FolderPermissionOf(ctx context.Context, tid string, ref MailboxRef, folder, user string) (*CalendarPermission, error) {
	if err := require(tid, ref.identity(), user); err != nil {
		return nil, err
	}
	return c.CalendarPermissionOf(ctx, tid, ref.folderIdentity(folder), user)
}

// RemoveFolderPermission takes a user's rights on a folder away; a user without rights is kind NotMember. The
// rows Default and Anonymous cannot be removed: set them to None.
//
// Remove-MailboxFolderPermission; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/remove-mailboxfolderpermission
func (c *Client) RemoveFolderPermission(ctx context.Context, tid string, ref MailboxRef, folder, user string) error {
	if err := require(tid, ref.identity(), user); err != nil {
		return err
	}
	return c.RemoveCalendarPermission(ctx, tid, ref, ref.folderIdentity(folder), user)
}

// AddFolderPermission gives a user rights on a folder; rights that exist are kind AlreadyMember. flags are a
// calendar's SharingPermissionFlags, "" elsewhere.
//
// Add-MailboxFolderPermission; least role Exchange Recipient Administrator.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/add-mailboxfolderpermission
func (c *Client) AddFolderPermission(ctx context.Context, tid string, ref MailboxRef, folder, user string, rights []string, flags string) error {
	if err := require(tid, ref.identity(), user); err != nil {
		return err
	}
	return c.AddCalendarPermission(ctx, tid, ref, CalendarPermission{Folder: ref.folderIdentity(folder), AccessRights: rights, SharingPermissionFlags: flags}, user)
}

// SetFolderPermission replaces the rights that a user, Default or Anonymous has on a folder; who has none is
// kind NotMember.
//
// Set-MailboxFolderPermission; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/set-mailboxfolderpermission
func (c *Client) SetFolderPermission(ctx context.Context, tid string, ref MailboxRef, folder, user string, rights []string, flags string) error {
	if err := require(tid, append([]string{ref.identity(), user}, rights...)...); err != nil {
		return err
	}
	params := map[string]any{"Identity": ref.folderIdentity(folder), "User": user, "AccessRights": rights, "Confirm": false}
	if flags = strings.ReplaceAll(flags, " ", ""); flags != "" && !equalFold(flags, "None") {
		params["SharingPermissionFlags"] = flags
	}
	return c.run(ctx, tid, cmdlet{name: "Set-MailboxFolderPermission", anchor: ref.UPN, params: params})
}
