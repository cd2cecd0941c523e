package tools

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// userLook is what Microsoft is asked for a list of users, and what is read beside it.
type userLook struct {
	graphclient.UserQuery

	reg    *registrations
	admins map[string]string // who holds a role, and how; nil until somebody asks
	ids    []string          // nobody else can be on the list; nil where anybody can
	tell   func(user) map[string]any
}

// licenceNames reads the names of the tenant's licences beside whatever follows; the answer waits for them. Where no
// row has licences there is nothing to read.
func (q *userLook) licenceNames(ctx context.Context, c *Call) func() map[string]string {
	if q.Deleted {
		return func() map[string]string { return nil }
	}
	read := make(chan map[string]string, 1)
	go func() {
		var names map[string]string
		_ = jobs.Caught(func() error { names = licenceNames(ctx, c); return nil }) // without them the ids stand for themselves
		read <- names
	}()
	return sync.OnceValue(func() map[string]string { return <-read })
}

// userQuery turns the arguments into what Microsoft filters itself and what we sift afterwards.
func userQuery(ctx context.Context, c *Call, in ListUsersIn) (*userLook, func(graphclient.User) bool, error) {
	q := &userLook{UserQuery: graphclient.UserQuery{Select: slices.Clone(listUserColumns)}, reg: &registrations{call: c}}
	allowed := jsonNames(reflect.TypeFor[graphclient.User]())
	for i, s := range in.Select {
		n := slices.IndexFunc(allowed, func(a string) bool { return strings.EqualFold(a, s) })
		if n < 0 || slices.Contains(notSelectable, allowed[n]) {
			return q, nil, invalid("select: there is no property %q; some that exist: department, jobTitle, createdDateTime, lastPasswordChangeDateTime, usageLocation, city, signInActivity.", Clean(s, 60))
		}
		in.Select[i] = allowed[n]
		q.Select = append(q.Select, allowed[n])
	}
	if in.Search != "" {
		s := searchTerm(in.Search)
		q.Search = fmt.Sprintf(`"displayName:%s" OR "userPrincipalName:%s" OR "mail:%s"`, s, s, s)
		q.Advanced = true
	}
	keep, err := kindFilter(ctx, c, in.Kind, q)
	if err != nil {
		return q, nil, err
	}
	sift, err := reportFilter(ctx, c, in.Report, in.Days, q)
	if err != nil {
		return q, nil, err
	}
	fits, err := userFilter(ctx, c, in.Filter, q)
	if err != nil {
		return q, nil, err
	}
	slices.Sort(q.Select)
	q.Select = slices.Compact(q.Select)
	q.only(in)
	if keep == nil && sift == nil && fits == nil {
		q.Top = in.limit() // Microsoft's pages are ours
		keep = func(graphclient.User) bool { return true }
	}
	return q, func(u graphclient.User) bool {
		return (keep == nil || keep(u)) && (sift == nil || sift(u)) && (fits == nil || fits(u))
	}, nil
}

// searchTerm keeps what would end the quoted term, or begin another, out of a $search expression.
func searchTerm(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '"' || r == '\\' || r < ' ' {
			return -1
		}
		return r
	}, strings.TrimSpace(s))
}

func kindFilter(ctx context.Context, c *Call, kind string, q *userLook) (func(graphclient.User) bool, error) {
	synced := func(want string) func(graphclient.User) bool {
		return func(u graphclient.User) bool { return syncState(u) == want }
	}
	switch kind {
	case "member", "guest":
		q.Filter = "userType eq '" + strings.ToUpper(kind[:1]) + kind[1:] + "'"
	case "blocked":
		q.Filter = "accountEnabled eq false"
	case "enabled":
		q.Filter = "accountEnabled eq true"
	case "hybrid":
		q.Filter = "onPremisesSyncEnabled eq true"
	case "local", "formerlyHybrid":
		return synced(kind), nil
	case "external":
		q.Select = append(q.Select, "creationType")
		return func(u graphclient.User) bool {
			return u.CreationType == "Invitation" || strings.Contains(strings.ToUpper(u.UserPrincipalName), "#EXT#")
		}, nil
	case "deleted":
		q.Deleted = true
		q.Select = append(slices.DeleteFunc(q.Select, func(s string) bool { return s == "assignedLicenses" }), "deletedDateTime")
	case "shared":
		boxes, err := c.Graph.Mailboxes(ctx, c.Tenant.ID, "SharedMailbox", "RoomMailbox", "EquipmentMailbox")
		if err != nil {
			return nil, err
		}
		ids := map[string]bool{}
		for _, b := range boxes {
			ids[b.ExternalDirectoryObjectID] = true
		}
		return func(u graphclient.User) bool { return ids[u.ID] }, nil
	case "service":
		return serviceAccount(c)
	case "admin":
		return q.anAdministrator(ctx, c)
	}
	return nil, nil
}

// registered keeps the users whose row of the registration report pleases.
func registered(ctx context.Context, c *Call, filter string, pleases func(graphclient.RegistrationDetail) bool) (func(graphclient.User) bool, error) {
	ids := map[string]bool{}
	for page, err := range c.Graph.RegistrationDetails(ctx, c.Tenant.ID, filter) {
		if err != nil {
			return nil, err
		}
		for _, d := range page {
			if pleases(d) {
				ids[d.ID] = true
			}
		}
	}
	return func(u graphclient.User) bool { return ids[u.ID] }, nil
}
