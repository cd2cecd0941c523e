package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
)

// guardTarget holds the guards that depend on whom a write is aimed at. It fails closed: when the
// facts cannot be read, there is no plan.
func (e *Engine) guardTarget(ctx context.Context, req Request, p *Plan) error {
	u := req.User
	if u == nil {
		return nil
	}
	for _, b := range e.Config.Guards.BreakGlass {
		if bears(*u, strings.TrimSpace(b)) {
			p.Blockers = append(p.Blockers, fmt.Sprintf("%s is a break-glass account (guards.breakGlass in cipp-mcp.yaml); no tool touches it, and only who edits that list can lift this", u.UserPrincipalName))
			return nil
		}
	}
	if err := e.missingBreakGlass(ctx, req, p); err != nil {
		return err
	}
	own, err := e.Graph.OwnUser(ctx, req.Tenant.ID)
	if err != nil {
		return fmt.Errorf("find out as whom this server signs in: %w", err)
	}
	if strings.EqualFold(own, u.ID) {
		p.Blockers = append(p.Blockers, fmt.Sprintf("%s is the account this server itself signs in with; changing it could lock the server out of every customer, so nobody can lift this; sign the server in as somebody else first", u.UserPrincipalName))
		return nil
	}
	held, global, err := e.privileges(ctx, req, p)
	if err != nil {
		return fmt.Errorf("find out whether %s is an administrator: %w", u.UserPrincipalName, err)
	}
	if len(held) == 0 {
		return nil
	}
	p.raise(fmt.Sprintf("%s is an administrator (%s)", u.UserPrincipalName, strings.Join(held, ", ")))
	if !global {
		return nil
	}
	return e.guardLastAdministrator(ctx, req, p)
}

// bears says whether a name from the configuration (id, principal name or any mail address, so that one
// who was renamed is still known by the old address) means this user.
func bears(u graphclient.User, name string) bool {
	if strings.EqualFold(name, u.ID) || strings.EqualFold(name, u.UserPrincipalName) || name != "" && strings.EqualFold(name, u.Mail) {
		return true
	}
	return slices.ContainsFunc(u.ProxyAddresses, func(a string) bool {
		return len(a) > 5 && strings.EqualFold(a[:5], "smtp:") && strings.EqualFold(a[5:], name)
	})
}

// missingBreakGlass warns of a break-glass account that is named by a principal name nobody in this tenant
// bears: it may have been renamed, and then no guard knows it.
func (e *Engine) missingBreakGlass(ctx context.Context, req Request, p *Plan) error {
	if len(e.Config.Guards.BreakGlass) == 0 {
		return nil
	}
	domains, err := shared(ctx, "domains "+req.Tenant.ID, func() ([]graphclient.Domain, error) { return e.Graph.Domains(ctx, req.Tenant.ID) })
	if err != nil {
		return fmt.Errorf("look for the break-glass accounts: %w", err)
	}
	for _, b := range e.Config.Guards.BreakGlass {
		b = strings.TrimSpace(b)
		_, domain, _ := strings.Cut(b, "@")
		if !slices.ContainsFunc(domains, func(d graphclient.Domain) bool { return strings.EqualFold(d.ID, domain) }) {
			continue // an id, or another tenant's
		}
		_, err := shared(ctx, "break-glass "+req.Tenant.ID+" "+b, func() (graphclient.User, error) { return e.Graph.User(ctx, req.Tenant.ID, b, "id") })
		switch {
		case graphclient.KindOf(err) == graphclient.NotFound:
			p.Warnings = append(p.Warnings, fmt.Sprintf("guards.breakGlass names %s, which no user of %s is called any more: if it was renamed it is not guarded; the operator should name it by its object id", b, p.Tenant))
		case err != nil:
			return fmt.Errorf("look for the break-glass account %s: %w", b, err)
		}
	}
	return nil
}

// PasswordsFromCaller says whether a caller may choose a password.
func (e *Engine) PasswordsFromCaller() bool { return e.Config.Passwords.FromCaller != "refuse" }

// ExternalForwarding says whether mail may be forwarded out of the tenant.
func (e *Engine) ExternalForwarding() bool { return e.Config.Guards.ExternalForwarding == "allow" }

// UsageLocation is the default usage location the operator set for a tenant, "" when none is.
func (e *Engine) UsageLocation(domain string) string {
	if v, _ := named(e.Config.UsageHints, domain); v != "" {
		return v
	}
	return e.Config.UsageHints["default"]
}

// named is the entry of a tenant's domain, in whatever case the operator wrote it.
func named[V any](m map[string]V, domain string) (v V, ok bool) {
	for k, v := range m {
		if strings.EqualFold(k, domain) {
			return v, true
		}
	}
	return v, false
}

// OffboardingDefault tells the operator's default for one option of cipp_offboard_user in a tenant
// and where it comes from ("" when it is the product's own).
func (e *Engine) OffboardingDefault(domain, option string, builtin bool) (value bool, from string) {
	for _, key := range []string{domain, "default"} {
		d, ok := named(e.Config.Offboard, key)
		if !ok {
			continue
		}
		p := d.Options()[option]
		if p != nil {
			return *p, "offboarding." + key
		}
	}
	return builtin, ""
}
