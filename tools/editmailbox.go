package tools

import (
	"context"
	"maps"
	"net/mail"
	"slices"
	"strconv"
	"strings"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// EditMailboxIn are the arguments of cipp_edit_mailbox.
type EditMailboxIn struct {
	TenantArg
	UserArg
	Archive        string   `json:"archive,omitempty" jsonschema:"enum=enabled,enum=disabled,enum=autoExpanding"`
	AddAliases     []string `json:"addAliases,omitempty" jsonschema:"maxItems=20"`
	RemoveAliases  []string `json:"removeAliases,omitempty" jsonschema:"maxItems=20"`
	PrimaryAddress string   `json:"primaryAddress,omitempty"`
	HideFromGal    *bool    `json:"hideFromGal,omitempty"`
	Protocols      []string `json:"protocols,omitempty" jsonschema:"maxItems=8" jsonschema_description:"imap=off; owa, mapi, activeSync, outlookMobile, pop, ews, smtpAuth."`
	LitigationHold *bool    `json:"litigationHold,omitempty"`
	RetentionHold  *bool    `json:"retentionHold,omitempty"`
	Quotas         []string `json:"quotas,omitempty" jsonschema:"maxItems=3" jsonschema_description:"GB: warn=45, send=48, sendReceive=49."`
	WriteArgs
}

var exchangeNeeds = Needs{App: []string{"Exchange.ManageAsApp"}, AppRoles: []string{"Exchange Recipient Administrator"}, GDAPRoles: []string{"Exchange Administrator"}}

// exchangeAnd are the needs of a tool that works in Exchange and reads other things besides.
func exchangeAnd(app ...string) Needs {
	n := exchangeNeeds
	n.App = append(slices.Clone(n.App), app...)
	return n
}

var editMailbox = Write(Tool{
	Name: "cipp_edit_mailbox", Title: "Edit a mailbox", Toolset: "mail", Extra: true, Risk: policy.Write, MayDestroy: true, Idempotent: true,
	Description: "Changes the named settings of a mailbox and no others. Its kind: cipp_convert_mailbox; rights on it: cipp_set_mailbox_permissions.",
	Aliases:     with(userAliases, map[string]string{"hiddenFromAddressLists": "hideFromGal", "HideFromGAL": "hideFromGal", "hideFromAddressLists": "hideFromGal", "enableArchive": "archive", "onlineArchive": "archive", "aliases": "addAliases", "addedAliases": "addAliases", "removedAliases": "removeAliases", "primarySmtpAddress": "primaryAddress", "quota": "quotas"}),
	Needs:       exchangeAnd("Domain.Read.All", "LicenseAssignment.Read.All"),
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","hideFromGal":true,"dryRun":true}`,
}, func(ctx context.Context, c *Call, in EditMailboxIn) (Work, error) {
	var w Work
	if err := c.needsMailbox(ctx); err != nil {
		return w, err
	}
	t := c.target()
	raise := func(when bool) {
		if when {
			w.Risk = policy.Destructive
		}
	}
	addresses, err := c.addresses(in)
	if err != nil {
		return w, err
	}
	if len(addresses.Add)+len(addresses.Remove) > 0 || addresses.Primary != "" {
		w.Steps = append(w.Steps, workflows.SetAddresses(t, addresses))
		raise(len(addresses.Remove) > 0)
	}
	if in.HideFromGal != nil {
		w.Steps = append(w.Steps, workflows.ShowInAddressLists(t, *in.HideFromGal))
	}
	switch in.Archive {
	case "enabled", "disabled":
		w.Steps = append(w.Steps, workflows.Archive(t, in.Archive == "enabled"))
		raise(in.Archive == "disabled")
	case "autoExpanding":
		w.Steps = append(w.Steps, workflows.Archive(t, true), workflows.ExpandArchive(t))
		raise(true)
	}
	protocols, opens, err := protocolChange(in.Protocols)
	if err != nil {
		return w, err
	}
	if len(protocols) > 0 {
		w.Steps = append(w.Steps, workflows.SetProtocols(t, protocols))
		raise(opens)
	}
	if on := in.LitigationHold; on != nil {
		w.Steps = append(w.Steps, map[bool]jobs.Step{true: workflows.LitigationHold(t), false: workflows.EndLitigationHold(t)}[*on])
		raise(!*on)
	}
	if on := in.RetentionHold; on != nil {
		w.Steps = append(w.Steps, workflows.RetentionHold(t, *on))
		raise(!*on)
	}
	quotas, err := quotaChange(in.Quotas)
	if err != nil {
		return w, err
	}
	if quotas != (workflows.Quotas{}) {
		w.Steps = append(w.Steps, workflows.SetQuotas(t, quotas))
	}
	if len(w.Steps) == 0 {
		return w, invalid("Name at least one setting to change.")
	}
	return w, nil
})

// needsMailbox refuses a call on somebody who had no mailbox when it was planned: a step that finds none has nothing to
// do, which nobody should take for done.
func (c *Call) needsMailbox(ctx context.Context) error {
	_, err := jobs.Found(ctx, c.Run, "mailbox", func(ctx context.Context) (bool, error) {
		_, err := c.Graph.Mailbox(ctx, c.Tenant.ID, c.Mailbox())
		return err == nil, err
	})
	return err
}

// addresses are the addresses of a call, each with a domain: that of the user's sign-in name where it has none.
func (c *Call) addresses(in EditMailboxIn) (a workflows.Addresses, err error) {
	full := func(argument, s string) (string, error) {
		s = strings.TrimSpace(s)
		if len(s) > 5 && strings.EqualFold(s[:5], "smtp:") {
			s = s[5:]
		}
		if !strings.Contains(s, "@") && s != "" {
			upn := c.User.UserPrincipalName
			s += upn[strings.LastIndexByte(upn, '@'):]
		}
		if p, err := mail.ParseAddress(s); err != nil || p.Address != s {
			return "", invalid("%s: %q is no mail address.", argument, Clean(s, 80))
		}
		return s, nil
	}
	for _, l := range []struct {
		argument string
		from     []string
		to       *[]string
	}{{"addAliases", in.AddAliases, &a.Add}, {"removeAliases", in.RemoveAliases, &a.Remove}} {
		for _, s := range l.from {
			one, err := full(l.argument, s)
			if err != nil {
				return a, err
			}
			*l.to = append(*l.to, one)
		}
	}
	for _, x := range a.Add {
		if slices.ContainsFunc(a.Remove, func(r string) bool { return strings.EqualFold(r, x) }) {
			return a, invalid("%s stands in addAliases and in removeAliases.", Clean(x, 80))
		}
	}
	if in.PrimaryAddress != "" {
		a.Primary, err = full("primaryAddress", in.PrimaryAddress)
	}
	return a, err
}

// setting takes "name=value" apart; a colon does as well.
func setting(argument, given string, known []string) (name, value string, err error) {
	name, value, ok := strings.Cut(strings.Replace(given, ":", "=", 1), "=")
	i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, strings.TrimSpace(name)) })
	if !ok || i < 0 {
		return "", "", invalid("%s: %q is none of %s, each with =value.", argument, Clean(given, 60), strings.Join(known, ", "))
	}
	return known[i], strings.ToLower(strings.TrimSpace(value)), nil
}

