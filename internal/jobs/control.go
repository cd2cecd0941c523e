package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Cancel asks a run to stop, and with it all that is below it. What is out is still read back; nothing new is
// begun. A run that has ended stays as it is.
func (l *Ledger) Cancel(ctx context.Context, runID, who string) error {
	err := l.store.Change(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := l.readJob(ctx, tx, runID); err != nil && !errors.Is(err, ErrSealed) {
			return err // what cannot be read can be stopped
		}
		if n, err := execute(ctx, tx, `UPDATE run SET state = ?, detail = 'cancelled before it was approved' WHERE id = ? AND state = ?`, RunCancelled, runID, RunHeld); err != nil || n > 0 {
			return errors.Join(err, audit(ctx, tx, runID, l.time.now(), who, Event{Event: "cancel"}))
		}
		const below = `WITH RECURSIVE below (id) AS (SELECT CAST(? AS TEXT) UNION SELECT r.id FROM run r JOIN below b ON r.parent_id = b.id) `
		held, err := execute(ctx, tx, below+`UPDATE run SET state = ?, detail = 'cancelled before it was approved' WHERE id IN (SELECT id FROM below) AND state = ?`, runID, RunCancelled, RunHeld)
		if err != nil {
			return err
		}
		n, err := execute(ctx, tx, below+`UPDATE run SET cancel_requested = 1, next_at = 0 WHERE id IN (SELECT id FROM below) AND state IN ('queued', 'running') AND cancel_requested = 0`, runID)
		if err != nil || n+held == 0 {
			return err
		}
		return audit(ctx, tx, runID, l.time.now(), who, Event{Event: "cancel"})
	})
	if err == nil {
		l.told(runID)
	}
	return err
}

// Retry sets a run that ended to work again: steps that failed, were left out or were cancelled begin
// anew, accepted ones are looked after again. A step whose outcome is unknown stays so: Resolve.
func (l *Ledger) Retry(ctx context.Context, runID, who string) error {
	return l.goOn(ctx, runID, who, "retry", true)
}

// Resume is Retry without the steps that failed: what a cancel cut off goes on.
func (l *Ledger) Resume(ctx context.Context, runID, who string) error {
	return l.goOn(ctx, runID, who, "resume", false)
}

func (l *Ledger) goOn(ctx context.Context, runID, who, event string, failedToo bool) error {
	return l.again(ctx, runID, l.restarted(runID, who, event, failedToo))
}

// restarted begins the steps of a run anew that can run again.
func (l *Ledger) restarted(runID, who, event string, failedToo bool) func(context.Context, Tx, Job) error {
	return func(ctx context.Context, tx Tx, j Job) error {
		for _, s := range j.Steps {
			switch s.State {
			case StateFailed, StateSkipped, StateCancelled:
				if s.State == StateFailed && !failedToo {
					continue
				}
				if err := restart(ctx, tx, runID, s.idx); err != nil {
					return err
				}
			case StatePending, StateIntent:
				if _, err := execute(ctx, tx, `UPDATE step SET intent_at = ?, next_at = ? WHERE run_id = ? AND idx = ?`, milli(l.time.now()), milli(l.time.now()), runID, s.idx); err != nil {
					return err
				}
			}
		}
		return audit(ctx, tx, runID, l.time.now(), who, Event{Event: event})
	}
}

// Verdict is what a person found out about a step whose outcome was unknown.
type Verdict string

// The verdicts.
const (
	VerdictDone Verdict = "done" // the effect is there
	VerdictRedo Verdict = "redo" // it is not, and shall be tried again
	VerdictSkip Verdict = "skip" // it is not, and shall not
)

// Resolve settles a step whose outcome is unknown, on a person's word, and lets the run go on with
// what depended on it. The caller makes sure that it is a person.
func (l *Ledger) Resolve(ctx context.Context, runID, step string, v Verdict, who string) error {
	return l.again(ctx, runID, func(ctx context.Context, tx Tx, j Job) error {
		i := slices.IndexFunc(j.Steps, func(s StepRow) bool { return s.Name == step })
		if i < 0 {
			return ErrNoStep
		}
		if j.Steps[i].State != StateUnknown {
			return ErrNotOpen
		}
		var err error
		switch v {
		case VerdictDone:
			_, err = execute(ctx, tx, `UPDATE step SET state = ?, result = ? WHERE run_id = ? AND idx = ?`, StateDone, "resolved by "+who, runID, i)
		case VerdictRedo:
			err = restart(ctx, tx, runID, i)
		case VerdictSkip:
			_, err = execute(ctx, tx, `UPDATE step SET state = ?, result = ? WHERE run_id = ? AND idx = ?`, StateSkipped, "left out by "+who, runID, i)
		default:
			err = fmt.Errorf("a step is resolved as done, redo or skip, not %q", v)
		}
		if err != nil {
			return err
		}
		for _, s := range j.Steps {
			if s.State == StateSkipped && dependsOn(j.Steps, s, step) {
				if err := restart(ctx, tx, runID, s.idx); err != nil {
					return err
				}
			}
		}
		return audit(ctx, tx, runID, l.time.now(), who, Event{Event: "resolve", Step: step, From: StateUnknown, State: string(v)})
	})
}

