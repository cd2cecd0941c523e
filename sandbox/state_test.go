package sandbox

import (
	"encoding/json"
	"strings"
	"testing"
)

// A small cloud in which every refusal has somebody to happen to.

type obj = map[string]any

const (
	appID     = "aaaaaaaa-0000-4000-8000-000000000001"
	ann       = "11111111-0000-4000-8000-000000000001" // plain member
	boss      = "11111111-0000-4000-8000-000000000002" // Global Administrator
	sam       = "11111111-0000-4000-8000-000000000003" // synced
	gus       = "11111111-0000-4000-8000-000000000004" // guest
	nell      = "11111111-0000-4000-8000-000000000005" // no usageLocation, no mailbox
	hank      = "11111111-0000-4000-8000-000000000006" // Helpdesk Administrator
	rita      = "11111111-0000-4000-8000-000000000007" // owner of a role-assignable group
	secGroup  = "22222222-0000-4000-8000-000000000001"
	listGroup = "22222222-0000-4000-8000-000000000002" // distribution list
	teamGroup = "22222222-0000-4000-8000-000000000003" // Microsoft 365
	dynGroup  = "22222222-0000-4000-8000-000000000004"
	adGroup   = "22222222-0000-4000-8000-000000000005" // synced
	roleGroup = "22222222-0000-4000-8000-000000000006"
	licGroup  = "22222222-0000-4000-8000-000000000007"
	e5        = "33333333-0000-4000-8000-000000000001"
	full      = "33333333-0000-4000-8000-000000000002" // no seats left
	granted   = "33333333-0000-4000-8000-000000000003" // given by licGroup
	exchPlan  = "44444444-0000-4000-8000-000000000001"
	grantID   = "grant-1"
	spID      = "55555555-0000-4000-8000-000000000001"
	partnerID = "99999999-0000-4000-8000-000000000001"
	contosoID = "99999999-0000-4000-8000-000000000002"
)

var allRoles = strings.Fields(`User.ReadWrite.All User-PasswordProfile.ReadWrite.All User.EnableDisableAccount.All User.RevokeSessions.All User.DeleteRestore.All
 Directory.Read.All GroupMember.ReadWrite.All Group.ReadWrite.All LicenseAssignment.ReadWrite.All UserAuthenticationMethod.ReadWrite.All AuditLog.Read.All Policy.Read.All
 Policy.ReadWrite.AuthenticationMethod RoleManagement.Read.Directory MailboxSettings.ReadWrite Mail.ReadBasic.All DeviceManagementManagedDevices.Read.All Device.ReadWrite.All
 IdentityRiskyUser.ReadWrite.All IdentityRiskEvent.Read.All Files.Read.All Application.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All AppRoleAssignment.ReadWrite.All
 Domain.Read.All Organization.Read.All User.Invite.All CrossTenantInformation.ReadBasic.All`)

func user(id, upn string, more obj) obj {
	name, _, _ := strings.Cut(upn, "@")
	o := obj{"id": id, "userPrincipalName": upn, "displayName": strings.ToUpper(name[:1]) + name[1:] + " O'Test", "mailNickname": name, "accountEnabled": true, "userType": "Member",
		"usageLocation": "GB", "createdDateTime": "$now-100d", "lastPasswordChangeDateTime": "$now-50d", "mail": upn, "proxyAddresses": []any{"SMTP:" + upn}}
	for k, v := range more {
		if v == nil {
			delete(o, k)
			continue
		}
		o[k] = v
	}
	return o
}

func mailbox(upn, kind string) obj {
	return obj{"UserPrincipalName": upn, "PrimarySmtpAddress": upn, "RecipientTypeDetails": kind, "EmailAddresses": []any{"SMTP:" + upn}, "ExchangeGuid": "66666666-0000-4000-8000-0000000000" + upn[:2]}
}

func sku(id, part string, seats, used int) obj {
	return obj{"skuId": id, "skuPartNumber": part, "consumedUnits": used, "prepaidUnits": obj{"enabled": seats, "warning": 0, "suspended": 0, "lockedOut": 0},
		"servicePlans": []any{obj{"servicePlanId": exchPlan, "servicePlanName": "EXCHANGE_S_ENTERPRISE", "provisioningStatus": "Success", "appliesTo": "User"}}}
}

func method(typ, id string, more obj) obj {
	o := obj{"@odata.type": "#microsoft.graph." + typ + "AuthenticationMethod", "id": id}
	for k, v := range more {
		o[k] = v
	}
	return o
}

