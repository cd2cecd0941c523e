package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
)

func TestAWriteForLater(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	a := w.must("cipp_disable_user", in(harbourline, "userId", dana, "runAt", "2026-03-13T18:00:00+01:00"))
	id, _ := a.v["jobId"].(string)
	if a.v["status"] != "scheduled" || a.v["runAt"] != "2026-03-13T17:00:00Z" || !strings.Contains(a.text, "cipp-mcp worker") || len(w.asked) != 1 {
		t.Fatalf("%s", a.text)
	}
	w.unharmed(before)
	l := w.must("cipp_list_scheduled_items", in(harbourline))
	if rows := l.list("jobs"); len(rows) != 1 || rows[0]["status"] != "scheduled" || rows[0]["jobId"] != id || !strings.Contains(l.text, "while this server") {
		t.Errorf("%s", l.text)
	}
	if other := w.must("cipp_list_scheduled_items", in("brightwell.example")); len(other.list("jobs")) != 0 {
		t.Errorf("another tenant's: %s", other.text)
	}
	w.sandbox.Advance(27 * time.Hour)
	if j := w.ended(id); j.v["status"] != "done" {
		t.Errorf("%s", j.text)
	}
	if u := w.must("cipp_get_user", in(harbourline, "userId", dana)); !strings.Contains(u.text, "BLOCKED") {
		t.Errorf("%s", u.text)
	}
}

// When the time comes, target and approval are looked at again.
func TestWhatWasScheduledMustStillHold(t *testing.T) {
	at := m{"runAt": "2026-03-12T18:00:00Z"}
	var helpdesk string
	story(t, func(g, _ m) { helpdesk, _ = groupOf(t, g, "Tier 1 Helpdesk")["id"].(string) })
	schedule := func(w *world, who string) string {
		t.Helper()
		a := w.must("cipp_disable_user", and(in(harbourline, "userId", who), pairs(at)...))
		if a.v["status"] != "scheduled" {
			t.Fatalf("%s", a.text)
		}
		return a.v["jobId"].(string)
	}
	for name, c := range map[string]struct {
		happens func(t *testing.T, w *world)
		after   time.Duration
		say     string
	}{
		"too late":                  {func(*testing.T, *world) {}, 3*time.Hour + policy.Lateness + time.Minute, "it was to begin before"},
		"the server went read-only": {func(_ *testing.T, w *world) { w.invoker.Engine.Embedded = false }, 3 * time.Hour, "read-only"},
		"the user became an administrator": {func(t *testing.T, w *world) {
			u, err := w.env.Graph.User(t.Context(), tenantID(t, w), dana, "id")
			if err == nil {
				err = w.env.Graph.AddGroupMember(t.Context(), tenantID(t, w), helpdesk, u.ID)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, 3 * time.Hour, "administrator"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, empowered(t, func(m) {}))
			id := schedule(w, dana)
			c.happens(t, w)
			before := w.state()
			w.sandbox.Advance(c.after)
			if j := w.ended(id); j.v["status"] == "done" || !strings.Contains(j.text, c.say) {
				t.Errorf("%s", j.text)
			}
			w.unharmed(before)
		})
	}
}

func TestRunAtIsAMomentEverybodyKnows(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	for at, say := range map[string]string{
		"2026-03-13T18:00:00":       "with offset",
		"tomorrow":                  "with offset",
		"2026-03-12T14:59:00Z":      "has passed",
		"2029-01-01T00:00:00Z":      "a year",
		"employeeLeaveDateTime":     "no employeeLeaveDateTime",
		"2026-03-13T18:00:00+25:00": "with offset",
	} {
		if a := w.refused("invalid_argument", "cipp_disable_user", in(harbourline, "userId", dana, "runAt", at)); !strings.Contains(a.text, say) {
			t.Errorf("%s: %s", at, a.text)
		}
	}
	w.unharmed(before)
}

func TestAJobIsCancelledAndResumed(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	id := w.must("cipp_disable_user", in(harbourline, "userId", dana, "runAt", "2026-03-12T18:00:00Z")).v["jobId"].(string)
	w.done("cipp_control_job", m{"jobId": id, "action": "cancel"})
	if j := w.ended(id); j.v["status"] != "cancelled" {
		t.Errorf("%s", j.text)
	}
	w.sandbox.Advance(4 * time.Hour)
	w.unharmed(before)
	if again := w.must("cipp_control_job", m{"jobId": id, "action": "cancel"}); again.v["status"] != "done" || !strings.Contains(again.text, "ended already") {
		t.Errorf("%s", again.text)
	}
	w.asked = nil
	w.done("cipp_control_job", m{"jobId": id, "action": "resume"})
	if len(w.asked) != 1 || !strings.Contains(w.asked[0], "running again: block-sign-in") {
		t.Errorf("asked: %v", w.asked)
	}
	if j := w.ended(id); j.v["status"] != "done" {
		t.Errorf("%s", j.text)
	}
}

