package sandbox

import (
	"net/url"
	"strings"
)

const (
	freight = "harbourline.example"
	joinery = "Brightwell Joinery"
)

// walk goes through the operations on the built-in story and expects each to succeed.
func walk(x *tester) {
	x.Helper()
	ok := func(a answer) answer {
		x.Helper()
		if a.status >= 300 {
			x.Errorf("%d %.300s", a.status, a.raw)
		}
		return a
	}
	get := func(path string, header ...string) answer {
		x.Helper()
		return ok(x.as(freight, "GET", path, nil, header...))
	}
	esc := url.QueryEscape
	all := get("/users?$top=3")
	if len(all.rows()) != 3 || all.header.Get("request-id") == "" {
		x.Fatal(all.raw)
	}
	get(all.body["@odata.nextLink"].(string))
	for _, p := range []string{"/users?$select=id,displayName,accountEnabled,signInActivity,assignedLicenses,licenseAssignmentStates,onPremisesSyncEnabled,proxyAddresses&$top=500", "/groups?$top=999", "/subscribedSkus", "/organization", "/domains",
		"/devices", "/directoryRoles", "/directoryRoleTemplates", "/roleManagement/directory/roleAssignments?$expand=principal", "/roleManagement/directory/roleDefinitions", "/roleManagement/directory/roleEligibilitySchedules",
		"/auditLogs/signIns?$top=50", "/beta/auditLogs/signIns?$top=50", "/auditLogs/directoryAudits", "/servicePrincipals", "/reports/authenticationMethods/userRegistrationDetails?$top=999", "/identity/conditionalAccess/policies",
		"/policies/identitySecurityDefaultsEnforcementPolicy", "/policies/authorizationPolicy", "/policies/authenticationMethodsPolicy", "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/TemporaryAccessPass",
		"/identityProtection/riskyUsers", "/identityProtection/riskDetections", "/oauth2PermissionGrants", "/directory/deletedItems/microsoft.graph.user", "/deviceManagement/managedDevices", "/users/delta"} {
		get(p)
	}
	for _, p := range []string{"/users?$count=true&$filter=" + esc("accountEnabled ne false"), "/users?$search=" + esc(`"displayName:a"`), "/users/$count", "/groups/$count"} {
		get(p, eventual...)
	}
	user := ""
	for _, r := range get("/users?$select=id,assignedLicenses,onPremisesSyncEnabled,userType&$top=100").rows() {
		if list, _ := r["assignedLicenses"].([]any); len(list) > 0 && r["onPremisesSyncEnabled"] != true && r["userType"] == "Member" {
			user = r["id"].(string)
		}
	}
	me := "/users/" + user
	for _, p := range []string{"", "?$expand=manager", "/memberOf", "/transitiveMemberOf", "/authentication/methods", "/authentication/phoneMethods", "/licenseDetails", "/mailboxSettings", "/mailFolders/inbox/messageRules",
		"/ownedObjects", "/registeredDevices", "/ownedDevices", "/managedDevices", "/oauth2PermissionGrants", "/appRoleAssignments", "/directReports"} {
		get(me + p)
	}
	get(me+"/memberOf/microsoft.graph.group?$count=true", eventual...)
	get("/beta" + me + "/authentication/requirements")
	get("/beta" + me + "/authentication/signInPreferences")
	do := func(method, path string, body any) answer { x.Helper(); return ok(x.as(freight, method, path, body)) }
	do("PATCH", me, obj{"jobTitle": "Walker", "accountEnabled": true})
	do("PATCH", me, obj{"passwordProfile": obj{"password": "xWwvJ]6NMw+bWH-d", "forceChangePasswordNextSignIn": true}})
	do("POST", me+"/revokeSignInSessions", nil)
	do("POST", me+"/checkMemberGroups", obj{"groupIds": []string{user}})
	do("POST", me+"/getMemberGroups", obj{"securityEnabledOnly": false})
	do("POST", me+"/authentication/temporaryAccessPassMethods", obj{"isUsableOnce": true})
	do("PATCH", "/beta"+me+"/authentication/requirements", obj{"perUserMfaState": "disabled"})
	do("PATCH", me+"/mailboxSettings", obj{"automaticRepliesSetting": obj{"status": "disabled"}})
	do("POST", "/directoryObjects/getByIds", obj{"ids": []string{user}, "types": []string{"user"}})
	made := do("POST", "/users", with(newUser, obj{"userPrincipalName": "new@" + freight, "mailNickName": "-", "mailNickname": "new", "usageLocation": "GB"})).body["id"].(string)
	do("PUT", "/users/"+made+"/manager/$ref", obj{"@odata.id": "https://graph.microsoft.com/v1.0/users/" + user})
	do("GET", "/users/"+made+"/manager", nil)
	do("DELETE", "/users/"+made+"/manager/$ref", nil)
	for _, s := range get("/subscribedSkus").rows() {
		if units := s["prepaidUnits"].(map[string]any); units["enabled"].(float64) > s["consumedUnits"].(float64) {
			do("POST", "/users/"+made+"/assignLicense", obj{"addLicenses": []any{obj{"skuId": s["skuId"], "disabledPlans": []string{}}}, "removeLicenses": []string{}})
			do("POST", "/users/"+made+"/assignLicense", obj{"addLicenses": []any{}, "removeLicenses": []any{s["skuId"]}})
			break
		}
	}
	for _, g := range get("/groups?$select=id,mailEnabled,groupTypes,onPremisesSyncEnabled,isAssignableToRole,assignedLicenses").rows() {
		if types, _ := g["groupTypes"].([]any); g["mailEnabled"] == false && len(types) == 0 && g["onPremisesSyncEnabled"] != true && g["isAssignableToRole"] != true {
			group := "/groups/" + g["id"].(string)
			do("POST", group+"/members/$ref", obj{"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/" + made})
			do("GET", group+"/members", nil)
			do("GET", group+"/owners", nil)
			do("DELETE", group+"/members/"+made+"/$ref", nil)
			break
		}
	}
	do("DELETE", "/users/"+made, nil)
	do("GET", "/directory/deletedItems/"+made, nil)
	do("POST", "/directory/deletedItems/"+made+"/restore", nil)
	do("DELETE", "/users/"+made, nil)
	do("DELETE", "/directory/deletedItems/"+made, nil)
	do("POST", "/invitations", obj{"invitedUserEmailAddress": "new@far.example", "inviteRedirectUrl": "https://x.example"})
	do("POST", "/$batch", obj{"requests": []any{request("1", "GET", me, nil), request("2", "GET", me+"/memberOf", nil)}})
	partner := x.s.Client().Auth.TenantID
	for _, p := range []string{"/tenantRelationships/delegatedAdminRelationships?$top=300", "/contracts?$top=999", "/organization"} {
		ok(x.as(partner, "GET", p, nil))
	}
	customer := x.s.cloud.Tenant(freight).ID
	ok(x.as(partner, "GET", "/tenantRelationships/findTenantInformationByTenantId(tenantId='"+customer+"')", nil))
	for _, t := range x.s.cloud.Customers() {
		if t.DisplayName == joinery {
			x.walkIncident(t.ID, ok)
		}
	}
	exchange := ok(x.token(freight, false, "https://outlook.office365.com/.default")).body["access_token"].(string)
	upn, _ := get(me).body["userPrincipalName"].(string)
	for cmdlet, parameters := range map[string]obj{"Get-Mailbox": {"Identity": upn}, "Get-InboxRule": {"Mailbox": upn, "IncludeHidden": true}, "Get-MailboxPermission": {"Identity": upn},
		"Get-OrganizationConfig": {}, "Get-MailboxStatistics": {"Identity": upn}} {
		ok(x.send("POST", "/adminapi/beta/"+customer+"/InvokeCommand", exchange, obj{"CmdletInput": obj{"CmdletName": cmdlet, "Parameters": parameters}}, "X-AnchorMailbox", upn))
	}
}

