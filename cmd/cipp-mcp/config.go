package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"cipp-mcp/internal/config"
)

func configCommand(g *globals) *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Show an example configuration, or check yours", Example: "  cipp-mcp config example > cipp-mcp.yaml\n  cipp-mcp config check --config cipp-mcp.yaml"}
	c.AddCommand(&cobra.Command{
		Use: "example", Short: "Print a configuration with every setting explained", Example: "  cipp-mcp config example", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprint(cmd.OutOrStdout(), config.Example)
			return nil
		},
	}, &cobra.Command{
		Use: "check", Short: "Read the configuration and explain the first mistake", Example: "  cipp-mcp config check", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := g.load()
			if err != nil {
				return err
			}
			dir, err := cfg.StatePath()
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "The configuration is valid.\ncloud: %s\nsign-in: %s\naccess: %s\nstate: %s\n", cfg.Cloud, cfg.Auth.Mode, cfg.Access, dir)
			return nil
		},
	})
	return c
}
