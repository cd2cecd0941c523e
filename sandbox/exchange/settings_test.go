package exchange

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cipp-mcp/sandbox/cloud"
)

func TestForwarding(t *testing.T) {
	b := start(t, frozen)
	b.must(harbourline, "Set-Mailbox", given{"Identity": dana, "ForwardingAddress": "oluwaseun.adeyemi@harbourline.example", "ForwardingSmtpAddress": nil, "DeliverToMailboxAndForward": true})
	m := b.one(harbourline, "Get-Mailbox", given{"Identity": dana})
	if m["ForwardingAddress"] != cloud.Str(b.cloud.Tenant(harbourline).User("oluwaseun.adeyemi@harbourline.example"), "id") || m["DeliverToMailboxAndForward"] != true {
		t.Errorf("%v %v", m["ForwardingAddress"], m["DeliverToMailboxAndForward"])
	}
	b.must(brightwell, "Set-Mailbox", given{"Identity": celia, "ForwardingSmtpAddress": nil, "ForwardingAddress": nil, "DeliverToMailboxAndForward": false})
	if m := b.one(brightwell, "Get-Mailbox", given{"Identity": celia}); m["ForwardingSmtpAddress"] != nil {
		t.Errorf("%v", m["ForwardingSmtpAddress"])
	}
	if a := b.run(harbourline, "Set-Mailbox", given{"Identity": dana, "ForwardingAddress": "nobody@harbourline.example"}); a.status != 404 {
		t.Errorf("forwarding to nobody: %d", a.status)
	}
}

func TestRules(t *testing.T) {
	b := start(t, frozen)
	if n := len(b.must(brightwell, "Get-InboxRule", given{"Mailbox": celia})); n != 1 {
		t.Fatalf("%d visible rules", n)
	}
	all := b.must(brightwell, "Get-InboxRule", given{"Mailbox": celia, "IncludeHidden": true})
	if len(all) != 3 {
		t.Fatalf("%d rules with hidden ones", len(all))
	}
	var bad map[string]any
	for _, r := range all {
		if r["Name"] == ".." {
			bad = r
		}
	}
	id := bad["Identity"].(string)
	if !strings.HasSuffix(id, `\7293822569102704641`) {
		t.Fatalf("identity %s", id)
	}
	b.must(brightwell, "Disable-InboxRule", given{"Identity": id, "Mailbox": celia, "Confirm": false, "Force": true})
	if r := b.one(brightwell, "Get-InboxRule", given{"Mailbox": celia, "Identity": "..", "IncludeHidden": true}); r["Enabled"] != false {
		t.Error("the rule is still on")
	}
	b.must(brightwell, "Remove-InboxRule", given{"Identity": id, "Confirm": false, "Force": true})
	if a := b.run(brightwell, "Remove-InboxRule", given{"Identity": id, "Confirm": false}); a.status != 404 {
		t.Errorf("removed twice: %d", a.status)
	}
	if a := b.run(brightwell, "Disable-InboxRule", given{"Mailbox": celia, "Identity": "Junk E-mail Rule"}); a.status != 400 {
		t.Errorf("a system rule was switched off: %d", a.status)
	}
}

func TestPermissions(t *testing.T) {
	b := start(t, frozen)
	users := func() (out []string) {
		for _, r := range b.must(harbourline, "Get-MailboxPermission", given{"Identity": dana}) {
			out = append(out, r["User"].(string))
		}
		return out
	}
	add := given{"Identity": dana, "User": gareth, "AccessRights": []string{"FullAccess"}, "InheritanceType": "All", "AutoMapping": false, "Confirm": false}
	b.must(harbourline, "Add-MailboxPermission", add)
	if got := users(); len(got) != 3 || got[0] != self {
		t.Errorf("%v", got)
	}
	if a := b.run(harbourline, "Add-MailboxPermission", add); a.status != 200 || len(a.warnings) != 1 {
		t.Errorf("twice: %d %v", a.status, a.warnings)
	}
	remove := given{"Identity": dana, "User": gareth, "AccessRights": []string{"FullAccess"}, "Confirm": false}
	b.must(harbourline, "Remove-MailboxPermission", remove)
	if a := b.run(harbourline, "Remove-MailboxPermission", remove); a.status != 200 || len(a.warnings) != 1 || !strings.Contains(a.warnings[0].(string), "isn't present") {
		t.Errorf("removed twice: %d %v", a.status, a.warnings)
	}
	if rows := b.must(harbourline, "Get-RecipientPermission", given{"Trustee": gareth}); len(rows) != 1 {
		t.Errorf("Send As held by the leaver: %v", rows)
	}
	b.must(harbourline, "Remove-RecipientPermission", given{"Identity": "dispatch@harbourline.example", "Trustee": gareth, "AccessRights": []string{"SendAs"}, "Confirm": false})
	if rows := b.must(harbourline, "Get-RecipientPermission", given{"Trustee": gareth}); len(rows) != 0 {
		t.Errorf("still: %v", rows)
	}
	hash := given{"@odata.type": "#Exchange.GenericHashTable", "add": []string{gareth}, "remove": []string{dana}}
	b.must(harbourline, "Set-Mailbox", given{"Identity": "quotes@harbourline.example", "GrantSendOnBehalfTo": hash})
	want := cloud.Str(b.cloud.Tenant(harbourline).User(gareth), "id")
	if got := b.one(harbourline, "Get-Mailbox", given{"Identity": "quotes@harbourline.example"})["GrantSendOnBehalfTo"].([]any); len(got) != 1 || got[0] != want {
		t.Errorf("%v", got)
	}
}

