package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Registry rebuilds a run's steps from its kind, arguments and ids, in whatever process goes on with
// it. It must give each step the name it had when the run was made, so names come from immutable ids,
// never from what the world looks like now. An error that is ErrWithdrawn ends the run for a person
// to look at; any other is taken as passing and tried again.
type Registry map[string]func(context.Context, RunInfo) ([]Step, error)

// ErrWithdrawn says that a run must not go on: its approval or its subject no longer holds.
var ErrWithdrawn = errors.New("this job must not go on")

// rebuilds is how often in a row the steps may fail to be rebuilt before a person is asked.
const rebuilds = 6

// Worker does what the ledger says.
type Worker struct {
	Ledger   *Ledger
	Registry Registry
	// Ambiguous tells whether an error leaves open if the write landed.
	Ambiguous Ambiguity
	// Later tells that an error means the service did nothing and wants to be asked again after a
	// while; nil where nobody can tell.
	Later func(error) (time.Duration, bool)
	// Explain words an error for the ledger; it must not let secrets through.
	Explain func(error) string
	// Check looks, before the first call of a run that waited for a time or for an approval, whether it
	// may still begin. ErrWithdrawn ends it for a person to look at; nil where nobody looks.
	Check func(context.Context, Job, []Step) error
	// After makes the run that follows from another's end, in the same transaction; nil, or a nil run,
	// makes none.
	After func(j Job, state, detail string) *NewRun
	// Send prepares the context of a step's functions: calls made with it bear the request id, and the
	// ids of Microsoft's answers are handed over at the end. nil prepares nothing.
	Send func(ctx context.Context, requestID string) (context.Context, func() []string)
}

// Work claims a run and takes it as far as it goes now. A run that is not due, or that another
// process has, is none of its business and no error.
func (w *Worker) Work(ctx context.Context, runID string) error {
	epoch, ok, err := w.Ledger.Claim(ctx, runID)
	if err != nil || !ok {
		return err
	}
	defer w.Ledger.Let(runID)
	return w.Advance(ctx, runID, epoch)
}

// Advance takes a claimed run step by step until it ends, or has to wait for a later moment and is
// parked, or ctx ends. ctx is looked at between steps only: a call that is out is never abandoned.
// ErrFenced says that another process has the run now, ErrStore that the ledger cannot be written; in
// both cases no call was made that is not in the ledger.
func (w *Worker) Advance(ctx context.Context, runID string, epoch int64) error {
	a := &advance{Worker: w, lease: w.Ledger.hold(ctx, runID, epoch)}
	defer a.lease.stop()
	for more := true; more; {
		if ctx.Err() != nil {
			return a.lease.park(ctx, time.Time{})
		}
		job, err := w.Ledger.Job(context.WithoutCancel(ctx), runID)
		switch {
		case errors.Is(err, ErrSealed): // no other look will read it either
			return a.giveUp(ctx, ErrSealed.Error())
		case err != nil:
			return err
		case job.Epoch != epoch || a.lease.lapsed():
			return ErrFenced
		}
		more, err = a.next(ctx, job)
		switch {
		case errors.Is(err, errFrozen) && !errors.Is(err, ErrStore):
			return a.lease.park(ctx, a.now().Add(thaw))
		case err != nil:
			return err
		}
	}
	return nil
}

// advance is a worker at one claim of one run.
type advance struct {
	*Worker
	lease *lease
	steps map[string]Step // nil until one is needed
}

func (a *advance) now() time.Time { return a.Ledger.time.now() }

// next does one thing and says whether there may be more to do.
func (a *advance) next(ctx context.Context, job Job) (more bool, err error) {
	if len(job.Steps) == 0 {
		return false, a.parent(ctx)
	}
	if job.late(a.Ledger.time.clock.Now()) {
		return false, a.giveUp(ctx, "it was to begin before "+job.Deadline.Format(time.RFC3339)+" and could not; retry it if it is still wanted")
	}
	for _, row := range job.Steps {
		if e, ok := job.given(row); ok {
			return true, a.write(ctx, job.Run, row, e)
		}
	}
	row, wake := job.ready(a.now())
	switch {
	case row != nil:
		return a.step(ctx, job, *row)
	case !wake.IsZero():
		return false, a.lease.park(ctx, wake)
	default:
		return false, a.ended(ctx, job.outcome())
	}
}

