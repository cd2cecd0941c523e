package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"cipp-mcp/internal/config"
)

// setup is what init needs to know.
type setup struct {
	mode, cloud, tenant, client string
	customer                    string // whose consent link is printed
	write                       string // the configuration file
	storeSecret                 bool
}

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func initCommand(g *globals) *cobra.Command {
	s := setup{}
	var check bool
	c := &cobra.Command{
		Use:   "init",
		Short: "Walk from nothing to the first real tenant",
		Long: `Prints, for your sign-in mode, how to register the application, which permissions it needs (no more than
the enabled tools use), the consent link, the directory or GDAP roles, and what to paste into your MCP client.
With --tenant and --client it also writes the configuration file; with --store-secret it asks on the terminal for
the client secret (and the refresh token in partner mode) and puts it into the keyring. --check signs in and lists
the customers.`,
		Example: `  cipp-mcp init
  cipp-mcp init --mode app --tenant 1111…-1111 --client 2222…-2222 --customer contoso.com --store-secret
  cipp-mcp init --check`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if check {
				return checkSignIn(cmd, g)
			}
			return s.run(cmd.OutOrStdout(), g)
		},
	}
	c.Flags().StringVar(&s.mode, "mode", "app", "app (the application by itself), partner (GDAP, delegated) or user (a person signs in)")
	c.Flags().StringVar(&s.cloud, "cloud", "public", "public, usgov, dod or china")
	c.Flags().StringVar(&s.tenant, "tenant", "", "your own tenant's id")
	c.Flags().StringVar(&s.client, "client", "", "the application's client id")
	c.Flags().StringVar(&s.customer, "customer", "", "a customer's domain or tenant id, for the consent link")
	c.Flags().StringVar(&s.write, "write", "", "where to write the configuration (default: where serve looks for it)")
	c.Flags().BoolVar(&s.storeSecret, "store-secret", false, "ask for the secret on the terminal and keep it in the keyring")
	c.Flags().BoolVar(&check, "check", false, "sign in with the configuration and list the customers")
	return c
}

func (s setup) run(w io.Writer, g *globals) error {
	if s.mode != "app" && s.mode != "partner" && s.mode != config.ModeUser {
		return fmt.Errorf("--mode is %q; it must be app, partner or user", s.mode)
	}
	if s.mode == config.ModeUser && s.storeSecret {
		return errors.New("--store-secret: with --mode user there is no secret; the person signs in")
	}
	if _, ok := authorities()[s.cloud]; !ok {
		return fmt.Errorf("--cloud is %q; it must be public, usgov, dod or china", s.cloud)
	}
	for flag, v := range map[string]string{"--tenant": s.tenant, "--client": s.client} {
		if v != "" && !guid.MatchString(v) {
			return fmt.Errorf("%s is %q; it must be an id like 00000000-0000-0000-0000-000000000000", flag, v)
		}
	}
	cfg, err := g.load()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	s.guide(w, cfg)
	if s.tenant == "" || s.client == "" {
		fmt.Fprint(w, "\nWhen you have both ids, run cipp-mcp init again with --tenant and --client: it writes the configuration.\n")
		return nil
	}
	if s.storeSecret {
		if err := s.keep(); err != nil {
			return err
		}
	}
	path, err := s.writeConfig(g.configFile)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nThe configuration is in %s (read-only until you set access: write).\nNow run: cipp-mcp init --check\n", path)
	return nil
}

// keep asks for the secrets on the terminal and stores them in the keyring.
func (s setup) keep() error {
	return onTerminal(func(t *terminal) error {
		ask := []struct{ prompt, ref string }{{"Client secret: ", "keyring:cipp-mcp/client"}}
		if s.mode == "partner" {
			ask = append(ask, struct{ prompt, ref string }{"Partner administrator's refresh token: ", "keyring:cipp-mcp/refresh"})
		}
		for _, a := range ask {
			v, err := t.secret(a.prompt)
			if err != nil {
				return err
			}
			if v == "" {
				return errors.New("nothing was typed; nothing was stored")
			}
			if err := config.Store(a.ref, v); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeConfig writes a new configuration file; it never overwrites one.
func (s setup) writeConfig(named string) (string, error) {
	path := s.write
	if path == "" {
		path = named
	}
	if path == "" {
		p, err := config.Path()
		if err != nil {
			return "", err
		}
		path = p
	}
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\ncloud: %s\nauth:\n  mode: %s\n  tenantId: %s\n  clientId: %s\n", s.cloud, s.mode, s.tenant, s.client)
	if s.mode == config.ModeUser {
		b.WriteString("  signIn: deviceCode\n")
	} else {
		b.WriteString("  clientSecret: keyring:cipp-mcp/client\n")
	}
	if s.mode == "partner" {
		b.WriteString("  refreshToken: keyring:cipp-mcp/refresh\n")
	}
	b.WriteString("access: read-only\n")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("write the configuration: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator's file
	if errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("%s exists already; edit it, or name another file with --write", path)
	}
	if err != nil {
		return "", fmt.Errorf("write the configuration: %w", err)
	}
	if _, err := f.WriteString(b.String()); err != nil {
		_ = f.Close()
		return "", fmt.Errorf("write the configuration: %w", err)
	}
	return path, f.Close()
}

// checkSignIn proves the configuration: it signs in and lists the customers.
func checkSignIn(cmd *cobra.Command, g *globals) error {
	a, err := open(cmd.Context(), g, cloudFlags{})
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.env.Graph.SignIn(cmd.Context()); err != nil {
		return fmt.Errorf("the sign-in does not work yet: %w", err)
	}
	tenants, err := a.env.Graph.Tenants(cmd.Context())
	if err != nil {
		return fmt.Errorf("the sign-in does not work yet: %w", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Signed in (%s). %d tenants:\n", a.cfg.Auth.Mode, len(tenants))
	for _, t := range tenants {
		fmt.Fprintf(cmd.OutOrStdout(), "  %s  %s  %s %s\n", t.DefaultDomain, t.ID, t.Health, t.Reason)
	}
	return nil
}
