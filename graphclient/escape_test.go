package graphclient

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var hardNames = []string{
	"ada@contoso.com", "ada_fabrikam.com#EXT#@contoso.onmicrosoft.com", "$ops@contoso.com", "o'brien@contoso.com",
	"$o'brien@contoso.com", "a/b@contoso.com", "../../groups/x", ".", "..", "...", "a?b=c&d", "50%25@contoso.com", "a b+c@contoso.com",
	"a;b,c@contoso.com", "ünï@contoso.com", "\\", "('x')", "%2e%2e%2f", "a\x00b", "a\r\nHost: evil", "💼@contoso.com",
}

func FuzzEscapeSegment(f *testing.F) {
	for _, s := range hardNames {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e := EscapeSegment(s)
		if back, err := url.PathUnescape(e); err != nil || back != s {
			t.Fatalf("%q became %q, back %q, %v", s, e, back, err)
		}
		u, err := url.Parse("https://graph.microsoft.com/v1.0/users/" + e + "/manager")
		if err != nil {
			t.Fatal(err)
		}
		if u.RawQuery != "" || u.Fragment != "" || strings.Count(u.EscapedPath(), "/") != 4 || !strings.HasSuffix(u.EscapedPath(), "/manager") {
			t.Fatalf("%q left its segment: %q", s, u.String())
		}
		if s != "" && (e == "." || e == "..") {
			t.Fatalf("%q is a step in the path", s)
		}
	})
}

// oData reads a string literal back as a server does, and says where it ends.
func oData(literal string) (string, int) {
	var b strings.Builder
	for i := 1; i < len(literal); i++ {
		if literal[i] == '\'' {
			if i+1 < len(literal) && literal[i+1] == '\'' {
				i++
			} else {
				return b.String(), i + 1
			}
		}
		b.WriteByte(literal[i])
	}
	return b.String(), len(literal)
}

func FuzzODataString(f *testing.F) {
	for _, s := range append(hardNames, "' or 1 eq 1 or displayName eq '", "''", "'") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		literal := ODataString(s)
		if literal[0] != '\'' {
			t.Fatalf("%q", literal)
		}
		if back, end := oData(literal); back != s || end != len(literal) {
			t.Fatalf("%q became %q: a server reads %q and %d of %d bytes", s, literal, back, end, len(literal))
		}
	})
}

// What people type ends where it belongs, whichever way the URL is made: by the SDK's template or by hand.
func TestHardNamesOnTheWire(t *testing.T) {
	f := newFake(t, nil)
	f.serve = func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/requirements") {
			answer(w, 200, `{"perUserMfaState":"disabled"}`)
			return
		}
		answer(w, 200, `{"id":"x","value":[]}`)
	}
	c := f.client()
	ctx := context.Background()
	check := func(name, wantPrefix, wantSuffix string) {
		t.Helper()
		all := f.requests()
		path := all[len(all)-1].Path
		if !strings.HasPrefix(path, wantPrefix) || !strings.HasSuffix(path, wantSuffix) {
			t.Errorf("%q: path %q", name, path)
			return
		}
		got, err := url.PathUnescape(path[len(wantPrefix) : len(path)-len(wantSuffix)])
		want := name
		if strings.HasPrefix(name, "$") {
			want = strings.ReplaceAll(name, "'", "''")
		}
		if err != nil || got != want {
			t.Errorf("%q arrived as %q", name, got)
		}
		if strings.Contains(path[len(wantPrefix):len(path)-len(wantSuffix)], "/") {
			t.Errorf("%q: path %q", name, path)
		}
	}
	for _, name := range append(hardNames, "plain") {
		open, end := "/users/", ""
		if strings.HasPrefix(name, "$") {
			open, end = "/users('", "')"
		}
		if strings.Trim(name, ".") == "" {
			continue // refused, see TestEmptyAndDottedIdentifiersAreRefused
		}
		if _, err := c.getUser(ctx, customer, name, []string{"id"}); err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		check(name, "/v1.0"+open, end)
		if _, err := c.AuthMethods(ctx, customer, name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		check(name, "/v1.0"+open, end+"/authentication/methods")
		if _, err := c.PerUserMFAState(ctx, customer, name); err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		check(name, "/beta"+open, end+"/authentication/requirements")
	}
}

func TestFiltersKeepQuotes(t *testing.T) {
	f := newFake(t, body(`{"value":[]}`))
	c := f.client()
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.OneOf(rapid.SampledFrom(hardNames), rapid.StringMatching(`[a-z'# &+%/]{1,12}`)).Draw(rt, "name") + "@x.example"
		_, _ = c.findUsers(context.Background(), customer, addressFilter(name))
		all := f.requests()
		q, err := url.ParseQuery(all[len(all)-1].Query)
		if err != nil {
			rt.Fatal(err)
		}
		rest := strings.TrimPrefix(q.Get("$filter"), "mail eq ")
		value, end := oData(rest)
		if value != name || !strings.HasPrefix(rest[end:], " or proxyAddresses/any(p:p eq '") {
			rt.Fatalf("%q: filter %q", name, q.Get("$filter"))
		}
	})
}

func TestEmptyAndDottedIdentifiersAreRefused(t *testing.T) {
	f := newFake(t, status(204))
	c := f.client()
	ctx := context.Background()
	for _, id := range []string{"", ".", "..", " "} {
		for name, err := range map[string]error{
			"delete": c.DeleteUser(ctx, customer, id), "member": c.RemoveGroupMember(ctx, customer, person, id),
			"group": c.RemoveGroupMember(ctx, customer, id, person), "revoke": c.RevokeSessions(ctx, customer, id),
			"manager": c.RemoveManager(ctx, customer, id), "update": c.UpdateUser(ctx, customer, id, map[string]any{"city": nil}),
			"mailbox": c.SetMailbox(ctx, customer, MailboxRef{ID: id}, map[string]any{"Type": "Shared"}), "tenant": c.DeleteUser(ctx, id, person),
			"grant": c.DeleteOAuth2Grant(ctx, customer, id), "method": c.DeleteAuthMethod(ctx, customer, person, AuthMethod{ODataType: "#microsoft.graph.phoneAuthenticationMethod", ID: id}),
		} {
			if KindOf(err) != Invalid {
				t.Errorf("%s %q: %v", name, id, err)
			}
		}
	}
	if n := len(f.requests()) + len(f.signinRequests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}
