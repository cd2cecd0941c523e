package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"
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

func (t Target) planLicences(ctx context.Context, ch LicenceChange) (jobs.Change, error) {
	u, err := t.licenceStates(ctx)
	if err != nil {
		return jobs.Change{}, err
	}
	return t.judgedLicences(ctx, u, ch)
}

// judgedLicences is the plan for a user with these licences.
func (t Target) judgedLicences(ctx context.Context, u graphclient.User, ch LicenceChange) (jobs.Change, error) {
	held := direct(u)
	add, remove := ch.left(held)
	var what []string
	for _, l := range add {
		verb := "assign "
		if slices.ContainsFunc(held, func(h graphclient.AssignedLicense) bool { return equalFold(h.SkuID, l.SkuID) }) {
			verb = "change the service plans of "
		}
		what = append(what, verb+nameOr(ch.Names, l.SkuID)+without(l.DisabledPlans))
	}
	for _, id := range remove {
		what = append(what, "remove "+nameOr(ch.Names, id))
	}
	c := jobs.Change{Summary: "Change the licences: " + strings.Join(what, ", "), Before: heldWord(ch.Names, held), After: heldWord(ch.Names, ch.applied(held))}
	if err := t.judgeGroupLicences(ctx, u, ch, &c); err != nil {
		return c, err
	}
	if len(what) == 0 {
		c.Summary = "Change the licences"
		if len(c.Blockers) == 0 {
			c.Nothing = "the licences are so already"
		}
		return c, nil
	}
	if len(add) > 0 && u.UsageLocation == "" {
		c.Blockers = append(c.Blockers, t.User.UserPrincipalName+" has no usageLocation, without which no licence can be assigned: set it with cipp_edit_user first")
	}
	skus, err := t.Graph.SubscribedSkus(ctx, t.tid())
	if err != nil {
		return c, err
	}
	if err := t.judgeSeats(ctx, skus, u, add, ch, &c); err != nil {
		return c, err
	}
	if len(remove) == 0 || !brings(skus, held, exchangePlan) || brings(skus, ch.applied(u.AssignedLicenses), exchangePlan) {
		return c, nil
	}
	warnings, blockers, err := licenceLoss(ctx, t, false, lossWords{"keep the licence", "unless cipp_convert_mailbox makes it a shared one first,"})
	c.Warnings, c.Blockers = append(c.Warnings, warnings...), append(c.Blockers, blockers...)
	return c, err
}

// applied is what a user holds after the change.
func (ch LicenceChange) applied(held []graphclient.AssignedLicense) []graphclient.AssignedLicense {
	out := slices.DeleteFunc(slices.Clone(held), func(l graphclient.AssignedLicense) bool {
		return ch.adds(l.SkuID) || slices.ContainsFunc(ch.Remove, func(id string) bool { return equalFold(id, l.SkuID) })
	})
	return append(out, ch.Add...)
}

// judgeGroupLicences says what a group has to do with the change: what a group gives only the group can take.
func (t Target) judgeGroupLicences(ctx context.Context, u graphclient.User, ch LicenceChange, c *jobs.Change) error {
	name := func(id string) (string, error) {
		g, err := t.Graph.Group(ctx, t.tid(), id)
		if graphclient.KindOf(err) == graphclient.NotFound {
			return id, nil
		}
		return jobs.Fence(g.DisplayName), err
	}
	for _, id := range ch.Remove {
		own := slices.ContainsFunc(direct(u), func(l graphclient.AssignedLicense) bool { return equalFold(l.SkuID, id) })
		for _, g := range byGroups(u, id) {
			n, err := name(g)
			switch {
			case err != nil:
				return err
			case own:
				c.Warnings = append(c.Warnings, fmt.Sprintf("%s stays: the group %s gives it as well", nameOr(ch.Names, id), n))
			default:
				c.Blockers = append(c.Blockers, fmt.Sprintf("%s comes from the group %s, so it goes only when the user leaves that group, or the group loses it", nameOr(ch.Names, id), n))
			}
		}
	}
	for _, l := range ch.Add {
		for _, g := range byGroups(u, l.SkuID) {
			n, err := name(g)
			if err != nil {
				return err
			}
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s comes from the group %s already; one of the user's own takes no second seat and stays when the user leaves the group", nameOr(ch.Names, l.SkuID), n))
		}
	}
	return nil
}

// judgeSeats stops an assignment for which the tenant has no seat.
func (t Target) judgeSeats(ctx context.Context, skus []graphclient.SubscribedSku, u graphclient.User, add []graphclient.AssignedLicense, ch LicenceChange, c *jobs.Change) error {
	taken := map[string]int{}
	if ch.Taken != nil {
		var err error
		if taken, err = ch.Taken(ctx); err != nil {
			return err
		}
	}
	for _, l := range add {
		i := slices.IndexFunc(skus, func(s graphclient.SubscribedSku) bool { return equalFold(s.SkuID, l.SkuID) })
		if i < 0 {
			c.Blockers = append(c.Blockers, fmt.Sprintf("%s has no subscription of %s", t.Tenant.DefaultDomain, nameOr(ch.Names, l.SkuID)))
			continue
		}
		s, n := skus[i], nameOr(ch.Names, l.SkuID)
		holds := slices.ContainsFunc(u.LicenseAssignmentStates, func(x graphclient.LicenseAssignmentState) bool { return equalFold(x.SkuID, l.SkuID) })
		switch free := s.Available() - taken[s.SkuID]; {
		case s.AppliesTo == "Company":
			c.Blockers = append(c.Blockers, n+" is a licence of the whole organisation, which is not assigned to users")
		case s.CapabilityStatus != "" && !equalFold(s.CapabilityStatus, "Enabled") && !equalFold(s.CapabilityStatus, "Warning"):
			c.Blockers = append(c.Blockers, fmt.Sprintf("the subscription of %s is %s", n, strings.ToLower(s.CapabilityStatus)))
		case holds || free > 0 || slices.ContainsFunc(ch.Bought, func(id string) bool { return equalFold(id, s.SkuID) }):
		default:
			c.Blockers = append(c.Blockers, noSeat(n, t.Tenant.DefaultDomain, s, taken[s.SkuID]))
		}
	}
	return nil
}

