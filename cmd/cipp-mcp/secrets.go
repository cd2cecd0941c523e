package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/config"
	"cipp-mcp/internal/secrets"
)

// timeless stands before everything. A simulated cloud has a time of its own, which nobody can ask here
// once it is gone: measured by this machine's, what was sealed there might have expired long ago.
type timeless struct{}

func (timeless) Now() time.Time                                   { return time.Time{} }
func (timeless) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func secretsCommand(g *globals) *cobra.Command {
	var cloud string
	c := &cobra.Command{
		Use:   "secrets",
		Short: "Show generated passwords to the operator, once",
		Long: `Passwords that the server generates are sealed to the operator's key. These commands ask for the
operator's passphrase on the controlling terminal itself, never from a pipe, an argument or the
environment: an agent may own a shell. With passwords.sink: passwordPusher what is revealed is the
one-view link; with passwords.sink: age nothing is, and whoever has the private key opens the file.`,
		Example: "  cipp-mcp secrets init\n  cipp-mcp secrets list\n  cipp-mcp secrets reveal sec_…",
	}
	c.PersistentFlags().StringVar(&cloud, "cloud", "", "the cloud whose state is meant, as for serve; sandbox for serve --sandbox")
	store := func() (*secrets.Store, error) {
		cfg, err := g.load()
		if err != nil {
			return nil, err
		}
		if cloud != "" {
			cfg.Cloud = cloud
		}
		dir, err := cfg.StatePath()
		if err != nil {
			return nil, err
		}
		if err := config.OpenStateDir(dir); err != nil {
			return nil, err
		}
		var clk clock.Clock = clock.System{}
		if cfg.Sandboxed() {
			clk = timeless{}
		}
		return secrets.Open(dir, clk)
	}
	c.AddCommand(&cobra.Command{
		Use: "init", Short: "Set the operator's passphrase", Example: "  cipp-mcp secrets init", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := store()
			if err != nil {
				return err
			}
			return onTerminal(func(t *terminal) error {
				first, err := t.secret("New operator's passphrase (12 characters or more): ")
				if err != nil {
					return err
				}
				again, err := t.secret("Once more: ")
				if err != nil {
					return err
				}
				if first != again {
					return errors.New("the two differ; nothing was set")
				}
				if err := s.SetOperator(first); err != nil {
					return err
				}
				t.say("The operator's passphrase is set. Nobody can recover it.\n")
				return nil
			})
		},
	}, &cobra.Command{
		Use: "list", Short: "List what waits to be revealed", Example: "  cipp-mcp secrets list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := store()
			if err != nil {
				return err
			}
			list, err := s.List()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, i := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\tuntil %s\t%s\n", i.Handle, i.Kind, i.For, i.Expires.Format("2006-01-02 15:04Z"), s.HowToOpen(i.Handle))
			}
			return w.Flush()
		},
	}, &cobra.Command{
		Use: "reveal HANDLE", Short: "Show one secret, once, on the terminal", Example: "  cipp-mcp secrets reveal sec_abcdefghij234567", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := store()
			if err != nil {
				return err
			}
			return onTerminal(func(t *terminal) error {
				pass, err := t.secret("Operator's passphrase: ")
				if err != nil {
					return err
				}
				info, secret, err := s.Reveal(args[0], pass)
				if err != nil {
					return err
				}
				t.say(fmt.Sprintf("%s for %s:\n\n    %s\n\nThis was the only view.\n", info.Kind, info.For, secret))
				return nil
			})
		},
	})
	return c
}
