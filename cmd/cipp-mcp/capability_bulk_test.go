package main

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// inBulk are the actions of which portals say that they can be done for many, with the least that each wants.
var inBulk = map[string]m{
	"cipp_delete_user": nil, "cipp_edit_user": {"department": "Claims"}, "cipp_create_tap": nil, "cipp_reset_mfa": nil, "cipp_send_mfa_push": nil, "cipp_set_user_mfa": {"state": "enforced"},
	"cipp_disable_user": nil, "cipp_enable_user": nil, "cipp_revoke_sessions": nil, "cipp_reset_password": nil, "cipp_set_password_expiration": {"expires": false}, "cipp_convert_mailbox": {"type": "shared", "keepLicense": true},
	"cipp_edit_mailbox": {"archive": "enabled"}, "cipp_set_out_of_office": {"state": "enabled", "internalMessage": "Closed."}, "cipp_set_email_forwarding": {"disable": true}, "cipp_provision_onedrive": nil,
	"cipp_add_onedrive_shortcut": {"siteUrl": customsSite}, "cipp_manage_user_licenses": {"removeLicenseSkuIds": []string{"SPE_E5"}}, "cipp_set_group_membership": {"add": []string{"Port Alerts"}}, "cipp_clear_immutable_id": nil,
	"cipp_set_source_of_authority": {"sourceOfAuthority": "cloud"}, "cipp_reprocess_licenses": nil,
}

