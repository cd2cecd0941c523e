package graph

import (
	"net/http"

	"cipp-mcp/sandbox/cloud"
)

var managerOperations = []op{
	{verb: "GET", path: "/users/{id}/manager", app: userRead2, do: getManager},
	{verb: "PUT", path: "/users/{id}/manager/$ref", app: userWrite, roles: "User Administrator,Directory Writers", do: setManager},
	{verb: "DELETE", path: "/users/{id}/manager/$ref", app: userWrite, roles: "User Administrator,Directory Writers", do: removeManager},
	{verb: "GET", path: "/users/{id}/directReports", app: userRead2, do: directReports},
	{verb: "GET", path: "/users/{id}/directReports/{cast}", app: userRead2, do: directReports},
}

func noManager() error {
	return refused(http.StatusNotFound, "Request_ResourceNotFound", "Resource 'manager' does not exist or one of its queried reference-property objects are not present.")
}

// getManager is GET /users/{id}/manager.
func getManager(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	m := c.t.Seen(c.t.User(cloud.Str(u, "manager")))
	if m == nil {
		return noManager()
	}
	selected, err := c.selected("user")
	if err != nil {
		return err
	}
	head := c.context(fragment("directoryObjects", selected) + "/$entity")
	if c.meta != "none" {
		head += typed("user")
	}
	c.out = appendObject(nil, m, c.shape("user", selected, defaults["user"]), trimComma(head))
	return nil
}

func trimComma(s string) string {
	if n := len(s); n > 0 && s[n-1] == ',' {
		return s[:n-1]
	}
	return s
}

// setManager is PUT /users/{id}/manager/$ref.
func setManager(c *call) error {
	u, err := c.target(c.args[0])
	if err != nil {
		return err
	}
	id, err := c.refBody()
	if err != nil {
		return err
	}
	if cloud.Bool(u, "onPremisesSyncEnabled") {
		return onPremises()
	}
	m := c.t.User(id)
	if m == nil {
		if c.t.Group(id) != nil {
			return badRequest("A manager can only be a user or an organisational contact.")
		}
		return notFound(id)
	}
	before := cloud.Copy(u)
	u["manager"] = cloud.Str(m, "id")
	return c.managerChanged(u, before)
}

func removeManager(c *call) error {
	u, err := c.target(c.args[0])
	if err != nil {
		return err
	}
	if cloud.Bool(u, "onPremisesSyncEnabled") {
		return onPremises()
	}
	if cloud.Str(u, "manager") == "" {
		return noManager()
	}
	before := cloud.Copy(u)
	delete(u, "manager")
	return c.managerChanged(u, before)
}

func (c *call) managerChanged(u, before cloud.Object) error {
	c.wrote(cloud.Str(u, "id"), before)
	c.t.Note(cloud.Str(u, "id"))
	name := "Remove user's manager"
	if u["manager"] != nil {
		name = "Set user's manager"
	}
	c.audit("UserManagement", name, "Update", u, "User", cloud.Modified{Name: "Manager", Old: jsonText(before["manager"]), New: jsonText(u["manager"])})
	return nil
}

func (c *call) reports(id string) []cloud.Object {
	var out []cloud.Object
	for _, o := range c.t.Users().All() {
		if cloud.Str(o, "manager") == id {
			out = append(out, o)
		}
	}
	return out
}

func directReports(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	return c.list(c.objects(c.reports(cloud.Str(u, "id")), "user"))
}
