package cloud

import (
	"sort"
	"strings"
)

// Group is the group with that object id, or nil.
func (t *Tenant) Group(id string) Object { return t.Groups().Get(id) }

// AddGroup puts a group into the directory and indexes its members.
func (t *Tenant) AddGroup(g Object) {
	t.Groups().Add(g)
	t.indexMembers(g)
}

func (t *Tenant) indexMembers(g Object) {
	for _, m := range Strings(g, "members") {
		t.link(m, Str(g, "id"))
	}
}

func (t *Tenant) link(member, group string) {
	member = strings.ToLower(member)
	if t.memberOf[member] == nil {
		t.memberOf[member] = map[string]bool{}
	}
	t.memberOf[member][strings.ToLower(group)] = true
}

// IsMember says whether id is a direct member of the group.
func (t *Tenant) IsMember(groupID, id string) bool {
	return t.memberOf[strings.ToLower(id)][strings.ToLower(groupID)]
}

// AddMember makes id a direct member; false where it already was or there is no such group.
func (t *Tenant) AddMember(groupID, id string) bool {
	g := t.Group(groupID)
	if g == nil || t.IsMember(groupID, id) {
		return false
	}
	g["members"] = append(append([]any(nil), List(g, "members")...), id)
	t.link(id, groupID)
	return true
}

// RemoveMember ends a direct membership; false where there was none.
func (t *Tenant) RemoveMember(groupID, id string) bool {
	g := t.Group(groupID)
	if g == nil || !t.IsMember(groupID, id) {
		return false
	}
	g["members"] = without(List(g, "members"), id)
	delete(t.memberOf[strings.ToLower(id)], strings.ToLower(groupID))
	return true
}

// AddOwner makes id an owner; false where it already was or there is no such group.
func (t *Tenant) AddOwner(groupID, id string) bool {
	g := t.Group(groupID)
	if g == nil || has(List(g, "owners"), id) {
		return false
	}
	g["owners"] = append(append([]any(nil), List(g, "owners")...), id)
	return true
}

// RemoveOwner ends an ownership; false where there was none.
func (t *Tenant) RemoveOwner(groupID, id string) bool {
	g := t.Group(groupID)
	if g == nil || !has(List(g, "owners"), id) {
		return false
	}
	g["owners"] = without(List(g, "owners"), id)
	return true
}

// Owns says whether id is an owner of the group.
func Owns(g Object, id string) bool { return has(List(g, "owners"), id) }

// GroupsOf is every group id is a direct member of, ordered by group id.
func (t *Tenant) GroupsOf(id string) []Object {
	in := t.memberOf[strings.ToLower(id)]
	if len(in) == 0 {
		return nil
	}
	out := make([]Object, 0, len(in))
	for gid := range in {
		if g := t.Group(gid); g != nil {
			out = append(out, g)
		}
	}
	sort.Slice(out, func(i, j int) bool { return Str(out[i], "id") < Str(out[j], "id") })
	return out
}

// TransitiveGroupsOf is every group id is a member of, nested ones included, each once.
func (t *Tenant) TransitiveGroupsOf(id string) []Object {
	seen := map[string]bool{}
	var out []Object
	queue := []string{id}
	for len(queue) > 0 {
		for _, g := range t.GroupsOf(queue[0]) {
			if gid := strings.ToLower(Str(g, "id")); !seen[gid] {
				seen[gid] = true
				out = append(out, g)
				queue = append(queue, gid)
			}
		}
		queue = queue[1:]
	}
	return out
}

// DeleteGroup takes a group out of the directory. A Microsoft 365 group can be restored for 30 days,
// any other is gone.
func (t *Tenant) DeleteGroup(id string) Object {
	g := t.Groups().Remove(id)
	if g == nil {
		return nil
	}
	id = strings.ToLower(Str(g, "id"))
	for _, in := range t.memberOf {
		delete(in, id)
	}
	delete(t.memberOf, id)
	for _, typ := range Strings(g, "groupTypes") {
		if typ == "Unified" {
			g["@odata.type"] = "#microsoft.graph.group"
			g["deletedDateTime"] = Stamp(t.Now())
			t.Collection("deletedItems").Add(g)
		}
	}
	return g
}

// RestoreGroup brings a group back from deletedItems; nil where it is not there.
func (t *Tenant) RestoreGroup(id string) Object {
	g := t.Collection("deletedItems").Remove(id)
	if g == nil {
		return nil
	}
	delete(g, "@odata.type")
	delete(g, "deletedDateTime")
	t.AddGroup(g)
	return g
}
