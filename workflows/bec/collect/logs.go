package collect

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
)

// How far back the logs of Entra ID reach: 30 days with P1 or P2. Without them the API refuses the sign-in log, and
// the directory audit log reaches 7 days back.
// https://learn.microsoft.com/entra/identity/monitoring-health/reference-reports-data-retention
const entraDays = 30

// overlap is how far a later reading reaches into what was read already, so that no row falls in between.
const overlap = 5 * time.Minute

// since is from when on a log is read: where an earlier reading ended, or as far back as the log can reach.
func (c *Collector) since(name string, reach time.Duration) time.Time {
	start := c.Clock.Now().Add(-reach)
	if s := c.Reading.Case.Since; !s.IsZero() && s.After(start) {
		start = s
	}
	if at := c.ResumeFrom[name]; at.After(start) {
		start = at.Add(-overlap)
	}
	return start.UTC().Truncate(time.Second)
}

const day = 24 * time.Hour

func interactiveSignIns(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	return c.signIns(ctx, w, bec.SignInsInteractive, "interactiveUser")
}

func nonInteractiveSignIns(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	return c.signIns(ctx, w, bec.SignInsNonInteractive, "nonInteractiveUser")
}

// signIns reads one kind of sign-in from beta, which alone tells session, token and protocol. Where beta refuses, the
// interactive ones are read from v1.0, and the coverage says what is missing then.
// https://learn.microsoft.com/graph/api/signin-list?view=graph-rest-beta
func (c *Collector) signIns(ctx context.Context, w *casefile.Writer, name, kind string) (bec.Coverage, error) {
	start := c.since(name, entraDays*day)
	cover := bec.Coverage{From: from(start)}
	filter := "userId eq '" + strings.ToLower(c.User.ID) + "' and createdDateTime ge " + start.Format(time.RFC3339)
	q := url.Values{"$filter": {filter + " and signInEventTypes/any(t:t eq '" + kind + "')"}, "$top": {"1000"}}
	take := func(page []json.RawMessage) error { return addAll(w, "signIn", page) }
	err := c.Graph.GraphRows(ctx, c.Tenant, "/auditLogs/signIns", q, true, take)
	if err == nil || kind != "interactiveUser" || w.Rows() > 0 {
		return cover, err
	}
	q.Set("$filter", filter)
	if verr := c.Graph.GraphRows(ctx, c.Tenant, "/auditLogs/signIns", q, false, take); verr != nil {
		return cover, err
	}
	cover.Status, cover.Reason, cover.Detail = bec.ReadPartly, bec.ReadError, "from v1.0, without session, token and protocol; beta: "+failed(cover, err, 0).Detail
	return cover, nil
}

// directoryAudits are the changes made to the user and those he made. The log takes one condition of the two at a
// time.
// https://learn.microsoft.com/graph/api/directoryaudit-list
func directoryAudits(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	start := c.since(bec.DirectoryAudits, entraDays*day)
	cover := bec.Coverage{From: from(start)}
	seen := map[string]bool{}
	take := func(page []json.RawMessage) error {
		for _, row := range page {
			id := idOf(row)
			if seen[id] {
				continue
			}
			seen[id] = true
			if err := w.Add("directoryAudit", id, row); err != nil {
				return err
			}
		}
		return nil
	}
	at := "activityDateTime ge " + start.Format(time.RFC3339)
	// Five requests in ten seconds are all an application has for its sign-in and audit logs, so these are three.
	for _, f := range []string{
		at + " and targetResources/any(t:t/id eq '" + c.User.ID + "')", at + " and initiatedBy/user/id eq '" + c.User.ID + "'",
		at + " and (category eq '" + strings.Join(tenantCategories, "' or category eq '") + "')",
	} {
		if err := c.Graph.GraphRows(ctx, c.Tenant, "/auditLogs/directoryAudits", url.Values{"$filter": {f}, "$top": {"1000"}}, false, take); err != nil {
			return cover, err
		}
	}
	return cover, nil
}

// tenantCategories are the parts of the directory audit log that tell of changes to the tenant's own defences and to
// its applications, whoever made them.
var tenantCategories = []string{"Policy", "ApplicationManagement", "RoleManagement", "DirectoryManagement"}
