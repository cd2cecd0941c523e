package odata

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"cipp-mcp/sandbox/model"

	"pgregory.net/rapid"
)

var ann = Object{
	"id": "4f9f0b6e-0a57-4f0e-9a5c-0a0b1c2d3e4f", "displayName": "Ann O'Brien", "accountEnabled": true, "userPrincipalName": "ann@contoso.com",
	"createdDateTime": "2026-01-31T15:00:00Z", "mail": nil, "proxyAddresses": []any{"SMTP:ann@contoso.com", "smtp:a.b@contoso.com"},
	"assignedLicenses": []any{map[string]any{"skuId": "06ebc4ee-1bb5-47dd-8120-11324bc54e06", "disabledPlans": []any{}}},
	"signInActivity":   map[string]any{"lastSignInDateTime": "2026-02-01T00:00:00Z"}, "otherMails": []any{},
}

func TestFilterOnAUser(t *testing.T) {
	for filter, want := range map[string]bool{
		`displayName eq 'ann o''brien'`:                                           true,
		`DisplayName eq 'x'`:                                                      false,
		`startswith(displayName,'ann') and accountEnabled eq true`:                true,
		`endsWith(userPrincipalName,'@contoso.com')`:                              true,
		`not(endsWith(userPrincipalName,'@contoso.com'))`:                         false,
		`createdDateTime ge 2026-01-01T00:00:00Z`:                                 true,
		`createdDateTime lt 2026-01-01`:                                           false,
		`mail eq null`:                                                            true,
		`mail ne null`:                                                            false,
		`jobTitle ne 'x'`:                                                         true,
		`proxyAddresses/any(p:p eq 'smtp:A.B@contoso.com')`:                       true,
		`proxyAddresses/any(p:startswith(p,'sip:'))`:                              false,
		`assignedLicenses/any(x:x/skuId eq 06ebc4ee-1bb5-47dd-8120-11324bc54e06)`: true,
		`assignedLicenses/$count ne 0`:                                            true,
		`otherMails/$count eq 0`:                                                  true,
		`otherMails/any()`:                                                        false,
		`signInActivity/lastSignInDateTime le 2026-01-01T00:00:00Z`:               false,
		`id in ('x','4f9f0b6e-0a57-4f0e-9a5c-0a0b1c2d3e4f')`:                      true,
		`(displayName eq 'a' or displayName eq 'Ann O''Brien') and mail eq null`:  true,
		`accountEnabled`:                                                          true,
	} {
		f, err := ParseFilter(filter, model.V1(), "user")
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		if got := Match(f.Expr, ann); got != want {
			t.Errorf("%s: %v", filter, got)
		}
	}
}

func TestFilterIsRefused(t *testing.T) {
	for filter, want := range map[string]string{
		`displayNme eq 'x'`:                  "Could not find a property named 'displayNme' on type 'microsoft.graph.user'.",
		`assignedLicenses/any(x:x/sku eq 1)`: "Could not find a property named 'sku' on type 'microsoft.graph.assignedLicense'.",
		`accountEnabled eq 'true'`:           "Found operand types 'Edm.Boolean' and 'Edm.String' for operator kind 'Equal'",
		`displayName eq 5`:                   "'Edm.String' and 'Edm.Int32'",
		`assignedLicenses/any(x:x/skuId eq '06ebc4ee-1bb5-47dd-8120-11324bc54e06')`: "'Edm.Guid' and 'Edm.String'",
		`createdDateTime ge '2026-01-01T00:00:00Z'`:                                 "'Edm.DateTimeOffset' and 'Edm.String'",
		`displayName eq 'O'Brien'`:                                                  "unterminated string literal",
		`displayName eq`:                                                            "Syntax error",
		`displayName 'x'`:                                                           "Syntax error",
		`(displayName eq 'x'`:                                                       "Syntax error",
		`displayName eq 'x' displayName`:                                            "Syntax error",
		`proxyAddresses eq 'x'`:                                                     "is a collection",
		`lower(displayName) eq 'x'`:                                                 "unknown function",
		`manager/id eq 'x'`:                                                         "navigation property",
		`contains(accountEnabled,'x')`:                                              "No function signature",
		`createdDateTime ge 2026-13-41`:                                             "no Edm.DateTimeOffset",
		strings.Repeat("(", 80) + "accountEnabled" + strings.Repeat(")", 80):        "nested too deeply",
		"id eq 'x'" + strings.Repeat(" or id eq 'x'", 15):                           "Too many child clauses",
		"id in ('1','2','3','4','5','6','7','8','9','10','11','12','13','14','15','16')": "Too many child clauses",
	} {
		_, err := ParseFilter(filter, model.V1(), "user")
		var e *Error
		if !errors.As(err, &e) || e.Status != 400 || !strings.Contains(e.Message, want) {
			t.Errorf("%s: %v", filter, err)
		}
	}
}

