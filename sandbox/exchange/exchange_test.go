package exchange

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cipp-mcp/sandbox/builtin"
	"cipp-mcp/sandbox/cloud"
	"cipp-mcp/sandbox/signin"
)

const (
	harbourline = "harbourline.example"
	brightwell  = "brightwell.example"
	dana        = "dana.whitfield@harbourline.example"
	gareth      = "gareth.pell@harbourline.example"
	celia       = "celia.hartmann@brightwell.example"
)

type bench struct {
	t       *testing.T
	cloud   *cloud.Cloud
	server  *httptest.Server
	who     *signin.Principal
	unknown []string
	prefer  string
}

func start(t *testing.T, clock string) *bench {
	t.Helper()
	c, err := cloud.New(builtin.State, clock, 1)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, cloud: c, prefer: "odata.maxpagesize=1000"}
	admin, _ := cloud.RoleByName("Exchange Administrator")
	b.who = &signin.Principal{AppID: "11c1a2f4-7b50-4a9e-9b0a-6c0d5a1f2e37", AppOnly: true, Exchange: true, DirectoryRoles: []cloud.Role{admin}}
	s := New(c, func(*http.Request) (*signin.Principal, error) { return b.who, nil }, func(m, p string) { b.unknown = append(b.unknown, m+" "+p) }, nil)
	b.server = httptest.NewServer(s)
	t.Cleanup(b.server.Close)
	return b
}

type answer struct {
	status   int
	header   http.Header
	rows     []map[string]any
	next     string
	warnings []any
	message  string // details[0].message
	body     []byte
}

func (b *bench) post(target string, body any) answer {
	b.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, target, bytes.NewReader(raw))
	if err != nil {
		b.t.Fatal(err)
	}
	if b.prefer != "" {
		r.Header.Set("Prefer", b.prefer)
	}
	return b.do(r)
}

func (b *bench) do(r *http.Request) answer {
	b.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	res, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		b.t.Fatal(err)
	}
	var in struct {
		Value    []map[string]any `json:"value"`
		Next     string           `json:"@odata.nextLink"`
		Warnings []any            `json:"@adminapi.warnings"`
		Error    struct {
			Message string
			Details []struct{ Message string }
		}
	}
	if json.Unmarshal(a.body, &in) == nil {
		a.rows, a.next, a.warnings, a.message = in.Value, in.Next, in.Warnings, in.Error.Message
		if len(in.Error.Details) > 0 {
			a.message = in.Error.Details[0].Message
		}
	}
	return a
}

func (b *bench) url(domain string) string {
	tn := b.cloud.Tenant(domain)
	b.who.Tenant = tn.ID
	return b.server.URL + "/adminapi/beta/" + tn.ID + "/InvokeCommand"
}

func input(cmdlet string, p map[string]any) map[string]any {
	return map[string]any{"CmdletInput": map[string]any{"CmdletName": cmdlet, "Parameters": p}}
}

type given = map[string]any

func (b *bench) run(domain, cmdlet string, p given) answer {
	b.t.Helper()
	return b.post(b.url(domain), input(cmdlet, p))
}

func (b *bench) must(domain, cmdlet string, p given) []map[string]any {
	b.t.Helper()
	a := b.run(domain, cmdlet, p)
	if a.status != http.StatusOK {
		b.t.Fatalf("%s %v: %d %s", cmdlet, p, a.status, a.body)
	}
	return a.rows
}

func (b *bench) one(domain, cmdlet string, p given) map[string]any {
	b.t.Helper()
	rows := b.must(domain, cmdlet, p)
	if len(rows) != 1 {
		b.t.Fatalf("%s %v: %d rows", cmdlet, p, len(rows))
	}
	return rows[0]
}

const frozen = "2026-03-12T15:00:00Z,frozen"

