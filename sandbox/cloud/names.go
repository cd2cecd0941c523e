package cloud

import (
	"fmt"
	"slices"
	"strings"

	"cipp-mcp/sandbox/model"
)

// sectionTypes is the Graph types of a section's rows; a row may have any property of them.
var sectionTypes = map[string][]string{
	"users": {"user"}, "groups": {"group"}, "subscribedSkus": {"subscribedSku"}, "devices": {"device"}, "managedDevices": {"managedDevice"},
	"directoryRoles": {"directoryRole"}, "roleAssignments": {"unifiedRoleAssignment"}, "roleEligibilitySchedules": {"unifiedRoleEligibilitySchedule"},
	"servicePrincipals": {"servicePrincipal"}, "applications": {"application"}, "oauth2PermissionGrants": {"oAuth2PermissionGrant"},
	"appRoleAssignments": {"appRoleAssignment"}, "conditionalAccessPolicies": {"conditionalAccessPolicy"},
	"namedLocations": {"ipNamedLocation", "countryNamedLocation"}, "administrativeUnits": {"administrativeUnit"}, "signIns": {"signIn"},
	"directoryAudits": {"directoryAudit"}, "riskyUsers": {"riskyUser"}, "riskDetections": {"riskDetection"}, "alerts": {"security.alert"}, "deletedItems": {"user", "group"},
	"delegatedAdminRelationships": {"delegatedAdminRelationship"}, "contracts": {"contract"}, "contacts": {"orgContact"},
	"auditLogQueries": {"security.auditLogQuery"}, "numberAssignments": {"numberAssignment"}, "sites": {"site"},
}

// besides is what rows hold in a state file that is no property of their type: resources of their own on the
// wire, and what is remembered of a deleted object.
var besides = map[string][]string{
	"users": {"authentication", "drive", "messageRules", "mailFolders"}, "deletedItems": {"authentication", "drive", "messageRules", "mailFolders", "memberOf", "ownerOf", "manager"},
	"servicePrincipals": {"createdDateTime"}, // answered, but in no published model
	"auditLogQueries":   {"submittedDateTime"},
	"sites":             {"drive", "groupId", "owners", "members", "visitors"}, // SharePoint's own, by the users' ids
}

// checkNames refuses a property that Microsoft Graph does not have, naming it and its place. Annotations
// (with an @) and directory extensions pass.
func checkNames(section string, o Object, path string) error {
	types := sectionTypes[section]
	if types == nil {
		return nil
	}
	for _, k := range sortedKeys(o) {
		if strings.Contains(k, "@") || strings.HasPrefix(k, "extension_") || slices.Contains(besides[section], k) {
			continue
		}
		if !slices.ContainsFunc(types, func(name string) bool {
			p := model.Beta().Type(name).Property(k)
			return p != nil && p.Name == k
		}) {
			return fmt.Errorf("%s: unknown key %q: microsoft.graph.%s has no such property", path, k, types[0])
		}
	}
	return nil
}
