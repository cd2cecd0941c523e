package graph

import (
	"strings"

	"cipp-mcp/sandbox/cloud"
)

const (
	grantRead  = "Directory.Read.All Directory.ReadWrite.All DelegatedPermissionGrant.Read.All DelegatedPermissionGrant.ReadWrite.All"
	assignRead = "Directory.Read.All Directory.ReadWrite.All AppRoleAssignment.ReadWrite.All Application.Read.All Application.ReadWrite.All"
	appRoles   = "Cloud Application Administrator,Application Administrator"
)

var grantOperations = []op{
	{verb: "GET", path: "/oauth2PermissionGrants", app: grantRead, do: listGrants},
	{verb: "GET", path: "/oauth2PermissionGrants/{id}", app: grantRead, do: getGrant},
	{verb: "DELETE", path: "/oauth2PermissionGrants/{id}", app: "DelegatedPermissionGrant.ReadWrite.All Directory.ReadWrite.All", roles: appRoles, do: deleteGrant},
	{verb: "GET", path: "/users/{id}/oauth2PermissionGrants", app: grantRead, do: userGrants},
	{verb: "GET", path: "/users/{id}/appRoleAssignments", app: assignRead, do: userAssignments},
	{verb: "DELETE", path: "/users/{id}/appRoleAssignments/{id}", app: "AppRoleAssignment.ReadWrite.All", roles: appRoles + ",User Administrator", do: deleteAssignment},
	{verb: "GET", path: "/servicePrincipals/{id}/appRoleAssignedTo", app: assignRead, do: assignedTo},
	{verb: "DELETE", path: "/servicePrincipals/{id}/appRoleAssignedTo/{id}", app: "AppRoleAssignment.ReadWrite.All", roles: appRoles, do: deleteAssignedTo},
}

// listGrants is GET /oauth2PermissionGrants: what applications may do in users' names.
func listGrants(c *call) error {
	return c.list(listing{set: "oauth2PermissionGrants", typ: "oAuth2PermissionGrant", rows: c.t.Collection("oauth2PermissionGrants").All(),
		page: 100, max: 999, options: "$filter $top $select $count"})
}

func getGrant(c *call) error {
	g := c.t.Collection("oauth2PermissionGrants").Get(c.args[0])
	if g == nil {
		return notFound(c.args[0])
	}
	return c.entity("oauth2PermissionGrants", "oAuth2PermissionGrant", g, nil)
}

func deleteGrant(c *call) error {
	g := c.t.Collection("oauth2PermissionGrants").Remove(c.args[0])
	if g == nil {
		return notFound(c.args[0])
	}
	target := c.t.Collection("servicePrincipals").Get(cloud.Str(g, "clientId"))
	if target == nil {
		target = cloud.Object{"id": g["clientId"]}
	}
	c.audit("ApplicationManagement", "Remove delegated permission grant", "Unassign", target, "ServicePrincipal",
		cloud.Modified{Name: "DelegatedPermissionGrant.Scope", Old: jsonText(g["scope"]), New: ""})
	return nil
}

// userGrants is the grants of one user; what is granted for all users is not among them.
func userGrants(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	var rows []cloud.Object
	for _, g := range c.t.Collection("oauth2PermissionGrants").All() {
		if cloud.Str(g, "consentType") == "Principal" && strings.EqualFold(cloud.Str(g, "principalId"), cloud.Str(u, "id")) {
			rows = append(rows, g)
		}
	}
	return c.list(listing{set: "users('" + cloud.Str(u, "id") + "')/oauth2PermissionGrants", typ: "oAuth2PermissionGrant", rows: rows, page: 100, max: 999})
}

// userAssignments is the app roles a user holds, directly or by direct membership of a group.
func userAssignments(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	id := cloud.Str(u, "id")
	var rows []cloud.Object
	for _, a := range c.t.Collection("appRoleAssignments").All() {
		who := cloud.Str(a, "principalId")
		if strings.EqualFold(who, id) || c.t.IsMember(who, id) {
			rows = append(rows, a)
		}
	}
	return c.list(listing{set: "appRoleAssignments", typ: "appRoleAssignment", rows: rows, page: 100, max: 999, options: "$filter $select $count $top"})
}

func (c *call) removeAssignment(a cloud.Object) error {
	c.t.Collection("appRoleAssignments").Remove(cloud.Str(a, "id"))
	c.audit("ApplicationManagement", "Remove app role assignment grant to user", "Unassign",
		cloud.Object{"id": a["resourceId"], "displayName": a["resourceDisplayName"]}, "ServicePrincipal",
		cloud.Modified{Name: "User.ObjectID", Old: jsonText(a["principalId"]), New: ""})
	return nil
}

func deleteAssignment(c *call) error {
	u, err := c.target(c.args[0])
	if err != nil {
		return err
	}
	a := c.t.Collection("appRoleAssignments").Get(c.args[1])
	if a == nil || !strings.EqualFold(cloud.Str(a, "principalId"), cloud.Str(u, "id")) {
		return notFound(c.args[1])
	}
	return c.removeAssignment(a)
}

func assignedTo(c *call) error {
	sp, err := c.servicePrincipal(c.args[0])
	if err != nil {
		return err
	}
	var rows []cloud.Object
	for _, a := range c.t.Collection("appRoleAssignments").All() {
		if strings.EqualFold(cloud.Str(a, "resourceId"), cloud.Str(sp, "id")) {
			rows = append(rows, a)
		}
	}
	return c.list(listing{set: "appRoleAssignments", typ: "appRoleAssignment", rows: rows, page: 100, max: 999})
}

func deleteAssignedTo(c *call) error {
	sp, err := c.servicePrincipal(c.args[0])
	if err != nil {
		return err
	}
	a := c.t.Collection("appRoleAssignments").Get(c.args[1])
	if a == nil || !strings.EqualFold(cloud.Str(a, "resourceId"), cloud.Str(sp, "id")) {
		return notFound(c.args[1])
	}
	return c.removeAssignment(a)
}
