package graph

import (
	"slices"
	"strings"
	"time"

	"cipp-mcp/sandbox/cloud"
	"cipp-mcp/sandbox/odata"
)

const logRoles = "Reports Reader,Security Reader,Security Operator,Security Administrator,Global Reader"

var logOperations = []op{
	{verb: "GET", path: "/auditLogs/signIns", app: "AuditLog.Read.All", roles: logRoles, do: listSignIns},
	{verb: "GET", path: "/auditLogs/signIns/{id}", app: "AuditLog.Read.All", roles: logRoles, do: getSignIn},
	{verb: "GET", path: "/auditLogs/directoryAudits", app: "AuditLog.Read.All Directory.Read.All Directory.ReadWrite.All", roles: logRoles, do: listAudits},
	{verb: "GET", path: "/auditLogs/directoryAudits/{id}", app: "AuditLog.Read.All Directory.Read.All Directory.ReadWrite.All", roles: logRoles, do: getAudit},
}

// signInFilters is the properties by which sign-ins are filtered, and the operators each takes.
var signInFilters = map[string]string{"createdDateTime": "eq le ge", "appId": "eq", "clientAppUsed": "eq", "conditionalAccessStatus": "eq", "correlationId": "eq", "id": "eq",
	"resourceId": "eq", "resourceDisplayName": "eq", "riskDetail": "eq", "riskLevelAggregated": "eq", "riskLevelDuringSignIn": "eq", "riskState": "eq",
	"riskEventTypes_v2": "any eq", "status/errorCode": "eq", "userId": "eq", "appDisplayName": "eq startswith", "ipAddress": "eq startswith",
	"userDisplayName": "eq startswith", "userPrincipalName": "eq startswith", "location/city": "eq startswith", "location/state": "eq startswith",
	"location/countryOrRegion": "eq startswith", "deviceDetail/browser": "eq startswith", "deviceDetail/operatingSystem": "eq startswith",
	"signInEventTypes": "any eq", "isInteractive": "eq", "authenticationRequirement": "eq", "sessionId": "eq", "uniqueTokenIdentifier": "eq"}

var auditFilters = map[string]string{"activityDateTime": "eq ge le", "activityDisplayName": "eq startswith", "category": "eq", "correlationId": "eq", "result": "eq",
	"loggedByService": "eq", "initiatedBy/user/id": "eq", "initiatedBy/user/userPrincipalName": "eq startswith", "initiatedBy/user/displayName": "eq startswith",
	"initiatedBy/app/appId": "eq", "initiatedBy/app/displayName": "eq", "targetResources": "any", "targetResources/id": "eq", "targetResources/displayName": "eq startswith"}

// logFilter refuses filters that the log does not take.
func (c *call) logFilter(typ string, allowed map[string]string) error {
	f, err := odata.ParseFilter(c.q.Filter, c.m, typ)
	if err != nil || f == nil {
		return err
	}
	for _, u := range f.Uses {
		if u.Operator == "in" || u.Operator == "ne" && typ == "signIn" && c.beta {
			continue
		}
		if !slices.Contains(strings.Fields(allowed[u.Property]), u.Operator) {
			return refused(400, "BadRequest", "Invalid filter clause: the operator '%s' is not supported for property '%s'.", u.Operator, u.Property)
		}
	}
	return nil
}

// kept is the rows inside the log's retention, newest first.
func (c *call) kept(rows []cloud.Object, key string) []cloud.Object {
	days := cloud.Num(c.t.Features, "entraLogDays")
	if days == 0 {
		days = 7
		if c.t.Premium() {
			days = 30
		}
	}
	from := c.t.Now().Add(-time.Duration(days * float64(24*time.Hour)))
	out := make([]cloud.Object, 0, len(rows))
	for _, r := range rows {
		if at, ok := moment(cloud.Str(r, key)); ok && !at.Before(from) {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b cloud.Object) int {
		x, _ := moment(cloud.Str(a, key))
		y, _ := moment(cloud.Str(b, key))
		return y.Compare(x)
	})
	return out
}

// signIns is the sign-in rows of this version: v1.0 has interactive ones only, beta all.
func (c *call) signIns() []cloud.Object {
	rows := c.t.Collection("signIns").All()
	if !c.beta {
		kept := make([]cloud.Object, 0, len(rows))
		for _, r := range rows {
			if interactive(r) {
				kept = append(kept, r)
			}
		}
		rows = kept
	}
	rows = c.kept(rows, "createdDateTime")
	if !c.has("Policy.Read.All", "Policy.Read.ConditionalAccess", "Policy.ReadWrite.ConditionalAccess") {
		for i, r := range rows {
			rows[i] = merged(r, cloud.Object{"appliedConditionalAccessPolicies": []any{}})
		}
	}
	return rows
}

func interactive(r cloud.Object) bool {
	if types := cloud.Strings(r, "signInEventTypes"); len(types) > 0 {
		return slices.Contains(types, "interactiveUser")
	}
	return r["isInteractive"] != false
}

func (c *call) maySeeSignIns() error {
	if !c.t.Premium() || c.t.Features["signInApi"] == false {
		return notPremium()
	}
	return nil
}

// listSignIns is GET /auditLogs/signIns.
// https://learn.microsoft.com/graph/api/signin-list
func listSignIns(c *call) error {
	if err := c.maySeeSignIns(); err != nil {
		return err
	}
	if err := c.logFilter("signIn", signInFilters); err != nil {
		return err
	}
	return c.list(listing{set: "auditLogs/signIns", typ: "signIn", rows: c.signIns(), page: 1000, max: 1000, options: "$filter $top $orderby", orderable: []string{"createdDateTime"}})
}

func getSignIn(c *call) error {
	if err := c.maySeeSignIns(); err != nil {
		return err
	}
	for _, r := range c.signIns() {
		if cloud.Str(r, "id") == c.args[0] {
			return c.entity("auditLogs/signIns", "signIn", r, nil)
		}
	}
	return notFound(c.args[0])
}

// listAudits is GET /auditLogs/directoryAudits.
// https://learn.microsoft.com/graph/api/directoryaudit-list
func listAudits(c *call) error {
	if err := c.logFilter("directoryAudit", auditFilters); err != nil {
		return err
	}
	return c.list(listing{set: "auditLogs/directoryAudits", typ: "directoryAudit", rows: c.kept(c.t.Collection("directoryAudits").All(), "activityDateTime"),
		page: 1000, max: 1000, options: "$filter $top $orderby", orderable: []string{"activityDateTime"}})
}

func getAudit(c *call) error {
	r := c.t.Collection("directoryAudits").Get(c.args[0])
	if r == nil {
		return notFound(c.args[0])
	}
	return c.entity("auditLogs/directoryAudits", "directoryAudit", r, nil)
}
