package graphclient

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/identityprotection"
)

// RiskyUser is what Identity Protection thinks of a user, nil where it holds no record. A tenant without P2
// is kind NotPremium.
//
// GET /identityProtection/riskyUsers/{id}; least permission IdentityRiskyUser.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/riskyuser-get
func (c *Client) RiskyUser(ctx context.Context, tid, userID string) (*RiskyUser, error) {
	if err := require(tid, userID); err != nil {
		return nil, err
	}
	k := read(tid, "IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All").limited(protectionBudget)
	u, err := fetch[*RiskyUser](ctx, c, k, c.v1, func() (*abs.RequestInformation, error) {
		return identityprotection.NewRiskyUsersRequestBuilderInternal(c.v1.path(), c.v1).
			ByRiskyUserId(userID).ToGetRequestInformation(ctx, nil)
	})
	if KindOf(err) == NotFound {
		return nil, nil
	}
	return u, err
}
