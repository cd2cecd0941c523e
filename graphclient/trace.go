package graphclient

import (
	"context"
	"net/http"
	"sync"
)

// trace is what ties the writes of one attempt to the record of it.
type trace struct {
	requestID string

	mu      sync.Mutex
	answers []string
}

type traceKey struct{}

// Traced makes the writes sent with the returned context bear requestID (a GUID) as their client-request-id,
// by which Microsoft's support finds them, and collects the request-id of each answer.
func Traced(ctx context.Context, requestID string) (context.Context, func() []string) {
	t := &trace{requestID: requestID}
	return context.WithValue(ctx, traceKey{}, t), func() []string {
		t.mu.Lock()
		defer t.mu.Unlock()
		return append([]string(nil), t.answers...)
	}
}

// traceOf is the trace of a request that writes, nil for any other.
func traceOf(req *http.Request) *trace {
	if !callOf(req.Context()).write {
		return nil
	}
	t, _ := req.Context().Value(traceKey{}).(*trace)
	return t
}

// answered notes under which id Microsoft answered.
func (t *trace) answered(res *http.Response) {
	if t == nil || res == nil {
		return
	}
	id := cleanText(res.Header.Get("request-id"), 64)
	t.mu.Lock()
	defer t.mu.Unlock()
	if id != "" && len(t.answers) < 20 {
		t.answers = append(t.answers, id)
	}
}
