package workflows

import (
	"context"
	"errors"

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
	// NewGroupOwner takes over the groups that would have no owner without the leaver.
	NewGroupOwner *graphclient.User
}

var errNotShared = errors.New("not begun: the mailbox is not shared (any more), and would be lost with the licence")

// Offboard is the leaver's way out in the safe order: access first, then everything that needs a
// living mailbox, then the conversion, and the licences only once the mailbox is seen to be shared.
// Groups that grant licences are left together with the licences. What decides which steps there are is
// looked up once in a run's life: a process that goes on with it gets the same steps.
func Offboard(ctx context.Context, t Target, run *jobs.Run, s Sealer, o OffboardingOptions) ([]jobs.Step, error) {
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
	now, last, err := leaveGroups(ctx, t, run, o)
	if err != nil {
		return nil, err
	}
	steps = append(steps, now...)
	if o.ConvertToShared {
		steps = append(steps, ConvertToShared(t))
	}
	if o.RemoveLicenses {
		last, err = loseLicences(ctx, t, run, last, o.ConvertToShared)
		if err != nil {
			return nil, err
		}
		steps = append(steps, last...)
	}
	return steps, nil
}

// loseLicences are the steps that take licences away, the groups that grant them first.
func loseLicences(ctx context.Context, t Target, run *jobs.Run, groups []jobs.Step, converts bool) ([]jobs.Step, error) {
	var needs []string
	if converts {
		needs = []string{convertToShared}
	}
	look := func(ctx context.Context) ([]string, []string, error) { return licenceLoss(ctx, t, converts) }
	var steps []jobs.Step
	for _, l := range groups {
		l.Needs = append(l.Needs, needs...)
		steps = append(steps, looksAgain(losesLicence(l, look), t, converts, look))
	}
	names, err := jobs.Found(ctx, run, "skuNames", func(ctx context.Context) (map[string]string, error) {
		names := map[string]string{}
		if skus, err := t.Graph.SubscribedSkus(ctx, t.tid()); err == nil { // names are a kindness only
			for _, k := range skus {
				names[k.SkuID] = k.SkuPartNumber
			}
		}
		return names, nil
	})
	return append(steps, looksAgain(RemoveLicenses(t, names, needs, look), t, converts, look)), err
}

// groupFound is a group as planning found it, with no more of it than its steps need.
type groupFound struct {
	graphclient.Group
	Owned bool `json:"owned,omitempty"`
	Sole  bool `json:"sole,omitempty"` // nobody else owns it
}

// groupsFound are the user's groups.
func groupsFound(ctx context.Context, t Target, run *jobs.Run) ([]groupFound, error) {
	return jobs.Found(ctx, run, "groups", func(ctx context.Context) ([]groupFound, error) {
		member, err := t.Graph.GroupsOf(ctx, t.tid(), t.User.ID)
		if err != nil {
			return nil, err
		}
		owned, err := t.ownedGroups(ctx)
		if err != nil {
			return nil, err
		}
		sole := map[string]bool{}
		for _, g := range owned {
			sole[g.ID] = g.Sole
		}
		out := make([]groupFound, len(member))
		for i, g := range member {
			s, owns := sole[g.ID]
			out[i] = groupFound{lean(g), owns, s}
		}
		return out, nil
	})
}

// ownedGroups are the groups the user owns, whether as the only one or not.
func (t Target) ownedGroups(ctx context.Context) ([]groupFound, error) {
	owned, err := t.Graph.GroupsOwnedBy(ctx, t.tid(), t.User.ID)
	if err != nil {
		return nil, err
	}
	out := make([]groupFound, len(owned))
	for i, g := range owned {
		others, err := t.otherOwners(ctx, g.ID)
		if err != nil {
			return nil, err
		}
		out[i] = groupFound{lean(g), true, len(others) == 0}
	}
	return out, nil
}

// lean is what a run remembers of a group.
func lean(g graphclient.Group) graphclient.Group {
	return graphclient.Group{ID: g.ID, DisplayName: g.DisplayName, MailEnabled: g.MailEnabled, SecurityEnabled: g.SecurityEnabled, GroupTypes: g.GroupTypes,
		IsAssignableToRole: g.IsAssignableToRole, OnPremisesSyncEnabled: g.OnPremisesSyncEnabled, ResourceProvisioningOptions: g.ResourceProvisioningOptions, AssignedLicenses: g.AssignedLicenses}
}

// leaveGroups makes a step for each group, those that grant licences apart: with them goes the
// mailbox's licence, so they come after the conversion.
func leaveGroups(ctx context.Context, t Target, run *jobs.Run, o OffboardingOptions) (now, last []jobs.Step, err error) {
	if !o.RemoveFromGroups && !o.RemoveLicenses {
		return nil, nil, nil
	}
	groups, err := groupsFound(ctx, t, run)
	if err != nil {
		return nil, nil, err
	}
	heir := ""
	if o.NewGroupOwner != nil {
		heir = o.NewGroupOwner.UserPrincipalName
	}
	for _, g := range groups {
		grants := len(g.AssignedLicenses) > 0
		if !o.RemoveFromGroups && (!grants || !o.RemoveLicenses) {
			continue
		}
		s := LeaveGroup(t, g.Group, g.Owned, heir)
		if g.Sole && o.NewGroupOwner != nil && !g.Dynamic() && !g.Synced() {
			owner := AddOwner(t, g.Group, *o.NewGroupOwner)
			s.Needs = append(s.Needs, owner.Name)
			now = append(now, owner)
		}
		switch {
		case grants && o.RemoveLicenses:
			last = append(last, s)
		case grants:
			now = append(now, stays(s, jobs.Fence(g.DisplayName)+" grants a licence and removeLicenses is not chosen, so the user stays in it; choose removeLicenses, or leave it by hand"))
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
