package workflows

import (
	"context"
	"fmt"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// joinGroup begins the name of every step that joins a group; the group's id follows.
const joinGroup = "join-group-"

// AddToGroups makes the user a member of groups, one step a group. Microsoft 365 and security groups go through Graph
// (POST /groups/{id}/members/$ref), distribution lists and mail-enabled security groups through Exchange
// (Add-DistributionGroupMember). A group that cannot be joined stops the plan, since it was named.
func AddToGroups(t Target, groups []graphclient.Group) []jobs.Step {
	steps := make([]jobs.Step, len(groups))
	for i, g := range groups {
		steps[i] = JoinGroup(t, g)
	}
	return steps
}

// JoinGroup makes the user a member of one group, by whatever service has it.
func JoinGroup(t Target, g graphclient.Group) jobs.Step {
	name, shown := joinGroup+g.ID, jobs.Fence(g.DisplayName)
	member := func(ctx context.Context) (bool, error) {
		if t.User.ID == "" { // somebody who is yet to be created
			return false, nil
		}
		return t.Graph.IsGroupMember(ctx, t.tid(), g.ID, t.User.ID)
	}
	return effect{
		name: name, want: true, there: member,
		change: jobs.Change{Summary: fmt.Sprintf("Join the group %s (%s)", shown, groupWord(g)), Target: g.ID, Before: "not a member", After: "member"},
		judge: func(_ context.Context, c *jobs.Change) error {
			if why := unjoinable(g); why != "" {
				c.Blockers = append(c.Blockers, shown+" "+why)
			}
			if g.RoleAssignable() {
				c.Critical = shown + " is role-assignable: its members hold the directory roles that are given to it"
			}
			c.Warnings = append(c.Warnings, grants(g)...)
			return nil
		},
		do: func(ctx context.Context) error {
			if g.ExchangeManaged() {
				return passing(t.Graph.AddDistributionGroupMember(ctx, t.tid(), g.ID, t.User.ID), graphclient.AlreadyMember)
			}
			return passing(t.Graph.AddGroupMember(ctx, t.tid(), g.ID, t.User.ID), graphclient.AlreadyMember)
		},
		back: func() jobs.Step {
			return effect{
				name: name, want: false, there: member, already: []graphclient.Kind{graphclient.NotFound, graphclient.NotMember},
				change: jobs.Change{Summary: fmt.Sprintf("Leave the group %s (%s)", shown, groupWord(g)), Target: g.ID, Before: "member", After: "not a member"},
				do: func(ctx context.Context) error {
					if g.ExchangeManaged() {
						return t.Graph.RemoveDistributionGroupMember(ctx, t.tid(), g.ID, t.User.ID)
					}
					return t.Graph.RemoveGroupMember(ctx, t.tid(), g.ID, t.User.ID)
				},
			}.step()
		},
	}.step()
}

// OnlyRecipients stops the plan of joining a group of Exchange for somebody whom Exchange does not know: a user without a
// mailbox and without an address there (Get-Recipient).
func OnlyRecipients(t Target, g graphclient.Group, join jobs.Step) jobs.Step {
	if !g.ExchangeManaged() {
		return join
	}
	plan := join.Plan
	join.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if err != nil || c.Nothing != "" || len(c.Blockers) > 0 {
			return c, err
		}
		_, err = t.Graph.Recipient(ctx, t.tid(), t.User.ID)
		if graphclient.KindOf(err) == graphclient.NotFound {
			c.Blockers = append(c.Blockers, fmt.Sprintf("%s is Exchange's and takes only people with a mailbox or an address there, and %s has neither: assign a licence that brings a mailbox first", jobs.Fence(g.DisplayName), t.User.UserPrincipalName))
			err = nil
		}
		return c, err
	}
	return join
}

// unjoinable is why nobody can be made a member of a group here, "" where one can.
func unjoinable(g graphclient.Group) string {
	switch {
	case g.Dynamic():
		return "has members by a rule; change what the rule looks at"
	case g.Synced():
		return "is synchronised; add the user in Active Directory"
	}
	return ""
}

// grants is what comes with a group, where that is more than a place on a list.
func grants(g graphclient.Group) []string {
	var out []string
	switch {
	case g.Team():
		out = append(out, jobs.Fence(g.DisplayName)+" is a team: its files, site and conversations come with it")
	case g.Microsoft365():
		out = append(out, jobs.Fence(g.DisplayName)+" is a Microsoft 365 group: its mailbox, files and site come with it")
	}
	if len(g.AssignedLicenses) > 0 {
		out = append(out, jobs.Fence(g.DisplayName)+" grants licences, which takes seats")
	}
	return out
}

// CopyGroups are the groups of somebody else that the user can be made a member of, and for each of the others a word
// why not. Those with a rule, those of Active Directory and those that directory roles are given to are left out.
// It is looked up once in a run's life.
func CopyGroups(ctx context.Context, t Target, run *jobs.Run, from graphclient.User) (groups []graphclient.Group, skipped []string, err error) {
	type found struct {
		Groups  []graphclient.Group `json:"groups"`
		Skipped []string            `json:"skipped,omitempty"`
	}
	f, err := jobs.Found(ctx, run, "copyGroups/"+from.ID, func(ctx context.Context) (f found, err error) {
		of, err := t.Graph.GroupsOf(ctx, t.tid(), from.ID)
		for _, g := range of {
			why := unjoinable(g)
			if g.RoleAssignable() {
				why = "is role-assignable: name it in groups if it is meant, which takes the operator's approval"
			}
			if why != "" {
				f.Skipped = append(f.Skipped, "not copied from "+from.UserPrincipalName+": "+jobs.Fence(shortened(g.DisplayName))+" "+why)
				continue
			}
			f.Groups = append(f.Groups, lean(g))
		}
		return f, err
	})
	return f.Groups, f.Skipped, err
}

// mailGroups says whether one of the groups is Exchange's, which knows only people with a mailbox or an address.
func mailGroups(groups []graphclient.Group) bool {
	for _, g := range groups {
		if g.ExchangeManaged() {
			return true
		}
	}
	return false
}

// SameGroup says whether a name, address or id means a group.
func SameGroup(g graphclient.Group, name string) bool {
	for _, n := range []string{g.ID, g.DisplayName, g.Mail, g.MailNickname} {
		if n != "" && strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}
