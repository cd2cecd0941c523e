package main

import (
	"strings"
	"testing"

	"cipp-mcp/graphclient"
)

// story is the built-in state of harbourline.example after f changed it.
func story(t *testing.T, f func(graph, exchange m)) worldOptions {
	return worldOptions{flags: cloudFlags{sandbox: edited(t, func(tenant m) {
		if tenant["defaultDomain"] == harbourline {
			f(tenant["graph"].(m), tenant["exchange"].(m))
		}
	})}}
}

// find is the row of a list whose key holds value.
func find(t *testing.T, list any, key, value string) m {
	t.Helper()
	rows, _ := list.([]any)
	for _, r := range rows {
		if r := r.(m); r[key] == value {
			return r
		}
	}
	t.Fatalf("no %s %s", key, value)
	return nil
}

func userOf(t *testing.T, graph m, upn string) m {
	return find(t, graph["users"], "userPrincipalName", upn)
}

func groupOf(t *testing.T, graph m, name string) m {
	return find(t, graph["groups"], "displayName", name)
}

func mailboxOf(t *testing.T, exchange m, upn string) m {
	return find(t, exchange["mailboxes"], "UserPrincipalName", upn)
}

const (
	userAdministrator = "fe930be7-5e62-47db-91af-98c3a49a38b1"
	unit              = "3f1a5b1e-4f0a-4c39-9d5e-2d5b1f1d7c11"
)

// Whoever can become an administrator is one for the guard, by whatever way.
func TestEveryWayToBeAnAdministratorIsGuarded(t *testing.T) {
	for name, c := range map[string]struct {
		change func(graph m)
		say    string
	}{
		"owner of a role-assignable group": {func(g m) {
			group := groupOf(t, g, "Tier 1 Helpdesk")
			group["owners"] = append(group["owners"].([]any), userOf(t, g, priya)["id"])
		}, "owner of the role-assignable group «Tier 1 Helpdesk»"},
		"member of a role-assignable group": {func(g m) {
			group := groupOf(t, g, "Tier 1 Helpdesk")
			group["members"] = append(group["members"].([]any), userOf(t, g, priya)["id"])
		}, "the role-assignable group «Tier 1 Helpdesk»"},
		"role for an administrative unit": {func(g m) {
			g["roleAssignments"] = append(g["roleAssignments"].([]any), m{"id": "au-role", "roleDefinitionId": userAdministrator, "principalId": userOf(t, g, priya)["id"], "directoryScopeId": "/administrativeUnits/" + unit})
		}, "«User Administrator»"},
		"eligible role": {func(g m) {
			g["roleEligibilitySchedules"] = []any{m{"id": "pim-role", "roleDefinitionId": userAdministrator, "principalId": userOf(t, g, priya)["id"], "directoryScopeId": "/", "memberType": "Direct", "status": "Provisioned"}}
		}, userAdministrator + "», to be activated"},
	} {
		t.Run(name, func(t *testing.T) {
			o := story(t, func(g, _ m) { c.change(g) })
			w := newWorld(t, o)
			before := w.state()
			for _, tool := range []string{"cipp_disable_user", "cipp_reset_password", "cipp_reset_mfa", "cipp_revoke_sessions", "cipp_offboard_user"} {
				if a := w.must(tool, in(harbourline, "userId", priya)); a.v["status"] != "needs_approval" || a.v["planToken"] != nil || !strings.Contains(a.text, "needs the operator's approval") || !strings.Contains(a.text, c.say) {
					t.Errorf("%s: %s", tool, a.text)
				}
			}
			w.unharmed(before)
			if len(w.asked) > 0 {
				t.Errorf("a person was asked to approve it: %v", w.asked)
			}
		})
	}
}

func TestBreakGlassIsKnownByEveryName(t *testing.T) {
	const old = "emergency@harbourlinefreight.onmicrosoft.com"
	for name, c := range map[string]struct {
		guard  string
		rename bool
		status string
	}{
		"by object id, renamed":      {"id", true, "blocked"},
		"by old address, renamed":    {"  " + strings.ToUpper(priya), true, "blocked"},
		"by a name that is gone now": {old, false, "planned"},
	} {
		t.Run(name, func(t *testing.T) {
			now, id := priya, ""
			o := story(t, func(g, x m) {
				u := userOf(t, g, priya)
				id, _ = u["id"].(string)
				if c.rename {
					now = "p.shah@" + harbourline
					u["userPrincipalName"], mailboxOf(t, x, priya)["UserPrincipalName"] = now, now
				}
				if !c.rename {
					userOf(t, g, old)["userPrincipalName"] = "e2@harbourlinefreight.onmicrosoft.com"
				}
			})
			if c.guard == "id" {
				c.guard = id
			}
			o.config = "guards: {breakGlass: [\"" + c.guard + "\"]}\n"
			w := newWorld(t, o)
			a := w.must("cipp_disable_user", in(harbourline, "userId", now, "dryRun", true))
			if a.v["status"] != c.status || !strings.Contains(a.text, "guards.breakGlass") {
				t.Errorf("%s", a.text)
			}
		})
	}
}

