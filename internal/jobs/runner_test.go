package jobs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// counted is a clock that moves only when somebody waits.
type counted struct {
	t     time.Time
	slept time.Duration
}

func (c *counted) Now() time.Time { return c.t }
func (c *counted) Sleep(ctx context.Context, d time.Duration) error {
	c.t, c.slept = c.t.Add(d), c.slept+d
	return ctx.Err()
}

var (
	errLost    = errors.New("the connection was cut")
	errRefused = errors.New("refused")
)

// world is the far side: it may do the work and lose the answer, or the other way round.
type world struct {
	done, calls int
	answer      []error       // what each call answers; nil when exhausted
	works       []bool        // whether each call does the work; true when exhausted
	visible     time.Duration // how long after the work it can be read
	at          time.Time
	clock       *counted
}

func (w *world) step(class Class, settle time.Duration) Step {
	return Step{
		Name: "s", Class: class, Settle: settle,
		Do: func(context.Context, *Run) (Handle, error) {
			i := w.calls
			w.calls++
			if i >= len(w.works) || w.works[i] {
				w.done++
				w.at = w.clock.t
			}
			if i < len(w.answer) {
				return nil, w.answer[i]
			}
			return nil, nil
		},
		Verify: func(context.Context, *Run) (Outcome, error) {
			if w.done > 0 && !w.clock.t.Before(w.at.Add(w.visible)) {
				return Done, nil
			}
			if class == Async && w.done > 0 {
				return Pending, nil
			}
			return NotDone, nil
		},
	}
}

func TestRunner(t *testing.T) {
	for name, c := range map[string]struct {
		class      Class
		answer     []error
		works      []bool
		visible    time.Duration
		settle     time.Duration
		want       string
		done, most int // how often the work was done, and how often at most the call was made
	}{
		"done and read back":                      {class: Idempotent, want: StateDone, done: 1, most: 1},
		"refused is failed and not repeated":      {class: Idempotent, answer: []error{errRefused}, works: []bool{false}, want: StateFailed, most: 1},
		"answer lost, work done":                  {class: Verifiable, answer: []error{errLost}, want: StateDone, done: 1, most: 1},
		"answer lost, work done, idempotent":      {class: Idempotent, answer: []error{errLost}, want: StateDone, done: 1, most: 1},
		"answer lost, work not done, repeatable":  {class: Idempotent, answer: []error{errLost}, works: []bool{false}, want: StateDone, done: 1, most: 2},
		"answer lost, work not done, only once":   {class: Verifiable, answer: []error{errLost}, works: []bool{false}, want: StateFailed, most: 1},
		"accepted but never seen":                 {class: Idempotent, works: []bool{false}, want: StateFailed, most: 1},
		"seen late from a stale replica":          {class: Verifiable, visible: 8 * time.Second, want: StateDone, done: 1, most: 1},
		"blind and unanswered":                    {class: Blind, answer: []error{errLost}, want: StateUnknown, done: 1, most: 1},
		"asynchronous, done within its time":      {class: Async, visible: 3 * time.Minute, settle: 10 * time.Minute, want: StateDone, done: 1, most: 1},
		"asynchronous, not done within its time":  {class: Async, visible: time.Hour, settle: 10 * time.Minute, want: StatePending, done: 1, most: 1},
		"lost twice, never there":                 {class: Idempotent, answer: []error{errLost, errLost}, works: []bool{false, false}, want: StateFailed, most: 2},
		"lost, and the late effect is seen later": {class: Verifiable, answer: []error{errLost}, visible: 20 * time.Second, want: StateDone, done: 1, most: 1},
	} {
		t.Run(name, func(t *testing.T) {
			clk := &counted{t: time.Date(2026, 3, 12, 15, 0, 0, 0, time.UTC)}
			w := &world{answer: c.answer, works: c.works, visible: c.visible, clock: clk}
			r := Runner{Clock: clk, Ambiguous: func(err error) bool { return errors.Is(err, errLost) }, Explain: error.Error}
			res := r.Execute(t.Context(), &Run{}, []Step{w.step(c.class, c.settle)}, []Change{{Summary: "x"}}, nil)
			if res[0].State != c.want || w.done != c.done || w.calls > c.most {
				t.Errorf("%s (%s), done %d times in %d calls", res[0].State, res[0].Detail, w.done, w.calls)
			}
		})
	}
}

