package bec

import (
	"encoding/json"
	"iter"
	"net/netip"
	"time"
)

// Row is one piece of evidence as its source gave it. Kind is Microsoft's name of the resource or of the cmdlet's
// output, and Data its properties by Microsoft's names:
//
//	signInsInteractive, signInsNonInteractive   signIn (beta fields where the tenant gives them)
//	directoryAudits                             directoryAudit
//	ual, ualLogons, mailItemsAccessed           auditRecord {id, creationTime, recordType, operation, userId, clientIp, objectId, service, data: AuditData}
//	messageTrace                                messageTrace (Get-MessageTraceV2)
//	risk                                        riskyUser, riskDetection
//	alerts                                      alert (security.alert)
//	authMethods                                 authenticationMethod (with @odata.type), authenticationRequirements
//	devices, mobileDevices                      device, managedDevice; mobileDevice (Get-MobileDeviceStatistics)
//	grants                                      oauth2PermissionGrant (the user's and AllPrincipals), appRoleAssignment (the user's)
//	apps                                        servicePrincipal, appOnlyRole (an appRoleAssignment of a service principal)
//	addIns                                      app (Get-App)
//	inboxRules, hiddenRules                     inboxRule (Get-InboxRule), messageRule (Graph), mailFolder
//	sweepRules                                  sweepRule
//	forwarding                                  mailbox (Get-Mailbox), mailContact
//	delegates                                   mailboxPermission, recipientPermission, mailboxAccess (the user's rights on another's mailbox)
//	folderPermissions                           folderPermission, calendarFolder
//	junkConfig, autoReplies                     junkEmailConfiguration; autoReplyConfiguration
//	protocols                                   casMailbox, transportConfig
//	profile                                     user (Graph), mailboxMessageConfiguration
//	blockedSender, roles                        blockedSenderAddress; roleAssignment
//	conditionalAccess                           conditionalAccessPolicy, namedLocation
//	federation, transportRules                  domain; transportRule
//	connectors                                  inboundConnector, outboundConnector, remoteDomain, hostedOutboundSpamFilterPolicy, journalRule
//	auditConfig                                 adminAuditLogConfig, organizationConfig, mailboxAuditBypass
//	consentPolicy, partnerAccess                authorizationPolicy; delegatedAdminRelationship
//	sharingLinks                                driveItemPermission
//	otherAccounts                               signIn, auditRecord, oauth2PermissionGrant of other users
type Row struct {
	Kind string          `json:"kind"`
	ID   string          `json:"id"`
	Data json.RawMessage `json:"data"`
}

// Facts are what a case knows beside its evidence.
type Facts struct {
	CaseID     string
	TenantID   string
	Tenant     string // its default domain
	User       User
	Opened     time.Time // when the case was opened
	Now        time.Time // when it is judged
	Since      time.Time // from when on the person who asked wants to know; zero means as far as the logs reach
	OwnDomains []string  // the tenant's verified domains

	// What the operator knows of this customer.
	TrustedForwardDomains  []string
	ApprovedApps           []string // appIds
	ApprovedPartnerTenants []string
	BreakGlass             []string

	// What this product did itself: its application in the tenant, and the client-request-ids or
	// times of its writes to this user.
	OwnAppID string
	OwnActs  []OwnAct

	// Attested are a person's answers that the operator signed: event (its evidenceRef) to whether it was the user.
	Attested map[string]bool
	// Elicited are answers that a person gave to a question at the client. Nobody signed them, so they weigh less: what
	// the evidence itself ties to an attacker stays the attacker's.
	Elicited map[string]bool

	// Intel says what is known of an address; nil knows nothing.
	Intel func(netip.Addr) (Intel, bool)
}

// OwnAct is a change this product made to the user.
type OwnAct struct {
	At     time.Time
	Action string // the step's name
	Job    string
}

// Intel is what an enrichment knows of an IP address.
type Intel struct {
	ASN     int    `json:"asn"`
	Type    string `json:"type"` // isp | mobile | hosting | vpn | proxy | tor | ""
	Country string `json:"country"`
}

// File is a case's evidence: the rows of each source, streamed as often as asked for, and how far each was read. A row's
// Data is good until the next row.
type File interface {
	Coverage() []Coverage
	Rows(source string) iter.Seq2[Row, error]
}

// Analysis is what the evidence says.
type Analysis struct {
	AsOf         time.Time // the earliest of the mandatory sources that count
	Verdict      Verdict
	IncidentType IncidentType
	State        State
	Priority     int
	Summary      string
	Coverage     []Coverage // as collected, and corrected where one source shows another to be blind
	Findings     []Finding  // the gravest first
	Events       []Event    // the earliest first
	Affected     Affected
	Plan         []Step // proposed, in the order of the response
	Next         []Next
	Questions    []Question // what only a person can tell
}

// Question asks whether the user did one concrete thing.
type Question struct {
	Event string // its evidenceRef
	Text  string // quotes tenant text fenced and bounded
}
