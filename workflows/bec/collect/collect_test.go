package collect_test

import (
	"context"
	"crypto/x509"
	"testing"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/sandbox"
	"cipp-mcp/sandbox/sandboxtest"
	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
	"cipp-mcp/workflows/bec/collect"
)

const storyTime = "2026-03-12T15:00:00Z,frozen"

// world is a sandbox and a client of it.
type world struct {
	cloud  *sandbox.Server
	client *graphclient.Client
	tenant graphclient.Tenant
	cases  *casefile.Store
}

func newWorld(t *testing.T, o sandbox.Options) *world {
	t.Helper()
	if o.Clock == "" {
		o.Clock = storyTime
	}
	s := sandboxtest.Start(t, o)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CA())
	i := s.Client()
	c, err := graphclient.New(graphclient.Config{
		Cloud: graphclient.Cloud{Name: i.Name, Authority: i.Authority, Graph: i.Graph, Exchange: i.Exchange, RootCAs: pool},
		Auth:  graphclient.Auth{Mode: graphclient.App, TenantID: i.Auth.TenantID, ClientID: i.Auth.ClientID, ClientSecret: i.Auth.ClientSecret}, Clock: s,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &world{cloud: s, client: c, cases: casefile.Open(t.TempDir())}
}

// read reads a case of a user and answers its evidence.
func (w *world) read(t *testing.T, tenant, upn string) (*casefile.Case, *casefile.File) {
	t.Helper()
	ctx := context.Background()
	ten, err := w.client.ResolveTenant(ctx, tenant)
	if err != nil {
		t.Fatal(err)
	}
	u, err := w.client.User(ctx, ten.ID, upn, "id", "userPrincipalName", "displayName", "mail", "proxyAddresses")
	if err != nil {
		t.Fatal(err)
	}
	w.tenant = ten
	c, err := w.cases.New(casefile.Head{TenantID: ten.ID, Tenant: ten.DefaultDomain, User: bec.User{ID: u.ID, UserPrincipalName: u.UserPrincipalName}, Opened: w.cloud.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return c, w.again(t, c, u)
}

// again makes one more reading of a case.
func (w *world) again(t *testing.T, c *casefile.Case, u graphclient.User) *casefile.File {
	t.Helper()
	ctx := context.Background()
	r, err := c.Begin(w.cloud.Now())
	if err != nil {
		t.Fatal(err)
	}
	k := &collect.Collector{Graph: w.client, Clock: w.cloud, Reading: r, Tenant: w.tenant.ID, User: u, Tell: func(int, int, string) {}, ResumeFrom: map[string]time.Time{}}
	for _, part := range []string{collect.Snapshot, collect.Logs} {
		if err := k.Read(ctx, part); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.OtherAccounts(ctx, collect.Pivots{}); err != nil {
		t.Fatal(err)
	}
	if err := r.End(w.cloud.Now()); err != nil {
		t.Fatal(err)
	}
	f, err := c.Evidence()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func coverageOf(f *casefile.File) map[string]bec.Coverage {
	out := map[string]bec.Coverage{}
	for _, c := range f.Coverage() {
		out[c.Source] = c
	}
	return out
}

func count(t *testing.T, f *casefile.File, source string) map[string]int {
	t.Helper()
	n := map[string]int{}
	for row, err := range f.Rows(source) {
		if err != nil {
			t.Fatal(err)
		}
		n[row.Kind]++
	}
	return n
}

func TestACompromisedAccountIsReadWhole(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	_, f := w.read(t, "brightwell.example", "celia.hartmann@brightwell.example")
	for _, c := range f.Coverage() {
		if c.Status != bec.ReadWhole && c.Reason != bec.NoAPI && c.Status != bec.NotRequested && c.Status != bec.NotApplicable {
			t.Errorf("%s is %s: %s %s", c.Source, c.Status, c.Reason, c.Detail)
		}
		if c.Status == bec.ReadWhole && c.AsOf == nil {
			t.Errorf("%s has no asOf", c.Source)
		}
	}
	for source, kinds := range map[string]string{
		bec.Profile: "user", bec.AuthMethods: "authenticationMethod", bec.Grants: "oauth2PermissionGrant", bec.InboxRules: "inboxRule", bec.HiddenRules: "inboxRule",
		bec.Forwarding: "mailbox", bec.Delegates: "mailboxPermission", bec.FolderPermissions: "folderPermission", bec.SignInsInteractive: "signIn", bec.UAL: "auditRecord", bec.DirectoryAudits: "directoryAudit",
		bec.Apps: "servicePrincipal", bec.Protocols: "casMailbox", bec.AuditConfig: "adminAuditLogConfig",
	} {
		if n := count(t, f, source); n[kinds] == 0 {
			t.Errorf("%s holds no %s but %v", source, kinds, n)
		}
	}
	if t.Failed() {
		for s, c := range coverageOf(f) {
			t.Logf("%s %s %v", s, c.Status, count(t, f, s))
		}
	}
}

func TestASecondReadingKeepsWhatTheFirstFound(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	c, f := w.read(t, "brightwell.example", "celia.hartmann@brightwell.example")
	before := count(t, f, bec.SignInsInteractive)["signIn"]
	u, err := w.client.User(context.Background(), c.TenantID, c.User.ID, "id", "userPrincipalName", "displayName", "mail", "proxyAddresses")
	if err != nil {
		t.Fatal(err)
	}
	w.cloud.Advance(time.Hour)
	if after := count(t, w.again(t, c, u), bec.SignInsInteractive)["signIn"]; after < before || before == 0 {
		t.Errorf("%d sign-ins after a second reading, %d before", after, before)
	}
	if r, err := c.Readings(); err != nil || len(r) != 2 {
		t.Errorf("%d readings, %v", len(r), err)
	}
}

func TestATenantWithoutPremiumSaysWhatItLacks(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	_, f := w.read(t, "pinecrest-bakery.example", "bilal.khan@pinecrest-bakery.example")
	c := coverageOf(f)
	for source, want := range map[string]bec.Reason{bec.SignInsInteractive: bec.NoLicence, bec.SignInsNonInteractive: bec.NoLicence, bec.Risk: bec.NoLicence} {
		if c[source].Reason != want || c[source].Status == bec.ReadWhole {
			t.Errorf("%s is %s for %s, not for %s", source, c[source].Status, c[source].Reason, want)
		}
	}
}

// Where Exchange refuses the search, Purview's own query tells the same.
func TestTheAuditLogIsReadByPurviewWhereTheSearchIsRefused(t *testing.T) {
	whole := newWorld(t, sandbox.Options{})
	_, f := whole.read(t, "brightwell.example", "celia.hartmann@brightwell.example")
	w := newWorld(t, sandbox.Options{Faults: []byte(`[{"match":{"cmdlet":"Search-UnifiedAuditLog"},"do":{"status":403,"code":"Forbidden","message":"The user is not in a role that may run this cmdlet."}}]`)})
	_, g := w.read(t, "brightwell.example", "celia.hartmann@brightwell.example")
	for _, source := range []string{bec.UAL, bec.MailItemsAccessed, bec.UALLogons} {
		if a, b := count(t, f, source)["auditRecord"], count(t, g, source)["auditRecord"]; a != b || a == 0 {
			t.Errorf("%s: %d records by the search, %d by the query", source, a, b)
		}
		if c := coverageOf(g)[source]; c.Status != bec.ReadWhole {
			t.Errorf("%s is %s: %s %s", source, c.Status, c.Reason, c.Detail)
		}
	}
	if w.cloud.FaultsHit() == 0 {
		t.Error("the search was not refused")
	}
}
