package sandbox

import (
	"bytes"
	"compress/gzip"
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

func TestRecording(t *testing.T) {
	b := startWire(t, "2026-03-12T15:00:00Z,frozen", `[{"match":{"method":"DELETE"},"do":{"cut":true}}]`)
	b.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"aaa.bbb.ccc","expires_in":3599}`)
	}
	_, _, err := b.send("POST", "/x/oauth2/v2.0/token", "application/x-www-form-urlencoded", "grant_type=client_credentials&client_secret=hush-hush&client_id=me")
	if err != nil {
		t.Fatal(err)
	}
	b.answer = func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !bytes.Contains(body, []byte("Hunter-2")) || r.Header.Get("Content-Encoding") != "" {
			t.Errorf("the service got %q with encoding %q", body, r.Header.Get("Content-Encoding"))
		}
		w.WriteHeader(204)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, `{"passwordProfile":{"password":"Hunter-2","forceChangePasswordNextSignIn":true},"n":12345678901234567890}`)
	_ = z.Close()
	r, err := http.NewRequestWithContext(t.Context(), "PATCH", b.server.URL+"/v1.0/users/x?a=b", &zipped)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", token)
	r.Header.Set("Content-Encoding", "gzip")
	r.Header.Set("Content-Type", "application/json")
	res, err := b.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if _, _, err := b.send("DELETE", "/v1.0/users/x", "", ""); err == nil {
		t.Fatal("the connection was to be cut")
	}
	text := b.record.String()
	for _, secret := range []string{"hush-hush", "aaa.bbb.ccc", "Hunter-2", token[7:]} {
		if strings.Contains(text, secret) {
			t.Errorf("the recording holds %q", secret)
		}
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	var one struct {
		Time, Method, URL string
		Status            int
		RequestHeaders    map[string]string
		RequestBody       any
	}
	if err := json.Unmarshal([]byte(lines[1]), &one); err != nil {
		t.Fatal(err)
	}
	if one.Time != "2026-03-12T15:00:00Z" || one.Method != "PATCH" || !strings.HasSuffix(one.URL, "/v1.0/users/x?a=b") || one.Status != 204 || one.RequestHeaders["Authorization"] != redacted {
		t.Errorf("%+v", one)
	}
	if !strings.Contains(lines[1], `"n":12345678901234567890`) {
		t.Errorf("a number lost digits: %s", lines[1])
	}
	if !strings.Contains(lines[2], `"status":0`) {
		t.Errorf("a cut request: %s", lines[2])
	}
}

func TestAPanicIsNoWeather(t *testing.T) {
	b := startWire(t, "", `[{"match":{"method":"DELETE"},"do":{"cut":true}}]`)
	b.answer = func(http.ResponseWriter, *http.Request) { panic("a bug") }
	for _, method := range []string{"GET", "DELETE"} {
		if _, _, err := b.send(method, "/v1.0/users/x", "", ""); err == nil {
			t.Errorf("%s was answered", method)
		}
	}
	if len(b.broken) != 1 || !strings.Contains(b.broken[0], "a bug") {
		t.Errorf("%v", b.broken)
	}
}

func TestFaultsOfATenantsOwn(t *testing.T) {
	state := bytes.Replace(builtin.State, []byte(`"tenantId": "`+testTenant+`",`), []byte(`"tenantId": "`+testTenant+`", "faults": [{"match":{},"do":{"status":503}}],`), 1)
	c, err := cloud.New(state, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	f := &faults{cloud: c}
	if err := f.set(nil); err != nil {
		t.Fatal(err)
	}
	if a := f.fire(&wireCall{service: serviceGraph, tenant: testTenant}); a.spoil == nil {
		t.Error("the tenant's own fault does not fire")
	}
	if a := f.fire(&wireCall{service: serviceGraph, tenant: "another"}); a.spoil != nil {
		t.Error("another tenant is hit")
	}
}

// No secret survives recording, however deep it lies and whatever lies around it.
func TestNoSecretIsRecorded(t *testing.T) {
	names := make([]any, 0, len(secretNames))
	for n := range secretNames {
		names = append(names, n)
	}
	rapid.Check(t, func(t *rapid.T) {
		const secret = "S3cr3t-V4lue"
		var build func(depth int) any
		build = func(depth int) any {
			o := map[string]any{}
			for i := range rapid.IntRange(0, 3).Draw(t, "keys") {
				o["k"+string(rune('a'+i))] = rapid.StringMatching(`[ -~]{0,8}`).Draw(t, "value")
			}
			name := rapid.SampledFrom(names).Draw(t, "name").(string)
			if rapid.Bool().Draw(t, "upper") {
				name = strings.ToUpper(name)
			}
			o[name] = secret
			if rapid.Bool().Draw(t, "list") {
				o[name] = []any{secret, map[string]any{name: secret}}
			}
			if depth > 0 {
				o["in"] = []any{build(depth - 1)}
			}
			return o
		}
		body := []byte(mustJSON(build(rapid.IntRange(0, 4).Draw(t, "depth"))))
		if out := mustJSON(recordedBody(http.Header{}, body)); strings.Contains(out, secret) {
			t.Fatalf("%s became %s", body, out)
		}
	})
}

func TestMetrics(t *testing.T) {
	b := startWire(t, "2026-03-12T15:00:00Z", `[{"match":{},"do":{"delay":"1ms"}}]`)
	for _, id := range []string{"9f36ee2c-2f1c-4d6e-8a59-2d4c0a6a7a11", "anna_vendor.example%23EXT%23@x.example"} {
		if _, _, err := b.send("GET", "/v1.0/users/"+id, "", ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := b.send("POST", "/"+testTenant+"/oauth2/v2.0/token", "", "grant_type=x"); err != nil {
		t.Fatal(err)
	}
	m := b.wire.metrics()
	if m.Total != 3 || m.Depth[testTenant] != 3 || m.Latency != "1ms" || len(m.Requests) != 2 {
		t.Fatalf("%+v", m)
	}
	if r := m.Requests[0]; r.Path != "/users/{id}" || r.Count != 2 || r.Service != "graph" || r.Tenant != testTenant || r.Status != 200 {
		t.Errorf("%+v", r)
	}
	if r := m.Requests[1]; r.Path != "/{tenant}/oauth2/v2.0/token" || r.Service != "signin" {
		t.Errorf("%+v", r)
	}
}

// The depth counts a chain, not requests: those that run side by side are one link.
func TestDepthOfParallelRequests(t *testing.T) {
	m := newMeter()
	w := &wireCall{service: "graph", tenant: "t", path: "/users"}
	first, second := m.begin(w), m.begin(w)
	first(200)
	third := m.begin(w) // began when the first had ended
	second(200)
	third(200)
	if d := m.read("").Depth["t"]; d != 2 {
		t.Errorf("depth %d", d)
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
