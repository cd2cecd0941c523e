//go:build !windows

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/config"
	"cipp-mcp/internal/secrets"
)

// sealedPassword is what only the operator may see.
const sealedPassword = "Quiet-Harbour-4711-Lantern"

// desk is a state directory of an operator, and the program started as somebody at a shell would.
type desk struct {
	t      *testing.T
	ctx    context.Context
	config string
	dir    string // the secrets' directory
	store  *secrets.Store
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	home := t.TempDir()
	d := &desk{t: t, config: filepath.Join(home, "cipp-mcp.yaml")}
	if err := os.WriteFile(d.config, []byte("version: 1\ncloud: sandbox\nstateDir: "+filepath.Join(home, "state")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := (&globals{configFile: d.config}).load()
	if err != nil {
		t.Fatal(err)
	}
	state, err := cfg.StatePath()
	if err != nil {
		t.Fatal(err)
	}
	if err := config.OpenStateDir(state); err != nil {
		t.Fatal(err)
	}
	if d.store, err = secrets.Open(state, clock.System{}); err != nil {
		t.Fatal(err)
	}
	d.dir, d.store.WorkFactor = filepath.Join(state, "secrets"), 10
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	d.ctx = ctx
	return d
}

// sealed sets the operator's passphrase and seals a password.
func (d *desk) sealed() (handle string) {
	d.t.Helper()
	if err := d.store.SetOperator(operator); err != nil {
		d.t.Fatal(err)
	}
	i, err := d.store.Seal("password", "gareth.pell@harbourline.example", sealedPassword)
	if err != nil {
		d.t.Fatal(err)
	}
	return i.Handle
}

// command is the program, with the passphrase wherever a shell could leave it in the environment.
func (d *desk) command(args ...string) *exec.Cmd {
	c := exec.CommandContext(d.ctx, os.Args[0], append([]string{"--config", d.config}, args...)...)
	c.Env = append(os.Environ(), "CIPP_TEST_RUN_MAIN=1")
	for _, name := range []string{"PASSPHRASE", "CIPP_PASSPHRASE", "CIPP_OPERATOR", "CIPP_OPERATOR_PASSPHRASE", "CIPP_SECRETS_PASSPHRASE", "AGE_PASSPHRASE"} {
		c.Env = append(c.Env, name+"="+operator)
	}
	return c
}

// piped runs the program as an agent's shell does: no terminal, the passphrase on standard input.
func (d *desk) piped(args ...string) string {
	d.t.Helper()
	c := d.command(args...)
	c.Stdin = strings.NewReader(strings.Repeat(operator+"\n", 2))
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		d.t.Errorf("%v was not refused: %v\n%s", args, err, out)
	}
	if bytes.Contains(out, []byte(sealedPassword)) {
		d.t.Errorf("%v showed the secret:\n%s", args, out)
	}
	return string(out)
}

// person sits at a terminal of his own.
type person struct {
	t    *testing.T
	cmd  *exec.Cmd
	tty  *os.File
	seen []byte
	read int // how much of seen was waited for
}

// atTerminal starts the program in a session of its own, on a new terminal that controls it. A stdin
// that is given takes the terminal's place as standard input.
func (d *desk) atTerminal(stdin string, args ...string) *person {
	d.t.Helper()
	c := d.command(args...)
	attrs := &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 1}
	if stdin != "" {
		c.Stdin = strings.NewReader(stdin)
	}
	tty, err := pty.StartWithAttrs(c, nil, attrs)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = tty.Close() })
	return &person{t: d.t, cmd: c, tty: tty}
}

// more reads once from the terminal, and says whether the program may still write.
func (p *person) more() bool {
	buf := make([]byte, 4096)
	n, err := p.tty.Read(buf)
	p.seen = append(p.seen, buf[:n]...)
	return err == nil // a terminal that nobody holds any more answers EIO
}

