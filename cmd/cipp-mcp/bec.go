package main

import (
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"cipp-mcp/internal/policy"
	"cipp-mcp/tools"
	"cipp-mcp/workflows/bec/casefile"
)

func becCommand(g *globals) *cobra.Command {
	f := &stateFlags{g: g}
	c := &cobra.Command{
		Use:   "bec",
		Short: "Look at investigations, say what the user said, take the evidence out",
		Long: `Each cipp_bec_check keeps a case: what was read, sealed by its hashes. What the user says of an event comes in here or by
the client's own question, never as an argument of the model.`,
		Example: "  cipp-mcp bec list\n  cipp-mcp bec attest case_20260312_abcdefgh signInsInteractive/6f1c… no\n  cipp-mcp bec export case_20260312_abcdefgh ./evidence",
	}
	f.add(c)
	c.AddCommand(listCases(f), attestEvent(f), exportCase(f), reportCase(g))
	return c
}

// cases are those of the state a command is about.
func (f *stateFlags) cases() (*casefile.Store, error) {
	cfg, dir, err := f.dir()
	if err != nil {
		return nil, err
	}
	if dir, err = ledgerOf(cfg, dir); err != nil {
		return nil, err
	}
	return casefile.Open(dir), nil
}

func listCases(f *stateFlags) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the cases, the newest first", Example: "  cipp-mcp bec list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := f.cases()
			if err != nil {
				return err
			}
			all, err := store.Of("", "")
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, k := range all {
				readings, err := k.Readings()
				if err != nil {
					return err
				}
				fmt.Fprintf(w, "%s\t%s\t%s\topened %s\t%d readings\n", k.CaseID, tools.Clean(k.User.UserPrincipalName, 80), k.Tenant, k.Opened.Format("2006-01-02 15:04Z"), len(readings))
			}
			return w.Flush()
		},
	}
}

func attestEvent(f *stateFlags) *cobra.Command {
	return &cobra.Command{
		Use: "attest CASE EVENT yes|no", Short: "Write down what the user said of an event: yes, it was me, or no", Args: cobra.ExactArgs(3),
		Example: "  cipp-mcp bec attest case_20260312_abcdefgh signInsInteractive/6f1c… no",
		Long: `EVENT is the evidenceRef of the timeline, source/recordId. Ask the user for that event, by time, place and device, over a
channel the mailbox is no part of. Needs the operator's passphrase.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[2] != "yes" && args[2] != "no" {
				return fmt.Errorf("the answer is yes or no, not %q", args[2])
			}
			store, err := f.cases()
			if err != nil {
				return err
			}
			k, err := store.Get(args[0])
			if err != nil {
				return err
			}
			return f.run(cmd.Context(), func(s *state) error {
				a := casefile.Attestation{Event: args[1], Yes: args[2] == "yes", By: policy.Operator, At: s.engine.Clock.Now().UTC().Truncate(time.Second)}
				return onTerminal(func(t *terminal) error {
					t.say(a.Message(k.CaseID) + "\n")
					pass, err := t.secret("Operator's passphrase, to sign exactly this: ")
					if err != nil {
						return err
					}
					if a.Proof, err = s.store.Sign(pass, a.Message(k.CaseID)); err != nil {
						return err
					}
					if err := k.Attest(a); err != nil {
						return err
					}
					t.say("Written down. The next cipp_bec_check of this case takes it into account.\n")
					return nil
				})
			})
		},
	}
}

func exportCase(f *stateFlags) *cobra.Command {
	return &cobra.Command{
		Use: "export CASE DIR", Short: "Write a case's evidence and its manifest into a new folder", Args: cobra.ExactArgs(2),
		Example: "  cipp-mcp bec export case_20260312_abcdefgh ./evidence",
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := f.cases()
			if err != nil {
				return err
			}
			k, err := store.Get(args[0])
			if err != nil {
				return err
			}
			if err := k.Export(args[1], time.Now(), "cipp-mcp "+version); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), filepath.Join(args[1], "manifest.json"))
			return nil
		},
	}
}

func reportCase(g *globals) *cobra.Command {
	var f cloudFlags
	var out string
	c := &cobra.Command{
		Use: "report CASE", Short: "Print a case's report as Markdown, or write it as one HTML file", Args: cobra.ExactArgs(1),
		Example: "  cipp-mcp bec report case_20260312_abcdefgh --html report.html",
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := open(cmd.Context(), g, f)
			if err != nil {
				return err
			}
			defer a.close()
			r, err := a.env.CaseReport(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if out == "" {
				fmt.Fprint(cmd.OutOrStdout(), r.Markdown())
				return nil
			}
			page, err := r.HTML()
			if err != nil {
				return err
			}
			if err := os.WriteFile(out, page, 0o600); err != nil {
				return fmt.Errorf("write the report: %w", err)
			}
			return nil
		},
	}
	f.add(c)
	c.Flags().StringVar(&out, "html", "", "write the report as one HTML page to this file")
	return c
}
