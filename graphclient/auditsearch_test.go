package graphclient

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// searched is an Exchange that answers Search-UnifiedAuditLog from rows, one for each second after start.
type searched struct {
	start    time.Time
	rows     int
	sessions map[string]int
	spoil    func(call int, page []map[string]any) []map[string]any // what goes wrong
	calls    int
	asked    []map[string]any
}

func (s *searched) serve(w http.ResponseWriter, r *http.Request) {
	var in cmdletInput
	_ = json.NewDecoder(r.Body).Decode(&in)
	p := in.CmdletInput.Parameters
	s.calls++
	s.asked = append(s.asked, p)
	from, _ := time.Parse(time.RFC3339, p["StartDate"].(string))
	to, _ := time.Parse(time.RFC3339, p["EndDate"].(string))
	first := max(0, int(from.Sub(s.start)/time.Second))
	total := max(0, min(s.rows, int(to.Sub(s.start)/time.Second)+1)-first)
	session := p["SessionId"].(string)
	at := s.sessions[session]
	page := []map[string]any{}
	for i := at; i < min(total, auditSessionRows, at+auditPage); i++ {
		n := first + i
		data := fmt.Sprintf(`{"Id":"00000000-0000-4000-8000-%012d","CreationTime":%q,"Operation":"MailItemsAccessed","UserId":"celia@x.example","ClientIPAddress":"203.0.113.7","Workload":"Exchange","Folders":[{"Path":"\\Inbox","X":"a \"b\""}]}`,
			n, s.start.Add(time.Duration(n)*time.Second).Format("2006-01-02T15:04:05"))
		page = append(page, map[string]any{"Identity": fmt.Sprintf("00000000-0000-4000-8000-%012d", n), "RecordType": "ExchangeItemAggregated", "CreationDate": "2026-03-12T00:00:00Z",
			"Operations": "MailItemsAccessed", "UserIds": "celia@x.example", "AuditData": data, "ResultIndex": i + 1, "ResultCount": total})
	}
	s.sessions[session] = at + len(page)
	if s.spoil != nil {
		page = s.spoil(s.calls, page)
	}
	b, _ := json.Marshal(map[string]any{"value": page})
	answer(w, http.StatusOK, string(b))
}

