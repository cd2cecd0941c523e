package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cipp-mcp/internal/clock"
)

// dispatcher is the one of the place that the bench's ledgers lie in.
func (b *bench) dispatcher(l *Ledger, workers int, failed func(id string, err error)) Dispatcher {
	b.t.Helper()
	p, err := b.at.dispatcher(b.t.Context(), l, workers, failed)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

func (b *bench) noFailure(id string, err error) { b.t.Errorf("%s: %v", id, err) }

// looping runs a ledger's dispatcher until the test ends.
func (b *bench) looping(l *Ledger, workers int, w *Worker) {
	b.t.Helper()
	running(b.t, b.dispatcher(l, workers, b.noFailure), w.Work)
}

func running(t *testing.T, p Dispatcher, work func(context.Context, string) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var over sync.WaitGroup
	over.Go(func() {
		if err := p.Run(ctx, work); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); over.Wait() })
}

func wait(t *testing.T, l *Ledger, id string) Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	j, err := l.Wait(ctx, id, nil)
	if err != nil || !j.Ended() {
		t.Fatalf("%s is %s, %v", id, j.State, err)
	}
	return j
}

func TestTheLoopRunsWhatIsMadeHereAtOnce(t *testing.T) {
	b := newBench(t)
	l := b.ledgerWith(frozen{b.cloud}, b.machine) // no tick ever comes
	s, slow := b.step("s", Idempotent), b.step("slow", Async)
	looks := 0
	slow.Verify = func(context.Context, *Run) (Outcome, error) {
		if looks++; looks < 4 {
			return Pending, nil
		}
		return Done, nil
	}
	b.looping(l, 2, b.worker(l, s, slow))
	b.create(l, "r", s, slow)
	var told []string
	patience, enough := context.WithTimeout(t.Context(), 30*time.Second)
	defer enough()
	j, err := l.Wait(patience, "r", func(done, total int, r StepResult) {
		told = append(told, fmt.Sprintf("%d/%d %s %s %s", done, total, r.Step, r.State, r.Summary))
	})
	if err != nil {
		t.Fatal(err)
	}
	wantStates(t, j, "done: s=done slow=done")
	if want := []string{"1/2 s done do s", "2/2 slow done do slow"}; !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.createWith(l, NewRun{Run: &Run{ID: "later"}, NotBefore: b.cloud.Now().Add(time.Hour)}, s)
	if j, err := l.Wait(ctx, "later", nil); err != nil || j.State != RunQueued {
		t.Errorf("%s, %v", j.State, err)
	}
}

func TestAScheduledRunWaitsForItsTime(t *testing.T) {
	for name, still := range map[string]bool{"a clock that runs": false, "a clock that stands still": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			var cloud clock.Clock = b.cloud
			if still {
				cloud = frozen{b.cloud}
			}
			l := b.ledgerWith(cloud, b.machine)
			s := b.step("s", Idempotent)
			b.looping(l, 1, b.worker(l, s))
			b.createWith(l, NewRun{Run: &Run{ID: "r"}, NotBefore: b.cloud.Now().Add(time.Hour)}, s)
			b.create(l, "now", s)
			wait(t, l, "now")
			if j := b.job(l, "r"); j.State != RunQueued {
				t.Fatalf("it did not wait: %s", j.State)
			}
			if !still {
				eventually(t, "the loop waits for the time", func() bool { return b.cloud.sleepers() == 1 })
			}
			b.cloud.add(time.Hour)
			if still { // no timer tells, the next tick does
				eventually(t, "the loop ticks", func() bool {
					if b.machine.sleepers() == 1 { // the ticks; no heart beats
						b.machine.add(pollTime)
					}
					return b.job(l, "r").Ended()
				})
			}
			wantStates(t, wait(t, l, "r"), "done: s=done")
		})
	}
}

