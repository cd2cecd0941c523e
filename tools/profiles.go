package tools

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
)

// profileTool gives a user what a profile holds.
const profileTool = "cipp_apply_profile"

// ApplyProfileIn are the arguments of cipp_apply_profile.
type ApplyProfileIn struct {
	TenantArg
	UserArg
	Profile string `json:"profile" jsonschema:"maxLength=60"`
	Mode    string `json:"mode,omitempty" jsonschema:"enum=add,enum=remove,enum=reconcile,default=add" jsonschema_description:"reconcile: also take what only other profiles give."`
	WriteArgs
}

var applyProfile = Write(Tool{
	Name: profileTool, Title: "Apply a profile", Toolset: "workflows", Risk: policy.Destructive, Idempotent: true, Extra: true, Aliases: with(userAliases, map[string]string{"role": "profile", "template": "profile"}),
	Description: "Gives a user what one of the operator's profiles holds (groups, licences, applications, sites, mailboxes, attributes), or takes it. cipp_list_access_catalog with kind=profile lists them.",
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","profile":"sales","dryRun":true}`,
}, func(ctx context.Context, c *Call, in ApplyProfileIn) (Work, error) {
	p, err := c.profile(in.Profile)
	if err != nil {
		return Work{}, err
	}
	rows, err := jobs.Found(ctx, c.Run, foundRows, func(context.Context) ([]bulkRow, error) {
		give, take := accessOf(p.Groups, p.Licenses, p.Apps, p.DirectoryRoles, p.Sites, p.Mailboxes, p.Calendars), access{}
		switch in.Mode {
		case "remove":
			give, take = access{}, give
		case "reconcile":
			for _, name := range c.Policy.Profiles(c.Tenant) {
				o, _ := c.Policy.Profile(c.Tenant, name)
				take = take.and(accessOf(o.Groups, o.Licenses, o.Apps, o.DirectoryRoles, o.Sites, o.Mailboxes, o.Calendars))
			}
			take = take.without(give)
		}
		attributes := p.Attributes
		if in.Mode == "remove" {
			attributes = nil // what a person's record says does not go with access
		}
		return c.profileRows(give, take, attributes), nil
	})
	if err != nil {
		return Work{}, err
	}
	if len(rows) == 0 {
		return Work{}, nil
	}
	for _, r := range rows {
		if slices.Contains(c.Policy.Config.Tools.Remove, r.Tool) { // presets do not count: they are about what a model sees
			return Work{}, &Problem{Code: "switched_off", Message: "The profile needs " + r.Tool + ", which the operator switched off (tools.remove in cipp-mcp.yaml).", Next: "Ask the operator."}
		}
	}
	cr := &crowd{call: c, rows: rows, what: fmt.Sprintf("profile %s, %s", q(in.Profile), count(len(rows), "part", "parts")), sample: 20}
	w := Work{Steps: []jobs.Step{cr.step()}}
	for _, r := range rows {
		w.Parts = append(w.Parts, r.Tool)
	}
	return w, nil
})

// profile finds a profile that may be used here, by whoever runs this server.
func (c *Call) profile(name string) (policy.Profile, error) {
	p, ok := c.Policy.Profile(c.Tenant, name)
	if ok {
		return p, nil
	}
	names := c.Policy.Profiles(c.Tenant)
	if len(names) == 0 {
		return p, invalid("The operator has written no profile for %s (profiles in cipp-mcp.yaml).", c.Tenant.DefaultDomain)
	}
	return p, invalid("There is no profile %q for %s; there are: %s.", Clean(name, 60), c.Tenant.DefaultDomain, strings.Join(names, ", "))
}

