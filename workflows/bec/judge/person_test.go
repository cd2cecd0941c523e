package judge

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"cipp-mcp/workflows/bec"
)

const (
	upn      = "anna.keller@fabrikam.example"
	userID   = "11111111-2222-4333-8444-555555555555"
	laptop   = "aaaaaaaa-0000-4000-8000-000000000001"
	owa      = "9199bf20-a13f-4107-85dc-02114787ef48"
	home     = "4765445b-32c6-49b0-83e6-1d93765276ca"
	exo      = "00000002-0000-0ff1-ce00-000000000000"
	graphID  = "00000003-0000-0000-c000-000000000000"
	office   = "198.51.100.10"
	mobile   = "198.51.100.200"
	evil     = "203.0.113.50"
	evil2    = "203.0.113.99"
	edgeUA   = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36 Edg/133.0.0.0"
	chromeUA = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/121.0.0.0 Safari/537.36"
)

func ago(d time.Duration) string { return now.Add(-d).Format(time.RFC3339) }

// signed is one row of the sign-in log; change bends it.
func signed(when time.Duration, ip string, change obj) obj {
	asn, country, managed := 64497, "GB", true
	switch ip {
	case mobile:
		asn, managed = 64498, false
	case evil, evil2:
		asn, country, managed = 64510, "NL", false
	}
	device := obj{"deviceId": "", "operatingSystem": "Linux", "browser": "Chrome 121.0.0", "isManaged": false, "isCompliant": false}
	agent := chromeUA
	if managed {
		device, agent = obj{"deviceId": laptop, "operatingSystem": "Windows11", "browser": "Edge 133.0.0", "isManaged": true, "isCompliant": true, "trustType": "Azure AD joined"}, edgeUA
	}
	r := obj{"id": fmt.Sprintf("si-%d-%s", when.Milliseconds(), ip), "createdDateTime": ago(when), "userId": userID, "userPrincipalName": upn, "appId": owa, "appDisplayName": "One Outlook Web", "resourceId": exo, "ipAddress": ip, "autonomousSystemNumber": asn,
		"clientAppUsed": "Browser", "userAgent": agent, "correlationId": fmt.Sprintf("c-%d-%s", when.Milliseconds(), ip), "sessionId": "s-" + ip, "uniqueTokenIdentifier": fmt.Sprintf("t-%d-%s", when.Milliseconds(), ip),
		"status": obj{"errorCode": 0}, "location": obj{"countryOrRegion": country}, "deviceDetail": device, "isInteractive": true, "signInEventTypes": []string{"interactiveUser"}, "authenticationProtocol": "none", "authenticationRequirement": "multiFactorAuthentication"}
	for k, v := range change {
		r[k] = v
	}
	return r
}

// person is a user with a month of ordinary work, in a tenant in which every source was read.
func person() (bec.Facts, *memory) {
	f := bec.Facts{CaseID: "c", TenantID: "99999999-0000-4000-8000-000000000000", Tenant: "fabrikam.onmicrosoft.example", OwnDomains: []string{"fabrikam.example"}, Now: now, Opened: now, User: bec.User{ID: userID, UserPrincipalName: upn}, OwnAppID: "0a0a0a0a-0000-4000-8000-000000000001"}
	f.Intel = func(a netip.Addr) (bec.Intel, bool) {
		switch a.String() {
		case evil, evil2:
			return bec.Intel{ASN: 64510, Type: "hosting", Country: "NL"}, true
		case office:
			return bec.Intel{ASN: 64497, Type: "isp", Country: "GB"}, true
		}
		return bec.Intel{}, false
	}
	m := whole()
	for d := 1; d <= 28; d++ {
		m.add(bec.SignInsInteractive, "signIn", signed(time.Duration(d)*24*time.Hour+7*time.Hour, office, nil))
		m.add(bec.SignInsNonInteractive, "signIn", signed(time.Duration(d)*24*time.Hour+5*time.Hour, mobile, obj{"isInteractive": false, "signInEventTypes": []string{"nonInteractiveUser"}, "appId": "27922004-5251-4030-b22d-91ecd9a37ea4", "userAgent": "Outlook-iOS/2.0", "deviceDetail": obj{"deviceId": "", "operatingSystem": "Ios 18"}, "sessionId": "s-phone"}))
		m.add(bec.UALLogons, "auditRecord", audit("UserLoggedIn", time.Duration(d)*24*time.Hour+7*time.Hour, office, obj{"InterSystemsId": fmt.Sprintf("c-%d-%s", (time.Duration(d)*24*time.Hour + 7*time.Hour).Milliseconds(), office), "RecordType": 15}))
		m.add(bec.MailItemsAccessed, "auditRecord", audit("MailItemsAccessed", time.Duration(d)*24*time.Hour+6*time.Hour, office, obj{"RecordType": 50, "OperationProperties": []obj{{"Name": "MailAccessType", "Value": "Sync"}}}))
		m.add(bec.UAL, "auditRecord", audit("Send", time.Duration(d)*24*time.Hour+6*time.Hour, office, obj{"Item": obj{"Subject": "Weekly report", "InternetMessageId": fmt.Sprintf("<m%d@fabrikam.example>", d)}}))
	}
	for i := range 4 {
		m.add(bec.OtherAccounts, "signIn", signed(time.Duration(i+2)*24*time.Hour, office, obj{"id": fmt.Sprintf("o-%d", i), "userId": fmt.Sprintf("u-%d", i), "userPrincipalName": fmt.Sprintf("colleague%d@fabrikam.example", i), "deviceDetail": obj{"deviceId": fmt.Sprintf("d-%d", i), "isCompliant": true, "isManaged": true}}))
	}
	m.add(bec.Profile, "user", obj{"id": userID, "userPrincipalName": upn, "mail": upn, "accountEnabled": true})
	m.add(bec.Forwarding, "mailbox", obj{"UserPrincipalName": upn, "PrimarySmtpAddress": upn, "ExternalDirectoryObjectId": userID, "AuditEnabled": true})
	m.add(bec.AuditConfig, "adminAuditLogConfig", obj{"UnifiedAuditLogIngestionEnabled": true})
	m.add(bec.AuditConfig, "organizationConfig", obj{"AuditDisabled": false})
	m.add(bec.AuthMethods, "authenticationMethod", obj{"@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod", "id": "am-old", "displayName": "Anna's iPhone", "createdDateTime": ago(400 * 24 * time.Hour)})
	m.add(bec.Devices, "device", obj{"id": "dev-1", "deviceId": laptop, "displayName": "FAB-LT-1", "isManaged": true, "isCompliant": true, "trustType": "AzureAd", "registrationDateTime": ago(500 * 24 * time.Hour)})
	m.add(bec.DirectoryAudits, "directoryAudit", directory("Update user", 20*24*time.Hour, office, nil))
	return f, m
}

