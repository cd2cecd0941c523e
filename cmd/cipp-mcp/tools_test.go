package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"cipp-mcp/graphclient"
	"cipp-mcp/sandbox/builtin"
	"cipp-mcp/tools"
)

// Every example of the documentation runs, in both protocol eras, and a dry run changes nothing.
func TestExamplesRun(t *testing.T) {
	names := strings.NewReplacer("nia@contoso.onmicrosoft.com", "nia@"+harbourline, "contoso.onmicrosoft.com", harbourline, "anna@contoso.com", dana, "max@contoso.com", "max@"+harbourline, "ben@contoso.com", priya, "https://contoso.sharepoint.com/sites/crm", projectsSite, `"search":"contoso"`, `"search":"harbour"`, `"search":"anna"`, `"search":"priya"`)
	for _, era := range []string{"modern", "legacy"} {
		t.Run(era, func(t *testing.T) {
			o := story(t, func(g, _ m) {
				userOf(t, g, dana)["drive"] = m{"quota": m{"used": 5e9, "total": 1e12}}
				g["servicePrincipals"] = []any{m{"id": flatApp, "appId": flatApp, "displayName": "Northwind Expenses", "servicePrincipalType": "Application", "accountEnabled": true, "appRoles": []any{}}}
				g["deletedItems"] = []any{m{"@odata.type": "#microsoft.graph.user", "id": "0c6b1a5e-93d0-4a4f-8c11-5b8f3f1d2e77", "displayName": "Max Born", "deletedDateTime": "$now-3d",
					"userPrincipalName": "0c6b1a5e93d04a4f8c115b8f3f1d2e77max@" + harbourline}}
			})
			o.era, o.config = era, "guards: {purge: allow}\nmfaPush: {enabled: true}\nprofiles: {sales: {attributes: {department: Sales}}}\n"
			w := newWorld(t, o)
			job := w.done("cipp_disable_user", in(harbourline, "userId", gareth)).v["jobId"].(string)
			caseID, _ := w.must("cipp_bec_check", in(harbourline, "userId", dana)).v["caseId"].(string)
			rule, err := w.env.Graph.AddInboxRule(t.Context(), tenantID(t, w), graphclient.MailboxRef{UPN: dana}, graphclient.InboxRule{Name: "Yarn", SubjectContainsWords: []string{"yarn"}, MarkAsRead: true})
			if err != nil {
				t.Fatal(err)
			}
			jobs := strings.NewReplacer("run_00000000000000000000000000000000", job, "case_20260312_abcdefgh", caseID, "12345678901234567890", rule[strings.LastIndexByte(rule, '\\')+1:])
			w.asked = nil
			before := w.state()
			for _, tool := range tools.All() {
				var args map[string]any
				if err := json.Unmarshal([]byte(jobs.Replace(names.Replace(tool.Example))), &args); err != nil {
					t.Fatalf("%s: %v", tool.Name, err)
				}
				a := w.must(tool.Name, args)
				if tool.Writes() && a.v["status"] != "planned" && a.v["status"] != "done" {
					t.Errorf("%s: %s", tool.Name, a.text)
				}
				if len(a.text) < 20 {
					t.Errorf("%s says too little: %q", tool.Name, a.text)
				}
			}
			w.unharmed(before)
			if len(w.asked) > 0 {
				t.Errorf("a dry run asked: %v", w.asked)
			}
		})
	}
}

func TestListTenants(t *testing.T) {
	w := newWorld(t, worldOptions{partner: true})
	a := w.must("cipp_list_tenants", map[string]any{"includeUnhealthy": true})
	health := map[string]string{}
	for _, r := range a.list("tenants") {
		health[r["defaultDomainName"].(string)], _ = r["health"].(string)
	}
	if len(health) < 6 || health[harbourline] != "ok" || health["oakhurst-dental.example"] != "gdapInactive" {
		t.Errorf("%v", health)
	}
	if healthy := w.must("cipp_list_tenants", nil); len(healthy.list("tenants")) >= len(health) || healthy.v["unhealthyLeftOut"] != 1.0 {
		t.Errorf("%s", healthy.text)
	}
}

func TestTenantFilterTakesEveryName(t *testing.T) {
	w := newWorld(t, worldOptions{})
	for _, name := range []string{harbourline, "HARBOURLINE.example", "harbourlinefreight.onmicrosoft.com", "harbourline-logistics.example", "8b86692a-cec8-4588-bfdf-7966ed5e3e3c", "Harbourline Freight"} {
		a := w.must("cipp_get_user", in(name, "userId", priya))
		if a.v["tenantId"] != "8b86692a-cec8-4588-bfdf-7966ed5e3e3c" || a.v["tenant"] != harbourline {
			t.Errorf("%s: %s", name, a.text)
		}
	}
}

