package clock

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

func TestRemoteFollows(t *testing.T) {
	at := time.Date(2026, 3, 12, 15, 0, 0, 0, time.UTC)
	var asked atomic.Int32
	var frozen, down atomic.Bool
	frozen.Store(true)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"now": at, "frozen": frozen.Load()})
	}))
	defer s.Close()
	r := &Remote{URL: s.URL, Client: s.Client()}
	if got := r.Now(); !got.Equal(at) {
		t.Errorf("%v", got)
	}
	if err := r.Sleep(t.Context(), time.Hour); err != nil { // nobody waits on a clock that stands still
		t.Error(err)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times within a second", n)
	}
	r.tried = time.Time{}
	down.Store(true)
	if got := r.Now(); !got.Equal(at) {
		t.Errorf("while the cloud is down: %v", got)
	}
	before := asked.Load()
	for range 100 {
		r.Now()
	}
	if asked.Load() != before {
		t.Error("a cloud that is down is asked at every look")
	}
	r.tried = time.Time{}
	down.Store(false)
	frozen.Store(false)
	if got := r.Now(); got.Before(at) || got.After(at.Add(time.Minute)) {
		t.Errorf("%v", got)
	}
}

func TestWithoutAnAnswerTheMachinesClockServes(t *testing.T) {
	r := &Remote{URL: "http://127.0.0.1:1/", Client: http.DefaultClient}
	if d := time.Since(r.Now()); d < 0 || d > time.Minute {
		t.Errorf("%v off", d)
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (System{}).Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := (System{}).Sleep(t.Context(), 0); err != nil {
		t.Error(err)
	}
}