func TestCalendar(t *testing.T) {
	b := start(t, frozen)
	calendars := b.must(harbourline, "Get-MailboxFolderStatistics", given{"Identity": "juergen.voss@harbourline.example", "FolderScope": "Calendar"})
	if len(calendars) != 2 || calendars[0]["Name"] != "Kalender" || calendars[1]["FolderPath"] != "/Kalender/Urlaub" {
		t.Fatalf("%v", calendars)
	}
	f := calendars[0]
	for _, folder := range []string{`juergen.voss@harbourline.example:\Kalender`, "juergen.voss@harbourline.example:" + f["FolderId"].(string)} {
		if rows := b.must(harbourline, "Get-MailboxFolderPermission", given{"Identity": folder}); len(rows) != 2 {
			t.Errorf("%s: %v", folder, rows)
		}
	}
	id := `juergen.voss@harbourline.example:\Kalender`
	p := given{"Identity": id, "User": dana, "AccessRights": []string{"Reviewer"}}
	if a := b.run(harbourline, "Set-MailboxFolderPermission", p); a.status != 404 || !strings.Contains(a.message, "UserNotFoundInPermissionEntryException") {
		t.Errorf("set before add: %d %s", a.status, a.message)
	}
	b.must(harbourline, "Add-MailboxFolderPermission", p)
	if a := b.run(harbourline, "Add-MailboxFolderPermission", p); a.status != 400 || !strings.Contains(a.message, "UserAlreadyExistsInPermissionEntryException") {
		t.Errorf("added twice: %d %s", a.status, a.message)
	}
	b.must(harbourline, "Set-MailboxFolderPermission", given{"Identity": id, "User": dana, "AccessRights": []string{"Editor"}, "SharingPermissionFlags": "Delegate,CanViewPrivateItems"})
	b.must(harbourline, "Remove-MailboxFolderPermission", given{"Identity": id, "User": dana, "Confirm": false})
	if rows := b.must(harbourline, "Get-MailboxFolderPermission", given{"Identity": id}); len(rows) != 2 {
		t.Errorf("%v", rows)
	}
}

func TestGroups(t *testing.T) {
	b := start(t, frozen)
	p := given{"Identity": "All Staff", "Member": dana, "BypassSecurityGroupManagerCheck": true, "Confirm": false}
	b.must(harbourline, "Remove-DistributionGroupMember", p)
	if a := b.run(harbourline, "Remove-DistributionGroupMember", p); a.status != 400 || !strings.Contains(a.message, "MemberNotFoundException") {
		t.Errorf("twice: %d %s", a.status, a.message)
	}
	tn := b.cloud.Tenant(harbourline)
	id := cloud.Str(tn.User(dana), "id")
	for _, g := range tn.GroupsOf(id) {
		if cloud.Str(g, "displayName") == "All Staff" {
			t.Error("the directory still shows the membership")
		}
	}
	b.must(harbourline, "Add-DistributionGroupMember", p)
	if a := b.run(harbourline, "Add-DistributionGroupMember", p); a.status != 400 || !strings.Contains(a.message, "MemberAlreadyExistsException") {
		t.Errorf("twice: %d %s", a.status, a.message)
	}
	if rows := b.must(harbourline, "Get-DistributionGroup", given{"ManagedBy": gareth}); len(rows) != 1 || rows[0]["DisplayName"] != "Port Alerts" {
		t.Errorf("managed by the leaver: %v", rows)
	}
}

func TestAutoReply(t *testing.T) {
	b := start(t, frozen)
	b.must(harbourline, "Set-MailboxAutoReplyConfiguration", given{"Identity": dana, "AutoReplyState": "enabled", "InternalMessage": "<p>Gone</p>", "ExternalMessage": "<p>Gone</p>", "ExternalAudience": "All"})
	r := b.one(harbourline, "Get-MailboxAutoReplyConfiguration", given{"Identity": dana})
	if r["AutoReplyState"] != "Enabled" || r["InternalMessage"] != "<p>Gone</p>" {
		t.Errorf("%v", r)
	}
	tn := b.cloud.Tenant(harbourline)
	if kept := cloud.Child(tn.Mailbox(dana), "AutoReply"); kept["StartTime"] != nil || kept["CreateOOFEvent"] != nil {
		t.Errorf("the state holds what nobody set: %v", kept)
	}
	if a := b.run(harbourline, "Set-MailboxAutoReplyConfiguration", given{"Identity": dana, "CreateOOFEvent": true}); a.status != 400 {
		t.Errorf("an event without a schedule: %d", a.status)
	}
}

