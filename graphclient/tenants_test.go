package graphclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	fabrikam = "66666666-6666-4666-8666-666666666666"
	gone     = "77777777-7777-4777-8777-777777777777"
	twin1    = "88888888-8888-4888-8888-888888888881"
	twin2    = "88888888-8888-4888-8888-888888888882"
)

// partnerCloud answers for a partner with a healthy, an expiring, an inactive and a contract-only customer.
func partnerCloud(w http.ResponseWriter, r *http.Request) {
	const relation = `{"status":%q,"endDateTime":%q,"autoExtendDuration":%q,"customer":{"tenantId":%q,"displayName":%q},"accessDetails":{"unifiedRoles":[{"roleDefinitionId":%q}]}}`
	switch {
	case strings.HasSuffix(r.URL.Path, "/delegatedAdminRelationships"):
		rows := []string{
			fmt.Sprintf(relation, "active", "2027-01-01T00:00:00Z", "PT0S", customer, "Contoso", "r1"),
			fmt.Sprintf(relation, "active", "2028-01-01T00:00:00Z", "PT0S", customer, "Contoso", "r2"),
			fmt.Sprintf(relation, "active", "2026-03-20T00:00:00Z", "PT0S", fabrikam, "Fabrikam", "r1"),
			fmt.Sprintf(relation, "terminated", "2025-01-01T00:00:00Z", "PT0S", gone, "Gone Ltd", "r1"),
			fmt.Sprintf(relation, "active", "2026-03-13T00:00:00Z", "P180D", twin1, "Twin", "r1"),
			`{"status":"approvalPending","customer":null}`,
		}
		answer(w, 200, `{"value":[`+strings.Join(rows, ",")+`]}`)
	case strings.HasSuffix(r.URL.Path, "/contracts"):
		answer(w, 200, fmt.Sprintf(`{"value":[{"customerId":%q,"displayName":"Contoso","defaultDomainName":"contoso.com"},{"customerId":%q,"displayName":"Twin","defaultDomainName":"twin.example"}]}`, customer, twin2))
	default:
		answer(w, 404, graphError("Request_ResourceNotFound", "no"))
	}
}

func TestTenants(t *testing.T) {
	f := newFake(t, partnerCloud)
	tenants, err := f.client().Tenants(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range tenants {
		got = append(got, fmt.Sprintf("%s %s %s %s %v", x.DisplayName, x.DefaultDomain, x.Health, x.RelationshipEnd.Format(time.DateOnly), x.Roles))
		if (x.Health == HealthOK) != (x.Reason == "") {
			t.Errorf("%s: %q", x.DisplayName, x.Reason)
		}
	}
	want := []string{"Contoso contoso.com ok 2028-01-01 [r1 r2]", "Fabrikam  expiring 2026-03-20 [r1]", "Gone Ltd  gdapInactive 0001-01-01 []",
		"Twin  ok 2026-03-13 [r1]", "Twin twin.example unknown 0001-01-01 []"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for _, r := range f.requests() {
		if strings.Contains(r.Path, customer) {
			t.Errorf("a customer was called: %s", r.Path)
		}
	}
	for _, s := range f.signinRequests() {
		if !strings.HasPrefix(s.Path, "/"+home+"/") {
			t.Errorf("signed in at %s", s.Path)
		}
	}
}

func TestTenantsFromOneSourceAlone(t *testing.T) {
	for refused, want := range map[string]int{"/contracts": 4, "/delegatedAdminRelationships": 2} {
		f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, refused) {
				answer(w, 403, graphError("Authorization_RequestDenied", "no"))
				return
			}
			partnerCloud(w, r)
		})
		tenants, err := f.client().Tenants(context.Background())
		if err != nil || len(tenants) != want {
			t.Errorf("%s refused: %d tenants, %v", refused, len(tenants), err)
		}
	}
}

func TestTenantsOfNoPartner(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/organization"):
			answer(w, 200, `{"value":[{"id":"`+home+`","displayName":"Alone","verifiedDomains":[{"name":"alone.example","isDefault":true},{"name":"alone.onmicrosoft.com","isInitial":true}]}]}`)
		default:
			answer(w, 403, graphError("Authorization_RequestDenied", "no"))
		}
	})
	c := f.client()
	tenants, err := c.Tenants(context.Background())
	if err != nil || len(tenants) != 1 || tenants[0].DefaultDomain != "alone.example" || tenants[0].InitialDomain != "alone.onmicrosoft.com" {
		t.Fatalf("%+v %v", tenants, err)
	}
	if x, err := c.ResolveTenant(context.Background(), "Alone.OnMicrosoft.com"); err != nil || x.ID != home {
		t.Errorf("%+v %v", x, err)
	}
}

