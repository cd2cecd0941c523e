package graph

import (
	"slices"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

var objectOperations = []op{
	{verb: "POST", path: "/directoryObjects/getByIds", app: "Directory.Read.All Directory.ReadWrite.All User.Read.All User.ReadWrite.All Group.Read.All Group.ReadWrite.All", do: getByIDs},
	{verb: "GET", path: "/directoryObjects/{id}", app: "Directory.Read.All Directory.ReadWrite.All User.Read.All User.ReadWrite.All Group.Read.All Group.ReadWrite.All", do: getObject},
}

// getByIDs is POST /directoryObjects/getByIds; ids that are nobody's are left out.
// https://learn.microsoft.com/graph/api/directoryobject-getbyids
func getByIDs(c *call) error {
	in, err := c.json(true)
	if err != nil {
		return err
	}
	ids := cloud.Strings(in, "ids")
	if len(ids) == 0 || len(ids) > 1000 {
		return badRequest("The parameter 'ids' must hold between 1 and 1000 ids.")
	}
	types := cloud.Strings(in, "types")
	var rows []cloud.Object
	for _, id := range ids {
		if !cloud.IsGUID(id) {
			return badRequest("Invalid object identifier '%s'.", id)
		}
		o := c.object(id)
		if o == nil || len(types) > 0 && !slices.ContainsFunc(types, func(t string) bool {
			return strings.EqualFold(t, typeOf(o)) || strings.EqualFold(t, "directoryObject")
		}) {
			continue
		}
		rows = append(rows, o)
	}
	l := c.objects(rows, "")
	l.page, l.max = 0, 0
	return c.list(l)
}

func getObject(c *call) error {
	o := c.t.Seen(c.object(c.args[0]))
	if o == nil {
		return notFound(c.args[0])
	}
	return c.polymorphic(o, typeOf(o))
}
