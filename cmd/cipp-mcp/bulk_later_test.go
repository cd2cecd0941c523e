package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"cipp-mcp/internal/config"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
)

// leavers are three who are offboarded together, and deleted after a while.
var leavers = []string{dana, "mei.chen@" + harbourline, "yuki.tanaka@" + harbourline}

// leaving offboards them, as the operator approves, and answers the jobs that delete them later, by their user.
func leaving(w *world) map[string]string {
	w.t.Helper()
	id := w.held("cipp_bulk_action", and(bulk("cipp_offboard_user", leavers...), "arguments", m{"deleteAfterDays": 30, "steps": []string{"block-sign-in", "schedule-deletion"}}))
	if a := w.approves(id); a.v["status"] != "done" {
		w.t.Fatalf("%s", a.text)
	}
	later := map[string]string{}
	for _, r := range w.must("cipp_list_scheduled_items", in(harbourline)).list("jobs") {
		if r["status"] == "scheduled" {
			later[r["user"].(string)] = r["jobId"].(string)
		}
	}
	if len(later) != len(leavers) {
		w.t.Fatalf("scheduled: %v", later)
	}
	return later
}

// What an approved offboarding of many planned for later falls due in a busy hour and is done all the same: the
// operator has counted it. What has become of its users since still holds it back.
func TestWhatABulkPlannedForLaterIsDoneInABusyHour(t *testing.T) {
	at := func(w *world) string { return idOf(w.t, w, dana) }
	for name, c := range map[string]struct {
		happens func(w *world)
		say     string // what holds dana's deletion back, "" for nothing
	}{
		"as approved": {func(*world) {}, ""},
		"an administrator by now": {func(w *world) {
			if err := w.env.Graph.AssignRole(w.t.Context(), tenantID(w.t, w), at(w), userAdministrator, "/"); err != nil {
				w.t.Fatal(err)
			}
		}, "is an administrator"},
		"break-glass by now": {func(w *world) { w.env.Policy.Config.Guards.BreakGlass = []string{dana} }, "break-glass account"},
		"the last Global Administrator by now": {func(w *world) {
			tid := tenantID(w.t, w)
			if err := errors.Join(w.env.Graph.AssignRole(w.t.Context(), tid, at(w), globalAdministrator, "/"), w.env.Graph.UpdateUser(w.t.Context(), tid, idOf(w.t, w, priya), m{"accountEnabled": false})); err != nil {
				w.t.Fatal(err)
			}
		}, "the last Global Administrator"},
	} {
		t.Run(name, func(t *testing.T) {
			o := empowered(t, func(g m) { onlyGlobalAdministrator(t, g, priya) })
			o.config = "guards: {massAction: 2, maxWritesPerHour: 3}\n"
			w := newWorld(t, o)
			later := leaving(w)
			w.sandbox.Advance(30*24*time.Hour - 10*time.Minute)
			w.done("cipp_revoke_sessions", in(harbourline, "userId", "ruth.okafor@"+harbourline))
			w.done("cipp_revoke_sessions", in(harbourline, "userId", gareth))
			c.happens(w)
			w.sandbox.Advance(20 * time.Minute)
			for user, id := range later {
				a := w.ended(id)
				if held := user == dana && c.say != ""; held && (a.v["status"] == "done" || !strings.Contains(a.text, c.say)) || !held && a.v["status"] != "done" {
					t.Errorf("%s: %s", user, a.text)
				}
			}
		})
	}
}

// A freeze holds what falls due meanwhile, until it is lifted.
func TestWhatABulkPlannedForLaterWaitsForAFreeze(t *testing.T) {
	w := newWorld(t, worldOptions{config: "guards: {massAction: 2}\n"})
	later := leaving(w)
	if err := w.env.Policy.Ledger.Freeze(t.Context(), "the operator", "test"); err != nil {
		t.Fatal(err)
	}
	before := w.state()
	w.sandbox.Advance(30*24*time.Hour + 10*time.Minute)
	for _, id := range later {
		w.parked(id)
	}
	w.unharmed(before)
	if err := w.env.Policy.Ledger.Unfreeze(t.Context(), "the operator"); err != nil {
		t.Fatal(err)
	}
	for _, id := range later {
		if a := w.ended(id); a.v["status"] != "done" {
			t.Errorf("%s", a.text)
		}
	}
}

// A deletion that an offboarding plans needs the second person that a deletion needs, for one and for many.
func TestADeletionForLaterIsNoWayAroundTheSecondPerson(t *testing.T) {
	keys := newTwoKeys(t)
	for name, c := range map[string]struct {
		tool string
		args m
	}{
		"one":  {"cipp_offboard_user", in(harbourline, "userId", dana, "deleteAfterDays", 30)},
		"many": {"cipp_bulk_action", and(bulk("cipp_offboard_user", leavers[:2]...), "arguments", m{"deleteAfterDays": 30})},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{config: "approval: {twoPerson: [cipp_delete_user], " + keys.config + "}\n"})
			id := w.held(c.tool, c.args)
			if err := w.env.Policy.Approve(t.Context(), id, policy.Operator, w.signs(id)); err == nil {
				t.Error("the operator alone approved it")
			}
			if err := keys.approve(w, id, "anna"); err != nil {
				t.Fatal(err)
			}
			if a := w.ended(id); a.v["status"] != "done" {
				t.Errorf("%s", a.text)
			}
		})
	}
}