// passwordProtocols let in somebody who has no more than a password, or a program that can.
var passwordProtocols = []string{"imap", "pop", "smtpAuth", "ews"}

// protocolChange is which protocols are to be on and off; opens says whether one of them is such a one.
func protocolChange(given []string) (want map[string]bool, opens bool, err error) {
	want = map[string]bool{}
	for _, g := range given {
		name, value, err := setting("protocols", g, slices.Sorted(maps.Keys(workflows.Protocols)))
		if err != nil {
			return nil, false, err
		}
		on, known := map[string]bool{"on": true, "true": true, "enabled": true, "off": false, "false": false, "disabled": false}[value]
		if _, twice := want[name]; !known || twice {
			return nil, false, invalid("protocols: %s must be on or off, and once (got %q).", name, Clean(g, 60))
		}
		want[name] = on
		opens = opens || on && slices.Contains(passwordProtocols, name)
	}
	return want, opens, nil
}

// quotaChange is the quotas in GB.
func quotaChange(given []string) (q workflows.Quotas, err error) {
	at := map[string]*float64{"warn": &q.Warn, "send": &q.Send, "sendReceive": &q.SendReceive}
	for _, g := range given {
		name, value, err := setting("quotas", g, slices.Sorted(maps.Keys(at)))
		if err != nil {
			return q, err
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(value, "gb")), 64)
		if err != nil || !(n > 0 && n <= largestQuota) || *at[name] != 0 {
			return q, invalid("quotas: %s must be a number of GB above 0 and at most %d, and once (got %q).", name, largestQuota, Clean(g, 60))
		}
		*at[name] = n
	}
	return q, nil
}

// largestQuota is what the largest plan gives a mailbox, in GB.
// https://learn.microsoft.com/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits
const largestQuota = 100

// ConvertMailboxIn are the arguments of cipp_convert_mailbox.
type ConvertMailboxIn struct {
	TenantArg
	UserArg
	Type        string `json:"type" jsonschema:"enum=user,enum=shared,enum=room,enum=equipment"`
	KeepLicense bool   `json:"keepLicense,omitempty" jsonschema_description:"For hold, archive or over 50 GB."`
	WriteArgs
}

var convertMailbox = Write(Tool{
	Name: "cipp_convert_mailbox", Title: "Convert a mailbox", Toolset: "mail", Extra: true, Risk: policy.Write, Idempotent: true,
	Aliases:     with(userAliases, map[string]string{"mailboxType": "type", "MailboxType": "type"}),
	Description: "Turns a mailbox into a user's, shared, room or equipment mailbox and waits until it is one. For a leaver use cipp_offboard_user.",
	Needs:       exchangeAnd("LicenseAssignment.Read.All"),
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","type":"shared","dryRun":true}`,
}, func(ctx context.Context, c *Call, in ConvertMailboxIn) (Work, error) {
	if err := c.needsMailbox(ctx); err != nil {
		return Work{}, err
	}
	return Work{Steps: []jobs.Step{workflows.ConvertMailbox(c.target(), workflows.MailboxKinds[in.Type], in.KeepLicense)}}, nil
})
