package graph

import (
	"slices"
	"strings"

	"cipp-mcp/sandbox/cloud"
	"cipp-mcp/sandbox/model"
)

const (
	memberRead     = "Directory.Read.All Directory.ReadWrite.All Group.ReadBasic.All GroupMember.ReadBasic.All GroupMember.Read.All GroupMember.ReadWrite.All Group.Read.All Group.ReadWrite.All"
	memberReadDel  = "User.Read User.Read.All User.ReadWrite.All " + memberRead
	transitiveRead = "User.Read.All User.ReadWrite.All " + memberRead
)

var membershipOperations = []op{
	{verb: "GET", path: "/users/{id}/memberOf", app: memberRead, del: memberReadDel, do: memberOf},
	{verb: "GET", path: "/users/{id}/memberOf/{cast}", app: memberRead, del: memberReadDel, do: memberOf},
	{verb: "GET", path: "/users/{id}/memberOf/$count", app: memberRead, del: memberReadDel, do: countMemberOf},
	{verb: "GET", path: "/users/{id}/memberOf/{cast}/$count", app: memberRead, del: memberReadDel, do: countMemberOf},
	{verb: "GET", path: "/users/{id}/transitiveMemberOf", app: transitiveRead, del: memberReadDel, do: transitiveMemberOf},
	{verb: "GET", path: "/users/{id}/transitiveMemberOf/{cast}", app: transitiveRead, del: memberReadDel, do: transitiveMemberOf},
	{verb: "GET", path: "/users/{id}/transitiveMemberOf/$count", app: transitiveRead, del: memberReadDel, do: countTransitive},
	{verb: "GET", path: "/users/{id}/transitiveMemberOf/{cast}/$count", app: transitiveRead, del: memberReadDel, do: countTransitive},
	{verb: "GET", path: "/users/{id}/ownedObjects", app: userRead2, do: ownedObjects},
	{verb: "GET", path: "/users/{id}/ownedObjects/{cast}", app: userRead2, do: ownedObjects},
	{verb: "POST", path: "/users/{id}/getMemberGroups", app: transitiveRead, do: getMemberGroups},
	{verb: "POST", path: "/users/{id}/checkMemberGroups", app: transitiveRead, do: checkMemberGroups},
	{verb: "POST", path: "/users/{id}/getMemberObjects", app: transitiveRead, do: getMemberObjects},
	{verb: "POST", path: "/users/{id}/checkMemberObjects", app: transitiveRead, do: checkMemberObjects},
}

// typeOf is the Graph type of a directory object.
func typeOf(o cloud.Object) string {
	if t := cloud.Str(o, "@odata.type"); t != "" {
		return strings.TrimPrefix(t, "#microsoft.graph.")
	}
	switch {
	case o["roleTemplateId"] != nil:
		return "directoryRole"
	case o["deviceId"] != nil:
		return "device"
	case o["appId"] != nil:
		if o["servicePrincipalType"] != nil || o["appRoles"] != nil || o["appOwnerOrganizationId"] != nil {
			return "servicePrincipal"
		}
		return "application"
	case o["userPrincipalName"] != nil:
		return "user"
	case o["mailEnabled"] != nil || o["securityEnabled"] != nil || o["groupTypes"] != nil || o["members"] != nil:
		return "group"
	case o["isMemberManagementRestricted"] != nil:
		return "administrativeUnit"
	}
	return "group"
}

// objects is a listing of directory objects of several types; cast "" shows them all. Under a cast the rows
// are shown and filtered as that type.
func (c *call) objects(rows []cloud.Object, cast string) listing {
	l := listing{set: "directoryObjects", typ: "directoryObject", rows: rows, page: 100, max: 999, directory: true, typeOf: typeOf}
	if len(c.args) > 1 && c.castGiven() {
		cast = canonicalType(c.args[1])
		l.cast = cast
	}
	if cast != "" && c.m.Type(cast) != nil {
		l.typ = cast
		l.byDefault = defaults[cast]
	}
	if l.typ == "directoryObject" {
		l.typ = model.AnyObject
	}
	return l
}

func (c *call) castGiven() bool { return slices.Contains(c.op.segments, "{cast}") }

func canonicalType(name string) string {
	for _, t := range []string{"user", "group", "device", "directoryRole", "administrativeUnit", "servicePrincipal", "application", "orgContact"} {
		if strings.EqualFold(t, name) {
			return t
		}
	}
	return name
}

