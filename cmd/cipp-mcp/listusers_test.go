package main

import (
	"slices"
	"strings"
	"testing"
)

// requests are those that one call makes, by path.
func (w *world) requests(tool string, args m) (a answer, paths map[string]int, total int) {
	w.t.Helper()
	count := func() map[string]int {
		out := map[string]int{}
		for _, r := range w.sandbox.Metrics().Requests {
			out[r.Path+r.Cmdlet] += r.Count
		}
		return out
	}
	before := count()
	a, paths = w.must(tool, args), map[string]int{}
	for path, n := range count() {
		if n -= before[path]; n > 0 {
			paths[path] = n
			total += n
		}
	}
	return a, paths, total
}

// A page of a list is one request of just that page, and one for the names of the licences beside it: 8 requests for these
// four pages. They were 14 while a page was read ahead to learn whether there is more, and a used-up one read again.
func TestAListOfUsersReadsNoMoreThanItShows(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.must("cipp_list_users", in(harbourline, "limit", 1)) // the sign-in and the tenants
	seen := map[any]bool{}
	args := in(harbourline, "limit", 8)
	for page := 1; ; page++ {
		a, paths, total := w.requests("cipp_list_users", args)
		if paths["/users"] != 1 || paths["/subscribedSkus"] != 1 || total != 2 {
			t.Errorf("page %d: %v", page, paths)
		}
		for _, u := range a.list("users") {
			if seen[u["id"]] {
				t.Errorf("%s twice", u["userPrincipalName"])
			}
			seen[u["id"]] = true
		}
		if a.v["hasMore"] != true {
			if page != 4 || len(seen) != 32 || a.v["cursor"] != nil {
				t.Errorf("%d users in %d pages", len(seen), page)
			}
			break
		}
		if len(a.list("users")) != 8 {
			t.Errorf("%d rows", len(a.list("users")))
		}
		args["cursor"] = a.v["cursor"]
	}
	// The next call may ask for more than the page holds, or for less.
	first := w.must("cipp_list_users", in(harbourline, "limit", 5))
	more := w.must("cipp_list_users", in(harbourline, "limit", 9, "cursor", first.v["cursor"])).list("users")
	less := w.must("cipp_list_users", in(harbourline, "limit", 3, "cursor", first.v["cursor"]))
	rest := w.must("cipp_list_users", in(harbourline, "limit", 6, "cursor", less.v["cursor"])).list("users")
	if got := append(less.list("users"), rest...); len(more) != 9 || len(got) != 9 || more[8]["id"] != got[8]["id"] || more[3]["id"] != got[3]["id"] {
		t.Errorf("%d, %d rows", len(more), len(got))
	}
	// What is sifted here comes in large pages; rows that are left over are said.
	blocked := w.must("cipp_list_users", in(harbourline, "report", "unlicensed", "limit", 1))
	if blocked.v["hasMore"] != true || blocked.v["cursor"] == nil {
		t.Errorf("%s", blocked.text)
	}
	if _, paths, _ := w.requests("cipp_list_users", in(harbourline, "kind", "deleted")); paths["/subscribedSkus"] != 0 {
		t.Errorf("%v", paths)
	}
	// Over all tenants a tenant is asked for no more rows than the page can need.
	w.must("cipp_list_users", in("allTenants", "limit", 2))
	if _, paths, _ := w.requests("cipp_list_users", in("allTenants", "limit", 2)); paths["/users"] > 7 {
		t.Errorf("%v", paths)
	}
}

const helpdeskAdministrator = "729827e3-9c14-49f7-bb1b-9608f156bbb8"

