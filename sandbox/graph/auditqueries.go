package graph

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"cipp-mcp/sandbox/cloud"
)

// auditWorkloads is whose records each permission shows; AuditLogsQuery.Read.All shows all.
var auditWorkloads = map[string]string{"AuditLogsQuery-Entra.Read.All": "AzureActiveDirectory", "AuditLogsQuery-Exchange.Read.All": "Exchange", "AuditLogsQuery-SharePoint.Read.All": "SharePoint",
	"AuditLogsQuery-OneDrive.Read.All": "OneDrive", "AuditLogsQuery-Endpoint.Read.All": "Endpoint", "AuditLogsQuery-CRM.Read.All": "CRM"}

const (
	auditAll     = "AuditLogsQuery.Read.All"
	auditReaders = auditAll + " AuditLogsQuery-Entra.Read.All AuditLogsQuery-Exchange.Read.All AuditLogsQuery-SharePoint.Read.All AuditLogsQuery-OneDrive.Read.All AuditLogsQuery-Endpoint.Read.All AuditLogsQuery-CRM.Read.All"
	// auditLogRoles hold Audit Logs or View-Only Audit Logs.
	auditLogRoles = "Compliance Administrator,Security Administrator,Security Reader,Global Reader,Exchange Administrator"
)

var auditQueryOperations = []op{
	{verb: "POST", path: "/security/auditLog/queries", app: auditReaders, roles: auditLogRoles, do: createAuditQuery},
	{verb: "GET", path: "/security/auditLog/queries", app: auditReaders, roles: auditLogRoles, do: listAuditQueries},
	{verb: "GET", path: "/security/auditLog/queries/{id}", app: auditReaders, roles: auditLogRoles, do: getAuditQuery},
	{verb: "GET", path: "/security/auditLog/queries/{id}/records", app: auditReaders, roles: auditLogRoles, do: listAuditRecords},
}

// Limits of a tenant, the guaranteed floor; and the size of a page of records, of which Microsoft says nothing.
// https://learn.microsoft.com/graph/api/resources/security-auditlogquery
const (
	auditSubmissions  = 200 // in 24 hours
	auditOpen         = 50
	auditRecords      = 1000000
	auditRecordsPage  = 150
	auditSecondsFirst = 1 // of notStarted
	auditSeconds      = 5 // until a query has succeeded, where features.auditQuerySeconds says nothing
)

const (
	queryType  = "security.auditLogQuery"
	recordType = "security.auditLogRecord"
	submitted  = "submittedDateTime" // of the state alone
)

// auditStatus is how far a query is by the cloud's clock. Microsoft takes minutes to hours. On a clock that stands
// still nobody waits, unless the tenant says for how long.
func (c *call) auditStatus(q cloud.Object) string {
	if s := cloud.Str(q, "status"); s != "" {
		return s // failed or cancelled, by the state file
	}
	at, _ := moment(cloud.Str(q, submitted))
	takes, told := c.t.Features["auditQuerySeconds"].(float64)
	if !told {
		takes = auditSeconds
	}
	switch age := c.t.Now().Sub(at).Seconds(); {
	case age >= takes, !told && c.s.cloud.Clock.Frozen():
		return "succeeded"
	case age < min(auditSecondsFirst, takes/2):
		return "notStarted"
	}
	return "running"
}

func (c *call) queryView(q cloud.Object) cloud.Object {
	status := c.auditStatus(q)
	o := merged(q, cloud.Object{"@odata.type": "#microsoft.graph.security.auditLogQuery", "status": status, "recordCountLimit": float64(auditRecords)})
	delete(o, submitted)
	if status == "succeeded" {
		n := len(c.foundBy(q))
		o["approximateReturnedRecordCount"], o["isRecordCountLimitExceeded"] = float64(min(n, auditRecords)), n > auditRecords
	}
	return o
}

// createAuditQuery is POST /security/auditLog/queries. What a tenant without an audit log is answered is known by
// its code alone (https://github.com/microsoft/AI-in-One-Dashboard/pull/63).
// https://learn.microsoft.com/graph/api/security-auditcoreroot-post-auditlogqueries
func createAuditQuery(c *call) error {
	o, _, err := c.body(rules{resource: "AuditLogQuery", typ: queryType, readOnly: []string{"id", "status", "approximateReturnedRecordCount", "isRecordCountLimitExceeded", "recordCountLimit"}})
	if err != nil {
		return err
	}
	if !c.t.AuditLogOn() {
		return refused(http.StatusBadRequest, "AuditingDisabledTenant", "Auditing is disabled for the tenant.")
	}
	from, hasFrom := moment(cloud.Str(o, "filterStartDateTime"))
	to, hasTo := moment(cloud.Str(o, "filterEndDateTime"))
	if hasFrom && hasTo && !from.Before(to) {
		return badRequest("The filterStartDateTime must be before the filterEndDateTime.")
	}
	queries := c.t.Collection("auditLogQueries")
	recent, open := 0, 0
	for _, q := range queries.All() {
		if at, _ := moment(cloud.Str(q, submitted)); at.After(c.t.Now().Add(-24 * time.Hour)) {
			recent++
		}
		if s := c.auditStatus(q); s == "notStarted" || s == "running" {
			open++
		}
	}
	switch {
	case open >= auditOpen:
		c.header.Set("Retry-After", "60")
		return refused(http.StatusTooManyRequests, "TooManyRequests", "Too many audit log queries are queued or running. Please retry again later.")
	case recent >= auditSubmissions:
		return refused(http.StatusTooManyRequests, "TooManyRequests", "The limit of audit log queries in 24 hours is reached. Please retry again later.")
	}
	o["id"], o[submitted] = c.t.NewID(), cloud.Stamp(c.t.Now())
	queries.Add(o)
	c.status = http.StatusCreated
	view := c.queryView(o)
	view["status"] = "notStarted"
	delete(view, "approximateReturnedRecordCount")
	delete(view, "isRecordCountLimitExceeded")
	return c.entity("security/auditLog/queries", queryType, view, nil)
}

