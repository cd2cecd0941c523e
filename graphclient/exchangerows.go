package graphclient

import (
	"encoding/json"
	"strings"
)

// Exchange's rows, as they come, are decoded into the public types through shadows: fields of the same name
// that understand Exchange's spellings and win over the embedded ones.

// UnmarshalJSON reads a row as Exchange writes it, and as encoding/json does.
func (m *Mailbox) UnmarshalJSON(b []byte) error {
	type plain Mailbox
	row := struct {
		*plain
		EmailAddresses                texts
		GrantSendOnBehalfTo           texts
		InPlaceHolds                  texts
		PersistedCapabilities         flags
		ForwardingAddress             text
		ForwardingSmtpAddress         text
		LitigationHoldDate            moment
		LitigationHoldDuration        text
		ProhibitSendQuota             size
		ProhibitSendReceiveQuota      size
		IssueWarningQuota             size
		WhenMailboxCreated            moment
		WhenChanged                   moment
		AuditOwner                    flags
		DefaultAuditSet               flags
		RetainDeletedItemsFor         text
		IsDirSynced                   yes
		HiddenFromAddressListsEnabled yes
		DeliverToMailboxAndForward    yes
		LitigationHoldEnabled         yes
		RetentionHoldEnabled          yes
		ComplianceTagHoldApplied      yes
		AutoExpandingArchiveEnabled   yes
		AuditEnabled                  yes
		RetentionPolicy               text
	}{plain: (*plain)(m)}
	if err := json.Unmarshal(b, &row); err != nil {
		return err
	}
	m.EmailAddresses, m.GrantSendOnBehalfTo = row.EmailAddresses, row.GrantSendOnBehalfTo
	m.InPlaceHolds, m.PersistedCapabilities = row.InPlaceHolds, row.PersistedCapabilities
	m.ForwardingAddress, m.ForwardingSMTPAddress = string(row.ForwardingAddress), withoutSMTP(string(row.ForwardingSmtpAddress))
	m.LitigationHoldDate, m.LitigationHoldDuration = row.LitigationHoldDate.t, string(row.LitigationHoldDuration)
	m.ProhibitSendQuota, m.ProhibitSendReceiveQuota = int64(row.ProhibitSendQuota), int64(row.ProhibitSendReceiveQuota)
	m.IssueWarningQuota = int64(row.IssueWarningQuota)
	m.WhenMailboxCreated, m.RetentionPolicy = row.WhenMailboxCreated.t, string(row.RetentionPolicy)
	m.IsDirSynced, m.HiddenFromAddressListsEnabled = bool(row.IsDirSynced), bool(row.HiddenFromAddressListsEnabled)
	m.DeliverToMailboxAndForward, m.LitigationHoldEnabled = bool(row.DeliverToMailboxAndForward), bool(row.LitigationHoldEnabled)
	m.RetentionHoldEnabled, m.ComplianceTagHoldApplied = bool(row.RetentionHoldEnabled), bool(row.ComplianceTagHoldApplied)
	m.AutoExpandingArchiveEnabled, m.AuditEnabled = bool(row.AutoExpandingArchiveEnabled), bool(row.AuditEnabled)
	m.AuditOwner, m.DefaultAuditSet = row.AuditOwner, row.DefaultAuditSet
	m.RetainDeletedItemsFor, m.WhenChanged = string(row.RetainDeletedItemsFor), row.WhenChanged.t
	return nil
}

// withoutSMTP is an address without its "smtp:" prefix.
func withoutSMTP(address string) string {
	if len(address) > 5 && strings.EqualFold(address[:5], "smtp:") {
		return address[5:]
	}
	return address
}

// UnmarshalJSON reads a row as Exchange writes it, and as encoding/json does.
func (s *MailboxStatistics) UnmarshalJSON(b []byte) error {
	type plain MailboxStatistics
	row := struct {
		*plain
		ItemCount, DeletedItemCount         count
		TotalItemSize, TotalDeletedItemSize size
		LastLogonTime, LastInteractionTime  moment
		MailboxGuid                         text
	}{plain: (*plain)(s)}
	if err := json.Unmarshal(b, &row); err != nil {
		return err
	}
	s.ItemCount, s.DeletedItemCount = int(row.ItemCount), int(row.DeletedItemCount)
	s.TotalItemSize, s.TotalDeletedItemSize = int64(row.TotalItemSize), int64(row.TotalDeletedItemSize)
	s.LastLogonTime, s.LastInteractionTime = row.LastLogonTime.t, row.LastInteractionTime.t
	s.MailboxGUID = string(row.MailboxGuid)
	return nil
}