func noSeat(name, domain string, s graphclient.SubscribedSku, taken int) string {
	out := fmt.Sprintf("%s has no free seat of %s (%d of %d in use", domain, name, s.ConsumedUnits, s.PrepaidUnits.Enabled+s.PrepaidUnits.Warning)
	if taken > 0 {
		out += fmt.Sprintf(", %d more given away by this server", taken)
	}
	return out + "): free one, or ask for one with requestIfUnavailable where the operator has set up a provider"
}

// exchangePlan says whether a service plan gives a user a mailbox.
func exchangePlan(name string) bool {
	return strings.HasPrefix(name, "EXCHANGE_S_") && !strings.Contains(name, "ARCHIVE") && name != "EXCHANGE_S_FOUNDATION"
}

// intunePlan says whether a service plan lets Intune manage a user's devices.
func intunePlan(name string) bool {
	return strings.HasPrefix(name, "INTUNE_A") || name == "INTUNE_EDU" || name == "INTUNE_SMBIZ"
}

// brings says whether one of the licences has a service plan of a kind that is not switched off.
func brings(skus []graphclient.SubscribedSku, held []graphclient.AssignedLicense, kind func(string) bool) bool {
	for _, l := range held {
		i := slices.IndexFunc(skus, func(s graphclient.SubscribedSku) bool { return equalFold(s.SkuID, l.SkuID) })
		if i < 0 {
			continue
		}
		for _, p := range skus[i].ServicePlans {
			if kind(p.ServicePlanName) && !slices.ContainsFunc(l.DisabledPlans, func(d string) bool { return equalFold(d, p.ServicePlanID) }) {
				return true
			}
		}
	}
	return false
}

func heldWord(names map[string]string, held []graphclient.AssignedLicense) string {
	if len(held) == 0 {
		return "none of the user's own"
	}
	out := make([]string, len(held))
	for i, l := range held {
		out[i] = nameOr(names, l.SkuID) + without(l.DisabledPlans)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func without(plans []string) string {
	switch len(plans) {
	case 0:
		return ""
	case 1:
		return " without 1 service plan"
	}
	return fmt.Sprintf(" without %d service plans", len(plans))
}

const reprocessLicences = "reprocess-licenses"

// ReprocessLicences has Microsoft work out again what the user's groups give (POST
// /users/{id}/reprocessLicenseAssignment). Nothing but Microsoft's answer says that it was done: the licences may be
// the same after it.
func ReprocessLicences(t Target, names map[string]string) jobs.Step {
	return jobs.Step{
		Name: reprocessLicences, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			u, err := t.licenceStates(ctx)
			if err != nil {
				return jobs.Change{}, err
			}
			groups := 0
			c := jobs.Change{Summary: "Work out the licences from groups again", NoWayBack: "it only repeats what Microsoft does by itself"}
			for _, s := range u.LicenseAssignmentStates {
				if s.AssignedByGroup == "" {
					continue
				}
				groups++
				if equalFold(s.State, "Error") || equalFold(s.State, "ActiveWithError") {
					c.Warnings = append(c.Warnings, fmt.Sprintf("%s is in error (%s): %s", nameOr(names, s.SkuID), shortened(s.Error), licenceCause(s.Error)))
				}
			}
			c.Before, c.After = fmt.Sprintf("%d licences from groups", groups), "worked out again"
			if u.UsageLocation == "" {
				c.Warnings = append(c.Warnings, "the user has no usageLocation; Microsoft then takes the tenant's, or assigns nothing")
			}
			return c, nil
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			return nil, order(ctx, run, reprocessLicences, func() error { return t.Graph.ReprocessLicences(ctx, t.tid(), t.User.ID) })
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			var answered bool
			if run.Get(reprocessLicences+"Answered", &answered); !answered {
				return jobs.NotDone, nil
			}
			_, err := t.licenceStates(ctx)
			return jobs.Done, err
		},
	}
}

// licenceCause is what lies behind an assignment's error, and what helps.
func licenceCause(code string) string {
	switch strings.ToLower(code) {
	case "countviolation":
		return "there was no seat; free one first"
	case "mutuallyexclusiveviolation":
		return "it excludes a service plan the user has; switch one of the two off first"
	case "dependencyviolation":
		return "it needs a service plan the user does not have"
	case "prohibitedinusagelocationviolation":
		return "a service is not to be had at the user's usageLocation"
	case "uniquenessviolation":
		return "an address is used twice"
	}
	return "what is wrong has to be put right first"
}
