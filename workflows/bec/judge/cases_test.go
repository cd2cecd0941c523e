package judge

import (
	"fmt"
	"testing"
	"time"

	"cipp-mcp/workflows/bec"
)

const h = time.Hour

func nonInteractive(c obj) obj {
	if c == nil {
		c = obj{}
	}
	c["isInteractive"], c["signInEventTypes"] = false, []string{"nonInteractiveUser"}
	return c
}

func inbox(name string, c obj) obj {
	r := obj{"Name": name, "RuleIdentity": "1234567890123456789", "Enabled": true}
	for k, v := range c {
		r[k] = v
	}
	return r
}

// proxied is a phishing proxy's sign-in, hours ago.
func proxied(m *memory, when time.Duration) {
	m.add(bec.SignInsInteractive, "signIn", signed(when+time.Minute, evil, obj{"status": obj{"errorCode": 50074}, "appId": home, "correlationId": "aitm", "userAgent": "axios/1.7.9", "sessionId": "s-evil"}))
	m.add(bec.SignInsInteractive, "signIn", signed(when, evil, obj{"appId": home, "correlationId": "aitm", "userAgent": "axios/1.7.9", "sessionId": "s-evil"}))
}

func TestBenign(t *testing.T) {
	for _, c := range benign() {
		c.run(t)
	}
}

