package graphclient

import (
	"context"
	"encoding/json"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// AccessPassPolicy is what the tenant allows of Temporary Access Passes.
//
// Reference: https://learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethodconfiguration
type AccessPassPolicy struct {
	State                    string         `json:"state"` // enabled | disabled
	IsUsableOnce             bool           `json:"isUsableOnce"`
	DefaultLifetimeInMinutes int            `json:"defaultLifetimeInMinutes"`
	MinimumLifetimeInMinutes int            `json:"minimumLifetimeInMinutes"`
	MaximumLifetimeInMinutes int            `json:"maximumLifetimeInMinutes"`
	IncludeTargets           []PolicyTarget `json:"includeTargets"`
	ExcludeTargets           []PolicyTarget `json:"excludeTargets"`
}

// PolicyTarget is a group a policy is about; the id all_users means everybody.
type PolicyTarget struct {
	ID         string `json:"id"`
	TargetType string `json:"targetType"`
}

// AccessPassPolicy is the tenant's policy of Temporary Access Passes.
//
// GET /policies/authenticationMethodsPolicy/authenticationMethodConfigurations/TemporaryAccessPass; least permission
// Policy.Read.AuthenticationMethod.
//
// Reference: https://learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethodconfiguration-get
func (c *Client) AccessPassPolicy(ctx context.Context, tid string) (AccessPassPolicy, error) {
	if err := require(tid); err != nil {
		return AccessPassPolicy{}, err
	}
	return fetch[AccessPassPolicy](ctx, c, read(tid, "Policy.Read.AuthenticationMethod", "Policy.Read.All", "Policy.ReadWrite.AuthenticationMethod"), c.v1, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/TemporaryAccessPass", nil), nil
	})
}

// AccessPass is a Temporary Access Pass. Microsoft shows the pass itself once, when it is made.
//
// Reference: https://learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethod
type AccessPass struct {
	ID                string     `json:"id"`
	Pass              string     `json:"temporaryAccessPass,omitempty"`
	StartDateTime     *time.Time `json:"startDateTime,omitempty"`
	LifetimeInMinutes int        `json:"lifetimeInMinutes"`
	IsUsableOnce      bool       `json:"isUsableOnce"`
}

// AccessPasses are a user's Temporary Access Passes, at most one, without the pass itself.
//
// GET /users/{id}/authentication/temporaryAccessPassMethods; least permission UserAuthMethod-TAP.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/authentication-list-temporaryaccesspassmethods
func (c *Client) AccessPasses(ctx context.Context, tid, userID string) ([]AccessPass, error) {
	if err := require(tid, userID); err != nil {
		return nil, err
	}
	return all[AccessPass](ctx, c, read(tid, append([]string{"UserAuthMethod-TAP.Read.All"}, readMethods...)...), c.v1, 0, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, "{+user}/authentication/temporaryAccessPassMethods", map[string]string{"user": userPath(userID)}), nil
	})
}

// NewAccessPass is what a pass shall be; what is absent the tenant's policy decides.
type NewAccessPass struct {
	LifetimeInMinutes int        `json:"lifetimeInMinutes,omitempty"`
	IsUsableOnce      *bool      `json:"isUsableOnce,omitempty"`
	StartDateTime     *time.Time `json:"startDateTime,omitempty"`
}

// CreateAccessPass gives a user a Temporary Access Pass, in place of an earlier one. It is never sent twice: where
// the answer is lost, so is the pass, and another has to be made.
//
// POST /users/{id}/authentication/temporaryAccessPassMethods, 201; least permission UserAuthMethod-TAP.ReadWrite.All,
// delegated the role Authentication Administrator, for administrators Privileged Authentication Administrator.
//
// Reference: https://learn.microsoft.com/graph/api/authentication-post-temporaryaccesspassmethods
func (c *Client) CreateAccessPass(ctx context.Context, tid, userID string, in NewAccessPass) (AccessPass, error) {
	var p AccessPass
	if err := require(tid, userID); err != nil {
		return p, err
	}
	err := c.send(ctx, change(ctx, tid, "UserAuthMethod-TAP.ReadWrite.All", writeMethods).posting(), c.v1, func() (*abs.RequestInformation, error) {
		return withJSON(plainRequest(abs.POST, "{+user}/authentication/temporaryAccessPassMethods", map[string]string{"user": userPath(userID)}), nil, in)
	}, func(body []byte) error { return json.Unmarshal(body, &p) })
	if err == nil && (p.ID == "" || p.Pass == "") {
		err = &Error{Kind: Unavailable, Service: string(graphService), Tenant: tid, Ambiguous: true, Message: "Microsoft Graph made a Temporary Access Pass and did not show it."}
	}
	return p, err
}

// DeleteAccessPass takes a pass away.
//
// DELETE /users/{id}/authentication/temporaryAccessPassMethods/{id}, 204. Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethod-delete
func (c *Client) DeleteAccessPass(ctx context.Context, tid, userID, passID string) error {
	return c.DeleteAuthMethod(ctx, tid, userID, AuthMethod{ID: passID, ODataType: "#microsoft.graph.temporaryAccessPassAuthenticationMethod"})
}
