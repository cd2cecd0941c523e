package judge

import (
	"fmt"
	"testing"
	"time"

	"cipp-mcp/workflows/bec"
)

func (m *memory) deny(reason bec.Reason, list ...string) {
	for _, s := range list {
		m.rows[s] = nil
		for i := range m.coverage {
			if m.coverage[i].Source == s {
				m.coverage[i] = bec.Coverage{Source: s, Status: bec.Unavailable, Reason: reason}
			}
		}
	}
}

// Tenants without licences, without enrichment, with half of their logs.
func TestPoorTenants(t *testing.T) {
	for _, c := range []is{
		{name: "free, nothing wrong", verdict: bec.Inconclusive, kind: bec.NoneObserved, bend: func(_ *bec.Facts, m *memory) {
			m.deny(bec.NoLicence, bec.SignInsInteractive, bec.SignInsNonInteractive, bec.ConditionalAccess, bec.Risk)
		}},
		{name: "free, taken", verdict: bec.Confirmed, kind: bec.AccountTakeover, found: []string{"MAILBOX_FORWARDING critical attacker"}, bend: func(_ *bec.Facts, m *memory) {
			m.deny(bec.NoLicence, bec.SignInsInteractive, bec.SignInsNonInteractive, bec.ConditionalAccess, bec.Risk)
			m.add(bec.UALLogons, "auditRecord", audit("UserLoggedIn", 10*h, evil, obj{"DeviceProperties": params("SessionId", "s-e")}))
			m.add(bec.UAL, "auditRecord", audit("Set-Mailbox", 9*h, evil+":991", obj{"ObjectId": upn, "Parameters": params("Identity", upn, "ForwardingSmtpAddress", "smtp:x@drop.example", "DeliverToMailboxAndForward", "True")}))
			m.rows[bec.Forwarding] = nil
			m.add(bec.Forwarding, "mailbox", obj{"UserPrincipalName": upn, "ForwardingSmtpAddress": "smtp:x@drop.example", "DeliverToMailboxAndForward": true})
		}},
		{name: "no enrichment", verdict: bec.Confirmed, found: []string{"RULE_FORWARDS_OUT critical attacker", "SIGNIN_NEW_LOCATION medium attacker"}, bend: func(f *bec.Facts, m *memory) {
			f.Intel = nil
			m.add(bec.SignInsInteractive, "signIn", signed(10*h, evil, obj{"sessionId": "s-evil"}))
			m.add(bec.UAL, "auditRecord", act("New-InboxRule", 9*h, obj{"ObjectId": upn + "\\x", "Parameters": params("Name", "x", "ForwardTo", "x@drop.example")}))
		}},
		{name: "version 1.0 of the sign-in log", found: []string{"SIGNIN_NEW_LOCATION medium"}, bend: func(f *bec.Facts, m *memory) {
			f.Intel = nil
			plain := func(when time.Duration, ip string) obj {
				r := signed(when, ip, nil)
				for _, n := range []string{"autonomousSystemNumber", "sessionId", "uniqueTokenIdentifier", "authenticationProtocol"} {
					delete(r, n)
				}
				return r
			}
			m.deny(bec.NoPermission, bec.SignInsNonInteractive)
			m.rows[bec.SignInsInteractive] = nil
			for d := range 20 {
				m.add(bec.SignInsInteractive, "signIn", plain(time.Duration(d+2)*24*h, office))
			}
			m.add(bec.SignInsInteractive, "signIn", plain(10*h, evil))
		}},
		{name: "audit log off, forwarding there", verdict: bec.Likely, found: []string{"MAILBOX_FORWARDING critical"}, bend: func(_ *bec.Facts, m *memory) {
			m.deny(bec.AuditOff, bec.UAL, bec.UALLogons, bec.MailItemsAccessed)
			m.rows[bec.Forwarding] = nil
			m.add(bec.Forwarding, "mailbox", obj{"UserPrincipalName": upn, "ForwardingSmtpAddress": "smtp:x@drop.example"})
		}},
		{name: "no mailbox", kind: bec.NoneObserved, verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			for _, s := range []string{bec.InboxRules, bec.HiddenRules, bec.SweepRules, bec.Forwarding, bec.Delegates, bec.FolderPermissions, bec.MobileDevices, bec.JunkConfig, bec.AutoReplies} {
				m.rows[s] = nil
				for i := range m.coverage {
					if m.coverage[i].Source == s {
						m.coverage[i].Status, m.coverage[i].Reason = bec.NotApplicable, bec.NoMailbox
					}
				}
			}
		}},
		{name: "new in the firm", verdict: bec.Inconclusive, bend: func(_ *bec.Facts, m *memory) {
			m.rows[bec.SignInsInteractive] = m.rows[bec.SignInsInteractive][:2]
			m.rows[bec.SignInsNonInteractive] = m.rows[bec.SignInsNonInteractive][:2]
			m.rows[bec.UALLogons] = m.rows[bec.UALLogons][:2]
		}},
		{name: "a retired rule of this product's", not: []string{"RULE_FORWARDS_OUT"}, bend: func(f *bec.Facts, m *memory) {
			f.OwnActs = []bec.OwnAct{{At: now.Add(-5 * h), Action: "disableRule", Job: "j"}}
			m.add(bec.UAL, "auditRecord", audit("Disable-InboxRule", 5*h, "", obj{"UserId": "app", "UserType": 5, "AppId": f.OwnAppID, "ObjectId": upn + "\\x"}))
		}},
		{name: "the administrator's scripts", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.Roles, "roleAssignment", obj{"id": "ra", "principalId": userID})
			for d := 1; d < 29; d++ {
				m.add(bec.SignInsNonInteractive, "signIn", signed(time.Duration(d)*24*h+2*h, office, nonInteractive(obj{"userAgent": "python-requests/2.32", "appId": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "deviceDetail": obj{"deviceId": ""}, "sessionId": fmt.Sprintf("py%d", d)})))
			}
		}},
		{name: "phone between networks", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			for d := 1; d < 20; d++ {
				for _, ip := range []string{office, mobile} {
					m.add(bec.SignInsNonInteractive, "signIn", signed(time.Duration(d)*24*h+4*h, ip, nonInteractive(obj{"userAgent": "Outlook-iOS/2.0", "sessionId": "s-one", "deviceDetail": obj{"deviceId": "", "operatingSystem": "Ios 18"}})))
				}
			}
		}},
		{name: "helpdesk enrols a phone from afar", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.AuthMethods, "authenticationMethod", obj{"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "id": "ph", "phoneType": "mobile", "phoneNumber": "+44 7700900123", "createdDateTime": ago(60 * h)})
			m.add(bec.DirectoryAudits, "directoryAudit", directory("Admin registered security info", 60*h, "192.0.2.200", obj{"resultReason": "Admin registered phone method for user", "initiatedBy": obj{"user": obj{"id": "adm", "userPrincipalName": "helpdesk@msp.example", "ipAddress": "192.0.2.200"}}}))
		}},
		{name: "the same act in two logs", verdict: bec.Confirmed, bend: func(_ *bec.Facts, m *memory) {
			taken(m)
			m.add(bec.DirectoryAudits, "directoryAudit", directory("Change user password", 9*h, evil, nil))
			m.add(bec.UAL, "auditRecord", audit("Change user password.", 9*h, evil, obj{"RecordType": 8, "ObjectId": upn}))
		}},
	} {
		c.run(t)
	}
}

