package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"cipp-mcp/internal/clock"
)

// handClock moves only when it is moved; who sleeps waits for that.
type handClock struct {
	mu    sync.Mutex
	t     time.Time
	moved chan struct{}
	sleep int // how many sleep now
	naps  []time.Duration
}

func newHandClock() *handClock {
	return &handClock{t: time.Date(2026, 3, 12, 15, 0, 0, 0, time.UTC), moved: make(chan struct{})}
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *handClock) sleepers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sleep
}

// eventually looks until something is so, which is a matter of moments or a failure.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !so(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("it never came about that " + what)
		}
	}
}

func (c *handClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	until := c.t.Add(d)
	c.sleep++
	c.naps = append(c.naps, d)
	defer func() { c.mu.Lock(); c.sleep--; c.mu.Unlock() }()
	for c.t.Before(until) {
		moved := c.moved
		c.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
		c.mu.Lock()
	}
	c.mu.Unlock()
	return ctx.Err()
}

func (c *handClock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
	close(c.moved)
	c.moved = make(chan struct{})
}

func (c *handClock) add(d time.Duration) { c.set(c.Now().Add(d)) }

// frozen stands still, and lets nobody wait.
type frozen struct{ *handClock }

func (f frozen) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// bench is a state directory, its clocks and the far side.
type bench struct {
	t       *testing.T
	at      place
	open    []*Ledger
	cloud   *handClock
	machine *handClock
	mu      sync.Mutex
	far     map[string]*farStep
	calls   []string // every call of a step's Do, in order
}

// farStep is what the service holds of one step.
type farStep struct {
	calls, effects int
	visible        []time.Time // from when each effect can be read
	// act is what happens at the nth call (from 0); nil does the work and answers.
	act func(n int, work func(after time.Duration)) error
	// look is what happens at each reading back before the answer; nil nothing.
	look func()
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchAt(t, newPlace(t))
}

func newBenchAt(t *testing.T, at place) *bench {
	b := &bench{t: t, at: at, cloud: newHandClock(), machine: newHandClock(), far: map[string]*farStep{}}
	t.Cleanup(b.close)
	return b
}

func (b *bench) ledger() *Ledger { return b.ledgerWith(b.cloud, b.machine) }

func (b *bench) ledgerWith(cloud, machine clock.Clock) *Ledger {
	b.t.Helper()
	l, err := b.at.ledger(b.t.Context(), cloud, machine)
	if err != nil {
		b.t.Fatal(err)
	}
	b.open = append(b.open, l)
	return l
}

func (b *bench) close() {
	for _, l := range b.open {
		if err := l.Close(); err != nil {
			b.t.Error(err)
		}
	}
	b.open = nil
}

func (b *bench) worker(l *Ledger, steps ...Step) *Worker {
	return &Worker{Ledger: l, Registry: Registry{"test": func(context.Context, RunInfo) ([]Step, error) { return steps, nil }},
		Ambiguous: func(err error) bool { return errors.Is(err, errLost) }, Explain: error.Error}
}

// step is one whose far side is counted under its name.
func (b *bench) step(name string, class Class, needs ...string) Step {
	f := &farStep{}
	b.far[name] = f
	work := func(after time.Duration) {
		b.mu.Lock()
		defer b.mu.Unlock()
		f.effects++
		f.visible = append(f.visible, b.cloud.Now().Add(after))
	}
	return Step{Name: name, Class: class, Needs: needs, Settle: 30 * time.Second,
		Do: func(context.Context, *Run) (Handle, error) {
			b.mu.Lock()
			n := f.calls
			f.calls++
			b.calls = append(b.calls, name)
			act := f.act
			b.mu.Unlock()
			if act != nil {
				return nil, act(n, work)
			}
			work(0)
			return nil, nil
		},
		Verify: func(context.Context, *Run) (Outcome, error) {
			if f.look != nil {
				f.look()
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			for _, at := range f.visible {
				if !b.cloud.Now().Before(at) {
					return Done, nil
				}
			}
			return NotDone, nil
		},
	}
}

func (b *bench) create(l *Ledger, id string, steps ...Step) {
	b.t.Helper()
	b.createWith(l, NewRun{Run: &Run{ID: id}}, steps...)
}

func (b *bench) createWith(l *Ledger, n NewRun, steps ...Step) {
	b.t.Helper()
	n.Kind, n.CreatedBy, n.Steps = "test", "somebody", steps
	n.Run.Tool, n.Run.TenantID = "test", "tenant"
	if n.Changes == nil {
		for _, s := range steps {
			n.Changes = append(n.Changes, Change{Step: s.Name, Summary: "do " + s.Name, Before: "a", After: "b"})
		}
	}
	if err := l.Create(b.t.Context(), n); err != nil {
		b.t.Fatal(err)
	}
}

// crash ends the goroutine that makes a call, as the end of its process would.
func crash() { runtime.Goexit() }

// work takes a run as far as it goes now and says whether the worker lived to tell.
func (b *bench) work(w *Worker, id string) (lived bool, err error) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		err = w.Work(context.Background(), id)
		lived = true
	}()
	<-over
	return lived, err
}

// drive works at a run, with a new process after each crash, until it ends.
func (b *bench) drive(id string, steps ...Step) Job {
	b.t.Helper()
	w := b.worker(b.ledger(), steps...)
	for range 300 {
		lived, err := b.work(w, id)
		if !lived {
			b.machine.add(LeaseTime + time.Second) // the dead process's lease runs out
			w = b.worker(b.ledger(), steps...)
			continue
		}
		if err != nil {
			b.t.Fatal(err)
		}
		j := b.job(w.Ledger, id)
		if j.Ended() {
			return j
		}
		if j.NextAt.After(b.cloud.Now()) {
			b.cloud.set(j.NextAt)
		}
	}
	b.t.Fatalf("%s does not come to an end", id)
	return Job{}
}

func (b *bench) job(l *Ledger, id string) Job {
	b.t.Helper()
	j, err := l.Job(context.Background(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return j
}

// states are a job's steps in one line.
func states(j Job) string {
	out := j.State + ":"
	for _, s := range j.Steps {
		out += " " + s.Name + "=" + s.State
	}
	return out
}

func wantStates(t *testing.T, j Job, want string) {
	t.Helper()
	if got := states(j); got != want {
		details, _ := json.Marshal(j.Results())
		t.Errorf("%s\nnot %s\n%s", got, want, details)
	}
}

func verified(t *testing.T, l *Ledger) {
	t.Helper()
	if _, err := l.store.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if !l.store.local() {
		return
	}
	var said string
	if err := l.store.read.QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&said); err != nil || said != "ok" {
		t.Errorf("integrity: %s, %v", said, err)
	}
}

var (
	errLost    = errors.New("the answer was lost")
	errRefused = errors.New("refused")
)