func search(t *testing.T, s *searched, q AuditSearch) (AuditSearchEnd, map[string]AuditRecord) {
	t.Helper()
	s.start, s.sessions = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), map[string]int{}
	c := newFake(t, s.serve).client()
	found := map[string]AuditRecord{}
	q.From, q.To = s.start, s.start.Add(48*time.Hour)
	end, err := c.SearchAudit(t.Context(), customer, q, func(some []AuditRecord) error {
		for _, r := range some {
			if _, twice := found[r.ID]; twice {
				t.Errorf("%s came twice", r.ID)
			}
			found[r.ID] = r
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if end.Rows != len(found) {
		t.Errorf("it counts %d rows and gave %d", end.Rows, len(found))
	}
	return end, found
}

func TestSearchAuditReadsASessionToItsEnd(t *testing.T) {
	s := &searched{rows: 12001}
	end, found := search(t, s, AuditSearch{UserIDs: []string{"celia@x.example"}, Operations: []string{"MailItemsAccessed"}})
	if end != (AuditSearchEnd{Rows: 12001}) || s.calls != 4 {
		t.Errorf("%+v in %d calls", end, s.calls)
	}
	r := found["00000000-0000-4000-8000-000000000002"]
	if !r.CreationTime.Equal(s.start.Add(2*time.Second)) || r.RecordType != "ExchangeItemAggregated" || r.Operation != "MailItemsAccessed" ||
		r.UserID != "celia@x.example" || r.ClientIP != "203.0.113.7" || r.Service != "Exchange" {
		t.Errorf("%+v", r)
	}
	var data struct{ Folders []struct{ Path, X string } }
	if err := json.Unmarshal(r.Data, &data); err != nil || data.Folders[0].Path != `\Inbox` || data.Folders[0].X != `a "b"` {
		t.Errorf("%s: %v", r.Data, err)
	}
	p := s.asked[0]
	if p["SessionCommand"] != "ReturnLargeSet" || p["ResultSize"] != float64(auditPage) || p["SessionId"] != s.asked[3]["SessionId"] || p["RecordType"] != nil {
		t.Errorf("asked %v", p)
	}
}

func TestSearchAuditDividesWhatASessionCannotHold(t *testing.T) {
	s := &searched{rows: 120000}
	end, _ := search(t, s, AuditSearch{})
	if end != (AuditSearchEnd{Rows: 120000}) {
		t.Errorf("%+v", end)
	}
}

func TestSearchAuditBeginsAnew(t *testing.T) {
	for name, spoil := range map[string]func(int, []map[string]any) []map[string]any{
		"rows come twice": func(call int, page []map[string]any) []map[string]any {
			if call == 2 {
				for i := range page {
					page[i]["ResultIndex"] = i + 1
				}
			}
			return page
		},
		"ran out of time": func(call int, page []map[string]any) []map[string]any {
			if call == 2 {
				page[0]["ResultIndex"], page[0]["ResultCount"] = -1, 0
			}
			return page
		},
		"ended early": func(call int, page []map[string]any) []map[string]any {
			if call == 3 {
				return nil
			}
			return page
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &searched{rows: 12001, spoil: spoil}
			if end, _ := search(t, s, AuditSearch{}); end != (AuditSearchEnd{Rows: 12001}) {
				t.Errorf("%+v", end)
			}
		})
	}
	t.Run("and gives up", func(t *testing.T) {
		s := &searched{rows: 7000, spoil: func(_ int, page []map[string]any) []map[string]any { return page[:min(len(page), 3000)] }}
		if end, found := search(t, s, AuditSearch{}); !end.Incomplete || len(found) != 5000 {
			t.Errorf("%+v, %d rows", end, len(found))
		}
	})
}

func TestSearchAuditStopsWhenTold(t *testing.T) {
	s := &searched{rows: 12001, start: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), sessions: map[string]int{}}
	c := newFake(t, s.serve).client()
	enough := fmt.Errorf("enough")
	_, err := c.SearchAudit(t.Context(), customer, AuditSearch{From: s.start, To: s.start.Add(48 * time.Hour)}, func([]AuditRecord) error { return enough })
	if err != enough || s.calls != 1 { //nolint:errorlint // the caller's own error, as it is
		t.Errorf("%v after %d calls", err, s.calls)
	}
	if _, err := c.SearchAudit(t.Context(), customer, AuditSearch{}, nil); KindOf(err) != Invalid {
		t.Errorf("without an interval: %v", err)
	}
}

// traced is an Exchange that answers Get-MessageTraceV2 from rows, the newest first.
func traced(t *testing.T, rows []TraceRow, calls *[]map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in cmdletInput
		_ = json.NewDecoder(r.Body).Decode(&in)
		p := in.CmdletInput.Parameters
		*calls = append(*calls, p)
		from, err := time.Parse(time.RFC3339Nano, p["StartDate"].(string))
		to, err2 := time.Parse(time.RFC3339Nano, p["EndDate"].(string))
		if err != nil || err2 != nil || to.Sub(from) > traceSpan {
			t.Errorf("asked for %v", p)
		}
		starting, _ := p["StartingRecipientAddress"].(string)
		page := []map[string]any{}
		for _, x := range rows {
			if x.Received.Before(from) || x.Received.After(to) || len(page) == tracePage ||
				starting != "" && x.Received.Truncate(time.Second).Equal(to.Truncate(time.Second)) && x.RecipientAddress < starting {
				continue
			}
			page = append(page, map[string]any{"MessageTraceId": x.MessageTraceID, "Received": x.Received.Format("2006-01-02T15:04:05.999"), "RecipientAddress": x.RecipientAddress, "Size": 2048, "Status": "Delivered"})
		}
		b, _ := json.Marshal(map[string]any{"value": page})
		answer(w, http.StatusOK, string(b))
	}
}

