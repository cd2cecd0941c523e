package graph

import (
	"net/http"
	"slices"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

const (
	driveRead  = "Files.Read.All Files.ReadWrite.All Sites.Read.All Sites.ReadWrite.All Sites.FullControl.All"
	driveWrite = "Files.ReadWrite.All Sites.ReadWrite.All Sites.FullControl.All"
)

// Of a drive there is its root with the rights on it, which the state keeps with the drive as permissions, and the
// items it keeps as items, each with permissions of its own. Folders are items with a folder facet; where an item
// lies below one, its parentReference says so.
var driveOperations = []op{
	{verb: "GET", path: "/users/{id}/drive", app: driveRead, family: "drive", do: getDrive},
	{verb: "GET", path: "/drives/{id}", app: driveRead, family: "drive", do: getDriveByID},
	{verb: "POST", path: "/drives/{id}/items/{item}/invite", app: driveWrite, family: "drive", do: inviteToDrive},
	{verb: "GET", path: "/drives/{id}/items/{item}", app: driveRead, family: "drive", do: getDriveItem},
	{verb: "GET", path: "/drives/{id}/items/{item}/children", app: driveRead, family: "drive", do: driveChildren},
	{verb: "GET", path: "/drives/{id}/items/{item}/permissions", app: driveRead, family: "drive", do: drivePermissions},
	{verb: "DELETE", path: "/drives/{id}/items/{item}/permissions/{id}", app: driveWrite, family: "drive", do: deleteDrivePermission},
}

func driveID(u cloud.Object) string {
	if id := cloud.Str(cloud.Child(u, "drive"), "id"); id != "" {
		return id
	}
	return "b!" + cloud.DerivedID(cloud.Str(u, "id"), "drive")
}

func (c *call) answerDrive(u cloud.Object) error {
	shown := merged(cloud.Object{"id": driveID(u), "driveType": "business", "name": "OneDrive", "webUrl": c.t.PersonalSite(u) + "/Documents",
		"owner": cloud.Object{"user": cloud.Object{"id": u["id"], "displayName": u["displayName"]}}}, cloud.Child(u, "drive"))
	delete(shown, "permissions")
	delete(shown, "items")
	delete(shown, "sharingCapability") // SharePoint's own
	return c.entity("drives", "drive", shown, nil)
}

// getDrive is a user's OneDrive. An application never makes one: who has none, has none.
// https://learn.microsoft.com/graph/api/drive-get
func getDrive(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	if len(cloud.Child(u, "drive")) == 0 {
		return refused(http.StatusNotFound, "ResourceNotFound", "User's mysite not found.")
	}
	return c.answerDrive(u)
}

// driveOwner is whose OneDrive a drive id means, the deleted ones among them: a drive outlives its user for a while.
func (c *call) driveOwner(id string) (cloud.Object, error) {
	for _, u := range append(c.t.Users().All(), c.t.Collection("deletedItems").All()...) {
		if len(cloud.Child(u, "drive")) > 0 && strings.EqualFold(driveID(u), id) {
			return u, nil
		}
	}
	for _, s := range c.t.Collection("sites").All() { // a site's library is a drive as well
		if strings.EqualFold(siteDriveID(s), id) {
			if s["drive"] == nil {
				s = cloud.Object{"drive": cloud.Object{"id": siteDriveID(s)}}
			}
			return s, nil
		}
	}
	return nil, refused(http.StatusNotFound, "itemNotFound", "The resource could not be found.")
}

func getDriveByID(c *call) error {
	u, err := c.driveOwner(c.args[0])
	if err != nil {
		return err
	}
	return c.answerDrive(u)
}

// driveRoot is the owner of the drive whose root is meant.
func (c *call) driveRoot() (cloud.Object, error) {
	u, err := c.driveOwner(c.args[0])
	if err != nil {
		return nil, err
	}
	if c.args[1] != "root" {
		return nil, refused(http.StatusNotFound, "itemNotFound", "The resource could not be found.")
	}
	return u, nil
}

// driveItem is the item that is meant and whose drive it is in; the root is the drive itself.
func (c *call) driveItem() (owner, item cloud.Object, err error) {
	if owner, err = c.driveOwner(c.args[0]); err != nil {
		return nil, nil, err
	}
	d := cloud.Child(owner, "drive")
	if strings.EqualFold(c.args[1], "root") {
		return owner, d, nil
	}
	for _, item := range cloud.Objects(d, "items") {
		if strings.EqualFold(cloud.Str(item, "id"), c.args[1]) {
			return owner, item, nil
		}
	}
	return nil, nil, refused(http.StatusNotFound, "itemNotFound", "The resource could not be found.")
}

// itemView is an item as Graph shows it. That somebody else has a right on it shows as shared.
func itemView(item cloud.Object) cloud.Object {
	v := merged(item, nil)
	delete(v, "permissions")
	scope := ""
	for _, p := range cloud.Objects(item, "permissions") {
		if s := cloud.Str(cloud.Child(p, "link"), "scope"); s != "" && scope != "anonymous" {
			scope = s
		} else if scope == "" {
			scope = "users"
		}
	}
	if scope != "" && v["shared"] == nil {
		v["shared"] = cloud.Object{"scope": scope}
	}
	return v
}

func getDriveItem(c *call) error {
	owner, item, err := c.driveItem()
	if err != nil {
		return err
	}
	if strings.EqualFold(c.args[1], "root") {
		item = cloud.Object{"id": "root-" + cloud.DerivedID(driveID(owner), "root"), "name": "root", "root": cloud.Object{}, "folder": cloud.Object{"childCount": float64(len(cloud.List(item, "items")))}}
	}
	return c.entity("drives('"+driveID(owner)+"')/items", "driveItem", itemView(item), nil)
}

// driveChildren is the items in a folder; those that name no parent lie in the root.
// https://learn.microsoft.com/graph/api/driveitem-list-children
func driveChildren(c *call) error {
	owner, _, err := c.driveItem()
	if err != nil {
		return err
	}
	folder := c.args[1]
	var rows []cloud.Object
	for _, item := range cloud.Objects(cloud.Child(owner, "drive"), "items") {
		parent := cloud.Str(cloud.Child(item, "parentReference"), "id")
		if parent == "" {
			parent = "root"
		}
		if strings.EqualFold(parent, folder) {
			rows = append(rows, itemView(item))
		}
	}
	return c.list(listing{set: "drives('" + driveID(owner) + "')/items('" + folder + "')/children", typ: "driveItem", rows: rows, page: 200, max: 1000, options: "$select $top $orderby $expand $count"})
}

func permissionView(p cloud.Object) cloud.Object {
	v := merged(p, nil)
	if p["grantedToV2"] != nil {
		v["grantedTo"] = p["grantedToV2"]
	}
	return v
}

// inviteToDrive is POST …/invite without a mail: the people are given the right at once. What else the page
// allows (links, passwords, mails) is refused.
// https://learn.microsoft.com/graph/api/driveitem-invite
func inviteToDrive(c *call) error {
	owner, err := c.driveRoot()
	if err != nil {
		return err
	}
	in, err := c.json(true)
	if err != nil {
		return err
	}
	for name := range in {
		if !slices.Contains([]string{"recipients", "requireSignIn", "sendInvitation", "roles", "message"}, name) {
			return badRequest("The parameter '%s' is not simulated.", name)
		}
	}
	recipients, _ := in["recipients"].([]any)
	roles, _ := in["roles"].([]any)
	if len(recipients) == 0 || len(roles) == 0 || in["requireSignIn"] != true {
		return refused(http.StatusBadRequest, "invalidRequest", "recipients, roles and requireSignIn are required here.")
	}
	for _, r := range roles {
		if r != "read" && r != "write" {
			return refused(http.StatusBadRequest, "invalidRequest", "The role '%v' is not supported.", r)
		}
	}
	d := cloud.Child(owner, "drive")
	var shown []cloud.Object
	for _, r := range recipients {
		who, _ := r.(map[string]any)
		u := c.t.User(cloud.Str(who, "objectId") + cloud.Str(who, "email"))
		if len(who) != 1 || u == nil || c.t.Seen(u) == nil {
			return refused(http.StatusBadRequest, "invalidRequest", "One or more users could not be resolved.")
		}
		p := cloud.Object{"id": "aTowIy5mfG1lbWJlcnNoaXB8" + strings.ReplaceAll(cloud.DerivedID(driveID(owner), cloud.Str(u, "id")), "-", ""), "roles": cloud.Copy(roles),
			"grantedToV2": cloud.Object{"user": cloud.Object{"id": u["id"], "displayName": u["displayName"]}}}
		kept := slices.DeleteFunc(slices.Clone(cloud.List(d, "permissions")), func(x any) bool { o, _ := x.(map[string]any); return o["id"] == p["id"] })
		d["permissions"] = append(kept, p)
		shown = append(shown, permissionView(p))
	}
	c.audit("FileManagement", "Share drive", "Assign", owner, "User")
	return c.list(listing{set: "permissions", typ: "permission", rows: shown})
}

// drivePermissions is the rights on a drive's root: the owner's, and those that were given.
// https://learn.microsoft.com/graph/api/driveitem-list-permissions
func drivePermissions(c *call) error {
	owner, item, err := c.driveItem()
	if err != nil {
		return err
	}
	rows := []cloud.Object{{"id": "owner-" + cloud.DerivedID(driveID(owner), "owner"), "roles": []any{"owner"},
		"grantedToV2": cloud.Object{"user": cloud.Object{"id": owner["id"], "displayName": owner["displayName"]}}}}
	for _, p := range cloud.Objects(item, "permissions") {
		rows = append(rows, permissionView(p))
	}
	return c.list(listing{set: "permissions", typ: "permission", rows: rows})
}

// deleteDrivePermission takes a right away where it was given; one that an item inherits is refused there.
// https://learn.microsoft.com/graph/api/permission-delete
func deleteDrivePermission(c *call) error {
	owner, item, err := c.driveItem()
	if err != nil {
		return err
	}
	list := cloud.List(item, "permissions")
	var gone cloud.Object
	kept := slices.DeleteFunc(slices.Clone(list), func(x any) bool {
		o, _ := x.(map[string]any)
		if o["id"] == c.args[2] {
			gone = o
		}
		return o["id"] == c.args[2]
	})
	switch {
	case gone == nil:
		return refused(http.StatusNotFound, "itemNotFound", "The resource could not be found.")
	case cloud.Str(cloud.Child(gone, "inheritedFrom"), "id") != "":
		return refused(http.StatusForbidden, "accessDenied", "Inherited permissions can only be removed where they were given.")
	}
	if item["permissions"] = kept; len(kept) == 0 {
		delete(item, "permissions")
	}
	c.audit("FileManagement", "Unshare drive", "Unassign", owner, "User")
	return nil
}
