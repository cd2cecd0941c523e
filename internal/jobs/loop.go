package jobs

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Loop is the dispatcher that needs nothing beside the ledger: each process that shares it runs one, and
// the leases keep them out of each other's way.
type Loop struct {
	*watch
	workers int
	// OnlyReads leaves runs that write to processes that may write.
	OnlyReads bool
}

// NewLoop makes the ledger's dispatcher, for at most so many runs at once. failed is told of what
// went wrong with a run, or with the ledger as a whole (""); nil tells nobody.
func NewLoop(l *Ledger, workers int, failed func(runID string, err error)) *Loop {
	p := &Loop{watch: newWatch(l, failed), workers: max(workers, 1)}
	l.Dispatch = p
	return p
}

// Enqueue has nothing to write: the run's own row is the queue.
func (p *Loop) Enqueue(context.Context, Tx, string, time.Time) error { return nil }

// Nudge makes the loop look at once. Other processes see the change at their next look.
func (p *Loop) Nudge(string) { signal(p.wake) }

// Run hands due runs to advance until ctx ends, and returns when the last is out of hand.
func (p *Loop) Run(ctx context.Context, advance func(ctx context.Context, runID string) error) error {
	var all sync.WaitGroup
	defer all.Wait()
	slots := make(chan struct{}, p.workers)
	p.each(ctx, func() error { return p.hand(ctx, slots, &all, advance) })
	return nil
}

// hand gives due runs to free workers.
func (p *Loop) hand(ctx context.Context, slots chan struct{}, all *sync.WaitGroup, advance func(context.Context, string) error) error {
	if _, err := p.ledger.reap(ctx); err != nil {
		return err
	}
	ids, err := p.ledger.due(ctx, cap(slots)-len(slots), p.OnlyReads)
	if err != nil {
		return err
	}
	for _, id := range ids {
		slots <- struct{}{} // there was one free, and only this loop takes them
		all.Go(func() {
			defer func() { <-slots; signal(p.wake) }()
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
