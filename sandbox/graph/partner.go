package graph

import (
	"strings"
	"time"

	"cipp-mcp/sandbox/cloud"
)

const relationRead = "DelegatedAdminRelationship.Read.All DelegatedAdminRelationship.ReadWrite.All"

var partnerOperations = []op{
	{verb: "GET", path: "/tenantRelationships/delegatedAdminRelationships", app: relationRead, do: listRelationships},
	{verb: "GET", path: "/tenantRelationships/delegatedAdminRelationships/{id}", app: relationRead, do: getRelationship},
	{verb: "GET", path: "/tenantRelationships/delegatedAdminRelationships/{id}/accessAssignments", app: relationRead, do: listAccessAssignments},
	{verb: "GET", path: "/tenantRelationships/delegatedAdminCustomers", app: relationRead, do: listCustomers},
	{verb: "GET", path: "/tenantRelationships/delegatedAdminCustomers/{id}", app: relationRead, do: getCustomer},
	{verb: "GET", path: "/tenantRelationships/findTenantInformationByTenantId/{id}", app: "CrossTenantInformation.ReadBasic.All", do: tenantByID},
	{verb: "GET", path: "/tenantRelationships/findTenantInformationByDomainName/{id}", app: "CrossTenantInformation.ReadBasic.All", do: tenantByDomain},
	{verb: "GET", path: "/contracts", app: "Directory.Read.All Directory.ReadWrite.All", do: listContracts},
	{verb: "GET", path: "/contracts/{id}", app: "Directory.Read.All Directory.ReadWrite.All", do: getContract},
}

// customers is the tenants the caller manages: relationships are seen in the partner's tenant; a customer's holds none that it gives.
func (c *call) customers() []*cloud.Tenant {
	if !c.t.IsPartner() {
		return nil
	}
	return c.s.cloud.Customers()
}

// relationships is the delegated admin relationships of a partner: as the customer's state lists them, else made
// from its summary.
func (c *call) relationships() []cloud.Object {
	out := append([]cloud.Object(nil), c.t.Collection("delegatedAdminRelationships").All()...)
	for _, t := range c.customers() {
		t.RLock()
		listed := t.Collection("delegatedAdminRelationships").All()
		switch {
		case len(listed) > 0:
			for _, r := range listed {
				out = append(out, merged(cloud.Object{"customer": cloud.Object{"tenantId": t.ID, "displayName": t.DisplayName}}, r))
			}
		case t.GDAP != nil:
			out = append(out, summary(t))
		}
		t.RUnlock()
	}
	return out
}

func summary(t *cloud.Tenant) cloud.Object {
	g := t.GDAP
	now := t.Now()
	roles := []any{}
	for _, name := range cloud.Strings(g, "roles") {
		if r, ok := cloud.RoleByName(name); ok {
			roles = append(roles, cloud.Object{"roleDefinitionId": r.TemplateID})
		}
	}
	text := func(key, otherwise string) string {
		if s := cloud.Str(g, key); s != "" {
			return s
		}
		return otherwise
	}
	end, ok := moment(cloud.Str(g, "endDateTime"))
	if !ok {
		end = now.Truncate(24*time.Hour).AddDate(1, 0, 0)
	}
	begin := end.AddDate(-2, 0, 0)
	status := text("status", "active")
	if status == "active" && !now.Before(end) {
		status = "expired"
	}
	return cloud.Object{"@odata.etag": `W/"` + cloud.DerivedID(t.ID, "etag") + `"`, "id": text("id", cloud.DerivedID(t.ID, "relationship")+"-"+cloud.DerivedID(t.ID, "relationship", "2")),
		"displayName": text("displayName", t.DisplayName+" administration"), "duration": text("duration", "P730D"), "autoExtendDuration": text("autoExtendDuration", "P180D"),
		"customer":      cloud.Object{"tenantId": t.ID, "displayName": t.DisplayName},
		"accessDetails": cloud.Object{"unifiedRoles": roles}, "status": status, "createdDateTime": text("createdDateTime", cloud.Stamp(begin)),
		"lastModifiedDateTime": cloud.Stamp(begin), "activatedDateTime": text("activatedDateTime", cloud.Stamp(begin)), "endDateTime": cloud.Stamp(end)}
}

// listRelationships is GET /tenantRelationships/delegatedAdminRelationships.
// https://learn.microsoft.com/graph/api/tenantrelationship-list-delegatedadminrelationships
func listRelationships(c *call) error {
	return c.list(listing{set: "tenantRelationships/delegatedAdminRelationships", typ: "delegatedAdminRelationship", rows: c.relationships(), page: 300, max: 300,
		options: "$select $filter $orderby $count $top"})
}

func (c *call) relationship(id string) (cloud.Object, error) {
	for _, r := range c.relationships() {
		if strings.EqualFold(cloud.Str(r, "id"), id) {
			return r, nil
		}
	}
	return nil, refused(404, "notFound", "The delegated admin relationship '%s' was not found.", id)
}

