package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// LeaseTime is how long a process may be silent before another takes its runs over.
const LeaseTime = 15 * time.Second

// due is what may be claimed: begun or not, held by nobody alive (or by this very process, which
// then is not at work on it), its waiting over, and no other of its kind at work on the subject (in the words of the
// index run_alone, without which each run would be held against every other). Its arguments: the leases' now, this owner, the timeline's now, the cloud's now.
const due = `state IN ('queued', 'running') AND (lease_until <= ? OR owner = ?) AND next_at <= ? AND (not_before <= ? OR cancel_requested = 1)
	AND NOT EXISTS (SELECT 1 FROM run o WHERE o.tenant = run.tenant AND o.subject = run.subject AND o.kind = run.kind AND o.id <> run.id AND o.state = 'running' AND o.subject <> '')`

func (l *Ledger) dueArgs(now time.Time) []any {
	return []any{milli(now), l.owner.id, milli(l.time.now()), milli(l.time.clock.Now())}
}

// Claim takes a run's lease. It says false when the run is not due, or somebody else has it, or this
// process is at work on it already. Each claim has a higher epoch, and the writes of older ones are
// refused from then on. Whoever claims must call Let when it is done.
func (l *Ledger) Claim(ctx context.Context, runID string) (epoch int64, ok bool, err error) {
	if !l.take(runID) {
		return 0, false, nil
	}
	err = l.store.Change(ctx, func(ctx context.Context, tx Tx) error {
		now, err := l.store.now(ctx, tx, l.machine)
		if err != nil {
			return err
		}
		err = tx.QueryRowContext(ctx, `UPDATE run SET owner = ?, epoch = epoch + 1, lease_until = ?, state = 'running', nudged_at = 0 WHERE id = ? AND `+due+` RETURNING epoch`,
			append([]any{l.owner.id, milli(now.Add(LeaseTime)), runID}, l.dueArgs(now)...)...).Scan(&epoch)
		if errors.Is(err, sql.ErrNoRows) {
			return err
		}
		return storeError(err)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		l.Let(runID)
		return 0, false, nil
	case err != nil:
		l.Let(runID)
		return 0, false, err
	}
	return epoch, true, nil
}

func (l *Ledger) take(runID string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.held[runID].IsZero() {
		return false
	}
	l.held[runID] = l.machine.Now()
	return true
}

// Let says that this process is no longer at work on a run it claimed.
func (l *Ledger) Let(runID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, runID)
}

// lease is one claim of one run while it is worked on.
type lease struct {
	ledger *Ledger
	run    string
	epoch  int64
	until  atomic.Int64 // in the machine's time; not later than what was last written
	stop   func()
}

// hold keeps a claim alive until its stop is called.
func (l *Ledger) hold(ctx context.Context, runID string, epoch int64) *lease {
	h := &lease{ledger: l, run: runID, epoch: epoch}
	l.mu.Lock()
	h.until.Store(milli(l.held[runID].Add(LeaseTime)))
	l.mu.Unlock()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var beats sync.WaitGroup
	beats.Go(func() {
		for l.machine.Sleep(ctx, LeaseTime/3) == nil {
			if err := h.beat(ctx); errors.Is(err, ErrFenced) {
				return
			} // a ledger that cannot be written is tried again; meanwhile the lease runs out by itself
		}
	})
	h.stop = func() { cancel(); beats.Wait() }
	return h
}

// beat is one statement and no change: it touches nothing but the run it holds, and must not wait for
// others' changes.
func (h *lease) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), LeaseTime)
	defer cancel()
	until := milli(h.ledger.machine.Now().Add(LeaseTime)) // before the database is asked, so not later than what it says
	now, err := h.ledger.store.now(ctx, h.ledger.store.read, h.ledger.machine)
	if err != nil {
		return err
	}
	n, err := execute(ctx, h.ledger.store.write, `UPDATE run SET lease_until = ? WHERE id = ? AND epoch = ?`, milli(now.Add(LeaseTime)), h.run, h.epoch)
	if err == nil && n == 0 {
		err = ErrFenced
	}
	switch {
	case err == nil:
		h.until.Store(until)
	case errors.Is(err, ErrFenced):
		h.until.Store(0)
	}
	return err
}

// lapsed says that the process was silent for longer than the lease, suspended perhaps: somebody else
// may have the run by now, so no new call is made.
func (h *lease) lapsed() bool { return milli(h.ledger.machine.Now()) >= h.until.Load() }

// change writes under the lease. Its first statement is the fence: it touches the run's row only if
// that still bears this epoch, and nothing else of the change happens when it does not.
func (h *lease) change(ctx context.Context, f func(context.Context, Tx) error) error {
	return h.ledger.store.Change(ctx, func(ctx context.Context, tx Tx) error {
		n, err := execute(ctx, tx, `UPDATE run SET epoch = epoch WHERE id = ? AND epoch = ?`, h.run, h.epoch)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrFenced
		}
		return f(ctx, tx)
	})
}

// park gives the lease back until a moment of the timeline; zero is at once.
func (h *lease) park(ctx context.Context, at time.Time) error {
	err := h.change(ctx, func(ctx context.Context, tx Tx) error {
		_, err := execute(ctx, tx, `UPDATE run SET owner = '', lease_until = 0, next_at = ?, failures = 0 WHERE id = ?`, milli(at), h.run)
		return err
	})
	h.ledger.told("")
	return err
}

// reap takes their leases from processes that are dead for certain, and says whether it found any.
func (l *Ledger) reap(ctx context.Context) (bool, error) {
	now, err := l.store.now(ctx, l.store.read, l.machine)
	if err != nil {
		return false, err
	}
	rows, err := l.store.read.QueryContext(ctx, `SELECT DISTINCT owner FROM run WHERE state = 'running' AND lease_until > ? AND owner NOT IN ('', ?)`, milli(now), l.owner.id)
	if err != nil {
		return false, storeError(err)
	}
	var owners []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return false, errors.Join(storeError(err), rows.Close())
		}
		owners = append(owners, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return false, storeError(err)
	}
	found := false
	for _, id := range owners {
		if !l.owner.dead(id) {
			continue
		}
		found = true
		err := l.store.Change(ctx, func(ctx context.Context, tx Tx) error {
			_, err := execute(ctx, tx, `UPDATE run SET lease_until = 0 WHERE owner = ?`, id)
			return err
		})
		if err != nil {
			return true, fmt.Errorf("take over from %s: %w", id, err)
		}
	}
	return found, nil
}
