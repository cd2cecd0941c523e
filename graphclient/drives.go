package graphclient

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/drives"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

// Drive is a user's OneDrive, nil where it was never provisioned.
//
// GET /users/{id}/drive; least permission Files.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/drive-get
func (c *Client) Drive(ctx context.Context, tid, userID string) (*Drive, error) {
	if err := require(tid, userID); err != nil {
		return nil, err
	}
	d, err := fetch[*Drive](ctx, c, read(tid, readFiles...), c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).Drive().ToGetRequestInformation(ctx, &users.ItemDriveRequestBuilderGetRequestConfiguration{
			QueryParameters: &users.ItemDriveRequestBuilderGetQueryParameters{Select: []string{"id", "name", "driveType", "webUrl", "quota"}}})
		return keyed(info, err, userID)
	})
	if KindOf(err) == NoDrive {
		return nil, nil
	}
	return d, err
}

// DrivePermission is a right on the root of a drive.
//
// Reference: https://learn.microsoft.com/graph/api/resources/permission
type DrivePermission struct {
	ID            string   `json:"id"`
	Roles         []string `json:"roles"`
	GrantedToV2   *Grantee `json:"grantedToV2,omitempty"`
	GrantedTo     *Grantee `json:"grantedTo,omitempty"` // what older tenants still answer with
	InheritedFrom *struct {
		ID string `json:"id"`
	} `json:"inheritedFrom,omitempty"`
}

// Grantee is who has a right.
type Grantee struct {
	User *struct {
		ID          string `json:"id"`
		DisplayName string `json:"displayName,omitempty"`
	} `json:"user,omitempty"`
}

// Of reports whether the right is the user's own, and not inherited.
func (p DrivePermission) Of(userID string) bool {
	for _, g := range []*Grantee{p.GrantedToV2, p.GrantedTo} {
		if g != nil && g.User != nil && equalFold(g.User.ID, userID) {
			return p.InheritedFrom == nil || p.InheritedFrom.ID == ""
		}
	}
	return false
}

var (
	readFiles  = []string{"Files.Read.All", "Sites.Read.All", "Files.ReadWrite.All", "Sites.ReadWrite.All", "Sites.FullControl.All"}
	writeFiles = []string{"Files.ReadWrite.All", "Sites.ReadWrite.All", "Sites.FullControl.All"}
)

// rootItem is how the root of a drive is named among its items.
const rootItem = "root"

// DrivePermissions are the rights on the root of a drive, and so on all that is in it.
//
// GET /drives/{id}/items/root/permissions; least permission Files.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/driveitem-list-permissions
func (c *Client) DrivePermissions(ctx context.Context, tid, driveID string) ([]DrivePermission, error) {
	if err := require(tid, driveID); err != nil {
		return nil, err
	}
	return all[DrivePermission](ctx, c, read(tid, readFiles...), c.v1, 0, func() (*abs.RequestInformation, error) {
		return c.v1.drives().ByDriveId(driveID).Items().ByDriveItemId(rootItem).Permissions().ToGetRequestInformation(ctx, nil)
	})
}

// ShareDrive gives a user, by id, the right to read and write a whole drive. Nobody gets a mail.
//
// POST /drives/{id}/items/root/invite, 200; least permission Files.ReadWrite.All.
//
// Reference: https://learn.microsoft.com/graph/api/driveitem-invite
func (c *Client) ShareDrive(ctx context.Context, tid, driveID, userID string) error {
	if err := require(tid, driveID, userID); err != nil {
		return err
	}
	body := struct {
		Recipients     []map[string]string `json:"recipients"`
		RequireSignIn  bool                `json:"requireSignIn"`
		SendInvitation bool                `json:"sendInvitation"`
		Roles          []string            `json:"roles"`
	}{[]map[string]string{{"objectId": userID}}, true, false, []string{"write"}}
	return c.send(ctx, change(ctx, tid, writeFiles...).posting(), c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.drives().ByDriveId(driveID).Items().ByDriveItemId(rootItem).Invite().ToPostRequestInformation(ctx, drives.NewItemItemsItemInvitePostRequestBody(), nil)
		return withJSON(info, err, body)
	}, nil)
}

// UnshareDrive takes a right on the root of a drive away, by its id.
//
// DELETE /drives/{id}/items/root/permissions/{id}, 204; least permission Files.ReadWrite.All. Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/permission-delete
func (c *Client) UnshareDrive(ctx context.Context, tid, driveID, permissionID string) error {
	if err := require(tid, driveID, permissionID); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, writeFiles...).deleting(), c.v1, func() (*abs.RequestInformation, error) {
		return c.v1.drives().ByDriveId(driveID).Items().ByDriveItemId(rootItem).Permissions().ByPermissionId(permissionID).ToDeleteRequestInformation(ctx, nil)
	}, nil)
}

func (a *adapter) drives() *drives.DrivesRequestBuilder {
	return drives.NewDrivesRequestBuilderInternal(a.path(), a)
}
