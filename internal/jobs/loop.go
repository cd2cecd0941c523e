package jobs

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Loop is the embedded dispatcher: each process that shares the ledger's file runs one, and the
// leases in the file keep them out of each other's way.
type Loop struct {
	ledger  *Ledger
	workers int
	failed  func(runID string, err error)
	wake    chan struct{}
	freed   chan struct{} // a worker has become free
	errs    atomic.Int32  // failures in a row
	futile  time.Time     // the cloud's time at which waiting for a named moment brought nothing
}

// scanEvery is after how many quiet looks the whole ledger is looked through.
const scanEvery = 10

// NewLoop makes the ledger's dispatcher, for at most so many runs at once. failed is told of what
// went wrong with a run, or with the ledger as a whole (""); nil tells nobody.
func NewLoop(l *Ledger, workers int, failed func(runID string, err error)) *Loop {
	if failed == nil {
		failed = func(string, error) {}
	}
	p := &Loop{ledger: l, workers: max(workers, 1), failed: failed, wake: make(chan struct{}, 1), freed: make(chan struct{}, 1)}
	l.Dispatch = p
	return p
}

// Enqueue has nothing to write: the run's own row is the queue.
func (p *Loop) Enqueue(context.Context, Tx, string, time.Time) error { return nil }

// Nudge makes the loop look at once. Other processes see the change at their next look.
func (p *Loop) Nudge(string) { signal(p.wake) }

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is signalled already
	}
}

// Run hands due runs to advance until ctx ends, and returns when the last is out of hand.
func (p *Loop) Run(ctx context.Context, advance func(ctx context.Context, runID string) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	ticks := make(chan struct{}, 1)
	all.Go(func() {
		for p.ledger.machine.Sleep(ctx, pollTime) == nil {
			signal(ticks)
		}
	})
	slots := make(chan struct{}, p.workers)
	for p.backOff(ctx) == nil {
		if err := p.hand(ctx, slots, &all, advance); err != nil {
			p.fail("", err)
			continue
		}
		next, err := p.ledger.moments(ctx)
		if err != nil {
			p.fail("", err)
			continue
		}
		p.rest(ctx, next, ticks)
	}
	cancel()
	return nil
}

// hand gives due runs to free workers.
func (p *Loop) hand(ctx context.Context, slots chan struct{}, all *sync.WaitGroup, advance func(context.Context, string) error) error {
	if _, err := p.ledger.reap(ctx); err != nil {
		return err
	}
	ids, err := p.ledger.due(ctx, cap(slots)-len(slots))
	if err != nil {
		return err
	}
	for _, id := range ids {
		slots <- struct{}{} // there was one free, and only this loop takes them
		all.Go(func() {
			defer func() { <-slots; signal(p.freed) }()
			switch err := advance(ctx, id); {
			case err == nil:
				p.errs.Store(0)
			case !errors.Is(err, ErrFenced):
				p.fail(id, err)
			}
		})
	}
	return nil
}

func (p *Loop) fail(runID string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	p.errs.Add(1)
	p.failed(runID, err)
}

// backOff waits longer with every failure, so that a full disk is not asked a thousand times a second.
func (p *Loop) backOff(ctx context.Context) error {
	n := p.errs.Load()
	if n == 0 {
		return ctx.Err()
	}
	return p.ledger.machine.Sleep(ctx, min(100*time.Millisecond<<min(n-1, 10), 5*time.Second))
}

// rest waits until there may be something to do: a moment has come, a worker is free, a run was made
// here or, seen at a tick, elsewhere.
func (p *Loop) rest(ctx context.Context, next moments, ticks <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	var timers sync.WaitGroup
	defer timers.Wait()
	defer cancel()
	come := make(chan struct{}, 2)
	if !next.parked.IsZero() {
		timers.Go(func() {
			if p.ledger.time.sleepUntil(ctx, next.parked) == nil {
				come <- struct{}{}
			}
		})
	}
	cloud := p.ledger.time.clock
	if !next.named.IsZero() && (p.futile.IsZero() || !p.futile.Equal(cloud.Now())) {
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
		case <-p.wake:
			return
		case <-p.freed:
			return
		case <-come:
			p.futile = time.Time{}
			if now := cloud.Now(); now.Before(next.named) {
				p.futile = now // this clock stands still; the ticks see when it is moved
			}
			return
		case <-ticks:
			if quiet >= scanEvery || p.stirred(ctx, next) {
				return
			}
		}
	}
}

// stirred says whether the ledger was written to, a moment has come that no timer saw, as after a
// suspend, or a process has died.
func (p *Loop) stirred(ctx context.Context, next moments) bool {
	changed, err := p.ledger.store.changed(ctx)
	if err != nil || changed || next.came(p.ledger) {
		return true
	}
	found, err := p.ledger.reap(ctx)
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
func (l *Ledger) due(ctx context.Context, limit int) ([]string, error) {
	if limit <= 0 {
		return nil, nil
	}
	l.mu.Lock()
	atWork := len(l.held)
	l.mu.Unlock()
	now, err := l.store.now(ctx, l.store.read, l.machine)
	if err != nil {
		return nil, err
	}
	rows, err := l.store.read.QueryContext(ctx, `SELECT id FROM run WHERE `+due+` ORDER BY next_at, created_at, id LIMIT ?`, append(l.dueArgs(now), limit+atWork)...)
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
		l.mu.Lock()
		held := !l.held[id].IsZero()
		l.mu.Unlock()
		if !held {
			ids = append(ids, id)
		}
	}
	return ids, storeError(rows.Err())
}
