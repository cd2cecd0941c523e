package tools

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cipp-mcp/graphclient"
)

func noTenant(t *testing.T) *graphclient.Client {
	c, err := graphclient.New(graphclient.Config{Cloud: graphclient.Public, Auth: graphclient.Auth{Mode: graphclient.App,
		TenantID: "11111111-1111-4111-8111-111111111111", ClientID: "22222222-2222-4222-8222-222222222222", ClientSecret: "x"}, FanOut: 4})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A reading of all tenants ends before a client gives up waiting: who was read is kept, and who was not is told apart
// from who failed.
func TestTenantsThatAreNotReachedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tenants []graphclient.Tenant
		for i := range 20 {
			tenants = append(tenants, graphclient.Tenant{ID: fmt.Sprint(i), DefaultDomain: fmt.Sprintf("c%d.example", i)})
		}
		var mu sync.Mutex
		most := 0
		c := &Call{Env: &Env{Graph: noTenant(t)}, Progress: func(done, total int, _ string) {
			mu.Lock()
			defer mu.Unlock()
			most = max(most, done)
			if total != len(tenants) {
				t.Error(total)
			}
		}}
		began := time.Now()
		out := readEach(t.Context(), c, tenants, func(ctx context.Context, x graphclient.Tenant) (string, error) {
			if x.ID == "0" {
				return "", errors.New("of its own")
			}
			select {
			case <-time.After(20 * time.Second):
				return x.ID, nil
			case <-ctx.Done():
				return "", fmt.Errorf("asking: %w", ctx.Err())
			}
		})
		if took := time.Since(began); took != everyTenantFor {
			t.Error(took)
		}
		read, late := 0, 0
		for _, r := range out[1:] {
			switch {
			case r.Err == nil && r.Value == r.Tenant.ID:
				read++
			case strings.Contains(r.Err.Error(), "not reached"):
				late++
			default:
				t.Error(r)
			}
		}
		if out[0].Err == nil || out[0].Err.Error() != "of its own" || read != 8 || late != 11 || most != 9 {
			t.Errorf("%v; %d read, %d late, %d told", out[0].Err, read, late, most)
		}
	})
}

// Who gave up waiting hears that, not that tenants were late.
func TestCancelledReadingOfAllTenants(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := &Call{Env: &Env{Graph: noTenant(t)}, Progress: func(int, int, string) {}}
	for _, r := range readEach(ctx, c, []graphclient.Tenant{{ID: "a"}}, func(ctx context.Context, _ graphclient.Tenant) (string, error) { return "", ctx.Err() }) {
		if !errors.Is(r.Err, context.Canceled) {
			t.Error(r.Err)
		}
	}
}

func TestManyFailedTenantsAreCounted(t *testing.T) {
	var all []FailedTenant
	for i := range 400 {
		all = append(all, FailedTenant{fmt.Sprintf("c%d.example", i), "The application has no consent.", "Grant consent."})
	}
	all[399].Next = "Renew the relationship."
	f := failures(all)
	if len(f.FailedTenants) != failedAtMost || f.MoreFailedTenants != 375 || f.FailedTenants[1].Tenant != "c399.example" {
		t.Errorf("%d and %d: %v", len(f.FailedTenants), f.MoreFailedTenants, f.FailedTenants[1])
	}
	var l lines
	f.failed(&l)
	if text := l.String(); !strings.Contains(text, "375 more tenants") || len(text) > 4000 {
		t.Error(text)
	}
	if few := failures(all[:25]); len(few.FailedTenants) != 25 || few.MoreFailedTenants != 0 {
		t.Errorf("%+v", few)
	}
}
