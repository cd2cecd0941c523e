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

// retained is since when the log goes back.
func (c *call) retained() time.Time {
	days := cloud.Num(c.t.Features, "entraLogDays")
	if days == 0 {
		days = 7
		if c.t.Premium() {
			days = 30
		}
	}
	return c.t.Now().Add(-time.Duration(days * float64(24*time.Hour)))
}

// signIns is the sign-in rows of this version inside the log's retention, the newest first: v1.0 has interactive
// ones only, and so has beta where the filter does not name the kinds of events it is about.
func (c *call) signIns(kinds bool) []cloud.Object {
	all := c.t.Logged("signIns", "createdDateTime", c.retained())
	if c.beta && kinds {
		return all
	}
	rows := make([]cloud.Object, 0, len(all))
	for _, r := range all {
		if interactive(r) {
			rows = append(rows, r)
		}
	}
	return rows
}

// newer are values of enumerations that came after unknownFutureValue: they are shown to those who ask for them.
// https://learn.microsoft.com/graph/best-practices-concept
var newer = map[string][]string{
	"incomingTokenType":      {"remoteDesktopToken", "refreshToken"},
	"authenticationProtocol": {"authenticationTransfer", "nativeAuth", "implicitAccessTokenAndGetResponseMode", "implicitIdTokenAndGetResponseMode", "implicitAccessTokenAndPostResponseMode", "implicitIdTokenAndPostResponseMode"},
	"crossTenantAccessType":  {"passthrough"},
}

// signInView is a sign-in as this caller and version see it. The state keeps all of beta's fields.
func (c *call) signInView() func(cloud.Object) cloud.Object {
	policies := c.has("Policy.Read.All", "Policy.Read.ConditionalAccess", "Policy.ReadWrite.ConditionalAccess")
	unknown := !strings.Contains(strings.ToLower(strings.Join(c.r.Header.Values("Prefer"), ",")), "include-unknown-enum-members")
	return func(r cloud.Object) cloud.Object {
		change := cloud.Object{}
		if !policies {
			change["appliedConditionalAccessPolicies"] = []any{}
		}
		if d := cloud.Child(r, "deviceDetail"); !c.beta && d["browserId"] != nil {
			d = merged(d, nil)
			delete(d, "browserId")
			change["deviceDetail"] = d
		}
		for name, values := range newer {
			if c.beta && unknown && slices.Contains(values, cloud.Str(r, name)) {
				change[name] = "unknownFutureValue"
			}
		}
		if len(change) == 0 {
			return r
		}
		return merged(r, change)
	}
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
	kinds := strings.Contains(strings.ToLower(c.q.Filter), "signineventtypes") || strings.Contains(strings.ToLower(c.q.Filter), "isinteractive")
	return c.list(listing{set: "auditLogs/signIns", typ: "signIn", rows: c.signIns(kinds), view: c.signInView(), newest: "createdDateTime", page: 1000, max: 1000, options: "$filter $top $orderby", orderable: []string{"createdDateTime"}})
}

func getSignIn(c *call) error {
	if err := c.maySeeSignIns(); err != nil {
		return err
	}
	r := c.t.Collection("signIns").Get(c.args[0])
	if at, ok := moment(cloud.Str(r, "createdDateTime")); r == nil || !ok || at.Before(c.retained()) || !c.beta && !interactive(r) {
		return notFound(c.args[0])
	}
	return c.entity("auditLogs/signIns", "signIn", c.signInView()(r), nil)
}

// listAudits is GET /auditLogs/directoryAudits.
// https://learn.microsoft.com/graph/api/directoryaudit-list
func listAudits(c *call) error {
	if err := c.logFilter("directoryAudit", auditFilters); err != nil {
		return err
	}
	return c.list(listing{set: "auditLogs/directoryAudits", typ: "directoryAudit", rows: c.t.Logged("directoryAudits", "activityDateTime", c.retained()),
		newest: "activityDateTime", page: 1000, max: 1000, options: "$filter $top $orderby", orderable: []string{"activityDateTime"}})
}

func getAudit(c *call) error {
	r := c.t.Collection("directoryAudits").Get(c.args[0])
	if r == nil {
		return notFound(c.args[0])
	}
	return c.entity("auditLogs/directoryAudits", "directoryAudit", r, nil)
}
