package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cipp-mcp/internal/policy"
	"cipp-mcp/internal/secrets"
)

// bulk are the arguments of a bulk in harbourline.example.
func bulk(action string, users ...string) m {
	return m{"action": action, "tenantFilter": harbourline, "targets": users}
}

const (
	globalAdministrator = "62e90394-69f5-4237-9190-012177145e10"
	emergencyAccount    = "emergency@harbourlinefreight.onmicrosoft.com"
)

// What guards one user guards each row, and what guards a whole is no weaker for being called by another name.
func TestTheGuardsHoldForEveryRow(t *testing.T) {
	for name, c := range map[string]struct {
		config, status, say string
		args                m
	}{
		"break-glass":   {"guards: {breakGlass: [" + emergencyAccount + "]}\n", "blocked", "break-glass account", bulk("cipp_reset_password", dana, emergencyAccount)},
		"administrator": {"", "needs_approval", "is an administrator", bulk("cipp_disable_user", dana, admin)},
		"mass action":   {"guards: {massAction: 2}\n", "needs_approval", "guards.massAction: 2", bulk("cipp_disable_user", dana, priya, gareth)},
		"two tenants":   {"", "needs_approval", "2 tenants", m{"action": "cipp_revoke_sessions", "csv": "userId\n" + dana + "\n" + demoVictim + "\n"}},
		"bulk tenants":  {"guards: {bulkTenants: 1}\n", "blocked", "guards.bulkTenants", m{"action": "cipp_revoke_sessions", "csv": "userId\n" + dana + "\n" + demoVictim + "\n"}},
		"left out":      {"tenants: {deny: [" + demoVictimTenant + "]}\n", "", "row 2", m{"action": "cipp_revoke_sessions", "csv": "userId,tenantFilter\n" + dana + "," + harbourline + "\n" + demoVictim + "," + demoVictimTenant + "\n"}},
		"switched off":  {"tools: {preset: all, remove: [cipp_disable_user]}\n", "", "switched off", bulk("cipp_disable_user", dana, priya)},
		"passwords":     {"passwords: {fromCaller: refuse}\n", "", "row 2", m{"action": "cipp_reset_password", "tenantFilter": harbourline, "csv": "userId,newPassword\n" + dana + ",\n" + priya + ",Chosen-by-me-81\n"}},
		"read-only":     {"access: read-only\n", "", "read-only", bulk("cipp_disable_user", dana, priya)},
		"steered":       {"", "", "dryRun belongs to the bulk itself", m{"action": "cipp_disable_user", "tenantFilter": harbourline, "csv": "userId,Dry_Run\n" + dana + ",true\n"}},
		"steered all":   {"", "", "runAt belongs to the bulk itself", m{"action": "cipp_disable_user", "tenantFilter": harbourline, "targets": []string{dana}, "arguments": m{"run-at": "2027-01-01T00:00:00Z"}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{config: c.config})
			w.invoker.Engine.Embedded = name != "read-only"
			before := w.state()
			a := w.call("cipp_bulk_action", c.args)
			if status, _ := a.v["status"].(string); status != c.status || !strings.Contains(a.text, c.say) {
				t.Errorf("%s", a.text)
			}
			if strings.Contains(a.text, "Chosen-by-me") {
				t.Errorf("a password: %s", a.text)
			}
			w.unharmed(before)
			if len(w.asked) > 0 {
				t.Errorf("a person was asked: %v", w.asked)
			}
		})
	}
}

// Each of two Global Administrators has the other, and a bulk over both leaves none.
func TestABulkLeavesAGlobalAdministrator(t *testing.T) {
	o := empowered(t, func(g m) {
		var kept []any
		for _, a := range g["roleAssignments"].([]any) {
			if a.(m)["roleDefinitionId"] != globalAdministrator {
				kept = append(kept, a)
			}
		}
		for _, u := range []string{priya, gareth} {
			kept = append(kept, m{"id": "ga-" + u, "roleDefinitionId": globalAdministrator, "principalId": userOf(t, g, u)["id"], "directoryScopeId": "/"})
		}
		g["roleAssignments"] = kept
	})
	w := newWorld(t, o)
	before := w.state()
	w.blocked("with the other rows the last Global Administrator", "cipp_bulk_action", bulk("cipp_disable_user", dana, priya, gareth))
	w.unharmed(before)
	if a := w.must("cipp_bulk_action", bulk("cipp_disable_user", dana, priya)); a.v["status"] != "needs_approval" {
		t.Errorf("%s", a.text)
	}
}

// twoKeys are two who may approve: me, who runs this server, and anna.
type twoKeys struct {
	dir, config string
}