// late says that a run was not begun in the time it was meant for.
func (j Job) late(now time.Time) bool {
	if j.Deadline.IsZero() || !now.After(j.Deadline) || j.Cancelled {
		return false
	}
	return !j.begun()
}

// begun says that a call was made, or was about to be.
func (j Job) begun() bool {
	return slices.ContainsFunc(j.Steps, func(s StepRow) bool { return s.Attempt > 0 })
}

// Withdrawn says that a run ended without anybody's cancelling it and before its first call: it must not go on, or was
// too late.
func (j Job) Withdrawn() bool {
	return j.State == RunAttention && !j.begun() && slices.ContainsFunc(j.Steps, func(s StepRow) bool { return s.State == StateToDo })
}

// over says that nothing more happens to a step by itself.
func (s StepRow) over() bool {
	switch s.State {
	case StateToDo, StateIntent:
		return false
	case StatePending:
		return s.NextAt.IsZero()
	default:
		return true
	}
}

// holds says that what needs the step may go on.
func (s StepRow) holds() bool { return s.State == StateDone || s.State == StateNothing }

// given is the end of a step that follows from the run alone, without a call.
func (j Job) given(row StepRow) (ending, bool) {
	if row.State != StateToDo {
		return ending{}, false
	}
	if j.Cancelled {
		return ending{state: StateCancelled, detail: "the job was cancelled before this step"}, true
	}
	for _, n := range row.Needs {
		need, ok := j.step(n)
		switch {
		case !ok:
			return ending{state: StateSkipped, detail: "step " + n + " is not part of this job, and this one needs it"}, true
		case need.over() && !need.holds():
			return ending{state: StateSkipped, detail: fmt.Sprintf("step %s is %s, and this one needs it", n, need.State)}, true
		}
	}
	return ending{}, false
}

func (j Job) step(name string) (StepRow, bool) {
	for _, s := range j.Steps {
		if s.Name == name {
			return s, true
		}
	}
	return StepRow{}, false
}

// ready is the first step, in the plan's order, that there is something to do for now; or else when
// there will be, zero for never.
func (j Job) ready(now time.Time) (row *StepRow, wake time.Time) {
	for i, s := range j.Steps {
		switch {
		case s.over() || s.State == StateToDo && !j.met(s):
		case !s.NextAt.After(now):
			return &j.Steps[i], time.Time{}
		case wake.IsZero() || s.NextAt.Before(wake):
			wake = s.NextAt
		}
	}
	return nil, wake
}

func (j Job) met(s StepRow) bool {
	for _, n := range s.Needs {
		if need, ok := j.step(n); !ok || !need.holds() {
			return false
		}
	}
	return true
}

// outcome sums up a run whose steps are all over.
func (j Job) outcome() string {
	state := RunDone
	for _, s := range j.Steps {
		switch {
		case s.State == StateCancelled:
			return RunCancelled
		case !s.holds():
			state = RunAttention
		}
	}
	return state
}

// code is what to do for a step; false when the run was put off or ended instead.
func (a *advance) code(ctx context.Context, job Job, name string) (s Step, known, ok bool, err error) {
	if a.steps == nil {
		if ok, err := a.rebuild(ctx, job); !ok || err != nil {
			return Step{}, false, false, err
		}
	}
	s, known = a.steps[name]
	return s, known, true, nil
}

