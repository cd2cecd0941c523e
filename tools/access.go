package tools

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// SetGroupMembershipIn are the arguments of cipp_set_group_membership.
type SetGroupMembershipIn struct {
	TenantArg
	UserArg
	Add      []string `json:"add,omitempty" jsonschema:"maxItems=50" jsonschema_description:"Groups by name, mail or id."`
	Remove   []string `json:"remove,omitempty" jsonschema:"maxItems=50"`
	CopyFrom string   `json:"copyFrom,omitempty" jsonschema_description:"Also join this user's groups."`
	WriteArgs
}

var setGroupMembership = Write(Tool{
	Name: "cipp_set_group_membership", Title: "Group membership", Toolset: "access", Risk: policy.Write, MayDestroy: true, Idempotent: true, Extra: true,
	Aliases:     with(userAliases, map[string]string{"groups": "add", "groupIds": "add", "copyGroupsFrom": "copyFrom"}),
	Description: "Adds a user to groups of any kind, or removes the user, by the service that owns each. Applications and roles have their own tools.",
	Needs:       Needs{App: []string{"GroupMember.ReadWrite.All", "Policy.Read.All"}, AppRoles: []string{"Exchange Recipient Administrator"}, GDAPRoles: []string{"Groups Administrator", "Exchange Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","add":["All staff"],"dryRun":true}`,
}, func(ctx context.Context, c *Call, in SetGroupMembershipIn) (Work, error) {
	var w Work
	var from *graphclient.User
	if in.CopyFrom != "" {
		u, err := c.userNamed(ctx, "copyFrom", in.CopyFrom)
		if err != nil {
			return w, err
		}
		from = &u
	}
	join, leave, err := c.namedGroups(ctx, in.Add, in.Remove)
	if err != nil {
		return w, err
	}
	if from != nil {
		groups, skipped, err := workflows.CopyGroups(ctx, c.target(), c.Run, *from)
		if err != nil {
			return w, err
		}
		w.Warnings = append(w.Warnings, skipped...)
		for _, g := range groups {
			if !slices.ContainsFunc(join, func(o graphclient.Group) bool { return o.ID == g.ID }) {
				join = append(join, g)
			}
		}
	}
	if len(join)+len(leave) == 0 && from == nil {
		return w, invalid("Name groups in add, remove or copyFrom.")
	}
	excluded, unread := c.excludedGroups(ctx)
	if unread != "" {
		w.Warnings = append(w.Warnings, unread)
	}
	for _, g := range join {
		s := workflows.JoinGroup(c.target(), g)
		if !c.part {
			s = workflows.OnlyRecipients(c.target(), g, s)
		}
		w.Steps = append(w.Steps, s)
		if err := c.weigh(ctx, g, excluded, &w); err != nil {
			return w, err
		}
	}
	if len(leave) > 0 {
		w.Risk = policy.Destructive
	}
	for _, g := range leave {
		s, err := workflows.LeaveOneGroup(ctx, c.target(), g)
		if err != nil {
			return w, err
		}
		w.Steps = append(w.Steps, s)
	}
	return w, nil
})

// namedGroups finds the groups that are named, once in a run's life: names may come to mean others.
func (c *Call) namedGroups(ctx context.Context, add, remove []string) (join, leave []graphclient.Group, err error) {
	type named struct{ Join, Leave []graphclient.Group }
	n, err := jobs.Found(ctx, c.Run, "namedGroups", func(ctx context.Context) (n named, err error) {
		for _, part := range []struct {
			argument string
			names    []string
			to       *[]graphclient.Group
		}{{"add", add, &n.Join}, {"remove", remove, &n.Leave}} {
			for _, name := range part.names {
				g, err := c.groupNamed(ctx, part.argument, name)
				if err != nil {
					return n, err
				}
				if slices.ContainsFunc(slices.Concat(n.Join, n.Leave), func(o graphclient.Group) bool { return o.ID == g.ID }) {
					return n, invalid("%q is named twice.", Clean(name, 80))
				}
				*part.to = append(*part.to, g)
			}
		}
		return n, nil
	})
	return n.Join, n.Leave, err
}

// excludedGroups are the groups that a Conditional Access policy leaves out: whoever joins one escapes the policy.
func (c *Call) excludedGroups(ctx context.Context) (ids map[string]string, unread string) {
	policies, err := c.Graph.ConditionalAccessPolicies(ctx, c.Tenant.ID)
	if err != nil {
		return nil, "whether one of these groups is excluded from Conditional Access could not be read"
	}
	ids = map[string]string{}
	for _, p := range policies {
		if p.State != "enabled" || p.Conditions.Users == nil {
			continue
		}
		for _, id := range p.Conditions.Users.ExcludeGroups {
			ids[strings.ToLower(id)] = p.DisplayName
		}
	}
	return ids, ""
}

// weigh raises the risk of joining a group that gives more than a place on a list.
func (c *Call) weigh(ctx context.Context, g graphclient.Group, excluded map[string]string, w *Work) error {
	if g.Microsoft365() {
		w.Risk = policy.Destructive
	}
	if name, ok := excluded[strings.ToLower(g.ID)]; ok {
		w.Risk = policy.Destructive
		w.Warnings = append(w.Warnings, q(g.DisplayName)+" is excluded from the Conditional Access policy "+q(name)+": it does not hold for its members")
	}
	if !g.SecurityEnabled {
		return nil // applications are assigned to security groups alone
	}
	roles, err := c.Graph.GroupAppRoles(ctx, c.Tenant.ID, g.ID)
	if err != nil {
		return err
	}
	for _, r := range roles {
		w.Risk = policy.Destructive
		w.Warnings = append(w.Warnings, q(g.DisplayName)+" gives access to the application "+q(r.ResourceDisplayName))
	}
	return nil
}

// SetDirectoryRolesIn are the arguments of cipp_set_directory_roles.
type SetDirectoryRolesIn struct {
	TenantArg
	UserArg
	Add      []string `json:"add,omitempty" jsonschema:"maxItems=10" jsonschema_description:"Roles by name or id."`
	Remove   []string `json:"remove,omitempty" jsonschema:"maxItems=10"`
	Scope    string   `json:"scope,omitempty" jsonschema_description:"Id of an administrative unit; else the whole directory."`
	Eligible bool     `json:"eligible,omitempty" jsonschema_description:"To be activated when needed (PIM)."`
	WriteArgs
}

var setDirectoryRoles = Write(Tool{
	Name: "cipp_set_directory_roles", Title: "Directory roles", Toolset: "access", Risk: policy.Critical, MayDestroy: true, Idempotent: true, Extra: true,
	Aliases:     with(userAliases, map[string]string{"roles": "add", "administrativeUnit": "scope"}),
	Description: "Gives a user directory roles, or takes them; the operator approves each time. Prefer eligible=true where the tenant has Entra ID P2; cipp_list_access_catalog names the roles.",
	Needs:       Needs{App: []string{"RoleManagement.ReadWrite.Directory", "RoleEligibilitySchedule.ReadWrite.Directory"}, GDAPRoles: []string{"Privileged Role Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","add":["Helpdesk Administrator"],"dryRun":true}`,
}, func(ctx context.Context, c *Call, in SetDirectoryRolesIn) (Work, error) {
	var w Work
	if len(in.Add)+len(in.Remove) == 0 {
		return w, invalid("Name roles in add or remove.")
	}
	scope := "/"
	if in.Scope != "" && in.Scope != "/" {
		id := strings.TrimPrefix(in.Scope, "/administrativeUnits/")
		if uuid.Validate(id) != nil {
			return w, invalid("scope is the object id of an administrative unit (got %q).", Clean(in.Scope, 60))
		}
		scope = "/administrativeUnits/" + id
	}
	for _, part := range []struct {
		names []string
		hold  bool
	}{{in.Add, true}, {in.Remove, false}} {
		for _, name := range part.names {
			r, err := c.role(ctx, name)
			if err != nil {
				return w, err
			}
			w.Steps = append(w.Steps, workflows.HoldRole(c.target(), workflows.Role{ID: r.ID, Name: r.DisplayName, Scope: scope}, in.Eligible, part.hold))
		}
	}
	return w, nil
})

// role finds one directory role by its name or id.
func (c *Call) role(ctx context.Context, name string) (graphclient.RoleDefinition, error) {
	all, err := c.Graph.RoleDefinitions(ctx, c.Tenant.ID)
	if err != nil {
		return graphclient.RoleDefinition{}, err
	}
	for _, r := range all {
		if strings.EqualFold(r.ID, name) || strings.EqualFold(r.TemplateID, name) || strings.EqualFold(r.DisplayName, name) {
			return r, nil
		}
	}
	var near []string
	for _, r := range all {
		if word, _, _ := strings.Cut(strings.ToLower(name), " "); word != "" && strings.Contains(strings.ToLower(r.DisplayName), word) {
			near = append(near, r.DisplayName)
		}
	}
	hint := "cipp_list_access_catalog with kind=directoryRole lists them"
	if len(near) > 0 {
		hint = "near it are " + strings.Join(near[:min(len(near), 5)], ", ")
	}
	return graphclient.RoleDefinition{}, invalid("There is no directory role %q; %s.", Clean(name, 60), hint)
}

// SetAppAssignmentsIn are the arguments of cipp_set_app_assignments.
type SetAppAssignmentsIn struct {
	TenantArg
	UserArg
	Add    []string `json:"add,omitempty" jsonschema:"maxItems=25" jsonschema_description:"Applications by name or id; app:role where it has several."`
	Remove []string `json:"remove,omitempty" jsonschema:"maxItems=25"`
	WriteArgs
}

var setAppAssignments = Write(Tool{
	Name: "cipp_set_app_assignments", Title: "Application access", Toolset: "access", Risk: policy.Destructive, Idempotent: true, Extra: true,
	Aliases:     with(userAliases, map[string]string{"apps": "add", "applications": "add"}),
	Description: "Assigns a user to enterprise applications, or takes that away. What comes through a group goes with cipp_set_group_membership.",
	Needs:       Needs{App: []string{"AppRoleAssignment.ReadWrite.All", "Application.Read.All"}, GDAPRoles: []string{"Cloud Application Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","add":["Northwind Expenses"],"dryRun":true}`,
}, func(ctx context.Context, c *Call, in SetAppAssignmentsIn) (Work, error) {
	var w Work
	if len(in.Add)+len(in.Remove) == 0 {
		return w, invalid("Name applications in add or remove.")
	}
	for _, name := range in.Add {
		r, err := c.appRole(ctx, name, true)
		if err != nil {
			return w, err
		}
		w.Steps = append(w.Steps, workflows.AssignApp(c.target(), r))
	}
	for _, name := range in.Remove {
		r, err := c.appRole(ctx, name, false)
		if err != nil {
			return w, err
		}
		w.Steps = append(w.Steps, workflows.UnassignApp(c.target(), r))
	}
	return w, nil
})

// appRole finds an application, and the role of it that "app:role" names. To be given, a role has to be certain.
func (c *Call) appRole(ctx context.Context, name string, give bool) (workflows.AppRole, error) {
	app, role, _ := strings.Cut(name, ":")
	app, role = strings.TrimSpace(app), strings.TrimSpace(role)
	filter := "displayName eq " + graphclient.ODataString(app)
	if uuid.Validate(app) == nil {
		filter = "id eq " + graphclient.ODataString(app) + " or appId eq " + graphclient.ODataString(app)
	}
	found, err := c.Graph.Applications(ctx, c.Tenant.ID, filter)
	switch {
	case err != nil:
		return workflows.AppRole{}, err
	case len(found) != 1:
		return workflows.AppRole{}, invalid("%d applications of %s are called %q; cipp_list_access_catalog with kind=application shows ids.", len(found), c.Tenant.DefaultDomain, Clean(app, 80))
	}
	sp := found[0]
	out := workflows.AppRole{AppID: sp.ID, App: sp.DisplayName}
	open := userRoles(sp)
	for _, r := range open {
		if role != "" && (strings.EqualFold(r.DisplayName, role) || strings.EqualFold(r.Value, role) || strings.EqualFold(r.ID, role)) {
			out.RoleID, out.Role = r.ID, r.DisplayName
		}
	}
	names := make([]string, len(open))
	for i, r := range open {
		names[i] = r.DisplayName
	}
	switch {
	case out.RoleID != "":
	case role != "":
		return out, invalid("%s has no role %q for users; it has: %s.", q(sp.DisplayName), Clean(role, 60), strings.Join(names, ", "))
	case !give:
	case len(open) == 0:
		out.RoleID = graphclient.DefaultAppRole
	case len(open) == 1:
		out.RoleID, out.Role = open[0].ID, open[0].DisplayName
	default:
		return out, invalid("%s has several roles; name one as %s:role: %s.", q(sp.DisplayName), Clean(app, 60), strings.Join(names, ", "))
	}
	return out, nil
}

// userRoles are the roles of an application that people can be given.
func userRoles(sp graphclient.ServicePrincipal) []graphclient.AppRole {
	var out []graphclient.AppRole
	for _, r := range sp.AppRoles {
		if r.IsEnabled && slices.Contains(r.AllowedMemberTypes, "User") {
			out = append(out, r)
		}
	}
	return out
}
