package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"cipp-mcp/internal/policy"
	"cipp-mcp/tools"
)

func grantsCommand(g *globals) *cobra.Command {
	f := &stateFlags{g: g}
	c := &cobra.Command{
		Use:   "grants",
		Short: "Sign standing grants for runners that nobody watches",
		Long: `A standing grant lets a client that can ask nobody write without a person: certain tools, in certain tenants,
under conditions on their arguments, so often, until a day. add asks for the operator's passphrase on the
controlling terminal itself; anybody may revoke. Every use stands in the journal with the grant's id.`,
		Example: "  cipp-mcp grants add --tool cipp_offboard_user --tenant 8b86692a-cec8-4588-bfdf-7966ed5e3e3c --arg convertToShared=true --quota 20 --days 30\n  cipp-mcp grants list\n  cipp-mcp grants revoke grant_…",
	}
	f.add(c)
	c.AddCommand(addGrant(f), listGrants(f), revokeGrant(f))
	return c
}

func addGrant(f *stateFlags) *cobra.Command {
	var g policy.Grant
	var args []string
	var risk string
	var days int
	c := &cobra.Command{
		Use: "add", Short: "Sign a grant", Example: "  cipp-mcp grants add --tool cipp_offboard_user --tenant TENANT-ID --quota 20 --days 30", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range g.Tools {
				if t, ok := tools.ByName(name); !ok || !t.Writes() {
					return fmt.Errorf("there is no writing tool %q", name)
				}
			}
			for _, id := range g.Tenants {
				if _, err := uuid.Parse(id); err != nil {
					return fmt.Errorf("a grant names tenants by id, and %q is none; cipp_list_tenants shows them", id)
				}
			}
			if err := g.MaxRisk.UnmarshalText([]byte(risk)); err != nil {
				return err
			}
			if len(args) > 0 {
				g.Args = map[string]string{}
			}
			for _, a := range args {
				k, v, ok := strings.Cut(a, "=")
				if !ok {
					return fmt.Errorf("--arg is NAME=VALUE, not %q", a)
				}
				g.Args[k] = v
			}
			return f.run(cmd.Context(), func(s *state) error {
				g.ID, g.By = "grant_"+strings.ReplaceAll(uuid.NewString(), "-", "")[:16], policy.Operator
				g.Expires = s.engine.Clock.Now().Add(time.Duration(days) * 24 * time.Hour).Truncate(time.Second)
				if err := g.Check(s.engine.Clock.Now()); err != nil {
					return err
				}
				shown, err := json.MarshalIndent(g, "", "  ")
				if err != nil {
					return fmt.Errorf("show the grant: %w", err)
				}
				return onTerminal(func(t *terminal) error {
					t.say(string(shown) + "\n")
					pass, err := t.secret("Operator's passphrase, to sign exactly this: ")
					if err != nil {
						return err
					}
					sig, err := s.store.Sign(pass, g.Message())
					if err != nil {
						return err
					}
					if err := s.engine.AddGrant(cmd.Context(), g, sig); err != nil {
						return err
					}
					fmt.Fprintln(cmd.OutOrStdout(), g.ID)
					return nil
				})
			})
		},
	}
	c.Flags().StringSliceVar(&g.Tools, "tool", nil, "a tool, may be repeated")
	c.Flags().StringSliceVar(&g.Tenants, "tenant", nil, "a tenant's id, may be repeated")
	c.Flags().StringArrayVar(&args, "arg", nil, "NAME=VALUE that a call must have, may be repeated")
	c.Flags().StringVar(&risk, "max-risk", "destructive", "write, destructive or critical")
	c.Flags().IntVar(&g.Quota, "quota", 0, "how many calls")
	c.Flags().IntVar(&days, "days", 0, "for how many days")
	c.Flags().StringVar(&g.Note, "note", "", "what it is for")
	for _, n := range []string{"tool", "tenant", "quota", "days"} {
		_ = c.MarkFlagRequired(n)
	}
	return c
}

func listGrants(f *stateFlags) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the grants and what is left of them", Example: "  cipp-mcp grants list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), func(s *state) error {
				rows, err := s.ledger.Grants(cmd.Context())
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, r := range rows {
					var g policy.Grant
					if err := json.Unmarshal([]byte(r.Body), &g); err != nil {
						return errors.New("the grant " + r.ID + " is damaged")
					}
					state := "in force"
					if !r.Left(s.engine.Clock.Now()) {
						state = "over"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d of %d used\tuntil %s\t%s\n", r.ID, state, strings.Join(g.Tools, ","), strings.Join(g.Tenants, ","), r.Used, r.Quota, r.Expires.Format("2006-01-02 15:04Z"), tools.Clean(g.Note, 60))
				}
				return w.Flush()
			})
		},
	}
}

func revokeGrant(f *stateFlags) *cobra.Command {
	return &cobra.Command{
		Use: "revoke GRANT", Short: "End a grant", Example: "  cipp-mcp grants revoke grant_…", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), func(s *state) error { return s.ledger.RevokeGrant(cmd.Context(), args[0], username()) })
		},
	}
}
