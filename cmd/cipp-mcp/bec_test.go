package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows/bec/casefile"
)

func investigated(w *world) answer {
	w.t.Helper()
	return w.must("cipp_bec_check", in("brightwell.example", "userId", demoVictim))
}

func classesOf(a answer) map[string]string {
	out := map[string]string{}
	for _, f := range a.list("findings") {
		c, _ := f["class"].(string)
		out[c], _ = f["severity"].(string)
	}
	return out
}

func TestBECCheckFindsTheCompromise(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	a := investigated(w)
	if a.v["verdict"] != "confirmed" || a.v["incidentType"] != "account_takeover" || a.v["state"] != "active" {
		t.Errorf("%s", a.text)
	}
	classes := classesOf(a)
	for _, c := range []string{"RULE_HIDDEN", "MAILBOX_FORWARDING", "AUTH_METHOD_ADDED", "OAUTH_USER_GRANT_RISKY", "DELEGATE_ADDED", "MAIL_SENT_BY_ATTACKER"} {
		if classes[c] == "" {
			t.Errorf("%s was not found: %v", c, classes)
		}
	}
	if len(a.text)/4 > 1500 {
		t.Errorf("%d tokens", len(a.text)/4)
	}
	w.unharmed(before)
}

func TestBECCheckSaysWhatItCouldNotRead(t *testing.T) {
	w := newWorld(t, worldOptions{})
	a := w.must("cipp_bec_check", in("pinecrest-bakery.example", "userId", "bilal.khan@pinecrest-bakery.example"))
	reason := map[string]any{}
	for _, c := range a.list("coverage") {
		reason[c["source"].(string)] = c["reason"]
	}
	if reason["signInsInteractive"] != "licence" || a.v["verdict"] == "no_evidence_found" {
		t.Errorf("%v\n%s", reason, a.text)
	}
	for _, word := range []string{"clean", "is safe", "no compromise"} {
		if strings.Contains(strings.ToLower(a.text), word) {
			t.Errorf("it says %q: %s", word, a.text)
		}
	}
}

// Sections read the same case and change nothing in it.
func TestACaseIsReadOnInSections(t *testing.T) {
	w := newWorld(t, worldOptions{})
	first := investigated(w)
	caseID := first.v["caseId"]
	seen, cursor := 0, ""
	for {
		args := in("brightwell.example", "userId", demoVictim, "caseId", caseID, "section", "timeline")
		if cursor != "" {
			args["cursor"] = cursor
		}
		a := w.must("cipp_bec_check", args)
		timeline, _ := a.v["timeline"].(map[string]any)
		events, _ := timeline["events"].([]any)
		seen += len(events)
		if cursor, _ = a.v["cursor"].(string); cursor == "" {
			break
		}
	}
	counts, _ := first.v["counts"].(map[string]any)
	if want := int(counts["events"].(float64)); seen != want || want == 0 {
		t.Errorf("%d events were shown, %d counted", seen, want)
	}
	id, _ := first.list("findings")[0]["id"].(string)
	one := w.must("cipp_bec_check", in("brightwell.example", "userId", demoVictim, "caseId", caseID, "section", "finding:"+id))
	if f := one.list("findings"); len(f) != 1 || f[0]["id"] != id {
		t.Errorf("%v", f)
	}
	w.refused("invalid_argument", "cipp_bec_check", in("brightwell.example", "userId", demoVictim, "section", "everything"))
	w.refused("case_not_found", "cipp_bec_check", in("brightwell.example", "userId", demoVictim, "caseId", "case_20260101_aaaaaaaa"))
	w.refused("case_not_found", "cipp_bec_check", in(harbourline, "userId", priya, "caseId", caseID))
}

func TestACaseLeavesAReport(t *testing.T) {
	w := newWorld(t, worldOptions{})
	caseID, _ := investigated(w).v["caseId"].(string)
	for part, want := range map[string]string{"report": "## Coverage", "report.html": "<svg", "manifest.json": "\"sha256\""} {
		r := mcp.ReadResourceRequest{}
		r.Params.URI = "cipp://cases/" + caseID + "/" + part
		res, err := w.client.ReadResource(t.Context(), r)
		if err != nil {
			t.Fatalf("%s: %v", part, err)
		}
		text, _ := mcp.AsTextResourceContents(res.Contents[0])
		if text == nil || !strings.Contains(text.Text, want) {
			t.Errorf("%s holds no %s", part, want)
		}
		if part == "report.html" && (strings.Contains(text.Text, "<script") || strings.Contains(text.Text, "href=") || strings.Contains(text.Text, "src=")) {
			t.Error("the page reaches for something, or acts")
		}
	}
}

