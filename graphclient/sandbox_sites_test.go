package graphclient_test

import (
	"strings"
	"testing"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/sandbox"
)

const (
	customsSite = "https://harbourlinefreight.sharepoint.com/sites/customs"
	danaUPN     = "dana.whitfield@harbourline.example"
)

func TestSandboxSites(t *testing.T) {
	eachWay(t, func(t *testing.T, _ *sandbox.Server, c *graphclient.Client) {
		all := got(c.Sites(ctx, harbourline, ""))(t, "Sites")
		if some := got(c.Sites(ctx, harbourline, "handbook eu"))(t, "Sites"); len(all) < 4 || len(some) != 1 || !strings.HasSuffix(some[0].WebURL, "/customs/eu") {
			t.Fatalf("%d sites, %+v", len(all), some)
		}
		s := got(c.Site(ctx, harbourline, customsSite+"/"))(t, "Site")
		if sub := got(c.SubSites(ctx, harbourline, s.ID))(t, "SubSites"); len(sub) != 1 || sub[0].Name != "eu" {
			t.Errorf("%+v", sub)
		}
		lib := got(c.SiteLibrary(ctx, harbourline, s.ID))(t, "SiteLibrary")
		if lib.Owner.Group != nil || lib.SharePointIDs.ListID == "" || lib.SharePointIDs.SiteID != strings.Split(s.ID, ",")[1] {
			t.Errorf("%+v", lib)
		}
		project := got(c.Site(ctx, harbourline, "https://harbourlinefreight.sharepoint.com/sites/rotterdam-project"))(t, "Site")
		g := got(c.SiteLibrary(ctx, harbourline, project.ID))(t, "SiteLibrary").Owner.Group
		if g == nil || g.DisplayName != "Rotterdam Project" {
			t.Fatalf("%+v", g)
		}
		if back := got(c.GroupSite(ctx, harbourline, g.ID))(t, "GroupSite"); back.ID != project.ID {
			t.Errorf("%+v", back)
		}
		say(t, second(c.Site(ctx, harbourline, customsSite+"/none")), graphclient.NotFound)
		for _, address := range []string{"http://harbourlinefreight.sharepoint.com/sites/customs", "https://harbourlinefreight.sharepoint.com.evil.example/sites/customs", "https://x@harbourlinefreight.sharepoint.com/sites/customs", "customs", ""} {
			say(t, second(c.Site(ctx, harbourline, address)), graphclient.Invalid)
		}
	})
}

func TestSandboxSiteGroups(t *testing.T) {
	eachWay(t, func(t *testing.T, _ *sandbox.Server, c *graphclient.Client) {
		if err := c.CanEditSites(harbourline, "This"); err != nil { // a secret
			say(t, err, graphclient.OtherSignIn)
			say(t, c.AddToSiteGroup(ctx, harbourline, customsSite, graphclient.SiteMember, danaUPN), graphclient.OtherSignIn)
			held, unread, err := c.SiteMembershipsOf(ctx, harbourline, graphclient.User{ID: dana, UserPrincipalName: danaUPN})
			if err != nil || graphclient.KindOf(unread) != graphclient.OtherSignIn || len(held) != 1 || held[0].Group != "Rotterdam Project" {
				t.Errorf("%+v, %v, %v", held, unread, err)
			}
			return
		}
		in := func(r graphclient.SiteRole) bool {
			return got(c.InSiteGroup(ctx, harbourline, customsSite, r, danaUPN))(t, "InSiteGroup")
		}
		if in(graphclient.SiteMember) || !in(graphclient.SiteVisitor) {
			t.Error("Dana is a visitor, and no member")
		}
		for range 2 { // again changes nothing
			if err := c.AddToSiteGroup(ctx, harbourline, customsSite, graphclient.SiteMember, danaUPN); err != nil {
				t.Fatal(err)
			}
		}
		if !in(graphclient.SiteMember) {
			t.Error("she is no member")
		}
		held, unread, err := c.SiteMembershipsOf(ctx, harbourline, graphclient.User{ID: dana, UserPrincipalName: danaUPN})
		if err != nil || unread != nil || len(held) != 2 || strings.Join(held[1].Rights, " ") != "visitor member" {
			t.Errorf("%+v, %v, %v", held, unread, err)
		}
		if err := c.RemoveFromSiteGroup(ctx, harbourline, customsSite, graphclient.SiteMember, danaUPN); err != nil || in(graphclient.SiteMember) {
			t.Errorf("%v", err)
		}
		say(t, c.RemoveFromSiteGroup(ctx, harbourline, customsSite, graphclient.SiteMember, danaUPN), graphclient.NotMember)
		say(t, c.AddToSiteGroup(ctx, harbourline, customsSite, graphclient.SiteMember, "nobody@harbourline.example"), graphclient.NotFound)
		say(t, c.AddToSiteGroup(ctx, harbourline, customsSite+"/none", graphclient.SiteMember, danaUPN), graphclient.NotFound)
		say(t, c.AddToSiteGroup(ctx, harbourline, "https://evil.example/sites/x", graphclient.SiteMember, danaUPN), graphclient.Invalid)
	})
	roles := withState(t, sandbox.Options{}, func(x object) { x["gdap"].(object)["roles"] = []any{"Global Reader"} })
	say(t, second(signedIn(t, roles, "partner").InSiteGroup(ctx, harbourline, customsSite, graphclient.SiteMember, danaUPN)), graphclient.RoleMissing)
}

