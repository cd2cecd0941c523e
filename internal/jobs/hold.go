package jobs

import (
	"context"
	"errors"
	"time"
)

// ErrExpired says that an approval came after the time for which the plan was held.
var ErrExpired = errors.New("the time for approving this job is over")

// Release lets a held run begin: approval says by whom it was approved, and proof is what makes that
// believable, such as a signature. The caller makes sure that it is a person.
func (l *Ledger) Release(ctx context.Context, runID, who, approval, proof string) error {
	err := l.decide(ctx, runID, func(ctx context.Context, tx Tx, j Job) error {
		if _, err := execute(ctx, tx, `UPDATE run SET state = ?, approval = ?, proof = ? WHERE id = ?`, RunQueued, approval, proof, runID); err != nil {
			return err
		}
		if l.Dispatch != nil {
			if err := l.Dispatch.Enqueue(ctx, tx, runID, j.NotBefore); err != nil {
				return err
			}
		}
		return audit(ctx, tx, runID, l.time.now(), who, Event{Event: "approved", Approval: approval})
	})
	if err == nil {
		l.told(runID)
	}
	return err
}

// Deny ends a held run.
func (l *Ledger) Deny(ctx context.Context, runID, who, why string) error {
	return l.decide(ctx, runID, func(ctx context.Context, tx Tx, _ Job) error {
		if _, err := execute(ctx, tx, `UPDATE run SET state = ?, detail = ? WHERE id = ?`, RunCancelled, "denied by "+who, runID); err != nil {
			return err
		}
		return audit(ctx, tx, runID, l.time.now(), who, Event{Event: "denied", Detail: why})
	})
}

// decide does to a held run what a person decided, once.
func (l *Ledger) decide(ctx context.Context, runID string, f func(context.Context, Tx, Job) error) error {
	return l.store.Change(ctx, func(ctx context.Context, tx Tx) error {
		j, err := l.readJob(ctx, tx, runID)
		switch {
		case err != nil:
			return err
		case j.State != RunHeld:
			return ErrNotHeld
		case l.time.clock.Now().After(j.HeldUntil()):
			return ErrExpired
		}
		// Of two who decide at once, one finds it decided.
		n, err := execute(ctx, tx, `UPDATE run SET state = state WHERE id = ? AND state = ?`, runID, RunHeld)
		if err == nil && n == 0 {
			err = ErrNotHeld
		}
		if err != nil {
			return err
		}
		return f(ctx, tx, j)
	})
}

// HoldTime is how long a run waits for the operator.
const HoldTime = 24 * time.Hour

// HeldUntil is until when a held run may be approved.
func (r RunInfo) HeldUntil() time.Time { return r.Created.Add(HoldTime) }
