package graphclient

import "context"

var mailboxProperties = []string{"ExternalDirectoryObjectId", "ExchangeGuid", "UserPrincipalName", "DisplayName",
	"Alias", "PrimarySmtpAddress", "EmailAddresses", "RecipientType", "RecipientTypeDetails", "IsDirSynced",
	"HiddenFromAddressListsEnabled", "ForwardingAddress", "ForwardingSmtpAddress", "DeliverToMailboxAndForward",
	"GrantSendOnBehalfTo", "LitigationHoldEnabled", "LitigationHoldDate", "LitigationHoldDuration",
	"RetentionHoldEnabled", "ComplianceTagHoldApplied", "InPlaceHolds", "RetentionPolicy", "ArchiveGuid",
	"ArchiveStatus", "AutoExpandingArchiveEnabled", "ProhibitSendQuota", "ProhibitSendReceiveQuota", "IssueWarningQuota",
	"PersistedCapabilities", "AuditEnabled", "AuditOwner", "DefaultAuditSet", "RetainDeletedItemsFor",
	"WhenMailboxCreated", "WhenChanged"}

// identity is what cmdlets take to mean the mailbox.
func (r MailboxRef) identity() string { return firstOf(r.ID, r.UPN) }

// on is a cmdlet on a mailbox, routed to it where its UPN is known. param is the parameter that names it.
func (r MailboxRef) on(name, param string, params map[string]any) cmdlet {
	all := map[string]any{param: r.identity()}
	for k, v := range params {
		all[k] = v
	}
	return cmdlet{name: name, params: all, anchor: r.UPN, mailbox: true}
}

// Mailbox is a user's mailbox; a user without one is kind NoMailbox.
//
// Get-Mailbox; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailbox
func (c *Client) Mailbox(ctx context.Context, tid string, ref MailboxRef) (Mailbox, error) {
	if err := require(tid, ref.identity()); err != nil {
		return Mailbox{}, err
	}
	m := ref.on("Get-Mailbox", "Identity", nil)
	m.properties = mailboxProperties
	return one[Mailbox](ctx, c, tid, m)
}

// Mailboxes lists the mailboxes of a tenant, all or those of the given types (UserMailbox, SharedMailbox,
// RoomMailbox, EquipmentMailbox …).
//
// Get-Mailbox with RecipientTypeDetails and ResultSize Unlimited.
func (c *Client) Mailboxes(ctx context.Context, tid string, recipientTypeDetails ...string) ([]Mailbox, error) {
	params := map[string]any{"ResultSize": "Unlimited"}
	if len(recipientTypeDetails) > 0 {
		params["RecipientTypeDetails"] = recipientTypeDetails
	}
	return rows[Mailbox](ctx, c, tid, cmdlet{name: "Get-Mailbox", params: params, properties: mailboxProperties})
}

// OtherMailboxes are mailboxes that Mailboxes leaves out, by the switch of Get-Mailbox that shows them: GroupMailbox,
// SoftDeletedMailbox or InactiveMailboxOnly.
//
// Get-Mailbox with that switch and ResultSize Unlimited; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailbox
func (c *Client) OtherMailboxes(ctx context.Context, tid, kind string) ([]Mailbox, error) {
	if err := require(tid, kind); err != nil {
		return nil, err
	}
	return rows[Mailbox](ctx, c, tid, cmdlet{name: "Get-Mailbox", params: map[string]any{"ResultSize": "Unlimited", kind: true}, properties: mailboxProperties})
}

// SetMailbox changes what params name, by the cmdlet's parameter names; nil clears one. A synced mailbox
// refuses what the local directory masters, kind OnPremises.
//
// Set-Mailbox; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/set-mailbox
func (c *Client) SetMailbox(ctx context.Context, tid string, ref MailboxRef, params map[string]any) error {
	if err := require(tid, ref.identity()); err != nil {
		return err
	}
	if len(params) == 0 {
		return invalid("There is nothing to change.")
	}
	return c.run(ctx, tid, ref.on("Set-Mailbox", "Identity", params))
}

// MailboxStatistics are the size of a mailbox, in bytes, and its last use.
//
// Get-MailboxStatistics; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxstatistics
func (c *Client) MailboxStatistics(ctx context.Context, tid string, ref MailboxRef) (MailboxStatistics, error) {
	if err := require(tid, ref.identity()); err != nil {
		return MailboxStatistics{}, err
	}
	return one[MailboxStatistics](ctx, c, tid, ref.on("Get-MailboxStatistics", "Identity", nil))
}

// ArchiveStatistics are those of the online archive; a mailbox without one fails.
//
// Get-MailboxStatistics -Archive.
func (c *Client) ArchiveStatistics(ctx context.Context, tid string, ref MailboxRef) (MailboxStatistics, error) {
	if err := require(tid, ref.identity()); err != nil {
		return MailboxStatistics{}, err
	}
	return one[MailboxStatistics](ctx, c, tid, ref.on("Get-MailboxStatistics", "Identity", map[string]any{"Archive": true}))
}

// MailboxFolders are the folders of a mailbox with their sizes. scope narrows them: Calendar, Contacts,
// Inbox, RecoverableItems … or All.
//
// Get-MailboxFolderStatistics.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxfolderstatistics
func (c *Client) MailboxFolders(ctx context.Context, tid string, ref MailboxRef, scope string) ([]MailboxFolder, error) {
	if err := require(tid, ref.identity(), scope); err != nil {
		return nil, err
	}
	return rows[MailboxFolder](ctx, c, tid, ref.on("Get-MailboxFolderStatistics", "Identity", map[string]any{"FolderScope": scope}))
}
