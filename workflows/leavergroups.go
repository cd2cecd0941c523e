package workflows

import (
	"context"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// groupFound is a group as planning found it, with no more of it than its steps need.
type groupFound struct {
	graphclient.Group
	Owned bool `json:"owned,omitempty"`
	Sole  bool `json:"sole,omitempty"` // nobody else owns it
}

// groupsFound are the groups the user is in, and those the user owns.
type groupsFound struct {
	In    []groupFound `json:"in"`
	Owned []groupFound `json:"owned"`
}

func (t Target) groupsFound(ctx context.Context) (groupsFound, error) {
	var f groupsFound
	member, err := t.Graph.GroupsOf(ctx, t.tid(), t.User.ID)
	if err != nil {
		return f, err
	}
	if f.Owned, err = t.ownedGroups(ctx); err != nil {
		return f, err
	}
	sole := map[string]bool{}
	for _, g := range f.Owned {
		sole[g.ID] = g.Sole
	}
	for _, g := range member {
		s, owns := sole[g.ID]
		f.In = append(f.In, groupFound{lean(g), owns, s})
	}
	return f, nil
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
// mailbox's licence, so they come after the conversion. Groups the leaver alone owns get another owner first,
// where one is named.
func leaveGroups(ctx context.Context, t Target, run *jobs.Run, o OffboardingOptions) (owners, now, last []jobs.Step, err error) {
	if !o.RemoveFromGroups && !o.RemoveLicenses && o.NewGroupOwner == nil {
		return nil, nil, nil, nil
	}
	groups, err := jobs.Found(ctx, run, "groups", t.groupsFound)
	if err != nil {
		return nil, nil, nil, err
	}
	heir, first := "", map[string]string{}
	if o.NewGroupOwner != nil {
		heir = o.NewGroupOwner.UserPrincipalName
		for _, g := range groups.Owned {
			if g.Sole {
				s := AddOwner(t, g.Group, *o.NewGroupOwner)
				owners, first[g.ID] = append(owners, s), s.Name
			}
		}
	}
	for _, g := range groups.In {
		grants := len(g.AssignedLicenses) > 0
		if !o.RemoveFromGroups && (!grants || !o.RemoveLicenses) {
			continue
		}
		s := LeaveGroup(t, g.Group, g.Owned, !o.RemoveFromGroups, heir)
		if n := first[g.ID]; n != "" {
			s.Needs = append(s.Needs, n)
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
	for _, g := range groups.Owned {
		if o.RemoveFromGroups && (!g.Sole || heir != "") {
			now = append(now, DropOwnership(t, g.Group, first[g.ID]))
		}
	}
	return owners, now, last, nil
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
