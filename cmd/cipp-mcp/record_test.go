package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"cipp-mcp/internal/webhook"
)

// resource reads a resource as a client does.
func (w *world) resource(uri string) (mime, text string, err error) {
	w.t.Helper()
	r := mcp.ReadResourceRequest{}
	r.Params.URI = uri
	res, err := w.client.ReadResource(w.t.Context(), r)
	if err != nil {
		return "", "", err
	}
	c, ok := res.Contents[0].(mcp.TextResourceContents)
	if !ok {
		w.t.Fatalf("%T", res.Contents[0])
	}
	return c.MIMEType, c.Text, nil
}

func TestAnOffboardingLeavesARecordForTheTicket(t *testing.T) {
	for _, era := range []string{"modern", "legacy"} {
		t.Run(era, func(t *testing.T) {
			w := newWorld(t, worldOptions{era: era})
			a := w.done("cipp_offboard_user", in(harbourline, "userId", dana, "convertToShared", true, "removeLicenses", true, "resetPassword", true, "reason", "left | <b>for</b> good", "ticket", "T-4711"))
			uri, _ := a.v["record"].(string)
			mime, text, err := w.resource(uri)
			if err != nil || mime != "text/markdown" {
				t.Fatalf("%s %v", mime, err)
			}
			for _, say := range []string{
				"# cipp_offboard_user: done", "`T-4711`", "`left ¦ <b>for</b> good`", "`the person at test client`", "| 1 | `block-sign-in` | done | `Block sign-in` | `enabled` | `blocked` |",
				"What cannot come back", "ended sessions stay ended", "client-request-id", "journal verify", "Fingerprint of the plan that was shown: ", "A generated password waits for a person: `sec_",
			} {
				if !strings.Contains(text, say) {
					t.Errorf("the record says nothing of %q:\n%s", say, text)
				}
			}
			mime, text, err = w.resource(uri + ".json")
			var rec struct {
				Status, Ticket string
				Steps          []struct {
					Step, State, Before, After            string
					ClientRequestIds, MicrosoftRequestIds []string
				}
			}
			if err == nil {
				err = json.Unmarshal([]byte(text), &rec)
			}
			if err != nil || mime != "application/json" || rec.Status != "done" || rec.Ticket != "T-4711" || len(rec.Steps) < 4 {
				t.Fatalf("%s %v\n%s", mime, err, text)
			}
			for _, s := range rec.Steps {
				exchange := s.Step == "convert-to-shared" // which is known by our id only
				if s.State == "done" && (len(s.ClientRequestIds) != 1 || len(s.MicrosoftRequestIds) == 0 && !exchange) {
					t.Errorf("%s has no proof of its request: %+v", s.Step, s)
				}
			}
		})
	}
}

func TestRecordsOfOthersAreNotShown(t *testing.T) {
	w := newWorld(t, worldOptions{})
	for uri, say := range map[string]string{"cipp://jobs/run_1/record": "no job", "cipp://jobs/run_1/other": "", "cipp://jobs/../record": ""} {
		if _, text, err := w.resource(uri); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: %q, %v", uri, text, err)
		}
	}
}

func TestAuditLogsTellOurOwnJournalToo(t *testing.T) {
	w := newWorld(t, worldOptions{})
	id := w.done("cipp_disable_user", in(harbourline, "userId", dana, "reason", "left", "ticket", "T-1")).v["jobId"]
	w.done("cipp_revoke_sessions", in(harbourline, "userId", priya))
	a := w.must("cipp_list_audit_logs", in(harbourline, "userId", dana, "source", "cipp-mcp"))
	for _, say := range []string{"call cipp_disable_user", "plan cipp_disable_user", "created cipp_disable_user", "approved by the person at test client", "intent block-sign-in", "before enabled, after blocked", "step block-sign-in", "client-request-id", "ticket T-1"} {
		if !strings.Contains(a.text, say) {
			t.Errorf("nothing of %q:\n%s", say, a.text)
		}
	}
	if strings.Contains(a.text, "revoke") {
		t.Errorf("another user's: %s", a.text)
	}
	both := w.must("cipp_list_audit_logs", in(harbourline, "userId", dana))
	sources := map[string]int{}
	for _, r := range both.list("rows") {
		sources[r["source"].(string)]++
	}
	if sources["entra"] == 0 || sources["cipp-mcp"] == 0 {
		t.Errorf("%v", sources)
	}
	if one := w.must("cipp_list_audit_logs", in(harbourline, "jobId", id, "source", "cipp-mcp")); len(one.list("rows")) < 4 || strings.Contains(one.text, "call ") {
		t.Errorf("%s", one.text)
	}
	if other := w.must("cipp_list_audit_logs", in("brightwell.example", "source", "cipp-mcp")); strings.Contains(other.text, "cipp_disable_user") {
		t.Errorf("another tenant's: %s", other.text)
	}
}

// receiver is another system that is told of jobs.
type receiver struct {
	mu     sync.Mutex
	got    []webhook.Body
	ids    []string
	forged int
	fail   int
	told   chan struct{}
}

const shared = "a secret that both sides know"

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.Header.Get("Cipp-Signature") != "sha256="+webhook.Sign(shared, q.Header.Get("Cipp-Timestamp"), q.Header.Get("Cipp-Id"), body) {
		r.forged++
	}
	r.ids = append(r.ids, q.Header.Get("Cipp-Id"))
	if r.fail > 0 {
		r.fail--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var b webhook.Body
	if json.Unmarshal(body, &b) == nil {
		r.got = append(r.got, b)
	}
	r.told <- struct{}{}
}

func TestTheEndOfAJobIsTold(t *testing.T) {
	r := &receiver{told: make(chan struct{}, 8), fail: 1}
	s := httptest.NewServer(r)
	defer s.Close()
	t.Setenv("CIPP_TEST_HOOK_SECRET", shared)
	w := newWorld(t, worldOptions{config: "webhook: {url: \"" + s.URL + "\", secret: \"env:CIPP_TEST_HOOK_SECRET\"}\n"})
	a := w.done("cipp_disable_user", in(harbourline, "userId", dana))
	select {
	case <-r.told:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody was told")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.got) != 1 || r.forged != 0 || len(r.ids) != 2 || r.ids[0] != r.ids[1] {
		t.Fatalf("%+v, %d forged, %v", r.got, r.forged, r.ids)
	}
	b := r.got[0]
	if b.JobID != a.v["jobId"] || b.Outcome != "done" || b.Tool != "cipp_disable_user" || b.User != dana || b.Record != a.v["record"] {
		t.Errorf("%+v", b)
	}
	if strings.Contains(w.stateFiles(), shared) {
		t.Error("the secret lies in the state")
	}
}
