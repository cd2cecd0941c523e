package bec

import "time"

// Coverage says how far one source was read, and as of when.
type Coverage struct {
	Source string         `json:"source"`
	Status CoverageStatus `json:"status" jsonschema:"enum=complete,enum=partial,enum=unavailable,enum=not_applicable,enum=not_requested"`
	Reason Reason         `json:"reason,omitempty" jsonschema:"enum=canary_absent,enum=canary_dead,enum=licence,enum=permission,enum=not_enabled,enum=retention,enum=throttled,enum=cap,enum=bypass,enum=audit_off,enum=on_prem_mailbox,enum=no_mailbox,enum=no_api,enum=timeout,enum=error,enum=not_requested"`
	Detail string         `json:"detail,omitempty"`
	From   *time.Time     `json:"from,omitempty"`
	To     *time.Time     `json:"to,omitempty"`
	AsOf   *time.Time     `json:"asOf,omitempty"`
	Lag    string         `json:"lag,omitempty"` // ISO 8601
	Gaps   []Gap          `json:"gaps,omitempty"`
}

// Gap is an interval a source says nothing about.
type Gap struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Reason Reason    `json:"reason"`
}

// CoverageStatus is how far a source was read.
type CoverageStatus string

// The statuses of coverage.
const (
	ReadWhole     CoverageStatus = "complete"
	ReadPartly    CoverageStatus = "partial"
	Unavailable   CoverageStatus = "unavailable"
	NotApplicable CoverageStatus = "not_applicable"
	NotRequested  CoverageStatus = "not_requested"
)

// Reason is why a source was not read whole.
type Reason string

// The reasons.
const (
	CanaryAbsent      Reason = "canary_absent" // nothing shows that the log should hold something
	CanaryDead        Reason = "canary_dead"   // another source shows what this log should hold
	NoLicence         Reason = "licence"
	NoPermission      Reason = "permission"
	NotEnabled        Reason = "not_enabled"
	Retention         Reason = "retention"
	Throttled         Reason = "throttled"
	Capped            Reason = "cap"
	AuditBypass       Reason = "bypass"
	AuditOff          Reason = "audit_off"
	OnPremMailbox     Reason = "on_prem_mailbox"
	NoMailbox         Reason = "no_mailbox"
	NoAPI             Reason = "no_api"
	TimedOut          Reason = "timeout"
	ReadError         Reason = "error"
	ReasonNotAskedFor Reason = "not_requested"
)

// The sources, by the names they bear in coverage.
const (
	SignInsInteractive    = "signInsInteractive"
	SignInsNonInteractive = "signInsNonInteractive"
	DirectoryAudits       = "directoryAudits"
	UALLogons             = "ualLogons"
	UAL                   = "ual"
	MailItemsAccessed     = "mailItemsAccessed"
	MessageTrace          = "messageTrace"
	Risk                  = "risk"
	Alerts                = "alerts"
	AuthMethods           = "authMethods"
	Devices               = "devices"
	MobileDevices         = "mobileDevices"
	Grants                = "grants"
	Apps                  = "apps"
	AddIns                = "addIns"
	InboxRules            = "inboxRules"
	HiddenRules           = "hiddenRules"
	SweepRules            = "sweepRules"
	Forwarding            = "forwarding"
	Delegates             = "delegates"
	FolderPermissions     = "folderPermissions"
	JunkConfig            = "junkConfig"
	AutoReplies           = "autoReplies"
	Protocols             = "protocols"
	Profile               = "profile"
	BlockedSender         = "blockedSender"
	Roles                 = "roles"
	ConditionalAccess     = "conditionalAccess"
	Federation            = "federation"
	TransportRules        = "transportRules"
	Connectors            = "connectors"
	AuditConfig           = "auditConfig"
	ConsentPolicy         = "consentPolicy"
	PartnerAccess         = "partnerAccess"
	SharingLinks          = "sharingLinks"
	AppPasswords          = "appPasswords"
	OutlookForms          = "outlookForms"
	OtherAccounts         = "otherAccounts"
)
