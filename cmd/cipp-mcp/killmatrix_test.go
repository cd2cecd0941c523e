package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cipp-mcp/internal/config"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/jobs/pgtest"
)

// undisturbed is the offboarding as it is when nobody dies.
type undisturbed struct {
	writes   []exchange
	steps    []string // the step of each write
	looks    []string // what is read right after each write
	calls    map[string][]string
	state    []byte
	children map[string]int
	job      jobs.Job
}

// callsOf are the writes by the step that the ledger wrote down for them before they were sent. A write that
// was not written down is an error.
func (w *mortal) callsOf() (keys, landed map[string][]string, redone int) {
	w.t.Helper()
	lines, err := w.ledger.Store().Audit(w.t.Context(), w.run)
	w.fatal(err)
	step, done := map[string]string{}, map[string]bool{}
	for _, l := range lines {
		var e jobs.Event
		w.fatal(json.Unmarshal(l.What, &e))
		if e.Event == "intent" {
			step[e.Request] = e.Step
			if done[e.Step] {
				redone++
				w.t.Errorf("%s was done and was begun again", e.Step)
			}
		}
		done[e.Step] = e.State == jobs.StateDone
	}
	keys, landed = map[string][]string{}, map[string][]string{}
	for _, x := range w.gate.of(func(x exchange) bool { return x.write }) {
		s := step[x.request]
		if s == "" {
			w.t.Errorf("sent, and in no line of the journal: %s", x.key)
		}
		keys[s] = append(keys[s], x.key)
		if x.landed {
			landed[s] = append(landed[s], x.key)
		}
	}
	return keys, landed, redone
}

func runUndisturbed(t *testing.T, story []byte, store string) *undisturbed {
	t.Helper()
	w := newMortal(t, story, store)
	u := &undisturbed{}
	var died int
	if u.job, died = w.live(); u.job.State != jobs.RunDone || died > 0 {
		t.Fatalf("%s:%s", u.job.State, states(u.job))
	}
	u.calls, _, _ = w.callsOf()
	byKey := map[string][]string{}
	for _, s := range u.job.Steps {
		for _, k := range u.calls[s.Name] {
			byKey[k] = append(byKey[k], s.Name)
		}
	}
	all := w.gate.of(func(x exchange) bool { return x.life == 1 })
	for i, x := range all {
		if !x.write {
			continue
		}
		look := slices.IndexFunc(all[i+1:], func(x exchange) bool { return !x.write })
		if look < 0 {
			t.Fatalf("nothing is read back after %s", x.key)
		}
		u.writes, u.looks = append(u.writes, x), append(u.looks, all[i+1+look].key)
		u.steps = append(u.steps, byKey[x.key][0])
		byKey[x.key] = byKey[x.key][1:]
	}
	var err error
	u.children, err = w.ledger.Children(t.Context(), w.run)
	w.fatal(err)
	u.state = w.after()
	return u
}

// killFigures are what the matrix counted.
type killFigures struct {
	mu                                                    sync.Mutex
	cases, kills, again, twice, repeated, done, attention int
}

// allowed are the differences between the cloud after a killed run and after an undisturbed one, each a part
// of a path: what is random, and nothing else.
var allowed = []string{"/passwordProfile"}

func (f *killFigures) judge(w *mortal, u *undisturbed, n int, phase string, job jobs.Job, died int) {
	w.t.Helper()
	calls, landed, again := w.callsOf()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cases++
	f.kills += died
	f.again += again
	if died != 1 {
		w.t.Errorf("%d workers died", died)
	}
	for _, s := range job.Steps {
		want, got := u.calls[s.Name], landed[s.Name]
		switch {
		case s.State != jobs.StateDone:
			w.t.Errorf("%s is %s: %s", s.Name, s.State, s.Detail)
		case s.Name != u.steps[n] && !slices.Equal(calls[s.Name], want):
			w.t.Errorf("nobody died at %s, and it was called otherwise: %v", s.Name, calls[s.Name])
		case len(got) < len(want):
			w.t.Errorf("%s is done and never happened", s.Name)
		case len(got) > len(want) && s.Class == jobs.Idempotent:
			f.repeated += len(got) - len(want)
		case len(got) > len(want):
			f.twice++
			w.t.Errorf("%s (%s) happened %d times", s.Name, s.Class, len(got))
		}
	}
	switch job.State {
	case jobs.RunDone:
		f.done++
	case jobs.RunAttention:
		f.attention++
	default:
		w.t.Errorf("the run ended as %s", job.State)
	}
	changes, _, err := difference(u.state, w.after())
	w.fatal(err)
	for _, c := range changes {
		if !slices.ContainsFunc(allowed, func(a string) bool { return strings.Contains(c.path, a) }) {
			w.t.Errorf("otherwise than undisturbed: %s: %s → %s", c.path, shorten(c.before, 80), shorten(c.after, 80))
		}
	}
	children, err := w.ledger.Children(w.t.Context(), w.run)
	if w.fatal(err); fmt.Sprint(children) != fmt.Sprint(u.children) {
		w.t.Errorf("jobs below it: %v, and %v undisturbed", children, u.children)
	}
	if _, err := w.ledger.Store().Verify(w.t.Context()); err != nil {
		w.t.Error(err)
	}
	if phase == lateEffect && w.gate.land() {
		w.t.Error("what was to land late never had an occasion to")
	}
}