// A tenant the operator left out stays out, whatever it is called.
func TestTenantsLeftOutStayOut(t *testing.T) {
	w := newWorld(t, worldOptions{config: "tenants: {allow: [harbourlinefreight.onmicrosoft.com]}\n"})
	w.must("cipp_get_user", in(harbourline, "userId", priya))
	before := w.state()
	var partner string
	edited(t, func(tenant m) {
		if partner == "" {
			partner, _ = tenant["tenantId"].(string)
		}
		if tenant["defaultDomain"] == harbourline || tenant["tenantId"] == partner {
			return
		}
		names := []string{tenant["tenantId"].(string), strings.ToUpper(tenant["tenantId"].(string)), tenant["displayName"].(string), tenant["defaultDomain"].(string)}
		for _, d := range tenant["domains"].([]any) {
			if d := d.(m); d["isVerified"] == true {
				names = append(names, d["id"].(string))
			}
		}
		for _, n := range names {
			if a := w.call("cipp_list_users", in(n)); a.err == nil || a.err["code"] != "tenant_not_allowed" {
				t.Errorf("%s: %s", n, a.text)
			}
			if a := w.call("cipp_disable_user", in(n, "userId", "anybody@"+n)); a.err == nil || a.err["code"] != "tenant_not_allowed" {
				t.Errorf("%s: %s", n, a.text)
			}
		}
	})
	w.refused("tenant_not_allowed", "cipp_list_users", in(partner))
	for _, u := range w.must("cipp_list_mfa_users", in("allTenants", "limit", 100)).list("users") {
		if u["tenant"] != harbourline {
			t.Errorf("a user of %s", u["tenant"])
		}
	}
	for _, r := range w.must("cipp_list_tenants", m{"includeUnhealthy": true}).list("tenants") {
		if r["defaultDomainName"] != harbourline {
			t.Errorf("%v", r)
		}
	}
	w.unharmed(before)
}

// Whoever bears a name now is not who bore it when the plan was shown.
func TestANameThatPassedOnIsSomebodyElse(t *testing.T) {
	const name = "temp@" + harbourline
	w := newWorld(t, worldOptions{deaf: true})
	create := func() {
		u := graphclient.NewUser{AccountEnabled: true, DisplayName: "Temp", MailNickname: "temp", UserPrincipalName: name}
		u.PasswordProfile.Password = "An0ther-long-password"
		if _, err := w.env.Graph.CreateUser(t.Context(), tenantID(t, w), u); err != nil {
			t.Fatal(err)
		}
	}
	create()
	args := in(harbourline, "userId", name)
	token := w.must("cipp_disable_user", args).v["planToken"]
	if err := w.env.Graph.UpdateUser(t.Context(), tenantID(t, w), idOf(t, w, name), m{"userPrincipalName": "gone@" + harbourline}); err != nil {
		t.Fatal(err)
	}
	create()
	before := w.state()
	w.refused("plan_refused", "cipp_disable_user", and(args, "planToken", token))
	w.unharmed(before)
}

func tenantID(t *testing.T, w *world) string {
	t.Helper()
	tenant, err := w.env.Graph.ResolveTenant(t.Context(), harbourline)
	if err != nil {
		t.Fatal(err)
	}
	return tenant.ID
}

func idOf(t *testing.T, w *world, upn string) string {
	t.Helper()
	u, err := w.env.Graph.User(t.Context(), tenantID(t, w), upn, "id")
	if err != nil {
		t.Fatal(err)
	}
	return u.ID
}

// What the guard may not look at is said in the plan; what it sees counts all the same.
func TestTheGuardSaysWhatItCannotSee(t *testing.T) {
	w := newWorld(t, worldOptions{flags: cloudFlags{sandbox: edited(t, func(tenant m) {
		if tenant["defaultDomain"] != harbourline {
			return
		}
		group := groupOf(t, tenant["graph"].(m), "Tier 1 Helpdesk")
		group["members"] = append(group["members"].([]any), userOf(t, tenant["graph"].(m), priya)["id"])
		for _, c := range tenant["consents"].([]any) {
			c.(m)["appRoles"] = []any{"User.EnableDisableAccount.All", "User.Read.All", "User.RevokeSessions.All", "Domain.Read.All"}
		}
	})}})
	before := w.state()
	for user, critical := range map[string]bool{priya: true, dana: false} {
		a := w.must("cipp_disable_user", in(harbourline, "userId", user, "dryRun", true))
		if strings.Contains(a.text, "needs the operator's approval") != critical || !strings.Contains(a.text, "(PIM) could not be read") {
			t.Errorf("%s: %s", user, a.text)
		}
	}
	w.unharmed(before)
}

// homeWorld signs in as a user of the partner's own tenant, whose directory it has too.
func homeWorld(t *testing.T, own string) worldOptions {
	t.Helper()
	return worldOptions{partner: true, flags: cloudFlags{sandbox: edited(t, func(tenant m) {
		if tenant["defaultDomain"] == "tidewater-msp.example" {
			u := tenant["users"].([]any)[0].(m)
			u["id"] = own
			tenant["graph"] = m{"users": []any{m{"id": own, "userPrincipalName": u["userPrincipalName"], "displayName": "Service", "mailNickname": "cipp.service", "accountEnabled": true, "userType": "Member"},
				m{"id": "cb1f0b5c-6a52-4f0b-9f0e-7b6c6f0e9b12", "userPrincipalName": "cleo.marsh@tidewater-msp.example", "displayName": "Cleo Marsh", "mailNickname": "cleo.marsh", "accountEnabled": true, "userType": "Member"}}}
		}
	})}}
}

// The account the server signs in with is not changed through the server.
func TestTheServersOwnAccountIsLeftAlone(t *testing.T) {
	const own = "cb1f0b5c-6a52-4f0b-9f0e-7b6c6f0e9b11"
	w := newWorld(t, homeWorld(t, own))
	before := w.state()
	for _, tool := range []string{"cipp_disable_user", "cipp_reset_password", "cipp_revoke_sessions"} {
		if a := w.must(tool, in("tidewater-msp.example", "userId", "cipp.service@tidewater-msp.example")); a.v["status"] != "blocked" || !strings.Contains(a.text, "signs in with") {
			t.Errorf("%s: %s", tool, a.text)
		}
	}
	w.unharmed(before)
}
