package graph

import (
	"strings"

	"cipp-mcp/sandbox/cloud"
)

const spRead = "Application.Read.All Application.ReadWrite.All Application.ReadWrite.OwnedBy Directory.Read.All Directory.ReadWrite.All"

var applicationOperations = []op{
	{verb: "GET", path: "/servicePrincipals", app: spRead, do: listServicePrincipals},
	{verb: "GET", path: "/servicePrincipals/$count", app: spRead, do: countServicePrincipals},
	{verb: "GET", path: "/servicePrincipals/{id}", app: spRead, do: getServicePrincipal},
	{verb: "PATCH", path: "/servicePrincipals/{id}", app: "Application.ReadWrite.All Directory.ReadWrite.All", roles: appRoles, do: updateServicePrincipal},
	{verb: "GET", path: "/servicePrincipals/{id}/oauth2PermissionGrants", app: grantRead, do: servicePrincipalGrants},
	{verb: "GET", path: "/servicePrincipals/{id}/owners", app: spRead, do: servicePrincipalOwners},
	{verb: "GET", path: "/applications", app: spRead, do: listApplications},
	{verb: "GET", path: "/applications/{id}", app: spRead, do: getApplication},
	{verb: "GET", path: "/applications/{id}/owners", app: spRead, do: applicationOwners},
}

func (c *call) servicePrincipals() listing {
	return listing{set: "servicePrincipals", typ: "servicePrincipal", rows: c.t.Collection("servicePrincipals").All(), page: 100, max: 999, directory: true}
}

func listServicePrincipals(c *call) error  { return c.list(c.servicePrincipals()) }
func countServicePrincipals(c *call) error { return c.count(c.servicePrincipals()) }

// servicePrincipal is found by object id, or by the alternate key appId.
func (c *call) servicePrincipal(key string) (cloud.Object, error) {
	appID, byApp := strings.CutPrefix(key, "appId=")
	for _, sp := range c.t.Collection("servicePrincipals").All() {
		if byApp && strings.EqualFold(cloud.Str(sp, "appId"), appID) || strings.EqualFold(cloud.Str(sp, "id"), key) {
			return sp, nil
		}
	}
	return nil, notFound(key)
}

func getServicePrincipal(c *call) error {
	sp, err := c.servicePrincipal(c.args[0])
	if err != nil {
		return err
	}
	return c.entity("servicePrincipals", "servicePrincipal", sp, nil)
}

// updateServicePrincipal is PATCH /servicePrincipals/{id}; accountEnabled false keeps everybody out of the
// application.
func updateServicePrincipal(c *call) error {
	sp, err := c.servicePrincipal(c.args[0])
	if err != nil {
		return err
	}
	o, _, err := c.body(rules{resource: "ServicePrincipal", typ: "servicePrincipal",
		readOnly: []string{"id", "deletedDateTime", "appId", "appDisplayName", "appOwnerOrganizationId", "signInAudience"}})
	if err != nil {
		return err
	}
	before := cloud.Copy(sp)
	var changed []cloud.Modified
	for _, name := range sorted(o) {
		changed = append(changed, cloud.Modified{Name: strings.ToUpper(name[:1]) + name[1:], Old: jsonText(sp[name]), New: jsonText(o[name])})
		sp[name] = o[name]
	}
	c.wrote(cloud.Str(sp, "id"), before)
	c.audit("ApplicationManagement", "Update service principal", "Update", sp, "ServicePrincipal", changed...)
	return nil
}

func servicePrincipalGrants(c *call) error {
	sp, err := c.servicePrincipal(c.args[0])
	if err != nil {
		return err
	}
	var rows []cloud.Object
	for _, g := range c.t.Collection("oauth2PermissionGrants").All() {
		if strings.EqualFold(cloud.Str(g, "clientId"), cloud.Str(sp, "id")) {
			rows = append(rows, g)
		}
	}
	return c.list(listing{set: "oauth2PermissionGrants", typ: "oAuth2PermissionGrant", rows: rows, page: 100, max: 999})
}

func servicePrincipalOwners(c *call) error {
	sp, err := c.servicePrincipal(c.args[0])
	if err != nil {
		return err
	}
	return c.list(c.objects(c.related(sp, "owners"), ""))
}

func listApplications(c *call) error {
	return c.list(listing{set: "applications", typ: "application", rows: c.t.Collection("applications").All(), page: 100, max: 999, directory: true})
}

func getApplication(c *call) error {
	o := c.t.Collection("applications").Get(c.args[0])
	if o == nil {
		return notFound(c.args[0])
	}
	return c.entity("applications", "application", o, nil)
}

// applicationOwners is GET /applications/{id}/owners.
// https://learn.microsoft.com/graph/api/application-list-owners
func applicationOwners(c *call) error {
	o := c.t.Collection("applications").Get(c.args[0])
	if o == nil {
		return notFound(c.args[0])
	}
	return c.list(c.objects(c.related(o, "owners"), ""))
}
