package sandbox

import (
	"strconv"
	"testing"
	"time"
)

func TestIdentityCosts(t *testing.T) {
	for _, c := range []struct {
		method, path, query string
		units, writes       int
	}{
		{"GET", "/users", "", 2, 0},
		{"GET", "/users", "$select=id&$top=999", 1, 0},
		{"GET", "/users", "$expand=manager", 3, 0},
		{"GET", "/users", "$select=id&$top=5", 1, 0},
		{"GET", "/users/ann@contoso.example", "", 1, 0},
		{"GET", "/users/ann@contoso.example/memberOf/microsoft.graph.group", "", 1, 0},
		{"GET", "/users/ann@contoso.example/transitiveMemberOf", "", 2, 0},
		{"GET", "/groups/g/members", "", 3, 0},
		{"GET", "/groups/g/transitiveMembers", "$select=id", 4, 0},
		{"GET", "/subscribedSkus", "", 3, 0},
		{"GET", "/domains/contoso.example/domainNameReferences", "", 4, 0},
		{"GET", "/directory/deletedItems/microsoft.graph.user", "", 1, 0},
		{"POST", "/directoryObjects/getByIds", "", 5, 0},
		{"POST", "/directoryObjects/getByIds", "$select=id", 2, 0},
		{"POST", "/users/ann/checkMemberGroups", "", 4, 0},
		{"PATCH", "/users/ann", "", 1, 1},
		{"POST", "/groups/g/members/$ref", "", 1, 1},
		{"DELETE", "/users/ann", "", 1, 1},
	} {
		got, ok := identityCost(&wireCall{service: serviceGraph, method: c.method, path: c.path, query: c.query})
		if !ok || got != (Cost{c.units, c.writes}) {
			t.Errorf("%s %s?%s: %+v, %v", c.method, c.path, c.query, got, ok)
		}
	}
	for _, path := range []string{"/users/ann/mailFolders/inbox/messageRules", "/users/ann/drive/root", "/users/ann/authentication/methods", "/groups/g/drive", "/auditLogs/signIns", "/deviceManagement/managedDevices", "/$batch"} {
		if _, ok := identityCost(&wireCall{service: serviceGraph, method: "GET", path: path}); ok {
			t.Error(path, "is another service's")
		}
	}
	if _, ok := identityCost(&wireCall{service: serviceExchange, method: "POST", path: "/users"}); ok {
		t.Error("Exchange counts otherwise")
	}
}

// One application may ask a small tenant for 3,500 units at once, and then for as many as the bucket is filled with.
func TestIdentityLimits(t *testing.T) {
	x := start(t, Options{State: testState(t), Limits: true, Clock: "2026-03-12T15:00:00Z", InsecureHTTP: true})
	x.s.cloud.Clock.Set(x.s.Now(), true) // the bucket is not filled meanwhile
	x.s.wire.identity.buckets = map[string]*bucket{}
	near := 0
	for i := range 3_500 / 2 {
		a := x.as(contoso, "GET", "/users", nil)
		if a.status != 200 || a.header.Get("x-ms-resource-unit") != "2" {
			t.Fatal(i, a.status, a.header)
		}
		if a.header.Get("x-ms-throttle-limit-percentage") != "" {
			near++
		}
	}
	if near < 300 || near > 360 { // from 80 % on
		t.Error(near, "answers warned")
	}
	if a := x.as(partnerID, "GET", "/users", nil); a.status == 429 { // another tenant has its own
		t.Error(a.raw)
	}
	x.s.cloud.Clock.Set(x.s.Now(), false)
	a := x.as(contoso, "GET", "/users", nil)
	wait, err := strconv.Atoi(a.header.Get("Retry-After"))
	if a.status != 429 || err != nil || wait != 1 || a.header.Get("x-ms-throttle-information") != "ResourceUnitLimitExceeded" || a.header.Get("x-ms-throttle-scope") == "" {
		t.Fatal(a.status, a.header)
	}
	// In a batch the item is turned away, not the batch.
	b := x.as(contoso, "POST", "/$batch", obj{"requests": []any{obj{"id": "1", "method": "GET", "url": "/users"}}})
	if item, _ := b.body["responses"].([]any)[0].(obj); b.status != 200 || item["status"] != float64(429) || item["headers"].(obj)["Retry-After"] != "1" {
		t.Error(b.raw)
	}
	x.s.Advance(time.Duration(wait) * time.Second)
	x.want(x.as(contoso, "GET", "/users", nil), 200, "")
}

// What counts over all tenants turns away whom no limit of its own tenant would.
func TestLimitOverAllTenants(t *testing.T) {
	l := &rateLimit{Requests: 2, Per: duration(10 * time.Second), AllTenants: true}
	now := time.Date(2026, 3, 12, 15, 0, 0, 0, time.UTC)
	for i, tenant := range []string{"a", "b", "c"} {
		if over := l.over(&wireCall{tenant: tenant}, now, false); (over != nil) != (i == 2) {
			t.Error(i, over)
		}
	}
	each := &rateLimit{Requests: 1, Per: duration(10 * time.Second), PerPath: true}
	for _, path := range []string{"/reports/getMailboxUsageDetail", "/reports/getOneDriveUsageAccountDetail"} {
		if over := each.over(&wireCall{tenant: "a", path: path}, now, false); over != nil {
			t.Error(path, over)
		}
	}
}
