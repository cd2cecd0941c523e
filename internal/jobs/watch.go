package jobs

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// watch knows when there may be something to do in a ledger.
type watch struct {
	ledger *Ledger
	failed func(runID string, err error)
	wake   chan struct{}
	errs   atomic.Int32 // failures in a row
	futile time.Time    // the cloud's time at which waiting for a named moment brought nothing
}

// scanEvery is after how many quiet looks the whole ledger is looked through.
const scanEvery = 10

func newWatch(l *Ledger, failed func(runID string, err error)) *watch {
	if failed == nil {
		failed = func(string, error) {}
	}
	return &watch{ledger: l, failed: failed, wake: make(chan struct{}, 1)}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is signalled already
	}
}

// each looks into the ledger whenever there may be something to do, until ctx ends.
func (w *watch) each(ctx context.Context, look func() error) {
	ctx, cancel := context.WithCancel(ctx)
	var ticking sync.WaitGroup
	defer ticking.Wait()
	defer cancel()
	ticks := make(chan struct{}, 1)
	ticking.Go(func() {
		for w.ledger.machine.Sleep(ctx, pollTime) == nil {
			signal(ticks)
		}
	})
	for w.backOff(ctx) == nil {
		if err := look(); err != nil {
			w.fail("", err)
			continue
		}
		next, err := w.ledger.moments(ctx)
		if err != nil {
			w.fail("", err)
			continue
		}
		w.rest(ctx, next, ticks)
	}
}

func (w *watch) fail(runID string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	w.errs.Add(1)
	w.failed(runID, err)
}

// backOff waits longer with every failure, so that a full disk is not asked a thousand times a second.
func (w *watch) backOff(ctx context.Context) error {
	n := w.errs.Load()
	if n == 0 {
		return ctx.Err()
	}
	return w.ledger.machine.Sleep(ctx, min(100*time.Millisecond<<min(n-1, 10), 5*time.Second))
}

// rest waits until there may be something to do: a moment has come, a worker is free, a run was made
// here or, seen at a tick, elsewhere.
func (w *watch) rest(ctx context.Context, next moments, ticks <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	var timers sync.WaitGroup
	defer timers.Wait()
	defer cancel()
	come := make(chan struct{}, 2)
	if !next.parked.IsZero() {
		timers.Go(func() {
			if w.ledger.time.sleepUntil(ctx, next.parked) == nil {
				come <- struct{}{}
			}
		})
	}
	cloud := w.ledger.time.clock
	if !next.named.IsZero() && (w.futile.IsZero() || !w.futile.Equal(cloud.Now())) {
		timers.Go(func() {
			if cloud.Sleep(ctx, next.named.Sub(cloud.Now())) == nil {
				come <- struct{}{}
			}
		})
	}
	for quiet := 0; ; quiet++ {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
			return
		case <-come:
			w.futile = time.Time{}
			if now := cloud.Now(); now.Before(next.named) {
				w.futile = now // this clock stands still; the ticks see when it is moved
			}
			return
		case <-ticks:
			if quiet >= scanEvery || w.stirred(ctx, next) {
				return
			}
		}
	}
}

// stirred says whether the ledger was written to, a moment has come that no timer saw, as after a
// suspend, or a process has died.
func (w *watch) stirred(ctx context.Context, next moments) bool {
	changed, err := w.ledger.store.changed(ctx)
	if err != nil || changed || next.came(w.ledger) {
		return true
	}
	found, err := w.ledger.reap(ctx)
	return found || err != nil
}

// moments are when something becomes due by itself; zero is never.
type moments struct {
	parked time.Time // the end of a run's waiting
	named  time.Time // a time that a person set
}

func (m moments) came(l *Ledger) bool {
	return !m.parked.IsZero() && !l.time.now().Before(m.parked) || !m.named.IsZero() && !l.time.clock.Now().Before(m.named)
}

// moments looks for the next of each kind.
func (l *Ledger) moments(ctx context.Context) (moments, error) {
	now, cloud := milli(l.time.now()), milli(l.time.clock.Now())
	var parked, named int64
	err := l.store.read.QueryRowContext(ctx, `SELECT
		COALESCE((SELECT MIN(next_at) FROM run WHERE state IN ('queued', 'running') AND next_at > ? AND (not_before <= ? OR cancel_requested = 1)), 0),
		COALESCE((SELECT MIN(not_before) FROM run WHERE state IN ('queued', 'running') AND not_before > ? AND cancel_requested = 0), 0)`, now, cloud, cloud).Scan(&parked, &named)
	return moments{fromMilli(parked), fromMilli(named)}, storeError(err)
}

// due lists runs that may be claimed now, those that have waited longest first.
func (l *Ledger) due(ctx context.Context, limit int, onlyReads bool) ([]string, error) {
	if limit <= 0 {
		return nil, nil
	}
	now, err := l.store.now(ctx, l.store.read, l.machine)
	if err != nil {
		return nil, err
	}
	if onlyReads {
		return l.dueOf(ctx, l.store.read, now, limit, " AND kind LIKE ?", readKind+"%")
	}
	return l.dueOf(ctx, l.store.read, now, limit, "")
}

// dueOf lists due runs of which something more is so, without those this process is at work on.
func (l *Ledger) dueOf(ctx context.Context, tx Tx, now time.Time, limit int, and string, args ...any) ([]string, error) {
	l.mu.Lock()
	held := maps.Clone(l.held)
	l.mu.Unlock()
	rows, err := tx.QueryContext(ctx, `SELECT id FROM run WHERE `+due+and+` ORDER BY next_at, created_at, id LIMIT ?`, append(append(l.dueArgs(now), args...), limit+len(held))...)
	if err != nil {
		return nil, storeError(err)
	}
	defer func() { _ = rows.Close() }()
	var ids []string
	for rows.Next() && len(ids) < limit {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, storeError(err)
		}
		if held[id].IsZero() {
			ids = append(ids, id)
		}
	}
	return ids, storeError(rows.Err())
}
