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

// rateLimit is a service's limit on what one tenant may ask in a span of time.
type rateLimit struct {
	Requests int      `json:"requests"`
	Per      duration `json:"per"`
	Silent   bool     `json:"silent"` // the refusal does not say when to come again

	asked map[string][]time.Time // by tenant
}

// over counts a request of a tenant; where it is one too many it is not counted and the refusal comes
// back. Where the clock stands still, the time the client is told to wait passes at once.
func (l *rateLimit) over(tenant string, now time.Time, frozen bool) *faultDo {
	if l.asked == nil {
		l.asked = map[string][]time.Time{}
	}
	list := l.asked[tenant]
	for len(list) > 0 && !list[0].Add(time.Duration(l.Per)).After(now) {
		list = list[1:]
	}
	if len(list) < l.Requests {
		l.asked[tenant] = append(list, now)
		return nil
	}
	wait := list[0].Add(time.Duration(l.Per)).Sub(now)
	if frozen {
		list = nil
	}
	l.asked[tenant] = list
	if l.Silent {
		return &faultDo{Status: http.StatusTooManyRequests}
	}
	return &faultDo{Status: http.StatusTooManyRequests, RetryAfter: json.RawMessage(strconv.Itoa(int(math.Ceil(wait.Seconds()))))}
}

// mailboxConcurrency is how many requests of one application Outlook works on at once for one mailbox.
const mailboxConcurrency = 4

var mailboxBusy = &faultDo{Status: http.StatusTooManyRequests, RetryAfter: json.RawMessage("1"), Code: "ApplicationThrottled",
	Message: "Application is over its MailboxConcurrency limit."}

// documentedLimits are the limits that Microsoft publishes for what an investigation reads. They hold where
// Options.Limits asks for them, like faults that never end.
// https://learn.microsoft.com/graph/throttling-limits
func documentedLimits() []*fault {
	on := func(m faultMatch, l *rateLimit) *fault { return &fault{Match: m, Do: faultDo{Limit: l}} }
	protection := &rateLimit{Requests: 1, Per: duration(time.Second), Silent: true} // of both, over all applications
	return []*fault{
		on(faultMatch{Service: serviceGraph, Path: "/auditLogs/**"}, &rateLimit{Requests: 5, Per: duration(10 * time.Second)}),
		on(faultMatch{Service: serviceGraph, Path: "/reports/authenticationMethods/**"}, &rateLimit{Requests: 5, Per: duration(10 * time.Second)}),
		on(faultMatch{Service: serviceGraph, Path: "/identityProtection/**"}, protection),
		on(faultMatch{Service: serviceGraph, Path: "/identity/conditionalAccess/**"}, protection),
		on(faultMatch{Service: serviceExchange, Cmdlet: "Get-MessageTraceV2"}, &rateLimit{Requests: 100, Per: duration(5 * time.Minute)}),
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
