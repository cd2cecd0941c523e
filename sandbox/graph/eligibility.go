package graph

import (
	"net/http"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

// requestEligibility is POST /roleManagement/directory/roleEligibilityScheduleRequests, as an administrator's request:
// Microsoft carries it out at once. Requests that a user makes for himself are refused here, for this simulation knows no
// approvals.
// https://learn.microsoft.com/graph/api/rbacapplication-post-roleeligibilityschedulerequests
func requestEligibility(c *call) error {
	if !c.t.PremiumP2() {
		return refused(http.StatusBadRequest, "AadPremiumLicenseRequired", "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.")
	}
	o, _, err := c.body(rules{resource: "UnifiedRoleEligibilityScheduleRequest", typ: "unifiedRoleEligibilityScheduleRequest",
		required: []string{"action", "principalId", "roleDefinitionId", "directoryScopeId"}, readOnly: []string{"id", "status", "createdDateTime", "completedDateTime", "approvalId"}})
	if err != nil {
		return err
	}
	r, ok := cloud.RoleByName(cloud.Str(o, "roleDefinitionId"))
	p := c.object(cloud.Str(o, "principalId"))
	switch {
	case !ok:
		return refused(http.StatusBadRequest, "RoleDefinitionDoesNotExist", "The role definition does not exist.")
	case p == nil:
		return refused(http.StatusNotFound, "SubjectNotFound", "The subject is not found.")
	}
	schedules := c.t.Collection("roleEligibilitySchedules")
	var held cloud.Object
	for _, s := range schedules.All() {
		if strings.EqualFold(cloud.Str(s, "principalId"), cloud.Str(p, "id")) && strings.EqualFold(cloud.Str(s, "roleDefinitionId"), r.TemplateID) && scopeOf(s) == scopeOf(o) {
			held = s
		}
	}
	id := c.t.NewID()
	switch cloud.Str(o, "action") {
	case "adminAssign":
		info, _ := o["scheduleInfo"].(map[string]any)
		switch {
		case held != nil:
			return refused(http.StatusBadRequest, "RoleAssignmentExists", "The Role assignment already exists.")
		case info == nil:
			return badRequest("A value is required for property 'scheduleInfo' of resource 'UnifiedRoleEligibilityScheduleRequest'.")
		}
		schedules.Add(cloud.Object{"id": id, "principalId": p["id"], "roleDefinitionId": r.TemplateID, "directoryScopeId": scopeOf(o), "appScopeId": nil,
			"createdUsing": id, "createdDateTime": cloud.Stamp(c.t.Now()), "modifiedDateTime": nil, "status": "Provisioned", "memberType": "Direct", "scheduleInfo": info})
		o["status"] = "Provisioned"
		c.audit("RoleManagement", "Add eligible member to role in PIM completed (permanent)", "Assign", p, "User", cloud.Modified{Name: "Role.DisplayName", Old: "", New: jsonText(r.Name)})
	case "adminRemove":
		if held == nil {
			return refused(http.StatusNotFound, "RoleAssignmentDoesNotExist", "The Role assignment does not exist.")
		}
		schedules.Remove(cloud.Str(held, "id"))
		o["status"] = "Revoked"
		c.audit("RoleManagement", "Remove eligible member from role in PIM completed (permanent)", "Unassign", p, "User", cloud.Modified{Name: "Role.DisplayName", Old: jsonText(r.Name), New: ""})
	default:
		return refused(http.StatusBadRequest, "InvalidRequest", "This action is not simulated.")
	}
	o["id"], o["createdDateTime"], o["completedDateTime"], o["roleDefinitionId"], o["principalId"] = id, cloud.Stamp(c.t.Now()), cloud.Stamp(c.t.Now()), r.TemplateID, p["id"]
	c.status = http.StatusCreated
	return c.entity("roleManagement/directory/roleEligibilityScheduleRequests", "unifiedRoleEligibilityScheduleRequest", o, nil)
}

// scopeOf is the part of the directory that a role is for; "/" is all of it.
func scopeOf(o cloud.Object) string {
	if s := cloud.Str(o, "directoryScopeId"); s != "" {
		return s
	}
	return "/"
}
