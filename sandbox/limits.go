package sandbox

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// exchangeConcurrency is how many calls of one tenant Exchange works on at once; it turns the next away.
const exchangeConcurrency = 4

var exchangeBusy = &faultDo{Status: http.StatusTooManyRequests, RetryAfter: json.RawMessage("1"), Code: "TooManyRequests",
	Message: "Too many concurrent requests for this tenant. Please retry again later."}

type limiter struct {
	most int
	mu   sync.Mutex
	busy map[string]int
}

func newLimiter(most int) *limiter { return &limiter{most: most, busy: map[string]int{}} }

// enter asks for a place among key's; leave gives it back.
func (l *limiter) enter(key string) (leave func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy[key] >= l.most {
		return nil, false
	}
	l.busy[key]++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.busy[key]--; l.busy[key] == 0 {
			delete(l.busy, key)
		}
	}, true
}

// rateLimit is a service's limit on what may be asked of one tenant in a span of time.
type rateLimit struct {
	Requests   int      `json:"requests"`
	Per        duration `json:"per"`
	Silent     bool     `json:"silent"`     // the refusal does not say when to come again
	AllTenants bool     `json:"allTenants"` // of all tenants together
	PerPath    bool     `json:"perPath"`    // of each path, or mailbox, by itself

	asked map[string][]time.Time // by tenant, or what else is counted
}

// over counts a request; where it is one too many it is not counted and the refusal comes back. Where the
// clock stands still, the time the client is told to wait passes at once.
func (l *rateLimit) over(w *wireCall, now time.Time, frozen bool) *faultDo {
	if l.asked == nil {
		l.asked = map[string][]time.Time{}
	}
	key := w.tenant
	if l.AllTenants {
		key = ""
	}
	if l.PerPath {
		key += " " + strings.ToLower(w.path)
	}
	list := l.asked[key]
	for len(list) > 0 && !list[0].Add(time.Duration(l.Per)).After(now) {
		list = list[1:]
	}
	if len(list) < l.Requests {
		l.asked[key] = append(list, now)
		return nil
	}
	wait := list[0].Add(time.Duration(l.Per)).Sub(now)
	if frozen {
		list = nil
	}
	l.asked[key] = list
	if l.Silent {
		return &faultDo{Status: http.StatusTooManyRequests}
	}
	return &faultDo{Status: http.StatusTooManyRequests, RetryAfter: json.RawMessage(strconv.Itoa(int(math.Ceil(wait.Seconds()))))}
}

// mailboxConcurrency is how many requests of one application Outlook works on at once for one mailbox.
const mailboxConcurrency = 4

var mailboxBusy = &faultDo{Status: http.StatusTooManyRequests, RetryAfter: json.RawMessage("1"), Code: "ApplicationThrottled",
	Message: "Application is over its MailboxConcurrency limit."}

// documentedLimits are the limits that Microsoft publishes by the number of requests. They hold where Options.Limits
// asks for them, like faults that never end. A request that one of them turns away is not counted by those after it.
// https://learn.microsoft.com/graph/throttling-limits
func documentedLimits() []*fault {
	on := func(m faultMatch, l rateLimit) *fault { return &fault{Match: m, Do: faultDo{Limit: &l}} }
	of := func(requests int, per time.Duration) rateLimit {
		return rateLimit{Requests: requests, Per: duration(per)}
	}
	graph := func(method, path string) faultMatch {
		return faultMatch{Service: serviceGraph, Method: method, Path: path}
	}
	protection := &rateLimit{Requests: 1, Per: duration(time.Second), Silent: true}                // of both, over all applications
	reports := &rateLimit{Requests: 122, Per: duration(10 * time.Second), AllTenants: true}        // of both, in all tenants
	everything := &rateLimit{Requests: 130_000, Per: duration(10 * time.Second), AllTenants: true} // of any service of Graph
	csv := rateLimit{Requests: 14, Per: duration(10 * time.Minute), PerPath: true}                 // of each report
	activity := faultMatch{Service: serviceGraph, Method: http.MethodGet, Path: "/users**", Query: "signInActivity"}
	return []*fault{
		on(graph("", "/auditLogs/**"), of(5, 10*time.Second)),
		on(graph("", "/reports/authenticationMethods/**"), of(5, 10*time.Second)),
		{Match: graph("", "/auditLogs/**"), Do: faultDo{Limit: reports}},
		{Match: graph("", "/reports/authenticationMethods/**"), Do: faultDo{Limit: reports}},
		on(activity, of(10, time.Minute)),
		{Match: graph("", "/identityProtection/**"), Do: faultDo{Limit: protection}},
		{Match: graph("", "/identity/conditionalAccess/**"), Do: faultDo{Limit: protection}},
		on(graph(http.MethodGet, "/reports/get*"), csv),
		on(graph(http.MethodGet, "/reports/get*"), of(40, 10*time.Minute)),
		on(graph(http.MethodPost, "/invitations"), of(150, 5*time.Second)),
		on(graph(http.MethodPatch, "/devices/*"), of(3_000, 150*time.Second)),
		on(faultMatch{Service: serviceExchange, Cmdlet: "Get-MessageTraceV2"}, of(100, 5*time.Minute)),
		{Match: faultMatch{Service: serviceGraph}, Do: faultDo{Limit: everything}},
	}
}

// outlookKey is whose mailbox a request of Graph is about, "" where it is about none.
func outlookKey(w *wireCall) string {
	seg := strings.SplitN(strings.ToLower(strings.Trim(w.path, "/")), "/", 4)
	if w.service != serviceGraph || len(seg) < 3 || seg[0] != "users" {
		return ""
	}
	for _, part := range []string{"mail", "messages", "calendar", "contacts", "events"} {
		if strings.HasPrefix(seg[2], part) {
			return w.tenant + " " + seg[1]
		}
	}
	return ""
}
