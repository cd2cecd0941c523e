package workflows

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// OffboardingOptions are what a person chooses; sign-in is always blocked and sessions are always
// ended.
type OffboardingOptions struct {
	ConvertToShared  bool
	RemoveLicenses   bool
	RemoveFromGroups bool
	HideFromGal      bool
	KeepCopy         bool
	ResetPassword    bool
	ForwardTo        *graphclient.User
	OutOfOffice      string
}

// Offboard is the leaver's way out in the safe order: access first, then everything that needs a
// living mailbox, then the conversion, and the licences only once the mailbox is seen to be shared.
// Groups that grant licences are left together with the licences.
func Offboard(ctx context.Context, t Target, s Sealer, o OffboardingOptions) ([]jobs.Step, error) {
	steps := []jobs.Step{SetSignIn(t, false), RevokeSessions(t)}
	if o.ResetPassword {
		steps = append(steps, ResetPassword(t, s, "", true))
	}
	if o.OutOfOffice != "" {
		steps = append(steps, OutOfOffice(t, o.OutOfOffice))
	}
	if o.ForwardTo != nil {
		steps = append(steps, Forward(t, *o.ForwardTo, o.KeepCopy))
	}
	if o.HideFromGal {
		steps = append(steps, HideFromAddressLists(t))
	}
	var last []jobs.Step // groups that grant licences
	if o.RemoveFromGroups || o.RemoveLicenses {
		leave, leaveLast, err := leaveGroups(ctx, t, o)
		if err != nil {
			return nil, err
		}
		steps, last = append(steps, leave...), leaveLast
	}
	if o.ConvertToShared {
		steps = append(steps, ConvertToShared(t))
	}
	if !o.RemoveLicenses {
		return steps, nil
	}
	var needs []string
	if o.ConvertToShared {
		needs = []string{"convert-to-shared"}
	}
	look := func(ctx context.Context) ([]string, []string, error) { return licenceLoss(ctx, t, o.ConvertToShared) }
	for _, l := range last {
		l.Needs = needs
		steps = append(steps, looksAgain(losesLicence(l, look), t, o.ConvertToShared, look))
	}
	names := map[string]string{}
	if skus, err := t.Graph.SubscribedSkus(ctx, t.tid()); err == nil { // names are a kindness only
		for _, k := range skus {
			names[k.SkuID] = k.SkuPartNumber
		}
	}
	return append(steps, looksAgain(RemoveLicenses(t, names, needs, look), t, o.ConvertToShared, look)), nil
}

// looksAgain makes a step that takes a licence look once more right before it does: minutes may lie between
// plan and step, in which a hold may have come, or the mailbox turned back.
func looksAgain(s jobs.Step, t Target, converts bool, look func(context.Context) (warnings, blockers []string, err error)) jobs.Step {
	do := s.Do
	s.Do = func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
		_, blockers, err := look(ctx)
		if err != nil {
			return nil, err
		}
		if len(blockers) > 0 {
			return nil, errors.New("not begun: " + strings.Join(blockers, "; "))
		}
		if m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox()); converts && graphclient.KindOf(err) != graphclient.NoMailbox {
			if err != nil {
				return nil, err
			}
			if !m.Shared() {
				return nil, errors.New("not begun: the mailbox is not shared (any more), and would be lost with the licence")
			}
		}
		return do(ctx, run)
	}
	return s
}

// losesLicence adds to a step's plan what stands against losing the licence that goes with it.
func losesLicence(s jobs.Step, look func(context.Context) (warnings, blockers []string, err error)) jobs.Step {
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if err != nil || !c.Runs() {
			return c, err
		}
		warnings, blockers, err := look(ctx)
		c.Warnings, c.Blockers = append(c.Warnings, warnings...), append(c.Blockers, blockers...)
		return c, err
	}
	return s
}

// leaveGroups makes a step for each group, those that grant licences apart: with them goes the
// mailbox's licence, so they come after the conversion.
func leaveGroups(ctx context.Context, t Target, o OffboardingOptions) (now, last []jobs.Step, err error) {
	groups, err := t.Graph.GroupsOf(ctx, t.tid(), t.User.ID)
	if err != nil {
		return nil, nil, err
	}
	owned, err := t.Graph.GroupsOwnedBy(ctx, t.tid(), t.User.ID)
	if err != nil {
		return nil, nil, err
	}
	owns := map[string]bool{}
	for _, g := range owned {
		owns[g.ID] = true
	}
	for i, g := range groups {
		s := LeaveGroup(t, fmt.Sprintf("leave-group-%d", i+1), g, owns[g.ID])
		switch {
		case len(g.AssignedLicenses) > 0 && o.RemoveLicenses:
			last = append(last, s)
		case len(g.AssignedLicenses) > 0 && o.RemoveFromGroups:
			now = append(now, stays(s, jobs.Fence(g.DisplayName)+" grants a licence and removeLicenses is not chosen, so the user stays in it; choose removeLicenses, or leave it by hand"))
		case !o.RemoveFromGroups:
		default:
			now = append(now, s)
		}
	}
	return now, last, nil
}

// stays is a step that is left to a person.
func stays(s jobs.Step, why string) jobs.Step {
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if c.Manual == "" {
			c.Manual = why
		}
		return c, err
	}
	return s
}

// sharedLimit is how much a shared mailbox without a licence may hold.
const sharedLimit = 50 * gib

// licenceLoss says what stands against taking the licences away: holds, archive and size need one,
// and a mailbox that is not shared goes with it.
func licenceLoss(ctx context.Context, t Target, converts bool) (warnings, blockers []string, err error) {
	m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
	if graphclient.KindOf(err) == graphclient.NoMailbox {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	stats, err := t.Graph.MailboxStatistics(ctx, t.tid(), t.mailbox())
	if err != nil {
		return nil, nil, err
	}
	upn := t.User.UserPrincipalName
	if m.Held() {
		blockers = append(blockers, "the mailbox of "+upn+" is on hold, which needs Exchange Online Plan 2: keep the licence (removeLicenses=false) or have the hold lifted first")
	}
	if m.HasArchive() {
		blockers = append(blockers, "the mailbox of "+upn+" has an online archive, which needs a licence: keep it (removeLicenses=false)")
	}
	if unreadable := stats.TotalItemSize < 0 || stats.TotalItemSize == 0 && stats.ItemCount > 0 || stats == (graphclient.MailboxStatistics{}); unreadable {
		blockers = append(blockers, "how much the mailbox of "+upn+" holds cannot be read, and a shared mailbox without a licence may hold 50 GB: keep the licence (removeLicenses=false)")
	}
	if stats.TotalItemSize > sharedLimit {
		blockers = append(blockers, fmt.Sprintf("the mailbox of %s holds %.1f GB, and a shared mailbox without a licence may hold 50 GB: keep the licence (removeLicenses=false) or shrink it first", upn, float64(stats.TotalItemSize)/gib))
	}
	if !converts && !m.Shared() {
		warnings = append(warnings, "without convertToShared the mailbox of "+upn+" cannot be opened once the licence is gone, and is deleted after 30 days")
	}
	return warnings, blockers, nil
}
