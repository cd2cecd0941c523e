package tools

import (
	"context"
	"slices"
	"strings"
)

// ListMailboxPermissionsIn are the arguments of cipp_list_mailbox_permissions.
type ListMailboxPermissionsIn struct {
	TenantArg
	UserArg
	Scope string `json:"scope,omitempty" jsonschema:"enum=mailbox,enum=calendar,enum=all,enum=granted,default=mailbox" jsonschema_description:"granted: which other mailboxes this user may open."`
	PageArgs
}

// PermissionRow is one right. Mailbox is the mailbox (or calendar), Holder who has the right.
type PermissionRow struct {
	Mailbox string   `json:"mailbox"`
	Holder  string   `json:"holder"`
	Right   string   `json:"right"` // fullAccess | sendAs | sendOnBehalf | calendar
	Detail  []string `json:"detail,omitempty"`
}

// ListMailboxPermissionsOut is the answer of cipp_list_mailbox_permissions.
type ListMailboxPermissionsOut struct {
	TenantID    string          `json:"tenantId"`
	Tenant      string          `json:"tenant"`
	UserID      string          `json:"userId"`
	User        string          `json:"userPrincipalName"`
	Permissions []PermissionRow `json:"permissions"`
	Part
}

// Text lists the rights.
func (o *ListMailboxPermissionsOut) Text() string {
	var l lines
	l.add("%s around the mailbox of %s in %s", count(len(o.Permissions), "right", "rights"), o.User, o.Tenant)
	for _, p := range o.Permissions {
		l.add("%s has %s %s on %s", q(p.Holder), p.Right, strings.Join(p.Detail, ","), q(p.Mailbox))
	}
	more(&l, o.Part, "scope")
	return l.String()
}

// Shrink drops the second half of the rows.
func (o *ListMailboxPermissionsOut) Shrink() bool { return shrinkRows(&o.Permissions, &o.Part) }

var listMailboxPermissions = Read(Tool{
	Name: "cipp_list_mailbox_permissions", Title: "Mailbox permissions", Toolset: "mail", Aliases: userAliases,
	Description: "Lists who may open a user's mailbox or calendar or send as the user (delegates), or with scope=granted which mailboxes the user may open. Check it before an offboarding.",
	Needs:       Needs{App: []string{"Exchange.ManageAsApp"}, AppRoles: []string{"Exchange Administrator"}, GDAPRoles: []string{"Exchange Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com"}`,
}, func(ctx context.Context, c *Call, in ListMailboxPermissionsIn) (ListMailboxPermissionsOut, error) {
	out := ListMailboxPermissionsOut{TenantID: c.Tenant.ID, Tenant: c.Tenant.DefaultDomain, UserID: c.User.ID, User: c.User.UserPrincipalName}
	rows, err := permissionRows(ctx, c, in.Scope)
	if err != nil {
		return out, err
	}
	out.Permissions, out.Part, err = slicePage(c, "cipp_list_mailbox_permissions", rows, in.PageArgs)
	return out, err
})

func permissionRows(ctx context.Context, c *Call, scope string) ([]PermissionRow, error) {
	rows := []PermissionRow{}
	upn, tid := c.User.UserPrincipalName, c.Tenant.ID
	if scope == "granted" {
		access, err := c.Graph.MailboxAccessOf(ctx, tid, c.Mailbox())
		if err != nil {
			return nil, err
		}
		for _, a := range access {
			for _, r := range a.AccessRights {
				if r == "" {
					continue
				}
				rows = append(rows, PermissionRow{Mailbox: a.Mailbox.UserPrincipalName, Holder: upn, Right: strings.ToLower(r[:1]) + r[1:]})
			}
		}
		return rows, nil
	}
	if scope != "calendar" {
		full, err := c.Graph.MailboxPermissions(ctx, tid, c.Mailbox())
		if err != nil {
			return nil, err
		}
		for _, p := range full {
			rows = append(rows, PermissionRow{upn, p.User, "fullAccess", except(p.AccessRights, "FullAccess")})
		}
		send, err := c.Graph.RecipientPermissions(ctx, tid, c.Mailbox())
		if err != nil {
			return nil, err
		}
		for _, p := range send {
			rows = append(rows, PermissionRow{upn, p.Trustee, "sendAs", except(p.AccessRights, "SendAs")})
		}
		box, err := c.Graph.Mailbox(ctx, tid, c.Mailbox())
		if err != nil {
			return nil, err
		}
		for _, g := range box.GrantSendOnBehalfTo {
			rows = append(rows, PermissionRow{upn, c.addressOf(ctx, g), "sendOnBehalf", nil})
		}
	}
	if scope == "calendar" || scope == "all" {
		return c.calendarRows(ctx, rows)
	}
	return rows, nil
}

// addressOf is the address of somebody whom Exchange names by a display name or an id, as it does those who may send on
// behalf (Get-Mailbox GrantSendOnBehalfTo); where it knows no one of that name, the name.
func (c *Call) addressOf(ctx context.Context, name string) string {
	if r, err := c.Graph.Recipient(ctx, c.Tenant.ID, name); err == nil && r.PrimarySMTPAddress != "" {
		return r.PrimarySMTPAddress
	}
	return name
}

// calendarRows adds the rights on every calendar of the mailbox, the default one's first.
func (c *Call) calendarRows(ctx context.Context, rows []PermissionRow) ([]PermissionRow, error) {
	calendars, err := c.Graph.Calendars(ctx, c.Tenant.ID, c.Mailbox())
	if err != nil {
		return nil, err
	}
	paths := make([]string, len(calendars))
	for i, f := range calendars {
		paths[i] = f.FolderPath
	}
	folders, err := c.Graph.FolderPermissions(ctx, c.Tenant.ID, c.Mailbox(), paths)
	if err != nil {
		return nil, err
	}
	for _, f := range folders {
		if f.Err != nil {
			return nil, f.Err
		}
		for _, p := range f.Rights {
			detail := p.AccessRights
			if p.SharingPermissionFlags != "" {
				detail = append(slices.Clone(detail), p.SharingPermissionFlags)
			}
			rows = append(rows, PermissionRow{c.User.UserPrincipalName + ":" + f.Folder, p.User, "calendar", detail})
		}
	}
	return rows, nil
}

func except(list []string, word string) []string {
	var out []string
	for _, x := range list {
		if !strings.EqualFold(x, word) {
			out = append(out, x)
		}
	}
	return out
}
