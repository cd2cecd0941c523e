package tools

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
)

// GetMailboxIn are the arguments of cipp_get_mailbox.
type GetMailboxIn struct {
	TenantArg
	UserArg
	Sections []string `json:"sections,omitempty" jsonschema:"enum=summary,enum=addresses,enum=storage,enum=forwarding,enum=autoReply,enum=rules,enum=permissions,enum=protocols,enum=mobileDevices,enum=holds,enum=junk,enum=booking,enum=all,maxItems=13" jsonschema_description:"Default summary."`
}

// GetMailboxOut is the answer of cipp_get_mailbox; absent sections were not asked for or stand in unavailable.
type GetMailboxOut struct {
	TenantID      string             `json:"tenantId"`
	Tenant        string             `json:"tenant"`
	UserID        string             `json:"userId"`
	User          string             `json:"userPrincipalName"`
	Summary       *MailboxSummary    `json:"summary,omitempty"`
	Addresses     *MailboxAddresses  `json:"addresses,omitempty"`
	Storage       *MailboxStorage    `json:"storage,omitempty"`
	Forwarding    *MailboxForwarding `json:"forwarding,omitempty"`
	AutoReply     *MailboxReplies    `json:"autoReply,omitempty"`
	Rules         []RuleRow          `json:"rules,omitempty"`
	Permissions   []PermissionRow    `json:"permissions,omitempty"`
	Protocols     map[string]string  `json:"protocols,omitempty"`
	MobileDevices []MobileRow        `json:"mobileDevices,omitempty"`
	Holds         *MailboxHolds      `json:"holds,omitempty"`
	Junk          *MailboxJunk       `json:"junk,omitempty"`
	Booking       *BookingRules      `json:"booking,omitempty"`
	Unavailable   []Unavailable      `json:"unavailable,omitempty"`
}

// MailboxAddresses are under which addresses mail arrives.
type MailboxAddresses struct {
	Primary string   `json:"primarySmtpAddress"`
	Aliases []string `json:"aliases"`
	Others  []string `json:"others,omitempty"` // SIP, X500 and the like
}

// MailboxStorage is what a mailbox holds and may hold; a quota that is absent has no limit.
type MailboxStorage struct {
	SizeGB         float64     `json:"sizeGB"`
	Items          int         `json:"items"`
	DeletedGB      float64     `json:"deletedGB"`
	WarnQuotaGB    *float64    `json:"warnQuotaGB,omitempty"`
	SendQuotaGB    *float64    `json:"sendQuotaGB,omitempty"`
	ReceiveQuotaGB *float64    `json:"sendReceiveQuotaGB,omitempty"`
	ArchiveGB      *float64    `json:"archiveGB,omitempty"`
	ArchiveItems   *int        `json:"archiveItems,omitempty"`
	AutoExpanding  bool        `json:"autoExpandingArchive"`
	LastLogon      *time.Time  `json:"lastLogonTime,omitempty"`
	LargestFolders []FolderRow `json:"largestFolders"`
}

// FolderRow is one folder with what is in it.
type FolderRow struct {
	Path   string  `json:"path"`
	Items  int     `json:"items"`
	SizeGB float64 `json:"sizeGB"`
}

// MailboxForwarding is where new mail goes besides.
type MailboxForwarding struct {
	Address       string    `json:"forwardingAddress,omitempty"`
	SMTPAddress   string    `json:"forwardingSmtpAddress,omitempty"`
	DeliverToBoth bool      `json:"deliverToBoth"`
	ByRules       []RuleRow `json:"byRules"`
}

// MailboxReplies are the automatic replies, as text.
type MailboxReplies struct {
	State    string     `json:"state"`
	Internal string     `json:"internalMessage,omitempty"`
	External string     `json:"externalMessage,omitempty"`
	Audience string     `json:"externalAudience,omitempty"`
	Start    *time.Time `json:"startTime,omitempty"`
	End      *time.Time `json:"endTime,omitempty"`
}

// RuleRow is one inbox or sweep rule.
type RuleRow struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Kind      string   `json:"kind"` // inbox | sweep
	Enabled   bool     `json:"enabled"`
	Hidden    bool     `json:"hidden"`
	SendsTo   []string `json:"sendsTo,omitempty"`
	Deletes   bool     `json:"deletes"`
	MovesTo   string   `json:"movesTo,omitempty"`
	Described string   `json:"description,omitempty"`
}

// MobileRow is one device that synchronises the mailbox.
type MobileRow struct {
	ID        string     `json:"id"`
	Name      string     `json:"name,omitempty"`
	Model     string     `json:"model,omitempty"`
	System    string     `json:"operatingSystem,omitempty"`
	Client    string     `json:"client,omitempty"`
	State     string     `json:"accessState,omitempty"`
	FirstSync *time.Time `json:"firstSyncTime,omitempty"`
}

