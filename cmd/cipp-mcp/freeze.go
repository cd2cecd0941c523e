package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func freezeCommand(g *globals) *cobra.Command {
	f := &stateFlags{g: g}
	var lift, status bool
	var why string
	c := &cobra.Command{
		Use:   "freeze",
		Short: "Stop every write at once",
		Long: `Every server and worker on this state begins no further write, not even the next step of a job that is
under way; what is out already is still read back. Anybody may freeze. Lifting it asks for the operator's
passphrase on the terminal.`,
		Example: "  cipp-mcp freeze --why \"the agent runs wild\"\n  cipp-mcp freeze --status\n  cipp-mcp freeze --lift",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return f.run(ctx, func(s *state) error {
				if lift {
					return s.passphrase(func(t *terminal, _ string) error {
						if err := s.ledger.Unfreeze(ctx, username()); err != nil {
							return err
						}
						t.say("Writes go on.\n")
						return nil
					})
				}
				if !status {
					if err := s.ledger.Freeze(ctx, username(), why); err != nil {
						return err
					}
				}
				now, err := s.ledger.Frozen(ctx)
				if err != nil {
					return err
				}
				if now == nil {
					fmt.Fprintln(cmd.OutOrStdout(), "not frozen")
					return nil
				}
				fmt.Fprintf(cmd.OutOrStdout(), "frozen since %s by %s: %s\n", now.At.Format("2006-01-02 15:04Z"), now.By, now.Why)
				return nil
			})
		},
	}
	f.add(c)
	c.Flags().BoolVar(&lift, "lift", false, "let writes go on")
	c.Flags().BoolVar(&status, "status", false, "only say whether writes are frozen")
	c.Flags().StringVar(&why, "why", "", "what the refused are told")
	return c
}
