package cloud

import (
	"strings"
	"time"
)

// ProvisioningDelay is how long Exchange takes to give a newly licensed user a mailbox.
const ProvisioningDelay = 5 * time.Minute

// Mailboxes is the rows of the exchange section, soft-deleted ones included.
func (t *Tenant) Mailboxes() []Object { return Objects(t.Exchange, "mailboxes") }

// Mailbox is the connected mailbox with that identity, or nil: object id, Exchange guid, user principal
// name, any of its addresses, alias, or (last) display name.
func (t *Tenant) Mailbox(identity string) Object {
	identity = strings.TrimSpace(identity)
	if u := t.Users().Get(identity); u != nil {
		identity = Str(u, "userPrincipalName")
	}
	var byName Object
	for _, v := range List(t.Exchange, "mailboxes") {
		m, ok := v.(map[string]any)
		if !ok || Str(m, "WhenSoftDeleted") != "" {
			continue
		}
		for _, k := range []string{"UserPrincipalName", "ExternalDirectoryObjectId", "PrimarySmtpAddress", "ExchangeGuid", "Guid", "Alias", "Identity", "DistinguishedName", "LegacyExchangeDN"} {
			if s := Str(m, k); s != "" && strings.EqualFold(s, identity) {
				return m
			}
		}
		for _, a := range Strings(m, "EmailAddresses") {
			if len(a) > 5 && strings.EqualFold(a[:5], "smtp:") && strings.EqualFold(a[5:], identity) {
				return m
			}
		}
		if byName == nil && (strings.EqualFold(Str(m, "DisplayName"), identity) || strings.EqualFold(Str(m, "Name"), identity)) {
			byName = m
		}
	}
	return byName
}

// MailboxOf is the user's connected mailbox, or nil.
func (t *Tenant) MailboxOf(user Object) Object {
	upn, id := Str(user, "userPrincipalName"), Str(user, "id")
	for _, v := range List(t.Exchange, "mailboxes") {
		m, _ := v.(map[string]any)
		if m != nil && Str(m, "WhenSoftDeleted") == "" && owned(m, id, upn) {
			return m
		}
	}
	return nil
}

func owned(m Object, id, upn string) bool {
	if x := Str(m, "ExternalDirectoryObjectId"); x != "" {
		return strings.EqualFold(x, id)
	}
	return strings.EqualFold(Str(m, "UserPrincipalName"), upn)
}

func (t *Tenant) disconnectMailbox(user Object) {
	id, upn := Str(user, "id"), DeletedUPN(user)
	for _, v := range List(t.Exchange, "mailboxes") {
		m, _ := v.(map[string]any)
		if m != nil && Str(m, "WhenSoftDeleted") == "" && owned(m, id, upn) {
			m["ExternalDirectoryObjectId"] = id
			m["WhenSoftDeleted"] = Stamp(t.Now())
		}
	}
}

func (t *Tenant) reconnectMailbox(user Object) {
	for _, m := range t.Mailboxes() {
		if owned(m, Str(user, "id"), Str(user, "userPrincipalName")) {
			delete(m, "WhenSoftDeleted")
		}
	}
}

// SyncMailbox does what Exchange does after a change of licences: a user mailbox without an Exchange
// plan is disconnected at once, a shared one stays; a user who gains a plan gets the old mailbox back, or
// a new one after ProvisioningDelay. The caller holds Lock.
func (t *Tenant) SyncMailbox(user Object) {
	licensed := t.HasPlan(user, "EXCHANGE_S_")
	if m := t.MailboxOf(user); m != nil {
		if kind := Str(m, "RecipientTypeDetails"); !licensed && (kind == "" || kind == "UserMailbox") {
			t.disconnectMailbox(user)
		}
		return
	}
	id, upn := Str(user, "id"), Str(user, "userPrincipalName")
	for _, v := range List(t.Exchange, "mailboxes") {
		m, _ := v.(map[string]any)
		if m == nil || !owned(m, id, upn) {
			continue
		}
		if licensed || Str(m, "RecipientTypeDetails") != "UserMailbox" {
			delete(m, "WhenSoftDeleted")
		}
		return
	}
	if licensed {
		t.After(ProvisioningDelay, func() {
			if u := t.User(id); u != nil && t.MailboxOf(u) == nil && t.HasPlan(u, "EXCHANGE_S_") {
				t.createMailbox(u)
			}
		})
	}
}

func (t *Tenant) createMailbox(user Object) {
	upn := Str(user, "userPrincipalName")
	if Str(user, "mail") == "" {
		user["mail"] = upn
	}
	if len(List(user, "proxyAddresses")) == 0 {
		user["proxyAddresses"] = []any{"SMTP:" + Str(user, "mail")}
	}
	guid := t.NewID()
	t.Exchange["mailboxes"] = append(List(t.Exchange, "mailboxes"), Object{
		"UserPrincipalName": upn, "ExternalDirectoryObjectId": Str(user, "id"), "Identity": Str(user, "id"),
		"Guid": t.NewID(), "ExchangeGuid": guid, "DisplayName": Str(user, "displayName"), "Alias": Str(user, "mailNickname"),
		"PrimarySmtpAddress": Str(user, "mail"), "EmailAddresses": Copy(List(user, "proxyAddresses")),
		"RecipientType": "UserMailbox", "RecipientTypeDetails": "UserMailbox", "WhenCreated": Stamp(t.Now()),
		"ForwardingAddress": nil, "ForwardingSmtpAddress": nil, "DeliverToMailboxAndForward": false,
		"LitigationHoldEnabled": false, "HiddenFromAddressListsEnabled": false,
	})
}

// HasPlan says whether one of the user's licences holds an enabled service plan whose name begins with
// prefix.
func (t *Tenant) HasPlan(user Object, prefix string) bool {
	for _, l := range Objects(user, "assignedLicenses") {
		sku := t.Sku(Str(l, "skuId"))
		if sku == nil {
			continue
		}
		plans := Objects(sku, "servicePlans")
		if len(plans) == 0 && !strings.HasPrefix(strings.ToUpper(Str(sku, "skuPartNumber")), "AAD_") {
			return true // a SKU pasted without its plans counts as a suite
		}
		for _, p := range plans {
			if strings.HasPrefix(strings.ToUpper(Str(p, "servicePlanName")), prefix) && !has(List(l, "disabledPlans"), Str(p, "servicePlanId")) {
				return true
			}
		}
	}
	return false
}

// Sku is the subscribed SKU with that skuId, or nil.
func (t *Tenant) Sku(skuID string) Object {
	for _, s := range t.Collection("subscribedSkus").All() {
		if strings.EqualFold(Str(s, "skuId"), skuID) {
			return s
		}
	}
	return nil
}
