package clock

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Remote follows the clock of a simulated cloud in another process. It asks when it is first needed
// and then at most once a second; while the other does not answer it goes on from the last answer.
type Remote struct {
	URL    string
	Client *http.Client

	mu     sync.Mutex
	tried  time.Time
	asked  time.Time
	at     time.Time // the cloud's time when it was asked
	frozen bool
}

// refresh is how old an answer may be.
const refresh = time.Second

// Now is the cloud's time.
func (r *Remote) Now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ask()
	switch {
	case r.at.IsZero():
		return time.Now().UTC()
	case r.frozen:
		return r.at
	default:
		return r.at.Add(time.Since(r.asked)).UTC()
	}
}

// Sleep waits in real time, or not at all while the cloud's clock stands still.
func (r *Remote) Sleep(ctx context.Context, d time.Duration) error {
	r.mu.Lock()
	r.ask() //nolint:contextcheck // the clock answers within its own time, whoever waits
	frozen := r.frozen
	r.mu.Unlock()
	if frozen {
		return ctx.Err()
	}
	return System{}.Sleep(ctx, d)
}

func (r *Remote) ask() {
	if !r.tried.IsZero() && time.Since(r.tried) < refresh {
		return
	}
	defer func() { r.tried = time.Now() }() // a cloud that hangs is not asked at every look at the clock
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return
	}
	res, err := r.Client.Do(req)
	if err != nil {
		return
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct {
		Now    time.Time `json:"now"`
		Frozen bool      `json:"frozen"`
	}
	if res.StatusCode == http.StatusOK && json.NewDecoder(res.Body).Decode(&answer) == nil {
		r.asked, r.at, r.frozen = time.Now(), answer.Now.UTC(), answer.Frozen
	}
}
