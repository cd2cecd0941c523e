package tools

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	Description: "Sets a new password. Without password a strong one is generated; the result holds a handle, and a person reveals it with cipp-mcp secrets reveal.",
	Aliases:     with(userAliases, map[string]string{"newPassword": "password", "mustChangeAtNextSignIn": "mustChangePassword", "MustChangePass": "mustChangePassword", "forceChange": "mustChangePassword", "forceChangePasswordNextSignIn": "mustChangePassword"}),
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

// secretsOf tells where the secrets wait that a run sealed, if they still do; rows are those of a bulk.
func (e *Env) secretsOf(run *jobs.Run, steps []jobs.StepResult, rows []RowResult) []SecretRef {
	var handles []string
	var handle, step string
	run.Get(workflows.SecretHandles, &handles)
	if run.Get(workflows.SecretHandle, &handle) && handle != "" {
		handles = append(handles, handle)
	}
	who := run.User
	if who == "" {
		who = run.Tenant
	}
	var out []SecretRef
	for _, handle := range handles {
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
		if n, all := inForce(rows, handle); !all && ref.Note == "" {
			ref.Note = fmt.Sprintf("it holds for %s, not for every one it lists; the column secret of the rows' CSV tells which", count(n, "row", "rows"))
		}
		out = append(out, ref)
	}
	return append(out, e.rowSecrets(rows, handles)...)
}

// inForce is for how many rows the secret is the one that was set, and whether no row is known for which it is not.
func inForce(rows []RowResult, handle string) (n int, all bool) {
	all = true
	for _, r := range rows {
		switch {
		case r.secret == handle:
			n++
		case r.secret != "", r.Status == "failed", r.Status == "attention", r.Status == "cancelled":
			all = false
		}
	}
	return n, all
}

// rowSecretsShown bounds how many secrets of single rows a result names; the rows' CSV has all.
const rowSecretsShown = 10

// rowSecrets are the passwords that rows have for themselves: another process than the one that made the passwords of
// all went on with them, or their first was not taken.
func (e *Env) rowSecrets(rows []RowResult, shared []string) []SecretRef {
	var out []SecretRef
	for _, r := range rows {
		if r.secret == "" || slices.Contains(shared, r.secret) || len(out) == rowSecretsShown {
			continue
		}
		ref := SecretRef{Handle: r.secret, For: r.User, Reveal: e.Secrets.HowToOpen(r.secret), Note: "of this row alone"}
		if !e.Secrets.Waits(r.secret) {
			ref.Reveal, ref.Gone = "", true
		}
		out = append(out, ref)
	}
	return out
}

func (c *Call) sealer() workflows.Sealer {
	s := sealer{env: c.Env}
	if c.Run != nil {
		s.run = c.Run.ID
	}
	return s
}

// sealer lets workflows make and keep secrets without knowing where. A run of a bulk gets the password that was sealed
// with those of the other rows, if this process made it.
type sealer struct {
	env *Env
	run string
}

func (s sealer) Seal(ctx context.Context, kind, whom, secret string) (string, error) {
	s.env.Redactor.Add(secret)
	if handle, ok := s.env.batch.sealed(s.run, secret); ok {
		return handle, nil
	}
	info, err := s.env.Sink.Seal(ctx, kind, whom, secret)
	return info.Handle, err
}

// Discard leaves what others share: that this row's password is not in force stands in the row's result.
func (s sealer) Discard(ctx context.Context, handle string) {
	if !s.shared(ctx, handle) {
		s.env.Sink.Discard(ctx, handle)
	}
}

// shared says whether a secret holds the passwords of other rows too. It may have been another process that sealed it,
// so the ledger is asked; where that cannot tell, the secret is kept.
func (s sealer) shared(ctx context.Context, handle string) bool {
	if s.env.batch.shared(handle) {
		return true
	}
	j, err := s.env.Policy.Ledger.Job(ctx, s.run)
	if err != nil || j.ParentID == "" {
		return err != nil && !errors.Is(err, jobs.ErrNoRun)
	}
	above, err := s.env.Policy.Ledger.Job(ctx, j.ParentID)
	if err != nil {
		return true
	}
	var handles []string
	above.Run.Get(workflows.SecretHandles, &handles)
	return slices.Contains(handles, handle)
}

func (s sealer) Ready() error { return s.env.Sink.Ready() }

func (s sealer) Generate() (string, error) {
	if b, ok := s.env.batch.take(s.run); ok {
		return b.password, nil
	}
	return s.env.Secrets.Generate()
}
