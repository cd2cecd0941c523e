package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"cipp-mcp/internal/jobs"
)

func workerCommand(g *globals) *cobra.Command {
	var f cloudFlags
	var health string
	c := &cobra.Command{
		Use:   "worker",
		Short: "Run jobs and schedules without a client",
		Long: `A server lives as long as its MCP client; a worker lives on. It shares the state with the servers of this
machine and runs what they left, what was approved and what was scheduled. docs/cipp-mcp-worker.service is a
systemd unit for it.`,
		Example: "  cipp-mcp worker\n  cipp-mcp worker --health 127.0.0.1:8787",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := open(cmd.Context(), g, f)
			if err != nil {
				return err
			}
			defer a.close()
			a.env.Policy.Headless = true
			if health != "" {
				stop, err := a.serveHealth(cmd.Context(), health)
				if err != nil {
					return err
				}
				defer stop()
			}
			for a.env.Graph.NeedsPerson() && cmd.Context().Err() == nil { // a code that nobody entered is followed by another
				if err := a.env.Graph.SignIn(cmd.Context()); err != nil && cmd.Context().Err() == nil {
					a.log.Warn("no job runs before somebody has signed in", zap.Error(err))
				}
			}
			a.log.Info("working", zap.String("cloud", a.cfg.Cloud), zap.String("access", a.cfg.Access), zap.String("version", version))
			<-cmd.Context().Done()
			return nil
		},
	}
	f.add(c)
	c.Flags().IntVar(&f.jobs, "jobs", jobWorkers, "how many jobs run at once")
	c.Flags().StringVar(&health, "health", "", "answer GET /healthz on this loopback address")
	return c
}

// serveHealth answers whether the ledger can be read and how much waits; 503 when it cannot.
func (a *app) serveHealth(ctx context.Context, addr string) (stop func(), err error) {
	host, _, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("--health %s: give a loopback address and a port, such as 127.0.0.1:8787", addr)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("--health: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		h, err := a.health(r.Context())
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			a.log.Error("health", zap.Error(err))
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(h)
	})
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("health", zap.Error(err))
		}
	}()
	a.log.Info("health", zap.String("addr", l.Addr().String()))
	return func() { _ = s.Close(); <-ended }, nil
}

// healthAnswer is what a worker says of itself.
type healthAnswer struct {
	Status  string         `json:"status"` // ok | frozen | failing
	Version string         `json:"version"`
	Jobs    map[string]int `json:"jobs"`
}

func (a *app) health(ctx context.Context) (healthAnswer, error) {
	h := healthAnswer{Status: "failing", Version: version}
	var err error
	if h.Jobs, err = a.env.Policy.Ledger.Count(ctx); err != nil {
		return h, err
	}
	frozen, err := a.env.Policy.Ledger.Frozen(ctx)
	if err != nil {
		return h, err
	}
	h.Status = "ok"
	if frozen != nil {
		h.Status = "frozen"
	}
	for _, s := range []string{jobs.RunQueued, jobs.RunRunning, jobs.RunHeld, jobs.RunAttention} {
		h.Jobs[s] += 0 // shown even when there is none
	}
	return h, nil
}