// roled gives harbourline a role by every way: dana's is to be activated, priya's comes through a group, gareth's through a
// group that may activate it, yuki's is for a part of the directory; mei is only in a role-assignable group that has no role.
func roled(t *testing.T) worldOptions {
	return story(t, func(g, _ m) {
		id := func(upn string) any { return userOf(t, g, upn)["id"] }
		group := func(gid string, members ...any) {
			g["groups"] = append(g["groups"].([]any), m{"id": gid, "displayName": "Roles " + gid[:4], "securityEnabled": true, "mailEnabled": false, "groupTypes": []any{}, "isAssignableToRole": true, "members": members, "owners": []any{}})
		}
		group("a1111111-1111-4111-8111-111111111111", id(priya))
		group("a2222222-2222-4222-8222-222222222222", id(gareth))
		group("a3333333-3333-4333-8333-333333333333", id("mei.chen@"+harbourline))
		g["roleAssignments"] = append(g["roleAssignments"].([]any),
			m{"id": "r1", "roleDefinitionId": helpdeskAdministrator, "principalId": "a1111111-1111-4111-8111-111111111111", "directoryScopeId": "/"},
			m{"id": "r2", "roleDefinitionId": helpdeskAdministrator, "principalId": id("yuki.tanaka@" + harbourline), "directoryScopeId": "/administrativeUnits/" + unit})
		g["roleEligibilitySchedules"] = []any{
			m{"id": "e1", "roleDefinitionId": helpdeskAdministrator, "principalId": id(dana), "directoryScopeId": "/", "memberType": "Direct", "status": "Provisioned"},
			m{"id": "e2", "roleDefinitionId": helpdeskAdministrator, "principalId": "a2222222-2222-4222-8222-222222222222", "directoryScopeId": "/", "memberType": "Direct", "status": "Provisioned"}}
		userOf(t, g, dana)["authentication"].(m)["methods"] = []any{}
		userOf(t, g, priya)["accountEnabled"] = false
	})
}

// Administrators are who the directory's own assignments say, whatever the registration report knows.
func TestAdministratorsAreReadFromTheRoles(t *testing.T) {
	w := newWorld(t, roled(t))
	w.must("cipp_list_users", in(harbourline, "limit", 1))
	a, paths, total := w.requests("cipp_list_users", in(harbourline, "kind", "admin", "limit", 100))
	how := map[string]any{}
	for _, u := range a.list("users") {
		how[u["userPrincipalName"].(string)] = u["more"].(m)["adminBy"]
	}
	for who, by := range map[string]string{dana: "role to be activated", priya: "active role through a group", gareth: "role to be activated, through a group", "yuki.tanaka@" + harbourline: "active role", admin: "active role"} {
		if how[who] != by {
			t.Errorf("%s: %v", who, how[who])
		}
	}
	if how["mei.chen@"+harbourline] != nil || a.v["notes"] != nil {
		t.Errorf("%s", a.text)
	}
	if paths["/reports/authenticationMethods/userRegistrationDetails"] != 0 || paths["/users"] != 1 || total > 12 {
		t.Errorf("%v", paths)
	}
	found := w.must("cipp_list_users", in(harbourline, "filter", "isAdmin eq true and kind ne 'guest'", "limit", 100)).list("users")
	if len(found) != len(a.list("users")) {
		t.Errorf("%d by the filter, %d by kind", len(found), len(a.list("users")))
	}
	if guests := w.must("cipp_list_users", in(harbourline, "filter", "kind in ('admin','guest')", "limit", 100)).list("users"); len(guests) <= len(found) {
		t.Errorf("%d administrators and guests", len(guests))
	}
}

