package tools

import (
	"context"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
)

// ListMailboxesIn are the arguments of cipp_list_mailboxes.
type ListMailboxesIn struct {
	AnyTenantArg
	Type    string `json:"type,omitempty" jsonschema:"enum=user,enum=shared,enum=room,enum=equipment,enum=group,enum=scheduling,enum=discovery,enum=inactive,enum=softDeleted,enum=onPremises"`
	Search  string `json:"search,omitempty"`
	Archive *bool  `json:"archive,omitempty"`
	OnHold  *bool  `json:"onHold,omitempty"`
	PageArgs
}

// MailboxRow is one mailbox of a list.
type MailboxRow struct {
	Tenant     string `json:"tenant,omitempty"` // of allTenants
	UserID     string `json:"userId,omitempty"`
	User       string `json:"userPrincipalName,omitempty"`
	Name       string `json:"displayName"`
	Primary    string `json:"primarySmtpAddress"`
	Type       string `json:"type"`
	Archive    bool   `json:"archive"`
	OnHold     bool   `json:"onHold"`
	Forwarding string `json:"forwarding,omitempty"`
	Hidden     bool   `json:"hiddenFromAddressLists"`
}

// ListMailboxesOut is the answer of cipp_list_mailboxes.
type ListMailboxesOut struct {
	TenantID  string       `json:"tenantId,omitempty"`
	Tenant    string       `json:"tenant"`
	Mailboxes []MailboxRow `json:"mailboxes"`
	Failures
	Part
}

// Text lists the mailboxes.
func (o *ListMailboxesOut) Text() string {
	var l lines
	l.add("%s in %s", count(o.rows(len(o.Mailboxes)), "mailbox", "mailboxes"), o.Tenant)
	o.failed(&l)
	for _, m := range o.Mailboxes {
		l.add("%s%s | %s | %s | archive %t | on hold %t | forwarding %s | %s", of(m.Tenant), q(m.Name), m.Primary, m.Type, m.Archive, m.OnHold, orNone(some(m.Forwarding)), m.User)
	}
	more(&l, o.Part, "type or search")
	return l.String()
}

// some is a tenant's text as a list of what is there.
func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{q(s)}
}

// Shrink drops the second half of the rows.
func (o *ListMailboxesOut) Shrink() bool { return shrinkRows(&o.Mailboxes, &o.Part) }

var listMailboxes = Read(Tool{
	Name: "cipp_list_mailboxes", Title: "Mailboxes", Toolset: "mail", Extra: true, AllTenants: true, Aliases: with(tenantAliases, map[string]string{"mailboxType": "type", "recipientTypeDetails": "type", "filter": "search"}),
	Description: "Lists a tenant's mailboxes; without type those of users, shared ones, rooms and equipment. One in full: cipp_get_mailbox.",
	Needs:       Needs{App: []string{"Exchange.ManageAsApp"}, AppRoles: []string{"Exchange Administrator"}, GDAPRoles: []string{"Exchange Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","type":"shared"}`,
}, func(ctx context.Context, c *Call, in ListMailboxesIn) (ListMailboxesOut, error) {
	out := ListMailboxesOut{TenantID: c.Tenant.ID, Tenant: c.named()}
	rows, failed, err := inEach(ctx, c, func(ctx context.Context, one *Call) ([]MailboxRow, error) {
		rows, err := mailboxRows(ctx, one, in.Type)
		for i := range rows {
			rows[i].Tenant = c.ofSeveral(one, in.PageArgs)
		}
		return rows, err
	})
	if err != nil {
		return out, err
	}
	out.Failures = failed
	search := strings.ToLower(strings.TrimSpace(in.Search))
	rows = slices.DeleteFunc(rows, func(r MailboxRow) bool {
		found := strings.Contains(strings.ToLower(r.Name+"\n"+r.Primary+"\n"+r.User), search)
		return !found || in.Archive != nil && *in.Archive != r.Archive || in.OnHold != nil && *in.OnHold != r.OnHold
	})
	slices.SortStableFunc(rows, func(a, b MailboxRow) int { return strings.Compare(a.Tenant+" "+a.Primary, b.Tenant+" "+b.Primary) })
	out.Mailboxes, out.Part, err = slicePage(c, "cipp_list_mailboxes", rows, in.PageArgs)
	return out, err
})

// mailboxDetails are RecipientTypeDetails by this product's names. https://learn.microsoft.com/powershell/module/exchange/get-mailbox
var mailboxDetails = map[string]string{"user": "UserMailbox", "shared": "SharedMailbox", "room": "RoomMailbox", "equipment": "EquipmentMailbox", "scheduling": "SchedulingMailbox", "discovery": "DiscoveryMailbox"}

// mailboxType is a mailbox's kind by this product's names, or Exchange's own where there is none.
func mailboxType(details string) string {
	for t, d := range mailboxDetails {
		if strings.EqualFold(d, details) {
			return t
		}
	}
	if strings.EqualFold(details, "GroupMailbox") {
		return "group"
	}
	return details
}

func mailboxRows(ctx context.Context, c *Call, kind string) (rows []MailboxRow, err error) {
	var boxes []graphclient.Mailbox
	switch kind {
	case "onPremises":
		remote, err := c.Graph.RemoteMailboxes(ctx, c.Tenant.ID)
		for _, r := range remote {
			rows = append(rows, MailboxRow{UserID: r.ExternalDirectoryObjectID, Name: r.DisplayName, Primary: r.PrimarySMTPAddress, Type: kind})
		}
		return rows, err
	case "group", "softDeleted", "inactive":
		boxes, err = c.Graph.OtherMailboxes(ctx, c.Tenant.ID, map[string]string{"group": "GroupMailbox", "softDeleted": "SoftDeletedMailbox", "inactive": "InactiveMailboxOnly"}[kind])
	case "":
		boxes, err = c.Graph.Mailboxes(ctx, c.Tenant.ID, "UserMailbox", "SharedMailbox", "RoomMailbox", "EquipmentMailbox")
	default:
		boxes, err = c.Graph.Mailboxes(ctx, c.Tenant.ID, mailboxDetails[kind])
	}
	for _, m := range boxes {
		rows = append(rows, MailboxRow{UserID: m.ExternalDirectoryObjectID, User: m.UserPrincipalName, Name: m.DisplayName, Primary: m.PrimarySMTPAddress, Type: mailboxType(m.RecipientTypeDetails),
			Archive: m.HasArchive(), OnHold: m.Held(), Forwarding: forwardingOf(m), Hidden: m.HiddenFromAddressListsEnabled})
	}
	return rows, err
}
