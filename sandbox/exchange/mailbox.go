package exchange

import (
	"strconv"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

// mailbox is the connected mailbox with that identity.
func (c *call) mailbox(identity string) (cloud.Object, error) {
	identity = strings.TrimSpace(identity)
	m := c.tenant.Mailbox(identity)
	if m == nil || identity == "" {
		return nil, notFound(identity)
	}
	if strings.EqualFold(cloud.Str(m, "DisplayName"), identity) {
		n := 0
		for _, other := range c.tenant.Mailboxes() {
			if cloud.Str(other, "WhenSoftDeleted") == "" && strings.EqualFold(cloud.Str(other, "DisplayName"), identity) {
				n++
			}
		}
		if n > 1 {
			return nil, ambiguous(identity)
		}
	}
	return m, nil
}

// identified is the mailbox that -Identity names.
func (c *call) identified() (cloud.Object, error) { return c.mailbox(c.p.text("Identity")) }

// Parts of a mailbox's row that cmdlets of their own show.
var mailboxParts = map[string]bool{"Statistics": true, "ArchiveStatistics": true, "InboxRules": true, "HiddenInboxRules": true, "SweepRules": true,
	"MailboxPermissions": true, "RecipientPermissions": true, "FolderPermissions": true, "AutoReply": true, "JunkEmail": true, "CASMailbox": true,
	"MobileDevices": true, "CalendarProcessing": true, "Folders": true, "CalendarEvents": true}

const noGUID = "00000000-0000-0000-0000-000000000000"

// mailboxView is what Get-Mailbox shows of a mailbox: what is stored, over what Exchange gives every one.
func (c *call) mailboxView(m cloud.Object) cloud.Object {
	r := c.mailboxRecipient(m)
	large := r.user != nil && c.tenant.HasPlan(r.user, "EXCHANGE_S_ENTERPRISE")
	quota := int64(50)
	capabilities := []any{"BPOS_S_Standard"}
	if large {
		quota, capabilities = 100, []any{"BPOS_S_Enterprise"}
	}
	const gb = int64(1) << 30
	v := cloud.Object{
		"Id": r.name, "Identity": r.name, "Name": r.name, "DisplayName": r.display, "Alias": r.alias, "UserPrincipalName": r.upn, "PrimarySmtpAddress": r.smtp, "WindowsEmailAddress": r.smtp,
		"EmailAddresses": orEmptyList(r.addresses), "ExternalDirectoryObjectId": r.id, "Guid": cloud.DerivedID(c.tenant.ID, "mailbox", r.id), "ExchangeGuid": cloud.DerivedID(c.tenant.ID, "exchangeGuid", r.id),
		"ArchiveGuid": noGUID, "ArchiveStatus": "None", "ArchiveState": "None", "AutoExpandingArchiveEnabled": false, "RecipientType": "UserMailbox", "RecipientTypeDetails": r.details,
		"IsDirSynced": r.synced, "IsMailboxEnabled": true, "IsShared": r.details == "SharedMailbox", "IsResource": r.details == "RoomMailbox" || r.details == "EquipmentMailbox", "IsInactiveMailbox": false,
		"ForwardingAddress": nil, "ForwardingSmtpAddress": nil, "DeliverToMailboxAndForward": false, "HiddenFromAddressListsEnabled": false, "GrantSendOnBehalfTo": []any{},
		"LitigationHoldEnabled": false, "LitigationHoldDate": nil, "LitigationHoldOwner": "", "LitigationHoldDuration": "Unlimited", "RetentionHoldEnabled": false, "StartDateForRetentionHold": nil, "EndDateForRetentionHold": nil,
		"InPlaceHolds": []any{}, "ComplianceTagHoldApplied": false, "DelayHoldApplied": false, "RetentionPolicy": "Default MRM Policy", "RetentionComment": "", "RetentionUrl": "",
		"ProhibitSendQuota": sizeText(quota*gb - gb), "ProhibitSendReceiveQuota": sizeText(quota * gb), "IssueWarningQuota": sizeText(quota*gb - 2*gb), "UseDatabaseQuotaDefaults": false,
		"MaxSendSize": sizeText(35 << 20), "MaxReceiveSize": sizeText(36 << 20), "RecipientLimits": "500", "MessageCopyForSentAsEnabled": false, "MessageCopyForSendOnBehalfEnabled": false,
		"AuditEnabled": true, "AuditLogAgeLimit": "90.00:00:00", "DefaultAuditSet": []any{"Admin", "Delegate", "Owner"}, "AuditOwner": []any{"Update", "MoveToDeletedItems", "SoftDelete", "HardDelete", "UpdateFolderPermissions", "UpdateInboxRules", "UpdateCalendarDelegation"},
		"AuditDelegate":   []any{"Update", "MoveToDeletedItems", "SoftDelete", "HardDelete", "SendAs", "SendOnBehalf", "Create", "UpdateFolderPermissions", "UpdateInboxRules"},
		"AuditAdmin":      []any{"Update", "MoveToDeletedItems", "SoftDelete", "HardDelete", "SendAs", "SendOnBehalf", "Create", "UpdateFolderPermissions", "UpdateInboxRules", "UpdateCalendarDelegation"},
		"WhenSoftDeleted": nil, "WhenCreated": cloud.Str(r.user, "createdDateTime"), "WhenMailboxCreated": cloud.Str(r.user, "createdDateTime"), "WhenChanged": cloud.Str(r.user, "createdDateTime"),
		"PersistedCapabilities": capabilities, "SKUAssigned": c.licensed(r.user), "MailTip": nil, "Languages": []any{}, "AccountDisabled": r.user != nil && !cloud.Bool(r.user, "accountEnabled"),
		"CalendarRepairDisabled": false, "ElcProcessingDisabled": false, "RulesQuota": "256 KB (262,144 bytes)", "SingleItemRecoveryEnabled": true, "RetainDeletedItemsFor": "14.00:00:00",
		"ResourceCapacity": nil, "ResourceCustom": []any{}, "RequireSenderAuthenticationEnabled": false, "ModerationEnabled": false, "SharingPolicy": "Default Sharing Policy",
	}
	for i := range 15 {
		v["CustomAttribute"+strconv.Itoa(i+1)] = ""
		if i < 5 {
			v["ExtensionCustomAttribute"+strconv.Itoa(i+1)] = []any{}
		}
	}
	for k, x := range m {
		if !mailboxParts[k] {
			v[k] = x
		}
	}
	v["RecipientTypeDetails"] = r.details
	v["GrantSendOnBehalfTo"] = c.names(cloud.Strings(m, "GrantSendOnBehalfTo"))
	if f := cloud.Str(m, "ForwardingAddress"); f != "" {
		v["ForwardingAddress"] = c.names([]string{f})[0]
	}
	return v
}

// names is recipients as Get cmdlets show them: by Name, which is neither their address nor, mostly, what
// people call them.
func (c *call) names(identities []string) []any {
	out := []any{}
	for _, id := range identities {
		if r, err := c.recipient(id); err == nil {
			id = r.name
		}
		out = append(out, id)
	}
	return out
}

func (c *call) licensed(user cloud.Object) bool {
	return user != nil && c.tenant.HasPlan(user, "EXCHANGE_S_")
}

func getMailbox(c *call) ([]cloud.Object, error) {
	softDeleted, inactive := c.p.flag("SoftDeletedMailbox"), c.p.flag("InactiveMailboxOnly")
	if id := c.p.text("Identity"); id != "" && !softDeleted && !inactive {
		m, err := c.mailbox(id)
		if err != nil {
			return nil, err
		}
		if c.p.flag("Archive") && !hasArchive(m) {
			return nil, notFound(id)
		}
		return []cloud.Object{c.mailboxView(m)}, nil
	}
	if c.p.text("Filter") == "" {
		c.view = c.mailboxView // made for the page that is sent, not for every mailbox there is
	}
	if c.p.flag("GroupMailbox") {
		c.view = nil
		return c.filtered(c.groupMailboxes())
	}
	var out []cloud.Object
	for _, m := range c.tenant.Mailboxes() {
		r := c.mailboxRecipient(m)
		switch gone := cloud.Str(m, "WhenSoftDeleted") != ""; {
		case gone != (softDeleted || inactive), inactive && !cloud.Bool(m, "IsInactiveMailbox"):
			continue
		case c.p.text("Identity") != "" && !r.is(c.p.text("Identity")), c.p.flag("Archive") && !hasArchive(m):
			continue
		case c.p.text("Anr") != "" && !r.matches(c.p.text("Anr")), !inList(c.p.texts("RecipientTypeDetails"), r.details):
			continue
		case c.p.flag("PublicFolder"):
			continue
		}
		if c.view == nil {
			m = c.mailboxView(m)
		}
		out = append(out, m)
	}
	if id := c.p.text("Identity"); id != "" && len(out) == 0 {
		return nil, notFound(id)
	}
	return c.filtered(out)
}

// groupMailboxes are the mailboxes of Microsoft 365 groups.
func (c *call) groupMailboxes() (out []cloud.Object) {
	for _, g := range c.tenant.Groups().All() {
		if !mailEnabled(g) || !unified(g) {
			continue
		}
		r := c.groupRecipient(g)
		out = append(out, r.view())
	}
	return out
}

func hasArchive(m cloud.Object) bool {
	return cloud.Str(m, "ArchiveStatus") == "Active" || cloud.Str(m, "ArchiveGuid") != "" && cloud.Str(m, "ArchiveGuid") != noGUID
}

func (c *call) mailboxGUID(m cloud.Object) string {
	if g := cloud.Str(m, "ExchangeGuid"); g != "" {
		return g
	}
	return cloud.DerivedID(c.tenant.ID, "exchangeGuid", c.mailboxRecipient(m).id)
}

func getMailboxStatistics(c *call) ([]cloud.Object, error) {
	m, err := c.identified()
	if err != nil {
		return nil, err
	}
	return c.statistics(m, c.p.flag("Archive"))
}

func (c *call) statistics(m cloud.Object, archive bool) ([]cloud.Object, error) {
	r := c.mailboxRecipient(m)
	v := cloud.Object{"Identity": c.mailboxGUID(m), "DisplayName": r.display, "MailboxGuid": c.mailboxGUID(m), "ItemCount": float64(0), "TotalItemSize": sizeText(0), "DeletedItemCount": float64(0),
		"TotalDeletedItemSize": sizeText(0), "LastLogonTime": nil, "LastLogoffTime": nil, "LastInteractionTime": nil, "LastUserActionTime": nil, "IsArchiveMailbox": archive,
		"MailboxType": "Private", "MailboxTypeDetail": r.details, "SystemMessageSizeShutoffQuota": sizeText(100 << 20), "StorageLimitStatus": nil, "IsQuarantined": false}
	part := "Statistics"
	if archive {
		if !hasArchive(m) {
			return nil, notFound(c.p.text("Identity"))
		}
		part = "ArchiveStatistics"
		v["MailboxGuid"], v["DisplayName"] = m["ArchiveGuid"], "In-Place Archive -"+r.display
	}
	for k, x := range cloud.Child(m, part) {
		v[k] = x
	}
	if v["LastInteractionTime"] == nil {
		v["LastInteractionTime"], v["LastUserActionTime"] = v["LastLogonTime"], v["LastLogonTime"]
	}
	return []cloud.Object{v}, nil
}
