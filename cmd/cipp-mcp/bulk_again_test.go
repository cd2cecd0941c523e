package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
)

// denies has Microsoft refuse every change of a user.
func (w *world) denies() {
	w.t.Helper()
	if err := w.sandbox.SetFaults([]byte(`[{"match":{"method":"PATCH","path":"/users/*"},"do":{"status":403,"code":"Authorization_RequestDenied","message":"Insufficient privileges."}}]`)); err != nil {
		w.t.Fatal(err)
	}
}

// A job that took two persons takes two to be set to work again: whichever of them names it, by its tool, by its class, or
// by what it does for many, and whether it failed or was cut off.
func TestWhatTookTwoPersonsTakesTwoAgain(t *testing.T) {
	for name, c := range map[string]struct {
		who, tool, action string
		args              m
	}{
		"retried, by tool":         {"cipp_disable_user", "cipp_disable_user", "retry", in(harbourline, "userId", dana)},
		"retried, by class":        {"destructive", "cipp_disable_user", "retry", in(harbourline, "userId", dana)},
		"retried, many":            {"cipp_disable_user", "cipp_bulk_action", "retry", bulk("cipp_disable_user", dana, gareth)},
		"retried, many, by class":  {"destructive", "cipp_bulk_action", "retry", bulk("cipp_disable_user", dana, gareth)},
		"resumed, by tool":         {"cipp_disable_user", "cipp_disable_user", "resume", in(harbourline, "userId", dana, "runAt", "2026-03-12T18:00:00Z")},
		"resumed, many":            {"cipp_disable_user", "cipp_bulk_action", "resume", and(bulk("cipp_disable_user", dana, gareth), "runAt", "2026-03-12T18:00:00Z")},
		"retried, the bulk's name": {"cipp_bulk_action", "cipp_bulk_action", "retry", bulk("cipp_disable_user", dana, gareth)},
	} {
		t.Run(name, func(t *testing.T) {
			keys := newTwoKeys(t)
			w := newWorld(t, worldOptions{config: "approval: {twoPerson: [" + c.who + "], " + keys.config + "}\n"})
			id := w.held(c.tool, c.args)
			before := w.state()
			if c.action == "retry" {
				w.denies()
			}
			if err := keys.approve(w, id, "anna"); err != nil {
				t.Fatal(err)
			}
			if c.action == "resume" {
				w.done("cipp_control_job", m{"jobId": id, "action": "cancel"})
			}
			if a := w.ended(id); a.v["status"] == "done" {
				t.Fatalf("%s", a.text)
			}
			w.sandbox.Advance(4 * time.Hour)
			if err := w.sandbox.SetFaults(nil); err != nil {
				t.Fatal(err)
			}
			w.asked = nil
			again := w.held("cipp_control_job", m{"jobId": id, "action": c.action})
			if len(w.asked) > 0 {
				t.Errorf("the person at the client was asked: %v", w.asked)
			}
			for by, err := range map[string]error{policy.Operator: w.env.Policy.Approve(t.Context(), again, policy.Operator, w.signs(again)), "who asked": keys.approve(w, again, username())} {
				if !errors.Is(err, policy.ErrSamePerson) {
					t.Errorf("%s: %v", by, err)
				}
			}
			w.unharmed(before)
			if err := keys.approve(w, again, "anna"); err != nil {
				t.Fatal(err)
			}
			if a := w.ended(again); a.v["status"] != "done" {
				t.Errorf("%s", a.text)
			}
			if a := w.ended(id); a.v["status"] != "done" || len(w.changed(before)) == 0 {
				t.Errorf("%s", a.text)
			}
		})
	}
}

// On one person's word, be it the operator's own terminal, nothing is set to work that took two.
func TestTheOperatorAloneRetriesNothingThatTookTwo(t *testing.T) {
	keys := newTwoKeys(t)
	w := newWorld(t, worldOptions{config: "approval: {twoPerson: [cipp_disable_user], " + keys.config + "}\n"})
	two := w.held("cipp_disable_user", in(harbourline, "userId", dana))
	one, _ := w.done("cipp_revoke_sessions", in(harbourline, "userId", dana)).v["jobId"].(string)
	s := &state{cfg: w.cfg, ledger: w.env.Policy.Ledger, engine: w.env.Policy}
	if err := s.oneIsEnough(t.Context(), two); err == nil || !strings.Contains(err.Error(), "cipp_disable_user needs a second person") {
		t.Errorf("%v", err)
	}
	if err := s.oneIsEnough(t.Context(), one); err != nil {
		t.Errorf("%v", err)
	}
	if err := s.oneIsEnough(t.Context(), "run_of_nobody"); !errors.Is(err, jobs.ErrNoRun) {
		t.Errorf("%v", err)
	}
}

