package cloud

import (
	"slices"
	"strings"
	"time"
)

// RelationshipActive says whether the partner's delegated admin relationship with this tenant gives
// access now: its status is active or expiring, and its end has not passed.
func (t *Tenant) RelationshipActive() bool {
	switch strings.ToLower(Str(t.GDAP, "status")) {
	case "active", "expiring":
	default:
		return false
	}
	if s := Str(t.GDAP, "endDateTime"); s != "" {
		if end, err := time.Parse(time.RFC3339, s); err == nil && !t.Now().Before(end) {
			return false
		}
	}
	return true
}

// RelationshipRoles is the roles that the relationship gives to a partner user who is in these security
// groups; nil means that the state says nothing of groups and the user is in all of them. Where the state
// names no access assignments, membership of any group gives every role.
func (t *Tenant) RelationshipRoles(groups []string) []Role {
	if !t.RelationshipActive() || groups != nil && len(groups) == 0 {
		return nil
	}
	names := Strings(t.GDAP, "roles")
	if list := Objects(t.GDAP, "accessAssignments"); len(list) > 0 {
		names = nil
		for _, a := range list {
			if groups == nil || slices.ContainsFunc(groups, func(g string) bool { return strings.EqualFold(g, Str(a, "group")) }) {
				names = append(names, Strings(a, "roles")...)
			}
		}
	}
	var out []Role
	for _, n := range names {
		if r, ok := RoleByName(n); ok && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}
