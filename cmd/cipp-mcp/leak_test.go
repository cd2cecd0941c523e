package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	"cipp-mcp/test/leaks"
)

// awkward makes passwords that every kind of escaping has to touch, and that a test knows beforehand.
func awkward(tag string) func() (string, error) {
	var mu sync.Mutex
	n := 0
	return func() (string, error) {
		mu.Lock()
		defer mu.Unlock()
		n++
		return awkwardPassword(tag, n), nil
	}
}

func awkwardPassword(tag string, n int) string {
	return fmt.Sprintf(`Zq&<"+%s/%02d'>%%\Lantern-%s`, tag, n, tag)
}

// awkwardly many are searched for, whether they were made or not.
const awkwardly = 26

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

// given is a password that a caller chose: it came in by the door, and may be nowhere else.
const given = `Gv&<"+my-own/Password'%\Chosen-1`

// story sets passwords in every way there is.
func (r *run) story() {
	r.t.Helper()
	last := 0
	set := func(status, tool string, args map[string]any) {
		r.t.Helper()
		handle, shown := r.call(status, tool, args)
		if handle == "" {
			r.t.Fatalf("%s gave no handle", tool)
		}
		if r.sink == config.SinkLink && shown == r.decline {
			r.t.Errorf("%s: shown is %v", tool, shown)
		}
		last = r.delivered(last, handle, shown)
	}
	nia := in(harbourline, "displayName", "Nia <& Reyes>", "userPrincipalName", "nia@"+harbourline, "mailNickname", "nia", "usageLocation", "gb")
	set("done", "cipp_create_user", nia)
	set("done", "cipp_reset_password", in(harbourline, "userId", priya))
	set("done", "cipp_offboard_user", in(harbourline, "userId", dana, "resetPassword", true))
	r.faults(`[{"match":{"service":"graph","method":"PATCH","path":"/users/*"},"do":{"status":400,"code":"Request_BadRequest","message":"The specified password does not comply with password complexity requirements. Please provide a different password."}}]`)
	if handle, _ := r.call("failed", "cipp_reset_password", in(harbourline, "userId", priya)); handle != "" {
		r.t.Errorf("a refused password has the handle %s", handle)
	}
	r.faults(`[{"match":{"service":"graph","method":"PATCH","path":"/users/*"},"do":{"effect":"before","cut":true}}]`)
	set("done", "cipp_reset_password", in(harbourline, "userId", gareth))
	r.faults(`[{"match":{"service":"graph","method":"POST","path":"/users"},"do":{"effect":"before","status":504}}]`)
	set("done", "cipp_create_user", and(nia, "userPrincipalName", "nia.two@"+harbourline, "mailNickname", "nia.two"))
	r.faults(`[{"match":{"service":"graph","method":"PATCH","path":"/users/*"},"do":{"effect":"none","cut":true}}]`)
	r.call("failed", "cipp_reset_password", in(harbourline, "userId", demoManager)) // lost on the way, more than once
	r.faults("null")
	r.call("done", "cipp_reset_password", in(harbourline, "userId", priya, "password", given, "reason", "it becomes "+given, "ticket", given))
	r.call("", "cipp_reset_password", in(harbourline, "userId", given)) // quoted in an error
	r.call("scheduled", "cipp_reset_password", in(harbourline, "userId", dana, "password", given, "runAt", "2026-03-14T09:00:00Z"))
	r.call("needs_approval", "cipp_reset_password", in(harbourline, "userId", marta, "password", given)) // an administrator
	pass := func(args map[string]any) {
		r.t.Helper()
		handle, shown := r.call("done", "cipp_create_tap", args)
		got := r.opened(handle, shown)
		if len(got) != 8 || handle == "" {
			r.t.Fatalf("%q is no Temporary Access Pass", got)
		}
		r.passes = append(r.passes, got)
	}
	pass(in(harbourline, "userId", priya, "usableOnce", true))
	r.faults(`[{"match":{"service":"graph","method":"POST","path":"/users/*/authentication/temporaryAccessPassMethods"},"do":{"effect":"before","cut":true},"times":1}]`)
	pass(in(harbourline, "userId", gareth))
	r.faults("null")
	r.many(&last)
	r.decline = true
	set("done", "cipp_reset_password", in(harbourline, "userId", demoManager))
	pass(in(harbourline, "userId", dana))
}

// many sets passwords of several users at once: those that are made lie together in one secret, with those of callers
// and of rows that Microsoft refused nowhere.
func (r *run) many(last *int) {
	r.t.Helper()
	set := func(status string, made int, args map[string]any) {
		r.t.Helper()
		handle, shown := r.call(status, "cipp_bulk_action", args)
		rows, err := csv.NewReader(strings.NewReader(r.opened(handle, shown))).ReadAll()
		if err != nil || len(rows) != made+1 {
			r.t.Fatalf("%s gave %d rows, %v", r.sink, len(rows), err)
		}
		before := *last
		for _, row := range rows[1:] {
			n := before + 1
			for n <= awkwardly && row[2] != awkwardPassword(r.tag, n) {
				n++
			}
			if n > awkwardly {
				r.t.Fatalf("%q is none after password %d", row[2], before)
			}
			*last = max(*last, n)
		}
		r.readRows()
	}
	own := `"` + strings.ReplaceAll(given, `"`, `""`) + `"`
	set("done", 2, in(harbourline, "action", "cipp_reset_password", "csv", "userId,newPassword\n"+priya+",\n"+gareth+",\n"+demoManager+","+own+"\n"))
	set("done", 2, in(harbourline, "action", "cipp_create_user", "arguments", map[string]any{"usageLocation": "GB"},
		"csv", "displayName,userPrincipalName,password\nOmar,omar@"+harbourline+",\nLea,lea@"+harbourline+",\nPia,pia@"+harbourline+","+own+"\n"))
	r.faults(`[{"match":{"service":"graph","method":"PATCH","path":"/users/*"},"times":1,"do":{"status":400,"code":"Request_BadRequest","message":"The specified password does not comply with password complexity requirements. Please provide a different password."}}]`)
	set("attention", 2, in(harbourline, "action", "cipp_reset_password", "targets", []string{priya, gareth}))
	r.faults("null")
	r.call("", "cipp_bulk_action", in(harbourline, "action", "cipp_reset_password", "csv", "userId,newPassword\n"+priya+","+own+"\nnobody@"+harbourline+","+own+"\n"))
	r.call("", "cipp_bulk_action", in(harbourline, "action", "cipp_reset_password", "csv", "userId,password\n"+priya+","+strings.Repeat("x", 300)+"\n"))
}

// readRows reads every resource of the last result's job, as a client does.
func (r *run) readRows() {
	r.t.Helper()
	found := regexp.MustCompile(`(run_[0-9a-f]{32})/rows\.csv`).FindStringSubmatch(r.results[len(r.results)-1])
	if found == nil {
		r.t.Fatalf("no rows in %s", r.results[len(r.results)-1])
	}
	id := found[1]
	for _, of := range []string{"rows.csv", "record", "record.json"} {
		q := mcp.ReadResourceRequest{}
		q.Params.URI = "cipp://jobs/" + id + "/" + of
		res, err := r.client.ReadResource(r.t.Context(), q)
		r.fatal(err)
		b, err := json.Marshal(res)
		r.fatal(err)
		r.results = append(r.results, string(b))
	}
	q := mcp.CallToolRequest{}
	q.Params.Name, q.Params.Arguments = "cipp_get_job", map[string]any{"jobId": id}
	res, err := r.client.CallTool(r.t.Context(), q)
	r.fatal(err)
	b, err := json.Marshal(res)
	r.fatal(err)
	r.results = append(r.results, string(b))
}

