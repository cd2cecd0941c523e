package graph

import (
	"net/http"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

const siteRead = "Sites.Read.All Sites.ReadWrite.All Sites.FullControl.All"

// Of a site there is what the state keeps of it, its library with the drive's items, and the sites whose address lies
// below. Who may what in it is SharePoint's own: Graph does not show it.
var siteOperations = []op{
	{verb: "GET", path: "/sites", app: siteRead, family: "drive", do: listSites},
	{verb: "GET", path: "/sites/{id}", app: siteRead, family: "drive", do: getSite},
	{verb: "GET", path: "/sites/{host}/{managed}/{name}", app: siteRead, family: "drive", do: getSiteByPath},
	{verb: "GET", path: "/sites/{host}/{managed}/{name}/{sub}", app: siteRead, family: "drive", do: getSiteByPath},
	{verb: "GET", path: "/sites/{id}/sites", app: siteRead, family: "drive", do: listSubsites},
	{verb: "GET", path: "/sites/{id}/drive", app: driveRead, family: "drive", do: getSiteDrive},
	{verb: "GET", path: "/groups/{id}/sites/root", app: siteRead, family: "drive", do: getGroupSite},
	{verb: "POST", path: "/users/{id}/drive/root/children", app: driveWrite, family: "drive", do: addToDrive},
	{verb: "DELETE", path: "/drives/{id}/items/{item}", app: driveWrite, family: "drive", do: deleteDriveItem},
}

func noSite() error {
	return refused(http.StatusNotFound, "itemNotFound", "Requested site could not be found")
}

// siteView is a site as Graph shows it.
func siteView(s cloud.Object) cloud.Object {
	v := merged(s, nil)
	for _, own := range []string{"drive", "groupId", "owners", "members", "visitors"} {
		delete(v, own)
	}
	return v
}

// rootSite is the site at the top, which every tenant has.
func (c *call) rootSite() cloud.Object {
	host := c.t.SharePointName() + ".sharepoint.com"
	for _, s := range c.t.Collection("sites").All() {
		if strings.EqualFold(cloud.Str(s, "webUrl"), "https://"+host) {
			return s
		}
	}
	return cloud.Object{"id": host + "," + cloud.DerivedID(c.t.ID, "rootSite") + "," + cloud.DerivedID(c.t.ID, "rootWeb"), "name": "", "displayName": "Communication site", "webUrl": "https://" + host}
}

func (c *call) site(id string) (cloud.Object, error) {
	if id == "root" {
		return c.rootSite(), nil
	}
	for _, s := range c.t.Collection("sites").All() {
		if strings.EqualFold(cloud.Str(s, "id"), id) || strings.EqualFold(siteParts(s)[1], id) {
			return s, nil
		}
	}
	return nil, noSite()
}

// siteParts is a site's id taken apart: host, site collection, web.
func siteParts(s cloud.Object) []string {
	return append(strings.SplitN(cloud.Str(s, "id"), ",", 3), "", "", "")[:3]
}

// listSites finds sites by words in their names and addresses; * finds all.
// https://learn.microsoft.com/graph/api/site-search
func listSites(c *call) error {
	words := strings.ToLower(c.q.Search)
	if words == "" {
		return refused(http.StatusBadRequest, "invalidRequest", "The search parameter is required here.")
	}
	var rows []cloud.Object
	for _, s := range append([]cloud.Object{c.rootSite()}, c.t.Collection("sites").All()...) {
		if words == "*" || strings.Contains(strings.ToLower(cloud.Str(s, "displayName")+" "+cloud.Str(s, "webUrl")), words) {
			rows = append(rows, siteView(s))
		}
	}
	c.q.Search = ""
	return c.list(listing{set: "sites", typ: "site", rows: rows, page: 200, max: 500})
}

func getSite(c *call) error {
	s, err := c.site(c.args[0])
	if err != nil {
		return err
	}
	return c.entity("sites", "site", siteView(s), nil)
}

// getSiteByPath is the site at an address: host and path, with a colon between them.
// https://learn.microsoft.com/graph/api/site-getbypath
func getSiteByPath(c *call) error {
	host, ok := strings.CutSuffix(c.args[0], ":")
	for _, s := range c.t.Collection("sites").All() {
		if ok && strings.EqualFold(cloud.Str(s, "webUrl"), "https://"+host+"/"+strings.Join(c.args[1:], "/")) {
			return c.entity("sites", "site", siteView(s), nil)
		}
	}
	return noSite()
}

func listSubsites(c *call) error {
	parent, err := c.site(c.args[0])
	if err != nil {
		return err
	}
	var rows []cloud.Object
	for _, s := range c.t.Collection("sites").All() {
		if rest, ok := strings.CutPrefix(cloud.Str(s, "webUrl"), cloud.Str(parent, "webUrl")+"/"); ok && !strings.Contains(rest, "/") {
			rows = append(rows, siteView(s))
		}
	}
	return c.list(listing{set: "sites('" + cloud.Str(parent, "id") + "')/sites", typ: "site", rows: rows, page: 200, max: 500})
}

// siteDriveID is the id of a site's library as a drive.
func siteDriveID(s cloud.Object) string {
	if id := cloud.Str(cloud.Child(s, "drive"), "id"); id != "" {
		return id
	}
	return "b!" + cloud.DerivedID(cloud.Str(s, "id"), "drive")
}

// getSiteDrive is a site's library. That of a group's site is the group's.
func getSiteDrive(c *call) error {
	s, err := c.site(c.args[0])
	if err != nil {
		return err
	}
	parts := siteParts(s)
	v := merged(cloud.Object{"id": siteDriveID(s), "driveType": "documentLibrary", "name": "Documents", "webUrl": cloud.Str(s, "webUrl") + "/Shared%20Documents",
		"sharePointIds": cloud.Object{"listId": cloud.DerivedID(cloud.Str(s, "id"), "list"), "siteId": parts[1], "siteUrl": s["webUrl"], "webId": parts[2]}}, cloud.Child(s, "drive"))
	delete(v, "items")
	if g := c.t.Groups().Get(cloud.Str(s, "groupId")); g != nil {
		v["owner"] = cloud.Object{"group": cloud.Object{"id": g["id"], "displayName": g["displayName"], "email": g["mail"]}}
	}
	return c.entity("drives", "drive", v, []string{"id", "driveType", "name", "webUrl", "owner", "quota"})
}

func getGroupSite(c *call) error {
	for _, s := range c.t.Collection("sites").All() {
		if id := cloud.Str(s, "groupId"); id != "" && strings.EqualFold(id, c.args[0]) {
			return c.entity("sites", "site", siteView(s), nil)
		}
	}
	return noSite()
}

// addToDrive puts a shortcut into the root of a user's OneDrive. What it points to has to be there; folders and files
// are not made here.
// https://learn.microsoft.com/graph/api/driveitem-post-children
func addToDrive(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	d := cloud.Child(u, "drive")
	if len(d) == 0 {
		return refused(http.StatusNotFound, "ResourceNotFound", "User's mysite not found.")
	}
	in, err := c.json(true)
	if err != nil {
		return err
	}
	to := cloud.Child(in, "remoteItem")
	name := cloud.Str(in, "name")
	if name == "" || len(to) == 0 {
		return refused(http.StatusBadRequest, "invalidRequest", "Only items with a name and a remoteItem can be added here.")
	}
	if !c.remoteIsThere(to) {
		return refused(http.StatusNotFound, "itemNotFound", "The remote item could not be found.")
	}
	taken := func(n string) bool {
		for _, x := range cloud.Objects(d, "items") {
			if strings.EqualFold(cloud.Str(x, "name"), n) && cloud.Str(cloud.Child(x, "parentReference"), "id") == "" {
				return true
			}
		}
		return false
	}
	if taken(name) {
		if cloud.Str(in, "@microsoft.graph.conflictBehavior") != "rename" {
			return refused(http.StatusConflict, "nameAlreadyExists", "An item with the same name already exists.")
		}
		for n := 1; taken(name); n++ {
			name = cloud.Str(in, "name") + " " + string(appendValue(nil, float64(n)))
		}
	}
	item := cloud.Object{"id": "01" + strings.ToUpper(strings.ReplaceAll(cloud.DerivedID(driveID(u), name), "-", "")), "name": name, "createdDateTime": cloud.Stamp(c.t.Now()), "remoteItem": cloud.Copy(to)}
	d["items"] = append(cloud.List(d, "items"), item)
	c.audit("FileManagement", "Add shortcut", "Add", u, "User")
	c.status = http.StatusCreated
	return c.entity("drives('"+driveID(u)+"')/items", "driveItem", itemView(item), nil)
}

// remoteIsThere says whether a shortcut points to the library of a site, or a folder of one.
func (c *call) remoteIsThere(to cloud.Object) bool {
	ids := cloud.Child(to, "sharepointIds")
	for _, s := range c.t.Collection("sites").All() {
		parts := siteParts(s)
		if len(ids) > 0 {
			if strings.EqualFold(cloud.Str(ids, "siteId"), parts[1]) && strings.EqualFold(cloud.Str(ids, "webId"), parts[2]) && cloud.Str(ids, "listId") != "" && cloud.Str(ids, "listItemUniqueId") == "root" {
				return true
			}
			continue
		}
		if !strings.EqualFold(cloud.Str(cloud.Child(to, "parentReference"), "driveId"), siteDriveID(s)) {
			continue
		}
		for _, item := range cloud.Objects(cloud.Child(s, "drive"), "items") {
			if strings.EqualFold(cloud.Str(item, "id"), cloud.Str(to, "id")) && item["folder"] != nil {
				return true
			}
		}
	}
	return false
}

// deleteDriveItem takes an item out of a drive; of a shortcut nothing else goes.
// https://learn.microsoft.com/graph/api/driveitem-delete
func deleteDriveItem(c *call) error {
	owner, item, err := c.driveItem()
	if err != nil {
		return err
	}
	d := cloud.Child(owner, "drive")
	if item["id"] == d["id"] && strings.EqualFold(c.args[1], "root") {
		return refused(http.StatusBadRequest, "invalidRequest", "The root cannot be deleted.")
	}
	kept := []any{}
	for _, x := range cloud.List(d, "items") {
		if o, _ := x.(map[string]any); o["id"] != item["id"] {
			kept = append(kept, x)
		}
	}
	if d["items"] = kept; len(kept) == 0 {
		delete(d, "items")
	}
	c.audit("FileManagement", "Delete item", "Delete", owner, "User")
	return nil
}
