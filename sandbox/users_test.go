package sandbox

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

const contoso = "contoso.com"

var eventual = []string{"ConsistencyLevel", "eventual"}

func TestUserQueriesAreRefused(t *testing.T) {
	x := small(t)
	for query, want := range map[string]string{
		"/users?$select=nope":                                               "400 Request_BadRequest Could not find a property named 'nope' on type 'microsoft.graph.user'.",
		"/users?$filter=nope eq 'x'":                                        "400 Request_BadRequest Could not find a property named 'nope'",
		"/users?$filter=displayName eq":                                     "400 Request_BadRequest Syntax error",
		"/users?$filter=displayName ne 'x'":                                 "400 Request_UnsupportedQuery",
		"/users?$filter=endsWith(mail,'x')":                                 "400 Request_UnsupportedQuery",
		"/users?$filter=not(startsWith(mail,'x'))":                          "400 Request_UnsupportedQuery",
		"/users?$filter=contains(displayName,'x')":                          "400 Request_UnsupportedQuery",
		"/users?$filter=assignedLicenses/$count ne 0":                       "400 Request_UnsupportedQuery",
		"/users?$filter=lastPasswordChangeDateTime ge 2026-01-01T00:00:00Z": "400 Request_UnsupportedQuery",
		"/users?$filter=skills/any(s:s eq 'x')":                             "501 NotImplemented",
		"/users?$filter=startsWith(displayName,'a')&$orderby=displayName":   "400 Request_UnsupportedQuery",
		"/users?$orderby=createdDateTime":                                   "400 Request_UnsupportedQuery",
		"/users?$search=\"displayName:a\"":                                  "400 Request_UnsupportedQuery ConsistencyLevel",
		"/users?$top=1000":                                                  "400 Request_BadRequest Invalid page size specified: '1000'. Must be between 1 and 999 inclusive.",
		"/users?$top=0":                                                     "400 Request_BadRequest",
		"/users?$skip=5":                                                    "400 Request_BadRequest '$skip' is not supported",
		"/users?$select=id,aboutMe":                                         "501 NotImplemented",
		"/users?$skiptoken=zzz":                                             "400 Directory_ExpiredPageToken",
		"/users?$foo=1":                                                     "400 Request_BadRequest",
		"/users?$expand=drive":                                              "400 Request_BadRequest",
		"/users/$count":                                                     "400 Request_BadRequest $count is not currently supported.",
		"/users/nobody@contoso.com":                                         "404 Request_ResourceNotFound Resource 'nobody@contoso.com' does not exist",
		"/users/ann@contoso.com?$select=signInActivity":                     "400 Request_BadRequest Get By Key only supports UserId",
		"/users/" + ann + "/authentication/requirements":                    "400 BadRequest Resource not found for the segment 'requirements'",
		"/users/" + ann + "/authentication/methods?$top=1":                  "400 badRequest",
		"/users?$filter=signInActivity/lastSignInDateTime le 2026-01-01T00:00:00Z and accountEnabled eq true": "400 Request_BadRequest",
	} {
		status, rest, _ := strings.Cut(want, " ")
		code, text, _ := strings.Cut(rest, " ")
		n, _ := strconv.Atoi(status)
		path, q, _ := strings.Cut(query, "?")
		if q != "" {
			q = "?" + strings.NewReplacer(" ", "%20", "\"", "%22").Replace(q)
		}
		a := x.as(contoso, "GET", path+q, nil)
		if x.want(a, n, code); !strings.Contains(a.raw, text) {
			t.Errorf("%s: %s", query, a.raw)
		}
	}
	x.want(x.as("basic.example", "GET", "/users?$select=id,signInActivity", nil), 403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant")
	x.want(x.as("basic.example", "GET", "/auditLogs/signIns", nil), 403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant")
	x.want(x.as("basic.example", "GET", "/reports/authenticationMethods/userRegistrationDetails", nil), 403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant")
	x.want(x.as("limited.example", "GET", "/groups", nil), 403, "Authorization_RequestDenied")
	x.want(x.as("limited.example", "POST", "/users", obj{}), 403, "Authorization_RequestDenied")
}

func TestAdvancedQueries(t *testing.T) {
	x := small(t)
	get := func(query string) answer {
		return x.as(contoso, "GET", "/users?"+strings.NewReplacer(" ", "%20", "\"", "%22").Replace(query), nil, eventual...)
	}
	for query, n := range map[string]int{
		"$count=true&$filter=displayName ne 'x'":                               7,
		"$count=true&$filter=endsWith(userPrincipalName,'@contoso.com')":       6,
		"$count=true&$filter=assignedLicenses/$count ne 0":                     1,
		"$search=\"displayName:ann\"":                                          1,
		"$search=\"displayName:zzz\" OR \"mail:boss\"":                         1,
		"$count=true&$filter=startsWith(displayName,'a')&$orderby=displayName": 1,
		"$count=true&$orderby=createdDateTime desc":                            7,
		"$filter=userType eq 'Guest'":                                          1,
		"$filter=id in ('" + ann + "','" + boss + "')":                         2,
		"$filter=proxyAddresses/any(p:p eq 'smtp:ann@contoso.com')":            1,
		"$filter=assignedLicenses/any(a:a/skuId eq " + e5 + ")":                1,
		"$filter=onPremisesSyncEnabled eq true":                                1,
		"$filter=accountEnabled eq false":                                      1,
	} {
		a := get(query)
		if a.status != 200 || len(a.rows()) != n {
			t.Errorf("%s: %s", query, a.raw)
		}
		if strings.Contains(query, "$count=true") && a.body["@odata.count"] != float64(n) {
			t.Errorf("%s: %v", query, a.body["@odata.count"])
		}
	}
	if a := x.as(contoso, "GET", "/users?$count=true", nil); a.body["@odata.count"] != nil {
		t.Error("a count without the header is ignored")
	}
	x.want(get("$count=true&$expand=manager&$filter=displayName ne 'x'"), 400, "Request_UnsupportedQuery")
	if a := x.as(contoso, "GET", "/users/$count?$filter=userType%20eq%20'Guest'", nil, eventual...); a.raw != "1" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
		t.Error(a.raw)
	}
}

func TestShapesOfUsers(t *testing.T) {
	x := small(t)
	a := x.as(contoso, "GET", "/users/"+ann, nil)
	if len(a.body) != 12 || a.body["accountEnabled"] != nil || !strings.HasSuffix(a.body["@odata.context"].(string), "/v1.0/$metadata#users/$entity") {
		t.Error(a.raw)
	}
	a = x.as(contoso, "GET", "/users/ANN@contoso.com?$select=ID,accountenabled,faxNumber", nil)
	if len(a.body) != 4 || a.body["accountEnabled"] != true || !strings.Contains(a.raw, `"faxNumber":null`) {
		t.Error(a.raw)
	}
	for _, path := range []string{"/users('ann@contoso.com')", "/users/" + url.PathEscape("gus_x.example#EXT#@contoso.onmicrosoft.com"), "/users/%61nn%40contoso.com"} {
		x.want(x.as(contoso, "GET", path, nil), 200, "")
	}
	for level, want := range map[string]bool{"none": false, "minimal": true, "full": true} {
		a = x.as(contoso, "GET", "/users?$top=1", nil, "Accept", "application/json;odata.metadata="+level)
		if (a.body["@odata.context"] != nil) != want || (a.rows()[0]["@odata.type"] != nil) != (level == "full") || a.body["@odata.nextLink"] == nil {
			t.Error(level, a.raw)
		}
	}
	a = x.as(contoso, "GET", "/users/"+ann+"?$expand=manager($select=id,displayName)", nil)
	if m, _ := a.body["manager"].(map[string]any); m["id"] != boss || m["mail"] != nil {
		t.Error(a.raw)
	}
	x.want(x.as(contoso, "GET", "/users/"+boss+"/manager", nil), 404, "Request_ResourceNotFound")
	if a = x.as(contoso, "GET", "/users/"+ann+"/manager", nil); a.body["id"] != boss || a.body["@odata.type"] != "#microsoft.graph.user" {
		t.Error(a.raw)
	}
	if a = x.as(contoso, "GET", "/users/"+boss+"/directReports", nil); len(a.rows()) != 1 {
		t.Error(a.raw)
	}
}

func TestPagesAreConsistent(t *testing.T) {
	x := small(t)
	seen := map[any]bool{}
	a := x.as(contoso, "GET", "/users?$top=2&$select=id&$orderby=displayName", nil)
	for n := 0; ; n++ {
		for _, r := range a.rows() {
			if seen[r["id"]] {
				t.Error("twice", r)
			}
			seen[r["id"]] = true
		}
		next, _ := a.body["@odata.nextLink"].(string)
		if next == "" {
			break
		}
		if !strings.HasPrefix(next, x.s.URL()+"/v1.0/users?$top=2&$select=id&$orderby=displayName&$skiptoken=") {
			t.Fatal(next)
		}
		if n == 0 { // who was on the first page goes; nobody behind is lost
			x.want(x.as(contoso, "DELETE", "/users/"+ann, nil), 204, "")
		}
		a = x.as(contoso, "GET", next, nil)
	}
	if len(seen) != 7 {
		t.Error(len(seen))
	}
}

var newUser = obj{"accountEnabled": true, "displayName": "New", "mailNickName": "new", "userPrincipalName": "new@contoso.com", "passwordProfile": obj{"password": "xWwvJ]6NMw+bWH-d", "forceChangePasswordNextSignIn": true}}

func with(base obj, more obj) obj {
	o := obj{}
	for k, v := range base {
		o[k] = v
	}
	for k, v := range more {
		if v == "-" {
			delete(o, k)
			continue
		}
		o[k] = v
	}
	return o
}

func TestCreatingAUser(t *testing.T) {
	x := small(t)
	for name, c := range map[string]struct {
		more obj
		text string
	}{
		"no name":         {obj{"displayName": "-"}, "displayName"},
		"no password":     {obj{"passwordProfile": obj{"forceChangePasswordNextSignIn": true}}, "password"},
		"weak password":   {obj{"passwordProfile": obj{"password": "aaaaaaaaaa"}}, "complexity"},
		"short password":  {obj{"passwordProfile": obj{"password": "aA1!"}}, "complexity"},
		"foreign domain":  {obj{"userPrincipalName": "new@else.example"}, "verified domain"},
		"unverified":      {obj{"userPrincipalName": "new@new.example"}, "verified domain"},
		"federated":       {obj{"userPrincipalName": "new@fed.example"}, "onPremisesImmutableId"},
		"accent":          {obj{"userPrincipalName": "né@contoso.com"}, "userPrincipalName"},
		"taken":           {obj{"userPrincipalName": "ANN@contoso.com"}, "Another object with the same value for property userPrincipalName already exists."},
		"taken address":   {obj{"userPrincipalName": "alias@contoso.com"}, "proxyAddresses"},
		"unknown":         {obj{"favouriteColour": "red"}, "'favouriteColour' does not exist"},
		"read-only":       {obj{"createdDateTime": "2026-01-01T00:00:00Z"}, "'createdDateTime' is read-only"},
		"wrong type":      {obj{"accountEnabled": "yes"}, "accountEnabled"},
		"empty text":      {obj{"jobTitle": ""}, "jobTitle"},
		"long":            {obj{"jobTitle": strings.Repeat("x", 129)}, "maximum length"},
		"country":         {obj{"usageLocation": "Mars"}, "usageLocation"},
		"two phones":      {obj{"businessPhones": []string{"1", "2"}}, "businessPhones"},
		"nickname":        {obj{"mailNickName": "a b"}, "mailNickname"},
		"enum":            {obj{"ageGroup": "Old"}, "ageGroup"},
		"profile unknown": {obj{"passwordProfile": obj{"password": "xWwvJ]6NMw+bWH-d", "hint": "x"}}, "passwordProfile"},
	} {
		a := x.as(contoso, "POST", "/users", with(newUser, c.more))
		if x.want(a, 400, "Request_BadRequest"); !strings.Contains(a.raw, c.text) {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
	x.want(x.as(contoso, "POST", "/users", "{", "Content-Type", "application/json"), 400, "BadRequest")
	x.want(x.as(contoso, "POST", "/users", "<a/>", "Content-Type", "text/xml"), 415, "BadRequest")
	x.want(x.as(contoso, "POST", "/users", obj{"employeeLeaveDateTime": "2026-01-01T00:00:00Z"}), 400, "Request_BadRequest")

	a := x.as(contoso, "POST", "/users", newUser)
	x.want(a, 201, "")
	id := a.body["id"].(string)
	if !strings.HasSuffix(a.header.Get("Location"), "/users/"+id) || strings.Contains(a.raw, "xWwvJ") {
		t.Error(a.raw)
	}
	x.want(x.as(contoso, "POST", "/users", newUser), 400, "Request_BadRequest")
	x.want(x.as(contoso, "DELETE", "/users/"+id, nil), 204, "")
	if a = x.as(contoso, "POST", "/users", newUser); a.status != 400 {
		t.Error("a deleted user holds its name")
	}
	if a = x.as(contoso, "GET", "/directory/deletedItems/microsoft.graph.user?$select=id,userPrincipalName,deletedDateTime", nil); len(a.rows()) != 1 || a.rows()[0]["userPrincipalName"] != strings.ReplaceAll(id, "-", "")+"new@contoso.com" {
		t.Error(a.raw)
	}
	x.want(x.as(contoso, "POST", "/directory/deletedItems/"+id+"/restore", nil), 200, "")
	x.want(x.as(contoso, "GET", "/users/new@contoso.com", nil), 200, "")
	x.want(x.as(contoso, "DELETE", "/users/"+id, nil), 204, "")
	x.want(x.as(contoso, "DELETE", "/directory/deletedItems/"+id, nil), 204, "")
	x.want(x.as(contoso, "POST", "/directory/deletedItems/"+id+"/restore", nil), 404, "Request_ResourceNotFound")
	x.want(x.as(contoso, "POST", "/users", newUser), 201, "")
	if s, err := x.s.State(); err != nil || strings.Contains(string(s), "xWwvJ") {
		t.Error("the password is kept in the state", err)
	}
}

func TestUpdatingAUser(t *testing.T) {
	x := small(t)
	for name, c := range map[string]struct {
		tenant, id string
		body       obj
		status     int
		code       string
	}{
		"plain":                      {contoso, ann, obj{"jobTitle": "Boss", "officeLocation": nil}, 204, ""},
		"case of names":              {contoso, ann, obj{"JOBTITLE": "X"}, 204, ""},
		"unknown":                    {contoso, ann, obj{"nope": 1}, 400, "Request_BadRequest"},
		"read-only":                  {contoso, ann, obj{"proxyAddresses": []string{"smtp:x@contoso.com"}}, 400, "Request_BadRequest"},
		"null name":                  {contoso, ann, obj{"displayName": nil}, 400, "Request_BadRequest"},
		"mail of a mailbox":          {contoso, ann, obj{"mail": "x@contoso.com"}, 400, "Request_BadRequest"},
		"synced property":            {contoso, sam, obj{"jobTitle": "X"}, 400, "Request_BadRequest"},
		"synced, cloud property":     {contoso, sam, obj{"usageLocation": "DE"}, 204, ""},
		"synced password":            {contoso, sam, obj{"passwordProfile": obj{"password": "xWwvJ]6NMw+bWH-d"}}, 400, "Request_BadRequest"},
		"password":                   {contoso, ann, obj{"passwordProfile": obj{"password": "xWwvJ]6NMw+bWH-d"}}, 204, ""},
		"password of an admin":       {contoso, boss, obj{"passwordProfile": obj{"password": "xWwvJ]6NMw+bWH-d"}}, 403, "Authorization_RequestDenied"},
		"block a global admin":       {contoso, boss, obj{"accountEnabled": false}, 403, "Authorization_RequestDenied"},
		"block a helpdesk admin":     {contoso, hank, obj{"accountEnabled": false}, 204, ""},
		"block owner of role group":  {contoso, rita, obj{"accountEnabled": false}, 403, "Authorization_RequestDenied"},
		"app without role, password": {"noroles.example", "sole@noroles.example", obj{"passwordProfile": obj{"password": "xWwvJ]6NMw+bWH-d"}}, 403, "Authorization_RequestDenied"},
		"app without role, block":    {"noroles.example", "sole@noroles.example", obj{"accountEnabled": false}, 204, ""},
		"no permission":              {"limited.example", "sole@limited.example", obj{"jobTitle": "x"}, 403, "Authorization_RequestDenied"},
		"app sets skills":            {contoso, ann, obj{"skills": []string{"x"}}, 403, "Authorization_RequestDenied"},
		"identities":                 {contoso, ann, obj{"identities": []any{}}, 403, "Authorization_RequestDenied"},
		"other's name":               {contoso, ann, obj{"userPrincipalName": "boss@contoso.com"}, 400, "Request_BadRequest"},
		"policies":                   {contoso, ann, obj{"passwordPolicies": "DisablePasswordExpiration, DisableStrongPassword"}, 204, ""},
		"bad policy":                 {contoso, ann, obj{"passwordPolicies": "Never"}, 400, "Request_BadRequest"},
	} {
		a := x.as(c.tenant, "PATCH", "/users/"+c.id, c.body)
		if a.status != c.status || a.code() != c.code {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	a := x.as(contoso, "GET", "/users/"+ann+"?$select=jobTitle,lastPasswordChangeDateTime,signInSessionsValidFromDateTime,passwordProfile", nil)
	if a.body["jobTitle"] == nil || a.body["lastPasswordChangeDateTime"] != "2026-03-12T15:00:00Z" || strings.Contains(a.raw, "xWwvJ") {
		t.Error(a.raw)
	}
	x.want(x.as(contoso, "PATCH", "/users/"+nell, obj{"userPrincipalName": "nellie@contoso.com"}), 204, "")
	x.want(x.as(contoso, "GET", "/users/nellie@contoso.com", nil), 200, "")
	x.want(x.as(contoso, "GET", "/users/nell@contoso.com", nil), 404, "Request_ResourceNotFound")
	x.want(x.as(contoso, "DELETE", "/users/"+boss, nil), 403, "Authorization_RequestDenied")

	audits := x.as(contoso, "GET", "/auditLogs/directoryAudits?$filter="+url.QueryEscape("targetResources/any(t:t/id eq '"+hank+"')"), nil)
	names := ""
	for _, r := range audits.rows() {
		names += r["activityDisplayName"].(string) + ";"
	}
	if !strings.Contains(names, "Disable account;") || !strings.Contains(names, "Update user;") {
		t.Error(audits.raw)
	}
}

// A signed-in partner needs directory roles besides the permission.
func TestDelegatedRoles(t *testing.T) {
	x := small(t, func(c obj) { c["gdap"] = obj{"status": "active", "roles": []any{"Global Reader"}} })
	d := "d:" + contoso
	x.want(x.as(d, "GET", "/users", nil), 200, "")
	x.want(x.as(d, "GET", "/auditLogs/signIns", nil), 200, "")
	for _, r := range []answer{
		x.as(d, "PATCH", "/users/"+ann, obj{"accountEnabled": false}), x.as(d, "DELETE", "/users/"+ann, nil), x.as(d, "POST", "/users", newUser),
		x.as(d, "POST", "/users/"+ann+"/revokeSignInSessions", nil), x.as(d, "POST", "/users/"+ann+"/assignLicense", obj{"addLicenses": []any{}, "removeLicenses": []any{}}),
	} {
		x.want(r, 403, "Authorization_RequestDenied")
	}
	x.want(x.as(d, "DELETE", "/users/"+ann+"/authentication/phoneMethods/x", nil), 403, "accessDenied")

	y := small(t, func(c obj) {
		c["gdap"] = obj{"status": "active", "roles": []any{"Authentication Administrator"}, "endDateTime": "$now+1h"}
		c["features"] = obj{"entra": "P2", "passwordWriteback": true}
	})
	reset := "/authentication/methods/28c10230-6103-485e-b985-444c60001490/resetPassword"
	a := y.as(d, "POST", "/users/"+ann+reset, obj{})
	if y.want(a, 202, ""); a.body["newPassword"] == nil {
		t.Error(a.raw)
	}
	y.want(y.as(d, "GET", strings.TrimPrefix(a.header.Get("Location"), y.s.URL()), nil), 200, "")
	y.want(y.as(d, "POST", "/users/"+sam+reset, obj{}), 400, "Request_BadRequest")
	y.want(y.as(d, "POST", "/users/"+sam+reset, obj{"newPassword": "xWwvJ]6NMw+bWH-d"}), 202, "")
	y.want(y.as(d, "POST", "/users/"+boss+reset, obj{}), 403, "accessDenied")
	y.want(y.as(contoso, "POST", "/users/"+ann+reset, obj{}), 403, "accessDenied")
	if a = y.as(d, "GET", "/users/"+ann+"/authentication/phoneMethods", nil); !strings.Contains(a.raw, "+4XXXXXXXX") {
		t.Error("phone numbers are masked", a.raw)
	}
	// The relationship ends: the token lives, the roles do not.
	y.s.Advance(61 * time.Minute)
	delete(y.tokens, d)
	if a := y.token(contoso, true, graphScope); a.status != 400 || !strings.Contains(a.raw, "AADSTS50020") {
		t.Error(a.raw)
	}
}

func TestSyncTakesTheAccountBack(t *testing.T) {
	x := small(t, func(c obj) { c["features"] = obj{"entra": "P2", "syncOverwritesAccountEnabled": true} })
	x.want(x.as(contoso, "PATCH", "/users/"+sam, obj{"accountEnabled": false}), 204, "")
	enabled := func() any {
		return x.as(contoso, "GET", "/users/"+sam+"?$select=accountEnabled", nil).body["accountEnabled"]
	}
	if enabled() != false {
		t.Error("the block is not seen")
	}
	x.s.Advance(31 * time.Minute)
	if enabled() != true {
		t.Error("the next sync does not bring the old value back")
	}
}

func TestDelta(t *testing.T) {
	x := small(t)
	a := x.as(contoso, "GET", "/users/delta?$select=id,displayName", nil)
	link, _ := a.body["@odata.deltaLink"].(string)
	if len(a.rows()) != 7 || link == "" {
		t.Fatal(a.raw)
	}
	if b := x.as(contoso, "GET", link, nil); len(b.rows()) != 0 || b.body["@odata.deltaLink"] == nil {
		t.Error(b.raw)
	}
	x.as(contoso, "PATCH", "/users/"+ann, obj{"displayName": "Anna"})
	x.as(contoso, "DELETE", "/users/"+nell, nil)
	b := x.as(contoso, "GET", link, nil)
	if len(b.rows()) != 2 || b.rows()[0]["displayName"] != "Anna" || !strings.Contains(b.raw, `"id":"`+nell+`","@removed":{"reason":"changed"}`) {
		t.Error(b.raw)
	}
	x.as(contoso, "DELETE", "/directory/deletedItems/"+nell, nil)
	if b = x.as(contoso, "GET", link, nil); !strings.Contains(b.raw, `{"reason":"deleted"}`) {
		t.Error(b.raw)
	}
	latest := x.as(contoso, "GET", "/users/delta?$deltatoken=latest", nil)
	if len(latest.rows()) != 0 || latest.body["@odata.deltaLink"] == nil {
		t.Error(latest.raw)
	}
	x.want(x.as(contoso, "GET", "/users/delta?$top=5", nil), 400, "Request_BadRequest")
	x.want(x.as(contoso, "GET", link+"&$select=id", nil), 400, "Request_BadRequest")
	x.s.Advance(8 * 24 * time.Hour)
	delete(x.tokens, contoso)
	gone := x.as(contoso, "GET", link, nil)
	if x.want(gone, 410, "syncStateNotFound"); gone.header.Get("Location") == "" {
		t.Error(gone.header)
	}
}