func TestListUsersPagesToTheEnd(t *testing.T) {
	w := newWorld(t, worldOptions{})
	seen := map[string]bool{}
	args, pages := in(harbourline, "limit", 7), 0
	for {
		a := w.must("cipp_list_users", args)
		pages++
		for _, u := range a.list("users") {
			id, _ := u["id"].(string)
			if seen[id] {
				t.Errorf("%s twice", id)
			}
			seen[id] = true
		}
		if a.v["hasMore"] != true {
			break
		}
		args = and(args, "cursor", a.v["cursor"])
	}
	if len(seen) < 30 || pages < 5 {
		t.Errorf("%d users in %d pages", len(seen), pages)
	}
	w.refused("token_refused", "cipp_list_users", in(harbourline, "cursor", "AAAA"))
	first := w.must("cipp_list_users", in(harbourline, "limit", 2))
	w.refused("token_refused", "cipp_list_users", in("brightwell.example", "cursor", first.v["cursor"]))
}

func TestListUsersFinds(t *testing.T) {
	w := newWorld(t, worldOptions{})
	for _, c := range []struct {
		args map[string]any
		want string // a user that is found; "" for none
		not  string // a user that is not
	}{
		{map[string]any{"search": "priya"}, priya, marta},
		{map[string]any{"search": `quo"te\`}, "", priya},
		{map[string]any{"kind": "guest"}, "audit_clearview-audit.example#EXT#@harbourlinefreight.onmicrosoft.com", priya},
		{map[string]any{"kind": "external"}, "anna_vendor-supplies.example#EXT#@harbourlinefreight.onmicrosoft.com", priya},
		{map[string]any{"kind": "blocked"}, "stefan.kruse@harbourline.example", priya},
		{map[string]any{"kind": "hybrid"}, ingrid, priya},
		{map[string]any{"kind": "local"}, priya, ingrid},
		{map[string]any{"kind": "shared"}, "boardroom@harbourline.example", priya},
		{map[string]any{"kind": "admin"}, "tomasz.brennan@harbourline.example", priya},
		{map[string]any{"report": "blockedButLicensed"}, "", priya},
		{map[string]any{"report": "guestPending", "days": 1}, "audit_clearview-audit.example#EXT#@harbourlinefreight.onmicrosoft.com", priya},
		{map[string]any{"report": "noUsageLocation"}, "", ""},
		{map[string]any{"report": "inactive"}, "", ""},
		{map[string]any{"report": "neverSignedIn"}, "", ""},
		{map[string]any{"report": "unlicensed"}, "", ""},
		{map[string]any{"report": "licenseErrors"}, "", priya},
		{map[string]any{"report": "guestStale"}, "", priya},
		{map[string]any{"report": "newUsers"}, "", ""},
		{map[string]any{"report": "deletedSoon"}, "", priya},
		{map[string]any{"report": "passwordNeverExpires"}, "", ""},
		{map[string]any{"report": "passwordOld"}, "", ""},
		{map[string]any{"report": "noManager"}, "", ""},
		{map[string]any{"report": "syncErrors"}, "", priya},
		{map[string]any{"report": "noMfa"}, "", ""},
		{map[string]any{"report": "adminNoMfa"}, "", priya},
		{map[string]any{"kind": "deleted"}, "", priya},
	} {
		a := w.must("cipp_list_users", and(in(harbourline, "limit", 100), pairs(c.args)...))
		var found []string
		for _, u := range a.list("users") {
			found = append(found, u["userPrincipalName"].(string))
		}
		if c.want != "" && !slices.Contains(found, c.want) || c.not != "" && slices.Contains(found, c.not) {
			t.Errorf("%v found %v", c.args, found)
		}
	}
}

func pairs(m map[string]any) (out []any) {
	for k, v := range m {
		out = append(out, k, v)
	}
	return out
}

func TestGetUserSections(t *testing.T) {
	w := newWorld(t, worldOptions{})
	a := w.must("cipp_get_user", in(harbourline, "userId", dana, "sections", "all"))
	for _, k := range []string{"summary", "attributes", "manager", "licenses", "groups", "mfa", "mailbox"} {
		if a.v[k] == nil {
			t.Errorf("%s is missing: %v", k, a.v["unavailable"])
		}
	}
	if strings.Contains(a.text, "7700900417") || strings.Contains(a.text, "1632960417") || strings.Contains(a.text, "password:") {
		t.Errorf("a whole number, or a password, is shown:\n%s", a.text)
	}
}

func TestMFAGapOverAllTenants(t *testing.T) {
	for _, partner := range []bool{false, true} {
		w := newWorld(t, worldOptions{partner: partner})
		a := w.must("cipp_list_mfa_users", in("allTenants", "limit", 100))
		failed := a.list("failedTenants")
		if len(failed) == 0 {
			t.Errorf("no tenant failed: %s", a.text)
		}
		for _, f := range failed {
			if f["reason"] == "" || f["next"] == "" {
				t.Errorf("%v", f)
			}
		}
		states := map[any]int{}
		for _, u := range a.list("users") {
			states[u["mfaRegistered"]]++
			if u["mfaRegistered"] != u["isMfaRegistered"] {
				t.Errorf("the two names differ: %v", u)
			}
			if u["mfaRegistered"] == nil && u["mfaUnknownReason"] == "" {
				t.Errorf("unknown without a reason: %v", u)
			}
			for _, f := range failed {
				if u["tenant"] == f["tenant"] {
					t.Errorf("a failed tenant's row: %v", u)
				}
			}
		}
		if states[true] == 0 || states[false] == 0 {
			t.Errorf("%v", states)
		}
		for _, u := range w.must("cipp_list_mfa_users", in("allTenants", "report", "noMfa", "limit", 100)).list("users") {
			if u["mfaRegistered"] != false {
				t.Errorf("not a gap: %v", u)
			}
		}
	}
}

func TestMFAWithoutPremiumComesFromMethods(t *testing.T) {
	w := newWorld(t, worldOptions{})
	a := w.must("cipp_list_mfa_users", in("pinecrest-bakery.example"))
	if len(a.list("users")) < 4 || a.v["counts"].(map[string]any)["mfaUnknown"] != 0.0 {
		t.Errorf("%s", a.text)
	}
}

func TestCompletionAndPrompts(t *testing.T) {
	w := newWorld(t, worldOptions{})
	list, err := w.client.ListPrompts(t.Context(), mcp.ListPromptsRequest{})
	if err != nil || len(list.Prompts) != 4 {
		t.Fatalf("%v %v", list, err)
	}
	g := mcp.GetPromptRequest{}
	g.Params.Name, g.Params.Arguments = "bec_response", map[string]string{"tenantFilter": "brightwell.example", "userId": demoVictim}
	p, err := w.client.GetPrompt(t.Context(), g)
	if err != nil || len(p.Messages) != 1 {
		t.Fatalf("%v %v", p, err)
	}
	g.Params.Arguments = map[string]string{}
	if _, err := w.client.GetPrompt(t.Context(), g); err == nil || !strings.Contains(err.Error(), "tenantFilter") {
		t.Errorf("a missing argument: %v", err)
	}
	c := mcp.CompleteRequest{}
	c.Params.Ref = mcp.PromptReference{Type: "ref/prompt", Name: "bec_response"}
	c.Params.Argument.Name, c.Params.Argument.Value = "tenantFilter", "harb"
	res, err := w.client.Complete(t.Context(), c)
	if err != nil || !slices.Contains(res.Completion.Values, harbourline) {
		t.Errorf("%v %v", res, err)
	}
}

// Where most customers cannot be read the answer stays small, and counts them all.
func TestManyTenantsFail(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(state, builtin.Generate(11, 80, 2), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, worldOptions{flags: cloudFlags{sandbox: state}})
	if err := w.sandbox.SetFaults([]byte(`[{"match":{"path":"/users"},"do":{"status":403}},{"match":{"path":"/reports/authenticationMethods/*"},"do":{"status":403}}]`)); err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"cipp_list_users", "cipp_list_mfa_users"} {
		a := w.must(tool, in("allTenants"))
		if n := len(a.list("failedTenants")); n != 25 || a.v["moreFailedTenants"] != float64(55) || !strings.Contains(a.text, "55 more tenants") || len(a.text) > 12_000 {
			t.Errorf("%s: %d listed, %v more in %d bytes", tool, n, a.v["moreFailedTenants"], len(a.text))
		}
	}
}

// A customer that fails in the middle of an export has no row in it.
func TestExportHasNoRowsOfFailedTenants(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(state, builtin.Generate(12, 3, 1_200), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, worldOptions{flags: cloudFlags{sandbox: state}})
	if err := w.sandbox.SetFaults([]byte(`[{"match":{"path":"/users","query":"skiptoken","tenant":"customer0002.example"},"do":{"status":403}}]`)); err != nil {
		t.Fatal(err)
	}
	a := w.must("cipp_list_users", in("allTenants", "format", "csv"))
	if f := a.list("failedTenants"); len(f) != 1 || f[0]["tenant"] != "customer0002.example" {
		t.Errorf("%v", f)
	}
	of := map[string]int{}
	for _, row := range w.exported(a)[1:] {
		of[row[0]]++
	}
	if of["customer0001.example"] != 1_200 || of["customer0003.example"] != 1_200 || len(of) != 2 {
		t.Errorf("%v", of)
	}
}
