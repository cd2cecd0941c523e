package workflows

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// leaveGroup begins the name of every step that leaves a group; the group's id follows.
const leaveGroup = "leave-group-"

// LeaveGroup removes the user from one group, by Exchange for mail-enabled groups and by Graph for
// the others. owned: the user owns it too, and staying remains its owner. heir will own it, "" where nobody does in
// the user's place.
func LeaveGroup(t Target, g graphclient.Group, owned, staying bool, heir string) jobs.Step {
	name := leaveGroup + g.ID
	member := func(ctx context.Context) (bool, error) { return t.Graph.IsGroupMember(ctx, t.tid(), g.ID, t.User.ID) }
	leave := effect{
		name: name, want: false, known: true, there: member, already: []graphclient.Kind{graphclient.NotFound, graphclient.NotMember},
		change: jobs.Change{Summary: fmt.Sprintf("Leave the group %s (%s)", jobs.Fence(g.DisplayName), g.Kind()), Target: g.ID, Before: "member", After: "not a member"},
		judge: func(ctx context.Context, c *jobs.Change) error {
			switch {
			case g.Dynamic():
				c.Manual = "a rule decides who is in " + jobs.Fence(g.DisplayName) + "; the user leaves it when the rule no longer fits"
			case g.Synced():
				c.Manual = jobs.Fence(g.DisplayName) + " is synchronised; remove the user in Active Directory"
			case g.RoleAssignable():
				c.Critical = jobs.Fence(g.DisplayName) + " is role-assignable"
			case owned:
				return ownerless(ctx, t, g, staying, heir, c)
			}
			return nil
		},
		do: func(ctx context.Context) error {
			if g.ExchangeManaged() {
				return t.Graph.RemoveDistributionGroupMember(ctx, t.tid(), g.ID, t.User.ID)
			}
			return t.Graph.RemoveGroupMember(ctx, t.tid(), g.ID, t.User.ID)
		},
	}
	leave.back = func() jobs.Step {
		return effect{
			name: name, want: true, there: member,
			change: jobs.Change{Summary: fmt.Sprintf("Join the group %s (%s) again", jobs.Fence(g.DisplayName), g.Kind()), Target: g.ID, Before: "not a member", After: "member"},
			judge: func(_ context.Context, c *jobs.Change) error {
				if g.RoleAssignable() {
					c.Critical = jobs.Fence(g.DisplayName) + " is role-assignable"
				}
				return nil
			},
			do: func(ctx context.Context) error {
				var err error
				if g.ExchangeManaged() {
					err = t.Graph.AddDistributionGroupMember(ctx, t.tid(), g.ID, t.User.ID)
				} else {
					err = t.Graph.AddGroupMember(ctx, t.tid(), g.ID, t.User.ID)
				}
				return passing(err, graphclient.AlreadyMember)
			},
		}.step()
	}
	return leave.step()
}

// ownerless stops a plan that would leave a group without anybody who can manage it.
func ownerless(ctx context.Context, t Target, g graphclient.Group, staying bool, heir string, c *jobs.Change) error {
	others, err := t.otherOwners(ctx, g.ID)
	if err != nil {
		return err
	}
	switch name := jobs.Fence(g.DisplayName); {
	case len(others) == 0 && heir == "":
		c.Blockers = append(c.Blockers, soleOwner(t, g))
	case staying && len(others) > 0:
		c.Warnings = append(c.Warnings, fmt.Sprintf("%s stays an owner of %s, as %d more are", t.User.UserPrincipalName, name, len(others)))
	}
	return nil
}

// soleOwner is why a group stops a plan.
func soleOwner(t Target, g graphclient.Group) string {
	return t.User.UserPrincipalName + " is the only owner of " + jobs.Fence(g.DisplayName) + ": name another in newGroupOwner, or nobody can manage it"
}

// otherOwners are the people who own a group beside the user. An application that owns it manages no people.
func (t Target) otherOwners(ctx context.Context, groupID string) ([]graphclient.DirectoryObject, error) {
	owners, err := t.Graph.GroupOwners(ctx, t.tid(), groupID)
	return slices.DeleteFunc(owners, func(o graphclient.DirectoryObject) bool { return o.ID == t.User.ID || o.Type() != "user" }), err
}

// AddOwner makes somebody an owner of a group that would have none without the user, by Graph
// (POST /groups/{id}/owners/$ref) or, for mail-enabled groups, by Exchange (Set-DistributionGroup -ManagedBy).
func AddOwner(t Target, g graphclient.Group, heir graphclient.User) jobs.Step {
	return ownerStep(t, g, heir, true)
}

