package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"cipp-mcp/internal/mcpserver"
)

func serveCommand(g *globals) *cobra.Command {
	var f cloudFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Answer an MCP client on standard input and output",
		Example: `  cipp-mcp serve --sandbox                     try it on the simulated cloud
  cipp-mcp serve                               the cloud of cipp-mcp.yaml
  cipp-mcp serve --preset helpdesk --toolsets mail --exclude-tools cipp_delete_user
  cipp-mcp serve --discovery                   three tools that find the others, for small contexts
  cipp-mcp serve --cloud client.json           a stand-alone sandbox, or any cloud so described`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := open(cmd.Context(), g, f)
			if err != nil {
				return err
			}
			defer a.close()
			s := mcpserver.New(mcpserver.Options{Invoker: a.invoker, Log: a.log, Version: version, Discovery: a.cfg.Tools.Discovery})
			a.log.Info("serving on stdio", zap.String("cloud", a.cfg.Cloud), zap.String("access", a.cfg.Access), zap.String("version", version))
			err = mcpserver.ServeStdio(cmd.Context(), s, os.Stdin, os.Stdout, a.log)
			if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, io.EOF) {
				return fmt.Errorf("serve: %w", err)
			}
			return nil
		},
	}
	f.add(c)
	f.addTools(c)
	return c
}