func (a *advance) rebuild(ctx context.Context, job Job) (ok bool, err error) {
	build, known := a.Registry[job.Kind]
	if !known {
		return false, a.giveUp(ctx, "this version of cipp-mcp does not know jobs of the kind "+job.Kind)
	}
	steps, err := guarded(func() ([]Step, error) { return build(context.WithoutCancel(ctx), job.RunInfo) })
	if err == nil && a.Check != nil && !job.begun() {
		_, err = guarded(func() (struct{}, error) { return struct{}{}, a.Check(context.WithoutCancel(ctx), job, steps) })
	}
	switch {
	case err == nil:
		a.steps = make(map[string]Step, len(steps))
		for _, s := range steps {
			a.steps[s.Name] = s
		}
		return true, nil
	case errors.Is(err, ErrWithdrawn) || job.failures+1 >= rebuilds:
		return false, a.giveUp(ctx, a.Explain(err))
	default:
		return false, a.postpone(ctx, job, a.Explain(err))
	}
}

// postpone parks a run whose steps could not be rebuilt just now, each time for longer.
func (a *advance) postpone(ctx context.Context, job Job, why string) error {
	at := a.now().Add(time.Second << (2 * job.failures))
	err := a.lease.change(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := execute(ctx, tx, `UPDATE run SET owner = '', lease_until = 0, next_at = ?, failures = failures + 1, detail = ? WHERE id = ?`, milli(at), why, a.lease.run); err != nil {
			return err
		}
		return audit(ctx, tx, a.lease.run, a.now(), a.Ledger.owner.id, Event{Event: "postponed", Epoch: a.lease.epoch, Detail: why})
	})
	a.Ledger.told("")
	return err
}

// ended closes a run whose steps are all over. How its runs ended is looked at in the same transaction.
func (a *advance) ended(ctx context.Context, state string) error {
	err := a.lease.change(ctx, func(ctx context.Context, tx Tx) error {
		state, detail, err := withChildren(ctx, tx, a.lease.run, state)
		if err != nil {
			return err
		}
		return a.close(ctx, tx, state, detail)
	})
	a.Ledger.told("")
	return err
}

// giveUp leaves a run to a person.
func (a *advance) giveUp(ctx context.Context, why string) error {
	err := a.lease.change(ctx, func(ctx context.Context, tx Tx) error { return a.close(ctx, tx, RunAttention, why) })
	a.Ledger.told("")
	return err
}

func (a *advance) close(ctx context.Context, tx Tx, state, detail string) error {
	if _, err := execute(ctx, tx, `UPDATE run SET state = ?, detail = ?, owner = '', lease_until = 0, next_at = 0, failures = 0 WHERE id = ?`, state, detail, a.lease.run); err != nil {
		return err
	}
	if err := wakeParent(ctx, tx, a.lease.run, milli(a.now())); err != nil {
		return err
	}
	if err := audit(ctx, tx, a.lease.run, a.now(), a.Ledger.owner.id, Event{Event: "end", Epoch: a.lease.epoch, State: state, Detail: detail}); err != nil || a.After == nil {
		return err
	}
	j, err := a.Ledger.readJob(ctx, tx, a.lease.run)
	if err != nil && !errors.Is(err, ErrSealed) {
		return err
	}
	next := a.After(j, state, detail)
	if next == nil {
		return nil
	}
	if err := a.Ledger.insert(ctx, tx, *next); err != nil || a.Ledger.Dispatch == nil {
		return err
	}
	return a.Ledger.Dispatch.Enqueue(ctx, tx, next.Run.ID, next.NotBefore)
}

// parentRest is how long a parent waits when no child ends; the end of one wakes it.
const parentRest = time.Hour

// parent looks after a run without steps of its own: it ends when its children have. The look and
// what follows from it are one transaction, so that no child ends unseen in between.
func (a *advance) parent(ctx context.Context) error {
	err := a.lease.change(ctx, func(ctx context.Context, tx Tx) error {
		states, err := countChildren(ctx, tx, a.lease.run)
		if err != nil {
			return err
		}
		if states[RunQueued]+states[RunRunning] > 0 {
			_, err := execute(ctx, tx, `UPDATE run SET owner = '', lease_until = 0, next_at = ? WHERE id = ?`, milli(a.now().Add(parentRest)), a.lease.run)
			return err
		}
		state, detail, err := withChildren(ctx, tx, a.lease.run, RunDone)
		if err != nil {
			return err
		}
		return a.close(ctx, tx, state, detail)
	})
	a.Ledger.told("")
	return err
}