// bulkCapabilities are the rows that are about many users at once.
var bulkCapabilities = map[string]capability{
	"J8": {
		what: "runs any write for many users, and refuses what only reads", tool: "cipp_bulk_action",
		does: func(w *world) {
			w.done("cipp_bulk_action", m{"action": "cipp_disable_user", "tenantFilter": harbourline, "targets": []string{dana, priya}})
			w.stands(ofUser(dana, "accountEnabled", false).with(ofUser(priya, "accountEnabled", false)))
			for action, arguments := range inBulk { // each action that portals offer for many at once
				a := w.must("cipp_bulk_action", m{"action": action, "tenantFilter": harbourline, "targets": []string{gareth, noor}, "arguments": arguments, "dryRun": true})
				if a.v["status"] != "planned" && a.v["status"] != "blocked" && !strings.Contains(a.text, "nothing to do for any row") {
					w.t.Errorf("%s: %s", action, a.text)
				}
			}
		},
		changes: []string{"/accountEnabled"},
		fails: func(w *world) {
			w.invalid("only reads", "cipp_bulk_action", m{"action": "cipp_list_users", "tenantFilter": harbourline, "targets": []string{dana}})
		},
	},
	"C21": {
		what: "creates many users from a table, all rows checked before the first is made", tool: "cipp_bulk_action",
		does: func(w *world) {
			w.done("cipp_bulk_action", m{"action": "cipp_create_user", "tenantFilter": harbourline, "arguments": m{"usageLocation": "GB"},
				"csv": "displayName,userPrincipalName,mailNickname\nNia Reyes,nia@" + harbourline + ",nia\nOmar Bell,omar@" + harbourline + ",omar\n"})
			w.stands(ofUser("nia@"+harbourline, "displayName", "Nia Reyes", "usageLocation", "GB").with(ofUser("omar@"+harbourline, "displayName", "Omar Bell", "usageLocation", "GB")))
			_, example, err := w.resource("cipp://examples/cipp_create_user.csv")
			if rows, e := csv.NewReader(strings.NewReader(example)).ReadAll(); err != nil || e != nil || len(rows) < 2 {
				w.t.Errorf("there is no table to begin with: %v %v %s", err, e, example)
			}
		},
		changes: []string{"/users/"},
		fails: func(w *world) {
			w.invalid("row 2", "cipp_bulk_action", m{"action": "cipp_create_user", "tenantFilter": harbourline, "csv": "displayName,userPrincipalName,mailNickname\nNia Reyes,nia@" + harbourline + ",nia\nOmar Bell,omar,omar\n"})
		},
	},
	"E3": {
		what: "changes properties of many users", tool: "cipp_bulk_action",
		does: func(w *world) {
			w.done("cipp_bulk_action", m{"action": "cipp_edit_user", "tenantFilter": harbourline, "targets": []string{dana, gareth}, "arguments": m{"companyName": "Harbourline Ltd"}})
			w.stands(ofUser(dana, "companyName", "Harbourline Ltd").with(ofUser(gareth, "companyName", "Harbourline Ltd")))
		},
		changes: []string{"/companyName"},
		fails: func(w *world) {
			w.invalid("companyNam", "cipp_bulk_action", m{"action": "cipp_edit_user", "tenantFilter": harbourline, "targets": []string{dana}, "arguments": m{"companyNam": "x"}})
		},
	},
	"E7": {
		what: "sets first and last names of many from a table", tool: "cipp_bulk_action",
		does: func(w *world) {
			w.done("cipp_bulk_action", m{"action": "cipp_edit_user", "tenantFilter": harbourline, "csv": "userId,firstName,lastName\n" + dana + ",Daniela,White\n" + gareth + ",Gary,Bell\n"})
		},
		changes: []string{"/surname", "/givenName"},
		leaves:  ofUser(dana, "givenName", "Daniela", "surname", "White").with(ofUser(gareth, "givenName", "Gary", "surname", "Bell")),
		fails: func(w *world) {
			w.invalid("row 1", "cipp_bulk_action", m{"action": "cipp_edit_user", "tenantFilter": harbourline, "csv": "userId,firstName\n" + dana + "," + strings.Repeat("x", 70) + "\n"})
		},
	},
	"E8": {
		what: "sets addresses of many from a table", tool: "cipp_bulk_action",
		does: func(w *world) {
			w.done("cipp_bulk_action", m{"action": "cipp_edit_user", "tenantFilter": harbourline, "csv": "userId;streetAddress;city;state;postalCode;country\n" + dana + ";1 Quay Street;Leith;Lothian;EH6;GB\n" + gareth + ";2 Quay Street;Leith;Lothian;EH6;GB\n"})
		},
		changes: []string{"/streetAddress", "/city", "/state", "/postalCode", "/country"},
		leaves:  ofUser(dana, "streetAddress", "1 Quay Street", "city", "Leith", "state", "Lothian", "postalCode", "EH6", "country", "GB").with(ofUser(gareth, "streetAddress", "2 Quay Street")),
		fails: func(w *world) {
			w.invalid("row 1: There is no user", "cipp_bulk_action", m{"action": "cipp_edit_user", "tenantFilter": harbourline, "csv": "userId;city\nnobody@" + harbourline + ";Leith\n"})
		},
	},
	"P6": {
		what: "resets the passwords of many, sealed together", tool: "cipp_bulk_action",
		does: func(w *world) {
			a := w.done("cipp_bulk_action", m{"action": "cipp_reset_password", "tenantFilter": harbourline, "targets": []string{dana, priya, gareth}})
			secrets := a.list("secrets")
			if len(secrets) != 1 {
				w.t.Fatalf("%s", a.text)
			}
			rows, err := csv.NewReader(strings.NewReader(w.reveal(secrets[0]["handle"].(string)))).ReadAll()
			if err != nil || len(rows) != 4 || len(rows[3][2]) < 12 {
				w.t.Fatalf("%v: %d rows", err, len(rows))
			}
			w.done("cipp_bulk_action", m{"action": "cipp_reset_password", "tenantFilter": harbourline, "csv": "userId\n" + dana + "\n" + priya + "\n"})
			w.done("cipp_bulk_action", m{"action": "cipp_reset_password", "tenantFilter": harbourline, "filter": "jobTitle eq 'Pricing Analyst'"})
		},
		changes: []string{"/passwordProfile", "/lastPasswordChangeDateTime", "/signInSessionsValidFromDateTime"},
		fails: func(w *world) {
			w.blocked("synchronised", "cipp_bulk_action", m{"action": "cipp_reset_password", "tenantFilter": harbourline, "targets": []string{dana, ingrid}})
		},
	},
	"S17": {
		what: "drives enrolment for those without MFA, and nobody whose state is unknown", tool: "cipp_bulk_action",
		does: func(w *world) {
			a := w.must("cipp_bulk_action", m{"action": "cipp_create_tap", "tenantFilter": harbourline, "filter": "mfaRegistered eq false and userType eq 'Member'", "dryRun": true})
			if a.v["status"] != "planned" || !strings.Contains(a.text, yuki) || strings.Contains(a.text, dana) || strings.Contains(a.text, "#EXT#") {
				w.t.Fatalf("%s", a.text)
			}
		},
		fails: func(w *world) {
			w.invalid("true, false or null", "cipp_bulk_action", m{"action": "cipp_create_tap", "tenantFilter": harbourline, "filter": "mfaRegistered eq 'no'"})
		},
	},
}

