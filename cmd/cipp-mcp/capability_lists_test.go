package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

const (
	pinecrest  = "pinecrest-bakery.example" // has no premium licence
	brightwell = "brightwell.example"
	celia      = "celia.hartmann@brightwell.example" // whose mailbox somebody else reads
	agnes      = "agnes.moore@pinecrest-bakery.example"
	luca       = "luca.dangelo_porto-lines.example#EXT#@harbourlinefreight.onmicrosoft.com"
	gone       = "gone.already@harbourline.example"
)

// exported is the table that an answer's link leads to.
func (w *world) exported(a answer) [][]string {
	w.t.Helper()
	x, ok := a.v["export"].(map[string]any)
	if !ok {
		w.t.Fatalf("nothing was exported: %s", a.text)
	}
	r := mcp.ReadResourceRequest{}
	r.Params.URI = x["uri"].(string)
	res, err := w.client.ReadResource(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	text := res.Contents[0].(mcp.TextResourceContents).Text
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		w.t.Fatal(err)
	}
	if float64(len(rows)-1) != x["rows"] {
		w.t.Errorf("%d rows, it says %v", len(rows)-1, x["rows"])
	}
	return rows
}

// formula is the story in which somebody is called what a spreadsheet would run.
func formula(t *testing.T) worldOptions {
	return story(t, func(g, _ m) { userOf(t, g, priya)["displayName"] = `=HYPERLINK("http://x")` })
}

// people are the user principal names of a list.
func (a answer) people() string {
	var out []string
	for _, u := range a.list("users") {
		out = append(out, u["userPrincipalName"].(string))
	}
	return strings.Join(out, " ")
}

