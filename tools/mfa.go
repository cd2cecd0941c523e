package tools

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// SetUserMFAIn are the arguments of cipp_set_user_mfa.
type SetUserMFAIn struct {
	TenantArg
	UserArg
	State          string   `json:"state,omitempty" jsonschema:"enum=disabled,enum=enabled,enum=enforced" jsonschema_description:"Legacy per-user state."`
	DefaultMethod  string   `json:"defaultMethod,omitempty" jsonschema:"enum=push,enum=oath,enum=sms,enum=voiceMobile,enum=voiceAlternateMobile,enum=voiceOffice"`
	AllowedMethods []string `json:"allowedMethods,omitempty" jsonschema:"maxItems=20" jsonschema_description:"Not possible per user; answers with the policy that decides."`
	WriteArgs
}

var setUserMFA = Write(Tool{
	Name: "cipp_set_user_mfa", Title: "Set a user's MFA", Toolset: "security", Risk: policy.Write, MayDestroy: true, Idempotent: true, Extra: true,
	Description: "Sets a user's per-user MFA state or default method. Methods are added by cipp_add_mfa_phone, removed by cipp_remove_mfa_method or cipp_reset_mfa.",
	Aliases:     with(userAliases, map[string]string{"perUserMfaState": "state", "methodType": "defaultMethod"}),
	Needs:       Needs{App: []string{"Policy.ReadWrite.AuthenticationMethod", "UserAuthenticationMethod.ReadWrite.All", "Policy.Read.All"}, GDAPRoles: []string{"Authentication Policy Administrator", "Authentication Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","state":"enforced","dryRun":true}`,
}, func(ctx context.Context, c *Call, in SetUserMFAIn) (Work, error) {
	var w Work
	if len(in.AllowedMethods) > 0 {
		now, err := workflows.AllowedMethods(ctx, c.target())
		if err != nil {
			return w, err
		}
		return w, &Problem{Code: "invalid_argument", Message: "allowedMethods cannot be set for one user: Microsoft allows methods by the authentication methods policy of the tenant, to groups. " + c.Tenant.DefaultDomain + " allows " + Clean(now, 300) + ".",
			Next: "Change who is in the group named there, or have an administrator change the policy in the Entra admin centre (Authentication methods, Policies)."}
	}
	if in.State != "" {
		w.Steps = append(w.Steps, workflows.SetPerUserMFA(c.target(), in.State))
		if in.State == "disabled" {
			w.Risk = policy.Destructive
		}
	}
	if in.DefaultMethod != "" {
		w.Steps = append(w.Steps, workflows.SetDefaultMFAMethod(c.target(), in.DefaultMethod))
	}
	if len(w.Steps) == 0 {
		return w, invalid("Name state or defaultMethod.")
	}
	return w, nil
})

// AddMFAPhoneIn are the arguments of cipp_add_mfa_phone.
type AddMFAPhoneIn struct {
	TenantArg
	UserArg
	PhoneNumber string `json:"phoneNumber" jsonschema:"maxLength=40" jsonschema_description:"+{country code} {number}, as +44 7700900123; office: x{extension} behind."`
	PhoneType   string `json:"phoneType,omitempty" jsonschema:"enum=mobile,enum=alternateMobile,enum=office,default=mobile"`
	WriteArgs
}

// mfaNumber is a number as Microsoft takes it: the country code apart.
var mfaNumber = regexp.MustCompile(`^\+[0-9]{1,3} [0-9]{4,14}(x[0-9]{1,8})?$`)

var addMFAPhone = Write(Tool{
	Name: "cipp_add_mfa_phone", Title: "Add an MFA telephone", Toolset: "security", Risk: policy.Destructive, Idempotent: true, Extra: true,
	Description: "Registers a telephone as a user's second factor: it lets its holder in, so be sure whose it is. For a way in without a telephone use cipp_create_tap.",
	Aliases:     with(userAliases, map[string]string{"phone": "phoneNumber", "number": "phoneNumber", "type": "phoneType"}),
	Needs:       Needs{App: []string{"UserAuthenticationMethod.ReadWrite.All"}, GDAPRoles: []string{"Authentication Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","phoneNumber":"+49 15112345678","dryRun":true}`,
}, func(_ context.Context, c *Call, in AddMFAPhoneIn) (Work, error) {
	number := strings.ReplaceAll(strings.Join(strings.Fields(in.PhoneNumber), " "), " x", "x")
	if code, rest, ok := strings.Cut(number, " "); ok { // only the country code stands apart
		number = code + " " + strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "").Replace(rest)
	}
	if !mfaNumber.MatchString(number) {
		return Work{}, invalid("phoneNumber must be +{country code} {number} with a space between the two, such as +44 7700900123.")
	}
	kind := in.PhoneType
	if kind == "" {
		kind = "mobile"
	}
	return Work{Steps: []jobs.Step{workflows.AddMFAPhone(c.target(), number, kind)}}, nil
})

// RemoveMFAMethodIn are the arguments of cipp_remove_mfa_method.
type RemoveMFAMethodIn struct {
	TenantArg
	UserArg
	MethodIDs []string `json:"methodIds" jsonschema:"minItems=1,maxItems=20" jsonschema_description:"From cipp_get_user, sections mfa."`
	WriteArgs
}

var removeMFAMethod = Write(Tool{
	Name: "cipp_remove_mfa_method", Title: "Remove MFA methods", Toolset: "security", Risk: policy.Destructive, Idempotent: true, Extra: true,
	Description: "Removes single MFA methods of a user, such as an authenticator on a lost telephone. To remove all of them use cipp_reset_mfa.",
	Aliases:     with(userAliases, map[string]string{"methodId": "methodIds"}),
	Needs:       Needs{App: []string{"UserAuthenticationMethod.ReadWrite.All"}, GDAPRoles: []string{"Authentication Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","methodIds":["3179e48a-750b-4051-897c-87b9720928f7"],"dryRun":true}`,
}, func(ctx context.Context, c *Call, in RemoveMFAMethodIn) (Work, error) {
	slices.Sort(in.MethodIDs)
	steps, unknown, err := workflows.RemoveMFAMethods(ctx, c.target(), c.Run, slices.Compact(in.MethodIDs))
	switch {
	case err != nil:
		return Work{}, err
	case slices.ContainsFunc(unknown, func(id string) bool { return strings.EqualFold(id, passwordMethodID) }):
		return Work{}, invalid("methodIds: the password is no method that can be removed; cipp_reset_password sets another.")
	case len(unknown) > 0:
		return Work{}, invalid("methodIds: %s has no method %q; cipp_get_user with sections=[\"mfa\"] lists them.", c.User.UserPrincipalName, Clean(unknown[0], 80))
	}
	return Work{Steps: steps, Warnings: []string{"removing methods ends no session; cipp_revoke_sessions does"}}, nil
})

// passwordMethodID is the id of every user's password among the methods.
const passwordMethodID = "28c10230-6103-485e-b985-444c60001490" //nolint:gosec // an id, no password