// MailboxHolds are what keeps mail from being purged, and the archive.
type MailboxHolds struct {
	LitigationHold  bool       `json:"litigationHold"`
	LitigationSince *time.Time `json:"litigationHoldDate,omitempty"`
	LitigationFor   string     `json:"litigationHoldDuration,omitempty"`
	RetentionHold   bool       `json:"retentionHold"`
	ComplianceTag   bool       `json:"complianceTagHold"`
	Policies        []HoldRow  `json:"policies"`
	RetentionPolicy string     `json:"retentionPolicy,omitempty"`
	KeepsDeleted    string     `json:"retainDeletedItemsFor,omitempty"`
	Archive         bool       `json:"archive"`
	AutoExpanding   bool       `json:"autoExpandingArchive"`
}

// HoldRow is one hold by policy.
type HoldRow struct {
	ID   string `json:"id"`
	Kind string `json:"kind"` // eDiscovery | retention | inPlace | excluded
}

// MailboxJunk is whose mail is junk, and whose never.
type MailboxJunk struct {
	Enabled         bool     `json:"enabled"`
	TrustedOnly     bool     `json:"trustedListsOnly"`
	ContactsTrusted bool     `json:"contactsTrusted"`
	Trusted         []string `json:"trusted"`
	Blocked         []string `json:"blocked"`
}

// BookingRules are how a room or a piece of equipment answers requests.
type BookingRules struct {
	Processing      string   `json:"automateProcessing"`
	AllowConflicts  bool     `json:"allowConflicts"`
	AllowRecurring  bool     `json:"allowRecurringMeetings"`
	WindowInDays    int      `json:"bookingWindowInDays"`
	LongestMinutes  int      `json:"maximumDurationInMinutes"`
	WorkHoursOnly   bool     `json:"scheduleOnlyDuringWorkHours"`
	ExternalAllowed bool     `json:"processExternalMeetingMessages"`
	EverybodyBooks  bool     `json:"allBookInPolicy"`
	Delegates       []string `json:"resourceDelegates"`
}

// Shrink shows less of the longest section.
func (o *GetMailboxOut) Shrink() bool {
	lists := []cuttable{cuttableList("rules", &o.Rules), cuttableList("permissions", &o.Permissions), cuttableList("mobileDevices", &o.MobileDevices)}
	if o.Addresses != nil {
		lists = append(lists, cuttableList("addresses", &o.Addresses.Aliases))
	}
	if o.Junk != nil {
		lists = append(lists, cuttableList("junk", &o.Junk.Trusted), cuttableList("junk", &o.Junk.Blocked))
	}
	if o.Forwarding != nil {
		lists = append(lists, cuttableList("forwarding", &o.Forwarding.ByRules))
	}
	name, left, ok := cutLongest(lists)
	if ok {
		noteCut(&o.Unavailable, name, left, "Ask for this section alone.")
	}
	return ok
}

