package judge

import (
	"fmt"
	"testing"
	"time"

	"cipp-mcp/workflows/bec"
)

// taken is an account that an attacker holds: a proxied sign-in, and a rule that hides.
func taken(m *memory) {
	proxied(m, 10*h)
}

// act is a record of the attacker's session.
func act(op string, when time.Duration, data obj) obj {
	d := obj{"SessionId": "s-evil"}
	for k, v := range data {
		d[k] = v
	}
	return audit(op, when, evil, d)
}

func trace(i int, when time.Duration, from, to, subject, ip string) obj {
	return obj{"MessageTraceId": fmt.Sprintf("mt-%s-%d", from, i), "MessageId": fmt.Sprintf("<x%d%s>", i, from), "Received": ago(when), "SenderAddress": from, "RecipientAddress": to, "Subject": subject, "FromIP": ip}
}

func attacks() []is {
	return []is{
		{name: "hidden rule", verdict: bec.Likely, found: []string{"RULE_HIDDEN critical ambiguous"}, plan: []string{"disableRule 1234567890123456789"}, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.HiddenRules, "inboxRule", inbox("Project", obj{"SubjectContainsWords": []string{"x-ray"}, "MoveToFolder": "Projects"}))
		}},
		{name: "hidden and visible are one list", verdict: bec.NoEvidenceFound, not: []string{"RULE_HIDDEN"}, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.InboxRules, "inboxRule", inbox("Project", obj{"SubjectContainsWords": []string{"x-ray"}, "MoveToFolder": "Projects"}))
			m.add(bec.HiddenRules, "inboxRule", inbox("Project", obj{"SubjectContainsWords": []string{"x-ray"}, "MoveToFolder": "Projects"}))
		}},
		{name: "everything is deleted", found: []string{"RULE_HIDES_MAIL critical"}, verdict: bec.Likely, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.InboxRules, "inboxRule", inbox(".", obj{"SubjectOrBodyContainsWords": []string{"@"}, "DeleteMessage": true}))
		}},
		{name: "Outlook's rule", found: []string{"RULE_FORWARDS_OUT critical attacker"}, verdict: bec.Confirmed, bend: func(_ *bec.Facts, m *memory) {
			taken(m)
			m.add(bec.UAL, "auditRecord", act("UpdateInboxRules", 9*h, obj{"RecordType": 2, "OperationProperties": params("RuleOperation", "AddMailboxRule", "RuleName", "a", "RuleId", "55", "RuleActions", `[{"ActionType":"Forward","Recipients":["SMTP:x@drop.example"]}]`)}))
		}},
		{name: "Outlook resynchronises", not: []string{"RULE_HIDES_MAIL", "RULE_FORWARDS_OUT"}, verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			for i := range 6 {
				m.add(bec.UAL, "auditRecord", audit("UpdateInboxRules", 30*h+time.Duration(i)*time.Minute, office, obj{"OperationProperties": params("RuleOperation", "ModifyMailboxRule", "RuleName", fmt.Sprintf("rule %d", i), "RuleId", "9")}))
			}
		}},
		{name: "delegate by the attacker", found: []string{"DELEGATE_ADDED critical attacker"}, plan: []string{"removeDelegate bob@fabrikam.example"}, keep: []string{"assistant@fabrikam.example"}, bend: func(_ *bec.Facts, m *memory) {
			taken(m)
			m.add(bec.Delegates, "mailboxPermission", obj{"User": "bob@fabrikam.example", "AccessRights": []string{"FullAccess"}})
			m.add(bec.Delegates, "mailboxPermission", obj{"User": "assistant@fabrikam.example", "AccessRights": []string{"FullAccess"}})
			m.add(bec.UAL, "auditRecord", act("Add-MailboxPermission", 9*h, obj{"ObjectId": upn, "Parameters": params("Identity", upn, "User", "bob@fabrikam.example", "AccessRights", "FullAccess")}))
		}},
		{name: "folder open to all", verdict: bec.Suspicious, found: []string{"FOLDER_PERMISSION high ambiguous"}, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.FolderPermissions, "folderPermission", obj{"FolderName": "Inbox", "User": "Default", "AccessRights": []string{"Reviewer"}})
		}},
		{name: "sweep", verdict: bec.Suspicious, found: []string{"SWEEP_RULE high"}, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.MessageTrace, "messageTrace", trace(1, 90*h, "pay@vendor.example", upn, "Invoice 77", ""))
			m.add(bec.SweepRules, "sweepRule", obj{"Name": "s", "RuleId": "sw1", "Sender": "pay@vendor.example", "DestinationFolder": "Deleted Items", "KeepForDays": 0})
		}},
		{name: "junk list", found: []string{"JUNK_LIST_TAMPER high attacker"}, plan: []string{"restoreJunkList"}, bend: func(_ *bec.Facts, m *memory) {
			taken(m)
			m.add(bec.MessageTrace, "messageTrace", trace(1, 90*h, "pay@vendor.example", upn, "Invoice 77", ""))
			m.add(bec.MessageTrace, "messageTrace", trace(2, 89*h, upn, "pay@vendor.example", "Re: Invoice 77", office))
			m.add(bec.JunkConfig, "junkEmailConfiguration", obj{"id": "j", "BlockedSendersAndDomains": []string{"pay@vendor.example"}})
			m.add(bec.UAL, "auditRecord", act("Set-MailboxJunkEmailConfiguration", 9*h, obj{"ObjectId": upn, "Parameters": params("Identity", upn)}))
		}},
		{name: "automatic reply", found: []string{"AUTOREPLY_ABUSE high attacker"}, plan: []string{"restoreAutoReply"}, bend: func(_ *bec.Facts, m *memory) {
			taken(m)
			m.add(bec.AutoReplies, "autoReplyConfiguration", obj{"id": "ar", "AutoReplyState": "Enabled", "ExternalMessage": "Pay to our new bank account"})
			m.add(bec.UAL, "auditRecord", act("Set-MailboxAutoReplyConfiguration", 9*h, obj{"ObjectId": upn, "Parameters": params("Identity", upn)}))
		}},
		{name: "pass from a helpdesk that was deceived", found: []string{"AUTH_TAP_ISSUED high"}, verdict: bec.Suspicious, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.DirectoryAudits, "directoryAudit", directory("Admin registered security info", 9*h, office, obj{"resultReason": "Admin registered temporary access pass method for user", "initiatedBy": obj{"user": obj{"id": "adm", "userPrincipalName": "helpdesk@fabrikam.example", "ipAddress": office}}}))
			m.add(bec.SignInsInteractive, "signIn", signed(8*h, evil, obj{"authenticationDetails": []obj{{"authenticationMethod": "Temporary Access Pass", "succeeded": true}}}))
		}},
		{name: "own reset abroad", found: []string{"AUTH_PASSWORD_CHANGED high"}, verdict: bec.Suspicious, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.DirectoryAudits, "directoryAudit", directory("Reset password (self-service)", 9*h, evil, nil))
		}},
		{name: "method swapped", found: []string{"AUTH_METHOD_ADDED high attacker", "AUTH_METHOD_REMOVED high attacker"}, plan: []string{"removeMethod am-evil", "blockSignIn"}, keep: []string{"am-old"}, bend: func(_ *bec.Facts, m *memory) {
			taken(m)
			m.add(bec.AuthMethods, "authenticationMethod", obj{"@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod", "id": "am-evil", "displayName": "Pixel", "createdDateTime": ago(9 * h)})
			m.add(bec.DirectoryAudits, "directoryAudit", directory("User registered security info", 9*h, evil, obj{"resultReason": "User registered Authenticator App with Notification and Code"}))
			m.add(bec.DirectoryAudits, "directoryAudit", directory("User deleted security info", 9*h+time.Minute, evil, nil))
		}},
		{name: "the user said no", found: []string{"AUTH_FRAUD_REPORTED high"}, verdict: bec.Suspicious, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.DirectoryAudits, "directoryAudit", directory("Suspicious activity reported", 9*h, office, nil))
		}},
		{name: "abused application", found: []string{"OAUTH_KNOWN_ABUSED_APP high"}, verdict: bec.Suspicious, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.Apps, "servicePrincipal", obj{"id": "sp-7", "appId": "ff8d92dc-3d82-41d6-bcbd-b9174d163620", "displayName": "PerfectData Software", "createdDateTime": ago(50 * h)})
			m.add(bec.Grants, "oauth2PermissionGrant", obj{"id": "g-7", "clientId": "sp-7", "consentType": "Principal", "principalId": userID, "scope": "Mail.Read offline_access"})
		}},
		{name: "false Microsoft", found: []string{"OAUTH_DECEPTIVE_NAME high"}, verdict: bec.Suspicious, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.Apps, "servicePrincipal", obj{"id": "sp-7", "appId": "app-7", "displayName": "Micrоsoft Office 365", "createdDateTime": ago(50 * h)})
			m.add(bec.Grants, "oauth2PermissionGrant", obj{"id": "g-7", "clientId": "sp-7", "consentType": "Principal", "principalId": userID, "scope": "Mail.Read offline_access"})
		}},
		{name: "Global Administrator's account", kind: bec.TenantCompromise, verdict: bec.Confirmed, found: []string{"SP_CREDENTIAL_ADDED critical attacker", "ROLE_CHANGE critical attacker", "CA_CHANGE critical attacker", "FEDERATION_CHANGE critical attacker", "TRANSPORT_RULE critical attacker", "CONNECTOR_CHANGE critical attacker", "EDISCOVERY_USE critical attacker", "AUDIT_TAMPER critical attacker", "OAUTH_APPROLE_ASSIGNED critical attacker", "CONSENT_POLICY_CHANGE high attacker"}, plan: []string{"restoreTenantItem manual_required", "blockSignIn"}, bend: func(_ *bec.Facts, m *memory) {
			taken(m)
			m.add(bec.Roles, "roleAssignment", obj{"id": "ra", "principalId": userID})
			for i, a := range []string{"Add service principal credentials", "Add member to role", "Update conditional access policy", "Set federation settings on domain", "Add app role assignment to service principal", "Update authorization policy"} {
				m.add(bec.DirectoryAudits, "directoryAudit", directory(a, 9*h-time.Duration(i)*time.Minute, evil, obj{"targetResources": []obj{{"id": fmt.Sprintf("t%d", i), "type": "Policy"}}}))
			}
			m.add(bec.UAL, "auditRecord", act("New-TransportRule", 8*h, obj{"Parameters": params("Name", "tr", "BlindCopyTo", "x@drop.example")}))
			m.add(bec.UAL, "auditRecord", act("New-InboundConnector", 8*h, obj{"Parameters": params("Name", "c")}))
			m.add(bec.UAL, "auditRecord", act("SearchExported", 8*h, nil))
			m.add(bec.UAL, "auditRecord", act("Set-AdminAuditLogConfig", 8*h, obj{"Parameters": params("UnifiedAuditLogIngestionEnabled", "False")}))
		}},
		{name: "mail read, searched, deleted, sent", verdict: bec.Confirmed, found: []string{"MAIL_READ high attacker", "MAIL_READ_UNBOUNDED high", "MAIL_SEARCH high attacker", "MAIL_EVIDENCE_DESTROYED high attacker", "MAIL_DELETED medium attacker", "MAIL_SENT_BY_ATTACKER critical attacker", "MAIL_PAYMENT_FRAUD critical attacker", "MAIL_BURST high attacker"}, bend: func(_ *bec.Facts, m *memory) {
			taken(m)
			m.add(bec.MailItemsAccessed, "auditRecord", act("MailItemsAccessed", 9*h, obj{"OperationProperties": params("MailAccessType", "Bind", "IsThrottled", "True"), "Folders": []obj{{"FolderItems": []obj{{"InternetMessageId": "<1@x>"}, {"InternetMessageId": "<2@x>"}}}}}))
			m.add(bec.UAL, "auditRecord", act("SearchQueryInitiatedExchange", 9*h, obj{"QueryText": "wire transfer"}))
			m.add(bec.UAL, "auditRecord", act("HardDelete", 8*h, obj{"AffectedItems": []obj{{"Subject": "Unusual sign-in activity"}}}))
			m.add(bec.UAL, "auditRecord", act("SoftDelete", 8*h, obj{"AffectedItems": []obj{{"Subject": "Lunch"}}}))
			m.add(bec.UAL, "auditRecord", act("Send", 7*h, obj{"Item": obj{"Subject": "Updated bank details", "InternetMessageId": "<f@x>"}}))
			for i := range 30 {
				x := trace(i, 7*h, upn, fmt.Sprintf("p%d@customer.example", i), "Updated bank details", "")
				x["MessageId"] = "<f@x>"
				m.add(bec.MessageTrace, "messageTrace", x)
			}
		}},
		{name: "files taken and shared", verdict: bec.Confirmed, found: []string{"FILES_MASS_DOWNLOAD high attacker", "FILES_SENSITIVE_SEARCH high attacker", "SHARING_LURE critical attacker"}, plan: []string{"removeSharingLink it1|perm1"}, bend: func(_ *bec.Facts, m *memory) {
			taken(m)
			for i := range 40 {
				m.add(bec.UAL, "auditRecord", act("FileDownloaded", 9*h-time.Duration(i)*time.Second, obj{"ObjectId": fmt.Sprintf("https://x/f%d", i)}))
				m.add(bec.UAL, "auditRecord", act("SecureLinkCreated", 8*h-time.Duration(i)*time.Second, obj{"ObjectId": "https://x/lure.pdf", "TargetUserOrGroupName": fmt.Sprintf("p%d@customer.example", i)}))
			}
			m.add(bec.UAL, "auditRecord", act("SearchQueryPerformed", 9*h, obj{"SearchQueryText": "passwords"}))
			m.add(bec.SharingLinks, "driveItemPermission", obj{"id": "perm1", "itemId": "it1", "itemName": "lure.pdf"})
		}},
		{name: "flow and Teams", found: []string{"AUTOMATION_CREATED high attacker", "TEAMS_MESSAGE_ABUSE high attacker"}, bend: func(_ *bec.Facts, m *memory) {
			taken(m)
			m.add(bec.UAL, "auditRecord", act("CreateFlow", 9*h, obj{"FlowConnectorNames": "Office 365 Outlook"}))
			for i := range 4 {
				m.add(bec.UAL, "auditRecord", act("MessageCreatedHasLink", 8*h-time.Duration(i)*time.Minute, nil))
			}
		}},
		{name: "payroll reached", found: []string{"SIGNIN_DOWNSTREAM_SSO high attacker"}, bend: func(_ *bec.Facts, m *memory) {
			taken(m)
			m.add(bec.SignInsInteractive, "signIn", signed(9*h, evil, obj{"appId": "pay-app", "appDisplayName": "Payroll", "authenticationProtocol": "saml20", "sessionId": "s-evil"}))
		}},
		{name: "somebody else too", found: []string{"OTHER_ACCOUNTS_SAME_ACTOR critical attacker"}, bend: func(_ *bec.Facts, m *memory) {
			taken(m)
			m.add(bec.OtherAccounts, "signIn", signed(9*h, evil, obj{"id": "o-x", "userId": "other", "userPrincipalName": "carl@fabrikam.example"}))
		}},
		{name: "another account in this mailbox", kind: bec.AbuseByOtherPrincipal, verdict: bec.Confirmed, found: []string{"MAIL_SENT_BY_ATTACKER critical attacker"}, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.UAL, "auditRecord", audit("SendAs", 9*h, evil, obj{"UserId": "carl@fabrikam.example", "MailboxOwnerUPN": upn, "SessionId": "s-c", "SendAsUserSmtp": upn, "Item": obj{"Subject": "Updated bank details"}}))
		}},
		{name: "bypass", found: []string{"MAILBOX_AUDIT_BYPASS critical"}, verdict: bec.Likely, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.AuditConfig, "mailboxAuditBypass", obj{"id": "b", "UserPrincipalName": upn, "AuditBypassEnabled": true})
		}},
		{name: "blocked sender", found: []string{"SENDER_BLOCKED high"}, verdict: bec.Suspicious, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.BlockedSender, "blockedSenderAddress", obj{"id": "bs", "SenderAddress": upn, "Reason": "OutboundSpamLast24Hours=601"})
		}},
		{name: "confirmed by Microsoft", found: []string{"RISK_DETECTION high attacker"}, verdict: bec.Confirmed, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.SignInsInteractive, "signIn", signed(9*h, evil, obj{"id": "si-risk"}))
			m.add(bec.Risk, "riskDetection", obj{"id": "rd", "userId": userID, "riskEventType": "attackerInTheMiddle", "riskLevel": "high", "riskState": "atRisk", "activityDateTime": ago(9 * h), "requestId": "si-risk", "ipAddress": evil})
		}},
		{name: "a chat, then a pass", found: []string{"TEAMS_EXTERNAL_CONTACT high"}, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.UAL, "auditRecord", audit("ChatCreated", 10*h, "", obj{"UserId": "it@evil.example", "MailboxOwnerUPN": upn, "ParticipantInfo": obj{"HasForeignTenantUsers": true, "ParticipatingDomains": []string{"evil.example"}}, "ChatThreadId": "19:x"}))
			m.add(bec.DirectoryAudits, "directoryAudit", directory("User registered security info", 9*h, evil, nil))
		}},
		{name: "forged, not sent", kind: bec.SpoofOnly, not: []string{"MAIL_SENT_BY_ATTACKER", "MAIL_BURST"}, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.MessageTrace, "messageTrace", trace(1, 30*h, upn, "boss@fabrikam.example", "Urgent wire transfer", "77.1.2.3"))
		}},
		{name: "contained", state: bec.Contained, bend: func(f *bec.Facts, m *memory) {
			taken(m)
			f.OwnActs = []bec.OwnAct{{At: now.Add(-2 * h), Action: "revokeSessions", Job: "j"}}
		}},
		{name: "synchronised user", plan: []string{"resetPassword manual_required"}, bend: func(_ *bec.Facts, m *memory) {
			taken(m)
			m.rows[bec.Profile] = nil
			m.add(bec.Profile, "user", obj{"id": userID, "userPrincipalName": upn, "onPremisesSyncEnabled": true})
		}},
		{name: "a person says it was the user", verdict: bec.NoEvidenceFound, bend: func(f *bec.Facts, m *memory) {
			m.add(bec.UAL, "auditRecord", audit("New-InboxRule", 9*h, evil, obj{"Id": "rule-1", "ObjectId": upn + "\\fw", "Parameters": params("Name", "fw", "ForwardTo", "me@private.example")}))
			m.rows[bec.UAL][len(m.rows[bec.UAL])-1].ID = "rule-1"
			f.Attested = map[string]bool{"ual/rule-1": true}
		}},
		{name: "a person says it was not", verdict: bec.Confirmed, bend: func(f *bec.Facts, m *memory) {
			m.add(bec.SignInsInteractive, "signIn", signed(9*h, evil, obj{"id": "si-not"}))
			f.Attested = map[string]bool{"signInsInteractive/si-not": false}
		}},
		{name: "always through a VPN", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			m.rows[bec.SignInsInteractive], m.rows[bec.SignInsNonInteractive], m.rows[bec.UALLogons] = nil, nil, nil
			for d := 1; d < 29; d++ {
				m.add(bec.SignInsInteractive, "signIn", signed(time.Duration(d)*24*h, evil, nil))
				m.add(bec.SignInsNonInteractive, "signIn", signed(time.Duration(d)*24*h+h, evil, nonInteractive(nil)))
				m.add(bec.UALLogons, "auditRecord", audit("UserLoggedIn", time.Duration(d)*24*h, evil, nil))
			}
		}},
	}
}

