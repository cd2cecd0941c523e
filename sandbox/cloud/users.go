package cloud

import "strings"

// User is the user with that object id or user principal name, or nil. Case does not matter.
func (t *Tenant) User(idOrUPN string) Object {
	if o := t.Users().Get(idOrUPN); o != nil {
		return o
	}
	return t.byUPN[strings.ToLower(idOrUPN)]
}

// AddUser puts a user into the directory; its id and userPrincipalName must be free.
func (t *Tenant) AddUser(o Object) {
	t.Users().Add(o)
	t.byUPN[strings.ToLower(Str(o, "userPrincipalName"))] = o
}

// RenameUser gives a user another user principal name.
func (t *Tenant) RenameUser(o Object, upn string) {
	delete(t.byUPN, strings.ToLower(Str(o, "userPrincipalName")))
	o["userPrincipalName"] = upn
	t.byUPN[strings.ToLower(upn)] = o
}

// DeleteUser moves a user to deletedItems as Microsoft does: the user principal name gets the id
// without dashes in front, memberships and ownerships are remembered for a restore, the mailbox is
// soft-deleted.
func (t *Tenant) DeleteUser(id string) Object {
	o := t.Users().Remove(id)
	if o == nil {
		return nil
	}
	id = Str(o, "id")
	upn := Str(o, "userPrincipalName")
	delete(t.byUPN, strings.ToLower(upn))
	if o["licenseAssignmentStates"] != nil {
		t.DeriveLicenses(o)
	}
	var member, owner []any
	for _, g := range t.Groups().All() {
		if has(List(g, "members"), id) {
			member = append(member, Str(g, "id"))
		}
		if has(List(g, "owners"), id) {
			owner = append(owner, Str(g, "id"))
		}
	}
	for _, g := range member {
		t.RemoveMember(g.(string), id)
	}
	for _, g := range owner {
		t.RemoveOwner(g.(string), id)
	}
	o["@odata.type"] = "#microsoft.graph.user"
	o["deletedDateTime"] = Stamp(t.Now())
	o["userPrincipalName"] = strings.ReplaceAll(id, "-", "") + upn
	if len(member) > 0 {
		o["memberOf"] = member
	}
	if len(owner) > 0 {
		o["ownerOf"] = owner
	}
	t.Collection("deletedItems").Add(o)
	t.CountSeats(Objects(o, "assignedLicenses"), nil)
	t.disconnectMailbox(o)
	t.note(id, "deleted")
	return o
}

// RestoreUser brings a user back from deletedItems with its memberships; nil where it is not there.
func (t *Tenant) RestoreUser(id string) Object {
	o := t.Collection("deletedItems").Get(id)
	if o == nil {
		return nil
	}
	t.Collection("deletedItems").Remove(id)
	id = Str(o, "id")
	o["userPrincipalName"] = strings.TrimPrefix(Str(o, "userPrincipalName"), strings.ReplaceAll(id, "-", ""))
	member, owner := Strings(o, "memberOf"), Strings(o, "ownerOf")
	for _, k := range []string{"@odata.type", "deletedDateTime", "memberOf", "ownerOf"} {
		delete(o, k)
	}
	t.AddUser(o)
	for _, g := range member {
		t.AddMember(g, id)
	}
	for _, g := range owner {
		t.AddOwner(g, id)
	}
	t.DeriveLicenses(o)
	t.CountSeats(nil, Objects(o, "assignedLicenses"))
	t.reconnectMailbox(o)
	t.note(id, "changed")
	return o
}

// DeletedUPN is the user principal name a soft-deleted user had while it lived.
func DeletedUPN(o Object) string {
	return strings.TrimPrefix(Str(o, "userPrincipalName"), strings.ReplaceAll(Str(o, "id"), "-", ""))
}

// HoldersOf is every living or deleted user that holds the address as user principal name, mail or
// proxy address.
func (t *Tenant) HoldersOf(address string) []Object {
	var out []Object
	for _, o := range t.Users().All() {
		if holds(o, Str(o, "userPrincipalName"), address) {
			out = append(out, o)
		}
	}
	for _, o := range t.Collection("deletedItems").All() {
		if holds(o, DeletedUPN(o), address) {
			out = append(out, o)
		}
	}
	return out
}

func holds(o Object, upn, address string) bool {
	if strings.EqualFold(upn, address) || strings.EqualFold(Str(o, "mail"), address) {
		return true
	}
	for _, p := range List(o, "proxyAddresses") {
		if s, ok := p.(string); ok && len(s) > 5 && strings.EqualFold(s[:5], "smtp:") && strings.EqualFold(s[5:], address) {
			return true
		}
	}
	return false
}
