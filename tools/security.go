package tools

import (
	"context"
	"slices"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

var resetMFA = Write(Tool{
	Name: "cipp_reset_mfa", Title: "Reset MFA", Toolset: "security", Risk: policy.Destructive, Idempotent: true, Aliases: userAliases,
	Description: "Removes all of a user's MFA methods, the default last, so that the user has to register again. To see them first use cipp_get_user with sections=[\"mfa\"].",
	Needs:       Needs{App: []string{"UserAuthenticationMethod.ReadWrite.All", "Policy.Read.All"}, GDAPRoles: []string{"Authentication Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","dryRun":true}`,
}, func(ctx context.Context, c *Call, _ UserWriteIn) (Work, error) {
	steps, err := workflows.RemoveAuthMethods(ctx, c.target(), c.Run)
	if err != nil {
		return Work{}, err
	}
	if len(steps) == 0 {
		return Work{}, nil
	}
	w := Work{Steps: steps, Warnings: []string{"removing methods ends no session; cipp_revoke_sessions does"}}
	if !asksForMFA(ctx, c) {
		w.Warnings = append(w.Warnings, "neither security defaults nor a Conditional Access policy that asks for MFA was found here, and the user's legacy state does not ask either: after the reset the user may sign in with the password alone; cipp_set_user_mfa with state=enabled has the next sign-in ask")
	}
	return w, nil
})

// asksForMFA says whether something will ask the user to register again: security defaults, the user's own legacy state,
// or else a Conditional Access policy. What cannot be read does not count.
func asksForMFA(ctx context.Context, c *Call) bool {
	if state, err := c.Graph.PerUserMFAState(ctx, c.Tenant.ID, c.User.ID); err == nil && (state == "enabled" || state == "enforced") {
		return true
	}
	if on, err := c.Graph.SecurityDefaults(ctx, c.Tenant.ID); err == nil && on {
		return true
	}
	policies, err := c.Graph.ConditionalAccessPolicies(ctx, c.Tenant.ID)
	return err == nil && slices.ContainsFunc(policies, wantsMFA)
}

// wantsMFA says whether a policy is in force and asks for MFA.
func wantsMFA(p graphclient.CAPolicy) bool {
	g := p.GrantControls
	return p.State == "enabled" && g != nil && (g.AuthenticationStrength != nil || slices.Contains(g.BuiltInControls, "mfa"))
}

var revokeSessions = Write(Tool{
	Name: "cipp_revoke_sessions", Title: "Revoke sessions", Toolset: "security", Risk: policy.Write, Aliases: userAliases,
	Description: "Ends all of a user's sessions and refresh tokens; access tokens live on for up to an hour. It locks nobody out: with the password one can sign in again.",
	Needs:       Needs{App: []string{"User.RevokeSessions.All", "User.Read.All"}, GDAPRoles: []string{"User Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","dryRun":true}`,
}, func(_ context.Context, c *Call, _ UserWriteIn) (Work, error) {
	return Work{Steps: []jobs.Step{workflows.RevokeSessions(c.target())}, Warnings: []string{"access tokens that are out live on for up to an hour"}}, nil
})
