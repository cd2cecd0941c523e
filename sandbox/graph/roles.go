package graph

import (
	"encoding/base64"
	"net/http"
	"strings"

	"cipp-mcp/sandbox/cloud"
	"cipp-mcp/sandbox/odata"
)

const (
	roleRead    = "RoleManagement.Read.Directory RoleManagement.ReadWrite.Directory Directory.Read.All Directory.ReadWrite.All"
	roleReadDel = roleRead + " RoleManagement.Read.All"
	roleWrite   = "RoleManagement.ReadWrite.Directory"
)

var roleOperations = []op{
	{verb: "GET", path: "/roleManagement/directory/roleAssignments", app: roleRead, del: roleReadDel, do: listRoleAssignments},
	{verb: "GET", path: "/roleManagement/directory/roleAssignments/{id}", app: roleRead, del: roleReadDel, do: getRoleAssignment},
	{verb: "POST", path: "/roleManagement/directory/roleAssignments", app: roleWrite, roles: "Privileged Role Administrator", do: assignRole},
	{verb: "DELETE", path: "/roleManagement/directory/roleAssignments/{id}", app: roleWrite, roles: "Privileged Role Administrator", do: removeRole},
	{verb: "GET", path: "/roleManagement/directory/roleDefinitions", app: roleRead, del: roleReadDel, do: listRoleDefinitions},
	{verb: "GET", path: "/roleManagement/directory/roleDefinitions/{id}", app: roleRead, del: roleReadDel, do: getRoleDefinition},
	{verb: "GET", path: "/roleManagement/directory/roleEligibilitySchedules", app: roleRead + " RoleEligibilitySchedule.Read.Directory RoleEligibilitySchedule.ReadWrite.Directory", del: roleReadDel + " RoleEligibilitySchedule.Read.Directory RoleEligibilitySchedule.ReadWrite.Directory", do: listEligible},
	{verb: "POST", path: "/roleManagement/directory/roleEligibilityScheduleRequests", app: "RoleEligibilitySchedule.ReadWrite.Directory " + roleWrite, roles: "Privileged Role Administrator", do: requestEligibility},
	{verb: "GET", path: "/directoryRoles", app: roleRead, del: roleReadDel, do: listDirectoryRoles},
	{verb: "GET", path: "/directoryRoles/{id}", app: roleRead, del: roleReadDel, do: getDirectoryRole},
	{verb: "GET", path: "/directoryRoles/{id}/members", app: roleRead, del: roleReadDel, do: directoryRoleMembers},
	{verb: "GET", path: "/directoryRoles/{id}/members/$count", app: roleRead, del: roleReadDel, do: countDirectoryRoleMembers},
	{verb: "GET", path: "/directoryRoleTemplates", app: roleRead, del: roleReadDel, do: listRoleTemplates},
}

func definition(r cloud.Role) cloud.Object {
	return cloud.Object{"id": r.TemplateID, "templateId": r.TemplateID, "displayName": r.Name, "description": "Built-in role " + r.Name + ".",
		"isBuiltIn": true, "isEnabled": true, "version": "1", "resourceScopes": []any{"/"}, "rolePermissions": []any{}}
}

// activeAssignments is the directory's role assignments with what Graph shows of them.
func (c *call) activeAssignments() []cloud.Object {
	all := c.t.Collection("roleAssignments").All()
	out := make([]cloud.Object, len(all))
	for i, a := range all {
		out[i] = merged(cloud.Object{"directoryScopeId": "/", "principalOrganizationId": c.t.ID}, a)
	}
	return out
}

func (c *call) expandAssignment(o cloud.Object, e odata.Expand) (any, error) {
	if e.Property == "roleDefinition" {
		if r, ok := cloud.RoleByName(cloud.Str(o, "roleDefinitionId")); ok {
			return definition(r), nil
		}
		return nil, nil
	}
	p := c.object(cloud.Str(o, "principalId"))
	if p == nil {
		return nil, nil
	}
	typ := typeOf(p)
	return raw(appendObject(nil, p, c.shape(typ, nil, defaults[typ]), typed(typ))), nil
}

