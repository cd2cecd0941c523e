package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// privileges are the words for everything that makes a user an administrator: roles held directly, through
// groups or for an administrative unit, roles that can be activated, and groups that roles are given to,
// whether as member or as owner. global says that Global Administrator is among them. What this sign-in may not read is said in the plan.
func (e *Engine) privileges(ctx context.Context, req Request, p *Plan) (held []string, global bool, err error) {
	tid, id := req.Tenant.ID, req.User.ID
	if e.plainUser(ctx, tid, id) {
		return nil, false, nil
	}
	var through graphclient.Privileges
	var active, eligible []graphclient.RoleAssignment
	var owned []graphclient.Group
	var unread [3]string
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return jobs.Caught(func() (err error) { through, err = e.Graph.PrivilegesOf(ctx, tid, id); return err })
	})
	for i, look := range []struct {
		what string
		read func() error
	}{
		{"roles limited to an administrative unit", func() (err error) { active, err = e.Graph.RoleAssignmentsOf(ctx, tid, id); return err }},
		{"roles that can be activated (PIM)", func() (err error) { eligible, err = e.Graph.RoleEligibilitiesOf(ctx, tid, id); return err }},
		{"the groups it owns", func() (err error) { owned, err = e.Graph.GroupsOwnedBy(ctx, tid, id); return err }},
	} {
		g.Go(func() error {
			err := jobs.Caught(look.read)
			if k := graphclient.KindOf(err); k == graphclient.Denied || k == graphclient.RoleMissing {
				unread[i] = look.what
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, false, err
	}
	for _, u := range unread {
		if u != "" {
			p.Warnings = append(p.Warnings, fmt.Sprintf("whether %s is an administrator by %s could not be read: the permission is missing", req.User.UserPrincipalName, u))
		}
	}
	add := func(s string) { held = appendNew(held, s) }
	for _, r := range through.Roles {
		global = global || strings.EqualFold(r.RoleTemplateID, graphclient.GlobalAdministrator)
		add(jobs.Fence(r.DisplayName))
	}
	for _, r := range active {
		if name := jobs.Fence(roleName(r)); r.DirectoryScopeID == "/" || r.DirectoryScopeID == "" {
			add(name)
		} else {
			add(name + " for a part of the directory")
		}
	}
	for _, r := range eligible {
		add(jobs.Fence(roleName(r)) + ", to be activated")
	}
	for _, g := range through.RoleGroups {
		add("the role-assignable group " + jobs.Fence(g.DisplayName))
	}
	for _, g := range owned {
		if g.RoleAssignable() {
			add("owner of the role-assignable group " + jobs.Fence(g.DisplayName))
		}
	}
	return held, global, nil
}

// plainUser says of one of many users whether the tenant's own lists show for certain that nothing makes it an
// administrator. Of anybody whom a list names, and wherever one cannot be read, it says no, and the user is looked at
// by itself.
func (e *Engine) plainUser(ctx context.Context, tid, id string) bool {
	if !many(ctx, tid) {
		return false
	}
	named, err := shared(ctx, "privileged "+tid, func() (map[string]bool, error) { return e.privileged(ctx, tid) })
	return err == nil && !named[strings.ToLower(id)]
}

// privileged are the ids of all that hold or may activate a role in a tenant, or are in a role-assignable group or own
// one, in lower case.
func (e *Engine) privileged(ctx context.Context, tid string) (map[string]bool, error) {
	var lists [3][]string
	g, ctx := errgroup.WithContext(ctx)
	for i, read := range []func() ([]string, error){
		func() ([]string, error) { return principals(e.Graph.RoleAssignments(ctx, tid)) },
		func() ([]string, error) { return principals(e.Graph.RoleEligibilities(ctx, tid)) },
		func() ([]string, error) { return e.inRoleGroups(ctx, tid) },
	} {
		g.Go(func() error { return jobs.Caught(func() (err error) { lists[i], err = read(); return err }) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	named := map[string]bool{}
	for _, ids := range lists {
		for _, id := range ids {
			named[strings.ToLower(id)] = true
		}
	}
	return named, nil
}

func principals(rows []graphclient.RoleAssignment, err error) (ids []string, _ error) {
	for _, r := range rows {
		ids = append(ids, r.PrincipalID)
	}
	return ids, err
}

// inRoleGroups are the members and owners of a tenant's role-assignable groups, those of groups within them included.
func (e *Engine) inRoleGroups(ctx context.Context, tid string) (ids []string, err error) {
	groups, err := e.Graph.Groups(ctx, tid, graphclient.GroupQuery{Filter: "isAssignableToRole eq true"})
	if err != nil {
		return nil, err
	}
	var todo []string
	for _, g := range groups {
		todo = append(todo, g.ID)
	}
	for seen := map[string]bool{}; len(todo) > 0; todo = todo[1:] {
		if seen[todo[0]] {
			continue
		}
		seen[todo[0]] = true
		members, err := e.Graph.GroupMembers(ctx, tid, todo[0])
		if err != nil {
			return nil, err
		}
		owners, err := e.Graph.GroupOwners(ctx, tid, todo[0])
		if err != nil {
			return nil, err
		}
		for _, o := range append(members, owners...) {
			switch ids = append(ids, o.ID); o.Type() {
			case "user", "servicePrincipal", "device", "orgContact":
			default:
				todo = append(todo, o.ID)
			}
		}
	}
	return ids, nil
}

func roleName(r graphclient.RoleAssignment) string {
	if r.RoleDefinition == nil || r.RoleDefinition.DisplayName == "" {
		return r.RoleDefinitionID
	}
	return r.RoleDefinition.DisplayName
}

// guardLastAdministrator refuses what would leave a tenant without anybody who can sign in as Global
// Administrator. Only users count who hold the role themselves, now: a group's members, a role still to be
// activated or a service principal are no certain way back in.
func (e *Engine) guardLastAdministrator(ctx context.Context, req Request, p *Plan) error {
	if req.Risk < Destructive {
		return nil
	}
	ids, err := e.Graph.GlobalAdministrators(ctx, req.Tenant.ID)
	if err != nil {
		return fmt.Errorf("find out who else is Global Administrator: %w", err)
	}
	for _, id := range ids {
		if strings.EqualFold(id, req.User.ID) || slices.Contains(req.Together, id) {
			continue // what the same approval does to all of them leaves nobody
		}
		other, err := e.Graph.User(ctx, req.Tenant.ID, id, "id", "accountEnabled")
		switch {
		case graphclient.KindOf(err) == graphclient.NotFound:
			continue // a group or a service principal
		case err != nil:
			return fmt.Errorf("find out whether another Global Administrator can sign in: %w", err)
		case other.AccountEnabled != nil && *other.AccountEnabled:
			return nil
		}
	}
	last := "the last"
	if slices.ContainsFunc(ids, func(id string) bool { return !strings.EqualFold(id, req.User.ID) && slices.Contains(req.Together, id) }) {
		last = "with the other rows the last"
	}
	p.Blockers = append(p.Blockers, fmt.Sprintf("%s is %s Global Administrator of %s who can sign in; nobody can lift this: give another user the role first", req.User.UserPrincipalName, last, p.Tenant))
	return nil
}
