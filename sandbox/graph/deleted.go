package graph

import (
	"strings"
	"time"

	"cipp-mcp/sandbox/cloud"
)

const deletedRead = "User.Read.All User.ReadWrite.All User.DeleteRestore.All Group.Read.All Group.ReadWrite.All Directory.Read.All Directory.ReadWrite.All"

var deletedOperations = []op{
	{verb: "GET", path: "/directory/deletedItems/{cast}", app: deletedRead, do: listDeleted},
	{verb: "GET", path: "/directory/deletedItems/{cast}/$count", app: deletedRead, do: countDeleted},
	{verb: "GET", path: "/directory/deletedItems/{id}", app: deletedRead, do: getDeleted},
	{verb: "POST", path: "/directory/deletedItems/{id}/restore", app: "User.DeleteRestore.All " + userWrite + " Group.ReadWrite.All", roles: "User Administrator,Privileged Authentication Administrator,Groups Administrator", do: restoreDeleted},
	{verb: "DELETE", path: "/directory/deletedItems/{id}", app: "User.DeleteRestore.All Group.ReadWrite.All", roles: "User Administrator,Authentication Administrator,Privileged Authentication Administrator,Groups Administrator", do: purgeDeleted},
}

// deletedLife is how long a deleted object can be restored.
const deletedLife = 30 * 24 * time.Hour

func (c *call) restorable(o cloud.Object) bool {
	at, ok := moment(cloud.Str(o, "deletedDateTime"))
	return o != nil && (!ok || c.t.Now().Before(at.Add(deletedLife)))
}

func (c *call) deleted(cast string) listing {
	typ := canonicalType(cast)
	rows := []cloud.Object{}
	for _, o := range c.t.Collection("deletedItems").All() {
		if strings.EqualFold(typeOf(o), typ) && c.restorable(o) {
			rows = append(rows, o)
		}
	}
	return listing{set: "directory/deletedItems/microsoft.graph." + typ, typ: typ, rows: rows, byDefault: defaults[typ], page: 100, max: 999, directory: true}
}

// listDeleted is GET /directory/deletedItems/microsoft.graph.user; the cast is due.
// https://learn.microsoft.com/graph/api/directory-deleteditems-list
func listDeleted(c *call) error {
	if c.m.Type(canonicalType(c.args[0])) == nil {
		return badRequest("The type cast '%s' is not valid.", c.args[0])
	}
	return c.list(c.deleted(c.args[0]))
}

func countDeleted(c *call) error {
	if c.m.Type(canonicalType(c.args[0])) == nil {
		return badRequest("The type cast '%s' is not valid.", c.args[0])
	}
	return c.count(c.deleted(c.args[0]))
}

func (c *call) deletedItem(id string) (cloud.Object, error) {
	o := c.t.Collection("deletedItems").Get(id)
	if !c.restorable(o) {
		return nil, notFound(id)
	}
	return o, nil
}

func getDeleted(c *call) error {
	o, err := c.deletedItem(c.args[0])
	if err != nil {
		return err
	}
	return c.polymorphic(o, typeOf(o))
}

// restoreDeleted brings an object back with its memberships and licences.
// https://learn.microsoft.com/graph/api/directory-deleteditems-restore
func restoreDeleted(c *call) error {
	o, err := c.deletedItem(c.args[0])
	if err != nil {
		return err
	}
	id := cloud.Str(o, "id")
	if typeOf(o) == "group" {
		o = c.t.RestoreGroup(id)
		c.audit("GroupManagement", "Restore group", "Restore", o, "Group")
		return c.polymorphic(o, "group")
	}
	if !c.maySensitive(o, false) {
		return denied()
	}
	if other := c.t.User(cloud.DeletedUPN(o)); other != nil {
		return refused(409, "ObjectConflict", "Another object with the same value for property userPrincipalName already exists.")
	}
	o = c.t.RestoreUser(id)
	c.wrote(id, nil)
	c.audit("UserManagement", "Restore user", "Restore", o, "User")
	return c.polymorphic(o, "user")
}

func purgeDeleted(c *call) error {
	o, err := c.deletedItem(c.args[0])
	if err != nil {
		return err
	}
	id := cloud.Str(o, "id")
	if typeOf(o) == "group" {
		if c.p.AppOnly {
			return denied()
		}
		c.t.Collection("deletedItems").Remove(id)
		c.audit("GroupManagement", "Hard Delete group", "Delete", o, "Group")
		return nil
	}
	if !c.has("User.DeleteRestore.All") || !c.maySensitive(o, false) {
		return denied()
	}
	c.t.Collection("deletedItems").Remove(id)
	c.t.NotePurged(id)
	c.audit("UserManagement", "Hard Delete user", "Delete", o, "User")
	return nil
}