func TestAttacks(t *testing.T) {
	for _, c := range attacks() {
		c.run(t)
	}
}

// A log is dead where another shows what it should hold, and only absent where none does.
func TestCanaries(t *testing.T) {
	f, m := person()
	m.rows[bec.UALLogons] = nil
	a := judge(t, f, m)
	if c := find(a.Coverage, bec.UALLogons); c.Status != bec.Unavailable || c.Reason != bec.CanaryDead {
		t.Errorf("%+v", c)
	}
	f, m = person()
	m.rows[bec.MailItemsAccessed] = nil
	for i := range m.coverage {
		if m.coverage[i].Source == bec.MailItemsAccessed {
			m.coverage[i].Status, m.coverage[i].Reason = bec.ReadPartly, bec.CanaryAbsent
		}
	}
	a = judge(t, f, m)
	if c := find(a.Coverage, bec.MailItemsAccessed); c.Status != bec.ReadPartly || c.Reason != bec.CanaryAbsent || a.Verdict != bec.NoEvidenceFound {
		t.Errorf("%+v %s", c, a.Verdict)
	}
	f, m = person()
	for i := range m.rows[bec.AuditConfig] {
		if m.rows[bec.AuditConfig][i].Kind == "adminAuditLogConfig" {
			m.rows[bec.AuditConfig][i].Data = []byte(`{"UnifiedAuditLogIngestionEnabled":"False"}`)
		}
	}
	a = judge(t, f, m)
	if c := find(a.Coverage, bec.UAL); c.Status != bec.ReadPartly || c.Reason != bec.AuditOff || a.Verdict != bec.Inconclusive {
		t.Errorf("%+v %s", c, a.Verdict)
	}
	f, m = person()
	m.add(bec.UAL, "auditRecord", audit("Set-AdminAuditLogConfig", 90*h, office, obj{"UserId": "admin@fabrikam.example", "Parameters": params("UnifiedAuditLogIngestionEnabled", "False")}))
	m.add(bec.UAL, "auditRecord", audit("Set-AdminAuditLogConfig", 80*h, office, obj{"UserId": "admin@fabrikam.example", "Parameters": params("UnifiedAuditLogIngestionEnabled", "True")}))
	a = judge(t, f, m)
	if c := find(a.Coverage, bec.UAL); len(c.Gaps) != 1 || c.Gaps[0].To.Sub(c.Gaps[0].From) != 10*h || a.Verdict == bec.NoEvidenceFound {
		t.Errorf("%+v %s", c, a.Verdict)
	}
}

func find(list []bec.Coverage, source string) bec.Coverage {
	for _, c := range list {
		if c.Source == source {
			return c
		}
	}
	return bec.Coverage{}
}

// The order of the response is the order of its reasons.
func TestPlanOrder(t *testing.T) {
	f, m := story(t, "Brightwell Joinery", "celia.hartmann@brightwell.example")
	a := judge(t, f, m)
	var got []string
	for _, s := range a.Plan {
		got = append(got, s.Action)
	}
	n := len(got)
	if got[0] != "snapshot" || n < 4 || got[n-3] != "revokeSessions" || got[n-2] != "issueAccessPass" || got[n-1] != "allowSignIn" {
		t.Errorf("%v", got)
	}
	if len(a.Summary) > 1200 {
		t.Errorf("the summary has %d bytes", len(a.Summary))
	}
}
