package main

import (
	"strings"
	"testing"
)

// described is the story in which dana has words of the tenant's own, an eligible role for a part of the directory, a
// role through nothing else, and detections of several kinds; the operator has profiles and a place for tags.
func described(t *testing.T) worldOptions {
	o := story(t, func(g, _ m) {
		u := userOf(t, g, dana)
		u["onPremisesExtensionAttributes"] = m{"extensionAttribute7": "VIP, Port of Hull", "extensionAttribute1": "cost centre 12"}
		u["employeeLeaveDateTime"] = "$now+40d"
		g["roleEligibilitySchedules"] = []any{m{"id": "eligible-1", "principalId": u["id"], "roleDefinitionId": userAdministrator, "directoryScopeId": "/administrativeUnits/" + unit, "memberType": "Direct", "status": "Provisioned"}}
		g["riskyUsers"] = []any{m{"id": u["id"], "userDisplayName": "Dana", "userPrincipalName": dana, "riskLevel": "medium", "riskState": "atRisk", "riskDetail": "none", "riskLastUpdatedDateTime": "$now-1d", "isDeleted": false, "isProcessing": false}}
		for _, kind := range []string{"anonymizedIPAddress", "unlikelyTravel", "suspiciousInboxForwarding", "attemptedPrtAccess", "leakedCredentials", "somethingNew"} {
			detections, _ := g["riskDetections"].([]any)
			g["riskDetections"] = append(detections, m{"id": "detection-" + kind, "userId": u["id"], "userPrincipalName": dana, "riskEventType": kind, "riskLevel": "medium", "riskState": "atRisk", "riskDetail": "none",
				"activityDateTime": "$now-2d", "detectedDateTime": "$now-2d", "lastUpdatedDateTime": "$now-2d", "ipAddress": "203.0.113.9", "location": m{"city": "Leith", "countryOrRegion": "GB"}})
		}
	})
	o.config = "tools: {preset: all}\ntagsFrom: extensionAttribute7\nprofiles:\n  office: {groups: [CRM Users], licenses: [SPE_E5, VISIOCLIENT]}\n  crew: {groups: [Nobody Is In This], mailboxes: {quotes@" + harbourline + ": [fullAccess, sendOnBehalf]}}\n"
	return o
}

// shows reads sections of a user and expects words in the answer.
func (w *world) shows(who string, sections []string, words ...string) answer {
	w.t.Helper()
	a := w.must("cipp_get_user", in(harbourline, "userId", who, "sections", sections))
	for _, s := range words {
		if !strings.Contains(a.text, s) {
			w.t.Errorf("no %q in %s", s, a.text)
		}
	}
	return a
}

