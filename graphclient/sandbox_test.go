package graphclient_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/sandbox"
	"cipp-mcp/sandbox/sandboxtest"
)

// Tenants and people of the sandbox's built-in story.
const (
	harbourline = "8b86692a-cec8-4588-bfdf-7966ed5e3e3c"
	brightwell  = "ffa996a1-8974-418d-9ca8-f86f5b24b05d"
	oakhurst    = "014e8bda-affa-4f20-be81-edebdfaa0cdd" // GDAP expired
	pinecrest   = "7daa2d22-d69a-4587-a830-4597d78a412b" // no premium licence, no Intune
	lakeview    = "f69f0562-7000-4982-9ff3-57ccd05e6d6d" // no consent
	northgate   = "4f4d57ba-f928-4907-88f8-0c93211b86fe" // a permission missing, no directory role
	quillfeath  = "2ffd2df3-6348-4c27-b680-21affbeb9bbc" // names that give orders

	marta  = "ccbeaaf8-963b-4562-8211-92d4f8d5720e" // Global Administrator
	tomasz = "59518e0b-6221-4b6d-93b2-d9328da75515" // User and Exchange Administrator
	dana   = "5174a443-44b7-4574-ae30-ded055b2d4d6"
	gareth = "0a8f5809-106d-4001-9fc1-a20b5379a6b9"
	ingrid = "1c49c79d-e261-481a-8bd3-f039f37cf816" // synced
	callum = "4d6246fa-18ff-4e8d-9f9a-4a68350c8038"
	celia  = "6525f947-59e0-441e-ae8a-a3ad17ca73b2" // compromised
	agnes  = "e7f2eaab-8a78-43ee-833a-07221ea6961f"
	grace  = "3ec34660-ec1b-4524-9f44-7126bc8dcd1d"

	crm      = "470bc635-b219-4caf-8eef-da43ff1a1cb6" // security group
	finance  = "298f57ef-76ce-45f8-a16d-e7014ddaa1d1" // mail-enabled security group
	dynamic  = "cdb7d898-aa01-4133-ab89-d3ea8e376283"
	synced   = "c6660832-85ce-4397-b340-81f710fe5c92"
	e5Group  = "48dabfba-8ca5-4a6c-b04f-43044f5ae9bd" // grants the E5 licence
	clockNow = "2026-03-12T15:00:00Z,frozen"
)

var ctx = context.Background()

// The ways to sign in.
var ways = []string{"secret", "certificate", "partner", "user"}

func startCloud(t *testing.T, faults string) *sandbox.Server {
	t.Helper()
	o := sandbox.Options{Clock: clockNow, Control: true}
	if faults != "" {
		o.Faults = []byte(faults)
	}
	return sandboxtest.Start(t, o)
}

// signedIn is a client of the sandbox that signs in the given way.
func signedIn(t testing.TB, s *sandbox.Server, way string, change ...func(*graphclient.Config)) *graphclient.Client {
	t.Helper()
	info := s.Client()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CA())
	cfg := graphclient.Config{
		Cloud: graphclient.Cloud{Name: info.Name, Authority: info.Authority, Graph: info.Graph, Exchange: info.Exchange, SharePoint: info.SharePoint, RootCAs: pool},
		Auth:  graphclient.Auth{Mode: graphclient.App, TenantID: info.Auth.TenantID, ClientID: info.Auth.ClientID, ClientSecret: info.Auth.ClientSecret},
		Clock: s,
	}
	switch way {
	case "certificate":
		cfg.Auth.ClientSecret, cfg.Auth.CertificatePEM = "", []byte(info.Auth.Certificate)
	case "partner":
		cfg.Auth.Mode, cfg.Auth.RefreshToken = graphclient.Partner, info.Auth.RefreshToken
	case "user":
		asUser(person(t, s, "allow"))(&cfg)
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := graphclient.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if way == "user" {
		if err := c.SignIn(ctx); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// eachWay runs test for each way to sign in, with a cloud of its own.
func eachWay(t *testing.T, test func(t *testing.T, s *sandbox.Server, c *graphclient.Client)) {
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			s := startCloud(t, "")
			test(t, s, signedIn(t, s, way))
		})
	}
}

