package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/jobs/pgtest"
)

var kinds = []string{onSQLite, onPostgres, onRiver}

// A process is put to sleep with an answer on its way, another waits for its lease to run out and
// finishes the run, and then it wakes.
func TestAProcessThatSleptPastItsLease(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for a lease to run out")
	}
	t.Parallel()
	server := farSide(t)
	var all sync.WaitGroup // and not in parallel: they wait, they do not work
	for _, kind := range kinds {
		for _, p := range killPlan[10:] { // a verifiable step and a blind one
			all.Go(func() {
				t.Run(kind+"/"+p.name, func(t *testing.T) { sleepAndWake(t, placeOf(t, kind), server, kind+"-"+p.name, p.name) })
			})
		}
	}
	all.Wait()
}

func sleepAndWake(t *testing.T, at place, server, run, step string) {
	killAt(t, server, run, step, "asleep")
	sleeper := process(t, "worker", append(at.env(), serverVariable+"="+server, runsVariable+"="+run)...)
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it sleeps", func() bool { return tallyOf(t, server, run).Killed == 1 })
	began := time.Now()
	if died := live(t, at, server, run); died != 0 {
		t.Errorf("%d others died", died)
	}
	took := time.Since(began)
	l, err := at.ledger(t.Context(), clock.System{}, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before, berr := l.store.Audit(t.Context(), run)
	seen := tallyOf(t, server, run)
	_, aerr := ask(t.Context(), http.MethodPost, server, "/woken", url.Values{"run": {run}})
	if err := errors.Join(berr, aerr, sleeper.Process.Signal(wakeSignal), sleeper.Wait()); err != nil {
		t.Fatal(err)
	}
	if after, err := l.store.Audit(t.Context(), run); err != nil || len(after) != len(before) {
		t.Errorf("it wrote %d lines when it woke, %v", len(after)-len(before), err)
	}
	for step, n := range tallyOf(t, server, run).Calls {
		if n != seen.Calls[step] || n != 1 {
			t.Errorf("%s was called %d times, %d of them before it woke", step, n, seen.Calls[step])
		}
	}
	var f figures
	f.judge(t, l, server, run)
	verified(t, l)
	t.Logf("taken over after %.1f s", took.Seconds())
}

// smallDisk is a file system of so many bytes, which root may mount.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "small-disk-")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "mode=1777,size="+size, "tmpfs", dir).CombinedOutput(); err != nil {
		os.Remove(dir)
		t.Skipf("no file system can be mounted here, so none is full: %s", out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		os.Remove(dir)
	})
	return dir
}

// fill leaves no room on a disk, and returns how to make some again.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 4 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Error(err)
		}
	}
}

// On a full disk no intent can be written, so no call is made; when there is room again all runs end.
func TestAFullDisk(t *testing.T) {
	for kind, size := range map[string]string{onSQLite: "1m", onPostgres: "90m", onRiver: "90m"} {
		t.Run(kind, func(t *testing.T) {
			disk := smallDisk(t, size)
			at := place{kind: kind, dir: disk}
			var server *pgtest.Server
			if kind != onSQLite {
				at.dir = t.TempDir()
				server = ownServer(t, disk, &at, "min_wal_size=32MB", "max_wal_size=32MB", "wal_recycle=off")
			}
			b := newBenchAt(t, at)
			l := b.ledgerWith(clock.System{}, clock.System{})
			steps := []Step{b.quick("first", Verifiable), b.quick("second", Idempotent)}
			for i := range 3 {
				b.create(l, fmt.Sprintf("r%d", i), steps...)
			}
			free := fill(t, disk)
			for _, size := range []int{3000, 300, 1} { // down to the last page there is
				var last error
				eventually(t, "the ledger fills up", func() bool {
					last = l.store.Change(t.Context(), func(ctx context.Context, tx Tx) error {
						return audit(ctx, tx, "", time.Now(), "filler", Event{Detail: rand.Text() + string(make([]byte, size))})
					})
					return last != nil
				})
				if !errors.Is(last, ErrStore) {
					t.Errorf("a full disk is %v", last)
				}
			}
			_, err := b.work(b.worker(l, steps...), "r0")
			if !errors.Is(err, ErrStore) || errors.Is(err, ErrFenced) || len(b.calls) != 0 {
				t.Errorf("with no room for an intent: %v, calls %v", err, b.calls)
			}
			free()
			if server != nil { // it may have given up, as it does when its own log is full
				if err := errors.Join(server.Crash(), server.Restart(t.Context())); err != nil {
					t.Fatal(err)
				}
			}
			running(t, b.dispatcher(l, 2, func(string, error) {}), b.worker(l, steps...).Work)
			for i := range 3 {
				wantStates(t, b.ended(l, fmt.Sprintf("r%d", i)), "done: first=done second=done")
			}
			if f := b.far["first"]; f.effects != 3 {
				t.Errorf("%d effects in three runs", f.effects)
			}
			verified(t, l)
		})
	}
}

// ended waits for the end of a run whose ledger cannot be read for a while.
func (b *bench) ended(l *Ledger, id string) (j Job) {
	b.t.Helper()
	eventually(b.t, "the run ends", func() (so bool) {
		var err error
		j, err = l.Job(b.t.Context(), id)
		return err == nil && j.Ended()
	})
	return j
}

// quick is a step that settles in seconds of the real clock.
func (b *bench) quick(name string, class Class) Step {
	s := b.step(name, class)
	s.Settle = time.Second
	return s
}

// ownServer is a PostgreSQL for one test, which it may break.
func ownServer(t *testing.T, dir string, at *place, settings ...string) *pgtest.Server {
	t.Helper()
	postgres(t) // or it is skipped
	s, err := pgtest.StartIn(t.Context(), dir, settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	if at.url, err = s.Schema(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// The server is stopped as by pg_ctl stop -m immediate while runs are at work, and started again.
func TestTheServerIsRestartedMidRun(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts servers of its own")
	}
	t.Parallel()
	for _, kind := range []string{onPostgres, onRiver} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			const runs = 10
			at := place{kind: kind, dir: t.TempDir()}
			server := ownServer(t, "", &at)
			b := newBenchAt(t, at)
			l := b.ledgerWith(clock.System{}, clock.System{})
			steps := []Step{b.quick("first", Verifiable), b.quick("second", Verifiable), b.quick("third", Idempotent)}
			var once sync.Once
			b.far["second"].act = func(n int, work func(time.Duration)) error {
				work(0)
				if n == runs/2 {
					once.Do(func() {
						if err := server.Crash(); err != nil {
							t.Error(err)
						}
						go func() {
							if err := server.Restart(context.Background()); err != nil {
								t.Error(err)
							}
						}()
					})
				}
				return nil
			}
			running(t, b.dispatcher(l, 3, func(id string, err error) {
				if id != "" && !errors.Is(err, ErrStore) {
					t.Errorf("%s: %v", id, err)
				}
			}), b.worker(l, steps...).Work)
			for i := range runs {
				b.create(l, fmt.Sprintf("r%d", i), steps...)
			}
			began := time.Now()
			for i := range runs {
				wantStates(t, b.ended(l, fmt.Sprintf("r%d", i)), "done: first=done second=done third=done")
			}
			for _, name := range []string{"first", "second"} {
				if n := b.far[name].effects; n != runs {
					t.Errorf("%s happened %d times in %d runs", name, n, runs)
				}
			}
			verified(t, l)
			t.Logf("%d runs, %d idempotent effects repeated, in %.1f s", runs, b.far["third"].effects-runs, time.Since(began).Seconds())
		})
	}
}
