package graphclient_test

import (
	"encoding/json"
	"slices"
	"testing"

	"cipp-mcp/graphclient"
	"cipp-mcp/sandbox"
)

// What an investigation reads of a mailbox and of its organization's mail, as things are now.
func TestSandboxBECState(t *testing.T) {
	eachWay(t, func(t *testing.T, s *sandbox.Server, c *graphclient.Client) {
		rules := got(c.InboxRules(ctx, brightwell, celiaBox))(t, "InboxRules")
		for _, r := range rules {
			if len(r.Raw) == 0 || r.RuleIdentity == "" {
				t.Errorf("%+v", r)
			}
		}
		_ = got(c.SweepRules(ctx, brightwell, celiaBox))(t, "SweepRules")
		_ = got(c.JunkConfig(ctx, brightwell, celiaBox))(t, "JunkConfig")
		if m := got(c.CASMailbox(ctx, brightwell, celiaBox))(t, "CASMailbox"); !m.OWAEnabled {
			t.Errorf("%+v", m)
		}
		folders := got(c.MailboxFolders(ctx, brightwell, celiaBox, "All"))(t, "MailboxFolders")
		paths := []string{"", "/No such folder"}
		for _, f := range folders {
			paths = append(paths, f.FolderPath)
		}
		rights := got(c.FolderPermissions(ctx, brightwell, celiaBox, paths))(t, "FolderPermissions")
		for i, r := range rights {
			if i == 1 && graphclient.KindOf(r.Err) != graphclient.NotFound || i != 1 && (r.Err != nil || len(r.Rights) < 2 || r.Rights[0].Folder == "") {
				t.Errorf("%s: %+v", r.Folder, r)
			}
		}
		if r := got(c.TransportRules(ctx, harbourline))(t, "TransportRules"); len(r) != 1 || !r[0].Enabled() || len(r[0].Raw) == 0 {
			t.Errorf("%+v", r)
		}
		_ = got(c.InboundConnectors(ctx, harbourline))(t, "InboundConnectors")
		_ = got(c.OutboundConnectors(ctx, harbourline))(t, "OutboundConnectors")
		if d := got(c.RemoteDomains(ctx, harbourline))(t, "RemoteDomains"); len(d) != 1 || d[0].DomainName == "" {
			t.Errorf("%+v", d)
		}
		if p := got(c.OutboundSpamPolicies(ctx, harbourline))(t, "OutboundSpamPolicies"); len(p) != 1 || p[0].AutoForwardingMode == "" {
			t.Errorf("%+v", p)
		}
		if on := got(c.AuditBypass(ctx, brightwell, celiaBox))(t, "AuditBypass"); on {
			t.Error("bypassed")
		}
		_ = got(c.BlockedSenders(ctx, brightwell, celiaBox.UPN))(t, "BlockedSenders")
	})
}

// And what the directory says.
func TestSandboxBECDirectory(t *testing.T) {
	eachWay(t, func(t *testing.T, s *sandbox.Server, c *graphclient.Client) {
		_ = got(c.MessageRules(ctx, brightwell, celia))(t, "MessageRules")
		_ = got(c.AllPrincipalsGrants(ctx, brightwell))(t, "AllPrincipalsGrants")
		if apps := got(c.ServicePrincipalsCreatedSince(ctx, brightwell, s.Now().AddDate(-9, 0, 0)))(t, "ServicePrincipalsCreatedSince"); len(apps) < 2 {
			t.Errorf("%+v", apps)
		}
		_ = got(c.NamedLocations(ctx, brightwell))(t, "NamedLocations")
		if p := got(c.AuthorizationPolicy(ctx, brightwell))(t, "AuthorizationPolicy"); len(p.DefaultUserRolePermissions.PermissionGrantPoliciesAssigned) == 0 {
			t.Errorf("%+v", p)
		}
		if d := got(c.RiskDetections(ctx, brightwell, celia, s.Now().AddDate(0, 0, -30)))(t, "RiskDetections"); len(d) != 2 || d[0].RiskEventType == "" || d[0].ActivityDateTime == nil {
			t.Errorf("%+v", d)
		}
		if r := got(c.DelegatedAdminRelationships(ctx, brightwell))(t, "DelegatedAdminRelationships"); len(r) != 1 || r[0].Status != "active" {
			t.Errorf("%+v", r)
		}
	})
}

