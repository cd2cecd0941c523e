package sandbox

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
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
	return &faultDo{Status: http.StatusTooManyRequests, RetryAfter: json.RawMessage(strconv.Itoa(int(math.Ceil(wait.Seconds()))))}
}
