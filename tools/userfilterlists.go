package tools

import (
	"context"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
)

// wordValues are the values of enumerated fields.
var wordValues = map[string][]string{
	"kind":        {"member", "guest", "blocked", "enabled", "local", "hybrid", "formerlyHybrid", "external", "shared", "service", "admin"},
	"userType":    {"Member", "Guest"},
	"syncState":   {"local", "hybrid", "formerlyHybrid"},
	"mailboxType": {"user", "shared", "room", "equipment", "none"},
	"riskLevel":   {"none", "low", "medium", "high", "hidden"},
}

// userWord tests an enumerated field; what the tenant's own lists tell of it is read once.
func userWord(ctx context.Context, c *Call, cond condition, q *userLook) (func(user) bool, error) {
	values := wordValues[cond.field]
	var want []string
	for _, v := range cond.values {
		i := slices.IndexFunc(values, func(a string) bool { return strings.EqualFold(a, v.text) })
		if i < 0 {
			return nil, invalid("filter: %s is one of %s (got %q).", cond.field, strings.Join(values, ", "), Clean(v.text, 40))
		}
		want = append(want, values[i])
	}
	is, err := userWords(ctx, c, cond.field, want, q)
	if err != nil {
		return nil, err
	}
	if cond.op == "ne" {
		return func(u user) bool { return !is(u) }, nil
	}
	return is, nil
}

// userWords says whether the field has one of the values.
func userWords(ctx context.Context, c *Call, field string, want []string, q *userLook) (func(user) bool, error) {
	switch field {
	case "userType":
		return func(u user) bool { return slices.Contains(want, u.UserType) }, nil
	case "syncState":
		return func(u user) bool { return slices.Contains(want, syncState(u)) }, nil
	case "mailboxType":
		boxes, err := c.Graph.Mailboxes(ctx, c.Tenant.ID)
		if err != nil {
			return nil, err
		}
		types := map[string]string{}
		for _, b := range boxes {
			types[b.ExternalDirectoryObjectID] = strings.ToLower(strings.TrimSuffix(b.RecipientTypeDetails, "Mailbox"))
		}
		return func(u user) bool {
			t := types[u.ID]
			if t == "" {
				t = "none"
			}
			return slices.Contains(want, t)
		}, nil
	case "riskLevel":
		risky, err := c.Graph.RiskyUsers(ctx, c.Tenant.ID)
		if err != nil {
			return nil, err
		}
		levels := map[string]string{}
		for _, r := range risky {
			levels[r.ID] = strings.ToLower(r.RiskLevel)
		}
		return func(u user) bool {
			l := levels[u.ID]
			if l == "" {
				l = "none"
			}
			return slices.Contains(want, l)
		}, nil
	}
	var any []func(user) bool
	for _, kind := range want { // kinds that are a property alone are not filtered at Microsoft here: there may be several
		switch kind {
		case "member", "guest":
			any = append(any, func(u user) bool { return strings.EqualFold(u.UserType, kind) })
		case "blocked", "enabled":
			any = append(any, func(u user) bool { return u.AccountEnabled != nil && *u.AccountEnabled == (kind == "enabled") })
		case "hybrid":
			any = append(any, func(u user) bool { return syncState(u) == kind })
		default:
			ids := q.ids
			keep, err := kindFilter(ctx, c, kind, q)
			q.ids = ids // another kind, or all but this one, may be wanted too
			if err != nil {
				return nil, err
			}
			any = append(any, keep)
		}
	}
	return func(u user) bool {
		return slices.ContainsFunc(any, func(t func(user) bool) bool { return t(u) })
	}, nil
}

// userList tests whether a list of a user has a value: licences come with the users, the others from one list or report
// of the tenant.
func userList(ctx context.Context, c *Call, reg *registrations, cond condition) (func(user) bool, error) {
	v := cond.values[0].text
	var has func(user) bool
	switch cond.field {
	case "licenses":
		skus, err := c.Graph.SubscribedSkus(ctx, c.Tenant.ID)
		if err != nil {
			return nil, err
		}
		id := ""
		for _, s := range skus {
			if strings.EqualFold(s.SkuID, v) || strings.EqualFold(s.SkuPartNumber, v) || strings.EqualFold(productName(s.SkuPartNumber), v) {
				id = s.SkuID
			}
		}
		if id == "" {
			return nil, invalid("filter: the tenant has no licence %q; cipp_list_licenses names them.", Clean(v, 60))
		}
		has = func(u user) bool {
			return slices.ContainsFunc(u.AssignedLicenses, func(l graphclient.AssignedLicense) bool { return strings.EqualFold(l.SkuID, id) })
		}
	case "groups":
		g, err := c.groupNamed(ctx, "filter", v)
		if err != nil {
			return nil, err
		}
		members, err := c.Graph.GroupMembers(ctx, c.Tenant.ID, g.ID)
		if err != nil {
			return nil, err
		}
		ids := map[string]bool{}
		for _, m := range members {
			ids[m.ID] = true
		}
		has = func(u user) bool { return ids[u.ID] }
	case "roles":
		role, err := c.role(ctx, v)
		if err != nil {
			return nil, err
		}
		holders, err := c.Graph.RoleHolders(ctx, c.Tenant.ID, role.ID)
		if err != nil {
			return nil, err
		}
		ids := map[string]bool{}
		for _, a := range holders {
			ids[a.PrincipalID] = true
		}
		has = func(u user) bool { return ids[u.ID] }
	default:
		rows, err := reg.rows(ctx)
		if err != nil {
			return nil, err
		}
		has = func(u user) bool {
			return slices.ContainsFunc(rows[u.ID].MethodsRegistered, func(m string) bool { return strings.EqualFold(m, v) })
		}
	}
	if cond.op == "hasNot" {
		return func(u user) bool { return !has(u) }, nil
	}
	return has, nil
}
