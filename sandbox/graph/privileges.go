package graph

import (
	"slices"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

// Who may do sensitive things to whom.
// https://learn.microsoft.com/graph/api/resources/users#who-can-perform-sensitive-actions

// harmless is the roles whose holders count as ordinary users.
var harmless = []string{"Directory Readers", "Guest Inviter", "Message Center Reader", "Reports Reader"}

// adminRoles is the roles of a user that make it an administrator; plain members and owners of
// role-assignable groups count as the highest.
func (c *call) adminRoles(u cloud.Object) []string {
	var out []string
	id := cloud.Str(u, "id")
	for _, r := range c.t.RolesOf(id) {
		if !slices.Contains(harmless, r.Name) {
			out = append(out, r.Name)
		}
	}
	for _, g := range c.t.Groups().All() {
		if cloud.Bool(g, "isAssignableToRole") && (c.t.IsMember(cloud.Str(g, "id"), id) || cloud.Owns(g, id)) {
			out = append(out, "Global Administrator")
		}
	}
	return out
}

// maySensitive says whether the caller may change sensitive properties of a user, delete or restore it;
// password: whether it may set its password. Application permissions alone reach ordinary users, and no
// passwords at all.
func (c *call) maySensitive(u cloud.Object, password bool) bool {
	admin := c.adminRoles(u)
	if len(admin) == 0 {
		switch {
		case password && c.p.AppOnly:
			return c.role("User Administrator", "Privileged Authentication Administrator")
		case password:
			return c.role("User Administrator", "Password Administrator", "Helpdesk Administrator", "Authentication Administrator", "Privileged Authentication Administrator")
		case c.p.AppOnly:
			return true
		default:
			return c.role("User Administrator", "Authentication Administrator", "Privileged Authentication Administrator")
		}
	}
	if password {
		return c.role("Privileged Authentication Administrator")
	}
	for _, r := range admin {
		ok := false
		switch r {
		case "User Administrator", "Helpdesk Administrator", "Groups Administrator":
			ok = c.role("User Administrator", "Privileged Authentication Administrator")
		case "Authentication Administrator":
			ok = c.role("Authentication Administrator", "Privileged Authentication Administrator")
		default:
			ok = c.role("Privileged Authentication Administrator")
		}
		if !ok {
			return false
		}
	}
	return true
}

// ownPermission is the narrow permissions that are enough for a single property.
var ownPermission = map[string][]string{
	"passwordProfile": {"User-PasswordProfile.ReadWrite.All"}, "accountEnabled": {"User.EnableDisableAccount.All"},
	"businessPhones": {"User-Phone.ReadWrite.All"}, "mobilePhone": {"User-Phone.ReadWrite.All"}, "otherMails": {"User-Mail.ReadWrite.All"},
	"identities": {"User.ManageIdentities.All"}, "employeeLeaveDateTime": {"User-LifeCycleInfo.ReadWrite.All"},
}

var sensitive = []string{"accountEnabled", "businessPhones", "mobilePhone", "onPremisesImmutableId", "otherMails", "userPrincipalName"}

// mayUpdate judges an update property by property.
func (c *call) mayUpdate(u, patch cloud.Object) error {
	broad := c.has(strings.Fields(userWrite)...)
	for name := range patch {
		if !broad && !c.has(ownPermission[name]...) {
			return denied()
		}
		switch {
		case name == "passwordProfile":
			if !c.maySensitive(u, true) {
				return denied()
			}
		case slices.Contains(sensitive, name):
			if !c.maySensitive(u, false) {
				return denied()
			}
		default:
			if !c.p.AppOnly && !c.role("User Administrator", "Directory Writers") {
				return denied()
			}
		}
	}
	return nil
}
