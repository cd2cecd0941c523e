package graphclient

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// TenantResult is the outcome of one tenant.
type TenantResult[T any] struct {
	Tenant Tenant
	Value  T
	Err    error
}

// ForEachTenant runs f for each tenant, as many at once as Config.FanOut says, and returns the outcomes in the
// order of tenants. One tenant's failure does not touch the others; when ctx ends, those not yet begun get its
// error.
func ForEachTenant[T any](ctx context.Context, c *Client, tenants []Tenant, f func(context.Context, Tenant) (T, error)) []TenantResult[T] {
	out := make([]TenantResult[T], len(tenants))
	var g errgroup.Group
	g.SetLimit(c.cfg.FanOut)
	for i, t := range tenants {
		g.Go(func() error {
			out[i].Tenant = t
			if out[i].Err = ctx.Err(); out[i].Err == nil {
				out[i].Value, out[i].Err = f(ctx, t)
			}
			return nil
		})
	}
	_ = g.Wait()
	return out
}
