package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// Review is what has to be known of a leaver before anything is done.
type Review struct {
	SoleOwnerOf   *ReviewList `json:"soleOwnerOf,omitempty"` // groups, teams and app registrations nobody else owns
	DirectReports *ReviewList `json:"directReports,omitempty"`
	Groups        *ReviewList `json:"groups,omitempty"`
	Licenses      *ReviewList `json:"licenses,omitempty"`
	Devices       *ReviewList `json:"devices,omitempty"` // to return, the company's first
	Delegates     *ReviewList `json:"delegates,omitempty"`
	CanOpen       *ReviewList `json:"canOpen,omitempty"` // other people's mailboxes and calendars
	Meetings      *ReviewList `json:"meetings,omitempty"`
	Mailbox       *ReviewList `json:"mailbox,omitempty"` // kind, size, archive, holds, forwarding
	// Unread are what could not be read, and why: it may hold anything.
	Unread []string `json:"unread,omitempty"`
}

// ReviewList is one kind of thing: how many there are, and the first of them.
type ReviewList struct {
	Count int      `json:"count"`
	First []string `json:"first,omitempty"`
}

const (
	// reviewed is how many of a kind are shown; the tools for each kind have them all.
	reviewed = 10
	// reviewMailboxes is in how many mailboxes a review looks for the leaver's rights.
	reviewMailboxes = 200
	reviewMeetings  = 100
)

func (l *ReviewList) add(format string, args ...any) {
	if l.Count++; len(l.First) < reviewed {
		l.First = append(l.First, fmt.Sprintf(format, args...))
	}
}

// reviewSource reads one part; what it cannot read leaves the part out and is said.
type reviewSource struct {
	name string
	read func(context.Context, Target, *jobs.Run) (*ReviewList, error)
	into func(*Review) **ReviewList
}

var reviewSources = []reviewSource{
	{"sole ownerships", reviewSole, func(r *Review) **ReviewList { return &r.SoleOwnerOf }},
	{"direct reports", reviewReports, func(r *Review) **ReviewList { return &r.DirectReports }},
	{"groups", reviewGroups, func(r *Review) **ReviewList { return &r.Groups }},
	{"licences", reviewLicences, func(r *Review) **ReviewList { return &r.Licenses }},
	{"devices", reviewDevices, func(r *Review) **ReviewList { return &r.Devices }},
	{"delegates", reviewDelegates, func(r *Review) **ReviewList { return &r.Delegates }},
	{"mailboxes and calendars the leaver can open", reviewOwnAccess, func(r *Review) **ReviewList { return &r.CanOpen }},
	{"meetings", reviewMeetingsOf, func(r *Review) **ReviewList { return &r.Meetings }},
	{"the mailbox", reviewMailbox, func(r *Review) **ReviewList { return &r.Mailbox }},
}

// ReviewLeaver reads everything a person should know before an offboarding, side by side. It changes nothing and
// stops nothing: what blocks, the steps' own plans say.
func ReviewLeaver(ctx context.Context, t Target, run *jobs.Run) (*Review, error) {
	var r Review
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, s := range reviewSources {
		g.Go(func() error {
			var list *ReviewList
			err := jobs.Caught(func() (err error) { list, err = s.read(ctx, t, run); return err })
			if ctx.Err() != nil {
				return ctx.Err()
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case graphclient.KindOf(err) == graphclient.NoMailbox:
			case err != nil:
				r.Unread = append(r.Unread, s.name+": "+shortReason(err))
			default:
				*s.into(&r) = list
			}
			return nil
		})
	}
	err := g.Wait()
	slices.Sort(r.Unread)
	return &r, err
}

// shortReason is why something was not read, in Microsoft's words, bounded.
func shortReason(err error) string {
	if k := graphclient.KindOf(err); k == graphclient.Denied || k == graphclient.RoleMissing {
		return "the permission is missing"
	}
	if graphclient.KindOf(err) == graphclient.OtherSignIn {
		return "this needs the application's own sign-in (auth.mode app)"
	}
	return jobs.Fence(shortened(err.Error()))
}

func reviewSole(ctx context.Context, t Target, _ *jobs.Run) (*ReviewList, error) {
	l := &ReviewList{}
	owned, err := t.ownedGroups(ctx)
	if err != nil {
		return nil, err
	}
	for _, g := range owned {
		if g.Sole {
			l.add("%s %s", groupWord(g.Group), jobs.Fence(shortened(g.DisplayName)))
		}
	}
	apps, err := t.Graph.ApplicationsOwnedBy(ctx, t.tid(), t.User.ID)
	for _, a := range apps {
		if a.Owners == 1 {
			l.add("app registration %s", jobs.Fence(shortened(a.DisplayName)))
		}
	}
	return l, err
}

func groupWord(g graphclient.Group) string {
	switch {
	case g.Team():
		return "team"
	case g.MailEnabled && !g.SecurityEnabled && !g.Microsoft365():
		return "distribution list"
	}
	return g.Kind() + " group"
}

