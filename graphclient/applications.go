package graphclient

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/groups"
	"github.com/microsoftgraph/msgraph-sdk-go/serviceprincipals"
)

// DefaultAppRole is the role of an application that has none of its own.
//
// Reference: https://learn.microsoft.com/graph/api/resources/approleassignment
const DefaultAppRole = "00000000-0000-0000-0000-000000000000"

// Applications are the enterprise applications of a tenant to which people can be assigned, with their roles. filter is
// an OData expression, "" for all.
//
// GET /servicePrincipals; least permission Application.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/serviceprincipal-list
func (c *Client) Applications(ctx context.Context, tid, filter string) ([]ServicePrincipal, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	return all[ServicePrincipal](ctx, c, read(tid, readApps...), c.v1, 0, func() (*abs.RequestInformation, error) {
		return serviceprincipals.NewServicePrincipalsRequestBuilderInternal(c.v1.path(), c.v1).
			ToGetRequestInformation(ctx, &serviceprincipals.ServicePrincipalsRequestBuilderGetRequestConfiguration{
				QueryParameters: &serviceprincipals.ServicePrincipalsRequestBuilderGetQueryParameters{Filter: opt(filter), Top: opt(int32(largestPage)),
					Select: []string{"id", "appId", "displayName", "accountEnabled", "servicePrincipalType", "tags", "appRoles", "appRoleAssignmentRequired"}}})
	})
}

// GroupAppRoles are the applications that the members of a group are assigned to.
//
// GET /groups/{id}/appRoleAssignments; least permission Directory.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/group-list-approleassignments
func (c *Client) GroupAppRoles(ctx context.Context, tid, groupID string) ([]AppRoleAssignment, error) {
	if err := require(tid, groupID); err != nil {
		return nil, err
	}
	k := read(tid, "Directory.Read.All", "AppRoleAssignment.ReadWrite.All", "Directory.ReadWrite.All")
	return all[AppRoleAssignment](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		return c.v1.groups().ByGroupId(groupID).AppRoleAssignments().ToGetRequestInformation(ctx, &groups.ItemAppRoleAssignmentsRequestBuilderGetRequestConfiguration{})
	})
}
