package sandbox

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cipp-mcp/sandbox/builtin"
	"cipp-mcp/sandbox/cloud"
)

const testTenant = "8b86692a-cec8-4588-bfdf-7966ed5e3e3c" // Harbourline Freight

// token is a bearer token that says which tenant it is for; nothing on the wire verifies it.
var token = "Bearer h." + base64.RawURLEncoding.EncodeToString([]byte(`{"tid":"`+testTenant+`"}`)) + ".s"

type wireBench struct {
	t      *testing.T
	wire   *wire
	server *httptest.Server
	record bytes.Buffer
	work   atomic.Int64 // how often the service did the work
	answer func(http.ResponseWriter, *http.Request)
	broken []string
}

func startWire(t *testing.T, clock, faultsFile string) *wireBench {
	t.Helper()
	c, err := cloud.New(builtin.State, clock, 1)
	if err != nil {
		t.Fatal(err)
	}
	b := &wireBench{t: t}
	b.wire = newWire(c, &b.record, func(m, what string) { b.broken = append(b.broken, m+" "+what) })
	if err := b.wire.faults.set([]byte(faultsFile)); err != nil {
		t.Fatal(err)
	}
	b.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"value":[{"id":"1"},{"id":"2"},{"id":"3"}],"@odata.nextLink":"https://x/next"}`)
	}
	b.server = httptest.NewUnstartedServer(b.wire.around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.work.Add(1)
		b.answer(w, r)
	})))
	b.server.EnableHTTP2 = true
	b.server.StartTLS()
	t.Cleanup(b.server.Close)
	return b
}

func (b *wireBench) send(method, path, contentType, body string) (*http.Response, string, error) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.server.URL+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Authorization", token)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	res, err := b.server.Client().Do(r)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	return res, string(out), err
}

func TestFaultEffects(t *testing.T) {
	for _, c := range []struct {
		name, do string
		status   int   // 0: the connection is cut
		atOnce   int64 // how often the work is done when the answer has come
		later    int64 // and an hour later
	}{
		{"nothing done", `{"status":504}`, 504, 0, 0},
		{"done, then failed", `{"status":504,"effect":"before"}`, 504, 1, 1},
		{"failed, done later", `{"status":504,"effect":"late","lag":"30s"}`, 504, 0, 1},
		{"cut before", `{"cut":true}`, 0, 0, 0},
		{"cut after", `{"cut":true,"effect":"before"}`, 0, 1, 1},
		{"only slow", `{"delay":"1ms"}`, 200, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := startWire(t, "2026-03-12T15:00:00Z", `[{"match":{"service":"graph","method":"POST","path":"/users/*"},"do":`+c.do+`,"times":1}]`)
			res, _, err := b.send("POST", "/v1.0/users/x", "application/json", `{}`)
			if c.status == 0 {
				if err == nil {
					t.Fatalf("answered %d", res.StatusCode)
				}
			} else if err != nil || res.StatusCode != c.status {
				t.Fatalf("%v %v", res, err)
			}
			if n := b.work.Load(); n != c.atOnce {
				t.Errorf("done %d times", n)
			}
			b.wire.cloud.Clock.Advance(time.Hour)
			b.wire.faults.settle()
			if n := b.work.Load(); n != c.later {
				t.Errorf("an hour later: done %d times", n)
			}
			if n := b.wire.faults.hitCount(); n != 1 {
				t.Errorf("%d hits", n)
			}
			if res, _, err := b.send("POST", "/v1.0/users/x", "application/json", `{}`); err != nil || res.StatusCode != 200 {
				t.Errorf("the second time: %v %v", res, err)
			}
		})
	}
}

func TestLateWorkOnAFrozenClockIsDoneAtOnce(t *testing.T) {
	b := startWire(t, "2026-03-12T15:00:00Z,frozen", `[{"match":{},"do":{"status":502,"effect":"late","delay":"1h"}}]`)
	if res, _, err := b.send("POST", "/v1.0/users", "application/json", `{}`); err != nil || res.StatusCode != 502 || b.work.Load() != 1 {
		t.Errorf("%v %v, done %d times", res, err, b.work.Load())
	}
}

func TestFaultMatching(t *testing.T) {
	const exo = "/adminapi/beta/" + testTenant + "/InvokeCommand"
	set := `{"CmdletInput":{"CmdletName":"Set-Mailbox","Parameters":{"Identity":"a@x.example","Type":"Shared"}}}`
	for _, c := range []struct {
		match, method, path, body string
		hit                       bool
	}{
		{`{"path":"/users/*"}`, "GET", "/v1.0/users/abc", "", true},
		{`{"path":"/users/*"}`, "GET", "/v1.0/users/abc/memberOf", "", false},
		{`{"path":"/users/**"}`, "GET", "/v1.0/users/abc/memberOf", "", true},
		{`{"path":"/users/o'brien@x.example"}`, "GET", "/v1.0/users/o%27brien%40x.example", "", true},
		{`{"version":"beta"}`, "GET", "/v1.0/users", "", false},
		{`{"query":"$top=5"}`, "GET", "/v1.0/users?%24top=5", "", true},
		{`{"service":"signin"}`, "POST", "/" + testTenant + "/oauth2/v2.0/token", "", true},
		{`{"service":"signin","tenant":"harbourline.example"}`, "POST", "/harbourlinefreight.onmicrosoft.com/oauth2/v2.0/token", "", true},
		{`{"tenant":"harbourline.example"}`, "GET", "/v1.0/users", "", true},
		{`{"tenant":"brightwell.example"}`, "GET", "/v1.0/users", "", false},
		{`{"cmdlet":"set-mailbox"}`, "POST", exo, set, true},
		{`{"cmdlet":"Get-*"}`, "POST", exo, set, false},
		{`{"cmdlet":"Set-Mailbox","parameters":{"Type":"Shared"}}`, "POST", exo, set, true},
		{`{"parameters":{"Type":"Regular"}}`, "POST", exo, set, false},
		{`{"parameters":{"Identity":"*@x.example"}}`, "POST", exo, set, true},
		{`{"service":"exchange","path":"/InvokeCommand","tenant":"` + testTenant + `"}`, "POST", exo, set, true},
		{`{"nth":2}`, "GET", "/v1.0/users", "", false},
	} {
		b := startWire(t, "2026-03-12T15:00:00Z,frozen", `[{"match":`+c.match+`,"do":{"status":503}}]`)
		res, _, err := b.send(c.method, c.path, "application/json", c.body)
		if err != nil {
			t.Fatal(err)
		}
		if hit := res.StatusCode == 503; hit != c.hit || hit != (b.wire.faults.hitCount() == 1) {
			t.Errorf("%s on %s %s: hit %v", c.match, c.method, c.path, hit)
		}
	}
}

func TestNthAndTimes(t *testing.T) {
	b := startWire(t, "2026-03-12T15:00:00Z,frozen", `[{"match":{"nth":2},"do":{"status":429,"retryAfter":2.5},"times":2}]`)
	var got []int
	for range 5 {
		res, body, err := b.send("GET", "/v1.0/users", "", "")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, res.StatusCode)
		if res.StatusCode == 429 && (res.Header.Get("Retry-After") != "2.5" || !strings.Contains(body, `"TooManyRequests"`)) {
			t.Errorf("%v %s", res.Header, body)
		}
	}
	if want := []int{200, 429, 429, 200, 200}; !equalInts(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
}

func equalInts(a, b []int) bool {
	x, y := mustJSON(a), mustJSON(b)
	return x == y
}

func mustJSON(v any) string { b, _ := json.Marshal(v); return string(b) }

func TestShapesOfFailures(t *testing.T) {
	for _, c := range []struct{ path, do, contentType, says string }{
		{"/v1.0/users", `{"status":504}`, "text/html", "504 Gateway Timeout"},
		{"/v1.0/users", `{"status":403,"code":"accessDenied","message":"no"}`, "application/json", `"code":"accessDenied","innerError"`},
		{"/adminapi/beta/" + testTenant + "/InvokeCommand", `{"status":400,"message":"Ex1|Some.Exception|text"}`, "application/json", `"message":"Ex1|Some.Exception|text"`},
		{"/x/oauth2/v2.0/token", `{"status":401,"code":"invalid_client","message":"AADSTS7000222: The provided client secret keys are expired."}`, "application/json", `"error_codes":[7000222]`},
	} {
		b := startWire(t, "2026-03-12T15:00:00Z,frozen", `[{"match":{},"do":`+c.do+`}]`)
		res, body, err := b.send("POST", c.path, "application/json", "{}")
		if err != nil || !strings.HasPrefix(res.Header.Get("Content-Type"), c.contentType) || !strings.Contains(body, c.says) {
			t.Errorf("%s %s: %v %s", c.path, c.do, err, body)
		}
	}
}

func TestTruncateAndMaxRows(t *testing.T) {
	b := startWire(t, "2026-03-12T15:00:00Z,frozen", `[{"match":{"nth":1},"do":{"truncate":20}},{"match":{"nth":2},"do":{"maxRows":2}}]`)
	if _, body, err := b.send("GET", "/v1.0/users", "", ""); err != nil || len(body) != 20 {
		t.Errorf("%v %q", err, body)
	}
	_, body, err := b.send("GET", "/v1.0/users", "", "")
	var o struct {
		Value []any  `json:"value"`
		Next  string `json:"@odata.nextLink"`
	}
	if err2 := json.Unmarshal([]byte(body), &o); err != nil || err2 != nil || len(o.Value) != 2 || o.Next == "" {
		t.Errorf("%v %v %s", err, err2, body)
	}
}

func TestFaultsThatMakeNoSenseAreRefused(t *testing.T) {
	b := startWire(t, "", "")
	for _, file := range []string{`{}`, `[{"mach":{}}]`, `[{"do":{"status":200}}]`, `[{"do":{"delay":"soon"}}]`, `[{"do":{"effect":"after","status":500}}]`, `[{"do":{"effect":"before"}}]`, `[{"match":{"service":"teams"}}]`, `[null]`} {
		if err := b.wire.faults.set([]byte(file)); err == nil {
			t.Errorf("%s was accepted", file)
		}
	}
}

func TestLagReachesTheService(t *testing.T) {
	b := startWire(t, "2026-03-12T15:00:00Z", `[{"match":{"method":"POST"},"do":{"lag":"30s"}}]`)
	var lag time.Duration
	b.answer = func(w http.ResponseWriter, r *http.Request) { lag = cloud.Lag(r.Context()); w.WriteHeader(201) }
	if _, _, err := b.send("POST", "/v1.0/users", "application/json", "{}"); err != nil || lag != 30*time.Second {
		t.Errorf("%v, lag %v", err, lag)
	}
}

func TestExchangeTurnsTheFifthAway(t *testing.T) {
	b := startWire(t, "2026-03-12T15:00:00Z", "")
	var inside sync.WaitGroup
	release := make(chan struct{})
	inside.Add(exchangeConcurrency)
	b.answer = func(w http.ResponseWriter, _ *http.Request) { inside.Done(); <-release; w.WriteHeader(200) }
	errs := make(chan error, exchangeConcurrency)
	for range exchangeConcurrency {
		go func() {
			res, _, err := b.send("POST", "/adminapi/beta/"+testTenant+"/InvokeCommand", "application/json", "{}")
			if err == nil && res.StatusCode != 200 {
				err = errors.New(res.Status)
			}
			errs <- err
		}()
	}
	inside.Wait()
	if res, _, err := b.send("POST", "/adminapi/beta/"+testTenant+"/InvokeCommand", "application/json", "{}"); err != nil || res.StatusCode != 429 {
		t.Errorf("%v %v", res, err)
	}
	close(release)
	for range exchangeConcurrency {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestWildcard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[a-z/]{0,12}`).Draw(t, "s")
		cut := rapid.IntRange(0, len(s)).Draw(t, "cut")
		if !wildcard(s, s) || !wildcard("**", s) || !wildcard(s[:cut]+"**", s) || !wildcard("**"+s[cut:], s) {
			t.Fatalf("%q does not match itself", s)
		}
		if got := wildcard("*", s); got == strings.Contains(s, "/") {
			t.Fatalf("* on %q: %v", s, got)
		}
	})
}

