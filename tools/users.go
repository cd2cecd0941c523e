package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
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
	Needs:       Needs{App: []string{"User.Read.All", "LicenseAssignment.Read.All", "AuditLog.Read.All"}, GDAPRoles: []string{"Global Reader", "Reports Reader"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","search":"anna"}`,
}, listUsersHandler)

var listUserColumns = []string{"id", "userPrincipalName", "displayName", "mail", "accountEnabled", "userType", "onPremisesSyncEnabled", "assignedLicenses"}

// notSelectable are properties of graphclient.User that a list cannot, or must not, select.
var notSelectable = []string{"manager"}

func listUsersHandler(ctx context.Context, c *Call, in ListUsersIn) (ListUsersOut, error) {
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
	names := licenceNames(ctx, c)
	var positions []position
	page, link, err := graphclient.UserPage{}, at.Link, error(nil)
	for first := true; first || page.Next != ""; first = false {
		if !first {
			link = page.Next
		}
		if page, err = usersPage(ctx, c, query, link); err != nil {
			return out, err
		}
		if page.Count != nil {
			out.Total = page.Count
		}
		skip := 0
		if first {
			skip = at.Skip
		}
		for i := skip; i < len(page.Users); i++ {
			if !keep(page.Users[i]) {
				continue
			}
			if len(out.Users) == in.limit() {
				out.HasMore = true
				out.cut = func(n int) string { return sealCursor(c, "cipp_list_users", positions[n-1]) }
				out.Cursor = out.cut(len(out.Users))
				return out, nil
			}
			out.Users = append(out.Users, userRow(page.Users[i], names, in.Select))
			positions = append(positions, position{Link: link, Skip: i + 1, Top: query.Top})
		}
	}
	out.cut = func(n int) string { return sealCursor(c, "cipp_list_users", positions[n-1]) }
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

// userQuery turns the arguments into what Microsoft filters itself and what we sift afterwards.
func userQuery(ctx context.Context, c *Call, in ListUsersIn) (graphclient.UserQuery, func(graphclient.User) bool, error) {
	q := graphclient.UserQuery{Select: slices.Clone(listUserColumns)}
	allowed := jsonNames(reflect.TypeFor[graphclient.User]())
	for i, s := range in.Select {
		n := slices.IndexFunc(allowed, func(a string) bool { return strings.EqualFold(a, s) })
		if n < 0 || slices.Contains(notSelectable, allowed[n]) {
			return q, nil, invalid("select: there is no property %q; some that exist: department, jobTitle, createdDateTime, lastPasswordChangeDateTime, usageLocation, city, signInActivity.", Clean(s, 60))
		}
		in.Select[i] = allowed[n]
		q.Select = append(q.Select, allowed[n])
	}
	if in.Search != "" {
		s := searchTerm(in.Search)
		q.Search = fmt.Sprintf(`"displayName:%s" OR "userPrincipalName:%s" OR "mail:%s"`, s, s, s)
		q.Advanced = true
	}
	keep, err := kindFilter(ctx, c, in.Kind, &q)
	if err != nil {
		return q, nil, err
	}
	sift, err := reportFilter(ctx, c, in.Report, in.Days, &q)
	if err != nil {
		return q, nil, err
	}
	fits, err := userFilter(ctx, c, in.Filter, &q)
	if err != nil {
		return q, nil, err
	}
	slices.Sort(q.Select)
	q.Select = slices.Compact(q.Select)
	if keep == nil && sift == nil && fits == nil {
		q.Top = in.limit() // Microsoft's pages are ours
		keep = func(graphclient.User) bool { return true }
	}
	return q, func(u graphclient.User) bool {
		return (keep == nil || keep(u)) && (sift == nil || sift(u)) && (fits == nil || fits(u))
	}, nil
}

// searchTerm keeps what would end the quoted term, or begin another, out of a $search expression.
func searchTerm(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '"' || r == '\\' || r < ' ' {
			return -1
		}
		return r
	}, strings.TrimSpace(s))
}

func kindFilter(ctx context.Context, c *Call, kind string, q *graphclient.UserQuery) (func(graphclient.User) bool, error) {
	synced := func(want string) func(graphclient.User) bool {
		return func(u graphclient.User) bool { return syncState(u) == want }
	}
	switch kind {
	case "member", "guest":
		q.Filter = "userType eq '" + strings.ToUpper(kind[:1]) + kind[1:] + "'"
	case "blocked":
		q.Filter = "accountEnabled eq false"
	case "enabled":
		q.Filter = "accountEnabled eq true"
	case "hybrid":
		q.Filter = "onPremisesSyncEnabled eq true"
	case "local", "formerlyHybrid":
		return synced(kind), nil
	case "external":
		q.Select = append(q.Select, "creationType")
		return func(u graphclient.User) bool {
			return u.CreationType == "Invitation" || strings.Contains(strings.ToUpper(u.UserPrincipalName), "#EXT#")
		}, nil
	case "deleted":
		q.Deleted = true
		q.Select = append(slices.DeleteFunc(q.Select, func(s string) bool { return s == "assignedLicenses" }), "deletedDateTime")
	case "shared":
		boxes, err := c.Graph.Mailboxes(ctx, c.Tenant.ID, "SharedMailbox", "RoomMailbox", "EquipmentMailbox")
		if err != nil {
			return nil, err
		}
		ids := map[string]bool{}
		for _, b := range boxes {
			ids[b.ExternalDirectoryObjectID] = true
		}
		return func(u graphclient.User) bool { return ids[u.ID] }, nil
	case "service":
		return serviceAccount(c)
	case "admin":
		return registered(ctx, c, "isAdmin eq true", func(d graphclient.RegistrationDetail) bool { return d.IsAdmin })
	}
	return nil, nil
}

// registered keeps the users whose row of the registration report pleases.
func registered(ctx context.Context, c *Call, filter string, pleases func(graphclient.RegistrationDetail) bool) (func(graphclient.User) bool, error) {
	ids := map[string]bool{}
	for page, err := range c.Graph.RegistrationDetails(ctx, c.Tenant.ID, filter) {
		if err != nil {
			return nil, err
		}
		for _, d := range page {
			if pleases(d) {
				ids[d.ID] = true
			}
		}
	}
	return func(u graphclient.User) bool { return ids[u.ID] }, nil
}

func userRow(u graphclient.User, names map[string]string, sel []string) UserRow {
	r := UserRow{ID: u.ID, UserPrincipalName: u.UserPrincipalName, DisplayName: u.DisplayName, Mail: u.Mail, AccountEnabled: u.AccountEnabled, UserType: u.UserType, SyncState: syncState(u), Licenses: []string{}}
	for _, l := range u.AssignedLicenses {
		r.Licenses = append(r.Licenses, licenceName(names, l.SkuID))
	}
	if len(sel) > 0 {
		all := map[string]any{}
		b, err := json.Marshal(withMaskedPhones(u))
		if err == nil && json.Unmarshal(b, &all) == nil {
			r.More = map[string]any{}
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
