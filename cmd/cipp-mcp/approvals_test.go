package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/internal/secrets"
)

const admin = "tomasz.brennan@harbourline.example"

// empowered is the story with an application that may change administrators too.
func empowered(t *testing.T, f func(graph m)) worldOptions {
	return worldOptions{flags: cloudFlags{sandbox: edited(t, func(tenant m) {
		if tenant["defaultDomain"] != harbourline {
			return
		}
		for _, c := range tenant["consents"].([]any) {
			c := c.(m)
			c["directoryRoles"] = append(c["directoryRoles"].([]any), "Privileged Authentication Administrator", "Privileged Role Administrator")
			c["appRoles"] = append(c["appRoles"].([]any), "RoleManagement.ReadWrite.Directory")
		}
		f(tenant["graph"].(m))
	})}}
}

// signs is the operator's signature under what a held job will do.
func (w *world) signs(id string) string {
	w.t.Helper()
	j, err := w.env.Policy.Ledger.Job(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	sig, err := w.env.Secrets.Sign(operator, policy.ApprovalMessage(j))
	if err != nil {
		w.t.Fatal(err)
	}
	return sig
}

// approves lets a held job begin and waits for its end.
func (w *world) approves(id string) answer {
	w.t.Helper()
	if err := w.env.Policy.Approve(w.t.Context(), id, policy.Operator, w.signs(id)); err != nil {
		w.t.Fatal(err)
	}
	return w.ended(id)
}

// ended waits for a job and gives what cipp_get_job says of it.
func (w *world) ended(id string) answer {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	if j, err := w.env.Policy.Ledger.Wait(ctx, id, nil); err != nil || !j.Ended() {
		w.t.Fatalf("the job has not ended: %v", err)
	}
	return w.must("cipp_get_job", m{"jobId": id})
}

// held makes a write that has to wait for the operator, and gives its approvalId.
func (w *world) held(tool string, args map[string]any) string {
	w.t.Helper()
	a := w.must(tool, args)
	id, _ := a.v["approvalId"].(string)
	if a.v["status"] != "needs_approval" || id == "" || a.v["planToken"] != nil {
		w.t.Fatalf("%s does not wait for the operator: %s", tool, a.text)
	}
	return id
}

func TestTheOperatorApprovesWhatIsCritical(t *testing.T) {
	for _, era := range []string{"modern", "legacy"} {
		t.Run(era, func(t *testing.T) {
			o := empowered(t, func(g m) {
				group := groupOf(t, g, "Tier 1 Helpdesk")
				group["owners"] = append(group["owners"].([]any), userOf(t, g, priya)["id"])
			})
			o.era = era
			w := newWorld(t, o)
			before := w.state()
			args := in(harbourline, "userId", priya)
			id := w.held("cipp_disable_user", args)
			if again := w.held("cipp_disable_user", args); again != id {
				t.Errorf("asked again, another job waits: %s and %s", id, again)
			}
			if len(w.asked) != 0 {
				t.Errorf("the person at the client was asked for what only the operator may: %v", w.asked)
			}
			if j := w.must("cipp_get_job", m{"jobId": id}); j.v["status"] != "needs_approval" || !strings.Contains(j.text, "approvals approve "+id) {
				t.Errorf("%s", j.text)
			}
			w.unharmed(before)
			if j := w.approves(id); j.v["status"] != "done" || !strings.Contains(j.text, "approved by: operator") {
				t.Errorf("%s", j.text)
			}
			if u := w.must("cipp_get_user", in(harbourline, "userId", priya)); !strings.Contains(u.text, "BLOCKED") {
				t.Errorf("%s", u.text)
			}
		})
	}
}

// What is no approval lets nothing begin.
func TestWhatIsNoApproval(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	e, ctx := w.env.Policy, t.Context()
	id, other := w.held("cipp_disable_user", in(harbourline, "userId", admin)), w.held("cipp_revoke_sessions", in(harbourline, "userId", admin))
	sig := w.signs(other)
	for name, c := range map[string]struct{ by, sig string }{
		"no signature":            {policy.Operator, ""},
		"another job's":           {policy.Operator, sig},
		"nobody's":                {"anna", w.signs(id)},
		"of one who is not named": {"", w.signs(id)},
	} {
		if err := e.Approve(ctx, id, c.by, c.sig); !errors.Is(err, secrets.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.env.Secrets.Sign("not the passphrase", "x"); !errors.Is(err, secrets.ErrPassphrase) {
		t.Errorf("signed with a wrong passphrase: %v", err)
	}
	// Somebody with the ledger's file at hand sets it free: the worker wants to see the signature itself.
	if err := e.Ledger.Release(ctx, id, "mallory", "operator", `{"by":"operator","signature":"`+sig+`"}`); err != nil {
		t.Fatal(err)
	}
	if j := w.ended(id); j.v["status"] == "done" || !strings.Contains(j.text, "signature does not fit") {
		t.Errorf("%s", j.text)
	}
	// Changed after it was signed.
	good := w.signs(other)
	err := e.Ledger.Store().Change(ctx, func(ctx context.Context, tx jobs.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE step SET change = '{"step":"revoke-sessions","summary":"something else"}' WHERE run_id = ?`, other)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Approve(ctx, other, policy.Operator, good); !errors.Is(err, secrets.ErrSignature) {
		t.Errorf("a changed plan: %v", err)
	}
	// Another step under what was shown.
	third := w.held("cipp_edit_user", in(harbourline, "userId", admin, "jobTitle", "Clerk"))
	good = w.signs(third)
	err = e.Ledger.Store().Change(ctx, func(ctx context.Context, tx jobs.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE step SET name = 'block-sign-in' WHERE run_id = ?`, third)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Approve(ctx, third, policy.Operator, good); !errors.Is(err, secrets.ErrSignature) {
		t.Errorf("another step: %v", err)
	}
	w.unharmed(before)
}

func TestAnApprovalIsForWhatWasShown(t *testing.T) {
	w := newWorld(t, worldOptions{})
	id := w.held("cipp_edit_user", in(harbourline, "userId", admin, "jobTitle", "Clerk"))
	target, err := w.env.Graph.User(t.Context(), tenantID(t, w), admin, "id")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.env.Graph.UpdateUser(t.Context(), tenantID(t, w), target.ID, m{"jobTitle": "Somebody else's doing"}); err != nil {
		t.Fatal(err)
	}
	before := w.state()
	if j := w.approves(id); j.v["status"] == "done" || !strings.Contains(j.text, "no longer holds") {
		t.Errorf("%s", j.text)
	}
	w.unharmed(before)
	late := w.held("cipp_disable_user", in(harbourline, "userId", admin))
	w.sandbox.Advance(jobs.HoldTime + time.Minute)
	if err := w.env.Policy.Approve(t.Context(), late, policy.Operator, w.signs(late)); !errors.Is(err, jobs.ErrExpired) {
		t.Errorf("too late: %v", err)
	}
	if j := w.must("cipp_get_job", m{"jobId": late}); j.v["status"] != "expired" {
		t.Errorf("%s", j.text)
	}
}

func TestWithoutAnOperatorNothingCriticalIsPlanned(t *testing.T) {
	w := newWorld(t, worldOptions{noPass: true})
	if a := w.must("cipp_disable_user", in(harbourline, "userId", admin)); a.v["status"] != "blocked" || !strings.Contains(a.text, "secrets init") {
		t.Errorf("%s", a.text)
	}
}

// Against a real cloud, what is destructive needs a person: at the client, else outside.
func TestAClientThatCanAskNobody(t *testing.T) {
	for name, c := range map[string]struct {
		config, tool string
		want         string
	}{
		"destructive":       {"", "cipp_disable_user", "operator"},
		"write":             {"", "cipp_edit_user", "plan"},
		"write by operator": {"approval: {write: operator}\n", "cipp_edit_user", "operator"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{deaf: true, config: "access: write\n" + c.config})
			w.invoker.Engine.Embedded = false
			args := in(harbourline, "userId", dana)
			if c.tool == "cipp_edit_user" {
				args["jobTitle"] = "Clerk"
			}
			a := w.must(c.tool, args)
			if byOperator := a.v["approvalId"] != nil; a.v["status"] != "needs_approval" || byOperator != (c.want == "operator") {
				t.Errorf("%s", a.text)
			}
		})
	}
}

func TestTwoPersons(t *testing.T) {
	dir := t.TempDir()
	key := func(name string) string {
		public, err := secrets.NewApprover(dir+"/"+name, operator, 10)
		if err != nil {
			t.Fatal(err)
		}
		return public
	}
	me := username()
	w := newWorld(t, worldOptions{config: "approval: {twoPerson: [cipp_disable_user], approvers: {anna: \"" + key("anna") + "\", \"" + me + "\": \"" + key("me") + "\"}}\n"})
	id := w.held("cipp_disable_user", in(harbourline, "userId", dana))
	j, err := w.env.Policy.Ledger.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(name string) string {
		sig, err := secrets.SignWith(dir+"/"+name, operator, policy.ApprovalMessage(j))
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	for by, sig := range map[string]string{policy.Operator: w.signs(id), me: sign("me")} {
		if err := w.env.Policy.Approve(t.Context(), id, by, sig); !errors.Is(err, policy.ErrSamePerson) {
			t.Errorf("%s: %v", by, err)
		}
	}
	if err := w.env.Policy.Approve(t.Context(), id, "anna", sign("anna")); err != nil {
		t.Fatal(err)
	}
	if a := w.ended(id); a.v["status"] != "done" || !strings.Contains(a.text, "approved by: anna") {
		t.Errorf("%s", a.text)
	}
}

func TestTheLastGlobalAdministratorStays(t *testing.T) {
	const globalAdministrator = "62e90394-69f5-4237-9190-012177145e10"
	var others []any
	o := story(t, func(g, _ m) {
		var kept []any
		for _, a := range g["roleAssignments"].([]any) {
			if a.(m)["roleDefinitionId"] != globalAdministrator {
				kept = append(kept, a)
			} else {
				others = append(others, a.(m)["principalId"])
			}
		}
		userOf(t, g, dana)["accountEnabled"] = false
		g["roleAssignments"] = append(kept, m{"id": "ga-priya", "roleDefinitionId": globalAdministrator, "principalId": userOf(t, g, priya)["id"], "directoryScopeId": "/"},
			m{"id": "ga-dana", "roleDefinitionId": globalAdministrator, "principalId": userOf(t, g, dana)["id"], "directoryScopeId": "/"})
	})
	w := newWorld(t, o)
	before := w.state()
	if a := w.must("cipp_disable_user", in(harbourline, "userId", priya)); a.v["status"] != "blocked" || !strings.Contains(a.text, "last Global Administrator") {
		t.Errorf("%s", a.text)
	}
	w.unharmed(before)
	if len(others) == 0 {
		t.Error("the story had no other Global Administrator, so that this shows nothing")
	}
}

func TestAnAgentThatRunsWild(t *testing.T) {
	for name, c := range map[string]struct{ limit, say string }{
		"writes": {"maxWritesPerHour: 2", "guards.maxWritesPerHour: 2"},
		"users":  {"massAction: 2", "guards.massAction: 2"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{config: "guards: {" + c.limit + "}\n"})
			w.done("cipp_revoke_sessions", in(harbourline, "userId", priya))
			w.done("cipp_revoke_sessions", in(harbourline, "userId", dana))
			a := w.must("cipp_revoke_sessions", in(harbourline, "userId", gareth))
			if a.v["status"] != "needs_approval" || a.v["approvalId"] == nil || !strings.Contains(a.text, c.say) {
				t.Errorf("%s", a.text)
			}
			w.sandbox.Advance(2 * time.Hour)
			w.done("cipp_revoke_sessions", in(harbourline, "userId", gareth))
		})
	}
}

// One run that gives many people something is the operator's to approve; one that takes much from one person is not.
func TestOneRunForManyPeople(t *testing.T) {
	w := newWorld(t, worldOptions{config: "guards: {maxPeoplePerRun: 2}\n"})
	const both = "oluwaseun.adeyemi@" + harbourline
	a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "fullAccess", []string{priya}, "sendAs", []string{gareth}))
	if a.v["status"] != "needs_approval" || !strings.Contains(a.text, "3 people have or may, in one run (guards.maxPeoplePerRun: 2)") {
		t.Errorf("%s", a.text)
	}
	// Who has full access already is given nothing, and one colleague counts once.
	w.done("cipp_offboard_user", in(harbourline, "userId", dana, "fullAccess", []string{priya, both}, "sendAs", []string{priya}, "forwardingAddress", priya, "removeFromGroups", true, "removeMobileDevices", true, "disableDevices", true))
}

