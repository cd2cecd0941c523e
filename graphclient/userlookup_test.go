package graphclient

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// knowing answers GET /users/{…} for known users and filters by what is asked.
func knowing(found string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1.0/users/" + person, "/v1.0/users/ada@contoso.com":
			answer(w, 200, `{"id":"`+person+`","userPrincipalName":"ada@contoso.com","signInActivity":{"lastSignInDateTime":"2026-03-01T00:00:00Z"}}`)
		case "/v1.0/users":
			answer(w, 200, `{"value":[`+found+`]}`)
		default:
			answer(w, 404, graphError("Request_ResourceNotFound", "Resource does not exist."))
		}
	}
}

const (
	adaRow = `{"id":"` + person + `","userPrincipalName":"ada@contoso.com","displayName":"Ada"}`
	bobRow = `{"id":"b","userPrincipalName":"bob@contoso.com","displayName":"Ada"}`
)

func TestUserIsFound(t *testing.T) {
	for _, tc := range []struct {
		name, ask, found string
		kind             Kind
		candidates       []string
		requests         int
	}{
		{"by id", person, "", "", nil, 1},
		{"by UPN", " ada@contoso.com ", "", "", nil, 1},
		{"by alias", "countess@contoso.com", adaRow, "", nil, 3},
		{"alias of two", "info@contoso.com", adaRow + "," + bobRow, UserAmbiguous, []string{"ada@contoso.com", "bob@contoso.com"}, 2},
		{"nobody's address", "x@contoso.com", "", NotFound, nil, 2},
		{"unknown id", "99999999-9999-4999-8999-999999999999", "", NotFound, nil, 1},
		{"name of one is not guessed", "Ada", adaRow, NotFound, []string{"ada@contoso.com"}, 1},
		{"name of two", "Ada", adaRow + "," + bobRow, UserAmbiguous, []string{"ada@contoso.com", "bob@contoso.com"}, 1},
		{"name of nobody", "Grace", "", NotFound, nil, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t, knowing(tc.found))
			u, err := f.client().User(context.Background(), customer, tc.ask)
			if KindOf(err) != tc.kind || err == nil && u.ID != person {
				t.Fatalf("%+v, %v", u, err)
			}
			var e *Error
			if errors.As(err, &e) && len(e.Candidates)+len(tc.candidates) > 0 && !slices.Equal(e.Candidates, tc.candidates) {
				t.Errorf("candidates %q", e.Candidates)
			}
			if n := len(f.requests()); n != tc.requests {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// Graph gives signInActivity by object id only.
func TestSignInActivityIsAskedByID(t *testing.T) {
	f := newFake(t, knowing(""))
	u, err := f.client().User(context.Background(), customer, "ada@contoso.com", "id", "signInActivity")
	if err != nil || u.SignInActivity == nil || u.SignInActivity.LastSignInDateTime == nil {
		t.Fatalf("%+v %v", u, err)
	}
	got := f.requests()
	if len(got) != 2 || strings.Contains(got[0].Query, "signInActivity") || got[1].Path != "/v1.0/users/"+person {
		t.Errorf("%+v", got)
	}
}

func TestUserConflicts(t *testing.T) {
	plain := strings.ReplaceAll(person, "-", "")
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "deletedItems") {
			answer(w, 200, `{"value":[{"id":"`+person+`","userPrincipalName":"`+plain+`ada@contoso.com","deletedDateTime":"2026-03-01T00:00:00Z"},
				{"id":"d2","userPrincipalName":"d2xada@contoso.com"},{"id":"d3","userPrincipalName":"d3zoe@contoso.com","mail":"ADA@contoso.com"}]}`)
			return
		}
		answer(w, 200, `{"value":[`+bobRow+`]}`)
	})
	got, err := f.client().UserConflicts(context.Background(), customer, "ada@contoso.com")
	var ids []string
	for _, u := range got {
		ids = append(ids, u.ID)
	}
	if err != nil || !slices.Equal(ids, []string{"b", person, "d3"}) {
		t.Errorf("%v %v", ids, err)
	}
}

