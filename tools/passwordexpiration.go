package tools

import (
	"context"

	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// SetPasswordExpirationIn are the arguments of cipp_set_password_expiration.
type SetPasswordExpirationIn struct {
	TenantArg
	UserArg
	Expires   *bool `json:"expires,omitempty" jsonschema_description:"false: the password never expires."`
	ExpireNow bool  `json:"expireNow,omitempty" jsonschema_description:"Ask for a new one at the next sign-in."`
	WriteArgs
}

var setPasswordExpiration = Write(Tool{
	Name: "cipp_set_password_expiration", Title: "Set password expiration", Toolset: "passwords", Risk: policy.Write, Idempotent: true, Extra: true, Aliases: userAliases,
	Description: "Sets whether a user's password expires, or expires it now: the old one works until the user has chosen another. To set a new one at once use cipp_reset_password.",
	Needs:       Needs{App: []string{"User.ReadWrite.All", "User-PasswordProfile.ReadWrite.All", "Domain.Read.All"}, AppRoles: []string{"User Administrator"}, GDAPRoles: []string{"User Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","expires":false,"dryRun":true}`,
}, func(_ context.Context, c *Call, in SetPasswordExpirationIn) (Work, error) {
	var w Work
	if in.Expires != nil {
		w.Steps = append(w.Steps, workflows.SetPasswordExpiration(c.target(), *in.Expires))
	}
	if in.ExpireNow {
		w.Steps = append(w.Steps, workflows.ExpirePassword(c.target()))
	}
	if len(w.Steps) == 0 {
		return w, invalid("Name expires or expireNow.")
	}
	return w, nil
})
