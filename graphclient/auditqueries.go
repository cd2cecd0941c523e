package graphclient

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// Any of these lets one query the audit log; the ones for a single workload show that workload's records only.
var auditLogReaders = []string{"AuditLogsQuery-Entra.Read.All", "AuditLogsQuery-Exchange.Read.All", "AuditLogsQuery-SharePoint.Read.All",
	"AuditLogsQuery-OneDrive.Read.All", "AuditLogsQuery-Endpoint.Read.All", "AuditLogsQuery-CRM.Read.All", "AuditLogsQuery.Read.All"}

const auditQueriesPath = "/security/auditLog/queries"

// StartAuditQuery has Purview search the unified audit log; the answer bears the id by which to ask for the
// outcome. Give it a DisplayName by which to find it again: a tenant may start 200 in 24 hours and have 50 that
// have not ended; more is kind Throttled.
//
// POST /security/auditLog/queries, 201; least permission AuditLogsQuery-Entra.Read.All (its workload's records
// only), AuditLogsQuery.Read.All for every workload. Global cloud only.
//
// Reference: https://learn.microsoft.com/graph/api/security-auditcoreroot-post-auditlogqueries
func (c *Client) StartAuditQuery(ctx context.Context, tid string, q AuditLogQuery) (AuditLogQuery, error) {
	if err := require(tid); err != nil {
		return AuditLogQuery{}, err
	}
	q.ID, q.Status, q.ReturnedRecords, q.RecordLimitExceeded = "", "", nil, false // Purview's to say
	k := change(ctx, tid, auditLogReaders...).posting()
	return fetch[AuditLogQuery](ctx, c, k, c.v1, func() (*abs.RequestInformation, error) {
		return withJSON(plainRequest(abs.POST, auditQueriesPath, nil), nil, q)
	})
}

// AuditQuery is a query and how far it is. It takes minutes to hours: ask every 30 seconds at most.
//
// GET /security/auditLog/queries/{id}; least permission as for StartAuditQuery.
//
// Reference: https://learn.microsoft.com/graph/api/security-auditlogquery-get
func (c *Client) AuditQuery(ctx context.Context, tid, id string) (AuditLogQuery, error) {
	if err := require(tid, id); err != nil {
		return AuditLogQuery{}, err
	}
	q, err := fetch[struct {
		AuditLogQuery
		Value *AuditLogQuery `json:"value"` // how Microsoft's example shows it
	}](ctx, c, read(tid, auditLogReaders...), c.v1, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, auditQueriesPath+"/{query}", map[string]string{"query": id}), nil
	})
	if q.Value != nil {
		return *q.Value, err
	}
	return q.AuditLogQuery, err
}

// AuditQueries are the queries of a tenant that Purview still knows, among them those of others.
//
// GET /security/auditLog/queries; least permission as for StartAuditQuery.
//
// Reference: https://learn.microsoft.com/graph/api/security-auditcoreroot-list-auditlogqueries
func (c *Client) AuditQueries(ctx context.Context, tid string) ([]AuditLogQuery, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	return all[AuditLogQuery](ctx, c, read(tid, auditLogReaders...), c.v1, 0, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, auditQueriesPath, nil), nil
	})
}

// AuditQueryRecords gives take the records a query found, page by page. An error of take ends the reading and
// is returned.
//
// GET /security/auditLog/queries/{id}/records; least permission as for StartAuditQuery. At most 1,000,000
// records come; the query's RecordLimitExceeded says whether there were more.
//
// Reference: https://learn.microsoft.com/graph/api/security-auditlogquery-list-records
func (c *Client) AuditQueryRecords(ctx context.Context, tid, id string, take func([]AuditRecord) error) error {
	if err := require(tid, id); err != nil {
		return err
	}
	return eachPage(ctx, c, read(tid, auditLogReaders...), c.v1, 0, take, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, auditQueriesPath+"/{query}/records", map[string]string{"query": id}), nil
	})
}
