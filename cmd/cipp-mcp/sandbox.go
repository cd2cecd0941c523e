package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"cipp-mcp/internal/config"
	"cipp-mcp/sandbox"
)

func sandboxCommand() *cobra.Command {
	var state, faults, record, out string
	o := sandbox.Options{Control: true}
	c := &cobra.Command{
		Use:     "sandbox",
		Short:   "Run the simulated Microsoft cloud by itself",
		Long:    "Runs the simulated Microsoft cloud until it is interrupted. It writes ca.pem and client.json, which are all a client needs, into --out.",
		Example: "  cipp-mcp sandbox --addr 127.0.0.1:8365 --out /tmp/cloud\n  cipp-mcp serve --cloud /tmp/cloud/client.json --access write",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, in := range []struct {
				path string
				to   *[]byte
			}{{state, &o.State}, {faults, &o.Faults}} {
				if in.path == "" {
					continue
				}
				b, err := os.ReadFile(in.path)
				if err != nil {
					return fmt.Errorf("start the sandbox: %w", err)
				}
				*in.to = b
			}
			if record != "" {
				w, err := os.OpenFile(record, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // the operator's file
				if err != nil {
					return fmt.Errorf("record: %w", err)
				}
				defer func() { _ = w.Close() }()
				o.Record = w
			}
			if out == "" {
				dir, err := (config.Config{Cloud: "sandbox"}).StatePath()
				if err != nil {
					return err
				}
				out = dir
			}
			if err := config.OpenStateDir(out); err != nil {
				return err
			}
			o.OutDir = out
			s, err := sandbox.Start(cmd.Context(), o)
			if err != nil {
				return fmt.Errorf("start the sandbox: %w", err)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "the simulated cloud answers on %s\nclient: %s\nstop it with Ctrl-C\n", s.URL(), filepath.Join(out, "client.json"))
			<-cmd.Context().Done()
			return s.Close()
		},
	}
	c.Flags().StringVar(&o.Addr, "addr", "127.0.0.1:8365", "address to listen on")
	c.Flags().StringVar(&state, "state", "", "state file (default: the built-in story)")
	c.Flags().StringVar(&o.Clock, "clock", "", "start time as RFC 3339, and \",frozen\" to stand still")
	c.Flags().StringVar(&record, "record", "", "write every exchange to this file, one JSON object a line")
	c.Flags().StringVar(&faults, "faults", "", "faults file")
	c.Flags().DurationVar(&o.Latency, "latency", 0, "how long each request is on its way, in real time whatever the clock does")
	c.Flags().BoolVar(&o.Limits, "limits", false, "turn away what is over Microsoft's published limits of requests")
	c.Flags().StringVar(&out, "out", "", "directory for ca.pem and client.json")
	c.Flags().BoolVar(&o.InsecureHTTP, "insecure-http", false, "plain HTTP (Microsoft's sign-in libraries refuse it)")
	return c
}
