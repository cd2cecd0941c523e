package graphclient

import (
	"context"
	"encoding/json"
	"time"
)

// What a whole organization's mail passes through. Raw is the row as Exchange sent it: its conditions and
// actions are more than anybody needs as fields.

// TransportRule is a mail flow rule of the organization.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-transportrule
type TransportRule struct {
	Identity                 string          `json:"Identity"`
	Name                     string          `json:"Name"`
	GUID                     string          `json:"Guid,omitempty"`
	State                    string          `json:"State"` // Enabled | Disabled
	Mode                     string          `json:"Mode,omitempty"`
	Priority                 int             `json:"Priority"`
	Description              string          `json:"Description,omitempty"`
	Comments                 string          `json:"Comments,omitempty"`
	BlindCopyTo              []string        `json:"BlindCopyTo,omitempty"`
	CopyTo                   []string        `json:"CopyTo,omitempty"`
	AddToRecipients          []string        `json:"AddToRecipients,omitempty"`
	RedirectMessageTo        []string        `json:"RedirectMessageTo,omitempty"`
	RouteThroughConnector    string          `json:"RouteMessageOutboundConnector,omitempty"`
	DeleteMessage            bool            `json:"DeleteMessage"`
	Quarantine               bool            `json:"Quarantine,omitempty"`
	SetSCL                   string          `json:"SetSCL,omitempty"` // -1: never taken for junk
	SetHeaderName            string          `json:"SetHeaderName,omitempty"`
	SetHeaderValue           string          `json:"SetHeaderValue,omitempty"`
	From                     []string        `json:"From,omitempty"`
	FromMemberOf             []string        `json:"FromMemberOf,omitempty"`
	FromAddressContainsWords []string        `json:"FromAddressContainsWords,omitempty"`
	SenderDomainIs           []string        `json:"SenderDomainIs,omitempty"`
	SenderIPRanges           []string        `json:"SenderIpRanges,omitempty"`
	SentTo                   []string        `json:"SentTo,omitempty"`
	SentToMemberOf           []string        `json:"SentToMemberOf,omitempty"`
	RecipientDomainIs        []string        `json:"RecipientDomainIs,omitempty"`
	SubjectContainsWords     []string        `json:"SubjectContainsWords,omitempty"`
	SubjectOrBodyContains    []string        `json:"SubjectOrBodyContainsWords,omitempty"`
	HeaderContainsMessage    string          `json:"HeaderContainsMessageHeader,omitempty"`
	HeaderContainsWords      []string        `json:"HeaderContainsWords,omitempty"`
	FromScope                string          `json:"FromScope,omitempty"`
	SentToScope              string          `json:"SentToScope,omitempty"`
	WhenChanged              *time.Time      `json:"WhenChanged,omitempty"`
	Raw                      json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row as Exchange writes it.
func (r *TransportRule) UnmarshalJSON(b []byte) error { return fromExchange(b, r) }

// Enabled reports whether the rule acts.
func (r TransportRule) Enabled() bool { return !equalFold(r.State, "Disabled") }

// TransportRules are all mail flow rules, the disabled ones too.
//
// Get-TransportRule; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-transportrule
func (c *Client) TransportRules(ctx context.Context, tid string) ([]TransportRule, error) {
	return rows[TransportRule](ctx, c, tid, cmdlet{name: "Get-TransportRule", params: map[string]any{"ResultSize": "Unlimited"}})
}

// SetTransportRuleEnabled switches a mail flow rule on or off, by its Identity or GUID.
//
// Enable-TransportRule and Disable-TransportRule; least role Exchange Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/disable-transportrule
func (c *Client) SetTransportRuleEnabled(ctx context.Context, tid, rule string, on bool) error {
	if err := require(tid, rule); err != nil {
		return err
	}
	name := "Disable-TransportRule"
	if on {
		name = "Enable-TransportRule"
	}
	return c.run(ctx, tid, cmdlet{name: name, params: map[string]any{"Identity": rule, "Confirm": false}})
}

// Connector is a way mail takes into or out of the organization.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-inboundconnector and get-outboundconnector
type Connector struct {
	Identity                     string          `json:"Identity"`
	Name                         string          `json:"Name"`
	Enabled                      bool            `json:"Enabled"`
	ConnectorType                string          `json:"ConnectorType,omitempty"` // OnPremises | Partner
	Comment                      string          `json:"Comment,omitempty"`
	SenderDomains                []string        `json:"SenderDomains,omitempty"`     // inbound
	SenderIPAddresses            []string        `json:"SenderIPAddresses,omitempty"` // inbound
	RestrictDomainsToIPAddresses bool            `json:"RestrictDomainsToIPAddresses,omitempty"`
	TreatMessagesAsInternal      bool            `json:"TreatMessagesAsInternal,omitempty"`
	TLSSenderCertificateName     string          `json:"TlsSenderCertificateName,omitempty"`
	RequireTLS                   bool            `json:"RequireTls,omitempty"`
	RecipientDomains             []string        `json:"RecipientDomains,omitempty"` // outbound
	SmartHosts                   []string        `json:"SmartHosts,omitempty"`       // outbound
	UseMXRecord                  bool            `json:"UseMXRecord,omitempty"`
	RouteAllMessages             bool            `json:"RouteAllMessagesViaOnPremises,omitempty"`
	TransportRuleScoped          bool            `json:"IsTransportRuleScoped,omitempty"`
	WhenCreated                  *time.Time      `json:"WhenCreated,omitempty"`
	WhenChanged                  *time.Time      `json:"WhenChanged,omitempty"`
	Raw                          json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a row as Exchange writes it.
func (x *Connector) UnmarshalJSON(b []byte) error { return fromExchange(b, x) }

// InboundConnectors are the ways mail takes in.
//
// Get-InboundConnector; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-inboundconnector
func (c *Client) InboundConnectors(ctx context.Context, tid string) ([]Connector, error) {
	return rows[Connector](ctx, c, tid, cmdlet{name: "Get-InboundConnector"})
}

// OutboundConnectors are the ways mail takes out.
//
// Get-OutboundConnector; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-outboundconnector
func (c *Client) OutboundConnectors(ctx context.Context, tid string) ([]Connector, error) {
	return rows[Connector](ctx, c, tid, cmdlet{name: "Get-OutboundConnector"})
}

// RemoteDomain is how mail to a domain outside is treated; DomainName * is every domain.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-remotedomain
type RemoteDomain struct {
	Name               string     `json:"Name"`
	DomainName         string     `json:"DomainName"`
	AutoForwardEnabled bool       `json:"AutoForwardEnabled"`
	AutoReplyEnabled   bool       `json:"AutoReplyEnabled"`
	AllowedOOFType     string     `json:"AllowedOOFType,omitempty"`
	WhenChanged        *time.Time `json:"WhenChanged,omitempty"`
}

// UnmarshalJSON reads a row as Exchange writes it.
func (d *RemoteDomain) UnmarshalJSON(b []byte) error { return fromExchange(b, d) }

// RemoteDomains are the domains that are treated in a way of their own.
//
// Get-RemoteDomain; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-remotedomain
func (c *Client) RemoteDomains(ctx context.Context, tid string) ([]RemoteDomain, error) {
	return rows[RemoteDomain](ctx, c, tid, cmdlet{name: "Get-RemoteDomain"})
}

// OutboundSpamPolicy says, among other things, whether mail may be forwarded out by itself.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-hostedoutboundspamfilterpolicy
type OutboundSpamPolicy struct {
	Name                       string     `json:"Name"`
	IsDefault                  bool       `json:"IsDefault"`
	Enabled                    bool       `json:"Enabled"`
	AutoForwardingMode         string     `json:"AutoForwardingMode"` // Automatic (off) | On | Off
	ActionWhenThresholdReached string     `json:"ActionWhenThresholdReached,omitempty"`
	WhenChanged                *time.Time `json:"WhenChanged,omitempty"`
}

// UnmarshalJSON reads a row as Exchange writes it.
func (p *OutboundSpamPolicy) UnmarshalJSON(b []byte) error { return fromExchange(b, p) }

// OutboundSpamPolicies are the policies for outgoing mail.
//
// Get-HostedOutboundSpamFilterPolicy; least role Security Reader or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-hostedoutboundspamfilterpolicy
func (c *Client) OutboundSpamPolicies(ctx context.Context, tid string) ([]OutboundSpamPolicy, error) {
	return rows[OutboundSpamPolicy](ctx, c, tid, cmdlet{name: "Get-HostedOutboundSpamFilterPolicy"})
}

// JournalRule copies mail to an address for the records.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-journalrule
type JournalRule struct {
	Name                string     `json:"Name"`
	Enabled             bool       `json:"Enabled"`
	JournalEmailAddress string     `json:"JournalEmailAddress"`
	Recipient           string     `json:"Recipient,omitempty"` // empty: everybody's mail
	Scope               string     `json:"Scope,omitempty"`     // Global | Internal | External
	WhenChanged         *time.Time `json:"WhenChanged,omitempty"`
}

// UnmarshalJSON reads a row as Exchange writes it.
func (r *JournalRule) UnmarshalJSON(b []byte) error { return fromExchange(b, r) }

// JournalRules are the organization's journal rules.
//
// Get-JournalRule; least role Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-journalrule
func (c *Client) JournalRules(ctx context.Context, tid string) ([]JournalRule, error) {
	return rows[JournalRule](ctx, c, tid, cmdlet{name: "Get-JournalRule"})
}

// AuditBypass reports whether what a user or a service does in mailboxes goes unrecorded.
//
// Get-MailboxAuditBypassAssociation; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxauditbypassassociation
func (c *Client) AuditBypass(ctx context.Context, tid string, ref MailboxRef) (bool, error) {
	if err := require(tid, ref.identity()); err != nil {
		return false, err
	}
	row, err := one[struct{ AuditBypassEnabled yes }](ctx, c, tid, cmdlet{name: "Get-MailboxAuditBypassAssociation",
		params: map[string]any{"Identity": ref.identity()}})
	return bool(row.AuditBypassEnabled), err
}

// TransportConfig is what holds for the mail of the whole organization.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-transportconfig
type TransportConfig struct {
	SMTPClientAuthenticationDisabled bool `json:"SmtpClientAuthenticationDisabled"`
	AllowLegacyTLSClients            bool `json:"AllowLegacyTLSClients"`
}

// UnmarshalJSON reads a row as Exchange writes it.
func (t *TransportConfig) UnmarshalJSON(b []byte) error { return fromExchange(b, t) }

// TransportConfig is the organization's transport configuration.
//
// Get-TransportConfig; least role Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-transportconfig
func (c *Client) TransportConfig(ctx context.Context, tid string) (TransportConfig, error) {
	return one[TransportConfig](ctx, c, tid, cmdlet{name: "Get-TransportConfig"})
}

// BlockedSender is an address that Exchange lets send nothing out, for it sent what looked like spam.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-blockedsenderaddress
type BlockedSender struct {
	SenderAddress   string     `json:"SenderAddress"`
	Reason          string     `json:"Reason,omitempty"`
	CreatedDatetime *time.Time `json:"CreatedDatetime,omitempty"`
}

// UnmarshalJSON reads a row as Exchange writes it.
func (s *BlockedSender) UnmarshalJSON(b []byte) error { return fromExchange(b, s) }

// BlockedSenders are the addresses that may not send; address "" means all of the organization's.
//
// Get-BlockedSenderAddress; least role Security Reader or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-blockedsenderaddress
func (c *Client) BlockedSenders(ctx context.Context, tid, address string) ([]BlockedSender, error) {
	m := cmdlet{name: "Get-BlockedSenderAddress"}
	if address != "" {
		m.params = map[string]any{"SenderAddress": address}
	}
	found, err := rows[BlockedSender](ctx, c, tid, m)
	if KindOf(err) == NotFound { // how an address that is not blocked may be answered
		return nil, nil
	}
	return found, err
}

// RemoveBlockedSender lets an address send again. It can take an hour.
//
// Remove-BlockedSenderAddress; least role Exchange Administrator or Security Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/remove-blockedsenderaddress
func (c *Client) RemoveBlockedSender(ctx context.Context, tid, address string) error {
	if err := require(tid, address); err != nil {
		return err
	}
	return c.run(ctx, tid, cmdlet{name: "Remove-BlockedSenderAddress", params: map[string]any{"SenderAddress": address}})
}