// listRoleAssignments is GET /roleManagement/directory/roleAssignments.
// https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments
func listRoleAssignments(c *call) error {
	l := listing{set: "roleManagement/directory/roleAssignments", typ: "unifiedRoleAssignment", rows: c.activeAssignments(), page: 100, max: 999,
		options: "$filter $expand $select $top $count", expand: c.expandAssignment, expands: []string{"principal", "roleDefinition"}}
	if strings.Contains(c.q.Expand, ",") && !strings.Contains(c.q.Expand, "(") {
		return badRequest("Only one property can be expanded in one request.")
	}
	return c.list(l)
}

func getRoleAssignment(c *call) error {
	for _, a := range c.activeAssignments() {
		if cloud.Str(a, "id") == c.args[0] {
			return c.entity("roleManagement/directory/roleAssignments", "unifiedRoleAssignment", a, nil)
		}
	}
	return notFound(c.args[0])
}

func assignRole(c *call) error {
	o, _, err := c.body(rules{resource: "UnifiedRoleAssignment", typ: "unifiedRoleAssignment", required: []string{"roleDefinitionId", "principalId"}, readOnly: []string{"id", "principalOrganizationId"}})
	if err != nil {
		return err
	}
	if o["directoryScopeId"] == nil && o["appScopeId"] == nil {
		return badRequest("A value is required for property 'directoryScopeId' of resource 'UnifiedRoleAssignment'.")
	}
	r, ok := cloud.RoleByName(cloud.Str(o, "roleDefinitionId"))
	p := c.object(cloud.Str(o, "principalId"))
	switch {
	case !ok:
		return notFound(cloud.Str(o, "roleDefinitionId"))
	case p == nil:
		return notFound(cloud.Str(o, "principalId"))
	case typeOf(p) == "group" && !cloud.Bool(p, "isAssignableToRole"):
		return badRequest("The group is not role-assignable.")
	}
	for _, a := range c.t.Collection("roleAssignments").All() {
		if cloud.Str(a, "principalId") == cloud.Str(p, "id") && cloud.Str(a, "roleDefinitionId") == r.TemplateID && a["directoryScopeId"] == o["directoryScopeId"] {
			return badRequest("A conflicting object with one or more of the specified property values is present in the directory.")
		}
	}
	o["roleDefinitionId"], o["principalId"] = r.TemplateID, cloud.Str(p, "id")
	o["id"] = base64.RawURLEncoding.EncodeToString([]byte(c.t.NewID()))
	c.t.Collection("roleAssignments").Add(o)
	c.wrote(cloud.Str(o, "id"), nil)
	c.audit("RoleManagement", "Add member to role", "Assign", p, "User", cloud.Modified{Name: "Role.DisplayName", Old: "", New: jsonText(r.Name)})
	c.status = http.StatusCreated
	return c.entity("roleManagement/directory/roleAssignments", "unifiedRoleAssignment", o, nil)
}

func removeRole(c *call) error {
	var found cloud.Object
	globals := 0
	ga, _ := cloud.RoleByName("Global Administrator")
	for _, a := range c.t.Collection("roleAssignments").All() {
		if cloud.Str(a, "roleDefinitionId") == ga.TemplateID && c.t.User(cloud.Str(a, "principalId")) != nil {
			globals++
		}
		if cloud.Str(a, "id") == c.args[0] {
			found = a
		}
	}
	switch {
	case found == nil:
		return notFound(c.args[0])
	case cloud.Str(found, "roleDefinitionId") == ga.TemplateID && globals == 1:
		return badRequest("The last Global Administrator cannot be removed.")
	}
	c.t.Collection("roleAssignments").Remove(cloud.Str(found, "id"))
	if p := c.object(cloud.Str(found, "principalId")); p != nil {
		r, _ := cloud.RoleByName(cloud.Str(found, "roleDefinitionId"))
		c.audit("RoleManagement", "Remove member from role", "Unassign", p, "User", cloud.Modified{Name: "Role.DisplayName", Old: jsonText(r.Name), New: ""})
	}
	return nil
}

func listRoleDefinitions(c *call) error {
	var rows []cloud.Object
	for _, r := range cloud.BuiltInRoles() {
		rows = append(rows, definition(r))
	}
	return c.list(listing{set: "roleManagement/directory/roleDefinitions", typ: "unifiedRoleDefinition", rows: rows, options: "$filter $select $top $orderby"})
}

func getRoleDefinition(c *call) error {
	r, ok := cloud.RoleByName(c.args[0])
	if !ok || !cloud.IsGUID(c.args[0]) {
		return notFound(c.args[0])
	}
	return c.entity("roleManagement/directory/roleDefinitions", "unifiedRoleDefinition", definition(r), nil)
}

