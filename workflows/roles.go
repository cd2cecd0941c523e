package workflows

import (
	"context"
	"errors"
	"slices"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// Role is a directory role for the whole directory ("/") or one administrative unit.
type Role struct {
	ID, Name, Scope string
}

func (r Role) word() string {
	if r.Scope != "/" {
		return jobs.Fence(r.Name) + " for a part of the directory"
	}
	return jobs.Fence(r.Name)
}

func (r Role) same(a graphclient.RoleAssignment) bool {
	return equalFold(a.RoleDefinitionID, r.ID) && (a.DirectoryScopeID == r.Scope || a.DirectoryScopeID == "" && r.Scope == "/")
}

// HoldRole gives a user a directory role, or takes it away; active (roleAssignments), or eligible: the user activates it
// when it is needed (PIM, roleEligibilityScheduleRequests). Always critical.
func HoldRole(t Target, r Role, eligible, hold bool) jobs.Step {
	name, verb, before, after := "assign-role-", "Give the role ", "not held", "held"
	if eligible {
		name, verb, before, after = "make-eligible-", "Let the user activate the role ", "not eligible", "eligible"
	}
	if !hold {
		before, after = after, before
		name, verb = "remove-role-", "Take the role "
		if eligible {
			name, verb = "end-eligibility-", "No longer let the user activate the role "
		}
	}
	list := t.Graph.RoleAssignmentsOf
	if eligible {
		list = t.Graph.RoleEligibilitiesOf
	}
	held := func(ctx context.Context) ([]graphclient.RoleAssignment, error) {
		now, err := list(ctx, t.tid(), t.User.ID)
		return slices.DeleteFunc(now, func(a graphclient.RoleAssignment) bool { return !r.same(a) }), err
	}
	e := effect{
		name: name + r.ID, want: hold,
		change: jobs.Change{Summary: verb + r.word(), Target: r.ID, Before: before, After: after, Critical: "a directory role changes hands (" + r.word() + ")"},
		there:  func(ctx context.Context) (bool, error) { now, err := held(ctx); return len(now) > 0, err },
		judge: func(ctx context.Context, c *jobs.Change) error {
			if !hold && !eligible && equalFold(r.ID, graphclient.GlobalAdministrator) {
				return lastGlobalAdministrator(ctx, t, c)
			}
			if hold && !eligible {
				c.Warnings = append(c.Warnings, "the role is active at all times; with Entra ID P2 eligible=true lets the user activate it when it is needed")
			}
			return nil
		},
		back: func() jobs.Step { return HoldRole(t, r, eligible, !hold) },
	}
	if r.Scope != "/" {
		e.name += r.Scope[len("/administrativeUnits/")-1:]
	}
	switch {
	case eligible:
		e.do = func(ctx context.Context) error {
			return passing(t.Graph.SetRoleEligible(ctx, t.tid(), t.User.ID, r.ID, r.Scope, hold), graphclient.AlreadyMember, graphclient.NotMember)
		}
	case hold:
		e.do = func(ctx context.Context) error {
			return passing(t.Graph.AssignRole(ctx, t.tid(), t.User.ID, r.ID, r.Scope), graphclient.AlreadyMember, graphclient.Conflict)
		}
	default:
		e.do = func(ctx context.Context) error {
			now, err := held(ctx)
			for _, a := range now {
				err = errors.Join(err, passing(t.Graph.RemoveRoleAssignment(ctx, t.tid(), a.ID), graphclient.NotFound))
			}
			return err
		}
	}
	return e.step()
}

// lastGlobalAdministrator refuses to leave a tenant without a Global Administrator.
func lastGlobalAdministrator(ctx context.Context, t Target, c *jobs.Change) error {
	ids, err := t.Graph.GlobalAdministrators(ctx, t.tid())
	if err == nil && len(slices.DeleteFunc(ids, func(id string) bool { return equalFold(id, t.User.ID) })) == 0 {
		c.Blockers = append(c.Blockers, t.User.UserPrincipalName+" is the last Global Administrator: give another user the role first")
	}
	return err
}

// AppRole is a role of an enterprise application.
type AppRole struct {
	AppID, App, RoleID, Role string
}

func (r AppRole) word() string {
	if r.Role == "" {
		return jobs.Fence(shortened(r.App))
	}
	return jobs.Fence(shortened(r.App)) + " as " + jobs.Fence(shortened(r.Role))
}

// AssignApp assigns an application's role to a user (POST /users/{id}/appRoleAssignments).
func AssignApp(t Target, r AppRole) jobs.Step {
	return effect{
		name: "assign-app-" + r.AppID + "-" + r.RoleID, want: true,
		change: jobs.Change{Summary: "Assign the application " + r.word(), Target: r.AppID, Before: "not assigned", After: "assigned"},
		there: func(ctx context.Context) (bool, error) {
			own, err := ownAssignments(ctx, t, r)
			return len(own) > 0, err
		},
		do: func(ctx context.Context) error {
			return passing(t.Graph.AssignApp(ctx, t.tid(), t.User.ID, r.AppID, r.RoleID), graphclient.AlreadyMember, graphclient.Conflict)
		},
		back: func() jobs.Step { return UnassignApp(t, r) },
	}.step()
}

// UnassignApp takes what the user is assigned of an application; without a role all of it. What comes through a group
// goes with the group.
func UnassignApp(t Target, r AppRole) jobs.Step {
	return effect{
		name: "unassign-app-" + r.AppID + "-" + r.RoleID, want: false,
		change: jobs.Change{Summary: "Take away the application " + r.word(), Target: r.AppID, Before: "assigned", After: "not assigned"},
		there: func(ctx context.Context) (bool, error) {
			own, err := ownAssignments(ctx, t, r)
			return len(own) > 0, err
		},
		do: func(ctx context.Context) error {
			own, err := ownAssignments(ctx, t, r)
			for _, a := range own {
				err = errors.Join(err, passing(t.Graph.RemoveAppAssignment(ctx, t.tid(), t.User.ID, a.ID), graphclient.NotFound))
			}
			return err
		},
		back: func() jobs.Step { return AssignApp(t, r) },
	}.step()
}

func ownAssignments(ctx context.Context, t Target, r AppRole) ([]graphclient.AppRoleAssignment, error) {
	all, err := t.Graph.AppRoleAssignmentsOf(ctx, t.tid(), t.User.ID)
	return slices.DeleteFunc(all, func(a graphclient.AppRoleAssignment) bool {
		return !equalFold(a.PrincipalID, t.User.ID) || !equalFold(a.ResourceID, r.AppID) || r.RoleID != "" && !equalFold(a.AppRoleID, r.RoleID)
	}), err
}