// walkIncident looks at what an attacker left behind and takes it away.
func (t *tester) walkIncident(tenant string, ok func(answer) answer) {
	t.Helper()
	do := func(method, path string, body any) answer { t.Helper(); return ok(t.as(tenant, method, path, body)) }
	for _, r := range do("GET", "/identityProtection/riskyUsers", nil).rows() {
		id := r["id"].(string)
		do("GET", "/identityProtection/riskyUsers/"+id, nil)
		do("GET", "/auditLogs/signIns?$filter="+url.QueryEscape("userId eq '"+id+"'"), nil)
		do("GET", "/beta/auditLogs/signIns?$filter="+url.QueryEscape("userId eq '"+id+"'"), nil)
		do("GET", "/auditLogs/directoryAudits?$filter="+url.QueryEscape("targetResources/any(t:t/id eq '"+id+"')"), nil)
		for _, m := range do("GET", "/users/"+id+"/authentication/methods", nil).rows() {
			segment := strings.TrimSuffix(strings.TrimPrefix(m["@odata.type"].(string), "#microsoft.graph."), "AuthenticationMethod") + "Methods"
			if segment != "passwordMethods" {
				t.as(tenant, "DELETE", "/users/"+id+"/authentication/"+segment+"/"+url.PathEscape(m["id"].(string)), nil)
			}
		}
		for _, g := range do("GET", "/users/"+id+"/oauth2PermissionGrants", nil).rows() {
			sp := g["clientId"].(string)
			do("GET", "/servicePrincipals/"+sp, nil)
			do("DELETE", "/oauth2PermissionGrants/"+g["id"].(string), nil)
		}
		for _, a := range do("GET", "/users/"+id+"/appRoleAssignments", nil).rows() {
			do("DELETE", "/users/"+id+"/appRoleAssignments/"+a["id"].(string), nil)
		}
		for _, r := range do("GET", "/users/"+id+"/mailFolders/inbox/messageRules", nil).rows() {
			rule := "/users/" + id + "/mailFolders/inbox/messageRules/" + url.PathEscape(r["id"].(string))
			do("PATCH", rule, obj{"isEnabled": false})
			do("DELETE", rule, nil)
		}
		for _, d := range do("GET", "/users/"+id+"/registeredDevices", nil).rows() {
			do("PATCH", "/devices/"+d["id"].(string), obj{"accountEnabled": false})
		}
		do("POST", "/identityProtection/riskyUsers/confirmCompromised", obj{"userIds": []string{id}})
	}
	do("GET", "/identityProtection/riskDetections", nil)
}
