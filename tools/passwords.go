package tools

import (
	"context"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// ResetPasswordIn are the arguments of cipp_reset_password.
type ResetPasswordIn struct {
	TenantArg
	UserArg
	Password           string `json:"password,omitempty" jsonschema:"maxLength=256" jsonschema_description:"Leave it out: one is generated and sealed for the operator."`
	MustChangePassword *bool  `json:"mustChangePassword,omitempty" jsonschema:"default=true" jsonschema_description:"Ask for a new one at the next sign-in."`
	WriteArgs
}

var resetPassword = Write(Tool{
	Name: "cipp_reset_password", Title: "Reset a password", Toolset: "passwords", Risk: policy.Destructive,
	Description: "Sets a new password for a cloud user. Without password a strong one is generated; the result holds a handle, and a person reveals it with cipp-mcp secrets reveal.",
	Aliases:     with(userAliases, map[string]string{"newPassword": "password", "mustChangeAtNextSignIn": "mustChangePassword", "MustChangePass": "mustChangePassword"}),
	Needs:       Needs{App: []string{"User-PasswordProfile.ReadWrite.All", "User.Read.All", "Domain.Read.All"}, AppRoles: []string{"User Administrator"}, GDAPRoles: []string{"User Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","dryRun":true}`,
}, func(_ context.Context, c *Call, in ResetPasswordIn) (Work, error) {
	w, err := c.withPassword(in.Password)
	if err != nil {
		return w, err
	}
	mustChange := in.MustChangePassword == nil || *in.MustChangePassword
	w.Steps = []jobs.Step{workflows.ResetPassword(c.target(), c.sealer(), in.Password, mustChange)}
	return w, nil
})

// withPassword begins a work that sets a password: a caller's own is accepted with a warning, or
// refused where the operator says so, and never comes back in any result.
func (c *Call) withPassword(given string) (Work, error) {
	var w Work
	if given == "" {
		return w, nil
	}
	if !c.Policy.PasswordsFromCaller() {
		return w, &Problem{Code: "password_refused", Message: "This server takes no passwords from callers (passwords.fromCaller: refuse).", Next: "Leave password out: a strong one is generated and sealed for the operator."}
	}
	c.Redactor.Add(given)
	w.Risk = policy.Destructive
	w.Warnings = append(w.Warnings, "this password was seen by the model and its log; have it changed at the first sign-in, or leave password out next time")
	return w, nil
}

// createdBy is the id of what a run created, "" when it created nothing.
func createdBy(run *jobs.Run) string {
	var id string
	run.Get(workflows.CreatedID, &id)
	return id
}

// secretsOf tells where the secret waits that a run sealed, if it still does.
func (e *Env) secretsOf(run *jobs.Run, steps []jobs.StepResult) []SecretRef {
	var handle, step string
	if !run.Get(workflows.SecretHandle, &handle) || handle == "" {
		return nil
	}
	who := run.User
	if who == "" {
		who = run.Tenant
	}
	ref := SecretRef{Handle: handle, For: who, Reveal: e.Secrets.HowToOpen(handle)}
	if !e.Secrets.Waits(handle) {
		ref.Reveal, ref.Gone = "", true
	}
	run.Get(workflows.SecretStep, &step)
	for _, s := range steps {
		if s.Step == step && s.State != jobs.StateDone {
			ref.Note = "this secret may not be in force: " + s.Step + " ended " + s.State + "; it is kept in case it is"
		}
	}
	return []SecretRef{ref}
}

func (c *Call) sealer() workflows.Sealer { return sealer{c.Env} }

// sealer lets workflows make and keep secrets without knowing where.
type sealer struct{ env *Env }

func (s sealer) Seal(ctx context.Context, kind, whom, secret string) (string, error) {
	s.env.Redactor.Add(secret)
	info, err := s.env.Sink.Seal(ctx, kind, whom, secret)
	return info.Handle, err
}

func (s sealer) Discard(ctx context.Context, handle string) { s.env.Sink.Discard(ctx, handle) }
func (s sealer) Ready() error                               { return s.env.Sink.Ready() }
func (s sealer) Generate() (string, error)                  { return s.env.Secrets.Generate() }

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
