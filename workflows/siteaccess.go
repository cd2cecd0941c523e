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
	GroupID   string `json:"groupId,omitempty"`
	GroupName string `json:"groupName,omitempty"`
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
	if g := lib.Owner.Group; g != nil {
		found.GroupID, found.GroupName = g.ID, g.DisplayName
	}
	return found, nil
}

// SiteAccess makes the user a visitor, member or owner of a site, or ends that. Members and owners of a group's site are
// those of its group (POST /groups/{id}/members/$ref, owners/$ref); everybody else is in the site's own groups
// (SharePoint REST, associatedmembergroup and the like).
func SiteAccess(t Target, s AccessedSite, role graphclient.SiteRole, give bool) jobs.Step {
	upn := t.User.UserPrincipalName
	e := effect{
		name: "site-" + string(role) + "-" + shortID(s.ID), want: give,
		change: jobs.Change{Summary: fmt.Sprintf("Make %s a %s of the site %s", upn, role, jobs.Fence(shortened(s.DisplayName))), Target: s.ID, Before: "no " + string(role), After: string(role)},
		back:   func() jobs.Step { return SiteAccess(t, s, role, !give) },
	}
	if role == graphclient.SiteOwner {
		e.change.Summary = fmt.Sprintf("Make %s an owner of the site %s", upn, jobs.Fence(shortened(s.DisplayName)))
	}
	if !give {
		e.change.Summary = fmt.Sprintf("End that %s is %s of the site %s", upn, role, jobs.Fence(shortened(s.DisplayName)))
		e.change.Before, e.change.After = e.change.After, e.change.Before
	}
	if s.GroupID != "" && role != graphclient.SiteVisitor {
		e.throughGroup(t, s, role, give)
		return e.step()
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

// throughGroup makes the access to a group's site a matter of its group.
func (e *effect) throughGroup(t Target, s AccessedSite, role graphclient.SiteRole, give bool) {
	e.change.Summary += ", through its group " + jobs.Fence(shortened(s.GroupName))
	e.change.Target = s.GroupID
	owner := role == graphclient.SiteOwner
	e.there = func(ctx context.Context) (bool, error) {
		if !owner {
			return t.Graph.IsGroupMember(ctx, t.tid(), s.GroupID, t.User.ID)
		}
		return t.owns(ctx, graphclient.Group{ID: s.GroupID}, t.User)
	}
	e.do = func(ctx context.Context) error {
		switch {
		case owner && give:
			return passing(t.Graph.AddGroupOwner(ctx, t.tid(), s.GroupID, t.User.ID), graphclient.AlreadyMember)
		case owner:
			return passing(t.Graph.RemoveGroupOwner(ctx, t.tid(), s.GroupID, t.User.ID), graphclient.NotFound, graphclient.NotMember)
		case give:
			return passing(t.Graph.AddGroupMember(ctx, t.tid(), s.GroupID, t.User.ID), graphclient.AlreadyMember)
		default:
			return passing(t.Graph.RemoveGroupMember(ctx, t.tid(), s.GroupID, t.User.ID), graphclient.NotFound, graphclient.NotMember)
		}
	}
	e.judge = func(ctx context.Context, c *jobs.Change) error {
		g, err := t.Graph.Group(ctx, t.tid(), s.GroupID)
		if err != nil {
			return err
		}
		switch {
		case g.RoleAssignable():
			c.Critical = jobs.Fence(g.DisplayName) + " is role-assignable"
		case g.Dynamic() && !owner:
			c.Blockers = append(c.Blockers, "a rule decides who is in "+jobs.Fence(g.DisplayName)+": change what the rule looks at")
		case g.Synced():
			c.Blockers = append(c.Blockers, jobs.Fence(g.DisplayName)+" is synchronised: change it in Active Directory")
		}
		c.Warnings = append(c.Warnings, jobs.Fence(g.DisplayName)+" is a Microsoft 365 group: its mailbox, and its team where it has one, go with the site")
		if owner && !give {
			return ownerless(ctx, t, g, false, "", c)
		}
		return nil
	}
}
