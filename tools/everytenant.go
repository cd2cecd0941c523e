package tools

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// Failures are the tenants that a call over all of them could not read; none of them is a row. Not all of many are
// listed, but all are counted.
type Failures struct {
	FailedTenants     []FailedTenant `json:"failedTenants,omitempty"`
	MoreFailedTenants int            `json:"moreFailedTenants,omitempty"`
}

// failedAtMost is how many tenants that failed a result lists.
const failedAtMost = 25

// failures are the tenants that were not read: where not all can be listed, one of each remedy comes first.
func failures(all []FailedTenant) Failures {
	if len(all) <= failedAtMost {
		return Failures{FailedTenants: all}
	}
	seen := map[string]bool{}
	var first, rest []FailedTenant
	for _, t := range all {
		if seen[t.Next] {
			rest = append(rest, t)
			continue
		}
		seen[t.Next] = true
		first = append(first, t)
	}
	return Failures{append(first, rest...)[:failedAtMost], len(all) - failedAtMost}
}

func (f Failures) failed(l *lines) {
	for _, t := range f.FailedTenants {
		l.add("NOT READ %s: %s %s", t.Tenant, t.Reason, t.Next)
	}
	if f.MoreFailedTenants > 0 {
		l.add("NOT READ either: %s, not listed here; ask for one by tenantFilter to see why", count(f.MoreFailedTenants, "more tenant", "more tenants"))
	}
}

// everyTenantFor bounds a reading of all tenants: a client that gives up waiting, after a minute as a rule, would get
// nothing. Microsoft lets one application read the reports of 122 tenants in 10 seconds.
const everyTenantFor = 50 * time.Second

// readEach reads tenants side by side, each by itself, tells whoever waits how many are read, and returns what each gave
// in the tenants' order. Those that were not reached in time have an error that says so.
func readEach[T any](ctx context.Context, c *Call, tenants []graphclient.Tenant, read func(context.Context, graphclient.Tenant) (T, error)) []graphclient.TenantResult[T] {
	timed, stop := context.WithTimeout(ctx, everyTenantFor)
	defer stop()
	var told atomic.Int64
	out := graphclient.ForEachTenant(timed, c.Graph, tenants, func(ctx context.Context, t graphclient.Tenant) (v T, err error) {
		err = jobs.Caught(func() (err error) { v, err = read(ctx, t); return err })
		if ctx.Err() == nil {
			c.Progress(int(told.Add(1)), len(tenants), "tenants read")
		}
		return v, err
	})
	if timed.Err() == nil || ctx.Err() != nil {
		return out
	}
	for i := range out {
		if errors.Is(out[i].Err, context.DeadlineExceeded) {
			out[i].Err = &Problem{Code: "timeout", Retryable: true, Message: fmt.Sprintf("not reached: reading all tenants ended after %s.", everyTenantFor), Next: "Ask for this tenant by itself."}
		}
	}
	return out
}

// of is a row's tenant before the row, where there are several.
func of(tenant string) string {
	if tenant == "" {
		return ""
	}
	return tenant + " | "
}

// named is the tenant that a call is about, in words where it is all of them.
func (c *Call) named() string {
	if c.AllTenants {
		return "all tenants"
	}
	return c.Tenant.DefaultDomain
}

// ofSeveral is the tenant of a row that stands among those of others, or alone in an export; "" where the answer itself
// names it.
func (c *Call) ofSeveral(one *Call, a PageArgs) string {
	if c.AllTenants || a.csv() {
		return one.Tenant.DefaultDomain
	}
	return ""
}

