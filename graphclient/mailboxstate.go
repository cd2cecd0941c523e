package graphclient

import (
	"context"
	"encoding/json"
	"strings"
)

// SweepRule moves or deletes mail of one sender after it has arrived. It is no inbox rule, and mail clients
// show it in a place of its own.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-sweeprule
type SweepRule struct {
	Identity          string          `json:"Identity"`
	RuleID            string          `json:"RuleId,omitempty"`
	Name              string          `json:"Name"`
	Enabled           bool            `json:"Enabled"`
	Sender            string          `json:"Sender,omitempty"`
	SourceFolder      string          `json:"SourceFolder,omitempty"`
	DestinationFolder string          `json:"DestinationFolder,omitempty"`
	KeepForDays       *int            `json:"KeepForDays,omitempty"`
	KeepLatest        *int            `json:"KeepLatest,omitempty"`
	Provider          string          `json:"Provider,omitempty"`
	Raw               json.RawMessage `json:"-"` // the row as Exchange sent it
}

// UnmarshalJSON reads a row as Exchange writes it.
func (s *SweepRule) UnmarshalJSON(b []byte) error { return fromExchange(b, s) }

// SweepRules are the sweep rules of a mailbox.
//
// Get-SweepRule; least role Exchange Recipient Administrator.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-sweeprule
func (c *Client) SweepRules(ctx context.Context, tid string, ref MailboxRef) ([]SweepRule, error) {
	if err := require(tid, ref.identity()); err != nil {
		return nil, err
	}
	return rows[SweepRule](ctx, c, tid, ref.on("Get-SweepRule", "Mailbox", nil))
}

// RemoveSweepRule deletes a sweep rule, by the Identity SweepRules gave.
//
// Remove-SweepRule; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/remove-sweeprule
func (c *Client) RemoveSweepRule(ctx context.Context, tid string, ref MailboxRef, ruleIdentity string) error {
	return c.onRule(ctx, tid, "Remove-SweepRule", ref, ruleIdentity, map[string]any{"Confirm": false})
}

// JunkConfig is whose mail a mailbox takes for junk, and whose it never does.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxjunkemailconfiguration
type JunkConfig struct {
	Enabled                     bool     `json:"Enabled"`
	TrustedListsOnly            bool     `json:"TrustedListsOnly"` // everybody who is not trusted is junk
	ContactsTrusted             bool     `json:"ContactsTrusted"`
	TrustedSendersAndDomains    []string `json:"TrustedSendersAndDomains,omitempty"`
	TrustedRecipientsAndDomains []string `json:"TrustedRecipientsAndDomains,omitempty"`
	BlockedSendersAndDomains    []string `json:"BlockedSendersAndDomains,omitempty"`
}

// UnmarshalJSON reads a row as Exchange writes it.
func (j *JunkConfig) UnmarshalJSON(b []byte) error { return fromExchange(b, j) }

// JunkConfig are a mailbox's junk mail settings with its safe and blocked senders.
//
// Get-MailboxJunkEmailConfiguration; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxjunkemailconfiguration
func (c *Client) JunkConfig(ctx context.Context, tid string, ref MailboxRef) (JunkConfig, error) {
	return oneOf[JunkConfig](ctx, c, tid, ref, "Get-MailboxJunkEmailConfiguration")
}

// SetJunkConfig changes what params name, by the cmdlet's parameter names: TrustedSendersAndDomains and
// BlockedSendersAndDomains take a whole list, or nil for none.
//
// Set-MailboxJunkEmailConfiguration; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/set-mailboxjunkemailconfiguration
func (c *Client) SetJunkConfig(ctx context.Context, tid string, ref MailboxRef, params map[string]any) error {
	return c.setOn(ctx, tid, ref, "Set-MailboxJunkEmailConfiguration", params)
}

