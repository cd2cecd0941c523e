package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// change is one difference between two states of the simulated cloud.
type change struct{ path, before, after string }

// logs are lists that only grow; the demo counts their new rows.
var logs = map[string]bool{"directoryAudits": true, "unifiedAuditLog": true, "signIns": true, "messageTrace": true}

// difference compares two state files, objects of a list by their own key.
func difference(before, after []byte) (changes []change, logRows int, err error) {
	var b, a any
	if err := json.Unmarshal(before, &b); err != nil {
		return nil, 0, fmt.Errorf("read the state before: %w", err)
	}
	if err := json.Unmarshal(after, &a); err != nil {
		return nil, 0, fmt.Errorf("read the state after: %w", err)
	}
	walk("", b, a, &changes, &logRows)
	return changes, logRows, nil
}

func walk(path string, b, a any, out *[]change, rows *int) {
	last := path[strings.LastIndexByte(path, '/')+1:]
	bl, aIsList := asList(b), false
	al := asList(a)
	aIsList = al != nil
	if logs[last] && aIsList {
		*rows += len(al) - len(bl)
		return
	}
	bm, bok := b.(map[string]any)
	am, aok := a.(map[string]any)
	switch {
	case bok && aok:
		for _, k := range unionKeys(bm, am) {
			if k == "clock" && path == "" {
				continue
			}
			walk(path+"/"+k, bm[k], am[k], out, rows)
		}
	case (bl != nil || b == nil) && aIsList && keyed(bl, al), bl != nil && a == nil && keyed(bl, nil):
		bi, ai := byKey(bl), byKey(al)
		for _, k := range unionKeys(bi, ai) {
			walk(path+"/"+k, bi[k], ai[k], out, rows)
		}
	case bl != nil && aIsList:
		if gone, come := without(bl, al), without(al, bl); len(gone)+len(come) > 0 {
			*out = append(*out, change{path, "without " + compact(gone), "with " + compact(come)})
		}
	default:
		if x, y := compact(b), compact(a); x != y {
			*out = append(*out, change{path, x, y})
		}
	}
}

// without are the values of a that b does not hold.
func without(a, b []any) []any {
	held := map[string]bool{}
	for _, v := range b {
		held[compact(v)] = true
	}
	out := []any{}
	for _, v := range a {
		if !held[compact(v)] {
			out = append(out, v)
		}
	}
	return out
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}

// keyNames are properties that name an object of a list, the telling ones first.
var keyNames = []string{"userPrincipalName", "UserPrincipalName", "defaultDomain", "id", "Identity", "User", "Trustee", "skuId", "Name"}

// key names an object of a list; an id gets the display name in front, so that a person can read it.
func key(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return ""
	}
	if who, ok := m["principalId"].(string); ok && who != "" { // an assignment is known by who holds what, not by its own id
		for _, what := range []string{"clientId", "resourceId", "roleDefinitionId", "appRoleId", "directoryScopeId"} {
			if s, ok := m[what].(string); ok {
				who += " " + s
			}
		}
		return strings.ReplaceAll(who, "/", "∕")
	}
	for _, k := range keyNames {
		s, ok := m[k].(string)
		if !ok || s == "" {
			continue
		}
		if name, ok := m["displayName"].(string); ok && k == "id" {
			s = "«" + name + "» " + s
		}
		return strings.ReplaceAll(s, "/", "∕")
	}
	return ""
}

func keyed(lists ...[]any) bool {
	n := 0
	for _, l := range lists {
		for _, v := range l {
			if key(v) == "" {
				return false
			}
			n++
		}
	}
	return n > 0
}

func byKey(l []any) map[string]any {
	out := map[string]any{}
	for _, v := range l {
		out[key(v)] = v
	}
	return out
}

func unionKeys(a, b map[string]any) []string {
	seen := map[string]bool{}
	for k := range a {
		seen[k] = true
	}
	for k := range b {
		seen[k] = true
	}
	return sortedKeys(seen)
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func compact(v any) string {
	if v == nil {
		return "(none)"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// prove prints the differences, grouped, and fails when anything outside the two people changed.
func (d *demo) prove(before, after []byte) error {
	changes, rows, err := difference(before, after)
	if err != nil {
		return err
	}
	var stray []string
	for _, c := range changes {
		c.path = strings.TrimPrefix(c.path, "/tenants/")
		if !spelledOut(c) {
			d.say("  %s\n      %s → %s", c.path, shorten(c.before, 90), shorten(c.after, 90))
		}
		if !strings.Contains(c.path, demoVictim) && !strings.Contains(c.path, demoLeaver) && !expected(c.path) {
			stray = append(stray, c.path)
		}
	}
	d.say("  and %d new rows in the cloud's own audit logs", rows)
	if len(changes) == 0 {
		return fmt.Errorf("demo: nothing changed in the cloud")
	}
	if len(stray) > 0 {
		return fmt.Errorf("demo: something else changed: %s", strings.Join(stray, ", "))
	}
	return nil
}

// expected are the places besides the two people where offboarding shows: groups that lose a member
// and licences that become free.
func expected(path string) bool {
	for _, p := range []string{"/graph/groups/", "/exchange/distributionGroups/", "/graph/subscribedSkus/", "/graph/oauth2PermissionGrants/", "/graph/appRoleAssignments/"} {
		if strings.Contains(path, p) {
			return true
		}
	}
	return false
}

// spelledOut are defaults that the cloud writes down once a setting is touched; they change nothing.
func spelledOut(c change) bool {
	return c.before == "(none)" && (c.after == "false" || c.after == `""` || c.after == "null")
}
