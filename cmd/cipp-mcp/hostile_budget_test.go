package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// mostBytes is what one answer may have, as text and as value.
const mostBytes = 40_000

// within fails when an answer is longer than it may be.
func within(t *testing.T, what string, a answer) {
	t.Helper()
	b, err := json.Marshal(a.v)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > mostBytes || len(a.text) > mostBytes+100 {
		t.Errorf("%s: %d bytes of value, %d of text", what, len(b), len(a.text))
	}
}

// crowd is harbourline with 500 more users, whose properties are long.
func crowd(t *testing.T) worldOptions {
	return story(t, func(g, _ m) {
		long := strings.Repeat("Überlänge «» \\\" ", 8)[:100]
		for i := range 500 {
			upn := fmt.Sprintf("user%03d@%s", i, harbourline)
			g["users"] = append(g["users"].([]any), m{
				"id": fmt.Sprintf("00000000-0000-4000-8000-%012d", i), "displayName": fmt.Sprintf("User %03d %s", i, long), "userPrincipalName": upn, "mailNickname": fmt.Sprintf("user%03d", i),
				"accountEnabled": i%3 > 0, "userType": "Member", "createdDateTime": "2025-01-01T00:00:00Z", "jobTitle": long, "department": long[:60], "companyName": long[:60], "officeLocation": long, "streetAddress": long, "city": long, "state": long, "country": long,
			})
		}
	})
}

var wide = []any{"jobTitle", "department", "companyName", "officeLocation", "streetAddress", "city", "state", "country", "createdDateTime", "usageLocation", "mailNickname", "givenName"}

// Through a large tenant, with every width of list and with the limit changing under way, no row is lost or
// repeated and no answer is too long.
func TestALargeListLosesNothing(t *testing.T) {
	w := newWorld(t, crowd(t))
	for _, c := range []struct {
		args   m
		limits []int
		want   int
	}{
		{m{"select": wide}, []int{100}, 532},
		{m{"select": wide}, []int{100, 7, 33, 1, 90}, 532},
		{m{}, []int{10, 100, 3}, 532},
		{m{"kind": "blocked", "select": wide}, []int{50, 100, 9}, -1},
		{m{"report": "unlicensed", "select": wide}, []int{100, 20}, -1},
		{m{"search": "user", "select": wide}, []int{100, 11}, 500},
	} {
		seen := map[string]bool{}
		args := and(in(harbourline), pairs(c.args)...)
		for n := 0; ; n++ {
			a := w.must("cipp_list_users", and(args, "limit", c.limits[n%len(c.limits)]))
			within(t, fmt.Sprint(c.args), a)
			rows := a.list("users")
			for _, u := range rows {
				id, _ := u["id"].(string)
				if seen[id] {
					t.Fatalf("%v: %s twice", c.args, u["userPrincipalName"])
				}
				seen[id] = true
			}
			if a.v["hasMore"] != true {
				break
			}
			if len(rows) == 0 || n > 600 {
				t.Fatalf("%v: it does not get on", c.args)
			}
			args = and(args, "cursor", a.v["cursor"])
		}
		if c.want > 0 && len(seen) != c.want || len(seen) < 100 {
			t.Errorf("%v: %d users", c.args, len(seen))
		}
	}
}

// A cursor goes on with the list it came from and with no other.
func TestACursorBelongsToItsList(t *testing.T) {
	w := newWorld(t, worldOptions{})
	next := w.must("cipp_list_users", in(harbourline, "limit", 2, "kind", "enabled")).v["cursor"]
	w.refused("token_refused", "cipp_list_users", in(harbourline, "cursor", next))
	w.refused("token_refused", "cipp_list_users", in(harbourline, "cursor", next, "kind", "blocked"))
	w.must("cipp_list_users", in("harbourlinefreight.onmicrosoft.com", "cursor", next, "kind", "Enabled", "limit", 5))
	groups := w.must("cipp_list_user_groups", in(harbourline, "userId", dana, "limit", 1)).v["cursor"]
	w.refused("token_refused", "cipp_list_user_groups", in(harbourline, "userId", gareth, "cursor", groups))
	w.must("cipp_list_user_groups", in(harbourline, "userId", strings.ToUpper(dana), "cursor", groups))
}

// Plans, results and details of somebody in hundreds of groups stay within what a model can read, and say
// what they leave out.
func TestSomebodyInHundredsOfGroups(t *testing.T) {
	w := newWorld(t, story(t, func(g, _ m) {
		id := userOf(t, g, dana)["id"]
		for i := range 400 {
			g["groups"] = append(g["groups"].([]any), m{
				"id": fmt.Sprintf("00000000-0000-4000-9000-%012d", i), "displayName": fmt.Sprintf("Group %03d %s", i, strings.Repeat("x", 60)), "mailNickname": fmt.Sprintf("g%03d", i),
				"createdDateTime": "2025-01-01T00:00:00Z", "groupTypes": []any{}, "mailEnabled": false, "securityEnabled": true, "members": []any{id}, "owners": []any{},
			})
		}
	}))
	user := w.must("cipp_get_user", in(harbourline, "userId", dana, "sections", "all"))
	within(t, "cipp_get_user", user)
	if !strings.Contains(user.text, "not read: groups: only the first") {
		t.Errorf("nothing says that groups are missing")
	}
	args := in(harbourline, "userId", dana, "removeFromGroups", true)
	plan := w.must("cipp_offboard_user", and(args, "dryRun", true))
	within(t, "the plan", plan)
	shown := len(plan.v["plan"].(map[string]any)["changes"].([]any))
	if missing, _ := plan.v["stepsNotShown"].(float64); int(missing)+shown < 400 || !strings.Contains(plan.text, "NOT SHOWN") {
		t.Errorf("%d shown, %v not", shown, plan.v["stepsNotShown"])
	}
	w.faults(fault(m{"method": "DELETE", "path": "/groups/00000000-0000-4000-9000-000000000399/members/*/$ref"}, m{"status": 403, "code": "Authorization_RequestDenied", "message": "no"}, 1000))
	res := w.must("cipp_offboard_user", args)
	within(t, "the result", res)
	failed := slices.ContainsFunc(res.list("steps"), func(s map[string]any) bool { return s["state"] == "failed" })
	if res.v["status"] != "attention" || !failed {
		t.Errorf("the one that failed is not shown: %v", res.v["status"])
	}
}

// A large list as CSV is whole, and costs an answer no more than a small one.
func TestALargeListIsExportedWhole(t *testing.T) {
	w := newWorld(t, crowd(t))
	a := w.must("cipp_list_users", in(harbourline, "format", "csv", "select", wide))
	if rows := w.exported(a); len(rows) != 533 || len(a.text) > 1000 {
		t.Errorf("%d rows, %d bytes", len(rows), len(a.text))
	}
}
