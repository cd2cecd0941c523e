package graphclient

import "time"

// MailboxRef names a mailbox. ID is the user's object id (or any identity Exchange takes), UPN its sign-in
// name. Either will do; with the UPN the request is also routed straight to the mailbox's server.
type MailboxRef struct{ ID, UPN string }

// Mailbox is what Get-Mailbox shows.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailbox
type Mailbox struct {
	ExternalDirectoryObjectID     string     `json:"ExternalDirectoryObjectId"`
	ExchangeGUID                  string     `json:"ExchangeGuid"`
	UserPrincipalName             string     `json:"UserPrincipalName"`
	DisplayName                   string     `json:"DisplayName"`
	Alias                         string     `json:"Alias,omitempty"`
	PrimarySMTPAddress            string     `json:"PrimarySmtpAddress"`
	EmailAddresses                []string   `json:"EmailAddresses,omitempty"`
	RecipientType                 string     `json:"RecipientType,omitempty"`
	RecipientTypeDetails          string     `json:"RecipientTypeDetails"` // UserMailbox | SharedMailbox | RoomMailbox …
	IsDirSynced                   bool       `json:"IsDirSynced"`
	HiddenFromAddressListsEnabled bool       `json:"HiddenFromAddressListsEnabled"`
	ForwardingAddress             string     `json:"ForwardingAddress,omitempty"`     // a recipient of the tenant; wins over the next
	ForwardingSMTPAddress         string     `json:"ForwardingSmtpAddress,omitempty"` // without the smtp: prefix
	DeliverToMailboxAndForward    bool       `json:"DeliverToMailboxAndForward"`
	GrantSendOnBehalfTo           []string   `json:"GrantSendOnBehalfTo,omitempty"` // display names or ids, not UPNs
	LitigationHoldEnabled         bool       `json:"LitigationHoldEnabled"`
	LitigationHoldDate            *time.Time `json:"LitigationHoldDate,omitempty"`
	LitigationHoldDuration        string     `json:"LitigationHoldDuration,omitempty"`
	RetentionHoldEnabled          bool       `json:"RetentionHoldEnabled"`
	ComplianceTagHoldApplied      bool       `json:"ComplianceTagHoldApplied"`
	InPlaceHolds                  []string   `json:"InPlaceHolds,omitempty"`
	RetentionPolicy               string     `json:"RetentionPolicy,omitempty"`
	ArchiveGUID                   string     `json:"ArchiveGuid,omitempty"`
	ArchiveStatus                 string     `json:"ArchiveStatus,omitempty"` // None | Active
	AutoExpandingArchiveEnabled   bool       `json:"AutoExpandingArchiveEnabled"`
	ProhibitSendQuota             int64      `json:"ProhibitSendQuota"`        // bytes; Unlimited for no limit
	ProhibitSendReceiveQuota      int64      `json:"ProhibitSendReceiveQuota"` // bytes; Unlimited for no limit
	IssueWarningQuota             int64      `json:"IssueWarningQuota"`        // bytes; Unlimited for no limit
	PersistedCapabilities         []string   `json:"PersistedCapabilities,omitempty"`
	AuditEnabled                  bool       `json:"AuditEnabled"`
	AuditOwner                    []string   `json:"AuditOwner,omitempty"`            // which deeds of the owner's own are recorded
	DefaultAuditSet               []string   `json:"DefaultAuditSet,omitempty"`       // whose recorded deeds Microsoft chooses: Owner, Delegate, Admin
	RetainDeletedItemsFor         string     `json:"RetainDeletedItemsFor,omitempty"` // "14.00:00:00"
	WhenMailboxCreated            *time.Time `json:"WhenMailboxCreated,omitempty"`
	WhenChanged                   *time.Time `json:"WhenChanged,omitempty"`
}

// Unlimited is how a quota without limit is shown in bytes.
const Unlimited int64 = -1

// Shared reports whether the mailbox is a shared one.
func (m Mailbox) Shared() bool { return equalFold(m.RecipientTypeDetails, "SharedMailbox") }

// HasArchive reports whether there is an online archive.
func (m Mailbox) HasArchive() bool {
	return equalFold(m.ArchiveStatus, "Active") || m.ArchiveGUID != "" && m.ArchiveGUID != zeroGUID
}

// Held reports whether anything holds the mailbox's content: litigation hold, or a hold by policy that the
// mailbox is not excluded from (an excluded one is written with a leading minus).
func (m Mailbox) Held() bool {
	if m.LitigationHoldEnabled || m.ComplianceTagHoldApplied {
		return true
	}
	for _, h := range m.InPlaceHolds {
		if h != "" && h[0] != '-' {
			return true
		}
	}
	return false
}

// MailboxStatistics is what Get-MailboxStatistics shows. Sizes are bytes.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxstatistics
type MailboxStatistics struct {
	DisplayName          string     `json:"DisplayName,omitempty"`
	MailboxGUID          string     `json:"MailboxGuid,omitempty"`
	ItemCount            int        `json:"ItemCount"`
	TotalItemSize        int64      `json:"TotalItemSize"`
	DeletedItemCount     int        `json:"DeletedItemCount"`
	TotalDeletedItemSize int64      `json:"TotalDeletedItemSize"`
	LastLogonTime        *time.Time `json:"LastLogonTime,omitempty"`
	LastInteractionTime  *time.Time `json:"LastInteractionTime,omitempty"`
}

