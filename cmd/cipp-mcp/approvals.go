package main

import (
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/internal/secrets"
	"cipp-mcp/tools"
)

func approvalsCommand(g *globals) *cobra.Command {
	f := &stateFlags{g: g}
	c := &cobra.Command{
		Use:   "approvals",
		Short: "Approve or deny what waits for the operator",
		Long: `What is critical, and what no client can ask a person about, waits for the operator. approve asks for the
operator's passphrase on the controlling terminal itself, never from a pipe, an argument or the environment:
an agent may own a shell. An approver whom the configuration names signs with a key of his own instead, on
this machine (--by, --key) or on another (message, sign, --signature).`,
		Example: "  cipp-mcp approvals list\n  cipp-mcp approvals show run_…\n  cipp-mcp approvals approve run_…\n  cipp-mcp approvals approve run_… --by anna --key anna.key",
	}
	f.add(c)
	c.AddCommand(listApprovals(f), showApproval(f), approveCommand(f), denyCommand(f), messageCommand(f), signCommand(), keygenCommand())
	return c
}

func listApprovals(f *stateFlags) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List what waits", Example: "  cipp-mcp approvals list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), func(s *state) error {
				rows, err := s.ledger.Jobs(cmd.Context(), jobs.RunHeld, "", 500)
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, r := range rows {
					if s.engine.Clock.Now().After(r.HeldUntil()) {
						continue
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\tasked for by %s\tuntil %s\n", r.Run.ID, r.Kind, tools.Clean(r.Run.User, 80), r.Run.Tenant, tools.Clean(r.CreatedBy, 40), r.HeldUntil().Format("2006-01-02 15:04Z"))
				}
				return w.Flush()
			})
		},
	}
}

// held reads a job that waits.
func (s *state) held(cmd *cobra.Command, id string) (jobs.Job, error) {
	j, err := s.ledger.Job(cmd.Context(), id)
	if err == nil && j.State != jobs.RunHeld {
		err = jobs.ErrNotHeld
	}
	return j, err
}

func showApproval(f *stateFlags) *cobra.Command {
	return &cobra.Command{
		Use: "show JOB", Short: "Show the plan that waits", Example: "  cipp-mcp approvals show run_…", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), func(s *state) error {
				j, err := s.held(cmd, args[0])
				if err != nil {
					return err
				}
				printJob(cmd.OutOrStdout(), s, j)
				return nil
			})
		},
	}
}

func approveCommand(f *stateFlags) *cobra.Command {
	var by, key, signature string
	c := &cobra.Command{
		Use: "approve JOB", Short: "Let it begin", Example: "  cipp-mcp approvals approve run_…", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), func(s *state) error {
				j, err := s.held(cmd, args[0])
				if err != nil {
					return err
				}
				message := policy.ApprovalMessage(j)
				if signature != "" {
					return s.engine.Approve(cmd.Context(), args[0], by, signature)
				}
				if by != policy.Operator && key == "" {
					return errors.New("--by names an approver, who signs with --key or sends a --signature")
				}
				return onTerminal(func(t *terminal) error {
					printJob(t.out, s, j)
					prompt := "\nOperator's passphrase, to approve exactly this: "
					if key != "" {
						prompt = "\nPassphrase of " + by + "'s key, to approve exactly this: "
					}
					pass, err := t.secret(prompt)
					if err != nil {
						return err
					}
					var sig string
					if key != "" {
						sig, err = secrets.SignWith(key, pass, message)
					} else {
						sig, err = s.store.Sign(pass, message)
					}
					if err != nil {
						return err
					}
					if err := s.engine.Approve(cmd.Context(), args[0], by, sig); err != nil {
						return err
					}
					t.say("Approved. It begins as soon as a server or worker runs.\n")
					return nil
				})
			})
		},
	}
	c.Flags().StringVar(&by, "by", policy.Operator, "an approver named in approval.approvers")
	c.Flags().StringVar(&key, "key", "", "that approver's key file")
	c.Flags().StringVar(&signature, "signature", "", "that approver's signature of approvals message JOB")
	return c
}

func denyCommand(f *stateFlags) *cobra.Command {
	var why string
	c := &cobra.Command{
		Use: "deny JOB", Short: "End it without doing anything", Example: "  cipp-mcp approvals deny run_… --why \"wrong person\"", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), func(s *state) error { return s.ledger.Deny(cmd.Context(), args[0], username(), why) })
		},
	}
	c.Flags().StringVar(&why, "why", "", "for the journal")
	return c
}

func messageCommand(f *stateFlags) *cobra.Command {
	return &cobra.Command{
		Use: "message JOB", Short: "Print the text that an approver signs elsewhere", Example: "  cipp-mcp approvals message run_…", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), func(s *state) error {
				j, err := s.held(cmd, args[0])
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), policy.ApprovalMessage(j))
				return nil
			})
		},
	}
}

func signCommand() *cobra.Command {
	var key string
	c := &cobra.Command{
		Use: "sign MESSAGE", Short: "Sign such a text with an approver's key", Example: "  cipp-mcp approvals sign --key anna.key \"cipp-mcp approves run_… …\"", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onTerminal(func(t *terminal) error {
				pass, err := t.secret("Passphrase of the key: ")
				if err != nil {
					return err
				}
				sig, err := secrets.SignWith(key, pass, args[0])
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), sig)
				return nil
			})
		},
	}
	c.Flags().StringVar(&key, "key", "", "the approver's key file")
	_ = c.MarkFlagRequired("key")
	return c
}

func keygenCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "keygen", Short: "Make an approver's key", Example: "  cipp-mcp approvals keygen --out anna.key", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return onTerminal(func(t *terminal) error {
				pass, err := t.secret("New passphrase of the key (12 characters or more): ")
				if err != nil {
					return err
				}
				again, err := t.secret("Once more: ")
				if err != nil {
					return err
				}
				if pass != again {
					return errors.New("the two differ; nothing was made")
				}
				public, err := secrets.NewApprover(out, pass, 0)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "for approval.approvers in cipp-mcp.yaml:\n  NAME: %s\n", public)
				return nil
			})
		},
	}
	c.Flags().StringVar(&out, "out", "approver.key", "where the key goes")
	return c
}