func TestRateLimit(t *testing.T) {
	b := startWire(t, "2026-03-12T15:00:00Z", `[{"match":{"path":"/reports/**"},"do":{"limit":{"requests":2,"per":"10s"}}}]`)
	ask := func() (int, string) {
		res, _, err := b.send("GET", "/v1.0/reports/x", "", "")
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, res.Header.Get("Retry-After")
	}
	for i, want := range []int{200, 200, 429, 429} {
		if status, wait := ask(); status != want || want == 429 && wait != "10" {
			t.Errorf("request %d: %d, Retry-After %q", i+1, status, wait)
		}
	}
	b.wire.cloud.Clock.Advance(10 * time.Second)
	if status, _ := ask(); status != 200 {
		t.Errorf("after the wait: %d", status)
	}
	b.wire.cloud.Clock.Set(b.wire.cloud.Now(), true)
	if a, _ := ask(); a != 200 {
		t.Errorf("%d", a)
	}
	refused, _ := ask()
	if again, _ := ask(); refused != 429 || again != 200 {
		t.Errorf("on a frozen clock: %d, then %d", refused, again)
	}
}

func TestSlowBody(t *testing.T) {
	b := startWire(t, "2026-03-12T15:00:00Z", `[{"match":{},"do":{"slow":"20ms"}}]`)
	began := time.Now()
	_, body, err := b.send("GET", "/v1.0/users", "", "")
	if err != nil || !json.Valid([]byte(body)) || time.Since(began) < 20*time.Millisecond {
		t.Errorf("%v, %v, %q", err, time.Since(began), body)
	}
}
