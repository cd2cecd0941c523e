package jobs

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestCancelBetweenSteps(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	first, second := b.step("first", Verifiable), b.step("second", Idempotent)
	b.far["first"].act = func(_ int, work func(time.Duration)) error {
		if err := l.Cancel(context.Background(), "r", "somebody"); err != nil {
			return err
		}
		work(10 * time.Second) // it was sent, so it is looked after until it is seen
		return nil
	}
	b.create(l, "r", first, second)
	wantStates(t, b.drive("r", first, second), "cancelled: first=done second=cancelled")
	if err := errors.Join(l.Cancel(t.Context(), "r", "somebody"), l.Retry(t.Context(), "r", "somebody")); err != nil {
		t.Fatal(err)
	}
	wantStates(t, b.drive("r", first, second), "done: first=done second=done")
	if b.far["first"].calls != 1 {
		t.Error(b.calls)
	}
}

func TestACancelledRunRepeatsNothing(t *testing.T) {
	for _, class := range []Class{Idempotent, Verifiable} {
		t.Run(class.String(), func(t *testing.T) {
			b := newBench(t)
			l := b.ledger()
			s := b.step("s", class)
			b.far["s"].act = func(int, func(time.Duration)) error {
				return errors.Join(errLost, l.Cancel(context.Background(), "r", "somebody"))
			}
			b.create(l, "r", s)
			wantStates(t, b.drive("r", s), "attention: s=failed")
			if b.far["s"].calls != 1 {
				t.Error(b.calls)
			}
		})
	}
}

func TestACancelThatComesBeforeTheIntentStopsTheCall(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	s := b.step("s", Blind)
	b.create(l, "r", s)
	w := b.worker(l, s)
	w.Registry["test"] = func(ctx context.Context, _ RunInfo) ([]Step, error) { // after the worker has read the run
		return []Step{s}, l.Cancel(ctx, "r", "somebody")
	}
	if _, err := b.work(w, "r"); err != nil {
		t.Fatal(err)
	}
	wantStates(t, b.job(l, "r"), "cancelled: s=cancelled")
}