func ref(id, upn string) graphclient.MailboxRef { return graphclient.MailboxRef{ID: id, UPN: upn} }

var danaBox = ref(dana, "dana.whitfield@harbourline.example")
var celiaBox = ref(celia, "celia.hartmann@brightwell.example")

func TestSandboxTenants(t *testing.T) {
	eachWay(t, func(t *testing.T, s *sandbox.Server, c *graphclient.Client) {
		tenants, err := c.Tenants(ctx)
		if err != nil {
			t.Fatal(err)
		}
		health := map[string]string{}
		for _, x := range tenants {
			health[x.ID] = x.Health
			if x.DisplayName == "" || x.DefaultDomain == "" {
				t.Errorf("%+v", x)
			}
		}
		want := map[string]string{harbourline: "ok", brightwell: "ok", oakhurst: "gdapInactive", pinecrest: "ok", lakeview: "ok", northgate: "expiring", quillfeath: "ok"}
		for id, h := range want {
			if health[id] != h {
				t.Errorf("%s is %q, want %q", id, health[id], h)
			}
		}
		for _, name := range []string{harbourline, "harbourline.example", "HARBOURLINE-logistics.example", "harbourlinefreight.onmicrosoft.com", "Harbourline Freight"} {
			if x, err := c.ResolveTenant(ctx, name); err != nil || x.ID != harbourline {
				t.Errorf("%s: %+v %v", name, x, err)
			}
		}
		for _, name := range []string{"nobody.example", "00000000-0000-4000-8000-000000000001", "Harbour"} {
			if _, err := c.ResolveTenant(ctx, name); graphclient.KindOf(err) != graphclient.TenantUnknown {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// Every reading method once, on people who have something to show.
func TestSandboxReads(t *testing.T) {
	eachWay(t, func(t *testing.T, s *sandbox.Server, c *graphclient.Client) {
		t.Run("users", func(t *testing.T) {
			n := 0
			for p, err := range c.Users(ctx, harbourline, graphclient.UserQuery{Top: 10, OrderBy: "displayName"}) {
				if err != nil {
					t.Fatal(err)
				}
				n += len(p.Users)
			}
			if n != 32 {
				t.Errorf("%d users", n)
			}
			var found []graphclient.User
			for p, err := range c.Users(ctx, harbourline, graphclient.UserQuery{Search: `"displayName:alex"`, Select: []string{"id", "displayName"}}) {
				found = append(found, got(p, err)(t, "search").Users...)
			}
			if len(found) != 2 {
				t.Errorf("search: %+v", found)
			}
			first := graphclient.UserPage{}
			for p, err := range c.Users(ctx, harbourline, graphclient.UserQuery{Filter: "accountEnabled ne false", Advanced: true, Top: 5}) {
				first = got(p, err)(t, "advanced")
				break
			}
			if first.Count == nil || *first.Count != 27 || len(first.Users) != 5 || first.Next == "" {
				t.Errorf("advanced: %d users, count %v", len(first.Users), first.Count)
			}
			if second, err := c.UsersPage(ctx, harbourline, first.Next); err != nil || len(second.Users) != 5 || second.Users[0].ID == first.Users[0].ID {
				t.Errorf("second page: %d users, %v", len(second.Users), err)
			}
			for _, name := range []string{dana, "dana.whitfield@harbourline.example", "siobhan.o'brien@harbourline.example", "$scanner@harbourline.example",
				"luca.dangelo_porto-lines.example#EXT#@harbourlinefreight.onmicrosoft.com", "dana.whitfield@harbourlinefreight.onmicrosoft.com"} {
				u, err := c.User(ctx, harbourline, name)
				if err != nil || u.ID == "" || u.AccountEnabled == nil {
					t.Errorf("%s: %+v %v", name, u, err)
				}
			}
			if u, err := c.User(ctx, harbourline, "dana.whitfield@harbourline.example", "id", "signInActivity", "manager"); err != nil || u.ID != dana || u.Manager == nil {
				t.Errorf("%+v %v", u, err)
			}
			manager, err := c.Manager(ctx, harbourline, dana)
			if err != nil || manager == nil {
				t.Fatalf("Manager: %+v %v", manager, err)
			}
			reports, err := c.DirectReports(ctx, harbourline, manager.ID)
			if err != nil || !slices.ContainsFunc(reports, func(u graphclient.User) bool { return u.ID == dana }) {
				t.Errorf("DirectReports: %+v %v", reports, err)
			}
			taken, err := c.UserConflicts(ctx, harbourline, "dana.whitfield@harbourline.example")
			if err != nil || len(taken) != 1 || taken[0].ID != dana {
				t.Errorf("UserConflicts: %+v %v", taken, err)
			}
		})
		t.Run("authentication", func(t *testing.T) {
			rows := 0
			for page, err := range c.RegistrationDetails(ctx, harbourline, "") {
				rows += len(got(page, err)(t, "RegistrationDetails"))
			}
			if rows < 20 {
				t.Errorf("%d registration rows", rows)
			}
			methods, err := c.AuthMethods(ctx, harbourline, dana)
			if err != nil || len(methods) != 3 || !slices.ContainsFunc(methods, func(m graphclient.AuthMethod) bool { return m.Type() == "password" && !m.CanDelete() }) {
				t.Errorf("%+v %v", methods, err)
			}
			of, err := c.AuthMethodsOf(ctx, harbourline, []string{dana, marta, "luca.dangelo_porto-lines.example#EXT#@harbourlinefreight.onmicrosoft.com", "00000000-0000-4000-8000-000000000001"})
			if err != nil || len(of[dana].Methods) != 3 || len(of[marta].Methods) != 3 || graphclient.KindOf(of["00000000-0000-4000-8000-000000000001"].Err) != graphclient.NotFound {
				t.Errorf("%+v %v", of, err)
			}
			if state, err := c.PerUserMFAState(ctx, harbourline, dana); err != nil || state == "" {
				t.Errorf("PerUserMFAState: %q %v", state, err)
			}
			if states, err := c.PerUserMFAStates(ctx, harbourline, []string{dana, marta}); err != nil || states[dana].Value == "" || states[dana].Err != nil {
				t.Errorf("PerUserMFAStates: %+v %v", states, err)
			}
			_ = got(c.SignInPreferences(ctx, harbourline, dana))(t, "SignInPreferences")
			_ = got(c.SecurityDefaults(ctx, harbourline))(t, "SecurityDefaults")
			if p := got(c.AuthenticationMethodsPolicy(ctx, harbourline))(t, "AuthenticationMethodsPolicy"); !p.Enabled("TemporaryAccessPass") {
				t.Errorf("%+v", p)
			}
			if p := got(c.ConditionalAccessPolicies(ctx, harbourline))(t, "ConditionalAccessPolicies"); len(p) != 2 || p[0].GrantControls == nil {
				t.Errorf("%+v", p)
			}
		})
		t.Run("groups, roles, licences", func(t *testing.T) {
			groups := got(c.GroupsOf(ctx, harbourline, dana))(t, "GroupsOf")
			if len(groups) == 0 || !slices.ContainsFunc(groups, graphclient.Group.Microsoft365) {
				t.Errorf("%+v", groups)
			}
			if g := got(c.Group(ctx, harbourline, dynamic))(t, "Group"); !g.Dynamic() {
				t.Errorf("%+v", g)
			}
			if p := got(c.PrivilegesOf(ctx, harbourline, tomasz))(t, "PrivilegesOf"); len(p.Roles) != 2 || p.Roles[0].RoleTemplateID == "" {
				t.Errorf("%+v", p)
			}
			if p := got(c.PrivilegesOf(ctx, harbourline, callum))(t, "PrivilegesOf"); len(p.RoleGroups) != 1 || !p.Admin() {
				t.Errorf("%+v", p)
			}
			if p := got(c.PrivilegesOf(ctx, harbourline, dana))(t, "PrivilegesOf"); p.Admin() {
				t.Errorf("%+v", p)
			}
			if a := got(c.RoleAssignmentsOf(ctx, harbourline, marta))(t, "RoleAssignmentsOf"); len(a) != 1 || a[0].RoleDefinition == nil || a[0].RoleDefinition.DisplayName != "Global Administrator" {
				t.Errorf("%+v", a)
			}
			if o := got(c.GroupOwners(ctx, harbourline, crm))(t, "GroupOwners"); len(o) != 1 || o[0].ID != tomasz || o[0].UserPrincipalName == "" {
				t.Errorf("%+v", o)
			}
			if o := got(c.GroupsOwnedBy(ctx, harbourline, gareth))(t, "GroupsOwnedBy"); !slices.ContainsFunc(o, func(g graphclient.Group) bool { return g.DisplayName == "Rotterdam Project" }) {
				t.Errorf("%+v", o)
			}
			for _, g := range groups {
				if is := got(c.IsGroupMember(ctx, harbourline, g.ID, dana))(t, "IsGroupMember"); !is {
					t.Errorf("no member of %s", g.DisplayName)
				}
			}
			if is := got(c.IsGroupMember(ctx, harbourline, synced, dana))(t, "IsGroupMember"); is {
				t.Error("member of a group that has her not")
			}
			if skus := got(c.SubscribedSkus(ctx, harbourline))(t, "SubscribedSkus"); len(skus) != 3 || skus[0].SkuPartNumber == "" || skus[0].PrepaidUnits.Enabled == 0 {
				t.Errorf("%+v", skus)
			}
			if d := got(c.LicenseDetails(ctx, harbourline, dana))(t, "LicenseDetails"); len(d) == 0 || d[0].SkuPartNumber == "" {
				t.Errorf("%+v", d)
			}
		})
		t.Run("logs, apps, devices", func(t *testing.T) {
			since := s.Now().Add(-7 * 24 * time.Hour)
			rows := got(c.SignIns(ctx, brightwell, graphclient.SignInQuery{UserID: celia, Since: since, Max: 5}))(t, "SignIns")
			if len(rows) == 0 || rows[0].UserID != celia || rows[0].IPAddress == "" {
				t.Errorf("%+v", rows)
			}
			all := got(c.SignIns(ctx, brightwell, graphclient.SignInQuery{UserID: celia, Since: since, AllTypes: true}))(t, "beta SignIns")
			if len(all) < len(rows) {
				t.Errorf("%d rows with non-interactive ones, %d without", len(all), len(rows))
			}
			audits := got(c.DirectoryAudits(ctx, brightwell, graphclient.AuditQuery{TargetID: celia, Since: since}))(t, "DirectoryAudits")
			if len(audits) == 0 || audits[0].ActivityDisplayName == "" {
				t.Errorf("%+v", audits)
			}
			_ = got(c.DirectoryAudits(ctx, brightwell, graphclient.AuditQuery{InitiatorID: celia, Since: since}))(t, "DirectoryAudits by")
			grants := got(c.OAuth2GrantsOf(ctx, brightwell, celia))(t, "OAuth2GrantsOf")
			if len(grants) != 1 || len(grants[0].Scopes()) == 0 {
				t.Fatalf("%+v", grants)
			}
			if sp := got(c.ServicePrincipals(ctx, brightwell, []string{grants[0].ClientID}))(t, "ServicePrincipals"); sp[grants[0].ClientID].AppID == "" {
				t.Errorf("%+v", sp)
			}
			_ = got(c.AppRoleAssignmentsOf(ctx, brightwell, celia))(t, "AppRoleAssignmentsOf")
			if r := got(c.RiskyUser(ctx, brightwell, celia))(t, "RiskyUser"); r == nil || r.RiskState == "" {
				t.Errorf("%+v", r)
			}
			if r := got(c.RiskyUser(ctx, harbourline, dana))(t, "RiskyUser"); r != nil {
				t.Errorf("%+v", r)
			}
			devices := append(got(c.RegisteredDevices(ctx, harbourline, dana))(t, "RegisteredDevices"), got(c.OwnedDevices(ctx, harbourline, dana))(t, "OwnedDevices")...)
			if len(devices) == 0 || devices[0].DisplayName == "" {
				t.Errorf("%+v", devices)
			}
			if d := got(c.ManagedDevices(ctx, harbourline, dana))(t, "ManagedDevices"); len(d) == 0 || d[0].DeviceName == "" {
				t.Errorf("%+v", d)
			}
			_ = got(c.Drive(ctx, harbourline, dana))(t, "Drive")
			if o := got(c.Organization(ctx, harbourline))(t, "Organization"); o.ID != harbourline || len(o.VerifiedDomains) != 3 {
				t.Errorf("%+v", o)
			}
			if d := got(c.Domains(ctx, harbourline))(t, "Domains"); len(d) != 3 {
				t.Errorf("%+v", d)
			}
		})
		t.Run("exchange", func(t *testing.T) { exchangeReads(t, c) })
	})
}

func exchangeReads(t *testing.T, c *graphclient.Client) {
	m := got(c.Mailbox(ctx, harbourline, danaBox))(t, "Mailbox")
	if m.ExternalDirectoryObjectID != dana || m.RecipientTypeDetails != "UserMailbox" || len(m.EmailAddresses) != 2 || m.Shared() {
		t.Errorf("%+v", m)
	}
	if m := got(c.Mailbox(ctx, brightwell, celiaBox))(t, "Mailbox"); m.ForwardingSMTPAddress != "archive-sync@mail-vault.example" || !m.DeliverToMailboxAndForward {
		t.Errorf("%+v", m)
	}
	if all := got(c.Mailboxes(ctx, harbourline))(t, "Mailboxes"); len(all) != 24 {
		t.Errorf("%d mailboxes", len(all))
	}
	if shared := got(c.Mailboxes(ctx, harbourline, "SharedMailbox"))(t, "Mailboxes"); len(shared) != 2 || !shared[0].Shared() {
		t.Errorf("%+v", shared)
	}
	if st := got(c.MailboxStatistics(ctx, harbourline, danaBox))(t, "MailboxStatistics"); st.TotalItemSize != 12884901888 || st.ItemCount != 61284 || st.LastLogonTime == nil {
		t.Errorf("%+v", st)
	}
	if p := got(c.MailboxPermissions(ctx, harbourline, danaBox))(t, "MailboxPermissions"); len(p) != 1 || p[0].User != "oluwaseun.adeyemi@harbourline.example" {
		t.Errorf("%+v", p)
	}
	_ = got(c.RecipientPermissions(ctx, harbourline, danaBox))(t, "RecipientPermissions")
	if p := got(c.CalendarPermissions(ctx, harbourline, danaBox))(t, "CalendarPermissions"); len(p) < 2 || p[0].Folder == "" {
		t.Errorf("%+v", p)
	}
	if f := got(c.MailboxFolders(ctx, harbourline, danaBox, "All"))(t, "MailboxFolders"); len(f) == 0 {
		t.Errorf("%+v", f)
	}
	rules := got(c.InboxRules(ctx, brightwell, celiaBox))(t, "InboxRules")
	if len(rules) != 2 || !slices.ContainsFunc(rules, func(r graphclient.InboxRule) bool { return r.Hidden && r.Name == ".." && r.MarkAsRead }) {
		t.Errorf("%+v", rules)
	}
	_ = got(c.AutoReply(ctx, harbourline, danaBox))(t, "AutoReply")
	if d := got(c.MobileDevices(ctx, brightwell, celiaBox))(t, "MobileDevices"); len(d) != 2 || d[0].DeviceModel == "" || d[0].FirstSyncTime == nil {
		t.Errorf("%+v", d)
	}
	if o := got(c.OrganizationConfig(ctx, harbourline))(t, "OrganizationConfig"); o.Name == "" && o.DisplayName == "" {
		t.Errorf("%+v", o)
	}
	if a := got(c.AdminAuditLogConfig(ctx, harbourline))(t, "AdminAuditLogConfig"); !a.UnifiedAuditLogIngestionEnabled {
		t.Errorf("%+v", a)
	}
	access := got(c.MailboxAccessOf(ctx, harbourline, ref("f89db0ce-d624-41d8-aeda-cdaf57fac9f1", "oluwaseun.adeyemi@harbourline.example")))(t, "MailboxAccessOf")
	var lines []string
	for _, a := range access {
		lines = append(lines, fmt.Sprint(a.Mailbox.UserPrincipalName, a.AccessRights))
	}
	if !slices.ContainsFunc(lines, func(l string) bool {
		return strings.HasPrefix(l, "dana.whitfield@harbourline.example") && strings.Contains(l, "FullAccess")
	}) {
		t.Errorf("%q", lines)
	}
}

// got is the value of a call, and an error of the test where the call failed.
func got[T any](v T, err error) func(*testing.T, string) T {
	return func(t *testing.T, what string) T {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return v
	}
}
