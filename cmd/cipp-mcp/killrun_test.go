package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/config"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/mcpserver"
	"cipp-mcp/internal/policy"
	"cipp-mcp/internal/secrets"
	"cipp-mcp/sandbox"
	"cipp-mcp/sandbox/sandboxtest"
	"cipp-mcp/tools"
)

// mortal is one offboarding in a state directory and a cloud of its own, done by processes that may be killed.
type mortal struct {
	t      *testing.T
	dir    string
	cfg    string
	cloud  *sandbox.Server
	gate   *gate
	run    string
	ledger *jobs.Ledger
	log    *os.File
	how    []string // more arguments of the worker
}

// leaver are the options of the offboarding that is killed: nearly all there are.
func leaver() map[string]any {
	return in(harbourline, "userId", dana, "runAt", "2026-03-12T16:00:00Z", "resetPassword", true, "removeRules", true, "removeMobileDevices", true, "cancelMeetings", true,
		"outOfOfficeMessage", "I have left.", "forwardingAddress", priya, "fullAccess", []string{priya}, "sendAs", []string{priya}, "sendOnBehalf", []string{priya}, "oneDriveAccess", []string{priya}, "accessDays", 30,
		"hideFromGal", true, "removeOwnAccess", true, "removeFromGroups", true, "removeAppAccess", true, "removeMfaMethods", true, "disableDevices", true, "clearManager", true,
		"convertToShared", true, "removeLicenses", true, "deleteAfterDays", 90)
}

// newMortal makes the run: planned, approved by its token, and scheduled for an hour that has then come.
func newMortal(t *testing.T, story []byte, store string) *mortal {
	t.Helper()
	w := newMortalWithout(t, story, store)
	a, err := open(t.Context(), &globals{configFile: w.cfg}, cloudFlags{})
	w.fatal(err)
	args := leaver()
	args["planToken"] = w.asks(a, args).PlanToken
	w.run = w.asks(a, args).JobID
	a.close()
	if n := w.gate.of(func(x exchange) bool { return x.write }); len(n) > 0 || w.run == "" {
		t.Fatalf("before its time: %v", n)
	}
	w.cloud.Advance(90 * time.Minute)
	return w
}

// newMortalWithout has no run yet.
func newMortalWithout(t *testing.T, story []byte, store string) *mortal {
	t.Helper()
	w := &mortal{t: t, dir: t.TempDir()}
	w.cloud = sandboxtest.Start(t, sandbox.Options{State: story, Clock: "2026-03-12T15:00:00Z,frozen", Control: true})
	w.gate = newGate(t, w.cloud)
	w.cfg = filepath.Join(w.dir, "cipp-mcp.yaml")
	client := filepath.Join(w.dir, "client.json")
	text := "version: 1\naccess: write\ncloud: " + client + "\nstateDir: " + filepath.Join(w.dir, "state") + "\nstore: \"" + store + "\"\napproval: {destructive: plan}\nlog: {level: warn}\n"
	w.fatal(os.WriteFile(client, w.gate.client(), 0o600), os.WriteFile(w.cfg, []byte(text), 0o600))
	var err error
	w.log, err = os.Create(filepath.Join(w.dir, "stderr.log"))
	w.fatal(err)
	t.Cleanup(func() { _ = w.log.Close() })
	cfg, err := (&globals{configFile: w.cfg}).load()
	w.fatal(err)
	state, err := cfg.StatePath()
	w.fatal(err, config.OpenStateDir(state))
	s, err := secrets.Open(state, clock.Clock(w.cloud))
	w.fatal(err)
	s.WorkFactor = 10
	w.fatal(s.SetOperator(operator))
	w.ledger, err = openLedger(t.Context(), cfg, state, clock.Clock(w.cloud))
	w.fatal(err)
	t.Cleanup(func() { w.fatal(w.ledger.Close()) })
	w.ledger.Box, err = policy.OpenSealerAt(state, cfg.SealKey, !cfg.Sandboxed())
	w.fatal(err)
	return w
}

func (w *mortal) fatal(errs ...error) {
	w.t.Helper()
	for _, err := range errs {
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *mortal) asks(a *app, args map[string]any) *tools.WriteResult {
	w.t.Helper()
	return w.asksOf(a, "cipp_offboard_user", args)
}

func (w *mortal) asksOf(a *app, name string, args map[string]any) *tools.WriteResult {
	w.t.Helper()
	tool, _ := tools.ByName(name)
	b, err := json.Marshal(args)
	w.fatal(err)
	out := a.invoker.Invoke(w.t.Context(), tool, b, mcpserver.Caller{Name: "kill matrix"})
	r, ok := out.Result.(*tools.WriteResult)
	if !ok {
		w.t.Fatalf("%+v", out.Problem)
	}
	return r
}

// worker starts cipp-mcp worker; dead is closed when it has ended, however it did.
func (w *mortal) worker() (cmd *exec.Cmd, dead chan struct{}) {
	w.t.Helper()
	return w.process(append([]string{"worker"}, w.how...)...)
}

func (w *mortal) process(args ...string) (cmd *exec.Cmd, dead chan struct{}) {
	w.t.Helper()
	cmd = exec.Command(os.Args[0], append([]string{"--config", w.cfg}, args...)...)
	cmd.Env, cmd.Stderr = append(os.Environ(), "CIPP_TEST_RUN_MAIN=1"), w.log
	dead = make(chan struct{})
	started := make(chan struct{})
	w.gate.begins(func() { <-started; _ = cmd.Process.Kill(); <-dead })
	w.fatal(cmd.Start())
	close(started)
	go func() { defer close(dead); _ = cmd.Wait() }()
	return cmd, dead
}

// live runs workers until one sees the run's end, and says how many were killed.
func (w *mortal) live() (job jobs.Job, died int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	for {
		cmd, dead := w.worker()
		over, end := context.WithCancel(ctx)
		go func() { <-dead; end() }()
		job, err := w.ledger.Wait(over, w.run, nil)
		switch {
		case err != nil:
			w.stop(cmd, dead)
			w.t.Fatal(err)
		case job.Ended():
			w.stop(cmd, dead)
			return job, died
		case ctx.Err() != nil:
			w.stop(cmd, dead)
			w.t.Fatalf("the run does not end:%s\n%s", states(job), w.said())
		}
		if died++; died > 1 {
			w.t.Fatalf("a worker died that nobody killed:\n%s", w.said())
		}
	}
}

// stop ends a worker as a service manager does, and expects it to end well.
func (w *mortal) stop(cmd *exec.Cmd, dead chan struct{}) {
	w.t.Helper()
	_ = cmd.Process.Signal(os.Interrupt)
	select {
	case <-dead:
	case <-time.After(30 * time.Second):
		_ = cmd.Process.Kill()
		<-dead
		w.t.Error("the worker did not end when it was told to")
	}
	if s := cmd.ProcessState; s.ExitCode() != 0 {
		w.t.Errorf("the worker ended with %s:\n%s", s, w.said())
	}
}

func (w *mortal) said() string {
	b, _ := os.ReadFile(w.log.Name())
	return string(b)
}

func states(j jobs.Job) (s string) {
	for _, r := range j.Steps {
		s += fmt.Sprintf("\n%-8s %d %s %s", r.State, r.Attempt, r.Name, r.Detail)
	}
	return s
}

// after is the cloud when it is over.
func (w *mortal) after() []byte {
	w.t.Helper()
	b, err := w.cloud.State()
	w.fatal(err)
	return b
}