func consent(roles []string, directoryRoles ...string) []any {
	list := []any{}
	for _, r := range roles {
		list = append(list, r)
	}
	dir := []any{}
	for _, r := range directoryRoles {
		dir = append(dir, r)
	}
	return []any{obj{"appId": appID, "appRoles": list, "exchangeAppRole": true, "directoryRoles": dir}}
}

func tenant(id, domain string, more obj) obj {
	o := obj{"tenantId": id, "displayName": strings.ToUpper(domain[:1]) + strings.Split(domain, ".")[0][1:], "defaultDomain": domain, "features": obj{"entra": "P2", "signInApi": true, "intune": true},
		"policies": obj{"temporaryAccessPass": true}, "gdap": obj{"status": "active", "roles": []any{"User Administrator", "Global Reader"}}, "consents": consent(allRoles, "User Administrator", "Exchange Administrator"),
		"graph": obj{"users": []any{user("77777777-0000-4000-8000-"+id[24:], "sole@"+domain, nil)}}}
	for k, v := range more {
		if v == nil {
			delete(o, k)
			continue
		}
		o[k] = v
	}
	return o
}

// testState is the small cloud; edits change it before it is written.
func testState(t *testing.T, edits ...func(contoso obj)) []byte {
	t.Helper()
	group := func(id, name string, more obj) obj {
		o := obj{"id": id, "displayName": name, "mailEnabled": false, "securityEnabled": true, "groupTypes": []any{}, "members": []any{ann}, "owners": []any{boss}}
		for k, v := range more {
			o[k] = v
		}
		return o
	}
	contoso := tenant(contosoID, "contoso.onmicrosoft.com", obj{
		"domains": []any{obj{"id": "contoso.com", "isDefault": true, "isVerified": true}, obj{"id": "fed.example", "isVerified": true, "authenticationType": "Federated"}, obj{"id": "new.example", "isVerified": false}},
		"graph": obj{
			"users": []any{
				user(ann, "ann@contoso.com", obj{"manager": boss, "assignedLicenses": []any{obj{"skuId": e5, "disabledPlans": []any{}}, obj{"skuId": granted, "disabledPlans": []any{}}},
					"signInActivity": obj{"lastSignInDateTime": "$now-2d"}, "drive": obj{"quota": obj{"used": 5, "total": 100}},
					"authentication": obj{"methods": []any{method("microsoftAuthenticator", "app-1", obj{"displayName": "Phone"}),
						method("phone", "3179e48a-750b-4051-897c-87b9720928f7", obj{"phoneNumber": "+44 7700900111", "phoneType": "mobile"}),
						method("phone", "b6332ec1-7057-4abe-9331-3d72feddfe41", obj{"phoneNumber": "+44 7700900222", "phoneType": "alternateMobile"})},
						"signInPreferences": obj{"userPreferredMethodForSecondaryAuthentication": "push"}}}),
				user(boss, "boss@contoso.com", obj{"proxyAddresses": []any{"SMTP:boss@contoso.com", "smtp:alias@contoso.com"}}),
				user(sam, "sam@contoso.com", obj{"onPremisesSyncEnabled": true, "onPremisesImmutableId": "abc"}),
				user(gus, "gus_x.example#EXT#@contoso.onmicrosoft.com", obj{"userType": "Guest", "mail": "gus@x.example", "proxyAddresses": []any{"SMTP:gus@x.example"}}),
				user(nell, "nell@contoso.com", obj{"usageLocation": nil, "accountEnabled": false}),
				user(hank, "hank@contoso.com", nil), user(rita, "rita@contoso.com", nil),
			},
			"groups": []any{group(secGroup, "Sec", nil), group(listGroup, "List", obj{"mailEnabled": true, "securityEnabled": false}), group(teamGroup, "Team", obj{"mailEnabled": true, "groupTypes": []any{"Unified"}, "mailNickname": "team"}),
				group(dynGroup, "Dyn", obj{"groupTypes": []any{"DynamicMembership"}, "membershipRule": "x"}), group(adGroup, "AD", obj{"onPremisesSyncEnabled": true}),
				group(roleGroup, "Roles", obj{"isAssignableToRole": true, "members": []any{}, "owners": []any{rita}}), group(licGroup, "Lic", obj{"assignedLicenses": []any{obj{"skuId": granted, "disabledPlans": []any{}}}})},
			"subscribedSkus":    []any{sku(e5, "SPE_E5", 10, 1), sku(full, "FULL", 1, 1), sku(granted, "GRANTED", 5, 1)},
			"roleAssignments":   []any{obj{"id": "ra1", "principalId": boss, "roleDefinitionId": "Global Administrator"}, obj{"id": "ra2", "principalId": hank, "roleDefinitionId": "Helpdesk Administrator"}},
			"servicePrincipals": []any{obj{"id": spID, "appId": "aaaaaaaa-0000-4000-8000-0000000000ff", "displayName": "Odd app", "accountEnabled": true, "servicePrincipalType": "Application"}},
			"oauth2PermissionGrants": []any{obj{"id": grantID, "clientId": spID, "consentType": "Principal", "principalId": ann, "resourceId": spID, "scope": " Mail.Read"},
				obj{"id": "grant-2", "clientId": spID, "consentType": "AllPrincipals", "principalId": nil, "resourceId": spID, "scope": "User.Read"}},
			"appRoleAssignments": []any{obj{"id": "ara-1", "principalId": ann, "principalType": "User", "resourceId": spID, "appRoleId": "00000000-0000-0000-0000-000000000000", "resourceDisplayName": "Odd app"}},
			"devices":            []any{obj{"id": "88888888-0000-4000-8000-000000000001", "deviceId": "88888888-0000-4000-8000-0000000000aa", "displayName": "PC", "accountEnabled": true, "registeredOwners": []any{ann}, "registeredUsers": []any{ann}}},
			"managedDevices":     []any{obj{"id": "88888888-0000-4000-8000-0000000000bb", "deviceName": "PC", "userId": ann}},
			"signIns": []any{
				obj{"id": "s1", "createdDateTime": "$now-1h", "userId": ann, "isInteractive": true, "signInEventTypes": []any{"interactiveUser"}, "sessionId": "x", "autonomousSystemNumber": 64500, "status": obj{"errorCode": 0}, "appliedConditionalAccessPolicies": []any{}},
				obj{"id": "s2", "createdDateTime": "$now-2h", "userId": ann, "isInteractive": false, "signInEventTypes": []any{"nonInteractiveUser"}, "status": obj{"errorCode": 0}},
				obj{"id": "s3", "createdDateTime": "$now-50d", "userId": ann, "isInteractive": true, "status": obj{"errorCode": 0}}},
			"directoryAudits":           []any{obj{"id": "a1", "activityDateTime": "$now-1d", "activityDisplayName": "Consent to application", "category": "ApplicationManagement", "targetResources": []any{obj{"id": spID}}}},
			"riskyUsers":                []any{obj{"id": ann, "riskLevel": "high", "riskState": "atRisk", "userPrincipalName": "ann@contoso.com"}},
			"conditionalAccessPolicies": []any{obj{"id": "p1", "displayName": "MFA", "state": "enabled"}},
		},
		"exchange": obj{"mailboxes": []any{func() obj {
			m := mailbox("ann@contoso.com", "UserMailbox")
			m["InboxRules"] = []any{obj{"Name": "Move", "RuleIdentity": "101", "Enabled": true, "Priority": 1, "ForwardTo": []any{`"Eve" [SMTP:eve@evil.example]`}, "SubjectContainsWords": []any{"invoice"}}}
			m["HiddenInboxRules"] = []any{obj{"Name": "Hidden", "RuleIdentity": "102"}}
			m["AutoReply"] = obj{"AutoReplyState": "Disabled"}
			return m
		}(), mailbox("boss@contoso.com", "SharedMailbox")}},
	})
	for _, edit := range edits {
		edit(contoso)
	}
	out, err := json.Marshal(obj{"clock": "2026-03-12T15:00:00Z",
		"partner": obj{"tenantId": partnerID, "displayName": "Partner", "defaultDomain": "partner.example", "applications": []any{obj{"appId": appID, "displayName": "tool", "secret": "s~+/e cret", "isFallbackPublicClient": true}},
			"users": []any{obj{"userPrincipalName": "admin@partner.example", "refreshToken": "refresh-1", "mfa": true, "gdapGroups": []any{"g1"}}}},
		"tenants": []any{contoso,
			tenant("99999999-0000-4000-8000-000000000003", "basic.example", obj{"features": obj{"entra": "Free", "intune": false}}),
			tenant("99999999-0000-4000-8000-000000000004", "broken.example", obj{"gdap": obj{"status": "active", "roles": []any{"Global Reader"}, "endDateTime": "$now-1d"}}),
			tenant("99999999-0000-4000-8000-000000000005", "stranger.example", obj{"consents": []any{}}),
			tenant("99999999-0000-4000-8000-000000000006", "limited.example", obj{"consents": consent([]string{"User.ReadBasic.All"})}),
			tenant("99999999-0000-4000-8000-000000000007", "noroles.example", obj{"consents": consent(allRoles)}),
		}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func small(t *testing.T, edits ...func(contoso obj)) *tester {
	t.Helper()
	return start(t, Options{State: testState(t, edits...), Control: true})
}
