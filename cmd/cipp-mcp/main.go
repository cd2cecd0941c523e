// Command cipp-mcp lets an AI agent administer Microsoft 365 users for a managed service provider, over
// the Model Context Protocol.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "0.1.0"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	var code exitCode
	if errors.As(err, &code) {
		os.Exit(int(code))
	}
	fmt.Fprintln(os.Stderr, "cipp-mcp:", err)
	os.Exit(1)
}

// exitCode ends the program with a code after everything was said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func root() *cobra.Command {
	var g globals
	c := &cobra.Command{
		Use:           "cipp-mcp",
		Short:         "An MCP server for administering Microsoft 365 users of many customers",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	c.PersistentFlags().StringVar(&g.configFile, "config", "", "configuration file (default: CIPP_CONFIG, else cipp-mcp.yaml in the user's configuration directory)")
	c.PersistentFlags().StringVar(&g.logLevel, "log-level", "", "debug, info, warn or error; logs go to standard error")
	c.AddCommand(serveCommand(&g), demoCommand(&g), sandboxCommand(), callCommand(&g), initCommand(&g), doctorCommand(&g), configCommand(&g), secretsCommand(&g), toolsCommand(),
		workerCommand(&g), jobsCommand(&g), becCommand(&g), approvalsCommand(&g), grantsCommand(&g), freezeCommand(&g), journalCommand(&g))
	return c
}