func benign() []is {
	return []is{
		{name: "an ordinary month", bend: func(*bec.Facts, *memory) {}, verdict: bec.NoEvidenceFound, kind: bec.NoneObserved},
		{name: "travel with the managed laptop", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.SignInsInteractive, "signIn", signed(10*h, "192.0.2.9", obj{"autonomousSystemNumber": 64600, "location": obj{"countryOrRegion": "ES"}}))
		}},
		{name: "a VPN that colleagues use", verdict: bec.NoEvidenceFound, bend: func(f *bec.Facts, m *memory) {
			for i := range 4 {
				m.add(bec.OtherAccounts, "signIn", signed(time.Duration(i+2)*24*h, evil, obj{"id": fmt.Sprintf("v-%d", i), "userId": fmt.Sprintf("u-%d", i), "userPrincipalName": fmt.Sprintf("colleague%d@fabrikam.example", i), "deviceDetail": obj{"deviceId": fmt.Sprintf("d-%d", i), "isCompliant": true, "isManaged": true}}))
			}
			m.add(bec.SignInsInteractive, "signIn", signed(10*h, evil, nil))
		}},
		{name: "a finance user's invoice folder", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.InboxRules, "inboxRule", inbox("Invoices", obj{"SubjectContainsWords": []string{"invoice"}, "MoveToFolder": "Invoices 2026", "StopProcessingRules": true, "MarkAsRead": true}))
		}},
		{name: "coaching and wireless", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.InboxRules, "inboxRule", inbox("Coaching plan", obj{"SubjectContainsWords": []string{"coach", "wireless", "report"}, "MoveToFolder": "RSS Feeds"}))
		}},
		{name: "the user's own folder called Archive", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.InboxRules, "mailFolder", obj{"id": "f1", "displayName": "Archive", "wellKnownName": nil})
			m.add(bec.InboxRules, "mailFolder", obj{"id": "f2", "displayName": "Junk Email", "wellKnownName": "junkemail"})
			m.add(bec.InboxRules, "inboxRule", inbox("old", obj{"SubjectContainsWords": []string{"payment"}, "MoveToFolder": "f1"}))
		}},
		{name: "deleting a newsletter", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.InboxRules, "inboxRule", inbox("News", obj{"From": []string{"news@shop.example"}, "DeleteMessage": true}))
		}},
		{name: "genuine hidden rules", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.HiddenRules, "inboxRule", obj{"Name": "Junk E-mail Rule", "RuleIdentity": "1", "Enabled": true, "SupportedByTask": false})
			m.add(bec.HiddenRules, "inboxRule", obj{"Name": "Microsoft.Exchange.OOF.InternalSenders.Global", "RuleIdentity": "2", "Enabled": true})
		}},
		{name: "approved forwarding", verdict: bec.NoEvidenceFound, bend: func(f *bec.Facts, m *memory) {
			f.TrustedForwardDomains = []string{"scan.example"}
			m.rows[bec.Forwarding] = nil
			m.add(bec.Forwarding, "mailbox", obj{"UserPrincipalName": upn, "ForwardingSmtpAddress": "smtp:erp@scan.example"})
		}},
		{name: "a leaver's mail goes to the manager", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			m.rows[bec.Forwarding] = nil
			m.add(bec.Forwarding, "mailbox", obj{"UserPrincipalName": upn, "ForwardingAddress": "boss@fabrikam.example"})
		}},
		{name: "a new phone", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.AuthMethods, "authenticationMethod", obj{"@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod", "id": "am-new", "displayName": "iPhone", "createdDateTime": ago(50 * h)})
			m.add(bec.DirectoryAudits, "directoryAudit", directory("User registered security info", 50*h, office, obj{"resultReason": "User registered Authenticator App with Notification and Code"}))
		}},
		{name: "a new laptop", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.Devices, "device", obj{"id": "dev-2", "deviceId": "new-laptop", "displayName": "FAB-LT-2", "isManaged": true, "isCompliant": true, "registrationDateTime": ago(40 * h)})
			m.add(bec.SignInsInteractive, "signIn", signed(39*h, office, obj{"deviceDetail": obj{"deviceId": "new-laptop", "isManaged": true, "isCompliant": true, "operatingSystem": "Windows11"}}))
		}},
		{name: "an approved application", verdict: bec.NoEvidenceFound, bend: func(f *bec.Facts, m *memory) {
			f.ApprovedApps = []string{"e9a7fea1-1cc0-4cd9-a31b-9137ca5deedd"}
			m.add(bec.Apps, "servicePrincipal", obj{"id": "sp-1", "appId": "e9a7fea1-1cc0-4cd9-a31b-9137ca5deedd", "displayName": "eM Client", "verifiedPublisher": obj{"verifiedPublisherId": "1"}})
			m.add(bec.Grants, "oauth2PermissionGrant", obj{"id": "g-1", "clientId": "sp-1", "consentType": "Principal", "principalId": userID, "scope": "EWS.AccessAsUser.All offline_access"})
		}},
		{name: "a verified application of months", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.Apps, "servicePrincipal", obj{"id": "sp-1", "appId": "app-1", "displayName": "Calendar Helper", "createdDateTime": ago(300 * 24 * h), "verifiedPublisher": obj{"verifiedPublisherId": "1"}, "appOwnerOrganizationId": "x"})
			m.add(bec.Grants, "oauth2PermissionGrant", obj{"id": "g-1", "clientId": "sp-1", "consentType": "Principal", "principalId": userID, "scope": "Mail.Read offline_access"})
			m.add(bec.Grants, "appRoleAssignment", obj{"id": "ara", "principalId": userID, "resourceId": "sp-1", "createdDateTime": ago(290 * 24 * h)})
		}},
		{name: "a meeting room's device codes", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			for d := 1; d < 29; d += 2 {
				m.add(bec.SignInsInteractive, "signIn", signed(time.Duration(d)*24*h, office, obj{"authenticationProtocol": "deviceCode", "deviceDetail": obj{"deviceId": "", "operatingSystem": "Windows"}}))
			}
		}},
		{name: "sprays from abroad", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			for i := range 30 {
				m.add(bec.SignInsInteractive, "signIn", signed(time.Duration(i)*h+20*h, evil2, obj{"status": obj{"errorCode": 50126}}))
			}
		}},
		{name: "an expired password on the phone", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			for i := range 40 {
				m.add(bec.SignInsInteractive, "signIn", signed(20*h+time.Duration(i)*time.Minute, mobile, obj{"status": obj{"errorCode": 50126}}))
			}
			m.add(bec.SignInsInteractive, "signIn", signed(19*h, mobile, nil))
		}},
		{name: "a newsletter from the usual place", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			for i := range 60 {
				m.add(bec.MessageTrace, "messageTrace", obj{"MessageTraceId": fmt.Sprintf("mt%d", i), "MessageId": "<news@fabrikam.example>", "Received": ago(30 * h), "SenderAddress": upn, "RecipientAddress": fmt.Sprintf("c%d@customer.example", i), "Subject": "Our news in March", "FromIP": office})
			}
		}},
		{name: "a new laptop fills its OneDrive", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			for i := range 80 {
				m.add(bec.UAL, "auditRecord", audit("FileSyncDownloadedFull", 30*h-time.Duration(i)*time.Second, office, obj{"ObjectId": fmt.Sprintf("https://x/file%d", i), "Workload": "OneDrive"}))
			}
		}},
		{name: "a holiday reply", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.AutoReplies, "autoReplyConfiguration", obj{"AutoReplyState": "Enabled", "ExternalMessage": "I am away. For invoices write to accounts@fabrikam.example."})
		}},
		{name: "an assistant", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.Delegates, "mailboxPermission", obj{"User": "assistant@fabrikam.example", "AccessRights": []string{"FullAccess"}, "IsInherited": false})
			m.add(bec.Delegates, "mailboxPermission", obj{"User": "NT AUTHORITY\\SELF", "AccessRights": []string{"FullAccess", "ReadPermission"}})
			m.add(bec.FolderPermissions, "folderPermission", obj{"FolderName": "Calendar", "User": "Default", "AccessRights": []string{"LimitedDetails"}})
		}},
		{name: "only unfamiliar features", verdict: bec.NoEvidenceFound, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.Risk, "riskDetection", obj{"id": "r1", "userId": userID, "riskEventType": "unfamiliarFeatures", "riskLevel": "low", "riskState": "dismissed", "activityDateTime": ago(31 * h), "ipAddress": office})
		}},
		{name: "what this product did", verdict: bec.NoEvidenceFound, bend: func(f *bec.Facts, m *memory) {
			f.OwnActs = []bec.OwnAct{{At: now.Add(-30 * h), Action: "resetPassword", Job: "j1"}, {At: now.Add(-30 * h), Action: "revokeSessions", Job: "j1"}}
			m.add(bec.DirectoryAudits, "directoryAudit", directory("Reset user password", 30*h, "", obj{"initiatedBy": obj{"app": obj{"appId": f.OwnAppID, "displayName": "CIPP"}}}))
			m.add(bec.DirectoryAudits, "directoryAudit", directory("Update StsRefreshTokenValidFrom Timestamp", 30*h, "", obj{"initiatedBy": obj{"app": obj{"appId": f.OwnAppID}}}))
		}},
	}
}

