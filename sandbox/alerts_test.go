package sandbox

import (
	"net/url"
	"strings"
	"testing"
)

func alerted(permission string, features obj) func(obj) {
	return func(t obj) {
		audited(permission, features)(t)
		g, _ := t["graph"].(obj)
		g["alerts"] = []any{
			obj{"id": "a1", "title": "Old", "severity": "high", "createdDateTime": "$now-200d", "evidence": []any{}},
			obj{"id": "a2", "title": "Rule", "severity": "high", "createdDateTime": "$now-2d", "status": "new", "evidence": []any{obj{"@odata.type": "#microsoft.graph.security.userEvidence", "userAccount": obj{"userPrincipalName": "ann@contoso.example"}}}},
			obj{"id": "a3", "title": "Mail", "severity": "low", "createdDateTime": "$now-1d", "status": "new", "evidence": []any{}},
		}
	}
}

const alertsPath = "/security/alerts_v2"

func TestSecurityAlerts(t *testing.T) {
	x := small(t, alerted("SecurityAlert.Read.All", obj{"defender": true}))
	for filter, want := range map[string]int{"": 2, "severity eq 'high'": 1, "createdDateTime ge 2020-01-01T00:00:00Z": 2, "createdDateTime ge 2099-01-01T00:00:00Z": 0, "title eq 'Rule'": -1, "severity ge 'high'": -1} {
		p := alertsPath
		if filter != "" {
			p += "?$filter=" + url.QueryEscape(filter)
		}
		a := x.as(contoso, "GET", p, nil)
		if want < 0 {
			if a.status != 400 {
				t.Errorf("%s: %d %s", filter, a.status, a.raw)
			}
			continue
		}
		if rows, _ := a.body["value"].([]any); a.status != 200 || len(rows) != want {
			t.Errorf("%s: %d %s", filter, a.status, a.raw)
		}
	}
	one := x.as(contoso, "GET", alertsPath+"/a2", nil)
	if one.status != 200 || !strings.Contains(one.raw, "ann@contoso.example") {
		t.Error(one.status, one.raw)
	}
	if a := x.as(contoso, "GET", alertsPath+"/a9", nil); a.status != 404 {
		t.Error(a.status, a.raw)
	}
}

// Both refusals are 403; only the words tell them apart.
func TestSecurityAlertsAreRefused(t *testing.T) {
	x := small(t, alerted("Calendars.Read", obj{"defender": true}))
	if a := x.as(contoso, "GET", alertsPath, nil); a.status != 403 || !strings.Contains(a.raw, "Missing application roles. API required roles: SecurityAlert.Read.All") {
		t.Error(a.status, a.raw)
	}
	x = small(t, alerted("SecurityAlert.Read.All", obj{"defender": false}))
	if a := x.as(contoso, "GET", alertsPath, nil); a.status != 403 || strings.Contains(a.raw, "Missing application roles") {
		t.Error(a.status, a.raw)
	}
}