// A row that failed weeks ago is guarded as its user is now: who has become an administrator is the operator's to
// decide on, and whom no tool may touch blocks the retry.
func TestRowsThatRunAgainAreGuardedAsTheirUsersAreNow(t *testing.T) {
	for name, c := range map[string]struct {
		happens     func(w *world)
		status, say string
	}{
		"an administrator": {func(w *world) {
			if err := w.env.Graph.AssignRole(w.t.Context(), tenantID(w.t, w), idOf(w.t, w, dana), userAdministrator, "/"); err != nil {
				w.t.Fatal(err)
			}
		}, "needs_approval", "is an administrator"},
		"break-glass": {func(w *world) { w.env.Policy.Config.Guards.BreakGlass = []string{dana} }, "blocked", "break-glass account"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, empowered(t, func(m) {}))
			w.denies()
			a := w.must("cipp_bulk_action", bulk("cipp_disable_user", dana, gareth))
			id, _ := a.v["jobId"].(string)
			if a.v["status"] != "attention" {
				t.Fatalf("%s", a.text)
			}
			if err := w.sandbox.SetFaults(nil); err != nil {
				t.Fatal(err)
			}
			c.happens(w)
			before := w.state()
			if a := w.must("cipp_control_job", m{"jobId": id, "action": "retry"}); a.v["status"] != c.status || !strings.Contains(a.text, c.say) {
				t.Errorf("%s", a.text)
			}
			w.unharmed(before)
		})
	}
}

// What took two persons is not undone by one, for one and for many.
func TestWhatTookTwoPersonsIsUndoneByTwo(t *testing.T) {
	keys := newTwoKeys(t)
	for name, c := range map[string]struct {
		tool string
		args m
	}{
		"one":  {"cipp_disable_user", in(harbourline, "userId", dana)},
		"many": {"cipp_bulk_action", bulk("cipp_disable_user", dana, gareth)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{config: "approval: {twoPerson: [cipp_disable_user], " + keys.config + "}\n"})
			id := w.held(c.tool, c.args)
			if err := keys.approve(w, id, "anna"); err != nil {
				t.Fatal(err)
			}
			w.ended(id)
			before := w.state()
			undo := w.held("cipp_undo_job", m{"jobId": id})
			if err := w.env.Policy.Approve(t.Context(), undo, policy.Operator, w.signs(undo)); !errors.Is(err, policy.ErrSamePerson) {
				t.Errorf("the operator alone: %v", err)
			}
			w.unharmed(before)
			if err := keys.approve(w, undo, "anna"); err != nil {
				t.Fatal(err)
			}
			if a := w.ended(undo); a.v["status"] != "done" || len(w.changed(before)) == 0 {
				t.Errorf("%s", a.text)
			}
		})
	}
}

// Jobs that are set to work again one after the other are as many writes as others; stopping them is none.
func TestRetriesAreCounted(t *testing.T) {
	w := newWorld(t, worldOptions{config: "guards: {maxWritesPerHour: 4}\n"})
	w.denies()
	var ids []string
	for _, u := range []string{dana, gareth} {
		ids = append(ids, w.must("cipp_disable_user", in(harbourline, "userId", u)).v["jobId"].(string))
	}
	w.must("cipp_control_job", m{"jobId": ids[0], "action": "retry"})
	w.must("cipp_control_job", m{"jobId": ids[1], "action": "retry"})
	for _, id := range ids {
		w.ended(id)
	}
	if a := w.must("cipp_control_job", m{"jobId": ids[0], "action": "retry"}); a.v["status"] != "needs_approval" || !strings.Contains(a.text, "guards.maxWritesPerHour: 4") {
		t.Errorf("%s", a.text)
	}
	w.done("cipp_control_job", m{"jobId": ids[0], "action": "cancel"})
}

