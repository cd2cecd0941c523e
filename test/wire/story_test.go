package wire

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"cipp-mcp/sandbox"
	"cipp-mcp/sandbox/sandboxtest"
)

// grant asks for a token for a tenant and returns the status and what the answer says.
func (d *driver) grant(tenant string, form url.Values) (int, string) {
	d.t.Helper()
	a := d.server.Client().Auth
	form.Set("client_id", a.ClientID)
	form.Set("client_secret", a.ClientSecret)
	res, err := d.client.PostForm(d.server.URL()+"/"+d.fill(tenant)+"/oauth2/v2.0/token", form)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	var out struct {
		Description string `json:"error_description"`
		Token       string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		d.t.Fatal(err)
	}
	if out.Token != "" {
		d.tokens[d.fill(tenant)+" "+strings.TrimSuffix(form.Get("scope"), "/.default")] = out.Token
	}
	return res.StatusCode, out.Description
}

func TestEveryCustomerFailsInItsOwnWay(t *testing.T) {
	d := start(t)
	app := func() url.Values {
		return url.Values{"grant_type": {"client_credentials"}, "scope": {"https://graph.microsoft.com/.default"}}
	}
	delegated := func() url.Values {
		return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {d.server.Client().Auth.RefreshToken}, "scope": {"https://graph.microsoft.com/.default"}}
	}
	for _, c := range []struct {
		name, tenant string
		form         url.Values
		status       int
	}{
		{"consented", "{{t.harbourline.example}}", app(), 200},
		{"managed", "{{t.harbourline.example}}", delegated(), 200},
		{"expired relationship, consent stands", "{{t.oakhurst-dental.example}}", app(), 200},
		{"not consented", "{{t.lakeview-vets.example}}", app(), 400},
		{"not consented, by a user", "{{t.lakeview-vets.example}}", delegated(), 400},
	} {
		status, says := d.grant(c.tenant, c.form)
		if (status == 200) != (c.status == 200) || status != 200 && !strings.Contains(says, "AADSTS") {
			t.Errorf("%s: %d %s", c.name, status, says)
		}
	}
	t.Run("a relationship that has expired gives nothing", func(t *testing.T) {
		if status, says := d.grant("{{t.oakhurst-dental.example}}", delegated()); status == 200 {
			if status, _ := d.send("{{t.oakhurst-dental.example}}", "GET /v1.0/users?$top=1", ""); status != 403 {
				t.Errorf("the partner's user still reads: %d", status)
			}
		} else if !strings.Contains(says, "AADSTS") {
			t.Errorf("%d %s", status, says)
		}
	})
	d.tokens = map[string]string{}
	d.walk("{{t.pinecrest-bakery.example}}", []step{
		{"GET /v1.0/users?$top=5", "", 200},
		{"GET /v1.0/auditLogs/signIns?$top=1", "", 403},
		{"GET /v1.0/users?$select=id,signInActivity", "", 403},
	})
	d.walk("{{t.northgate-shelter.example}}", []step{
		{"GET /v1.0/users?$top=5", "", 200},
		{"GET /v1.0/users/{{u.ivo.petrov@northgate-shelter.example}}/authentication/methods", "", 403},
		{"POST /adminapi/beta/{{t.northgate-shelter.example}}/InvokeCommand", `{"CmdletInput":{"CmdletName":"Get-Mailbox","Parameters":{"Identity":"ivo.petrov@northgate-shelter.example"}}}`, 403},
	})
}

func TestItemsOfABatchFailOneByOne(t *testing.T) {
	d := start(t)
	if err := d.server.SetFaults([]byte(`[{"match":{"service":"graph","path":"/users/*","nth":1},"do":{"status":429,"retryAfter":7}},{"match":{"cmdlet":"Get-Mailbox","nth":2},"do":{"status":429,"retryAfter":7}}]`)); err != nil {
		t.Fatal(err)
	}
	var out struct {
		Responses []struct {
			ID      string
			Status  int
			Headers map[string]string
		}
	}
	for _, c := range []struct {
		batch, throttled string
	}{
		{`POST /v1.0/$batch|{"requests":[{"id":"1","method":"GET","url":"/users/` + dana + `"},{"id":"2","method":"GET","url":"/users/` + gareth + `"}]}`, "1"},
		{strings.ReplaceAll(`POST /adminapi/beta/TENANT/$batch|{"requests":[{"id":"a","method":"POST","url":"{{host}}/adminapi/beta/TENANT/InvokeCommand","body":{"CmdletInput":{"CmdletName":"Get-Mailbox","Parameters":{"Identity":"dana.whitfield@harbourline.example"}}}},
			{"id":"b","method":"POST","url":"{{host}}/adminapi/beta/TENANT/InvokeCommand","body":{"CmdletInput":{"CmdletName":"Get-Mailbox","Parameters":{"Identity":"gareth.pell@harbourline.example"}}}}]}`, "TENANT", "{{t.harbourline.example}}"), "b"},
	} {
		request, body, _ := strings.Cut(c.batch, "|")
		status, raw := d.send("{{t.harbourline.example}}", request, body)
		if err := json.Unmarshal(raw, &out); err != nil || status != 200 {
			t.Fatalf("%d %v %s", status, err, raw)
		}
		for _, r := range out.Responses {
			if throttled := r.Status == 429; throttled != (r.ID == c.throttled) || throttled && r.Headers["Retry-After"] != "7" {
				t.Errorf("%s: item %s: %d %v", request, r.ID, r.Status, r.Headers)
			}
		}
	}
	if n := d.server.FaultsHit(); n != 2 {
		t.Errorf("%d hits", n)
	}
}

const gareth = "{{u.gareth.pell@harbourline.example}}"

// A write that failed with 504 may land later: the state shows it only then.
func TestALateWriteLands(t *testing.T) {
	d := &driver{t: t, tokens: map[string]string{}, ids: map[string]string{}}
	d.connect(sandboxtest.Start(t, sandbox.Options{Clock: "2026-03-12T15:00:00Z", Faults: []byte(`[{"match":{"method":"PATCH","path":"/users/*"},"do":{"status":504,"effect":"late","lag":"1m"},"times":1}]`)}))
	enabled := func() bool {
		raw, err := d.server.State()
		if err != nil {
			t.Fatal(err)
		}
		var state struct {
			Tenants []struct {
				Graph struct {
					Users []struct {
						UserPrincipalName string
						AccountEnabled    bool
					}
				}
			}
		}
		if err := json.Unmarshal(raw, &state); err != nil {
			t.Fatal(err)
		}
		for _, x := range state.Tenants {
			for _, u := range x.Graph.Users {
				if u.UserPrincipalName == "dana.whitfield@harbourline.example" {
					return u.AccountEnabled
				}
			}
		}
		t.Fatal("the user is gone")
		return false
	}
	if status, _ := d.send("{{t.harbourline.example}}", "PATCH /v1.0/users/"+dana, `{"accountEnabled":false}`); status != 504 {
		t.Fatalf("%d", status)
	}
	if !enabled() {
		t.Error("the write landed before its time")
	}
	d.server.Advance(2 * time.Minute)
	if enabled() {
		t.Error("the write never landed")
	}
}
