package graphclient

import (
	"context"
	"slices"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/oauth2permissiongrants"
	"github.com/microsoftgraph/msgraph-sdk-go/serviceprincipals"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

// longestIn is how many values Microsoft takes in an "in" filter.
const longestIn = 15

// OAuth2GrantsOf are the delegated permissions a user has granted to applications. Grants an administrator
// made for everybody are not among them.
//
// GET /users/{id}/oauth2PermissionGrants; least permission Directory.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/user-list-oauth2permissiongrants
func (c *Client) OAuth2GrantsOf(ctx context.Context, tid, userID string) ([]OAuth2Grant, error) {
	if err := require(tid, userID); err != nil {
		return nil, err
	}
	k := read(tid, "Directory.Read.All", "DelegatedPermissionGrant.Read.All", "DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All")
	return all[OAuth2Grant](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).Oauth2PermissionGrants().ToGetRequestInformation(ctx, nil)
		return keyed(info, err, userID)
	})
}

// DeleteOAuth2Grant takes a delegated permission grant back. Tokens already issued live out their time.
//
// DELETE /oauth2PermissionGrants/{id}, 204; least permission DelegatedPermissionGrant.ReadWrite.All. Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/oauth2permissiongrant-delete
func (c *Client) DeleteOAuth2Grant(ctx context.Context, tid, grantID string) error {
	if err := require(tid, grantID); err != nil {
		return err
	}
	k := change(ctx, tid, "DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All").deleting()
	return c.send(ctx, k, c.v1, func() (*abs.RequestInformation, error) {
		return oauth2permissiongrants.NewOauth2PermissionGrantsRequestBuilderInternal(c.v1.path(), c.v1).
			ByOAuth2PermissionGrantId(grantID).ToDeleteRequestInformation(ctx, nil)
	}, nil)
}

// AppRoleAssignmentsOf are the applications assigned to a user, directly or through a group.
//
// GET /users/{id}/appRoleAssignments; least permission Directory.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/user-list-approleassignments
func (c *Client) AppRoleAssignmentsOf(ctx context.Context, tid, userID string) ([]AppRoleAssignment, error) {
	if err := require(tid, userID); err != nil {
		return nil, err
	}
	k := read(tid, "Directory.Read.All", "AppRoleAssignment.ReadWrite.All", "Directory.ReadWrite.All")
	return all[AppRoleAssignment](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).AppRoleAssignments().ToGetRequestInformation(ctx, &users.ItemAppRoleAssignmentsRequestBuilderGetRequestConfiguration{})
		return keyed(info, err, userID)
	})
}

// ServicePrincipals are the enterprise applications with these object ids, by id. Ids that no longer exist
// have no entry.
//
// GET /servicePrincipals with an "in" filter, fifteen to a request; least permission Application.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/serviceprincipal-list
func (c *Client) ServicePrincipals(ctx context.Context, tid string, ids []string) (map[string]ServicePrincipal, error) {
	if err := require(tid, ids...); err != nil {
		return nil, err
	}
	k := read(tid, "Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
	out := make(map[string]ServicePrincipal, len(ids))
	for chunk := range slices.Chunk(ids, longestIn) {
		quoted := make([]string, len(chunk))
		for i, id := range chunk {
			quoted[i] = ODataString(id)
		}
		filter := "id in (" + strings.Join(quoted, ",") + ")"
		found, err := all[ServicePrincipal](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
			b := serviceprincipals.NewServicePrincipalsRequestBuilderInternal(c.v1.path(), c.v1)
			return b.ToGetRequestInformation(ctx, &serviceprincipals.ServicePrincipalsRequestBuilderGetRequestConfiguration{
				QueryParameters: &serviceprincipals.ServicePrincipalsRequestBuilderGetQueryParameters{Filter: &filter,
					Select: []string{"id", "appId", "displayName", "accountEnabled", "appOwnerOrganizationId", "servicePrincipalType", "verifiedPublisher", "tags"}}})
		})
		if err != nil {
			return out, err
		}
		for _, sp := range found {
			out[sp.ID] = sp
		}
	}
	return out, nil
}