func TestAScheduledRunIsCancelledAtOnce(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	s := b.step("s", Idempotent)
	b.createWith(l, NewRun{Run: &Run{ID: "r"}, NotBefore: b.cloud.Now().Add(time.Hour)}, s)
	w := b.worker(l, s)
	if _, err := b.work(w, "r"); err != nil || b.job(l, "r").State != RunQueued {
		t.Fatalf("not waited for its time: %v", err)
	}
	if err := l.Cancel(t.Context(), "r", "somebody"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.work(w, "r"); err != nil {
		t.Fatal(err)
	}
	wantStates(t, b.job(l, "r"), "cancelled: s=cancelled")
}

func TestRetry(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	bad, child, slow, blind := b.step("bad", Idempotent), b.step("child", Idempotent, "bad"), b.step("slow", Async), b.step("blind", Blind)
	b.far["bad"].act = func(n int, work func(time.Duration)) error {
		if n == 0 {
			return errRefused
		}
		work(0)
		return nil
	}
	b.far["blind"].act = func(int, func(time.Duration)) error { return errLost }
	seen := false
	slow.Verify = func(context.Context, *Run) (Outcome, error) {
		if seen {
			return Done, nil
		}
		return Pending, nil
	}
	steps := []Step{bad, child, slow, blind}
	b.create(l, "r", steps...)
	if err := l.Retry(t.Context(), "r", "somebody"); !errors.Is(err, ErrNotEnded) {
		t.Errorf("a run at work was retried: %v", err)
	}
	wantStates(t, b.drive("r", steps...), "attention: bad=failed child=skipped slow=accepted blind=unknown")
	seen = true
	if err := l.Retry(t.Context(), "r", "somebody"); err != nil {
		t.Fatal(err)
	}
	wantStates(t, b.drive("r", steps...), "attention: bad=done child=done slow=done blind=unknown")
	if b.far["blind"].calls != 1 || b.far["slow"].calls != 1 || b.far["bad"].calls != 2 {
		t.Error(b.calls)
	}
	if err := l.Retry(t.Context(), "none", "somebody"); !errors.Is(err, ErrNoRun) {
		t.Error(err)
	}
}

func TestResolve(t *testing.T) {
	for verdict, want := range map[Verdict]string{
		VerdictDone: "done: mail=done after=done later=done",
		VerdictRedo: "done: mail=done after=done later=done",
		VerdictSkip: "attention: mail=skipped after=skipped later=skipped",
	} {
		t.Run(string(verdict), func(t *testing.T) {
			b := newBench(t)
			l := b.ledger()
			steps := []Step{b.step("mail", Blind), b.step("after", Idempotent, "mail"), b.step("later", Idempotent, "after")}
			b.far["mail"].act = func(n int, work func(time.Duration)) error {
				if n == 0 {
					return errLost
				}
				work(0)
				return nil
			}
			b.create(l, "r", steps...)
			wantStates(t, b.drive("r", steps...), "attention: mail=unknown after=skipped later=skipped")
			if err := l.Resolve(t.Context(), "r", "after", verdict, "anna"); !errors.Is(err, ErrNotOpen) {
				t.Errorf("a step that is not unknown was resolved: %v", err)
			}
			if err := l.Resolve(t.Context(), "r", "nothing", verdict, "anna"); !errors.Is(err, ErrNoStep) {
				t.Error(err)
			}
			if err := l.Resolve(t.Context(), "r", "mail", "perhaps", "anna"); err == nil {
				t.Error("any word will do")
			}
			if err := l.Resolve(t.Context(), "r", "mail", verdict, "anna"); err != nil {
				t.Fatal(err)
			}
			wantStates(t, b.drive("r", steps...), want)
			lines, err := l.store.Audit(t.Context(), "r")
			told := false
			for _, line := range lines {
				told = told || line.Who == "anna"
			}
			if err != nil || !told {
				t.Errorf("the audit does not say who: %v", err)
			}
		})
	}
}

func TestARunThatIsTooLateAsks(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	s := b.step("s", Idempotent)
	b.createWith(l, NewRun{Run: &Run{ID: "r"}, Deadline: b.cloud.Now().Add(time.Hour)}, s)
	b.cloud.add(2 * time.Hour)
	wantStates(t, b.drive("r", s), "attention: s=pending")
	if err := l.Retry(t.Context(), "r", "anna"); err != nil {
		t.Fatal(err)
	}
	wantStates(t, b.drive("r", s), "done: s=done")
}

func TestStepsThatCannotBeRebuilt(t *testing.T) {
	old := func(b *bench) []Step { return []Step{b.step("old", Idempotent), b.step("s", Idempotent)} }
	t.Run("a step this version does not know", func(t *testing.T) {
		b := newBench(t)
		steps := old(b)
		b.create(b.ledger(), "r", steps...)
		wantStates(t, b.drive("r", steps[1]), "attention: old=failed s=done")
	})
	t.Run("one that was begun", func(t *testing.T) {
		b := newBench(t)
		steps := old(b)
		b.far["old"].act = func(int, func(time.Duration)) error { crash(); return nil }
		l := b.ledger()
		b.create(l, "r", steps...)
		b.work(b.worker(l, steps...), "r")
		b.machine.add(LeaseTime)
		wantStates(t, b.drive("r", steps[1]), "attention: old=unknown s=done")
	})
	rebuild := func(t *testing.T, make func(n int) error, change func(*Worker), want string) {
		b := newBench(t)
		steps := old(b)
		l := b.ledger()
		b.create(l, "r", steps...)
		w, n := b.worker(l, steps...), 0
		w.Registry["test"] = func(context.Context, RunInfo) ([]Step, error) { n++; return steps, make(n) }
		change(w)
		for range 20 {
			if _, err := b.work(w, "r"); err != nil {
				t.Fatal(err)
			}
			b.cloud.add(time.Hour)
		}
		wantStates(t, b.job(l, "r"), want)
	}
	same := func(*Worker) {}
	t.Run("a passing failure", func(t *testing.T) {
		rebuild(t, func(n int) error {
			if n < 4 {
				return errLost
			}
			return nil
		}, same, "done: old=done s=done")
	})
	t.Run("a lasting one", func(t *testing.T) {
		rebuild(t, func(int) error { return errLost }, same, "attention: old=pending s=pending")
	})
	t.Run("withdrawn", func(t *testing.T) {
		rebuild(t, func(n int) error {
			if n == 1 {
				return ErrWithdrawn
			}
			return nil
		}, same, "attention: old=pending s=pending")
	})
	t.Run("a kind nobody knows", func(t *testing.T) {
		rebuild(t, func(int) error { return nil }, func(w *Worker) { w.Registry = nil }, "attention: old=pending s=pending")
	})
	t.Run("a registry that panics", func(t *testing.T) {
		rebuild(t, func(int) error { panic("oh") }, same, "attention: old=pending s=pending")
	})
}

func TestOneRunOfAKindOnASubject(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	s := b.step("s", Async)
	s.Verify = func(context.Context, *Run) (Outcome, error) { return Pending, nil }
	make := func(id string, at time.Time) error {
		return l.Create(t.Context(), NewRun{Run: &Run{ID: id, Tool: "test", TenantID: "tenant", UserID: "user"}, NotBefore: at, Steps: []Step{s}, Changes: make([]Change, 1)})
	}
	if err := make("a", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := make("b", time.Time{}); !errors.Is(err, ErrRunBusy) {
		t.Errorf("two at once: %v", err)
	}
	if err := make("c", b.cloud.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	w := b.worker(l, s)
	if _, err := b.work(w, "a"); err != nil {
		t.Fatal(err)
	}
	b.cloud.add(2 * time.Second)
	if _, err := b.work(w, "c"); err != nil || b.job(l, "c").State != RunQueued {
		t.Errorf("it did not wait for the other: %v", err)
	}
	b.drive("a", s)
	if _, err := b.work(w, "c"); err != nil || b.job(l, "c").State != RunRunning {
		t.Errorf("it waits for ever: %v", err)
	}
}

func TestAParentEndsWithItsChildren(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	good, bad := b.step("good", Idempotent), b.step("bad", Idempotent)
	b.far["bad"].act = func(n int, _ func(time.Duration)) error { return errRefused }
	b.createWith(l, NewRun{Run: &Run{ID: "bulk"}, NotBefore: b.cloud.Now().Add(time.Second)})
	b.createWith(l, NewRun{Run: &Run{ID: "c1"}, ParentID: "bulk"}, good)
	b.createWith(l, NewRun{Run: &Run{ID: "c2"}, ParentID: "bulk"}, bad)
	b.cloud.add(time.Second)
	w := b.worker(l, good, bad)
	for _, step := range []struct{ work, want string }{{"bulk", RunRunning}, {"c1", RunRunning}, {"bulk", RunRunning}, {"c2", RunRunning}, {"bulk", RunAttention}} {
		if _, err := b.work(w, step.work); err != nil {
			t.Fatal(err)
		}
		if j := b.job(l, "bulk"); j.State != step.want {
			t.Errorf("after %s the parent is %s", step.work, j.State)
		}
	}
	if n, err := l.Children(t.Context(), "bulk"); err != nil || n[RunDone] != 1 || n[RunAttention] != 1 {
		t.Errorf("%v, %v", n, err)
	}
	all, err := l.Jobs(t.Context(), "", "", 10)
	if done, derr := l.Jobs(t.Context(), RunDone, "", 10); err != nil || derr != nil || len(all) != 3 || len(done) != 1 {
		t.Errorf("%d and %d runs, %v, %v", len(all), len(done), err, derr)
	}
}

// A cancel reaches what waits for the operator below a run, and what is below that, and nothing else.
func TestACancelReachesAllThatIsBelow(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	s := b.step("s", Idempotent)
	b.createWith(l, NewRun{Run: &Run{ID: "top"}}, s)
	b.createWith(l, NewRun{Run: &Run{ID: "held"}, ParentID: "top", Held: true}, s)
	b.createWith(l, NewRun{Run: &Run{ID: "child"}, ParentID: "top"}, s)
	b.createWith(l, NewRun{Run: &Run{ID: "grandchild"}, ParentID: "child"}, s)
	b.createWith(l, NewRun{Run: &Run{ID: "other"}}, s)
	if err := l.Cancel(t.Context(), "top", "somebody"); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"top", "child", "grandchild"} {
		if j := b.job(l, id); !j.Cancelled {
			t.Errorf("%s was not reached", id)
		}
	}
	if j := b.job(l, "held"); j.State != RunCancelled {
		t.Errorf("what waits for the operator is %s", j.State)
	}
	if b.job(l, "other").Cancelled {
		t.Error("another run was cancelled")
	}
}

// A parent that is retried for the sake of its runs looks after them again, and leaves its own steps that are done alone:
// what they did may have been changed since by somebody else, and some cannot be read back.
func TestAParentIsRetriedForItsChildrenAlone(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	mail, rows, bad := b.step("mail", Blind), b.step("rows", Idempotent), b.step("bad", Idempotent)
	rows.Verify = func(ctx context.Context, run *Run) (Outcome, error) {
		n, err := l.Children(ctx, run.ID)
		if n[RunQueued]+n[RunRunning] > 0 {
			return Pending, err
		}
		return Done, err
	}
	refuse := true
	b.far["bad"].act = func(_ int, work func(time.Duration)) error {
		if refuse {
			return errRefused
		}
		work(0)
		return nil
	}
	b.createWith(l, NewRun{Run: &Run{ID: "parent"}}, mail, rows)
	b.createWith(l, NewRun{Run: &Run{ID: "child"}, ParentID: "parent"}, bad)
	w := b.worker(l, mail, rows, bad)
	both := func() {
		t.Helper()
		for range 2 {
			for _, id := range []string{"child", "parent"} {
				if _, err := b.work(w, id); err != nil {
					t.Fatal(err)
				}
			}
			b.cloud.add(time.Minute)
		}
	}
	both()
	wantStates(t, b.job(l, "parent"), "attention: mail=done rows=done")
	refuse = false
	if n, err := l.RetryChildren(t.Context(), "parent", "rows", "somebody", false); n != 1 || err != nil {
		t.Fatalf("%d %v", n, err)
	}
	wantStates(t, b.job(l, "parent"), "queued: mail=done rows=accepted")
	both()
	wantStates(t, b.job(l, "parent"), "done: mail=done rows=done")
	if n := strings.Count(strings.Join(b.calls, " "), "mail"); n != 1 {
		t.Errorf("called %v", b.calls)
	}
}