// A standing grant for a tool covers no other tool's work that a call of it would do besides.
func TestAStandingGrantCoversNoOtherToolsWork(t *testing.T) {
	w := newWorld(t, worldOptions{deaf: true, config: "access: write\n"})
	w.invoker.Engine.Embedded = false
	tenant := []string{tenantID(t, w)}
	w.grants(policy.Grant{Note: "leavers", Tools: []string{"cipp_offboard_user", "cipp_control_job"}, Tenants: tenant, MaxRisk: policy.Destructive, Quota: 9})
	before := w.state()
	if a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "deleteAfterDays", 1)); a.v["status"] != "needs_approval" {
		t.Errorf("%s", a.text)
	}
	w.unharmed(before)
	id, _ := w.must("cipp_disable_user", in(harbourline, "userId", gareth)).v["jobId"].(string)
	if err := w.env.Policy.Ledger.Cancel(t.Context(), id, "somebody"); err != nil {
		t.Fatal(err)
	}
	if a := w.must("cipp_control_job", m{"jobId": id, "action": "resume"}); a.v["status"] != "needs_approval" {
		t.Errorf("%s", a.text)
	}
	w.unharmed(before)
	w.done("cipp_offboard_user", in(harbourline, "userId", dana))
	w.grants(policy.Grant{Note: "deletions", Tools: []string{"cipp_offboard_user", "cipp_delete_user"}, Tenants: tenant, MaxRisk: policy.Destructive, Quota: 9})
	w.done("cipp_offboard_user", in(harbourline, "userId", priya, "deleteAfterDays", 1, "newGroupOwner", gareth))
}

// Ten thousand rows are refused with a sentence, and one user under two names is one user.
func TestTablesThatAreTooLongOrNameSomebodyTwice(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	edit := func(table string) m {
		return m{"action": "cipp_edit_user", "tenantFilter": harbourline, "csv": table, "arguments": m{"companyName": "Harbourline Ltd"}}
	}
	w.invalid("10000 rows are too many", "cipp_bulk_action", edit("userId\r\n"+strings.Repeat(dana+"\r\n", 10000)))
	for _, second := range []string{idOf(t, w, dana), strings.ToUpper(idOf(t, w, dana)), strings.ToUpper(dana), " " + dana + " "} {
		a := w.invalid("is row 1 already", "cipp_bulk_action", edit("\ufeffuserId\r\n"+dana+"\r\n"+priya+"\r\n\""+second+"\"\r\n"))
		if !strings.Contains(a.text, "row 3") {
			t.Errorf("%s", a.text)
		}
	}
	w.invalid("the same argument", "cipp_bulk_action", edit("userId,user_id\n"+dana+","+priya+"\n"))
	w.unharmed(before)
}

// A write that is stopped after its first step has written, and is counted; one that was stopped before is none.
func TestAWriteThatIsCutOffIsCounted(t *testing.T) {
	for name, c := range map[string]struct {
		begun  bool
		status string
	}{"after its first step": {true, "needs_approval"}, "before it began": {false, "done"}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{config: "guards: {massAction: 2}\n"})
			for _, u := range []string{dana, gareth} {
				args := in(harbourline, "userId", u)
				if !c.begun {
					args["runAt"] = "2026-03-12T18:00:00Z"
				}
				id, _ := w.must("cipp_disable_user", args).v["jobId"].(string)
				err := w.env.Policy.Ledger.Cancel(t.Context(), id, "somebody")
				if c.begun { // as the ledger has it when the cancel comes between two steps
					err = errors.Join(err, w.env.Policy.Ledger.Store().Change(t.Context(), func(ctx context.Context, tx jobs.Tx) error {
						_, err := tx.ExecContext(ctx, `UPDATE run SET state = ? WHERE id = ?`, jobs.RunCancelled, id)
						return err
					}))
				}
				if err != nil {
					t.Fatal(err)
				}
				w.ended(id)
			}
			if a := w.must("cipp_disable_user", in(harbourline, "userId", "mei.chen@"+harbourline)); a.v["status"] != c.status {
				t.Errorf("%s", a.text)
			}
		})
	}
}
