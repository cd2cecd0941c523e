package graphclient

import (
	"context"
	"errors"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/rolemanagement"
)

// RoleAssignmentsOf are the active directory role assignments of a user, group or service principal itself,
// with the roles' names. What comes through groups is seen by PrivilegesOf.
//
// GET /roleManagement/directory/roleAssignments; least permission RoleManagement.Read.Directory.
//
// Reference: https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments
func (c *Client) RoleAssignmentsOf(ctx context.Context, tid, principalID string) ([]RoleAssignment, error) {
	if err := require(tid, principalID); err != nil {
		return nil, err
	}
	return c.roleAssignments(ctx, tid, "principalId eq "+ODataString(principalID))
}

// RoleAssignments are the active directory role assignments of a tenant, of whomever and for whatever part of the
// directory. Not every tenant may let them be listed without a filter; then it is an error.
//
// GET /roleManagement/directory/roleAssignments; least permission RoleManagement.Read.Directory.
//
// Reference: https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments
func (c *Client) RoleAssignments(ctx context.Context, tid string) ([]RoleAssignment, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	return c.roleAssignments(ctx, tid, "")
}

// RoleHolders are the active assignments of one directory role, of whomever and for whatever part of the directory.
//
// GET /roleManagement/directory/roleAssignments; least permission RoleManagement.Read.Directory.
//
// Reference: https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments
func (c *Client) RoleHolders(ctx context.Context, tid, roleDefinitionID string) ([]RoleAssignment, error) {
	if err := require(tid, roleDefinitionID); err != nil {
		return nil, err
	}
	return c.roleAssignments(ctx, tid, "roleDefinitionId eq "+ODataString(roleDefinitionID))
}

// RoleDefinitions are the directory roles of a tenant, Microsoft's and its own.
//
// GET /roleManagement/directory/roleDefinitions; least permission RoleManagement.Read.Directory.
//
// Reference: https://learn.microsoft.com/graph/api/rbacapplication-list-roledefinitions
func (c *Client) RoleDefinitions(ctx context.Context, tid string) ([]RoleDefinition, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	k := read(tid, "RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", "Directory.Read.All")
	return all[RoleDefinition](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		return rolemanagement.NewDirectoryRoleDefinitionsRequestBuilderInternal(c.v1.path(), c.v1).
			ToGetRequestInformation(ctx, &rolemanagement.DirectoryRoleDefinitionsRequestBuilderGetRequestConfiguration{
				QueryParameters: &rolemanagement.DirectoryRoleDefinitionsRequestBuilderGetQueryParameters{
					Select: []string{"id", "templateId", "displayName", "description", "isBuiltIn", "isEnabled"}}})
	})
}

// SetRoleEligible lets a user activate a directory role through Privileged Identity Management, for good, or ends that.
// A tenant without Entra ID P2 or Governance is kind NotPremium; an eligibility that is there already is Conflict.
//
// POST /roleManagement/directory/roleEligibilityScheduleRequests (adminAssign, adminRemove), 201; least permission
// RoleEligibilitySchedule.ReadWrite.Directory.
//
// Reference: https://learn.microsoft.com/graph/api/rbacapplication-post-roleeligibilityschedulerequests
func (c *Client) SetRoleEligible(ctx context.Context, tid, principalID, roleDefinitionID, scope string, eligible bool) error {
	if err := require(tid, principalID, roleDefinitionID, scope); err != nil {
		return err
	}
	body := map[string]any{"action": "adminAssign", "principalId": principalID, "roleDefinitionId": roleDefinitionID, "directoryScopeId": scope, "justification": "cipp-mcp"}
	if eligible {
		body["scheduleInfo"] = map[string]any{"startDateTime": c.clock.Now().UTC().Format(time.RFC3339), "expiration": map[string]string{"type": "noExpiration"}}
	} else {
		body["action"] = "adminRemove"
	}
	err := c.send(ctx, change(ctx, tid, "RoleEligibilitySchedule.ReadWrite.Directory", "RoleManagement.ReadWrite.Directory").posting(), c.v1, func() (*abs.RequestInformation, error) {
		info, err := rolemanagement.NewDirectoryRoleEligibilityScheduleRequestsRequestBuilderInternal(c.v1.path(), c.v1).ToPostRequestInformation(ctx, models.NewUnifiedRoleEligibilityScheduleRequest(), nil)
		return withJSON(info, err, body)
	}, nil)
	var e *Error
	if errors.As(err, &e) {
		switch e.Code {
		case "AadPremiumLicenseRequired":
			e.Kind = NotPremium
		case "RoleAssignmentExists":
			e.Kind = AlreadyMember
		case "RoleAssignmentDoesNotExist":
			e.Kind = NotMember
		}
	}
	return err
}

func (c *Client) roleAssignments(ctx context.Context, tid, filter string) ([]RoleAssignment, error) {
	k := read(tid, "RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", "Directory.Read.All")
	return all[RoleAssignment](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		b := rolemanagement.NewDirectoryRoleAssignmentsRequestBuilderInternal(c.v1.path(), c.v1)
		return b.ToGetRequestInformation(ctx, &rolemanagement.DirectoryRoleAssignmentsRequestBuilderGetRequestConfiguration{
			QueryParameters: &rolemanagement.DirectoryRoleAssignmentsRequestBuilderGetQueryParameters{
				Filter: opt(filter), Expand: []string{"roleDefinition"}}})
	})
}