var getMailbox = Read(Tool{
	Name: "cipp_get_mailbox", Title: "One mailbox", Toolset: "mail", Extra: true, Aliases: userAliases,
	Description: "Shows one mailbox, of a user or shared; sections say what of it. Which other mailboxes somebody may open: cipp_list_mailbox_permissions with scope=granted.",
	Needs:       Needs{App: []string{"Exchange.ManageAsApp"}, AppRoles: []string{"Exchange Administrator"}, GDAPRoles: []string{"Exchange Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","sections":["summary","rules"]}`,
}, func(ctx context.Context, c *Call, in GetMailboxIn) (GetMailboxOut, error) {
	out := GetMailboxOut{TenantID: c.Tenant.ID, Tenant: c.Tenant.DefaultDomain, UserID: c.User.ID, User: c.User.UserPrincipalName}
	tid, ref := c.Tenant.ID, c.Mailbox()
	m, err := c.Graph.Mailbox(ctx, tid, ref) // without a mailbox there is nothing to show at all
	if err != nil {
		return out, err
	}
	want := wanted(in.Sections, "summary")
	resource := strings.EqualFold(m.RecipientTypeDetails, "RoomMailbox") || strings.EqualFold(m.RecipientTypeDetails, "EquipmentMailbox")
	s := newSections(&out.Unavailable)
	s.run(want("summary"), "summary", func() (err error) { out.Summary, err = mailboxSummary(ctx, c, ref); return err })
	s.run(want("addresses"), "addresses", func() error { out.Addresses = addressesOf(m); return nil })
	s.run(want("storage"), "storage", func() (err error) { out.Storage, err = storageOf(ctx, c, m); return err })
	s.run(want("forwarding"), "forwarding", func() (err error) { out.Forwarding, err = forwardingFull(ctx, c, m); return err })
	s.run(want("autoReply"), "autoReply", func() (err error) { out.AutoReply, err = repliesOf(ctx, c); return err })
	s.run(want("rules"), "rules", func() (err error) { out.Rules, err = ruleRows(ctx, c); return err })
	s.run(want("permissions"), "permissions", func() (err error) { out.Permissions, err = permissionRows(ctx, c, "all"); return err })
	s.run(want("protocols"), "protocols", func() (err error) { out.Protocols, err = protocolWords(ctx, c); return err })
	s.run(want("mobileDevices"), "mobileDevices", func() (err error) { out.MobileDevices, err = mobileRows(ctx, c); return err })
	s.run(want("holds"), "holds", func() error { out.Holds = holdsFull(m); return nil })
	s.run(want("junk"), "junk", func() (err error) { out.Junk, err = junkOf(ctx, c); return err })
	s.run(want("booking") && (resource || slices.Contains(in.Sections, "booking")), "booking", func() (err error) { out.Booking, err = bookingOf(ctx, c); return err })
	s.wait()
	return out, nil
})

// Text tells each section in short lines.
func (o *GetMailboxOut) Text() string {
	var l lines
	l.add("mailbox of %s in %s", o.User, o.Tenant)
	if o.Summary != nil {
		o.Summary.lines(&l)
	}
	if a := o.Addresses; a != nil {
		l.add("addresses: primary %s | aliases %s | others %s", q(a.Primary), q(orNone(a.Aliases)), q(orNone(a.Others)))
	}
	if s := o.Storage; s != nil {
		s.lines(&l)
	}
	if f := o.Forwarding; f != nil {
		l.add("forwarding: %s | copy stays %t", orNone(slices.Concat(some(f.Address), some(f.SMTPAddress))), f.DeliverToBoth)
		for _, r := range f.ByRules {
			l.add("forwards too: %s", r.line())
		}
	}
	if r := o.AutoReply; r != nil {
		l.add("automatic replies %s, from %s to %s | inside %s | outside (%s) %s", r.State, date(r.Start), date(r.End), q(r.Internal), r.Audience, q(r.External))
	}
	for _, r := range o.Rules {
		l.add("%s", r.line())
	}
	for _, p := range o.Permissions {
		l.add("%s has %s %s on %s", q(p.Holder), p.Right, strings.Join(p.Detail, ","), q(p.Mailbox))
	}
	for _, p := range slices.Sorted(maps.Keys(o.Protocols)) {
		l.add("protocol %s %s", p, o.Protocols[p])
	}
	for _, d := range o.MobileDevices {
		l.add("mobile %s | %s %s | %s | first %s | %s", q(d.Name), q(d.Model), q(d.System), d.State, date(d.FirstSync), d.ID)
	}
	if h := o.Holds; h != nil {
		l.add("litigation hold %t (since %s, for %s) | retention hold %t | compliance tag %t | retention policy %s | archive %t, growing %t", h.LitigationHold, date(h.LitigationSince), q(h.LitigationFor), h.RetentionHold, h.ComplianceTag, q(h.RetentionPolicy), h.Archive, h.AutoExpanding)
		for _, p := range h.Policies {
			l.add("hold %s %s", p.Kind, q(p.ID))
		}
	}
	if j := o.Junk; j != nil {
		l.add("junk filter %t, only trusted %t, contacts trusted %t | trusted %s | blocked %s", j.Enabled, j.TrustedOnly, j.ContactsTrusted, q(orNone(j.Trusted)), q(orNone(j.Blocked)))
	}
	if b := o.Booking; b != nil {
		l.add("booking %s | conflicts %t | recurring %t | %d days ahead | at most %d minutes | work hours only %t | from outside %t | everybody %t | delegates %s", b.Processing, b.AllowConflicts, b.AllowRecurring, b.WindowInDays, b.LongestMinutes, b.WorkHoursOnly, b.ExternalAllowed, b.EverybodyBooks, q(orNone(b.Delegates)))
	}
	for _, u := range o.Unavailable {
		l.add("not read: %s: %s %s", u.Section, u.Reason, u.Next)
	}
	return l.String()
}

func addressesOf(m graphclient.Mailbox) *MailboxAddresses {
	a := &MailboxAddresses{Primary: m.PrimarySMTPAddress, Aliases: []string{}}
	for _, x := range m.EmailAddresses {
		switch kind, address, _ := strings.Cut(x, ":"); kind {
		case "SMTP":
			a.Primary = address
		case "smtp":
			a.Aliases = append(a.Aliases, address)
		default:
			a.Others = append(a.Others, x)
		}
	}
	return a
}
