package graphclient

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestInvokeCommandOnTheWire(t *testing.T) {
	f := newFake(t, body(`{"@odata.context":"x","adminapi.warnings@odata.type":"#Collection(String)","@adminapi.warnings":[],"value":[{
		"ExternalDirectoryObjectId":"`+person+`","UserPrincipalName":"ada@contoso.com","RecipientTypeDetails":"UserMailbox","RecipientTypeDetails@data.type":"System.String",
		"ForwardingSmtpAddress":"smtp:ada@evil.example","ProhibitSendQuota":"49.5 GB (53,150,220,288 bytes)","ProhibitSendReceiveQuota":"Unlimited",
		"EmailAddresses@odata.type":"#Collection(String)","EmailAddresses":["SMTP:ada@contoso.com","smtp:a@contoso.com"],"GrantSendOnBehalfTo":"Bo",
		"LitigationHoldEnabled":false,"LitigationHoldDate":null,"InPlaceHolds":[],"WhenMailboxCreated":"2024-02-01T08:00:00","PersistedCapabilities":"A, B"}]}`))
	c := f.client()
	m, err := c.Mailbox(context.Background(), customer, MailboxRef{ID: person, UPN: "ada@contoso.com"})
	if err != nil {
		t.Fatal(err)
	}
	if m.ProhibitSendQuota != 53150220288 || m.ProhibitSendReceiveQuota != Unlimited || m.ForwardingSMTPAddress != "ada@evil.example" ||
		!slices.Equal(m.EmailAddresses, []string{"SMTP:ada@contoso.com", "smtp:a@contoso.com"}) || !slices.Equal(m.GrantSendOnBehalfTo, []string{"Bo"}) ||
		!slices.Equal(m.PersistedCapabilities, []string{"A", "B"}) || m.WhenMailboxCreated == nil || m.LitigationHoldDate != nil || m.Held() || m.Shared() || m.HasArchive() {
		t.Errorf("%+v", m)
	}
	r := f.requests()[0]
	for name, want := range map[string]string{"X-AnchorMailbox": "ada@contoso.com", "X-CmdletName": "Get-Mailbox", "Prefer": "odata.maxpagesize=1000", "Content-Type": "application/json; charset=utf-8"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if s := f.signinRequests()[0].Body; !strings.Contains(s, "outlook.office365.com%2F.default") {
		t.Errorf("scope: %s", s)
	}
	_, _ = c.Mailboxes(context.Background(), customer)
	if got := f.requests()[1].Header.Get("X-AnchorMailbox"); got != systemMailbox+customer {
		t.Errorf("anchor of a tenant-wide cmdlet: %q", got)
	}
}

func TestExchangePagesByTheSameBody(t *testing.T) {
	f := newFake(t, nil)
	f.serve = func(w http.ResponseWriter, r *http.Request) {
		page := r.URL.Query().Get("$skiptoken")
		next := map[string]string{"": "p2", "p2": "p3"}[page]
		link := ""
		if next != "" {
			link = fmt.Sprintf(`"@odata.nextLink":"%s/adminapi/beta/%s/InvokeCommand?$select=X&$skiptoken=%s",`, f.URL, customer, next)
		}
		answer(w, 200, `{`+link+`"value":[{"UserPrincipalName":"u`+page+`@x"}]}`)
	}
	boxes, err := f.client().Mailboxes(context.Background(), customer)
	if err != nil || len(boxes) != 3 {
		t.Fatalf("%+v %v", boxes, err)
	}
	got := f.requests()
	for _, r := range got {
		if r.Method != "POST" || r.Body != got[0].Body || r.Header.Get("Prefer") == "" {
			t.Errorf("%+v", r)
		}
	}
}

func TestExchangePagesOnlyOnExchange(t *testing.T) {
	f := newFake(t, body(`{"@odata.nextLink":"https://evil.example/adminapi/beta/x/InvokeCommand","value":[{"Name":"a"}]}`))
	if _, err := f.client().Mailboxes(context.Background(), customer); KindOf(err) != Invalid || len(f.requests()) != 1 {
		t.Error(err)
	}
}

func TestExchangeKeepsToThreeAtOnce(t *testing.T) {
	f := newFake(t, nil)
	var mu sync.Mutex
	now, most := 0, 0
	f.serve = func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		for range 50 {
			_, _ = io.WriteString(io.Discard, r.URL.Path)
		}
		mu.Lock()
		now--
		mu.Unlock()
		answer(w, 200, `{"value":[]}`)
	}
	c := f.client()
	var wg sync.WaitGroup
	for range 40 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			_, _ = c.MobileDevices(context.Background(), customer, MailboxRef{ID: person})
		}()
	}
	wg.Wait()
	if most > exchangeAtOnce {
		t.Errorf("%d at once", most)
	}
}

