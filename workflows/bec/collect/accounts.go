package collect

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
)

// Pivots are what an attacker is known by, to look for him in other accounts.
type Pivots struct {
	IPs    []string
	AppIDs []string // applications he had consent given to, by appId
}

// pivotsAtMost bounds how many addresses and applications are looked for.
const pivotsAtMost = 5

// OtherAccounts looks who else was touched from the same addresses or by the same applications: one query over all
// users each, never one a user. It is the last part of a reading, since it needs to know whom to look for.
func (c *Collector) OtherAccounts(ctx context.Context, p Pivots) error {
	if c.Reading.Did(Accounts) {
		return nil
	}
	err := c.readOne(ctx, source{bec.OtherAccounts, func(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
		return otherAccounts(ctx, c, w, p)
	}})
	if err != nil {
		return err
	}
	c.Tell(1, 1, bec.OtherAccounts)
	return c.Reading.Done(Accounts)
}

func otherAccounts(ctx context.Context, c *Collector, w *casefile.Writer, p Pivots) (bec.Coverage, error) {
	since := c.Clock.Now().Add(-entraDays * day).UTC().Truncate(time.Second)
	cover := bec.Coverage{From: from(since)}
	if len(p.IPs) == 0 && len(p.AppIDs) == 0 {
		cover.Detail = "nothing of an attacker is known that could be looked for in other accounts"
		return cover, nil
	}
	if len(p.IPs) > pivotsAtMost {
		p.IPs = p.IPs[:pivotsAtMost]
		cover.Status, cover.Reason, cover.Detail = bec.ReadPartly, bec.Capped, "the first five addresses"
	}
	signIns := c.elsewhere(ctx, w, p.IPs, since)
	audits := c.auditsElsewhere(ctx, w, p.IPs)
	if err := c.grantsElsewhere(ctx, w, p.AppIDs); err != nil {
		return cover, err
	}
	switch {
	case signIns != nil && audits != nil:
		return cover, signIns
	case signIns != nil:
		f := failed(cover, signIns, 1)
		f.Detail = "the audit log alone, without the sign-in log: " + f.Detail
		return f, nil
	case audits != nil:
		f := failed(cover, audits, 1)
		f.Detail = "the sign-in log alone, without the audit log: " + f.Detail
		return f, nil
	}
	return cover, nil
}

func (c *Collector) elsewhere(ctx context.Context, w *casefile.Writer, ips []string, since time.Time) error {
	for _, ip := range ips {
		q := url.Values{"$filter": {"ipAddress eq " + graphclient.ODataString(ip) + " and createdDateTime ge " + since.Format(time.RFC3339)}, "$top": {"1000"}}
		err := c.Graph.GraphRows(ctx, c.Tenant, "/auditLogs/signIns", q, false, func(page []json.RawMessage) error {
			for _, row := range page {
				var s struct {
					UserID string `json:"userId"`
				}
				if json.Unmarshal(row, &s) == nil && strings.EqualFold(s.UserID, c.User.ID) {
					continue
				}
				if err := w.Add("signIn", idOf(row), row); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *Collector) auditsElsewhere(ctx context.Context, w *casefile.Writer, ips []string) error {
	if len(ips) == 0 {
		return nil
	}
	now := c.Clock.Now()
	_, err := c.Graph.SearchAudit(ctx, c.Tenant, graphclient.AuditSearch{IPAddresses: ips, From: now.Add(-auditDays * day), To: now}, func(page []graphclient.AuditRecord) error {
		for _, r := range page {
			if strings.EqualFold(r.UserID, c.User.UserPrincipalName) {
				continue
			}
			if err := w.Add("auditRecord", r.ID, r); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

func (c *Collector) grantsElsewhere(ctx context.Context, w *casefile.Writer, appIDs []string) error {
	for _, app := range appIDs[:min(len(appIDs), pivotsAtMost)] {
		var clients []string
		q := url.Values{"$filter": {"appId eq " + graphclient.ODataString(app)}, "$select": {"id"}}
		if err := c.Graph.GraphRows(ctx, c.Tenant, "/servicePrincipals", q, false, func(page []json.RawMessage) error {
			for _, row := range page {
				clients = append(clients, idOf(row))
			}
			return nil
		}); err != nil {
			return err
		}
		for _, id := range clients {
			q := url.Values{"$filter": {"clientId eq " + graphclient.ODataString(id)}}
			if err := c.Graph.GraphRows(ctx, c.Tenant, "/oauth2PermissionGrants", q, false, func(page []json.RawMessage) error {
				for _, row := range page {
					var g grant
					if json.Unmarshal(row, &g) == nil && strings.EqualFold(g.PrincipalID, c.User.ID) {
						continue
					}
					if err := w.Add("oauth2PermissionGrant", idOf(row), row); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				return err
			}
		}
	}
	return nil
}
