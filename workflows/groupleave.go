package workflows

import (
	"context"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// LeaveOneGroup takes the user out of a group that was named for it. That somebody else decides who is in it stops the
// plan, and so does being its only owner.
func LeaveOneGroup(ctx context.Context, t Target, g graphclient.Group) (jobs.Step, error) {
	owns, err := t.owns(ctx, g, t.User)
	if err != nil {
		return jobs.Step{}, err
	}
	s := LeaveGroup(t, g, owns, true, "")
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if err != nil {
			return c, err
		}
		member, err := t.Graph.IsGroupMember(ctx, t.tid(), g.ID, t.User.ID)
		switch {
		case err != nil:
			return c, err
		case !member:
			return jobs.Change{Summary: c.Summary, Target: g.ID, Before: "not a member", After: "not a member", Nothing: "the user is not a member of " + jobs.Fence(g.DisplayName)}, nil
		case c.Manual != "":
			c.Blockers, c.Manual = append(c.Blockers, c.Manual), ""
		}
		if len(g.AssignedLicenses) > 0 {
			c.Warnings = append(c.Warnings, jobs.Fence(g.DisplayName)+" grants licences, which go with the membership")
		}
		return c, nil
	}
	return s, nil
}
