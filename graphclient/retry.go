package graphclient

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
)

// How often and how long a call is repeated. What lasts longer is told to the caller, with RetryAfter.
const (
	throttledAttempts = 6
	failedAttempts    = 4
	longestWait       = 90 * time.Second // over all waits of one call
	longestBackoff    = 20 * time.Second
)

type repeatableKey struct{}

// Repeatable marks the PATCH, PUT and DELETE calls and the Set-, Remove-, Enable- and Disable- cmdlets called
// with the returned context as harmless to send twice. When their answer is lost they are then repeated
// instead of being returned as Ambiguous; a removal that finds nothing the second time has succeeded. Other
// POST calls and Add- and New- cmdlets take no notice of it.
func Repeatable(ctx context.Context) context.Context {
	return context.WithValue(ctx, repeatableKey{}, true)
}

func isRepeatable(ctx context.Context) bool { return ctx.Value(repeatableKey{}) != nil }

// repeat runs once until it succeeds or may not be repeated:
//   - 429, and 503 with Retry-After, for every method: the service says it did nothing;
//   - a request that never left this machine, for every method;
//   - 500, 502, 503, 504, a broken connection and an unreadable answer only for reads and repeatable writes.
func (c *Client) repeat(ctx context.Context, k call, once func(context.Context) error) error {
	var waited time.Duration
	landed := false // an earlier attempt may have done the work
	for n := 1; ; n++ {
		err := c.within(ctx, k, once)
		var e *Error
		if err == nil || !errors.As(err, &e) {
			return err
		}
		own := *e // calls that waited for one sign-in share its failure, and what follows is said of this call
		e = &own
		if k.deletes && landed && (e.Kind == NotFound || e.Kind == NotMember) {
			return nil
		}
		landed = landed || e.Ambiguous
		if !again(k, e, n) || ctx.Err() != nil {
			e.Ambiguous = e.Ambiguous || landed && k.write
			return e
		}
		wait := e.RetryAfter
		if wait <= 0 {
			wait = backoff(n)
		}
		if waited += wait; waited > longestWait {
			return e
		}
		c.log.Debug("asking again", zap.String("service", e.Service), zap.String("tenant", k.tenant), zap.Int("attempt", n),
			zap.String("kind", string(e.Kind)), zap.Int("status", e.Status), zap.Duration("wait", wait))
		if err := c.clock.Sleep(ctx, wait); err != nil {
			return e
		}
	}
}

// again decides whether the nth attempt, which failed with e, is followed by another.
func again(k call, e *Error, n int) bool {
	switch {
	case e.Service == string(signinService) && e.Kind != Unavailable && e.Kind != Throttled:
		return false
	case e.Kind == Throttled, e.Status == http.StatusServiceUnavailable && e.RetryAfter > 0:
		return n < throttledAttempts
	case e.notSent:
		return n < failedAttempts
	case e.Kind == Unavailable:
		return (!k.write || k.repeatable || e.Service == string(signinService)) && n < failedAttempts
	}
	return false
}

// backoff is the wait after the nth failure where the service named none: doubling, with jitter so that
// tenants that failed together do not come back together.
func backoff(n int) time.Duration {
	d := min(time.Second<<min(n-1, 10), longestBackoff)
	return d/2 + rand.N(d) //nolint:gosec // spreads retries, guards nothing
}

// retryAfter reads a Retry-After header: seconds, with or without a fraction, or a date. Zero means there is
// none or it lies in the past.
func retryAfter(header http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(header.Get("Retry-After"))
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		if !(s > 0) {
			return 0
		}
		return time.Duration(min(s, 86400) * float64(time.Second))
	}
	if at, err := http.ParseTime(v); err == nil {
		if date, err := http.ParseTime(header.Get("Date")); err == nil {
			now = date // the service's own clock, whatever ours says
		}
		return max(at.Sub(now), 0)
	}
	return 0
}