var listCapabilities = map[string]capability{
	"T2": {
		what: "chooses the tenant by any of its domains or its id, and never guesses", tool: "cipp_list_users",
		does: func(w *world) {
			id := w.must("cipp_list_tenants", m{"search": "harbour"}).row(w.t, "tenants", "defaultDomainName", harbourline)["tenantId"]
			for _, name := range []any{harbourline, strings.ToUpper(harbourline), "harbourlinefreight.onmicrosoft.com", id} {
				if a := w.must("cipp_list_users", m{"tenantFilter": name, "search": "dana"}); a.v["tenantId"] != id || !strings.Contains(a.people(), dana) {
					w.t.Errorf("%v: %s", name, a.text)
				}
			}
			w.must("cipp_list_users", m{"customerId": id, "limit": 1})
		},
		at: func(t *testing.T) worldOptions {
			return worldOptions{flags: cloudFlags{sandbox: edited(t, func(tenant m) {
				if tenant["defaultDomain"] == brightwell || tenant["defaultDomain"] == "oakhurst-dental.example" {
					tenant["displayName"] = "Twin"
				}
			})}}
		},
		fails: func(w *world) {
			a := w.refused("tenant_ambiguous", "cipp_list_users", in("Twin"))
			if c, _ := a.err["candidates"].([]any); len(c) != 2 {
				w.t.Errorf("%s", a.text)
			}
			w.refused("tenant_not_found", "cipp_list_users", in("nobody.example"))
		},
	},
	"T3": {
		what: "lists over all tenants; rows carry their tenant, and tenants that failed are named apart", tool: "cipp_list_users",
		does: func(w *world) {
			for tool, list := range map[string]string{"cipp_list_users": "users", "cipp_list_groups": "groups", "cipp_list_licenses": "licenses", "cipp_list_mailboxes": "mailboxes", "cipp_list_mfa_users": "users"} {
				a := w.must(tool, in("allTenants", "limit", 100))
				tenants := map[any]bool{}
				for _, r := range a.list(list) {
					tenants[r["tenant"]] = true
				}
				failed, told := a.v["failedTenants"].([]any)
				if tenants[nil] || tenants[""] || !tenants[harbourline] || !told || len(failed) == 0 {
					w.t.Errorf("%s: %v %v", tool, tenants, a.v["failedTenants"])
				}
				for _, f := range failed {
					if f := f.(map[string]any); tenants[f["tenant"]] || len(f["reason"].(string)) < 10 {
						w.t.Errorf("%s: %v", tool, f)
					}
				}
			}
			seen := map[any]bool{}
			for args := in("allTenants", "limit", 7); ; {
				a := w.must("cipp_list_users", args)
				for _, u := range a.list("users") {
					if seen[u["id"]] {
						w.t.Fatalf("%v twice", u)
					}
					seen[u["id"]] = true
				}
				if a.v["hasMore"] != true {
					break
				}
				args["cursor"] = a.v["cursor"]
			}
			if len(seen) < 50 {
				w.t.Errorf("%d users", len(seen))
			}
		},
		fails: func(w *world) {
			w.refused("one_tenant_only", "cipp_get_user", in("allTenants", "userId", dana))
			w.invalid("there is no field", "cipp_list_users", in("allTenants", "filter", "departmnt eq 'Sales'"))
		},
	},
	"L1": {
		what: "the table of users: name, address, licences by product name, sign-in, whether synchronised", tool: "cipp_list_users",
		does: func(w *world) {
			u := w.must("cipp_list_users", in(harbourline, "search", "ingrid")).row(w.t, "users", "userPrincipalName", ingrid)
			if u["displayName"] == "" || u["mail"] == nil || u["accountEnabled"] != true || u["syncState"] != "hybrid" || !strings.Contains(strings.Join(texts(u["licenses"]), " "), "Microsoft 365") {
				w.t.Errorf("%v", u)
			}
		},
		fails: func(w *world) { w.refused("tenant_not_found", "cipp_list_users", in("nobody.example")) },
	},
	"L2": {
		what: "creation date, last synchronisation and id of each user", tool: "cipp_list_users",
		does: func(w *world) {
			u := w.must("cipp_list_users", in(harbourline, "search", "ingrid", "select", []string{"createdDateTime", "onPremisesLastSyncDateTime"})).row(w.t, "users", "userPrincipalName", ingrid)
			more, _ := u["more"].(map[string]any)
			if u["id"] == "" || more["createdDateTime"] == nil || more["onPremisesLastSyncDateTime"] == nil {
				w.t.Errorf("%v", u)
			}
		},
		fails: func(w *world) {
			w.invalid("there is no property", "cipp_list_users", in(harbourline, "select", []string{"lastSync"}))
		},
	},
	"L3": {
		what: "further properties of users as columns, by Microsoft's names and no others", tool: "cipp_list_users",
		does: func(w *world) {
			a := w.must("cipp_list_users", in(harbourline, "search", "dana", "select", []string{"Department", "jobTitle", "signInActivity", "businessPhones", "onPremisesExtensionAttributes"}))
			more, _ := a.row(w.t, "users", "userPrincipalName", dana)["more"].(map[string]any)
			if more["department"] == "" || more["signInActivity"] == nil {
				w.t.Errorf("%v", more)
			}
		},
		fails: func(w *world) {
			for _, p := range []string{"passwordProfile", "identities", "manager", "id,mail"} {
				w.invalid("there is no property", "cipp_list_users", in(harbourline, "select", []string{p}))
			}
		},
	},
	"L4": {
		what: "users by kind, the operator's service accounts among them", tool: "cipp_list_users",
		at: func(t *testing.T) worldOptions {
			o := reported(t)
			o.config = "serviceAccounts: ['$*', dispatch@" + harbourline + "]\n"
			return o
		},
		does: func(w *world) {
			for kind, who := range map[string]string{
				"member": dana, "guest": anna, "blocked": stefan, "enabled": dana, "local": dana, "hybrid": ingrid, "external": anna, "shared": "quotes@" + harbourline, "admin": admin, "deleted": gone, "formerlyHybrid": priya,
				"service": "$scanner@" + harbourline + " dispatch@" + harbourline,
			} {
				a := w.must("cipp_list_users", in(harbourline, "kind", kind, "limit", 100))
				for _, one := range strings.Fields(who) {
					a.row(w.t, "users", "userPrincipalName", one)
				}
			}
			if a := w.must("cipp_list_users", in(harbourline, "kind", "service")); len(a.list("users")) != 2 {
				w.t.Errorf("%s", a.text)
			}
			for kind, not := range map[string]string{"member": anna, "guest": dana, "blocked": dana, "enabled": stefan, "local": ingrid, "hybrid": dana, "external": dana, "shared": dana, "admin": dana, "deleted": dana, "formerlyHybrid": ingrid} {
				if a := w.must("cipp_list_users", in(harbourline, "kind", kind, "limit", 100)); strings.Contains(a.people(), not) {
					w.t.Errorf("%s is no %s", not, kind)
				}
			}
			if a := w.must("cipp_list_users", in(pinecrest, "kind", "admin")); len(a.list("users")) == 0 { // by the roles: there is no report
				w.t.Errorf("%s", a.text)
			}
		},
		fails: func(w *world) {
			w.cfg.ServiceAccounts, w.env.Policy.Config.ServiceAccounts = nil, nil
			w.invalid("serviceAccounts", "cipp_list_users", in(harbourline, "kind", "service"))
			w.invalid("must be one of", "cipp_list_users", in(harbourline, "kind", "robot"))
		},
	},
	"L5": {
		what: "finds users by the beginning of a name or address, whatever is typed", tool: "cipp_list_users",
		does: func(w *world) {
			for typed, who := range map[string]string{"dana": dana, "O'Brien": "siobhan.o'brien@" + harbourline, "priya.sh": priya} {
				a := w.must("cipp_list_users", in(harbourline, "search", typed))
				a.row(w.t, "users", "userPrincipalName", who)
				if len(a.list("users")) > 3 {
					w.t.Errorf("%s: %s", typed, a.people())
				}
			}
		},
		fails: func(w *world) {
			if a := w.must("cipp_list_users", in(harbourline, "search", `x" OR "displayName:d`)); len(a.list("users")) != 0 {
				w.t.Errorf("the search was talked into more: %s", a.people())
			}
		},
	},
	"L9": {
		what: "a read is never an old one: nothing is kept between calls", tool: "cipp_list_users", changes: []string{"/jobTitle"},
		does: func(w *world) {
			args := in(harbourline, "search", "dana", "select", []string{"jobTitle"})
			w.must("cipp_list_users", args)
			w.done("cipp_edit_user", in(harbourline, "userId", dana, "jobTitle", "Clerk of the day"))
			if a := w.must("cipp_list_users", args); !strings.Contains(a.text, "Clerk of the day") {
				w.t.Errorf("%s", a.text)
			}
		},
		sure: "there is nothing kept that could be old",
	},
	"L20": {
		what: "ready reports of users", tool: "cipp_list_users", at: reported,
		does: func(w *world) {
			for report, who := range map[string]string{
				"noMfa": yuki, "adminsWithoutMfa": yuki, "inactive": stefan, "neverSignedIn": yuki, "unlicensed": "bronwen.rees@" + harbourline, "blockedButLicensed": lewis, "licenseErrors": noor,
				"noUsageLocation": hamish, "guestPending": luca, "guestStale": anna, "newUsers": yuki, "deletedSoon": gone, "passwordNeverExpires": noor, "passwordOld": noor, "noManager": noor, "syncErrors": hamish,
				"forwardingOutside": priya, "staleDevices": dana,
			} {
				a := w.must("cipp_list_users", in(harbourline, "report", report, "limit", 100))
				a.row(w.t, "users", "userPrincipalName", who)
				if strings.Contains(a.people(), gareth) { // who is in order
					w.t.Errorf("%s: %s", report, a.people())
				}
				if report == "forwardingOutside" && (len(a.list("users")) != 1 || !strings.Contains(a.text, "inbox rules and mail-flow rules that forward are not seen")) {
					w.t.Errorf("%s: %s", report, a.people())
				}
			}
		},
		fails: func(w *world) {
			if a := w.must("cipp_list_users", in(pinecrest, "report", "adminsWithoutMfa")); len(a.list("users")) == 0 || !strings.Contains(a.text, "mfaUnknownReason: ") || !strings.Contains(a.text, "NOTE: roles to be activated (PIM) are not seen") {
				w.t.Errorf("%s", a.text)
			}
			w.refused("premium_missing", "cipp_list_users", in(pinecrest, "report", "noMfa"))
			w.refused("service_missing", "cipp_list_users", in(pinecrest, "report", "staleDevices"))
		},
	},
	"L21": {
		what: "exports lists as CSV, outside the context and for an hour, with no cell that is a formula", tool: "cipp_list_users", at: formula,
		does: func(w *world) {
			a := w.must("cipp_list_users", in(harbourline, "format", "csv", "select", []string{"department"}))
			rows := w.exported(a)
			if len(a.list("users")) != 0 || strings.Contains(a.text, dana) || len(rows) != 33 || rows[0][len(rows[0])-1] != "department" {
				w.t.Errorf("%d rows: %s", len(rows), a.text)
			}
			cells := strings.Builder{}
			for _, r := range rows {
				cells.WriteString(strings.Join(r, "|") + "\n")
			}
			if !strings.Contains(cells.String(), "'=HYPERLINK") || !strings.Contains(cells.String(), "'$") && !strings.Contains(cells.String(), "$scanner@") {
				w.t.Errorf("%s", cells.String())
			}
			if all := w.exported(w.must("cipp_list_users", in("allTenants", "format", "csv"))); len(all) < 50 {
				w.t.Errorf("%d rows", len(all))
			}
			for _, kind := range []string{"m365", "security", "mailEnabledSecurity", "distribution"} {
				if rows := w.exported(w.must("cipp_list_groups", in(harbourline, "type", kind, "format", "csv"))); len(rows) < 2 {
					w.t.Errorf("groups %s: %v", kind, rows)
				}
			}
			for _, kind := range []string{"shared", "equipment", "room"} {
				if rows := w.exported(w.must("cipp_list_mailboxes", in(harbourline, "type", kind, "format", "csv"))); len(rows) < 2 {
					w.t.Errorf("mailboxes %s: %v", kind, rows)
				}
			}
			for tool, args := range map[string]m{
				"cipp_list_groups": in(harbourline), "cipp_list_mailboxes": in(harbourline), "cipp_list_licenses": in(harbourline), "cipp_list_mfa_users": in("allTenants"), "cipp_list_user_signin_logs": in(harbourline, "userId", dana),
				"cipp_list_user_groups": in(harbourline, "userId", dana), "cipp_list_audit_logs": in(harbourline), "cipp_list_access_catalog": in(harbourline, "kind", "directoryRole"),
			} {
				if rows := w.exported(w.must(tool, and(args, "format", "csv"))); len(rows) < 2 {
					w.t.Errorf("%s: %v", tool, rows)
				}
			}
			dir, err := w.cfg.StatePath()
			if err != nil {
				w.t.Fatal(err)
			}
			files, err := filepath.Glob(filepath.Join(dir, "exports", "*"))
			if err != nil || len(files) == 0 || strings.Contains(w.stateFiles(), "HYPERLINK") {
				w.t.Errorf("%v %v", files, err)
			}
			for _, f := range files {
				if info, err := os.Stat(f); err != nil || info.Mode().Perm()&0o077 != 0 {
					w.t.Errorf("%s: %v", f, err)
				}
			}
		},
		fails: func(w *world) {
			a := w.must("cipp_list_users", in(harbourline, "format", "csv"))
			w.sandbox.Advance(time.Hour)
			r := mcp.ReadResourceRequest{}
			for _, uri := range []string{a.v["export"].(map[string]any)["uri"].(string), "cipp://exports/../state.csv"} {
				r.Params.URI = uri
				if _, err := w.client.ReadResource(w.t.Context(), r); err == nil {
					w.t.Errorf("%s can be read", uri)
				}
			}
			w.invalid("must be one of", "cipp_list_users", in(harbourline, "format", "pdf"))
		},
	},
	"L22": {what: "a page as PDF", tool: "cipp_list_users", none: "a button of the help site, not of the product; rows are exported by L21"},
	"O5": {
		what: "exports the sites of a tenant", tool: "cipp_list_access_catalog",
		does: func(w *world) {
			if rows := w.exported(w.must("cipp_list_access_catalog", in(harbourline, "kind", "site", "format", "csv"))); len(rows) < 3 {
				w.t.Errorf("%v", rows)
			}
		},
		fails: func(w *world) {
			w.invalid("must be one of", "cipp_list_access_catalog", in(harbourline, "kind", "site", "format", "xlsx"))
		},
	},
	"S16": {
		what: "who has no MFA, over all tenants, for a monthly report", tool: "cipp_list_mfa_users",
		does: func(w *world) {
			a := w.must("cipp_list_mfa_users", in("allTenants", "report", "noMfa", "limit", 100))
			for _, u := range a.list("users") {
				if u["mfaRegistered"] != false || u["tenant"] == "" {
					w.t.Errorf("%v", u)
				}
			}
			counts, _ := a.v["counts"].(map[string]any)
			if counts["mfaNotRegistered"] != float64(len(a.list("users"))) || len(a.list("failedTenants")) == 0 {
				w.t.Errorf("%v", counts)
			}
			a.row(w.t, "users", "tenant", pinecrest) // no report there: each user's methods were looked at
		},
		fails: func(w *world) {
			w.invalid("must be one of", "cipp_list_mfa_users", in("allTenants", "report", "missing"))
		},
	},
	"W6": {
		what: "the MFA gap over all tenants in the shape that scripts expect: true, false, or null with a reason", tool: "cipp_list_mfa_users",
		at: func(t *testing.T) worldOptions {
			return worldOptions{flags: cloudFlags{sandbox: edited(t, func(tenant m) {
				if tenant["defaultDomain"] != pinecrest {
					return
				}
				for _, c := range tenant["consents"].([]any) {
					roles := []any{}
					for _, r := range c.(m)["appRoles"].([]any) {
						if !strings.HasPrefix(r.(string), "UserAuthenticationMethod") {
							roles = append(roles, r)
						}
					}
					c.(m)["appRoles"] = roles
				}
			})}}
		},
		does: func(w *world) {
			a := w.must("cipp_list_mfa_users", in("allTenants", "limit", 100))
			unknown := 0.0
			for _, u := range a.list("users") {
				if _, ok := u["mfaRegistered"]; !ok || u["isMfaRegistered"] != u["mfaRegistered"] {
					w.t.Errorf("%v", u)
				}
				if u["mfaRegistered"] == nil {
					unknown++
					if u["mfaUnknownReason"] == nil || u["tenant"] != pinecrest {
						w.t.Errorf("%v", u)
					}
				}
			}
			counts, _ := a.v["counts"].(map[string]any)
			if unknown == 0 || counts["mfaUnknown"] != unknown || !strings.Contains(a.text, "null is not a gap") {
				w.t.Errorf("%v unknown of %v", unknown, counts)
			}
			for _, u := range w.must("cipp_list_mfa_users", in("allTenants", "report", "noMfa", "limit", 100)).list("users") {
				if u["tenant"] == pinecrest {
					w.t.Errorf("unknown was taken for a gap: %v", u)
				}
			}
		},
		fails: func(w *world) { w.refused("tenant_not_found", "cipp_list_mfa_users", in("nobody.example")) },
	},
	"W9": {
		what: "the tenant is found before anything else, from the name a person uses", tool: "cipp_list_tenants",
		does: func(w *world) {
			domain := w.must("cipp_list_tenants", m{"search": "Harbourline Freight"}).list("tenants")[0]["defaultDomainName"]
			w.must("cipp_list_users", m{"tenantFilter": domain, "limit": 1})
		},
		fails: func(w *world) { w.invalid("tenantFilter", "cipp_list_users", m{}) },
	},
}

