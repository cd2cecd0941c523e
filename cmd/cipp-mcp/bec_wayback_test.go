package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cipp-mcp/sandbox/builtin"
)

// retold is the built-in story with changes to the tenant of the compromised account; its sandbox file is the answer.
func retold(t *testing.T, change func(tenant, victim m)) string {
	t.Helper()
	var s m
	if err := json.Unmarshal(builtin.State, &s); err != nil {
		t.Fatal(err)
	}
	for _, v := range s["tenants"].([]any) {
		if tenant := v.(m); tenant["defaultDomain"] == "brightwell.example" {
			change(tenant, userOf(t, tenant["graph"].(m), demoVictim))
		}
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "story.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// planOf are the steps of the case's plan by their actions.
func planOf(w *world, caseID any) map[string][]m {
	w.t.Helper()
	plan, _ := w.must("cipp_bec_check", in("brightwell.example", "userId", demoVictim, "caseId", caseID, "section", "plan")).v["plan"].(m)
	steps, _ := plan["steps"].([]any)
	out := map[string][]m{}
	for _, s := range steps {
		o, _ := s.(m)
		out[o["action"].(string)] = append(out[o["action"].(string)], o)
	}
	return out
}

func victimOf(w *world) m {
	w.t.Helper()
	var cloud struct {
		Tenants []m `json:"tenants"`
	}
	if err := json.Unmarshal(w.state(), &cloud); err != nil {
		w.t.Fatal(err)
	}
	for _, tenant := range cloud.Tenants {
		if tenant["defaultDomain"] == "brightwell.example" {
			return userOf(w.t, tenant["graph"].(m), demoVictim)
		}
	}
	w.t.Fatal("no victim")
	return nil
}

// The way back is nobody's default, is refused while the attacker could come in again, and then hands over a pass that
// nobody sees, and opens the account.
func TestTheWayBackForTheUser(t *testing.T) {
	w := newWorld(t, worldOptions{})
	caseID := investigated(w).v["caseId"]
	respond := func(ids ...string) answer {
		args := in("brightwell.example", "userId", demoVictim, "caseId", caseID)
		if len(ids) > 0 {
			args["steps"] = ids
		}
		return w.must("cipp_bec_remediate", args)
	}
	plan := planOf(w, caseID)
	if len(plan["issueAccessPass"]) != 1 || len(plan["allowSignIn"]) != 1 || len(plan["blockSignIn"]) != 1 {
		t.Fatalf("%v", plan)
	}
	id := func(action string) string { return planOf(w, caseID)[action][0]["id"].(string) }
	if a := w.must("cipp_bec_remediate", in("brightwell.example", "userId", demoVictim, "caseId", caseID, "steps", []string{id("blockSignIn")})); victimOf(w)["accountEnabled"] != false {
		t.Fatal(a.text)
	}
	before := w.state()
	if a := respond(id("allowSignIn")); a.v["status"] != "blocked" || !strings.Contains(a.text, "lets the attacker in again") {
		t.Errorf("%s", a.text)
	}
	w.unharmed(before)
	if a := respond(id("resetPassword"), id("issueAccessPass")); a.v["status"] != "blocked" {
		t.Errorf("a pass and a password of one response: %s", a.text)
	}
	a := respond()
	if a.v["outcome"] != "contained" || victimOf(w)["accountEnabled"] != false {
		t.Fatalf("%s", a.text)
	}
	for _, s := range a.list("steps") {
		if s["action"] == "issueAccessPass" || s["action"] == "allowSignIn" {
			t.Errorf("%v was done unasked", s["action"])
		}
	}
	w.later(time.Hour)
	w.must("cipp_bec_check", in("brightwell.example", "userId", demoVictim, "caseId", caseID))
	a = respond(id("issueAccessPass"))
	if a.v["status"] != "done" || a.v["outcome"] != nil {
		t.Fatalf("%s\n%v", a.text, a.v)
	}
	secrets := a.list("secrets")
	if len(secrets) != 1 {
		t.Fatalf("%v", a.v)
	}
	pass := w.reveal(secrets[0]["handle"].(string))
	if b, _ := json.Marshal(a.v); pass == "" || strings.Contains(string(b), pass) || strings.Contains(a.text, pass) {
		t.Error("the pass is not where it belongs")
	}
	a = respond(id("allowSignIn"))
	if a.v["status"] != "done" || victimOf(w)["accountEnabled"] != true {
		t.Fatalf("%s", a.text)
	}
	// What this product did itself comes back as nobody's act.
	w.later(time.Hour)
	after := w.must("cipp_bec_check", in("brightwell.example", "userId", demoVictim, "caseId", caseID))
	if classes := classesOf(after); classes["AUTH_TAP_ISSUED"] != "" || after.v["state"] != "contained" {
		t.Errorf("%v %v\n%s", after.v["state"], classes, after.text)
	}
}

// Of a synchronised user a person does what the local directory masters; what Microsoft shows then is the proof.
func TestASynchronisedUserIsAnsweredForByHand(t *testing.T) {
	w := newWorld(t, worldOptions{flags: cloudFlags{sandbox: retold(t, func(_, victim m) { victim["onPremisesSyncEnabled"] = true })}})
	caseID := investigated(w).v["caseId"]
	plan := planOf(w, caseID)
	for action, words := range map[string]string{"blockSignIn": "Disable-ADAccount", "resetPassword": "Set-ADAccountPassword", "allowSignIn": "Enable-ADAccount"} {
		if s := plan[action][0]; s["status"] != "manual_required" || !strings.Contains(s["reason"].(string), words) || !strings.Contains(s["reason"].(string), "Start-ADSyncSyncCycle") {
			t.Errorf("%v", s)
		}
	}
	a := w.must("cipp_bec_remediate", in("brightwell.example", "userId", demoVictim, "caseId", caseID))
	left := func(a answer) (out []string) {
		for _, r := range a.list("remaining") {
			out = append(out, r["action"].(string))
		}
		return out
	}
	if a.v["outcome"] != "partially_contained" || !slices.Contains(left(a), "resetPassword") || !slices.Contains(left(a), "blockSignIn") {
		t.Fatalf("%s\n%v", a.text, left(a))
	}
}

// A link deep in the OneDrive is closed by its id; what others have, there and on a file of the same name, stays.
func TestADeepLinkIsClosed(t *testing.T) {
	w := newWorld(t, worldOptions{flags: cloudFlags{sandbox: retold(t, func(tenant, victim m) {
		drive := victim["drive"].(m)
		items := drive["items"].([]any)
		file := items[0].(m)
		b, _ := json.Marshal(file)
		var same m
		_ = json.Unmarshal(b, &same)
		same["id"] = "01OTHERFILE"
		same["permissions"] = []any{m{"id": "link-old", "roles": []any{"read"}, "link": m{"scope": "anonymous", "type": "view", "webUrl": "https://x.example/old"}}}
		file["parentReference"] = m{"id": "f2"}
		drive["items"] = append(items, same, m{"id": "f1", "name": "Finance", "folder": m{"childCount": 1}}, m{"id": "f2", "name": "2026", "folder": m{"childCount": 1}, "parentReference": m{"id": "f1"}})
		for _, r := range tenant["exchange"].(m)["unifiedAuditLog"].([]any) {
			if d, _ := r.(m)["AuditData"].(m); d["Operation"] == "AnonymousLinkCreated" {
				d["ObjectId"] = strings.Replace(d["ObjectId"].(string), "/Documents/", "/Documents/Finance/2026/", 1)
			}
		}
	})}})
	caseID := investigated(w).v["caseId"]
	links := planOf(w, caseID)["removeSharingLink"]
	if len(links) != 1 || links[0]["targetId"] != "01BWJ4QXPAYMENTRUN|link-7d1f" {
		t.Fatalf("%v", links)
	}
	w.must("cipp_bec_remediate", in("brightwell.example", "userId", demoVictim, "caseId", caseID))
	b, _ := json.Marshal(victimOf(w)["drive"])
	for id, want := range map[string]bool{"link-7d1f": false, "user-3b02": true, "link-old": true} {
		if strings.Contains(string(b), id) != want {
			t.Errorf("%s is there: %v", id, !want)
		}
	}
}
