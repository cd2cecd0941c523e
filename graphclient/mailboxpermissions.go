package graphclient

import (
	"context"
	"strings"
)

// MailboxPermissions are the rights others have on a mailbox. The mailbox's own, inherited and denying rows
// are left out.
//
// Get-MailboxPermission; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxpermission
func (c *Client) MailboxPermissions(ctx context.Context, tid string, ref MailboxRef) ([]MailboxPermission, error) {
	if err := require(tid, ref.identity()); err != nil {
		return nil, err
	}
	found, err := rows[MailboxPermission](ctx, c, tid, ref.on("Get-MailboxPermission", "Identity", nil))
	return grantedToOthers(found), err
}

func grantedToOthers(found []MailboxPermission) []MailboxPermission {
	var out []MailboxPermission
	for _, p := range found {
		if !p.IsInherited && !p.Deny && !system(p.User) {
			out = append(out, p)
		}
	}
	return out
}

// system reports whether a trustee is the mailbox itself or the machinery rather than a person.
func system(trustee string) bool {
	t := strings.ToUpper(strings.TrimSpace(trustee))
	return strings.HasPrefix(t, `NT AUTHORITY\`) || strings.HasPrefix(t, "S-1-5-")
}

// AddMailboxPermission gives user rights (FullAccess) on a mailbox; autoMapping makes Outlook open it by itself.
//
// Add-MailboxPermission; least role Exchange Recipient Administrator.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/add-mailboxpermission
func (c *Client) AddMailboxPermission(ctx context.Context, tid string, ref MailboxRef, user string, rights []string, autoMapping bool) error {
	if err := require(tid, append([]string{ref.identity(), user}, rights...)...); err != nil {
		return err
	}
	return c.run(ctx, tid, ref.on("Add-MailboxPermission", "Identity", map[string]any{"User": user, "AccessRights": rights,
		"InheritanceType": "All", "AutoMapping": autoMapping, "Confirm": false}))
}

// RemoveMailboxPermission takes rights on a mailbox from user; rights that were not there are kind NotMember.
//
// Remove-MailboxPermission; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/remove-mailboxpermission
func (c *Client) RemoveMailboxPermission(ctx context.Context, tid string, ref MailboxRef, user string, rights []string) error {
	if err := require(tid, append([]string{ref.identity(), user}, rights...)...); err != nil {
		return err
	}
	return c.run(ctx, tid, ref.on("Remove-MailboxPermission", "Identity", map[string]any{"User": user, "AccessRights": rights, "Confirm": false}))
}

// RecipientPermissions are who may send as the mailbox, itself and denials left out.
//
// Get-RecipientPermission; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-recipientpermission
func (c *Client) RecipientPermissions(ctx context.Context, tid string, ref MailboxRef) ([]RecipientPermission, error) {
	if err := require(tid, ref.identity()); err != nil {
		return nil, err
	}
	found, err := rows[RecipientPermission](ctx, c, tid, ref.on("Get-RecipientPermission", "Identity", nil))
	var out []RecipientPermission
	for _, p := range found {
		if !p.IsInherited && !equalFold(p.AccessControlType, "Deny") && !system(p.Trustee) {
			out = append(out, p)
		}
	}
	return out, err
}

// AddRecipientPermission lets trustee send as the mailbox.
//
// Add-RecipientPermission; least role Exchange Recipient Administrator.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/add-recipientpermission
func (c *Client) AddRecipientPermission(ctx context.Context, tid string, ref MailboxRef, trustee string) error {
	return c.sendAs(ctx, tid, "Add-RecipientPermission", ref, trustee)
}

// RemoveRecipientPermission ends that trustee may send as the mailbox; that it could not is kind NotMember.
//
// Remove-RecipientPermission; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/remove-recipientpermission
func (c *Client) RemoveRecipientPermission(ctx context.Context, tid string, ref MailboxRef, trustee string) error {
	return c.sendAs(ctx, tid, "Remove-RecipientPermission", ref, trustee)
}

func (c *Client) sendAs(ctx context.Context, tid, name string, ref MailboxRef, trustee string) error {
	if err := require(tid, ref.identity(), trustee); err != nil {
		return err
	}
	return c.run(ctx, tid, ref.on(name, "Identity", map[string]any{"Trustee": trustee, "AccessRights": []string{"SendAs"}, "Confirm": false}))
}

// HasFullAccess reports whether user has been given full access to a mailbox. Exchange is asked for this user's
// rights only, so that no name has to be compared.
//
// Get-MailboxPermission -User; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxpermission
func (c *Client) HasFullAccess(ctx context.Context, tid string, ref MailboxRef, user string) (bool, error) {
	if err := require(tid, ref.identity(), user); err != nil {
		return false, err
	}
	found, err := rows[MailboxPermission](ctx, c, tid, ref.on("Get-MailboxPermission", "Identity", map[string]any{"User": user}))
	for _, p := range grantedToOthers(found) {
		if containsFold(p.AccessRights, "FullAccess") {
			return true, err
		}
	}
	return false, err
}

// CanSendAs reports whether trustee may send as a mailbox.
//
// Get-RecipientPermission -Trustee; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-recipientpermission
func (c *Client) CanSendAs(ctx context.Context, tid string, ref MailboxRef, trustee string) (bool, error) {
	if err := require(tid, ref.identity(), trustee); err != nil {
		return false, err
	}
	found, err := rows[RecipientPermission](ctx, c, tid, ref.on("Get-RecipientPermission", "Identity", map[string]any{"Trustee": trustee}))
	for _, p := range found {
		if !p.IsInherited && !equalFold(p.AccessControlType, "Deny") && !system(p.Trustee) {
			return true, err
		}
	}
	return false, err
}

// SetSendOnBehalf lets people send on behalf of a mailbox, or takes that right from them; both are named by id,
// address or UPN. What is so already stays so.
//
// Set-Mailbox -GrantSendOnBehalfTo; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/set-mailbox
func (c *Client) SetSendOnBehalf(ctx context.Context, tid string, ref MailboxRef, add, remove []string) error {
	change := map[string]any{"@odata.type": "#Exchange.GenericHashTable"}
	if len(add) > 0 {
		change["add"] = add
	}
	if len(remove) > 0 {
		change["remove"] = remove
	}
	return c.SetMailbox(ctx, tid, ref, map[string]any{"GrantSendOnBehalfTo": change})
}

// MailboxAccessOf finds the mailboxes of others that a user can use, and how: FullAccess, SendAs or
// SendOnBehalf. It looks at every mailbox of the tenant, ten to a request, which takes a while in a large
// one. SendOnBehalf is recognised by the user's id, UPN or address; where Exchange shows a display name
// instead it is not, since names are not unique.
//
// Get-Mailbox, Get-MailboxPermission -User and Get-RecipientPermission -Trustee.
func (c *Client) MailboxAccessOf(ctx context.Context, tid string, user MailboxRef) ([]MailboxAccess, error) {
	who := firstOf(user.UPN, user.ID)
	if err := require(tid, who); err != nil {
		return nil, err
	}
	boxes, err := c.Mailboxes(ctx, tid)
	if err != nil {
		return nil, err
	}
	sendAs, err := rows[RecipientPermission](ctx, c, tid, cmdlet{name: "Get-RecipientPermission",
		params: map[string]any{"Trustee": who, "ResultSize": "Unlimited"}})
	if err != nil && KindOf(err) != NotFound {
		return nil, err
	}
	var others []Mailbox
	var cmdlets []cmdlet
	for _, b := range boxes {
		if !equalFold(b.UserPrincipalName, user.UPN) && !equalFold(b.ExternalDirectoryObjectID, user.ID) {
			others = append(others, b)
			cmdlets = append(cmdlets, cmdlet{name: "Get-MailboxPermission", mailbox: true,
				params: map[string]any{"Identity": firstOf(b.ExchangeGUID, b.UserPrincipalName), "User": who}})
		}
	}
	answers, err := c.each(ctx, tid, cmdlets)
	if err != nil {
		return nil, err
	}
	var out []MailboxAccess
	for i, b := range others {
		found, err := decodeRows[MailboxPermission](call{service: exchangeService, tenant: tid}, answers[i])
		if err != nil && KindOf(err) != NotFound && KindOf(err) != NoMailbox {
			return out, err
		}
		if rights := rightsOn(b, user, found, sendAs); len(rights) > 0 {
			out = append(out, MailboxAccess{b, rights})
		}
	}
	return out, nil
}

// rightsOn are the rights of user on mailbox b.
func rightsOn(b Mailbox, user MailboxRef, full []MailboxPermission, sendAs []RecipientPermission) []string {
	var rights []string
	add := func(r string) {
		if !containsFold(rights, r) {
			rights = append(rights, r)
		}
	}
	for _, p := range grantedToOthers(full) {
		for _, r := range p.AccessRights {
			add(r)
		}
	}
	for _, p := range sendAs {
		if equalFold(p.AccessControlType, "Deny") || p.IsInherited {
			continue
		}
		for _, id := range []string{b.DisplayName, b.Alias, b.UserPrincipalName, b.PrimarySMTPAddress, b.ExchangeGUID, b.ExternalDirectoryObjectID} {
			if id != "" && equalFold(p.Identity, id) {
				add("SendAs")
			}
		}
	}
	for _, d := range b.GrantSendOnBehalfTo {
		if d != "" && (equalFold(d, user.ID) || equalFold(d, user.UPN)) {
			add("SendOnBehalf")
		}
	}
	return rights
}