func listAuditQueries(c *call) error {
	return c.list(listing{set: "security/auditLog/queries", typ: queryType, rows: c.t.Collection("auditLogQueries").All(), page: 100, max: 100, view: c.queryView})
}

func (c *call) auditQuery() (cloud.Object, error) {
	q := c.t.Collection("auditLogQueries").Get(c.args[0])
	if q == nil {
		return nil, refused(http.StatusNotFound, "ResourceNotFound", "The audit log query '%s' was not found.", c.args[0])
	}
	return q, nil
}

func getAuditQuery(c *call) error {
	q, err := c.auditQuery()
	if err != nil {
		return err
	}
	return c.entity("security/auditLog/queries", queryType, c.queryView(q), nil)
}

// auditFind names what a query found, which does not change once it has run. A reset cloud has other tenants.
type auditFind struct {
	tenant *cloud.Tenant
	query  string
}

// foundBy is the rows that a query finds: those of the log as it was when the query was sent.
func (c *call) foundBy(q cloud.Object) []cloud.Object {
	key := auditFind{c.t, cloud.Str(q, "id")}
	if rows, ok := c.s.finds.Load(key); ok {
		return rows.([]cloud.Object)
	}
	sent, _ := moment(cloud.Str(q, submitted))
	from, ok := moment(cloud.Str(q, "filterStartDateTime"))
	if !ok {
		from = sent.AddDate(-1, 0, 0)
	}
	to, ok := moment(cloud.Str(q, "filterEndDateTime"))
	if !ok || to.After(sent) {
		to = sent
	}
	services := cloud.Strings(q, "serviceFilters")
	if s := cloud.Str(q, "serviceFilter"); s != "" {
		services = append(services, s)
	}
	found := cloud.AuditQuery{Users: cloud.Strings(q, "userPrincipalNameFilters"), Operations: cloud.Strings(q, "operationFilters"), RecordTypes: cloud.Strings(q, "recordTypeFilters"),
		IPs: cloud.Strings(q, "ipAddressFilters"), Objects: cloud.Strings(q, "objectIdFilters"), Workloads: services, Text: cloud.Str(q, "keywordFilter")}.Find(c.t.AuditEntries(from, to))
	rows := make([]cloud.Object, len(found))
	for i := range found {
		rows[len(rows)-1-i] = found[i].Row
	}
	c.s.finds.Store(key, rows)
	return rows
}

// listAuditRecords is GET …/records. Before a query has succeeded there are none.
// https://learn.microsoft.com/graph/api/security-auditlogquery-list-records
func listAuditRecords(c *call) error {
	q, err := c.auditQuery()
	if err != nil {
		return err
	}
	var rows []cloud.Object
	if c.auditStatus(q) == "succeeded" {
		rows = c.foundBy(q)
		rows = rows[:min(len(rows), auditRecords)]
	}
	if !c.has(auditAll) {
		rows = c.ownWorkload(rows)
	}
	l := listing{set: "security/auditLog/queries('" + cloud.Str(q, "id") + "')/records", typ: recordType, rows: rows, page: auditRecordsPage, max: 1000, options: "$filter $top", view: c.recordView}
	if c.q.Filter != "" { // the filter is over what is shown
		l.rows, l.view = make([]cloud.Object, len(rows)), nil
		for i, row := range rows {
			l.rows[i] = c.recordView(row)
		}
	}
	return c.list(l)
}

// ownWorkload is the rows of the workloads that the token's permissions name.
func (c *call) ownWorkload(rows []cloud.Object) []cloud.Object {
	var mine []string
	for permission, workload := range auditWorkloads {
		if c.has(permission) {
			mine = append(mine, workload)
		}
	}
	var out []cloud.Object
	for _, row := range rows {
		if slices.Contains(mine, cloud.Str(cloud.AuditData(row), "Workload")) {
			out = append(out, row)
		}
	}
	return out
}

var auditUserTypes = []string{"Regular", "Reserved", "Admin", "DcAdmin", "System", "Application", "ServicePrincipal", "CustomPolicy", "SystemPolicy", "PartnerTechnician", "Guest"}

func (c *call) recordView(row cloud.Object) cloud.Object {
	data := cloud.AuditData(row)
	kind := "Regular"
	if n := int(cloud.Num(data, "UserType")); n > 0 && n < len(auditUserTypes) {
		kind = auditUserTypes[n]
	}
	ip := cloud.Str(data, "ClientIP")
	if ip == "" {
		ip = cloud.Str(data, "ClientIPAddress")
	}
	upn := cloud.Str(row, "UserIds")
	if !strings.Contains(upn, "@") {
		upn = ""
	}
	return cloud.Object{"id": row["Identity"], "createdDateTime": row["CreationDate"], "auditLogRecordType": row["RecordType"], "operation": row["Operations"], "organizationId": c.t.ID,
		"userType": kind, "userId": orEmptyText(cloud.Str(data, "UserKey"), cloud.Str(row, "UserIds")), "service": data["Workload"], "objectId": data["ObjectId"], "userPrincipalName": upn, "clientIp": ip,
		"administrativeUnits": []any{}, "auditData": data}
}

func orEmptyText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
