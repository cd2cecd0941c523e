package graph

import (
	"net/http"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

const (
	memberWrite        = "GroupMember.ReadWrite.All " + groupWrite
	mailEnabledRefusal = "Cannot Update a mail-enabled security groups and or distribution list."
)

var memberOperations = []op{
	{verb: "GET", path: "/groups/{id}/members", app: membersGet, do: groupMembers},
	{verb: "GET", path: "/groups/{id}/members/{cast}", app: membersGet, do: groupMembers},
	{verb: "GET", path: "/groups/{id}/members/$count", app: membersGet, do: countMembers},
	{verb: "GET", path: "/groups/{id}/members/{cast}/$count", app: membersGet, do: countMembers},
	{verb: "GET", path: "/groups/{id}/transitiveMembers", app: membersGet, do: transitiveMembers},
	{verb: "GET", path: "/groups/{id}/transitiveMembers/{cast}", app: membersGet, do: transitiveMembers},
	{verb: "GET", path: "/groups/{id}/memberOf", app: groupRead, do: groupMemberOf},
	{verb: "GET", path: "/groups/{id}/memberOf/{cast}", app: groupRead, do: groupMemberOf},
	{verb: "POST", path: "/groups/{id}/members/$ref", app: memberWrite, roles: groupRoles, do: addMemberRef},
	{verb: "DELETE", path: "/groups/{id}/members/{id}/$ref", app: memberWrite, roles: groupRoles, do: removeMemberRef},
	{verb: "DELETE", path: "/groups/{id}/members/{id}", app: "User.ReadWrite.All User.DeleteRestore.All Directory.ReadWrite.All", roles: "User Administrator", do: deleteMemberObject},
	{verb: "GET", path: "/groups/{id}/owners", app: groupRead, do: groupOwners},
	{verb: "GET", path: "/groups/{id}/owners/{cast}", app: groupRead, do: groupOwners},
	{verb: "GET", path: "/groups/{id}/owners/$count", app: groupRead, do: countOwners},
	{verb: "POST", path: "/groups/{id}/owners/$ref", app: groupWrite, roles: groupRoles, do: addOwnerRef},
	{verb: "DELETE", path: "/groups/{id}/owners/{id}/$ref", app: groupWrite, roles: groupRoles, do: removeOwnerRef},
}

func (c *call) related(g cloud.Object, key string) []cloud.Object {
	var out []cloud.Object
	for _, id := range cloud.Strings(g, key) {
		if o := c.object(id); o != nil {
			out = append(out, o)
		}
	}
	return out
}

func (c *call) answerRelated(key string, counted bool) error {
	g, err := c.group(c.args[0])
	if err != nil {
		return err
	}
	l := c.objects(c.related(g, key), "")
	if counted {
		return c.count(l)
	}
	return c.list(l)
}

func groupMembers(c *call) error { return c.answerRelated("members", false) }
func countMembers(c *call) error { return c.answerRelated("members", true) }
func groupOwners(c *call) error  { return c.answerRelated("owners", false) }
func countOwners(c *call) error  { return c.answerRelated("owners", true) }

func transitiveMembers(c *call) error {
	g, err := c.group(c.args[0])
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	var out []cloud.Object
	queue := []cloud.Object{g}
	for len(queue) > 0 {
		for _, o := range c.related(queue[0], "members") {
			if id := cloud.Str(o, "id"); !seen[id] {
				seen[id] = true
				out = append(out, o)
				queue = append(queue, o)
			}
		}
		queue = queue[1:]
	}
	return c.list(c.objects(out, ""))
}

func groupMemberOf(c *call) error {
	g, err := c.group(c.args[0])
	if err != nil {
		return err
	}
	return c.list(c.objects(c.memberships(cloud.Str(g, "id")), ""))
}

// mayChange refuses changes of membership that Graph does not make: of groups that Exchange, the on-premises
// directory or a rule is the master of, and of role-assignable groups without the permission for roles.
func (c *call) mayChange(g cloud.Object, key string) error {
	switch {
	case cloud.Bool(g, "onPremisesSyncEnabled"):
		return onPremises()
	case cloud.Bool(g, "mailEnabled") && !isUnified(g):
		return badRequest(mailEnabledRefusal)
	case key == "members" && isDynamic(g):
		return badRequest("Cannot update the membership of a dynamic membership group.")
	case cloud.Bool(g, "isAssignableToRole") && !c.has("RoleManagement.ReadWrite.Directory"):
		return denied()
	case cloud.Bool(g, "isAssignableToRole") && !c.p.AppOnly && !c.role("Privileged Role Administrator"):
		return denied()
	}
	return nil
}

func (c *call) mayAdd(g cloud.Object, id, key string) error {
	if err := c.mayChange(g, key); err != nil {
		return err
	}
	o := c.object(id)
	switch {
	case o == nil || c.t.Seen(o) == nil:
		return notFound(id)
	case key == "members" && isUnified(g) && typeOf(o) != "user":
		return badRequest("The object type '%s' cannot be a member of a Microsoft 365 group.", typeOf(o))
	case key == "members" && c.t.IsMember(cloud.Str(g, "id"), cloud.Str(o, "id")), key == "owners" && cloud.Owns(g, cloud.Str(o, "id")):
		return badRequest("One or more added object references already exist for the following modified properties: '%s'.", key)
	case key == "owners" && typeOf(o) != "user" && typeOf(o) != "servicePrincipal":
		return badRequest("The object type '%s' cannot own a group.", typeOf(o))
	case typeOf(o) == "group" && (cloud.Str(o, "id") == cloud.Str(g, "id") || cloud.Bool(g, "isAssignableToRole")):
		return badRequest("The group cannot be nested here.")
	}
	return nil
}

// addMember makes the membership and hands down what the group grants.
func (c *call) addMember(g cloud.Object, id string) {
	o := c.object(id)
	c.t.AddMember(cloud.Str(g, "id"), cloud.Str(o, "id"))
	c.memberChanged(g, o, "Add member to group")
}

func (c *call) memberChanged(g, o cloud.Object, activity string) {
	if typeOf(o) == "user" && len(cloud.List(g, "assignedLicenses")) > 0 {
		before := cloud.Copy(o)
		c.licensesChanged(o, before)
	}
	c.audit("GroupManagement", activity, "Assign", o, "User",
		cloud.Modified{Name: "Group.ObjectID", Old: "", New: jsonText(g["id"])}, cloud.Modified{Name: "Group.DisplayName", Old: "", New: jsonText(g["displayName"])})
}

func addMemberRef(c *call) error {
	g, err := c.groupTarget(c.args[0])
	if err != nil {
		return err
	}
	id, err := c.refBody()
	if err != nil {
		return err
	}
	if err := c.mayAdd(g, id, "members"); err != nil {
		return err
	}
	before := cloud.Copy(g)
	c.addMember(g, id)
	c.wrote(cloud.Str(g, "id"), before)
	return nil
}

// referenced is the group and the object that a path to one of its members or owners names, where the group's may be changed.
func (c *call) referenced(relation string) (g, o cloud.Object, err error) {
	if g, err = c.groupTarget(c.args[0]); err != nil {
		return nil, nil, err
	}
	if err := c.mayChange(g, relation); err != nil {
		return nil, nil, err
	}
	if o = c.object(c.args[1]); o == nil {
		return nil, nil, notFound(c.args[1])
	}
	return g, o, nil
}

// removeMemberRef is DELETE /groups/{id}/members/{id}/$ref.
// https://learn.microsoft.com/graph/api/group-delete-members
func removeMemberRef(c *call) error {
	g, o, err := c.referenced("members")
	if err != nil {
		return err
	}
	if !c.t.IsMember(cloud.Str(g, "id"), cloud.Str(o, "id")) {
		return notFound(c.args[1])
	}
	before := cloud.Copy(g)
	c.t.RemoveMember(cloud.Str(g, "id"), cloud.Str(o, "id"))
	c.memberChanged(g, o, "Remove member from group")
	c.wrote(cloud.Str(g, "id"), before)
	return nil
}

// deleteMemberObject is the trap of a removal without /$ref: it deletes the object itself.
func deleteMemberObject(c *call) error {
	g, err := c.groupTarget(c.args[0])
	if err != nil {
		return err
	}
	o := c.t.User(c.args[1])
	if o == nil || !c.t.IsMember(cloud.Str(g, "id"), cloud.Str(o, "id")) {
		return notFound(c.args[1])
	}
	c.args = c.args[1:]
	return deleteUser(c)
}

func addOwnerRef(c *call) error {
	g, err := c.groupTarget(c.args[0])
	if err != nil {
		return err
	}
	id, err := c.refBody()
	if err != nil {
		return err
	}
	if err := c.mayAdd(g, id, "owners"); err != nil {
		return err
	}
	before := cloud.Copy(g)
	o := c.object(id)
	c.t.AddOwner(cloud.Str(g, "id"), cloud.Str(o, "id"))
	c.wrote(cloud.Str(g, "id"), before)
	c.audit("GroupManagement", "Add owner to group", "Assign", o, "User", cloud.Modified{Name: "Group.ObjectID", Old: "", New: jsonText(g["id"])})
	return nil
}

// removeOwnerRef refuses to leave a group without a user who owns it.
func removeOwnerRef(c *call) error {
	g, o, err := c.referenced("owners")
	if err != nil {
		return err
	}
	if !cloud.Owns(g, cloud.Str(o, "id")) {
		return notFound(c.args[1])
	}
	users := 0
	for _, id := range cloud.Strings(g, "owners") {
		if c.t.User(id) != nil && !strings.EqualFold(id, cloud.Str(o, "id")) {
			users++
		}
	}
	if users == 0 && typeOf(o) == "user" {
		return &failure{http.StatusBadRequest, "Request_BadRequest", "The group must have at least one owner, hence this owner cannot be removed."}
	}
	before := cloud.Copy(g)
	c.t.RemoveOwner(cloud.Str(g, "id"), cloud.Str(o, "id"))
	c.wrote(cloud.Str(g, "id"), before)
	c.audit("GroupManagement", "Remove owner from group", "Unassign", o, "User", cloud.Modified{Name: "Group.ObjectID", Old: jsonText(g["id"]), New: ""})
	return nil
}
