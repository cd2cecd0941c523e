package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// Metrics is what the sandbox has been asked since it started or was reset.
type Metrics struct {
	Requests []RequestCount `json:"requests"`
	Total    int            `json:"total"`
	// Depth is, for each tenant, the longest chain of its requests in which each began after the one
	// before had ended: with a latency of L per request no client that asks the same questions in the
	// same order of need can be done in less than Depth × L.
	Depth map[string]int `json:"depth"`
	// Chain is, for each tenant, how many seconds the sandbox spent on the slowest such chain, delays and its own
	// work included.
	Chain map[string]float64 `json:"chain"`
	// Cost is, for each tenant, what its requests cost the identity service, the parts of batches included.
	Cost map[string]Cost `json:"cost"`
	// Latency is the delay that a fault without conditions puts on every request, "" for none.
	Latency string `json:"latency"`
}

// Cost is in the identity service's own units.
type Cost struct {
	Units  int `json:"units"`
	Writes int `json:"writes"`
}

// RequestCount is how often requests of one kind came. Path is a template: ids stand as {id}.
type RequestCount struct {
	Service string `json:"service"`
	Tenant  string `json:"tenant"`
	Method  string `json:"method"`
	Path    string `json:"path"`
	Cmdlet  string `json:"cmdlet,omitempty"`
	Status  int    `json:"status"`
	Count   int    `json:"count"`
}

type meter struct {
	mu     sync.Mutex
	counts map[RequestCount]int
	depth  map[string]int
	chain  map[string]time.Duration
	cost   map[string]Cost
}

func newMeter() *meter {
	m := &meter{}
	m.reset()
	return m
}

func (m *meter) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts, m.depth, m.chain, m.cost = map[RequestCount]int{}, map[string]int{}, map[string]time.Duration{}, map[string]Cost{}
}

// begin is called when a request arrives; what it returns, when it has been answered (status 0: it was
// cut). A request's depth is one more than that of the deepest request already answered when it came.
func (m *meter) begin(w *wireCall) func(status int) {
	m.mu.Lock()
	depth, chain, begun := m.depth[w.tenant]+1, m.chain[w.tenant], time.Now()
	m.mu.Unlock()
	return func(status int) {
		key := RequestCount{Service: w.service, Tenant: w.tenant, Method: w.method, Path: w.template(), Cmdlet: w.cmdlet, Status: status}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.counts[key]++
		m.depth[w.tenant] = max(m.depth[w.tenant], depth)
		m.chain[w.tenant] = max(m.chain[w.tenant], chain+time.Since(begun))
	}
}

// spent adds what a request cost.
func (m *meter) spent(tenant string, c Cost) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := m.cost[tenant]
	m.cost[tenant] = Cost{sum.Units + c.Units, sum.Writes + c.Writes}
}

func (m *meter) read(latency string) Metrics {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := Metrics{Requests: make([]RequestCount, 0, len(m.counts)), Depth: map[string]int{}, Chain: map[string]float64{}, Cost: maps.Clone(m.cost), Latency: latency}
	for k, n := range m.counts {
		k.Count = n
		out.Total += n
		out.Requests = append(out.Requests, k)
	}
	for t, d := range m.depth {
		out.Depth[t] = d
	}
	for t, d := range m.chain {
		out.Chain[t] = d.Seconds()
	}
	slices.SortFunc(out.Requests, func(a, b RequestCount) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Method, b.Method), cmp.Compare(a.Cmdlet, b.Cmdlet), cmp.Compare(a.Status, b.Status))
	})
	return out
}
