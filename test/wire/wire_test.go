// Package wire drives the sandbox by plain HTTP through everything it has, and holds the recording against
// Microsoft's published contract where the checker is at hand.
package wire

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cipp-mcp/sandbox"
	"cipp-mcp/sandbox/sandboxtest"
)

// checker is beside the module's root where the project is developed.
const checker = "../shared/contract/wirecheck"

type driver struct {
	t      *testing.T
	server *sandbox.Server
	client *http.Client
	record lockedBuffer
	tokens map[string]string
	ids    map[string]string // placeholders of paths and bodies
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func start(t *testing.T) *driver {
	t.Helper()
	d := &driver{t: t, tokens: map[string]string{}, ids: map[string]string{}}
	d.connect(sandboxtest.Start(t, sandbox.Options{Clock: "2026-03-12T15:00:00Z,frozen", Record: &d.record}))
	return d
}

func (d *driver) connect(s *sandbox.Server) {
	d.t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	d.t.Cleanup(transport.CloseIdleConnections)
	d.server, d.client = s, &http.Client{Transport: transport}
	d.learn()
}

// learn gives the placeholders: {t.DOMAIN} tenants, {u.UPN} users, {g.NICKNAME} groups, {host} the sandbox.
func (d *driver) learn() {
	raw, err := d.server.State()
	if err != nil {
		d.t.Fatal(err)
	}
	var state struct {
		Tenants []struct {
			TenantID, DefaultDomain string
			Graph                   struct {
				Users             []struct{ ID, UserPrincipalName string }
				Groups            []struct{ ID, MailNickname string }
				Devices           []struct{ ID, DisplayName string }
				ServicePrincipals []struct{ ID, AppID, DisplayName string }
			}
		}
	}
	if err := json.Unmarshal(raw, &state); err != nil {
		d.t.Fatal(err)
	}
	d.ids["host"] = d.server.URL()
	d.ids["partner"] = d.server.Client().Auth.TenantID
	for _, x := range state.Tenants {
		d.ids["t."+x.DefaultDomain] = x.TenantID
		for _, u := range x.Graph.Users {
			d.ids["u."+strings.ToLower(u.UserPrincipalName)] = u.ID
		}
		for _, g := range x.Graph.Groups {
			d.ids["g."+g.MailNickname] = g.ID
		}
		for _, v := range x.Graph.Devices {
			d.ids["d."+v.DisplayName] = v.ID
		}
		for _, p := range x.Graph.ServicePrincipals {
			d.ids["s."+p.DisplayName] = p.ID
		}
	}
}

func (d *driver) fill(s string) string {
	for {
		i := strings.Index(s, "{{")
		if i < 0 {
			return s
		}
		j := strings.Index(s[i:], "}}")
		v, ok := d.ids[s[i+2:i+j]]
		if !ok {
			d.t.Fatalf("nothing is called %s", s[i:i+j+2])
		}
		s = s[:i] + v + s[i+j+2:]
	}
}

func (d *driver) token(tenant, scope string) string {
	d.t.Helper()
	key := tenant + " " + scope
	if d.tokens[key] != "" {
		return d.tokens[key]
	}
	a := d.server.Client().Auth
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {a.ClientID}, "client_secret": {a.ClientSecret}, "scope": {scope + "/.default"}}
	res, err := d.client.PostForm(d.server.URL()+"/"+tenant+"/oauth2/v2.0/token", form)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	var out struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || out.AccessToken == "" {
		d.t.Fatalf("no token for %s: %d %v", tenant, res.StatusCode, err)
	}
	d.tokens[key] = out.AccessToken
	return out.AccessToken
}

// send makes one request as written, "VERB /path", with {{placeholders}}, and returns its status and body.
func (d *driver) send(tenant, request, body string) (int, []byte) {
	d.t.Helper()
	verb, path, _ := strings.Cut(d.fill(request), " ")
	scope := "https://graph.microsoft.com"
	if strings.HasPrefix(path, "/adminapi/") {
		scope = "https://outlook.office365.com"
	}
	var in io.Reader
	if body != "" {
		in = strings.NewReader(d.fill(body))
	}
	r, err := http.NewRequestWithContext(d.t.Context(), verb, d.server.URL()+strings.ReplaceAll(path, " ", "%20"), in)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+d.token(d.fill(tenant), scope))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if strings.Contains(path, "$count") || strings.Contains(path, "$search") {
		r.Header.Set("ConsistencyLevel", "eventual")
	}
	if scope != "https://graph.microsoft.com" {
		r.Header.Set("Prefer", "odata.maxpagesize=1000")
	}
	res, err := d.client.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode, out
}

type step struct {
	request, body string
	status        int // 0: any success
}

func (d *driver) walk(tenant string, steps []step) {
	d.t.Helper()
	for _, s := range steps {
		status, out := d.send(tenant, s.request, s.body)
		if s.status == 0 && status >= 300 || s.status != 0 && status != s.status {
			d.t.Errorf("%s %s: %d, not %d: %.300s", s.request, s.body, status, s.status, out)
		}
	}
}

func TestEverythingOnTheWire(t *testing.T) {
	d := start(t)
	d.walk("{{partner}}", partnerSteps)
	d.walk("{{t.harbourline.example}}", readSteps)
	d.walk("{{t.brightwell.example}}", evidenceSteps)
	for _, c := range cmdlets {
		d.walk("{{t.harbourline.example}}", []step{{"POST /adminapi/beta/{{t.harbourline.example}}/InvokeCommand", `{"CmdletInput":{"CmdletName":"` + c[0] + `","Parameters":` + c[1] + `}}`, 0}})
	}
	d.walk("{{t.harbourline.example}}", batchSteps)
	d.walk("{{t.harbourline.example}}", writeSteps)
	d.walk("{{t.harbourline.example}}", refusalSteps)
	d.check(60)
}

// check holds what was recorded against the contract.
func (d *driver) check(operations int) {
	d.t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		d.t.Fatal(err)
	}
	tool := filepath.Join(root, checker)
	if _, err := os.Stat(tool); err != nil {
		d.t.Skip("Microsoft's contract is not beside this module (" + checker + "): the recording is not judged")
	}
	file := filepath.Join(d.t.TempDir(), "wire.jsonl")
	if err := os.WriteFile(file, d.record.b.Bytes(), 0o600); err != nil {
		d.t.Fatal(err)
	}
	out, err := exec.CommandContext(d.t.Context(), tool, "--ops", "--min-ops", itoa(operations), file).CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil {
		d.t.Fatalf("%v\n%s", err, out)
	}
	d.t.Log(lines[len(lines)-1])
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }
