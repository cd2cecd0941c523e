// Package suites runs the built program as clients do: a process that speaks the protocol on its
// standard input and output.
package suites

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"cipp-mcp/sandbox/sandboxtest"
)

// binary is the program, built once.
var binary string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cipp-mcp-suites-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "cipp-mcp")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", binary, "cipp-mcp/cmd/cipp-mcp").CombinedOutput(); err != nil { //nolint:gosec // our own program
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// program is the built program with its standard input and output.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
	seen   map[string]int     // answers by id
	early  map[string]message // answers that came before they were waited for
}

// message is one line of the protocol.
type message struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Result  json.RawMessage `json:"result"`
	Error   *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// start runs the program in a HOME of its own; env comes on top.
func start(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	home := t.TempDir()
	if to := os.Getenv(sandboxtest.RecordEnv); to != "" && slices.Contains(args, "--sandbox") {
		f, err := os.CreateTemp(to, "stdio-*.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		args = append(args, "--record", f.Name())
	}
	p := &program{t: t, cmd: exec.CommandContext(ctx, binary, args...), seen: map[string]int{}, early: map[string]message{}} //nolint:gosec // our own program
	p.cmd.Env = append([]string{"HOME=" + home, "XDG_CONFIG_HOME=" + home, "APPDATA=" + home, "SYSTEMROOT=" + os.Getenv("SYSTEMROOT"), "PATH=" + os.Getenv("PATH")}, env...)
	p.cmd.Stderr = &p.stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if p.cmd.ProcessState == nil { // the test failed half-way
			_ = p.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("standard error:\n%s", p.stderr.Bytes())
		}
	})
	return p
}

func (p *program) send(lines ...string) {
	p.t.Helper()
	for _, l := range lines {
		if _, err := io.WriteString(p.in, l+"\n"); err != nil {
			p.t.Fatal(err)
		}
	}
}

// next reads one line, which must be one message of the protocol; false at the end.
func (p *program) next() (message, bool) {
	p.t.Helper()
	line, err := p.out.ReadBytes('\n')
	if errors.Is(err, io.EOF) && len(line) == 0 {
		return message{}, false
	}
	if err != nil {
		p.t.Fatalf("%v after %q", err, line)
	}
	var m message
	dec := json.NewDecoder(bytes.NewReader(line))
	if err := dec.Decode(&m); err != nil {
		p.t.Fatalf("a line of standard output is no JSON: %v\n%s", err, line)
	}
	if rest, _ := io.ReadAll(dec.Buffered()); len(bytes.TrimSpace(rest)) > 0 {
		p.t.Fatalf("a line holds more than one message:\n%s", line)
	}
	answer := m.Result != nil || m.Error != nil
	if m.JSONRPC != "2.0" || answer == (m.Method != "") || m.Result != nil && m.Error != nil || answer && m.ID == nil {
		p.t.Fatalf("a line of standard output is no JSON-RPC message:\n%s", line)
	}
	if answer {
		p.seen[string(m.ID)]++
	}
	return m, true
}

// answer reads until the answer to a request is there: calls run at once and end in any order.
func (p *program) answer(id string) message {
	p.t.Helper()
	for {
		if m, ok := p.early[id]; ok {
			delete(p.early, id)
			return m
		}
		m, ok := p.next()
		if !ok {
			p.t.Fatalf("the program ended without an answer to %s", id)
		}
		if m.Method == "" {
			p.early[string(m.ID)] = m
		}
	}
}

// end closes standard input and expects the program to end cleanly, with nothing but messages left.
func (p *program) end() {
	p.t.Helper()
	if err := p.in.Close(); err != nil {
		p.t.Fatal(err)
	}
	for {
		if _, ok := p.next(); !ok {
			break
		}
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("at the end of its input the program did not end cleanly: %v", err)
	}
	for id, n := range p.seen {
		if n != 1 && id != "null" {
			p.t.Errorf("%s was answered %d times", id, n)
		}
	}
}

// into decodes an answer's result.
func into(t *testing.T, m message, v any) {
	t.Helper()
	if m.Error != nil {
		t.Fatalf("%s was answered with error %d: %s", m.ID, m.Error.Code, m.Error.Message)
	}
	if err := json.Unmarshal(m.Result, v); err != nil {
		t.Fatal(err)
	}
}

// toolNames decodes an answer to tools/list.
func toolNames(t *testing.T, m message) []string {
	t.Helper()
	var r struct {
		Tools []struct {
			Name string `json:"name"`
		} `json:"tools"`
	}
	into(t, m, &r)
	names := make([]string, 0, len(r.Tools))
	for _, x := range r.Tools {
		names = append(names, x.Name)
	}
	return names
}

// called decodes an answer to tools/call.
func called(t *testing.T, m message) (code string, failed bool) {
	t.Helper()
	var r struct {
		IsError           bool `json:"isError"`
		StructuredContent struct {
			Error struct {
				Code string `json:"code"`
			} `json:"error"`
		} `json:"structuredContent"`
	}
	into(t, m, &r)
	return r.StructuredContent.Error.Code, r.IsError
}

const (
	initialize  = `{"jsonrpc":"2.0","id":"start","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw client","version":"1"}}}`
	initialized = `{"jsonrpc":"2.0","method":"notifications/initialized"}`
	// modern is what every request of the era without a handshake carries.
	modern = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"raw client","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}`
)

func TestStandardOutputIsOnlyTheProtocol(t *testing.T) {
	p := start(t, nil, "serve", "--sandbox", "--clock", "2026-03-12T15:00:00Z,frozen", "--log-level", "debug")
	p.send(initialize, initialized,
		`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`,
		`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"cipp_list_users","arguments":{"tenantFilter":"harbourline.example"}}}`,
		`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"cipp_list_users","arguments":{"tenantFilter":"nowhere.example"}}}`,
		`{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"cipp_list_users","arguments":[1,2]}}`,
		`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"cipp_bec_check","_meta":{"progressToken":"told"},"arguments":{"tenantFilter":"brightwell.example","userId":"celia.hartmann@brightwell.example"}}}`,
		`{"jsonrpc":"2.0","id":6,"method":"no/such/method"}`,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"no_such_tool"}}`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}`,
		`{"broken`, `[]`, `"a text"`, `{}`,
		`{"jsonrpc":"2.0","id":"last","method":"ping"}`,
	)
	for id, want := range map[string]string{"2": "", "3": "tenant_not_found", "5": ""} {
		if code, failed := called(t, p.answer(id)); code != want || failed != (want != "") {
			t.Errorf("%s was answered with %q, failed: %v", id, code, failed)
		}
	}
	for _, id := range []string{"6", "7"} {
		if m := p.answer(id); m.Error == nil {
			t.Errorf("%s is no protocol error: %s", id, m.Result)
		}
	}
	for _, id := range []string{"1", "4", `"last"`} {
		p.answer(id)
	}
	p.end()
	if !strings.Contains(p.stderr.String(), `"mcp.tool.name":"cipp_bec_check"`) {
		t.Error("nothing was logged, so this proves little")
	}
}

func TestBothErasListTheSameTools(t *testing.T) {
	for _, args := range [][]string{{"serve", "--sandbox"}, {"serve", "--sandbox", "--access", "write"}} {
		old := start(t, nil, args...)
		old.send(initialize, initialized, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
		legacy := toolNames(t, old.answer("1"))
		old.end()

		young := start(t, nil, args...)
		young.send(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{` + modern + `}}`)
		without := toolNames(t, young.answer("1"))
		young.send(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"cipp_list_tenants","arguments":{},` + modern + `}}`)
		if code, failed := called(t, young.answer("2")); failed {
			t.Errorf("a call without a handshake: %s", code)
		}
		young.end()
		if !slices.Equal(legacy, without) || len(legacy) < 10 {
			t.Errorf("%v: with a handshake %v, without %v", args, legacy, without)
		}
	}
}

func TestTheEndOfInputEndsTheProgram(t *testing.T) {
	for name, lines := range map[string][]string{
		"at once":           nil,
		"after a handshake": {initialize, initialized},
		"with calls under way": {
			initialize, initialized,
			`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"cipp_list_mfa_users","arguments":{"tenantFilter":"allTenants"}}}`,
			`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"cipp_bec_check","arguments":{"tenantFilter":"brightwell.example","userId":"celia.hartmann@brightwell.example"}}}`,
		},
		"in the middle of a line": {`{"jsonrpc":"2.0",`},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, nil, "serve", "--sandbox")
			p.send(lines...)
			p.end()
		})
	}
}

// gate is a proxy that lets nothing through and tells whom it was asked for.
func gate(t *testing.T) (url string, asked <-chan string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hosts := make(chan string, 64)
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case hosts <- r.Host:
		default: // enough is known
		}
		w.WriteHeader(http.StatusForbidden)
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return "http://" + l.Addr().String(), hosts
}

func TestNothingGoesOutBeforeTheFirstCall(t *testing.T) {
	proxy, asked := gate(t)
	p := start(t, []string{
		"HTTPS_PROXY=" + proxy, "HTTP_PROXY=" + proxy, "NO_PROXY=",
		"CIPP_CLOUD=public", "CIPP_ACCESS=write", "CIPP_AUTH_CLIENT_SECRET=env:DUMMY", "DUMMY=not-a-secret",
		"CIPP_AUTH_TENANT_ID=0f7d0f5c-6a0f-4a58-8f0e-2b1d6f3c9a11", "CIPP_AUTH_CLIENT_ID=5b1c3c52-1d3e-4e5c-9a35-90d4b1a7c822",
	}, "serve")
	p.send(initialize, initialized, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	if names := toolNames(t, p.answer("1")); !slices.Contains(names, "cipp_disable_user") {
		t.Errorf("tools: %v", names)
	}
	p.send(`{"jsonrpc":"2.0","id":2,"method":"prompts/list"}`,
		`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"cipp_list_users","arguments":{}}}`)
	for _, id := range []string{"2", "3"} {
		p.answer(id)
	}
	if s := sockets(t, p.cmd.Process.Pid); len(s) > 0 {
		t.Errorf("before the first call the program holds %v", s)
	}
	select {
	case host := <-asked:
		t.Fatalf("before the first call the program wanted to reach %s", host)
	default:
	}
	// Now that a call needs Microsoft, the gate must see it: what it would have seen before.
	p.send(`{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"cipp_list_tenants","arguments":{}}}`)
	select {
	case host := <-asked:
		if host != "login.microsoftonline.com:443" {
			t.Errorf("the first call went to %s", host)
		}
	case <-time.After(30 * time.Second):
		t.Error("the first call did not go through the proxy, so nothing is proved")
	}
	p.end() // also with a call under way that waits to try again
}

// sockets are a process's open sockets, where the operating system shows them.
func sockets(t *testing.T, pid int) []string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if runtime.GOOS == "linux" && err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && strings.HasPrefix(to, "socket:") {
			out = append(out, to)
		}
	}
	return out
}
