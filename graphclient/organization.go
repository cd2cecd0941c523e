package graphclient

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/domains"
	"github.com/microsoftgraph/msgraph-sdk-go/organization"
)

// Organization is the tenant's own record with its verified domains.
//
// GET /organization, a collection of one; least permission Organization.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/organization-list
func (c *Client) Organization(ctx context.Context, tid string) (Organization, error) {
	if err := require(tid); err != nil {
		return Organization{}, err
	}
	k := read(tid, "Organization.Read.All", "Directory.Read.All", "Directory.ReadWrite.All", "User.Read.All")
	orgs, err := all[Organization](ctx, c, k, c.v1, 1, func() (*abs.RequestInformation, error) {
		return organization.NewOrganizationRequestBuilderInternal(c.v1.path(), c.v1).ToGetRequestInformation(ctx, nil)
	})
	if err != nil {
		return Organization{}, err
	}
	if len(orgs) == 0 {
		return Organization{}, &Error{Kind: NotFound, Service: string(graphService), Tenant: tid, Message: "The tenant shows no organization record."}
	}
	return orgs[0], nil
}

// Domains are the tenant's domains, verified or not.
//
// GET /domains; least permission Domain.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/domain-list
func (c *Client) Domains(ctx context.Context, tid string) ([]Domain, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	return all[Domain](ctx, c, read(tid, "Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"), c.v1, 0, func() (*abs.RequestInformation, error) {
		return domains.NewDomainsRequestBuilderInternal(c.v1.path(), c.v1).ToGetRequestInformation(ctx, nil)
	})
}
