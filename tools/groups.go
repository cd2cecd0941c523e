package tools

import (
	"context"
	"strings"

	"cipp-mcp/graphclient"
)

// ListUserGroupsIn are the arguments of cipp_list_user_groups.
type ListUserGroupsIn struct {
	TenantArg
	UserArg
	PageArgs
}

// GroupRow is one group with everything that matters before leaving it.
type GroupRow struct {
	Tenant      string   `json:"tenant,omitempty"` // of allTenants
	ID          string   `json:"id"`
	DisplayName string   `json:"displayName"`
	Mail        string   `json:"mail,omitempty"`
	Type        string   `json:"type"` // m365 | security | mailEnabledSecurity | distribution
	Flags       []string `json:"flags"`
}

func (g GroupRow) line() string {
	return of(g.Tenant) + "group " + q(g.DisplayName) + " | " + g.Type + " | " + strings.Join(g.Flags, " ") + " | " + g.ID
}

// ListUserGroupsOut is the answer of cipp_list_user_groups.
type ListUserGroupsOut struct {
	TenantID string     `json:"tenantId"`
	Tenant   string     `json:"tenant"`
	UserID   string     `json:"userId"`
	User     string     `json:"userPrincipalName"`
	Groups   []GroupRow `json:"groups"`
	Total    int        `json:"total"`
	Part
}

// Text lists the groups.
func (o *ListUserGroupsOut) Text() string {
	var l lines
	l.add("%s is in %s in %s", o.User, count(o.Total, "group", "groups"), o.Tenant)
	for _, g := range o.Groups {
		l.add("%s", g.line())
	}
	more(&l, o.Part, "a smaller limit")
	return l.String()
}

// Shrink drops the second half of the rows.
func (o *ListUserGroupsOut) Shrink() bool { return shrinkRows(&o.Groups, &o.Part) }

var listUserGroups = Read(Tool{
	Name: "cipp_list_user_groups", Title: "A user's groups", Toolset: "users", Aliases: userAliases,
	Description: "Lists the groups a user is a direct member of, with type and flags (dynamic, synced, grantsLicenses, roleAssignable, hasTeam, owner). Note them before an offboarding.",
	Needs:       Needs{App: []string{"Directory.Read.All"}, GDAPRoles: []string{"Global Reader"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com"}`,
}, func(ctx context.Context, c *Call, in ListUserGroupsIn) (ListUserGroupsOut, error) {
	out := ListUserGroupsOut{TenantID: c.Tenant.ID, Tenant: c.Tenant.DefaultDomain, UserID: c.User.ID, User: c.User.UserPrincipalName}
	rows, err := groupRows(ctx, c)
	if err != nil {
		return out, err
	}
	out.Total = len(rows)
	out.Groups, out.Part, err = slicePage(c, "cipp_list_user_groups", rows, in.PageArgs)
	return out, err
})

func groupRows(ctx context.Context, c *Call) ([]GroupRow, error) {
	groups, err := c.Graph.GroupsOf(ctx, c.Tenant.ID, c.User.ID)
	if err != nil {
		return nil, err
	}
	owned, err := c.Graph.GroupsOwnedBy(ctx, c.Tenant.ID, c.User.ID)
	if err != nil {
		return nil, err
	}
	owns := map[string]bool{}
	for _, g := range owned {
		owns[g.ID] = true
	}
	out := []GroupRow{}
	for _, g := range groups {
		out = append(out, GroupRow{ID: g.ID, DisplayName: g.DisplayName, Mail: g.Mail, Type: groupType(g), Flags: groupFlags(g, owns[g.ID])})
	}
	return out, nil
}

// groupType is the group's type in the words of appendix C: they tell which service changes it.
func groupType(g graphclient.Group) string {
	switch {
	case g.Microsoft365():
		return "m365"
	case g.MailEnabled && g.SecurityEnabled:
		return "mailEnabledSecurity"
	case g.MailEnabled:
		return "distribution"
	default:
		return "security"
	}
}

func groupFlags(g graphclient.Group, owner bool) []string {
	out := []string{}
	for _, f := range []struct {
		name string
		on   bool
	}{
		{"dynamic", g.Dynamic()}, {"synced", g.Synced()}, {"roleAssignable", g.RoleAssignable()},
		{"grantsLicenses", len(g.AssignedLicenses) > 0}, {"hasTeam", g.Team()}, {"owner", owner},
	} {
		if f.on {
			out = append(out, f.name)
		}
	}
	return out
}
