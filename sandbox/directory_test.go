package sandbox

import (
	"net/url"
	"strings"
	"testing"
)

func ref(id string) obj {
	return obj{"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/" + id}
}

func TestMembershipRefusals(t *testing.T) {
	x := small(t)
	for name, c := range map[string]struct {
		method, path string
		body         any
		status       int
		text         string
	}{
		"twice":             {"POST", "/groups/" + secGroup + "/members/$ref", ref(ann), 400, "One or more added object references already exist"},
		"nobody":            {"POST", "/groups/" + secGroup + "/members/$ref", ref("11111111-0000-4000-8000-0000000000ff"), 404, "does not exist"},
		"no such group":     {"POST", "/groups/" + ann + "/members/$ref", ref(ann), 404, "does not exist"},
		"distribution list": {"POST", "/groups/" + listGroup + "/members/$ref", ref(boss), 400, "Cannot Update a mail-enabled security groups and or distribution list."},
		"list, remove":      {"DELETE", "/groups/" + listGroup + "/members/" + ann + "/$ref", nil, 400, "Cannot Update a mail-enabled"},
		"dynamic":           {"POST", "/groups/" + dynGroup + "/members/$ref", ref(boss), 400, "dynamic membership group"},
		"dynamic, remove":   {"DELETE", "/groups/" + dynGroup + "/members/" + ann + "/$ref", nil, 400, "dynamic membership group"},
		"synced":            {"DELETE", "/groups/" + adGroup + "/members/" + ann + "/$ref", nil, 400, "on-premises mastered"},
		"role-assignable":   {"POST", "/groups/" + roleGroup + "/members/$ref", ref(ann), 403, "Insufficient privileges"},
		"group in a team":   {"POST", "/groups/" + teamGroup + "/members/$ref", ref(secGroup), 400, "Microsoft 365 group"},
		"not a member":      {"DELETE", "/groups/" + secGroup + "/members/" + boss + "/$ref", nil, 404, "does not exist"},
		"last owner":        {"DELETE", "/groups/" + secGroup + "/owners/" + boss + "/$ref", nil, 400, "at least one owner"},
		"bad link":          {"POST", "/groups/" + secGroup + "/members/$ref", obj{"@odata.id": "boss"}, 400, "Invalid object identifier"},
		"no link":           {"POST", "/groups/" + secGroup + "/members/$ref", obj{"id": boss}, 400, "@odata.id"},
		"licensed group":    {"DELETE", "/groups/" + licGroup, nil, 400, "licenses"},
		"owner of synced":   {"POST", "/groups/" + adGroup + "/owners/$ref", ref(ann), 400, "on-premises mastered"},
	} {
		a := x.as(contoso, c.method, c.path, c.body)
		if a.status != c.status || !strings.Contains(a.raw, c.text) {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
}

func TestMembershipChanges(t *testing.T) {
	x := small(t)
	members := func(g string) int { return len(x.as(contoso, "GET", "/groups/"+g+"/members", nil).rows()) }
	x.want(x.as(contoso, "POST", "/groups/"+secGroup+"/members/$ref", ref(boss)), 204, "")
	x.want(x.as(contoso, "POST", "/groups/"+secGroup+"/members/$ref", obj{"@odata.id": x.s.URL() + "/v1.0/users/" + hank}), 204, "")
	x.want(x.as(contoso, "DELETE", "/groups/"+secGroup+"/members/"+ann+"/$ref", nil), 204, "")
	if n := members(secGroup); n != 2 {
		t.Error(n)
	}
	x.want(x.as(contoso, "POST", "/groups/"+secGroup+"/owners/$ref", ref(ann)), 204, "")
	x.want(x.as(contoso, "DELETE", "/groups/"+secGroup+"/owners/"+boss+"/$ref", nil), 204, "")
	x.want(x.as(contoso, "PATCH", "/groups/"+teamGroup, obj{"members@odata.bind": []string{ref(boss)["@odata.id"].(string), ref(hank)["@odata.id"].(string)}}), 204, "")
	x.want(x.as(contoso, "PATCH", "/groups/"+teamGroup, obj{"members@odata.bind": []string{ref(nell)["@odata.id"].(string), ref(hank)["@odata.id"].(string)}}), 400, "Request_BadRequest")
	if n := members(teamGroup); n != 3 {
		t.Error("all or none", n)
	}
	// Leaving a licensed group takes the licence away.
	skus := func() string {
		return x.as(contoso, "GET", "/users/"+ann+"?$select=assignedLicenses,licenseAssignmentStates", nil).raw
	}
	if !strings.Contains(skus(), granted) {
		t.Error(skus())
	}
	x.want(x.as(contoso, "DELETE", "/groups/"+licGroup+"/members/"+ann+"/$ref", nil), 204, "")
	if strings.Contains(skus(), granted) {
		t.Error(skus())
	}
	// Without /$ref the object itself goes.
	x.want(x.as(contoso, "DELETE", "/groups/"+teamGroup+"/members/"+nell, nil), 404, "Request_ResourceNotFound")
	x.want(x.as(contoso, "DELETE", "/groups/"+teamGroup+"/members/"+hank, nil), 204, "")
	x.want(x.as(contoso, "GET", "/users/"+hank, nil), 404, "Request_ResourceNotFound")
}

func TestMemberOf(t *testing.T) {
	x := small(t)
	a := x.as(contoso, "GET", "/users/"+boss+"/memberOf", nil)
	if len(a.rows()) != 1 || a.rows()[0]["@odata.type"] != "#microsoft.graph.directoryRole" || a.rows()[0]["displayName"] != "Global Administrator" {
		t.Error(a.raw)
	}
	if a = x.as(contoso, "GET", "/users/"+ann+"/memberOf/microsoft.graph.group?$select=id,displayName,isAssignableToRole", nil); len(a.rows()) != 6 || len(a.rows()[0]) != 3 {
		t.Error(a.raw)
	}
	x.want(x.as(contoso, "GET", "/users/"+ann+"/memberOf/microsoft.graph.group?$orderby=displayName", nil), 400, "Request_UnsupportedQuery")
	if a = x.as(contoso, "GET", "/users/"+ann+"/memberOf/$/microsoft.graph.group?$orderby=displayName&$count=true", nil, eventual...); a.rows()[0]["displayName"] != "AD" || a.body["@odata.count"] != 6.0 {
		t.Error(a.raw)
	}
	if a = x.as(contoso, "GET", "/users/"+ann+"/memberOf/graph.directoryRole", nil); len(a.rows()) != 0 {
		t.Error(a.raw)
	}
	if a = x.as(contoso, "GET", "/users/"+boss+"/ownedObjects/microsoft.graph.group", nil); len(a.rows()) != 6 {
		t.Error(a.raw)
	}
	if a = x.as(contoso, "POST", "/users/"+ann+"/checkMemberGroups", obj{"groupIds": []string{secGroup, roleGroup}}); !strings.Contains(a.raw, `"value":["`+secGroup+`"]`) {
		t.Error(a.raw)
	}
	if a = x.as(contoso, "POST", "/users/"+ann+"/getMemberGroups", obj{"securityEnabledOnly": true}); strings.Contains(a.raw, listGroup) || !strings.Contains(a.raw, secGroup) {
		t.Error(a.raw)
	}
	if a = x.as(contoso, "POST", "/directoryObjects/getByIds", obj{"ids": []string{ann, secGroup, "11111111-0000-4000-8000-0000000000ff"}, "types": []string{"user"}}); len(a.rows()) != 1 {
		t.Error(a.raw)
	}
}

func TestCreatingAGroup(t *testing.T) {
	x := small(t)
	good := obj{"displayName": "New", "mailEnabled": false, "mailNickname": "newgroup", "securityEnabled": true}
	for name, more := range map[string]obj{"list": {"mailEnabled": true}, "neither": {"securityEnabled": false}, "no name": {"displayName": "-"}, "nickname": {"mailNickname": "a b"},
		"unified without mail": {"groupTypes": []string{"Unified"}}, "dynamic without rule": {"groupTypes": []string{"DynamicMembership"}}, "read-only": {"mail": "x@contoso.com"}, "unknown": {"x": 1},
		"taken": {"groupTypes": []string{"Unified"}, "mailEnabled": true, "mailNickname": "team"}} {
		if a := x.as(contoso, "POST", "/groups", with(good, more)); a.status != 400 || a.code() != "Request_BadRequest" {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	x.want(x.as(contoso, "POST", "/groups", with(good, obj{"isAssignableToRole": true})), 403, "Authorization_RequestDenied")
	a := x.as(contoso, "POST", "/groups", with(good, obj{"members@odata.bind": []string{ref(ann)["@odata.id"].(string)}, "groupTypes": []string{"Unified"}, "mailEnabled": true}))
	x.want(a, 201, "")
	id := a.body["id"].(string)
	if n := len(x.as(contoso, "GET", "/groups/"+id+"/members", nil).rows()); n != 1 {
		t.Error(n)
	}
	x.want(x.as(contoso, "DELETE", "/groups/"+id, nil), 204, "")
	x.want(x.as(contoso, "POST", "/directory/deletedItems/"+id+"/restore", nil), 200, "")
	x.want(x.as(contoso, "GET", "/groups/"+id, nil), 200, "")
	x.want(x.as(contoso, "DELETE", "/groups/"+secGroup, nil), 204, "")
	if a = x.as(contoso, "GET", "/directory/deletedItems/microsoft.graph.group", nil); len(a.rows()) != 0 {
		t.Error("a security group is gone at once", a.raw)
	}
}

func TestLicences(t *testing.T) {
	x := small(t)
	set := func(id string, add []any, remove ...string) answer {
		if add == nil {
			add = []any{}
		}
		return x.as(contoso, "POST", "/users/"+id+"/assignLicense", obj{"addLicenses": add, "removeLicenses": append([]string{}, remove...)})
	}
	one := func(id string) []any { return []any{obj{"skuId": id, "disabledPlans": []string{}}} }
	for name, c := range map[string]struct {
		a    answer
		text string
	}{
		"no usage location": {set(nell, one(e5)), "invalid usage location"},
		"no seats":          {set(boss, one(full)), "Subscription with SKU " + full + " does not have any available licenses."},
		"inherited":         {set(ann, nil, granted), "inherited from a group membership"},
		"unknown":           {set(boss, one(exchPlan)), "valid company License"},
		"not held":          {set(boss, nil, e5), "does not have a corresponding license"},
		"both ways":         {set(ann, one(e5), e5), "added and removed"},
		"no guid":           {set(ann, one("x")), "skuId"},
		"foreign plan":      {set(boss, []any{obj{"skuId": e5, "disabledPlans": []string{spID}}}), "does not belong"},
		"half a body":       {x.as(contoso, "POST", "/users/"+ann+"/assignLicense", obj{"addLicenses": []any{}}), "must be collections"},
	} {
		if c.a.status != 400 || c.a.code() != "Request_BadRequest" || !strings.Contains(c.a.raw, c.text) {
			t.Errorf("%s: %d %s", name, c.a.status, c.a.raw)
		}
	}
	seats := func() any {
		for _, s := range x.as(contoso, "GET", "/subscribedSkus?$select=skuId,consumedUnits", nil).rows() {
			if s["skuId"] == e5 {
				return s["consumedUnits"]
			}
		}
		return nil
	}
	box := func(upn string) bool {
		return x.as(contoso, "GET", "/users/"+upn+"/mailboxSettings", nil).status == 200
	}
	if box("hank@contoso.com") {
		t.Error("no licence, no mailbox")
	}
	x.want(set(hank, one(e5)), 200, "")
	if seats() != 2.0 || !box("hank@contoso.com") {
		t.Error("a seat is taken and a mailbox made", seats())
	}
	a := x.as(contoso, "GET", "/users/"+ann+"/licenseDetails", nil)
	if len(a.rows()) != 2 || a.rows()[0]["skuPartNumber"] == "" {
		t.Error(a.raw)
	}
	// Removing the licence of a user mailbox takes the mailbox; a shared one stays.
	x.want(set(ann, nil, e5), 200, "")
	if !box("ann@contoso.com") { // licGroup still grants a plan
		t.Error("the inherited licence keeps the mailbox")
	}
	x.want(x.as(contoso, "DELETE", "/groups/"+licGroup+"/members/"+ann+"/$ref", nil), 204, "")
	a = x.as(contoso, "GET", "/users/"+ann+"/mailboxSettings", nil)
	x.want(a, 404, "MailboxNotEnabledForRESTAPI")
	if seats() != 1.0 || !box("boss@contoso.com") {
		t.Error(seats())
	}
}

func TestAuthenticationMethods(t *testing.T) {
	x := small(t)
	const mobile, other = "3179e48a-750b-4051-897c-87b9720928f7", "b6332ec1-7057-4abe-9331-3d72feddfe41"
	base := "/users/" + ann + "/authentication/"
	a := x.as(contoso, "GET", base+"methods", nil)
	if len(a.rows()) != 4 || a.rows()[0]["id"] != "28c10230-6103-485e-b985-444c60001490" || !strings.Contains(a.raw, `"password":null`) {
		t.Error(a.raw)
	}
	if a = x.as(contoso, "GET", base+"phoneMethods", nil); len(a.rows()) != 2 || a.rows()[0]["@odata.type"] != nil {
		t.Error(a.raw)
	}
	report := func() obj {
		return x.as(contoso, "GET", "/reports/authenticationMethods/userRegistrationDetails/"+ann, nil).body
	}
	if r := report(); r["isMfaRegistered"] != true || r["isAdmin"] != false || r["userPreferredMethodForSecondaryAuthentication"] != "push" {
		t.Error(r)
	}
	del := func(path string) answer { return x.as(contoso, "DELETE", base+path, nil) }
	if a = del("microsoftAuthenticatorMethods/app-1"); a.status != 400 || !strings.Contains(a.raw, "default authentication method") {
		t.Error(a.raw)
	}
	if a = del("phoneMethods/" + mobile); a.status != 400 || !strings.Contains(a.raw, "alternate") {
		t.Error(a.raw)
	}
	x.want(del("phoneMethods/nope"), 404, "resourceNotFound")
	x.want(del("fido2Methods/app-1"), 404, "resourceNotFound")
	if a = del("passwordMethods/28c10230-6103-485e-b985-444c60001490"); a.status != 405 {
		t.Error(a.raw)
	}
	x.want(del("phoneMethods/"+other), 204, "")
	x.want(del("phoneMethods/"+mobile), 204, "")
	x.want(del("microsoftAuthenticatorMethods/app-1"), 204, "")
	if r := report(); r["isMfaRegistered"] != false || len(r["methodsRegistered"].([]any)) != 0 {
		t.Error(r)
	}
	for name, body := range map[string]obj{"no space": {"phoneNumber": "+447700900111", "phoneType": "mobile"}, "kind": {"phoneNumber": "+44 7700900111", "phoneType": "car"}, "no mobile yet": {"phoneNumber": "+44 7700900111", "phoneType": "alternateMobile"}} {
		if a = x.as(contoso, "POST", base+"phoneMethods", body); a.status != 400 {
			t.Error(name, a.raw)
		}
	}
	x.want(x.as(contoso, "POST", base+"phoneMethods", obj{"phoneNumber": "+44 7700900111", "phoneType": "mobile"}), 201, "")
	x.want(x.as(contoso, "POST", base+"phoneMethods", obj{"phoneNumber": "+44 7700900112", "phoneType": "mobile"}), 400, "badRequest")
	x.want(x.as(contoso, "PATCH", base+"phoneMethods/"+mobile, obj{"phoneNumber": "+44 7700900113", "phoneType": "mobile"}), 200, "")

	a = x.as(contoso, "POST", base+"temporaryAccessPassMethods", obj{"lifetimeInMinutes": 60, "isUsableOnce": true})
	if x.want(a, 201, ""); len(a.body["temporaryAccessPass"].(string)) != 8 {
		t.Error(a.raw)
	}
	pass := a.body["temporaryAccessPass"].(string)
	x.want(x.as(contoso, "POST", base+"temporaryAccessPassMethods", obj{}), 201, "")
	if a = x.as(contoso, "GET", base+"temporaryAccessPassMethods", nil); len(a.rows()) != 1 || a.rows()[0]["temporaryAccessPass"] != nil {
		t.Error(a.raw)
	}
	if s, _ := x.s.State(); strings.Contains(string(s), pass) {
		t.Error("a pass is kept in the state")
	}
	x.want(x.as(contoso, "POST", "/users/"+gus+"/authentication/temporaryAccessPassMethods", obj{}), 400, "badRequest")
	x.want(x.as(contoso, "POST", base+"temporaryAccessPassMethods", obj{"lifetimeInMinutes": 5}), 400, "badRequest")
	y := small(t, func(c obj) { c["policies"] = obj{"temporaryAccessPass": false} })
	y.want(y.as(contoso, "POST", base+"temporaryAccessPassMethods", obj{}), 400, "badRequest")

	if a = x.as(contoso, "GET", "/beta"+base+"requirements", nil); a.body["perUserMfaState"] != "disabled" {
		t.Error(a.raw)
	}
	x.want(x.as(contoso, "PATCH", "/beta"+base+"requirements", obj{"perUserMfaState": "maybe"}), 400, "Request_BadRequest")
	x.want(x.as(contoso, "PATCH", "/beta"+base+"requirements", obj{"perUserMfaState": "enforced"}), 204, "")
	x.want(x.as(contoso, "PATCH", "/beta"+base+"signInPreferences", obj{"userPreferredMethodForSecondaryAuthentication": "voiceOffice"}), 400, "badRequest")
	x.want(x.as(contoso, "PATCH", "/beta"+base+"signInPreferences", obj{"userPreferredMethodForSecondaryAuthentication": "sms"}), 204, "")
	if a = x.as(contoso, "GET", "/beta"+base+"requirements", nil); a.body["perUserMfaState"] != "enforced" {
		t.Error(a.raw)
	}
	rows := x.as(contoso, "GET", "/reports/authenticationMethods/userRegistrationDetails", nil).rows()
	if len(rows) != 6 {
		t.Error("disabled users are left out", len(rows))
	}
	x.want(x.as(contoso, "GET", "/reports/authenticationMethods/userRegistrationDetails?$filter="+url.QueryEscape("isMfaRegistered eq true and startsWith(userPrincipalName,'ann')"), nil), 200, "")
}

func TestLogsAndRisk(t *testing.T) {
	x := small(t)
	v1 := x.as(contoso, "GET", "/auditLogs/signIns", nil)
	if len(v1.rows()) != 1 || strings.Contains(v1.raw, "autonomousSystemNumber") || strings.Contains(v1.raw, "sessionId") {
		t.Error("v1.0 shows interactive sign-ins without beta's fields, and 30 days", v1.raw)
	}
	beta := x.as(contoso, "GET", "/beta/auditLogs/signIns", nil)
	if len(beta.rows()) != 1 || !strings.Contains(beta.raw, `"autonomousSystemNumber":64500`) {
		t.Error("beta shows interactive sign-ins unless others are asked for", beta.raw)
	}
	all := "/beta/auditLogs/signIns?$filter=" + url.QueryEscape("signInEventTypes/any(t:t eq 'interactiveUser') or signInEventTypes/any(t:t eq 'nonInteractiveUser')")
	if a := x.as(contoso, "GET", all, nil); len(a.rows()) != 2 {
		t.Error(a.raw)
	}
	for _, q := range []string{"$select=id", "$filter=userAgent%20eq%20'x'", "$filter=contains(appDisplayName,'x')", "$filter=sessionId%20eq%20'x'", "$top=1001", "$orderby=userId", "$expand=x"} {
		if a := x.as(contoso, "GET", "/auditLogs/signIns?"+q, nil); a.status != 400 {
			t.Error(q, a.raw)
		}
	}
	x.want(x.as(contoso, "GET", "/auditLogs/signIns?$top=1&$orderby=createdDateTime%20desc&$filter="+url.QueryEscape("userId eq '"+ann+"' and createdDateTime ge 2026-03-01T00:00:00Z and status/errorCode eq 0"), nil), 200, "")
	x.want(x.as(contoso, "GET", "/auditLogs/directoryAudits?$filter="+url.QueryEscape("activityDisplayName eq 'Consent to application'"), nil), 200, "")
	x.want(x.as(contoso, "GET", "/identityProtection/riskyUsers/"+ann, nil), 200, "")
	x.want(x.as(contoso, "POST", "/identityProtection/riskyUsers/dismiss", obj{"userIds": []string{ann}}), 204, "")
	if a := x.as(contoso, "GET", "/identityProtection/riskyUsers?$filter="+url.QueryEscape("riskState eq 'dismissed'"), nil); len(a.rows()) != 1 {
		t.Error(a.raw)
	}
	x.want(x.as("basic.example", "GET", "/identityProtection/riskyUsers", nil), 403, "Forbidden")
	x.want(x.as("basic.example", "GET", "/deviceManagement/managedDevices", nil), 400, "BadRequest")
}

func TestGrantsAppsAndDevices(t *testing.T) {
	x := small(t)
	if a := x.as(contoso, "GET", "/users/"+ann+"/oauth2PermissionGrants", nil); len(a.rows()) != 1 {
		t.Error("grants for everybody are not a user's", a.raw)
	}
	if a := x.as(contoso, "GET", "/oauth2PermissionGrants?$filter="+url.QueryEscape("consentType eq 'AllPrincipals'"), nil); len(a.rows()) != 1 {
		t.Error(a.raw)
	}
	if a := x.as(contoso, "GET", "/users/"+ann+"/appRoleAssignments?$filter=resourceId%20eq%20"+spID, nil); len(a.rows()) != 1 {
		t.Error(a.raw)
	}
	x.want(x.as(contoso, "GET", "/users/"+ann+"/appRoleAssignments?$filter="+url.QueryEscape("resourceId eq '"+spID+"'"), nil), 400, "Request_BadRequest")
	x.want(x.as(contoso, "DELETE", "/oauth2PermissionGrants/"+grantID, nil), 204, "")
	x.want(x.as(contoso, "DELETE", "/oauth2PermissionGrants/"+grantID, nil), 404, "Request_ResourceNotFound")
	x.want(x.as(contoso, "DELETE", "/users/"+ann+"/appRoleAssignments/ara-1", nil), 204, "")
	x.want(x.as(contoso, "PATCH", "/servicePrincipals(appId='aaaaaaaa-0000-4000-8000-0000000000ff')", obj{"accountEnabled": false}), 204, "")
	if a := x.as(contoso, "GET", "/servicePrincipals/"+spID+"?$select=accountEnabled", nil); a.body["accountEnabled"] != false {
		t.Error(a.raw)
	}
	if a := x.as(contoso, "GET", "/users/"+ann+"/registeredDevices/microsoft.graph.device?$select=id,displayName", nil); len(a.rows()) != 1 {
		t.Error(a.raw)
	}
	x.want(x.as(contoso, "PATCH", "/devices(deviceId='88888888-0000-4000-8000-0000000000aa')", obj{"accountEnabled": false}), 204, "")
	x.want(x.as(contoso, "PATCH", "/devices/88888888-0000-4000-8000-000000000001", obj{"deviceId": "x"}), 400, "Request_BadRequest")
	if a := x.as(contoso, "GET", "/users/"+ann+"/managedDevices", nil); len(a.rows()) != 1 {
		t.Error(a.raw)
	}
	x.want(x.as(contoso, "GET", "/users/"+ann+"/drive", nil), 200, "")
	x.want(x.as(contoso, "GET", "/users/"+boss+"/drive", nil), 404, "ResourceNotFound")
	a := x.as(contoso, "POST", "/invitations", obj{"invitedUserEmailAddress": "new@far.example", "inviteRedirectUrl": "https://x.example"})
	if x.want(a, 201, ""); !strings.Contains(a.raw, "new_far.example#EXT#@contoso.onmicrosoft.com") {
		t.Error(a.raw)
	}
	if a = x.as(contoso, "GET", "/roleManagement/directory/roleAssignments?$filter="+url.QueryEscape("principalId eq '"+boss+"'")+"&$expand=roleDefinition", nil); !strings.Contains(a.raw, `"displayName":"Global Administrator"`) {
		t.Error(a.raw)
	}
	if a = x.as(contoso, "GET", "/directoryRoles(roleTemplateId='62e90394-69f5-4237-9190-012177145e10')/members/$count", nil, eventual...); a.raw != "1" {
		t.Error(a.raw)
	}
}

func TestMailboxesOnGraph(t *testing.T) {
	x := small(t)
	base := "/users/" + ann
	a := x.as(contoso, "GET", base+"/mailFolders/inbox/messageRules", nil)
	if len(a.rows()) != 1 || !strings.Contains(a.raw, `"address":"eve@evil.example"`) || strings.Contains(a.raw, "Hidden") {
		t.Error(a.raw)
	}
	x.want(x.as(contoso, "PATCH", base+"/mailFolders/inbox/messageRules/101", obj{"isEnabled": false}), 200, "")
	x.want(x.as(contoso, "DELETE", base+"/mailFolders/inbox/messageRules/102", nil), 404, "ErrorItemNotFound")
	x.want(x.as(contoso, "DELETE", base+"/mailFolders/inbox/messageRules/101", nil), 204, "")
	x.want(x.as(contoso, "GET", "/users/"+nell+"/mailFolders/inbox/messageRules", nil), 404, "MailboxNotEnabledForRESTAPI")
	a = x.as(contoso, "PATCH", base+"/mailboxSettings", obj{"automaticRepliesSetting": obj{"status": "AlwaysEnabled", "internalReplyMessage": "<b>away</b>"}})
	if x.want(a, 200, ""); !strings.Contains(a.raw, `"status":"alwaysEnabled"`) {
		t.Error(a.raw)
	}
	x.want(x.as(contoso, "PATCH", base+"/mailboxSettings", obj{"automaticRepliesSetting": obj{"status": "scheduled"}}), 400, "ErrorInvalidTimeSettings")
	x.want(x.as(contoso, "PATCH", base+"/mailboxSettings", obj{"userPurpose": "shared"}), 400, "RequestBodyRead")
	if a = x.as(contoso, "GET", "/users/"+boss+"/mailboxSettings/userPurpose", nil); a.body["value"] != "shared" {
		t.Error(a.raw)
	}
	if a = x.as(contoso, "GET", base+"?$select=id,mailboxSettings", nil); a.body["mailboxSettings"] == nil {
		t.Error(a.raw)
	}
}

func TestPartnerSeesItsCustomers(t *testing.T) {
	x := small(t)
	a := x.as(partnerID, "GET", "/tenantRelationships/delegatedAdminRelationships?$filter="+url.QueryEscape("status eq 'active'")+"&$select=id,customer,endDateTime&$top=300", nil)
	if len(a.rows()) != 5 || !strings.Contains(a.raw, contosoID) || len(a.rows()[0]) != 3 {
		t.Error(a.raw)
	}
	if a = x.as(partnerID, "GET", "/tenantRelationships/delegatedAdminRelationships?$filter="+url.QueryEscape("status eq 'expired' and customer/tenantId eq '99999999-0000-4000-8000-000000000004'"), nil); len(a.rows()) != 1 {
		t.Error(a.raw)
	}
	id := a.rows()[0]["id"].(string)
	if a = x.as(partnerID, "GET", "/tenantRelationships/delegatedAdminRelationships/"+id+"/accessAssignments", nil); len(a.rows()) != 1 {
		t.Error(a.raw)
	}
	x.want(x.as(partnerID, "GET", "/tenantRelationships/delegatedAdminRelationships?$top=301", nil), 400, "Request_BadRequest")
	if a = x.as(partnerID, "GET", "/contracts?$top=999", nil); len(a.rows()) != 6 {
		t.Error(a.raw)
	}
	if a = x.as(partnerID, "GET", "/tenantRelationships/findTenantInformationByTenantId(tenantId='"+contosoID+"')", nil); a.body["defaultDomainName"] != "contoso.onmicrosoft.com" {
		t.Error(a.raw)
	}
	x.want(x.as(contoso, "GET", "/contracts", nil), 200, "")
	if a = x.as(contoso, "GET", "/contracts", nil); len(a.rows()) != 0 {
		t.Error("a customer sees no other customers", a.raw)
	}
	x.want(x.as(contoso, "GET", "/tenantRelationships/delegatedAdminRelationships", nil), 403, "Authorization_RequestDenied")
}
