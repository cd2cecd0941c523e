package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// operatorOnly ends the sentence of every blocker that only the operator could lift.
const operatorOnly = "; that needs the operator's own approval, which this version cannot take, so it has to be done in the admin centre"

// guardTarget holds the guards that depend on whom a write is aimed at. It fails closed: when the
// facts cannot be read, there is no plan.
func (e *Engine) guardTarget(ctx context.Context, req Request, p *Plan) error {
	u := req.User
	if u == nil {
		return nil
	}
	if slices.ContainsFunc(e.Config.Guards.BreakGlass, func(b string) bool {
		return strings.EqualFold(b, u.UserPrincipalName) || strings.EqualFold(b, u.ID)
	}) {
		p.Blockers = append(p.Blockers, fmt.Sprintf("%s is a break-glass account (guards.breakGlass); no tool touches it", u.UserPrincipalName))
		return nil
	}
	priv, err := e.Graph.PrivilegesOf(ctx, req.Tenant.ID, u.ID)
	if err != nil {
		return fmt.Errorf("find out whether %s is an administrator: %w", u.UserPrincipalName, err)
	}
	var held []string
	for _, r := range priv.Roles {
		held = append(held, r.DisplayName)
	}
	for _, g := range priv.RoleGroups {
		held = append(held, "the role-assignable group "+g.DisplayName)
	}
	if len(held) > 0 {
		p.Risk = Critical
		p.Blockers = append(p.Blockers, fmt.Sprintf("%s is an administrator (%s)", u.UserPrincipalName, strings.Join(held, ", "))+operatorOnly)
	}
	return nil
}

// PasswordsFromCaller says whether a caller may choose a password.
func (e *Engine) PasswordsFromCaller() bool { return e.Config.Passwords.FromCaller != "refuse" }

// ExternalForwarding says whether mail may be forwarded out of the tenant.
func (e *Engine) ExternalForwarding() bool { return e.Config.Guards.ExternalForwarding == "allow" }

// UsageLocation is the default usage location the operator set for a tenant, "" when none is.
func (e *Engine) UsageLocation(domain string) string {
	if v := e.Config.UsageHints[domain]; v != "" {
		return v
	}
	return e.Config.UsageHints["default"]
}

// OffboardingDefault tells the operator's default for one option of cipp_offboard_user in a tenant
// and where it comes from ("" when it is the product's own).
func (e *Engine) OffboardingDefault(domain, option string, builtin bool) (value bool, from string) {
	for _, key := range []string{domain, "default"} {
		d, ok := e.Config.Offboard[key]
		if !ok {
			continue
		}
		p := map[string]*bool{"convertToShared": d.ConvertToShared, "removeLicenses": d.RemoveLicenses, "removeFromGroups": d.RemoveFromGroups, "hideFromGal": d.HideFromGal}[option]
		if p != nil {
			return *p, "offboarding." + key
		}
	}
	return builtin, ""
}
