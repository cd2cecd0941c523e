package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"
	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/config"
	"cipp-mcp/internal/secrets"
	"cipp-mcp/sandbox"
	"cipp-mcp/sandbox/sandboxtest"
)

// run is the program as a process of its own, with everything it leaves behind under one directory.
type run struct {
	t      *testing.T
	sink   string
	base   string
	tag    string
	cloud  *sandbox.Server
	store  *secrets.Store
	key    *age.X25519Identity
	client *client.Client
	cmd    *exec.Cmd
	wire   [2]capture // what went in, what came out

	browser *http.Client
	mu      sync.Mutex
	asked   []string // every text that was put to the person
	tokens  map[string]string
	pages   []string
	decline bool // the person does not want to see anything
	results []string
	passes  []string // Microsoft's own secrets, known only when a person has seen them
}

// capture keeps what passes.
type capture struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (c *capture) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.Write(b)
}

func (c *capture) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.buf.Bytes())
}

func (r *run) fatal(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func startRun(t *testing.T, sink, era string) *run {
	t.Helper()
	r := &run{t: t, sink: sink, base: t.TempDir(), tag: strings.ToLower(rand.Text()[:6]), tokens: map[string]string{}}
	for _, d := range []string{"tmp", "home", "record"} {
		r.fatal(os.Mkdir(filepath.Join(r.base, d), 0o700))
	}
	record, err := os.Create(filepath.Join(r.base, "record", "exchanges.jsonl"))
	r.fatal(err)
	t.Cleanup(func() { _ = record.Close() })
	own := t.TempDir() // the sandbox's, with its own secrets in it
	r.cloud = sandboxtest.Start(t, sandbox.Options{Clock: "2026-03-12T15:00:00Z,frozen", Control: true, OutDir: own, Record: record})
	r.browser = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool(r.cloud.CA()), MinVersion: tls.VersionTLS12}}}
	r.key, err = age.GenerateX25519Identity()
	r.fatal(err)
	passwords := "passwords: {sink: " + sink + "}\n"
	if sink == config.SinkAge {
		passwords = "passwords: {sink: age, ageRecipients: [" + r.key.Recipient().String() + "]}\n"
	}
	cloud := filepath.Join(own, "client.json")
	cfg := filepath.Join(r.base, "cipp-mcp.yaml")
	r.fatal(os.WriteFile(cfg, []byte("version: 1\naccess: write\ncloud: "+cloud+"\nstateDir: "+filepath.Join(r.base, "state")+"\ntools: {add: [cipp_create_tap, cipp_bulk_action]}\n"+passwords), 0o600))
	c, err := (&globals{configFile: cfg}).load()
	r.fatal(err)
	dir, err := c.StatePath()
	r.fatal(err)
	r.fatal(config.OpenStateDir(dir))
	r.store, err = secrets.Open(dir, clock.Clock(r.cloud))
	r.fatal(err)
	r.store.WorkFactor = 10
	r.fatal(r.store.SetOperator(operator))
	r.start(cfg)
	r.connect(era)
	return r
}

// start starts the program, all of whose doors are watched.
func (r *run) start(cfg string) {
	r.t.Helper()
	r.cmd = exec.CommandContext(r.t.Context(), os.Args[0], "--config", cfg, "--log-level", "debug", "serve")
	r.cmd.Env = append(os.Environ(), "CIPP_TEST_RUN_MAIN=1", "CIPP_TEST_PASSWORDS="+r.tag, "TMPDIR="+filepath.Join(r.base, "tmp"), "TMP="+filepath.Join(r.base, "tmp"), "HOME="+filepath.Join(r.base, "home"))
	stderr, err := os.Create(filepath.Join(r.base, "stderr.log"))
	r.fatal(err)
	r.t.Cleanup(func() { _ = stderr.Close() })
	r.cmd.Stderr = stderr
	in, err := r.cmd.StdinPipe()
	r.fatal(err)
	out, err := r.cmd.StdoutPipe()
	r.fatal(err)
	r.fatal(r.cmd.Start())
	tee := struct {
		io.Writer
		io.Closer
	}{io.MultiWriter(in, &r.wire[0]), in}
	r.client = client.NewClient(transport.NewIO(io.TeeReader(out, &r.wire[1]), tee, io.NopCloser(strings.NewReader(""))), client.WithElicitationHandler(r))
}

func (r *run) connect(era string) {
	r.t.Helper()
	r.fatal(r.client.Start(r.t.Context()))
	i := mcp.InitializeRequest{}
	i.Params.ProtocolVersion, i.Params.ClientInfo = mcp.LATEST_PROTOCOL_VERSION, mcp.Implementation{Name: "leak test", Version: "1"}
	if era == "legacy" {
		i.Params.ProtocolVersion = "2025-11-25"
	}
	i.Params.Capabilities.Elicitation = addresses
	_, err := r.client.Initialize(r.t.Context(), i)
	r.fatal(err)
}

