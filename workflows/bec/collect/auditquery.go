package collect

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/workflows/bec"
)

// Purview's own queries are the second way to the unified audit log: they need no Exchange role and hand out more than
// a search does, but take minutes to hours, and a tenant may start 200 a day. So they are asked for what the search
// could not give, and one that was started for this case before is used again.

const (
	queryPoll  = 30 * time.Second // Microsoft wants no more
	queryTotal = 6 * time.Hour
)

// byQuery reads by Purview what a search could not give. The records of the two are the same and bear the same ids.
func (a *auditReading) byQuery(ctx context.Context, family string, q graphclient.AuditSearch, wanted func(graphclient.AuditRecord) bool) error {
	name := fmt.Sprintf("cipp-mcp %s %d %s", a.c.Reading.Case.CaseID, a.c.Reading.N, family)
	run, err := a.started(ctx, name, q)
	if err != nil {
		return err
	}
	for end := a.c.Clock.Now().Add(queryTotal); !run.Ended(); {
		if a.c.Clock.Now().After(end) {
			return &graphclient.Error{Kind: graphclient.Unavailable, Tenant: a.c.Tenant, Message: "Purview's query of the audit log did not end within six hours."}
		}
		if err := a.c.Clock.Sleep(ctx, queryPoll); err != nil {
			return err
		}
		if run, err = a.c.Graph.AuditQuery(ctx, a.c.Tenant, run.ID); err != nil {
			return err
		}
	}
	if !strings.EqualFold(run.Status, "succeeded") {
		return &graphclient.Error{Kind: graphclient.Unavailable, Tenant: a.c.Tenant, Message: "Purview's query of the audit log ended as " + run.Status + "."}
	}
	a.end.Capped = a.end.Capped || run.RecordLimitExceeded
	return a.c.Graph.AuditQueryRecords(ctx, a.c.Tenant, run.ID, func(page []graphclient.AuditRecord) error { return a.keep(page, q, wanted) })
}

// started is the query of that name: one that is under way or done, or a new one.
func (a *auditReading) started(ctx context.Context, name string, q graphclient.AuditSearch) (graphclient.AuditLogQuery, error) {
	known, err := a.c.Graph.AuditQueries(ctx, a.c.Tenant)
	if err != nil {
		return graphclient.AuditLogQuery{}, err
	}
	for _, k := range known {
		if k.DisplayName == name && !strings.EqualFold(k.Status, "failed") && !strings.EqualFold(k.Status, "cancelled") {
			return k, nil
		}
	}
	return a.c.Graph.StartAuditQuery(ctx, a.c.Tenant, graphclient.AuditLogQuery{
		DisplayName: name, FilterStartDateTime: &a.from, FilterEndDateTime: &a.to, OperationFilters: q.Operations, UserPrincipalNameFilters: q.UserIDs,
	})
}

// refused says whether a search failed for a reason that Purview may not share.
func refused(err error) bool {
	switch graphclient.KindOf(err) { //nolint:exhaustive // the others concern both ways
	case graphclient.Denied, graphclient.RoleMissing, graphclient.NotConsented:
		return true
	}
	return false
}

// byPurview notes in a coverage which way a log was read.
func (a *auditReading) byPurview(c bec.Coverage) bec.Coverage {
	if a.second && c.Detail == "" {
		c.Detail = "by Purview's query, since Search-UnifiedAuditLog is refused here"
	}
	return c
}