func TestResolveTenant(t *testing.T) {
	for _, tc := range []struct {
		filter, id string
		kind       Kind
		candidates int
	}{
		{customer, customer, "", 0},
		{strings.ToUpper(customer), customer, "", 0},
		{" Contoso.COM ", customer, "", 0},
		{"other.example", customer, "", 0}, // a verified domain only OpenID discovery knows
		{"contoso", customer, "", 0},       // display name, exact but for case
		{"fabrikam", fabrikam, "", 0},
		{"Twin", "", TenantAmbiguous, 2},
		{"Conto", "", TenantUnknown, 1},
		{"contoso.net", "", TenantUnknown, 1},
		{"nowhere.example", "", TenantUnknown, 0},
		{"99999999-9999-4999-8999-999999999999", "", TenantUnknown, 0},
		{"", "", TenantUnknown, 0},
		{"../x.example", "", TenantUnknown, 0},
	} {
		t.Run(tc.filter, func(t *testing.T) {
			c := newFake(t, partnerCloud).client()
			got, err := c.ResolveTenant(context.Background(), tc.filter)
			if KindOf(err) != tc.kind || got.ID != tc.id {
				t.Fatalf("%+v, %v", got, err)
			}
			if err != nil && len(errorOf(t, err).Candidates) != tc.candidates {
				t.Errorf("candidates %v", errorOf(t, err).Candidates)
			}
		})
	}
}

func TestTenantListIsReadOnceInAWhile(t *testing.T) {
	f := newFake(t, partnerCloud)
	c := f.client()
	for range 3 {
		_, _ = c.ResolveTenant(context.Background(), "contoso.com")
	}
	if n := len(f.requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
	_ = f.clock.Sleep(context.Background(), listGoodFor)
	_, _ = c.ResolveTenant(context.Background(), "contoso.com")
	if n := len(f.requests()); n != 4 {
		t.Errorf("%d requests", n)
	}
}

func TestOperatorsLists(t *testing.T) {
	ctx := context.Background()
	t.Run("deny", func(t *testing.T) {
		f := newFake(t, partnerCloud)
		c := f.client(func(cfg *Config) { cfg.Deny = []string{"contoso.com"} })
		if _, err := c.ResolveTenant(ctx, "contoso.com"); KindOf(err) != TenantDenied {
			t.Error(err)
		}
		before := len(f.requests()) + len(f.signinRequests())
		for name, err := range map[string]error{
			"graph":    c.RevokeSessions(ctx, customer, person),
			"exchange": c.SetMailbox(ctx, customer, MailboxRef{ID: person}, map[string]any{"Type": "Shared"}),
			"batch":    func() error { _, err := c.AuthMethodsOf(ctx, customer, []string{person}); return err }(),
		} {
			if KindOf(err) != TenantDenied {
				t.Errorf("%s: %v", name, err)
			}
		}
		if after := len(f.requests()) + len(f.signinRequests()); after != before {
			t.Error("a denied tenant was asked")
		}
		tenants, _ := c.Tenants(ctx)
		if len(tenants) != 4 {
			t.Errorf("%d tenants", len(tenants))
		}
	})
	t.Run("allow", func(t *testing.T) {
		f := newFake(t, partnerCloud)
		c := f.client(func(cfg *Config) { cfg.Allow = []string{"other.example", "no.such"} }) // a further domain of Contoso
		tenants, err := c.Tenants(ctx)
		if err != nil || len(tenants) != 1 || tenants[0].ID != customer {
			t.Errorf("%+v %v", tenants, err)
		}
		if _, err := c.ResolveTenant(ctx, fabrikam); KindOf(err) != TenantDenied {
			t.Error(err)
		}
	})
	t.Run("a stranger's tenant only by configuration", func(t *testing.T) {
		stranger := "99999999-9999-4999-8999-999999999999"
		c := newFake(t, partnerCloud).client(func(cfg *Config) { cfg.Allow = []string{stranger} })
		if x, err := c.ResolveTenant(ctx, stranger); err != nil || x.Health != HealthUnknown {
			t.Errorf("%+v %v", x, err)
		}
	})
}

func TestForEachTenantKeepsOrderAndBounds(t *testing.T) {
	c := newFake(t, ada).client(func(cfg *Config) { cfg.FanOut = 3 })
	tenants := make([]Tenant, 20)
	for i := range tenants {
		tenants[i].ID = fmt.Sprint(i)
	}
	running := make(chan struct{}, 3)
	ctx, cancel := context.WithCancel(context.Background())
	results := ForEachTenant(ctx, c, tenants, func(ctx context.Context, x Tenant) (string, error) {
		select {
		case running <- struct{}{}:
			defer func() { <-running }()
		default:
			return "", fmt.Errorf("more than three at once")
		}
		if x.ID == "10" {
			cancel()
		}
		if x.ID == "19" { // it may have begun before the tenth was through
			<-ctx.Done()
			return "", ctx.Err()
		}
		return x.ID, nil
	})
	for i, r := range results {
		if r.Tenant.ID != tenants[i].ID || r.Err == nil && r.Value != tenants[i].ID {
			t.Errorf("%d: %+v", i, r)
		}
		if r.Err != nil && !errors.Is(r.Err, context.Canceled) {
			t.Error(r.Err)
		}
	}
	if results[19].Err == nil || results[10].Err != nil {
		t.Errorf("last %v, tenth %v", results[19].Err, results[10].Err)
	}
}