// inEach reads the tenants that a call is about side by side, each by itself, and returns what each gave in the
// tenants' order. In a call over one tenant its error is the call's.
func inEach[T any](ctx context.Context, c *Call, read func(context.Context, *Call) ([]T, error)) (rows []T, f Failures, err error) {
	if !c.AllTenants {
		rows, err = read(ctx, c)
		return rows, f, err
	}
	tenants, err := c.Graph.Tenants(ctx)
	if err != nil {
		return nil, f, err
	}
	failed := []FailedTenant{}
	for _, r := range readEach(ctx, c, tenants, func(ctx context.Context, t graphclient.Tenant) ([]T, error) {
		one := *c
		one.Tenant, one.AllTenants = t, false
		return read(ctx, &one)
	}) {
		if p := (*Problem)(nil); errors.As(r.Err, &p) && p.Code == "invalid_argument" {
			return nil, f, p // the same everywhere
		}
		if r.Err != nil {
			failed = append(failed, failedTenant(cmp.Or(r.Tenant.DefaultDomain, r.Tenant.ID), r.Err))
			continue
		}
		rows = append(rows, r.Value...)
	}
	return rows, failures(failed), nil
}

// everyUser lists users of all tenants, or exports those of one or all. Of a tenant no more is held than the page that
// is shown can need; an export of one is written while it is read.
func everyUser(ctx context.Context, c *Call, in ListUsersIn) (ListUsersOut, error) {
	out := ListUsersOut{TenantID: c.Tenant.ID, Tenant: c.named(), Users: []UserRow{}}
	if in.csv() {
		return out, exportUsers(ctx, c, in, &out)
	}
	at, err := openCursor(c, "cipp_list_users", in.Cursor)
	if err != nil {
		return out, err
	}
	most := at.Skip + in.limit() + 1
	rows, failed, err := inEach(ctx, c, func(ctx context.Context, c *Call) (rows []UserRow, err error) {
		err = usersOf(ctx, c, in, most, func(r UserRow) error {
			if rows = append(rows, r); len(rows) == most {
				return errEnough
			}
			return nil
		})
		return rows, err
	})
	if err != nil {
		return out, err
	}
	out.Failures = failed
	out.Users, out.Part, err = slicePage(c, "cipp_list_users", rows, in.PageArgs)
	return out, err
}

// errEnough ends a reading that has what it needs.
var errEnough = errors.New("enough was read")

// usersOf gives take each user of one tenant that a list asks for, page by page, in pages that fit the most that will be
// taken; 0 is all of them.
func usersOf(ctx context.Context, c *Call, in ListUsersIn, most int, take func(UserRow) error) error {
	in.Select = slices.Clone(in.Select) // it is put under Microsoft's spelling, in tenants side by side
	query, keep, err := userQuery(ctx, c, in)
	if err != nil {
		return err
	}
	if query.Top > 0 { // whom Microsoft sends is shown
		query.Top = most
	}
	names := query.licenceNames(ctx, c)
	defer names()
	for page, err := range c.Graph.Users(ctx, c.Tenant.ID, query.UserQuery) {
		if err != nil {
			return err
		}
		for _, u := range page.Users {
			if !keep(u) {
				continue
			}
			row := query.row(u, names(), in.Select)
			row.Tenant = c.Tenant.DefaultDomain
			if err := take(row); err != nil {
				if errors.Is(err, errEnough) {
					return nil
				}
				return err
			}
		}
	}
	return nil
}

// selected is a property by the name it was asked for.
func selected(more map[string]any, name string) any {
	for k, v := range more {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}

// exportUsers writes the users; each selected property is a column of its own.
func exportUsers(ctx context.Context, c *Call, in ListUsersIn, out *ListUsersOut) error {
	columns := slices.DeleteFunc(jsonNames(reflect.TypeFor[UserRow]()), func(n string) bool { return n == "more" })
	told := append(slices.Clone(in.Select), toldBy(in)...)
	x, err := c.export(append(columns, told...))
	if err != nil {
		return err
	}
	var mu sync.Mutex
	_, out.Failures, err = inEach(ctx, c, func(ctx context.Context, one *Call) ([]struct{}, error) {
		var held [][]string
		if err := usersOf(ctx, one, in, 0, func(r UserRow) error {
			more := r.More
			r.More = nil
			line := cells(reflect.ValueOf(r))[:len(columns)]
			for _, s := range told {
				line = append(line, cell(selected(more, s)))
			}
			if c.AllTenants { // a tenant that fails on its second page has no rows of its first in the export
				held = append(held, line)
				return nil
			}
			return x.add(line)
		}); err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		for _, line := range held {
			if err := x.add(line); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	out.Export, err = x.end(err)
	return err
}
