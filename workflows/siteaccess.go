package workflows

import (
	"context"
	"fmt"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// AccessedSite is a site, and the Microsoft 365 group whose site it is.
type AccessedSite struct {
	graphclient.Site
	Group *graphclient.Group `json:"group,omitempty"`
}

// SiteOfAddress finds a site by its address, with its group.
func (t Target) SiteOfAddress(ctx context.Context, address string) (AccessedSite, error) {
	s, err := t.Graph.Site(ctx, t.tid(), address)
	if err != nil {
		return AccessedSite{}, err
	}
	lib, err := t.Graph.SiteLibrary(ctx, t.tid(), s.ID)
	if err != nil {
		return AccessedSite{}, err
	}
	found := AccessedSite{Site: s}
	if o := lib.Owner.Group; o != nil {
		g, err := t.Graph.Group(ctx, t.tid(), o.ID)
		if err != nil {
			return found, err
		}
		found.Group = &g
	}
	return found, nil
}

// SiteAccess makes the user a visitor, member or owner of a site, or ends that. Members and owners of a group's site are
// those of its group (POST /groups/{id}/members/$ref, owners/$ref); everybody else is in the site's own groups
// (SharePoint REST, associatedmembergroup and the like).
func SiteAccess(ctx context.Context, t Target, s AccessedSite, role graphclient.SiteRole, give bool) (jobs.Step, error) {
	switch {
	case s.Group == nil || role == graphclient.SiteVisitor:
		return siteGroupStep(t, s, role, give), nil
	case role == graphclient.SiteOwner:
		return groupOwnership(t, *s.Group, give), nil
	case give:
		return JoinGroup(t, *s.Group), nil
	default:
		return LeaveOneGroup(ctx, t, *s.Group)
	}
}

// siteGroupStep puts the user into one of a site's own groups, or takes him out.
func siteGroupStep(t Target, s AccessedSite, role graphclient.SiteRole, give bool) jobs.Step {
	upn := t.User.UserPrincipalName
	e := effect{
		name: "site-" + string(role) + "-" + shortID(s.ID), want: give,
		change: jobs.Change{Summary: fmt.Sprintf("Make %s %s of the site %s", upn, roleWords[role], jobs.Fence(shortened(s.DisplayName))), Target: s.ID, Before: "no " + string(role), After: string(role)},
		back:   func() jobs.Step { return siteGroupStep(t, s, role, !give) },
	}
	if !give {
		e.change.Summary = fmt.Sprintf("End that %s is %s of the site %s", upn, roleWords[role], jobs.Fence(shortened(s.DisplayName)))
		e.change.Before, e.change.After = e.change.After, e.change.Before
	}
	e.there = func(ctx context.Context) (bool, error) {
		return t.Graph.InSiteGroup(ctx, t.tid(), s.WebURL, role, upn)
	}
	e.do = func(ctx context.Context) error {
		if give {
			return t.Graph.AddToSiteGroup(ctx, t.tid(), s.WebURL, role, upn)
		}
		return passing(t.Graph.RemoveFromSiteGroup(ctx, t.tid(), s.WebURL, role, upn), graphclient.NotMember)
	}
	step := e.step()
	plan := step.Plan
	step.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if why := t.signInBlocker(err, "Ask the operator to add a certificate, or to configure auth.mode partner"); why != "" {
			c = e.change
			c.Blockers = []string{why}
			return c, nil
		}
		return c, err
	}
	return step
}

var roleWords = map[graphclient.SiteRole]string{graphclient.SiteVisitor: "a visitor", graphclient.SiteMember: "a member", graphclient.SiteOwner: "an owner"}

// groupOwnership makes the user an owner of a Microsoft 365 group, and so of its site, or ends that.
func groupOwnership(t Target, g graphclient.Group, own bool) jobs.Step {
	name := jobs.Fence(shortened(g.DisplayName))
	e := effect{
		name: "own-group-" + g.ID, want: own,
		change: jobs.Change{Summary: "Make " + t.User.UserPrincipalName + " an owner of the group " + name + ", whose site it is", Target: g.ID, Before: "no owner", After: "owner"},
		there:  func(ctx context.Context) (bool, error) { return t.owns(ctx, g, t.User) },
		back:   func() jobs.Step { return groupOwnership(t, g, !own) },
	}
	if !own {
		e.change.Summary = "End that " + t.User.UserPrincipalName + " owns the group " + name + ", whose site it is"
		e.change.Before, e.change.After = e.change.After, e.change.Before
	}
	e.do = func(ctx context.Context) error {
		if own {
			return passing(t.Graph.AddGroupOwner(ctx, t.tid(), g.ID, t.User.ID), graphclient.AlreadyMember)
		}
		return passing(t.Graph.RemoveGroupOwner(ctx, t.tid(), g.ID, t.User.ID), graphclient.NotFound, graphclient.NotMember)
	}
	e.judge = func(ctx context.Context, c *jobs.Change) error {
		switch {
		case g.RoleAssignable():
			c.Critical = name + " is role-assignable"
		case g.Synced():
			c.Blockers = append(c.Blockers, name+" is synchronised: name its owners in Active Directory")
		}
		if !own {
			return ownerless(ctx, t, g, false, "", c)
		}
		c.Warnings = append(c.Warnings, grants(g)...)
		return nil
	}
	return e.step()
}

// HasSite says whether the user is a visitor, member or owner of a site, as SiteAccess makes one.
func HasSite(ctx context.Context, t Target, s AccessedSite, role graphclient.SiteRole) (bool, error) {
	switch {
	case s.Group == nil || role == graphclient.SiteVisitor:
		return t.Graph.InSiteGroup(ctx, t.tid(), s.WebURL, role, t.User.UserPrincipalName)
	case role == graphclient.SiteOwner:
		return t.owns(ctx, *s.Group, t.User)
	default:
		return t.Graph.IsGroupMember(ctx, t.tid(), s.Group.ID, t.User.ID)
	}
}
