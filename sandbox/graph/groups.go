package graph

import (
	"net/http"
	"slices"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

const (
	groupRead  = "Group.ReadBasic.All GroupMember.Read.All GroupMember.ReadWrite.All Group.Read.All Group.ReadWrite.All Directory.Read.All Directory.ReadWrite.All"
	groupWrite = "Group.ReadWrite.All Directory.ReadWrite.All"
	groupRoles = "Groups Administrator,User Administrator,Directory Writers"
	membersGet = "GroupMember.ReadBasic.All GroupMember.Read.All GroupMember.ReadWrite.All Group.Read.All Group.ReadWrite.All Directory.Read.All Directory.ReadWrite.All"
)

var groupOperations = slices.Concat([]op{
	{verb: "GET", path: "/groups", app: groupRead, do: listGroups},
	{verb: "GET", path: "/groups/$count", app: groupRead, do: countGroups},
	{verb: "POST", path: "/groups", app: "Group.Create " + groupWrite, del: groupWrite, roles: groupRoles, do: createGroup},
	{verb: "GET", path: "/groups/{id}", app: groupRead, do: getGroup},
	{verb: "PATCH", path: "/groups/{id}", app: groupWrite + " GroupMember.ReadWrite.All", roles: groupRoles, do: updateGroup},
	{verb: "DELETE", path: "/groups/{id}", app: groupWrite, roles: groupRoles, do: deleteGroup},
}, memberOperations)

var groupReadOnly = []string{"id", "deletedDateTime", "mail", "proxyAddresses", "assignedLicenses", "createdDateTime", "expirationDateTime", "renewedDateTime",
	"hasMembersWithLicenseErrors", "licenseProcessingState", "onPremisesSyncEnabled", "onPremisesLastSyncDateTime", "onPremisesDomainName",
	"onPremisesNetBiosName", "onPremisesSamAccountName", "onPremisesSecurityIdentifier", "onPremisesProvisioningErrors", "securityIdentifier"}

// laterOnly may not be set when a group is made.
var laterOnly = []string{"allowExternalSenders", "autoSubscribeNewMembers", "hideFromAddressLists", "hideFromOutlookClients", "isSubscribedByMail"}

func (c *call) groups() listing {
	return listing{set: "groups", typ: "group", rows: c.t.Groups().All(), byDefault: defaults["group"], page: 100, max: 999, directory: true}
}

func listGroups(c *call) error  { return c.list(c.groups()) }
func countGroups(c *call) error { return c.count(c.groups()) }

func (c *call) group(id string) (cloud.Object, error) {
	if g := c.t.Seen(c.t.Group(id)); g != nil {
		return g, nil
	}
	return nil, notFound(id)
}

func getGroup(c *call) error {
	g, err := c.group(c.args[0])
	if err != nil {
		return err
	}
	return c.entity("groups", "group", g, defaults["group"])
}

func isUnified(g cloud.Object) bool {
	return slices.Contains(cloud.Strings(g, "groupTypes"), "Unified")
}

func isDynamic(g cloud.Object) bool {
	return slices.Contains(cloud.Strings(g, "groupTypes"), "DynamicMembership")
}

// createGroup is POST /groups. Distribution lists and mail-enabled security groups are Exchange's affair.
// https://learn.microsoft.com/graph/api/group-post-groups
func createGroup(c *call) error {
	o, binds, err := c.body(rules{resource: "Group", typ: "group", readOnly: slices.Concat(groupReadOnly, laterOnly), lengths: map[string]int{"displayName": 256, "mailNickname": 64, "description": 1024},
		required: []string{"displayName", "mailEnabled", "mailNickname", "securityEnabled"}, bind: []string{"members", "owners"}})
	if err != nil {
		return err
	}
	nick := cloud.Str(o, "mailNickname")
	if strings.ContainsAny(nick, `@()\[]";:<>, `) || !ascii(nick) {
		return invalidValue("mailNickname", "Group")
	}
	switch {
	case cloud.Bool(o, "mailEnabled") && !isUnified(o):
		return badRequest("The service does not currently support writes of mail-enabled groups. Please ensure that the mail-enablement property is unset and the security-enablement property is set.")
	case !cloud.Bool(o, "mailEnabled") && isUnified(o):
		return badRequest("Group type 'Unified' requires property 'mailEnabled' to be true.")
	case !cloud.Bool(o, "mailEnabled") && !cloud.Bool(o, "securityEnabled"):
		return badRequest("A group must be mail-enabled or security-enabled.")
	case isDynamic(o) && (cloud.Str(o, "membershipRule") == "" || cloud.Str(o, "membershipRuleProcessingState") == ""):
		return badRequest("A dynamic group requires the properties 'membershipRule' and 'membershipRuleProcessingState'.")
	case cloud.Bool(o, "isAssignableToRole") && (!c.has("RoleManagement.ReadWrite.Directory") || isDynamic(o)):
		return denied()
	case len(binds["members"])+len(binds["owners"]) > 20:
		return badRequest("At most 20 relationships can be set when a group is made.")
	}
	if isUnified(o) {
		for _, g := range c.t.Groups().All() {
			if strings.EqualFold(cloud.Str(g, "mailNickname"), nick) && isUnified(g) {
				return badRequest("Another object with the same value for property mailNickname already exists.")
			}
		}
	}
	for _, ids := range binds {
		for _, id := range ids {
			if c.object(id) == nil {
				return notFound(id)
			}
		}
	}
	o["id"], o["createdDateTime"], o["renewedDateTime"] = c.t.NewID(), cloud.Stamp(c.t.Now()), cloud.Stamp(c.t.Now())
	if isUnified(o) {
		mail := nick + "@" + c.t.DefaultDomain
		o["mail"], o["proxyAddresses"] = mail, []any{"SMTP:" + mail}
		if o["visibility"] == nil {
			o["visibility"] = "Public"
		}
	}
	owners := binds["owners"]
	if len(owners) == 0 && !c.p.AppOnly && !c.p.Foreign {
		owners = []string{c.p.ObjectID}
	}
	c.t.AddGroup(o)
	id := cloud.Str(o, "id")
	for _, m := range binds["members"] {
		c.t.AddMember(id, m)
	}
	for _, m := range owners {
		c.t.AddOwner(id, m)
	}
	c.wrote(id, nil)
	c.audit("GroupManagement", "Add group", "Add", o, "Group")
	c.status = http.StatusCreated
	c.header.Set("Location", c.base+"/groups/"+id)
	return c.entity("groups", "group", o, defaults["group"])
}

// updateGroup is PATCH /groups/{id}; members@odata.bind adds up to 20 members, all or none.
func updateGroup(c *call) error {
	g, err := c.groupTarget(c.args[0])
	if err != nil {
		return err
	}
	o, binds, err := c.body(rules{resource: "Group", typ: "group", readOnly: slices.Concat(groupReadOnly, []string{"isAssignableToRole", "groupTypes"}),
		lengths: map[string]int{"displayName": 256, "mailNickname": 64, "description": 1024}, notNull: []string{"displayName"}, bind: []string{"members"}})
	if err != nil {
		return err
	}
	if len(o) > 0 && !c.has(strings.Fields(groupWrite)...) {
		return denied()
	}
	if cloud.Bool(g, "onPremisesSyncEnabled") {
		return onPremises()
	}
	ids := binds["members"]
	if len(ids) > 20 {
		return badRequest("At most 20 members can be added in one request.")
	}
	for _, id := range ids {
		if err := c.mayAdd(g, id, "members"); err != nil {
			return err
		}
	}
	before := cloud.Copy(g)
	for k, v := range o {
		g[k] = v
	}
	for _, id := range ids {
		c.addMember(g, id)
	}
	c.wrote(cloud.Str(g, "id"), before)
	if len(o) > 0 {
		c.audit("GroupManagement", "Update group", "Update", g, "Group")
	}
	return nil
}

func (c *call) groupTarget(id string) (cloud.Object, error) {
	g := c.t.Group(id)
	if g == nil || c.t.Seen(g) == nil {
		return nil, notFound(id)
	}
	return g, nil
}

func deleteGroup(c *call) error {
	g, err := c.groupTarget(c.args[0])
	if err != nil {
		return err
	}
	switch {
	case cloud.Bool(g, "onPremisesSyncEnabled"):
		return onPremises()
	case cloud.Bool(g, "mailEnabled") && !isUnified(g):
		return badRequest(mailEnabledRefusal)
	case cloud.Bool(g, "isAssignableToRole") && !c.has("RoleManagement.ReadWrite.Directory"):
		return denied()
	case len(cloud.List(g, "assignedLicenses")) > 0:
		return badRequest("The group cannot be deleted because it has licenses assigned to it.")
	}
	members := cloud.Strings(g, "members")
	c.t.DeleteGroup(cloud.Str(g, "id"))
	for _, m := range members {
		if u := c.t.User(m); u != nil {
			c.t.Note(m)
		}
	}
	c.audit("GroupManagement", "Delete group", "Delete", g, "Group")
	return nil
}

// object is any directory object with that id, or nil.
func (c *call) object(id string) cloud.Object {
	if o := c.t.User(id); o != nil {
		return o
	}
	for _, set := range []string{"groups", "devices", "servicePrincipals", "contacts", "administrativeUnits", "applications"} {
		if o := c.t.Collection(set).Get(id); o != nil {
			return o
		}
	}
	return nil
}