func TestRowsThatAreNobodysRight(t *testing.T) {
	f := newFake(t, body(`{"value":[
		{"Identity":"ada","User":"NT AUTHORITY\\SELF","AccessRights":["FullAccess"],"IsInherited":false,"Deny":false},
		{"Identity":"ada","User":"S-1-5-21-1","AccessRights":["FullAccess"],"IsInherited":"False","Deny":"False"},
		{"Identity":"ada","User":"x@contoso.com","AccessRights":["FullAccess"],"IsInherited":true,"Deny":false},
		{"Identity":"ada","User":"y@contoso.com","AccessRights":["FullAccess"],"IsInherited":false,"Deny":{"IsPresent":true}},
		{"Identity":"ada","User":"bo@contoso.com","AccessRights":"FullAccess, ReadPermission","IsInherited":false,"Deny":false}]}`))
	got, err := f.client().MailboxPermissions(context.Background(), customer, MailboxRef{ID: person})
	if err != nil || len(got) != 1 || got[0].User != "bo@contoso.com" || !slices.Equal(got[0].AccessRights, []string{"FullAccess", "ReadPermission"}) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestInboxRulesTellTheHiddenOnes(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		hidden := ""
		if strings.Contains(string(b), "IncludeHidden") {
			hidden = `,{"Identity":"g\\2","RuleIdentity":18446744073709551615,"Name":"","Enabled":true,"ForwardTo":["\"x\" [SMTP:x@evil.example]"],"DeleteMessage":true,"Priority":"2"},
				{"Identity":"g\\3","Name":"Junk E-Mail Rule"},{"Identity":"g\\4","Name":"Microsoft.Exchange.OOF.KnownExternalSenders.Global"}`
		}
		answer(w, 200, `{"value":[{"Identity":"g\\1","Name":"Invoices","Enabled":true,"MoveToFolder":"RSS","SubjectContainsWords":["invoice"],"Priority":1}`+hidden+`]}`)
	})
	rules, err := f.client().InboxRules(context.Background(), customer, MailboxRef{ID: person})
	if err != nil || len(rules) != 2 {
		t.Fatalf("%+v %v", rules, err)
	}
	if rules[0].Hidden || !rules[1].Hidden || rules[1].RuleIdentity != "18446744073709551615" || rules[1].Priority != 2 || len(rules[1].ForwardTo) != 1 || rules[0].MoveToFolder != "RSS" {
		t.Errorf("%+v", rules)
	}
}

func TestCalendarIsFoundInAnyLanguage(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if strings.Contains(string(b), "Get-MailboxFolderStatistics") {
			answer(w, 200, `{"value":[{"Name":"Feiertage","FolderType":"User Created","FolderPath":"/Kalender/Feiertage","FolderSize":"0 B (0 bytes)","ItemsInFolder":0},{"Name":"Kalender","FolderType":"Calendar","FolderPath":"/Kalender","FolderSize":"1.2 MB (1,258,291 bytes)","ItemsInFolder":12}]}`)
			return
		}
		answer(w, 200, `{"value":[{"FolderName":"Kalender","User":"Default","AccessRights":["AvailabilityOnly"]},{"FolderName":"Kalender","User":{"DisplayName":"Bo","RecipientPrincipal":{"UserPrincipalName":"bo@contoso.com"}},"AccessRights":["Editor"],"SharingPermissionFlags":"Delegate, CanViewPrivateItems"}]}`)
	})
	got, err := f.client().CalendarPermissions(context.Background(), customer, MailboxRef{ID: person, UPN: "ada@contoso.com"})
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v %v", got, err)
	}
	if p := got[1]; p.User != "Bo" || p.UserPrincipalName != "bo@contoso.com" || p.Folder != person+`:\Kalender` || p.SharingPermissionFlags != "Delegate,CanViewPrivateItems" {
		t.Errorf("%+v", p)
	}
	if !strings.Contains(f.requests()[1].Body, `:\\Kalender"`) {
		t.Error(f.requests()[1].Body)
	}
}