func (c *call) memberships(id string) []cloud.Object {
	return slices.Concat(c.t.SeenGroupsOf(id), c.rolesFor(id, false), c.unitsOf(id))
}

func (c *call) transitiveMemberships(id string) []cloud.Object {
	return slices.Concat(c.t.TransitiveGroupsOf(id), c.rolesFor(id, true), c.unitsOf(id))
}

func (c *call) unitsOf(id string) []cloud.Object {
	var out []cloud.Object
	for _, u := range c.t.Collection("administrativeUnits").All() {
		if slices.ContainsFunc(cloud.Strings(u, "members"), func(m string) bool { return strings.EqualFold(m, id) }) {
			out = append(out, merged(u, cloud.Object{"@odata.type": "#microsoft.graph.administrativeUnit"}))
		}
	}
	return out
}

func memberOf(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	return c.list(c.objects(c.memberships(cloud.Str(u, "id")), ""))
}

func countMemberOf(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	return c.count(c.objects(c.memberships(cloud.Str(u, "id")), ""))
}

func transitiveMemberOf(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	return c.list(c.objects(c.transitiveMemberships(cloud.Str(u, "id")), ""))
}

func countTransitive(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	return c.count(c.objects(c.transitiveMemberships(cloud.Str(u, "id")), ""))
}

func (c *call) owned(id string) []cloud.Object {
	var out []cloud.Object
	for _, g := range c.t.Groups().All() {
		if cloud.Owns(g, id) {
			out = append(out, g)
		}
	}
	for _, set := range []string{"servicePrincipals", "applications"} {
		for _, o := range c.t.Collection(set).All() {
			if cloud.Owns(o, id) {
				out = append(out, o)
			}
		}
	}
	return out
}

func ownedObjects(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	return c.list(c.objects(c.owned(cloud.Str(u, "id")), ""))
}

// transitiveIDs is the ids of what a user is a member of: groups, and with all also roles and units.
func (c *call) transitiveIDs(key string, all bool) ([]string, error) {
	u, err := c.user(key)
	if err != nil {
		return nil, err
	}
	id := cloud.Str(u, "id")
	list := c.t.TransitiveGroupsOf(id)
	if all {
		list = c.transitiveMemberships(id)
	}
	var out []string
	for _, o := range list {
		out = append(out, cloud.Str(o, "id"))
	}
	return out, nil
}

func getMemberGroups(c *call) error  { return memberIDs(c, false) }
func getMemberObjects(c *call) error { return memberIDs(c, true) }

func memberIDs(c *call, all bool) error {
	in, err := c.json(true)
	if err != nil {
		return err
	}
	only, ok := in["securityEnabledOnly"].(bool)
	if !ok {
		return badRequest("The parameter 'securityEnabledOnly' is missing.")
	}
	ids, err := c.transitiveIDs(c.args[0], all)
	if err != nil {
		return err
	}
	if only {
		ids = slices.DeleteFunc(ids, func(id string) bool {
			g := c.t.Group(id)
			return g != nil && !cloud.Bool(g, "securityEnabled")
		})
	}
	return c.strings("Collection(Edm.String)", ids)
}

func checkMemberGroups(c *call) error  { return checkMembers(c, "groupIds", false) }
func checkMemberObjects(c *call) error { return checkMembers(c, "ids", true) }

func checkMembers(c *call, name string, all bool) error {
	in, err := c.json(true)
	if err != nil {
		return err
	}
	asked := cloud.Strings(in, name)
	if len(asked) == 0 || len(asked) > 20 {
		return badRequest("The parameter '%s' must hold between 1 and 20 ids.", name)
	}
	ids, err := c.transitiveIDs(c.args[0], all)
	if err != nil {
		return err
	}
	var out []string
	for _, id := range asked {
		if slices.ContainsFunc(ids, func(s string) bool { return strings.EqualFold(s, id) }) {
			out = append(out, id)
		}
	}
	return c.strings("Collection(Edm.String)", out)
}

// strings answers a collection of text.
func (c *call) strings(fragment string, list []string) error {
	b := append([]byte("{"), c.context(fragment)...)
	b = append(b, `"value":`...)
	if list == nil {
		list = []string{}
	}
	c.out = append(appendValue(b, list), '}')
	return nil
}