// The logs, page by page, as they are read to their end.
func TestSandboxBECLogs(t *testing.T) {
	eachWay(t, func(t *testing.T, s *sandbox.Server, c *graphclient.Client) {
		now := s.Now()
		var rows []graphclient.AuditRecord
		collect := func(some []graphclient.AuditRecord) error { rows = append(rows, some...); return nil }
		end := got(c.SearchAudit(ctx, brightwell, graphclient.AuditSearch{UserIDs: []string{celiaBox.UPN}, From: now.AddDate(0, 0, -180), To: now}, collect))(t, "SearchAudit")
		if end.Rows != len(rows) || end.Capped || end.Incomplete || len(rows) < 60 {
			t.Fatalf("%+v, %d rows", end, len(rows))
		}
		kinds := map[string]int{}
		for _, r := range rows {
			kinds[r.Operation]++
			if r.ID == "" || r.UserID != celiaBox.UPN || r.CreationTime.IsZero() || r.Service == "" || !json.Valid(r.Data) {
				t.Errorf("%+v", r)
			}
		}
		for _, op := range []string{"New-InboxRule", "MailItemsAccessed", "Send", "UserLoggedIn", "Consent to application.", "FileDownloaded"} {
			if kinds[op] == 0 {
				t.Errorf("no %s among %v", op, kinds)
			}
		}
		q := got(c.StartAuditQuery(ctx, brightwell, graphclient.AuditLogQuery{DisplayName: "case 1", UserPrincipalNameFilters: []string{celiaBox.UPN}, RecordTypeFilters: []string{"ExchangeItem"}}))(t, "StartAuditQuery")
		if q.ID == "" || q.Status != "notStarted" || q.Ended() {
			t.Fatalf("%+v", q)
		}
		if q = got(c.AuditQuery(ctx, brightwell, q.ID))(t, "AuditQuery"); !q.Ended() || q.DisplayName != "case 1" || q.ReturnedRecords == nil {
			t.Errorf("%+v", q)
		}
		if all := got(c.AuditQueries(ctx, brightwell))(t, "AuditQueries"); len(all) != 1 || all[0].ID != q.ID {
			t.Errorf("%+v", all)
		}
		searched := map[string]graphclient.AuditRecord{}
		for _, r := range rows {
			searched[r.ID] = r
		}
		rows = nil
		if err := c.AuditQueryRecords(ctx, brightwell, q.ID, collect); err != nil || len(rows) != 37 {
			t.Errorf("%d records, %v", len(rows), err)
		}
		for _, r := range rows { // both ways to the log show the same record
			o := searched[r.ID]
			if o.Operation != r.Operation || o.UserID != r.UserID || o.ClientIP != r.ClientIP || !o.CreationTime.Equal(r.CreationTime) || o.RecordType != r.RecordType || o.Service != r.Service {
				t.Errorf("%+v\n%+v", o, r)
			}
		}
		var signIns []graphclient.SignIn
		signIn := func(some []graphclient.SignIn) error { signIns = append(signIns, some...); return nil }
		if err := c.EachSignIn(ctx, brightwell, graphclient.SignInQuery{UserID: celia, Since: now.AddDate(0, 0, -30), Types: []string{"nonInteractiveUser"}}, signIn); err != nil {
			t.Fatal(err)
		}
		stolen := slices.IndexFunc(signIns, func(r graphclient.SignIn) bool {
			return r.SessionID == "4f643b8d-3560-4bfc-be56-bd8cde703699" && r.IPAddress == "203.0.113.91" && r.IncomingTokenType == "refreshToken"
		})
		if len(signIns) < 20 || stolen < 0 || signIns[stolen].DeviceDetail.BrowserID == "" || len(signIns[stolen].AuthenticationDetails) == 0 || signIns[0].IsInteractive == nil || *signIns[0].IsInteractive {
			t.Errorf("%d rows: %+v", len(signIns), signIns)
		}
		signIns = nil
		if err := c.EachSignIn(ctx, brightwell, graphclient.SignInQuery{IPAddress: "203.0.113.66", Until: now}, signIn); err != nil || len(signIns) < 4 || signIns[0].SessionID != "" {
			t.Errorf("%d rows, %v: %+v", len(signIns), err, signIns)
		}
		audits := 0
		if err := c.EachDirectoryAudit(ctx, brightwell, graphclient.AuditQuery{Category: "ApplicationManagement", Since: now.AddDate(0, 0, -29), Until: now}, func(some []graphclient.DirectoryAudit) error { audits += len(some); return nil }); err != nil || audits < 4 {
			t.Errorf("%d audits, %v", audits, err)
		}
		var trace []graphclient.TraceRow
		capped, err := c.EachMessageTrace(ctx, brightwell, graphclient.TraceQuery{Sender: celiaBox.UPN, From: now.AddDate(-1, 0, 0)}, func(some []graphclient.TraceRow) error { trace = append(trace, some...); return nil })
		if err != nil || capped || len(trace) < 50 || trace[0].MessageID == "" || trace[0].Size == 0 || !trace[0].Received.After(trace[len(trace)-1].Received) {
			t.Errorf("%d messages, %v", len(trace), err)
		}
		if h := got(c.RiskHistory(ctx, brightwell, celia))(t, "RiskHistory"); len(h) != 2 || h[0].Activity == nil || len(h[0].Activity.EventTypes) != 1 {
			t.Errorf("%+v", h)
		}
		if h := got(c.RiskHistory(ctx, harbourline, dana))(t, "RiskHistory"); h != nil {
			t.Errorf("%+v", h)
		}
	})
}