// exchangeBatchServer answers batches in reverse; each GET of the mailbox "busy" is throttled the first time.
func exchangeBatchServer(t *testing.T) (*fake, *[]int) {
	var mu sync.Mutex
	var sizes []int
	throttled := false
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if !strings.HasSuffix(r.URL.Path, "/$batch") {
			switch {
			case strings.Contains(string(b), "Get-Mailbox\""):
				var rows []string
				for i := range 25 {
					rows = append(rows, fmt.Sprintf(`{"UserPrincipalName":"u%d@x","ExchangeGuid":"g%d","DisplayName":"U %d"}`, i, i, i))
				}
				rows = append(rows, `{"UserPrincipalName":"ada@contoso.com","ExternalDirectoryObjectId":"`+person+`"}`)
				answer(w, 200, `{"value":[`+strings.Join(rows, ",")+`]}`)
			default:
				answer(w, 200, `{"value":[{"Identity":"U 3","Trustee":"ada@contoso.com","AccessRights":["SendAs"],"AccessControlType":"Allow"}]}`)
			}
			return
		}
		var in struct {
			Requests []struct {
				ID, URL string
				Headers map[string]string
				Body    struct {
					CmdletInput struct {
						CmdletName string
						Parameters map[string]any
					}
				}
			}
		}
		if err := json.Unmarshal(b, &in); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		sizes = append(sizes, len(in.Requests))
		var items []string
		for _, q := range in.Requests {
			if !strings.HasPrefix(q.URL, "https://") || q.Headers["X-CmdletName"] != "Get-MailboxPermission" {
				t.Errorf("%+v", q)
			}
			switch id := q.Body.CmdletInput.Parameters["Identity"]; {
			case id == "g5" && !throttled:
				throttled = true
				items = append(items, `{"id":"`+q.ID+`","status":429,"headers":{"Retry-After":"4"},"body":{}}`)
			case id == "g5", id == "g7":
				items = append(items, `{"id":"`+q.ID+`","status":200,"body":{"value":[{"User":"ada@contoso.com","AccessRights":["FullAccess"]}]}}`)
			case id == "g8":
				items = append(items, `{"id":"`+q.ID+`","status":404,"body":`+exchangeError("x.ManagementObjectNotFoundException", "gone")+`}`)
			default:
				items = append(items, `{"id":"`+q.ID+`","status":200,"body":{"value":[]}}`)
			}
		}
		slices.Reverse(items)
		answer(w, 200, `{"responses":[`+strings.Join(items, ",")+`]}`)
	})
	return f, &sizes
}

func TestMailboxAccessOf(t *testing.T) {
	f, sizes := exchangeBatchServer(t)
	got, err := f.client().MailboxAccessOf(context.Background(), customer, MailboxRef{ID: person, UPN: "ada@contoso.com"})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, a := range got {
		lines = append(lines, a.Mailbox.UserPrincipalName+" "+strings.Join(a.AccessRights, "+"))
	}
	if want := []string{"u3@x SendAs", "u5@x FullAccess", "u7@x FullAccess"}; !slices.Equal(lines, want) {
		t.Errorf("%q", lines)
	}
	slices.Sort(*sizes)
	if !slices.Equal(*sizes, []int{1, 5, 10, 10}) {
		t.Errorf("batches of %v", *sizes)
	}
	if s := f.clock.sleeps(); len(s) != 1 || s[0] != 4*time.Second {
		t.Errorf("%v", s)
	}
}

