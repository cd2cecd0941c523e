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
		name    string
		latency time.Duration
		cloud   []string
	}{
		{"without limits at " + bulkLatency.String(), bulkLatency, []string{"--latency", bulkLatency.String()}},
		{"under Microsoft's limits", 0, []string{"--limits"}},
	} {
		if err := bulkOnce(ctx, bin, filepath.Join(dir, "bulk-"+way.cloud[0][2:]), way.name, way.latency, way.cloud); err != nil {
			return fmt.Errorf("bulk: %w", err)
		}
	}
	return nil
}

func bulkOnce(ctx context.Context, bin, home, name string, latency time.Duration, cloud []string) error {
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
	// One row by itself shows the chain that no row can be done in less than, and asks what is asked once.
	alone, err := bulkRun(ctx, s, client, tenant, targets[bulkRows:])
	if err != nil {
		return err
	}
	got, err := bulkRun(ctx, s, client, tenant, targets[:bulkRows])
	if err != nil {
		return err
	}
	fmt.Printf("bulk of %d, %s: planned in %s with %d requests (chain %d), done in %s with %d (planned anew, a job a row, each read back; chain %d); a bulk of one: chains %d and %d; %s\n", bulkRows, name,
		got.plan.wall.Round(time.Millisecond), got.plan.requests, got.plan.chain, got.do.wall.Round(time.Millisecond), got.do.requests, got.do.chain, alone.plan.chain, alone.do.chain, memory(s.peak()))
	wall := got.plan.wall + got.do.wall
	if latency == 0 {
		whole := span{before: got.plan.before, after: got.do.after, cloud: got.plan.cloud + got.do.cloud}
		fmt.Printf("bulk of %d, %s: %s\n", bulkRows, name, whole.limited())
		return nil
	}
	bound := time.Duration(got.plan.chain+got.do.chain) * latency
	fmt.Printf("bulk of %d, %s: %s against the chain's %s: %.2f× (aim ≤ 1.3×: %s)\n", bulkRows, name, wall.Round(time.Millisecond), bound, wall.Seconds()/bound.Seconds(), verdict(wall.Seconds() <= 1.3*bound.Seconds()))
	return nil
}

type bulkRunning struct{ plan, do span }

func bulkRun(ctx context.Context, s *server, client, tenant string, targets []string) (r bulkRunning, err error) {
	args := map[string]any{"action": "cipp_disable_user", "tenantFilter": tenant, "targets": targets}
	var a struct {
		Status    string         `json:"status"`
		PlanToken string         `json:"planToken"`
		JobID     string         `json:"jobId"`
		Children  map[string]int `json:"childJobs"`
		Bulk      struct {
			Rows map[string]int `json:"rows"`
		} `json:"bulk"`
	}
	if err = r.plan.measure(ctx, client, func() error { return s.call("cipp_bulk_action", args, &a) }); err != nil {
		return r, err
	}
	if a.PlanToken == "" {
		return r, fmt.Errorf("no plan was shown, but %q", a.Status)
	}
	args["planToken"] = a.PlanToken
	err = r.do.measure(ctx, client, func() error {
		err := s.call("cipp_bulk_action", args, &a)
		for err == nil && a.Status == "running" { // a call lasts no longer than a client waits
			time.Sleep(200 * time.Millisecond)
			err = s.call("cipp_get_job", map[string]any{"jobId": a.JobID}, &a)
		}
		return err
	})
	if err == nil && a.Bulk.Rows["done"] != len(targets) {
		err = fmt.Errorf("%s: of %d rows are done %d", a.Status, len(targets), a.Bulk.Rows["done"])
	}
	return r, err
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