func TestEachMessageTrace(t *testing.T) {
	now := newFrozen().Now()
	row := func(n int, before time.Duration) TraceRow {
		return TraceRow{MessageTraceID: fmt.Sprint(n), RecipientAddress: fmt.Sprintf("r%05d@x.example", n), Received: now.Add(-before)}
	}
	var spread, burst, flood []TraceRow
	for n := range 12000 {
		spread = append(spread, row(n, time.Duration(n)*time.Minute))
	}
	for n := range 7000 { // one message to many, within two seconds
		burst = append(burst, row(n, time.Hour+time.Duration(n)*250*time.Microsecond))
	}
	for n := range 7000 { // more to one recipient in one second than can be told apart
		r := row(n, time.Hour)
		r.RecipientAddress = "one@x.example"
		flood = append(flood, r)
	}
	for name, test := range map[string]struct {
		rows   []TraceRow
		want   int
		capped bool
	}{"spread": {spread, 12000, false}, "burst": {burst, 7000, false}, "flood": {flood, 5000, true}} {
		t.Run(name, func(t *testing.T) {
			var calls []map[string]any
			c := newFake(t, traced(t, test.rows, &calls)).client()
			seen := map[string]bool{}
			capped, err := c.EachMessageTrace(t.Context(), customer, TraceQuery{Sender: "celia@x.example", From: now.AddDate(-1, 0, 0)}, func(some []TraceRow) error {
				for _, r := range some {
					if seen[r.MessageTraceID] {
						t.Errorf("%s came twice", r.MessageTraceID)
					}
					seen[r.MessageTraceID] = true
				}
				return nil
			})
			if err != nil || capped != test.capped || len(seen) != test.want {
				t.Errorf("%d rows, capped %v, %v", len(seen), capped, err)
			}
			if len(calls) < 9 || calls[0]["SenderAddress"] != "celia@x.example" || calls[0]["RecipientAddress"] != nil {
				t.Errorf("%d calls, the first %v", len(calls), calls[0])
			}
		})
	}
}

func plainQuery(q string) string {
	plain, _ := url.QueryUnescape(q)
	return plain
}

