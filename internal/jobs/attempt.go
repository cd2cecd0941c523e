package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	// settleTime is how long an unanswered call may still land where a step does not say.
	settleTime = time.Minute
	// longestCall bounds one call; it is always shorter than the step's settle time.
	longestCall = 2 * time.Minute
	// maxTries is how often a call is begun before it is left to a person.
	maxTries = 3

	firstLook = 250 * time.Millisecond
	lastLook  = 10 * time.Second
	// looks is about how often something is looked after that may take days.
	looks = 10000
)

// What went wrong with a step, in the ledger's words.
const (
	problemRefused   = "refused"
	problemAmbiguous = "ambiguous"
	problemThrottled = "throttled"
	problemUnknown   = "unknownStep"
)

var (
	errPanic   = errors.New("an error inside cipp-mcp")
	errStopped = errors.New("the job was cancelled just now")
)

// ending is what became of a look at a step, or of a call.
type ending struct {
	state, detail, problem string
	handle                 Handle
	nextAt                 time.Time
	attempt                string // how the call ended; "" when none did
	answers                []string
}

func settleOf(s Step) time.Duration {
	if s.Settle > 0 {
		return s.Settle
	}
	return settleTime
}

// guarded turns a panic into an error: one faulty step must not take the process and all its runs.
func guarded[T any](f func() (T, error)) (out T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	return f()
}

// step does what a step's state and class ask for. A step that is in intent here was left so by a
// process that died, or by a call that was not answered: the same ambiguity, the same way out.
func (a *advance) step(ctx context.Context, job Job, row StepRow) (more bool, err error) {
	s, known, ok, err := a.code(ctx, job, row.Name)
	if err != nil || !ok {
		return false, err
	}
	switch {
	case !known && row.State == StateToDo:
		return true, a.write(ctx, job.Run, row, ending{state: StateFailed, problem: problemUnknown, detail: "this version of cipp-mcp does not know this step"})
	case !known:
		return true, a.write(ctx, job.Run, row, ending{state: StateUnknown, problem: problemUnknown, detail: "this version of cipp-mcp does not know this step, which was begun by another"})
	case row.State == StateToDo:
		return true, a.do(ctx, job, row, s)
	case row.State == StateIntent && row.Class == Blind:
		return true, a.write(ctx, job.Run, row, ending{state: StateUnknown, problem: problemAmbiguous, detail: "the call may have been made, and this cannot be read back: look, then resolve it"})
	case row.State == StateIntent && row.Class == Idempotent && row.tries < maxTries && !job.Cancelled:
		return true, a.do(ctx, job, row, s)
	default:
		return true, a.look(ctx, job, row, s)
	}
}

// do writes the intent, makes the call and writes what came of it.
func (a *advance) do(ctx context.Context, job Job, row StepRow, s Step) error {
	request := newRequestID()
	if err := a.intend(ctx, &row, request); errors.Is(err, errStopped) {
		return nil // the next look at the run sees why
	} else if err != nil {
		return err
	}
	if a.lease.lapsed() { // suspended between the intent and here: nothing was sent
		return errors.Join(a.write(ctx, job.Run, row, ending{state: StateToDo, attempt: "withdrawn"}), ErrFenced)
	}
	settle := settleOf(s)
	call, cancel := a.calling(ctx, job.Run, row, request, settle)
	defer cancel()
	answers := func() []string { return nil }
	sending := call
	if a.Send != nil {
		sending, answers = a.Send(call, request)
	}
	handle, err := guarded(func() (Handle, error) { return s.Do(sending, job.Run) })
	if ofLedger(err) {
		return err // whether the call was made is not known: the step stays in intent
	}
	e := a.answered(call, job, row, s, err)
	e.handle, e.answers = handle, answers()
	return a.write(ctx, job.Run, row, e)
}

// calling is the context of a step's functions: it outlives the caller, ends before the settle time
// does, and carries what Keep needs.
func (a *advance) calling(ctx context.Context, run *Run, row StepRow, request string, settle time.Duration) (context.Context, context.CancelFunc) {
	ctx = context.WithValue(context.WithoutCancel(ctx), inHandKey{}, &stepInHand{lease: a.lease, run: run, idx: row.idx, name: row.Name, request: request})
	if row.Class == Reading {
		return context.WithTimeout(ctx, settle/2)
	}
	return context.WithTimeout(ctx, min(settle/2, longestCall))
}

