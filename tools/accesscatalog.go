package tools

import (
	"context"
	"slices"
	"strings"
)

// ListAccessCatalogIn are the arguments of cipp_list_access_catalog.
type ListAccessCatalogIn struct {
	TenantArg
	Kind   string `json:"kind" jsonschema:"enum=profile,enum=directoryRole,enum=application,enum=site" jsonschema_description:"What can be given."`
	Search string `json:"search,omitempty" jsonschema:"maxLength=100" jsonschema_description:"Part of a name."`
	PageArgs
}

// CatalogRow is one thing that a user can be given.
type CatalogRow struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Detail  string   `json:"detail,omitempty"`
	Choices []string `json:"choices,omitempty"`
}

// ListAccessCatalogOut is the answer of cipp_list_access_catalog.
type ListAccessCatalogOut struct {
	TenantID string       `json:"tenantId"`
	Tenant   string       `json:"tenant"`
	Kind     string       `json:"kind"`
	Items    []CatalogRow `json:"items"`
	Total    int          `json:"total"`
	Part
}

// Text lists what can be given.
func (o *ListAccessCatalogOut) Text() string {
	var l lines
	l.add("%s of kind %s in %s", count(o.Total, "item", "items"), o.Kind, o.Tenant)
	for _, r := range o.Items {
		detail, choices := r.Detail, slices.Clone(r.Choices)
		if detail != "" {
			detail = q(detail)
		}
		if o.Kind == "application" { // its maker named the roles
			for i, role := range choices {
				choices[i] = q(role)
			}
		}
		l.add("%s | %s%s%s", q(r.Name), r.ID, ifText(detail, " | "), ifText(strings.Join(choices, ", "), " | "))
	}
	more(&l, o.Part, "search")
	return l.String()
}

// Shrink drops the second half of the rows.
func (o *ListAccessCatalogOut) Shrink() bool { return shrinkRows(&o.Items, &o.Part) }

var listAccessCatalog = Read(Tool{
	Name: "cipp_list_access_catalog", Title: "What can be given", Toolset: "access", Extra: true, Aliases: tenantAliases,
	Description: "Lists what a user can be given in a tenant: the operator's profiles, directory roles, applications with their roles, or SharePoint sites. Groups are listed by cipp_list_groups.",
	Needs:       Needs{App: []string{"RoleManagement.Read.Directory", "Application.Read.All", "Sites.Read.All"}, GDAPRoles: []string{"Global Reader"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","kind":"directoryRole","search":"helpdesk"}`,
}, func(ctx context.Context, c *Call, in ListAccessCatalogIn) (ListAccessCatalogOut, error) {
	out := ListAccessCatalogOut{TenantID: c.Tenant.ID, Tenant: c.Tenant.DefaultDomain, Kind: in.Kind}
	rows, err := c.catalog(ctx, in.Kind, in.Search)
	if err != nil {
		return out, err
	}
	want := strings.ToLower(strings.TrimSpace(in.Search))
	rows = slices.DeleteFunc(rows, func(r CatalogRow) bool { return !strings.Contains(strings.ToLower(r.Name+" "+r.ID), want) })
	slices.SortStableFunc(rows, func(a, b CatalogRow) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	out.Total = len(rows)
	out.Items, out.Part, err = slicePage(c, "cipp_list_access_catalog", rows, in.PageArgs)
	return out, err
})

func (c *Call) catalog(ctx context.Context, kind, search string) ([]CatalogRow, error) {
	rows := []CatalogRow{}
	switch kind {
	case "profile":
		for _, name := range c.Policy.Profiles(c.Tenant) {
			p, _ := c.Policy.Profile(c.Tenant, name)
			rows = append(rows, CatalogRow{ID: name, Name: name, Detail: p.Description, Choices: p.Holds()})
		}
	case "directoryRole":
		roles, err := c.Graph.RoleDefinitions(ctx, c.Tenant.ID)
		if err != nil {
			return nil, err
		}
		for _, r := range roles {
			rows = append(rows, CatalogRow{ID: r.ID, Name: r.DisplayName, Detail: r.Description})
		}
	case "application":
		apps, err := c.Graph.Applications(ctx, c.Tenant.ID, "")
		if err != nil {
			return nil, err
		}
		for _, a := range apps {
			if a.ServicePrincipalType != "" && a.ServicePrincipalType != "Application" {
				continue
			}
			r := CatalogRow{ID: a.ID, Name: a.DisplayName}
			for _, role := range userRoles(a) {
				r.Choices = append(r.Choices, role.DisplayName)
			}
			if a.AccountEnabled != nil && !*a.AccountEnabled {
				r.Detail = "switched off"
			}
			rows = append(rows, r)
		}
	default:
		sites, err := c.Graph.Sites(ctx, c.Tenant.ID, search)
		if err != nil {
			return nil, err
		}
		for _, s := range sites {
			rows = append(rows, CatalogRow{ID: s.WebURL, Name: s.DisplayName, Choices: []string{"visitor", "member", "owner"}})
		}
	}
	return rows, nil
}