func (w *world) grants(g policy.Grant) string {
	w.t.Helper()
	g.ID, g.By, g.Expires = "grant_"+g.Note, policy.Operator, w.env.Clock.Now().Add(time.Hour)
	sig, err := w.env.Secrets.Sign(operator, g.Message())
	if err == nil {
		err = w.env.Policy.AddGrant(w.t.Context(), g, sig)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return g.ID
}

// An unattended runner writes under a standing grant: what it covers, so often as it says, and no more.
func TestARunnerUnderAStandingGrant(t *testing.T) {
	w := newWorld(t, worldOptions{deaf: true, config: "access: write\n"})
	w.invoker.Engine.Embedded = false
	tid := tenantID(t, w)
	waits := func(tool string, pairs ...any) {
		t.Helper()
		if a := w.must(tool, in(harbourline, pairs...)); a.v["status"] != "needs_approval" {
			t.Errorf("not covered, and yet: %s", a.text)
		}
	}
	waits("cipp_disable_user", "userId", gareth)
	id := w.grants(policy.Grant{Note: "leavers", Tools: []string{"cipp_disable_user"}, Tenants: []string{tid}, Args: map[string]string{"revokeSessions": "true"}, MaxRisk: policy.Destructive, Quota: 2})
	waits("cipp_disable_user", "userId", gareth)
	waits("cipp_revoke_sessions", "userId", gareth)
	waits("cipp_disable_user", "userId", admin, "revokeSessions", true) // critical, and the grant ends below that
	a := w.done("cipp_disable_user", in(harbourline, "userId", gareth, "revokeSessions", true))
	if j := w.must("cipp_get_job", m{"jobId": a.v["jobId"]}); !strings.Contains(j.text, "standing grant "+id) {
		t.Errorf("%s", j.text)
	}
	if _, err := w.env.Policy.Ledger.Store().Audit(t.Context(), a.v["jobId"].(string)); err != nil {
		t.Error(err)
	}
	w.done("cipp_disable_user", in(harbourline, "userId", dana, "revokeSessions", true))
	waits("cipp_disable_user", "userId", priya, "revokeSessions", true) // used up
	wide := policy.Grant{ID: "grant_forged", By: policy.Operator, Tools: []string{"cipp_disable_user"}, Tenants: []string{tid}, MaxRisk: policy.Critical, Quota: 99, Expires: w.env.Clock.Now().Add(time.Hour)}
	if err := w.env.Policy.AddGrant(t.Context(), wide, "AAAA"); !errors.Is(err, secrets.ErrSignature) {
		t.Errorf("a grant nobody signed: %v", err)
	}
	if err := w.env.Policy.Ledger.AddGrant(t.Context(), jobs.Grant{ID: wide.ID, Body: strings.TrimPrefix(wide.Message(), "cipp-mcp grants "), Proof: "AAAA", Quota: 99, Expires: wide.Expires}, "mallory"); err != nil {
		t.Fatal(err)
	}
	waits("cipp_disable_user", "userId", priya) // written into the ledger by hand
}

func TestFreeze(t *testing.T) {
	w := newWorld(t, worldOptions{})
	if err := w.env.Policy.Ledger.Freeze(t.Context(), "anna", "something is wrong"); err != nil {
		t.Fatal(err)
	}
	before := w.state()
	if a := w.refused("frozen", "cipp_disable_user", in(harbourline, "userId", dana)); !strings.Contains(a.text, "something is wrong") {
		t.Errorf("%s", a.text)
	}
	w.must("cipp_get_user", in(harbourline, "userId", dana))
	w.unharmed(before)
	if err := w.env.Policy.Ledger.Unfreeze(t.Context(), "anna"); err != nil {
		t.Fatal(err)
	}
	w.done("cipp_disable_user", in(harbourline, "userId", dana))
}