// types waits for a prompt and types a line.
func (p *person) types(prompt, line string) {
	p.t.Helper()
	for {
		if i := bytes.Index(p.seen[p.read:], []byte(prompt)); i >= 0 {
			p.read += i + len(prompt)
			break
		}
		if !p.more() {
			p.t.Fatalf("the program ended before it asked %q:\n%s", prompt, p.seen)
		}
	}
	if _, err := p.tty.WriteString(line); err != nil {
		p.t.Fatal(err)
	}
}

// end waits for the program and gives its exit status and everything that was seen.
func (p *person) end() (int, string) {
	p.t.Helper()
	for p.more() {
	}
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	if bytes.Contains(p.seen, []byte(operator)) {
		p.t.Errorf("the passphrase was echoed:\n%s", p.seen)
	}
	return p.cmd.ProcessState.ExitCode(), string(p.seen)
}

const (
	asksPassphrase = "Operator's passphrase: "
	asksNew        = "characters or more): "
	asksAgain      = "Once more: "
	enter          = "\r"
)

// reveals runs secrets reveal at a terminal and says whether the secret was shown.
func (d *desk) reveals(stdin, handle, typed string) (shown int, seen string) {
	d.t.Helper()
	p := d.atTerminal(stdin, "secrets", "reveal", handle)
	p.types(asksPassphrase, typed)
	status, seen := p.end()
	shown = strings.Count(seen, sealedPassword)
	if (status == 0) != (shown > 0) {
		d.t.Errorf("exit status %d and shown %d times:\n%s", status, shown, seen)
	}
	return shown, seen
}

func TestAShellWithoutTerminalRevealsNothing(t *testing.T) {
	d := newDesk(t)
	handle := d.sealed()
	for _, c := range []struct {
		say  string
		args []string
	}{
		{"there is no terminal here", []string{"secrets", "reveal", handle}},
		{"accepts 1 arg(s)", []string{"secrets", "reveal", handle, operator}},
		{"unknown flag", []string{"secrets", "reveal", handle, "--passphrase", operator}},
		{"unknown flag", []string{"secrets", "reveal", handle, "--passphrase=" + operator}},
		{"unknown flag", []string{"secrets", "reveal", handle, "--stdin"}},
	} {
		if out := d.piped(c.args...); !strings.Contains(out, c.say) {
			t.Errorf("%v: expected %q, got\n%s", c.args, c.say, out)
		}
	}
	if _, secret, err := d.store.Reveal(handle, operator); err != nil || secret != sealedPassword {
		t.Errorf("after all that the operator gets %q, %v", secret, err)
	}
}

// What was sealed at the simulated cloud's time is shown, whatever time this machine has.
func TestASimulatedTimeExpiresNothing(t *testing.T) {
	d := newDesk(t)
	old, err := secrets.Open(filepath.Dir(d.dir), past{})
	if err != nil {
		t.Fatal(err)
	}
	d.store = old
	d.store.WorkFactor = 10
	handle := d.sealed()
	if out, err := d.command("secrets", "list").CombinedOutput(); err != nil || !strings.Contains(string(out), "cipp-mcp secrets reveal "+handle) {
		t.Errorf("%s %v", out, err)
	}
	if shown, seen := d.reveals("", handle, operator+enter); shown != 1 {
		t.Errorf("shown %d times:\n%s", shown, seen)
	}
}

// past is the built-in story's time.
type past struct{ clock.System }

func (past) Now() time.Time { return time.Date(2026, 3, 12, 15, 0, 0, 0, time.UTC) }

func TestAShellWithoutTerminalSetsNoPassphrase(t *testing.T) {
	d := newDesk(t)
	for _, c := range []struct {
		say  string
		args []string
	}{
		{"there is no terminal here", []string{"secrets", "init"}},
		{"unknown command", []string{"secrets", "init", operator}},
		{"unknown flag", []string{"secrets", "init", "--passphrase", operator}},
	} {
		if out := d.piped(c.args...); !strings.Contains(out, c.say) {
			t.Errorf("%v: expected %q, got\n%s", c.args, c.say, out)
		}
	}
	if err := d.store.Ready(); !errors.Is(err, secrets.ErrNoOperator) {
		t.Errorf("a passphrase was set without a terminal: %v", err)
	}
}

