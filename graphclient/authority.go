package graphclient

import (
	"context"
	"encoding/json"

	abs "github.com/microsoft/kiota-abstractions-go"
)

const syncBehavior = "User-OnPremisesSyncBehavior.ReadWrite.All"

// CloudManaged says whether the cloud owns a user who came from a local Active Directory, so that changes there no
// longer flow.
//
// GET /users/{id}/onPremisesSyncBehavior; permission User-OnPremisesSyncBehavior.ReadWrite.All, delegated the role Hybrid
// Identity Administrator.
//
// Reference: https://learn.microsoft.com/graph/api/onpremisessyncbehavior-get
func (c *Client) CloudManaged(ctx context.Context, tid, id string) (bool, error) {
	if err := require(tid, id); err != nil {
		return false, err
	}
	var on bool
	err := c.send(ctx, read(tid, syncBehavior), c.v1, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, "{+user}/onPremisesSyncBehavior", map[string]string{"user": userPath(id)}), nil
	}, func(b []byte) error {
		type behavior struct {
			IsCloudManaged *bool `json:"isCloudManaged"`
		}
		var v struct {
			behavior
			Value json.RawMessage `json:"value"` // the page's example wraps it
		}
		if err := json.Unmarshal(b, &v); err != nil {
			return err
		}
		if v.IsCloudManaged == nil && len(v.Value) > 0 {
			if err := json.Unmarshal(v.Value, &v.behavior); err != nil {
				return err
			}
		}
		on = v.IsCloudManaged != nil && *v.IsCloudManaged
		return nil
	})
	return on, err
}

// SetCloudManaged gives the ownership of a user to the cloud, or back to the local Active Directory, which takes over with
// its next synchronisation.
//
// PATCH /users/{id}/onPremisesSyncBehavior, 204 or 200; permission and role as CloudManaged. Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/onpremisessyncbehavior-update
func (c *Client) SetCloudManaged(ctx context.Context, tid, id string, cloud bool) error {
	if err := require(tid, id); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, syncBehavior), c.v1, func() (*abs.RequestInformation, error) {
		return withJSON(plainRequest(abs.PATCH, "{+user}/onPremisesSyncBehavior", map[string]string{"user": userPath(id)}), nil, map[string]bool{"isCloudManaged": cloud})
	}, nil)
}

// PurgeUser deletes a user in the recycle bin for good.
//
// DELETE /directory/deletedItems/{id}, 204; permission User.DeleteRestore.All, delegated the role User Administrator,
// Authentication Administrator or Privileged Authentication Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/directory-deleteditems-delete
func (c *Client) PurgeUser(ctx context.Context, tid, id string) error {
	if err := require(tid, id); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, "User.DeleteRestore.All").deleting(), c.v1, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.DELETE, "/directory/deletedItems/{id}", map[string]string{"id": id}), nil
	}, nil)
}