func TestCompromise(t *testing.T) {
	for _, c := range compromised() {
		c.run(t)
	}
}

func compromised() []is {
	return []is{
		{name: "proxy, rule", verdict: bec.Confirmed, kind: bec.AccountTakeover, state: bec.Active, found: []string{"SIGNIN_AITM_PATTERN critical attacker", "SIGNIN_SCRIPTED_CLIENT high attacker", "RULE_HIDES_MAIL high attacker", "SIGNIN_NEW_LOCATION medium attacker", "SIGNIN_HOSTING_OR_ANON_IP high attacker"},
			plan: []string{"snapshot", "revokeSessions", "resetPassword", "disableRule 1234567890123456789"}, bend: func(_ *bec.Facts, m *memory) {
				proxied(m, 5*h)
				m.add(bec.InboxRules, "inboxRule", inbox("..", obj{"SubjectOrBodyContainsWords": []string{"invoice"}, "MoveToFolder": "RSS Feeds", "MarkAsRead": true}))
				m.add(bec.UAL, "auditRecord", audit("New-InboxRule", 4*h, evil+":4411", obj{"ObjectId": upn + "\\..", "SessionId": "s-evil", "Parameters": params("Name", "..", "SubjectOrBodyContainsWords", "invoice", "MoveToFolder", "RSS Feeds", "MarkAsRead", "True")}))
			}},
		{name: "replay", verdict: bec.Likely, kind: bec.AccountTakeover, found: []string{"SESSION_REPLAY high attacker"}, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.SignInsInteractive, "signIn", signed(6*h, office, obj{"sessionId": "s-stolen"}))
			m.add(bec.SignInsNonInteractive, "signIn", signed(5*h, evil, nonInteractive(obj{"sessionId": "s-stolen"})))
		}},
		{name: "device code", found: []string{"SIGNIN_DEVICE_CODE high attacker"}, verdict: bec.Likely, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.SignInsInteractive, "signIn", signed(6*h, office, obj{"sessionId": "s-code", "authenticationProtocol": "deviceCode", "appId": "d3590ed6-52b3-4102-aeff-aad2292ab01c"}))
			m.add(bec.SignInsNonInteractive, "signIn", signed(5*h, evil, nonInteractive(obj{"sessionId": "s-code", "originalTransferMethod": "deviceCodeFlow"})))
		}},
		{name: "password guessed over IMAP", found: []string{"SIGNIN_PASSWORD_ATTACK high attacker", "SIGNIN_LEGACY_OR_ROPC high attacker"}, verdict: bec.Likely, bend: func(_ *bec.Facts, m *memory) {
			for i := range 8 {
				m.add(bec.SignInsInteractive, "signIn", signed(9*h-time.Duration(i)*time.Minute, evil, obj{"status": obj{"errorCode": 50126}, "clientAppUsed": "IMAP4", "authenticationRequirement": "singleFactorAuthentication"}))
			}
			m.add(bec.SignInsInteractive, "signIn", signed(8*h, evil, obj{"clientAppUsed": "IMAP4", "authenticationRequirement": "singleFactorAuthentication"}))
		}},
		{name: "fatigue", found: []string{"SIGNIN_MFA_FATIGUE high attacker"}, verdict: bec.Likely, bend: func(_ *bec.Facts, m *memory) {
			for i := range 4 {
				m.add(bec.SignInsInteractive, "signIn", signed(9*h-time.Duration(i)*time.Minute, evil, obj{"status": obj{"errorCode": 500121}}))
			}
			m.add(bec.SignInsInteractive, "signIn", signed(9*h-6*time.Minute, evil, nil))
		}},
		{name: "rogue device", found: []string{"TOKEN_UNBOUND_PRT critical attacker", "DEVICE_REGISTERED critical attacker"}, verdict: bec.Confirmed, plan: []string{"disableDevice dev-9"}, keep: []string{"dev-1"}, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.SignInsInteractive, "signIn", signed(9*h, evil, obj{"appId": "29d9ed98-a469-4536-ade2-f981bc1d605e", "resourceId": "01cb2876-7ebd-4aa4-9cc9-d28bd4d359a9", "incomingTokenType": "refreshToken"}))
			m.add(bec.DirectoryAudits, "directoryAudit", directory("Register device", 9*h-2*time.Minute, "", obj{"initiatedBy": obj{"app": obj{"displayName": "Device Registration Service"}}, "targetResources": []obj{{"id": "dev-9", "type": "Device"}, {"id": userID, "type": "User"}}}))
			m.add(bec.Devices, "device", obj{"id": "dev-9", "deviceId": "dd-9", "displayName": "DESKTOP-X1", "isManaged": false, "operatingSystemVersion": "10.0.19041.928", "registrationDateTime": ago(9*h - 2*time.Minute)})
			m.add(bec.SignInsNonInteractive, "signIn", signed(8*h, evil, nonInteractive(obj{"incomingTokenType": "primaryRefreshToken", "deviceDetail": obj{"deviceId": "dd-9", "isManaged": false}})))
		}},
		{name: "old forwarding", verdict: bec.Likely, state: bec.PersistenceOnly, found: []string{"MAILBOX_FORWARDING critical ambiguous"}, plan: []string{"removeForwarding " + userID}, bend: func(_ *bec.Facts, m *memory) {
			m.rows[bec.Forwarding] = nil
			m.add(bec.Forwarding, "mailbox", obj{"UserPrincipalName": upn, "ForwardingSmtpAddress": "smtp:x@drop.example", "DeliverToMailboxAndForward": false})
		}},
		{name: "forwarding through a contact", verdict: bec.Likely, found: []string{"MAILBOX_FORWARDING critical"}, bend: func(_ *bec.Facts, m *memory) {
			m.rows[bec.Forwarding] = nil
			m.add(bec.Forwarding, "mailbox", obj{"UserPrincipalName": upn, "ForwardingAddress": "Backup Contact"})
			m.add(bec.Forwarding, "mailContact", obj{"Name": "Backup Contact", "ExternalEmailAddress": "SMTP:x@drop.example"})
		}},
		{name: "spoofed system rule", verdict: bec.Likely, found: []string{"RULE_SYSTEM_NAME_SPOOF critical"}, plan: []string{"disableRule 77"}, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.HiddenRules, "inboxRule", obj{"Name": "Junk E-Mail\u200b Rule", "RuleIdentity": "77", "Enabled": true, "ForwardTo": []string{`"x" [SMTP:x@drop.example]`}})
		}},
		{name: "rule made and removed", found: []string{"RULE_CREATED_THEN_REMOVED"}, verdict: bec.Suspicious, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.UAL, "auditRecord", audit("New-InboxRule", 40*h, "", obj{"ObjectId": upn + "\\zz", "Parameters": params("Name", "zz", "ForwardTo", "x@drop.example")}))
			m.add(bec.UAL, "auditRecord", audit("Remove-InboxRule", 20*h, "", obj{"ObjectId": upn + "\\zz", "Parameters": params("Identity", upn+"\\zz")}))
		}},
		{name: "consent phishing", verdict: bec.Suspicious, kind: bec.OAuthPersistence, found: []string{"OAUTH_USER_GRANT_RISKY high"}, bend: func(_ *bec.Facts, m *memory) { phished(m) }},
		{name: "consent phishing with use", verdict: bec.Confirmed, kind: bec.OAuthPersistence, found: []string{"OAUTH_USER_GRANT_RISKY critical attacker", "MAIL_READ high attacker"}, plan: []string{"removeGrant g-1", "disableServicePrincipal sp-1", "revokeSessions"}, bend: func(_ *bec.Facts, m *memory) {
			phished(m)
			m.add(bec.MailItemsAccessed, "auditRecord", audit("MailItemsAccessed", 20*h, evil, obj{"ClientAppId": "app-1", "OperationProperties": params("MailAccessType", "Bind"), "Folders": []obj{{"Path": "\\Inbox", "FolderItems": []obj{{"InternetMessageId": "<a@b>"}}}}}))
		}},
		{name: "imitated domain only", verdict: bec.Suspicious, kind: bec.SpoofOnly, found: []string{"LOOKALIKE_DOMAIN high"}, bend: func(_ *bec.Facts, m *memory) {
			m.add(bec.MessageTrace, "messageTrace", obj{"MessageTraceId": "a", "Received": ago(60 * h), "SenderAddress": "pay@northwindtraders.example", "RecipientAddress": upn, "Subject": "Invoice 4"})
			m.add(bec.MessageTrace, "messageTrace", obj{"MessageTraceId": "b", "Received": ago(59 * h), "SenderAddress": upn, "RecipientAddress": "pay@northwindtraders.example", "Subject": "Re: Invoice 4"})
			m.add(bec.MessageTrace, "messageTrace", obj{"MessageTraceId": "c", "Received": ago(30 * h), "SenderAddress": "pay@northwindtradres.example", "RecipientAddress": upn, "Subject": "Invoice 4: new bank details"})
		}},
	}
}

func phished(m *memory) {
	m.add(bec.Apps, "servicePrincipal", obj{"id": "sp-1", "appId": "app-1", "displayName": "Doc Viewer", "createdDateTime": ago(40 * h), "appOwnerOrganizationId": "x"})
	m.add(bec.Grants, "oauth2PermissionGrant", obj{"id": "g-1", "clientId": "sp-1", "consentType": "Principal", "principalId": userID, "scope": "Mail.Read offline_access"})
	m.add(bec.DirectoryAudits, "directoryAudit", directory("Consent to application", 40*h, office, obj{"targetResources": []obj{{"id": "sp-1", "type": "ServicePrincipal", "modifiedProperties": []obj{{"displayName": "ConsentAction.Permissions", "newValue": "\"[] => [[Scope: Mail.Read offline_access]]\""}}}}}))
}