// UnmarshalJSON reads a row as Exchange writes it, and as encoding/json does.
func (f *MailboxFolder) UnmarshalJSON(b []byte) error {
	type plain MailboxFolder
	row := struct {
		*plain
		ItemsInFolder count
		FolderSize    size
	}{plain: (*plain)(f)}
	if err := json.Unmarshal(b, &row); err != nil {
		return err
	}
	f.ItemsInFolder, f.FolderSize = int(row.ItemsInFolder), int64(row.FolderSize)
	return nil
}

// UnmarshalJSON reads a row as Exchange writes it, and as encoding/json does.
func (p *MailboxPermission) UnmarshalJSON(b []byte) error {
	type plain MailboxPermission
	row := struct {
		*plain
		Identity, User    text
		AccessRights      flags
		IsInherited, Deny yes
	}{plain: (*plain)(p)}
	if err := json.Unmarshal(b, &row); err != nil {
		return err
	}
	p.Identity, p.User, p.AccessRights = string(row.Identity), string(row.User), row.AccessRights
	p.IsInherited, p.Deny = bool(row.IsInherited), bool(row.Deny)
	return nil
}

// UnmarshalJSON reads a row as Exchange writes it, and as encoding/json does.
func (p *RecipientPermission) UnmarshalJSON(b []byte) error {
	type plain RecipientPermission
	row := struct {
		*plain
		Identity, Trustee text
		AccessRights      flags
		IsInherited       yes
	}{plain: (*plain)(p)}
	if err := json.Unmarshal(b, &row); err != nil {
		return err
	}
	p.Identity, p.Trustee, p.AccessRights = string(row.Identity), string(row.Trustee), row.AccessRights
	p.IsInherited = bool(row.IsInherited)
	return nil
}

// UnmarshalJSON reads a row as Exchange writes it, and as encoding/json does.
func (p *CalendarPermission) UnmarshalJSON(b []byte) error {
	var row struct {
		Identity, FolderName   text
		Folder                 string
		UserPrincipalName      string
		User                   json.RawMessage
		AccessRights           flags
		SharingPermissionFlags flags
	}
	if err := json.Unmarshal(b, &row); err != nil {
		return err
	}
	var person struct {
		RecipientPrincipal struct{ UserPrincipalName string }
		ADRecipient        struct{ UserPrincipalName string }
		UserPrincipalName  string
	}
	_ = json.Unmarshal(row.User, &person) // a plain string in most answers
	*p = CalendarPermission{Folder: firstOf(row.Folder, string(row.Identity)), FolderName: string(row.FolderName), User: textOf(row.User),
		UserPrincipalName: firstOf(row.UserPrincipalName, person.UserPrincipalName, person.RecipientPrincipal.UserPrincipalName, person.ADRecipient.UserPrincipalName),
		AccessRights:      row.AccessRights, SharingPermissionFlags: strings.Join(row.SharingPermissionFlags, ",")}
	return nil
}

// UnmarshalJSON reads a row as Exchange writes it, and as encoding/json does.
func (a *AutoReply) UnmarshalJSON(b []byte) error {
	type plain AutoReply
	row := struct {
		*plain
		StartTime, EndTime                               moment
		InternalMessage, ExternalMessage, AutoReplyState text
		ExternalAudience                                 text
	}{plain: (*plain)(a)}
	if err := json.Unmarshal(b, &row); err != nil {
		return err
	}
	a.StartTime, a.EndTime = row.StartTime.t, row.EndTime.t
	a.InternalMessage, a.ExternalMessage = string(row.InternalMessage), string(row.ExternalMessage)
	a.AutoReplyState, a.ExternalAudience = string(row.AutoReplyState), string(row.ExternalAudience)
	return nil
}

// UnmarshalJSON reads a row as Exchange writes it, and as encoding/json does.
func (d *MobileDevice) UnmarshalJSON(b []byte) error {
	type plain MobileDevice
	row := struct {
		*plain
		Identity, Guid             text
		FirstSyncTime, WhenChanged moment
	}{plain: (*plain)(d)}
	if err := json.Unmarshal(b, &row); err != nil {
		return err
	}
	d.Identity, d.GUID = string(row.Identity), string(row.Guid)
	d.FirstSyncTime, d.WhenChanged = row.FirstSyncTime.t, row.WhenChanged.t
	return nil
}