func TestOneRowPerEvent(t *testing.T) {
	f, m := person()
	m.add(bec.DirectoryAudits, "directoryAudit", directory("Change user password", 9*h, office, nil))
	m.add(bec.UAL, "auditRecord", audit("Change user password.", 9*h, office, obj{"RecordType": 8, "ObjectId": upn}))
	a := judge(t, f, m)
	n, signs := 0, 0
	for _, e := range a.Events {
		if e.TimeUTC.Equal(now.Add(-9 * h)) {
			n++
		}
		if e.TimeUTC.Equal(now.Add(-31 * h)) {
			signs++
		}
	}
	if n != 1 || signs != 1 {
		t.Errorf("%d rows of the change, %d of the sign-in", n, signs)
	}
}

// Before other accounts were looked at, the odd addresses are told, so that they can be looked for.
func TestOddAddressesAreTold(t *testing.T) {
	f, m := story(t, "Brightwell Joinery", "celia.hartmann@brightwell.example")
	m.deny(bec.ReasonNotAskedFor, bec.OtherAccounts)
	for i := range m.coverage {
		if m.coverage[i].Source == bec.OtherAccounts {
			m.coverage[i].Status = bec.NotRequested
		}
	}
	a := judge(t, f, m)
	told := map[string]bool{}
	for _, x := range a.Findings {
		for _, e := range x.Evidence {
			if rank(x.Severity) >= rank(bec.Medium) {
				told[e.Fields["ip"]] = true
			}
		}
	}
	if !told["203.0.113.66"] || !told["203.0.113.91"] {
		t.Errorf("%v", told)
	}
}

func TestGraphAndExchangeTellOfOneRule(t *testing.T) {
	f, m := person()
	m.add(bec.InboxRules, "inboxRule", inbox("..", obj{"SubjectContainsWords": []string{"invoice"}, "DeleteMessage": true}))
	m.add(bec.InboxRules, "messageRule", obj{"id": "AQAAx", "displayName": "..", "isEnabled": true, "conditions": obj{"subjectContains": []string{"invoice"}}, "actions": obj{"delete": true}})
	a := judge(t, f, m)
	if len(a.Findings) != 1 || len(a.Findings[0].Evidence) != 2 {
		dump(t, a)
		t.Errorf("%d findings", len(a.Findings))
	}
}