func (u *undisturbed) killed(t *testing.T, f *killFigures, story []byte, store string, n int, phase string) {
	w := newMortal(t, story, store)
	w.gate.at, w.gate.phase, w.gate.lookAt = n, phase, u.looks[n]
	job, died := w.live()
	f.judge(w, u, n, phase, job, died)
	if t.Failed() {
		t.Logf("%s:%s\n%s", job.State, states(job), w.said())
	}
}

// killersAtOnce is how many cases run at once: each waits more than it works.
const killersAtOnce = 6

// richStory is the built-in state in which Dana has something of everything.
func richStory(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(story(t, func(g, x m) { rich(t, g, x) }).flags.sandbox)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func killMatrix(t *testing.T, store func(*testing.T) string) {
	began, text := time.Now(), richStory(t)
	u := runUndisturbed(t, text, store(t))
	every := 1
	if testing.Short() || underRace { // the classes, not every step
		every = 7
	}
	f := &killFigures{}
	slots := make(chan struct{}, killersAtOnce)
	var all sync.WaitGroup
	for n := 0; n < len(u.writes); n += every {
		for _, phase := range []string{beforeEffect, afterEffect, lateEffect} {
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				t.Run(fmt.Sprintf("%02d %s %s", n, u.steps[n], phase), func(t *testing.T) { u.killed(t, f, text, store(t), n, phase) })
			})
		}
	}
	all.Wait()
	t.Logf("%d steps, %d writes to Microsoft: %d runs, %d kills; %d ended done, %d with attention; %d steps that were done began again, %d verifiable effects happened twice, %d idempotent ones were repeated; %.0f s",
		len(u.job.Steps), len(u.writes), f.cases, f.kills, f.done, f.attention, f.again, f.twice, f.repeated, time.Since(began).Seconds())
	if f.cases == 0 || f.kills != f.cases {
		t.Errorf("%d cases and %d kills", f.cases, f.kills)
	}
}

// The program is killed at every write of an offboarding, before, after and long before its effect, and
// another process finishes the run: no step that was done is begun again, nothing that could be looked up is
// done twice, and the tenant is in the end as if nobody had died.
func TestTheProgramIsKilledAtEveryWrite(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		killMatrix(t, func(*testing.T) string { return config.SQLite })
	})
	t.Run("postgres", func(t *testing.T) {
		s, err := pgtest.Start(context.Background())
		if errors.Is(err, pgtest.ErrNone) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
		}()
		killMatrix(t, func(t *testing.T) string {
			url, err := s.Schema(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return url
		})
	})
}

// What a call began that was killed is finished by a worker, for nobody else goes on with it.
func TestAKilledCallIsFinishedByAWorker(t *testing.T) {
	for _, phase := range []string{beforeEffect, afterEffect, lateEffect} {
		t.Run(phase, func(t *testing.T) {
			w := newMortalWithout(t, richStory(t), config.SQLite)
			a, err := open(t.Context(), &globals{configFile: w.cfg}, cloudFlags{})
			w.fatal(err)
			args := leaver()
			delete(args, "runAt")
			args["planToken"] = w.asks(a, args).PlanToken
			a.close()
			text, err := json.Marshal(args)
			w.fatal(err)
			w.gate.at, w.gate.phase, w.gate.lookAt = 2, phase, "lastPasswordChangeDateTime" // the password, which may not be set twice
			cmd, dead := w.process("call", "cipp_offboard_user", "--json", string(text))
			<-dead
			if cmd.ProcessState.Success() {
				t.Fatal("the call was not killed")
			}
			rows, err := w.ledger.Jobs(t.Context(), "", "", 10)
			if err != nil || len(rows) != 1 {
				t.Fatalf("%d jobs, %v", len(rows), err)
			}
			w.run = rows[0].Run.ID
			job, died := w.live()
			_, landed, _ := w.callsOf()
			if job.State != jobs.RunDone || died != 0 || len(landed["reset-password"]) != 1 {
				t.Errorf("%s, %d more died, password set %d times:%s", job.State, died, len(landed["reset-password"]), states(job))
			}
		})
	}
}