// Of an administrator whose MFA nobody can tell the row says so; the others are those without.
func TestAdministratorsWithoutMFA(t *testing.T) {
	w := newWorld(t, roled(t))
	a := w.must("cipp_list_users", in(harbourline, "report", "adminsWithoutMfa", "limit", 100))
	if more := a.row(t, "users", "userPrincipalName", dana)["more"].(m); more["mfaRegistered"] != false || more["adminBy"] != "role to be activated" {
		t.Errorf("%v", more)
	}
	blocked := a.row(t, "users", "userPrincipalName", priya)["more"].(m)
	if v, there := blocked["mfaRegistered"]; !there || v != nil || !strings.Contains(blocked["mfaUnknownReason"].(string), "blocked accounts") {
		t.Errorf("%v", blocked)
	}
	if slices.ContainsFunc(a.list("users"), func(u m) bool {
		return u["more"].(m)["mfaRegistered"] == true || u["userPrincipalName"] == "mei.chen@"+harbourline
	}) {
		t.Errorf("%s", a.text)
	}
	rows := w.exported(w.must("cipp_list_users", in(harbourline, "report", "adminsWithoutMfa", "format", "csv")))
	if head := rows[0]; !slices.Equal(head[len(head)-3:], []string{"adminBy", "mfaRegistered", "mfaUnknownReason"}) || len(rows) != len(a.list("users"))+1 {
		t.Errorf("%v", rows)
	}
	mfa := w.must("cipp_list_mfa_users", in(harbourline, "report", "adminNoMfa", "limit", 100))
	mfa.row(t, "users", "userPrincipalName", dana) // of whom the registration report does not know that she is one
	// A tenant without P1 has administrators too: all of them unknown, with the reason, and only active roles.
	free := w.must("cipp_list_users", in(pinecrest, "report", "adminsWithoutMfa"))
	if l := free.list("users"); len(l) == 0 || l[0]["more"].(m)["mfaRegistered"] != nil || !strings.Contains(free.text, "no Entra ID P1") || !strings.Contains(free.text, "roles to be activated (PIM) are not seen") {
		t.Errorf("%s", free.text)
	}
	everywhere, paths, _ := w.requests("cipp_list_users", in("allTenants", "report", "adminsWithoutMfa", "limit", 100))
	if !strings.Contains(everywhere.text, pinecrest) || !strings.Contains(everywhere.text, dana) || !strings.Contains(everywhere.text, pinecrest+": roles to be activated") && !strings.Contains(everywhere.text, pinecrest+",") {
		t.Errorf("%s", everywhere.text)
	}
	for path, n := range paths {
		if n > 7*3 {
			t.Errorf("%s: %d requests over seven tenants", path, n)
		}
	}
}

// Roles that may not be read are a refusal and no empty list; where Microsoft does not list all at once they are read role
// by role.
func TestAdministratorsThatCannotBeRead(t *testing.T) {
	w := newWorld(t, roled(t))
	w.faults(fault(m{"service": "graph", "path": "/roleManagement/directory/roleAssignments"}, m{"status": 403, "code": "Authorization_RequestDenied"}, 0))
	w.refused("role_missing", "cipp_list_users", in(harbourline, "kind", "admin"))
	w.faults(fault(m{"service": "graph", "path": "/roleManagement/directory/roleAssignments"}, m{"status": 400, "code": "Request_BadRequest", "message": "A filter is required."}, 1))
	a := w.must("cipp_list_users", in(harbourline, "kind", "admin", "limit", 100))
	for _, who := range []string{dana, priya, gareth, admin} {
		a.row(t, "users", "userPrincipalName", who)
	}
}

// A mailbox that forwards to a guest forwards outside, each target is looked up once, and what the report cannot see is
// said once for all tenants.
func TestForwardingOutsideSaysWhatItDoesNotSee(t *testing.T) {
	w := newWorld(t, story(t, func(g, x m) {
		guest := userOf(t, g, anna)["mailNickname"]
		mailboxOf(t, x, priya)["ForwardingAddress"] = guest
		mailboxOf(t, x, gareth)["ForwardingAddress"] = guest
		mailboxOf(t, x, dana)["ForwardingAddress"] = marta
	}))
	a, paths, _ := w.requests("cipp_list_users", in(harbourline, "report", "forwardingOutside"))
	a.row(t, "users", "userPrincipalName", priya)
	a.row(t, "users", "userPrincipalName", gareth)
	if len(a.list("users")) != 2 || len(texts(a.v["notes"])) != 1 || !strings.Contains(a.text, `cipp_get_mailbox with sections=["rules"]`) {
		t.Errorf("%s", a.text)
	}
	for path, n := range paths {
		if strings.HasSuffix(path, "Get-MailContact") && n != 2 {
			t.Errorf("%d targets were looked up", n)
		}
	}
	if all := w.must("cipp_list_users", in("allTenants", "report", "forwardingOutside")); len(texts(all.v["notes"])) != 1 || !strings.Contains(all.text, "NOTE: ") {
		t.Errorf("%s", all.text)
	}
}