func TestSandboxProvisionDrive(t *testing.T) {
	eachWay(t, func(t *testing.T, s *sandbox.Server, c *graphclient.Client) {
		if err := c.CanProvisionDrives(ctx, harbourline); err != nil {
			say(t, err, graphclient.OtherSignIn)
			say(t, c.ProvisionDrive(ctx, harbourline, danaUPN), graphclient.OtherSignIn)
			return
		}
		for range 2 {
			if err := c.ProvisionDrive(ctx, harbourline, danaUPN); err != nil {
				t.Fatal(err)
			}
		}
		s.Advance(10 * time.Minute)
		if d := got(c.Drive(ctx, harbourline, dana))(t, "Drive"); d == nil {
			t.Error("it is not there")
		}
	})
	roles := withState(t, sandbox.Options{}, func(x object) { x["gdap"].(object)["roles"] = []any{"Global Reader"} })
	say(t, signedIn(t, roles, "partner").CanProvisionDrives(ctx, harbourline), graphclient.RoleMissing)
}

func TestSandboxShortcut(t *testing.T) {
	const yuki = "55ff8fd1-2bda-42bc-bc72-a9c66457becd"
	eachWay(t, func(t *testing.T, _ *sandbox.Server, c *graphclient.Client) {
		s := got(c.Site(ctx, harbourline, customsSite))(t, "Site")
		lib := got(c.SiteLibrary(ctx, harbourline, s.ID))(t, "SiteLibrary")
		folder := got(c.DriveItems(ctx, harbourline, lib.ID, ""))(t, "DriveItems")[0]
		root := got(c.DriveRoot(ctx, harbourline, lib.ID))(t, "DriveRoot")
		drive := got(c.Drive(ctx, harbourline, yuki))(t, "Drive")
		for _, to := range []graphclient.ShortcutTarget{{Library: lib.SharePointIDs, DriveID: lib.ID, RootID: root.ID}, {Library: lib.SharePointIDs, DriveID: lib.ID, RootID: root.ID, FolderID: folder.ID}} {
			made := got(c.AddShortcut(ctx, harbourline, yuki, s.DisplayName, to))(t, "AddShortcut")
			found := 0
			for _, i := range got(c.DriveItems(ctx, harbourline, drive.ID, ""))(t, "DriveItems") {
				if i.RemoteItem != nil && i.RemoteItem.Is(to) {
					found++
				}
			}
			if found != 1 {
				t.Errorf("%d shortcuts to %+v", found, to)
			}
			if err := c.DeleteDriveItem(ctx, harbourline, drive.ID, made.ID); err != nil {
				t.Error(err)
			}
			say(t, c.DeleteDriveItem(ctx, harbourline, drive.ID, made.ID), graphclient.NotFound)
		}
		say(t, second(c.AddShortcut(ctx, harbourline, dana, "x", graphclient.ShortcutTarget{Library: lib.SharePointIDs})), graphclient.NoDrive)
		say(t, second(c.AddShortcut(ctx, harbourline, yuki, "x", graphclient.ShortcutTarget{FolderID: "none", DriveID: lib.ID})), graphclient.NotFound)
	})
}
