package workflows

import (
	"context"
	"fmt"
	"slices"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// RemoveRoles takes the directory roles away that the user holds directly, one step a role
// (DELETE /roleManagement/directory/roleAssignments/{id}). What comes through a role-assignable group goes with
// the group; what can be activated only is reported by the guard.
func RemoveRoles(ctx context.Context, t Target, run *jobs.Run) ([]jobs.Step, error) {
	list := func(ctx context.Context) ([]graphclient.RoleAssignment, error) {
		return t.Graph.RoleAssignmentsOf(ctx, t.tid(), t.User.ID)
	}
	found, err := jobs.Found(ctx, run, "roles", list)
	var steps []jobs.Step
	for _, r := range found {
		steps = append(steps, roleStep(t, r, false))
	}
	return steps, err
}

func roleStep(t Target, r graphclient.RoleAssignment, hold bool) jobs.Step {
	name := r.RoleDefinitionID
	if r.RoleDefinition != nil && r.RoleDefinition.DisplayName != "" {
		name = jobs.Fence(r.RoleDefinition.DisplayName)
	}
	if r.DirectoryScopeID != "/" {
		name += " for a part of the directory"
	}
	verb, before, after := "Take the role ", "held", "not held"
	if hold {
		verb, before, after = "Give back the role ", after, before
	}
	e := effect{
		name: "remove-role-" + r.RoleDefinitionID, want: hold, known: !hold,
		change: jobs.Change{Summary: verb + name, Target: r.RoleDefinitionID, Before: before, After: after, Critical: "a directory role changes hands (" + name + ")"},
		there: func(ctx context.Context) (bool, error) {
			now, err := t.Graph.RoleAssignmentsOf(ctx, t.tid(), t.User.ID)
			return slices.ContainsFunc(now, func(x graphclient.RoleAssignment) bool {
				return equalFold(x.RoleDefinitionID, r.RoleDefinitionID) && x.DirectoryScopeID == r.DirectoryScopeID
			}), err
		},
	}
	if r.DirectoryScopeID != "/" {
		e.name = "remove-role-" + r.ID // the same role may be held for several parts
	}
	if hold {
		e.do = func(ctx context.Context) error {
			return passing(t.Graph.AssignRole(ctx, t.tid(), t.User.ID, r.RoleDefinitionID, r.DirectoryScopeID), graphclient.AlreadyMember, graphclient.Conflict)
		}
		return e.step()
	}
	e.do = func(ctx context.Context) error {
		return passing(t.Graph.RemoveRoleAssignment(ctx, t.tid(), r.ID), graphclient.NotFound)
	}
	e.back = func() jobs.Step { return roleStep(t, r, true) }
	return e.step()
}

// appsFound are the applications' rights that planning found.
type appsFound struct {
	Grants   []graphclient.OAuth2Grant       `json:"grants"`
	Assigned []graphclient.AppRoleAssignment `json:"assigned"`
	Names    map[string]string               `json:"names"`
}

func (t Target) appsFound(ctx context.Context) (appsFound, error) {
	var f appsFound
	var err error
	if f.Grants, err = t.Graph.OAuth2GrantsOf(ctx, t.tid(), t.User.ID); err != nil {
		return f, err
	}
	assigned, err := t.Graph.AppRoleAssignmentsOf(ctx, t.tid(), t.User.ID)
	if err != nil {
		return f, err
	}
	for _, a := range assigned {
		if !equalFold(a.PrincipalType, "Group") && equalFold(a.PrincipalID, t.User.ID) { // what a group gives goes with the group
			f.Assigned = append(f.Assigned, a)
		}
	}
	var ids []string
	for _, g := range f.Grants {
		ids = append(ids, g.ClientID)
	}
	f.Names = map[string]string{}
	if apps, err := t.Graph.ServicePrincipals(ctx, t.tid(), ids); err == nil { // names are a kindness only
		for id, a := range apps {
			f.Names[id] = a.DisplayName
		}
	}
	return f, nil
}

// RemoveAppAccess takes back what the user has consented to and what applications are assigned to him, one step
// each. What an administrator consented to for everybody stays.
func RemoveAppAccess(ctx context.Context, t Target, run *jobs.Run) ([]jobs.Step, error) {
	found, err := jobs.Found(ctx, run, "apps", t.appsFound)
	var steps []jobs.Step
	for _, g := range found.Grants {
		steps = append(steps, grantStep(t, g, firstOf(found.Names[g.ClientID], g.ClientID), false))
	}
	for _, a := range found.Assigned {
		steps = append(steps, assignmentStep(t, a, false))
	}
	return steps, err
}

func grantStep(t Target, g graphclient.OAuth2Grant, app string, give bool) jobs.Step {
	same := func(x graphclient.OAuth2Grant) bool { return x.ClientID == g.ClientID && x.ResourceID == g.ResourceID }
	e := effect{
		name: "revoke-consent-" + g.ID, want: give, known: !give,
		change: jobs.Change{Summary: fmt.Sprintf("Take back the consent to %s (%s)", jobs.Fence(shortened(app)), jobs.Fence(shortened(g.Scope))), Target: g.ClientID, Before: "consented", After: "revoked"},
		there: func(ctx context.Context) (bool, error) {
			now, err := t.Graph.OAuth2GrantsOf(ctx, t.tid(), t.User.ID)
			return slices.ContainsFunc(now, same), err
		},
		do: func(ctx context.Context) error {
			return passing(t.Graph.DeleteOAuth2Grant(ctx, t.tid(), g.ID), graphclient.NotFound)
		},
		back: func() jobs.Step { return grantStep(t, g, app, true) },
	}
	if give {
		e.change.Summary = fmt.Sprintf("Give back the consent to %s (%s)", jobs.Fence(shortened(app)), jobs.Fence(shortened(g.Scope)))
		e.change.Before, e.change.After = e.change.After, e.change.Before
		e.back, e.do = nil, func(ctx context.Context) error {
			return passing(t.Graph.AddOAuth2Grant(ctx, t.tid(), g), graphclient.Conflict, graphclient.AlreadyMember)
		}
	}
	return e.step()
}

func assignmentStep(t Target, a graphclient.AppRoleAssignment, give bool) jobs.Step {
	app := jobs.Fence(shortened(firstOf(a.ResourceDisplayName, a.ResourceID)))
	e := effect{
		name: "unassign-app-" + a.ID, want: give, known: !give,
		change: jobs.Change{Summary: "Take away the application " + app, Target: a.ResourceID, Before: "assigned", After: "not assigned"},
		there: func(ctx context.Context) (bool, error) {
			now, err := t.Graph.AppRoleAssignmentsOf(ctx, t.tid(), t.User.ID)
			return slices.ContainsFunc(now, func(x graphclient.AppRoleAssignment) bool {
				return equalFold(x.PrincipalID, t.User.ID) && x.ResourceID == a.ResourceID && equalFold(x.AppRoleID, a.AppRoleID)
			}), err
		},
		do: func(ctx context.Context) error {
			return passing(t.Graph.RemoveAppAssignment(ctx, t.tid(), t.User.ID, a.ID), graphclient.NotFound)
		},
		back: func() jobs.Step { return assignmentStep(t, a, true) },
	}
	if give {
		e.change.Summary = "Assign the application " + app + " again"
		e.change.Before, e.change.After = e.change.After, e.change.Before
		e.back, e.do = nil, func(ctx context.Context) error {
			return passing(t.Graph.AssignApp(ctx, t.tid(), t.User.ID, a.ResourceID, a.AppRoleID), graphclient.Conflict, graphclient.AlreadyMember)
		}
	}
	return e.step()
}
