package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// UserProfile is one of the operator's profiles as far as a user has it.
type UserProfile struct {
	Profile    string   `json:"profile"`
	Has        string   `json:"has"` // all | part | unknown
	Missing    []string `json:"missing,omitempty"`
	NotChecked []string `json:"notChecked,omitempty"` // what was not looked at, and why
}

// userProfiles are the profiles of which a user has something, or of which nothing could be looked at.
func userProfiles(ctx context.Context, c *Call) ([]UserProfile, error) {
	out := []UserProfile{}
	profiles, names := map[string]policy.Profile{}, c.Policy.Profiles(c.Tenant)
	for _, name := range names {
		profiles[name], _ = c.Policy.Profile(c.Tenant, name)
	}
	if len(names) == 0 {
		return out, nil
	}
	held, err := heldAccess(ctx, c)
	if err != nil {
		return nil, err
	}
	places := placesOf(profiles)
	if err := places.read(ctx, c, held); err != nil {
		return nil, err
	}
	for _, name := range names {
		p := profiles[name]
		gives := map[string][]string{"group": p.Groups, "license": p.Licenses, "app": p.Apps, "role": p.DirectoryRoles}
		unread := places.of(p, gives)
		row, some, asked := held.of(gives)
		if !some && (asked || len(unread) == 0) {
			continue
		}
		if !asked {
			row.Has = "unknown"
		}
		row.Profile, row.NotChecked = name, unread
		if len(p.Attributes) > 0 {
			row.NotChecked = append(row.NotChecked, "attributes: they are what the person's record says, and no access")
		}
		out = append(out, row)
	}
	return out, nil
}

// holdings are the names of what a user has, in small letters, by kind.
type holdings map[string]map[string]bool

func (h holdings) add(kind string, names ...string) {
	if h[kind] == nil {
		h[kind] = map[string]bool{}
	}
	for _, n := range names {
		if n != "" {
			h[kind][strings.ToLower(n)] = true
		}
	}
}

// of holds what a profile gives, by kind, against what is there; some says whether the user has anything of it, asked
// whether it gives anything.
func (h holdings) of(gives map[string][]string) (row UserProfile, some, asked bool) {
	row.Has = "all"
	for _, kind := range sortedKeys(gives) {
		for _, n := range gives[kind] {
			asked = true
			if h[kind][strings.ToLower(n)] {
				some = true
				continue
			}
			row.Has = "part"
			row.Missing = append(row.Missing, kind+" "+Clean(n, 120))
		}
	}
	return row, some, asked
}

// heldAccess reads what a user has, by all names under which a profile may know it.
func heldAccess(ctx context.Context, c *Call) (holdings, error) {
	h, tid := holdings{}, c.Tenant.ID
	groups, err := c.Graph.GroupsOf(ctx, tid, c.User.ID)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		h.add("group", g.ID, g.DisplayName, g.Mail)
	}
	u, err := c.Graph.User(ctx, tid, c.User.ID, "id", "assignedLicenses")
	if err != nil {
		return nil, err
	}
	skus, err := c.Graph.SubscribedSkus(ctx, tid)
	if err != nil {
		return nil, err
	}
	for _, s := range skus {
		if slices.ContainsFunc(u.AssignedLicenses, func(l graphclient.AssignedLicense) bool { return l.SkuID == s.SkuID }) {
			h.add("license", s.SkuID, s.SkuPartNumber, productName(s.SkuPartNumber))
		}
	}
	roles, err := roleRows(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, r := range roles {
		h.add("role", r.Role)
	}
	return h, h.addApps(ctx, c)
}

// addApps adds the applications, each alone and with its role.
func (h holdings) addApps(ctx context.Context, c *Call) error {
	apps, err := c.Graph.AppRoleAssignmentsOf(ctx, c.Tenant.ID, c.User.ID)
	if err != nil || len(apps) == 0 {
		return err
	}
	ids := []string{}
	for _, a := range apps {
		ids = append(ids, a.ResourceID)
	}
	services, err := c.Graph.ServicePrincipals(ctx, c.Tenant.ID, ids)
	for _, a := range apps {
		for _, name := range []string{a.ResourceDisplayName, a.ResourceID} {
			h.add("app", name)
			for _, r := range services[a.ResourceID].AppRoles {
				if strings.EqualFold(r.ID, a.AppRoleID) {
					h.add("app", name+":"+r.DisplayName, name+":"+r.Value)
				}
			}
		}
	}
	return err
}

// mostPlaces bounds the sites, mailboxes and calendars that are looked at for one user, and placesAtOnce how many at once.
const (
	mostPlaces   = 40
	placesAtOnce = 6
)

// places are the sites, mailboxes and calendars that occur in profiles, with the rights that are asked about there. Each
// is looked at once, however many profiles name it; no user is looked for in them but the one.
type places struct {
	rights map[place][]string
	unread map[place]string // why
}