func TestRefusals(t *testing.T) {
	b := start(t, frozen)
	for _, c := range []struct {
		name, cmdlet string
		p            given
		status       int
		says         string
	}{
		{"unknown cmdlet", "Get-EXOMailbox", nil, 400, "CommandNotFoundException"},
		{"unknown parameter", "Get-Mailbox", given{"Identiti": dana}, 400, "ParameterBindingException|A parameter cannot be found that matches parameter name 'Identiti'."},
		{"a switch as text", "Get-InboxRule", given{"Mailbox": dana, "IncludeHidden": "true"}, 400, "System.Boolean"},
		{"a word outside the list", "Set-Mailbox", given{"Identity": dana, "Type": "Sharedd"}, 400, "Type"},
		{"missing parameter", "Get-MailboxPermission", given{}, 400, "mandatory parameters: Identity"},
		{"missing mailbox", "Get-Mailbox", given{"Identity": "nobody@harbourline.example"}, 404, "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|"},
		{"two of one name", "Get-Mailbox", given{"Identity": "Alex Morgan"}, 400, "matches multiple entries"},
		{"a user without mailbox", "Get-Mailbox", given{"Identity": "stefan.kruse@harbourline.example"}, 404, "ManagementObjectNotFoundException"},
		{"mastered on-premises", "Set-Mailbox", given{"Identity": "ingrid.moreau@harbourline.example", "HiddenFromAddressListsEnabled": true}, 400, "out of the current user's write scope"},
		{"no date", "Search-UnifiedAuditLog", given{"StartDate": "yesterday", "EndDate": "2026-03-12"}, 400, "DateTime"},
		{"too many rows", "Search-UnifiedAuditLog", given{"StartDate": "2026-03-01", "EndDate": "2026-03-12", "ResultSize": 5001}, 400, "ResultSize"},
		{"a trace of eleven days", "Get-MessageTraceV2", given{"StartDate": "2026-03-01T00:00:00Z", "EndDate": "2026-03-12T00:00:00Z"}, 400, "10 days"},
		{"a hash table of another kind", "Set-Mailbox", given{"Identity": dana, "EmailAddresses": given{"@odata.type": "#Exchange.GenericHashTable", "plus": "x"}}, 400, "plus"},
		{"a synced group", "Add-DistributionGroupMember", given{"Identity": "AD-Warehouse", "Member": dana}, 404, "ManagementObjectNotFound"},
		{"a Microsoft 365 group", "Remove-DistributionGroupMember", given{"Identity": "Sales Team", "Member": dana}, 404, "ManagementObjectNotFound"},
		{"a group managed by another", "Remove-DistributionGroupMember", given{"Identity": "Port Alerts", "Member": gareth}, 400, "OperationRequiresGroupManagerException"},
		{"no archive", "Get-MailboxStatistics", given{"Identity": dana, "Archive": true}, 404, "ManagementObjectNotFound"},
		{"a foreign domain", "Set-Mailbox", given{"Identity": dana, "EmailAddresses": given{"@odata.type": "#Exchange.GenericHashTable", "add": "smtp:dana@elsewhere.example"}}, 400, "NotAcceptedDomain"},
		{"an address in use", "Set-Mailbox", given{"Identity": dana, "EmailAddresses": given{"@odata.type": "#Exchange.GenericHashTable", "add": "smtp:" + gareth}}, 400, "ProxyAddressExists"},
		{"no English calendar", "Get-MailboxFolderPermission", given{"Identity": `juergen.voss@harbourline.example:\Calendar`}, 404, "ManagementObjectNotFound"},
		{"a bad filter", "Get-Mailbox", given{"Filter": "Colour -eq 'red'"}, 400, "Invalid filter syntax"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := b.run(harbourline, c.cmdlet, c.p)
			if a.status != c.status || !strings.Contains(a.message, c.says) {
				t.Errorf("%d %q, not %d with %q", a.status, a.message, c.status, c.says)
			}
		})
	}
}

func TestWhoMay(t *testing.T) {
	b := start(t, frozen)
	reader, _ := cloud.RoleByName("Global Reader")
	b.who.DirectoryRoles = []cloud.Role{reader}
	b.must(harbourline, "Get-Mailbox", given{"Identity": dana})
	if a := b.run(harbourline, "Set-Mailbox", given{"Identity": dana, "HiddenFromAddressListsEnabled": true}); a.status != 403 || !bytes.Equal(a.body, []byte{0}) || a.header.Get("Content-Encoding") != "gzip" {
		t.Errorf("a reader's write: %d %q", a.status, a.body)
	}
	b.who.DirectoryRoles = nil
	if a := b.run(harbourline, "Get-Mailbox", given{"Identity": dana}); a.status != 403 || !strings.Contains(a.message, "isn't supported in this scenario") {
		t.Errorf("without a role: %d %q", a.status, a.message)
	}
	target := b.url(harbourline)
	b.who.Tenant = b.cloud.Tenant(brightwell).ID
	if a := b.post(target, input("Get-Mailbox", nil)); a.status != 403 {
		t.Errorf("another tenant's token: %d", a.status)
	}
	if len(b.unknown) > 0 {
		t.Errorf("unknown: %v", b.unknown)
	}
}

