package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cipp-mcp/internal/clock"
)

// The states a step can end in; the words are those of the result every write tool gives.
const (
	StateDone    = "done"
	StateFailed  = "failed"
	StateSkipped = "skipped" // a step it needs failed
	StateUnknown = "unknown" // nobody can tell whether it landed
	StateNothing = "nothingToDo"
	StateManual  = "manual_required"
	StatePending = "accepted" // Microsoft accepted it and is still at it
)

const defaultSettle = 30 * time.Second

// StepResult is what became of one step.
type StepResult struct {
	Step    string `json:"step"`
	State   string `json:"state"`
	Summary string `json:"summary"`
	Detail  string `json:"detail,omitempty"`
}

// Ambiguity tells whether an error leaves open if the write landed; the caller injects it, since
// only the adapter to Microsoft knows.
type Ambiguity func(error) bool

// Runner executes steps one after another. A step that fails stops only those that need it.
type Runner struct {
	Clock     clock.Clock
	Journal   *Journal
	Ambiguous Ambiguity
	// Explain words an error for the result; it must not let secrets through.
	Explain func(error) string
}

// Execute runs the steps whose changes have something to write and reads each back. It goes on when
// the caller's request is cancelled: a write that was approved and begun is finished, not abandoned.
// report is called after every step.
func (r *Runner) Execute(ctx context.Context, run *Run, steps []Step, plan []Change, report func(done, total int, res StepResult)) []StepResult {
	ctx = context.WithoutCancel(ctx)
	results := make([]StepResult, 0, len(steps))
	state := make(map[string]string, len(steps))
	for i, s := range steps {
		res := r.one(ctx, run, s, plan[i], state)
		state[s.Name] = res.State
		results = append(results, res)
		r.Journal.Append(Entry{Run: run.ID, Tool: run.Tool, Tenant: run.TenantID, User: run.UserID, Event: "step", Step: s.Name, State: res.State, Detail: res.Detail})
		if report != nil {
			report(i+1, len(steps), res)
		}
	}
	return results
}

func (r *Runner) one(ctx context.Context, run *Run, s Step, c Change, state map[string]string) StepResult {
	res := StepResult{Step: s.Name, Summary: c.Summary}
	switch {
	case c.Manual != "":
		res.State, res.Detail = StateManual, c.Manual
		return res
	case c.Nothing != "":
		res.State, res.Detail = StateNothing, c.Nothing
		return res
	}
	for _, n := range s.Needs {
		if st := state[n]; st != StateDone && st != StateNothing {
			res.State, res.Detail = StateSkipped, fmt.Sprintf("step %s is %s, and this one needs it", n, st)
			return res
		}
	}
	r.Journal.Append(Entry{Run: run.ID, Tool: run.Tool, Tenant: run.TenantID, User: run.UserID, Event: "intent", Step: s.Name, Target: c.Target, Before: c.Before, After: c.After})
	if err := r.Journal.Err(); err != nil { // what cannot be written down is not done
		res.State, res.Detail = StateSkipped, "the journal cannot be written any more, so this was not begun"
		return res
	}
	res.State, res.Detail = r.attempt(ctx, run, s)
	return res
}

// attempt makes the call and reads back. An ambiguous failure is never reported as either success or
// failure without having looked; it is repeated only where the class allows it.
func (r *Runner) attempt(ctx context.Context, run *Run, s Step) (state, detail string) {
	for try := 0; ; try++ {
		err := Caught(func() error { _, err := s.Do(ctx, run); return err })
		if p := (*Panic)(nil); errors.As(err, &p) {
			return StateUnknown, "this program failed while it made the change; look before anything else: " + r.Explain(err)
		}
		if err != nil && !r.Ambiguous(err) {
			return StateFailed, r.Explain(err)
		}
		if s.Class == Blind {
			if err != nil {
				return StateUnknown, "Microsoft gave no clear answer and this cannot be read back: " + r.Explain(err)
			}
			return StateDone, ""
		}
		outcome, verr := r.settle(ctx, run, s)
		switch {
		case verr != nil:
			return StateUnknown, "the change was sent, but reading it back failed: " + r.Explain(verr)
		case outcome == Done && err != nil:
			return StateDone, "Microsoft's answer was lost; the effect was read back"
		case outcome == Done:
			return StateDone, ""
		case outcome == Pending:
			return StatePending, "Microsoft is still at it; look again before anything that depends on it"
		case outcome == NotDone && err != nil && s.Class == Idempotent && try == 0:
			continue // unanswered, not there after the settle time, and harmless to repeat
		case outcome == NotDone && err != nil:
			return StateFailed, "Microsoft's answer was lost and the effect is not there: " + r.Explain(err)
		case outcome == NotDone:
			return StateFailed, "Microsoft accepted the change, but reading back does not show it"
		default:
			return StateUnknown, "what was read back does not tell whether it is done"
		}
	}
}

// settle reads back until the effect is there or the settle time is over. A distributed service may
// answer from a stale replica, so a NotDone counts only when time is up.
func (r *Runner) settle(ctx context.Context, run *Run, s Step) (Outcome, error) {
	limit := s.Settle
	if limit == 0 {
		limit = defaultSettle
	}
	var waited time.Duration
	for wait := 250 * time.Millisecond; ; wait = min(wait*2, 10*time.Second) {
		var outcome Outcome
		err := Caught(func() (err error) { outcome, err = s.Verify(ctx, run); return err })
		if err == nil && outcome == Done {
			return Done, nil
		}
		if waited >= limit {
			return outcome, err
		}
		if serr := r.Clock.Sleep(ctx, wait); serr != nil {
			return outcome, serr
		}
		waited += wait
	}
}