func TestAbsenceThatIsNoError(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		code, text := "Request_ResourceNotFound", "Resource 'manager' does not exist."
		if strings.HasSuffix(r.URL.Path, "/drive") {
			code, text = "ResourceNotFound", "User's mysite not found."
		}
		answer(w, 404, graphError(code, text))
	})
	c := f.client()
	if m, err := c.Manager(context.Background(), customer, person); m != nil || err != nil {
		t.Error(m, err)
	}
	if u, err := c.RiskyUser(context.Background(), customer, person); u != nil || err != nil {
		t.Error(u, err)
	}
	if d, err := c.Drive(context.Background(), customer, person); d != nil || err != nil {
		t.Error(d, err)
	}
	if err := c.RemoveGroupMember(context.Background(), customer, person, person); KindOf(err) != NotMember {
		t.Error(err)
	}
}

func TestPrivilegesOf(t *testing.T) {
	f := newFake(t, body(`{"value":[
		{"@odata.type":"#microsoft.graph.group","id":"g1","displayName":"Sales","isAssignableToRole":null},
		{"@odata.type":"#microsoft.graph.group","id":"g2","displayName":"Admins","isAssignableToRole":true,"securityEnabled":true},
		{"@odata.type":"#microsoft.graph.directoryRole","id":"r1","displayName":"User Administrator","roleTemplateId":"fe930be7-5e62-47db-91af-98c3a49a38b1"},
		{"@odata.type":"#microsoft.graph.administrativeUnit","id":"a1","displayName":"North"}]}`))
	p, err := f.client().PrivilegesOf(context.Background(), customer, person)
	if err != nil || len(p.Roles) != 1 || len(p.RoleGroups) != 1 || !p.Admin() {
		t.Fatalf("%+v %v", p, err)
	}
	if p.Roles[0].RoleTemplateID != "fe930be7-5e62-47db-91af-98c3a49a38b1" || p.RoleGroups[0].DisplayName != "Admins" {
		t.Errorf("%+v", p)
	}
}

// A group shown without its properties may be one that roles are given to: that is no "no".
func TestPrivilegesThatCannotBeSeen(t *testing.T) {
	f := newFake(t, body(`{"value":[{"@odata.type":"#microsoft.graph.group","id":"g1","displayName":null,"isAssignableToRole":null}]}`))
	if _, err := f.client().PrivilegesOf(context.Background(), customer, person); KindOf(err) != Denied || !strings.Contains(err.Error(), "Directory.Read.All") {
		t.Errorf("%v", err)
	}
}

func TestServicePrincipalsFifteenAtATime(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		filter := r.URL.Query().Get("$filter")
		if n := strings.Count(filter, ",") + 1; n > longestIn || !strings.HasPrefix(filter, "id in ('") {
			t.Errorf("%d ids: %s", n, filter)
		}
		answer(w, 200, `{"value":[{"id":"sp1","displayName":"One","appId":"a"}]}`)
	})
	ids := make([]string, 31)
	for i := range ids {
		ids[i] = "id" + string(rune('a'+i%26))
	}
	got, err := f.client().ServicePrincipals(context.Background(), customer, ids)
	if err != nil || len(got) != 1 || got["sp1"].AppID != "a" || len(f.requests()) != 3 {
		t.Errorf("%+v %v", got, err)
	}
}

func TestKindsOfGroups(t *testing.T) {
	for _, tc := range []struct {
		g    Group
		kind string
		exo  bool
	}{
		{Group{GroupTypes: []string{"Unified"}, MailEnabled: true}, "Microsoft 365", false},
		{Group{MailEnabled: true, SecurityEnabled: true}, "Mail-enabled security", true},
		{Group{MailEnabled: true}, "Distribution list", true},
		{Group{SecurityEnabled: true, GroupTypes: []string{"DynamicMembership"}}, "Security", false},
	} {
		if tc.g.Kind() != tc.kind || tc.g.ExchangeManaged() != tc.exo {
			t.Errorf("%+v is %s", tc.g, tc.g.Kind())
		}
	}
}