// MailboxFolder is what Get-MailboxFolderStatistics shows of a folder. FolderSize is bytes.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxfolderstatistics
type MailboxFolder struct {
	Name          string `json:"Name"` // in the mailbox's language
	FolderPath    string `json:"FolderPath"`
	FolderType    string `json:"FolderType"` // Calendar, Inbox … whatever the language
	FolderID      string `json:"FolderId,omitempty"`
	ItemsInFolder int    `json:"ItemsInFolder"`
	FolderSize    int64  `json:"FolderSize"`
}

// MailboxPermission is a right on a mailbox, of which FullAccess matters most.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxpermission
type MailboxPermission struct {
	Identity        string   `json:"Identity"` // the mailbox
	User            string   `json:"User"`     // who has the right
	AccessRights    []string `json:"AccessRights"`
	IsInherited     bool     `json:"IsInherited"`
	Deny            bool     `json:"Deny"`
	InheritanceType string   `json:"InheritanceType,omitempty"`
}

// RecipientPermission is the right to send as a recipient.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-recipientpermission
type RecipientPermission struct {
	Identity          string   `json:"Identity"`
	Trustee           string   `json:"Trustee"`
	AccessControlType string   `json:"AccessControlType,omitempty"` // Allow | Deny
	AccessRights      []string `json:"AccessRights"`                // SendAs
	IsInherited       bool     `json:"IsInherited"`
}

// CalendarPermission is a right on a calendar folder. Folder is what the cmdlets take as Identity.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxfolderpermission
type CalendarPermission struct {
	Folder                 string   `json:"Folder"`
	FolderName             string   `json:"FolderName"`
	User                   string   `json:"User"` // display name; Default and Anonymous are rows of their own
	UserPrincipalName      string   `json:"UserPrincipalName,omitempty"`
	AccessRights           []string `json:"AccessRights"`
	SharingPermissionFlags string   `json:"SharingPermissionFlags,omitempty"`
}

// AutoReply is a mailbox's automatic replies. The messages are HTML.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxautoreplyconfiguration
type AutoReply struct {
	AutoReplyState   string     `json:"AutoReplyState"` // Enabled | Disabled | Scheduled
	InternalMessage  string     `json:"InternalMessage,omitempty"`
	ExternalMessage  string     `json:"ExternalMessage,omitempty"`
	ExternalAudience string     `json:"ExternalAudience,omitempty"` // None | Known | All
	StartTime        *time.Time `json:"StartTime,omitempty"`
	EndTime          *time.Time `json:"EndTime,omitempty"`
}

// MobileDevice is a phone or tablet that synchronises the mailbox.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mobiledevice
type MobileDevice struct {
	Identity          string     `json:"Identity"`
	GUID              string     `json:"Guid"`
	DeviceID          string     `json:"DeviceId"`
	FriendlyName      string     `json:"FriendlyName,omitempty"`
	DeviceModel       string     `json:"DeviceModel,omitempty"`
	DeviceOS          string     `json:"DeviceOS,omitempty"`
	DeviceType        string     `json:"DeviceType,omitempty"`
	DeviceUserAgent   string     `json:"DeviceUserAgent,omitempty"`
	ClientType        string     `json:"ClientType,omitempty"`
	DeviceAccessState string     `json:"DeviceAccessState,omitempty"` // Allowed | Blocked | Quarantined …
	FirstSyncTime     *time.Time `json:"FirstSyncTime,omitempty"`
	WhenChanged       *time.Time `json:"WhenChanged,omitempty"`
	UserDisplayName   string     `json:"UserDisplayName,omitempty"`
}

// OrganizationConfig is what this product reads of Get-OrganizationConfig.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-organizationconfig
type OrganizationConfig struct {
	Name                        string `json:"Name"`
	DisplayName                 string `json:"DisplayName,omitempty"`
	IsDehydrated                bool   `json:"IsDehydrated"`
	AuditDisabled               bool   `json:"AuditDisabled"`
	AutoExpandingArchiveEnabled bool   `json:"AutoExpandingArchiveEnabled"`
}

// AdminAuditLogConfig says whether the unified audit log is kept.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-adminauditlogconfig
type AdminAuditLogConfig struct {
	UnifiedAuditLogIngestionEnabled bool `json:"UnifiedAuditLogIngestionEnabled"`
	AdminAuditLogEnabled            bool `json:"AdminAuditLogEnabled"`
}

// CalendarAccess is a calendar somebody has rights on and which.
type CalendarAccess struct {
	Mailbox Mailbox `json:"mailbox"`
	CalendarPermission
}

// MailboxAccess is a mailbox somebody can use and how.
type MailboxAccess struct {
	Mailbox      Mailbox  `json:"mailbox"`
	AccessRights []string `json:"accessRights"` // FullAccess, SendAs, SendOnBehalf
}
