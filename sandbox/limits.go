package sandbox

import (
	"encoding/json"
	"net/http"
	"sync"
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
