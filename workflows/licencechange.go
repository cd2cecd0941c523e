package workflows

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// LicenceChange is what shall become of a user's own licences, in one call, so that a swap cannot end half done.
type LicenceChange struct {
	Add    []graphclient.AssignedLicense // with the service plans that shall be off
	Remove []string                      // SKU ids
	// Names are the products' names by SKU id.
	Names map[string]string
	// Taken counts by SKU id the seats that this server has given away and Microsoft does not count yet; nil: none.
	Taken func(context.Context) (map[string]int, error)
	// Bought are the SKU ids for which a seat was asked for before, so that a missing one stops nothing.
	Bought []string
	// Needs are the steps that come first.
	Needs []string
}

// ManageLicences is the name of the step that assigns and removes licences.
const ManageLicences = "manage-licenses"

// licenceTime is how long Microsoft may take until a licence is to be seen.
const licenceTime = 10 * time.Minute

// licencesThen is what the step found before its first call.
type licencesThen struct {
	Licences []graphclient.AssignedLicense `json:"licences"`
	Mailbox  bool                          `json:"mailbox"`
	Consumed map[string]int                `json:"consumed,omitempty"` // seats in use, of what is added
}

// ChangeLicences assigns and removes licences of the user's own (POST /users/{id}/assignLicense).
func ChangeLicences(t Target, ch LicenceChange) jobs.Step {
	return jobs.Step{
		Name: ManageLicences, Class: jobs.Idempotent, Settle: licenceTime, Needs: ch.Needs,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) { return t.planLicences(ctx, ch) },
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			if _, err := jobs.KeepBefore(ctx, func(ctx context.Context) (licencesThen, error) { return t.licencesThen(ctx, ch) }); err != nil {
				return nil, err
			}
			held, err := t.directLicences(ctx)
			if err != nil {
				return nil, err
			}
			add, remove := ch.left(held)
			if len(add)+len(remove) == 0 {
				return nil, nil
			}
			return nil, t.Graph.AssignLicense(ctx, t.tid(), t.User.ID, add, remove)
		},
		Verify: func(ctx context.Context, _ *jobs.Run) (jobs.Outcome, error) {
			u, err := t.licenceStates(ctx)
			if err != nil {
				return jobs.Unknown, err
			}
			for _, s := range u.LicenseAssignmentStates {
				if s.AssignedByGroup == "" && equalFold(s.State, "Error") && ch.adds(s.SkuID) {
					return jobs.Unknown, fmt.Errorf("%s is assigned and in error: %s", nameOr(ch.Names, s.SkuID), shortened(s.Error))
				}
			}
			if add, remove := ch.left(direct(u)); len(add)+len(remove) > 0 {
				return jobs.NotDone, nil
			}
			return jobs.Done, nil
		},
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			var was licencesThen
			if !run.Before(ManageLicences, &was) {
				return nil, nil
			}
			return undo(ManageLicences, licencesBack(t, ch, was))
		},
	}
}

// licencesBack gives back what was held, and takes what was not; where a mailbox went with a licence it is waited for.
func licencesBack(t Target, ch LicenceChange, was licencesThen) jobs.Step {
	back := LicenceChange{Names: ch.Names}
	for _, id := range append(ch.added(), ch.Remove...) {
		if i := slices.IndexFunc(was.Licences, func(l graphclient.AssignedLicense) bool { return equalFold(l.SkuID, id) }); i >= 0 {
			back.Add = append(back.Add, was.Licences[i])
		} else {
			back.Remove = append(back.Remove, id)
		}
	}
	s := ChangeLicences(t, back)
	if verify := s.Verify; was.Mailbox {
		s.Settle = returnTime
		s.Verify = func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			out, err := verify(ctx, run)
			if err != nil || out != jobs.Done {
				return out, err
			}
			there, err := t.hasMailbox(ctx)
			if err != nil || !there {
				return jobs.Pending, err
			}
			return jobs.Done, nil
		}
	}
	return s
}

func (t Target) licenceStates(ctx context.Context) (graphclient.User, error) {
	return t.Graph.User(ctx, t.tid(), t.User.ID, "id", "licenseAssignmentStates", "assignedLicenses", "usageLocation")
}

func (t Target) licencesThen(ctx context.Context, ch LicenceChange) (b licencesThen, err error) {
	if b.Licences, err = t.directLicences(ctx); err != nil {
		return b, err
	}
	if len(ch.Remove) > 0 {
		if b.Mailbox, err = t.hasMailbox(ctx); err != nil {
			return b, err
		}
	}
	skus, err := t.Graph.SubscribedSkus(ctx, t.tid())
	b.Consumed = map[string]int{}
	for _, s := range skus {
		if ch.adds(s.SkuID) {
			b.Consumed[s.SkuID] = s.ConsumedUnits
		}
	}
	return b, err
}

// NotCounted are the SKU ids a run of this step gave a seat of, where Microsoft still counts as many in use as
// before: its count is minutes behind.
func NotCounted(run *jobs.Run, consumed map[string]int) []string {
	var was licencesThen
	if !run.Before(ManageLicences, &was) {
		return nil
	}
	var out []string
	for id, n := range was.Consumed {
		had := slices.ContainsFunc(was.Licences, func(l graphclient.AssignedLicense) bool { return equalFold(l.SkuID, id) })
		if now, known := consumed[id]; known && !had && now <= n {
			out = append(out, id)
		}
	}
	return out
}

func (ch LicenceChange) added() []string {
	out := make([]string, len(ch.Add))
	for i, l := range ch.Add {
		out[i] = l.SkuID
	}
	return out
}

func (ch LicenceChange) adds(skuID string) bool {
	return slices.ContainsFunc(ch.Add, func(l graphclient.AssignedLicense) bool { return equalFold(l.SkuID, skuID) })
}

// left is what of the change is still to be done.
func (ch LicenceChange) left(held []graphclient.AssignedLicense) (add []graphclient.AssignedLicense, remove []string) {
	has := func(id string) (graphclient.AssignedLicense, bool) {
		i := slices.IndexFunc(held, func(l graphclient.AssignedLicense) bool { return equalFold(l.SkuID, id) })
		if i < 0 {
			return graphclient.AssignedLicense{}, false
		}
		return held[i], true
	}
	for _, l := range ch.Add {
		if h, ok := has(l.SkuID); !ok || !samePlans(h, l) {
			add = append(add, l)
		}
	}
	for _, id := range ch.Remove {
		if _, ok := has(id); ok {
			remove = append(remove, id)
		}
	}
	return add, remove
}

// direct are the licences that are the user's own.
func direct(u graphclient.User) []graphclient.AssignedLicense {
	var out []graphclient.AssignedLicense
	for _, s := range u.LicenseAssignmentStates {
		if s.AssignedByGroup == "" && !slices.ContainsFunc(out, func(l graphclient.AssignedLicense) bool { return l.SkuID == s.SkuID }) {
			out = append(out, graphclient.AssignedLicense{SkuID: s.SkuID, DisabledPlans: append([]string{}, s.DisabledPlans...)})
		}
	}
	return out
}

// byGroups are the ids of the groups that give the user a licence.
func byGroups(u graphclient.User, skuID string) []string {
	var out []string
	for _, s := range u.LicenseAssignmentStates {
		if s.AssignedByGroup != "" && equalFold(s.SkuID, skuID) {
			out = append(out, s.AssignedByGroup)
		}
	}
	return out
}
