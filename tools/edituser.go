package tools

import (
	"context"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// EditUserIn are the arguments of cipp_edit_user.
type EditUserIn struct {
	TenantArg
	UserArg
	DisplayName *string `json:"displayName,omitempty"`
	PersonArgs
	UserPrincipalName string         `json:"newUserPrincipalName,omitempty" jsonschema_description:"New sign-in name."`
	Domain            string         `json:"domain,omitempty" jsonschema_description:"Of the sign-in name."`
	Manager           string         `json:"managerId,omitempty"`
	Photo             map[string]any `json:"photo,omitempty" jsonschema_description:"path or base64: JPG, PNG, GIF under 800 KB."`
	Clear             []string       `json:"clear,omitempty" jsonschema:"maxItems=25" jsonschema_description:"Properties to empty."`
	WriteArgs
}

// signInName is the name a row of a bulk takes for itself.
func (in EditUserIn) signInName(current string) string {
	local, _, _ := strings.Cut(current, "@")
	switch {
	case in.UserPrincipalName != "":
		return strings.TrimSpace(in.UserPrincipalName)
	case in.Domain != "":
		return local + "@" + strings.TrimPrefix(strings.TrimSpace(in.Domain), "@")
	}
	return ""
}

var editUser = Write(Tool{
	Name: "cipp_edit_user", Title: "Edit a user", Toolset: "lifecycle", Risk: policy.Write, MayDestroy: true, Idempotent: true,
	Description: "Changes the named properties of a user and no others. Sign-in is blocked with cipp_disable_user, a password set with cipp_reset_password.",
	Aliases: with(userAliases, map[string]string{"email": "", "emailAddress": "", "mailbox": "", "userPrincipalName": "userId", "givenName": "firstName", "surname": "lastName", "businessPhones": "businessPhone", "manager": "managerId", "setManager": "managerId",
		"alternateEmail": "otherMails", "title": "jobTitle", "office": "officeLocation", "mobile": "mobilePhone", "company": "companyName", "street": "streetAddress", "zip": "postalCode", "fax": "faxNumber", "primDomain": "domain", "clearProperties": "clear"}),
	Second:  map[string]string{"userPrincipalName": "newUserPrincipalName"},
	Needs:   Needs{App: []string{"User.ReadWrite.All", "Domain.Read.All", "User-LifeCycleInfo.ReadWrite.All", "ProfilePhoto.ReadWrite.All"}, GDAPRoles: []string{"User Administrator"}},
	Example: `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","jobTitle":"Head of Sales","dryRun":true}`,
}, func(ctx context.Context, c *Call, in EditUserIn) (Work, error) {
	patch, err := in.patch(in)
	if err != nil {
		return Work{}, err
	}
	switch upn := strings.TrimSpace(in.UserPrincipalName); {
	case upn != "" && in.Domain != "":
		return Work{}, invalid("Give newUserPrincipalName or domain, not both.")
	case upn != "" && strings.Count(upn, "@") != 1:
		return Work{}, invalid("newUserPrincipalName must be name@domain (got %q).", Clean(upn, 120))
	case upn != "":
		patch["userPrincipalName"] = upn
	case in.Domain != "":
		local, _, _ := strings.Cut(c.User.UserPrincipalName, "@")
		if strings.Contains(strings.ToUpper(local), "#EXT#") {
			return Work{}, invalid("domain: %s is a guest, whose sign-in name is made of the address elsewhere.", c.User.UserPrincipalName)
		}
		patch["userPrincipalName"] = local + "@" + strings.TrimPrefix(strings.TrimSpace(in.Domain), "@")
	}
	if err := cleared(patch, in.Clear); err != nil {
		return Work{}, err
	}
	var w Work
	if len(patch) > 0 {
		w.Steps = append(w.Steps, workflows.EditUser(c.target(), patch))
	}
	if in.Manager != "" {
		m, err := jobs.Found(ctx, c.Run, "manager", func(ctx context.Context) (graphclient.User, error) { return c.userNamed(ctx, "managerId", in.Manager) })
		if err != nil {
			return w, err
		}
		w.Steps = append(w.Steps, workflows.SetManager(c.target(), m))
	}
	if len(in.Photo) > 0 {
		picture, err := c.photo(ctx, in.Photo)
		if err != nil {
			return w, err
		}
		w.Steps = append(w.Steps, workflows.SetPhoto(c.target(), picture))
	}
	if len(w.Steps) == 0 {
		return w, invalid("Name at least one property to change.")
	}
	if recovery(patch) {
		w.Risk = policy.Destructive // the sign-in name, or a contact that recovery may use
	}
	return w, nil
})
