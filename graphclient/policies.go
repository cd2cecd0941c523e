package graphclient

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/identity"
	"github.com/microsoftgraph/msgraph-sdk-go/policies"
)

var readPolicies = []string{"Policy.Read.All", "Policy.ReadWrite.AuthenticationMethod", "Policy.ReadWrite.ConditionalAccess"}

// SecurityDefaults reports whether the tenant's security defaults are on.
//
// GET /policies/identitySecurityDefaultsEnforcementPolicy; least permission Policy.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/identitysecuritydefaultsenforcementpolicy-get
func (c *Client) SecurityDefaults(ctx context.Context, tid string) (bool, error) {
	if err := require(tid); err != nil {
		return false, err
	}
	p, err := fetch[struct {
		IsEnabled bool `json:"isEnabled"`
	}](ctx, c, read(tid, "Policy.Read.All"), c.v1, func() (*abs.RequestInformation, error) {
		return policies.NewIdentitySecurityDefaultsEnforcementPolicyRequestBuilderInternal(c.v1.path(), c.v1).ToGetRequestInformation(ctx, nil)
	})
	return p.IsEnabled, err
}

// AuthenticationMethodsPolicy is the tenant's policy of authentication methods.
//
// GET /policies/authenticationMethodsPolicy; least permission Policy.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/authenticationmethodspolicy-get
func (c *Client) AuthenticationMethodsPolicy(ctx context.Context, tid string) (AuthMethodsPolicy, error) {
	if err := require(tid); err != nil {
		return AuthMethodsPolicy{}, err
	}
	return fetch[AuthMethodsPolicy](ctx, c, read(tid, "Policy.Read.AuthenticationMethod", "Policy.Read.All", "Policy.ReadWrite.AuthenticationMethod"), c.v1, func() (*abs.RequestInformation, error) {
		return policies.NewAuthenticationMethodsPolicyRequestBuilderInternal(c.v1.path(), c.v1).ToGetRequestInformation(ctx, nil)
	})
}

// ConditionalAccessPolicies are all Conditional Access policies, whatever their state. A tenant without P1 is
// kind NotPremium or has none.
//
// GET /identity/conditionalAccess/policies; least permission Policy.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/conditionalaccessroot-list-policies
func (c *Client) ConditionalAccessPolicies(ctx context.Context, tid string) ([]CAPolicy, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	k := read(tid, "Policy.Read.All", "Policy.Read.ConditionalAccess", "Policy.ReadWrite.ConditionalAccess").limited(protectionBudget)
	return all[CAPolicy](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		return identity.NewConditionalAccessPoliciesRequestBuilderInternal(c.v1.path(), c.v1).ToGetRequestInformation(ctx, nil)
	})
}
