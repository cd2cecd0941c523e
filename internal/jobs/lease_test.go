package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A process that was suspended for longer than its lease, or whose lease a jump of the clock ended,
// wakes up to find that another has finished the run: what it writes is refused, and it makes no
// further call.
func TestAZombieIsFencedOut(t *testing.T) {
	b := newBench(t)
	zombie, other := b.ledger(), b.ledger()
	steps := []Step{b.step("first", Verifiable), b.step("second", Blind)}
	out, on := make(chan struct{}), make(chan struct{})
	b.far["first"].act = func(n int, work func(time.Duration)) error {
		work(0)
		if n == 0 {
			close(out)
			<-on
		}
		return nil
	}
	b.create(zombie, "r", steps...)
	ended := make(chan error)
	go func() { ended <- b.worker(zombie, steps...).Work(context.Background(), "r") }()
	<-out
	setLeaseBack(b, other)
	if _, err := b.work(b.worker(other, steps...), "r"); err != nil {
		t.Fatal(err)
	}
	before := b.job(other, "r")
	wantStates(t, before, "done: first=done second=done")
	lines, err := other.store.Audit(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	close(on)
	if err := <-ended; !errors.Is(err, ErrFenced) || errors.Is(err, ErrStore) {
		t.Errorf("the zombie ended with %v", err)
	}
	wantStates(t, b.job(other, "r"), states(before))
	if after, err := other.store.Audit(t.Context(), "r"); err != nil || len(after) != len(lines) {
		t.Errorf("the zombie wrote %d lines (%v)", len(after)-len(lines), err)
	}
	if b.far["second"].calls != 1 || b.far["first"].effects != 1 {
		t.Error(b.calls)
	}
	verified(t, other)
}

func setLeaseBack(b *bench, l *Ledger) {
	err := l.store.Change(context.Background(), func(ctx context.Context, tx Tx) error {
		_, err := execute(ctx, tx, `UPDATE run SET lease_until = 1`)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// What a step keeps before its call is fenced too, so that a zombie that wakes there never calls.
func TestKeepIsFenced(t *testing.T) {
	b := newBench(t)
	zombie, other := b.ledger(), b.ledger()
	s := b.step("s", Verifiable)
	do, first, called := s.Do, true, 0
	s.Do = func(ctx context.Context, r *Run) (Handle, error) {
		if first {
			first = false
			setLeaseBack(b, other)
			if _, ok, err := other.Claim(ctx, "r"); !ok || err != nil {
				t.Errorf("not claimed: %v", err)
			}
		}
		if err := r.Keep(ctx, "was", 1); err != nil {
			return nil, err
		}
		called++
		return do(ctx, r)
	}
	b.create(zombie, "r", s)
	if _, err := b.work(b.worker(zombie, s), "r"); !errors.Is(err, ErrFenced) || called != 0 {
		t.Errorf("%v after %d calls", err, called)
	}
}

func TestNoCallIsMadeOnALapsedLease(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	first, second := b.step("first", Idempotent), b.step("second", Blind)
	b.create(l, "r", first, second)
	epoch, ok, err := l.Claim(t.Context(), "r")
	if err != nil || !ok {
		t.Fatal(err)
	}
	a := &advance{Worker: b.worker(l, first, second), lease: l.hold(t.Context(), "r", epoch)}
	job := b.job(l, "r")
	a.lease.until.Store(0) // it falls asleep between the intent and the call
	if err := a.do(t.Context(), job, job.Steps[1], second); !errors.Is(err, ErrFenced) {
		t.Error(err)
	}
	a.lease.stop()
	l.Let("r")
	wantStates(t, b.job(l, "r"), "running: first=pending second=pending")
	b.machine.add(LeaseTime)
	wantStates(t, b.drive("r", first, second), "done: first=done second=done")
	if b.far["second"].calls != 1 {
		t.Error(b.calls)
	}
}

func TestTheHeartBeatsWhileACallIsOut(t *testing.T) {
	b := newBench(t)
	l, other := b.ledger(), b.ledger()
	s := b.step("s", Verifiable)
	b.far["s"].act = func(_ int, work func(time.Duration)) error {
		for range 4 { // longer than the lease, in pieces shorter than it
			was := leaseOf(b, l)
			eventually(t, "the heart rests", func() bool { return b.machine.sleepers() == 1 })
			b.machine.add(LeaseTime / 3)
			eventually(t, "the heart beats", func() bool { return leaseOf(b, l) > was })
		}
		if _, ok, err := other.Claim(context.Background(), "r"); ok || err != nil {
			t.Errorf("somebody else could take it: %v", err)
		}
		work(0)
		return nil
	}
	b.create(l, "r", s)
	if _, err := b.work(b.worker(l, s), "r"); err != nil {
		t.Fatal(err)
	}
	wantStates(t, b.job(l, "r"), "done: s=done")
}

func leaseOf(b *bench, l *Ledger) (until int64) {
	if err := l.store.read.QueryRowContext(context.Background(), `SELECT lease_until FROM run`).Scan(&until); err != nil {
		b.t.Error(err)
	}
	return until
}

func TestARunIsNotClaimedTwice(t *testing.T) {
	b := newBench(t)
	l, other := b.ledger(), b.ledger()
	b.create(l, "r", b.step("s", Idempotent))
	epoch, ok, err := l.Claim(t.Context(), "r")
	if !ok || epoch != 1 || err != nil {
		t.Fatal(epoch, ok, err)
	}
	for name, l := range map[string]*Ledger{"the same process": l, "another": other} {
		if _, ok, err := l.Claim(t.Context(), "r"); ok || err != nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
	l.Let("r")
	if epoch, ok, err := l.Claim(t.Context(), "r"); !ok || epoch != 2 || err != nil {
		t.Errorf("its own, which it is no longer at work on: %d, %v, %v", epoch, ok, err)
	}
}

func TestOneOfManyClaimsWins(t *testing.T) {
	b := newBench(t)
	const processes, runs = 4, 20
	maker := b.ledger()
	for i := range runs { // two of each pair are about the same user
		at := b.cloud.Now().Add(time.Second)
		b.createWith(maker, NewRun{Run: &Run{ID: fmt.Sprintf("r%d", i), UserID: fmt.Sprintf("u%d", i/2)}, NotBefore: at}, b.step("s", Idempotent))
	}
	b.cloud.add(2 * time.Second)
	var all sync.WaitGroup
	var won [runs]atomic.Int32
	start := make(chan struct{})
	for range processes {
		l := b.ledger()
		all.Go(func() {
			<-start
			for i := range runs {
				switch _, ok, err := l.Claim(context.Background(), fmt.Sprintf("r%d", i)); {
				case err != nil:
					t.Error(err)
				case ok:
					won[i].Add(1)
				}
			}
		})
	}
	close(start)
	all.Wait()
	for i := 0; i < runs; i += 2 {
		if n, m := won[i].Load(), won[i+1].Load(); n+m != 1 {
			t.Errorf("the two runs of one user were claimed %d and %d times", n, m)
		}
	}
}

func TestTheDeadAreTakenOverFromAtOnce(t *testing.T) {
	b := newBench(t)
	l, alive, dead := b.ledger(), b.ledger(), b.ledger()
	b.create(l, "a", b.step("a", Idempotent))
	b.create(l, "d", b.step("d", Idempotent))
	for id, holder := range map[string]*Ledger{"a": alive, "d": dead} {
		if _, ok, err := holder.Claim(t.Context(), id); !ok || err != nil {
			t.Fatal(err)
		}
	}
	if found, err := l.reap(t.Context()); found || err != nil {
		t.Errorf("all live: %v, %v", found, err)
	}
	if err := dead.owner.lock.Unlock(); err != nil { // as the system does when a process ends
		t.Fatal(err)
	}
	if found, err := l.reap(t.Context()); !found || err != nil {
		t.Errorf("one is dead: %v, %v", found, err)
	}
	if _, err := os.Stat(l.owner.file(dead.owner.id)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its file is left: %v", err)
	}
	for id, want := range map[string]bool{"a": false, "d": true} {
		if _, ok, err := l.Claim(t.Context(), id); ok != want || err != nil {
			t.Errorf("%s: %v, %v", id, ok, err)
		}
	}
}

func TestAClockSetBackBeginsTheSettleTimeAnew(t *testing.T) {
	b := newBench(t)
	s := b.step("s", Verifiable)
	b.far["s"].act = func(n int, work func(time.Duration)) error {
		if n > 0 {
			work(0)
			return nil
		}
		crash()
		return nil
	}
	l := b.ledger()
	b.create(l, "r", s)
	b.work(b.worker(l, s), "r")
	b.machine.add(2 * LeaseTime)
	b.cloud.add(-24 * time.Hour)
	began := b.cloud.Now()
	wantStates(t, b.drive("r", s), "done: s=done")
	if waited := b.cloud.Now().Sub(began); waited < s.Settle || waited > 2*s.Settle || b.far["s"].effects != 1 {
		t.Errorf("waited %s, %d effects", waited, b.far["s"].effects)
	}
}

// A jump of the machine's clock ends every lease there is: whoever goes on, nothing happens twice.
func TestAClockThatJumpsAhead(t *testing.T) {
	b := newBench(t)
	l, other := b.ledger(), b.ledger()
	steps := []Step{b.step("first", Verifiable), b.step("second", Blind), b.step("third", Verifiable)}
	for _, name := range []string{"first", "third"} {
		b.far[name].act = func(_ int, work func(time.Duration)) error {
			work(0)
			b.machine.add(time.Hour)
			_, err := other.due(context.Background(), 1, false)
			return err
		}
	}
	b.create(l, "r", steps...)
	for i := range 10 {
		from := []*Ledger{l, other}[i%2]
		if _, err := b.work(b.worker(from, steps...), "r"); err != nil && !errors.Is(err, ErrFenced) {
			t.Fatal(err)
		}
		b.machine.add(LeaseTime)
		b.cloud.add(time.Minute)
	}
	wantStates(t, b.job(l, "r"), "done: first=done second=done third=done")
	if len(b.calls) != len(steps) {
		t.Error(b.calls)
	}
	verified(t, l)
}

func TestWhatIsKeptOutlivesTheProcess(t *testing.T) {
	b := newBench(t)
	s := b.step("s", Idempotent)
	world, first := "before", true
	s.Do = func(ctx context.Context, r *Run) (Handle, error) {
		was, err := KeepBefore(ctx, func(context.Context) (string, error) { return world, nil })
		if err != nil {
			return nil, err
		}
		if err := errors.Join(r.Put("put", "lost"), r.Keep(ctx, "kept", was)); err != nil {
			return nil, err
		}
		world = "after"
		if first {
			first = false
			crash()
		}
		return nil, r.Put("put", was)
	}
	s.Verify = func(_ context.Context, r *Run) (Outcome, error) {
		var kept, put string
		if r.Get("kept", &kept); kept != "before" {
			t.Errorf("kept %q", kept)
		}
		if r.Get("put", &put); put != "before" {
			t.Errorf("put %q", put)
		}
		return Done, nil
	}
	run := &Run{ID: "r"}
	if err := run.Put("planned", 7); err != nil {
		t.Fatal(err)
	}
	b.createWith(b.ledger(), NewRun{Run: run}, s)
	j := b.drive("r", s)
	wantStates(t, j, "done: s=done")
	var planned int
	if !j.Run.Get("planned", &planned) || planned != 7 {
		t.Errorf("the plan's value is %d", planned)
	}
	var before string
	if !j.Run.Before("s", &before) || before != "before" {
		t.Errorf("what the step found before is %q", before)
	}
	looks := 0
	for range 2 {
		got, err := Found(t.Context(), j.Run, "groups", func(context.Context) ([]string, error) { looks++; return []string{"a"}, nil })
		if err != nil || len(got) != 1 || got[0] != "a" || looks != 1 {
			t.Errorf("found %v after %d looks: %v", got, looks, err)
		}
	}
	loose := &Run{}
	if was, err := KeepBefore(t.Context(), func(context.Context) (int, error) { return 3, nil }); err != nil || was != 3 || loose.Keep(t.Context(), "a", 1) != nil || loose.HandleOf("s") != nil || RequestID(t.Context()) != "" {
		t.Errorf("without a ledger: %d, %v", was, err)
	}
}

// A step that is not called again is read back with what it kept before its call.
func TestVerifyHasWhatADeadProcessKept(t *testing.T) {
	b := newBench(t)
	s := b.step("s", Verifiable)
	do, verify := s.Do, s.Verify
	b.far["s"].act = func(_ int, work func(time.Duration)) error { work(0); crash(); return nil }
	s.Do = func(ctx context.Context, r *Run) (Handle, error) {
		if err := r.Keep(ctx, "was", "before"); err != nil {
			return nil, err
		}
		return do(ctx, r)
	}
	s.Verify = func(ctx context.Context, r *Run) (Outcome, error) {
		var was string
		if r.Get("was", &was); was != "before" {
			t.Errorf("kept %q", was)
		}
		return verify(ctx, r)
	}
	b.create(b.ledger(), "r", s)
	wantStates(t, b.drive("r", s), "done: s=done")
}

// A full disk: the intent cannot be written, so no call is made, and what failed is said to be the
// ledger and not another process. Afterwards the run goes on.
func TestNoIntentNoCall(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	s := b.step("s", Idempotent)
	b.create(l, "r", s)
	ctx := t.Context()
	var pages int
	if err := l.store.write.QueryRowContext(ctx, `PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if err := l.store.write.QueryRowContext(ctx, `PRAGMA max_page_count = `+strconv.Itoa(pages)).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	fill := func(size int) error { // what is left in the pages there are
		return l.store.Change(ctx, func(ctx context.Context, tx Tx) error {
			return audit(ctx, tx, "", b.cloud.Now(), "filler", Event{Detail: strings.Repeat("x", size)})
		})
	}
	for _, size := range []int{1000, 100, 1} {
		full := false
		for range 1000 {
			if err := fill(size); err != nil {
				full = errors.Is(err, ErrStore) && strings.Contains(err.Error(), "full")
				break
			}
		}
		if !full {
			t.Fatal("the file does not fill up")
		}
	}
	_, err := b.work(b.worker(l, s), "r")
	if !errors.Is(err, ErrStore) || errors.Is(err, ErrFenced) || b.far["s"].calls != 0 {
		t.Errorf("%v after %d calls", err, b.far["s"].calls)
	}
	if err := l.store.write.QueryRowContext(ctx, `PRAGMA max_page_count = 100000`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if _, err := b.work(b.worker(l, s), "r"); err != nil {
		t.Fatal(err)
	}
	wantStates(t, b.job(l, "r"), "done: s=done")
	verified(t, l)
}
