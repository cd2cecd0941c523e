package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/webhook"
	"cipp-mcp/tools"
)

func jobsCommand(g *globals) *cobra.Command {
	f := &stateFlags{g: g}
	c := &cobra.Command{
		Use:   "jobs",
		Short: "Look at this server's jobs, and do what only a person may",
		Long: `Every write is a job of durable steps. retry and resolve ask for the operator's passphrase on the
controlling terminal itself, never from a pipe, an argument or the environment.`,
		Example: "  cipp-mcp jobs list\n  cipp-mcp jobs show run_…\n  cipp-mcp jobs resolve run_… send-summary done",
	}
	f.add(c)
	c.AddCommand(listJobsCommand(f), showJobCommand(f), cancelJobCommand(f), retryJobCommand(f), resolveJobCommand(f), recordCommand(g))
	return c
}

func listJobsCommand(f *stateFlags) *cobra.Command {
	var status string
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "List jobs, the newest first", Example: "  cipp-mcp jobs list --state attention", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), func(s *state) error {
				rows, err := s.ledger.Jobs(cmd.Context(), status, "", limit)
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, r := range rows {
					when := r.Created
					if !r.NotBefore.IsZero() {
						when = r.NotBefore
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Run.ID, tools.JobStatus(r, nil, s.engine.Clock.Now()), r.Tool(), tools.Clean(r.Run.User, 80), r.Run.Tenant, when.Format("2006-01-02 15:04Z"))
				}
				return w.Flush()
			})
		},
	}
	c.Flags().StringVar(&status, "state", "", "only jobs in this state: held, queued, running, done, attention, cancelled")
	c.Flags().IntVar(&limit, "limit", 50, "at most so many")
	return c
}

func showJobCommand(f *stateFlags) *cobra.Command {
	return &cobra.Command{
		Use: "show JOB", Short: "Show a job step by step", Example: "  cipp-mcp jobs show run_…", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), func(s *state) error {
				j, err := s.ledger.Job(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				printJob(cmd.OutOrStdout(), s, j)
				return nil
			})
		},
	}
}

func printJob(w io.Writer, s *state, j jobs.Job) {
	fmt.Fprintf(w, "%s %s: %s on %s in %s\n", j.Run.ID, tools.JobStatus(j.RunInfo, j.Results(), s.engine.Clock.Now()), j.Tool(), tools.Clean(j.Run.User, 120), j.Run.Tenant)
	fmt.Fprintf(w, "asked for by %s, %s\n", tools.Clean(j.CreatedBy, 80), j.Created.Format("2006-01-02 15:04:05Z"))
	if !j.NotBefore.IsZero() {
		fmt.Fprintf(w, "to begin at %s\n", j.NotBefore.Format("2006-01-02 15:04:05Z"))
	}
	if j.Approval != "" {
		fmt.Fprintf(w, "approved by %s\n", tools.Clean(j.Approval, 120))
	}
	if j.Detail != "" {
		fmt.Fprintln(w, tools.Clean(j.Detail, 500))
	}
	for i, step := range j.Steps {
		fmt.Fprintf(w, "%2d. %-15s %s: %s\n", i+1, step.State, step.Name, tools.Clean(step.Change.Summary, 300))
		if step.Change.Before != "" || step.Change.After != "" {
			fmt.Fprintf(w, "    %s → %s\n", tools.Clean(step.Change.Before, 500), tools.Clean(step.Change.After, 500))
		}
		if step.Change.NoWayBack != "" {
			fmt.Fprintf(w, "    no way back: %s\n", tools.Clean(step.Change.NoWayBack, 300))
		}
		if step.Detail != "" {
			fmt.Fprintf(w, "    %s\n", tools.Clean(step.Detail, 500))
		}
	}
}

func cancelJobCommand(f *stateFlags) *cobra.Command {
	return &cobra.Command{
		Use: "cancel JOB", Short: "Begin no further step of a job", Example: "  cipp-mcp jobs cancel run_…", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), func(s *state) error { return s.ledger.Cancel(cmd.Context(), args[0], username()) })
		},
	}
}

func retryJobCommand(f *stateFlags) *cobra.Command {
	return &cobra.Command{
		Use: "retry JOB", Short: "Run the steps again that failed, were left out or were cancelled", Example: "  cipp-mcp jobs retry run_…", Args: cobra.ExactArgs(1),
		Long: "A server or worker on the same state does the work; this command only asks for it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), func(s *state) error {
				if err := s.oneIsEnough(cmd.Context(), args[0]); err != nil {
					return err
				}
				return s.passphrase(func(t *terminal, _ string) error {
					if err := s.ledger.Retry(cmd.Context(), args[0], username()); err != nil {
						return err
					}
					t.say("It goes on as soon as a server or worker runs.\n")
					return nil
				})
			})
		},
	}
}

// oneIsEnough refuses to set a job to work again on one person's word that took two to approve.
func (s *state) oneIsEnough(ctx context.Context, id string) error {
	j, err := s.ledger.Job(ctx, id)
	if err != nil || j.Reads() || j.Kind == webhook.Kind {
		return err
	}
	second := s.engine.SecondPerson(j.RunInfo)
	if second == "" {
		return nil
	}
	return fmt.Errorf("%s needs a second person (approval.twoPerson), so nothing was set to work: have it retried with cipp_control_job, which waits until an approver has approved it", second)
}

func resolveJobCommand(f *stateFlags) *cobra.Command {
	return &cobra.Command{
		Use: "resolve JOB STEP done|redo|skip", Short: "Settle a step of which nobody knows whether it landed", Example: "  cipp-mcp jobs resolve run_… create-user done", Args: cobra.ExactArgs(3),
		Long: `done: you looked, and the effect is there. redo: it is not, and shall be tried again. skip: it is not, and
shall not. What depended on the step goes on.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), func(s *state) error {
				if args[2] == string(jobs.VerdictRedo) {
					if err := s.oneIsEnough(cmd.Context(), args[0]); err != nil {
						return err
					}
				}
				return s.passphrase(func(t *terminal, _ string) error {
					if err := s.ledger.Resolve(cmd.Context(), args[0], args[1], jobs.Verdict(args[2]), username()); err != nil {
						return err
					}
					t.say("Settled.\n")
					return nil
				})
			})
		},
	}
}

func recordCommand(g *globals) *cobra.Command {
	var f cloudFlags
	var asJSON bool
	c := &cobra.Command{
		Use: "record JOB", Short: "Print a job's record for a ticket", Example: "  cipp-mcp jobs record run_… > ticket.md", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := open(cmd.Context(), g, f)
			if err != nil {
				return err
			}
			defer a.close()
			r, err := a.env.Record(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if !asJSON {
				fmt.Fprint(cmd.OutOrStdout(), r.Markdown())
				return nil
			}
			e := json.NewEncoder(cmd.OutOrStdout())
			e.SetIndent("", "  ")
			return e.Encode(r)
		},
	}
	f.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return c
}
