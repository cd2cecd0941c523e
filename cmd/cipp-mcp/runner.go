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
	"cipp-mcp/internal/webhook"
)

// jobWorkers is how many jobs one process runs at once. Most of their time is spent waiting for Microsoft; what a tenant
// takes at once, Exchange above all, is kept to below them.
const jobWorkers = 16

// embedded begins the name of the folder in which an embedded sandbox's ledger lies.
const embedded = "embedded-"

// openLedger opens the ledger that the configuration names. That of a sandbox is always a file.
func openLedger(ctx context.Context, cfg config.Config, dir string, clk clock.Clock) (*jobs.Ledger, error) {
	if cfg.Store == config.SQLite || cfg.Cloud == "sandbox" {
		return jobs.OpenLedger(ctx, dir, clk, clock.System{})
	}
	url, err := cfg.StoreURL()
	if err != nil {
		return nil, err
	}
	return jobs.OpenPostgresLedger(ctx, url, dir, clk, clock.System{})
}

// dispatcher brings due runs to this process: River where replicas share a PostgreSQL, else the embedded loop.
func (a *app) dispatcher(ctx context.Context, failed func(string, error)) (jobs.Dispatcher, error) {
	if a.env.Policy.MayWrite() != "" {
		l := jobs.NewLoop(a.env.Policy.Ledger, jobWorkers, failed)
		l.OnlyReads = true
		return l, nil
	}
	if a.cfg.Store == config.SQLite || a.sandbox != nil {
		return jobs.NewLoop(a.env.Policy.Ledger, jobWorkers, failed), nil
	}
	return jobs.NewRiver(ctx, a.env.Policy.Ledger, jobWorkers, failed)
}

// ledger opens the job ledger of the state directory, and says where it and the cases lie. What was begun in a
// sandbox that lives inside this process can be gone on with by nobody, so both live no longer than it does.
func (a *app) ledger(ctx context.Context, stateDir string, clk clock.Clock) (l *jobs.Ledger, dir string, err error) {
	dir = stateDir
	if a.sandbox != nil {
		tmp, err := os.MkdirTemp(stateDir, embedded)
		if err != nil {
			return nil, "", fmt.Errorf("open the job ledger: %w", err)
		}
		dir = tmp
		a.closers = append(a.closers, func() { _ = os.RemoveAll(tmp) })
		sweepEmbedded(stateDir, tmp)
	}
	if l, err = openLedger(ctx, a.cfg, dir, clk); err != nil {
		return nil, "", err
	}
	a.closers = append(a.closers, func() { _ = l.Close() })
	return l, dir, nil
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

// run lets this process do the ledger's jobs until the app is closed. One that may not write leaves those that do to
// others: it shares their state, and would do or withdraw what they were allowed.
func (a *app) run(ctx context.Context) error {
	l := a.env.Policy.Ledger
	d, err := a.dispatcher(ctx, func(runID string, err error) {
		a.log.Error("job", zap.String("job", runID), zap.String("error", a.env.Redact(err.Error())))
	})
	if err != nil {
		return err
	}
	hook, err := a.webhook()
	if err != nil {
		return err
	}
	a.env.Licences = a.licenceProvider(hook)
	registry := a.env.Registry()
	registry[webhook.Kind] = hook.Steps
	w := &jobs.Worker{
		Ledger: l, Registry: registry, Ambiguous: graphclient.IsAmbiguous, Later: later, Explain: a.env.Policy.Explain, After: hook.After, Send: graphclient.Traced,
		Check: func(ctx context.Context, j jobs.Job, steps []jobs.Step) error {
			if j.Kind == webhook.Kind || j.Reads() { // it writes nothing to any tenant
				return nil
			}
			return a.env.Policy.Check(ctx, j, steps)
		},
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-a.env.Graph.Entered():
			_ = d.Run(ctx, w.Work)
		case <-ctx.Done():
		}
	}()
	a.closers = append(a.closers, func() { cancel(); <-ended })
	return nil
}

// later says how long a service wants to be left alone.
func later(err error) (time.Duration, bool) {
	if wait, ok := webhook.Later(err); ok {
		return wait, true
	}
	return graphclient.Later(err)
}
