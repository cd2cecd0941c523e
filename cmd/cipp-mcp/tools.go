package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"cipp-mcp/internal/mcpserver"
)

func toolsCommand() *cobra.Command {
	c := &cobra.Command{Use: "tools", Short: "Print the tools as JSON or as documentation", Example: "  cipp-mcp tools json\n  cipp-mcp tools docs > docs/tools.md"}
	c.AddCommand(&cobra.Command{
		Use: "json", Short: "Print the tools as clients see them", Example: "  cipp-mcp tools json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := json.MarshalIndent(mcpserver.Declarations(), "", "  ")
			if err != nil {
				return fmt.Errorf("print the tools: %w", err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), string(b))
			return nil
		},
	}, &cobra.Command{
		Use: "docs", Short: "Print the tool reference (docs/tools.md)", Example: "  cipp-mcp tools docs", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprint(cmd.OutOrStdout(), mcpserver.Reference())
			return nil
		},
	}, &cobra.Command{
		Use: "table", Short: "Print the tool table of the README", Example: "  cipp-mcp tools table", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprint(cmd.OutOrStdout(), mcpserver.Table())
			return nil
		},
	})
	return c
}
