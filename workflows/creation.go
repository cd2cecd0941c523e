package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

const createUserStep = "create-user"

// NewPerson is everything that creating a user may bring with it.
type NewPerson struct {
	User     graphclient.NewUser
	Password string // "" : one is generated and sealed
	// Later are properties that take a permission of their own, so that they must not cost the user the creation.
	Later    map[string]any
	Manager  *graphclient.User
	Licences *LicenceChange
	// Requests are the steps that ask for the seats the tenant lacks, and wait for them.
	Requests []jobs.Step
	Aliases  []string // with domain
	Groups   []graphclient.Group
	// Skipped are the groups that were not copied, in words.
	Skipped []string
}

// CreatePerson makes a user and everything that goes with it, in the order in which one needs the other: the user, what
// the directory knows of it, licences, the mailbox they bring, its addresses, groups. What comes after the user goes on
// when one of its steps fails.
func CreatePerson(ctx context.Context, t Target, run *jobs.Run, s Sealer, p NewPerson) ([]jobs.Step, error) {
	t.User = graphclient.User{UserPrincipalName: p.User.UserPrincipalName, DisplayName: p.User.DisplayName, UserType: "Member"}
	steps := []jobs.Step{CreateUser(t, s, p.User, p.Password)}
	if len(p.Later) > 0 {
		steps = append(steps, once(t, laterProperties(p.Later), func(t Target) jobs.Step { return EditUser(t, p.Later) }))
	}
	if m := p.Manager; m != nil {
		c := jobs.Change{Summary: "Name the manager", Target: m.ID, Before: "none", After: m.UserPrincipalName}
		steps = append(steps, once(t, unread(c), func(t Target) jobs.Step { return SetManager(t, *m) }))
	}
	mailbox, err := jobs.Found(ctx, run, "bringsMailbox", func(ctx context.Context) (bool, error) { return t.bringsMailbox(ctx, p) })
	if err != nil {
		return nil, err
	}
	if p.Licences != nil {
		steps = append(steps, p.Requests...)
		ch := *p.Licences
		plan := func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			return t.judgedLicences(ctx, graphclient.User{UsageLocation: p.User.UsageLocation}, ch)
		}
		steps = append(steps, once(t, plan, func(t Target) jobs.Step { return ChangeLicences(t, ch) }))
	}
	joins := make([]jobs.Step, 0, len(p.Groups))
	for _, g := range p.Groups {
		plan := func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
			return planJoin(ctx, t, run, g, mailbox)
		}
		joins = append(joins, once(t, plan, func(t Target) jobs.Step { return JoinGroup(t, g) }))
	}
	for i, g := range p.Groups { // groups that grant licences come before the mailbox they bring
		if len(g.AssignedLicenses) > 0 {
			steps = append(steps, joins[i])
		}
	}
	awaits := mailbox && (len(p.Aliases) > 0 || mailGroups(p.Groups))
	if awaits {
		steps = append(steps, awaitAfter(t, steps[1:]))
	}
	if len(p.Aliases) > 0 {
		steps = append(steps, aliasStep(t, p.Aliases, mailbox))
	}
	for i, g := range p.Groups {
		if len(g.AssignedLicenses) > 0 {
			continue
		}
		if awaits && g.ExchangeManaged() {
			joins[i].Needs = append(joins[i].Needs, awaitMailbox)
		}
		steps = append(steps, joins[i])
	}
	return steps, nil
}

// once makes a step for the user whom the first step of the run creates: planned without it, done with the id it got.
func once(t Target, plan func(context.Context, *jobs.Run) (jobs.Change, error), build func(Target) jobs.Step) jobs.Step {
	s := build(t)
	s.Needs = append([]string{createUserStep}, s.Needs...)
	s.Plan = plan
	created := func(run *jobs.Run) (jobs.Step, error) {
		u := t
		if !run.Get(CreatedID, &u.User.ID) || u.User.ID == "" {
			return jobs.Step{}, fmt.Errorf("not begun: it is not known which user was created")
		}
		return build(u), nil
	}
	s.Do = func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
		s, err := created(run)
		if err != nil {
			return nil, err
		}
		return s.Do(ctx, run)
	}
	s.Verify = func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
		s, err := created(run)
		if err != nil {
			return jobs.Unknown, err
		}
		return s.Verify(ctx, run)
	}
	if s.Undo != nil {
		s.Undo = func(ctx context.Context, run *jobs.Run) (*jobs.Step, error) {
			s, err := created(run)
			if err != nil {
				return nil, nil //nolint:nilerr // nothing was created, so that nothing comes back
			}
			return s.Undo(ctx, run)
		}
	}
	return s
}

// unread is the plan of a step for which nothing need be read.
func unread(c jobs.Change) func(context.Context, *jobs.Run) (jobs.Change, error) {
	return func(context.Context, *jobs.Run) (jobs.Change, error) { return c, nil }
}

func laterProperties(patch map[string]any) func(context.Context, *jobs.Run) (jobs.Change, error) {
	var after []string
	for n, v := range patch {
		after = append(after, n+"="+shown(n, v))
	}
	slices.Sort(after)
	return unread(jobs.Change{Summary: "Set what takes a permission of its own", Before: empty, After: strings.Join(after, "; ")})
}

func planJoin(ctx context.Context, t Target, run *jobs.Run, g graphclient.Group, mailbox bool) (jobs.Change, error) {
	e := JoinGroup(t, g)
	c, err := e.Plan(ctx, run)
	if err != nil {
		return c, err
	}
	if g.ExchangeManaged() && !mailbox {
		c.Blockers = append(c.Blockers, jobs.Fence(g.DisplayName)+" is Exchange's and takes only people with a mailbox: name a licence that brings one")
	}
	return c, nil
}

// awaitAfter waits for the mailbox that one of the steps before brings.
func awaitAfter(t Target, before []jobs.Step) jobs.Step {
	s := once(t, nil, AwaitMailbox)
	s.Plan = AwaitMailbox(t).Plan
	for _, b := range before {
		if b.Name == ManageLicences {
			s.Needs = append(s.Needs, b.Name)
		}
	}
	return s
}

// aliasStep gives the mailbox its other addresses, once it is there.
func aliasStep(t Target, aliases []string, mailbox bool) jobs.Step {
	a := Addresses{Add: aliases, Await: mailbox}
	plan := func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
		if !mailbox {
			return jobs.Change{Summary: "Change the mail addresses", Blockers: []string{"aliases are addresses of a mailbox: name a licence that brings one, or leave them out"}}, nil
		}
		return t.planAddresses(ctx, a)
	}
	return once(t, plan, func(t Target) jobs.Step { return SetAddresses(t, a) })
}

// bringsMailbox says whether the licences of a new user, or those of its groups, bring a mailbox.
func (t Target) bringsMailbox(ctx context.Context, p NewPerson) (bool, error) {
	var held []graphclient.AssignedLicense
	if p.Licences != nil {
		held = append(held, p.Licences.Add...)
	}
	for _, g := range p.Groups {
		held = append(held, g.AssignedLicenses...)
	}
	if len(held) == 0 {
		return false, nil
	}
	skus, err := t.Graph.SubscribedSkus(ctx, t.tid())
	return brings(skus, held, exchangePlan), err
}
