package tools

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"

	"cipp-mcp/graphclient"
)

// ListUsersIn are the arguments of cipp_list_users.
type ListUsersIn struct {
	AnyTenantArg
	Search   string   `json:"search,omitempty" jsonschema:"maxLength=100" jsonschema_description:"Beginning of a name or address."`
	Kind     string   `json:"kind,omitempty" jsonschema:"enum=member,enum=guest,enum=deleted,enum=blocked,enum=enabled,enum=local,enum=hybrid,enum=formerlyHybrid,enum=external,enum=shared,enum=service,enum=admin"`
	Report   string   `json:"report,omitempty" jsonschema:"enum=noMfa,enum=adminNoMfa,enum=inactive,enum=neverSignedIn,enum=unlicensed,enum=blockedButLicensed,enum=licenseErrors,enum=noUsageLocation,enum=guestPending,enum=guestStale,enum=newUsers,enum=deletedSoon,enum=passwordNeverExpires,enum=passwordOld,enum=noManager,enum=syncErrors,enum=forwardingOutside,enum=staleDevices"`
	Days     int      `json:"days,omitempty" jsonschema:"minimum=1,maximum=3650" jsonschema_description:"Age a report looks for."`
	Filter   string   `json:"filter,omitempty" jsonschema:"maxLength=500" jsonschema_description:"field op value joined by and: department eq 'Sales' and lastSignInDateTime lt -90d."`
	Select   []string `json:"select,omitempty" jsonschema:"maxItems=20" jsonschema_description:"More properties, by Microsoft Graph's names."`
	PageArgs `loud:"format"`
}

// UserRow is one user of a list.
type UserRow struct {
	Tenant            string         `json:"tenant,omitempty"` // of allTenants
	ID                string         `json:"id"`
	UserPrincipalName string         `json:"userPrincipalName"`
	DisplayName       string         `json:"displayName"`
	Mail              string         `json:"mail,omitempty"`
	AccountEnabled    *bool          `json:"accountEnabled"`
	UserType          string         `json:"userType"`
	SyncState         string         `json:"syncState"`
	Licenses          []string       `json:"licenses"`
	More              map[string]any `json:"more,omitempty"`
}

// ListUsersOut is the answer of cipp_list_users.
type ListUsersOut struct {
	TenantID string    `json:"tenantId,omitempty"`
	Tenant   string    `json:"tenant"`
	Users    []UserRow `json:"users"`
	Total    *int64    `json:"total,omitempty"`
	Notes    []string  `json:"notes,omitempty"` // what the list does not see
	Failures
	Part
}

// Text lists the users.
func (o *ListUsersOut) Text() string {
	var l lines
	l.add("%s in %s", count(o.rows(len(o.Users)), "user", "users"), o.Tenant)
	o.failed(&l)
	if o.Total != nil {
		l.add("total: %d", *o.Total)
	}
	for _, n := range o.Notes {
		l.add("NOTE: %s", n)
	}
	for _, u := range o.Users {
		l.add("%s%s | %s | %s | %s | %s | %s", of(u.Tenant), u.UserPrincipalName, q(u.DisplayName), signInState(u.AccountEnabled), strings.ToLower(u.UserType)+" "+u.SyncState, strings.Join(u.Licenses, ", "), u.ID)
		for _, k := range sortedKeys(u.More) {
			l.add("  %s: %s", k, value(u.More[k]))
		}
	}
	more(&l, o.Part, "search, kind or report")
	return l.String()
}

// Shrink drops the second half of the rows.
func (o *ListUsersOut) Shrink() bool { return shrinkRows(&o.Users, &o.Part) }

