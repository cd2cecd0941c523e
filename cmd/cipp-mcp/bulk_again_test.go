package main

import (
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
