package tools

import (
	"context"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// ListGroupsIn are the arguments of cipp_list_groups.
type ListGroupsIn struct {
	AnyTenantArg
	Search string `json:"search,omitempty" jsonschema:"maxLength=100" jsonschema_description:"Part of a name or address."`
	Type   string `json:"type,omitempty" jsonschema:"enum=m365,enum=security,enum=mailEnabledSecurity,enum=distribution,enum=application"`
	PageArgs
}

// ListGroupsOut is the answer of cipp_list_groups.
type ListGroupsOut struct {
	TenantID string     `json:"tenantId,omitempty"`
	Tenant   string     `json:"tenant"`
	Groups   []GroupRow `json:"groups"`
	Total    int        `json:"total"`
	Note     string     `json:"note,omitempty"`
	Failures
	Part
}

// Text lists the groups.
func (o *ListGroupsOut) Text() string {
	var l lines
	l.add("%s in %s", count(o.Total, "group", "groups"), o.Tenant)
	o.failed(&l)
	for _, g := range o.Groups {
		l.add("%s", g.line())
	}
	if o.Note != "" {
		l.add("%s", o.Note)
	}
	more(&l, o.Part, "search or type")
	return l.String()
}

// Shrink drops the second half of the rows.
func (o *ListGroupsOut) Shrink() bool { return shrinkRows(&o.Groups, &o.Part) }

// groupFilters are Microsoft's filters for our types; mail-enabled kinds differ by securityEnabled.
var groupFilters = map[string]graphclient.GroupQuery{
	"m365":                {Filter: "groupTypes/any(c:c eq 'Unified')"},
	"security":            {Filter: "securityEnabled eq true and mailEnabled eq false"},
	"application":         {Filter: "securityEnabled eq true"},
	"mailEnabledSecurity": {Filter: "mailEnabled eq true and securityEnabled eq true"},
	"distribution":        {Filter: "mailEnabled eq true and securityEnabled eq false"},
}

var listGroups = Read(Tool{
	Name: "cipp_list_groups", Title: "Groups", Toolset: "access", Extra: true, Aliases: tenantAliases, AllTenants: true,
	Description: "Lists a tenant's groups with type and flags (dynamic, synced, roleAssignable, grantsLicenses, hasTeam, excludedFromCa). For one user's groups use cipp_list_user_groups.",
	Needs:       Needs{App: []string{"Group.Read.All", "Policy.Read.All"}, GDAPRoles: []string{"Global Reader"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","type":"m365"}`,
}, func(ctx context.Context, c *Call, in ListGroupsIn) (ListGroupsOut, error) {
	out := ListGroupsOut{TenantID: c.Tenant.ID, Tenant: c.named()}
	var mu sync.Mutex
	rows, failed, err := inEach(ctx, c, func(ctx context.Context, one *Call) ([]GroupRow, error) {
		rows, note, err := listedGroups(ctx, one, in, c.ofSeveral(one, in.PageArgs))
		if note != "" {
			mu.Lock()
			defer mu.Unlock()
			out.Note = note
		}
		return rows, err
	})
	if err != nil {
		return out, err
	}
	out.Failures, out.Total = failed, len(rows)
	out.Groups, out.Part, err = slicePage(c, "cipp_list_groups", rows, in.PageArgs)
	return out, err
})

// listedGroups are the groups of one tenant, with a word on what of them is not known.
func listedGroups(ctx context.Context, c *Call, in ListGroupsIn, tenant string) (rows []GroupRow, note string, err error) {
	groups, err := c.Graph.Groups(ctx, c.Tenant.ID, groupFilters[in.Type])
	if err != nil {
		return nil, "", err
	}
	excluded, unread := c.excludedGroups(ctx)
	if unread != "" {
		note = of(tenant) + "excludedFromCa is not known: " + unread
	}
	want := strings.ToLower(strings.TrimSpace(in.Search))
	groups = slices.DeleteFunc(groups, func(g graphclient.Group) bool {
		return in.Type != "" && in.Type != "application" && groupType(g) != in.Type || want != "" && !strings.Contains(strings.ToLower(g.DisplayName+" "+g.Mail), want)
	})
	if in.Type == "application" {
		if groups, err = c.applicationGroups(ctx, groups); err != nil {
			return nil, note, err
		}
	}
	slices.SortStableFunc(groups, func(a, b graphclient.Group) int {
		return strings.Compare(strings.ToLower(a.DisplayName), strings.ToLower(b.DisplayName))
	})
	for _, g := range groups {
		r := GroupRow{Tenant: tenant, ID: g.ID, DisplayName: g.DisplayName, Mail: g.Mail, Type: groupType(g), Flags: groupFlags(g, false)}
		if _, ok := excluded[strings.ToLower(g.ID)]; ok {
			r.Flags = append(r.Flags, "excludedFromCa")
		}
		if in.Type == "application" {
			r.Flags = append(r.Flags, "application")
		}
		rows = append(rows, r)
	}
	return rows, note, nil
}

// applicationGroups keeps the groups through which applications are given. Microsoft has no list of them, so each
// security group is asked for, side by side.
func (c *Call) applicationGroups(ctx context.Context, groups []graphclient.Group) ([]graphclient.Group, error) {
	has := make([]bool, len(groups))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(bulkWide)
	for i := range groups {
		g.Go(func() error {
			return jobs.Caught(func() error {
				roles, err := c.Graph.GroupAppRoles(gctx, c.Tenant.ID, groups[i].ID)
				has[i] = len(roles) > 0
				return err
			})
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out []graphclient.Group
	for i, gr := range groups {
		if has[i] {
			out = append(out, gr)
		}
	}
	return out, nil
}