func TestFailedStepsAreRetried(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.faults(fault(m{"method": "POST", "path": "/users/*/revokeSignInSessions"}, m{"status": 403, "code": "Authorization_RequestDenied", "message": "Insufficient privileges."}, 1))
	a := w.must("cipp_disable_user", in(harbourline, "userId", dana, "revokeSessions", true))
	if a.v["status"] != "attention" || !strings.Contains(a.text, "action=retry") {
		t.Fatalf("%s", a.text)
	}
	id := a.v["jobId"].(string)
	if l := w.must("cipp_list_scheduled_items", in("allTenants", "status", "attention")); len(l.list("jobs")) != 1 {
		t.Errorf("%s", l.text)
	}
	w.done("cipp_control_job", m{"jobId": id, "action": "retry"})
	j := w.ended(id)
	if j.v["status"] != "done" {
		t.Errorf("%s", j.text)
	}
}

// A server that may only read shares the state of one that may write, and leaves the jobs that write alone.
func TestAReadOnlyServerRunsNoJobsThatWrite(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CIPP_TEST_SECRET", "nobody signs in with it")
	file := filepath.Join(dir, "cipp-mcp.yaml")
	text := "version: 1\nstateDir: " + filepath.ToSlash(filepath.Join(dir, "state")) + "\nsealKey: \"file:" + filepath.ToSlash(filepath.Join(dir, "seal.key")) + "\"\nauth: {mode: app, tenantId: 11111111-1111-4111-8111-111111111111, clientId: 22222222-2222-4222-8222-222222222222, clientSecret: 'env:CIPP_TEST_SECRET'}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for access, runs := range map[string]bool{"write": true, "read-only": false} {
		a, err := open(t.Context(), &globals{configFile: file, logLevel: "error"}, cloudFlags{access: access})
		if err != nil {
			t.Fatal(err)
		}
		loop, ok := a.env.Policy.Ledger.Dispatch.(*jobs.Loop)
		if !ok || loop.OnlyReads == runs {
			t.Errorf("%s: runs jobs that write: %v", access, ok && !loop.OnlyReads)
		}
		a.close()
	}
}

// A call waits for its job only so long; the job goes on by itself.
func TestALongJobAnswersWithItsID(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.invoker.FollowFor = 0
	a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "hideFromGal", true))
	id, _ := a.v["jobId"].(string)
	if a.v["status"] != "running" || id == "" || !strings.Contains(a.text, "cipp_get_job") {
		t.Fatalf("%s", a.text)
	}
	if j := w.ended(id); j.v["status"] != "done" || len(j.list("steps")) != 4 {
		t.Errorf("%s", j.text)
	}
}

// A client that makes its call again under the same key gets the answer of the first, in whatever process.
func TestACallIsMadeOnce(t *testing.T) {
	w := newWorld(t, worldOptions{})
	args := in(harbourline, "userId", dana, "idempotencyKey", "ticket-1")
	first := w.done("cipp_revoke_sessions", args).v["jobId"]
	before := w.state()
	again := w.done("cipp_revoke_sessions", args)
	if again.v["jobId"] != first || !strings.Contains(again.text, "nothing was executed now") {
		t.Errorf("%s", again.text)
	}
	w.unharmed(before)
	if other := w.done("cipp_revoke_sessions", and(args, "userId", priya)); other.v["jobId"] == first {
		t.Error("another user's call was taken for the same")
	}
}

// A job that was approved and not begun, since the process that made it died, is looked at again once its plan
// is older than a plan may be.
func TestAJobThatBeginsLateIsLookedAtAgain(t *testing.T) {
	w := newWorld(t, worldOptions{})
	id, _ := w.done("cipp_disable_user", in(harbourline, "userId", dana)).v["jobId"].(string)
	e, ctx := w.env.Policy, t.Context()
	j, err := e.Ledger.Job(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := w.env.Registry()[j.Kind](ctx, j.RunInfo)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Check(ctx, j, steps); err != nil {
		t.Errorf("at once: %v", err)
	}
	back := &policy.Engine{Config: e.Config, Graph: e.Graph, Sealer: e.Sealer, Ledger: e.Ledger, Clock: setBack{e.Clock}, Signatures: e.Signatures, Embedded: e.Embedded, Explain: e.Explain}
	if err := back.Check(ctx, j, steps); !errors.Is(err, policy.ErrChanged) {
		t.Errorf("a clock that was set back made it young again: %v", err)
	}
	w.sandbox.Advance(policy.PlanLifetime)
	if err := e.Check(ctx, j, steps); !errors.Is(err, policy.ErrChanged) || !errors.Is(err, jobs.ErrWithdrawn) {
		t.Errorf("what the plan showed holds no more: %v", err)
	}
}

// setBack is a clock that somebody set back by a day.
type setBack struct{ clock.Clock }

// Now is a day ago.
func (c setBack) Now() time.Time { return c.Clock.Now().Add(-24 * time.Hour) }
