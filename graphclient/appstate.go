package graphclient

import (
	"context"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/oauth2permissiongrants"
	"github.com/microsoftgraph/msgraph-sdk-go/serviceprincipals"
)

var readApps = []string{"Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}

// AllPrincipalsGrants are the delegated permissions that administrators granted to applications in the name of
// everybody. OAuth2GrantsOf never shows them.
//
// GET /oauth2PermissionGrants?$filter=consentType eq 'AllPrincipals'; least permission Directory.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/oauth2permissiongrant-list
func (c *Client) AllPrincipalsGrants(ctx context.Context, tid string) ([]OAuth2Grant, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	k := read(tid, "Directory.Read.All", "DelegatedPermissionGrant.Read.All", "DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All")
	return all[OAuth2Grant](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		return oauth2permissiongrants.NewOauth2PermissionGrantsRequestBuilderInternal(c.v1.path(), c.v1).
			ToGetRequestInformation(ctx, &oauth2permissiongrants.Oauth2PermissionGrantsRequestBuilderGetRequestConfiguration{
				QueryParameters: &oauth2permissiongrants.Oauth2PermissionGrantsRequestBuilderGetQueryParameters{Filter: opt("consentType eq 'AllPrincipals'")}})
	})
}

// ServicePrincipalsCreatedSince are the enterprise applications that came into the tenant since a time, and
// those whose date Graph does not tell. All are read, with all their columns: createdDateTime is answered
// (https://github.com/microsoftgraph/msgraph-sdk-java/issues/2246) but stands in no published model, so nothing
// promises that it can be selected or filtered by.
//
// GET /servicePrincipals; least permission Application.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/serviceprincipal-list
func (c *Client) ServicePrincipalsCreatedSince(ctx context.Context, tid string, since time.Time) ([]ServicePrincipal, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	var out []ServicePrincipal
	err := eachPage(ctx, c, read(tid, readApps...), c.v1, 0, func(some []ServicePrincipal) error {
		for _, sp := range some {
			if sp.CreatedDateTime == nil || !sp.CreatedDateTime.Before(since) {
				out = append(out, sp)
			}
		}
		return nil
	}, func() (*abs.RequestInformation, error) {
		return serviceprincipals.NewServicePrincipalsRequestBuilderInternal(c.v1.path(), c.v1).
			ToGetRequestInformation(ctx, &serviceprincipals.ServicePrincipalsRequestBuilderGetRequestConfiguration{
				QueryParameters: &serviceprincipals.ServicePrincipalsRequestBuilderGetQueryParameters{Top: opt(int32(largestPage))}})
	})
	return out, err
}

// AppRolesOf are the permissions an application has in its own name, with nobody signed in.
//
// GET /servicePrincipals/{id}/appRoleAssignments; least permission Application.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignments
func (c *Client) AppRolesOf(ctx context.Context, tid, servicePrincipalID string) ([]AppRoleAssignment, error) {
	if err := require(tid, servicePrincipalID); err != nil {
		return nil, err
	}
	return all[AppRoleAssignment](ctx, c, read(tid, readApps...), c.v1, 0, func() (*abs.RequestInformation, error) {
		return serviceprincipals.NewServicePrincipalsRequestBuilderInternal(c.v1.path(), c.v1).ByServicePrincipalId(servicePrincipalID).AppRoleAssignments().
			ToGetRequestInformation(ctx, &serviceprincipals.ItemAppRoleAssignmentsRequestBuilderGetRequestConfiguration{})
	})
}

// SetServicePrincipalEnabled lets nobody sign in to an application any more, or everybody again. Tokens already
// issued live out their time.
//
// PATCH /servicePrincipals/{id}, 204; least permission Application.ReadWrite.All. Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/serviceprincipal-update
func (c *Client) SetServicePrincipalEnabled(ctx context.Context, tid, servicePrincipalID string, on bool) error {
	if err := require(tid, servicePrincipalID); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, "Application.ReadWrite.All", "Directory.ReadWrite.All"), c.v1, func() (*abs.RequestInformation, error) {
		info, err := serviceprincipals.NewServicePrincipalsRequestBuilderInternal(c.v1.path(), c.v1).ByServicePrincipalId(servicePrincipalID).
			ToPatchRequestInformation(ctx, models.NewServicePrincipal(), nil)
		return withJSON(info, err, map[string]bool{"accountEnabled": on})
	}, nil)
}
