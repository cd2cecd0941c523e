package workflows

import (
	"context"
	"fmt"
	"slices"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// LeaveGroup removes the user from one group, by Exchange for mail-enabled groups and by Graph for
// the others. owners are the group's, to warn when the user is the only one.
func LeaveGroup(t Target, name string, g graphclient.Group, owned bool) jobs.Step {
	return jobs.Step{
		Name: name, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			c := jobs.Change{Summary: fmt.Sprintf("Leave the group %s (%s)", jobs.Fence(g.DisplayName), g.Kind()), Target: g.ID, Before: "member", After: "not a member"}
			switch {
			case g.Dynamic():
				c.Manual = "a rule decides who is in " + jobs.Fence(g.DisplayName) + "; the user leaves it when the rule no longer fits"
			case g.Synced():
				c.Manual = jobs.Fence(g.DisplayName) + " is synchronised; remove the user in Active Directory"
			case g.RoleAssignable():
				c.Critical = jobs.Fence(g.DisplayName) + " is role-assignable"
			case owned:
				owners, err := t.Graph.GroupOwners(ctx, t.tid(), g.ID)
				if err != nil {
					return c, err
				}
				if len(owners) < 2 {
					c.Warnings = append(c.Warnings, t.User.UserPrincipalName+" is the only owner of "+jobs.Fence(g.DisplayName)+"; name another owner first, or nobody can manage it")
				}
			}
			return c, nil
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			var err error
			if g.ExchangeManaged() {
				err = t.Graph.RemoveDistributionGroupMember(ctx, t.tid(), g.ID, t.User.ID)
			} else {
				err = t.Graph.RemoveGroupMember(ctx, t.tid(), g.ID, t.User.ID)
			}
			if isGone(err) {
				return nil, nil
			}
			return nil, err
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			groups, err := t.Graph.GroupsOf(ctx, t.tid(), t.User.ID)
			return !slices.ContainsFunc(groups, func(x graphclient.Group) bool { return x.ID == g.ID }), err
		}),
	}
}

// RemoveLicenses takes away every licence assigned directly (POST /users/{id}/assignLicense). needs
// are the steps that must be done first: a mailbox that is being converted would be lost.
func RemoveLicenses(t Target, names map[string]string, needs []string, look func(context.Context) ([]string, []string, error)) jobs.Step {
	direct := func(ctx context.Context) ([]string, error) {
		u, err := t.Graph.User(ctx, t.tid(), t.User.ID, "id", "licenseAssignmentStates", "assignedLicenses")
		if err != nil {
			return nil, err
		}
		var skus []string
		for _, s := range u.LicenseAssignmentStates {
			if s.AssignedByGroup == "" && !slices.Contains(skus, s.SkuID) {
				skus = append(skus, s.SkuID)
			}
		}
		return skus, nil
	}
	return jobs.Step{
		Name: "remove-licenses", Class: jobs.Idempotent, Needs: needs,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			skus, err := direct(ctx)
			if err != nil {
				return jobs.Change{}, err
			}
			c := jobs.Change{Summary: "Remove the licences that are assigned directly", Before: "none", After: "none"}
			if len(skus) == 0 {
				c.Nothing = "no licence is assigned directly"
				return c, nil
			}
			c.Before = ""
			for i, s := range skus {
				if i > 0 {
					c.Before += ", "
				}
				c.Before += nameOr(names, s)
			}
			c.Warnings, c.Blockers, err = look(ctx)
			return c, err
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			skus, err := direct(ctx)
			if err != nil || len(skus) == 0 {
				return nil, err
			}
			return nil, t.Graph.AssignLicense(ctx, t.tid(), t.User.ID, nil, skus)
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			skus, err := direct(ctx)
			return len(skus) == 0, err
		}),
	}
}

func nameOr(names map[string]string, id string) string {
	if n, ok := names[id]; ok {
		return n
	}
	return id
}