// answered judges how a call ended.
func (a *advance) answered(call context.Context, job Job, row StepRow, s Step, err error) ending {
	if err == nil {
		return a.accepted(call, job, row, s)
	}
	why := a.Explain(err)
	if a.Later != nil && row.tries < maxTries {
		if wait, ok := a.Later(err); ok {
			return ending{state: StateToDo, problem: problemThrottled, detail: why, nextAt: a.now().Add(wait), attempt: problemThrottled}
		}
	}
	if !a.Ambiguous(err) && !errors.Is(err, errPanic) && call.Err() == nil {
		if row.tries > 1 { // an earlier call may have landed meanwhile, and that is why this one is refused
			if out, verr := a.verify(call, job, s); verr == nil && out == Done {
				return ending{state: StateDone, detail: "an earlier call was not answered; its effect was read back", attempt: problemRefused}
			}
		}
		return ending{state: StateFailed, problem: problemRefused, detail: why, attempt: problemRefused}
	}
	if row.Class == Blind {
		return ending{state: StateUnknown, problem: problemAmbiguous, detail: "Microsoft gave no clear answer and this cannot be read back: " + why, attempt: problemAmbiguous}
	}
	if call.Err() == nil {
		if out, verr := a.verify(call, job, s); verr == nil && out == Done {
			return ending{state: StateDone, detail: "Microsoft's answer was lost; the effect was read back", attempt: problemAmbiguous}
		}
	}
	return ending{state: StateIntent, problem: problemAmbiguous, detail: why, nextAt: a.now().Add(firstLook), attempt: problemAmbiguous}
}

// accepted is what follows a call that was answered well: what runs on at Microsoft is written down
// before it is looked after, the rest is read back at once.
func (a *advance) accepted(call context.Context, job Job, row StepRow, s Step) ending {
	const answered = "answered"
	switch row.Class {
	case Blind:
		return ending{state: StateDone, attempt: answered}
	case Async, Reading:
		return ending{state: StatePending, nextAt: a.now(), attempt: answered}
	case Idempotent, Verifiable:
	}
	if out, err := a.verify(call, job, s); err == nil && out == Done {
		return ending{state: StateDone, attempt: answered}
	}
	return ending{state: StatePending, nextAt: a.now().Add(firstLook), attempt: answered}
}

func (a *advance) verify(ctx context.Context, job Job, s Step) (Outcome, error) {
	if s.Verify == nil {
		return Unknown, nil
	}
	return guarded(func() (Outcome, error) { return s.Verify(ctx, job.Run) })
}