// A deletion that would by now need more than the offboarding had is not planned on the offboarding's approval, whatever
// process comes to the step that plans it.
func TestADeletionIsNotPlannedOnLessThanItNeedsByNow(t *testing.T) {
	w := newMortalWithout(t, richStory(t), config.SQLite)
	a, err := open(t.Context(), &globals{configFile: w.cfg}, cloudFlags{})
	w.fatal(err)
	args := in(harbourline, "userId", dana, "deleteAfterDays", 30, "runAt", "2026-03-12T16:00:00Z")
	args["planToken"] = w.asks(a, args).PlanToken
	w.run = w.asks(a, args).JobID
	a.close()
	w.cloud.Advance(90 * time.Minute)
	w.gate.at, w.gate.phase = 0, afterEffect
	_, dead := w.worker()
	<-dead
	text, err := os.ReadFile(w.cfg)
	w.fatal(err, os.WriteFile(w.cfg, bytes.Replace(text, []byte("destructive: plan"), []byte("destructive: plan, twoPerson: [cipp_delete_user]"), 1), 0o600))
	job, _ := w.live()
	if i := slices.IndexFunc(job.Steps, func(s jobs.StepRow) bool { return s.Name == "schedule-deletion" }); i < 0 || job.Steps[i].State != jobs.StateFailed || !strings.Contains(job.Steps[i].Detail, "needs an approval of its own by now") {
		t.Errorf("%s:%s", job.State, states(job))
	}
	if later, err := w.ledger.ChildJobs(t.Context(), w.run); err != nil || len(later) > 0 {
		t.Errorf("%v, %v", later, err)
	}
}

// What the rows of a cancelled bulk had planned for later was called off with it, and who resumes the bulk is told that it
// stays so.
func TestWhatWasCalledOffWithABulkIsTold(t *testing.T) {
	w := newWorld(t, worldOptions{config: "guards: {massAction: 2}\n"})
	later := leaving(w)
	l := w.env.Policy.Ledger
	row, err := l.Job(t.Context(), later[dana])
	if err != nil {
		t.Fatal(err)
	}
	row, err = l.Job(t.Context(), row.ParentID)
	if err != nil {
		t.Fatal(err)
	}
	err = l.Store().Change(t.Context(), func(ctx context.Context, tx jobs.Tx) error { // as a cancel in its middle leaves it
		_, err := tx.ExecContext(ctx, `UPDATE run SET state = ? WHERE id IN (?, ?, ?)`, jobs.RunCancelled, row.ParentID, row.Run.ID, later[leavers[1]])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	a := w.must("cipp_control_job", m{"jobId": row.ParentID, "action": "resume", "dryRun": true})
	if a.v["status"] != "planned" || !strings.Contains(a.text, "1 job that its rows had planned for later") {
		t.Errorf("%s", a.text)
	}
}

// onlyGlobalAdministrator leaves a tenant one.
func onlyGlobalAdministrator(t *testing.T, g m, user string) {
	t.Helper()
	kept := []any{m{"id": "ga-" + user, "roleDefinitionId": globalAdministrator, "principalId": userOf(t, g, user)["id"], "directoryScopeId": "/"}}
	for _, a := range g["roleAssignments"].([]any) {
		if a.(m)["roleDefinitionId"] != globalAdministrator {
			kept = append(kept, a)
		}
	}
	g["roleAssignments"] = kept
}

// parked waits until a job that is due was looked at and laid aside again.
func (w *world) parked(id string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	for {
		j, err := w.env.Policy.Ledger.Job(ctx, id)
		switch {
		case err != nil:
			w.t.Fatal(err)
		case j.Ended():
			w.t.Fatalf("it ended: %s%s", j.State, states(j))
		case j.State == jobs.RunRunning && j.Owner == "":
			return
		}
		runtime.Gosched()
	}
}

// What was planned for later for somebody whose account the server signs in with by then is withdrawn.
func TestWhatWasPlannedForTheServersOwnAccountIsWithdrawn(t *testing.T) {
	const own, home = "cb1f0b5c-6a52-4f0b-9f0e-7b6c6f0e9b11", "tidewater-msp.example"
	w := newWorld(t, homeWorld(t, own))
	e, ctx := w.env.Policy, t.Context()
	tenant, err := w.env.Graph.ResolveTenant(ctx, home)
	if err != nil {
		t.Fatal(err)
	}
	u, err := w.env.Graph.User(ctx, tenant.ID, own, policy.GuardedUser...)
	if err != nil {
		t.Fatal(err)
	}
	args := m{"tenantFilter": tenant.ID, "userId": own}
	run := e.NewRun("cipp_delete_user", tenant, &u)
	start := policy.Start{Request: policy.Request{Tool: "cipp_delete_user", Risk: policy.Destructive, Tenant: tenant, User: &u, Args: args, Row: true}, Run: run, NotBefore: e.Clock.Now().Add(time.Hour), ParentID: "run_of_an_offboarding",
		Plan: policy.Plan{Tool: "cipp_delete_user", TenantID: tenant.ID, UserID: own, Risk: policy.Destructive, Changes: []jobs.Change{{Step: "delete-user", Summary: "Delete"}}}}
	start.Steps = []jobs.Step{{Name: "delete-user", Class: jobs.Idempotent}}
	if err := e.Start(ctx, start); err != nil {
		t.Fatal(err)
	}
	before := w.state()
	w.sandbox.Advance(2 * time.Hour)
	if a := w.ended(run.ID); a.v["status"] == "done" || !strings.Contains(a.text, "signs in with") {
		t.Errorf("%s", a.text)
	}
	w.unharmed(before)
}
