package builtin

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

var (
	firstNames = []string{"Ada", "Bram", "Cleo", "Dario", "Elin", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kaia", "Luis", "Mina", "Nils", "Olga", "Pavel", "Quinn", "Rosa", "Sami", "Tove"}
	lastNames  = []string{"Abbott", "Berg", "Costa", "Dahl", "Evans", "Fischer", "Gallo", "Hale", "Ito", "Jansen", "Kovacs", "Lopez", "Meyer", "Nagy", "Oduya", "Perez", "Rossi", "Silva", "Turner", "Weiss"}
	places     = []string{"Sales", "Finance", "Operations", "IT", "HR"}
)

const (
	suite       = "06ebc4ee-1bb5-47dd-8120-11324bc54e06" // SPE_E5
	firstMethod = "28c10230-6103-485e-b985-444c60001490" // the id every password method has
)

// Generate makes a state file of many like tenants for measurements: the built-in partner with its
// application and credentials, and as many premium customers as asked for, each with usersPerTenant
// licensed users. About three users in four have registered a method besides the password, one in twelve
// has a device, one in fifty an administrator's role, the first of each tenant always. Equal arguments
// give equal bytes.
func Generate(seed int64, tenants, usersPerTenant int) []byte {
	var story struct {
		Clock   string         `json:"clock"`
		Partner map[string]any `json:"partner"`
		Tenants []struct {
			Consents []any          `json:"consents"`
			GDAP     map[string]any `json:"gdap"`
		} `json:"tenants"`
	}
	if err := json.Unmarshal(State, &story); err != nil {
		panic(fmt.Sprintf("the built-in story is not JSON: %v", err)) // it is compiled in: a broken build
	}
	g := generator{r: rand.New(rand.NewPCG(uint64(seed), 0x5bd1e995))} //nolint:gosec // repeatable, no secret hangs on it
	list := make([]any, tenants)
	for i := range list {
		t := g.tenant(i, usersPerTenant)
		t["consents"], t["gdap"] = story.Tenants[0].Consents, story.Tenants[0].GDAP
		list[i] = t
	}
	out, err := json.Marshal(map[string]any{"clock": story.Clock, "partner": story.Partner, "tenants": list})
	if err != nil {
		panic(fmt.Sprintf("a generated state cannot be encoded: %v", err))
	}
	return out
}

type generator struct{ r *rand.Rand }

func (g *generator) id() string {
	a, b := g.r.Uint64(), g.r.Uint64()
	a = a&^0xf000 | 0x4000
	b = b&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

func (g *generator) tenant(n, users int) map[string]any {
	domain := fmt.Sprintf("customer%04d.example", n+1)
	id := g.id()
	graph := map[string]any{"subscribedSkus": []any{map[string]any{
		"id": id + "_" + suite, "skuId": suite, "skuPartNumber": "SPE_E5", "appliesTo": "User", "capabilityStatus": "Enabled",
		"consumedUnits": users, "prepaidUnits": map[string]any{"enabled": users + users/10 + 1, "suspended": 0, "warning": 0, "lockedOut": 0},
		"servicePlans": []any{
			plan("efb87545-963c-4e0d-99df-69c6916d9eb0", "EXCHANGE_S_ENTERPRISE"), plan("c1ec4a95-1f05-45b3-a911-aa3fa01094f5", "INTUNE_A"),
			plan("eec0eb4f-6444-4f95-aba0-50c24d67f998", "AAD_PREMIUM_P2"),
		}}}}
	var people, boxes, devices, roles []any
	for i := range users {
		u, box := g.user(i, domain)
		people, boxes = append(people, u), append(boxes, box)
		if g.r.IntN(12) == 0 {
			devices = append(devices, g.device(u["id"].(string), n, i))
		}
		if i == 0 || g.r.IntN(50) == 0 {
			role := "fe930be7-5e62-47db-91af-98c3a49a38b1" // User Administrator
			if i == 0 {
				role = "62e90394-69f5-4237-9190-012177145e10" // Global Administrator
			}
			roles = append(roles, map[string]any{"id": g.id(), "roleDefinitionId": role, "principalId": u["id"], "directoryScopeId": "/"})
		}
	}
	graph["users"], graph["roleAssignments"] = people, roles
	if devices != nil {
		graph["devices"] = devices
	}
	return map[string]any{
		"tenantId": id, "displayName": fmt.Sprintf("Customer %04d", n+1), "defaultDomain": domain,
		"domains": []any{
			map[string]any{"id": domain, "isDefault": true, "isVerified": true, "isInitial": false, "authenticationType": "Managed"},
			map[string]any{"id": fmt.Sprintf("customer%04d.onmicrosoft.com", n+1), "isDefault": false, "isVerified": true, "isInitial": true, "authenticationType": "Managed"},
		},
		"features": map[string]any{"entra": "P2", "signInApi": true, "unifiedAuditLog": true, "intune": true, "entraLogDays": 30, "ualDays": 180},
		"policies": map[string]any{"temporaryAccessPass": true, "securityDefaults": false, "registrationCampaign": true},
		"graph":    graph, "exchange": map[string]any{"mailboxes": boxes},
	}
}

func plan(id, name string) map[string]any {
	return map[string]any{"servicePlanId": id, "servicePlanName": name, "provisioningStatus": "Success", "appliesTo": "User"}
}

func (g *generator) user(i int, domain string) (user, mailbox map[string]any) {
	first, last := firstNames[g.r.IntN(len(firstNames))], lastNames[g.r.IntN(len(lastNames))]
	nick := fmt.Sprintf("user%05d", i+1)
	upn := nick + "@" + domain
	methods := []any{map[string]any{"@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": firstMethod, "createdDateTime": "$now-200d"}}
	switch g.r.IntN(8) {
	case 0, 1:
	case 2:
		methods = append(methods, map[string]any{"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "id": "3179e48a-750b-4051-897c-87b9720928f7",
			"phoneNumber": fmt.Sprintf("+44 7700900%03d", i%1000), "phoneType": "mobile", "smsSignInState": "notAllowedByPolicy"})
	default:
		methods = append(methods, map[string]any{"@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod", "id": g.id(),
			"displayName": "iPhone", "deviceTag": "SoftwareTokenActivated", "phoneAppVersion": "6.8.17", "createdDateTime": "$now-300d"})
	}
	user = map[string]any{
		"id": g.id(), "displayName": first + " " + last, "givenName": first, "surname": last, "userPrincipalName": upn, "mailNickname": nick, "mail": upn,
		"proxyAddresses": []any{"SMTP:" + upn}, "accountEnabled": g.r.IntN(20) != 0, "userType": "Member", "usageLocation": "GB",
		"department": places[g.r.IntN(len(places))], "createdDateTime": "$now-700d", "lastPasswordChangeDateTime": "$now-90d",
		"assignedLicenses": []any{map[string]any{"skuId": suite, "disabledPlans": []any{}}},
		"authentication":   map[string]any{"methods": methods, "requirements": map[string]any{"perUserMfaState": "disabled"}},
	}
	mailbox = map[string]any{
		"UserPrincipalName": upn, "ExternalDirectoryObjectId": user["id"], "ExchangeGuid": g.id(), "DisplayName": user["displayName"], "Alias": nick,
		"PrimarySmtpAddress": upn, "EmailAddresses": []any{"SMTP:" + upn}, "RecipientTypeDetails": "UserMailbox",
	}
	return user, mailbox
}

func (g *generator) device(owner string, tenant, i int) map[string]any {
	return map[string]any{
		"id": g.id(), "deviceId": g.id(), "displayName": fmt.Sprintf("PC-%04d-%05d", tenant+1, i+1), "operatingSystem": "Windows",
		"operatingSystemVersion": "10.0.26100.3194", "trustType": "AzureAd", "accountEnabled": true, "isManaged": true, "isCompliant": true,
		"registrationDateTime": "$now-300d", "approximateLastSignInDateTime": "$now-1d", "registeredOwners": []any{owner}, "registeredUsers": []any{owner},
	}
}