var readCapabilities = map[string]capability{
	"T4": {
		what: "the domains of a tenant, for the choice of an address", tool: "cipp_get_tenant_details",
		does: func(w *world) {
			a := w.must("cipp_get_tenant_details", in(harbourline, "sections", "domains"))
			for id, first := range map[string]bool{harbourline: true, "harbourlinefreight.onmicrosoft.com": false} {
				if d := a.row(w.t, "domains", "id", id); d["isVerified"] != true || d["isDefault"] != first {
					w.t.Errorf("%v", d)
				}
			}
		},
		fails: func(w *world) {
			w.invalid("must be one of", "cipp_get_tenant_details", in(harbourline, "sections", "domain names"))
		},
	},
	"T5": {
		what: "what a tenant allows, and which tool will fail of what it does not", tool: "cipp_get_tenant_details",
		at: func(t *testing.T) worldOptions {
			return worldOptions{flags: cloudFlags{sandbox: edited(t, func(tenant m) {
				if tenant["defaultDomain"] == harbourline {
					p := tenant["policies"].(m)
					p["temporaryAccessPass"], p["registrationCampaign"] = false, false
					p["authenticationMethodsPolicy"] = m{"policyMigrationState": "migrationInProgress"}
				}
			})}}
		},
		does: func(w *world) {
			a := w.must("cipp_get_tenant_details", in(harbourline, "sections", "capabilities"))
			c, _ := a.v["capabilities"].(map[string]any)
			if c["temporaryAccessPass"] != false || c["registrationCampaign"] != false || c["securityDefaults"] != false || c["legacyMfaMigration"] != "migrationInProgress" || c["licenceProvider"] != "none" || c["identityModel"] == "unknown" || len(texts(c["passwordlessMethods"])) == 0 || c["conditionalAccessMfaPolicies"] == 0.0 {
				w.t.Errorf("%v", c)
			}
			if !strings.Contains(a.text, "cipp_create_tap has no effect here") || !strings.Contains(a.text, "legacy MFA") {
				w.t.Errorf("%s", a.text)
			}
			free, _ := w.must("cipp_get_tenant_details", in(pinecrest, "sections", "capabilities")).v["capabilities"].(map[string]any)
			if free["securityDefaults"] != true || free["conditionalAccessMfaPolicies"] != nil {
				w.t.Errorf("%v", free)
			}
		},
		fails: func(w *world) {
			w.blocked("Temporary Access Pass", "cipp_create_tap", in(harbourline, "userId", dana))
		},
	},
	"T6": {
		what: "a manager and a delegate are users of the same tenant", tool: "cipp_edit_user", changes: []string{"/manager"},
		does: func(w *world) { w.done("cipp_edit_user", in(harbourline, "userId", dana, "manager", priya)) },
		fails: func(w *world) {
			w.invalid("there is no user", "cipp_edit_user", in(harbourline, "userId", dana, "manager", celia))
			w.invalid("no user or mail-enabled security group", "cipp_set_mailbox_permissions", in(harbourline, "userId", dana, "add", "fullAccess:"+celia))
		},
	},
	"F3": {
		what: "the operator's limits can be read and not changed: access, tools, approvals, guards, profiles", tool: "cipp_get_tenant_details", at: described,
		does: func(w *world) {
			a := w.must("cipp_get_tenant_details", in(harbourline, "sections", "myPermissions"))
			p, _ := a.v["myPermissions"].(map[string]any)
			for key, part := range map[string]string{"write": "yes", "approval": "critical: operator", "limits": "25 users", "break-glass": "1 account", "profiles": "crew, office", "tools": "59", "tools on": "cipp_offboard_user", "deleting for good": "denied", "external forwarding": "denied"} {
				if s, _ := p[key].(string); !strings.Contains(s, part) {
					w.t.Errorf("%s is %q, expected %q", key, s, part)
				}
			}
		},
		fails: func(w *world) {
			w.blocked("break-glass", "cipp_disable_user", in(harbourline, "userId", "emergency@harbourlinefreight.onmicrosoft.com"))
		},
	},
	"L6": {
		what: "one user in one place: every section at once, within the room of an answer", tool: "cipp_get_user", at: described,
		does: func(w *world) {
			a := w.shows(dana, []string{"all"}, "administrativeUnits/"+unit, "eligible", "cost centre 12", "detection", "mailbox", "HBL-LT-0417", "sign-in 2026")
			for _, s := range []string{"summary", "attributes", "manager", "licenses", "groups", "roles", "mfa", "signIns", "risk", "devices", "mailbox", "sites"} {
				if a.v[s] == nil {
					w.t.Errorf("no %s; not read: %v", s, a.v["unavailable"])
				}
			}
			attributes, _ := a.v["attributes"].(map[string]any)
			if attributes["employeeLeaveDateTime"] == nil || attributes["onPremisesExtensionAttributes"] == nil || len(a.text) > 40_000 {
				w.t.Errorf("%v, %d bytes", attributes, len(a.text))
			}
			w.shows(dana, []string{"profiles"}, "profile «office»: part; missing license VISIOCLIENT", "profile «crew»: part; missing group Nobody Is In This, mailbox fullAccess:quotes@"+harbourline)
		},
		fails: func(w *world) {
			w.refused("user_not_found", "cipp_get_user", in(harbourline, "userId", "nobody@"+harbourline, "sections", "all"))
		},
	},
	"L7": {
		what: "what one usually wants to know of a user, and what can be done with it here", tool: "cipp_get_user",
		world: worldOptions{config: "tools: {preset: all, remove: [cipp_offboard_user]}\n"},
		does: func(w *world) {
			actions := func(who string) string {
				s, _ := w.shows(who, nil).v["summary"].(map[string]any)
				return strings.Join(texts(s["availableActions"]), " ")
			}
			if a := actions(dana); !strings.Contains(a, "cipp_disable_user") || strings.Contains(a, "cipp_enable_user") || strings.Contains(a, "cipp_offboard_user") {
				w.t.Errorf("%s", a)
			}
			if a := actions(stefan); !strings.Contains(a, "cipp_enable_user") {
				w.t.Errorf("%s", a)
			}
			if a := actions(ingrid); strings.Contains(a, "cipp_reset_password") {
				w.t.Errorf("a synchronised user: %s", a)
			}
		},
		fails: func(w *world) { w.invalid("userId", "cipp_get_user", in(harbourline)) },
	},
	"L8": {
		what: "tags and risk level of a user, and that its sign-in is blocked", tool: "cipp_get_user", at: described,
		does: func(w *world) {
			w.shows(dana, nil, "VIP", "Port of Hull", "risk level: medium")
			w.shows(stefan, nil, "sign-in blocked", "BLOCKED", "risk level: none")
			w.shows(admin, nil, "administrator")
			if a := w.must("cipp_get_user", in(pinecrest, "userId", agnes)); !strings.Contains(a.text, "risk level: not licensed") {
				w.t.Errorf("%s", a.text)
			}
		},
		fails: func(w *world) {
			w.refused("user_not_found", "cipp_get_user", in(harbourline, "userId", celia))
		},
	},
	"L10": {
		what: "a user is named by id or sign-in name, and both come back", tool: "cipp_get_user",
		does: func(w *world) {
			id := w.shows(dana, nil).v["id"]
			a := w.must("cipp_get_user", in(harbourline, "userId", id))
			b := w.must("cipp_get_user", in(harbourline, "upn", strings.ToUpper(dana)))
			if a.v["userPrincipalName"] != dana || b.v["id"] != id {
				w.t.Errorf("%v %v", a.v, b.v)
			}
		},
		fails: func(w *world) { w.refused("user_not_found", "cipp_get_user", in(harbourline, "userId", "Dana")) },
	},
	"W10": {
		what: "id and sign-in name lead to the same user in every tool", tool: "cipp_list_user_groups",
		does: func(w *world) {
			id := w.shows(dana, nil).v["id"]
			for _, tool := range []string{"cipp_list_user_groups", "cipp_list_user_devices", "cipp_list_user_signin_logs", "cipp_get_user"} {
				if a, b := w.must(tool, in(harbourline, "userId", id)), w.must(tool, in(harbourline, "username", dana)); a.text != b.text {
					w.t.Errorf("%s differs:\n%s\n%s", tool, a.text, b.text)
				}
			}
		},
		fails: func(w *world) {
			w.invalid("same argument", "cipp_list_user_groups", in(harbourline, "userId", dana, "upn", priya))
		},
	},
	"L11": {
		what: "a user's groups with their kind and what matters before leaving them", tool: "cipp_list_user_groups",
		does: func(w *world) {
			a := w.must("cipp_list_user_groups", in(harbourline, "userId", gareth))
			for _, flag := range []string{"grantsLicenses", "security"} {
				if !strings.Contains(a.text, flag) {
					w.t.Errorf("no %s in %s", flag, a.text)
				}
			}
		},
		fails: func(w *world) {
			w.refused("user_not_found", "cipp_list_user_groups", in(harbourline, "userId", "nobody@"+harbourline))
		},
	},
	"L12": {
		what: "a user's devices of all services as one list", tool: "cipp_list_user_devices",
		does: func(w *world) {
			a := w.must("cipp_list_user_devices", in(harbourline, "userId", dana))
			d := a.row(w.t, "devices", "name", "HBL-LT-0417")
			if s := strings.Join(texts(d["sources"]), " "); !strings.Contains(s, "intune") || !strings.Contains(s, "registered") && !strings.Contains(s, "owned") || d["compliance"] == nil || d["detail"] != nil {
				w.t.Errorf("%v", d)
			}
		},
		fails: func(w *world) {
			a := w.must("cipp_list_user_devices", in(pinecrest, "userId", agnes))
			if m := a.list("unavailable"); len(m) != 1 || m[0]["section"] != "intune" {
				w.t.Errorf("a tenant without Intune: %s", a.text)
			}
		},
	},
	"L13": {
		what: "one device in detail", tool: "cipp_list_user_devices",
		does: func(w *world) {
			a := w.must("cipp_list_user_devices", in(harbourline, "userId", dana, "deviceId", "hbl-lt-0417"))
			d := a.row(w.t, "devices", "name", "HBL-LT-0417")
			detail, _ := d["detail"].(map[string]any)
			if len(a.list("devices")) != 1 || detail["managedDeviceId"] == nil || detail["primaryUser"] != dana || d["serialNumber"] == nil {
				w.t.Errorf("%v", d)
			}
		},
		fails: func(w *world) {
			w.refused("not_found", "cipp_list_user_devices", in(harbourline, "userId", dana, "deviceId", "HBL-LT-0101"))
		},
	},
	"V1": {
		what: "the devices of a user among all else that is known of the user", tool: "cipp_get_user",
		does: func(w *world) { w.shows(dana, []string{"devices"}, "HBL-LT-0417", "Dana's iPhone", "company") },
		fails: func(w *world) {
			a := w.must("cipp_get_user", in(pinecrest, "userId", agnes, "sections", "devices"))
			if m := a.list("unavailable"); len(m) != 1 || m[0]["section"] != "devices" {
				w.t.Errorf("%s", a.text)
			}
		},
	},
	"V3": {
		what: "which devices belong to the company and come back from a leaver", tool: "cipp_list_user_devices",
		at: func(t *testing.T) worldOptions {
			return story(t, func(g, _ m) {
				find(t, g["managedDevices"], "deviceName", "Dana's iPhone")["managedDeviceOwnerType"] = "personal"
			})
		},
		does: func(w *world) {
			a := w.must("cipp_list_user_devices", in(harbourline, "userId", dana))
			if r := texts(a.v["toReturn"]); len(r) != 1 || r[0] != "HBL-LT-0417" || !strings.Contains(a.text, "to be returned") {
				w.t.Errorf("%v: %s", r, a.text)
			}
		},
		fails: func(w *world) {
			if a := w.must("cipp_list_user_devices", in(harbourline, "userId", priya)); len(texts(a.v["toReturn"])) != 0 {
				w.t.Errorf("%s", a.text)
			}
		},
	},
	"L14": {
		what: "a user's risk: counts of the last days by category, sign-ins normal and risky, and each detection", tool: "cipp_get_user", at: described,
		does: func(w *world) {
			r, _ := w.shows(dana, []string{"risk"}, "network 2, configuration 1, endpoint 1, identity access 1, other 1", "leakedCredentials").v["risk"].(map[string]any)
			if d, _ := r["detections"].([]any); len(d) != 6 || r["riskLevel"] != "medium" || r["normalSignIns"] == nil {
				w.t.Errorf("%v", r)
			}
			w.shows(priya, []string{"risk"}, "risk none", "network 0")
		},
		fails: func(w *world) {
			a := w.must("cipp_get_user", in(pinecrest, "userId", agnes, "sections", "risk"))
			if m := a.list("unavailable"); len(m) != 1 || !strings.Contains(a.text, "not licensed") {
				w.t.Errorf("%s", a.text)
			}
		},
	},
	"F5": {
		what: "risk and tags of a user together", tool: "cipp_get_user", at: described,
		does: func(w *world) { w.shows(dana, []string{"summary", "risk"}, "VIP", "risk level: medium", "detection") },
		fails: func(w *world) {
			w.invalid("must be one of", "cipp_get_user", in(harbourline, "userId", dana, "sections", []string{"tags"}))
		},
	},
	"L15": {
		what: "a user's sign-ins, with the reason of each failure in words", tool: "cipp_list_user_signin_logs",
		does: func(w *world) {
			a := w.must("cipp_list_user_signin_logs", in(brightwell, "userId", celia, "days", 30, "limit", 100))
			if !strings.Contains(a.text, "wrong user name or password (50126)") || !strings.Contains(a.text, "MFA was asked for and not passed (50074)") || strings.Contains(a.text, "joan.pryce") {
				w.t.Errorf("%s", a.text)
			}
			all, got := len(a.list("signIns")), 0
			for args := in(brightwell, "userId", celia, "days", 30, "limit", 5); ; {
				p := w.must("cipp_list_user_signin_logs", args)
				got += len(p.list("signIns"))
				if p.v["hasMore"] != true {
					break
				}
				args["cursor"] = p.v["cursor"]
			}
			if got != all || all < 6 {
				w.t.Errorf("%d rows page by page, %d at once", got, all)
			}
		},
		fails: func(w *world) {
			a := w.must("cipp_list_user_signin_logs", in(pinecrest, "userId", agnes))
			if a.v["logRead"] != false || !strings.Contains(a.text, "Entra ID P1") {
				w.t.Errorf("%s", a.text)
			}
			w.must("cipp_list_user_signin_logs", in(pinecrest, "userId", agnes, "format", "csv"))
			w.invalid("at most 30", "cipp_list_user_signin_logs", in(harbourline, "userId", dana, "days", 90))
		},
	},
	"L16": {
		what: "all that was done to a user, by Entra's log, this server's own and the unified audit log, each row with its source; what the last takes long for is a job that only reads", tool: "cipp_list_audit_logs", changes: []string{"/jobTitle", "/accountEnabled", "/auditLogQueries/"},
		does: func(w *world) {
			w.done("cipp_edit_user", in(harbourline, "userId", dana, "jobTitle", "Clerk"))
			w.done("cipp_disable_user", in(harbourline, "userId", dana))
			a := w.must("cipp_list_audit_logs", in(harbourline, "userId", dana, "limit", 100))
			sources := map[any]bool{}
			for _, r := range a.list("rows") {
				sources[r["source"]] = true
			}
			if !sources["entra"] || !sources["cipp-mcp"] {
				w.t.Errorf("%s", a.text)
			}
			a = w.must("cipp_list_audit_logs", in(harbourline, "userId", dana, "type", "signInState"))
			if len(a.list("rows")) < 2 || strings.Contains(a.text, "cipp_edit_user") || !strings.Contains(a.text, "cipp_disable_user") {
				w.t.Errorf("%s", a.text)
			}
			a = w.must("cipp_list_audit_logs", in(brightwell, "userId", celia, "type", "mailbox", "source", "ual", "limit", 100))
			if !strings.Contains(a.text, "New-InboxRule") || strings.Contains(a.text, "UserLoggedIn") {
				w.t.Errorf("%s", a.text)
			}
			w.faults(noSearch()) // Purview's query then, and the job that keeps what it found
			a = w.must("cipp_list_audit_logs", in(brightwell, "userId", celia, "type", "mailbox", "source", "ual", "limit", 50))
			if j := w.must("cipp_get_job", m{"jobId": a.v["jobId"], "limit": 50}); len(a.list("rows")) != 50 || j.v["status"] != "done" || !strings.Contains(j.text, "MoveToDeletedItems") {
				w.t.Errorf("%s\n%s", a.text, j.text)
			}
			if a = w.must("cipp_list_audit_logs", in(brightwell, "userId", celia, "type", "mfa", "source", "entra")); !strings.Contains(a.text, "security info") {
				w.t.Errorf("%s", a.text)
			}
		},
		fails: func(w *world) {
			w.invalid("source=", "cipp_list_audit_logs", in(harbourline, "userId", dana, "type", "mailbox"))
			w.invalid("must be one of", "cipp_list_audit_logs", in(harbourline, "type", "everything"))
			w.invalid("where license stands", "cipp_list_audit_logs", in(harbourline, "source", "ual", "type", "license"))
		},
	},
	"L17": licenceHistory("the changes of a user's licences"),
	"K9":  licenceHistory("the history of a user's licences: what was given and taken, by whom"),
}

