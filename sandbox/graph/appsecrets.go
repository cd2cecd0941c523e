package graph

import (
	"net/http"
	"slices"

	"cipp-mcp/sandbox/cloud"
	"cipp-mcp/sandbox/signin"
)

const secretWrite = "Application.ReadWrite.All Directory.ReadWrite.All"

var secretOperations = []op{
	{verb: "POST", path: "/servicePrincipals", app: secretWrite, roles: appRoles, do: createServicePrincipal},
	{verb: "POST", path: "/servicePrincipals/{id}/addPassword", app: secretWrite, roles: appRoles, do: addPassword},
	{verb: "POST", path: "/servicePrincipals/{id}/removePassword", app: secretWrite, roles: appRoles, do: removePassword},
}

// createServicePrincipal is POST /servicePrincipals: it brings an application into the tenant.
// https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals
func createServicePrincipal(c *call) error {
	in, err := c.json(true)
	if err != nil {
		return err
	}
	appID := cloud.Str(in, "appId")
	switch {
	case !cloud.IsGUID(appID):
		return invalidValue("appId", "ServicePrincipal")
	case appID != signin.PushApp: // of other applications the sandbox knows nothing
		return badRequest("The appId '%s' of the service principal does not reference a valid application object.", appID)
	}
	if _, err := c.servicePrincipal("appId=" + appID); err == nil {
		return refused(http.StatusConflict, "Request_MultipleObjectsWithSameKeyValue", "The service principal cannot be created, updated, or restored because the service principal name %s is already in use.", appID)
	}
	o := cloud.Object{"id": c.t.NewID(), "appId": appID, "displayName": "Azure Multi-Factor Auth Client", "accountEnabled": true, "servicePrincipalType": "Application",
		"appOwnerOrganizationId": "f8cdef31-a31e-4b4a-93e4-5f571e91255a", "passwordCredentials": []any{}}
	c.t.Collection("servicePrincipals").Add(o)
	c.wrote(cloud.Str(o, "id"), nil)
	c.audit("ApplicationManagement", "Add service principal", "Add", o, "ServicePrincipal")
	c.status = http.StatusCreated
	return c.entity("servicePrincipals", "servicePrincipal", o, nil)
}

// addPassword is POST /servicePrincipals/{id}/addPassword: the secret is in this answer and in no other.
// https://learn.microsoft.com/graph/api/serviceprincipal-addpassword
func addPassword(c *call) error {
	sp, err := c.servicePrincipal(c.args[0])
	if err != nil {
		return err
	}
	in, err := c.json(true)
	if err != nil {
		return err
	}
	p := cloud.Child(in, "passwordCredential")
	from, ok1 := moment(cloud.Str(p, "startDateTime"))
	to, ok2 := moment(cloud.Str(p, "endDateTime"))
	if !ok1 || !ok2 || !to.After(from) {
		return badRequest("The passwordCredential is not valid.")
	}
	before := cloud.Copy(sp)
	secret := "S8~" + c.s.cloud.IDs.Text(37, "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789._~")
	cred := cloud.Object{"keyId": c.t.NewID(), "displayName": p["displayName"], "hint": secret[:3], "startDateTime": cloud.Stamp(from), "endDateTime": cloud.Stamp(to)}
	sp["passwordCredentials"] = append(cloud.List(sp, "passwordCredentials"), cred)
	hashes := cloud.Child(sp, "secretHashes")
	if hashes == nil {
		hashes = cloud.Object{}
		sp["secretHashes"] = hashes
	}
	hashes[cloud.Str(cred, "keyId")] = signin.SecretHash(secret)
	c.wrote(cloud.Str(sp, "id"), before)
	c.audit("ApplicationManagement", "Add service principal credentials", "Update", sp, "ServicePrincipal")
	shown := merged(cred, cloud.Object{"secretText": secret, "customKeyIdentifier": nil})
	return c.plain("microsoft.graph.passwordCredential", shown)
}

// removePassword is POST /servicePrincipals/{id}/removePassword.
// https://learn.microsoft.com/graph/api/serviceprincipal-removepassword
func removePassword(c *call) error {
	sp, err := c.servicePrincipal(c.args[0])
	if err != nil {
		return err
	}
	in, err := c.json(true)
	if err != nil {
		return err
	}
	list := cloud.Objects(sp, "passwordCredentials")
	rest := slices.DeleteFunc(slices.Clone(list), func(o cloud.Object) bool { return cloud.Str(o, "keyId") == cloud.Str(in, "keyId") })
	if len(rest) == len(list) {
		return badRequest("No password credential found with keyId.")
	}
	before := cloud.Copy(sp)
	sp["passwordCredentials"] = cloud.Rows(rest)
	delete(cloud.Child(sp, "secretHashes"), cloud.Str(in, "keyId"))
	c.wrote(cloud.Str(sp, "id"), before)
	c.audit("ApplicationManagement", "Remove service principal credentials", "Update", sp, "ServicePrincipal")
	return nil
}