// Elicit is the person: agrees to every plan, and looks at what is offered.
func (r *run) Elicit(_ context.Context, q mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, q.Params.Message)
	res := &mcp.ElicitationResult{ElicitationResponse: mcp.ElicitationResponse{Action: mcp.ElicitationResponseActionAccept}}
	if q.Params.Mode != mcp.ElicitationModeURL {
		res.Content = map[string]any{"approve": true}
		return res, nil
	}
	part := strings.Split(strings.TrimSuffix(q.Params.URL, "/r"), "/")
	r.tokens[fmt.Sprintf("link %d", len(r.tokens)+1)] = part[len(part)-1]
	if r.decline {
		res.Action = mcp.ElicitationResponseActionDecline
		return res, nil
	}
	r.visit("GET", q.Params.URL) // a preview
	if r.sink == config.SinkPasswordPusher {
		r.pages = append(r.pages, r.visit("GET", strings.TrimSuffix(q.Params.URL, "/r")))
	} else {
		r.pages = append(r.pages, r.visit("POST", q.Params.URL))
	}
	return res, nil
}

func (r *run) visit(method, address string) string {
	q, err := http.NewRequestWithContext(r.t.Context(), method, address, nil)
	if err != nil {
		r.t.Error(err)
		return ""
	}
	res, err := r.browser.Do(q)
	if err != nil {
		r.t.Error(err)
		return ""
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Error(err)
	}
	return string(b)
}

// call makes a call and expects its status; handle is the secret's, "" for none.
func (r *run) call(status, tool string, args map[string]any) (handle string, shown bool) {
	r.t.Helper()
	q := mcp.CallToolRequest{}
	q.Params.Name, q.Params.Arguments = tool, args
	res, err := r.client.CallTool(r.t.Context(), q)
	r.fatal(err)
	b, err := json.Marshal(res)
	r.fatal(err)
	r.results = append(r.results, string(b))
	var out struct {
		Status  string
		Secrets []struct {
			Handle string
			Shown  bool
		}
	}
	b, err = json.Marshal(res.StructuredContent)
	r.fatal(err)
	r.fatal(json.Unmarshal(b, &out))
	if out.Status != status {
		r.t.Fatalf("%s is %s, expected %s: %s", tool, out.Status, status, b)
	}
	if len(out.Secrets) == 0 {
		return "", false
	}
	return out.Secrets[0].Handle, out.Secrets[0].Shown
}

// delivered expects that a person got a password by the sink, made after the last one, and says which.
func (r *run) delivered(last int, handle string, shown bool) int {
	r.t.Helper()
	got := r.opened(handle, shown)
	for n := last + 1; n <= awkwardly; n++ {
		if got == awkwardPassword(r.tag, n) {
			return n
		}
	}
	r.t.Fatalf("%s gave %q; that is none after password %d", r.sink, got, last)
	return 0
}

// opened is what a person got by the sink.
func (r *run) opened(handle string, shown bool) (got string) {
	r.t.Helper()
	var err error
	switch {
	case r.sink == config.SinkTerminal, r.sink == config.SinkLink && !shown:
		_, got, err = r.store.Reveal(handle, operator)
	case r.sink == config.SinkLink, r.sink == config.SinkPasswordPusher && !r.decline:
		page := r.pages[len(r.pages)-1]
		_, page, _ = strings.Cut(page, "<pre>")
		page, _, _ = strings.Cut(page, "</pre>")
		got = html.UnescapeString(page)
	case r.sink == config.SinkPasswordPusher:
		pushes := r.cloud.Pushes()
		got = pushes[len(pushes)-1].Payload
	case r.sink == config.SinkAge:
		var b []byte
		dir := filepath.Join(r.base, "state")
		files, gerr := filepath.Glob(filepath.Join(dir, "*", "secrets", handle+".age"))
		if gerr != nil || len(files) != 1 {
			r.t.Fatalf("%v %v", files, gerr)
		}
		f, ferr := os.Open(files[0])
		r.fatal(ferr)
		defer func() { _ = f.Close() }()
		plain, derr := age.Decrypt(f, r.key)
		r.fatal(derr)
		b, err = io.ReadAll(plain)
		got = strings.TrimSuffix(string(b), "\n")
	}
	r.fatal(err)
	return got
}

func (r *run) faults(text string) {
	r.t.Helper()
	r.fatal(r.cloud.SetFaults([]byte(text)))
}
