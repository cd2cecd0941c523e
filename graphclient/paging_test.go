package graphclient

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestUsersFollowNextLinksAsTheyAre(t *testing.T) {
	f := newFake(t, nil)
	f.serve = func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("$skiptoken") {
		case "":
			answer(w, 200, fmt.Sprintf(`{"@odata.count":3,"@odata.nextLink":"%s/v1.0/users?%%24select=id&%%24skiptoken=RFNwd%%2Bx%%2F%%2D","value":[{"id":"1"}]}`, f.URL))
		case "RFNwd+x/-":
			answer(w, 200, fmt.Sprintf(`{"@odata.nextLink":"%s/v1.0/users?$skiptoken=last","value":[]}`, f.URL)) // empty, and yet not the end
		default:
			answer(w, 200, `{"value":[{"id":"2"},{"id":"3"}]}`)
		}
	}
	var ids []string
	var counts []int64
	for p, err := range f.client().Users(context.Background(), customer, UserQuery{Advanced: true}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range p.Users {
			ids = append(ids, u.ID)
		}
		if p.Count != nil {
			counts = append(counts, *p.Count)
		}
	}
	if strings.Join(ids, "") != "123" || len(counts) != 1 || counts[0] != 3 {
		t.Errorf("%v %v", ids, counts)
	}
	got := f.requests()
	if got[1].Query != "%24select=id&%24skiptoken=RFNwd%2Bx%2F%2D" {
		t.Errorf("the link was rewritten: %s", got[1].Query)
	}
	for _, r := range got {
		if r.Header.Get("ConsistencyLevel") != "eventual" {
			t.Error("a page was asked without its header")
		}
	}
}

func TestStoppingEarlyAsksNoMore(t *testing.T) {
	f := newFake(t, nil)
	f.serve = func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"@odata.nextLink":"`+f.URL+`/v1.0/users?$skiptoken=x","value":[{"id":"1"}]}`)
	}
	for range f.client().Users(context.Background(), customer, UserQuery{}) {
		break
	}
	if n := len(f.requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// A link decides where the tenant's token goes, so nothing but the configured host and list may be named.
func TestLinksElsewhereAreRefused(t *testing.T) {
	f := newFake(t, body(`{"value":[]}`))
	c := f.client()
	ctx := context.Background()
	host := strings.TrimPrefix(f.URL, "https://")
	for _, link := range []string{
		"", "https://evil.example/v1.0/users", "http://" + host + "/v1.0/users", "https://" + host + "@evil.example/v1.0/users",
		"https://user:pw@" + host + "/v1.0/users", "https://" + host + ".evil.example/v1.0/users", "//evil.example/v1.0/users", "/v1.0/users",
		f.URL + "/v1.0/groups", f.URL + "/beta/users", f.URL + "/v1.0/users/../groups", f.URL + "/v1.0/users/" + person, f.URL + "/adminapi/beta/x", "::", f.URL + "/v1.0/users#x",
		"https://" + host + "\\@evil.example/v1.0/users", f.URL + "/v1.0/usersx", f.URL + "/v1.0/directory/deletedItems/../../users",
	} {
		if _, err := c.UsersPage(ctx, customer, link); KindOf(err) != Invalid {
			t.Errorf("%q: %v", link, err)
		}
	}
	if n := len(f.requests()) + len(f.signinRequests()); n != 0 {
		t.Fatalf("%d requests were sent", n)
	}
	for _, link := range []string{f.URL + "/v1.0/users?$skiptoken=x", f.URL + "/v1.0/directory/deletedItems/microsoft.graph.user?$skiptoken=x"} {
		if _, err := c.UsersPage(ctx, customer, link); err != nil {
			t.Errorf("%q: %v", link, err)
		}
	}
	t.Run("from the service too", func(t *testing.T) {
		f := newFake(t, body(`{"@odata.nextLink":"https://evil.example/v1.0/users","value":[]}`))
		var last error
		for _, last = range f.client().Users(ctx, customer, UserQuery{}) {
		}
		if KindOf(last) != Invalid || len(f.requests()) != 1 {
			t.Error(last)
		}
	})
}

func FuzzUsersPageLink(f *testing.F) {
	cfg := (&fake{}).configFor("https://graph.example")
	c, err := New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("https://graph.example/v1.0/users?$skiptoken=x")
	f.Add("https://graph.example@evil/v1.0/users")
	f.Fuzz(func(t *testing.T, link string) {
		u, err := c.checkLink(read(customer), c.v1, link)
		if err == nil && (u.Host != "graph.example" || u.Scheme != "https" || u.User != nil || !strings.HasPrefix(u.Path, "/v1.0/")) {
			t.Fatalf("%q leads to %v", link, u)
		}
	})
}

// No window of time ever holds more requests than a budget, however the calls come, and none waits without need.
func TestBudgets(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBudgets(&frozen{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
		ck := b.clock.(*frozen)
		starts := map[string][]time.Time{}
		tenants := rapid.IntRange(1, 60).Draw(rt, "tenants")
		for range rapid.IntRange(1, 400).Draw(rt, "calls") {
			ck.now = ck.now.Add(time.Duration(rapid.IntRange(0, 300).Draw(rt, "gap")) * time.Millisecond)
			tenant := strconv.Itoa(rapid.IntRange(1, tenants).Draw(rt, "tenant"))
			start := ck.now.Add(b.reserve(map[string]budget{tenant: reportBudget, "all": allReportsBudget}))
			starts[tenant], starts["all"] = append(starts[tenant], start), append(starts["all"], start)
			if len(starts[tenant]) <= rates[reportBudget].n && len(starts["all"]) <= rates[allReportsBudget].n && start != ck.now {
				rt.Fatal("waited without need")
			}
		}
		for who, list := range starts {
			rate := rates[reportBudget]
			if who == "all" {
				rate = rates[allReportsBudget]
			}
			slices.SortFunc(list, time.Time.Compare)
			for i := rate.n; i < len(list); i++ {
				if list[i].Sub(list[i-rate.n]) < rate.window {
					rt.Fatalf("%s: %d requests within %v", who, rate.n+1, list[i].Sub(list[i-rate.n]))
				}
			}
		}
	})
}

// The reports have a limit over all tenants too, which is met long before any tenant's own.
func TestReportsKeepTheirBudgetOverAllTenants(t *testing.T) {
	f := newFake(t, body(`{"value":[]}`))
	c := f.client()
	for i := range 123 {
		_, _ = c.SignIns(context.Background(), fmt.Sprintf("%08d-0000-4000-8000-000000000000", i), SignInQuery{})
		if s := f.clock.sleeps(); (len(s) > 0) != (i == 122) {
			t.Fatalf("request %d: waited %v", i+1, s)
		}
	}
}

func TestReportsKeepTheirBudgetPerTenant(t *testing.T) {
	f := newFake(t, body(`{"value":[]}`))
	c := f.client()
	for range 5 {
		_, _ = c.SignIns(context.Background(), customer, SignInQuery{})
		_, _ = c.SignIns(context.Background(), home, SignInQuery{})
	}
	if s := f.clock.sleeps(); len(s) != 0 {
		t.Fatalf("waited %v", s)
	}
	_, _ = c.DirectoryAudits(context.Background(), customer, AuditQuery{})
	if s := f.clock.sleeps(); len(s) != 1 || s[0] != 10*time.Second+slack {
		t.Errorf("waited %v", s)
	}
}

func TestTruncatedPageIsAskedAgain(t *testing.T) {
	f := newFake(t, inTurn(body(`{"value":[{"id":"1"},{"id":"2"`), body(`{"value":[{"id":"1"},{"id":"2"}]}`)))
	n := 0
	for p, err := range f.client().Users(context.Background(), customer, UserQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		n += len(p.Users)
	}
	if n != 2 {
		t.Errorf("%d users", n)
	}
}
