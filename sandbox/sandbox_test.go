package sandbox

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// tester drives a sandbox over HTTPS as any client would.
type tester struct {
	*testing.T
	s      *Server
	client *http.Client
	tokens map[string]string
}

func start(t *testing.T, o Options) *tester {
	t.Helper()
	if o.Clock == "" {
		o.Clock = "2026-03-12T15:00:00Z,frozen"
	}
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	c := clientOf(s)
	t.Cleanup(func() {
		c.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &tester{t, s, c, map[string]string{}}
}

// clientOf is a client that trusts the sandbox's authority.
func clientOf(s *Server) *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CA())
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type answer struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

func (a answer) code() string {
	e, _ := a.body["error"].(map[string]any)
	s, _ := e["code"].(string)
	return s
}

func (a answer) rows() []map[string]any {
	var out []map[string]any
	list, _ := a.body["value"].([]any)
	for _, v := range list {
		m, _ := v.(map[string]any)
		out = append(out, m)
	}
	return out
}

func (t *tester) send(method, target, token string, body any, header ...string) answer {
	t.Helper()
	var in io.Reader
	if body != nil {
		switch b := body.(type) {
		case string:
			in = strings.NewReader(b)
		case url.Values:
			in = strings.NewReader(b.Encode())
			header = append(header, "Content-Type", "application/x-www-form-urlencoded")
		default:
			text, err := json.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			in = bytes.NewReader(text)
			header = append(header, "Content-Type", "application/json")
		}
	}
	if !strings.HasPrefix(target, "http") {
		target = t.s.URL() + target
	}
	r, err := http.NewRequestWithContext(t.Context(), method, target, in)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := t.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, raw: string(text)}
	_ = json.Unmarshal(text, &a.body)
	return a
}

const graphScope = "https://graph.microsoft.com/.default"

// token asks for a token, application-only or by the partner's refresh token.
func (t *tester) token(tenant string, delegated bool, scope string) answer {
	t.Helper()
	c := t.s.Client().Auth
	f := url.Values{"client_id": {c.ClientID}, "client_secret": {c.ClientSecret}, "scope": {scope}, "grant_type": {"client_credentials"}}
	if delegated {
		f.Set("grant_type", "refresh_token")
		f.Set("refresh_token", c.RefreshToken)
	}
	return t.send("POST", "/"+tenant+"/oauth2/v2.0/token", "", f)
}

// as sends a Graph request with an application's token for the tenant; the tenant "d:NAME" means a delegated one.
func (t *tester) as(tenant, method, path string, body any, header ...string) answer {
	t.Helper()
	tok := t.tokens[tenant]
	if tok == "" {
		name, delegated := strings.CutPrefix(tenant, "d:")
		a := t.token(name, delegated, graphScope)
		if a.status != http.StatusOK {
			t.Fatalf("no token for %s: %s", tenant, a.raw)
		}
		tok = a.body["access_token"].(string)
		t.tokens[tenant] = tok
	}
	if !strings.HasPrefix(path, "http") && !strings.HasPrefix(path, "/v1.0") && !strings.HasPrefix(path, "/beta") {
		path = "/v1.0" + path
	}
	return t.send(method, path, tok, body, header...)
}

func (t *tester) want(a answer, status int, code string) {
	t.Helper()
	if a.status != status || a.code() != code {
		t.Errorf("%d %s, want %d %s: %.300s", a.status, a.code(), status, code, a.raw)
	}
}

// asIn reads as an application inside a benchmark.
func (t *tester) asIn(b *testing.B, tenant, path string) answer {
	b.Helper()
	if t.tokens[tenant] == "" {
		c := t.s.Client().Auth
		res, err := t.client.PostForm(t.s.URL()+"/"+tenant+"/oauth2/v2.0/token", url.Values{"client_id": {c.ClientID}, "client_secret": {c.ClientSecret}, "scope": {graphScope}, "grant_type": {"client_credentials"}})
		if err != nil {
			b.Fatal(err)
		}
		defer res.Body.Close()
		var in struct {
			Token string `json:"access_token"`
		}
		if err := json.NewDecoder(res.Body).Decode(&in); err != nil {
			b.Fatal(err)
		}
		t.tokens[tenant] = in.Token
	}
	r, err := http.NewRequestWithContext(b.Context(), "GET", t.s.URL()+"/v1.0"+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+t.tokens[tenant])
	res, err := t.client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		b.Fatal(err, res.Status, string(text))
	}
	return answer{status: res.StatusCode, raw: string(text)}
}

func TestEveryOperationAnswers(t *testing.T) {
	x := start(t, Options{})
	walk(x)
	if u := x.s.Unknown(); len(u) > 0 {
		t.Error(u)
	}
}