// applyLater makes a job of cipp_apply_profile below the run, once the steps before it are done: of somebody who is yet
// to be created nothing can be planned. It is planned and checked there like any other.
func (c *Call) applyLater(name string, p policy.Profile, mode string, after []jobs.Step) jobs.Step {
	key := func(run *jobs.Run) string { return "profile " + name + " of " + run.ID }
	args := func(tenantID, userID string) map[string]any {
		return map[string]any{"tenantFilter": tenantID, "userId": userID, "profile": name, "mode": mode}
	}
	s := jobs.Step{
		Name: mode + "-profile-" + strings.ToLower(name), Class: jobs.Idempotent,
		Plan: func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
			ch := jobs.Change{Summary: map[string]string{"add": "Give", "remove": "Take"}[mode] + " what the profile " + q(name) + " holds (" + strings.Join(p.Holds(), ", ") + "), as a job of its own", Before: "not begun", After: "begun"}
			if len(p.DirectoryRoles) > 0 {
				ch.Critical = "the profile " + q(name) + " holds directory roles"
			}
			if c.User == nil {
				return ch, nil // who is yet to be created has nothing that it could be held against
			}
			below, err := (&crowd{call: c, tool: toolOf(profileTool)}).plan(ctx, bulkRow{Args: args(run.TenantID, c.User.ID)})
			if err != nil {
				return ch, err
			}
			ch.Nothing, ch.Blockers, ch.Warnings = below.none, below.plan.Blockers, below.plan.Warnings
			for _, part := range below.plan.Changes {
				if part.Runs() {
					if ch.Sample = append(ch.Sample, part.Sample...); len(part.Sample) == 0 {
						ch.Sample = append(ch.Sample, part.Summary)
					}
					ch.Warnings = append(ch.Warnings, part.Warnings...)
					ch.People = append(ch.People, part.People...)
				}
			}
			return ch, nil
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			id := run.UserID
			if id == "" {
				id = createdBy(run)
			}
			job, err := c.startBelow(ctx, run, profileTool, args(run.TenantID, id), key(run))
			return jobs.Handle{"job": job}, err
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			id, err := c.Policy.Ledger.ByKey(ctx, key(run))
			switch {
			case err != nil:
				return jobs.Unknown, err
			case id == "":
				return jobs.NotDone, nil
			default:
				return jobs.Done, nil
			}
		},
	}
	for _, a := range after {
		s.Needs = append(s.Needs, a.Name)
	}
	return s
}

// startBelow plans a call of a tool and puts it into the ledger below a run. Asked twice, it answers the first.
func (c *Call) startBelow(ctx context.Context, parent *jobs.Run, tool string, args map[string]any, key string) (jobID string, err error) {
	l := c.Policy.Ledger
	if id, err := l.ByKey(ctx, key); id != "" || err != nil {
		return id, err
	}
	cr := &crowd{call: c, tool: toolOf(tool)}
	p, err := cr.plan(ctx, bulkRow{Args: args})
	switch {
	case err != nil:
		return "", err
	case len(p.plan.Blockers) > 0:
		return "", errors.New("not begun: " + strings.Join(p.plan.Blockers, "; "))
	}
	s := policy.Start{Request: p.req, Run: p.run, Plan: p.plan, ApprovedBy: "approved with job " + parent.ID, ParentID: parent.ID, CallKey: key, Beside: true}
	s.Client = "job " + parent.ID
	above, err := l.Job(ctx, parent.ID)
	if err != nil {
		return "", err
	}
	if s.Held, err = c.Policy.NeedsMore(ctx, above.RunInfo, p.req, p.plan); err != nil {
		return "", err
	}
	if s.Held {
		s.ApprovedBy = ""
	}
	if err := c.Policy.Start(ctx, s); !errors.Is(err, policy.ErrCallKnown) {
		return p.run.ID, err
	}
	return l.ByKey(ctx, key)
}

// access is what a profile gives: by kind, the names as the kind's tool takes them.
type access map[string][]string

