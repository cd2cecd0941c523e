package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"cipp-mcp/sandbox/builtin"
)

const (
	bulkRows    = 500
	bulkLatency = 100 * time.Millisecond
)

// bulk blocks five hundred users of one tenant by one call, the simulated cloud in a process of its own: once with a
// latency and no limits, once under the limits that Microsoft publishes, on the cloud's clock.
func bulk(ctx context.Context, bin, dir string) error {
	for _, way := range []struct {
		name  string
		cloud []string
	}{
		{"without limits at " + bulkLatency.String(), []string{"--latency", bulkLatency.String()}},
		{"under Microsoft's limits", []string{"--limits"}},
	} {
		if err := bulkOnce(ctx, bin, filepath.Join(dir, "bulk-"+way.cloud[0][2:]), way.name, way.cloud); err != nil {
			return fmt.Errorf("bulk: %w", err)
		}
	}
	return nil
}

type bulkAnswer struct {
	Status    string         `json:"status"`
	PlanToken string         `json:"planToken"`
	JobID     string         `json:"jobId"`
	Rows      map[string]int `json:"-"`
	Bulk      *struct {
		Rows map[string]int `json:"rows"`
	} `json:"bulk"`
}

func bulkOnce(ctx context.Context, bin, home, name string, cloud []string) error {
	state, cfg, out := filepath.Join(home, "state.json"), filepath.Join(home, "cipp-mcp.yaml"), filepath.Join(home, "cloud")
	world := builtin.Generate(3, 1, 2*bulkRows)
	targets, tenant, err := plainUsers(world, bulkRows+1)
	if err != nil {
		return err
	}
	if err := errors.Join(
		os.MkdirAll(out, 0o700),
		os.WriteFile(state, world, 0o600),
		os.WriteFile(cfg, []byte("version: 1\naccess: write\ntools: {preset: all}\nstateDir: "+filepath.Join(home, "own")+"\napproval: {destructive: plan}\nguards: {massAction: 0}\nlog: {level: error}\n"), 0o600),
	); err != nil {
		return err
	}
	client, stop, err := startCloud(ctx, bin, out, append([]string{"--state", state}, cloud...)...)
	if err != nil {
		return err
	}
	defer stop()
	s, err := serve(ctx, bin, client, "--config", cfg)
	if err != nil {
		return err
	}
	defer func() { _ = s.stop() }()
	// One row by itself shows the chain that no bulk can be shorter than, and warms up what is asked once.
	if _, err := bulkRun(s, tenant, targets[bulkRows:]); err != nil {
		return err
	}
	before, err := metrics(ctx, client)
	if err != nil {
		return err
	}
	w, err := bulkRun(s, tenant, targets[bulkRows:]) // again: nothing to do
	_ = w
	if err != nil {
		return err
	}
	got, err := bulkRun(s, tenant, targets[:bulkRows])
	if err != nil {
		return err
	}
	after, err := metrics(ctx, client)
	if err != nil {
		return err
	}
	fmt.Printf("bulk of %d, %s: plan %s, doing %s (planned again, each row a job, read back), %d + requests, chain %d; %s\n", bulkRows, name,
		got.plan.Round(time.Millisecond), got.do.Round(time.Millisecond), after.Total-before.Total, deepest(after)-deepest(before), memory(s.peak()))
	return nil
}

type bulkWalls struct{ plan, do time.Duration }

func bulkRun(s *server, tenant string, targets []string) (w bulkWalls, err error) {
	args := map[string]any{"action": "cipp_disable_user", "tenantFilter": tenant, "targets": targets}
	var a map[string]any
	if w.plan, err = s.call("cipp_bulk_action", args, &a); err != nil {
		return w, err
	}
	if a["status"] == "done" {
		return w, nil
	}
	token, _ := a["planToken"].(string)
	if token == "" {
		b, _ := json.Marshal(a)
		return w, fmt.Errorf("no plan: %s", b)
	}
	args["planToken"] = token
	began := time.Now()
	_, err = s.call("cipp_bulk_action", args, &a)
	for err == nil && a["status"] == "running" {
		_, err = s.call("cipp_get_job", map[string]any{"jobId": a["jobId"]}, &a)
	}
	w.do = time.Since(began)
	b, _ := json.Marshal(a)
	if len(b) > 1500 {
		b = b[:1500]
	}
	fmt.Fprintln(os.Stderr, string(b))
	return w, err
}

func deepest(m cloudMetrics) int {
	n := 0
	for _, d := range m.Depth {
		n = max(n, d)
	}
	return n
}

// plainUsers are the first users of the first tenant who are no administrators and may sign in.
func plainUsers(world []byte, n int) (ids []string, tenant string, err error) {
	var state struct {
		Tenants []struct {
			Domain string `json:"defaultDomain"`
			Graph  struct {
				Users []struct {
					ID      string `json:"id"`
					UPN     string `json:"userPrincipalName"`
					Enabled bool   `json:"accountEnabled"`
				} `json:"users"`
				Roles []struct {
					Principal string `json:"principalId"`
				} `json:"roleAssignments"`
			} `json:"graph"`
		} `json:"tenants"`
	}
	if err := json.Unmarshal(world, &state); err != nil {
		return nil, "", fmt.Errorf("the generated state: %w", err)
	}
	admin := map[string]bool{}
	for _, r := range state.Tenants[0].Graph.Roles {
		admin[r.Principal] = true
	}
	for _, u := range state.Tenants[0].Graph.Users {
		if !admin[u.ID] && u.Enabled && len(ids) < n {
			ids = append(ids, u.UPN)
		}
	}
	if len(ids) < n {
		return nil, "", fmt.Errorf("%d users of the generated state can be blocked", len(ids))
	}
	return ids, state.Tenants[0].Domain, nil
}
