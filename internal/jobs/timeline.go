package jobs

import (
	"context"
	"sync"
	"time"

	"cipp-mcp/internal/clock"
)

// timeline is the cloud's clock as waiting experiences it: what was slept has passed, even where the
// clock stands still, as a simulated cloud's may. Only waits between two looks at a step count on it;
// a time that a person named is compared with the clock itself.
type timeline struct {
	clock clock.Clock
	mu    sync.Mutex
	floor time.Time
}

func (t *timeline) now() time.Time {
	now := t.clock.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Before(t.floor) {
		return t.floor
	}
	return now
}

func (t *timeline) sleepUntil(ctx context.Context, at time.Time) error {
	if err := t.clock.Sleep(ctx, at.Sub(t.now())); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.floor.Before(at) {
		t.floor = at
	}
	return nil
}

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