func ownerStep(t Target, g graphclient.Group, heir graphclient.User, own bool) jobs.Step {
	e := effect{
		name: "add-owner-" + g.ID, want: own,
		change: jobs.Change{Summary: "Make " + heir.UserPrincipalName + " an owner of " + jobs.Fence(g.DisplayName), Target: g.ID, People: []string{heir.ID}, Before: t.User.UserPrincipalName + " is the only owner", After: heir.UserPrincipalName + " is an owner too"},
		there:  func(ctx context.Context) (bool, error) { return t.owns(ctx, g, heir) },
		judge: func(_ context.Context, c *jobs.Change) error {
			if g.Synced() {
				c.Blockers = append(c.Blockers, jobs.Fence(g.DisplayName)+" is synchronised: name another owner in Active Directory first")
			} else if g.RoleAssignable() {
				c.Critical = jobs.Fence(g.DisplayName) + " is role-assignable"
			}
			return nil
		},
	}
	if own {
		e.do = func(ctx context.Context) error {
			if g.ExchangeManaged() {
				return t.Graph.SetDistributionGroupOwners(ctx, t.tid(), g.ID, []string{heir.UserPrincipalName}, nil)
			}
			return passing(t.Graph.AddGroupOwner(ctx, t.tid(), g.ID, heir.ID), graphclient.AlreadyMember)
		}
		e.back = func() jobs.Step { return ownerStep(t, g, heir, false) }
		return e.step()
	}
	e.change.Summary = "Take the ownership of " + jobs.Fence(g.DisplayName) + " from " + heir.UserPrincipalName
	e.change.Before, e.change.After = "owner", "no owner"
	e.do = func(ctx context.Context) error {
		if g.ExchangeManaged() {
			return t.Graph.SetDistributionGroupOwners(ctx, t.tid(), g.ID, nil, []string{heir.UserPrincipalName})
		}
		return passing(t.Graph.RemoveGroupOwner(ctx, t.tid(), g.ID, heir.ID), graphclient.NotFound, graphclient.NotMember)
	}
	return e.step()
}

// DropOwnership ends that the user owns a group that somebody else owns too, by Graph (DELETE
// /groups/{id}/owners/{id}/$ref) or, for mail-enabled groups, by Exchange (Set-DistributionGroup -ManagedBy). after is
// the step that names the other owner, "" where there is one already.
func DropOwnership(t Target, g graphclient.Group, after string) jobs.Step {
	s := dropOwnership(t, g, false).step()
	if after != "" {
		s.Needs = []string{after}
	}
	return s
}

func dropOwnership(t Target, g graphclient.Group, own bool) effect {
	e := effect{
		name: "drop-ownership-" + g.ID, want: own, known: !own,
		change: jobs.Change{Summary: "No longer own " + jobs.Fence(g.DisplayName), Target: g.ID, Before: "owner", After: "no owner"},
		there:  func(ctx context.Context) (bool, error) { return t.owns(ctx, g, t.User) },
		judge: func(_ context.Context, c *jobs.Change) error {
			if g.Synced() {
				c.Manual = jobs.Fence(g.DisplayName) + " is synchronised; name its owners in Active Directory"
			} else if g.RoleAssignable() {
				c.Critical = jobs.Fence(g.DisplayName) + " is role-assignable"
			}
			return nil
		},
		do: func(ctx context.Context) error {
			others, err := t.otherOwners(ctx, g.ID) // who was there when it was planned may have gone
			switch {
			case err != nil:
				return err
			case len(others) == 0:
				return errors.New("not begun: " + soleOwner(t, g))
			case g.ExchangeManaged():
				return t.Graph.SetDistributionGroupOwners(ctx, t.tid(), g.ID, nil, []string{t.User.UserPrincipalName})
			}
			return passing(t.Graph.RemoveGroupOwner(ctx, t.tid(), g.ID, t.User.ID), graphclient.NotFound, graphclient.NotMember)
		},
	}
	if !own {
		e.back = func() jobs.Step { return dropOwnership(t, g, true).step() }
		return e
	}
	e.change.Summary, e.change.Before, e.change.After = "Own "+jobs.Fence(g.DisplayName)+" again", e.change.After, e.change.Before
	e.do = func(ctx context.Context) error {
		if g.ExchangeManaged() {
			return t.Graph.SetDistributionGroupOwners(ctx, t.tid(), g.ID, []string{t.User.UserPrincipalName}, nil)
		}
		return passing(t.Graph.AddGroupOwner(ctx, t.tid(), g.ID, t.User.ID), graphclient.AlreadyMember)
	}
	return e
}

// owns says whether somebody owns a group. Exchange shows people there by names of its own.
func (t Target) owns(ctx context.Context, g graphclient.Group, who graphclient.User) (bool, error) {
	if g.ExchangeManaged() {
		names, err := t.Graph.DistributionGroupOwners(ctx, t.tid(), g.ID)
		return slices.ContainsFunc(names, func(n string) bool { return namesUser(n, who, true) }), err
	}
	owners, err := t.Graph.GroupOwners(ctx, t.tid(), g.ID)
	return slices.ContainsFunc(owners, func(o graphclient.DirectoryObject) bool { return o.ID == who.ID }), err
}
