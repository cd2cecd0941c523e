package jobs

import (
	"errors"
	"testing"
	"time"
)

// A held run begins when it is released, once, and only in its time.
func TestAHeldRunWaitsForItsApproval(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	s := b.step("s", Idempotent)
	for _, id := range []string{"yes", "no", "late", "gone"} {
		b.createWith(l, NewRun{Run: &Run{ID: id}, Held: true}, s)
	}
	w := b.worker(l, s)
	b.work(w, "yes")
	if j := b.job(l, "yes"); j.State != RunHeld || len(b.calls) != 0 || j.Ended() {
		t.Fatalf("%s, calls %v", j.State, b.calls)
	}
	ctx := t.Context()
	if err := l.Release(ctx, "yes", "anna", "anna at the terminal", "sig"); err != nil {
		t.Fatal(err)
	}
	if err := l.Release(ctx, "yes", "anna", "again", ""); !errors.Is(err, ErrNotHeld) {
		t.Errorf("a second approval: %v", err)
	}
	b.work(w, "yes")
	if j := b.job(l, "yes"); j.State != RunDone || j.Approval != "anna at the terminal" || j.Proof != "sig" {
		t.Errorf("%s %q", j.State, j.Approval)
	}
	if err := l.Deny(ctx, "no", "anna", "wrong person"); err != nil {
		t.Fatal(err)
	}
	if err := l.Cancel(ctx, "gone", "anna"); err != nil {
		t.Fatal(err)
	}
	b.cloud.add(HoldTime + time.Second)
	if err := l.Release(ctx, "late", "anna", "x", ""); !errors.Is(err, ErrExpired) {
		t.Errorf("late: %v", err)
	}
	for _, id := range []string{"no", "gone"} {
		if err := l.Release(ctx, id, "anna", "x", ""); !errors.Is(err, ErrNotHeld) || b.job(l, id).State != RunCancelled {
			t.Errorf("%s: %v %s", id, err, b.job(l, id).State)
		}
	}
	if _, err := l.Store().Verify(ctx); err != nil {
		t.Error(err)
	}
}

// The last of a grant is used once, however many ask for it; what is spent, revoked or old makes no run.
func TestAGrantIsUsedUp(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	ctx := t.Context()
	s := b.step("s", Idempotent)
	make := func(id, grant string) error {
		return l.Create(ctx, NewRun{Run: &Run{ID: id}, Kind: "k", Grant: grant, Steps: []Step{s}, Changes: []Change{{Summary: "x"}}})
	}
	for _, g := range []Grant{{ID: "one", Quota: 1, Expires: b.cloud.Now().Add(time.Hour)}, {ID: "old", Quota: 1, Expires: b.cloud.Now()}, {ID: "away", Quota: 9, Expires: b.cloud.Now().Add(time.Hour)}} {
		if err := l.AddGrant(ctx, g, "anna"); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(l.RevokeGrant(ctx, "away", "anna"), make("r1", "one")); err != nil {
		t.Fatal(err)
	}
	for _, g := range []string{"one", "old", "away", "unknown"} {
		if err := make("r2", g); !errors.Is(err, ErrGrantSpent) {
			t.Errorf("%s: %v", g, err)
		}
	}
	if err := l.RevokeGrant(ctx, "away", "anna"); !errors.Is(err, ErrNoGrant) {
		t.Errorf("revoked twice: %v", err)
	}
	all, err := l.Grants(ctx)
	if err != nil || len(all) != 3 || all[0].Left(b.cloud.Now()) || all[2].ID != "old" {
		t.Errorf("%v %v", all, err)
	}
}

// A freeze holds back the next call of every run until it is lifted.
func TestAFreezeStopsTheNextCall(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	ctx := t.Context()
	first, second := b.step("first", Idempotent), b.step("second", Idempotent)
	b.far["first"].act = func(_ int, work func(time.Duration)) error {
		work(0)
		return l.Freeze(ctx, "anna", "something is wrong")
	}
	b.create(l, "r", first, second)
	w := b.worker(l, first, second)
	b.work(w, "r")
	if f, err := l.Frozen(ctx); err != nil || f == nil || f.Why != "something is wrong" {
		t.Fatalf("%v %v", f, err)
	}
	b.cloud.add(thaw)
	b.work(w, "r")
	if len(b.calls) != 1 || b.job(l, "r").Ended() {
		t.Fatalf("calls %v", b.calls)
	}
	if err := l.Unfreeze(ctx, "anna"); err != nil {
		t.Fatal(err)
	}
	b.work(w, "r")
	wantStates(t, b.job(l, "r"), "done: first=done second=done")
	if f, err := l.Frozen(ctx); err != nil || f != nil {
		t.Errorf("%v %v", f, err)
	}
}

// A call that is made again under the same key makes no second run.
func TestOneRunForOneCall(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	s := b.step("s", Idempotent)
	b.createWith(l, NewRun{Run: &Run{ID: "r"}, CallKey: "key"}, s)
	if err := l.Create(t.Context(), NewRun{Run: &Run{ID: "r2"}, Kind: "k", CallKey: "key"}); !errors.Is(err, ErrRunKnown) {
		t.Errorf("%v", err)
	}
	if id, err := l.ByKey(t.Context(), "key"); id != "r" || err != nil {
		t.Errorf("%q %v", id, err)
	}
	if id, err := l.ByKey(t.Context(), ""); id != "" || err != nil {
		t.Errorf("no key: %q %v", id, err)
	}
}
