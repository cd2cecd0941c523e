package graphclient

import (
	"context"
	"sync"
	"time"

	"cipp-mcp/internal/clock"
)

// budget names a limit of Microsoft's that we keep rather than run into. Limits hold per tenant.
//
// Reference: https://learn.microsoft.com/graph/throttling-limits
type budget string

const (
	noBudget         budget = ""
	exchangeBudget   budget = "exchange"       // 3 at once: more are answered with "micro delay" errors
	reportBudget     budget = "reports"        // sign-ins, directory audits, registration report: 5 in 10 s
	activityBudget   budget = "signInActivity" // users with signInActivity: 10 a minute
	protectionBudget budget = "protection"     // Identity Protection and Conditional Access: 1 a second
	traceBudget      budget = "messageTrace"   // Get-MessageTraceV2: 100 in 5 minutes
)

// rates are requests per window. A window is a little longer than Microsoft's: what we let go evenly does not arrive
// evenly, and one request too early costs more than it saves, for who is turned away is told to wait, or is not told.
var rates = map[budget]struct {
	n      int
	window time.Duration
}{
	reportBudget:     {5, 10*time.Second + slack},
	activityBudget:   {10, time.Minute + slack},
	protectionBudget: {1, time.Second + slack},
	traceBudget:      {100, 5*time.Minute + slack},
}

const slack = 200 * time.Millisecond

const exchangeAtOnce = 3

// budgets are the limits of all tenants.
type budgets struct {
	clock clock.Clock
	mu    sync.Mutex
	rings map[string]*ring
	slots map[string]chan struct{}
}

func newBudgets(ck clock.Clock) *budgets {
	return &budgets{clock: ck, rings: map[string]*ring{}, slots: map[string]chan struct{}{}}
}

// within runs once when the tenant's budget allows it.
func (c *Client) within(ctx context.Context, k call, once func(context.Context) error) error {
	if _, err := c.budgets.enter(ctx, k.tenant, k.rate); err != nil { // first: who waits for a turn takes up no place
		return lost(k, err, false)
	}
	done, err := c.budgets.enter(ctx, k.tenant, k.budget)
	if err != nil {
		return lost(k, err, false)
	}
	defer done()
	return once(ctx)
}

// enter waits for the tenant's turn; the returned function gives the turn back.
func (b *budgets) enter(ctx context.Context, tenant string, of budget) (func(), error) {
	if of == noBudget {
		return func() {}, ctx.Err()
	}
	key := string(of) + " " + tenant
	if of == exchangeBudget {
		b.mu.Lock()
		slot := b.slots[key]
		if slot == nil {
			slot = make(chan struct{}, exchangeAtOnce)
			b.slots[key] = slot
		}
		b.mu.Unlock()
		select {
		case slot <- struct{}{}:
			return func() { <-slot }, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	rate := rates[of]
	now := b.clock.Now()
	b.mu.Lock()
	r := b.rings[key]
	if r == nil {
		r = &ring{starts: make([]time.Time, rate.n)}
		b.rings[key] = r
	}
	wait := r.reserve(now, rate.window)
	b.mu.Unlock()
	return func() {}, b.clock.Sleep(ctx, wait)
}

// ring remembers when the last n requests were let go, so that no window of time ever holds more than n.
type ring struct {
	starts []time.Time
	next   int
}

// reserve books the next request and says how long it has to wait.
func (r *ring) reserve(now time.Time, window time.Duration) time.Duration {
	start := now
	if oldest := r.starts[r.next]; !oldest.IsZero() && oldest.Add(window).After(now) {
		start = oldest.Add(window)
	}
	r.starts[r.next] = start
	r.next = (r.next + 1) % len(r.starts)
	return start.Sub(now)
}
