package tools

import (
	"cmp"
	"context"
	"strings"
	"time"

	"cipp-mcp/graphclient"
)

// ListMFAUsersIn are the arguments of cipp_list_mfa_users.
type ListMFAUsersIn struct {
	AnyTenantArg
	Report string `json:"report,omitempty" jsonschema:"enum=noMfa,enum=adminNoMfa" jsonschema_description:"Only users known to have no MFA, or administrators among them."`
	Search string `json:"search,omitempty" jsonschema:"maxLength=100" jsonschema_description:"Part of a name or address."`
	PageArgs
}

// MFARow is one user. MFARegistered is null where nobody can tell; the reason stands beside it.
type MFARow struct {
	Tenant            string     `json:"tenant"`
	ID                string     `json:"id"`
	UserPrincipalName string     `json:"userPrincipalName"`
	DisplayName       string     `json:"displayName"`
	UserType          string     `json:"userType"`
	IsAdmin           *bool      `json:"isAdmin"`
	MFARegistered     *bool      `json:"mfaRegistered"`
	IsMFARegistered   *bool      `json:"isMfaRegistered"`
	MFACapable        *bool      `json:"mfaCapable"`
	Methods           []string   `json:"methods"`
	MFAUnknownReason  string     `json:"mfaUnknownReason,omitempty"`
	AsOf              *time.Time `json:"asOf,omitempty"`
}

// MFACounts sums up every user that was read, not only the rows shown.
type MFACounts struct {
	Tenants       int `json:"tenants"`
	Users         int `json:"users"`
	Registered    int `json:"mfaRegistered"`
	NotRegistered int `json:"mfaNotRegistered"`
	Unknown       int `json:"mfaUnknown"`
	AdminsWithout int `json:"adminsWithoutMfa"`
}

// ListMFAUsersOut is the answer of cipp_list_mfa_users.
type ListMFAUsersOut struct {
	Users             []MFARow       `json:"users"`
	Counts            MFACounts      `json:"counts"`
	FailedTenants     []FailedTenant `json:"failedTenants"`
	MoreFailedTenants int            `json:"moreFailedTenants,omitempty"`
	Part
}

// Text tells the counts, then the rows.
func (o *ListMFAUsersOut) Text() string {
	var l lines
	c := o.Counts
	l.add("%s in %s: %d with MFA, %d WITHOUT MFA (%d administrators), %d unknown (null is not a gap: see mfaUnknownReason)", count(c.Users, "user", "users"), count(c.Tenants, "tenant", "tenants"), c.Registered, c.NotRegistered, c.AdminsWithout, c.Unknown)
	Failures{o.FailedTenants, o.MoreFailedTenants}.failed(&l)
	for _, u := range o.Users {
		state := "unknown: " + u.MFAUnknownReason
		if u.MFARegistered != nil {
			state = map[bool]string{true: "MFA", false: "NO MFA"}[*u.MFARegistered]
		}
		admin := ""
		if u.IsAdmin != nil && *u.IsAdmin {
			admin = " ADMIN"
		}
		l.add("%s | %s | %s%s | %s", u.Tenant, u.UserPrincipalName, state, admin, strings.Join(u.Methods, ", "))
	}
	more(&l, o.Part, `report="noMfa", search or one tenant`)
	return l.String()
}

// Shrink drops the second half of the rows.
func (o *ListMFAUsersOut) Shrink() bool { return shrinkRows(&o.Users, &o.Part) }

var listMFAUsers = Read(Tool{
	Name: "cipp_list_mfa_users", Title: "MFA registration", Toolset: "security", Aliases: tenantAliases, AllTenants: true,
	Description: "Shows who has registered MFA, in one tenant or allTenants: mfaRegistered is true, false, or null with a reason; tenants that failed stand in failedTenants. Use report=\"noMfa\" for the gap; one user's methods are in cipp_get_user.",
	Needs:       Needs{App: []string{"AuditLog.Read.All", "User.Read.All", "UserAuthenticationMethod.Read.All"}, GDAPRoles: []string{"Reports Reader", "Global Reader"}},
	Example:     `{"tenantFilter":"allTenants","report":"noMfa"}`,
}, listMFAHandler)