// reported is the story with somebody who forwards outside, somebody who forwards inside, and a laptop unseen for long.
func reported(t *testing.T) worldOptions {
	return story(t, func(g, x m) {
		mailboxOf(t, x, priya)["ForwardingSmtpAddress"] = "smtp:priya@elsewhere.example"
		mailboxOf(t, x, dana)["ForwardingSmtpAddress"] = "smtp:quotes@" + harbourline
		find(t, g["managedDevices"], "deviceName", "HBL-LT-0417")["lastSyncDateTime"] = "$now-200d"
		userOf(t, g, lewis)["accountEnabled"] = false
		userOf(t, g, priya)["onPremisesSyncEnabled"] = false
		n := userOf(t, g, noor)
		delete(n, "manager")
		n["passwordPolicies"], n["lastPasswordChangeDateTime"] = "DisablePasswordExpiration", "$now-800d"
		n["licenseAssignmentStates"] = []any{m{"skuId": p2, "assignedByGroup": nil, "disabledPlans": []any{}, "state": "Error", "error": "CountViolation", "lastUpdatedDateTime": "$now-3d"}}
		guest := userOf(t, g, luca)
		guest["externalUserState"], guest["createdDateTime"] = "PendingAcceptance", "$now-60d"
		userOf(t, g, hamish)["onPremisesProvisioningErrors"] = []any{m{"category": "PropertyConflict", "occurredDateTime": "$now-2d", "propertyCausingError": "ProxyAddresses", "value": "SMTP:hamish@" + harbourline}}
		roles, _ := g["roleAssignments"].([]any)
		g["roleAssignments"] = append(roles, m{"id": "yukis-role", "roleDefinitionId": userAdministrator, "principalId": userOf(t, g, yuki)["id"], "directoryScopeId": "/"})
		g["deletedItems"] = []any{m{"@odata.type": "#microsoft.graph.user", "id": "0b0b0b0b-1111-4222-8333-0b0b0b0b0b0b", "displayName": "Gone Already", "userPrincipalName": gone, "mailNickname": "gone", "accountEnabled": false, "userType": "Member", "deletedDateTime": "$now-27d", "createdDateTime": "$now-900d"}}
	})
}