// RoleEligibilitiesOf are the directory roles a user may activate through Privileged Identity Management. A
// tenant without Entra ID P2 or Governance has none. What comes through groups is not among them; the roles
// are named by id only.
//
// GET /roleManagement/directory/roleEligibilitySchedules; least permission
// RoleEligibilitySchedule.Read.Directory.
//
// Reference: https://learn.microsoft.com/graph/api/rbacapplication-list-roleeligibilityschedules
func (c *Client) RoleEligibilitiesOf(ctx context.Context, tid, principalID string) ([]RoleAssignment, error) {
	if err := require(tid, principalID); err != nil {
		return nil, err
	}
	return c.roleEligibilities(ctx, tid, "principalId eq "+ODataString(principalID))
}

// RoleEligibilities are all directory roles that somebody of a tenant may activate, groups included.
//
// GET /roleManagement/directory/roleEligibilitySchedules; least permission
// RoleEligibilitySchedule.Read.Directory.
//
// Reference: https://learn.microsoft.com/graph/api/rbacapplication-list-roleeligibilityschedules
func (c *Client) RoleEligibilities(ctx context.Context, tid string) ([]RoleAssignment, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	return c.roleEligibilities(ctx, tid, "")
}

// EligibleRoles is RoleEligibilities for whoever has to know whether the tenant could have any: licensed says that it has
// Entra ID P2 or Governance.
func (c *Client) EligibleRoles(ctx context.Context, tid string) (found []RoleAssignment, licensed bool, err error) {
	if err := require(tid); err != nil {
		return nil, false, err
	}
	found, err = c.listEligibilities(ctx, tid, "")
	if withoutPremium(err) {
		return nil, false, nil
	}
	return found, err == nil, err
}

func (c *Client) roleEligibilities(ctx context.Context, tid, filter string) ([]RoleAssignment, error) {
	found, err := c.listEligibilities(ctx, tid, filter)
	if withoutPremium(err) {
		return nil, nil
	}
	return found, err
}

func withoutPremium(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Kind == NotPremium || e.Code == "AadPremiumLicenseRequired")
}

func (c *Client) listEligibilities(ctx context.Context, tid, filter string) ([]RoleAssignment, error) {
	k := read(tid, "RoleEligibilitySchedule.Read.Directory", "RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", "Directory.Read.All")
	return all[RoleAssignment](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		b := rolemanagement.NewDirectoryRoleEligibilitySchedulesRequestBuilderInternal(c.v1.path(), c.v1)
		return b.ToGetRequestInformation(ctx, &rolemanagement.DirectoryRoleEligibilitySchedulesRequestBuilderGetRequestConfiguration{
			QueryParameters: &rolemanagement.DirectoryRoleEligibilitySchedulesRequestBuilderGetQueryParameters{
				Filter: opt(filter)}})
	})
}

// GlobalAdministrator is the role's template id, which is the same in every tenant.
//
// Reference: https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
const GlobalAdministrator = "62e90394-69f5-4237-9190-012177145e10"

// GlobalAdministrators are the ids of the users, groups and service principals that actively hold Global
// Administrator for the whole directory.
//
// GET /roleManagement/directory/roleAssignments; least permission RoleManagement.Read.Directory.
//
// Reference: https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments
func (c *Client) GlobalAdministrators(ctx context.Context, tid string) ([]string, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	k := read(tid, "RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", "Directory.Read.All")
	rows, err := all[RoleAssignment](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		b := rolemanagement.NewDirectoryRoleAssignmentsRequestBuilderInternal(c.v1.path(), c.v1)
		return b.ToGetRequestInformation(ctx, &rolemanagement.DirectoryRoleAssignmentsRequestBuilderGetRequestConfiguration{
			QueryParameters: &rolemanagement.DirectoryRoleAssignmentsRequestBuilderGetQueryParameters{
				Filter: opt("roleDefinitionId eq " + ODataString(GlobalAdministrator))}})
	})
	var ids []string
	for _, r := range rows {
		if r.DirectoryScopeID == "/" {
			ids = append(ids, r.PrincipalID)
		}
	}
	return ids, err
}

// AssignRole gives a user a directory role, for the whole directory or a part of it. An assignment that exists
// is kind Conflict or AlreadyMember.
//
// POST /roleManagement/directory/roleAssignments, 201; least permission RoleManagement.ReadWrite.Directory.
//
// Reference: https://learn.microsoft.com/graph/api/rbacapplication-post-roleassignments
func (c *Client) AssignRole(ctx context.Context, tid, principalID, roleDefinitionID, scope string) error {
	if err := require(tid, principalID, roleDefinitionID, scope); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, "RoleManagement.ReadWrite.Directory").posting(), c.v1, func() (*abs.RequestInformation, error) {
		info, err := rolemanagement.NewDirectoryRoleAssignmentsRequestBuilderInternal(c.v1.path(), c.v1).ToPostRequestInformation(ctx, models.NewUnifiedRoleAssignment(), nil)
		return withJSON(info, err, map[string]string{"@odata.type": "#microsoft.graph.unifiedRoleAssignment", "roleDefinitionId": roleDefinitionID, "principalId": principalID, "directoryScopeId": scope})
	}, nil)
}

// RemoveRoleAssignment takes a directory role away, by the id of its assignment. Microsoft refuses to remove the
// last Global Administrator.
//
// DELETE /roleManagement/directory/roleAssignments/{id}, 204; least permission
// RoleManagement.ReadWrite.Directory. Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/unifiedroleassignment-delete
func (c *Client) RemoveRoleAssignment(ctx context.Context, tid, assignmentID string) error {
	if err := require(tid, assignmentID); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, "RoleManagement.ReadWrite.Directory").deleting(), c.v1, func() (*abs.RequestInformation, error) {
		return rolemanagement.NewDirectoryRoleAssignmentsRequestBuilderInternal(c.v1.path(), c.v1).ByUnifiedRoleAssignmentId(assignmentID).ToDeleteRequestInformation(ctx, nil)
	}, nil)
}
