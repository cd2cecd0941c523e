package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"cipp-mcp/internal/config"
)

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

type cloudMetrics struct {
	Requests []requested        `json:"requests"`
	Total    int                `json:"total"`
	Depth    map[string]int     `json:"depth"`
	Chain    map[string]float64 `json:"chain"`
	Cost     map[string]cost    `json:"cost"`
	partner  string
}

// cost is in the identity service's units.
type cost struct {
	Units  int `json:"units"`
	Writes int `json:"writes"`
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

// since is by how much the longest chains of requests grew, the partner's tenant first and then the customer's, and how
// many seconds the cloud spent on them.
func since(before, after cloudMetrics) (chain int, worked float64) {
	for t, d := range after.Depth {
		chain += d - before.Depth[t]
		worked += after.Chain[t] - before.Chain[t]
	}
	return chain, worked
}

// span is a part of a measurement: how long it took by our clock and by the cloud's, and what was asked in it.
type span struct {
	wall, cloud     time.Duration
	requests, chain int
	worked          float64 // seconds of the cloud's own over the slowest chain
	before, after   cloudMetrics
}

// measure does it and looks at the cloud before and after.
func (p *span) measure(ctx context.Context, client string, do func() error) (err error) {
	if p.before, err = metrics(ctx, client); err != nil {
		return err
	}
	begun, err := cloudTime(ctx, client)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := do(); err != nil {
		return err
	}
	p.wall = time.Since(began)
	ended, err := cloudTime(ctx, client)
	if err != nil {
		return err
	}
	p.cloud = ended.Sub(begun)
	p.after, err = metrics(ctx, client)
	p.requests = p.after.Total - p.before.Total
	p.chain, p.worked = since(p.before, p.after)
	return err
}

// limited words what a span took by the cloud's clock against the least that Microsoft's limits allow.
func (p *span) limited() string {
	least, of, refused := least(p.before, p.after)
	if least == 0 {
		return fmt.Sprintf("%s of the cloud's time, %d turned away (aim: nobody: %s); the limits let all of it through at once", p.cloud.Round(time.Millisecond), refused, verdict(refused == 0))
	}
	ratio := p.cloud.Seconds() / least.Seconds()
	return fmt.Sprintf("%s of the cloud's time, %d turned away (aim: nobody: %s); the limits allow no less than %s (%s): %.2f× (aim ≤ 1.2×: %s)",
		p.cloud.Round(time.Millisecond), refused, verdict(refused == 0), least.Round(time.Millisecond), of, ratio, verdict(ratio <= 1.2))
}

// cloudTime is the time by the cloud's clock.
func cloudTime(ctx context.Context, client string) (time.Time, error) {
	var answer struct {
		Now time.Time `json:"now"`
	}
	err := get(ctx, client, "/_sandbox/clock", &answer)
	return answer.Now, err
}
