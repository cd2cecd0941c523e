package graphclient_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/sandbox"
	"cipp-mcp/sandbox/builtin"
)

// busyMailbox is the built-in story with so much more in its victim's logs, spread over the last days.
func busyMailbox(tb testing.TB, audits, traces, signIns int) []byte {
	tb.Helper()
	var state map[string]any
	if err := json.Unmarshal(builtin.State, &state); err != nil {
		tb.Fatal(err)
	}
	now := time.Date(2026, 3, 12, 15, 0, 0, 0, time.UTC)
	for _, x := range state["tenants"].([]any) {
		tenant := x.(map[string]any)
		if tenant["tenantId"] != brightwell {
			continue
		}
		exchange, graph := tenant["exchange"].(map[string]any), tenant["graph"].(map[string]any)
		log, trace, signs := exchange["unifiedAuditLog"].([]any), exchange["messageTrace"].([]any), graph["signIns"].([]any)
		for n := range audits {
			at := now.Add(-time.Duration(n) * (150 * 24 * time.Hour / time.Duration(audits)))
			id := fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", n)
			items := make([]any, 6)
			for i := range items {
				items[i] = map[string]any{"InternetMessageId": fmt.Sprintf("<%08d.%d@supplier.example>", n, i), "Subject": "Invoice 20418 Timber Direct", "SizeInBytes": 48211}
			}
			log = append(log, map[string]any{"RecordType": "ExchangeItemAggregated", "CreationDate": at.Format(time.RFC3339), "UserIds": celiaBox.UPN, "Operations": "MailItemsAccessed", "Identity": id,
				"AuditData": map[string]any{"CreationTime": at.Format("2006-01-02T15:04:05"), "Id": id, "Operation": "MailItemsAccessed", "OrganizationId": brightwell, "RecordType": 50, "ResultStatus": "Succeeded",
					"UserKey": celiaBox.UPN, "UserType": 0, "Version": 1, "Workload": "Exchange", "UserId": celiaBox.UPN, "ClientIPAddress": "198.51.100.24", "ClientInfoString": "Client=OWA;Action=ViaProxy",
					"SessionId": "4f643b8d-3560-4bfc-be56-bd8cde703699", "MailboxOwnerUPN": celiaBox.UPN, "OperationProperties": []any{map[string]any{"Name": "MailAccessType", "Value": "Bind"}},
					"Folders": []any{map[string]any{"Path": `\Inbox`, "FolderItems": items}}}})
		}
		for n := range traces {
			trace = append(trace, map[string]any{"MessageTraceId": fmt.Sprintf("bbbbbbbb-0000-4000-8000-%012d", n), "MessageId": fmt.Sprintf("<%d@brightwell.example>", n),
				"Received": now.Add(-time.Duration(n) * (89 * 24 * time.Hour / time.Duration(traces))).Format(time.RFC3339), "SenderAddress": celiaBox.UPN, "RecipientAddress": fmt.Sprintf("r%d@customer.example", n%977),
				"Subject": "Statement", "Status": "Delivered", "FromIP": "198.51.100.24", "ToIP": "192.0.2.25", "Size": 20000})
		}
		like, _ := json.Marshal(signs[0])
		for n := range signIns {
			var row map[string]any
			_ = json.Unmarshal(like, &row)
			row["id"], row["createdDateTime"] = fmt.Sprintf("cccccccc-0000-4000-8000-%012d", n), now.Add(-time.Duration(n)*(29*24*time.Hour/time.Duration(signIns))).Format(time.RFC3339)
			row["userId"], row["signInEventTypes"], row["isInteractive"] = celia, []any{"nonInteractiveUser"}, false
			signs = append(signs, row)
		}
		exchange["unifiedAuditLog"], exchange["messageTrace"], graph["signIns"] = log, trace, signs
	}
	b, err := json.Marshal(state)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// readAll reads the logs of the victim to their end and keeps nothing but the counts.
func readAll(tb testing.TB, s *sandbox.Server, c *graphclient.Client) (audits, traces, signIns int) {
	tb.Helper()
	now, took := s.Now(), func(what string, since time.Time) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		tb.Logf("%s: %v, heap %d MB", what, time.Since(since).Round(time.Millisecond), m.HeapAlloc>>20)
	}
	at := time.Now()
	end, err := c.SearchAudit(ctx, brightwell, graphclient.AuditSearch{UserIDs: []string{celiaBox.UPN}, From: now.AddDate(0, 0, -180), To: now}, func(some []graphclient.AuditRecord) error { audits += len(some); return nil })
	if err != nil || end.Capped || end.Incomplete {
		tb.Fatalf("%+v %v", end, err)
	}
	took("audit log", at)
	at = time.Now()
	capped, err := c.EachMessageTrace(ctx, brightwell, graphclient.TraceQuery{Sender: celiaBox.UPN, From: now.AddDate(0, 0, -90)}, func(some []graphclient.TraceRow) error { traces += len(some); return nil })
	if err != nil || capped {
		tb.Fatalf("%v %v", capped, err)
	}
	took("message trace", at)
	at = time.Now()
	if err := c.EachSignIn(ctx, brightwell, graphclient.SignInQuery{UserID: celia, Since: now.AddDate(0, 0, -30), Types: []string{"nonInteractiveUser"}}, func(some []graphclient.SignIn) error { signIns += len(some); return nil }); err != nil {
		tb.Fatal(err)
	}
	took("sign-ins", at)
	return audits, traces, signIns
}

// BenchmarkBusyMailbox reads 200,000 audit records, 50,000 messages and 20,000 sign-ins of one user.
func BenchmarkBusyMailbox(b *testing.B) {
	at := time.Now()
	state := busyMailbox(b, 200_000, 50_000, 20_000)
	b.Logf("state: %d MB, made in %v", len(state)>>20, time.Since(at).Round(time.Millisecond))
	at = time.Now()
	s, err := sandbox.Start(b.Context(), sandbox.Options{State: state, Clock: clockNow})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.Logf("loaded in %v, heap %d MB", time.Since(at).Round(time.Millisecond), m.HeapAlloc>>20)
	c := signedIn(b, s, "secret")
	for b.Loop() {
		audits, traces, signIns := readAll(b, s, c)
		if audits < 200_000 || traces < 50_000 || signIns < 20_000 {
			b.Fatal(audits, traces, signIns)
		}
	}
}
