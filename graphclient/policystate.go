package graphclient

import (
	"context"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/domains"
	"github.com/microsoftgraph/msgraph-sdk-go/identity"
	"github.com/microsoftgraph/msgraph-sdk-go/policies"
	"github.com/microsoftgraph/msgraph-sdk-go/tenantrelationships"
)

// NamedLocation is a place that Conditional Access knows: ranges of addresses, or countries.
//
// Reference: https://learn.microsoft.com/graph/api/resources/namedlocation
type NamedLocation struct {
	ODataType        string     `json:"@odata.type,omitempty"`
	ID               string     `json:"id"`
	DisplayName      string     `json:"displayName"`
	CreatedDateTime  *time.Time `json:"createdDateTime,omitempty"`
	ModifiedDateTime *time.Time `json:"modifiedDateTime,omitempty"`
	IsTrusted        bool       `json:"isTrusted,omitempty"`
	IPRanges         []struct {
		CIDRAddress string `json:"cidrAddress"`
	} `json:"ipRanges,omitempty"`
	Countries        []string `json:"countriesAndRegions,omitempty"`
	UnknownCountries bool     `json:"includeUnknownCountriesAndRegions,omitempty"`
}

// NamedLocations are the tenant's named locations. A tenant without P1 refuses or has none.
//
// GET /identity/conditionalAccess/namedLocations; least permission Policy.Read.All. One request a second per
// tenant over all applications, which this client keeps to.
//
// Reference: https://learn.microsoft.com/graph/api/conditionalaccessroot-list-namedlocations
func (c *Client) NamedLocations(ctx context.Context, tid string) ([]NamedLocation, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	k := read(tid, "Policy.Read.All", "Policy.Read.ConditionalAccess", "Policy.ReadWrite.ConditionalAccess").limited(protectionBudget)
	return all[NamedLocation](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		return identity.NewConditionalAccessNamedLocationsRequestBuilderInternal(c.v1.path(), c.v1).ToGetRequestInformation(ctx, nil)
	})
}

// AuthorizationPolicy is what users may do without an administrator, consent to applications above all.
//
// Reference: https://learn.microsoft.com/graph/api/resources/authorizationpolicy
type AuthorizationPolicy struct {
	AllowInvitesFrom             string `json:"allowInvitesFrom,omitempty"`
	AllowUserConsentForRiskyApps *bool  `json:"allowUserConsentForRiskyApps,omitempty"`
	AllowedToUseSSPR             *bool  `json:"allowedToUseSSPR,omitempty"`
	BlockMsolPowerShell          *bool  `json:"blockMsolPowerShell,omitempty"`
	GuestUserRoleID              string `json:"guestUserRoleId,omitempty"`
	DefaultUserRolePermissions   struct {
		AllowedToCreateApps             *bool    `json:"allowedToCreateApps,omitempty"`
		PermissionGrantPoliciesAssigned []string `json:"permissionGrantPoliciesAssigned,omitempty"` // empty: users may consent to nothing
	} `json:"defaultUserRolePermissions"`
}

// AuthorizationPolicy is the tenant's authorization policy.
//
// GET /policies/authorizationPolicy; least permission Policy.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/authorizationpolicy-get
func (c *Client) AuthorizationPolicy(ctx context.Context, tid string) (AuthorizationPolicy, error) {
	if err := require(tid); err != nil {
		return AuthorizationPolicy{}, err
	}
	return fetch[AuthorizationPolicy](ctx, c, read(tid, "Policy.Read.All", "Policy.ReadWrite.Authorization"), c.v1, func() (*abs.RequestInformation, error) {
		return policies.NewAuthorizationPolicyRequestBuilderInternal(c.v1.path(), c.v1).ToGetRequestInformation(ctx, nil)
	})
}

