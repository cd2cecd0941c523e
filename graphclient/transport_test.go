package graphclient

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestUnauthorizedIsRefreshedOnce(t *testing.T) {
	t.Run("then works", func(t *testing.T) {
		f := newFake(t, inTurn(status(401), ada))
		c := f.client()
		if _, err := c.User(context.Background(), customer, person); err != nil {
			t.Fatal(err)
		}
		got := f.requests()
		if got[0].Header.Get("Authorization") == got[1].Header.Get("Authorization") {
			t.Error("the same token was sent again")
		}
		if n := len(f.signinRequests()); n != 2 {
			t.Errorf("%d token requests", n)
		}
		if s := f.signinRequests()[1]; !strings.Contains(s.Body, "claims=") {
			t.Errorf("the second token may have come from a cache: %s", s.Body)
		}
	})
	t.Run("body is sent again", func(t *testing.T) {
		f := newFake(t, inTurn(status(401), status(204)))
		if err := f.client().UpdateUser(context.Background(), customer, person, map[string]any{"city": "Ulm"}); err != nil {
			t.Fatal(err)
		}
		if got := f.requests(); got[1].Body != `{"city":"Ulm"}` || got[1].Header.Get("Content-Type") != "application/json" {
			t.Errorf("%+v", got[1])
		}
	})
	t.Run("then gives up", func(t *testing.T) {
		f := newFake(t, status(401))
		_, err := f.client().User(context.Background(), customer, person)
		if KindOf(err) != SignInFailed || len(f.requests()) != 2 {
			t.Errorf("%d requests, %v", len(f.requests()), err)
		}
	})
	t.Run("challenge is passed on", func(t *testing.T) {
		f := newFake(t, inTurn(status(401, "WWW-Authenticate", `Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ=="`), ada))
		if _, err := f.client().User(context.Background(), customer, person); err != nil {
			t.Fatal(err)
		}
		if s := f.signinRequests()[1].Body; !strings.Contains(s, "essential%22%3Atrue") {
			t.Errorf("%s", s)
		}
	})
}

func TestManyRefusedAtOnceShareOneRenewal(t *testing.T) {
	f := newFake(t, nil)
	first := ""
	var mu sync.Mutex
	f.serve = func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		token := r.Header.Get("Authorization")
		if first == "" {
			first = token
		}
		stale := token == first
		mu.Unlock()
		if stale {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		ada(w, r)
	}
	c := f.client()
	var wg sync.WaitGroup
	for range 20 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := c.User(context.Background(), customer, person); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if n := len(f.signinRequests()); n != 2 {
		t.Errorf("%d token requests, want 2", n)
	}
}

func TestTokensAreCachedByOurClock(t *testing.T) {
	f := newFake(t, ada)
	c := f.client()
	ctx := context.Background()
	for range 3 {
		_, _ = c.User(ctx, customer, person)
	}
	if n := len(f.signinRequests()); n != 1 {
		t.Fatalf("%d token requests", n)
	}
	_ = f.clock.Sleep(ctx, time.Hour-early-2*time.Second)
	_, _ = c.User(ctx, customer, person)
	if n := len(f.signinRequests()); n != 1 {
		t.Fatalf("%d token requests before the token is old", n)
	}
	// The libraries underneath would still give the old token: the machine's clock has not moved.
	_ = f.clock.Sleep(ctx, 4*time.Second)
	_, _ = c.User(ctx, customer, person)
	got := f.requests()
	if n := len(f.signinRequests()); n != 2 || got[len(got)-1].Header.Get("Authorization") == got[0].Header.Get("Authorization") {
		t.Errorf("%d token requests", n)
	}
	_, _ = c.User(ctx, home, person)
	if s := f.signinRequests(); len(s) != 3 || !strings.HasPrefix(s[2].Path, "/"+home+"/") || !strings.HasPrefix(s[0].Path, "/"+customer+"/") {
		t.Errorf("%+v", s)
	}
}