// audit is one record of the unified audit log, by the user.
func audit(op string, when time.Duration, ip string, data obj) obj {
	id := fmt.Sprintf("ual-%s-%d-%s", op, when.Milliseconds(), ip)
	d := obj{"Id": id, "CreationTime": now.Add(-when).Format("2006-01-02T15:04:05"), "Operation": op, "UserId": upn, "UserType": 0, "ClientIP": ip, "ResultStatus": "Succeeded", "Workload": "Exchange"}
	for k, v := range data {
		d[k] = v
	}
	return obj{"id": id, "creationTime": d["CreationTime"], "operation": op, "userId": d["UserId"], "data": d}
}

func directory(activity string, when time.Duration, ip string, change obj) obj {
	r := obj{"id": fmt.Sprintf("da-%s-%d", activity, when.Milliseconds()), "activityDateTime": ago(when), "activityDisplayName": activity, "loggedByService": "Core Directory", "result": "success", "correlationId": fmt.Sprintf("dc-%d", when.Milliseconds()),
		"initiatedBy": obj{"user": obj{"id": userID, "userPrincipalName": upn, "ipAddress": ip}}, "targetResources": []obj{{"id": userID, "type": "User", "userPrincipalName": upn}}}
	for k, v := range change {
		r[k] = v
	}
	return r
}

func params(kv ...string) []obj {
	var out []obj
	for i := 0; i+1 < len(kv); i += 2 {
		out = append(out, obj{"Name": kv[i], "Value": kv[i+1]})
	}
	return out
}

func judge(t testing.TB, f bec.Facts, m *memory) bec.Analysis {
	t.Helper()
	a, err := Judge(t.Context(), f, m)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Findings {
		if len(f.Evidence) == 0 {
			t.Errorf("%s has no evidence", f.Class)
		}
		for _, e := range f.Evidence {
			if len(e.Hash) != 64 || e.TimeUTC.IsZero() {
				t.Errorf("%s: evidence %s/%s has hash %q and time %s", f.Class, e.Source, e.RecordID, e.Hash, e.TimeUTC)
			}
		}
	}
	return a
}

// is says what a case must come to: classes as "CLASS severity attribution", a part may be left out.
type is struct {
	name    string
	bend    func(f *bec.Facts, m *memory)
	verdict bec.Verdict
	kind    bec.IncidentType
	state   bec.State
	found   []string
	not     []string // classes that must not be above low
	plan    []string // "action target" that the plan must hold
	keep    []string // targets the plan must not touch
}

func (c is) run(t *testing.T) {
	t.Run(c.name, func(t *testing.T) {
		f, m := person()
		c.bend(&f, m)
		a := judge(t, f, m)
		defer func() {
			if t.Failed() {
				dump(t, a)
			}
		}()
		if c.verdict != "" && a.Verdict != c.verdict {
			t.Errorf("verdict %s, not %s", a.Verdict, c.verdict)
		}
		if c.kind != "" && a.IncidentType != c.kind {
			t.Errorf("kind %s, not %s", a.IncidentType, c.kind)
		}
		if c.state != "" && a.State != c.state {
			t.Errorf("state %s, not %s", a.State, c.state)
		}
		for _, want := range c.found {
			ok := false
			for _, f := range a.Findings {
				s := fmt.Sprintf("%s %s %s", f.Class, f.Severity, f.Attribution.Value)
				ok = ok || s == want || f.Class+" "+string(f.Severity) == want || f.Class == want
			}
			if !ok {
				t.Errorf("not found: %s", want)
			}
		}
		for _, no := range c.not {
			for _, f := range a.Findings {
				if f.Class == no && rank(f.Severity) > rank(bec.Low) {
					t.Errorf("found: %s %s", f.Class, f.Severity)
				}
			}
		}
		for _, want := range c.plan {
			ok := false
			for _, s := range a.Plan {
				ok = ok || s.Action+" "+s.TargetID == want || s.Action == want || s.Action+" "+s.Status == want
			}
			if !ok {
				t.Errorf("not in the plan: %s", want)
			}
		}
		for _, keep := range c.keep {
			for _, s := range a.Plan {
				if s.TargetID == keep {
					t.Errorf("the plan touches %s (%s)", keep, s.Action)
				}
			}
		}
	})
}
