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
	"regexp"
	"slices"
	"strings"
	"time"

	"cipp-mcp/sandbox/builtin"
)

const leaverLatency = 100 * time.Millisecond

// offboarding runs a contractor's whole way out (nothing is converted, so that no minutes
// pass at Exchange, and no batches are sent, in which the simulated cloud waits for each part), the simulated cloud in a process of its own, and holds the wall
// time against the longest chain of requests that waited for one another, as that cloud counts it.
func offboarding(ctx context.Context, bin, dir string) error {
	home := filepath.Join(dir, "leaver")
	state, faults, out, cfg := filepath.Join(home, "state.json"), filepath.Join(home, "faults.json"), filepath.Join(home, "cloud"), filepath.Join(home, "cipp-mcp.yaml")
	if err := errors.Join(
		os.MkdirAll(out, 0o700),
		os.WriteFile(state, builtin.State, 0o600),
		os.WriteFile(faults, []byte(fmt.Sprintf(`[{"match":{},"do":{"delay":%q}}]`, leaverLatency)), 0o600),
		os.WriteFile(cfg, []byte("version: 1\naccess: write\nstateDir: "+filepath.Join(home, "own")+"\napproval: {destructive: plan}\nlog: {level: error}\n"), 0o600),
	); err != nil {
		return err
	}
	client, stop, err := startCloud(ctx, bin, out, "--state", state, "--faults", faults)
	if err != nil {
		return err
	}
	defer stop()
	args := map[string]any{"tenantFilter": "harbourline.example", "userId": "dana.whitfield@harbourline.example", "posture": "contractor", "removeOwnAccess": false, "outOfOfficeMessage": "I have left.", "forwardingAddress": "priya.shah@harbourline.example"}
	shown, _, err := offboardOnce(ctx, bin, cfg, client, args)
	if err != nil {
		return err
	}
	before, err := metrics(ctx, client)
	if err != nil {
		return err
	}
	args["planToken"] = shown.PlanToken
	done, wall, err := offboardOnce(ctx, bin, cfg, client, args)
	if err != nil {
		return err
	}
	after, err := metrics(ctx, client)
	if err != nil {
		return err
	}
	chain := 0
	for t, d := range after.Depth {
		chain += d - before.Depth[t] // the partner's tenant first, then the customer's
	}
	bound := time.Duration(chain) * leaverLatency
	ratio := wall.Seconds() / bound.Seconds()
	fmt.Printf("offboarding in %d steps at %s: %s wall, start, plan and reading back included, in %d requests; longest chain %d × %s = %s; %.2f× (aim ≤ 1.3×: %s)\n",
		len(done.Steps), leaverLatency, wall.Round(time.Millisecond), after.Total-before.Total, chain, leaverLatency, bound, ratio, verdict(ratio <= 1.3))
	return nil
}

type offboarded struct {
	Status    string `json:"status"`
	PlanToken string `json:"planToken"`
	Steps     []any  `json:"steps"`
}

func offboardOnce(ctx context.Context, bin, cfg, client string, args map[string]any) (offboarded, time.Duration, error) {
	var o offboarded
	b, err := json.Marshal(args)
	if err != nil {
		return o, 0, err
	}
	call := exec.CommandContext(ctx, bin, "call", "cipp_offboard_user", "--config", cfg, "--cloud", client, "--json", string(b), "--output-json")
	var stdout, stderr bytes.Buffer
	call.Stdout, call.Stderr = &stdout, &stderr
	began := time.Now()
	err = call.Run()
	wall := time.Since(began)
	if jerr := json.Unmarshal(stdout.Bytes(), &o); jerr != nil || o.Status != "done" && o.Status != "needs_approval" {
		return o, wall, fmt.Errorf("the offboarding: %w\n%s%s", errors.Join(err, jerr), stdout.Bytes(), stderr.Bytes())
	}
	return o, wall, nil
}

var ledgerLine = regexp.MustCompile(`^BenchmarkRuns/(\S+?)(?:-\d+)?\s+\d+\s+.*?([\d.]+) steps/s`)

// ledger runs a thousand queued runs of fifteen steps on each store, and compares what the ledger itself costs.
func ledger(ctx context.Context, _, _ string) error {
	c := exec.CommandContext(ctx, "go", "test", "./internal/jobs", "-run", "^$", "-bench", "^BenchmarkRuns$", "-benchtime", "1x", "-timeout", "20m")
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return fmt.Errorf("the ledger: %w\n%s", err, out)
	}
	var rates []string
	for line := range strings.Lines(string(out)) {
		if m := ledgerLine.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			rates = append(rates, m[1]+" "+m[2]+" steps/s")
		}
	}
	slices.Sort(rates)
	if len(rates) == 0 {
		return fmt.Errorf("the ledger: no figures in\n%s", out)
	}
	fmt.Println("1,000 queued runs × 15 steps, every commit on the disk: " + strings.Join(rates, ", "))
	return nil
}