// What only some mailboxes and organizations have.
func TestSandboxBECMore(t *testing.T) {
	eachWay(t, func(t *testing.T, s *sandbox.Server, c *graphclient.Client) {
		if m := got(c.MessageConfig(ctx, brightwell, celiaBox))(t, "MessageConfig"); m.DefaultFontName == "" || len(m.Raw) == 0 {
			t.Errorf("%+v", m)
		}
		if a := got(c.MailboxApps(ctx, brightwell, celiaBox))(t, "MailboxApps"); len(a) == 0 || a[0].Type != "Default" {
			t.Errorf("%+v", a)
		}
		if p := got(c.CalendarPublishing(ctx, brightwell, celiaBox))(t, "CalendarPublishing"); p.PublishEnabled || p.DetailLevel == "" {
			t.Errorf("%+v", p)
		}
		if x := got(c.TransportConfig(ctx, brightwell))(t, "TransportConfig"); !x.SMTPClientAuthenticationDisabled {
			t.Errorf("%+v", x)
		}
		_ = got(c.JournalRules(ctx, brightwell))(t, "JournalRules")
		if _, err := c.MailContact(ctx, brightwell, "nobody@elsewhere.example"); graphclient.KindOf(err) != graphclient.NotFound {
			t.Errorf("MailContact: %v", err)
		}
		if d := got(c.DomainFederation(ctx, brightwell, "brightwell.example"))(t, "DomainFederation"); len(d) != 0 {
			t.Errorf("%+v", d)
		}
		grants := got(c.OAuth2GrantsOf(ctx, brightwell, celia))(t, "OAuth2GrantsOf")
		_ = got(c.AppRolesOf(ctx, brightwell, grants[0].ClientID))(t, "AppRolesOf")
		apps := got(c.ServicePrincipalsCreatedSince(ctx, brightwell, s.Now().AddDate(0, 0, -7)))(t, "ServicePrincipalsCreatedSince")
		if i := slices.IndexFunc(apps, func(sp graphclient.ServicePrincipal) bool { return sp.ID == grants[0].ClientID }); i < 0 || apps[i].CreatedDateTime == nil || len(apps[i].ReplyURLs) != 1 {
			t.Errorf("%+v", apps)
		}
		inbox := got(c.MailFolder(ctx, brightwell, celia, "inbox"))(t, "MailFolder")
		if inbox.ID == "" || inbox.DisplayName == "" {
			t.Errorf("%+v", inbox)
		}
		drive := got(c.Drive(ctx, brightwell, celia))(t, "Drive")
		items := got(c.DriveItems(ctx, brightwell, drive.ID, ""))(t, "DriveItems")
		if len(items) != 2 || items[0].Shared == nil || items[1].Shared != nil {
			t.Fatalf("%+v", items)
		}
		rights := got(c.DriveItemPermissions(ctx, brightwell, drive.ID, items[0].ID))(t, "DriveItemPermissions")
		link := slices.IndexFunc(rights, graphclient.ItemPermission.Anonymous)
		if len(rights) != 3 || link < 0 || rights[link].Inherited() || rights[link].Link.Type != "view" {
			t.Fatalf("%+v", rights)
		}
		if err := c.DeleteDriveItemPermission(ctx, brightwell, drive.ID, items[0].ID, rights[link].ID); err != nil {
			t.Error(err)
		}
		if left := got(c.DriveItemPermissions(ctx, brightwell, drive.ID, items[0].ID))(t, "DriveItemPermissions"); len(left) != 2 || slices.ContainsFunc(left, graphclient.ItemPermission.Anonymous) {
			t.Errorf("%+v", left)
		}
	})
}

