package graph

import (
	"strings"

	"cipp-mcp/sandbox/cloud"
)

const riskRoles = "Global Reader,Security Operator,Security Reader,Security Administrator"

var riskOperations = []op{
	{verb: "GET", path: "/identityProtection/riskyUsers", app: "IdentityRiskyUser.Read.All IdentityRiskyUser.ReadWrite.All", roles: riskRoles, do: listRiskyUsers},
	{verb: "GET", path: "/identityProtection/riskyUsers/{id}", app: "IdentityRiskyUser.Read.All IdentityRiskyUser.ReadWrite.All", roles: riskRoles, do: getRiskyUser},
	{verb: "GET", path: "/identityProtection/riskyUsers/{id}/history", app: "IdentityRiskyUser.Read.All IdentityRiskyUser.ReadWrite.All", roles: riskRoles, do: riskHistory},
	{verb: "POST", path: "/identityProtection/riskyUsers/dismiss", app: "IdentityRiskyUser.ReadWrite.All", roles: "Security Operator,Security Administrator",
		do: func(c *call) error { return setRisk(c, "none", "dismissed", "adminDismissedAllRiskForUser") }},
	{verb: "POST", path: "/identityProtection/riskyUsers/confirmCompromised", app: "IdentityRiskyUser.ReadWrite.All", roles: "Security Operator,Security Administrator",
		do: func(c *call) error {
			return setRisk(c, "high", "confirmedCompromised", "adminConfirmedUserCompromised")
		}},
	{verb: "GET", path: "/identityProtection/riskDetections", app: "IdentityRiskEvent.Read.All IdentityRiskEvent.ReadWrite.All", roles: riskRoles, do: listDetections},
	{verb: "GET", path: "/identityProtection/riskDetections/{id}", app: "IdentityRiskEvent.Read.All IdentityRiskEvent.ReadWrite.All", roles: riskRoles, do: getDetection},
}

func (c *call) protection(p2 bool) error {
	if !c.t.Premium() || p2 && !c.t.PremiumP2() {
		return refused(403, "Forbidden", "Your tenant is not licensed for this feature.")
	}
	return nil
}

func listRiskyUsers(c *call) error {
	if err := c.protection(true); err != nil {
		return err
	}
	return c.list(listing{set: "identityProtection/riskyUsers", typ: "riskyUser", rows: c.t.Collection("riskyUsers").All(), page: 500, max: 500, options: "$filter $select $top $orderby $count"})
}

func getRiskyUser(c *call) error {
	if err := c.protection(true); err != nil {
		return err
	}
	o := c.t.Collection("riskyUsers").Get(c.args[0])
	if o == nil {
		return refused(404, "ResourceNotFound", "Risky user %s was not found.", c.args[0])
	}
	return c.entity("identityProtection/riskyUsers", "riskyUser", o, nil)
}

// riskHistory is how a user's risk came about: the detections, each at its time, and what the record says now. The
// state keeps no history of its own, so an earlier verdict of an administrator is not in it.
// https://learn.microsoft.com/graph/api/riskyuser-list-history
func riskHistory(c *call) error {
	if err := c.protection(true); err != nil {
		return err
	}
	o := c.t.Collection("riskyUsers").Get(c.args[0])
	if o == nil {
		return refused(404, "ResourceNotFound", "Risky user %s was not found.", c.args[0])
	}
	entry := func(of cloud.Object, at, by any, kinds []any) cloud.Object {
		return merged(o, cloud.Object{"id": cloud.DerivedID(cloud.Str(o, "id"), "history", cloud.Str(of, "id")), "userId": o["id"], "riskLevel": of["riskLevel"], "riskState": of["riskState"],
			"riskDetail": of["riskDetail"], "riskLastUpdatedDateTime": at, "initiatedBy": by, "activity": cloud.Object{"detail": of["riskDetail"], "riskEventTypes": kinds}})
	}
	var rows []cloud.Object
	for _, d := range c.t.Collection("riskDetections").All() {
		if strings.EqualFold(cloud.Str(d, "userId"), cloud.Str(o, "id")) {
			rows = append(rows, entry(d, d["detectedDateTime"], nil, []any{d["riskEventType"]}))
		}
	}
	if strings.HasPrefix(cloud.Str(o, "riskDetail"), "admin") {
		rows = append(rows, entry(o, o["riskLastUpdatedDateTime"], "administrator", []any{}))
	}
	return c.list(listing{set: "identityProtection/riskyUsers('" + cloud.Str(o, "id") + "')/history", typ: "riskyUserHistoryItem", rows: rows, page: 100, max: 500, options: "$filter $select $top $orderby"})
}

// setRisk is the administrator's verdict on users.
func setRisk(c *call, level, state, detail string) error {
	if err := c.protection(true); err != nil {
		return err
	}
	in, err := c.json(true)
	if err != nil {
		return err
	}
	ids := cloud.Strings(in, "userIds")
	if len(ids) == 0 || len(ids) > 60 {
		return badRequest("userIds must hold between 1 and 60 ids.")
	}
	for _, id := range ids {
		if c.t.User(id) == nil || !cloud.IsGUID(id) {
			return notFound(id)
		}
	}
	for _, id := range ids {
		u := c.t.User(id)
		row := c.t.Collection("riskyUsers").Get(id)
		if row == nil {
			row = cloud.Object{"id": cloud.Str(u, "id"), "isDeleted": false, "isProcessing": false, "userDisplayName": u["displayName"], "userPrincipalName": u["userPrincipalName"]}
			c.t.Collection("riskyUsers").Add(row)
		}
		row["riskLevel"], row["riskState"], row["riskDetail"], row["riskLastUpdatedDateTime"] = level, state, detail, cloud.Stamp(c.t.Now())
		c.audit("UserManagement", strings.ToUpper(state[:1])+state[1:]+" risk of user", "Update", u, "User")
	}
	return nil
}

func listDetections(c *call) error {
	if err := c.protection(false); err != nil {
		return err
	}
	rows := c.t.Collection("riskDetections").All()
	if !c.t.PremiumP2() {
		generic := make([]cloud.Object, len(rows))
		for i, r := range rows {
			generic[i] = merged(r, cloud.Object{"riskEventType": "generic", "riskDetail": "hidden", "riskLevel": "hidden"})
		}
		rows = generic
	}
	return c.list(listing{set: "identityProtection/riskDetections", typ: "riskDetection", rows: rows, page: 20, max: 500, options: "$filter $select $top"})
}

func getDetection(c *call) error {
	if err := c.protection(false); err != nil {
		return err
	}
	o := c.t.Collection("riskDetections").Get(c.args[0])
	if o == nil {
		return refused(404, "ResourceNotFound", "Risk detection %s was not found.", c.args[0])
	}
	return c.entity("identityProtection/riskDetections", "riskDetection", o, nil)
}