func TestMailboxReads(t *testing.T) {
	b := start(t, frozen)
	m := b.one(harbourline, "Get-Mailbox", given{"Identity": gareth})
	if m["LitigationHoldEnabled"] != true || m["RecipientTypeDetails"] != "UserMailbox" || m["ProhibitSendReceiveQuota"] != "100 GB (107,374,182,400 bytes)" {
		t.Errorf("%v", m)
	}
	if d := m["GrantSendOnBehalfTo"].([]any); len(d) != 1 || strings.Contains(d[0].(string), "@") {
		t.Errorf("delegates are shown by name: %v", d)
	}
	if m["EmailAddresses@odata.type"] != "#Collection(String)" || m["ExchangeGuid@odata.type"] != "#Guid" {
		t.Error("the companions that tell types are missing")
	}
	if m["InboxRules"] != nil || m["Statistics"] != nil {
		t.Error("parts of the state that are no properties of a mailbox are shown")
	}
	s := b.one(harbourline, "Get-MailboxStatistics", given{"Identity": gareth})
	if s["TotalItemSize"] != "62 GB (66,571,993,088 bytes)" {
		t.Errorf("size %v", s["TotalItemSize"])
	}
	if n := len(b.must(harbourline, "Get-Mailbox", given{"RecipientTypeDetails": []string{"SharedMailbox", "RoomMailbox"}, "ResultSize": "Unlimited"})); n != 3 {
		t.Errorf("%d shared and room mailboxes", n)
	}
	if n := len(b.must(brightwell, "Get-Mailbox", given{"Filter": "ForwardingSmtpAddress -ne $null -and RecipientTypeDetails -eq 'UserMailbox'"})); n != 1 {
		t.Errorf("%d forwarding mailboxes", n)
	}
	for _, id := range []string{"siobhan.o'brien@harbourline.example", `Priya "PJ" Shah`, "Sales/Ops Quotes"} {
		b.one(harbourline, "Get-Mailbox", given{"Identity": id})
	}
}

func TestPages(t *testing.T) {
	b := start(t, frozen)
	b.prefer = ""
	body := input("Get-Mailbox", nil)
	a := b.post(b.url(harbourline)+"?$select=UserPrincipalName", body)
	if len(a.rows) != 1 || a.next == "" || len(a.warnings) == 0 {
		t.Fatalf("without Prefer: %d rows, next %q, warnings %v", len(a.rows), a.next, a.warnings)
	}
	if len(a.rows[0]) != 1 {
		t.Errorf("$select: %v", a.rows[0])
	}
	b.prefer = "odata.maxpagesize=5"
	seen := map[any]bool{}
	for next := b.url(harbourline); next != ""; {
		a := b.post(next, body)
		if a.status != 200 || len(a.rows) > 5 {
			t.Fatalf("%d, %d rows", a.status, len(a.rows))
		}
		for _, row := range a.rows {
			if seen[row["UserPrincipalName"]] {
				t.Fatalf("%v twice", row["UserPrincipalName"])
			}
			seen[row["UserPrincipalName"]] = true
		}
		next = a.next
	}
	if want := len(b.cloud.Tenant(harbourline).Mailboxes()); len(seen) != want {
		t.Errorf("%d of %d mailboxes", len(seen), want)
	}
	first := b.post(b.url(harbourline), body)
	if a := b.post(first.next, input("Get-Mailbox", given{"RecipientTypeDetails": "UserMailbox"})); a.status != 400 {
		t.Errorf("another body at the nextLink: %d", a.status)
	}
}

func TestConversionTakesTime(t *testing.T) {
	b := start(t, "2026-03-12T15:00:00Z")
	details := func() any { return b.one(harbourline, "Get-Mailbox", given{"Identity": dana})["RecipientTypeDetails"] }
	b.must(harbourline, "Set-Mailbox", given{"Identity": dana, "Type": "Shared"})
	if d := details(); d != "UserMailbox" {
		t.Fatalf("at once: %v", d)
	}
	b.cloud.Clock.Advance(ConversionDelay + time.Second)
	if d := details(); d != "SharedMailbox" {
		t.Fatalf("after the delay: %v", d)
	}
	unlicense(b, dana)
	if d := details(); d != "SharedMailbox" {
		t.Errorf("a shared mailbox went with the licence: %v", d)
	}
}

func unlicense(b *bench, upn string) {
	tn := b.cloud.Tenant(harbourline)
	tn.Lock()
	defer tn.Unlock()
	u := tn.User(upn)
	for _, l := range cloud.Objects(u, "assignedLicenses") {
		tn.RemoveDirectLicense(u, cloud.Str(l, "skuId"))
	}
	tn.DeriveLicenses(u)
	tn.SyncMailbox(u)
}

func TestLicenceTakenTooEarlyLosesTheMailbox(t *testing.T) {
	b := start(t, "2026-03-12T15:00:00Z")
	b.must(harbourline, "Set-Mailbox", given{"Identity": dana, "Type": "Shared"})
	unlicense(b, dana)
	b.cloud.Clock.Advance(time.Hour)
	if a := b.run(harbourline, "Get-Mailbox", given{"Identity": dana}); a.status != 404 {
		t.Fatalf("the mailbox is still there: %d", a.status)
	}
	if rows := b.must(harbourline, "Get-Mailbox", given{"SoftDeletedMailbox": true}); len(rows) != 1 || rows[0]["RecipientTypeDetails"] != "UserMailbox" {
		t.Errorf("soft-deleted: %v", rows)
	}
}

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
	f := b.one(harbourline, "Get-MailboxFolderStatistics", given{"Identity": "juergen.voss@harbourline.example", "FolderScope": "Calendar"})
	if f["Name"] != "Kalender" {
		t.Fatalf("%v", f["Name"])
	}
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