// What the response changes, and that it shows.
func TestSandboxBECWrites(t *testing.T) {
	eachWay(t, func(t *testing.T, s *sandbox.Server, c *graphclient.Client) {
		must := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		rules := got(c.InboxRules(ctx, brightwell, celiaBox))(t, "InboxRules")
		must("DisableInboxRule", c.DisableInboxRule(ctx, brightwell, celiaBox, rules[0].Identity))
		must("EnableInboxRule", c.EnableInboxRule(ctx, brightwell, celiaBox, rules[0].Identity))
		shown := got(c.MessageRules(ctx, brightwell, celia))(t, "MessageRules")
		if len(shown) == 0 || shown[0].Actions.MoveToFolder == "" {
			t.Fatalf("%+v", shown)
		}
		must("SetMessageRuleEnabled", c.SetMessageRuleEnabled(ctx, brightwell, celia, shown[0].ID, false))
		if now := got(c.MessageRules(ctx, brightwell, celia))(t, "MessageRules"); now[0].IsEnabled {
			t.Errorf("%+v", now)
		}
		must("DeleteMessageRule", c.DeleteMessageRule(ctx, brightwell, celia, shown[0].ID))
		if now := got(c.MessageRules(ctx, brightwell, celia))(t, "MessageRules"); len(now) != len(shown)-1 {
			t.Errorf("%+v", now)
		}
		must("SetJunkConfig", c.SetJunkConfig(ctx, brightwell, celiaBox, map[string]any{"BlockedSendersAndDomains": []string{"mail-vault.example"}, "TrustedSendersAndDomains": nil}))
		if j := got(c.JunkConfig(ctx, brightwell, celiaBox))(t, "JunkConfig"); len(j.BlockedSendersAndDomains) != 1 || j.TrustedSendersAndDomains != nil {
			t.Errorf("%+v", j)
		}
		must("SetCASMailbox", c.SetCASMailbox(ctx, brightwell, celiaBox, map[string]any{"ImapEnabled": false, "PopEnabled": false}))
		if m := got(c.CASMailbox(ctx, brightwell, celiaBox))(t, "CASMailbox"); m.ImapEnabled || m.PopEnabled {
			t.Errorf("%+v", m)
		}
		const who = "joan.pryce@brightwell.example"
		must("AddFolderPermission", c.AddFolderPermission(ctx, brightwell, celiaBox, "/Inbox", who, []string{"Reviewer"}, ""))
		must("SetFolderPermission", c.SetFolderPermission(ctx, brightwell, celiaBox, "/Inbox", "Default", []string{"None"}, ""))
		rights := got(c.FolderPermissions(ctx, brightwell, celiaBox, []string{"/Inbox"}))(t, "FolderPermissions")
		if len(rights[0].Rights) != 3 {
			t.Errorf("%+v", rights)
		}
		must("RemoveFolderPermission", c.RemoveFolderPermission(ctx, brightwell, celiaBox, "/Inbox", who))
		if err := c.RemoveFolderPermission(ctx, brightwell, celiaBox, "/Inbox", who); graphclient.KindOf(err) != graphclient.NotMember {
			t.Errorf("twice: %v", err)
		}
		if err := c.RemoveSweepRule(ctx, brightwell, celiaBox, "no such rule"); graphclient.KindOf(err) != graphclient.NotFound {
			t.Errorf("RemoveSweepRule: %v", err)
		}
		if err := c.RemoveBlockedSender(ctx, brightwell, celiaBox.UPN); graphclient.KindOf(err) != graphclient.NotFound {
			t.Errorf("RemoveBlockedSender: %v", err)
		}
		mailRules := got(c.TransportRules(ctx, harbourline))(t, "TransportRules")
		must("SetTransportRuleEnabled", c.SetTransportRuleEnabled(ctx, harbourline, mailRules[0].Identity, false))
		if r := got(c.TransportRules(ctx, harbourline))(t, "TransportRules"); r[0].Enabled() || r[0].WhenChanged == nil {
			t.Errorf("%+v", r)
		}
		app := got(c.OAuth2GrantsOf(ctx, brightwell, celia))(t, "OAuth2GrantsOf")[0].ClientID
		must("SetServicePrincipalEnabled", c.SetServicePrincipalEnabled(ctx, brightwell, app, false))
		if sp := got(c.ServicePrincipals(ctx, brightwell, []string{app}))(t, "ServicePrincipals")[app]; sp.AccountEnabled == nil || *sp.AccountEnabled {
			t.Errorf("%+v", sp)
		}
		if c.Mode() != graphclient.App { // the partner's people do not hold Security Operator
			if err := c.ConfirmCompromised(ctx, brightwell, celia); graphclient.KindOf(err) != graphclient.RoleMissing {
				t.Errorf("ConfirmCompromised: %v", err)
			}
			return
		}
		must("ConfirmCompromised", c.ConfirmCompromised(ctx, brightwell, celia))
		if r := got(c.RiskyUser(ctx, brightwell, celia))(t, "RiskyUser"); r.RiskState != "confirmedCompromised" {
			t.Errorf("%+v", r)
		}
		must("DismissRisk", c.DismissRisk(ctx, brightwell, celia))
		if r := got(c.RiskyUser(ctx, brightwell, celia))(t, "RiskyUser"); r.RiskState != "dismissed" {
			t.Errorf("%+v", r)
		}
	})
}
