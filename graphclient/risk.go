package graphclient

import (
	"context"
	"strings"
	"time"

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

// RiskyUsers are the users of a tenant of whom Identity Protection holds a record. A tenant without P2 is kind NotPremium.
//
// GET /identityProtection/riskyUsers; least permission IdentityRiskyUser.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/riskyuser-list
func (c *Client) RiskyUsers(ctx context.Context, tid string) ([]RiskyUser, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	k := read(tid, "IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All").limited(protectionBudget)
	return all[RiskyUser](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		return identityprotection.NewRiskyUsersRequestBuilderInternal(c.v1.path(), c.v1).
			ToGetRequestInformation(ctx, &identityprotection.RiskyUsersRequestBuilderGetRequestConfiguration{
				QueryParameters: &identityprotection.RiskyUsersRequestBuilderGetQueryParameters{Top: opt(int32(largestRiskPage))}})
	})
}

// largestRiskPage is Microsoft's limit of rows in a page of risk detections.
const largestRiskPage = 500

// RiskDetections are what Identity Protection noticed about a user since a time, the oldest first or in no
// order. Without P2 many types read "generic", and without P1 the tenant is kind NotPremium: an empty list is
// no proof of anything. Detections made offline come hours to days late.
//
// GET /identityProtection/riskDetections; least permission IdentityRiskEvent.Read.All. One request a second per
// tenant over all applications, which this client keeps to.
//
// Reference: https://learn.microsoft.com/graph/api/riskdetection-list
func (c *Client) RiskDetections(ctx context.Context, tid, userID string, since time.Time) ([]RiskDetection, error) {
	if err := require(tid, userID); err != nil {
		return nil, err
	}
	k := read(tid, "IdentityRiskEvent.Read.All", "IdentityRiskEvent.ReadWrite.All").limited(protectionBudget)
	found, err := all[RiskDetection](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		return identityprotection.NewRiskDetectionsRequestBuilderInternal(c.v1.path(), c.v1).ToGetRequestInformation(ctx, &identityprotection.RiskDetectionsRequestBuilderGetRequestConfiguration{
			QueryParameters: &identityprotection.RiskDetectionsRequestBuilderGetQueryParameters{
				Filter: opt("userId eq " + ODataString(strings.ToLower(userID))), Top: opt(int32(largestRiskPage))}})
	})
	// Microsoft's page does not say that times can be filtered by, and one user has few rows.
	var out []RiskDetection
	for _, d := range found {
		if d.ActivityDateTime == nil || !d.ActivityDateTime.Before(since) {
			out = append(out, d)
		}
	}
	return out, err
}

// RiskHistory is how the risk of a user changed and by whom, nil where Identity Protection holds no record.
//
// GET /identityProtection/riskyUsers/{id}/history; least permission IdentityRiskyUser.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/riskyuser-list-history
func (c *Client) RiskHistory(ctx context.Context, tid, userID string) ([]RiskChange, error) {
	if err := require(tid, userID); err != nil {
		return nil, err
	}
	k := read(tid, "IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All").limited(protectionBudget)
	out, err := all[RiskChange](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		return identityprotection.NewRiskyUsersRequestBuilderInternal(c.v1.path(), c.v1).ByRiskyUserId(userID).History().ToGetRequestInformation(ctx, nil)
	})
	if KindOf(err) == NotFound {
		return nil, nil
	}
	return out, err
}

// ConfirmCompromised tells Identity Protection that a user's account was taken over: the risk becomes high,
// and policies on user risk act at once.
//
// POST /identityProtection/riskyUsers/confirmCompromised, 204; least permission IdentityRiskyUser.ReadWrite.All.
//
// Reference: https://learn.microsoft.com/graph/api/riskyuser-confirmcompromised
func (c *Client) ConfirmCompromised(ctx context.Context, tid, userID string) error {
	return c.judgeRisk(ctx, tid, userID, "confirmCompromised")
}

// DismissRisk tells Identity Protection that a user's risk is dealt with: the risk becomes none.
//
// POST /identityProtection/riskyUsers/dismiss, 204; least permission IdentityRiskyUser.ReadWrite.All.
//
// Reference: https://learn.microsoft.com/graph/api/riskyuser-dismiss
func (c *Client) DismissRisk(ctx context.Context, tid, userID string) error {
	return c.judgeRisk(ctx, tid, userID, "dismiss")
}

func (c *Client) judgeRisk(ctx context.Context, tid, userID, verdict string) error {
	if err := require(tid, userID); err != nil {
		return err
	}
	k := change(ctx, tid, "IdentityRiskyUser.ReadWrite.All").limited(protectionBudget).posting()
	return c.send(ctx, k, c.v1, func() (*abs.RequestInformation, error) {
		return withJSON(plainRequest(abs.POST, "/identityProtection/riskyUsers/{verdict}", map[string]string{"verdict": verdict}), nil,
			map[string][]string{"userIds": {userID}})
	}, nil)
}
