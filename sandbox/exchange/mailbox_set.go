package exchange

import (
	"maps"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"cipp-mcp/sandbox/cloud"
)

// ConversionDelay is how long a mailbox takes to become another kind. Until then it is what it was, and is
// lost with the licence that is taken away too early.
const ConversionDelay = 3 * time.Minute

// Parameters of Set-Mailbox that say how, not what.
var setMailboxManner = map[string]bool{"Identity": true, "Confirm": true, "Force": true, "WhatIf": true, "Type": true, "ErrorAction": true, "WarningAction": true, "Verbose": true, "Debug": true, "OutVariable": true}

// Properties whose master is the on-premises directory where the user is synchronized.
var masteredOnPremises = map[string]bool{"HiddenFromAddressListsEnabled": true, "EmailAddresses": true, "DisplayName": true, "Alias": true, "GrantSendOnBehalfTo": true,
	"WindowsEmailAddress": true, "MailTip": true, "AcceptMessagesOnlyFrom": true, "RequireSenderAuthenticationEnabled": true}

func onPremises(property string) bool {
	return masteredOnPremises[property] || strings.HasPrefix(property, "CustomAttribute") || strings.HasPrefix(property, "ExtensionCustomAttribute")
}

var quotaProperties = map[string]bool{"ProhibitSendQuota": true, "ProhibitSendReceiveQuota": true, "IssueWarningQuota": true, "MaxSendSize": true, "MaxReceiveSize": true, "RecoverableItemsQuota": true, "RecoverableItemsWarningQuota": true}

func setMailbox(c *call) ([]cloud.Object, error) {
	m, err := c.identified()
	if err != nil {
		return nil, err
	}
	r := c.mailboxRecipient(m)
	changed := cloud.Object{}
	view := c.mailboxView(m)
	for _, name := range slices.Sorted(maps.Keys(c.p)) {
		if setMailboxManner[name] {
			continue
		}
		if r.synced && onPremises(name) {
			return nil, outOfScope(c.def.name, name, r.display)
		}
		v, err := c.newValue(m, view, name)
		if err != nil {
			return nil, err
		}
		changed[name] = v
	}
	if err := c.hold(r, changed); err != nil {
		return nil, err
	}
	if err := quotasInOrder(view, changed); err != nil {
		return nil, err
	}
	if err := c.addresses(r, changed); err != nil {
		return nil, err
	}
	maps.Copy(m, changed)
	m["WhenChanged"] = cloud.Stamp(c.tenant.Now())
	if r.user != nil && changed["DisplayName"] != nil {
		r.user["displayName"] = changed["DisplayName"]
	}
	if kind := c.p.text("Type"); kind != "" {
		c.convert(m, kind)
	}
	return nil, nil
}

// newValue is what a parameter makes of the property of the same name.
func (c *call) newValue(m, view cloud.Object, name string) (any, error) {
	given := c.p[name]
	switch {
	case name == "ForwardingAddress":
		if given == nil || given == "" {
			return nil, nil
		}
		r, err := c.recipient(c.p.text(name))
		if err != nil {
			return nil, err
		}
		return r.id, nil
	case name == "ForwardingSmtpAddress":
		s := c.p.text(name)
		if s == "" {
			return nil, nil
		}
		if len(s) > 5 && strings.EqualFold(s[:5], "smtp:") {
			s = s[5:]
		}
		if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
			return nil, badParameter("Cannot process argument transformation on parameter 'ForwardingSmtpAddress'. Cannot convert value \"%s\" to type \"Microsoft.Exchange.Data.ProxyAddress\".", s)
		}
		return "smtp:" + s, nil
	case name == "GrantSendOnBehalfTo":
		return c.p.change(name, c.ids(cloud.Strings(m, name)), func(s string) (string, error) {
			r, err := c.recipient(s)
			return r.id, err
		})
	case name == "EmailAddresses":
		return c.p.change(name, cloud.List(m, name), func(s string) (string, error) {
			if !strings.Contains(s, ":") {
				s = "smtp:" + s
			}
			return s, nil
		})
	case quotaProperties[name]:
		n := bytesOf(c.p.text(name))
		if strings.EqualFold(c.p.text(name), "unlimited") {
			return "Unlimited", nil
		} else if n < 0 {
			return nil, badParameter("Cannot process argument transformation on parameter '%s'. Cannot convert value \"%v\" to type \"Microsoft.Exchange.Data.Unlimited\".", name, given)
		}
		return sizeText(n), nil
	case name == "RecipientLimits":
		if n, err := strconv.Atoi(c.p.text(name)); err == nil && (n < 1 || n > 1000) {
			return nil, invalid("Microsoft.Exchange.Data.DataValidationException", "The value %d of property RecipientLimits is not between 1 and 1000.", n)
		}
		return c.p.text(name), nil
	}
	if _, list := view[name].([]any); list {
		return c.p.change(name, cloud.List(m, name), func(s string) (string, error) { return s, nil })
	}
	if _, shown := view[name]; !shown {
		c.service.unknown(c.def.name, "-"+name)
		return nil, badParameter("The parameter '%s' is not simulated.", name)
	}
	return given, nil
}