// dependsOn says whether a step needs another, directly or through others.
func dependsOn(all []StepRow, s StepRow, name string) bool {
	return slices.ContainsFunc(s.Needs, func(n string) bool {
		return n == name || slices.ContainsFunc(all, func(o StepRow) bool { return o.Name == n && o.idx < s.idx && dependsOn(all, o, name) })
	})
}

func restart(ctx context.Context, tx Tx, runID string, idx int) error {
	_, err := execute(ctx, tx, `UPDATE step SET state = ?, tries = 0, next_at = 0, intent_at = 0, op_handle = '', result = '', error_class = '', error = '' WHERE run_id = ? AND idx = ?`, StateToDo, runID, idx)
	return err
}

// again opens a run that has ended, in the transaction of what a person does to it.
func (l *Ledger) again(ctx context.Context, runID string, f func(context.Context, Tx, Job) error) error {
	err := l.store.Change(ctx, func(ctx context.Context, tx Tx) error { return l.againIn(ctx, tx, runID, f) })
	if err == nil {
		l.told(runID)
	}
	return err
}

func (l *Ledger) againIn(ctx context.Context, tx Tx, runID string, f func(context.Context, Tx, Job) error) error {
	j, err := l.readJob(ctx, tx, runID)
	if err != nil {
		return err
	}
	if !j.Ended() {
		return ErrNotEnded
	}
	if err := f(ctx, tx, j); err != nil {
		return err
	}
	_, err = execute(ctx, tx, `UPDATE run SET state = ?, detail = '', next_at = 0, deadline = 0, failures = 0, cancel_requested = 0 WHERE id = ?`, RunQueued, runID)
	return err
}

// Wait returns the job once it has ended, or as it is when ctx ends first, and reports each step as it
// comes to its end. The run may be at work in another process.
func (l *Ledger) Wait(ctx context.Context, runID string, report func(done, total int, r StepResult)) (Job, error) {
	told := map[string]string{}
	var j Job
	var seen string
	for {
		l.mu.Lock()
		changed := l.changed
		l.mu.Unlock()
		now, err := l.glance(context.WithoutCancel(ctx), runID)
		if err == nil && now != seen {
			j, err = l.Job(context.WithoutCancel(ctx), runID)
		}
		if err != nil {
			return j, err
		}
		seen = now
		for _, s := range j.Steps {
			if s.over() && told[s.Name] != s.State {
				told[s.Name] = s.State
				if report != nil {
					report(len(told), len(j.Steps), s.result())
				}
			}
		}
		if j.Ended() {
			return j, nil
		}
		select {
		case <-ctx.Done():
			return l.Job(context.WithoutCancel(ctx), runID)
		default:
			l.rest(ctx, changed)
		}
	}
}

// glance tells where a run and its steps stand without opening what it keeps: while one waits for hundreds of runs
// below it, each of their moves is a reason to look.
func (l *Ledger) glance(ctx context.Context, runID string) (string, error) {
	rows, err := l.store.read.QueryContext(ctx, `SELECT r.state, r.detail, r.cancel_requested, COALESCE(s.state, ''), COALESCE(s.result, ''), COALESCE(s.next_at, 0)
		FROM run r LEFT JOIN step s ON s.run_id = r.id WHERE r.id = ? ORDER BY s.idx`, runID)
	if err != nil {
		return "", storeError(err)
	}
	defer func() { _ = rows.Close() }()
	var b strings.Builder
	for rows.Next() {
		var state, detail, step, result string
		var cancelled, next int64
		if err := rows.Scan(&state, &detail, &cancelled, &step, &result, &next); err != nil {
			return "", storeError(err)
		}
		fmt.Fprintf(&b, "%q %q %d %q %q %d\n", state, detail, cancelled, step, result, next)
	}
	if b.Len() == 0 {
		b.WriteString("none") // reading it as a whole says so
	}
	return b.String(), storeError(rows.Err())
}

// rest waits for a change made here, for a while in which another process may have made one, or for
// the caller's end.
func (l *Ledger) rest(ctx context.Context, changed <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() { _ = l.machine.Sleep(ctx, pollTime); close(over) }()
	select {
	case <-changed:
	case <-over:
	}
	cancel()
	<-over
}

// pollTime is how often a process looks for what others did.
const pollTime = 500 * time.Millisecond
