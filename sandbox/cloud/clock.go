package cloud

import (
	"context"
	"sync"
	"time"
)

// Clock is the simulated cloud's one clock. It either runs on from a starting time at the speed of
// the machine's, or stands still; it can be moved forward or set.
type Clock struct {
	mu     sync.RWMutex
	at     time.Time // simulated time at the moment since
	since  time.Time // machine time with its monotonic reading
	frozen bool
}

// NewClock starts a clock at start (UTC is applied); a frozen clock stands still.
func NewClock(start time.Time, frozen bool) *Clock {
	c := &Clock{}
	c.Set(start, frozen)
	return c
}

// Now is the simulated time in UTC.
func (c *Clock) Now() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.now()
}

func (c *Clock) now() time.Time {
	if c.frozen {
		return c.at
	}
	return c.at.Add(time.Since(c.since))
}

// Frozen says whether the clock stands still.
func (c *Clock) Frozen() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.frozen
}

// Advance moves the clock by d; a negative d moves it back.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.since = c.now().Add(d), time.Now()
}

// Set puts the clock to t and says whether it stands still there.
func (c *Clock) Set(t time.Time, frozen bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.since, c.frozen = t.UTC(), time.Now(), frozen
}

// Sleep waits for d or until ctx ends, whichever is first. On a frozen clock nobody waits.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 || c.Frozen() {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Stamp is the form in which Microsoft writes a moment in JSON: UTC, seconds, Z.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
