package tools

import (
	"context"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

var deleteNeeds = Needs{App: []string{"User.DeleteRestore.All", "User.Read.All", "Directory.Read.All"}, AppRoles: []string{"User Administrator"}, GDAPRoles: []string{"User Administrator"}}

var deleteUser = Write(Tool{
	Name: workflows.DeleteTool, Title: "Delete a user", Toolset: "lifecycle", Risk: policy.Destructive, Extra: true, Idempotent: true, Aliases: userAliases, Needs: deleteNeeds,
	Description: "Deletes a user; for 30 days cipp_restore_user brings it back. For a leaver use cipp_offboard_user with deleteAfterDays.",
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","dryRun":true}`,
}, func(_ context.Context, c *Call, _ LaterUserIn) (Work, error) {
	return Work{Steps: []jobs.Step{workflows.DeleteUser(c.target())}}, nil
})

// RestoreUserIn are the arguments of cipp_restore_user. The user is no user of the directory now, so that it is
// looked for in the recycle bin.
type RestoreUserIn struct {
	TenantArg
	UserID string `json:"userId" jsonschema_description:"Deleted user's former user principal name, or object id."`
	WriteArgs
}

var restoreUser = Write(Tool{
	Name: "cipp_restore_user", Title: "Restore a deleted user", Toolset: "lifecycle", Risk: policy.Destructive, Extra: true, Idempotent: true, Aliases: userAliases, Needs: deleteNeeds,
	Description: "Restores a user deleted within 30 days, with groups, licences and mailbox as far as Microsoft kept them. Sign-in is as it was before the deletion.",
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"max@contoso.com","dryRun":true}`,
}, func(ctx context.Context, c *Call, in RestoreUserIn) (Work, error) {
	u, err := jobs.Found(ctx, c.Run, "deleted", func(ctx context.Context) (graphclient.User, error) { return c.deleted(ctx, in.UserID) })
	if err != nil {
		return Work{}, err
	}
	t := c.target()
	t.User = u
	w := Work{Steps: []jobs.Step{workflows.RestoreUser(t)}, Warnings: []string{"what the user was comes back too: memberships, licences where there are seats, and any directory role"}}
	if u.DeletedDateTime != nil {
		w.Warnings = append(w.Warnings, "it can be restored until "+workflows.RestorableUntil(*u.DeletedDateTime).Format(time.DateOnly))
	}
	return w, nil
})

// deleted is the deleted user who bore a name. Microsoft puts the id without dashes in front of a deleted user's
// name, so that several may have borne the same.
func (c *Call) deleted(ctx context.Context, name string) (graphclient.User, error) {
	var found []graphclient.User
	for p, err := range c.Graph.Users(ctx, c.Tenant.ID, graphclient.UserQuery{Deleted: true, Select: []string{"id", "userPrincipalName", "displayName", "mail", "deletedDateTime", "userType"}}) {
		if err != nil {
			return graphclient.User{}, err
		}
		for _, u := range p.Users {
			upn := strings.TrimPrefix(u.UserPrincipalName, strings.ReplaceAll(u.ID, "-", ""))
			if strings.EqualFold(name, u.ID) || strings.EqualFold(name, upn) || strings.EqualFold(name, u.UserPrincipalName) {
				u.UserPrincipalName = upn
				found = append(found, u)
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return graphclient.User{}, &Problem{Code: "user_not_found", Message: "No deleted user of " + c.Tenant.DefaultDomain + " is called " + q(name) + ".", Next: "Users can be restored for 30 days; one that is not deleted needs no restoring.", Tenant: c.Tenant.DefaultDomain}
	}
	return graphclient.User{}, invalid("several deleted users were called %q; name one by its object id.", Clean(name, 120))
}

// EndAccessIn are the arguments of cipp_end_access.
type EndAccessIn struct {
	TenantArg
	UserArg
	FullAccess     []string `json:"fullAccess,omitempty" jsonschema:"maxItems=10"`
	SendAs         []string `json:"sendAs,omitempty" jsonschema:"maxItems=10"`
	SendOnBehalf   []string `json:"sendOnBehalf,omitempty" jsonschema:"maxItems=10"`
	OneDriveAccess []string `json:"oneDriveAccess,omitempty" jsonschema:"maxItems=10"`
	WriteArgs
}

// endAccess ends what an offboarding gave colleagues for a while. It is a run for later only: no list shows it.
var endAccess = Write(Tool{
	Name: workflows.EndAccessTool, Title: "End colleagues' access", Toolset: "internal", Risk: policy.Write, Idempotent: true,
	Description: "Ends the access to a leaver's mailbox and OneDrive that cipp_offboard_user gave colleagues for a time.",
	Needs:       Needs{App: []string{"User.Read.All", "Files.ReadWrite.All", "Exchange.ManageAsApp"}, AppRoles: []string{"Exchange Administrator"}, GDAPRoles: []string{"Exchange Administrator"}},
}, func(ctx context.Context, c *Call, in EndAccessIn) (Work, error) {
	var w Work
	anybody := func(ctx context.Context, argument, name string) (graphclient.User, error) { // whoever has left since loses it all the more
		return jobs.Found(ctx, c.Run, "colleague/"+name, func(ctx context.Context) (graphclient.User, error) {
			u, err := c.Graph.User(ctx, c.Tenant.ID, name, "id", "userPrincipalName", "displayName", "mail", "mailNickname")
			if graphclient.KindOf(err) == graphclient.NotFound {
				return u, invalid("%s: there is no user %q in %s.", argument, Clean(name, 120), c.Tenant.DefaultDomain)
			}
			return u, err
		})
	}
	given, err := c.accessGiven(ctx, anybody, in.FullAccess, in.SendAs, in.SendOnBehalf, in.OneDriveAccess)
	for _, a := range given {
		w.Steps = append(w.Steps, workflows.EndAccess(c.target(), a.Grant, a.Who))
	}
	return w, err
})