func TestAFailureStopsOnlyWhatNeedsIt(t *testing.T) {
	clk := &counted{}
	ok, bad := &world{clock: clk}, &world{clock: clk, answer: []error{errRefused}, works: []bool{false}}
	first, second, third := bad.step(Idempotent, 0), ok.step(Idempotent, 0), ok.step(Idempotent, 0)
	first.Name, second.Name, third.Name = "convert", "licences", "forward"
	second.Needs = []string{"convert"}
	r := Runner{Clock: clk, Ambiguous: func(error) bool { return false }, Explain: error.Error}
	res := r.Execute(t.Context(), &Run{}, []Step{first, second, third}, make([]Change, 3), nil)
	for i, want := range []string{StateFailed, StateSkipped, StateDone} {
		if res[i].State != want {
			t.Errorf("%s is %s, not %s", res[i].Step, res[i].State, want)
		}
	}
}

func TestABegunWriteIsFinishedAfterTheCallerLeft(t *testing.T) {
	clk := &counted{}
	w := &world{clock: clk}
	ctx, cancel := context.WithCancel(t.Context())
	s := w.step(Idempotent, 0)
	do := s.Do
	s.Do = func(ctx context.Context, r *Run) (Handle, error) { cancel(); return do(ctx, r) }
	r := Runner{Clock: clk, Ambiguous: func(error) bool { return false }, Explain: error.Error}
	if res := r.Execute(ctx, &Run{}, []Step{s}, make([]Change, 1), nil); res[0].State != StateDone {
		t.Errorf("%+v", res[0])
	}
}

func TestTheJournalTellsIntentBeforeOutcome(t *testing.T) {
	dir, clk := t.TempDir(), &counted{}
	j, err := OpenJournal(dir, clk)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{clock: clk}
	s := w.step(Idempotent, 0)
	seen := 0
	do := s.Do
	s.Do = func(ctx context.Context, r *Run) (Handle, error) {
		seen = len(entries(t, dir))
		return do(ctx, r)
	}
	r := Runner{Clock: clk, Journal: j, Ambiguous: func(error) bool { return false }, Explain: error.Error}
	r.Execute(t.Context(), &Run{ID: "r1"}, []Step{s}, []Change{{Summary: "x", Before: "a", After: "b"}}, nil)
	if err := errors.Join(j.Err(), j.Close()); err != nil {
		t.Fatal(err)
	}
	all := entries(t, dir)
	if seen != 1 || len(all) != 2 || all[0].Event != "intent" || all[0].After != "b" || all[1].State != StateDone {
		t.Errorf("%d lines before the call, then %+v", seen, all)
	}
	j.Append(Entry{Event: "step"})
	if j.Err() == nil {
		t.Error("a journal that cannot be written says nothing")
	}
}

func entries(t *testing.T, dir string) []Entry {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []Entry
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var e Entry
		if err := json.Unmarshal(sc.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func TestGatherRunsAllAndReports(t *testing.T) {
	const n = 20
	steps := make([]Step, n)
	for i := range steps {
		steps[i] = Step{Name: "r", Do: func(_ context.Context, r *Run) (Handle, error) { return nil, r.Put("x", 1) }}
	}
	told := 0
	if err := Gather(t.Context(), &Run{}, steps, func(done, total int, _ string) {
		if total != n || done != told+1 {
			t.Errorf("%d of %d after %d", done, total, told)
		}
		told = done
	}); err != nil || told != n {
		t.Errorf("%d told, %v", told, err)
	}
	steps[3].Do = func(context.Context, *Run) (Handle, error) { return nil, errRefused }
	if err := Gather(t.Context(), &Run{}, steps, func(int, int, string) {}); !errors.Is(err, errRefused) {
		t.Error(err)
	}
}
