package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

func journalCommand(g *globals) *cobra.Command {
	f := &stateFlags{g: g}
	c := &cobra.Command{
		Use:   "journal",
		Short: "Read the journal, and prove that nobody changed it",
		Long: `Every call, plan, approval and step is a line of the journal, written with the change it tells of. Each line
holds the hash of the one before it. Keep the head that verify prints elsewhere: with it, lines that were cut
off the end are found too.`,
		Example: "  cipp-mcp journal verify\n  cipp-mcp journal show --job run_…",
	}
	f.add(c)
	c.AddCommand(verifyJournal(f), showJournal(f))
	return c
}

func verifyJournal(f *stateFlags) *cobra.Command {
	var head string
	c := &cobra.Command{
		Use: "verify", Short: "Find a line that was changed or taken out", Example: "  cipp-mcp journal verify --head 1200:9f3a…", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), func(s *state) error {
				h, err := s.ledger.Store().Verify(cmd.Context())
				if err != nil {
					return err
				}
				if head != "" {
					if err := s.ledger.Store().Reaches(cmd.Context(), head); err != nil {
						return err
					}
				}
				fmt.Fprintf(cmd.OutOrStdout(), "whole: %d lines, head %d:%s\n", h.Seq, h.Seq, h.Hash)
				return nil
			})
		},
	}
	c.Flags().StringVar(&head, "head", "", "a head that an earlier verify printed: it must still be in the chain")
	return c
}

func showJournal(f *stateFlags) *cobra.Command {
	var job string
	c := &cobra.Command{
		Use: "show", Short: "Print the journal, one JSON object a line", Example: "  cipp-mcp journal show --job run_…", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), func(s *state) error {
				lines, err := s.ledger.Store().Audit(cmd.Context(), job)
				if err != nil {
					return err
				}
				e := json.NewEncoder(cmd.OutOrStdout())
				for _, l := range lines {
					if err := e.Encode(map[string]any{"seq": l.Seq, "job": l.RunID, "at": l.At, "who": l.Who, "what": l.What}); err != nil {
						return fmt.Errorf("print the journal: %w", err)
					}
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&job, "job", "", "only the lines of this job")
	return c
}
