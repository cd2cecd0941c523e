package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"cipp-mcp/sandbox/builtin"
)

const (
	gapTenants = 500
	gapUsers   = 200
	gapLatency = 50 * time.Millisecond
)

// mfaGap runs the MFA report over five hundred tenants, the simulated cloud in a process of its own: once with a latency
// and no limits, once under the limits that Microsoft publishes, on the cloud's clock.
func mfaGap(ctx context.Context, bin, dir string) error {
	state := filepath.Join(dir, "state.json")
	if err := os.WriteFile(state, builtin.Generate(1, gapTenants, gapUsers), 0o600); err != nil {
		return err
	}
	return errors.Join(gapUnlimited(ctx, bin, filepath.Join(dir, "gap"), state), gapLimited(ctx, bin, filepath.Join(dir, "gaplimits"), state))
}

// gapUnlimited holds the wall time against dependency depth × latency as the cloud counts it. The clock stands still, so
// that the product does not wait for the limits it keeps; the latency is real.
func gapUnlimited(ctx context.Context, bin, home, state string) error {
	if err := os.MkdirAll(filepath.Join(home, "cloud"), 0o700); err != nil {
		return err
	}
	client, stop, err := startCloud(ctx, bin, filepath.Join(home, "cloud"), "--state", state, "--clock", "2026-03-12T15:00:00Z,frozen", "--latency", gapLatency.String())
	if err != nil {
		return err
	}
	defer stop()
	if _, _, err := report(ctx, bin, client, home); err != nil {
		return err
	}
	m, err := metrics(ctx, client) // of one report: each further one would lengthen the chains
	if err != nil {
		return err
	}
	var walls, cpus []time.Duration
	for range 5 {
		wall, cpu, err := report(ctx, bin, client, home)
		if err != nil {
			return err
		}
		walls, cpus = append(walls, wall), append(cpus, cpu)
	}
	slices.Sort(walls)
	slices.Sort(cpus)
	wall := walls[len(walls)/2]
	deepest, partner, worked := 0, 0, 0.0
	for t, d := range m.Depth {
		if t == m.partner {
			partner = d
		} else {
			deepest, worked = max(deepest, d), max(worked, m.Chain[t])
		}
	}
	worked += m.Chain[m.partner]
	bound := time.Duration(deepest+partner) * gapLatency
	ratio := wall.Seconds() / bound.Seconds()
	s, err := serve(ctx, bin, client, "--log-level", "error")
	if err != nil {
		return err
	}
	err = gapAsked(s)
	peak := s.peak()
	if err = errors.Join(err, s.stop()); err != nil {
		return err
	}
	fmt.Printf("MFA gap, %d tenants × %d users: %s\n", gapTenants, gapUsers, memory(peak))
	fmt.Printf("MFA gap, %d tenants × %d users at %s: median of 5 processes %s wall and %s of the processor's in %d requests; bound (%d partner + %d deepest tenant) × %s = %s; %.2f× (aim ≤ 1.3×: %s); the cloud, on the same processors, itself took %.2f s over the slowest tenant\n",
		gapTenants, gapUsers, gapLatency, wall.Round(time.Millisecond), cpus[len(cpus)/2].Round(time.Millisecond), m.Total, partner, deepest, gapLatency, bound, ratio, verdict(ratio <= 1.3), worked)
	return nil
}

// gapLimited holds the time the report took on the cloud's clock against the least that the limits allow.
func gapLimited(ctx context.Context, bin, home, state string) error {
	if err := os.MkdirAll(filepath.Join(home, "cloud"), 0o700); err != nil {
		return err
	}
	client, stop, err := startCloud(ctx, bin, filepath.Join(home, "cloud"), "--state", state, "--limits")
	if err != nil {
		return err
	}
	defer stop()
	s, err := serve(ctx, bin, client, "--log-level", "error")
	if err != nil {
		return err
	}
	var got span
	err = got.measure(ctx, client, func() error { return gapAsked(s) })
	peak := s.peak()
	if err = errors.Join(err, s.stop()); err != nil {
		return err
	}
	fmt.Printf("MFA gap under Microsoft's limits, %d tenants × %d users: %s; %s\n", gapTenants, gapUsers, got.limited(), memory(peak))
	return nil
}

// gapAsked asks the server for the report and looks whether it is whole.
func gapAsked(s *server) error {
	var a gapAnswer
	if err := s.call("cipp_list_mfa_users", map[string]any{"tenantFilter": "allTenants", "report": "noMfa"}, &a); err != nil {
		return err
	}
	return a.whole()
}

// gapAnswer is what is looked at of an answer of cipp_list_mfa_users.
type gapAnswer struct {
	Counts struct {
		Tenants int `json:"tenants"`
		Users   int `json:"users"`
	} `json:"counts"`
	Failed []any `json:"failedTenants"`
}

func (a gapAnswer) whole() error {
	if a.Counts.Tenants != gapTenants || len(a.Failed) > 0 {
		return fmt.Errorf("the report read %d tenants, %d failed", a.Counts.Tenants, len(a.Failed))
	}
	return nil
}

// report runs the MFA report in a process of its own, start included, and says how long it took.
func report(ctx context.Context, bin, client, dir string) (wall, cpu time.Duration, err error) {
	call := exec.CommandContext(ctx, bin, "call", "cipp_list_mfa_users", "--log-level", "error", "--cloud", client, "--json", `{"tenantFilter":"allTenants","report":"noMfa"}`, "--output-json")
	call.Env = append(os.Environ(), "CIPP_STATE_DIR="+filepath.Join(dir, "state"), "CIPP_CONFIG=")
	var stdout, stderr bytes.Buffer
	call.Stdout, call.Stderr = &stdout, &stderr
	began := time.Now()
	if err := call.Run(); err != nil {
		return 0, 0, fmt.Errorf("the report: %w\n%s%s", err, stdout.Bytes(), stderr.Bytes())
	}
	wall, cpu = time.Since(began), call.ProcessState.UserTime()+call.ProcessState.SystemTime()
	var a gapAnswer
	if err := json.Unmarshal(stdout.Bytes(), &a); err != nil {
		return 0, 0, fmt.Errorf("the report: %w", err)
	}
	return wall, cpu, a.whole()
}