func (c *call) ids(identities []string) []any {
	var out []any
	for _, id := range identities {
		if r, err := c.recipient(id); err == nil {
			id = r.id
		}
		out = append(out, id)
	}
	return out
}

// hold writes down who put a mailbox on litigation hold and when; it takes Exchange Online Plan 2 or
// archiving.
func (c *call) hold(r recipient, changed cloud.Object) error {
	on, asked := changed["LitigationHoldEnabled"].(bool)
	if !asked {
		return nil
	}
	if !on {
		changed["LitigationHoldDate"], changed["LitigationHoldOwner"] = nil, ""
		return nil
	}
	if r.user == nil || !c.tenant.HasPlan(r.user, "EXCHANGE_S_ENTERPRISE") && !c.tenant.HasPlan(r.user, "EXCHANGE_S_ARCHIVE") {
		return invalid("Microsoft.Exchange.Configuration.Tasks.RecipientTaskException", "You can't place mailbox '%s' on litigation hold: its license doesn't permit it. Exchange Online (Plan 2) or Exchange Online Archiving is required.", r.display)
	}
	if changed["LitigationHoldDate"] == nil {
		changed["LitigationHoldDate"] = cloud.Stamp(c.tenant.Now())
	}
	if changed["LitigationHoldOwner"] == nil {
		changed["LitigationHoldOwner"] = c.by.UserPrincipalName + c.by.AppName
	}
	return nil
}

func quotasInOrder(view, changed cloud.Object) error {
	at := func(name string) int64 {
		v, ok := changed[name]
		if !ok {
			v = view[name]
		}
		if n := bytesOf(scalar(v)); n >= 0 {
			return n
		}
		return 1 << 62
	}
	for _, pair := range [][2]string{{"IssueWarningQuota", "ProhibitSendQuota"}, {"ProhibitSendQuota", "ProhibitSendReceiveQuota"}} {
		if _, a := changed[pair[0]]; !a {
			if _, b := changed[pair[1]]; !b {
				continue
			}
		}
		if at(pair[0]) > at(pair[1]) {
			return invalid("Microsoft.Exchange.Data.DataValidationException", "The value of property '%s' must be less than or equal to that of property '%s'.", pair[0], pair[1])
		}
	}
	return nil
}

// addresses checks new mail addresses against everybody else's, and carries them to the directory.
func (c *call) addresses(r recipient, changed cloud.Object) error {
	list, ok := changed["EmailAddresses"].([]any)
	if !ok {
		return nil
	}
	primary := ""
	for _, a := range list {
		s := scalar(a)
		kind, address, _ := strings.Cut(s, ":")
		if kind == "SMTP" {
			if primary != "" {
				return invalid("Microsoft.Exchange.Data.Directory.Recipient.MultiplePrimaryAddressesException", "There are multiple primary SMTP addresses: %s, %s.", primary, address)
			}
			primary = address
		}
		if !strings.EqualFold(kind, "smtp") {
			continue
		}
		if _, domain, ok := strings.Cut(address, "@"); !ok || c.tenant.Domain(domain) == nil {
			return invalid("Microsoft.Exchange.Configuration.Tasks.NotAcceptedDomainException", "You can't use the domain because it's not an accepted domain for your organization: '%s'.", address)
		}
		if other, err := c.recipient(address); err == nil && other.id != r.id {
			return invalid("Microsoft.Exchange.Configuration.Tasks.ProxyAddressExistsException", "The proxy address \"%s\" is already being used by the proxy addresses or LegacyExchangeDN of \"%s\". Please choose another proxy address.", s, other.name)
		}
	}
	if primary == "" {
		return invalid("Microsoft.Exchange.Data.Directory.Recipient.NoPrimaryAddressException", "There is no primary SMTP address among the addresses of '%s'.", r.display)
	}
	changed["PrimarySmtpAddress"] = primary
	if r.user != nil {
		r.user["proxyAddresses"], r.user["mail"] = cloud.Copy(list), primary
		c.tenant.Note(r.id)
	}
	return nil
}

var kindOfMailbox = map[string]string{"shared": "SharedMailbox", "regular": "UserMailbox", "room": "RoomMailbox", "equipment": "EquipmentMailbox", "workspace": "RoomMailbox", "desk": "RoomMailbox"}

func (c *call) convert(m cloud.Object, kind string) {
	details := kindOfMailbox[strings.ToLower(kind)]
	if r := c.mailboxRecipient(m); r.details == details {
		c.warn("The mailbox is already a " + details + ".")
		return
	}
	c.tenant.After(ConversionDelay, func() {
		if cloud.Str(m, "WhenSoftDeleted") == "" {
			m["RecipientTypeDetails"] = details
			m["WhenChanged"] = cloud.Stamp(c.tenant.Now())
		}
	})
}