func TestABundleIsSealed(t *testing.T) {
	w := newWorld(t, worldOptions{})
	caseID, _ := investigated(w).v["caseId"].(string)
	k, err := w.env.Cases.Store.Get(caseID)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "bundle")
	if err := k.Export(out, time.Now(), "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(out, "reading-1", "inboxRules.jsonl")); err != nil {
		t.Error(err)
	}
	changed := filepath.Join(k.Dir(), "reading-1", "inboxRules.jsonl")
	b, err := os.ReadFile(changed)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(changed, append(b, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := k.Export(out+"2", time.Now(), "test"); err == nil {
		t.Error("changed evidence was exported as if it were what was read")
	}
}

// said is a person's answer about an event, signed by the operator.
func (w *world) said(caseID, event string, yes bool) {
	w.t.Helper()
	k, err := w.env.Cases.Store.Get(caseID)
	if err != nil {
		w.t.Fatal(err)
	}
	a := casefile.Attestation{Event: event, Yes: yes, By: policy.Operator, At: w.sandbox.Now().UTC().Truncate(time.Second)}
	if a.Proof, err = w.env.Secrets.Sign(operator, a.Message(caseID)); err != nil {
		w.t.Fatal(err)
	}
	if err := k.Attest(a); err != nil {
		w.t.Fatal(err)
	}
}

// later moves the clock, and waits for the readings that are due by then.
func (w *world) later(d time.Duration) {
	w.t.Helper()
	w.sandbox.Advance(d)
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	all, err := w.env.Policy.Ledger.Jobs(ctx, "", "", 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range all {
		if !r.Reads() || r.NotBefore.After(w.sandbox.Now()) {
			continue
		}
		if j, err := w.env.Policy.Ledger.Wait(ctx, r.Run.ID, nil); err != nil || j.State != jobs.RunDone {
			w.t.Fatalf("a reading ended as %s: %v", j.State, err)
		}
	}
}

// The response takes away what is the attacker's, by its id and in its order, and a later reading says that it held.
func TestTheResponseContains(t *testing.T) {
	w := newWorld(t, worldOptions{})
	caseID, _ := investigated(w).v["caseId"].(string)
	args := in("brightwell.example", "userId", demoVictim, "caseId", caseID)
	dry := w.must("cipp_bec_remediate", in("brightwell.example", "userId", demoVictim, "caseId", caseID, "dryRun", true))
	if dry.v["status"] != "planned" || dry.v["caseId"] != caseID || len(dry.list("steps")) == 0 {
		t.Fatalf("%s\n%v", dry.text, dry.v)
	}
	a := w.must("cipp_bec_remediate", args)
	if a.v["outcome"] != "contained" || a.v["status"] != "done" {
		t.Fatalf("%s\n%v", a.text, a.v["remaining"])
	}
	var order []string
	for _, s := range a.list("steps") {
		order = append(order, s["action"].(string))
		if s["status"] == "done" && s["verified"] != true {
			t.Errorf("%v", s)
		}
	}
	if i, j, k := slices.Index(order, "revokeSessions"), slices.Index(order, "resetPassword"), slices.Index(order, "removeMethod"); i < 0 || j < i || k < j || order[len(order)-1] != "revokeSessions" {
		t.Errorf("the order is %v", order)
	}
	w.later(time.Hour)
	after := w.must("cipp_bec_check", args)
	if after.v["state"] != "contained" || after.v["verifiedAt"] == nil {
		t.Errorf("state %v after the response\n%s", after.v["state"], after.text)
	}
}

// What the user says was his own stays his: an answer that the operator signed takes it out of the plan.
func TestAnAnswerTakesAThingOutOfThePlan(t *testing.T) {
	const number = "b6332ec1-7057-4abe-9331-3d72feddfe41"
	w := newWorld(t, worldOptions{})
	caseID, _ := investigated(w).v["caseId"].(string)
	planned := func() bool {
		plan, _ := w.must("cipp_bec_check", in("brightwell.example", "userId", demoVictim, "caseId", caseID, "section", "plan")).v["plan"].(map[string]any)
		steps, _ := plan["steps"].([]any)
		return slices.ContainsFunc(steps, func(s any) bool { o, _ := s.(map[string]any); return o["targetId"] == number })
	}
	if !planned() {
		t.Fatal("the method that was added in the attacker's time is not in the plan")
	}
	w.said(caseID, "authMethods/"+number, true)
	if planned() {
		t.Error("what the user says is hers is still in the plan")
	}
	w.must("cipp_bec_remediate", in("brightwell.example", "userId", demoVictim, "caseId", caseID))
	if !methodThere(w, number) {
		t.Error("what is the user's own was removed")
	}
}

// An answer that nobody signed counts for nothing.
func TestAnUnsignedAnswerDoesNotCount(t *testing.T) {
	w := newWorld(t, worldOptions{})
	caseID, _ := investigated(w).v["caseId"].(string)
	k, err := w.env.Cases.Store.Get(caseID)
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []string{policy.Operator, "client", "somebody"} {
		if err := k.Attest(casefile.Attestation{Event: "inboxRules/1", Yes: true, By: by, At: w.sandbox.Now(), Proof: "trust me"}); err != nil {
			t.Fatal(err)
		}
	}
	if a := investigated(w); a.v["verdict"] != "confirmed" {
		t.Errorf("%s", a.text)
	}
}

func methodThere(w *world, method string) bool {
	w.t.Helper()
	var cloud struct {
		Tenants []m `json:"tenants"`
	}
	if err := json.Unmarshal(w.state(), &cloud); err != nil {
		w.t.Fatal(err)
	}
	u := m{}
	for _, tenant := range cloud.Tenants {
		if tenant["defaultDomain"] == "brightwell.example" {
			u = userOf(w.t, tenant["graph"].(m), demoVictim)
		}
	}
	auth, _ := u["authentication"].(map[string]any)
	methods, _ := auth["methods"].([]any)
	return slices.ContainsFunc(methods, func(x any) bool { o, _ := x.(map[string]any); return o["id"] == method })
}

// A caught part of a plan says what it leaves open.
func TestAPartOfAResponseIsPartial(t *testing.T) {
	w := newWorld(t, worldOptions{})
	caseID := investigated(w).v["caseId"]
	plan, _ := w.must("cipp_bec_check", in("brightwell.example", "userId", demoVictim, "caseId", caseID, "section", "plan")).v["plan"].(map[string]any)
	steps, _ := plan["steps"].([]any)
	var id string
	for _, s := range steps {
		if o, _ := s.(map[string]any); o["action"] == "removeForwarding" {
			id, _ = o["id"].(string)
		}
	}
	a := w.must("cipp_bec_remediate", in("brightwell.example", "userId", demoVictim, "caseId", caseID, "steps", []string{id}))
	if a.v["outcome"] != "partially_contained" || len(a.list("remaining")) < 5 {
		t.Errorf("%s\n%v", a.text, a.v)
	}
	w.refused("invalid_argument", "cipp_bec_remediate", in("brightwell.example", "userId", demoVictim, "caseId", caseID, "steps", []string{"s99"}))
}

func TestForwardingIsStoppedAndARuleRemoved(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.done("cipp_set_email_forwarding", in("brightwell.example", "userId", demoVictim, "disable", true))
	a := w.must("cipp_bec_check", in("brightwell.example", "userId", demoVictim, "section", "plan"))
	plan, _ := a.v["plan"].(map[string]any)
	steps, _ := plan["steps"].([]any)
	for _, s := range steps {
		o, _ := s.(map[string]any)
		if o["action"] == "removeForwarding" {
			t.Errorf("what is stopped is to be stopped again: %v", o)
		}
		if o["action"] == "disableRule" {
			w.done("cipp_remove_inbox_rule", in("brightwell.example", "userId", demoVictim, "ruleId", o["targetId"]))
		}
	}
	w.refused("external_forwarding", "cipp_set_email_forwarding", in("brightwell.example", "userId", demoVictim, "forwardingAddress", "thief@mail-vault.example"))
}
