package main

import (
	"slices"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
)

const (
	victimTenant = "brightwell.example"
	noSuchCase   = "case_20260101_aaaaaaaa"
)

// becCapabilities are the rows about compromised accounts.
var becCapabilities = map[string]capability{
	"S1": {
		what: "investigates a possibly compromised account: verdict, coverage, findings, timeline, plan", tool: "cipp_bec_check",
		does: func(w *world) {
			a := investigated(w)
			if a.v["verdict"] != "confirmed" || len(a.list("coverage")) == 0 || a.v["caseId"] == nil {
				w.t.Errorf("%s", a.text)
			}
		},
		fails: func(w *world) {
			w.refused("user_not_found", "cipp_bec_check", in(victimTenant, "userId", "nobody@"+victimTenant))
			w.refused("one_tenant_only", "cipp_bec_check", in("allTenants", "userId", demoVictim))
		},
	},
	"S2": {
		what: "the investigation tells strange places, changed methods, forwarding, hidden rules and consents", tool: "cipp_bec_check",
		does: func(w *world) {
			found := classesOf(investigated(w))
			for _, c := range []string{"SIGNIN_NEW_LOCATION", "AUTH_METHOD_ADDED", "MAILBOX_FORWARDING", "RULE_HIDDEN", "OAUTH_USER_GRANT_RISKY"} {
				if found[c] == "" {
					w.t.Errorf("no %s: %v", c, found)
				}
			}
		},
		fails: func(w *world) {
			w.invalid("section", "cipp_bec_check", in(victimTenant, "userId", demoVictim, "section", "everything"))
		},
	},
	"S3": {
		what: "keeps the evidence with its hashes before anything is changed; a response needs the case", tool: "cipp_bec_remediate",
		does: func(w *world) {
			caseID := investigated(w).v["caseId"].(string)
			k, err := w.env.Cases.Store.Get(caseID)
			if err != nil {
				w.t.Fatal(err)
			}
			m, err := k.Manifest(w.sandbox.Now(), "test")
			if err != nil || len(m.Readings) != 1 || len(m.Readings[0].Sources) < 30 || m.Readings[0].Sources[0].SHA256 == "" {
				w.t.Errorf("%+v %v", m, err)
			}
			a := w.must("cipp_bec_remediate", in(victimTenant, "userId", demoVictim, "caseId", caseID, "dryRun", true))
			if s := a.list("steps"); len(s) == 0 || s[0]["action"] != "snapshot" {
				w.t.Errorf("%s", a.text)
			}
		},
		fails: func(w *world) {
			w.refused("case_not_found", "cipp_bec_remediate", in(victimTenant, "userId", demoVictim, "caseId", noSuchCase))
			w.refused("invalid_argument", "cipp_bec_remediate", in(victimTenant, "userId", demoVictim))
		},
	},
	"S19": {
		what: "contains a compromise in a fixed order, each thing by its id, and reads each back", tool: "cipp_bec_remediate",
		does: func(w *world) {
			caseID := investigated(w).v["caseId"]
			a := w.must("cipp_bec_remediate", in(victimTenant, "userId", demoVictim, "caseId", caseID))
			if a.v["outcome"] != "contained" {
				w.t.Errorf("%s", a.text)
			}
			first := map[any]int{} // where each action begins
			for i, step := range a.list("steps") {
				if _, was := first[step["action"]]; !was {
					first[step["action"]] = i + 1
				}
			}
			for i, before := range []string{"snapshot", "revokeSessions", "resetPassword", "removeMethod"} {
				after := []string{"revokeSessions", "resetPassword", "removeMethod", "disableRule"}[i]
				if first[before] == 0 || first[after] == 0 || first[before] > first[after] {
					w.t.Errorf("%s is step %d, %s step %d: %v", before, first[before], after, first[after], first)
				}
			}
		},
		changes: []string{"accountEnabled", "signInSessionsValidFromDateTime", "lastPasswordChangeDateTime", "password", "authentication", "InboxRules", "Forwarding", "DeliverToMailboxAndForward",
			"JunkEmail", "LitigationHold", "MailboxPermissions", "MobileDevices", "WhenChanged", "appRoleAssignments", "oauth2PermissionGrants", "drive/items"},
		fails: func(w *world) {
			w.refused("case_not_found", "cipp_bec_remediate", in(victimTenant, "userId", demoVictim, "caseId", noSuchCase))
		},
	},
	"W3": {
		what: "the prompt bec_response leads from the check through the plan to the response", tool: "cipp_bec_check",
		does: func(w *world) {
			r := mcp.GetPromptRequest{}
			r.Params.Name, r.Params.Arguments = "bec_response", map[string]string{"tenantFilter": victimTenant, "userId": demoVictim}
			p, err := w.client.GetPrompt(w.t.Context(), r)
			if err != nil {
				w.t.Fatal(err)
			}
			text, _ := mcp.AsTextContent(p.Messages[0].Content)
			check, respond := strings.Index(text.Text, "cipp_bec_check"), strings.Index(text.Text, "cipp_bec_remediate")
			if check < 0 || respond < check {
				w.t.Errorf("%s", text.Text)
			}
			a := investigated(w)
			if !slices.ContainsFunc(a.list("next"), func(n map[string]any) bool { return n["tool"] == "cipp_bec_remediate" }) {
				w.t.Errorf("%v", a.v["next"])
			}
		},
		sure: "a prompt is text",
	},
	"W7": {
		what: "a block warns while a case is open whose evidence is not kept yet", tool: "cipp_disable_user",
		does: func(w *world) {
			plan := func() string {
				return w.must("cipp_disable_user", in(victimTenant, "userId", demoVictim, "dryRun", true)).text
			}
			const words = "the state of the account is not kept yet"
			if t := plan(); strings.Contains(t, words) {
				w.t.Errorf("without a case: %s", t)
			}
			tenant, err := w.env.Graph.ResolveTenant(w.t.Context(), victimTenant)
			if err != nil {
				w.t.Fatal(err)
			}
			u, err := w.env.Graph.User(w.t.Context(), tenant.ID, demoVictim, "id")
			if err != nil {
				w.t.Fatal(err)
			}
			if _, err := w.env.Cases.Store.New(casefile.Head{TenantID: tenant.ID, Tenant: victimTenant, User: bec.User{ID: u.ID, UserPrincipalName: demoVictim}, Opened: w.sandbox.Now().Add(-time.Minute)}); err != nil {
				w.t.Fatal(err)
			}
			if t := plan(); !strings.Contains(t, words) {
				w.t.Errorf("with a case: %s", t)
			}
			investigated(w)
			if t := plan(); strings.Contains(t, words) {
				w.t.Errorf("with its evidence kept: %s", t)
			}
		},
		sure: "it only warns; the block itself is the row of cipp_disable_user",
	},
}