func reviewReports(ctx context.Context, t Target, _ *jobs.Run) (*ReviewList, error) {
	l := &ReviewList{}
	reports, err := t.Graph.DirectReports(ctx, t.tid(), t.User.ID)
	for _, u := range reports {
		l.add("%s", u.UserPrincipalName)
	}
	return l, err
}

func reviewGroups(ctx context.Context, t Target, run *jobs.Run) (*ReviewList, error) {
	l := &ReviewList{}
	groups, err := jobs.Found(ctx, run, "groups", t.groupsFound)
	for _, g := range groups.In {
		var flags []string
		for _, f := range []struct {
			word string
			on   bool
		}{{"owner", g.Owned}, {"dynamic", g.Dynamic()}, {"synced", g.Synced()}, {"grants licences", len(g.AssignedLicenses) > 0}, {"role-assignable", g.RoleAssignable()}} {
			if f.on {
				flags = append(flags, f.word)
			}
		}
		word := groupWord(g.Group)
		if len(flags) > 0 {
			word += ", " + strings.Join(flags, ", ")
		}
		l.add("%s (%s)", jobs.Fence(shortened(g.DisplayName)), word)
	}
	return l, err
}

func reviewLicences(ctx context.Context, t Target, run *jobs.Run) (*ReviewList, error) {
	u, err := t.Graph.User(ctx, t.tid(), t.User.ID, "id", "licenseAssignmentStates", "assignedLicenses")
	if err != nil {
		return nil, err
	}
	names, err := skuNamesFound(ctx, t, run)
	if err != nil {
		return nil, err
	}
	groups, err := jobs.Found(ctx, run, "groups", t.groupsFound)
	l := &ReviewList{}
	for _, s := range u.LicenseAssignmentStates {
		from := "direct"
		if s.AssignedByGroup != "" {
			from = "by the group " + s.AssignedByGroup
			if i := slices.IndexFunc(groups.In, func(g groupFound) bool { return equalFold(g.ID, s.AssignedByGroup) }); i >= 0 {
				from = "by the group " + jobs.Fence(shortened(groups.In[i].DisplayName))
			}
		}
		l.add("%s, %s", nameOr(names, s.SkuID), from)
	}
	return l, err
}

func reviewDelegates(ctx context.Context, t Target, _ *jobs.Run) (*ReviewList, error) {
	l := &ReviewList{}
	full, err := t.Graph.MailboxPermissions(ctx, t.tid(), t.mailbox())
	if err != nil {
		return nil, err
	}
	for _, p := range full {
		l.add("%s: %s", jobs.Fence(shortened(p.User)), strings.Join(p.AccessRights, ", "))
	}
	send, err := t.Graph.RecipientPermissions(ctx, t.tid(), t.mailbox())
	if err != nil {
		return nil, err
	}
	for _, p := range send {
		l.add("%s: SendAs", jobs.Fence(shortened(p.Trustee)))
	}
	m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
	if err != nil {
		return nil, err
	}
	for _, d := range m.GrantSendOnBehalfTo {
		l.add("%s: SendOnBehalf", jobs.Fence(shortened(d)))
	}
	calendar, err := t.Graph.CalendarPermissions(ctx, t.tid(), t.mailbox())
	for _, p := range calendar {
		if !equalFold(p.User, "Default") && !equalFold(p.User, "Anonymous") {
			l.add("%s: calendar, %s", jobs.Fence(shortened(p.User)), strings.Join(p.AccessRights, ", "))
		}
	}
	return l, err
}

func reviewOwnAccess(ctx context.Context, t Target, run *jobs.Run) (*ReviewList, error) {
	found, err := jobs.Found(ctx, run, "access", func(ctx context.Context) ([]accessFound, error) {
		boxes, err := t.Graph.Mailboxes(ctx, t.tid())
		if err != nil {
			return nil, err
		}
		if len(boxes) > reviewMailboxes {
			return nil, fmt.Errorf("%d mailboxes are more than a review looks through; removeOwnAccess does", len(boxes))
		}
		return t.ownAccess(ctx)
	})
	l := &ReviewList{}
	for _, a := range found {
		l.add("%s: %s", jobs.Fence(shortened(a.Mailbox)), a.Right)
	}
	return l, err
}

func reviewMeetingsOf(ctx context.Context, t Target, _ *jobs.Run) (*ReviewList, error) {
	now := t.Clock.Now()
	found, err := t.Graph.MeetingsOrganised(ctx, t.tid(), t.User.ID, now, now.AddDate(0, 3, 0), reviewMeetings)
	l := &ReviewList{}
	for _, m := range found {
		at := m.Start.DateTime
		l.add("%s %s", at[:min(len(at), len("2006-01-02T15:04"))], jobs.Fence(shortened(m.Subject)))
	}
	return l, err
}

