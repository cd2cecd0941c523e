package jobs

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"cipp-mcp/internal/clock"
)

// farSide starts the counting server and returns its address.
func farSide(t *testing.T) string {
	t.Helper()
	cmd := process(t, "server")
	in, ierr := cmd.StdinPipe()
	out, oerr := cmd.StdoutPipe()
	if ierr != nil || oerr != nil || cmd.Start() != nil {
		t.Fatal(ierr, oerr)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		in.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func killAt(t *testing.T, server, run, step, phase string) {
	t.Helper()
	if _, err := ask(t.Context(), http.MethodPost, server, "/plan", url.Values{"run": {run}, "step": {step}, "phase": {phase}}); err != nil {
		t.Fatal(err)
	}
}

func tallyOf(t *testing.T, server, run string) (out tally) {
	t.Helper()
	b, err := ask(t.Context(), http.MethodGet, server, "/tally", url.Values{"run": {run}})
	if err != nil || json.Unmarshal(b, &out) != nil {
		t.Errorf("%s, %v", b, err)
	}
	return out
}

// live starts worker processes until one lives to see all runs end, and counts those that died.
func live(t *testing.T, p place, server, runs string) (died int) {
	for died = 0; died < 40; died++ {
		if err := process(t, "worker", append(p.env(), serverVariable+"="+server, runsVariable+"="+runs)...).Run(); err == nil {
			return died
		}
	}
	t.Error("no worker lives")
	return died
}

// figures are what a kill test counted.
type figures struct {
	mu                                          sync.Mutex
	cases, kills, again, twice, unknown, repeat int
}

// judge holds a run's ledger and the far side's count against what the classes promise.
func (f *figures) judge(t *testing.T, l *Ledger, server, run string) Job {
	t.Helper()
	j, err := l.Job(context.Background(), run)
	if err != nil {
		t.Fatal(err)
	}
	seen := tallyOf(t, server, run)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cases++
	f.kills += seen.Killed
	unknown := 0
	for _, s := range j.Steps {
		switch {
		case s.State == StateUnknown && s.Class == Blind:
			unknown++
		case s.State != StateDone:
			t.Errorf("%s: %s is %s: %s", run, s.Name, s.State, s.Detail)
		}
		switch n := seen.Effects[s.Name]; {
		case n > 1 && s.Class == Idempotent:
			f.repeat += n - 1
		case n > 1:
			f.twice++
			t.Errorf("%s: %s (%s) happened %d times", run, s.Name, s.Class, n)
		case n == 0 && s.State == StateDone:
			t.Errorf("%s: %s is done and never happened", run, s.Name)
		}
		if s.Class == Blind && seen.Calls[s.Name] > 1 {
			t.Errorf("%s: %s was called %d times", run, s.Name, seen.Calls[s.Name])
		}
	}
	f.unknown += unknown
	if want := map[bool]string{true: RunDone, false: RunAttention}[unknown == 0]; j.State != want {
		t.Errorf("%s ended as %s, not %s", run, j.State, want)
	}
	f.again += redone(t, l, run)
	return j
}

// redone counts calls of steps that the ledger held for done.
func redone(t *testing.T, l *Ledger, run string) (n int) {
	t.Helper()
	lines, err := l.store.Audit(context.Background(), run)
	if err != nil {
		t.Fatal(err)
	}
	done := map[string]bool{}
	for _, line := range lines {
		var e Event
		if err := json.Unmarshal(line.What, &e); err != nil {
			t.Fatal(err)
		}
		if e.Event == "intent" && done[e.Step] {
			n++
			t.Errorf("%s: %s was done and ran again", run, e.Step)
		}
		done[e.Step] = e.State == StateDone
	}
	return n
}

func (f *figures) print(t *testing.T, what string, began time.Time) {
	t.Logf("%s: %d runs, %d kills: %d finished steps ran again, %d verifiable or blind effects twice, %d idempotent effects repeated, %d unknown, in %.1f s",
		what, f.cases, f.kills, f.again, f.twice, f.repeat, f.unknown, time.Since(began).Seconds())
}

func TestKillMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts seventy processes")
	}
	server, began := farSide(t), time.Now()
	plan := killPlan
	if underRace { // one step of each class; the whole matrix runs without the detector
		plan = killPlan[8:]
	}
	var f figures
	t.Run("cases", func(t *testing.T) {
		for _, p := range plan {
			for _, phase := range []string{"before", "after", "late"} {
				t.Run(p.name+"/"+phase, func(t *testing.T) {
					t.Parallel()
					at, run := newPlace(t), p.name+"-"+phase
					killAt(t, server, run, p.name, phase)
					if died := live(t, at, server, run); died != 1 {
						t.Errorf("%d workers died", died)
					}
					l, err := at.ledger(t.Context(), clock.System{}, clock.System{})
					if err != nil {
						t.Fatal(err)
					}
					defer l.Close()
					f.judge(t, l, server, run)
					verified(t, l)
					seen := tallyOf(t, server, run)
					for _, o := range killPlan {
						if n := seen.Calls[o.name]; o.name != p.name && n != 1 {
							t.Errorf("%s was called %d times, and nobody died there", o.name, n)
						}
					}
				})
			}
		}
	})
	f.print(t, "kill matrix on "+kindOf(t), began)
	if want := 3 * len(plan); f.cases != want || f.kills != want || f.unknown != 3 {
		t.Errorf("%d cases with %d kills and %d unknown", f.cases, f.kills, f.unknown)
	}
}

// Three processes share a file and are killed in the middle of whatever else they are doing.
func TestKillSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes for some seconds")
	}
	const workers, runs, kills = 3, 20, 6
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	server, began, at := farSide(t), time.Now(), newPlace(t)
	var ids []string
	for i := range runs {
		ids = append(ids, fmt.Sprintf("soak%d", i))
	}
	for _, i := range rnd.Perm(runs)[:kills] {
		killAt(t, server, ids[i], killPlan[rnd.IntN(len(killPlan))].name, []string{"before", "after", "late"}[rnd.IntN(3)])
	}
	var all sync.WaitGroup
	for range workers {
		all.Go(func() { live(t, at, server, strings.Join(ids, ",")) })
	}
	all.Wait()
	l, err := at.ledger(t.Context(), clock.System{}, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var f figures
	for _, id := range ids {
		f.judge(t, l, server, id)
	}
	verified(t, l)
	f.print(t, "soak on "+kindOf(t), began)
	if f.kills != kills {
		t.Errorf("%d kills, not %d", f.kills, kills)
	}
}
