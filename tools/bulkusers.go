package tools

import (
	"context"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
)

// usersRead are users that were read for many rows at once, by tenant and by the name asked for.
type usersRead map[string]graphclient.User

type usersReadKey struct{}

func userReadAs(tenant, name string) string { return strings.ToLower(tenant + " " + name) }

// user is the user a call names, read now unless it was just read with those of the other rows.
func (e *Env) user(ctx context.Context, tenant, name string) (graphclient.User, error) {
	if k, _ := ctx.Value(usersReadKey{}).(usersRead); k != nil {
		if u, ok := k[userReadAs(tenant, name)]; ok {
			return u, nil
		}
	}
	return e.Graph.User(ctx, tenant, name, callUser...)
}

// few is up to how many users are read one by one.
const few = 3

// withUsers reads the users of many rows, names by tenant, and lets calls made under the context find them. Whom it
// does not find, for whatever reason, is left to the row's own call, which says why.
func (e *Env) withUsers(ctx context.Context, names map[string][]string) context.Context {
	var mu sync.Mutex
	k := usersRead{}
	var g errgroup.Group
	g.SetLimit(bulkWide)
	for tenant, of := range names {
		if len(of) <= few {
			continue
		}
		g.Go(func() error {
			return jobs.Caught(func() error {
				users, err := e.Graph.UsersNamed(ctx, tenant, of, callUser)
				mu.Lock()
				defer mu.Unlock()
				for name, u := range users {
					k[userReadAs(tenant, name)], k[userReadAs(tenant, u.ID)] = u, u
				}
				return err
			})
		})
	}
	_ = g.Wait()
	return context.WithValue(ctx, usersReadKey{}, k)
}

// together prepares the planning of rows: their users are read at once, and the plans share what they would each read.
func (c *Call) together(ctx context.Context, rows []bulkRow) context.Context {
	names, plans := map[string][]string{}, map[string]int{}
	for _, r := range rows {
		plans[r.TenantID]++
		if r.UserID != "" {
			names[r.TenantID] = append(names[r.TenantID], r.UserID)
		}
	}
	return c.withUsers(policy.Together(ctx, plans), names)
}