// accessOf gathers a profile's access by kind; a mailbox's rights are told apart by its address.
func accessOf(groups, licenses, apps, roles []string, sites map[string]string, mailboxes map[string][]string, calendars map[string]string) access {
	a := access{"groups": groups, "licenses": licenses, "apps": apps, "roles": roles}
	for address, right := range sites {
		a["sites"] = append(a["sites"], right+":"+address)
	}
	for box, rights := range mailboxes {
		a["mailbox "+strings.ToLower(box)] = rights
	}
	for box, right := range calendars {
		a["calendar "+strings.ToLower(box)] = []string{right}
	}
	return a
}

func (a access) and(b access) access {
	out := maps.Clone(a)
	for kind, names := range b {
		for _, n := range names {
			if !slices.ContainsFunc(out[kind], func(o string) bool { return strings.EqualFold(o, n) }) {
				out[kind] = append(slices.Clone(out[kind]), n)
			}
		}
	}
	return out
}

func (a access) without(b access) access {
	out := access{}
	for kind, names := range a {
		for _, n := range names {
			if !slices.ContainsFunc(b[kind], func(o string) bool { return strings.EqualFold(o, n) }) {
				out[kind] = append(out[kind], n)
			}
		}
	}
	return out
}

// profileRows are the calls that give and take: one of each kind's own tool, so that each is checked, planned and read
// back as it would be alone.
func (c *Call) profileRows(give, take access, attributes map[string]string) []bulkRow {
	var rows []bulkRow
	add := func(tool string, args map[string]any) {
		args["tenantFilter"] = c.Tenant.ID
		if args["userId"] == nil {
			args["userId"] = c.User.ID
		}
		rows = append(rows, bulkRow{N: len(rows) + 1, TenantID: c.Tenant.ID, Tenant: c.Tenant.DefaultDomain, UserID: c.User.ID, User: c.User.UserPrincipalName, Args: args, Tool: tool})
	}
	if len(attributes) > 0 {
		args := map[string]any{}
		for k, v := range attributes {
			args[k] = v
		}
		add("cipp_edit_user", args)
	}
	for _, k := range []struct{ kind, tool, add, remove string }{
		{"licenses", "cipp_manage_user_licenses", "addLicenseSkuIds", "removeLicenseSkuIds"}, // what groups and mailboxes need
		{"groups", "cipp_set_group_membership", "add", "remove"}, {"apps", "cipp_set_app_assignments", "add", "remove"},
		{"roles", "cipp_set_directory_roles", "add", "remove"}, {"sites", "cipp_set_site_access", "add", "remove"},
	} {
		args := map[string]any{}
		if l := give[k.kind]; len(l) > 0 {
			args[k.add] = slices.Sorted(slices.Values(l))
		}
		if l := take[k.kind]; len(l) > 0 {
			args[k.remove] = slices.Sorted(slices.Values(l))
		}
		if len(args) > 0 {
			add(k.tool, args)
		}
	}
	boxes := map[string]bool{}
	for kind := range maps.Keys(give.and(take)) {
		if strings.Contains(kind, " ") {
			boxes[kind] = true
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(boxes)) {
		what, box, _ := strings.Cut(kind, " ")
		tool, args := "cipp_set_mailbox_permissions", map[string]any{"userId": box}
		if what == "calendar" {
			tool = "cipp_set_calendar_permissions"
		}
		var adds, removes []string
		for _, right := range give[kind] {
			adds = append(adds, right+":"+c.User.UserPrincipalName)
		}
		for _, right := range take[kind] {
			switch {
			case what != "calendar":
				removes = append(removes, right+":"+c.User.UserPrincipalName)
			case len(give[kind]) == 0: // a right replaces the other
				removes = append(removes, c.User.UserPrincipalName)
			}
		}
		if len(adds) > 0 {
			args["add"] = adds
		}
		if len(removes) > 0 {
			args["remove"] = removes
		}
		if len(adds)+len(removes) > 0 {
			add(tool, args)
		}
	}
	return rows
}
