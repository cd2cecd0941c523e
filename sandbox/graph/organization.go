package graph

import (
	"strings"

	"cipp-mcp/sandbox/cloud"
)

const organizationRead = "Organization.Read.All Organization.ReadWrite.All Directory.Read.All Directory.ReadWrite.All DeviceManagementServiceConfig.Read.All"

var organizationOperations = []op{
	{verb: "GET", path: "/organization", app: organizationRead, del: organizationRead + " User.Read", do: listOrganization},
	{verb: "GET", path: "/organization/{id}", app: organizationRead, del: organizationRead + " User.Read", do: getOrganization},
	{verb: "GET", path: "/domains", app: "Domain.Read.All Domain.ReadWrite.All Directory.Read.All Directory.ReadWrite.All", do: listDomains},
	{verb: "GET", path: "/domains/{id}", app: "Domain.Read.All Domain.ReadWrite.All Directory.Read.All Directory.ReadWrite.All", do: getDomain},
	{verb: "GET", path: "/domains/{id}/federationConfiguration", app: "Domain.Read.All Domain.ReadWrite.All Directory.Read.All Directory.ReadWrite.All", do: federation},
}

func (c *call) organization() cloud.Object {
	var domains []any
	for _, d := range c.t.Domains {
		if cloud.Bool(d, "isVerified") {
			domains = append(domains, cloud.Object{"capabilities": "Email, OfficeCommunicationsOnline", "isDefault": cloud.Bool(d, "isDefault"),
				"isInitial": cloud.Bool(d, "isInitial"), "name": d["id"], "type": authenticationType(d)})
		}
	}
	if !c.has(strings.Fields(organizationRead)...) {
		return cloud.Object{"id": c.t.ID, "displayName": c.t.DisplayName, "verifiedDomains": domains}
	}
	var synced any
	for _, u := range c.t.Users().All() {
		if cloud.Bool(u, "onPremisesSyncEnabled") {
			synced = true
			break
		}
	}
	plans := []any{}
	for _, s := range c.t.Collection("subscribedSkus").All() {
		for _, p := range cloud.Objects(s, "servicePlans") {
			plans = append(plans, cloud.Object{"assignedDateTime": nil, "capabilityStatus": "Enabled", "service": p["servicePlanName"], "servicePlanId": p["servicePlanId"]})
		}
	}
	base := cloud.Object{"id": c.t.ID, "displayName": c.t.DisplayName, "tenantType": "AAD", "countryLetterCode": nil, "createdDateTime": nil,
		"onPremisesSyncEnabled": synced, "onPremisesLastSyncDateTime": nil, "assignedPlans": plans, "provisionedPlans": []any{},
		"technicalNotificationMails": []any{}, "securityComplianceNotificationMails": []any{}, "verifiedDomains": domains}
	if list := c.t.Collection("organization").All(); len(list) > 0 {
		base = merged(base, list[0])
		base["id"], base["verifiedDomains"] = c.t.ID, domains
	}
	return base
}

func authenticationType(d cloud.Object) string {
	if s := cloud.Str(d, "authenticationType"); s != "" {
		return s
	}
	return "Managed"
}

func listOrganization(c *call) error {
	return c.list(listing{set: "organization", typ: "organization", rows: []cloud.Object{c.organization()}, options: "$select $expand $top"})
}

func getOrganization(c *call) error {
	if !strings.EqualFold(c.args[0], c.t.ID) {
		return notFound(c.args[0])
	}
	return c.entity("organization", "organization", c.organization(), nil)
}

func domainView(d cloud.Object) cloud.Object {
	return merged(cloud.Object{"availabilityStatus": nil, "isAdminManaged": true, "isDefault": false, "isInitial": false, "isRoot": true, "isVerified": false,
		"passwordNotificationWindowInDays": nil, "passwordValidityPeriodInDays": nil, "supportedServices": []any{"Email", "OfficeCommunicationsOnline"},
		"state": nil, "model": nil}, merged(d, cloud.Object{"authenticationType": authenticationType(d)}))
}

func listDomains(c *call) error {
	rows := make([]cloud.Object, len(c.t.Domains))
	for i, d := range c.t.Domains {
		rows[i] = domainView(d)
	}
	return c.list(listing{set: "domains", typ: "domain", rows: rows, options: "$select $filter $top $count"})
}

func getDomain(c *call) error {
	d := c.t.Domain(c.args[0])
	if d == nil {
		return notFound(c.args[0])
	}
	return c.entity("domains", "domain", domainView(d), nil)
}

func federation(c *call) error {
	d := c.t.Domain(c.args[0])
	if d == nil {
		return notFound(c.args[0])
	}
	var rows []cloud.Object
	if f := cloud.Child(d, "federationConfiguration"); f != nil {
		rows = append(rows, f)
	}
	rows = append(rows, cloud.Objects(d, "federationConfiguration")...)
	return c.list(listing{set: "domains('" + cloud.Str(d, "id") + "')/federationConfiguration", typ: "internalDomainFederation", rows: rows})
}
