package exchange

import (
	"slices"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

// recipient is anything mail can be sent to in the tenant.
type recipient struct {
	id, name, display, upn, smtp, alias, guid string
	kind, details                             string
	addresses                                 []any
	mailbox, user, group, row                 cloud.Object
	synced, hidden                            bool
}

func (c *call) mailboxRecipient(m cloud.Object) recipient {
	u := c.userOf(m)
	r := recipient{id: cloud.Str(u, "id"), display: cloud.Str(m, "DisplayName"), upn: cloud.Str(m, "UserPrincipalName"), smtp: cloud.Str(m, "PrimarySmtpAddress"),
		alias: cloud.Str(m, "Alias"), guid: cloud.Str(m, "ExchangeGuid"), kind: "UserMailbox", details: cloud.Str(m, "RecipientTypeDetails"), addresses: cloud.List(m, "EmailAddresses"),
		mailbox: m, user: u, synced: cloud.Bool(u, "onPremisesSyncEnabled") || cloud.Bool(m, "IsDirSynced"), hidden: cloud.Bool(m, "HiddenFromAddressListsEnabled")}
	if r.id == "" {
		r.id = cloud.Str(m, "ExternalDirectoryObjectId")
	}
	if r.details == "" {
		r.details = "UserMailbox"
	}
	if r.smtp == "" {
		r.smtp = r.upn
	}
	if r.name = cloud.Str(m, "Name"); r.name == "" {
		r.name = r.id
	}
	return r
}

// userOf is the directory object a mailbox belongs to, or nil.
func (c *call) userOf(m cloud.Object) cloud.Object {
	if u := c.tenant.User(cloud.Str(m, "ExternalDirectoryObjectId")); u != nil {
		return u
	}
	return c.tenant.User(cloud.Str(m, "UserPrincipalName"))
}

func mailEnabled(g cloud.Object) bool { return cloud.Bool(g, "mailEnabled") }

func unified(g cloud.Object) bool { return slices.Contains(cloud.Strings(g, "groupTypes"), "Unified") }

func (c *call) groupRecipient(g cloud.Object) recipient {
	row := c.groupRow(g)
	r := recipient{id: cloud.Str(g, "id"), display: cloud.Str(g, "displayName"), smtp: cloud.Str(g, "mail"), alias: cloud.Str(g, "mailNickname"),
		addresses: cloud.List(g, "proxyAddresses"), group: g, row: row, synced: cloud.Bool(g, "onPremisesSyncEnabled"), hidden: cloud.Bool(row, "HiddenFromAddressListsEnabled")}
	switch {
	case unified(g):
		r.kind, r.details = "MailUniversalDistributionGroup", "GroupMailbox"
	case cloud.Bool(g, "securityEnabled"):
		r.kind, r.details = "MailUniversalSecurityGroup", "MailUniversalSecurityGroup"
	default:
		r.kind, r.details = "MailUniversalDistributionGroup", "MailUniversalDistributionGroup"
	}
	if d := cloud.Str(row, "RecipientTypeDetails"); d != "" {
		r.details = d
	}
	if r.name = cloud.Str(row, "Name"); r.name == "" {
		r.name = r.display
	}
	if r.guid = cloud.Str(row, "Guid"); r.guid == "" {
		r.guid = cloud.DerivedID(c.tenant.ID, "group", r.id)
	}
	return r
}

func (c *call) groupRow(g cloud.Object) cloud.Object {
	for _, row := range cloud.Objects(c.tenant.Exchange, "distributionGroups") {
		if id := cloud.Str(row, "ExternalDirectoryObjectId"); strings.EqualFold(id, cloud.Str(g, "id")) ||
			id == "" && strings.EqualFold(cloud.Str(row, "PrimarySmtpAddress"), cloud.Str(g, "mail")) {
			return row
		}
	}
	return nil
}

// recipients is every recipient of the tenant: mailboxes, mail-enabled groups, guests, mail users and
// contacts.
func (c *call) recipients() []recipient {
	var out []recipient
	for _, m := range c.tenant.Mailboxes() {
		if cloud.Str(m, "WhenSoftDeleted") == "" {
			out = append(out, c.mailboxRecipient(m))
		}
	}
	for _, g := range c.tenant.Groups().All() {
		if mailEnabled(g) {
			out = append(out, c.groupRecipient(g))
		}
	}
	for _, u := range c.tenant.Users().All() {
		if strings.EqualFold(cloud.Str(u, "userType"), "Guest") && cloud.Str(u, "mail") != "" {
			out = append(out, recipient{id: cloud.Str(u, "id"), name: cloud.Str(u, "mailNickname"), display: cloud.Str(u, "displayName"), upn: cloud.Str(u, "userPrincipalName"),
				smtp: cloud.Str(u, "mail"), alias: cloud.Str(u, "mailNickname"), guid: cloud.DerivedID(c.tenant.ID, "guest", cloud.Str(u, "id")), kind: "MailUser", details: "GuestMailUser",
				addresses: cloud.List(u, "proxyAddresses"), user: u, hidden: true})
		}
	}
	for section, kind := range map[string]string{"mailUsers": "MailUser", "mailContacts": "MailContact"} {
		for _, row := range cloud.Objects(c.tenant.Exchange, section) {
			out = append(out, recipient{id: cloud.Str(row, "ExternalDirectoryObjectId"), name: cloud.Str(row, "Name"), display: cloud.Str(row, "DisplayName"), smtp: cloud.Str(row, "PrimarySmtpAddress"),
				alias: cloud.Str(row, "Alias"), guid: cloud.Str(row, "Guid"), kind: kind, details: kind, addresses: cloud.List(row, "EmailAddresses"), row: row})
		}
	}
	slices.SortStableFunc(out, func(a, b recipient) int { return strings.Compare(a.kind+a.details, b.kind+b.details) })
	return out
}

// is says whether an identity names the recipient for sure; named whether it is only its display name.
func (r *recipient) is(identity string) bool {
	for _, s := range []string{r.id, r.upn, r.smtp, r.alias, r.guid, r.name} {
		if s != "" && strings.EqualFold(s, identity) {
			return true
		}
	}
	for _, a := range r.addresses {
		if s, _ := a.(string); len(s) > 5 && strings.EqualFold(s[:5], "smtp:") && strings.EqualFold(s[5:], identity) {
			return true
		}
	}
	return false
}

// recipient is the one recipient with that identity.
func (c *call) recipient(identity string) (recipient, error) {
	identity = strings.TrimSpace(identity)
	if m := c.tenant.Mailbox(identity); m != nil && !strings.EqualFold(cloud.Str(m, "DisplayName"), identity) {
		return c.mailboxRecipient(m), nil
	}
	var named []recipient
	for _, r := range c.recipients() {
		if r.is(identity) {
			return r, nil
		}
		if r.display != "" && strings.EqualFold(r.display, identity) {
			named = append(named, r)
		}
	}
	switch len(named) {
	case 0:
		return recipient{}, notFound(identity)
	case 1:
		return named[0], nil
	}
	return recipient{}, ambiguous(identity)
}

func (r *recipient) view() cloud.Object {
	return cloud.Object{"Identity": r.name, "Name": r.name, "DisplayName": r.display, "Alias": r.alias, "PrimarySmtpAddress": r.smtp, "WindowsLiveID": r.upn,
		"ExternalDirectoryObjectId": r.id, "Guid": r.guid, "RecipientType": r.kind, "RecipientTypeDetails": r.details, "EmailAddresses": orEmptyList(r.addresses),
		"HiddenFromAddressListsEnabled": r.hidden, "IsDirSynced": r.synced}
}

// matches applies -Anr: the beginning of the name or of an address.
func (r *recipient) matches(anr string) bool {
	anr = strings.ToLower(anr)
	for _, s := range append([]string{r.name, r.display, r.alias, r.smtp}, strings.Fields(r.display)...) {
		if strings.HasPrefix(strings.ToLower(s), anr) {
			return true
		}
	}
	return false
}

func getRecipient(c *call) ([]cloud.Object, error) {
	if id := c.p.text("Identity"); id != "" {
		r, err := c.recipient(id)
		if err != nil {
			return nil, err
		}
		return []cloud.Object{r.view()}, nil
	}
	var out []cloud.Object
	for _, r := range c.recipients() {
		if anr := c.p.text("Anr"); anr != "" && !r.matches(anr) {
			continue
		}
		if inList(c.p.texts("RecipientTypeDetails"), r.details) && inList(c.p.texts("RecipientType"), r.kind) {
			out = append(out, r.view())
		}
	}
	return c.filtered(out)
}

// inList says whether s is in a list; an empty list holds everything.
func inList(list []string, s string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
}
