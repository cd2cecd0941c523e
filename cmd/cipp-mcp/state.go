package main

import (
	"context"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/config"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/internal/secrets"
	"cipp-mcp/tools"
)

// state is what lies in the state directory, for commands that reach no cloud.
type state struct {
	cfg    config.Config
	ledger *jobs.Ledger
	store  *secrets.Store
	engine *policy.Engine
}

// stateFlags say whose state a command is about.
type stateFlags struct {
	g     *globals
	cloud string
}

func (f *stateFlags) add(c *cobra.Command) {
	c.PersistentFlags().StringVar(&f.cloud, "cloud", "", "the cloud whose state is meant, as for serve; sandbox for serve --sandbox")
}

// dir is the configuration with the directory of the cloud that is meant.
func (f *stateFlags) dir() (config.Config, string, error) {
	cfg, err := f.g.load()
	if err != nil {
		return cfg, "", err
	}
	if f.cloud != "" {
		cfg.Cloud = f.cloud
	}
	dir, err := cfg.StatePath()
	if err != nil {
		return cfg, "", err
	}
	return cfg, dir, config.OpenStateDir(dir)
}

// run opens the state, does something with it and closes it.
func (f *stateFlags) run(ctx context.Context, do func(*state) error) (err error) {
	cfg, dir, err := f.dir()
	if err != nil {
		return err
	}
	ledgerDir, err := ledgerOf(cfg, dir)
	if err != nil {
		return err
	}
	var clk clock.Clock = clock.System{}
	last := &standing{}
	switch {
	case cfg.Cloud == "sandbox":
		clk = last
	case strings.HasSuffix(cfg.Cloud, ".json"):
		file, err := config.ReadCloudFile(cfg.Cloud)
		if err != nil {
			return err
		}
		var done func()
		clk, done = clockOf(file)
		defer done()
	}
	ledger, err := openLedger(ctx, cfg, ledgerDir, clk)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	// The clock of an embedded sandbox is in the server's process; what it last wrote is near enough.
	if last.at, err = ledger.Store().LastWritten(ctx); err != nil {
		return err
	}
	sealer, err := policy.OpenSealerAt(dir, cfg.SealKey, !cfg.Sandboxed())
	if err != nil {
		return err
	}
	ledger.Box = sealer
	store, err := secrets.Open(dir, clk)
	if err != nil {
		return err
	}
	e := &policy.Engine{Config: cfg, Sealer: sealer, Ledger: ledger, Clock: clk, Signatures: &secrets.Signers{Store: store, Approvers: cfg.Approval.Approvers}, Requester: username(), Explain: tools.Explain}
	return do(&state{cfg, ledger, store, e})
}

// standing is a clock that somebody else's last entry has set.
type standing struct{ at time.Time }

func (s *standing) Now() time.Time                                 { return s.at }
func (*standing) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// ledgerOf finds the directory of the job ledger. That of an embedded sandbox is the one of the server that
// runs now.
func ledgerOf(cfg config.Config, dir string) (string, error) {
	if cfg.Cloud != "sandbox" {
		return dir, nil
	}
	found, err := filepath.Glob(filepath.Join(dir, embedded+"*", "jobs.db"))
	if err != nil || len(found) == 0 {
		return "", errors.New("no server runs on the embedded sandbox now, and what it did is gone with it")
	}
	newest := found[0]
	for _, f := range found {
		if written(f).After(written(newest)) {
			newest = f
		}
	}
	return filepath.Dir(newest), nil
}

func written(file string) time.Time {
	info, err := os.Stat(file)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// username is who the machine says runs this program.
func username() string {
	u, err := user.Current()
	if err != nil || u.Username == "" {
		return "unknown"
	}
	return u.Username
}

// passphrase asks for the operator's passphrase on the terminal itself and hands it to f when it is right.
func (s *state) passphrase(f func(t *terminal, passphrase string) error) error {
	return onTerminal(func(t *terminal) error {
		pass, err := t.secret("Operator's passphrase: ")
		if err != nil {
			return err
		}
		if err := s.store.CheckPassphrase(pass); err != nil {
			return err
		}
		return f(t, pass)
	})
}