// MessageConfig is what Outlook on the web puts into every message, the signature first of all.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxmessageconfiguration
type MessageConfig struct {
	AutoAddSignature        bool            `json:"AutoAddSignature"`
	AutoAddSignatureOnReply bool            `json:"AutoAddSignatureOnReply"`
	SignatureName           string          `json:"SignatureName,omitempty"`
	SignatureText           string          `json:"SignatureText,omitempty"`
	SignatureHTML           string          `json:"SignatureHtml,omitempty"`
	DefaultFontName         string          `json:"DefaultFontName,omitempty"`
	AlwaysShowFrom          bool            `json:"AlwaysShowFrom"`
	EmailComposeMode        string          `json:"EmailComposeMode,omitempty"`
	Raw                     json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row as Exchange writes it.
func (m *MessageConfig) UnmarshalJSON(b []byte) error { return fromExchange(b, m) }

// MessageConfig are a mailbox's settings for writing mail.
//
// Get-MailboxMessageConfiguration; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxmessageconfiguration
func (c *Client) MessageConfig(ctx context.Context, tid string, ref MailboxRef) (MessageConfig, error) {
	return oneOf[MessageConfig](ctx, c, tid, ref, "Get-MailboxMessageConfiguration")
}

// CASMailbox says by which protocols a mailbox can be reached.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-casmailbox
type CASMailbox struct {
	ActiveSyncEnabled                bool     `json:"ActiveSyncEnabled"`
	OWAEnabled                       bool     `json:"OWAEnabled"`
	PopEnabled                       bool     `json:"PopEnabled"`
	ImapEnabled                      bool     `json:"ImapEnabled"`
	MAPIEnabled                      bool     `json:"MAPIEnabled"`
	EwsEnabled                       *bool    `json:"EwsEnabled,omitempty"` // nil: as the organization says
	OutlookMobileEnabled             bool     `json:"OutlookMobileEnabled"`
	UniversalOutlookEnabled          bool     `json:"UniversalOutlookEnabled"`
	OWAForDevicesEnabled             bool     `json:"OWAforDevicesEnabled"`
	MacOutlookEnabled                *bool    `json:"MacOutlookEnabled,omitempty"`
	SMTPClientAuthenticationDisabled *bool    `json:"SmtpClientAuthenticationDisabled,omitempty"` // nil: as TransportConfig says
	ActiveSyncAllowedDeviceIDs       []string `json:"ActiveSyncAllowedDeviceIDs,omitempty"`
	ActiveSyncBlockedDeviceIDs       []string `json:"ActiveSyncBlockedDeviceIDs,omitempty"`
}

// UnmarshalJSON reads a row as Exchange writes it.
func (m *CASMailbox) UnmarshalJSON(b []byte) error { return fromExchange(b, m) }

// CASMailbox are the protocols of a mailbox.
//
// Get-CASMailbox; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-casmailbox
func (c *Client) CASMailbox(ctx context.Context, tid string, ref MailboxRef) (CASMailbox, error) {
	return oneOf[CASMailbox](ctx, c, tid, ref, "Get-CASMailbox")
}

// SetCASMailbox changes what params name, by the cmdlet's parameter names.
//
// Set-CASMailbox; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/set-casmailbox
func (c *Client) SetCASMailbox(ctx context.Context, tid string, ref MailboxRef, params map[string]any) error {
	return c.setOn(ctx, tid, ref, "Set-CASMailbox", params)
}

// MailboxApp is an add-in of Outlook that a mailbox has.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-app
type MailboxApp struct {
	AppID        string          `json:"AppId"`
	DisplayName  string          `json:"DisplayName"`
	ProviderName string          `json:"ProviderName,omitempty"`
	Type         string          `json:"Type,omitempty"`  // Default: Microsoft's own, in every mailbox
	Scope        string          `json:"Scope,omitempty"` // User | Organization | Default
	Enabled      bool            `json:"Enabled"`
	AppVersion   string          `json:"AppVersion,omitempty"`
	Requirements string          `json:"Requirements,omitempty"` // what it may do: ReadWriteMailbox …
	Raw          json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row as Exchange writes it.
func (a *MailboxApp) UnmarshalJSON(b []byte) error { return fromExchange(b, a) }

// MailboxApps are the add-ins of a mailbox, Microsoft's own among them.
//
// Get-App -Mailbox; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-app
func (c *Client) MailboxApps(ctx context.Context, tid string, ref MailboxRef) ([]MailboxApp, error) {
	if err := require(tid, ref.identity()); err != nil {
		return nil, err
	}
	return rows[MailboxApp](ctx, c, tid, ref.on("Get-App", "Mailbox", nil))
}

// CalendarPublishing says whether a calendar is on the web for everybody who knows its address.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxcalendarfolder
type CalendarPublishing struct {
	Folder               string `json:"Identity"`
	PublishEnabled       bool   `json:"PublishEnabled"`
	SearchableURLEnabled bool   `json:"SearchableUrlEnabled"`
	DetailLevel          string `json:"DetailLevel,omitempty"` // AvailabilityOnly | LimitedDetails | FullDetails
	PublishedCalendarURL string `json:"PublishedCalendarUrl,omitempty"`
	PublishedICalURL     string `json:"PublishedICalUrl,omitempty"`
}

// UnmarshalJSON reads a row as Exchange writes it.
func (p *CalendarPublishing) UnmarshalJSON(b []byte) error { return fromExchange(b, p) }

// CalendarPublishing is how a mailbox's calendar is published. The folder's name is looked up first: it is in
// the mailbox's language.
//
// Get-MailboxFolderStatistics and Get-MailboxCalendarFolder; least role Exchange Recipient Administrator or
// Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxcalendarfolder
func (c *Client) CalendarPublishing(ctx context.Context, tid string, ref MailboxRef) (CalendarPublishing, error) {
	folder, err := c.calendarOf(ctx, tid, ref)
	if err != nil {
		return CalendarPublishing{}, err
	}
	return one[CalendarPublishing](ctx, c, tid, cmdlet{name: "Get-MailboxCalendarFolder",
		params: map[string]any{"Identity": ref.identity() + `:\` + folder.Name}, anchor: ref.UPN, mailbox: true})
}

// MailContact is an address outside that the tenant keeps as a recipient of its own.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailcontact
type MailContact struct {
	Identity             string `json:"Identity"`
	DisplayName          string `json:"DisplayName"`
	PrimarySMTPAddress   string `json:"PrimarySmtpAddress,omitempty"`
	ExternalEmailAddress string `json:"ExternalEmailAddress"` // without the SMTP: prefix
}

// UnmarshalJSON reads a row as Exchange writes it.
func (m *MailContact) UnmarshalJSON(b []byte) error {
	err := fromExchange(b, m)
	m.ExternalEmailAddress = withoutSMTP(m.ExternalEmailAddress)
	return err
}

// MailContact is a mail contact, by any identity Exchange takes: what a Mailbox's ForwardingAddress names, for
// one. What is none is kind NotFound.
//
// Get-MailContact; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailcontact
func (c *Client) MailContact(ctx context.Context, tid, identity string) (MailContact, error) {
	if err := require(tid, identity); err != nil {
		return MailContact{}, err
	}
	return one[MailContact](ctx, c, tid, cmdlet{name: "Get-MailContact", params: map[string]any{"Identity": identity}})
}

// oneOf is the single row that a cmdlet has on a mailbox.
func oneOf[T any](ctx context.Context, c *Client, tid string, ref MailboxRef, name string) (T, error) {
	if err := require(tid, ref.identity()); err != nil {
		var zero T
		return zero, err
	}
	return one[T](ctx, c, tid, ref.on(name, "Identity", nil))
}

// setOn changes settings of a mailbox.
func (c *Client) setOn(ctx context.Context, tid string, ref MailboxRef, name string, params map[string]any) error {
	if err := require(tid, ref.identity()); err != nil {
		return err
	}
	if len(params) == 0 {
		return invalid("There is nothing to change.")
	}
	return c.run(ctx, tid, ref.on(name, "Identity", params))
}

// folderIdentity is how the cmdlets name a folder. path is a MailboxFolder's FolderPath (with slashes), a path
// with backslashes, or "" for the top of the mailbox. A slash within a folder's own name comes from Exchange as
// another character and goes back as it came.
func (r MailboxRef) folderIdentity(path string) string {
	path = strings.Trim(strings.ReplaceAll(path, "/", `\`), `\`)
	if equalFold(path, "Top of Information Store") {
		path = ""
	}
	return r.identity() + `:\` + path
}
