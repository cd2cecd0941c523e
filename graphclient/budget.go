package graphclient

import (
	"context"
	"sync"
	"time"

	"cipp-mcp/internal/clock"
)

// budget names a limit of Microsoft's that we keep rather than run into. Limits hold per tenant, but for the one
// that says otherwise.
//
// Reference: https://learn.microsoft.com/graph/throttling-limits
type budget string

const (
	noBudget         budget = ""
	exchangeBudget   budget = "exchange"       // 3 at once: more are answered with "micro delay" errors
	reportBudget     budget = "reports"        // sign-ins, directory audits, registration report: 5 in 10 s
	allReportsBudget budget = "allReports"     // the same over all tenants: 122 in 10 s
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
	allReportsBudget: {122, 10*time.Second + slack},
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
	keys := map[string]budget{key: of}
	if of == reportBudget {
		keys[string(allReportsBudget)] = allReportsBudget
	}
	return func() {}, b.clock.Sleep(ctx, b.reserve(keys))
}

// reserve books the next request with all its budgets at once, and says how long it has to wait.
func (b *budgets) reserve(keys map[string]budget) time.Duration {
	now := b.clock.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	start := now
	for key, of := range keys {
		r := b.rings[key]
		if r == nil {
			r = &ring{starts: make([]time.Time, rates[of].n), window: rates[of].window}
			b.rings[key] = r
		}
		if at := r.earliest(); at.After(start) {
			start = at
		}
	}
	for key := range keys {
		b.rings[key].book(start)
	}
	return start.Sub(now)
}

// ring remembers when the last n requests were let go, so that no window of time ever holds more than n: a request
// starts a window after the nth before it, whatever the order in which those between them start.
type ring struct {
	starts []time.Time
	next   int
	window time.Duration
}

// earliest is when the next request may start, the zero time where at once.
func (r *ring) earliest() time.Time {
	if oldest := r.starts[r.next]; !oldest.IsZero() {
		return oldest.Add(r.window)
	}
	return time.Time{}
}

// book lets the next request start at a time that is not before the earliest.
func (r *ring) book(start time.Time) {
	r.starts[r.next] = start
	r.next = (r.next + 1) % len(r.starts)
}
