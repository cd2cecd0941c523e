package graphclient

import (
	"context"
	"net/url"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// tenantAdmin is the administration of the tenant's SharePoint, found by its root site. Microsoft gives it to people
// only, as onSharePoint says.
func (c *Client) tenantAdmin(ctx context.Context, tid, what string) (sharePointAdmin, error) {
	if err := require(tid); err != nil {
		return sharePointAdmin{}, err
	}
	if !c.delegated() {
		return sharePointAdmin{}, c.otherSignIn(tid, what, "a delegated sign-in", "partner or user")
	}
	root, err := c.siteAt(ctx, tid, "root", "")
	if err != nil {
		return sharePointAdmin{}, err
	}
	if u, err := url.Parse(root.WebURL); err == nil {
		name, ok := strings.CutSuffix(strings.ToLower(u.Host), "."+c.sharePointDomain())
		if a, known := c.adminAt(name); ok && known {
			return a, nil
		}
	}
	return sharePointAdmin{}, &Error{Kind: Invalid, Service: string(sharePointService), Tenant: tid, Message: "The address of the root site is none of this cloud's SharePoint: " + cleanText(root.WebURL, 160)}
}

// CanProvisionDrives says whether this sign-in may make OneDrives for others; it changes nothing.
//
// GET /sites/root and CSOM Tenant at the admin site; delegated, AllSites.FullControl and the role SharePoint
// Administrator.
//
// Reference: https://learn.microsoft.com/openspecs/sharepoint_protocols/ms-csom
func (c *Client) CanProvisionDrives(ctx context.Context, tid string) error {
	a, err := c.tenantAdmin(ctx, tid, "Making a OneDrive for somebody else")
	if err != nil {
		return err
	}
	_, err = c.csom(ctx, a.call(tid), "", "")
	return err
}

// ProvisionDrive orders a OneDrive for a user, by sign-in name; it is there minutes later. Who has one keeps it; who has
// no licence for one, or may not sign in, gets none.
//
// CSOM Tenant.RequestPersonalSites at the admin site; as CanProvisionDrives. Ordered twice it is made once.
//
// Reference: https://learn.microsoft.com/sharepoint/pre-provision-accounts
func (c *Client) ProvisionDrive(ctx context.Context, tid, upn string) error {
	if err := require(tid, upn); err != nil {
		return err
	}
	a, err := c.tenantAdmin(ctx, tid, "Making a OneDrive for somebody else")
	if err != nil {
		return err
	}
	k := a.call(tid)
	k.write = true
	_, err = c.csom(ctx, k, `<ObjectPath Id="4" ObjectPathId="3" /><Query Id="5" ObjectPathId="3"><Query SelectAllProperties="false"><Properties><Property Name="IsComplete" ScalarProperty="true" /></Properties></Query></Query>`,
		`<Method Id="3" ParentId="1" Name="RequestPersonalSites"><Parameters><Parameter Type="Array"><Object Type="String">`+xmlText(upn)+`</Object></Parameter></Parameters></Method>`)
	return err
}

// ShortcutTarget is what a shortcut in a OneDrive leads to: a site's library, or a folder of it.
type ShortcutTarget struct {
	Library  SharePointIDs `json:"library"`
	DriveID  string        `json:"driveId,omitempty"`
	RootID   string        `json:"rootId,omitempty"`   // of the library, under which a shortcut may show it
	FolderID string        `json:"folderId,omitempty"` // "" for the whole library
}

// RemoteItem is what an item of a drive stands for that lies elsewhere.
//
// Reference: https://learn.microsoft.com/graph/api/resources/remoteitem
type RemoteItem struct {
	ID              string `json:"id,omitempty"`
	ParentReference *struct {
		DriveID string `json:"driveId,omitempty"`
	} `json:"parentReference,omitempty"`
	SharePointIDs *SharePointIDs `json:"sharepointIds,omitempty"`
}

// Is reports whether the item leads to the target.
func (r RemoteItem) Is(to ShortcutTarget) bool {
	if id := firstOf(to.FolderID, to.RootID); id != "" && equalFold(r.ID, id) {
		return r.ParentReference == nil || equalFold(r.ParentReference.DriveID, to.DriveID)
	}
	if to.FolderID != "" {
		return false
	}
	ids := r.SharePointIDs
	return ids != nil && equalFold(ids.SiteID, to.Library.SiteID) && equalFold(ids.WebID, to.Library.WebID) && equalFold(ids.ListID, to.Library.ListID) && (ids.ListItemUniqueID == "" || ids.ListItemUniqueID == rootItem)
}

// AddShortcut puts a shortcut into the root of a user's OneDrive. Where an item has that name already, the shortcut gets
// another. The user has to have access to what it leads to. Never sent twice.
//
// POST /users/{id}/drive/root/children, 201; least permission Files.ReadWrite.All. The form for a library is the one
// products use; Microsoft documents that for a folder.
//
// Reference: https://learn.microsoft.com/graph/api/driveitem-post-children
func (c *Client) AddShortcut(ctx context.Context, tid, userID, name string, to ShortcutTarget) (DriveItem, error) {
	if err := require(tid, userID, name); err != nil {
		return DriveItem{}, err
	}
	remote := map[string]any{}
	if to.FolderID != "" {
		remote["id"], remote["parentReference"] = to.FolderID, map[string]string{"driveId": to.DriveID}
	} else {
		ids := to.Library
		ids.ListItemUniqueID = rootItem
		remote["sharepointIds"] = ids
	}
	body := map[string]any{"name": name, "remoteItem": remote, "@microsoft.graph.conflictBehavior": "rename"}
	return fetch[DriveItem](ctx, c, change(ctx, tid, writeFiles...).posting(), c.v1, func() (*abs.RequestInformation, error) {
		return withJSON(plainRequest(abs.POST, "{+user}/drive/root/children", map[string]string{"user": userPath(userID)}), nil, body)
	})
}

// DriveRoot is the root of a drive as an item.
//
// GET /drives/{id}/items/root; least permission Files.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/driveitem-get
func (c *Client) DriveRoot(ctx context.Context, tid, driveID string) (DriveItem, error) {
	if err := require(tid, driveID); err != nil {
		return DriveItem{}, err
	}
	return fetch[DriveItem](ctx, c, read(tid, readFiles...), c.v1, func() (*abs.RequestInformation, error) {
		return c.v1.drives().ByDriveId(driveID).Items().ByDriveItemId(rootItem).ToGetRequestInformation(ctx, nil)
	})
}

// DeleteDriveItem takes an item out of a drive; of a shortcut nothing else goes. Repeatable.
//
// DELETE /drives/{id}/items/{id}, 204; least permission Files.ReadWrite.All.
//
// Reference: https://learn.microsoft.com/graph/api/driveitem-delete
func (c *Client) DeleteDriveItem(ctx context.Context, tid, driveID, itemID string) error {
	if err := require(tid, driveID, itemID); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, writeFiles...).deleting(), c.v1, func() (*abs.RequestInformation, error) {
		return c.v1.drives().ByDriveId(driveID).Items().ByDriveItemId(itemID).ToDeleteRequestInformation(ctx, nil)
	}, nil)
}