// look reads back. A service may answer from a stale replica and a lost call may still land, so that
// only a Done counts before the settle time is over.
func (a *advance) look(ctx context.Context, job Job, row StepRow, s Step) error {
	if now := a.now(); row.IntentAt.After(now) {
		row.IntentAt = now // the clock was set back: the settle time begins anew
	}
	settle := settleOf(s)
	call, cancel := a.calling(ctx, job.Run, row, "", settle)
	defer cancel()
	out, err := a.verify(call, job, s)
	if ofLedger(err) {
		return err
	}
	now, lost := a.now(), row.State == StateIntent
	end := row.IntentAt.Add(settle)
	e := ending{state: row.State, detail: row.Detail, problem: row.Problem}
	switch {
	case err == nil && out == Done && lost:
		e = ending{state: StateDone, detail: "Microsoft's answer was lost; the effect was read back"}
	case err == nil && out == Done:
		e = ending{state: StateDone}
	case err == nil && out == Partly:
		e = ending{state: StateFailed, problem: problemRefused, detail: "some of it was left undone; what of it, and why, stands with its parts"}
	case now.Before(end):
		e.nextAt = earlier(now.Add(min(max(now.Sub(row.IntentAt), firstLook), max(lastLook, settle/looks))), end)
	case err != nil:
		e = ending{state: StateUnknown, problem: problemAmbiguous, detail: "the change was sent, but reading it back failed: " + a.Explain(err)}
	case out == Pending:
		e = ending{state: StatePending, detail: "Microsoft is still at it; look again before anything that depends on it"}
	case out == Unknown:
		e = ending{state: StateUnknown, problem: problemAmbiguous, detail: "what was read back does not tell whether it is done"}
	case lost && row.tries < maxTries && !job.Cancelled:
		return a.do(ctx, job, row, s) // it is not there, and by now it would be
	case lost:
		e = ending{state: StateFailed, problem: problemAmbiguous, detail: "Microsoft's answer was lost and the effect is not there"}
	default:
		e = ending{state: StateFailed, problem: problemRefused, detail: "Microsoft accepted the change, but reading back does not show it"}
	}
	return a.write(ctx, job.Run, row, e)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// intend writes that a call is about to be made. If it cannot be written the call is not made.
func (a *advance) intend(ctx context.Context, row *StepRow, request string) error {
	now, from := a.now(), row.State
	err := a.lease.change(ctx, func(ctx context.Context, tx Tx) error {
		if n, err := execute(ctx, tx, `UPDATE run SET epoch = epoch WHERE id = ? AND cancel_requested = 0`, a.lease.run); err != nil || n == 0 {
			return errors.Join(err, stoppedIf(n == 0 && err == nil))
		}
		if row.Class != Reading {
			if f, err := freezeIn(ctx, tx); err != nil || f != nil {
				return errors.Join(err, errFrozen)
			}
		}
		n, err := execute(ctx, tx, `UPDATE step SET state = ?, attempt = attempt + 1, tries = tries + 1, intent_at = ?, next_at = 0, op_handle = '', result = '', error_class = '', error = ''
			WHERE run_id = ? AND idx = ? AND state = ? AND attempt = ?`, StateIntent, milli(now), a.lease.run, row.idx, from, row.Attempt)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrFenced // somebody else has moved it
		}
		if _, err := execute(ctx, tx, `INSERT INTO attempt (run_id, idx, n, epoch, owner, intent_at, request_id) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			a.lease.run, row.idx, row.Attempt+1, a.lease.epoch, a.Ledger.owner.id, milli(now), request); err != nil {
			return err
		}
		return audit(ctx, tx, a.lease.run, now, a.Ledger.owner.id, Event{Event: "intent", Step: row.Name, Attempt: row.Attempt + 1, Epoch: a.lease.epoch,
			From: from, State: StateIntent, Target: row.Change.Target, Before: row.Change.Before, After: row.Change.After, Request: request})
	})
	if err == nil {
		row.State, row.IntentAt, row.NextAt, row.Detail, row.Problem = StateIntent, now, time.Time{}, "", ""
		row.Attempt++
		row.tries++
	}
	return err
}

func stoppedIf(stopped bool) error {
	if stopped {
		return errStopped
	}
	return nil
}

// write puts down what became of a step, with the values its functions left and, where the step moved
// or a call ended, its line of the audit.
func (a *advance) write(ctx context.Context, run *Run, row StepRow, e ending) error {
	vals, err := a.Ledger.kept(run)
	if err != nil {
		return err
	}
	handle := ""
	if e.handle != nil {
		b, err := json.Marshal(e.handle)
		if err != nil {
			return fmt.Errorf("keep the handle of %s: %w", row.Name, err)
		}
		handle = string(b)
	}
	result, problem := e.detail, ""
	if e.state == StateIntent || e.state == StateToDo {
		result, problem = "", e.detail
	}
	now := a.now()
	err = a.lease.change(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := execute(ctx, tx, `UPDATE step SET state = ?, intent_at = ?, next_at = ?, op_handle = CASE WHEN ? = '' THEN op_handle ELSE ? END, result = ?, error_class = ?, error = ? WHERE run_id = ? AND idx = ?`,
			e.state, milli(row.IntentAt), milli(e.nextAt), handle, handle, result, e.problem, problem, a.lease.run, row.idx); err != nil {
			return err
		}
		if _, err := execute(ctx, tx, `UPDATE run SET vals = ? WHERE id = ?`, vals, a.lease.run); err != nil {
			return err
		}
		if e.attempt != "" {
			if _, err := execute(ctx, tx, `UPDATE attempt SET ended_at = ?, outcome = ? WHERE run_id = ? AND idx = ? AND n = ? AND ended_at = 0`, milli(now), e.attempt, a.lease.run, row.idx, row.Attempt); err != nil {
				return err
			}
		}
		if e.attempt == "" && e.state == row.State {
			return nil
		}
		return audit(ctx, tx, a.lease.run, now, a.Ledger.owner.id, Event{Event: "step", Step: row.Name, Attempt: row.Attempt, Epoch: a.lease.epoch, From: row.State, State: e.state, Detail: e.detail, Answers: e.answers})
	})
	a.Ledger.told("")
	return err
}
