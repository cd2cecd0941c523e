package workflows

import (
	"context"
	"slices"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// LicenceRequest asks whoever buys licences for the operator for one seat. It is a request: this program buys nothing.
type LicenceRequest struct {
	// ID is the same however often the request is sent.
	ID            string `json:"requestId"`
	JobID         string `json:"jobId"`
	Tenant        string `json:"tenant"`
	TenantID      string `json:"tenantId"`
	User          string `json:"userPrincipalName,omitempty"`
	SkuID         string `json:"skuId"`
	SkuPartNumber string `json:"skuPartNumber"`
	Quantity      int    `json:"quantity"`
}

// LicenceProvider takes requests for licences.
type LicenceProvider interface {
	// Ready says why a run can ask for nothing, "" when it can.
	Ready(ctx context.Context, runID string) (why string, err error)
	Request(ctx context.Context, r LicenceRequest) error
}

// RequestLicence begins the names of the steps that ask for a seat; the id of the SKU follows.
const RequestLicence = "request-license-"

// seatTime is how long a seat that was asked for is waited for.
const seatTime = 14 * 24 * time.Hour

// LackingSeats are those of the licences of which the tenant has no seat for the user.
func LackingSeats(ctx context.Context, t Target, ch LicenceChange) ([]string, error) {
	skus, err := t.Graph.SubscribedSkus(ctx, t.tid())
	if err != nil {
		return nil, err
	}
	var u graphclient.User
	if t.User.ID != "" {
		if u, err = t.licenceStates(ctx); err != nil {
			return nil, err
		}
	}
	taken := map[string]int{}
	if ch.Taken != nil {
		if taken, err = ch.Taken(ctx); err != nil {
			return nil, err
		}
	}
	var out []string
	for _, s := range skus {
		holds := slices.ContainsFunc(u.LicenseAssignmentStates, func(x graphclient.LicenseAssignmentState) bool { return equalFold(x.SkuID, s.SkuID) })
		if ch.adds(s.SkuID) && !holds && s.Available()-taken[s.SkuID] < 1 {
			out = append(out, s.SkuID)
		}
	}
	return out, nil
}

// RequestSeat asks the provider for one seat, and waits until the tenant has it: two steps, the name of the second of
// which is what the assignment needs. Asking spends money, so that it is critical whatever the rest is.
func RequestSeat(t Target, p LicenceProvider, sku graphclient.SubscribedSku, name string) (steps []jobs.Step, await string) {
	ask, wait := RequestLicence+sku.SkuID, "await-seat-"+sku.SkuID
	asked := ask + "/asked"
	free := func(ctx context.Context) (bool, error) {
		skus, err := t.Graph.SubscribedSkus(ctx, t.tid())
		return slices.ContainsFunc(skus, func(s graphclient.SubscribedSku) bool { return equalFold(s.SkuID, sku.SkuID) && s.Available() > 0 }), err
	}
	return []jobs.Step{{
		Name: ask, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
			c := jobs.Change{Summary: "Ask the licence provider for one seat of " + name, Target: sku.SkuID, Before: "no free seat", After: "asked for", NoWayBack: "what the provider bought stays bought",
				Critical: "a licence is asked for, which costs money once the provider grants it"}
			if p == nil {
				c.Blockers = append(c.Blockers, "this server asks nobody for licences (licenses.provider: none)")
				return c, nil
			}
			why, err := p.Ready(ctx, run.ID)
			if why != "" {
				c.Blockers = append(c.Blockers, why)
			}
			return c, err
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			err := p.Request(ctx, LicenceRequest{ID: run.ID + "-" + sku.SkuID, JobID: run.ID, Tenant: t.Tenant.DefaultDomain, TenantID: t.tid(), User: t.User.UserPrincipalName, SkuID: sku.SkuID, SkuPartNumber: sku.SkuPartNumber, Quantity: 1})
			if err != nil {
				return nil, err
			}
			return nil, run.Put(asked, true)
		},
		Verify: func(_ context.Context, run *jobs.Run) (jobs.Outcome, error) {
			var ok bool
			if run.Get(asked, &ok); ok {
				return jobs.Done, nil
			}
			return jobs.NotDone, nil
		},
	}, {
		Name: wait, Class: jobs.Reading, Settle: seatTime, Needs: []string{ask},
		Plan: func(context.Context, *jobs.Run) (jobs.Change, error) {
			return jobs.Change{Summary: "Wait for the seat, for 14 days at the most", Target: sku.SkuID, Before: "no free seat", After: "a free seat"}, nil
		},
		Do: func(context.Context, *jobs.Run) (jobs.Handle, error) { return nil, nil },
		Verify: func(ctx context.Context, _ *jobs.Run) (jobs.Outcome, error) {
			there, err := free(ctx)
			if err != nil || !there {
				return jobs.Pending, err
			}
			return jobs.Done, nil
		},
	}}, wait
}

// TakesPlans says whether a change switches off a service plan the user has now.
func TakesPlans(ctx context.Context, t Target, ch LicenceChange) (bool, error) {
	held, err := t.directLicences(ctx)
	for _, h := range held {
		i := slices.IndexFunc(ch.Add, func(l graphclient.AssignedLicense) bool { return equalFold(l.SkuID, h.SkuID) })
		if i < 0 {
			continue
		}
		for _, p := range ch.Add[i].DisabledPlans {
			if !slices.ContainsFunc(h.DisabledPlans, func(d string) bool { return equalFold(d, p) }) {
				return true, err
			}
		}
	}
	return false, err
}