func TestAuditLog(t *testing.T) {
	b := start(t, frozen)
	week := given{"StartDate": "2026-03-05T15:00:00Z", "EndDate": "2026-03-12T15:00:00Z", "UserIds": []string{celia}}
	all := b.must(brightwell, "Search-UnifiedAuditLog", week)
	var data map[string]any
	if err := json.Unmarshal([]byte(all[0]["AuditData"].(string)), &data); err != nil || data["Operation"] != all[0]["Operations"] {
		t.Fatalf("%v %v", err, all[0])
	}
	week["SessionId"], week["SessionCommand"], week["ResultSize"] = "one", "ReturnLargeSet", 3
	seen := map[any]bool{}
	for {
		rows := b.must(brightwell, "Search-UnifiedAuditLog", week)
		if len(rows) == 0 {
			break
		}
		for _, r := range rows {
			seen[r["Identity"]] = true
		}
	}
	if len(seen) != len(all) {
		t.Errorf("the session gave %d rows, a plain search %d", len(seen), len(all))
	}
	before := len(all)
	b.must(brightwell, "Set-Mailbox", given{"Identity": celia, "ForwardingSmtpAddress": nil})
	rows := b.must(brightwell, "Search-UnifiedAuditLog", given{"StartDate": "2026-03-05T15:00:00Z", "EndDate": "2026-03-12T15:00:00Z", "Operations": []string{"Set-Mailbox"}})
	if len(rows) != 2 {
		t.Errorf("our own write is not in the log: %d rows of %d", len(rows), before)
	}
}

func TestMessageTrace(t *testing.T) {
	b := start(t, frozen)
	day := given{"SenderAddress": celia, "StartDate": "2026-03-11T15:00:00Z", "EndDate": "2026-03-12T15:00:00Z"}
	all := b.must(brightwell, "Get-MessageTraceV2", day)
	if len(all) != 36 {
		t.Fatalf("%d messages", len(all))
	}
	day["ResultSize"] = 10
	seen := map[any]bool{}
	for range 10 {
		rows := b.must(brightwell, "Get-MessageTraceV2", day)
		for _, r := range rows {
			seen[r["MessageTraceId"]] = true
		}
		if len(rows) < 10 {
			break
		}
		last := rows[len(rows)-1]
		day["EndDate"], day["StartingRecipientAddress"] = last["Received"], last["RecipientAddress"]
	}
	if len(seen) != 36 {
		t.Errorf("paging found %d", len(seen))
	}
}

func TestBatch(t *testing.T) {
	b := start(t, frozen)
	target := b.url(harbourline)
	item := func(id, cmdlet string, p given) map[string]any {
		return map[string]any{"id": id, "method": "POST", "url": target, "body": input(cmdlet, p), "headers": map[string]string{"Prefer": b.prefer}}
	}
	a := b.post(strings.Replace(target, "InvokeCommand", "$batch", 1), map[string]any{"requests": []any{item("a", "Get-Mailbox", given{"Identity": dana}), item("b", "Get-Mailbox", given{"Identity": "nobody@x.example"})}})
	var out struct {
		Responses []struct {
			ID     string
			Status int
			Body   map[string]any
		}
	}
	if err := json.Unmarshal(a.body, &out); err != nil || len(out.Responses) != 2 || out.Responses[0].Status != 200 || out.Responses[1].Status != 404 {
		t.Fatalf("%v %s", err, a.body)
	}
	eleven := make([]any, 11)
	for i := range eleven {
		eleven[i] = item(string(rune('a'+i)), "Get-Mailbox", given{"Identity": dana})
	}
	if a := b.post(strings.Replace(target, "InvokeCommand", "$batch", 1), map[string]any{"requests": eleven}); a.status != 400 {
		t.Errorf("eleven items: %d", a.status)
	}
}

func TestSizesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1<<50).Draw(t, "bytes")
		if got := bytesOf(sizeText(n)); got != n {
			t.Fatalf("%d became %d by %s", n, got, sizeText(n))
		}
	})
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{"Name -eq 'O''Brien'", "(A -like '*x*' -or -not (B -ne $null))", "{A -gt 3}", "A -eq", "((((", "'"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		if test, err := parseFilter(s, func(string) bool { return true }); err == nil {
			test(cloud.Object{"A": "x", "B": []any{"y"}})
		}
	})
}
