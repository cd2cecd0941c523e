package graph

import (
	"net/http"

	"cipp-mcp/sandbox/cloud"
)

const alertReaders = "SecurityAlert.Read.All SecurityAlert.ReadWrite.All"

// A tenant without any Defender product is refused with 403 like one that has not consented; the words differ.
// https://learn.microsoft.com/graph/api/security-list-alerts_v2
var alertOperations = []op{
	{verb: "GET", path: "/security/alerts_v2", app: alertReaders, roles: riskRoles, family: "security", do: listAlerts},
	{verb: "GET", path: "/security/alerts_v2/{id}", app: alertReaders, roles: riskRoles, family: "security", do: getAlert},
}

const alertType = "security.alert"

// alertFilters are the properties that the page names for $filter; which operators each takes it does not say.
var alertFilters = map[string]string{"assignedTo": "eq ne", "classification": "eq ne", "determination": "eq ne", "createdDateTime": "eq ne gt ge lt le", "lastUpdateDateTime": "eq ne gt ge lt le",
	"severity": "eq ne", "serviceSource": "eq ne", "status": "eq ne"}

// defended refuses a tenant that has no Defender product. Microsoft's words for it are not published; that it is 403, and
// not the sentence about missing roles, is what those who ran into it tell.
func (c *call) defended() error {
	if !c.t.Defender() {
		return refused(http.StatusForbidden, "Forbidden", "The tenant is not onboarded to this service.")
	}
	return nil
}

// listAlerts is GET /security/alerts_v2, the newest first.
func listAlerts(c *call) error {
	if err := c.defended(); err != nil {
		return err
	}
	if err := c.logFilter(alertType, alertFilters); err != nil {
		return err
	}
	return c.list(listing{set: "security/alerts_v2", typ: alertType, rows: c.alerts(), page: 100, max: 2000, options: "$filter $top $skip $count", newest: "createdDateTime"})
}

func (c *call) alerts() []cloud.Object {
	rows := c.t.Logged("alerts", "createdDateTime", c.t.Now().AddDate(0, 0, -alertDays))
	for i, r := range rows {
		rows[i] = merged(cloud.Object{"@odata.type": "#microsoft.graph.security.alert", "tenantId": c.t.ID}, r)
	}
	return rows
}

// alertDays is how long Defender keeps alerts.
const alertDays = 180

func getAlert(c *call) error {
	if err := c.defended(); err != nil {
		return err
	}
	for _, r := range c.alerts() {
		if cloud.Str(r, "id") == c.args[0] {
			return c.entity("security/alerts_v2", alertType, r, nil)
		}
	}
	return refused(http.StatusNotFound, "NotFound", "The alert %s was not found.", c.args[0])
}