func TestFilterSaysWhatItUses(t *testing.T) {
	f, err := ParseFilter(`not(displayName eq 'x') and assignedLicenses/any(a:a/skuId eq 06ebc4ee-1bb5-47dd-8120-11324bc54e06) and mail ne null`, model.V1(), "user")
	if err != nil {
		t.Fatal(err)
	}
	if !f.Has("not") || !f.Has("ne") || f.Has("endswith") || strings.Join(f.Properties, " ") != "displayName assignedLicenses assignedLicenses/skuId mail" {
		t.Fatalf("%+v", f)
	}
}

func TestSearch(t *testing.T) {
	for search, want := range map[string]bool{
		`"displayName:ann"`:                        true,
		`"displayName:ann bri"`:                    true,
		`"displayName:rien"`:                       false,
		`"mail:x" OR "userPrincipalName:contoso"`:  true,
		`"mail:x" AND "displayName:ann"`:           false,
		`("mail:x" OR "displayName:a") AND "id:4"`: true,
	} {
		s, err := ParseSearch(search, model.V1(), "user")
		if err != nil || s.Match(ann) != want {
			t.Errorf("%s: %v", search, err)
		}
	}
	for _, search := range []string{`displayName:ann`, `"ann"`, `"nope:x"`, `"displayName:ann`, `"displayName:ann" "mail:x"`, `"displayName:"`, `("displayName:a"`} {
		if _, err := ParseSearch(search, model.V1(), "user"); err == nil {
			t.Errorf("%s is accepted", search)
		}
	}
}

func TestOptions(t *testing.T) {
	for raw, want := range map[string]string{
		"$top=0": "Invalid page size specified: '0'", "$foo=1": "not supported", "$count=maybe": "$count", "$top=x": "$top",
		"$top=1&top=2": "more than once",
	} {
		v, _ := url.ParseQuery(raw)
		if _, err := Parse(v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", raw, err)
		}
	}
	v, _ := url.ParseQuery("select=id,displayName&$top=5&x-client=1")
	q, err := Parse(v)
	if err != nil || q.Select != "id,displayName" || q.Top != 5 || q.Other.Get("x-client") != "1" {
		t.Fatalf("%+v %v", q, err)
	}
	e, err := ParseExpand("manager($levels=max;$select=id,displayName),memberOf", model.V1(), "user")
	if err != nil || len(e) != 2 || e[0].Levels != "max" || e[0].Query.Select != "id,displayName" || !e[1].Many {
		t.Fatalf("%+v %v", e, err)
	}
	if _, err := ParseExpand("displayName", model.V1(), "user"); err == nil {
		t.Error("a plain property is expanded")
	}
	if s, err := ParseSelect("ID,displayname,id", model.V1(), "user"); err != nil || strings.Join(s, ",") != "id,displayName" {
		t.Error(s, err)
	}
	if _, err := ParseSelect("id,nope", model.V1(), "user"); err == nil {
		t.Error("an unknown property is selected")
	}
}

func TestOrder(t *testing.T) {
	keys, err := ParseOrderBy("createdDateTime desc, displayName", model.V1(), "user")
	if err != nil {
		t.Fatal(err)
	}
	list := []Object{{"id": "1", "displayName": "b", "createdDateTime": "2026-01-01T00:00:00Z"}, {"id": "2", "displayName": "A", "createdDateTime": "2026-01-01T00:00:00Z"},
		{"id": "3", "createdDateTime": "2026-02-01T00:00:00Z"}, {"id": "4"}}
	Sort(list, keys)
	got := ""
	for _, o := range list {
		got += o["id"].(string)
	}
	if got != "3214" {
		t.Fatal(got)
	}
}

func TestAnyTextCanBeAskedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		f, err := ParseFilter("displayName eq '"+strings.ReplaceAll(s, "'", "''")+"'", model.V1(), "user")
		if err != nil {
			t.Fatal(err)
		}
		if !Match(f.Expr, Object{"displayName": s}) || Match(f.Expr, Object{"displayName": s + "x"}) {
			t.Fatalf("%q is not found by its own name", s)
		}
	})
}

func FuzzParseFilter(f *testing.F) {
	for _, s := range []string{"displayName eq 'x'", "a/any(x:x eq 1) or not (b ne null)", "id in ('a',2026-01-01T00:00:00Z)", "((", "'", "assignedLicenses/$count ne 0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		x, err := ParseFilter(s, model.V1(), "user")
		if err == nil && x != nil {
			Match(x.Expr, ann)
		}
	})
}

func FuzzParseSearchAndExpand(f *testing.F) {
	f.Add(`"displayName:x" OR "mail:y"`)
	f.Add(`manager($select=id;$expand=manager)`)
	f.Fuzz(func(t *testing.T, s string) {
		if x, err := ParseSearch(s, model.V1(), "user"); err == nil && x != nil {
			x.Match(ann)
		}
		_, _ = ParseExpand(s, model.V1(), "user")
		_, _ = ParseOrderBy(s, model.V1(), "user")
		_, _ = ParseSelect(s, model.V1(), "user")
	})
}
