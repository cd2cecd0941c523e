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
