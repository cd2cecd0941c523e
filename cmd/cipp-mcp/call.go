package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"cipp-mcp/internal/mcpserver"
	"cipp-mcp/tools"
)

func callCommand(g *globals) *cobra.Command {
	var f cloudFlags
	var args string
	var asJSON bool
	c := &cobra.Command{
		Use:   "call TOOL",
		Short: "Run one tool, under the same policies as the server",
		Example: `  cipp-mcp call cipp_list_tenants --sandbox
  cipp-mcp call cipp_list_mfa_users --sandbox --json '{"tenantFilter":"allTenants","report":"noMfa"}'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, a []string) error {
			t, ok := tools.ByName(a[0])
			if !ok {
				return fmt.Errorf("there is no tool %s; cipp-mcp tools lists them", a[0])
			}
			app, err := open(cmd.Context(), g, f)
			if err != nil {
				return err
			}
			defer app.close()
			if app.env.Graph.NeedsPerson() {
				if err := app.env.Graph.SignIn(cmd.Context()); err != nil {
					return fmt.Errorf("sign in: %w", err)
				}
			}
			app.invoker.FollowFor = 12 * time.Hour // nobody else goes on with it when this process ends
			caller := mcpserver.Caller{Name: "cipp-mcp call", CanAsk: term.IsTerminal(int(os.Stdin.Fd()))}
			for {
				out := app.invoker.Invoke(cmd.Context(), t, json.RawMessage(args), caller)
				if out.Question == nil {
					return printOutcome(cmd.OutOrStdout(), out, asJSON)
				}
				yes, err := askOnTerminal(os.Stdin, cmd.ErrOrStderr(), out.Question.Message)
				if err != nil {
					return err
				}
				caller.Answer = &mcpserver.Answer{State: out.Question.State, Accepted: yes}
			}
		},
	}
	f.add(c)
	c.Flags().StringVar(&args, "json", "{}", "the tool's arguments as a JSON object")
	c.Flags().BoolVar(&asJSON, "output-json", false, "print the structured result instead of the text")
	return c
}

// askOnTerminal shows a plan and waits for a person's yes.
func askOnTerminal(in io.Reader, out io.Writer, message string) (bool, error) {
	fmt.Fprintf(out, "%s\n\nDo this? Type yes: ", message)
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && line == "" {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	return strings.EqualFold(strings.TrimSpace(line), "yes"), nil
}

func printOutcome(w io.Writer, out mcpserver.Outcome, asJSON bool) error {
	if out.Problem != nil {
		b, err := json.MarshalIndent(map[string]any{"error": out.Problem}, "", "  ")
		if err != nil {
			return fmt.Errorf("print the error: %w", err)
		}
		fmt.Fprintln(w, string(b))
		return exitCode(2)
	}
	if asJSON {
		b, err := json.MarshalIndent(out.Result, "", "  ")
		if err != nil {
			return fmt.Errorf("print the result: %w", err)
		}
		fmt.Fprintln(w, string(b))
	} else {
		fmt.Fprintln(w, out.Result.Text())
	}
	if r, ok := out.Result.(*tools.WriteResult); ok && (r.Status == "failed" || r.Status == "attention" || r.Status == "blocked") {
		return exitCode(3)
	}
	return nil
}