// reviewDevices are the devices Intune or Entra knows, each once: the company's are to be given back.
func reviewDevices(ctx context.Context, t Target, _ *jobs.Run) (*ReviewList, error) {
	managed, err := t.Graph.ManagedDevices(ctx, t.tid(), t.User.ID)
	if k := graphclient.KindOf(err); err != nil && k != graphclient.NotLicensed {
		return nil, err
	}
	owned, err := t.Graph.OwnedDevices(ctx, t.tid(), t.User.ID)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(managed, func(a, b graphclient.ManagedDevice) int { return ownerRank(a) - ownerRank(b) })
	l, known := &ReviewList{}, map[string]bool{}
	for _, d := range managed {
		known[strings.ToLower(d.AzureADDeviceID)] = true
		l.add("%s %s, %s, serial number %s", strings.ToUpper(firstOf(d.ManagedDeviceOwnerType, "unknown")), jobs.Fence(shortened(d.DeviceName)), jobs.Fence(shortened(d.OperatingSystem+" "+d.Model)), jobs.Fence(shortened(firstOf(d.SerialNumber, "unknown"))))
	}
	for _, d := range owned {
		if !known[strings.ToLower(d.DeviceID)] {
			l.add("UNMANAGED %s, %s", jobs.Fence(shortened(d.DisplayName)), jobs.Fence(shortened(d.OperatingSystem+" "+d.Model)))
		}
	}
	return l, nil
}

func ownerRank(d graphclient.ManagedDevice) int {
	return map[string]int{"company": 0, "unknown": 1, "": 1}[strings.ToLower(d.ManagedDeviceOwnerType)] + map[bool]int{true: 2}[equalFold(d.ManagedDeviceOwnerType, "personal")]
}

func reviewMailbox(ctx context.Context, t Target, run *jobs.Run) (*ReviewList, error) {
	m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
	if err != nil {
		return nil, err
	}
	l := &ReviewList{}
	size := "of unknown size"
	if stats, err := t.Graph.MailboxStatistics(ctx, t.tid(), t.mailbox()); err == nil && !sizeUnreadable(stats) {
		size = fmt.Sprintf("%.1f GB", float64(stats.TotalItemSize)/gib)
	}
	l.add("%s, %s", m.RecipientTypeDetails, size)
	if m.HasArchive() {
		l.add("has an online archive")
	}
	for _, h := range holdsOf(m) {
		l.add("held: %s", h)
	}
	for _, to := range []string{m.ForwardingAddress, m.ForwardingSMTPAddress} {
		if to != "" {
			l.add("forwards to %s", jobs.Fence(shortened(to)))
		}
	}
	rules, err := jobs.Found(ctx, run, "rules", func(ctx context.Context) ([]graphclient.InboxRule, error) {
		return t.Graph.InboxRules(ctx, t.tid(), t.mailbox())
	})
	for _, r := range rules {
		if to := forwardsTo(r); to != "" {
			l.add("rule %s%s%s", jobs.Fence(shortened(r.Name)), to, map[bool]string{true: " (hidden)"}[r.Hidden])
		}
	}
	return l, err
}

// holdsOf names what holds a mailbox's content.
func holdsOf(m graphclient.Mailbox) []string {
	var out []string
	if m.LitigationHoldEnabled {
		out = append(out, "litigation hold since "+stampDay(m.LitigationHoldDate))
	}
	if m.ComplianceTagHoldApplied {
		out = append(out, "a retention label")
	}
	if m.RetentionHoldEnabled {
		out = append(out, "retention hold")
	}
	for _, h := range m.InPlaceHolds {
		if h != "" && h[0] != '-' {
			out = append(out, "a policy ("+jobs.Fence(shortened(h))+")")
		}
	}
	return out
}

func stampDay(t *time.Time) string {
	if t == nil || t.IsZero() {
		return "an unknown day"
	}
	return t.UTC().Format(time.DateOnly)
}

// Lines are the review in short lines.
func (r *Review) Lines() []string {
	var out []string
	for _, p := range []struct {
		name string
		list *ReviewList
	}{
		{"only owner of", r.SoleOwnerOf}, {"manager of", r.DirectReports}, {"groups", r.Groups}, {"licences", r.Licenses}, {"devices to return", r.Devices},
		{"delegates", r.Delegates}, {"can open", r.CanOpen}, {"meetings called, next 3 months", r.Meetings}, {"mailbox", r.Mailbox},
	} {
		switch {
		case p.list == nil:
		case p.list.Count == 0:
			out = append(out, p.name+": none")
		default:
			line := fmt.Sprintf("%s (%d): %s", p.name, p.list.Count, strings.Join(p.list.First, "; "))
			if more := p.list.Count - len(p.list.First); more > 0 {
				line += fmt.Sprintf("; and %d more", more)
			}
			out = append(out, line)
		}
	}
	for _, u := range r.Unread {
		out = append(out, "not read: "+u)
	}
	return out
}
