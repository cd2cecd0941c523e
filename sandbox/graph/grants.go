package graph

import (
	"encoding/base64"
	"net/http"
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
	{verb: "POST", path: "/oauth2PermissionGrants", app: "DelegatedPermissionGrant.ReadWrite.All Directory.ReadWrite.All", roles: appRoles, do: createGrant},
	{verb: "POST", path: "/users/{id}/appRoleAssignments", app: "AppRoleAssignment.ReadWrite.All", roles: appRoles + ",User Administrator", do: createAssignment},
	{verb: "GET", path: "/users/{id}/oauth2PermissionGrants", app: grantRead, do: userGrants},
	{verb: "GET", path: "/users/{id}/appRoleAssignments", app: assignRead, do: userAssignments},
	{verb: "DELETE", path: "/users/{id}/appRoleAssignments/{id}", app: "AppRoleAssignment.ReadWrite.All", roles: appRoles + ",User Administrator", do: deleteAssignment},
	{verb: "GET", path: "/groups/{id}/appRoleAssignments", app: assignRead, do: groupAssignments},
	{verb: "GET", path: "/servicePrincipals/{id}/appRoleAssignedTo", app: assignRead, do: assignedTo},
	{verb: "GET", path: "/servicePrincipals/{id}/appRoleAssignments", app: assignRead, do: rolesOfApplication},
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

// createGrant is POST /oauth2PermissionGrants.
// https://learn.microsoft.com/graph/api/oauth2permissiongrant-post
func createGrant(c *call) error {
	o, _, err := c.body(rules{resource: "OAuth2PermissionGrant", typ: "oAuth2PermissionGrant", required: []string{"clientId", "consentType", "resourceId", "scope"}, readOnly: []string{"id"}})
	if err != nil {
		return err
	}
	sps := c.t.Collection("servicePrincipals")
	switch kind := cloud.Str(o, "consentType"); {
	case kind != "Principal" && kind != "AllPrincipals":
		return invalidValue("consentType", "OAuth2PermissionGrant")
	case kind == "Principal" && c.t.User(cloud.Str(o, "principalId")) == nil:
		return notFound(cloud.Str(o, "principalId"))
	case sps.Get(cloud.Str(o, "clientId")) == nil:
		return notFound(cloud.Str(o, "clientId"))
	}
	for _, g := range c.t.Collection("oauth2PermissionGrants").All() {
		if g["clientId"] == o["clientId"] && g["resourceId"] == o["resourceId"] && g["consentType"] == o["consentType"] && g["principalId"] == o["principalId"] {
			return &failure{http.StatusConflict, "Request_MultipleObjectsWithSameKeyValue", "Permission entry already exists."}
		}
	}
	o["id"] = base64.RawURLEncoding.EncodeToString([]byte(c.t.NewID()))
	c.t.Collection("oauth2PermissionGrants").Add(o)
	c.audit("ApplicationManagement", "Add delegated permission grant", "Assign", sps.Get(cloud.Str(o, "clientId")), "ServicePrincipal",
		cloud.Modified{Name: "DelegatedPermissionGrant.Scope", Old: "", New: jsonText(o["scope"])})
	c.status = http.StatusCreated
	return c.entity("oauth2PermissionGrants", "oAuth2PermissionGrant", o, nil)
}

// createAssignment is POST /users/{id}/appRoleAssignments.
// https://learn.microsoft.com/graph/api/user-post-approleassignments
func createAssignment(c *call) error {
	u, err := c.target(c.args[0])
	if err != nil {
		return err
	}
	o, _, err := c.body(rules{resource: "AppRoleAssignment", typ: "appRoleAssignment", required: []string{"principalId", "resourceId", "appRoleId"},
		readOnly: []string{"id", "createdDateTime", "principalDisplayName", "principalType", "resourceDisplayName"}})
	if err != nil {
		return err
	}
	sp := c.t.Collection("servicePrincipals").Get(cloud.Str(o, "resourceId"))
	switch {
	case !strings.EqualFold(cloud.Str(o, "principalId"), cloud.Str(u, "id")):
		return badRequest("The principalId of the assignment is not the user's.")
	case sp == nil:
		return notFound(cloud.Str(o, "resourceId"))
	}
	for _, a := range c.t.Collection("appRoleAssignments").All() {
		if a["principalId"] == o["principalId"] && a["resourceId"] == o["resourceId"] && a["appRoleId"] == o["appRoleId"] {
			return badRequest("Permission being assigned already exists on the object")
		}
	}
	o["id"], o["createdDateTime"] = base64.RawURLEncoding.EncodeToString([]byte(c.t.NewID())), cloud.Stamp(c.t.Now())
	o["principalDisplayName"], o["principalType"], o["resourceDisplayName"] = u["displayName"], "User", sp["displayName"]
	c.t.Collection("appRoleAssignments").Add(o)
	c.audit("ApplicationManagement", "Add app role assignment grant to user", "Assign", sp, "ServicePrincipal", cloud.Modified{Name: "User.ObjectID", Old: "", New: jsonText(u["id"])})
	c.status = http.StatusCreated
	return c.entity("appRoleAssignments", "appRoleAssignment", o, nil)
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

// groupAssignments is GET /groups/{id}/appRoleAssignments: what every member of the group is assigned to.
// https://learn.microsoft.com/graph/api/group-list-approleassignments
func groupAssignments(c *call) error {
	g, err := c.group(c.args[0])
	if err != nil {
		return err
	}
	var rows []cloud.Object
	for _, a := range c.t.Collection("appRoleAssignments").All() {
		if strings.EqualFold(cloud.Str(a, "principalId"), cloud.Str(g, "id")) {
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

// rolesOfApplication is what an application may do in its own name.
// https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignments
func rolesOfApplication(c *call) error {
	sp, err := c.servicePrincipal(c.args[0])
	if err != nil {
		return err
	}
	var rows []cloud.Object
	for _, a := range c.t.Collection("appRoleAssignments").All() {
		if strings.EqualFold(cloud.Str(a, "principalId"), cloud.Str(sp, "id")) {
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
