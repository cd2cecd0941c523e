package jobs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cipp-mcp/internal/clock"
)

func riverBench(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.at = placeOf(t, onRiver)
	return b
}

func TestRiverNeedsPostgreSQL(t *testing.T) {
	b := newBench(t)
	if _, err := NewRiver(t.Context(), b.ledger(), 1, nil); err == nil {
		t.Error("it takes a SQLite file")
	}
}

// A run and its nudge are made together or not at all.
func TestANudgeIsInTheTransactionOfItsRun(t *testing.T) {
	b := riverBench(t)
	l := b.ledger()
	s := b.step("s", Idempotent)
	queued := func() (n int) {
		if err := l.store.read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM river_job WHERE state = 'available' AND queue = ?`, riverQueue).Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	b.create(l, "r", s)
	b.createWith(l, NewRun{Run: &Run{ID: "later"}, NotBefore: b.cloud.Now().Add(time.Hour)}, s)
	if n := queued(); n != 1 {
		t.Fatalf("%d nudges for one run that is due", n)
	}
	no := errors.New("no")
	err := l.store.Change(t.Context(), func(ctx context.Context, tx Tx) error {
		if err := l.insert(ctx, tx, NewRun{Run: &Run{ID: "undone"}}); err != nil {
			return err
		}
		return errors.Join(l.Dispatch.Enqueue(ctx, tx, "undone", time.Time{}), no)
	})
	if n := queued(); n != 1 || !errors.Is(err, no) || errors.Is(err, ErrStore) {
		t.Errorf("%d nudges, %v", n, err)
	}
}

// The sweep nudges a due run once, again when that nudge is lost, and not while it waits in the queue.
func TestTheSweepNudgesWhatIsForgotten(t *testing.T) {
	b := riverBench(t)
	l := b.ledger()
	r := l.Dispatch.(*River)
	s := b.step("s", Idempotent)
	b.createWith(l, NewRun{Run: &Run{ID: "r"}, NotBefore: b.cloud.Now().Add(time.Hour)}, s)
	swept := func(want int, when string) {
		t.Helper()
		var n int
		serr := r.sweep(t.Context())
		err := l.store.read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM river_job`).Scan(&n)
		if serr != nil || err != nil || n != want {
			t.Fatalf("%s: %d nudges, not %d (%v, %v)", when, n, want, serr, err)
		}
	}
	queue := func(statement string) {
		t.Helper()
		if _, err := l.store.write.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	swept(0, "it is not due")
	b.cloud.add(time.Hour)
	swept(1, "it is due")
	swept(1, "it was nudged")
	b.machine.add(nudgeTime)
	swept(1, "its nudge waits")
	queue(`UPDATE river_job SET state = 'running'`)
	swept(2, "its nudge is lost")
	queue(`UPDATE river_job SET state = 'running'`)
	swept(2, "it was nudged again")
	epoch, ok, err := l.Claim(t.Context(), "r")
	if !ok || err != nil {
		t.Fatal(err)
	}
	b.machine.add(nudgeTime)
	swept(2, "it is at work here")
	b.machine.add(LeaseTime)
	other := b.ledger()
	l.Let("r") // and is as good as dead
	r = other.Dispatch.(*River)
	swept(3, "its lease has run out")
	if j := b.job(l, "r"); j.Epoch != epoch {
		t.Errorf("the sweep took it: epoch %d", j.Epoch)
	}
}

// A nudge in vain does not keep the sweep from its run.
func TestANudgeInVainIsForgotten(t *testing.T) {
	b := riverBench(t)
	l := b.ledger()
	r := l.Dispatch.(*River)
	b.create(l, "r", b.step("s", Idempotent))
	r.advance = func(context.Context, string) error { return nil } // somebody else was first
	r.follow(t.Context(), "r")
	if ids, err := r.forgotten(t.Context(), l.store.read); err != nil || len(ids) != 1 {
		t.Errorf("%v, %v", ids, err)
	}
}

func TestRiverBacksOffFromWhatFails(t *testing.T) {
	b := riverBench(t)
	l := b.ledger()
	var failed atomic.Int32
	p := b.dispatcher(l, 1, func(string, error) { failed.Add(1) })
	b.create(l, "r", b.step("s", Idempotent))
	running(t, p, func(context.Context, string) error { return errors.Join(ErrStore, errRefused) })
	const most = 6
	for n := int32(1); n < most; n = failed.Load() {
		eventually(t, "it fails, and backs off", func() bool { return failed.Load() >= n && b.machine.sleepers() == 2 }) // with the ticks
		b.machine.add(10 * time.Second)
		eventually(t, "it tries again", func() bool { return failed.Load() > n })
	}
	var pauses []time.Duration
	b.machine.mu.Lock()
	for _, d := range b.machine.naps {
		if d != pollTime {
			pauses = append(pauses, d)
		}
	}
	b.machine.mu.Unlock()
	if len(pauses) < most-1 || !slices.IsSorted(pauses) || pauses[len(pauses)-1] < 800*time.Millisecond {
		t.Errorf("it paused for %v", pauses)
	}
}

// A slice that is over hands the run back, and it goes on with the next nudge.
func TestARunGoesOnAfterItsSlice(t *testing.T) {
	b := riverBench(t)
	l := b.ledgerWith(clock.System{}, clock.System{})
	first, second := b.step("first", Idempotent), b.step("second", Idempotent)
	w := b.worker(l, first, second)
	var nudges atomic.Int32
	p := b.dispatcher(l, 1, b.noFailure)
	running(t, p, func(ctx context.Context, id string) error {
		ctx, over := context.WithCancel(ctx)
		defer over()
		if nudges.Add(1) == 1 {
			b.far["first"].act = func(_ int, work func(time.Duration)) error { over(); work(0); return nil }
		}
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > sliceTime {
			t.Errorf("a slice is until %s", deadline)
		}
		return w.Work(ctx, id)
	})
	b.create(l, "r", first, second)
	wantStates(t, wait(t, l, "r"), "done: first=done second=done")
	if n := nudges.Load(); n != 2 || len(b.calls) != 2 {
		t.Errorf("%d slices, calls %v", n, b.calls)
	}
}

// River's own troubles are told, in words that name them.
func TestRiversTroublesAreTold(t *testing.T) {
	b := riverBench(t)
	l := b.ledgerWith(clock.System{}, clock.System{})
	told, once := make(chan error), sync.Once{}
	p := b.dispatcher(l, 1, func(_ string, err error) {
		if strings.HasPrefix(err.Error(), "River: ") {
			once.Do(func() { told <- err })
		}
	})
	running(t, p, func(context.Context, string) error { panic("oh") })
	b.create(l, "r", b.step("s", Idempotent))
	if err := <-told; !strings.Contains(err.Error(), "oh") {
		t.Error(err)
	}
}
