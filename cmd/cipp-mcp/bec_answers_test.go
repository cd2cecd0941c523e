package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"cipp-mcp/internal/mcpserver"
	"cipp-mcp/tools"
	"cipp-mcp/workflows/bec/casefile"
)

// witness is a person who knows what the user did.
type witness struct {
	forms  []mcp.ElicitationParams
	action mcp.ElicitationResponseAction
	says   func(field string) any
	away   bool
}

func (v *witness) Elicit(ctx context.Context, r mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	v.forms = append(v.forms, r.Params)
	if v.away {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	res := &mcp.ElicitationResult{ElicitationResponse: mcp.ElicitationResponse{Action: v.action}}
	content := map[string]any{}
	for f := range fieldsOf(r.Params) {
		if v.says != nil && v.says(f) != nil {
			content[f] = v.says(f)
		}
	}
	res.Content = content
	return res, nil
}

func fieldsOf(p mcp.ElicitationParams) map[string]any {
	b, _ := json.Marshal(p.RequestedSchema)
	var schema struct {
		Properties map[string]any `json:"properties"`
	}
	_ = json.Unmarshal(b, &schema)
	return schema.Properties
}

// asked puts a world's first check in front of a person who answers like that.
func questioned(t *testing.T, era string, v *witness) (*world, answer) {
	t.Helper()
	w := newWorld(t, worldOptions{deaf: true})
	w.invoker.AskFor = 2 * time.Second // of somebody who is away
	w.connect(era, v)
	return w, w.must("cipp_bec_check", in("brightwell.example", "userId", demoVictim))
}

func answers(what string) func(string) any { return func(string) any { return what } }

const (
	itWas    = "yes, it was the user"
	itWasNot = "no, it was not the user"
	doubtful = "JUNK_LIST_TAMPER" // what the story leaves open
)

// found is a finding of a class.
func found(t *testing.T, a answer, class string) m {
	t.Helper()
	for _, f := range a.list("findings") {
		if f["class"] == class {
			return f
		}
	}
	t.Fatalf("no %s: %s", class, a.text)
	return nil
}

func who(f m) any { a, _ := f["attribution"].(m); return a["value"] }

func openQuestions(a answer) (n int) {
	for _, s := range a.list("next") {
		if what, _ := s["what"].(string); strings.HasPrefix(what, "Ask whether it was the user") {
			n++
		}
	}
	return n
}

func said(t *testing.T, w *world, a answer) []casefile.Attestation {
	t.Helper()
	k, err := w.env.Cases.Store.Get(a.v["caseId"].(string))
	if err != nil {
		t.Fatal(err)
	}
	list, err := k.Attestations()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// What only the user can tell is asked through the client, in both eras, once; the answer is kept under the server's seal.
func TestThePersonAtTheClientIsAsked(t *testing.T) {
	for _, era := range []string{"modern", "legacy"} {
		t.Run(era, func(t *testing.T) {
			v := &witness{action: mcp.ElicitationResponseActionAccept, says: answers(itWas)}
			w, a := questioned(t, era, v)
			if len(v.forms) != 1 || !strings.Contains(v.forms[0].Message, demoVictim) || len(fieldsOf(v.forms[0])) == 0 {
				t.Fatalf("%+v", v.forms)
			}
			if f := found(t, a, doubtful); who(f) != "user" || f["severity"] != "low" {
				t.Errorf("%v", f)
			}
			if a.v["verdict"] != "confirmed" {
				t.Errorf("an answer about one thing made the case %v", a.v["verdict"])
			}
			list := said(t, w, a)
			if len(list) != len(fieldsOf(v.forms[0])) || list[0].By != "client" || list[0].Proof == "" {
				t.Errorf("%+v", list)
			}
			again := w.must("cipp_bec_check", in("brightwell.example", "userId", demoVictim, "caseId", a.v["caseId"]))
			if len(v.forms) != 1 || who(found(t, again, doubtful)) != "user" {
				t.Errorf("%d forms", len(v.forms))
			}
		})
	}
}

func TestWhatIsDeniedAtTheClientIsTheAttackers(t *testing.T) {
	v := &witness{action: mcp.ElicitationResponseActionAccept, says: answers(itWasNot)}
	w, a := questioned(t, "modern", v)
	if f := found(t, a, doubtful); who(f) != "attacker" {
		t.Errorf("%v", f)
	}
	plan, _ := w.must("cipp_bec_check", in("brightwell.example", "userId", demoVictim, "caseId", a.v["caseId"], "section", "plan")).v["plan"].(m)
	steps, _ := plan["steps"].([]any)
	if !slices.ContainsFunc(steps, func(s any) bool { o, _ := s.(m); return o["action"] == "restoreJunkList" }) {
		t.Errorf("%v", plan)
	}
}

// What is no answer counts as none: the finding stays open, and its question stays in next.
func TestNoAnswerCountsForNothing(t *testing.T) {
	for name, v := range map[string]*witness{
		"declined":       {action: mcp.ElicitationResponseActionDecline, says: answers(itWas)},
		"cancelled":      {action: mcp.ElicitationResponseActionCancel, says: answers(itWas)},
		"left open":      {action: mcp.ElicitationResponseActionAccept, says: answers("not known")},
		"nothing in it":  {action: mcp.ElicitationResponseActionAccept},
		"another form":   {action: mcp.ElicitationResponseActionAccept, says: answers("true")},
		"a truth":        {action: mcp.ElicitationResponseActionAccept, says: func(string) any { return true }},
		"a list":         {action: mcp.ElicitationResponseActionAccept, says: func(string) any { return []string{itWas} }},
		"nobody is here": {away: true},
	} {
		for _, era := range []string{"modern", "legacy"} {
			if v.away && era == "modern" {
				continue // such a client does not come back at all
			}
			t.Run(name+", "+era, func(t *testing.T) {
				v := *v
				w, a := questioned(t, era, &v)
				if who(found(t, a, doubtful)) != "ambiguous" || openQuestions(a) == 0 || len(said(t, w, a)) != 0 {
					t.Errorf("%v\n%s", said(t, w, a), a.text)
				}
				w.must("cipp_bec_check", in("brightwell.example", "userId", demoVictim, "caseId", a.v["caseId"]))
				if len(v.forms) != 1 {
					t.Errorf("asked %d times", len(v.forms))
				}
			})
		}
	}
}

// Only what the server sealed for exactly these questions brings an answer in.
func TestAForgedAnswerIsNone(t *testing.T) {
	w := newWorld(t, worldOptions{deaf: true})
	tool, _ := tools.ByName("cipp_bec_check")
	invoke := func(a *mcpserver.Answer) mcpserver.Outcome {
		args, err := json.Marshal(in("brightwell.example", "userId", demoVictim))
		if err != nil {
			t.Fatal(err)
		}
		return w.invoker.Invoke(t.Context(), tool, args, mcpserver.Caller{Name: "test", CanAsk: true, Answer: a})
	}
	q := invoke(nil).Question
	if q == nil {
		t.Fatal("nothing was asked")
	}
	caseID := q.Unanswered.(*tools.BECCheckOut).CaseID
	content := m{"event1": itWas}
	altered := []byte(q.State)
	altered[len(altered)/2] ^= 1
	plan := w.must("cipp_reset_password", in(harbourline, "userId", priya, "dryRun", true))
	for name, a := range map[string]*mcpserver.Answer{
		"altered state":  {State: string(altered), Content: content},
		"no state":       {Content: content},
		"a plan's token": {State: plan.v["planToken"].(string), Content: content},
		"agreed only":    {State: q.State, Accepted: true},
		"no such field":  {State: q.State, Content: m{"event99": itWas, "0": itWas}},
	} {
		out := invoke(a)
		if out.Problem != nil || out.Question != nil {
			t.Errorf("%s: %+v", name, out)
		}
	}
	k, err := w.env.Cases.Store.Get(caseID)
	if err != nil {
		t.Fatal(err)
	}
	if list, _ := k.Attestations(); len(list) != 0 {
		t.Fatalf("%+v", list)
	}
	// Another user's case does not take them either, and after an hour nobody does.
	args, _ := json.Marshal(in("brightwell.example", "userId", "rhys.calder@brightwell.example"))
	if out := w.invoker.Invoke(t.Context(), tool, args, mcpserver.Caller{Name: "test", Answer: &mcpserver.Answer{State: q.State, Content: content}}); out.Problem != nil {
		t.Errorf("%+v", out.Problem)
	}
	w.sandbox.Advance(2 * time.Hour)
	invoke(&mcpserver.Answer{State: q.State, Content: content})
	if list, _ := k.Attestations(); len(list) != 0 {
		t.Fatalf("%+v", list)
	}
	// A model has no argument for it.
	for _, name := range []string{"attest", "answers", "event1", "said"} {
		w.refused("invalid_argument", "cipp_bec_check", in("brightwell.example", "userId", demoVictim, name, itWas))
	}
}

// The operator's signature overrules what was said at the client, and what was said there explains nothing that the
// evidence ties to an attacker.
func TestAnAnswerAtTheClientWeighsLess(t *testing.T) {
	v := &witness{action: mcp.ElicitationResponseActionAccept, says: answers(itWas)}
	w, a := questioned(t, "modern", v)
	caseID := a.v["caseId"].(string)
	for _, s := range said(t, w, a) {
		w.said(caseID, s.Event, false)
	}
	again := w.must("cipp_bec_check", in("brightwell.example", "userId", demoVictim, "caseId", caseID))
	if who(found(t, again, doubtful)) != "attacker" {
		t.Errorf("%v", found(t, again, doubtful))
	}
	k, err := w.env.Cases.Store.Get(caseID)
	if err != nil {
		t.Fatal(err)
	}
	hidden := found(t, a, "RULE_HIDDEN")
	first, _ := hidden["evidence"].([]any)[0].(m)
	s := casefile.Attestation{Event: first["source"].(string) + "/" + first["recordId"].(string), Yes: true, By: "client", At: w.sandbox.Now().UTC().Truncate(time.Second)}
	if s.Proof, err = w.env.Policy.Sealer.Seal("attestation "+caseID, s.Message(caseID)); err != nil {
		t.Fatal(err)
	}
	if err := k.Attest(s); err != nil {
		t.Fatal(err)
	}
	again = w.must("cipp_bec_check", in("brightwell.example", "userId", demoVictim, "caseId", caseID))
	if f := found(t, again, "RULE_HIDDEN"); who(f) != "attacker" || f["severity"] != "critical" || again.v["verdict"] != "confirmed" {
		t.Errorf("%v", f)
	}
}