func newTwoKeys(t *testing.T) twoKeys {
	t.Helper()
	a := twoKeys{dir: t.TempDir()}
	var keys []string
	for _, name := range []string{username(), "anna"} {
		public, err := secrets.NewApprover(a.dir+"/"+name, operator, 10)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, fmt.Sprintf("%q: %q", name, public))
	}
	a.config = "approvers: {" + strings.Join(keys, ", ") + "}"
	return a
}

// approve has one of them approve a held job.
func (a twoKeys) approve(w *world, id, by string) error {
	w.t.Helper()
	j, err := w.env.Policy.Ledger.Job(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	sig, err := secrets.SignWith(a.dir+"/"+by, operator, policy.ApprovalMessage(j))
	if err != nil {
		w.t.Fatal(err)
	}
	return w.env.Policy.Approve(w.t.Context(), id, by, sig)
}

// What needs two persons for one user needs them for many, within a profile, and under whatever grant.
func TestTwoPersonsForManyAndForProfiles(t *testing.T) {
	for name, c := range map[string]struct {
		who  string
		tool string
		args m
	}{
		"many":               {"cipp_disable_user", "cipp_bulk_action", bulk("cipp_disable_user", dana, gareth)},
		"many, by class":     {"destructive", "cipp_bulk_action", bulk("cipp_disable_user", dana, gareth)},
		"critical is no way": {"destructive", "cipp_bulk_action", bulk("cipp_disable_user", dana, gareth, priya)},
		"part of a profile":  {"cipp_set_group_membership", "cipp_apply_profile", in(harbourline, "userId", priya, "profile", "sales")},
	} {
		t.Run(name, func(t *testing.T) {
			keys := newTwoKeys(t)
			o := withProfiles(t)
			o.config += "guards: {massAction: 2}\napproval: {twoPerson: [" + c.who + "], " + keys.config + "}\n"
			w := newWorld(t, o)
			w.grants(policy.Grant{Note: "all", Tools: []string{c.tool, "cipp_disable_user", "cipp_set_group_membership"}, Tenants: []string{tenantID(t, w)}, MaxRisk: policy.Critical, Quota: 9})
			before := w.state()
			id := w.held(c.tool, c.args)
			w.unharmed(before)
			if err := w.env.Policy.Approve(t.Context(), id, policy.Operator, w.signs(id)); !errors.Is(err, policy.ErrSamePerson) {
				t.Errorf("the operator alone: %v", err)
			}
			if err := keys.approve(w, id, username()); !errors.Is(err, policy.ErrSamePerson) {
				t.Errorf("who asked: %v", err)
			}
			w.unharmed(before)
			if err := keys.approve(w, id, "anna"); err != nil {
				t.Fatal(err)
			}
			if a := w.ended(id); a.v["status"] != "done" || len(w.changed(before)) == 0 {
				t.Errorf("%s", a.text)
			}
		})
	}
}

// A profile that turns out to hold what only the operator gives is not given with a new user by whoever may create one.
func TestAProfileForSomebodyNewIsNoWayAroundTheOperator(t *testing.T) {
	o := empowered(t, func(m) {})
	o.config = "tools: {preset: all}\nprofiles:\n  desk:\n    groups: [Tier 1 Helpdesk]\n"
	w := newWorld(t, o)
	w.done("cipp_create_user", in(harbourline, "displayName", "Nia Reyes", "userPrincipalName", "nia@"+harbourline, "mailNickname", "nia", "usageLocation", "GB", "profile", "desk"))
	group := func() string {
		return w.must("cipp_list_user_groups", in(harbourline, "userId", "nia@"+harbourline)).text
	}
	var id string
	for _, j := range w.must("cipp_list_scheduled_items", in(harbourline, "status", "all")).list("jobs") {
		if j["tool"] == "cipp_apply_profile" {
			id, _ = j["jobId"].(string)
			if j["status"] != "needs_approval" {
				t.Errorf("%v", j)
			}
		}
	}
	if id == "" || strings.Contains(group(), "Tier 1 Helpdesk") {
		t.Fatalf("job %q: %s", id, group())
	}
	w.approves(id)
	if !strings.Contains(group(), "Tier 1 Helpdesk") {
		t.Errorf("%s", group())
	}
}

// Many bulks of few are one bulk of many.
func TestBulksCountTogether(t *testing.T) {
	for name, c := range map[string]struct{ first, second m }{
		"users":                    {bulk("cipp_revoke_sessions", dana, priya), bulk("cipp_revoke_sessions", gareth, "mei.chen@"+harbourline)},
		"named by their addresses": {m{"action": "cipp_revoke_sessions", "csv": "userId\n" + dana + "\n" + priya + "\n"}, m{"action": "cipp_revoke_sessions", "csv": "userId\n" + gareth + "\nmei.chen@" + harbourline + "\n"}},
		"new users": {
			m{"action": "cipp_create_user", "tenantFilter": harbourline, "csv": "displayName,userPrincipalName,usageLocation\nA,a1@" + harbourline + ",GB\nB,b1@" + harbourline + ",GB\n"},
			m{"action": "cipp_create_user", "tenantFilter": harbourline, "csv": "displayName,userPrincipalName,usageLocation\nC,c1@" + harbourline + ",GB\nD,d1@" + harbourline + ",GB\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{config: "guards: {massAction: 3}\n"})
			w.done("cipp_bulk_action", c.first)
			before := w.state()
			if a := w.must("cipp_bulk_action", c.second); a.v["approvalId"] == nil || !strings.Contains(a.text, "guards.massAction: 3") {
				t.Errorf("%s", a.text)
			}
			w.unharmed(before)
			w.sandbox.Advance(2 * time.Hour)
			w.done("cipp_bulk_action", c.second)
		})
	}
}

// A grant for many needs both tools and every tenant.
func TestAStandingGrantForMany(t *testing.T) {
	w := newWorld(t, worldOptions{deaf: true, config: "access: write\n"})
	w.invoker.Engine.Embedded = false
	ours := tenantID(t, w)
	theirs, err := w.env.Graph.ResolveTenant(t.Context(), demoVictimTenant)
	if err != nil {
		t.Fatal(err)
	}
	both := m{"action": "cipp_revoke_sessions", "csv": "userId\n" + dana + "\n" + demoVictim + "\n"}
	grant := func(note string, tenants []string, tools ...string) {
		w.grants(policy.Grant{Note: note, Tools: tools, Tenants: tenants, MaxRisk: policy.Critical, Quota: 1})
	}
	before := w.state()
	grant("bulk", []string{ours, theirs.ID}, "cipp_bulk_action")
	grant("tool", []string{ours, theirs.ID}, "cipp_revoke_sessions")
	grant("here", []string{ours}, "cipp_bulk_action", "cipp_revoke_sessions")
	if a := w.must("cipp_bulk_action", both); a.v["status"] != "needs_approval" {
		t.Errorf("not covered, and yet: %s", a.text)
	}
	w.unharmed(before)
	w.done("cipp_bulk_action", bulk("cipp_revoke_sessions", dana, priya))
	grant("there", []string{ours, theirs.ID}, "cipp_bulk_action", "cipp_revoke_sessions")
	w.done("cipp_bulk_action", both)
	if a := w.must("cipp_bulk_action", bulk("cipp_revoke_sessions", dana, gareth)); a.v["status"] != "needs_approval" {
		t.Errorf("used up, and yet: %s", a.text)
	}
}

// Whoever comes under a filter between plan and call is nobody the person agreed to.
func TestABulkIsOfThoseItWasShownFor(t *testing.T) {
	w := newWorld(t, worldOptions{deaf: true})
	tid := tenantID(t, w)
	department := func(user, name string) {
		t.Helper()
		if err := w.env.Graph.UpdateUser(t.Context(), tid, idOf(t, w, user), m{"department": name}); err != nil {
			t.Fatal(err)
		}
	}
	people := []string{"mei.chen", "ruth.okafor", "stefan.kruse", "yuki.tanaka", "noor.haddad", "lewis.carrick", "petra.novak", "siobhan.o'brien"}
	for _, p := range people {
		department(p+"@"+harbourline, "Wharf")
	}
	args := m{"action": "cipp_edit_user", "tenantFilter": harbourline, "filter": "department eq 'Wharf'", "arguments": m{"companyName": "Harbourline Ltd"}}
	plan := w.must("cipp_bulk_action", args)
	token, _ := plan.v["planToken"].(string)
	if token == "" || !strings.Contains(plan.text, "and 3 more rows") {
		t.Fatalf("%s", plan.text)
	}
	swapped := ""
	for _, p := range people { // one that the sample does not show
		if !strings.Contains(plan.text, p) {
			swapped = p + "@" + harbourline
		}
	}
	department(swapped, "Elsewhere")
	department(dana, "Wharf")
	before := w.state()
	args["planToken"] = token
	a := w.call("cipp_bulk_action", args)
	if a.err == nil || a.err["code"] != "state_changed" {
		t.Errorf("%s", a.text)
	}
	w.unharmed(before)
}