func listMFAHandler(ctx context.Context, c *Call, in ListMFAUsersIn) (ListMFAUsersOut, error) {
	out := ListMFAUsersOut{FailedTenants: []FailedTenant{}}
	tenants := []graphclient.Tenant{c.Tenant}
	if c.AllTenants {
		var err error
		if tenants, err = c.Graph.Tenants(ctx); err != nil {
			return out, err
		}
	}
	most, err := in.reach(c, "cipp_list_mfa_users")
	if err != nil {
		return out, err
	}
	var rows []MFARow
	failed := []FailedTenant{}
	for _, r := range readEach(ctx, c, tenants, func(ctx context.Context, t graphclient.Tenant) (mfaFound, error) {
		all, err := mfaOf(ctx, c, t)
		if err == nil && in.Report == "adminNoMfa" {
			err = markAdmins(ctx, c, t, all)
		}
		return sifted(in, all, most), err
	}) {
		if r.Err != nil {
			if !c.AllTenants {
				return out, r.Err
			}
			failed = append(failed, failedTenant(cmp.Or(r.Tenant.DefaultDomain, r.Tenant.ID), r.Err))
			continue
		}
		out.Counts.join(r.Value.counts)
		rows = append(rows, r.Value.rows...)
	}
	f := failures(failed)
	out.FailedTenants, out.MoreFailedTenants = f.FailedTenants, f.MoreFailedTenants
	out.Users, out.Part, err = slicePage(c, "cipp_list_mfa_users", rows, in.PageArgs)
	return out, err
}

// markAdmins says of each row whether the directory's own roles make it an administrator: the registration report knows of
// no role that is still to be activated, and not every tenant has one. Where the roles may not be read the report stands.
func markAdmins(ctx context.Context, c *Call, t graphclient.Tenant, rows []MFARow) error {
	admins, _, err := tenantAdmins(ctx, c.Graph, t.ID)
	if kind := graphclient.KindOf(err); kind == graphclient.Denied || kind == graphclient.RoleMissing {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].IsAdmin = is(admins[strings.ToLower(rows[i].ID)] != "")
	}
	return nil
}

// mfaFound is what is kept of one tenant: everybody counted, and no more rows than can be shown.
type mfaFound struct {
	counts MFACounts
	rows   []MFARow
}

// sifted keeps of a tenant's rows those that are wanted, most of them at the most: tenants come one after the other, so
// that no row behind that many of its own tenant's is on the page that is asked for.
func sifted(in ListMFAUsersIn, all []MFARow, most int) mfaFound {
	var f mfaFound
	for _, row := range all {
		f.counts.add(row)
		if len(f.rows) < most && wantedMFA(in, row) {
			f.rows = append(f.rows, row)
		}
	}
	return f
}

// join adds what one tenant counted.
func (m *MFACounts) join(t MFACounts) {
	m.Tenants++
	m.Users += t.Users
	m.Registered += t.Registered
	m.NotRegistered += t.NotRegistered
	m.Unknown += t.Unknown
	m.AdminsWithout += t.AdminsWithout
}

func (m *MFACounts) add(r MFARow) {
	m.Users++
	switch {
	case r.MFARegistered == nil:
		m.Unknown++
	case *r.MFARegistered:
		m.Registered++
	default:
		m.NotRegistered++
		if r.IsAdmin != nil && *r.IsAdmin {
			m.AdminsWithout++
		}
	}
}

func wantedMFA(in ListMFAUsersIn, r MFARow) bool {
	if in.Report != "" && (r.MFARegistered == nil || *r.MFARegistered) {
		return false
	}
	if in.Report == "adminNoMfa" && (r.IsAdmin == nil || !*r.IsAdmin) {
		return false
	}
	return matches(in.Search, r.UserPrincipalName, r.DisplayName)
}

