package collect

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/workflows/bec"
)

// Some services answer a tenant without the licence in the words with which they refuse a missing permission. What tells
// the two apart is what else Microsoft says: the token lists the permission (the client says RoleMissing then, and not
// Denied), and the tenant shows no plan that holds the service, or the sign-in log, which does say it, is refused for
// want of premium.

// Service plans by which a tenant has what a source needs.
// https://learn.microsoft.com/entra/identity/users/licensing-service-plan-reference
var (
	premiumPlans = []string{"41781fb2-bc02-4b7c-bd55-b576c07bb09d", "eec0eb4f-6444-4f95-aba0-50c24d67f998"} // AAD_PREMIUM, AAD_PREMIUM_P2
	// Defender for Office 365 P1 and P2, for Endpoint P1 and P2, for Business, for Cloud Apps, for Identity; and Entra ID P2,
	// whose Identity Protection raises alerts there.
	defenderPlans = []string{"f20fedf3-f3c3-43c3-8267-2bfdd51c0939", "8e0c0a52-6a6c-4d40-8370-dd62790dcd70", "292cc034-7b7c-4950-aaf5-943befd3f1d4", "871d91ec-ec1a-452b-a83f-bd76c7d770ef",
		"bfc1bbd9-981b-4f71-9b82-17c35fd0e2a4", "2e2ddb96-6af9-4b1d-a3f0-d6ecfd22edb2", "14ab5db5-e6c4-4b20-b4bc-13e36fd2227f", "eec0eb4f-6444-4f95-aba0-50c24d67f998"}
)

// licences are what the tenant has of what matters here.
type licences struct{ premium, defender bool }

// needsLicence are the sources that Microsoft refuses alike for want of a licence and for want of a permission.
var needsLicence = map[string]func(licences) bool{
	bec.ConditionalAccess: func(l licences) bool { return l.premium },
	bec.Risk:              func(l licences) bool { return l.premium },
	bec.Alerts:            func(l licences) bool { return l.defender },
}

// licensed corrects the reason of a refusal where it is the licence that lacks. Where that cannot be known it stays what
// Microsoft called it.
func (c *Collector) licensed(ctx context.Context, source string, cover bec.Coverage, err error) bec.Coverage {
	has := needsLicence[source]
	if has == nil || graphclient.KindOf(err) != graphclient.RoleMissing {
		return cover
	}
	have, err := c.plans.get(func() (licences, error) { return c.theLicences(ctx) })
	if err != nil || has(have) {
		return cover
	}
	cover.Reason, cover.Detail = bec.NoLicence, "the tenant has no plan that holds it"
	if source == bec.Alerts { // there is nothing that could raise one
		cover.Status = bec.NotApplicable
	}
	return cover
}

func (c *Collector) theLicences(ctx context.Context) (licences, error) {
	var l licences
	take := func(page []json.RawMessage) error {
		for _, row := range page {
			var o struct {
				AssignedPlans []struct {
					CapabilityStatus string `json:"capabilityStatus"`
					ServicePlanID    string `json:"servicePlanId"`
				} `json:"assignedPlans"`
			}
			if err := json.Unmarshal(row, &o); err != nil {
				return &graphclient.Error{Kind: graphclient.Internal, Tenant: c.Tenant, Message: "The tenant's plans could not be read."}
			}
			for _, p := range o.AssignedPlans {
				if !strings.EqualFold(p.CapabilityStatus, "Deleted") && !strings.EqualFold(p.CapabilityStatus, "LockedOut") {
					l.premium = l.premium || has(premiumPlans, p.ServicePlanID)
					l.defender = l.defender || has(defenderPlans, p.ServicePlanID)
				}
			}
		}
		return nil
	}
	if err := c.Graph.GraphRows(ctx, c.Tenant, "/organization", nil, false, take); err != nil {
		return l, err
	}
	if l.premium { // bought, or left over: the sign-in log knows
		err := c.Graph.GraphRows(ctx, c.Tenant, "/auditLogs/signIns", url.Values{"$top": {"1"}}, false, func([]json.RawMessage) error { return errEnough })
		if graphclient.KindOf(err) == graphclient.NotPremium {
			return licences{}, nil
		}
	}
	return l, nil
}

func has(list []string, id string) bool {
	for _, x := range list {
		if strings.EqualFold(x, id) {
			return true
		}
	}
	return false
}