// Several processes on one file, here several ledgers: each effect happens once, and what one makes
// another may do.
func TestSeveralLoopsShareAFile(t *testing.T) {
	b := newBench(t)
	const loops, runs, n = 3, 30, 5
	var steps []Step
	for i := range n {
		steps = append(steps, b.step(fmt.Sprintf("s%d", i), Verifiable))
	}
	var ledgers []*Ledger
	another, once := make(chan struct{}), sync.Once{}
	for i := range loops {
		l := b.ledgerWith(clock.System{}, clock.System{})
		w := b.worker(l, steps...)
		p := b.dispatcher(l, 3, b.noFailure)
		running(t, p, func(ctx context.Context, id string) error {
			if i == 0 { // the one that makes them lets another be first at some
				select {
				case <-another:
				case <-ctx.Done():
				}
				return w.Work(ctx, id)
			}
			err := w.Work(ctx, id)
			if j, jerr := l.Job(context.WithoutCancel(ctx), id); jerr == nil && j.State == RunDone {
				once.Do(func() { close(another) })
			}
			return err
		})
		ledgers = append(ledgers, l)
	}
	for i := range runs {
		b.create(ledgers[0], fmt.Sprintf("r%d", i), steps...)
	}
	for i := range runs {
		if j := wait(t, ledgers[i%loops], fmt.Sprintf("r%d", i)); j.State != RunDone {
			t.Errorf("%s", states(j))
		}
	}
	for name, f := range b.far {
		if f.effects != runs {
			t.Errorf("%s happened %d times in %d runs", name, f.effects, runs)
		}
	}
	verified(t, ledgers[0])
}

func TestTheLoopTakesOverFromTheDead(t *testing.T) {
	b := newBench(t)
	l, dead := b.ledgerWith(clock.System{}, clock.System{}), b.ledgerWith(clock.System{}, clock.System{})
	s := b.step("s", Idempotent)
	b.create(dead, "r", s)
	if _, ok, err := dead.Claim(t.Context(), "r"); !ok || err != nil {
		t.Fatal(err)
	}
	b.looping(l, 1, b.worker(l, s))
	began := time.Now()
	if err := dead.owner.lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	wait(t, l, "r")
	if took := time.Since(began); took > LeaseTime/2 {
		t.Errorf("it took %s", took)
	}
}

func TestTheLoopBacksOffFromWhatFails(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	var failed atomic.Int32
	p := b.dispatcher(l, 1, func(string, error) { failed.Add(1) })
	b.create(l, "r", b.step("s", Idempotent))
	running(t, p, func(context.Context, string) error { return errors.Join(ErrStore, errRefused) })
	eventually(t, "it fails", func() bool { return failed.Load() == 1 })
	for i, pause := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond} {
		eventually(t, "it backs off", func() bool { return b.machine.sleepers() == 2 }) // with the ticks
		b.machine.add(pause - time.Millisecond)
		if n := failed.Load(); int(n) != i+1 {
			t.Fatalf("%d failures after %d pauses", n, i)
		}
		b.machine.add(time.Millisecond)
		eventually(t, "it tries again", func() bool { return int(failed.Load()) == i+2 })
	}
}

// A process that is told to stop finishes the step in hand and leaves the run to others.
func TestStoppingBetweenSteps(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	first, second := b.step("first", Idempotent), b.step("second", Idempotent)
	ctx, stop := context.WithCancel(t.Context())
	b.far["first"].act = func(_ int, work func(time.Duration)) error { stop(); work(0); return nil }
	b.create(l, "r", first, second)
	p := b.dispatcher(l, 1, b.noFailure)
	if err := p.Run(ctx, b.worker(l, first, second).Work); err != nil {
		t.Fatal(err)
	}
	j := b.job(l, "r")
	wantStates(t, j, "running: first=done second=pending")
	if j.Owner != "" {
		t.Errorf("%s still has it", j.Owner)
	}
	wantStates(t, b.drive("r", first, second), "done: first=done second=done")
}