func TestATerminalWithoutThePassphraseRevealsNothing(t *testing.T) {
	d := newDesk(t)
	handle := d.sealed()
	for name, c := range map[string]struct{ stdin, typed, say string }{
		"wrong":                           {"", "not the operator's passphrase" + enter, secrets.ErrPassphrase.Error()},
		"empty":                           {"", enter, secrets.ErrPassphrase.Error()},
		"given up":                        {"", "\x03", "given up"},
		"half typed and given up":         {"", operator[:8] + "\x03", "given up"},
		"right, but on standard input":    {operator + "\n", "not the operator's passphrase" + enter, secrets.ErrPassphrase.Error()},
		"right, but of a different case":  {"", strings.ToUpper(operator) + enter, secrets.ErrPassphrase.Error()},
		"right, but with something after": {"", operator + "!" + enter, secrets.ErrPassphrase.Error()},
	} {
		if shown, seen := d.reveals(c.stdin, handle, c.typed); shown != 0 || !strings.Contains(seen, c.say) {
			t.Errorf("%s: shown %d times, expected %q:\n%s", name, shown, c.say, seen)
		}
	}
	if list, err := d.store.List(); err != nil || len(list) != 1 {
		t.Errorf("a wrong passphrase took the secret away: %v, %v", list, err)
	}
}

func TestThePassphraseAtATerminalRevealsOnce(t *testing.T) {
	d := newDesk(t)
	handle := d.sealed()
	shown, seen := d.reveals("a pipe's content\n", handle, operator+enter)
	if shown != 1 {
		t.Errorf("shown %d times:\n%s", shown, seen)
	}
	if shown, seen := d.reveals("", handle, operator+enter); shown != 0 || !strings.Contains(seen, secrets.ErrGone.Error()) {
		t.Errorf("the second time it was shown %d times:\n%s", shown, seen)
	}
	left, err := filepath.Glob(filepath.Join(d.dir, "sec_*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAPersonSetsThePassphraseAtATerminal(t *testing.T) {
	d := newDesk(t)
	for name, c := range map[string]struct{ first, again, say string }{
		"two that differ": {operator, operator + "?", "the two differ"},
		"too short":       {"short", "short", "at least 12 characters"},
	} {
		p := d.atTerminal("", "secrets", "init")
		p.types(asksNew, c.first+enter)
		p.types(asksAgain, c.again+enter)
		if status, seen := p.end(); status != 1 || !strings.Contains(seen, c.say) {
			t.Errorf("%s: exit status %d:\n%s", name, status, seen)
		}
		if err := d.store.Ready(); !errors.Is(err, secrets.ErrNoOperator) {
			t.Errorf("%s: a passphrase was set: %v", name, err)
		}
	}
	p := d.atTerminal("", "secrets", "init")
	p.types(asksNew, operator+enter)
	p.types(asksAgain, operator+enter)
	if status, seen := p.end(); status != 0 {
		t.Fatalf("exit status %d:\n%s", status, seen)
	}
	i, err := d.store.Seal("password", gareth, sealedPassword)
	if err != nil {
		t.Fatal(err)
	}
	if shown, seen := d.reveals("", i.Handle, operator+enter); shown != 1 {
		t.Errorf("shown %d times:\n%s", shown, seen)
	}
	p = d.atTerminal("", "secrets", "init")
	p.types(asksNew, "another passphrase"+enter)
	p.types(asksAgain, "another passphrase"+enter)
	if status, seen := p.end(); status != 1 || !strings.Contains(seen, "already set") {
		t.Errorf("a second passphrase: exit status %d:\n%s", status, seen)
	}
}
