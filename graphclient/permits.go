package graphclient

import (
	"context"
	"strings"

	"github.com/google/uuid"
)

// permit refuses a tenant the operator's lists exclude, before a token is asked for. The application's own
// tenant is always open to this package: the list of customers is read there.
func (c *Client) permit(ctx context.Context, tenant string) error {
	if len(c.cfg.Allow) == 0 && len(c.cfg.Deny) == 0 {
		return nil
	}
	denied, err := c.onList(ctx, c.cfg.Deny, tenant)
	if err != nil {
		return err
	}
	if !denied && len(c.cfg.Allow) > 0 && (offered(ctx) || !equalFold(tenant, c.cfg.Auth.TenantID)) {
		allowed, err := c.onList(ctx, c.cfg.Allow, tenant)
		if err != nil {
			return err
		}
		denied = !allowed
	}
	if denied {
		return &Error{Kind: TenantDenied, Tenant: tenant,
			Message: "The operator's configuration does not allow work in this tenant (tenants.allow, tenants.deny)."}
	}
	return nil
}

type offerKey struct{}

// offered reports whether a caller asked for the tenant. The application's own tenant has to be read to list
// the customers, whatever the lists say; on a caller's wish it is a tenant like any other.
func offered(ctx context.Context) bool { return ctx.Value(offerKey{}) != nil }

// permitWished is permit for a tenant that a caller named.
func (c *Client) permitWished(ctx context.Context, tenant string) error {
	return c.permit(context.WithValue(ctx, offerKey{}, true), tenant)
}

// onList reports whether a tenant id is on a list of ids and domains. Domains are turned into ids once.
func (c *Client) onList(ctx context.Context, list []string, tenant string) (bool, error) {
	for _, entry := range list {
		id, err := c.listedID(ctx, strings.ToLower(strings.TrimSpace(entry)))
		if KindOf(err) == TenantUnknown {
			continue // an entry that names nothing excludes and allows nothing
		}
		if err != nil {
			return false, err
		}
		if equalFold(id, tenant) {
			return true, nil
		}
	}
	return false, nil
}

func (c *Client) listedID(ctx context.Context, entry string) (string, error) {
	if uuid.Validate(entry) == nil {
		return entry, nil
	}
	c.lists.mu.Lock()
	id, ok := c.lists.ids[entry]
	for _, t := range c.lists.tenants {
		if !ok && (equalFold(t.DefaultDomain, entry) || equalFold(t.InitialDomain, entry)) {
			id, ok = t.ID, true
		}
	}
	c.lists.mu.Unlock()
	if ok {
		return id, nil
	}
	id, err := c.discover(ctx, entry)
	if err == nil {
		c.lists.mu.Lock()
		c.lists.ids[entry] = id
		c.lists.mu.Unlock()
	}
	return id, err
}

// permitted are the tenants the operator's lists leave.
func (c *Client) permitted(ctx context.Context, tenants []Tenant) ([]Tenant, error) {
	if len(c.cfg.Allow) == 0 && len(c.cfg.Deny) == 0 {
		return append([]Tenant(nil), tenants...), nil
	}
	var out []Tenant
	for _, t := range tenants {
		switch err := c.permit(ctx, t.ID); KindOf(err) {
		case "":
			out = append(out, t)
		case TenantDenied:
		default:
			return nil, err
		}
	}
	return out, nil
}