// mfaOf reads one tenant: by the registration report where the tenant has it, else each user's
// methods in batches of twenty. Users without MFA come first.
func mfaOf(ctx context.Context, c *Call, t graphclient.Tenant) ([]MFARow, error) {
	var rows []MFARow
	for page, err := range c.Graph.RegistrationDetails(ctx, t.ID, "") {
		if graphclient.KindOf(err) == graphclient.NotPremium {
			return mfaByMethods(ctx, c, t)
		}
		if err != nil {
			return nil, err
		}
		for _, d := range page {
			rows = append(rows, MFARow{
				Tenant: t.DefaultDomain, ID: d.ID, UserPrincipalName: d.UserPrincipalName, DisplayName: d.UserDisplayName, UserType: strings.ToLower(d.UserType),
				IsAdmin: is(d.IsAdmin), MFARegistered: is(d.IsMfaRegistered), IsMFARegistered: is(d.IsMfaRegistered), MFACapable: is(d.IsMfaCapable), Methods: d.MethodsRegistered, AsOf: d.LastUpdatedDateTime,
			})
		}
	}
	return gapsFirst(rows), nil
}

var yes, no = true, false

// is points to a value that all rows share: a pointer into a row of the report would keep the whole row.
func is(b bool) *bool {
	if b {
		return &yes
	}
	return &no
}

// methodsAtMost bounds the calls in a tenant that has no report: one per user, twenty a batch.
const methodsAtMost = 200

const noReport = "the tenant has no Entra ID P1, so there is no registration report"

func mfaByMethods(ctx context.Context, c *Call, t graphclient.Tenant) ([]MFARow, error) {
	var rows []MFARow
	q := graphclient.UserQuery{Filter: "accountEnabled eq true", Select: []string{"id", "userPrincipalName", "displayName", "userType"}}
	for page, err := range c.Graph.Users(ctx, t.ID, q) {
		if err != nil {
			return nil, err
		}
		for _, u := range page.Users {
			rows = append(rows, MFARow{Tenant: t.DefaultDomain, ID: u.ID, UserPrincipalName: u.UserPrincipalName, DisplayName: u.DisplayName, UserType: strings.ToLower(u.UserType), Methods: []string{}, MFAUnknownReason: noReport})
		}
	}
	ids := make([]string, 0, min(len(rows), methodsAtMost))
	for _, r := range rows[:min(len(rows), methodsAtMost)] {
		ids = append(ids, r.ID)
	}
	methods, err := c.Graph.AuthMethodsOf(ctx, t.ID, ids)
	for i := range rows {
		r := &rows[i]
		m, ok := methods[r.ID]
		switch {
		case err != nil:
			r.MFAUnknownReason = noReport + ", and the methods cannot be read: " + Explain(err)
		case !ok:
			r.MFAUnknownReason = noReport + "; only the first 200 users were looked at one by one"
		case m.Err != nil:
			r.MFAUnknownReason = noReport + ", and this user's methods cannot be read: " + Explain(m.Err)
		default:
			has := false
			for _, x := range m.Methods {
				if strongMethod(x) {
					has = true
				}
				if x.Type() != "password" {
					r.Methods = append(r.Methods, x.Type())
				}
			}
			r.MFARegistered, r.IsMFARegistered, r.MFAUnknownReason = &has, &has, ""
		}
	}
	return gapsFirst(rows), nil
}

// strongMethod says whether a registered method can answer an MFA prompt. Mail addresses serve
// self-service password reset only, and a Temporary Access Pass is no registration.
func strongMethod(m graphclient.AuthMethod) bool {
	switch m.Type() {
	case "password", "email", "temporaryAccessPass", "":
		return false
	case "phone":
		return m.PhoneType != "office" || m.PhoneNumber != ""
	default:
		return true
	}
}

// gapsFirst puts users without MFA first, then the unknown, each in Microsoft's order.
func gapsFirst(rows []MFARow) []MFARow {
	out := make([]MFARow, 0, len(rows))
	for _, wanted := range []func(*bool) bool{
		func(b *bool) bool { return b != nil && !*b },
		func(b *bool) bool { return b == nil },
		func(b *bool) bool { return b != nil && *b },
	} {
		for i := range rows {
			if wanted(rows[i].MFARegistered) {
				out = append(out, rows[i])
			}
		}
	}
	return out
}