// DomainFederation is by whom the users of a domain are authenticated instead of by Entra ID.
//
// Reference: https://learn.microsoft.com/graph/api/resources/internaldomainfederation
type DomainFederation struct {
	ID                     string `json:"id"`
	DisplayName            string `json:"displayName,omitempty"`
	IssuerURI              string `json:"issuerUri,omitempty"`
	PassiveSignInURI       string `json:"passiveSignInUri,omitempty"`
	ActiveSignInURI        string `json:"activeSignInUri,omitempty"`
	MetadataExchangeURI    string `json:"metadataExchangeUri,omitempty"`
	SigningCertificate     string `json:"signingCertificate,omitempty"` // who holds its key signs in as anybody of the domain
	NextSigningCertificate string `json:"nextSigningCertificate,omitempty"`
	FederatedMFABehavior   string `json:"federatedIdpMfaBehavior,omitempty"`
}

// DomainFederation is the federation of one domain; a managed domain has none.
//
// GET /domains/{id}/federationConfiguration; least permission Domain.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/domain-list-federationconfiguration
func (c *Client) DomainFederation(ctx context.Context, tid, domain string) ([]DomainFederation, error) {
	if err := require(tid, domain); err != nil {
		return nil, err
	}
	k := read(tid, "Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
	out, err := all[DomainFederation](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		return domains.NewDomainsRequestBuilderInternal(c.v1.path(), c.v1).ByDomainId(domain).FederationConfiguration().ToGetRequestInformation(ctx, nil)
	})
	if KindOf(err) == NotFound { // how a domain that is not federated may be answered
		return nil, nil
	}
	return out, err
}

// DelegatedAdminRelationship lets a partner act in a customer's tenant.
//
// Reference: https://learn.microsoft.com/graph/api/resources/delegatedadminrelationship
type DelegatedAdminRelationship struct {
	ID                string     `json:"id"`
	DisplayName       string     `json:"displayName,omitempty"`
	Status            string     `json:"status"`
	CreatedDateTime   *time.Time `json:"createdDateTime,omitempty"`
	ActivatedDateTime *time.Time `json:"activatedDateTime,omitempty"`
	EndDateTime       *time.Time `json:"endDateTime,omitempty"`
	Customer          *struct {
		TenantID    string `json:"tenantId"`
		DisplayName string `json:"displayName"`
	} `json:"customer,omitempty"`
	AccessDetails struct {
		UnifiedRoles []struct {
			RoleDefinitionID string `json:"roleDefinitionId"`
		} `json:"unifiedRoles"`
	} `json:"accessDetails"`
}

// DelegatedAdminRelationships are our own relationships with one customer, whatever their status. Graph shows a
// partner its own relationships and no customer those of others: which other partners have access to a tenant
// is for its administrator to look up in the admin centre.
//
// GET /tenantRelationships/delegatedAdminRelationships in the partner's tenant; least permission
// DelegatedAdminRelationship.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/tenantrelationship-list-delegatedadminrelationships
func (c *Client) DelegatedAdminRelationships(ctx context.Context, tid string) ([]DelegatedAdminRelationship, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	var out []DelegatedAdminRelationship
	k := read(c.cfg.Auth.TenantID, "DelegatedAdminRelationship.Read.All", "DelegatedAdminRelationship.ReadWrite.All")
	err := eachPage(ctx, c, k, c.v1, 0, func(some []DelegatedAdminRelationship) error {
		for _, r := range some {
			if r.Customer != nil && equalFold(r.Customer.TenantID, tid) {
				out = append(out, r)
			}
		}
		return nil
	}, func() (*abs.RequestInformation, error) {
		return tenantrelationships.NewDelegatedAdminRelationshipsRequestBuilderInternal(c.v1.path(), c.v1).
			ToGetRequestInformation(ctx, &tenantrelationships.DelegatedAdminRelationshipsRequestBuilderGetRequestConfiguration{
				QueryParameters: &tenantrelationships.DelegatedAdminRelationshipsRequestBuilderGetQueryParameters{Top: opt(int32(largestRelationshipPage))}})
	})
	return out, err
}
