package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// capabilities reads each setting by itself: one that cannot be read stays unknown.
func capabilities(ctx context.Context, c *Call) TenantCapabilities {
	t := TenantCapabilities{IdentityModel: "unknown", Marketplace: c.Policy.Config.Licenses.Provider}
	var g errgroup.Group
	read := func(f func() error) { g.Go(func() error { return jobs.Caught(f) }) }
	read(func() error {
		if v, err := c.Graph.SecurityDefaults(ctx, c.Tenant.ID); err == nil {
			t.SecurityDefaults = &v
		}
		return nil
	})
	read(func() error {
		p, err := c.Graph.AuthenticationMethodsPolicy(ctx, c.Tenant.ID)
		if err != nil {
			return nil //nolint:nilerr // stays unknown
		}
		tap := p.Enabled("TemporaryAccessPass")
		t.TemporaryAccessPass, t.MethodsMigration, t.Passwordless = &tap, p.PolicyMigrationState, []string{}
		for _, m := range passwordless {
			if p.Enabled(m) {
				t.Passwordless = append(t.Passwordless, m)
			}
		}
		if r := p.RegistrationEnforcement; r != nil && r.AuthenticationMethodsRegistrationCampaign != nil {
			on := r.AuthenticationMethodsRegistrationCampaign.State == "enabled"
			t.RegistrationCampaign = &on
		}
		return nil
	})
	read(func() error {
		ps, err := c.Graph.ConditionalAccessPolicies(ctx, c.Tenant.ID)
		if err != nil {
			return nil //nolint:nilerr // stays unknown
		}
		n := 0
		for _, p := range ps {
			if wantsMFA(p) {
				n++
			}
		}
		t.ConditionalAccessMFA = &n
		return nil
	})
	read(func() error {
		if o, err := c.Graph.OrganizationConfig(ctx, c.Tenant.ID); err == nil {
			on := !o.AuditDisabled
			t.MailboxAuditing = &on
		}
		return nil
	})
	read(func() error {
		if a, err := c.Graph.AdminAuditLogConfig(ctx, c.Tenant.ID); err == nil {
			t.UnifiedAuditIngestion = &a.UnifiedAuditLogIngestionEnabled
		}
		return nil
	})
	read(func() error {
		o, err := c.Graph.Organization(ctx, c.Tenant.ID)
		if err != nil {
			return nil //nolint:nilerr // stays unknown
		}
		if t.IdentityModel = "cloud"; o.OnPremisesSyncEnabled != nil && *o.OnPremisesSyncEnabled {
			t.IdentityModel = "hybrid"
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		panic(err) // no function returns an error: one panicked
	}
	t.Consequences = t.consequences()
	return t
}

// passwordless are the methods of the policy that replace a password. The authenticator does where its mode allows it,
// which is the default.
//
// Reference: https://learn.microsoft.com/graph/api/resources/authenticationmethodspolicies-overview
var passwordless = []string{"Fido2", "MicrosoftAuthenticator", "X509Certificate"}

// consequences turn what a tenant does not allow into a sentence before a tool fails of it.
func (t TenantCapabilities) consequences() []string {
	off := func(b *bool) bool { return b != nil && !*b }
	asks := t.ConditionalAccessMFA != nil && *t.ConditionalAccessMFA > 0
	out := []string{}
	for _, c := range []struct {
		holds bool
		says  string
	}{
		{off(t.TemporaryAccessPass), "Temporary Access Pass is off in the authentication methods policy: cipp_create_tap has no effect here"},
		{off(t.SecurityDefaults) && !asks, "neither security defaults nor a Conditional Access policy asks for MFA: cipp_reset_mfa makes nobody register again"},
		{off(t.RegistrationCampaign) && off(t.SecurityDefaults), "no registration campaign: nobody is asked to register a method before one is needed"},
		{t.Passwordless != nil && len(t.Passwordless) == 0, "no passwordless method is on: a Temporary Access Pass leads to no sign-in without a password"},
		{t.MethodsMigration == "preMigration" || t.MethodsMigration == "migrationInProgress", "the legacy MFA and password reset policies still count beside the authentication methods policy: a method that is off in one may be on in the other"},
		{t.IdentityModel == "hybrid", "some users are mastered on premises: their names, passwords and sign-in state are changed there"},
		{t.Marketplace == "none", "no licence provider is set up: cipp_manage_user_licenses cannot ask for seats (requestIfUnavailable)"},
		{off(t.MailboxAuditing), "mailbox auditing is off: cipp_bec_check finds less"},
		{off(t.UnifiedAuditIngestion), "the unified audit log is off: cipp_bec_check finds less"},
	} {
		if c.holds {
			out = append(out, c.says)
		}
	}
	return out
}

// health tries one harmless read of each service and says in words what came of it.
func health(ctx context.Context, c *Call) TenantHealth {
	h := TenantHealth{SignInMode: string(c.Graph.Mode()), Relationship: strings.TrimSpace(c.Tenant.Health + " " + c.Tenant.Reason), Checks: map[string]string{}}
	if !c.Tenant.RelationshipEnd.IsZero() {
		h.RelationshipEnd = &c.Tenant.RelationshipEnd
	}
	probes := map[string]func() error{
		"directory": func() error { _, err := c.Graph.Organization(ctx, c.Tenant.ID); return err },
		"exchange":  func() error { _, err := c.Graph.OrganizationConfig(ctx, c.Tenant.ID); return err },
		"MFA report": func() error {
			for _, err := range c.Graph.RegistrationDetails(ctx, c.Tenant.ID, "") {
				return err
			}
			return nil
		},
		"policies": func() error { _, err := c.Graph.SecurityDefaults(ctx, c.Tenant.ID); return err },
	}
	type answer struct{ name, said string }
	answers := make(chan answer, len(probes))
	for name, f := range probes {
		go func() {
			if err := jobs.Caught(f); err != nil {
				answers <- answer{name, Explain(err)}
				return
			}
			answers <- answer{name, "works"}
		}()
	}
	for range probes {
		a := <-answers
		h.Checks[a.name] = a.said
	}
	return h
}

// mostLackTools is how many tools stand beside something that is missing.
const mostLackTools = 6

// lacking is what the tools in use need in the tenant and this server has not got.
func (c *Call) lacking(ctx context.Context) ([]Lack, string) {
	lacks := []Lack{}
	if c.Listed == nil {
		return lacks, ""
	}
	x := Examination{}
	g, err := c.Graph.Granted(ctx, c.Tenant.ID)
	switch {
	case err != nil:
		return lacks, "no sign-in: " + Explain(err)
	case !g.Readable:
		return lacks, "what the access token grants cannot be read, so permissions are not checked"
	}
	x.lacks(c.Graph.Mode() == graphclient.App, g, c.Listed())
	for _, l := range x.Lacks {
		if more := len(l.Tools) - mostLackTools; more > 0 {
			l.Tools = append(slices.Clone(l.Tools[:mostLackTools]), fmt.Sprintf("and %d more", more))
		}
		lacks = append(lacks, l)
	}
	return lacks, ""
}

// myPermissions is what this server's operator lets its clients do. It can be read here and changed only by him.
func (c *Call) myPermissions(ctx context.Context) map[string]string {
	cfg := c.Policy.Config
	write := c.Policy.MayWrite()
	if write == "" {
		write = "yes; every write shows a plan and is approved first"
	}
	if err := c.Policy.Thawed(ctx); err != nil {
		write = "no: " + Explain(err)
	}
	out := map[string]string{
		"write":               write,
		"external forwarding": map[bool]string{true: "allowed", false: "denied"}[c.Policy.ExternalForwarding()],
		"own passwords":       map[bool]string{true: "accepted with a warning", false: "refused"}[c.Policy.PasswordsFromCaller()],
		"deleting for good":   map[bool]string{true: "allowed, with the operator's approval each time", false: "denied"}[cfg.Guards.Purge == "allow"],
		"approval":            fmt.Sprintf("write: %s, destructive: %s, critical: %s", cfg.Approval.Write, cfg.Approval.Destructive, cfg.Approval.Critical),
		"second person":       orNone(cfg.Approval.TwoPerson),
		"break-glass":         count(len(cfg.Guards.BreakGlass), "account", "accounts") + " that no write touches",
		"limits": fmt.Sprintf("more needs the operator: %d writes, %d users of a tenant, %d tenants within an hour; %d people in one run (0: no limit)",
			cfg.Guards.MaxWritesPerHour, cfg.Guards.MassAction, cfg.Guards.BulkTenants, cfg.Guards.MaxPeoplePerRun),
		"tenants":  "all customers",
		"profiles": orNone(c.Policy.Profiles(c.Tenant)),
	}
	if len(cfg.Tenants.Allow)+len(cfg.Tenants.Deny) > 0 {
		out["tenants"] = fmt.Sprintf("%d allowed (0: all), %d denied", len(cfg.Tenants.Allow), len(cfg.Tenants.Deny))
	}
	if c.Listed != nil {
		var on []string
		for _, t := range c.Listed() {
			on = append(on, t.Name)
		}
		out["tools"] = fmt.Sprintf("%d, preset %s", len(on), cfg.Tools.Preset)
		out["switched off"] = orNone(cfg.Tools.Remove)
		out["tools on"] = strings.Join(on, ", ")
	}
	return out
}