type place struct{ kind, address string }

func placesOf(profiles map[string]policy.Profile) places {
	p := places{rights: map[place][]string{}, unread: map[place]string{}}
	for _, profile := range profiles {
		eachPlace(profile, func(at place, right string) {
			if !slices.Contains(p.rights[at], right) {
				p.rights[at] = append(p.rights[at], right)
			}
		})
	}
	return p
}

// eachPlace gives take each right of a profile on a site, mailbox or calendar.
func eachPlace(p policy.Profile, take func(at place, right string)) {
	for site, right := range p.Sites {
		take(place{"site", strings.ToLower(strings.TrimSuffix(site, "/"))}, right)
	}
	for box, rights := range p.Mailboxes {
		for _, right := range rights {
			take(place{"mailbox", strings.ToLower(box)}, right)
		}
	}
	for box, right := range p.Calendars {
		take(place{"calendar", strings.ToLower(box)}, right)
	}
}

// read looks at each place. What cannot be read there is no failure of the whole.
func (p places) read(ctx context.Context, c *Call, held holdings) error {
	all := make([]place, 0, len(p.rights))
	for at := range p.rights {
		all = append(all, at)
	}
	slices.SortFunc(all, func(a, b place) int { return strings.Compare(a.kind+a.address, b.kind+b.address) })
	var mu sync.Mutex
	found := map[place][]string{}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(placesAtOnce)
	for i, at := range all {
		if i >= mostPlaces {
			mu.Lock()
			p.unread[at] = fmt.Sprintf("no more than %d sites, mailboxes and calendars are looked at", mostPlaces)
			mu.Unlock()
			continue
		}
		g.Go(func() error {
			has, err := c.hasAt(gctx, at, p.rights[at], held)
			mu.Lock()
			defer mu.Unlock()
			switch problem, ok := ProblemOf(err); {
			case err == nil:
				found[at] = has
			case gctx.Err() != nil || !ok:
				return err
			default:
				p.unread[at] = strings.TrimSuffix(strings.TrimSuffix(problem.Message, " Nothing was changed."), ".")
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for at, rights := range found {
		for _, right := range rights {
			held.add(at.kind, right+":"+at.address)
		}
	}
	return nil
}

// of adds what a profile gives on the places that were looked at, and says what was not.
func (p places) of(profile policy.Profile, gives map[string][]string) (unread []string) {
	reasons := map[string][]string{}
	eachPlace(profile, func(at place, right string) {
		if why := p.unread[at]; why != "" {
			key := at.kind + "\x00" + why
			if !slices.Contains(reasons[key], at.address) {
				reasons[key] = append(reasons[key], at.address)
			}
			return
		}
		gives[at.kind] = append(gives[at.kind], right+":"+at.address)
	})
	for kind := range gives {
		if kind == "site" || kind == "mailbox" || kind == "calendar" {
			slices.Sort(gives[kind])
		}
	}
	for _, key := range sortedKeys(reasons) {
		kind, why, _ := strings.Cut(key, "\x00")
		slices.Sort(reasons[key])
		unread = append(unread, kind+" "+Clean(strings.Join(reasons[key], ", "), 300)+": "+why)
	}
	return unread
}

// hasAt are those of the rights that the user has on a site, mailbox or calendar.
func (c *Call) hasAt(ctx context.Context, at place, rights []string, held holdings) (has []string, err error) {
	if at.kind == "site" {
		return c.hasAtSite(ctx, at.address, rights, held)
	}
	box := workflows.Target{Graph: c.Graph, Clock: c.Clock, Tenant: c.Tenant, User: graphclient.User{UserPrincipalName: at.address}}
	for _, right := range rights {
		var ok bool
		if at.kind == "calendar" {
			to, _, known := workflows.CalendarRightNamed(right)
			if !known {
				return nil, invalid("%q is no right on a calendar", Clean(right, 40))
			}
			ok, err = workflows.HasCalendarRight(ctx, box, *c.User, to)
		} else {
			g, _ := mailboxRight(right)
			ok, err = workflows.HasAccess(ctx, box, g, *c.User)
		}
		if err != nil {
			return nil, err
		}
		if ok {
			has = append(has, right)
		}
	}
	return has, nil
}

func (c *Call) hasAtSite(ctx context.Context, address string, rights []string, held holdings) (has []string, err error) {
	site, err := c.target().SiteOfAddress(ctx, address)
	if err != nil {
		return nil, siteProblem("the profile", address, c, err)
	}
	for _, right := range rights {
		var ok bool
		if site.Group != nil && siteRoles[right] == graphclient.SiteMember {
			ok = held["group"][strings.ToLower(site.Group.ID)]
		} else if ok, err = workflows.HasSite(ctx, c.target(), site, siteRoles[right]); err != nil {
			return nil, err
		}
		if ok {
			has = append(has, right)
		}
	}
	return has, nil
}