func TestMobileDevicesAndEntities(t *testing.T) {
	b := start(t, frozen)
	rows := b.must(harbourline, "Get-MobileDevice", given{"Mailbox": gareth})
	if len(rows) != 2 || rows[0]["LastSuccessSync"] != nil {
		t.Fatalf("%v", rows)
	}
	get := func(path string) answer {
		tn := b.cloud.Tenant(harbourline)
		b.who.Tenant = tn.ID
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.server.URL+"/adminapi/beta/"+tn.ID+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return b.do(r)
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(gareth))
	if a := get("/mailbox('" + url.PathEscape(encoded) + "')/MobileDevice/Exchange.GetMobileDeviceStatistics()/?IsEncoded=True"); a.status != 200 || len(a.rows) != 2 || a.rows[0]["LastSuccessSync"] == nil {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := get("/Mailbox('" + url.PathEscape(gareth) + "')/Exchange.GetMailboxStatistics()"); a.status != 200 || !bytes.Contains(a.body, []byte("66,571,993,088")) {
		t.Errorf("%d %s", a.status, a.body)
	}
	b.must(harbourline, "Remove-MobileDevice", given{"Identity": rows[0]["Identity"], "Confirm": false})
	if n := len(b.must(harbourline, "Get-MobileDevice", given{"Mailbox": gareth})); n != 1 {
		t.Errorf("%d left", n)
	}
}

func TestRoomsAndJunkMail(t *testing.T) {
	b := start(t, frozen)
	room := given{"Identity": "boardroom@harbourline.example"}
	id := func(upn string) string { return cloud.Str(b.cloud.Tenant(harbourline).User(upn), "id") }
	if d := b.one(harbourline, "Get-CalendarProcessing", room)["ResourceDelegates"].([]any); len(d) != 1 || d[0] != id(gareth) {
		t.Fatalf("%v", d)
	}
	b.must(harbourline, "Set-CalendarProcessing", given{"Identity": "boardroom@harbourline.example", "ResourceDelegates": given{"@odata.type": "#Exchange.GenericHashTable", "add": dana, "remove": gareth}})
	if d := b.one(harbourline, "Get-CalendarProcessing", room)["ResourceDelegates"].([]any); len(d) != 1 || d[0] != id(dana) {
		t.Errorf("%v", d)
	}
	b.must(brightwell, "Set-MailboxJunkEmailConfiguration", given{"Identity": celia, "TrustedSendersAndDomains": given{"@odata.type": "#Exchange.GenericHashTable", "remove": []string{"mail-vault.example"}}})
	j := b.one(brightwell, "Get-MailboxJunkEmailConfiguration", given{"Identity": celia})
	if len(j["TrustedSendersAndDomains"].([]any)) != 0 || len(j["BlockedSendersAndDomains"].([]any)) != 1 {
		t.Errorf("%v", j)
	}
	b.must(harbourline, "Set-CASMailbox", given{"Identity": dana, "ImapEnabled": false})
	if v := b.one(harbourline, "Get-CASMailbox", given{"Identity": dana}); v["ImapEnabled"] != false || v["OWAEnabled"] != true {
		t.Errorf("%v", v)
	}
	if kept := cloud.Child(b.cloud.Tenant(harbourline).Mailbox(dana), "CASMailbox"); len(kept) != 1 {
		t.Errorf("%v", kept)
	}
}

func TestCancellingMeetings(t *testing.T) {
	b := start(t, frozen)
	left := func() int {
		return len(cloud.List(b.cloud.Tenant(harbourline).Mailbox(dana), "CalendarEvents"))
	}
	p := given{"Identity": dana, "QueryWindowInDays": 730, "CancelOrganizedMeetings": true, "PreviewOnly": true, "Confirm": false}
	if b.must(harbourline, "Remove-CalendarEvents", p); left() != 3 {
		t.Errorf("a preview left %d", left())
	}
	delete(p, "PreviewOnly")
	if b.must(harbourline, "Remove-CalendarEvents", p); left() != 2 { // those of others and of the past stay
		t.Errorf("%d left", left())
	}
	p["QueryWindowInDays"] = 1826
	if a := b.run(harbourline, "Remove-CalendarEvents", p); a.status != 400 {
		t.Errorf("more than five years: %d", a.status)
	}
}