func TestTenantsDoNotQueueForTokens(t *testing.T) {
	f := newFake(t, ada)
	arrived := make(chan struct{}, 8)
	all := make(chan struct{})
	f.signin = func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-all
		answer(w, 200, `{"token_type":"Bearer","expires_in":3600,"access_token":"`+f.token(0)+`"}`)
	}
	c := f.client()
	tenants := make([]Tenant, 8)
	for i := range tenants {
		tenants[i].ID = strings.Replace(customer, "2", string(rune('2'+i)), 1)
	}
	go func() {
		for range tenants { // none is answered before all have asked
			<-arrived
		}
		close(all)
	}()
	for _, r := range ForEachTenant(context.Background(), c, tenants, func(ctx context.Context, t Tenant) (User, error) {
		return c.User(ctx, t.ID, person)
	}) {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
}

func TestACallerThatGivesUpDoesNotFailTheOthers(t *testing.T) {
	f := newFake(t, ada)
	asked, goOn := make(chan struct{}), make(chan struct{})
	f.signin = func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-goOn
		answer(w, 200, `{"token_type":"Bearer","expires_in":3600,"access_token":"`+f.token(0)+`"}`)
	}
	c := f.client()
	ctx, cancel := context.WithCancel(context.Background())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := c.User(ctx, customer, person); first <- err }()
	<-asked
	go func() { _, err := c.User(context.Background(), customer, person); second <- err }()
	cancel()
	if err := <-first; KindOf(err) != Unavailable || IsAmbiguous(err) {
		t.Error(err)
	}
	close(goOn)
	if err := <-second; err != nil {
		t.Error(err)
	}
}

func TestRequestsSayWhoTheyAre(t *testing.T) {
	f := newFake(t, ada)
	c := f.client(func(cfg *Config) { cfg.UserAgent = "tester/1" })
	_, _ = c.User(context.Background(), customer, person)
	h := f.requests()[0].Header
	if h.Get("User-Agent") != "tester/1" || h.Get("client-request-id") == "" || h.Get("Accept") == "" || h.Get("Content-Encoding") != "" {
		t.Errorf("%v", h)
	}
	if q := f.requests()[0].Query; !strings.HasPrefix(q, "$select=") {
		t.Errorf("option names are encoded: %s", q)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	f := newFake(t, status(302, "Location", "https://elsewhere.example/"))
	_, err := f.client().User(context.Background(), customer, person)
	if err == nil || len(f.requests()) != 1 {
		t.Errorf("%v after %d requests", err, len(f.requests()))
	}
}

func TestCancelledWriteIsAmbiguous(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	if err := f.client().RevokeSessions(ctx, customer, person); !IsAmbiguous(err) {
		t.Errorf("%v", err)
	}
}

func TestConfigMistakes(t *testing.T) {
	good := (&fake{Server: nil}).configFor("https://x.example")
	for name, breakIt := range map[string]func(*Config){
		"mode":        func(c *Config) { c.Auth.Mode = "user" },
		"tenant":      func(c *Config) { c.Auth.TenantID = "" },
		"credential":  func(c *Config) { c.Auth.ClientSecret = "" },
		"certificate": func(c *Config) { c.Auth.ClientSecret, c.Auth.CertificatePEM = "", []byte("not PEM") },
		"refresh":     func(c *Config) { c.Auth.Mode = Partner },
		"graph":       func(c *Config) { c.Cloud.Graph = "graph.microsoft.com" },
	} {
		cfg := good
		breakIt(&cfg)
		if _, err := New(cfg); KindOf(err) != Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c, err := New(good); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}
}

func (f *fake) configFor(base string) Config {
	return Config{Cloud: Cloud{Authority: base, Graph: base, Exchange: base},
		Auth: Auth{Mode: App, TenantID: home, ClientID: "c", ClientSecret: "s"}}
}
