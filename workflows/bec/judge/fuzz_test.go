package judge

import (
	"testing"
	"unicode/utf8"

	"cipp-mcp/workflows/bec"
)

// Whatever a row holds, judging ends without a panic and says something that can be written down.
func FuzzRow(f *testing.F) {
	for _, s := range []string{`{}`, `null`, `[]`, `"x"`, `{"createdDateTime":5,"status":{"errorCode":"50074"},"location":"GB","deviceDetail":null,"ipAddress":"[::1]:1"}`,
		`{"data":"{\"Operation\":\"New-InboxRule\",\"Parameters\":[{\"Name\":\"ForwardTo\",\"Value\":\"a@b\"}],\"ClientIP\":\"1.2.3.4:5\"}"}`,
		`{"auditData":{"Operation":"UpdateInboxRules","OperationProperties":{"RuleActions":"[[[{}]]]"}}}`, `{"Name":"\u0000","ForwardTo":[{"emailAddress":{"address":7}}],"Conditions":{}}`, `{"scope":["Mail.Read"],"clientId":{}}`, `{"operation":"MailItemsAccessed","data":{"Folders":{"x":1}}}`} {
		f.Add(s, "auditRecord", uint8(3))
		f.Add(s, "signIn", uint8(0))
		f.Add(s, "inboxRule", uint8(9))
	}
	f.Fuzz(func(t *testing.T, data, kind string, n uint8) {
		facts, m := bec.Facts{User: bec.User{ID: userID, UserPrincipalName: upn}, OwnDomains: []string{"fabrikam.example"}, Now: now}, whole()
		m.rows[sources[int(n)%len(sources)]] = []bec.Row{{Kind: kind, ID: "x", Data: []byte(data)}, {Kind: "", ID: "", Data: []byte(data)}}
		a, err := Judge(t.Context(), facts, m)
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.ValidString(a.Summary) || len([]rune(a.Summary)) > 1200 || a.Verdict == "" {
			t.Errorf("%q %q", a.Verdict, a.Summary)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"2026-03-12T15:00:00", "/Date(1)/", "1/2/2026 3:04:05 PM", "[fe80::1%eth0]:443", "::ffff:1.2.3.4", `"X" [SMTP:a@b.example]`, "smtp:a@b", "A <a@b>", "9999-12-31T23:59:59Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if at := instant(s); !at.IsZero() && (at.Year() < 1990 || at.Year() > 2200) {
			t.Errorf("%q is %s", s, at)
		}
		if a := address(s); a.IsValid() && (a.Is4In6() || a.Zone() != "") {
			t.Errorf("%q is %s", s, a)
		}
		if a := smtp(s); a != "" && domainOf(a) == "" && a[len(a)-1] != '@' {
			t.Logf("%q is %q", s, a)
		}
		_ = shape(s)
		_ = systemName(s)
		if c := clean(s, 20); len([]rune(c)) > 21 || !utf8.ValidString(c) {
			t.Errorf("%q became %q", s, c)
		}
		_ = imitates(s, "fabrikam.example")
		_ = deceptive(s, false)
	})
}
