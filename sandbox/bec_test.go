package sandbox

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"cipp-mcp/sandbox/cloud"
)

// audited is edits of a tenant: what it may ask for, and a log with something in it.
func audited(permission string, features obj, rows ...obj) func(obj) {
	return func(t obj) {
		c := t["consents"].([]any)[0].(obj)
		c["appRoles"] = append(c["appRoles"].([]any), permission)
		f, _ := t["features"].(obj)
		for k, v := range features {
			f[k] = v
		}
		log := []any{}
		for i, r := range rows {
			at := r["at"].(string)
			data := obj{"CreationTime": at, "Operation": r["op"], "Workload": r["workload"], "UserId": "ann@contoso.example", "ClientIP": r["ip"], "UserType": 2, "ObjectId": r["object"]}
			log = append(log, obj{"RecordType": r["type"], "CreationDate": at, "UserIds": "ann@contoso.example", "Operations": r["op"], "Identity": "77777777-0000-4000-8000-00000000000" + string(rune('0'+i)), "AuditData": data})
		}
		e, _ := t["exchange"].(obj)
		e["unifiedAuditLog"] = log
	}
}

var auditRows = []obj{
	{"at": "$now-2h", "type": "ExchangeAdmin", "op": "New-InboxRule", "workload": "Exchange", "ip": "203.0.113.7:4411", "object": `ann\..`},
	{"at": "$now-3h", "type": "AzureActiveDirectory", "op": "Consent to application.", "workload": "AzureActiveDirectory", "ip": "203.0.113.7"},
	{"at": "$now-40d", "type": "ExchangeItemAggregated", "op": "MailItemsAccessed", "workload": "Exchange", "ip": "198.51.100.1"},
	{"at": "$now-200d", "type": "ExchangeAdmin", "op": "Set-Mailbox", "workload": "Exchange", "ip": "198.51.100.1"},
}

const auditQueries = "/security/auditLog/queries"

func TestAuditLogQueries(t *testing.T) {
	x := small(t, audited("AuditLogsQuery.Read.All", obj{"auditQuerySeconds": 5}, auditRows...))
	ask := func(body obj) (id string) {
		t.Helper()
		a := x.as(contoso, "POST", auditQueries, body)
		if a.status != 201 || a.body["status"] != "notStarted" || a.body["id"] == nil {
			t.Fatal(a.status, a.raw)
		}
		return a.body["id"].(string)
	}
	for name, c := range map[string]struct {
		body obj
		want int
	}{
		"all that is kept": {obj{}, 3},
		"by record type":   {obj{"recordTypeFilters": []string{"exchangeAdmin"}}, 1},
		"by operation":     {obj{"operationFilters": []string{"MailItemsAccessed", "New-InboxRule"}}, 2},
		"by address":       {obj{"ipAddressFilters": []string{"203.0.113.7"}}, 2},
		"by user":          {obj{"userPrincipalNameFilters": []string{"bob@contoso.example"}}, 0},
		"by service":       {obj{"serviceFilters": []string{"AzureActiveDirectory"}}, 1},
		"by object":        {obj{"objectIdFilters": []string{`ann\..`}}, 1},
		"by a word":        {obj{"keywordFilter": "consent"}, 1},
		"by time":          {obj{"filterStartDateTime": x.s.Now().Add(-150 * time.Minute).Format(time.RFC3339)}, 1},
	} {
		id := ask(c.body)
		if a := x.as(contoso, "GET", auditQueries+"/"+id+"/records", nil); len(a.rows()) != 0 {
			t.Error(name, "records before it has run", a.raw)
		}
		x.s.Advance(2 * time.Second)
		if a := x.as(contoso, "GET", auditQueries+"/"+id, nil); a.body["status"] != "running" {
			t.Error(name, a.raw)
		}
		x.s.Advance(5 * time.Second)
		if a := x.as(contoso, "GET", auditQueries+"/"+id, nil); a.body["status"] != "succeeded" || a.body["approximateReturnedRecordCount"] != float64(c.want) || strings.Contains(a.raw, "submitted") {
			t.Error(name, a.raw)
		}
		a := x.as(contoso, "GET", auditQueries+"/"+id+"/records", nil)
		if len(a.rows()) != c.want || c.want > 0 && (!strings.Contains(a.raw, `"auditData":{`) || !strings.Contains(a.raw, `"userType":"Admin"`)) {
			t.Error(name, a.raw)
		}
	}
	one := ask(obj{"displayName": "paged"})
	x.s.Advance(time.Minute)
	seen := map[string]bool{}
	for next := auditQueries + "/" + one + "/records?$top=2"; next != ""; {
		a := x.as(contoso, "GET", next, nil)
		for _, r := range a.rows() {
			seen[r["id"].(string)] = true
		}
		link, _ := a.body["@odata.nextLink"].(string)
		_, next, _ = strings.Cut(link, "/v1.0")
	}
	if len(seen) != 3 {
		t.Error(seen)
	}
	for _, bad := range []obj{{"status": "succeeded"}, {"nonsense": 1}, {"recordTypeFilters": []string{"NoSuchType"}}, {"filterStartDateTime": "2026-03-12T00:00:00Z", "filterEndDateTime": "2026-03-11T00:00:00Z"}} {
		if a := x.as(contoso, "POST", auditQueries, bad); a.status != 400 {
			t.Error(bad, a.raw)
		}
	}
	x.want(x.as(contoso, "GET", auditQueries+"/"+ann, nil), 404, "ResourceNotFound")
	for range 50 {
		ask(obj{})
	}
	if a := x.as(contoso, "POST", auditQueries, obj{}); a.status != 429 {
		t.Error("51 at once", a.status, a.raw)
	}
	for n := 60; n < 200; n++ {
		x.s.Advance(time.Minute)
		clear(x.tokens) // they last an hour
		ask(obj{})
	}
	x.s.Advance(time.Minute)
	if a := x.as(contoso, "POST", auditQueries, obj{}); a.status != 429 {
		t.Error("201 in a day", a.status, a.raw)
	}
	// The queries are part of the state.
	state, err := x.s.State()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cloud.New(state, "", 1); err != nil {
		t.Error(err)
	}
}

