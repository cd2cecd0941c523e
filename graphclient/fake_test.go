package graphclient

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	home     = "11111111-1111-4111-8111-111111111111"
	customer = "22222222-2222-4222-8222-222222222222"
	person   = "33333333-3333-4333-8333-333333333333"
)

// frozen is a clock on which waiting takes no time but is remembered and moves the hands.
type frozen struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func newFrozen() *frozen { return &frozen{now: time.Date(2026, 3, 12, 15, 0, 0, 0, time.UTC)} }

func (f *frozen) Now() time.Time { f.mu.Lock(); defer f.mu.Unlock(); return f.now }

func (f *frozen) Sleep(ctx context.Context, d time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d > 0 {
		f.slept = append(f.slept, d)
		f.now = f.now.Add(d)
	}
	return ctx.Err()
}

func (f *frozen) sleeps() []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]time.Duration(nil), f.slept...)
}

// seen is a request as it arrived.
type seen struct {
	Method, Path, Query, Body string
	Header                    http.Header
}

// fake is a Microsoft cloud with a working sign-in service; everything else is answered by serve.
type fake struct {
	*httptest.Server
	t     testing.TB
	clock *frozen
	serve http.HandlerFunc
	roles []string // app roles in the tokens

	mu         sync.Mutex
	all        []seen
	tokenCalls []seen
	tokens     int
	signin     http.HandlerFunc // replaces the token endpoint
}

func newFake(t testing.TB, serve http.HandlerFunc) *fake {
	t.Helper()
	f := &fake{t: t, clock: newFrozen(), serve: serve}
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(f.handle))
	f.EnableHTTP2 = true
	f.Config.ErrorLog = log.New(io.Discard, "", 0)
	f.StartTLS()
	t.Cleanup(f.Close)
	return f
}

func (f *fake) handle(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s := seen{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, string(body), r.Header.Clone()}
	switch {
	case strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration"):
		tenant := strings.Split(r.URL.Path, "/")[1]
		if tenant == "other.example" {
			tenant = customer
		}
		if !strings.Contains(tenant, "-") {
			http.Error(w, `{"error":"invalid_tenant","error_description":"AADSTS90002: Tenant 'x' not found."}`, 400)
			return
		}
		fmt.Fprintf(w, `{"issuer":"%[1]s/%[2]s/v2.0","authorization_endpoint":"%[1]s/%[2]s/oauth2/v2.0/authorize","token_endpoint":"%[1]s/%[2]s/oauth2/v2.0/token"}`, f.URL, tenant)
	case strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token"):
		f.mu.Lock()
		f.tokenCalls = append(f.tokenCalls, s)
		f.tokens++
		n, replaced := f.tokens, f.signin
		f.mu.Unlock()
		if replaced != nil {
			replaced(w, r)
			return
		}
		answer(w, http.StatusOK, fmt.Sprintf(`{"token_type":"Bearer","expires_in":3600,"access_token":%q}`, f.token(n)))
	default:
		f.mu.Lock()
		f.all = append(f.all, s)
		f.mu.Unlock()
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		f.serve(w, r)
	}
}

// token is an unsigned JWT: nobody here checks signatures.
func (f *fake) token(n int) string {
	payload, _ := json.Marshal(map[string]any{"n": n, "roles": f.roles})
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"none"}`)) + "." + enc(payload) + "." + enc([]byte("s"))
}

func (f *fake) requests() []seen {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]seen(nil), f.all...)
}

func (f *fake) signinRequests() []seen {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]seen(nil), f.tokenCalls...)
}

func (f *fake) config() Config {
	pool := f.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return Config{
		Cloud: Cloud{Name: "fake", Authority: f.URL, Graph: f.URL, Exchange: f.URL, RootCAs: pool},
		Auth:  Auth{Mode: App, TenantID: home, ClientID: "44444444-4444-4444-8444-444444444444", ClientSecret: "s~e+c/r=e t"},
		Clock: f.clock,
	}
}

func (f *fake) client(change ...func(*Config)) *Client {
	f.t.Helper()
	cfg := f.config()
	for _, c := range change {
		c(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(c.Close)
	return c
}

// answer writes a JSON answer.
func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// inTurn answers the nth request with the nth handler, and those after the last with the last.
func inTurn(handlers ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		h := handlers[min(n, len(handlers)-1)]
		n++
		mu.Unlock()
		h(w, r)
	}
}

// status answers with a status and header pairs.
func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

// body answers 200 with JSON.
func body(json string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusOK, json) }
}

// cut breaks the connection without an answer.
func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cutShort promises more than it sends.
func cutShort(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, `{"id":"1","displayName":"Ad`)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func errorOf(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %T %v, want *Error", err, err)
	}
	return e
}
