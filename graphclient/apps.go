package graphclient

import (
	"context"
	"slices"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/applications"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
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

// AddOAuth2Grant gives a delegated permission grant of one user back as it was; it gets a new id.
//
// POST /oauth2PermissionGrants, 201; least permission DelegatedPermissionGrant.ReadWrite.All.
//
// Reference: https://learn.microsoft.com/graph/api/oauth2permissiongrant-post
func (c *Client) AddOAuth2Grant(ctx context.Context, tid string, g OAuth2Grant) error {
	if err := require(tid, g.ClientID, g.PrincipalID, g.ResourceID); err != nil {
		return err
	}
	k := change(ctx, tid, "DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All").posting()
	return c.send(ctx, k, c.v1, func() (*abs.RequestInformation, error) {
		info, err := oauth2permissiongrants.NewOauth2PermissionGrantsRequestBuilderInternal(c.v1.path(), c.v1).ToPostRequestInformation(ctx, models.NewOAuth2PermissionGrant(), nil)
		return withJSON(info, err, map[string]string{"clientId": g.ClientID, "consentType": "Principal", "principalId": g.PrincipalID, "resourceId": g.ResourceID, "scope": g.Scope})
	}, nil)
}

// AssignApp assigns an application's role to a user; what exists is kind AlreadyMember or Conflict.
//
// POST /users/{id}/appRoleAssignments, 201; least permission AppRoleAssignment.ReadWrite.All and
// Application.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/user-post-approleassignments
func (c *Client) AssignApp(ctx context.Context, tid, userID, resourceID, appRoleID string) error {
	if err := require(tid, userID, resourceID, appRoleID); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, "AppRoleAssignment.ReadWrite.All").posting(), c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).AppRoleAssignments().ToPostRequestInformation(ctx, models.NewAppRoleAssignment(), nil)
		info, err = keyed(info, err, userID)
		return withJSON(info, err, map[string]string{"principalId": userID, "resourceId": resourceID, "appRoleId": appRoleID})
	}, nil)
}

// RemoveAppAssignment takes an application's role from a user; one that comes through a group cannot be taken here.
//
// DELETE /users/{id}/appRoleAssignments/{id}, 204; least permission AppRoleAssignment.ReadWrite.All. Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/user-delete-approleassignments
func (c *Client) RemoveAppAssignment(ctx context.Context, tid, userID, assignmentID string) error {
	if err := require(tid, userID, assignmentID); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, "AppRoleAssignment.ReadWrite.All").deleting(), c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).AppRoleAssignments().ByAppRoleAssignmentId(assignmentID).ToDeleteRequestInformation(ctx, nil)
		return keyed(info, err, userID)
	}, nil)
}

// ApplicationsOwnedBy are the app registrations a user owns, with how many owners each has.
//
// GET /users/{id}/ownedObjects/microsoft.graph.application and GET /applications/{id}/owners; least permission
// Application.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/user-list-ownedobjects and application-list-owners
func (c *Client) ApplicationsOwnedBy(ctx context.Context, tid, userID string) ([]OwnedApplication, error) {
	if err := require(tid, userID); err != nil {
		return nil, err
	}
	k := read(tid, "Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
	out, err := all[OwnedApplication](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).OwnedObjects().GraphApplication().ToGetRequestInformation(ctx, &users.ItemOwnedObjectsGraphApplicationRequestBuilderGetRequestConfiguration{
			Headers: eventual(), QueryParameters: &users.ItemOwnedObjectsGraphApplicationRequestBuilderGetQueryParameters{
				Count: opt(true), Select: []string{"id", "appId", "displayName"}, Top: opt(int32(largestPage))}})
		return keyed(info, err, userID)
	})
	for i := range out {
		owners, err := all[DirectoryObject](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
			return applications.NewApplicationsRequestBuilderInternal(c.v1.path(), c.v1).ByApplicationId(out[i].ID).Owners().
				ToGetRequestInformation(ctx, &applications.ItemOwnersRequestBuilderGetRequestConfiguration{
					QueryParameters: &applications.ItemOwnersRequestBuilderGetQueryParameters{Select: []string{"id"}}})
		})
		if err != nil {
			return out, err
		}
		out[i].Owners = len(owners)
	}
	return out, err
}

// ServicePrincipals are the enterprise applications with these object ids, by id. Ids that no longer exist
// have no entry. No columns are selected: see ServicePrincipalsCreatedSince.
//
// GET /servicePrincipals with an "in" filter, fifteen to a request; least permission Application.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/serviceprincipal-list
func (c *Client) ServicePrincipals(ctx context.Context, tid string, ids []string) (map[string]ServicePrincipal, error) {
	if err := require(tid, ids...); err != nil {
		return nil, err
	}
	k := read(tid, readApps...)
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
				QueryParameters: &serviceprincipals.ServicePrincipalsRequestBuilderGetQueryParameters{Filter: &filter}})
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
