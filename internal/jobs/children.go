package jobs

import (
	"context"
	"fmt"
)

// ChildJobs lists the runs below a parent, in the order in which they were made.
func (l *Ledger) ChildJobs(ctx context.Context, parentID string) ([]RunInfo, error) {
	return l.list(ctx, `SELECT `+runColumns+` FROM run WHERE parent_id = ? AND parent_id <> '' ORDER BY created_at, id`, parentID)
}

// CalledOffBelow counts the cancelled runs that lie below the runs of a parent: those for later that its rows had planned.
func (l *Ledger) CalledOffBelow(ctx context.Context, parentID string) (n int, err error) {
	err = l.store.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM run JOIN run AS above ON above.id = run.parent_id WHERE above.parent_id = ? AND run.state = ?`, parentID, RunCancelled).Scan(&n)
	return n, storeError(err)
}

// RetryChildren sets those runs below a parent to work again that need a person, or with resume those that were
// cancelled, and the parent with them, all at once: its step that looks after them waits again. It answers how many
// there are.
func (l *Ledger) RetryChildren(ctx context.Context, parentID, step, who string, resume bool) (n int, err error) {
	state, event := RunAttention, "retry"
	if resume {
		state, event = RunCancelled, "resume"
	}
	var again []string
	err = l.store.Change(ctx, func(ctx context.Context, tx Tx) error {
		again = nil
		rows, err := tx.QueryContext(ctx, `SELECT id FROM run WHERE parent_id = ? AND state = ? ORDER BY created_at, id`, parentID, state)
		if err != nil {
			return storeError(err)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return storeError(err)
			}
			again = append(again, id)
		}
		if err := rows.Err(); err != nil || len(again) == 0 {
			return storeError(err)
		}
		for _, id := range again {
			if err := l.againIn(ctx, tx, id, l.restarted(id, who, event, !resume)); err != nil {
				return err
			}
		}
		return l.againIn(ctx, tx, parentID, l.waiting(step, who, event, !resume))
	})
	if err != nil {
		return 0, err
	}
	for _, id := range again {
		l.told(id)
	}
	l.told(parentID)
	return len(again), nil
}

// waiting lets the step of an ended parent look after its runs once more, and begins what of the parent's own was cut
// off. Its other steps are done: what they did may have changed since, and some cannot be read back at all.
func (l *Ledger) waiting(step, who, event string, failedToo bool) func(context.Context, Tx, Job) error {
	return func(ctx context.Context, tx Tx, j Job) error {
		now := milli(l.time.now())
		if _, err := execute(ctx, tx, `UPDATE step SET state = ?, intent_at = ?, next_at = ? WHERE run_id = ? AND name = ? AND state = ?`, StatePending, now, now, j.Run.ID, step, StateDone); err != nil {
			return err
		}
		return l.restarted(j.Run.ID, who, event, failedToo)(ctx, tx, j)
	}
}

// wakeParent lets the parent look at once when the last of its runs has ended; before that each end would wake
// it for nothing.
func wakeParent(ctx context.Context, tx Tx, childID string, now int64) error {
	var parent string
	if err := tx.QueryRowContext(ctx, `SELECT parent_id FROM run WHERE id = ?`, childID).Scan(&parent); err != nil || parent == "" {
		return storeError(err)
	}
	states, err := countChildren(ctx, tx, parent)
	if err != nil || states[RunQueued]+states[RunRunning] > 0 {
		return err
	}
	if _, err := execute(ctx, tx, `UPDATE step SET next_at = ? WHERE run_id = ? AND state = ? AND next_at > ?`, now, parent, StatePending, now); err != nil {
		return err
	}
	_, err = execute(ctx, tx, `UPDATE run SET next_at = 0 WHERE id = ?`, parent)
	return err
}

// withChildren is how a run ends whose own steps ended so: it is not done while one of its runs needs a person.
func withChildren(ctx context.Context, tx Tx, runID, state string) (ended, detail string, err error) {
	if state != RunDone {
		return state, "", nil
	}
	children, err := countChildren(ctx, tx, runID)
	switch {
	case err != nil:
		return state, "", err
	case children[RunAttention] > 0:
		return RunAttention, fmt.Sprintf("%d of its jobs need a person", children[RunAttention]), nil
	case children[RunCancelled] > 0:
		return RunCancelled, fmt.Sprintf("%d of its jobs were cancelled", children[RunCancelled]), nil
	default:
		return state, "", nil
	}
}
