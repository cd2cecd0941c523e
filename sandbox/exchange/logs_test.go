package exchange

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cipp-mcp/sandbox/cloud"
)

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

func TestAuditLogRefusals(t *testing.T) {
	b := start(t, frozen)
	day := given{"StartDate": "2026-03-11T00:00:00Z", "EndDate": "2026-03-12T15:00:00Z"}
	before := len(b.must(brightwell, "Search-UnifiedAuditLog", day))
	b.cloud.Tenant(brightwell).Features["ualLagMinutes"] = float64(600)
	if late := len(b.must(brightwell, "Search-UnifiedAuditLog", day)); late >= before || late == 0 {
		t.Errorf("%d of %d rows with ten hours of lag", late, before)
	}
	b.cloud.Tenant(brightwell).Features["mailItemsAccessed"] = false
	if rows := b.must(brightwell, "Search-UnifiedAuditLog", given{"StartDate": "2026-03-01T00:00:00Z", "EndDate": "2026-03-12T15:00:00Z", "Operations": "MailItemsAccessed"}); len(rows) != 0 {
		t.Errorf("%d rows that the licence does not have", len(rows))
	}
	b.must(brightwell, "Set-AdminAuditLogConfig", given{"UnifiedAuditLogIngestionEnabled": false})
	if a := b.run(brightwell, "Search-UnifiedAuditLog", day); a.status != 400 {
		t.Errorf("without a log: %d %s", a.status, a.body)
	}
	for cmdlet, p := range map[string]given{"Search-UnifiedAuditLog": day, "Get-InboxRule": {"Mailbox": celia}} {
		role, _ := cloud.RoleByName("Helpdesk Administrator")
		was := b.who.DirectoryRoles
		b.who.DirectoryRoles = []cloud.Role{role}
		if a := b.run(brightwell, cmdlet, p); a.status != 403 {
			t.Errorf("%s without the role: %d %s", cmdlet, a.status, a.body)
		}
		b.who.DirectoryRoles = was
	}
}

func TestStateCmdlets(t *testing.T) {
	b := start(t, frozen)
	tn := b.cloud.Tenant(brightwell)
	box := tn.Mailbox(celia)
	box["MessageConfiguration"] = cloud.Object{"SignatureText": "new account number"}
	box["Apps"] = []any{cloud.Object{"AppId": "55555555-0000-4000-8000-000000000001", "DisplayName": "Helper"}}
	box["SweepRules"] = []any{cloud.Object{"Name": "hide the bank", "Sender": "alerts@bank.example", "KeepForDays": float64(0)}}
	box["CalendarPublishing"] = cloud.Object{"PublishEnabled": true}
	tn.Exchange["mailContacts"] = []any{cloud.Object{"Name": "Vault", "DisplayName": "Vault", "ExternalEmailAddress": "SMTP:x@mail-vault.example"}}
	tn.Exchange["journalRules"] = []any{cloud.Object{"Name": "all", "JournalEmailAddress": "x@mail-vault.example"}}
	tn.Exchange["transportRules"] = []any{cloud.Object{"Name": "copy", "BlindCopyTo": []any{"x@mail-vault.example"}}}
	if r := b.one(brightwell, "Get-MailboxMessageConfiguration", given{"Identity": celia}); r["SignatureText"] != "new account number" {
		t.Error(r)
	}
	if rows := b.must(brightwell, "Get-App", given{"Mailbox": celia}); len(rows) != 3 || rows[2]["Scope"] != "User" {
		t.Error(rows)
	}
	if r := b.one(brightwell, "Get-MailboxCalendarFolder", given{"Identity": celia + `:\Calendar`}); r["PublishEnabled"] != true {
		t.Error(r)
	}
	if a := b.run(brightwell, "Get-MailboxCalendarFolder", given{"Identity": celia + `:\Inbox`}); a.status != 400 {
		t.Error(a.status)
	}
	if r := b.one(brightwell, "Get-MailContact", given{"Identity": "x@mail-vault.example"}); r["ExternalEmailAddress"] != "SMTP:x@mail-vault.example" {
		t.Error(r)
	}
	if r := b.one(brightwell, "Get-JournalRule", nil); r["Enabled"] != true {
		t.Error(r)
	}
	_ = b.one(brightwell, "Get-TransportConfig", nil)
	_ = b.must(brightwell, "Get-AuthenticationPolicy", nil)
	b.must(brightwell, "Disable-TransportRule", given{"Identity": "copy", "Confirm": false})
	if r := b.one(brightwell, "Get-TransportRule", given{"Identity": "copy"}); r["State"] != "Disabled" {
		t.Error(r)
	}
	b.must(brightwell, "Enable-TransportRule", given{"Identity": "copy", "Mode": "audit"})
	if r := b.one(brightwell, "Get-TransportRule", given{"Identity": "copy"}); r["State"] != "Enabled" || r["Mode"] != "Audit" {
		t.Error(r)
	}
	sweep := b.one(brightwell, "Get-SweepRule", given{"Mailbox": celia})
	b.must(brightwell, "Remove-SweepRule", given{"Identity": sweep["Identity"], "Confirm": false})
	if rows := b.must(brightwell, "Get-SweepRule", given{"Mailbox": celia}); len(rows) != 0 {
		t.Error(rows)
	}
	b.must(brightwell, "Set-InboxRule", given{"Mailbox": celia, "Identity": "Timber suppliers", "MarkAsRead": true, "From": nil, "SubjectContainsWords": []string{"timber"}})
	if r := b.one(brightwell, "Get-InboxRule", given{"Mailbox": celia, "Identity": "Timber suppliers"}); r["MarkAsRead"] != true || r["From"] != nil {
		t.Error(r)
	}
}
