package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cipp-mcp/internal/config"
	"cipp-mcp/sandbox/builtin"
)

var benchLine = regexp.MustCompile(`^BenchmarkDecodeUsers/(\w+)\S*\s+\d+\s+([\d.]+) ns/op(?:\s+[\d.]+ MB/s)?\s+\d+ B/op\s+(\d+) allocs/op`)

// decoding runs the benchmark of one page of 999 users: our structs against the SDK's typed models.
func decoding(ctx context.Context, _, _ string) error {
	c := exec.CommandContext(ctx, "go", "test", "./graphclient", "-run", "^$", "-bench", "^BenchmarkDecodeUsers$", "-benchmem", "-benchtime", "1s")
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return fmt.Errorf("decoding: %w\n%s", err, out)
	}
	ns, allocs := map[string]float64{}, map[string]float64{}
	for line := range strings.Lines(string(out)) {
		if m := benchLine.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			ns[m[1]], _ = strconv.ParseFloat(m[2], 64)
			allocs[m[1]], _ = strconv.ParseFloat(m[3], 64)
		}
	}
	if ns["lean"] == 0 || ns["sdk"] == 0 {
		return fmt.Errorf("decoding: no figures in\n%s", out)
	}
	speed, less := ns["sdk"]/ns["lean"], allocs["sdk"]/allocs["lean"]
	fmt.Printf("decoding 999 users against the SDK's typed models: %.1f× as fast (aim ≥ 8×: %s), 1/%.0f of the allocations (aim ≤ 1/20: %s)\n", speed, verdict(speed >= 8), less, verdict(less >= 20))
	return nil
}

const (
	gapTenants = 500
	gapUsers   = 200
	gapLatency = 50 * time.Millisecond
)

// mfaGap runs the MFA report over five hundred tenants, the simulated cloud in a process of its own, and
// holds the wall time against dependency depth × latency as that cloud counts it.
func mfaGap(ctx context.Context, bin, dir string) error {
	state, faults, out := filepath.Join(dir, "state.json"), filepath.Join(dir, "faults.json"), filepath.Join(dir, "cloud")
	if err := errors.Join(
		os.WriteFile(state, builtin.Generate(1, gapTenants, gapUsers), 0o600),
		os.WriteFile(faults, []byte(fmt.Sprintf(`[{"match":{},"do":{"delay":%q}}]`, gapLatency)), 0o600),
		os.Mkdir(out, 0o700),
	); err != nil {
		return err
	}
	client, stop, err := startCloud(ctx, bin, out, "--state", state, "--faults", faults)
	if err != nil {
		return err
	}
	defer stop()
	if _, err := report(ctx, bin, client, dir); err != nil {
		return err
	}
	m, err := metrics(ctx, client) // of one report: each further one would lengthen the chains
	if err != nil {
		return err
	}
	var walls []time.Duration
	for range 5 {
		wall, err := report(ctx, bin, client, dir)
		if err != nil {
			return err
		}
		walls = append(walls, wall)
	}
	slices.Sort(walls)
	wall := walls[len(walls)/2]
	deepest, partner := 0, 0
	for t, d := range m.Depth {
		if t == m.partner {
			partner = d
		} else {
			deepest = max(deepest, d)
		}
	}
	bound := time.Duration(deepest+partner) * gapLatency
	ratio := wall.Seconds() / bound.Seconds()
	s, err := serve(ctx, bin, client, "--log-level", "error")
	if err != nil {
		return err
	}
	var gap struct{}
	_, err = s.call("cipp_list_mfa_users", map[string]any{"tenantFilter": "allTenants", "report": "noMfa"}, &gap)
	peak := s.peak()
	if err = errors.Join(err, s.stop()); err != nil {
		return err
	}
	fmt.Printf("MFA gap, %d tenants × %d users: %s\n", gapTenants, gapUsers, memory(peak))
	fmt.Printf("MFA gap, %d tenants × %d users at %s: median of 5 processes %s wall in %d requests; bound (%d partner + %d deepest tenant) × %s = %s; %.2f× (aim ≤ 1.3×: %s)\n",
		gapTenants, gapUsers, gapLatency, wall.Round(time.Millisecond), m.Total, partner, deepest, gapLatency, bound, ratio, verdict(ratio <= 1.3))
	return nil
}

