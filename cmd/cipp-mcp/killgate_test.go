package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"cipp-mcp/sandbox"
)

// The moments at which a process is killed in the middle of a write.
const (
	beforeEffect = "before" // Microsoft never saw the request
	afterEffect  = "after"  // Microsoft did the work, and nobody heard its answer
	lateEffect   = "late"   // the request lands when its sender is dead and somebody else has looked
)

// gate stands between the program and the simulated cloud. It sees every request, numbers the writes of the
// first process that works, and at one of them has that process killed.
type gate struct {
	t       *testing.T
	cloud   *sandbox.Server
	through *http.Transport
	server  *httptest.Server

	mu     sync.Mutex
	life   int // which process is at work: 0 while the run is made, 1 the one that dies, 2 its successor
	seen   []exchange
	writes int // of life 1
	at     int // the write at which it dies, from 0
	phase  string
	kill   func() // and waits until it is dead
	also   func() // what happens besides, before
	spared bool   // nobody dies: the answer alone is lost
	killed bool
	// What lands late: the request itself, and the reading that has to be answered without it before.
	late   func()
	lookAt string
}

// exchange is one request as the gate saw it.
type exchange struct {
	life    int
	write   bool
	key     string // what was asked, the same in every run of the same plan
	request string // the client-request-id
	landed  bool   // the cloud did it
	user    string // whose password it sets, and which
	secret  string
}

func newGate(t *testing.T, cloud *sandbox.Server) *gate {
	t.Helper()
	g := &gate{t: t, cloud: cloud, at: -1, through: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool(cloud.CA()), MinVersion: tls.VersionTLS12}}}
	g.server = httptest.NewTLSServer(g)
	t.Cleanup(func() { g.server.Close(); g.through.CloseIdleConnections() })
	return g
}

// client is a client.json that leads through the gate.
func (g *gate) client() []byte {
	b, err := json.Marshal(g.cloud.Client())
	if err != nil {
		g.t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(bytes.ReplaceAll(b, []byte(g.cloud.URL()), []byte(g.server.URL)), &c); err != nil {
		g.t.Fatal(err)
	}
	c["ca"] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: g.server.Certificate().Raw}))
	delete(c, "caFile")
	if b, err = json.Marshal(c); err != nil {
		g.t.Fatal(err)
	}
	return b
}

// begins says that the next process is at work, and how to kill it.
func (g *gate) begins(kill func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.life++
	g.kill = kill
}

// ServeHTTP lets a request through, unless it is the one.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // whoever sent it is gone
	}
	x, quiet := g.read(r, body)
	if quiet {
		g.pass(w, r, body)
		return
	}
	g.mu.Lock()
	i := len(g.seen)
	x.life = g.life
	g.seen = append(g.seen, x)
	dies := x.write && x.life == 1 && g.writes == g.at && !g.killed
	if x.write && x.life == 1 {
		g.writes++
	}
	if dies {
		g.killed = true
	}
	g.mu.Unlock()
	if dies {
		g.die(i, r, body)
	}
	landed := g.pass(w, r, body)
	g.note(i, landed)
	if x.life == 2 && (x.write || g.lookAt != "" && strings.Contains(x.key, g.lookAt)) {
		g.land()
	}
}

// die kills the sender of a request; it does not return, for there is nobody to answer.
func (g *gate) die(i int, r *http.Request, body []byte) {
	send := func() { g.note(i, g.pass(httptest.NewRecorder(), r.Clone(context.Background()), body)) }
	if g.phase == afterEffect {
		send()
	}
	if g.phase == lateEffect {
		g.mu.Lock()
		g.late = send
		g.mu.Unlock()
	}
	if g.also != nil {
		g.mu.Lock() // nobody else goes on meanwhile
		g.also()
		g.mu.Unlock()
	}
	if !g.spared {
		g.kill()
	}
	panic(http.ErrAbortHandler)
}

// land does what was on its way when its sender died.
func (g *gate) land() (landed bool) {
	g.mu.Lock()
	late := g.late
	g.late = nil
	g.mu.Unlock()
	if late != nil {
		late()
	}
	return late != nil
}

func (g *gate) note(i int, landed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen[i].landed = landed
}

// pass hands a request on, answers it, and says whether the cloud did it.
func (g *gate) pass(w http.ResponseWriter, r *http.Request, body []byte) bool {
	target, err := url.Parse(g.cloud.URL())
	if err != nil {
		g.t.Error(err)
		return false
	}
	q := r.Clone(context.WithoutCancel(r.Context())) // what is on its way arrives, whoever dies
	q.URL.Scheme, q.URL.Host, q.RequestURI = target.Scheme, target.Host, ""
	q.Body, q.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body)) // under the name it was sent to, which answers repeat
	res, err := g.through.RoundTrip(q)
	if err != nil {
		panic(http.ErrAbortHandler) // whoever sent it is gone
	}
	defer func() { _ = res.Body.Close() }()
	for k, v := range res.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body)
	return res.StatusCode < 300
}

// read says what a request is; quiet ones are sign-in and clock, which do nothing at the customer's.
func (g *gate) read(r *http.Request, body []byte) (x exchange, quiet bool) {
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/_sandbox/"), strings.Contains(path, "/oauth2/"), strings.Contains(path, "/.well-known/"), strings.Contains(path, "/discovery/"):
		return x, true
	}
	var in struct {
		CmdletInput struct {
			CmdletName string
			Parameters json.RawMessage
		}
	}
	if strings.Contains(path, "/adminapi/") && json.Unmarshal(body, &in) == nil && in.CmdletInput.CmdletName != "" {
		c := in.CmdletInput
		return exchange{write: !strings.HasPrefix(c.CmdletName, "Get-"), key: c.CmdletName + " " + string(c.Parameters), request: r.Header.Get("client-request-id")}, false
	}
	text := strings.ReplaceAll(string(body), g.server.URL, "")
	if strings.HasSuffix(path, "/$batch") {
		if regexp.MustCompile(`"(POST|PATCH|PUT|DELETE)"[^}]*/v1.0/|"CmdletName":"(Set|Add|Remove|New)-`).MatchString(text) {
			g.t.Errorf("a batch writes, and the gate does not know how to count it: %s", text)
		}
		return exchange{key: "batch " + text}, false
	}
	var profile struct{ PasswordProfile struct{ Password string } }
	_ = json.Unmarshal(body, &profile)
	text = hiddenPassword.ReplaceAllString(text, `"password":"…"`)
	return exchange{write: r.Method != http.MethodGet, key: r.Method + " " + r.URL.RequestURI() + " " + text, request: r.Header.Get("client-request-id"), user: path[strings.LastIndex(path, "/")+1:], secret: profile.PasswordProfile.Password}, false
}

var hiddenPassword = regexp.MustCompile(`"password":"[^"]*"`)

// of are the exchanges of some lives.
func (g *gate) of(keep func(exchange) bool) (out []exchange) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, x := range g.seen {
		if keep(x) {
			out = append(out, x)
		}
	}
	return out
}
