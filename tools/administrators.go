package tools

import (
	"context"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// How somebody is an administrator, the plainest way first.
const (
	activeRole    = "active role"
	groupRole     = "active role through a group"
	eligibleRole  = "role to be activated"
	eligibleGroup = "role to be activated, through a group"
)

// tenantAdmins are the ids, in small letters, of all who hold an active directory role, or an eligible one where the tenant has Privileged Identity
// Management, of whatever scope, with how: by the directory's own lists and by the members of those groups alone that hold
// a role. No user is asked for singly. licensed says whether eligible roles could be seen.
func tenantAdmins(ctx context.Context, g *graphclient.Client, tid string) (admins map[string]string, licensed bool, err error) {
	var active, eligible []graphclient.RoleAssignment
	var groups []graphclient.Group
	side, sctx := errgroup.WithContext(ctx)
	for _, read := range []func() error{
		func() (err error) { active, err = activeRoles(sctx, g, tid); return err },
		func() (err error) { eligible, licensed, err = g.EligibleRoles(sctx, tid); return err },
		func() (err error) {
			groups, err = g.Groups(sctx, tid, graphclient.GroupQuery{Filter: "isAssignableToRole eq true"})
			return err
		},
	} {
		side.Go(func() error { return jobs.Caught(read) })
	}
	if err := side.Wait(); err != nil {
		return nil, false, err
	}
	group := map[string]bool{}
	for _, x := range groups {
		group[strings.ToLower(x.ID)] = true
	}
	admins = map[string]string{}
	through := map[string]string{}
	for _, l := range []struct {
		rows            []graphclient.RoleAssignment
		direct, members string
	}{{active, activeRole, groupRole}, {eligible, eligibleRole, eligibleGroup}} {
		for _, a := range l.rows {
			id := strings.ToLower(a.PrincipalID)
			if !group[id] {
				plainest(admins, id, l.direct)
			} else if through[id] == "" {
				through[id] = l.members
			}
		}
	}
	for _, id := range sortedKeys(through) { // few: a tenant may have 500 of them, and most have none
		members, err := g.GroupMembers(ctx, tid, id)
		if err != nil {
			return nil, false, err
		}
		for _, m := range members { // a role-assignable group has no groups within it
			plainest(admins, strings.ToLower(m.ID), through[id])
		}
	}
	return admins, licensed, nil
}

// plainest keeps the plainest of the ways in which somebody is an administrator.
func plainest(admins map[string]string, id, how string) {
	order := []string{activeRole, groupRole, eligibleRole, eligibleGroup}
	if was, ok := admins[id]; !ok || slices.Index(order, how) < slices.Index(order, was) {
		admins[id] = how
	}
}

// activeRoles are a tenant's active assignments, role by role where Microsoft does not list them all at once.
func activeRoles(ctx context.Context, g *graphclient.Client, tid string) ([]graphclient.RoleAssignment, error) {
	found, err := g.RoleAssignments(ctx, tid)
	if graphclient.KindOf(err) != graphclient.Invalid {
		return found, err
	}
	roles, err := g.RoleDefinitions(ctx, tid)
	if err != nil {
		return nil, err
	}
	for _, r := range roles {
		of, err := g.RoleHolders(ctx, tid, r.ID)
		if err != nil {
			return nil, err
		}
		found = append(found, of...)
	}
	return found, nil
}

const onlyActive = "roles to be activated (PIM) are not seen without Entra ID P2 in the tenant: administrators here are those with an active role"

// administrators are the tenant's, read once for a list.
func (q *userLook) administrators(ctx context.Context, c *Call) (map[string]string, error) {
	if q.admins != nil {
		return q.admins, nil
	}
	admins, licensed, err := tenantAdmins(ctx, c.Graph, c.Tenant.ID)
	if err != nil {
		return nil, err
	}
	if !licensed {
		c.remark(onlyActive)
	}
	q.admins = admins
	return admins, nil
}

// anAdministrator keeps who holds a role or may activate one, and tells how.
func (q *userLook) anAdministrator(ctx context.Context, c *Call) (func(user) bool, error) {
	admins, err := q.administrators(ctx, c)
	if err != nil {
		return nil, err
	}
	q.ids = sortedKeys(admins)
	q.also(func(u user) map[string]any { return map[string]any{"adminBy": admins[strings.ToLower(u.ID)]} })
	return func(u user) bool { return admins[strings.ToLower(u.ID)] != "" }, nil
}

// adminsWithoutMFA keeps the administrators who are not known to have registered MFA. Of whom nobody can tell the row
// says so and why; he is not left out.
func (q *userLook) adminsWithoutMFA(ctx context.Context, c *Call) (func(user) bool, error) {
	isAdmin, err := q.anAdministrator(ctx, c)
	if err != nil {
		return nil, err
	}
	rows, err := q.reg.rows(ctx)
	none := ""
	switch kind := graphclient.KindOf(err); {
	case err == nil:
	case kind == graphclient.NotPremium:
		none = noReport
	case kind == graphclient.Denied || kind == graphclient.RoleMissing:
		none = "the registration report cannot be read: " + Explain(err)
	default:
		return nil, err
	}
	mfa := func(u user) (*bool, string) {
		d, ok := rows[u.ID]
		switch {
		case none != "":
			return nil, none
		case !ok && u.AccountEnabled != nil && !*u.AccountEnabled:
			return nil, "the registration report leaves blocked accounts out"
		case !ok:
			return nil, "the registration report, which is hours behind, has no row of this account"
		}
		return is(d.IsMfaRegistered), ""
	}
	q.also(func(u user) map[string]any {
		registered, why := mfa(u)
		out := map[string]any{"mfaRegistered": nil}
		if registered != nil {
			out["mfaRegistered"] = *registered
		} else {
			out["mfaUnknownReason"] = why
		}
		return out
	})
	return func(u user) bool {
		registered, _ := mfa(u)
		return isAdmin(u) && (registered == nil || !*registered)
	}, nil
}

// also has the rows tell more.
func (q *userLook) also(tell func(user) map[string]any) {
	before := q.tell
	q.tell = func(u user) map[string]any {
		out := tell(u)
		if before != nil {
			maps.Copy(out, before(u))
		}
		return out
	}
}

// toldBy are the names of what the rows of a list tell besides, for the columns of an export.
func toldBy(in ListUsersIn) []string {
	switch {
	case in.Report == "adminNoMfa":
		return []string{"adminBy", "mfaRegistered", "mfaUnknownReason"}
	case in.Kind == "admin":
		return []string{"adminBy"}
	}
	return nil
}

// mostIDs is how many ids Microsoft takes in one filter.
//
// Reference: https://learn.microsoft.com/graph/filter-query-parameter
const mostIDs = 15

// only lets Microsoft filter by id where few can be on the list.
func (q *userLook) only(in ListUsersIn) {
	if q.ids == nil || len(q.ids) > mostIDs || q.Deleted || in.Search != "" {
		return
	}
	ids := q.ids
	if len(ids) == 0 {
		ids = []string{"00000000-0000-0000-0000-000000000000"} // nobody
	}
	var quoted []string
	for _, id := range ids {
		quoted = append(quoted, graphclient.ODataString(id))
	}
	filter := "id in (" + strings.Join(quoted, ",") + ")"
	if q.Filter != "" {
		filter = q.Filter + " and " + filter
	}
	q.Filter = filter
}