// startCloud starts the simulated cloud in a process of its own, and returns the file that describes it once it
// answers and its signing key is made.
func startCloud(ctx context.Context, bin, out string, args ...string) (client string, stop func(), err error) {
	cloud := exec.CommandContext(ctx, bin, append([]string{"sandbox", "--addr", "127.0.0.1:0", "--out", out}, args...)...)
	said, err := cloud.StderrPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cloud.Start(); err != nil {
		return "", nil, err
	}
	stop = func() { _ = cloud.Process.Signal(os.Interrupt); _ = cloud.Wait() }
	if _, err := bufio.NewReader(said).ReadString('\n'); err != nil { // it says its address once it answers
		stop()
		return "", nil, fmt.Errorf("the simulated cloud did not start: %w", err)
	}
	client = filepath.Join(out, "client.json")
	if err := get(ctx, client, "/common/discovery/v2.0/keys", nil); err != nil {
		stop()
		return "", nil, err
	}
	return client, stop, nil
}

// report runs the MFA report in a process of its own, start included, and says how long it took.
func report(ctx context.Context, bin, client, dir string) (time.Duration, error) {
	call := exec.CommandContext(ctx, bin, "call", "cipp_list_mfa_users", "--log-level", "error", "--cloud", client, "--json", `{"tenantFilter":"allTenants","report":"noMfa"}`, "--output-json")
	call.Env = append(os.Environ(), "CIPP_STATE_DIR="+filepath.Join(dir, "state"), "CIPP_CONFIG=")
	var stdout, stderr bytes.Buffer
	call.Stdout, call.Stderr = &stdout, &stderr
	began := time.Now()
	if err := call.Run(); err != nil {
		return 0, fmt.Errorf("the report: %w\n%s%s", err, stdout.Bytes(), stderr.Bytes())
	}
	wall := time.Since(began)
	var res struct {
		Counts struct {
			Tenants int `json:"tenants"`
			Users   int `json:"users"`
		} `json:"counts"`
		Failed []any `json:"failedTenants"`
	}
	if err := json.Unmarshal(stdout.Bytes(), &res); err != nil {
		return 0, fmt.Errorf("the report: %w", err)
	}
	if res.Counts.Tenants != gapTenants || len(res.Failed) > 0 {
		return 0, fmt.Errorf("the report read %d tenants, %d failed", res.Counts.Tenants, len(res.Failed))
	}
	return wall, nil
}

type cloudMetrics struct {
	Requests []requested        `json:"requests"`
	Total    int                `json:"total"`
	Depth    map[string]int     `json:"depth"`
	Chain    map[string]float64 `json:"chain"`
	partner  string
}

// requested is how often requests of one kind came.
type requested struct {
	Tenant string `json:"tenant"`
	Method string `json:"method"`
	Path   string `json:"path"`
	Cmdlet string `json:"cmdlet"`
	Status int    `json:"status"`
	Count  int    `json:"count"`
}

func metrics(ctx context.Context, client string) (cloudMetrics, error) {
	var m cloudMetrics
	f, err := config.ReadCloudFile(client)
	if err != nil {
		return m, err
	}
	m.partner = f.Auth.TenantID
	return m, get(ctx, client, "/_sandbox/metrics", &m)
}

// get asks the simulated cloud directly; a nil answer is dropped.
func get(ctx context.Context, client, path string, answer any) error {
	f, err := config.ReadCloudFile(client)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(f.CA))
	hc := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.Graph+path, nil)
	if err != nil {
		return err
	}
	res, err := hc.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if answer == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(answer)
}
