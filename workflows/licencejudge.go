package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

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