// search looks through everything for the passwords, the caller's own and the links.
func (r *run) search(when string) (found []leaks.Finding) {
	r.t.Helper()
	made := map[string]string{}
	for n := 1; n <= awkwardly; n++ {
		made[fmt.Sprintf("password %d", n)] = awkwardPassword(r.tag, n)
	}
	for n, p := range r.passes {
		made[fmt.Sprintf("pass %d", n+1)] = p
	}
	passwords, err := leaks.New(made)
	r.fatal(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	links := map[string]string{"the caller's own": given, "the pusher's token": r.cloud.Client().Pusher.Token}
	for name, token := range r.tokens {
		links[name] = token
	}
	// These may be on the wire: what a caller chose in its call, an address in the question to the person.
	addresses, err := leaks.New(links)
	r.fatal(err)
	texts := []byte(strings.Join(r.results, "\n") + strings.Join(r.asked, "\n"))
	found = append(found, passwords.Search("what went in", r.wire[0].bytes())...)
	found = append(found, passwords.Search("what came out", r.wire[1].bytes())...)
	found = append(found, passwords.Search("results and questions", texts)...)
	found = append(found, addresses.Search("results and questions", texts)...)
	for _, s := range []*leaks.Searcher{passwords, addresses} {
		more, files, err := s.Tree(r.base)
		r.fatal(err)
		if files < 6 {
			r.t.Errorf("%s: only %d files were searched", when, files)
		}
		found = append(found, more...)
	}
	return found
}

// A full run with every sink, in both protocol eras, at the most talkative log level, leaves no secret
// behind: in no result, question, log, file of the state, temporary file or recording.
func TestNothingLeaks(t *testing.T) {
	for _, sink := range []string{config.SinkTerminal, config.SinkLink, config.SinkAge, config.SinkPasswordPusher} {
		for _, era := range []string{"modern", "legacy"} {
			t.Run(sink+" "+era, func(t *testing.T) {
				t.Parallel()
				r := startRun(t, sink, era)
				r.story()
				if logs, err := filepath.Glob(filepath.Join(r.base, "state", "*", "*.db-wal")); err != nil || len(logs) == 0 {
					t.Errorf("no write-ahead log was searched: %v", err)
				}
				for _, f := range r.search("while it runs") {
					t.Errorf("while it runs: %s", f)
				}
				if want := sink == config.SinkLink || sink == config.SinkPasswordPusher; want != (len(r.tokens) > 3) {
					t.Errorf("%d pages were offered", len(r.tokens))
				}
				_ = r.client.Close()
				if err := r.cmd.Wait(); err != nil {
					t.Errorf("the program ended with %v", err)
				}
				for _, f := range r.search("afterwards") {
					t.Errorf("afterwards: %s", f)
				}
				for _, place := range []string{"tmp", "record", "state"} {
					b, err := json.Marshal(awkwardPassword(r.tag, 2))
					r.fatal(err)
					r.fatal(os.WriteFile(filepath.Join(r.base, place, "planted"), b, 0o600))
				}
				found := fmt.Sprint(r.search("with leaks in it"))
				for _, place := range []string{"tmp", "record", "state"} { // the search looks there
					if !strings.Contains(found, filepath.Join(r.base, place, "planted")) {
						t.Errorf("a leak in %s was not found", place)
					}
				}
			})
		}
	}
}

// Microsoft may repeat in an error what it was sent. What is passed on then has no password in it.
func TestMicrosoftsEchoIsRedacted(t *testing.T) {
	for _, password := range []string{`Zq&<"+9x/'>%\Lantern-81`, `"Zq'Lantern«&»-<b>-82"`, "Zq&<\"+Lantern \u00e9-83", strings.Repeat(`x"&`, 60) + "Lantern"} {
		for _, status := range []int{400, 403, 409, 500} {
			w := newWorld(t, worldOptions{})
			w.env.Secrets.Generate = func() (string, error) { return password, nil }
			message, err := json.Marshal("Property passwordProfile has the invalid value '" + password + "'; " + password + " was refused.")
			if err != nil {
				t.Fatal(err)
			}
			if err := w.sandbox.SetFaults(fmt.Appendf(nil, `[{"match":{"service":"graph","method":"PATCH","path":"/users/*"},"do":{"status":%d,"code":"Request_BadRequest","message":%s}}]`, status, message)); err != nil {
				t.Fatal(err)
			}
			a := w.must("cipp_reset_password", in(harbourline, "userId", priya))
			if a.v["status"] == "done" {
				t.Fatalf("%s", a.text)
			}
			s, err := leaks.New(map[string]string{"the password": password, "its end": "Lantern-"[:7] + password[len(password)-3:]})
			if err != nil {
				t.Fatal(err)
			}
			dir, err := w.cfg.StatePath()
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(a.v)
			if err != nil {
				t.Fatal(err)
			}
			found, _, err := s.Tree(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range append(append(found, s.Search("the result", b)...), s.Search("the text", []byte(a.text))...) {
				t.Errorf("%d: %s\n%s", status, f, a.text)
			}
		}
	}
}
