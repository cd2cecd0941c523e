package exchange

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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
