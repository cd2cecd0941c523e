// Command bench prints the product's figures in one run, speed as ratios: start and memory of the built
// server, tokens of its tools, its decoder against the SDK's typed models, and the MFA gap over five
// hundred tenants, a tenant of fifty thousand users, an offboarding, an investigation and a bulk of five hundred against
// the bounds that the simulated cloud's own metrics give, and what the job ledger itself costs.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"cipp-mcp/internal/mcpserver"
	"cipp-mcp/tools"
)

func main() {
	only := flag.String("only", "", "measure one part: start, tokens, decoding, mfaGap, users, offboarding, bec, bulk or ledger")
	flag.Parse()
	if !slices.ContainsFunc(parts, func(p part) bool { return *only == "" || strings.EqualFold(p.name, *only) }) {
		fmt.Fprintln(os.Stderr, "bench: there is no part "+*only)
		os.Exit(2)
	}
	if err := run(*only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(only string) error {
	dir, err := os.MkdirTemp("", "cipp-mcp-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "cipp-mcp")
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", bin, "./cmd/cipp-mcp")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	for _, p := range parts {
		if only != "" && !strings.EqualFold(p.name, only) {
			continue
		}
		if err := p.measure(ctx, bin, dir); err != nil {
			return err
		}
	}
	return nil
}

type part struct {
	name    string
	measure func(ctx context.Context, bin, dir string) error
}

var parts = []part{{"start", start}, {"tokens", tokens}, {"decoding", decoding}, {"mfaGap", mfaGap}, {"users", manyUsers}, {"offboarding", offboarding}, {"bec", investigation}, {"bulk", bulk}, {"ledger", ledger}}

func verdict(ok bool) string {
	if ok {
		return "aim met"
	}
	return "AIM MISSED"
}

// start measures from the spawn of the process to its first complete tools/list, and the peak memory
// right after it, nine times.
func start(ctx context.Context, bin, dir string) error {
	cfg := filepath.Join(dir, "cipp-mcp.yaml")
	text := "version: 1\naccess: write\nstateDir: " + filepath.Join(dir, "state") + "\nauth: {mode: app, tenantId: 11111111-1111-4111-8111-111111111111, clientId: 22222222-2222-4222-8222-222222222222, clientSecret: 'env:BENCH_SECRET'}\n"
	if err := os.WriteFile(cfg, []byte(text), 0o600); err != nil {
		return err
	}
	var times []time.Duration
	peak := 0
	for range 9 {
		d, kib, err := startOnce(ctx, bin, cfg)
		if err != nil {
			return fmt.Errorf("start: %w", err)
		}
		times, peak = append(times, d), max(peak, kib)
	}
	slices.Sort(times)
	fmt.Printf("start → tools/list: median %.1f ms, slowest %.1f ms of 9 (aim ≤ 30 ms: %s)\n", ms(times[4]), ms(times[8]), verdict(times[4] <= 30*time.Millisecond))
	if peak > 0 {
		fmt.Printf("peak RSS after tools/list: %.1f MiB (aim ≤ 30 MiB: %s)\n", float64(peak)/1024, verdict(peak <= 30*1024))
	} else {
		fmt.Printf("peak RSS: not measured on %s\n", runtime.GOOS)
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func startOnce(ctx context.Context, bin, cfg string) (time.Duration, int, error) {
	c := exec.CommandContext(ctx, bin, "--config", cfg, "--log-level", "error", "serve")
	c.Env = append(os.Environ(), "BENCH_SECRET=not-a-secret-at-all")
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		return 0, 0, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := c.Start(); err != nil {
		return 0, 0, err
	}
	fmt.Fprintln(in, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`)
	fmt.Fprintln(in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	fmt.Fprintln(in, `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`)
	sc := bufio.NewScanner(out)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var m struct {
			ID     int `json:"id"`
			Result struct {
				Tools []json.RawMessage `json:"tools"`
			} `json:"result"`
		}
		if json.Unmarshal(sc.Bytes(), &m) == nil && m.ID == 2 && len(m.Result.Tools) > 0 {
			d := time.Since(began)
			kib := peakRSS(c.Process.Pid)
			_ = in.Close()
			return d, kib, c.Wait()
		}
	}
	return 0, 0, errors.Join(errors.New("the server did not answer"), c.Process.Kill(), c.Wait())
}

// peakRSS is a process's peak memory in KiB, 0 where the system does not tell.
func peakRSS(pid int) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		var kib int
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib
		}
	}
	return 0
}

// tokens counts what of tools/list reaches a model: four bytes are a token.
func tokens(context.Context, string, string) error {
	for _, list := range []struct {
		name string
		most int
		all  bool
	}{{"the default preset", 5_000, false}, {"all tools", 12_000, true}} {
		total, n := 0, 0
		for _, d := range mcpserver.Declarations() {
			if !list.all && !slices.ContainsFunc(tools.Default(), func(t tools.Tool) bool { return t.Name == d.Name }) {
				continue
			}
			b, err := mcpserver.ModelVisible(d)
			if err != nil {
				return err
			}
			total, n = total+len(b), n+1
		}
		fmt.Printf("tools/list of %s, model-visible: %d tokens in %d tools (aim ≤ %d: %s)\n", list.name, total/4, n, list.most, verdict(total/4 <= list.most))
	}
	return nil
}
