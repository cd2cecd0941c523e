package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"
	"go.uber.org/goleak"

	"cipp-mcp/internal/mcpserver"
)

func TestMain(m *testing.M) {
	if os.Getenv("CIPP_TEST_RUN_MAIN") != "" { // the test binary stands in for the program
		if tag := os.Getenv("CIPP_TEST_PASSWORDS"); tag != "" {
			generate = awkward(tag)
		}
		main()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// The people of the built-in story the tests are about.
const (
	harbourline = "harbourline.example"
	priya       = "priya.shah@harbourline.example"
	dana        = "dana.whitfield@harbourline.example"
	gareth      = "gareth.pell@harbourline.example"
	ingrid      = "ingrid.moreau@harbourline.example" // synchronised
	marta       = "marta.lindqvist@harbourline.example"
	operator    = "the operator's own passphrase"
)

// bench is the whole product on a sandbox of its own, behind a real MCP client.
type world struct {
	*app
	t      *testing.T
	client *client.Client
	// asked are the plans that were put to the person; answer is what the person says.
	asked  []string
	answer func(string) bool
	away   bool // the person does not answer
	called map[string]bool
	marked []byte // the state that changes are held against
}

type worldOptions struct {
	era     string // modern (default) or legacy
	deaf    bool   // the client cannot ask anybody
	config  string // more YAML
	flags   cloudFlags
	noPass  bool // no operator's passphrase
	partner bool
}

var unsafeName = regexp.MustCompile(`[^A-Za-z0-9]+`)

func newWorld(t *testing.T, o worldOptions) *world {
	t.Helper()
	dir := t.TempDir()
	cfg := filepath.Join(dir, "cipp-mcp.yaml")
	text := "version: 1\nstateDir: " + filepath.ToSlash(filepath.Join(dir, "state")) + "\nlog: {level: error}\n" + o.config
	if !strings.Contains(o.config, "tools:") {
		text += "tools: {preset: all}\n"
	}
	if o.partner {
		text += "auth: {mode: partner}\n"
	}
	if err := os.WriteFile(cfg, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if o.flags.sandbox == "" {
		o.flags.sandbox = builtinSandbox
	}
	if o.flags.clock == "" {
		o.flags.clock = "2026-03-12T15:00:00Z,frozen" // nobody waits
	}
	if to := os.Getenv("CIPP_TEST_RECORD"); to != "" && o.flags.record == "" {
		o.flags.record = filepath.Join(to, "cmd-"+unsafeName.ReplaceAllString(t.Name(), "-")+".jsonl")
	}
	a, err := open(t.Context(), &globals{configFile: cfg}, o.flags)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{app: a, t: t, answer: func(string) bool { return true }, called: map[string]bool{}}
	a.invoker.FollowFor = 5 * time.Minute // a slow machine is no reason for another answer
	a.env.Cases.Patience, a.env.Quick = 5*time.Minute, 5*time.Minute
	t.Cleanup(func() {
		if u := a.sandbox.Unknown(); len(u) > 0 {
			t.Errorf("the sandbox does not know %s", strings.Join(u, ", "))
		}
		a.close()
	})
	if !o.noPass {
		a.env.Secrets.WorkFactor = 10
		if err := a.env.Secrets.SetOperator(operator); err != nil {
			t.Fatal(err)
		}
	}
	if o.deaf {
		w.connect(o.era, nil)
	} else {
		w.connect(o.era, w)
	}
	return w
}

// connect puts a client of that era in front of the server; who is nil for a client that cannot ask.
func (w *world) connect(era string, who client.ElicitationHandler) { w.connectAs(era, who, nil) }

// connectAs also says what the client can put to a person; nil is what the library says by itself.
func (w *world) connectAs(era string, who client.ElicitationHandler, can *mcp.ElicitationCapability) {
	w.t.Helper()
	var opts []client.ClientOption
	if who != nil {
		opts = append(opts, client.WithElicitationHandler(who))
	}
	version := mcp.LATEST_PROTOCOL_VERSION
	if era == "legacy" {
		opts, version = append(opts, client.WithLegacyProtocolOnly()), "2025-11-25" //nolint:staticcheck // most clients in use still speak it
	}
	s := mcpserver.New(mcpserver.Options{Invoker: w.invoker, Log: w.log, Version: "test", Discovery: w.cfg.Tools.Discovery})
	c, err := client.NewInProcessClientWithOptions(s, opts...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	if err := c.Start(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	r := mcp.InitializeRequest{}
	r.Params.ProtocolVersion, r.Params.ClientInfo = version, mcp.Implementation{Name: "test client", Version: "1"}
	r.Params.Capabilities.Elicitation = can
	if _, err := c.Initialize(w.t.Context(), r); err != nil {
		w.t.Fatal(err)
	}
	w.client = c
}

// trust is the sandbox's certificate authority.
func (w *world) trust() *tls.Config { return &tls.Config{RootCAs: pool(w.sandbox.CA())} }

// Elicit is the person at the client.
func (w *world) Elicit(ctx context.Context, r mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	w.asked = append(w.asked, r.Params.Message)
	if w.away {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	res := &mcp.ElicitationResult{ElicitationResponse: mcp.ElicitationResponse{Action: mcp.ElicitationResponseActionDecline}}
	if w.answer(r.Params.Message) {
		res.Action, res.Content = mcp.ElicitationResponseActionAccept, map[string]any{"approve": true}
	}
	return res, nil
}

// answer of a call, taken apart.
type answer struct {
	text string
	v    map[string]any
	err  map[string]any // the error object, nil when there is none
}

func (w *world) call(tool string, args map[string]any) answer {
	w.t.Helper()
	w.called[tool] = true
	r := mcp.CallToolRequest{}
	r.Params.Name, r.Params.Arguments = tool, args
	res, err := w.client.CallTool(w.t.Context(), r)
	if err != nil {
		w.t.Fatalf("%s %v: %v", tool, args, err)
	}
	var a answer
	for _, c := range res.Content {
		if t, ok := mcp.AsTextContent(c); ok {
			a.text += t.Text
		}
	}
	b, err := json.Marshal(res.StructuredContent)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := json.Unmarshal(b, &a.v); err != nil {
		w.t.Fatal(err)
	}
	if res.IsError {
		a.err, _ = a.v["error"].(map[string]any)
		if a.err == nil {
			w.t.Fatalf("%s: an error without the error's shape: %s", tool, b)
		}
		var fromText map[string]any
		if err := json.Unmarshal([]byte(a.text), &fromText); err != nil {
			w.t.Errorf("%s: the error's text is no JSON: %s", tool, a.text)
		}
		for _, k := range []string{"message", "next"} {
			s, _ := a.err[k].(string)
			if len(s) < 10 || !strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "…") && !strings.HasSuffix(s, "»") {
				w.t.Errorf("%s: %s is no sentence: %q", tool, k, s)
			}
		}
	}
	return a
}

// must calls and expects no error.
func (w *world) must(tool string, args map[string]any) answer {
	w.t.Helper()
	a := w.call(tool, args)
	if a.err != nil {
		w.t.Fatalf("%s %v: %v", tool, args, a.err)
	}
	return a
}

// refused calls and expects an error of this code.
func (w *world) refused(code, tool string, args map[string]any) answer {
	w.t.Helper()
	a := w.call(tool, args)
	if a.err == nil || a.err["code"] != code {
		w.t.Fatalf("%s %v: expected %s, got %s", tool, args, code, a.text)
	}
	return a
}

// done calls a write and expects every step done.
func (w *world) done(tool string, args map[string]any) answer {
	w.t.Helper()
	a := w.must(tool, args)
	if a.v["status"] != "done" {
		w.t.Fatalf("%s %v: %s", tool, args, a.text)
	}
	return a
}

func (a answer) list(key string) []map[string]any {
	l, _ := a.v[key].([]any)
	out := make([]map[string]any, 0, len(l))
	for _, x := range l {
		m, _ := x.(map[string]any)
		out = append(out, m)
	}
	return out
}

// state is the cloud now.
func (w *world) state() []byte {
	w.t.Helper()
	b, err := w.sandbox.State()
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// changed are the paths that differ from before, logs left out.
func (w *world) changed(before []byte) []string {
	w.t.Helper()
	changes, _, err := difference(before, w.state())
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, c := range changes {
		out = append(out, fmt.Sprintf("%s: %s → %s", c.path, shorten(c.before, 80), shorten(c.after, 80)))
	}
	return out
}

// unharmed fails when anything changed.
func (w *world) unharmed(before []byte) {
	w.t.Helper()
	if c := w.changed(before); len(c) > 0 {
		w.t.Errorf("the cloud changed:\n%s", strings.Join(c, "\n"))
	}
}

func in(tenant string, pairs ...any) map[string]any {
	return and(map[string]any{"tenantFilter": tenant}, pairs...)
}

func (w *world) reveal(handle string) string {
	w.t.Helper()
	_, secret, err := w.env.Secrets.Reveal(handle, operator)
	if err != nil {
		w.t.Fatal(err)
	}
	return secret
}

// stateFiles is everything that lies in the state directory, databases and their logs included.
func (w *world) stateFiles() string {
	w.t.Helper()
	dir, err := w.cfg.StatePath()
	if err != nil {
		w.t.Fatal(err)
	}
	var all strings.Builder
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all.Write(b)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all.String()
}
