package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"cipp-mcp/sandbox/cloud"
)

// wire is what lies between a client and the services: it counts, records and spoils requests, and holds
// Exchange's limit of concurrent calls.
type wire struct {
	latency  time.Duration
	cloud    *cloud.Cloud
	faults   *faults
	meter    *meter
	recorder *recorder // nil: nothing is recorded
	exchange *limiter
	outlook  *limiter                  // nil: not limited
	identity *identityLimits           // nil: not limited
	broken   func(method, what string) // told of a service that panicked
}

// newWire records to out, or nowhere where out is nil. broken is told of a service that panicked: to a
// client that looks like a connection that was cut, and must not pass for weather.
func newWire(c *cloud.Cloud, out io.Writer, broken func(method, what string)) *wire {
	w := &wire{cloud: c, faults: &faults{cloud: c}, meter: newMeter(), exchange: newLimiter(exchangeConcurrency), broken: broken}
	if out != nil {
		w.recorder = &recorder{out: out, now: c.Now}
	}
	return w
}

// reset forgets what was counted and what was to be done late.
func (w *wire) reset() {
	w.meter.reset()
	w.faults.mu.Lock()
	defer w.faults.mu.Unlock()
	w.faults.late = nil
}

func (w *wire) metrics() Metrics { return w.meter.read(w.faults.latency()) }

// around is next with everything the wire does to whole requests. Control paths must not come here.
func (w *wire) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.faults.settle()
		at, sent := w.cloud.Now(), r.Header.Clone()
		call, err := describe(w.cloud, r)
		if err != nil {
			panic(http.ErrAbortHandler) // the client went away while it was sending
		}
		done := w.meter.begin(call)
		tee := &teeWriter{ResponseWriter: rw, keep: w.recorder != nil}
		defer func() {
			cut := recover()
			status := tee.status
			if cut != nil {
				status = 0
			}
			if err, ok := cut.(error); cut != nil && (!ok || !errors.Is(err, http.ErrAbortHandler)) {
				w.broken(r.Method, fmt.Sprintf("%s: the sandbox panicked: %v", r.URL.Path, cut))
			}
			done(status)
			if w.recorder != nil {
				sent.Del("Content-Encoding")
				w.recorder.write(r, sent, call.body, at, status, tee.Header(), tee.body.Bytes())
			}
			if cut != nil {
				panic(cut)
			}
		}()
		time.Sleep(w.latency)
		if call.service == serviceExchange {
			leave, ok := w.exchange.enter(call.tenant)
			if !ok {
				exchangeBusy.write(tee, call, false)
				return
			}
			defer leave()
		}
		if key := outlookKey(call); w.outlook != nil && key != "" {
			leave, ok := w.outlook.enter(key)
			if !ok {
				mailboxBusy.write(tee, call, false)
				return
			}
			defer leave()
		}
		w.spoil(tee, r, call, next, false)
		if tee.status == 0 {
			tee.WriteHeader(http.StatusOK)
		}
	})
}

// item is next with the faults alone, for one item of a $batch.
func (w *wire) item(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		call, err := describe(w.cloud, r)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		w.spoil(rw, r, call, next, true)
	})
}

const lateByDefault = 2 * time.Second

func (w *wire) spoil(rw http.ResponseWriter, r *http.Request, call *wireCall, next http.Handler, inBatch bool) {
	if cost, ok := identityCost(call); ok {
		if over := w.identity.charge(call, cost, rw.Header()); over != nil {
			over.write(rw, call, inBatch)
			return
		}
		w.meter.spent(call.tenant, cost)
	}
	a, came := w.faults.fire(call), time.Now()
	wait := func(ctx context.Context, d time.Duration) {
		if w.cloud.Clock.Sleep(ctx, d) != nil {
			panic(http.ErrAbortHandler) // the client did not wait
		}
	}
	if a.spoil != nil {
		wait(r.Context(), a.delay)
	}
	if a.lag > 0 {
		r = r.WithContext(cloud.WithLag(r.Context(), a.lag))
	}
	if a.spoil == nil {
		if a.maxRows == 0 && a.slow == 0 && a.delay == 0 {
			next.ServeHTTP(rw, r)
			return
		}
		b := &buffer{header: rw.Header()}
		next.ServeHTTP(b, r)
		wait(r.Context(), a.delay-time.Since(came)) // a service works while the answer is on its way to be late
		if a.maxRows > 0 {
			b.body = fewerRows(b.body, a.maxRows)
		}
		half := len(b.body)
		if a.slow > 0 {
			half /= 2
		}
		rest := b.body[half:]
		b.body = b.body[:half]
		b.flushTo(rw)
		if len(rest) > 0 {
			_ = http.NewResponseController(rw).Flush() // an item of a batch has nothing to flush
			wait(r.Context(), a.slow)
			_, _ = rw.Write(rest) // as in flushTo
		}
		return
	}
	switch d := a.spoil; {
	case d.Truncate > 0 && d.Status == 0 && !d.Cut:
		b := &buffer{header: rw.Header()}
		next.ServeHTTP(b, r)
		b.body = b.body[:min(len(b.body), d.Truncate)]
		b.flushTo(rw)
		return
	case d.Effect == "before":
		next.ServeHTTP(&buffer{header: http.Header{}}, r)
	case d.Effect == "late":
		put := time.Duration(d.Lag)
		if put == 0 {
			put = lateByDefault
		}
		late := r.Clone(context.WithoutCancel(r.Context()))
		late.Body = io.NopCloser(bytes.NewReader(call.body))
		w.faults.later(put, func() { next.ServeHTTP(&buffer{header: http.Header{}}, late) })
	}
	if a.spoil.Cut {
		panic(http.ErrAbortHandler)
	}
	a.spoil.write(rw, call, inBatch)
}

// fewerRows is a collection with at most n rows of its value; anything else is as it was.
func fewerRows(body []byte, n int) []byte {
	var o map[string]json.RawMessage
	var rows []json.RawMessage
	if json.Unmarshal(body, &o) != nil || json.Unmarshal(o["value"], &rows) != nil || len(rows) <= n {
		return body
	}
	value, err := json.Marshal(rows[:n])
	if err != nil {
		return body
	}
	o["value"] = value
	out, err := json.Marshal(o)
	if err != nil {
		return body
	}
	return out
}

// teeWriter remembers the status and, where asked to, the body.
type teeWriter struct {
	http.ResponseWriter
	keep   bool
	status int
	body   bytes.Buffer
}

func (t *teeWriter) WriteHeader(status int) {
	if t.status == 0 {
		t.status = status
	}
	t.ResponseWriter.WriteHeader(status)
}

func (t *teeWriter) Write(b []byte) (int, error) {
	if t.status == 0 {
		t.status = http.StatusOK
	}
	if t.keep {
		t.body.Write(b)
	}
	return t.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (t *teeWriter) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// buffer holds an answer back.
type buffer struct {
	header http.Header
	status int
	body   []byte
}

func (b *buffer) Header() http.Header { return b.header }

func (b *buffer) WriteHeader(status int) {
	if b.status == 0 {
		b.status = status
	}
}

func (b *buffer) Write(p []byte) (int, error) {
	b.WriteHeader(http.StatusOK)
	b.body = append(b.body, p...)
	return len(p), nil
}

func (b *buffer) flushTo(rw http.ResponseWriter) {
	b.WriteHeader(http.StatusOK)
	rw.Header().Del("Content-Length")
	rw.WriteHeader(b.status)
	_, _ = rw.Write(b.body) // a client that has gone away is its own affair
}