func TestBulkTellsAllMistakesAtOnce(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	a := w.invalid("row 2", "cipp_bulk_action", m{"action": "edit_user", "tenantFilter": harbourline, "csv": "userId,jobTitle\n" + dana + ",Clerk\nnobody@" + harbourline + ",Clerk\n" + dana + ",Other\n"})
	if !strings.Contains(a.text, "row 3") {
		t.Errorf("%s", a.text)
	}
	w.unharmed(before)
	if len(w.asked) > 0 {
		t.Errorf("%v", w.asked)
	}
}

// rowsOf reads what became of a bulk's rows, as a client does.
func (w *world) rowsOf(a answer) [][]string {
	w.t.Helper()
	bulk, _ := a.v["bulk"].(map[string]any)
	uri, _ := bulk["result"].(string)
	r := mcp.ReadResourceRequest{}
	r.Params.URI = uri
	res, err := w.client.ReadResource(w.t.Context(), r)
	if err != nil {
		w.t.Fatalf("%s: %v in %s", uri, err, a.text)
	}
	text, ok := mcp.AsTextResourceContents(res.Contents[0])
	if !ok || text.MIMEType != "text/csv" {
		w.t.Fatalf("%+v", res.Contents[0])
	}
	rows, err := csv.NewReader(strings.NewReader(text.Text)).ReadAll()
	if err != nil {
		w.t.Fatal(err)
	}
	return rows[1:]
}

func TestABulkRowThatFailsIsRetried(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	w.faults(m{"match": m{"method": "PATCH", "path": "/users/*"}, "times": 1, "do": m{"status": 403, "code": "Authorization_RequestDenied", "message": "Insufficient privileges."}})
	a := w.must("cipp_bulk_action", m{"action": "cipp_edit_user", "tenantFilter": harbourline, "targets": []string{dana, gareth, priya}, "arguments": m{"companyName": "Harbourline Ltd"}})
	if a.v["status"] != "attention" {
		t.Fatalf("%s", a.text)
	}
	states := map[string]int{}
	for _, r := range w.rowsOf(a) {
		states[r[3]]++
	}
	if states["done"] != 2 || states["failed"] != 1 {
		t.Fatalf("%v", states)
	}
	w.done("cipp_control_job", m{"jobId": a.v["jobId"], "action": "retry"})
	a = w.ended(a.v["jobId"].(string))
	if a.v["status"] != "done" {
		t.Fatalf("%s", a.text)
	}
	for _, r := range w.rowsOf(a) {
		if r[3] != "done" {
			t.Errorf("%v", r)
		}
	}
	if c := w.changed(before); len(c) != 3 {
		t.Errorf("%v", c)
	}
	w.done("cipp_undo_job", m{"jobId": a.v["jobId"]})
	w.unharmed(before)
}

func TestABulkOverTenantsNeedsTheOperator(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	a := w.must("cipp_bulk_action", m{"action": "cipp_revoke_sessions", "tenants": []string{harbourline, demoVictimTenant}, "targets": []string{dana, demoVictim}})
	if a.v["status"] != "needs_approval" || a.v["approvalId"] == nil || !strings.Contains(a.text, "2 tenants") {
		t.Fatalf("%s", a.text)
	}
	w.refused("one_tenant_only", "cipp_bulk_action", m{"action": "cipp_revoke_sessions", "tenants": []string{"allTenants"}, "targets": []string{dana}})
	w.unharmed(before)
	w.approves(a.v["jobId"].(string))
	if a = w.ended(a.v["jobId"].(string)); a.v["status"] != "done" {
		t.Fatalf("%s", a.text)
	}
	if c := w.changed(before); len(c) != 2 {
		t.Errorf("%v", c)
	}
}

