package graphclient

import (
	"context"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// ItemPermission is a right on one item of a drive: somebody's own, or a link's, which is everybody's who has it
// or those it was made for.
//
// Reference: https://learn.microsoft.com/graph/api/resources/permission
type ItemPermission struct {
	ID                    string     `json:"id"`
	Roles                 []string   `json:"roles"`
	Link                  *ItemLink  `json:"link,omitempty"`
	GrantedToV2           *Grantee   `json:"grantedToV2,omitempty"`
	GrantedToIdentitiesV2 []Grantee  `json:"grantedToIdentitiesV2,omitempty"` // for whom a link was made
	HasPassword           bool       `json:"hasPassword,omitempty"`
	ExpirationDateTime    *time.Time `json:"expirationDateTime,omitempty"`
	Invitation            *struct {
		Email string `json:"email,omitempty"`
	} `json:"invitation,omitempty"`
	InheritedFrom *struct {
		ID string `json:"id"`
	} `json:"inheritedFrom,omitempty"`
}

// ItemLink is a sharing link.
//
// Reference: https://learn.microsoft.com/graph/api/resources/sharinglink
type ItemLink struct {
	Scope            string `json:"scope,omitempty"` // anonymous | organization | users
	Type             string `json:"type,omitempty"`  // view | edit
	WebURL           string `json:"webUrl,omitempty"`
	PreventsDownload bool   `json:"preventsDownload,omitempty"`
}

// Anonymous reports whether the right is everybody's who knows a link.
func (p ItemPermission) Anonymous() bool {
	return p.Link != nil && equalFold(p.Link.Scope, "anonymous")
}

// Inherited reports whether the right comes from a folder above; it is taken away there.
func (p ItemPermission) Inherited() bool { return p.InheritedFrom != nil && p.InheritedFrom.ID != "" }

// DriveItem is a file or a folder of a drive.
//
// Reference: https://learn.microsoft.com/graph/api/resources/driveitem
type DriveItem struct {
	ID                   string     `json:"id"`
	Name                 string     `json:"name"`
	WebURL               string     `json:"webUrl,omitempty"`
	Size                 int64      `json:"size,omitempty"`
	CreatedDateTime      *time.Time `json:"createdDateTime,omitempty"`
	LastModifiedDateTime *time.Time `json:"lastModifiedDateTime,omitempty"`
	Shared               *struct {
		Scope string `json:"scope,omitempty"`
	} `json:"shared,omitempty"` // absent: nobody but the owner has it
	Folder *struct {
		ChildCount int `json:"childCount"`
	} `json:"folder,omitempty"`
	RemoteItem *RemoteItem `json:"remoteItem,omitempty"` // of a shortcut: what it leads to
}

// DriveItems are the items in a folder of a drive, the root for folder "".
//
// GET /drives/{id}/items/{id}/children; least permission Files.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/driveitem-list-children
func (c *Client) DriveItems(ctx context.Context, tid, driveID, folder string) ([]DriveItem, error) {
	if folder == "" {
		folder = rootItem
	}
	if err := require(tid, driveID, folder); err != nil {
		return nil, err
	}
	return all[DriveItem](ctx, c, read(tid, readFiles...), c.v1, 0, func() (*abs.RequestInformation, error) {
		return c.v1.drives().ByDriveId(driveID).Items().ByDriveItemId(folder).Children().ToGetRequestInformation(ctx, nil)
	})
}

// DriveItemPermissions are the rights on one item of a drive, links among them.
//
// GET /drives/{id}/items/{id}/permissions; least permission Files.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/driveitem-list-permissions
func (c *Client) DriveItemPermissions(ctx context.Context, tid, driveID, itemID string) ([]ItemPermission, error) {
	if err := require(tid, driveID, itemID); err != nil {
		return nil, err
	}
	return all[ItemPermission](ctx, c, read(tid, readFiles...), c.v1, 0, func() (*abs.RequestInformation, error) {
		return c.v1.drives().ByDriveId(driveID).Items().ByDriveItemId(itemID).Permissions().ToGetRequestInformation(ctx, nil)
	})
}

// DeleteDriveItemPermission takes a right on an item away, by its id; a link dies for all who have it.
//
// DELETE /drives/{id}/items/{id}/permissions/{id}, 204; least permission Files.ReadWrite.All. Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/permission-delete
func (c *Client) DeleteDriveItemPermission(ctx context.Context, tid, driveID, itemID, permissionID string) error {
	if err := require(tid, driveID, itemID, permissionID); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, writeFiles...).deleting(), c.v1, func() (*abs.RequestInformation, error) {
		return c.v1.drives().ByDriveId(driveID).Items().ByDriveItemId(itemID).Permissions().ByPermissionId(permissionID).ToDeleteRequestInformation(ctx, nil)
	}, nil)
}