func listEligible(c *call) error {
	if !c.t.PremiumP2() {
		return refused(http.StatusBadRequest, "AadPremiumLicenseRequired", "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.")
	}
	return c.list(listing{set: "roleManagement/directory/roleEligibilitySchedules", typ: "unifiedRoleEligibilitySchedule",
		rows: c.t.Collection("roleEligibilitySchedules").All(), options: "$filter $select $expand $top",
		expand: c.expandAssignment, expands: []string{"principal", "roleDefinition"}})
}

func (c *call) directoryRole(r cloud.Role) cloud.Object {
	return cloud.Object{"@odata.type": "#microsoft.graph.directoryRole", "id": c.t.DirectoryRoleID(r.TemplateID), "deletedDateTime": nil,
		"description": "Built-in role " + r.Name + ".", "displayName": r.Name, "roleTemplateId": r.TemplateID}
}

// rolesFor is the directory roles a principal is a member of: assigned to itself, and transitively through
// role-assignable groups.
func (c *call) rolesFor(id string, transitive bool) []cloud.Object {
	var out []cloud.Object
	if transitive {
		for _, r := range c.t.RolesOf(id) {
			out = append(out, c.directoryRole(r))
		}
		return out
	}
	for _, a := range c.t.Collection("roleAssignments").All() {
		if r, ok := cloud.RoleByName(cloud.Str(a, "roleDefinitionId")); ok && strings.EqualFold(cloud.Str(a, "principalId"), id) {
			out = append(out, c.directoryRole(r))
		}
	}
	return out
}

// activated is the roles with an object in this tenant: listed in the state, or assigned to somebody.
func (c *call) activated() []cloud.Object {
	var out []cloud.Object
	for _, r := range cloud.BuiltInRoles() {
		use := false
		for _, set := range []string{"roleAssignments", "directoryRoles"} {
			for _, a := range c.t.Collection(set).All() {
				use = use || cloud.Str(a, "roleDefinitionId") == r.TemplateID || cloud.Str(a, "roleTemplateId") == r.TemplateID
			}
		}
		if use {
			out = append(out, c.directoryRole(r))
		}
	}
	return out
}

func listDirectoryRoles(c *call) error {
	return c.list(listing{set: "directoryRoles", typ: "directoryRole", rows: c.activated(), options: "$filter $select $expand $count"})
}

func (c *call) roleObject(key string) (cloud.Object, error) {
	template, byTemplate := strings.CutPrefix(key, "roleTemplateId=")
	for _, d := range c.activated() {
		if byTemplate && cloud.Str(d, "roleTemplateId") == template || cloud.Str(d, "id") == key {
			return d, nil
		}
	}
	return nil, notFound(key)
}

func getDirectoryRole(c *call) error {
	d, err := c.roleObject(c.args[0])
	if err != nil {
		return err
	}
	return c.entity("directoryRoles", "directoryRole", d, nil)
}

func (c *call) roleMembers() ([]cloud.Object, error) {
	d, err := c.roleObject(c.args[0])
	if err != nil {
		return nil, err
	}
	var out []cloud.Object
	for _, a := range c.t.Collection("roleAssignments").All() {
		if cloud.Str(a, "roleDefinitionId") == cloud.Str(d, "roleTemplateId") {
			if o := c.object(cloud.Str(a, "principalId")); o != nil {
				out = append(out, o)
			}
		}
	}
	return out, nil
}

func directoryRoleMembers(c *call) error {
	rows, err := c.roleMembers()
	if err != nil {
		return err
	}
	return c.list(c.objects(rows, ""))
}

func countDirectoryRoleMembers(c *call) error {
	rows, err := c.roleMembers()
	if err != nil {
		return err
	}
	return c.count(c.objects(rows, ""))
}

func listRoleTemplates(c *call) error {
	var rows []cloud.Object
	for _, r := range cloud.BuiltInRoles() {
		rows = append(rows, cloud.Object{"id": r.TemplateID, "deletedDateTime": nil, "displayName": r.Name, "description": "Built-in role " + r.Name + "."})
	}
	return c.list(listing{set: "directoryRoleTemplates", typ: "directoryRoleTemplate", rows: rows, options: "$select"})
}
