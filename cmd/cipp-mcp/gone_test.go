//go:build !windows

package main

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/mcpserver"
	"cipp-mcp/internal/policy"
	"cipp-mcp/tools"
)

// asksFor makes a call of cipp_disable_user on Dana, as long as ctx lasts.
func (b *bureau) asksFor(ctx context.Context, a *app, more ...any) mcpserver.Outcome {
	b.t.Helper()
	d, _ := tools.ByName("cipp_disable_user")
	args, err := json.Marshal(in(harbourline, append([]any{"userId", dana, "revokeSessions", true}, more...)...))
	b.fatal(err)
	return a.invoker.Invoke(ctx, d, args, mcpserver.Caller{Name: "test"})
}

// A client that goes away while its call is planned, at whatever request, has nothing begun in its name.
func TestNothingBeginsForAClientThatIsGone(t *testing.T) {
	b := newBureau(t)
	a := b.opens()
	defer a.close()
	planned := b.asksFor(t.Context(), a).Result.(*tools.WriteResult)
	requests := 0
	b.watch(func(string) { requests++ })
	token := b.asksFor(t.Context(), a, "planToken", planned.PlanToken, "dryRun", true).Result.(*tools.WriteResult).PlanToken // the same requests
	b.watch(nil)
	if requests < 3 {
		t.Fatalf("%d requests", requests)
	}
	for at := range requests {
		ctx, leave := context.WithCancel(t.Context())
		n := 0
		b.watch(func(string) {
			if n == at {
				leave()
			}
			n++
		})
		if out := b.asksFor(ctx, a, "planToken", token); out.Problem == nil {
			t.Errorf("gone at request %d: %+v", at+1, out.Result)
		}
		b.watch(nil)
		leave()
	}
	rows, err := a.env.Policy.Ledger.Jobs(t.Context(), "", "", 10)
	if err != nil || len(rows) > 0 || b.changes() > 0 {
		t.Errorf("%d jobs, %d changes, %v", len(rows), b.changes(), err)
	}
	if r, ok := b.asksFor(t.Context(), a, "planToken", token).Result.(*tools.WriteResult); !ok || r.Status != "done" {
		t.Errorf("and when the client stays: %+v", r)
	}
}

// What had begun when the client went away is finished.
func TestWhatHadBegunIsFinished(t *testing.T) {
	b := newBureau(t)
	a := b.opens()
	defer a.close()
	token := b.asksFor(t.Context(), a).Result.(*tools.WriteResult).PlanToken
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	b.watch(func(exchange string) {
		if strings.Contains(exchange, `"method":"PATCH"`) {
			leave()
		}
	})
	b.asksFor(ctx, a, "planToken", token)
	b.watch(nil)
	if ctx.Err() == nil {
		t.Fatal("the client never went away")
	}
	rows, err := a.env.Policy.Ledger.Jobs(t.Context(), "", "", 10)
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d jobs, %v", len(rows), err)
	}
	wait, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	j, err := a.env.Policy.Ledger.Wait(wait, rows[0].Run.ID, nil)
	if err != nil || j.State != jobs.RunDone || len(j.Steps) != 2 || b.changes() != 1 {
		t.Errorf("%v, %d changes: %s%s", err, b.changes(), j.State, states(j))
	}
}

// Of several approvals of one job, one lets it begin, and it runs once.
func TestOneJobApprovedByMany(t *testing.T) {
	w := newWorld(t, empowered(t, func(m) {}))
	id := w.held("cipp_disable_user", in(harbourline, "userId", admin))
	sig := w.signs(id)
	errs := make(chan error, 8)
	var all sync.WaitGroup
	for range cap(errs) {
		all.Go(func() { errs <- w.env.Policy.Approve(t.Context(), id, policy.Operator, sig) })
	}
	all.Wait()
	close(errs)
	good := 0
	for err := range errs {
		if err == nil {
			good++
		}
	}
	if j := w.ended(id); good != 1 || j.v["status"] != "done" {
		t.Errorf("%d approvals counted: %s", good, j.text)
	}
	told := map[string]int{}
	lines, err := w.env.Policy.Ledger.Store().Audit(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		var e jobs.Event
		if err := json.Unmarshal(l.What, &e); err != nil {
			t.Fatal(err)
		}
		told[e.Event]++
	}
	if told["approved"] != 1 || told["intent"] != 1 {
		t.Errorf("%v", told)
	}
}
