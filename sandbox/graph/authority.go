package graph

import "cipp-mcp/sandbox/cloud"

const authorityWrite = "User-OnPremisesSyncBehavior.ReadWrite.All"

var authorityOperations = []op{
	{verb: "GET", path: "/users/{id}/onPremisesSyncBehavior", app: authorityWrite, roles: "Hybrid Identity Administrator", do: getAuthority},
	{verb: "PATCH", path: "/users/{id}/onPremisesSyncBehavior", app: authorityWrite, roles: "Hybrid Identity Administrator", do: setAuthority},
}

// getAuthority is GET /users/{id}/onPremisesSyncBehavior.
// https://learn.microsoft.com/graph/api/onpremisessyncbehavior-get
func getAuthority(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	return c.plain("users('"+cloud.Str(u, "id")+"')/onPremisesSyncBehavior/$entity", cloud.Object{"id": u["id"],
		"isCloudManaged": cloud.Bool(cloud.Child(u, "onPremisesSyncBehavior"), "isCloudManaged")})
}

// setAuthority is PATCH /users/{id}/onPremisesSyncBehavior. What becomes of onPremisesSyncEnabled Microsoft's page does not
// say, so that it stays, and with it the refusal to change what is mastered on premises: the next synchronisation
// decides. That a user who never was synchronised is refused is not documented either.
// https://learn.microsoft.com/graph/api/onpremisessyncbehavior-update
func setAuthority(c *call) error {
	u, err := c.target(c.args[0])
	if err != nil {
		return err
	}
	o, _, err := c.body(rules{resource: "OnPremisesSyncBehavior", typ: "onPremisesSyncBehavior", required: []string{"isCloudManaged"}, readOnly: []string{"id"}})
	if err != nil {
		return err
	}
	if u["onPremisesSyncEnabled"] == nil {
		return badRequest("The source of authority of an object that was never synchronized cannot be changed.")
	}
	before := cloud.Copy(u)
	u["onPremisesSyncBehavior"] = cloud.Object{"isCloudManaged": cloud.Bool(o, "isCloudManaged")}
	c.wrote(cloud.Str(u, "id"), before)
	c.audit("UserManagement", "Change Source of Authority", "Update", u, "User", cloud.Modified{Name: "IsCloudManaged",
		Old: jsonText(cloud.Child(before, "onPremisesSyncBehavior")["isCloudManaged"]), New: jsonText(o["isCloudManaged"])})
	return nil
}