func TestEachSignInAsks(t *testing.T) {
	f := newFake(t, inTurn(func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"@odata.nextLink":"https://`+r.Host+`/beta/auditLogs/signIns?$skiptoken=x","value":[{"id":"a","createdDateTime":"2026-03-12T10:00:00Z","userId":"u","sessionId":"s","autonomousSystemNumber":64500,
			"status":{"errorCode":50126,"failureReason":"bad"},"location":{"city":"Leeds","geoCoordinates":{"latitude":1.5}},"deviceDetail":{"browserId":"b","isManaged":false},"authenticationDetails":[{"authenticationMethod":"Password","succeeded":true}],
			"crossTenantAccessType":"none","isThroughGlobalSecureAccess":false,"ipAddressFromResourceProvider":null,"appliedConditionalAccessPolicies":[{"id":"p","result":"success"}]}]}`)
	}, body(`{"value":[{"id":"b"}]}`)))
	c := f.client()
	var got []SignIn
	err := c.EachSignIn(t.Context(), customer, SignInQuery{UserID: person, IPAddress: "203.0.113.7", Types: []string{"nonInteractiveUser"},
		Since: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}, func(some []SignIn) error { got = append(got, some...); return nil })
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v %v", got, err)
	}
	r := got[0]
	if r.SessionID != "s" || *r.AutonomousSystemNumber != 64500 || r.Status.ErrorCode != 50126 || *r.Location.GeoCoordinates.Latitude != 1.5 || r.DeviceDetail.BrowserID != "b" ||
		*r.DeviceDetail.IsManaged || !*r.AuthenticationDetails[0].Succeeded || r.AppliedConditionalAccessPolicies[0].Result != "success" || r.CrossTenantAccessType != "none" {
		t.Errorf("%+v", r)
	}
	for i, q := range f.requests() {
		if !strings.HasPrefix(q.Path, "/beta/") || q.Header.Get("Prefer") != unknownEnums {
			t.Errorf("request %d: %s %v", i, q.Path, q.Header)
		}
	}
	want := "userId eq '" + person + "' and createdDateTime ge 2026-03-01T00:00:00Z and createdDateTime le 2026-03-02T00:00:00Z and ipAddress eq '203.0.113.7' and signInEventTypes/any(t:t eq 'nonInteractiveUser')"
	if q := f.requests()[0].Query; !strings.Contains(plainQuery(q), want) {
		t.Errorf("asked %s", plainQuery(q))
	}
}

// A mailbox can have hundreds of thousands of records: a page must not cost more than its rows.
func TestAuditRecordsAreReadInOnePass(t *testing.T) {
	const n = 1000
	var b strings.Builder
	b.WriteString(`{"value":[`)
	for i := range n {
		data, _ := json.Marshal(fmt.Sprintf(`{"CreationTime":"2026-03-01T00:00:00","Id":"00000000-0000-4000-8000-%012d","Operation":"MailItemsAccessed","UserId":"celia@x.example","ClientIPAddress":"203.0.113.7","Workload":"Exchange","Folders":[{"Path":"\\Inbox","FolderItems":[%s]}]}`,
			i, strings.TrimSuffix(strings.Repeat(`{"InternetMessageId":"<a@b.example>","SizeInBytes":48211},`, 20), ",")))
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"Identity":"00000000-0000-4000-8000-%012d","RecordType":"ExchangeItemAggregated","CreationDate":"2026-03-01T00:00:00Z","Operations":"MailItemsAccessed","UserIds":"celia@x.example","ResultIndex":%d,"ResultCount":%d,"AuditData":%s}`, i, i+1, n, data)
	}
	b.WriteString(`]}`)
	body := []byte(b.String())
	var p page[foundRow]
	allocs := testing.AllocsPerRun(3, func() {
		p = page[foundRow]{}
		if err := p.readPage(body); err != nil {
			t.Fatal(err)
		}
	})
	if len(p.Value) != n || !json.Valid(p.Value[n-1].record.Data) {
		t.Fatalf("%d rows, the last %+v", len(p.Value), p.Value[len(p.Value)-1])
	}
	if perRow := allocs / n; perRow > 24 {
		t.Errorf("%.1f allocations a row", perRow)
	}
}

func TestQuotedJSON(t *testing.T) {
	for in, want := range map[string]string{
		`"{\"a\":\"b\\\\c \\\"d\\\" \/e\"}"`: `{"a":"b\\c \"d\" /e"}`,
		`"{\"a\":\"\u00e9\\n\"}"`:            `{"a":"é\n"}`,
		`"{}"`:                               `{}`,
		`{"a":1}`:                            `{"a":1}`,
		`"not JSON"`:                         `"not JSON"`,
		`"{\"a\":"`:                          `"{\"a\":"`,
		`"{\"a\":`:                           ``,
		`null`:                               `null`,
	} {
		var got json.RawMessage
		err := newJSONReader([]byte(in)).quotedJSON(&got)
		if want == "" {
			if err == nil {
				t.Errorf("%s: %s", in, got)
			}
			continue
		}
		if err != nil || string(got) != want {
			t.Errorf("%s: %s %v", in, got, err)
		}
	}
}

// A gateway that ran out of time gets the interval in pieces; the rows come once each.
func TestEachSignInDividesWhatTimesOut(t *testing.T) {
	start := time.Date(2026, 3, 11, 0, 0, 0, 0, time.UTC)
	bound := regexp.MustCompile(`createdDateTime (ge|le) (\S+)`)
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		from, to := start, start.Add(24*time.Hour)
		for _, m := range bound.FindAllStringSubmatch(r.URL.Query().Get("$filter"), -1) {
			at, _ := time.Parse(time.RFC3339, m[2])
			if m[1] == "ge" {
				from = at
			} else {
				to = at
			}
		}
		if to.Sub(from) > 13*time.Hour {
			answer(w, http.StatusGatewayTimeout, "<html>timeout</html>")
			return
		}
		var rows []string
		for h := 23; h >= 0; h-- {
			if at := start.Add(time.Duration(h) * time.Hour); !at.Before(from) && !at.After(to) {
				rows = append(rows, fmt.Sprintf(`{"id":"%d"}`, h))
			}
		}
		answer(w, http.StatusOK, `{"value":[`+strings.Join(rows, ",")+`]}`)
	})
	for most, want := range map[int]string{0: "23 22 21 20 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0", 14: "23 22 21 20 19 18 17 16 15 14 13 12 11 10"} {
		var got []string
		err := f.client().EachSignIn(t.Context(), customer, SignInQuery{Since: start, Until: start.Add(24 * time.Hour), Max: most}, func(some []SignIn) error {
			for _, r := range some {
				got = append(got, r.ID)
			}
			return nil
		})
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%v: %v", got, err)
		}
	}
}