// licenceHistory proves that a user's licences and no other changes are found, whoever made them.
func licenceHistory(what string) capability {
	return capability{
		what: what, tool: "cipp_list_audit_logs", changes: []string{"/assignedLicenses", "/licenseAssignmentStates", "consumedUnits", "/jobTitle"},
		does: func(w *world) {
			w.done("cipp_edit_user", in(harbourline, "userId", stefan, "jobTitle", "Clerk", "usageLocation", "GB"))
			w.done("cipp_manage_user_licenses", in(harbourline, "userId", stefan, "addLicenseSkuIds", []string{"VISIOCLIENT"}))
			a := w.must("cipp_list_audit_logs", in(harbourline, "userId", stefan, "type", "license"))
			sources := map[any]bool{}
			for _, r := range a.list("rows") {
				sources[r["source"]] = true
			}
			if !sources["entra"] || !sources["cipp-mcp"] || strings.Contains(a.text, "cipp_edit_user") || !strings.Contains(a.text, "license") {
				w.t.Errorf("%s", a.text)
			}
		},
		fails: func(w *world) {
			if a := w.must("cipp_list_audit_logs", in(harbourline, "userId", priya, "type", "license")); len(a.list("rows")) != 0 {
				w.t.Errorf("%s", a.text)
			}
		},
	}
}
