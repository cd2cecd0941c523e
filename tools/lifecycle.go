package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// target is the call's user as workflows take it.
func (c *Call) target() workflows.Target {
	t := workflows.Target{Graph: c.Graph, Clock: c.Clock, Tenant: c.Tenant}
	if c.User != nil {
		t.User = *c.User
	}
	return t
}

// UserWriteIn are the arguments of writes that take nothing but the user.
type UserWriteIn struct {
	TenantArg
	UserArg
	WriteArgs
}

var signInNeeds = Needs{App: []string{"User.EnableDisableAccount.All", "User.Read.All"}, AppRoles: []string{"User Administrator"}, GDAPRoles: []string{"User Administrator"}}

// LaterUserIn are the arguments of writes that take the user and are often wanted for later.
type LaterUserIn struct {
	TenantArg
	UserArg
	RunAtArg
	WriteArgs
}

// DisableUserIn are the arguments of cipp_disable_user.
type DisableUserIn struct {
	TenantArg
	UserArg
	RevokeSessions bool `json:"revokeSessions,omitempty"`
	RemoveGroups   bool `json:"removeGroups,omitempty"`
	RemoveLicenses bool `json:"removeLicenses,omitempty"`
	RemoveProfiles bool `json:"removeProfiles,omitempty" quiet:"true" jsonschema_description:"Also take the operator's profiles the user has."`
	RunAtArg
	WriteArgs
}

var disableUser = Write(Tool{
	Name: "cipp_disable_user", Title: "Block sign-in", Toolset: "lifecycle", Risk: policy.Destructive, Idempotent: true, Needs: signInNeeds, Aliases: with(userAliases, map[string]string{"removeFromGroups": "removeGroups"}),
	Description: "Blocks a user's sign-in; sessions that are open go on unless revokeSessions is true. For a leaver use cipp_offboard_user, for a suspicion cipp_bec_check first.",
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","dryRun":true}`,
}, func(ctx context.Context, c *Call, in DisableUserIn) (Work, error) {
	var w Work
	if !in.RevokeSessions {
		w.Warnings = []string{"open sessions go on; revokeSessions=true ends them too"}
	}
	open, err := c.caseInDanger()
	if err != nil {
		return w, err
	}
	if open != "" {
		w.Warnings = append(w.Warnings, open)
	}
	planned, err := jobs.Found(ctx, c.Run, "plannedSignIn", c.plannedSignIn)
	if err != nil {
		return w, err
	}
	w.Steps, err = workflows.BlockUser(ctx, c.target(), c.Run, workflows.BlockOptions{RevokeSessions: in.RevokeSessions, RemoveGroups: in.RemoveGroups, RemoveLicenses: in.RemoveLicenses, Schedules: planned, Cancel: c.scheduler()})
	if err != nil || !in.RemoveProfiles {
		return w, err
	}
	held, err := jobs.Found(ctx, c.Run, "profiles", func(ctx context.Context) ([]UserProfile, error) { return userProfiles(ctx, c) })
	for _, h := range held {
		if h.Has != "all" { // what is there may have come otherwise
			w.Warnings = append(w.Warnings, "the user does not have all of the profile "+q(h.Profile)+", so nothing of it is taken; cipp_apply_profile with mode=remove takes what is there")
			continue
		}
		p, _ := c.Policy.Profile(c.Tenant, h.Profile)
		w.Steps = append(w.Steps, c.applyLater(h.Profile, p, "remove", nil))
	}
	return w, err
})

// plannedSignIn are the jobs that would allow or block the user's sign-in later.
func (c *Call) plannedSignIn(ctx context.Context) ([]workflows.PlannedJob, error) {
	waiting, err := c.Policy.Ledger.Jobs(ctx, jobs.RunQueued, c.Tenant.ID, 500)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", policy.ErrState, err)
	}
	var out []workflows.PlannedJob
	for _, r := range waiting {
		later := !r.NotBefore.IsZero() && r.NotBefore.After(c.Clock.Now())
		if later && r.Run.ID != c.Run.ID && r.Run.UserID == c.User.ID && !r.Cancelled && r.ParentID == "" && (r.Kind == "cipp_enable_user" || r.Kind == "cipp_disable_user") {
			out = append(out, workflows.PlannedJob{JobID: r.Run.ID, Tool: r.Kind, At: r.NotBefore.UTC().Format(time.RFC3339)})
		}
	}
	slices.SortFunc(out, func(a, b workflows.PlannedJob) int { return strings.Compare(a.JobID, b.JobID) })
	return out, nil
}

var enableUser = Write(Tool{
	Name: "cipp_enable_user", Title: "Allow sign-in", Toolset: "lifecycle", Extra: true, Risk: policy.Destructive, Idempotent: true, Aliases: userAliases, Needs: signInNeeds,
	Description: "Allows a blocked user to sign in again. It does not restore deleted users, licences or groups.",
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","dryRun":true}`,
}, func(_ context.Context, c *Call, _ LaterUserIn) (Work, error) {
	return Work{Steps: []jobs.Step{workflows.SetSignIn(c.target(), true)}}, nil
})