func getRelationship(c *call) error {
	r, err := c.relationship(c.args[0])
	if err != nil {
		return err
	}
	return c.entity("tenantRelationships/delegatedAdminRelationships", "delegatedAdminRelationship", r, nil)
}

// listAccessAssignments is which of the partner's security groups holds which of the relationship's roles.
func listAccessAssignments(c *call) error {
	r, err := c.relationship(c.args[0])
	if err != nil {
		return err
	}
	customer := c.s.cloud.Tenant(cloud.Str(cloud.Child(r, "customer"), "tenantId"))
	var rows []cloud.Object
	add := func(group string, details any) {
		rows = append(rows, cloud.Object{"@odata.etag": `W/"1"`, "id": cloud.DerivedID(cloud.Str(r, "id"), group), "status": "active",
			"createdDateTime": r["createdDateTime"], "lastModifiedDateTime": r["lastModifiedDateTime"],
			"accessContainer": cloud.Object{"accessContainerId": group, "accessContainerType": "securityGroup"}, "accessDetails": details})
	}
	if customer != nil {
		list := cloud.Objects(customer.GDAP, "accessAssignments")
		for _, a := range list {
			roles := []any{}
			for _, name := range cloud.Strings(a, "roles") {
				if role, ok := cloud.RoleByName(name); ok {
					roles = append(roles, cloud.Object{"roleDefinitionId": role.TemplateID})
				}
			}
			add(cloud.Str(a, "group"), cloud.Object{"unifiedRoles": roles})
		}
		if len(list) == 0 {
			seen := map[string]bool{}
			for _, u := range c.s.cloud.Partner().Users {
				for _, g := range u.GDAPGroups {
					if !seen[g] {
						seen[g] = true
						add(g, r["accessDetails"])
					}
				}
			}
		}
	}
	return c.list(listing{set: "tenantRelationships/delegatedAdminRelationships('" + cloud.Str(r, "id") + "')/accessAssignments", typ: "delegatedAdminAccessAssignment", rows: rows})
}

func (c *call) customerRows() []cloud.Object {
	var out []cloud.Object
	for _, t := range c.customers() {
		if t.GDAP != nil {
			out = append(out, cloud.Object{"id": t.ID, "tenantId": t.ID, "displayName": t.DisplayName})
		}
	}
	return out
}

func listCustomers(c *call) error {
	return c.list(listing{set: "tenantRelationships/delegatedAdminCustomers", typ: "delegatedAdminCustomer", rows: c.customerRows(), page: 300, max: 300, options: "$select $filter $orderby $count $top"})
}

func getCustomer(c *call) error {
	for _, o := range c.customerRows() {
		if strings.EqualFold(cloud.Str(o, "id"), c.args[0]) {
			return c.entity("tenantRelationships/delegatedAdminCustomers", "delegatedAdminCustomer", o, nil)
		}
	}
	return refused(404, "notFound", "The customer '%s' was not found.", c.args[0])
}

// tenantByID names any tenant; it takes no relationship with it.
func tenantByID(c *call) error {
	id, ok := strings.CutPrefix(c.args[0], "tenantId=")
	if !ok || !cloud.IsGUID(id) {
		return badRequest("Invalid tenant identifier '%s'.", c.args[0])
	}
	return c.tenantInformation(id)
}

func tenantByDomain(c *call) error {
	name, ok := strings.CutPrefix(c.args[0], "domainName=")
	if !ok || cloud.IsGUID(name) {
		return badRequest("Invalid domain name '%s'.", c.args[0])
	}
	return c.tenantInformation(name)
}

func (c *call) tenantInformation(key string) error {
	t := c.s.cloud.Tenant(key)
	if t == nil {
		return refused(404, "Directory_ObjectNotFound", "Unable to read the company information from the directory.")
	}
	return c.plain("microsoft.graph.tenantInformation", cloud.Object{"tenantId": t.ID, "displayName": t.DisplayName, "defaultDomainName": t.DefaultDomain, "federationBrandName": nil})
}

func (c *call) contracts() []cloud.Object {
	out := append([]cloud.Object(nil), c.t.Collection("contracts").All()...)
	if len(out) > 0 {
		return out
	}
	for _, t := range c.customers() {
		out = append(out, cloud.Object{"id": cloud.DerivedID(t.ID, "contract"), "deletedDateTime": nil, "contractType": "ResellerPartner", "customerId": t.ID,
			"defaultDomainName": t.DefaultDomain, "displayName": t.DisplayName})
	}
	return out
}

// listContracts is GET /contracts, the reseller's list of customers.
func listContracts(c *call) error {
	return c.list(listing{set: "contracts", typ: "contract", rows: c.contracts(), page: 100, max: 999, options: "$filter $select $top $count"})
}

func getContract(c *call) error {
	for _, o := range c.contracts() {
		if strings.EqualFold(cloud.Str(o, "id"), c.args[0]) {
			return c.entity("contracts", "contract", o, nil)
		}
	}
	return notFound(c.args[0])
}
