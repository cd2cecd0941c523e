package graphclient

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

var personSelect = []string{"id", "displayName", "userPrincipalName", "mail", "jobTitle", "department", "accountEnabled"}

// Manager is the user's manager, nil where there is none.
//
// GET /users/{id}/manager; least permission User.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/user-list-manager
func (c *Client) Manager(ctx context.Context, tid, id string) (*User, error) {
	if err := require(tid, id); err != nil {
		return nil, err
	}
	m, err := fetch[*User](ctx, c, read(tid, readUsers...), c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(id).Manager().ToGetRequestInformation(ctx, &users.ItemManagerRequestBuilderGetRequestConfiguration{
			QueryParameters: &users.ItemManagerRequestBuilderGetQueryParameters{Select: personSelect}})
		return keyed(info, err, id)
	})
	if KindOf(err) == NotFound {
		return nil, nil
	}
	return m, err
}

// DirectReports are the users whose manager the user is.
//
// GET /users/{id}/directReports; least permission User.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/user-list-directreports
func (c *Client) DirectReports(ctx context.Context, tid, id string) ([]User, error) {
	if err := require(tid, id); err != nil {
		return nil, err
	}
	return all[User](ctx, c, read(tid, readUsers...), c.v1, 0, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(id).DirectReports().ToGetRequestInformation(ctx, &users.ItemDirectReportsRequestBuilderGetRequestConfiguration{
			QueryParameters: &users.ItemDirectReportsRequestBuilderGetQueryParameters{Select: personSelect, Top: opt(int32(largestPage))}})
		return keyed(info, err, id)
	})
}

// SetManager makes managerID, a user's id, the manager of a user.
//
// PUT /users/{id}/manager/$ref, 204; least permission User.ReadWrite.All. Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/user-post-manager
func (c *Client) SetManager(ctx context.Context, tid, id, managerID string) error {
	if err := require(tid, id, managerID); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, writeUsers...), c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(id).Manager().Ref().ToPutRequestInformation(ctx, models.NewReferenceUpdate(), nil)
		info, err = keyed(info, err, id)
		return withJSON(info, err, c.reference("users", managerID))
	}, nil)
}

// RemoveManager leaves a user without manager; that there was none is kind NotFound.
//
// DELETE /users/{id}/manager/$ref, 204; least permission User.ReadWrite.All. Repeatable.
func (c *Client) RemoveManager(ctx context.Context, tid, id string) error {
	if err := require(tid, id); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, writeUsers...).deleting(), c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(id).Manager().Ref().ToDeleteRequestInformation(ctx, nil)
		return keyed(info, err, id)
	}, nil)
}

// reference is the body that names an object to relate.
func (c *Client) reference(set, id string) map[string]string {
	return map[string]string{"@odata.id": c.v1.base + "/" + set + "/" + EscapeSegment(id)}
}