func TestAuditLogQueriesAreLimitedByPermission(t *testing.T) {
	x := small(t)
	x.want(x.as(contoso, "POST", auditQueries, obj{}), 403, "Authorization_RequestDenied")
	x = small(t, audited("AuditLogsQuery-Entra.Read.All", obj{"auditQuerySeconds": 0}, auditRows...))
	id := x.as(contoso, "POST", auditQueries, obj{}).body["id"].(string)
	if a := x.as(contoso, "GET", auditQueries+"/"+id+"/records", nil); len(a.rows()) != 1 || a.rows()[0]["service"] != "AzureActiveDirectory" {
		t.Error(a.raw)
	}
	x = small(t, audited("AuditLogsQuery.Read.All", obj{"unifiedAuditLog": false}))
	x.want(x.as(contoso, "POST", auditQueries, obj{}), 400, "AuditingDisabledTenant")
	x = small(t, audited("AuditLogsQuery.Read.All", obj{"auditQuerySeconds": 0, "mailItemsAccessed": false, "ualLagMinutes": 150}, auditRows...))
	id = x.as(contoso, "POST", auditQueries, obj{}).body["id"].(string)
	if a := x.as(contoso, "GET", auditQueries+"/"+id+"/records", nil); len(a.rows()) != 1 || a.rows()[0]["operation"] != "Consent to application." {
		t.Error("what is late and what is not licensed is not there", a.raw)
	}
}

func TestSignInsHideWhatIsNew(t *testing.T) {
	x := small(t, func(t obj) {
		row := t["graph"].(obj)["signIns"].([]any)[0].(obj)
		row["incomingTokenType"], row["deviceDetail"] = "refreshToken", obj{"browser": "Edge", "browserId": "b-1"}
	})
	path := "/beta/auditLogs/signIns?$filter=" + url.QueryEscape("signInEventTypes/any(t:t eq 'interactiveUser')")
	if a := x.as(contoso, "GET", path, nil); !strings.Contains(a.raw, `"incomingTokenType":"unknownFutureValue"`) || !strings.Contains(a.raw, "b-1") {
		t.Error(a.raw)
	}
	if a := x.as(contoso, "GET", path, nil, "Prefer", "include-unknown-enum-members"); !strings.Contains(a.raw, `"incomingTokenType":"refreshToken"`) {
		t.Error(a.raw)
	}
	if a := x.as(contoso, "GET", "/auditLogs/signIns", nil); strings.Contains(a.raw, "browserId") || strings.Contains(a.raw, "incomingTokenType") {
		t.Error(a.raw)
	}
}

func TestDocumentedLimits(t *testing.T) {
	x := start(t, Options{State: testState(t), Limits: true, Clock: "2026-03-12T15:00:00Z"})
	for i := range 6 {
		if a := x.as(contoso, "GET", "/auditLogs/signIns", nil); (a.status == 429) != (i == 5) || i == 5 && a.header.Get("Retry-After") == "" {
			t.Error(i, a.status, a.header)
		}
	}
	x.s.Advance(time.Minute)
	x.want(x.as(contoso, "GET", "/identityProtection/riskyUsers", nil), 200, "")
	if a := x.as(contoso, "GET", "/identity/conditionalAccess/policies", nil); a.status != 429 || a.header.Get("Retry-After") != "" {
		t.Error("one bucket for both", a.status, a.header)
	}
}

// What is not Microsoft's stays in the state: addresses that are known, and what the provider knows of a customer.
func TestStateKeepsWhatIsNotMicrosofts(t *testing.T) {
	s := start(t, Options{}).s
	raw, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	var state struct {
		IPIntel map[string]struct {
			ASN  int    `json:"asn"`
			Type string `json:"type"`
		} `json:"ipIntel"`
		Tenants []struct {
			DisplayName string `json:"displayName"`
			Operator    obj    `json:"operator"`
		} `json:"tenants"`
	}
	if err := json.Unmarshal(raw, &state); err != nil || state.IPIntel["203.0.113.66"].ASN != 64510 || state.IPIntel["203.0.113.66"].Type != "hosting" {
		t.Errorf("%v %+v", err, state.IPIntel)
	}
	for _, tn := range state.Tenants {
		if tn.DisplayName == joinery && tn.Operator["approvedApps"] == nil {
			t.Errorf("%+v", tn)
		}
	}
}
