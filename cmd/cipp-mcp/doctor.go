package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/tools"
)

// What doctor ends with, for scripts.
const (
	doctorLacks       exitCode = 2 // something that an enabled tool needs is missing
	doctorUnreachable exitCode = 3 // this server cannot sign in to a tenant
)

// examined is how many tenants are looked at side by side.
const examined = 8

func doctorCommand(g *globals) *cobra.Command {
	var f cloudFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor [TENANT…]",
		Short: "Say what the enabled tools need in each tenant, and lack",
		Long: `Signs in to each tenant (all of them where none is named) and holds what the enabled tools need against what the
sign-in has: permissions, directory or GDAP roles, licences, policies. It changes nothing. With the exit code scripts
can tell: 0 nothing is missing, 2 something is, 3 a tenant cannot be reached, 1 the command itself failed.`,
		Example: "  cipp-mcp doctor\n  cipp-mcp doctor contoso.com --json\n  cipp-mcp doctor --sandbox --preset all",
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := open(cmd.Context(), g, f)
			if err != nil {
				return err
			}
			defer a.close()
			return a.doctor(cmd, args, asJSON)
		},
	}
	f.add(c)
	f.addTools(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) doctor(cmd *cobra.Command, names []string, asJSON bool) error {
	ctx := cmd.Context()
	var tenants []graphclient.Tenant
	for _, n := range names {
		t, err := a.env.Graph.ResolveTenant(ctx, n)
		if err != nil {
			return fmt.Errorf("%s: %s", n, tools.Explain(err))
		}
		tenants = append(tenants, t)
	}
	if len(names) == 0 {
		var err error
		if tenants, err = a.env.Graph.Tenants(ctx); err != nil {
			return fmt.Errorf("the customers cannot be listed: %s", tools.Explain(err))
		}
	}
	var enabled []tools.Tool
	for _, t := range tools.All() {
		if off(a.cfg.Tools, t) == "" {
			enabled = append(enabled, t)
		}
	}
	found := make([]tools.Examination, len(tenants))
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(examined)
	for i, t := range tenants {
		eg.Go(func() error {
			return jobs.Caught(func() error {
				found[i] = a.env.Examine(ctx, t, enabled)
				tools.Sanitize(&found[i], a.env.Redact)
				return nil
			})
		})
	}
	if err := eg.Wait(); err != nil {
		return err
	}
	if err := a.diagnose(cmd.OutOrStdout(), found, asJSON); err != nil {
		return err
	}
	return verdict(found)
}

// verdict is the exit code: the worst of all tenants.
func verdict(found []tools.Examination) error {
	var worst exitCode
	for i := range found {
		x := &found[i]
		switch {
		case x.SignIn != "works":
			worst = doctorUnreachable
		case !x.Works():
			worst = max(worst, doctorLacks)
		}
	}
	if worst > 0 {
		return worst
	}
	return nil
}

func (a *app) diagnose(w io.Writer, found []tools.Examination, asJSON bool) error {
	graph, exchange, appRoles, gdapRoles := permissions(a.cfg)
	if asJSON {
		b, err := json.MarshalIndent(map[string]any{"tenants": found, "leastPermissions": map[string]any{"graph": graph, "exchange": exchange, "roles": appRoles, "gdapRoles": gdapRoles}}, "", "  ")
		if err != nil {
			return fmt.Errorf("print the findings: %w", err)
		}
		_, err = fmt.Fprintln(w, string(b))
		return err
	}
	sick := 0
	for i := range found {
		x := &found[i]
		fmt.Fprintln(w, strings.TrimRight(x.Text(), "\n"))
		if !x.Works() {
			sick++
			if x.SignIn != "works" || len(x.Lacks) > 0 {
				fmt.Fprintf(w, "  consent: %s\n", a.consentLink(x.TenantID))
			}
		}
	}
	if sick == 0 {
		fmt.Fprintf(w, "Nothing is missing in %d tenants.\n", len(found))
		return nil
	}
	fmt.Fprintf(w, "\nThe least that the enabled tools need:\n  Microsoft Graph: %s\n", strings.Join(graph, ", "))
	if a.cfg.Auth.Mode == "app" {
		fmt.Fprintf(w, "  Exchange Online: %s\n  roles of the service principal: %s\n", strings.Join(exchange, ", "), strings.Join(appRoles, ", "))
	} else {
		fmt.Fprintf(w, "  GDAP roles: %s\n", strings.Join(gdapRoles, ", "))
	}
	return nil
}

// consentLink is what an administrator of the tenant opens.
func (a *app) consentLink(tenantID string) string {
	authority, ok := authorities()[a.cfg.Cloud]
	if !ok {
		authority = authorities()["public"]
	}
	client := a.cfg.Auth.ClientID
	if client == "" {
		client = "CLIENT_ID"
	}
	return fmt.Sprintf("%s/%s/adminconsent?client_id=%s", authority, url.PathEscape(tenantID), url.QueryEscape(client))
}
