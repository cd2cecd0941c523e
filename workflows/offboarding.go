package workflows

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// OffboardingOptions are what a person chooses; sign-in is always blocked and sessions are always
// ended, twice.
type OffboardingOptions struct {
	ConvertToShared     bool
	RemoveLicenses      bool
	RemoveFromGroups    bool
	HideFromGal         bool
	KeepCopy            bool
	ResetPassword       bool
	RemoveRules         bool
	RemoveMobileDevices bool
	CancelMeetings      bool
	RemoveOwnAccess     bool
	RemoveMFAMethods    bool
	RemoveRoles         bool
	RemoveAppAccess     bool
	ClearManager        bool
	DisableDevices      bool
	LitigationHold      bool
	// DisableOneDriveSharing, UnassignPhoneNumbers and ClearImmutableID are about what outlives the account.
	DisableOneDriveSharing bool
	UnassignPhoneNumbers   bool
	ClearImmutableID       bool
	ForwardTo              *graphclient.User
	OutOfOffice            string
	// NewGroupOwner takes over the groups that would have no owner without the leaver.
	NewGroupOwner *graphclient.User
	// Access is what colleagues are given, and AccessDays for how long; 0 is for good.
	Access     []AccessGiven
	Automap    bool
	AccessDays int
	// DeleteAfterDays plans the deletion of the account; 0 deletes nothing.
	DeleteAfterDays int
	Later           Scheduler // nil where nothing can be planned
}

// AccessGiven is one right for one colleague.
type AccessGiven struct {
	Grant Grant
	Who   graphclient.User
}

var errNotShared = errors.New("not begun: the mailbox is not shared (any more), and would be lost with the licence")

// Offboard is the leaver's way out in the safe order: access first, then everything that needs a
// living mailbox, then groups, roles, applications, methods and devices, then the conversion, and the
// licences only once the mailbox is seen to be shared. Groups that grant licences are left together with
// the licences. What decides which steps there are is looked up once in a run's life: a process that goes
// on with it gets the same steps.
func Offboard(ctx context.Context, t Target, run *jobs.Run, s Sealer, o OffboardingOptions) ([]jobs.Step, error) {
	b := &builder{run: run}
	b.add(SetSignIn(t, false), RevokeSessions(t))
	if o.ResetPassword {
		b.add(ResetPassword(t, s, "", true))
	}
	b.mailbox(t, o)
	var last []jobs.Step // the groups with which licences go
	b.found(func(ctx context.Context) ([]jobs.Step, error) {
		owners, now, withLicence, err := leaveGroups(ctx, t, run, o)
		last = withLicence
		return append(owners, now...), err
	})
	b.identity(t, o)
	if o.LitigationHold {
		b.add(holdFirst(LitigationHold(t), o.RemoveLicenses))
	}
	if o.ConvertToShared {
		b.add(ConvertToShared(t))
	}
	licences := &part{}
	if o.RemoveLicenses {
		b.found(func(ctx context.Context) ([]jobs.Step, error) {
			_, err := skuNamesFound(ctx, t, run)
			return nil, err
		})
		b.parts = append(b.parts, licences)
	}
	b.add(RevokeAgain(t))
	if o.AccessDays > 0 && len(o.Access) > 0 {
		b.add(endOfAccess(t, o))
	}
	if o.DeleteAfterDays > 0 {
		b.add(deletionLater(t, o))
	}
	if err := b.look(ctx); err != nil {
		return nil, err
	}
	if o.RemoveLicenses {
		var err error
		if licences.steps, err = loseLicences(ctx, t, run, last, o.ConvertToShared); err != nil {
			return nil, err
		}
	}
	return b.steps(), nil
}

// builder gathers steps in their order. What planning has to look for is looked for side by side at the end.
type builder struct {
	run   *jobs.Run
	parts []*part
}

// part is a stretch of steps, known or still to be looked for.
type part struct {
	steps []jobs.Step
	look  func(context.Context) ([]jobs.Step, error)
}

func (b *builder) add(steps ...jobs.Step) { b.parts = append(b.parts, &part{steps: steps}) }

// found adds steps that planning has to look for.
func (b *builder) found(look func(context.Context) ([]jobs.Step, error)) {
	b.parts = append(b.parts, &part{look: look})
}

// each adds what a lookup finds, where it is chosen.
func (b *builder) each(chosen bool, t Target, look func(context.Context, Target, *jobs.Run) ([]jobs.Step, error)) {
	if chosen {
		b.found(func(ctx context.Context) ([]jobs.Step, error) { return look(ctx, t, b.run) })
	}
}

// look makes the lookups; none waits for another's answer.
func (b *builder) look(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookups)
	for _, p := range b.parts {
		if p.look == nil {
			continue
		}
		g.Go(func() error {
			return jobs.Caught(func() (err error) { p.steps, err = p.look(ctx); return err })
		})
	}
	return g.Wait()
}

// lookups is how many are made at once.
const lookups = 6

func (b *builder) steps() []jobs.Step {
	var all []jobs.Step
	for _, p := range b.parts {
		all = append(all, p.steps...)
	}
	return all
}

