package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"cipp-mcp/internal/clock"
)

// The far side of the kill tests is a process of its own: it outlives the workers it kills, and
// counts what they asked for and what became of it.
const (
	serverVariable = "CIPP_JOBS_TEST_SERVER"
	runsVariable   = "CIPP_JOBS_TEST_RUNS"

	// lateBy is how long after its sender's death a late effect lands; settling takes longer.
	lateBy     = 300 * time.Millisecond
	killSettle = 2 * time.Second
)

func init() {
	roles["server"] = serveEffects
	roles["worker"] = workUntilAllEnd
}

// tally is what the server saw of one run, by step.
type tally struct {
	Calls   map[string]int
	Effects map[string]int
	Killed  int

	step, phase string // where the sender is to be killed or put to sleep, once
	woken       chan struct{}
}

type effects struct {
	mu   sync.Mutex
	runs map[string]*tally
}

func serveEffects() error {
	e := &effects{runs: map[string]*tally{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /plan", e.plan)
	mux.HandleFunc("POST /do", e.do)
	mux.HandleFunc("POST /woken", func(_ http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		close(e.of(r).woken)
	})
	mux.HandleFunc("GET /seen", e.seen)
	mux.HandleFunc("GET /tally", e.tally)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := httptest.Server{Listener: l, Config: &http.Server{Handler: mux}}
	s.Start()
	fmt.Println(s.URL)
	_, err = io.Copy(io.Discard, os.Stdin) // until the test ends
	return err
}

func (e *effects) of(r *http.Request) *tally {
	id := r.FormValue("run")
	if e.runs[id] == nil {
		e.runs[id] = &tally{Calls: map[string]int{}, Effects: map[string]int{}, woken: make(chan struct{})}
	}
	return e.runs[id]
}

func (e *effects) plan(_ http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.of(r)
	t.step, t.phase = r.FormValue("step"), r.FormValue("phase")
}

func (e *effects) do(_ http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, step := e.of(r), r.FormValue("step")
	t.Calls[step]++
	if t.step != step || t.Killed > 0 {
		t.Effects[step]++
		return
	}
	t.Killed++
	pid, _ := strconv.Atoi(r.FormValue("pid"))
	p, err := os.FindProcess(pid)
	if err != nil {
		panic(err)
	}
	switch t.phase {
	case "after":
		t.Effects[step]++
	case "late":
		time.AfterFunc(lateBy, func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			t.Effects[step]++
		})
	}
	if t.phase == "asleep" { // in the call, not in the middle of a write: a SQLite file would stay locked
		t.Effects[step]++
		if err := p.Signal(sleepSignal); err != nil {
			panic(err)
		}
		e.mu.Unlock()
		<-t.woken
		e.mu.Lock()
		return
	}
	if err := p.Kill(); err != nil {
		panic(err)
	}
	panic(http.ErrAbortHandler) // there is nobody to answer
}

func (e *effects) seen(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	fmt.Fprint(w, e.of(r).Effects[r.FormValue("step")])
}

func (e *effects) tally(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = json.NewEncoder(w).Encode(e.of(r))
}

// errTransport is a call without an answer.
var errTransport = errors.New("no answer")

func ask(ctx context.Context, method, server, path string, q url.Values) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, server+path+"?"+q.Encode(), nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errTransport, err)
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

// killPlan is twelve steps of all classes; the order and the needs are those of a leaver's way out.
var killPlan = []struct {
	name  string
	class Class
	needs []string
}{
	{"block", Idempotent, nil}, {"revoke", Idempotent, nil}, {"password", Verifiable, nil}, {"reply", Idempotent, nil},
	{"forward", Verifiable, nil}, {"export", Async, []string{"forward"}}, {"group1", Idempotent, nil}, {"group2", Idempotent, nil},
	{"convert", Async, nil}, {"licence", Idempotent, []string{"convert"}}, {"manager", Verifiable, []string{"licence"}}, {"mail", Blind, nil},
}

func killSteps(server, run string) []Step {
	steps := make([]Step, len(killPlan))
	for i, p := range killPlan {
		q := url.Values{"run": {run}, "step": {p.name}, "pid": {strconv.Itoa(os.Getpid())}}
		steps[i] = Step{Name: p.name, Class: p.class, Needs: p.needs, Settle: killSettle,
			Do: func(ctx context.Context, _ *Run) (Handle, error) {
				_, err := ask(ctx, http.MethodPost, server, "/do", q)
				return Handle{"operation": p.name}, err
			},
			Verify: func(ctx context.Context, _ *Run) (Outcome, error) {
				b, err := ask(ctx, http.MethodGet, server, "/seen", q)
				if err != nil || string(b) == "0" {
					return NotDone, err
				}
				return Done, nil
			},
		}
	}
	return steps
}

// workUntilAllEnd is one worker process: it makes the runs that are not there yet and works until all
// have ended.
func workUntilAllEnd() error {
	ctx, server := context.Background(), os.Getenv(serverVariable)
	at := placeOfProcess()
	l, err := at.ledger(ctx, clock.System{}, clock.System{})
	if err != nil {
		return err
	}
	w := &Worker{Ledger: l, Ambiguous: func(err error) bool { return errors.Is(err, errTransport) }, Explain: error.Error,
		Registry: Registry{"test": func(_ context.Context, r RunInfo) ([]Step, error) { return killSteps(server, r.Run.ID), nil }}}
	p, err := at.dispatcher(ctx, l, 4, func(id string, err error) { fmt.Fprintln(os.Stderr, id, err) })
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var over sync.WaitGroup
	over.Go(func() { err = p.Run(ctx, w.Work) })
	for _, id := range strings.Split(os.Getenv(runsVariable), ",") {
		steps := killSteps(server, id)
		cerr := l.Create(ctx, NewRun{Run: &Run{ID: id, Tool: "test"}, Steps: steps, Changes: make([]Change, len(steps))})
		if _, jerr := l.Job(ctx, id); cerr != nil && jerr != nil { // another process, or an earlier life, has made it
			return errors.Join(cerr, jerr)
		}
	}
	for _, id := range strings.Split(os.Getenv(runsVariable), ",") {
		if _, err := l.Wait(ctx, id, nil); err != nil {
			return err
		}
	}
	stop()
	over.Wait()
	return errors.Join(err, l.Close())
}
