package graphclient

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
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
	k := read(tid, "Files.Read.All", "Sites.Read.All", "Files.ReadWrite.All", "Sites.ReadWrite.All", "Sites.FullControl.All")
	d, err := fetch[*Drive](ctx, c, k, c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).Drive().ToGetRequestInformation(ctx, &users.ItemDriveRequestBuilderGetRequestConfiguration{
			QueryParameters: &users.ItemDriveRequestBuilderGetQueryParameters{Select: []string{"id", "name", "driveType", "webUrl", "quota"}}})
		return keyed(info, err, userID)
	})
	if KindOf(err) == NoDrive {
		return nil, nil
	}
	return d, err
}
