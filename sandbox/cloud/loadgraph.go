package cloud

import (
	"fmt"
	"strconv"
	"strings"
)

// loadGraph takes over the graph section and builds the indexes.
func (t *Tenant) loadGraph(g Object, path string) error {
	if err := known(g, path, graphKeys...); err != nil {
		return err
	}
	for _, name := range graphKeys {
		if name == "organization" {
			if o := Child(g, name); o != nil {
				t.graph[name] = newCollection([]Object{o})
			}
			continue
		}
		list, ok := g[name].([]any)
		if g[name] != nil && !ok {
			return fmt.Errorf("%s.%s must be a list", path, name)
		}
		rows := make([]Object, 0, len(list))
		for i, v := range list {
			o, ok := v.(map[string]any)
			if !ok {
				return fmt.Errorf("%s.%s[%d] must be an object", path, name, i)
			}
			if err := checkNames(name, o, fmt.Sprintf("%s.%s[%d]", path, name, i)); err != nil {
				return err
			}
			if Str(o, "id") == "" {
				o["id"] = DerivedID(t.ID, name, strconv.Itoa(i), Str(o, "userPrincipalName"), Str(o, "appId"), Str(o, "displayName"))
			}
			rows = append(rows, o)
		}
		c := newCollection(rows)
		if len(c.byID) != len(rows) {
			return fmt.Errorf("%s.%s: two rows have the same id", path, name)
		}
		t.graph[name] = c
	}
	for i, u := range t.Users().All() {
		upn := strings.ToLower(Str(u, "userPrincipalName"))
		if upn == "" {
			return fmt.Errorf("%s.users[%d]: userPrincipalName is missing", path, i)
		}
		if t.byUPN[upn] != nil {
			return fmt.Errorf("%s.users[%d]: userPrincipalName %s is there twice", path, i, upn)
		}
		t.byUPN[upn] = u
	}
	for _, g := range t.Groups().All() {
		t.indexMembers(g)
	}
	t.loadServicePrincipals()
	t.loadRoles()
	for _, u := range t.Users().All() {
		t.loadLicenses(u)
	}
	return nil
}

// loadServicePrincipals gives every application that was consented to its service principal.
func (t *Tenant) loadServicePrincipals() {
	list := t.graph["servicePrincipals"]
	for i := range t.Consents {
		c := &t.Consents[i]
		found := false
		for _, sp := range list.All() {
			if strings.EqualFold(Str(sp, "appId"), c.AppID) {
				c.ObjectID, found = Str(sp, "id"), true
			}
		}
		if !found {
			list.Add(Object{"id": c.ObjectID, "appId": c.AppID, "accountEnabled": true, "servicePrincipalType": "Application"})
		}
	}
}

// loadRoles turns members that stand in directoryRoles into role assignments: assignments are what is
// stored, members of a role are derived.
func (t *Tenant) loadRoles() {
	assigned := t.graph["roleAssignments"]
	for _, a := range assigned.All() {
		if r, ok := RoleByName(Str(a, "roleDefinitionId")); ok {
			a["roleDefinitionId"] = r.TemplateID
		}
		if Str(a, "directoryScopeId") == "" {
			a["directoryScopeId"] = "/"
		}
	}
	for _, d := range t.graph["directoryRoles"].All() {
		r, ok := RoleByName(Str(d, "roleTemplateId"))
		if !ok {
			if r, ok = RoleByName(Str(d, "displayName")); !ok {
				continue
			}
		}
		d["roleTemplateId"], d["displayName"] = r.TemplateID, r.Name
		for _, m := range Strings(d, "members") {
			t.assignRole(r, m)
		}
		delete(d, "members")
	}
	for _, c := range t.Consents {
		for _, name := range c.DirectoryRoles {
			if r, ok := RoleByName(name); ok {
				t.assignRole(r, c.ObjectID)
			}
		}
	}
}

func (t *Tenant) assignRole(r Role, principal string) {
	assigned := t.graph["roleAssignments"]
	for _, a := range assigned.All() {
		if strings.EqualFold(Str(a, "principalId"), principal) && strings.EqualFold(Str(a, "roleDefinitionId"), r.TemplateID) {
			return
		}
	}
	assigned.Add(Object{"id": DerivedID(t.ID, "roleAssignment", r.TemplateID, strings.ToLower(principal)),
		"principalId": principal, "roleDefinitionId": r.TemplateID, "directoryScopeId": "/"})
}
