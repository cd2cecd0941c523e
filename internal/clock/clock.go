// Package clock is the one source of time. Everything that asks what time it is, or waits, asks a
// Clock, so that a simulated cloud's time governs the whole product.
package clock

import (
	"context"
	"time"
)

// Clock tells the time and waits.
type Clock interface {
	// Now is the current time in UTC.
	Now() time.Time
	// Sleep waits for d or until ctx ends, whichever is first, and returns ctx's error in the latter
	// case. A clock that stands still returns at once.
	Sleep(ctx context.Context, d time.Duration) error
}

// System is the machine's clock.
type System struct{}

// Now is the machine's time in UTC.
func (System) Now() time.Time { return time.Now().UTC() }

// Sleep waits in real time.
func (System) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
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