func TestABulkOverTheThresholdNeedsTheOperator(t *testing.T) {
	w := newWorld(t, worldOptions{config: "guards: {massAction: 2}\n"})
	a := w.must("cipp_bulk_action", m{"action": "cipp_revoke_sessions", "tenantFilter": harbourline, "targets": []string{dana, priya, gareth}})
	if a.v["approvalId"] == nil || !strings.Contains(a.text, "guards.massAction: 2") {
		t.Fatalf("%s", a.text)
	}
}

func TestBulkCreateOf500AndResetOf200(t *testing.T) {
	if testing.Short() {
		t.Skip("500 users take a while")
	}
	w := newWorld(t, worldOptions{config: "guards: {massAction: 1000}\n"})
	var table strings.Builder
	table.WriteString("displayName,userPrincipalName,mailNickname\n")
	for i := range 500 {
		fmt.Fprintf(&table, "New Person %d,new%d@%s,new%d\n", i, i, harbourline, i)
	}
	before := w.state()
	a := w.done("cipp_bulk_action", m{"action": "cipp_create_user", "tenantFilter": harbourline, "csv": table.String()})
	if n := len(w.changed(before)); n != 500 {
		t.Errorf("%d changes", n)
	}
	rows := w.rowsOf(a)
	if len(rows) != 500 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, r := range rows {
		if r[3] != "done" || r[6] == "" {
			t.Fatalf("%v", r)
		}
	}
	secrets := a.list("secrets")
	if len(secrets) != 1 {
		t.Fatalf("%d secrets", len(secrets))
	}
	if n := strings.Count(w.reveal(secrets[0]["handle"].(string)), "\n"); n != 501 {
		t.Errorf("%d lines", n)
	}
	var targets []string
	for i := range 200 {
		targets = append(targets, fmt.Sprintf("new%d@%s", i, harbourline))
	}
	w.sandbox.Advance(time.Minute) // Microsoft keeps whole seconds
	before = w.state()
	a = w.done("cipp_bulk_action", m{"action": "cipp_reset_password", "tenantFilter": harbourline, "targets": targets})
	secrets = a.list("secrets")
	if len(secrets) != 1 {
		t.Fatalf("%d secrets", len(secrets))
	}
	sealed := w.reveal(secrets[0]["handle"].(string))
	lines, err := csv.NewReader(strings.NewReader(sealed)).ReadAll()
	if err != nil || len(lines) != 201 {
		t.Fatalf("%v: %d lines", err, len(lines))
	}
	seen := map[string]bool{}
	for _, l := range lines[1:] {
		if len(l[2]) < 12 || seen[l[2]] {
			t.Errorf("the password of %s is short, or somebody else's", l[1])
		}
		seen[l[2]] = true
	}
	if n := len(w.changed(before)); n < 200 {
		t.Errorf("%d changes", n)
	}
}

// Bulks that are each under the threshold are over it together; what the operator approved is not held against what
// comes after it.
func TestSmallBulksAddUp(t *testing.T) {
	w := newWorld(t, worldOptions{config: "guards: {massAction: 3}\n"})
	revoke := func(users ...string) m {
		return m{"action": "cipp_revoke_sessions", "tenantFilter": harbourline, "targets": users}
	}
	w.done("cipp_bulk_action", revoke(dana, priya))
	a := w.must("cipp_bulk_action", revoke(gareth, "alex.morgan@"+harbourline))
	if a.v["approvalId"] == nil || !strings.Contains(a.text, "guards.massAction: 3") {
		t.Fatalf("%s", a.text)
	}
	w.approves(a.v["jobId"].(string))
	w.done("cipp_revoke_sessions", in(harbourline, "userId", gareth))
}
