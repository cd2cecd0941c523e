package judge

import (
	"encoding/json"
	"fmt"
	"iter"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"cipp-mcp/workflows/bec"
)

// large is a case as big as they come: its rows are made while they are read, so that only what the judge keeps counts.
type large struct {
	*memory
	audits, mails, signs int
}

func (l *large) Rows(source string) iter.Seq2[bec.Row, error] {
	return func(yield func(bec.Row, error) bool) {
		for r, err := range l.memory.Rows(source) {
			if !yield(r, err) {
				return
			}
		}
		row := func(kind, id string, v any) bool {
			b, _ := v.(json.RawMessage)
			return yield(bec.Row{Kind: kind, ID: id, Data: b}, nil)
		}
		switch source {
		case bec.UAL, bec.MailItemsAccessed:
			n := l.audits / 2
			for i := range n {
				at := now.Add(-time.Duration(i) * 170 * 24 * time.Hour / time.Duration(n)).Format("2006-01-02T15:04:05")
				op, more := "MailItemsAccessed", `"OperationProperties":[{"Name":"MailAccessType","Value":"Bind"},{"Name":"IsThrottled","Value":"False"}],"Folders":[{"Path":"\\Inbox","FolderItems":[{"InternetMessageId":"<x@y>","Subject":"s","SizeInBytes":48211}]}]`
				if source == bec.UAL {
					switch op = []string{"FileAccessed", "MoveToDeletedItems", "Send", "FileDownloaded", "Update"}[i%5]; op {
					case "Send":
						more = fmt.Sprintf(`"Item":{"Subject":"Weekly report %d","InternetMessageId":"<r%d@fabrikam.example>"}`, i%50, i)
					case "MoveToDeletedItems":
						more = `"AffectedItems":[{"Subject":"Lunch?","ParentFolder":{"Path":"\\Inbox"}}]`
					default:
						more = fmt.Sprintf(`"ObjectId":"https://fabrikam.example/sites/a/file%d.docx","SiteUrl":"https://fabrikam.example/sites/a","SourceFileName":"file%d.docx"`, i%3000, i%3000)
					}
				}
				id := fmt.Sprintf("%s-%08d-0000-4000-8000-000000000000", source[:2], i)
				b := fmt.Sprintf(`{"id":"%s","creationTime":"%s","recordType":"50","operation":"%s","userId":"%s","data":{"CreationTime":"%s","Id":"%s","Operation":"%s","OrganizationId":"o","RecordType":50,"ResultStatus":"Succeeded","UserKey":"1","UserType":0,"Version":1,"Workload":"Exchange","ClientIP":"%s","UserId":"%s","SessionId":"s-%d","MailboxOwnerUPN":"%s","ClientInfoString":"Client=OWA;Action=ViaProxy",%s}}`,
					id, at, op, upn, at, id, op, office, upn, i/400, upn, more)
				if !row("auditRecord", id, json.RawMessage(b)) {
					return
				}
			}
		case bec.MessageTrace:
			for i := range l.mails {
				id := fmt.Sprintf("mt-%08d", i)
				b := fmt.Sprintf(`{"MessageTraceId":"%s","MessageId":"<r%d@fabrikam.example>","Received":"%s","SenderAddress":"%s","RecipientAddress":"c%d@customer%d.example","Subject":"Weekly report %d","Status":"Delivered","FromIP":"%s","Size":20114}`,
					id, i, now.Add(-time.Duration(i)*80*24*time.Hour/time.Duration(l.mails)).Format(time.RFC3339), upn, i%900, i%90, i%50, office)
				if !row("messageTrace", id, json.RawMessage(b)) {
					return
				}
			}
		case bec.SignInsNonInteractive:
			b, _ := json.Marshal(signed(0, office, nonInteractive(nil)))
			for i := range l.signs {
				id := fmt.Sprintf("ni-%08d", i)
				at := now.Add(-time.Duration(i) * 29 * 24 * time.Hour / time.Duration(l.signs)).Format(time.RFC3339)
				s := string(b[:len(b)-1]) + `,"x":1}`
				s = replaceField(replaceField(replaceField(s, "createdDateTime", at), "id", id), "correlationId", "c"+id)
				if !row("signIn", id, json.RawMessage(s)) {
					return
				}
			}
		}
	}
}

func replaceField(s, field, v string) string {
	k := `"` + field + `":"`
	for i := range len(s) - len(k) {
		if s[i:i+len(k)] == k && (i == 0 || s[i-1] == '{' || s[i-1] == ',') {
			j := i + len(k)
			for s[j] != '"' {
				j++
			}
			return s[:i+len(k)] + v + s[j:]
		}
	}
	return s
}

func BenchmarkLargeCase(b *testing.B) {
	f, m := person()
	proxied(m, 5*h)
	l := &large{memory: m, audits: 200_000, mails: 50_000, signs: 20_000}
	b.ReportAllocs()
	for b.Loop() {
		a, err := Judge(b.Context(), f, l)
		if err != nil || len(a.Findings) == 0 {
			b.Fatal(err, len(a.Findings))
		}
	}
}

// TestMemory holds what the judge keeps of a large case below its bound.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("a large case")
	}
	f, m := person()
	proxied(m, 5*h)
	l := &large{memory: m, audits: 200_000, mails: 50_000, signs: 20_000}
	// What is held is what counts, not how much garbage a busy machine lets lie.
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	runtime.GC()
	var start runtime.MemStats
	runtime.ReadMemStats(&start)
	most := uint64(0)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		var s runtime.MemStats
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				runtime.ReadMemStats(&s)
				most = max(most, s.HeapAlloc)
			}
		}
	}()
	a := judge(t, f, &memory{coverage: m.coverage, rows: m.rows})
	_ = a
	at := time.Now()
	if _, err := Judge(t.Context(), f, l); err != nil {
		t.Fatal(err)
	}
	took := time.Since(at)
	close(stop)
	<-done
	grown := int64(most) - int64(start.HeapAlloc)
	t.Logf("%s, %d MiB at most", took, grown>>20)
	if grown > 100<<20 {
		t.Errorf("the judge held %d MiB", grown>>20)
	}
}
