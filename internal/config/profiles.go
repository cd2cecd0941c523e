package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Profile is a bundle of access that a job in a company needs, and a template for those who begin in it. Only the
// operator writes one; a model can apply it and no more.
type Profile struct {
	Description string `yaml:"description"`
	// Tenants are where it may be used, by domain or id; empty is everywhere.
	Tenants []string `yaml:"tenants"`
	// UsableBy are the people of the machine, by login, whose server may use it; empty is everybody.
	UsableBy []string `yaml:"usableBy"`
	// Groups, Licenses, Apps (app or app:role) and DirectoryRoles are named as in the tools.
	Groups         []string `yaml:"groups"`
	Licenses       []string `yaml:"licenses"`
	Apps           []string `yaml:"apps"`
	DirectoryRoles []string `yaml:"directoryRoles"`
	// Sites are visitor, member or owner by the site's address.
	Sites map[string]string `yaml:"sites"`
	// Mailboxes are rights (fullAccess, sendAs, sendOnBehalf) by the mailbox's address.
	Mailboxes map[string][]string `yaml:"mailboxes"`
	// Calendars are rights (freeBusy, titles, details, edit …) by the mailbox's address.
	Calendars map[string]string `yaml:"calendars"`
	// Attributes are arguments of cipp_edit_user, such as department.
	Attributes map[string]string `yaml:"attributes"`
}

// Holds are the kinds of access in it, counted.
func (p Profile) Holds() []string {
	var out []string
	for _, k := range []struct {
		n    int
		what string
	}{
		{len(p.Groups), "groups"}, {len(p.Licenses), "licenses"}, {len(p.Apps), "apps"}, {len(p.DirectoryRoles), "directoryRoles"},
		{len(p.Sites), "sites"}, {len(p.Mailboxes), "mailboxes"}, {len(p.Calendars), "calendars"}, {len(p.Attributes), "attributes"},
	} {
		if k.n > 0 {
			out = append(out, fmt.Sprintf("%s: %d", k.what, k.n))
		}
	}
	return out
}

// By says whether somebody's server may use the profile.
func (p Profile) By(login string) bool {
	return len(p.UsableBy) == 0 || slices.ContainsFunc(p.UsableBy, func(u string) bool { return strings.EqualFold(u, login) })
}

// In says whether the profile may be used in a tenant, by its id or one of its domains.
func (p Profile) In(names ...string) bool {
	return len(p.Tenants) == 0 || slices.ContainsFunc(p.Tenants, func(t string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, t) })
	})
}

// checkProfiles finds what no tool would understand.
func checkProfiles(profiles map[string]Profile) error {
	for _, name := range slices.Sorted(maps.Keys(profiles)) {
		p := profiles[name]
		if len(p.Holds()) == 0 {
			return fmt.Errorf("profiles.%s holds nothing", name)
		}
		for site, right := range p.Sites {
			if !slices.Contains([]string{"visitor", "member", "owner"}, right) {
				return fmt.Errorf("profiles.%s.sites: %s is %q; it must be visitor, member or owner", name, site, right)
			}
		}
		for box, rights := range p.Mailboxes {
			for _, r := range rights {
				if !slices.Contains([]string{"fullAccess", "sendAs", "sendOnBehalf"}, r) {
					return fmt.Errorf("profiles.%s.mailboxes: %s has %q; rights are fullAccess, sendAs and sendOnBehalf", name, box, r)
				}
			}
		}
	}
	return nil
}