// mailbox adds what needs a mailbox that still works.
func (b *builder) mailbox(t Target, o OffboardingOptions) {
	b.each(o.RemoveRules, t, RemoveInboxRules)
	b.each(o.RemoveMobileDevices, t, RemoveMobileDevices)
	if o.CancelMeetings {
		b.add(CancelMeetings(t))
	}
	if o.OutOfOffice != "" {
		b.add(OutOfOffice(t, o.OutOfOffice))
	}
	if o.ForwardTo != nil {
		b.add(Forward(t, *o.ForwardTo, o.KeepCopy))
	}
	for _, a := range o.Access {
		b.add(GiveAccess(t, a.Grant, a.Who, o.Automap))
	}
	if o.HideFromGal {
		b.add(HideFromAddressLists(t))
	}
	b.each(o.RemoveOwnAccess, t, RemoveOwnAccess)
}

// identity adds what the leaver holds in the directory beside groups.
func (b *builder) identity(t Target, o OffboardingOptions) {
	if o.DisableOneDriveSharing {
		b.add(DisableDriveSharing(t))
	}
	b.each(o.UnassignPhoneNumbers, t, UnassignPhoneNumbers)
	b.each(o.RemoveRoles, t, RemoveRoles)
	b.each(o.RemoveAppAccess, t, RemoveAppAccess)
	b.each(o.RemoveMFAMethods, t, RemoveAuthMethods)
	b.each(o.DisableDevices, t, DisableDevices)
	if o.ClearManager {
		b.add(ClearManager(t))
	}
	if o.ClearImmutableID {
		b.add(ClearImmutableID(t))
	}
}

// holdFirst stops a plan that would take away the licence a hold needs.
func holdFirst(s jobs.Step, losesLicence bool) jobs.Step {
	if !losesLicence {
		return s
	}
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		c.Blockers = append(c.Blockers, "a litigation hold needs the licence as long as it lasts: choose removeLicenses=false, or leave litigationHold out")
		return c, err
	}
	return s
}

// endOfAccess plans that what colleagues were given ends. What they had before the offboarding stays.
func endOfAccess(t Target, o OffboardingOptions) jobs.Step {
	return Schedule(t, o.Later, Later{Step: "schedule-end-of-access", Summary: "End what colleagues were given", Tool: EndAccessTool, Days: o.AccessDays,
		Args: func(run *jobs.Run) map[string]any {
			args := map[string]any{"tenantFilter": t.tid(), "userId": t.User.ID}
			for _, a := range o.Access {
				var had bool
				if run.Before(GiveAccess(t, a.Grant, a.Who, o.Automap).Name, &had) && !had {
					list, _ := args[grantArguments[a.Grant]].([]string)
					args[grantArguments[a.Grant]] = append(list, a.Who.ID)
				}
			}
			if len(args) == 2 {
				return nil
			}
			return args
		}})
}

const scheduleDeletion = "schedule-deletion"

// grantArguments are the arguments of the tools that give and end access.
var grantArguments = map[Grant]string{FullAccess: "fullAccess", SendAs: "sendAs", SendOnBehalf: "sendOnBehalf", OneDrive: "oneDriveAccess"}

// deletionLater plans the deletion of the account. A group that would lose its only owner stops the plan now, not
// on the day.
func deletionLater(t Target, o OffboardingOptions) jobs.Step {
	s := Schedule(t, o.Later, Later{Step: scheduleDeletion, Summary: "Delete " + t.User.UserPrincipalName, Tool: DeleteTool, Days: o.DeleteAfterDays,
		Args: func(*jobs.Run) map[string]any {
			return map[string]any{"tenantFilter": t.tid(), "userId": t.User.ID}
		}})
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if err != nil || o.NewGroupOwner != nil {
			return c, err
		}
		owned, err := t.ownedGroups(ctx)
		for _, g := range owned {
			if g.Sole {
				c.Blockers = append(c.Blockers, soleOwner(t, g.Group))
			}
		}
		c.Warnings = append(c.Warnings, "for 30 days after the deletion the account can be restored")
		return c, err
	}
	return s
}

// loseLicences are the steps that take licences away, the groups that grant them first.
func loseLicences(ctx context.Context, t Target, run *jobs.Run, groups []jobs.Step, converts bool) ([]jobs.Step, error) {
	var needs []string
	if converts {
		needs = []string{convertToShared}
	}
	look := func(ctx context.Context) ([]string, []string, error) {
		return licenceLoss(ctx, t, converts, offboardingWords)
	}
	var steps []jobs.Step
	for _, l := range groups {
		l.Needs = append(l.Needs, needs...)
		steps = append(steps, looksAgain(losesLicence(l, look), t, converts, look))
	}
	names, err := skuNamesFound(ctx, t, run)
	return append(steps, looksAgain(RemoveLicenses(t, names, needs, look), t, converts, look)), err
}

// skuNamesFound are the names of the tenant's subscriptions. They are a kindness: without them ids do.
func skuNamesFound(ctx context.Context, t Target, run *jobs.Run) (map[string]string, error) {
	return jobs.Found(ctx, run, "skuNames", func(ctx context.Context) (map[string]string, error) {
		names := map[string]string{}
		if skus, err := t.Graph.SubscribedSkus(ctx, t.tid()); err == nil {
			for _, k := range skus {
				names[k.SkuID] = k.SkuPartNumber
			}
		}
		return names, nil
	})
}
