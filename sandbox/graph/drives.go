package graph

import (
	"net/http"

	"cipp-mcp/sandbox/cloud"
)

var driveOperations = []op{
	{verb: "GET", path: "/users/{id}/drive", app: "Files.Read.All Files.ReadWrite.All Sites.Read.All Sites.ReadWrite.All", family: "drive", do: getDrive},
}

// getDrive is a user's OneDrive. An application never makes one: who has none, has none.
// https://learn.microsoft.com/graph/api/drive-get
func getDrive(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	d := cloud.Child(u, "drive")
	if len(d) == 0 {
		return refused(http.StatusNotFound, "ResourceNotFound", "User's mysite not found.")
	}
	shown := merged(cloud.Object{"id": "b!" + cloud.DerivedID(cloud.Str(u, "id"), "drive"), "driveType": "business", "name": "OneDrive",
		"owner": cloud.Object{"user": cloud.Object{"id": u["id"], "displayName": u["displayName"]}}}, d)
	return c.entity("drives", "drive", shown, nil)
}