func TestSizes(t *testing.T) {
	for in, want := range map[string]int64{
		`"49.5 GB (53,150,220,288 bytes)"`: 53150220288, `"0 B (0 bytes)"`: 0, `"Unlimited"`: Unlimited, `"62 GB (66.571.993.088 bytes)"`: 66571993088,
		`"1 KB (1 024 bytes)"`: 1024, `null`: 0, `""`: 0, `"huge"`: 0, `12345`: 12345, `{"Value":"1 KB (1,024 bytes)"}`: 1024, `{"Value":null}`: 0, `-5`: 0, `-1`: Unlimited, `"(99999999999999999999 bytes)"`: 0,
	} {
		var s size
		if err := json.Unmarshal([]byte(in), &s); err != nil || int64(s) != want {
			t.Errorf("%s: %d %v", in, s, err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.Int64Range(0, 1<<50).Draw(rt, "bytes")
		digits := fmt.Sprint(n)
		var grouped []string
		for len(digits) > 3 {
			grouped = append([]string{digits[len(digits)-3:]}, grouped...)
			digits = digits[:len(digits)-3]
		}
		sep := rapid.SampledFrom([]string{",", ".", "\u00a0", " ", "'"}).Draw(rt, "separator")
		text := fmt.Sprintf("%.1f GB (%s bytes)", float64(n)/(1<<30), strings.Join(append([]string{digits}, grouped...), sep))
		if got, ok := parseSize(text); !ok || got != n {
			rt.Fatalf("%s: %d", text, got)
		}
	})
}

func FuzzExchangeRows(f *testing.F) {
	f.Add(`{"Name":"x","ForwardTo":[{"Name":"n"}],"StartTime":"3/12/2026 3:00:00 PM","ItemCount":"5","Deny":"True"}`)
	f.Add(`{"EmailAddresses":{},"AccessRights":[[1]],"User":5,"Identity":null}`)
	f.Fuzz(func(t *testing.T, row string) {
		for _, v := range []any{&Mailbox{}, &MailboxStatistics{}, &MailboxFolder{}, &MailboxPermission{}, &RecipientPermission{}, &CalendarPermission{}, &InboxRule{}, &AutoReply{}, &MobileDevice{}} {
			_ = json.Unmarshal([]byte(row), v) // must not panic, whatever comes
		}
	})
}

func TestMoments(t *testing.T) {
	want := time.Date(2026, 3, 12, 15, 4, 5, 0, time.UTC)
	for _, in := range []string{"2026-03-12T15:04:05Z", "2026-03-12T15:04:05", "2026-03-12T16:04:05+01:00", "2026-03-12 15:04:05Z", "3/12/2026 3:04:05 PM", "2026-03-12T15:04:05.0000000"} {
		if got := parseMoment(in); got == nil || !got.Equal(want) {
			t.Errorf("%s: %v", in, got)
		}
	}
	for _, in := range []string{"", "never", "0001-01-01T00:00:00Z", "1601-01-01T00:00:00"} {
		if got := parseMoment(in); got != nil {
			t.Errorf("%q: %v", in, got)
		}
	}
}

// What was read can be written down and read again: jobs keep it.
func TestExchangeRowsSurviveStorage(t *testing.T) {
	at := time.Date(2026, 3, 12, 15, 0, 0, 0, time.UTC)
	yes := true
	for _, v := range []any{
		&Mailbox{UserPrincipalName: "a@x", EmailAddresses: []string{"SMTP:a@x"}, ProhibitSendQuota: 53150220288, ProhibitSendReceiveQuota: Unlimited, ForwardingSMTPAddress: "b@x", LitigationHoldDate: &at, AuditEnabled: true},
		&MailboxStatistics{TotalItemSize: 66571993088, ItemCount: 5, LastLogonTime: &at}, &MailboxFolder{Name: "Kalender", FolderSize: 7},
		&MailboxPermission{User: "b@x", AccessRights: []string{"FullAccess"}}, &RecipientPermission{Trustee: "b@x", AccessRights: []string{"SendAs"}},
		&CalendarPermission{Folder: `a:\Kalender`, FolderName: "Kalender", User: "Bo", UserPrincipalName: "b@x", AccessRights: []string{"Editor"}, SharingPermissionFlags: "Delegate,CanViewPrivateItems"},
		&InboxRule{Identity: `g\1`, RuleIdentity: "18446744073709551615", Enabled: true, ForwardTo: []string{"x"}, SupportedByTask: &yes},
		&InboxRule{Identity: `g\2`, Beyond: []string{"ExceptIfFrom", "ReceivedAfterDate", "WithinSizeRangeMinimum"}, WithinSizeRangeMinimum: new(int64), ReceivedAfterDate: &at, Exceptions: map[string][]string{"ExceptIfFrom": {"x"}}},
		&AutoReply{AutoReplyState: "Enabled", InternalMessage: "<p>x</p>", StartTime: &at}, &MobileDevice{Identity: "i", GUID: "g", FirstSyncTime: &at},
		&SweepRule{Name: "s", KeepForDays: new(int), Sender: "b@x"}, &TransportRule{Name: "t", BlindCopyTo: []string{"x"}, SetSCL: "-1", WhenChanged: &at},
		&CASMailbox{PopEnabled: true, SMTPClientAuthenticationDisabled: &yes}, &JunkConfig{Enabled: true, BlockedSendersAndDomains: []string{"bank.example"}},
	} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		back := reflect.New(reflect.TypeOf(v).Elem()).Interface()
		err = json.Unmarshal(b, back)
		if raw := reflect.ValueOf(back).Elem().FieldByName("Raw"); raw.IsValid() {
			raw.SetZero() // the row it was just read from: not what Exchange sent, and not kept
		}
		if err != nil || !reflect.DeepEqual(v, back) {
			t.Errorf("%s\n%+v\n%+v %v", b, v, back, err)
		}
	}
}

// A rule that bears the system's name is the system's only if it does nothing.
func TestSystemRulesAreKnownByWhatTheyDo(t *testing.T) {
	f := newFake(t, body(`{"value":[{"Identity":"g\\1","Name":"Junk E-mail Rule","Enabled":true},{"Identity":"g\\2","Name":"Microsoft.Exchange.OOF.KindExternal","RedirectTo":["x@evil.example"]},
		{"Identity":"g\\3","Name":"Junk E-Mail Rule","MoveToFolder":"RSS Feeds"},{"Identity":"g\\4","Name":"mine","MarkAsRead":true}]}`))
	rules, err := f.client().InboxRules(t.Context(), customer, MailboxRef{UPN: "a@x.example"})
	if err != nil || len(rules) != 3 || rules[0].Identity != `g\2` || rules[1].Identity != `g\3` {
		t.Errorf("%+v %v", rules, err)
	}
}