var listUsers = Read(Tool{
	Name: "cipp_list_users", Title: "List users", Toolset: "users", Aliases: tenantAliases, AllTenants: true,
	Description: "Lists users, found by search, kind or a ready report (noMfa, inactive, blockedButLicensed …). For one known user use cipp_get_user, for who has MFA cipp_list_mfa_users.",
	Needs:       Needs{App: []string{"User.Read.All", "LicenseAssignment.Read.All", "AuditLog.Read.All", "RoleManagement.Read.Directory", "GroupMember.Read.All"}, GDAPRoles: []string{"Global Reader", "Reports Reader"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","search":"anna"}`,
}, listUsersHandler)

var listUserColumns = []string{"id", "userPrincipalName", "displayName", "mail", "accountEnabled", "userType", "onPremisesSyncEnabled", "assignedLicenses"}

// notSelectable are properties of graphclient.User that a list cannot, or must not, select.
var notSelectable = []string{"manager"}

func listUsersHandler(ctx context.Context, c *Call, in ListUsersIn) (ListUsersOut, error) {
	c.remarks = &remarks{}
	out, err := usersListed(ctx, c, in)
	out.Notes = c.remarks.list(c.AllTenants)
	return out, err
}

func usersListed(ctx context.Context, c *Call, in ListUsersIn) (ListUsersOut, error) {
	out := ListUsersOut{TenantID: c.Tenant.ID, Tenant: c.Tenant.DefaultDomain, Users: []UserRow{}}
	if c.AllTenants || in.csv() {
		return everyUser(ctx, c, in)
	}
	query, keep, err := userQuery(ctx, c, in)
	if err != nil {
		return out, err
	}
	at, err := openCursor(c, "cipp_list_users", in.Cursor)
	if err != nil {
		return out, err
	}
	if at.Top > 0 && query.Top > 0 {
		query.Top = at.Top
	}
	names := query.licenceNames(ctx, c)
	defer names()
	var positions []position
	out.cut = func(n int) string { return sealCursor(c, "cipp_list_users", positions[n-1]) }
	for going := true; going; at = (position{Link: at.Link}) {
		page, err := usersPage(ctx, c, query.UserQuery, at.Link)
		if err != nil {
			return out, err
		}
		if page.Count != nil {
			out.Total = page.Count
		}
		for i := at.Skip; i < len(page.Users); i++ {
			if !keep(page.Users[i]) {
				continue
			}
			if len(out.Users) == in.limit() { // a row is left over
				out.HasMore, out.Cursor = true, out.cut(len(out.Users))
				return out, nil
			}
			out.Users = append(out.Users, query.row(page.Users[i], names(), in.Select))
			next := position{Link: at.Link, Skip: i + 1, Top: query.Top}
			if i == len(page.Users)-1 && page.Next != "" {
				next = position{Link: page.Next} // the page is used up: nobody needs it again
			}
			positions = append(positions, next)
		}
		if going = page.Next != ""; going && len(out.Users) == in.limit() {
			out.HasMore, out.Cursor = true, sealCursor(c, "cipp_list_users", position{Link: page.Next})
			return out, nil
		}
		at.Link = page.Next
	}
	return out, nil
}

// usersPage is the first page of a query, or the one behind a link.
func usersPage(ctx context.Context, c *Call, query graphclient.UserQuery, link string) (graphclient.UserPage, error) {
	if link != "" {
		return c.Graph.UsersPage(ctx, c.Tenant.ID, link)
	}
	for page, err := range c.Graph.Users(ctx, c.Tenant.ID, query) {
		return page, err
	}
	return graphclient.UserPage{}, nil
}

// row is a user as a list shows it.
func (q *userLook) row(u graphclient.User, names map[string]string, sel []string) UserRow {
	r := UserRow{ID: u.ID, UserPrincipalName: u.UserPrincipalName, DisplayName: u.DisplayName, Mail: u.Mail, AccountEnabled: u.AccountEnabled, UserType: u.UserType, SyncState: syncState(u), Licenses: []string{}}
	for _, l := range u.AssignedLicenses {
		r.Licenses = append(r.Licenses, licenceName(names, l.SkuID))
	}
	if q.tell != nil {
		r.More = q.tell(u)
	}
	if len(sel) > 0 {
		all := map[string]any{}
		b, err := json.Marshal(withMaskedPhones(u))
		if err == nil && json.Unmarshal(b, &all) == nil {
			if r.More == nil {
				r.More = map[string]any{}
			}
			for _, s := range sel {
				r.More[s] = all[s]
			}
		}
	}
	return r
}

// syncState is where an account is mastered: local (cloud only), hybrid, or formerlyHybrid.
func syncState(u graphclient.User) string {
	switch {
	case u.OnPremisesSyncEnabled == nil:
		return "local"
	case *u.OnPremisesSyncEnabled:
		return "hybrid"
	default:
		return "formerlyHybrid"
	}
}

// jsonNames lists a struct's JSON property names.
func jsonNames(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		if n, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); n != "" && n != "-" {
			out = append(out, n)
		}
	}
	return out
}
