package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/config"
	"cipp-mcp/internal/jobs"
)

// jobWorkers is how many jobs one process runs at once.
const jobWorkers = 4

// embedded begins the name of the folder in which an embedded sandbox's ledger lies.
const embedded = "embedded-"

// openLedger opens the ledger that the configuration names.
func openLedger(ctx context.Context, _ config.Config, dir string, clk clock.Clock) (*jobs.Ledger, error) {
	return jobs.OpenLedger(ctx, dir, clk, clock.System{})
}

// ledger opens the job ledger of the state directory. What was begun in a sandbox that lives inside this
// process can be gone on with by nobody, so its ledger lives no longer than it does.
func (a *app) ledger(ctx context.Context, stateDir string, clk clock.Clock) (*jobs.Ledger, error) {
	dir := stateDir
	if a.sandbox != nil {
		tmp, err := os.MkdirTemp(stateDir, embedded)
		if err != nil {
			return nil, fmt.Errorf("open the job ledger: %w", err)
		}
		dir = tmp
		a.closers = append(a.closers, func() { _ = os.RemoveAll(tmp) })
		sweepEmbedded(stateDir, tmp)
	}
	l, err := openLedger(ctx, a.cfg, dir, clk)
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, func() { _ = l.Close() })
	return l, nil
}

// sweepEmbedded clears away the ledgers of embedded sandboxes that were killed.
func sweepEmbedded(stateDir, own string) {
	old, _ := filepath.Glob(filepath.Join(stateDir, embedded+"*"))
	for _, d := range old {
		if info, err := os.Stat(d); err == nil && d != own && time.Since(info.ModTime()) > 24*time.Hour {
			_ = os.RemoveAll(d)
		}
	}
}

// run lets this process do the ledger's jobs until the app is closed.
func (a *app) run(ctx context.Context) {
	l := a.env.Policy.Ledger
	loop := jobs.NewLoop(l, jobWorkers, func(runID string, err error) {
		a.log.Error("job", zap.String("job", runID), zap.String("error", a.env.Redact(err.Error())))
	})
	w := &jobs.Worker{
		Ledger: l, Registry: a.env.Registry(), Ambiguous: graphclient.IsAmbiguous, Later: graphclient.Later, Explain: a.env.Policy.Explain,
		Check: a.env.Policy.Check, Send: graphclient.Traced,
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() { defer close(ended); _ = loop.Run(ctx, w.Work) }()
	a.closers = append(a.closers, func() { cancel(); <-ended })
}
