package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"cipp-mcp/internal/config"
)

// purviewTakes is the built-in state in which a query of the audit log takes so many seconds.
func purviewTakes(t *testing.T, seconds int) string {
	return edited(t, func(tenant m) {
		if f, ok := tenant["features"].(m); ok {
			f["auditQuerySeconds"] = seconds
		}
	})
}

// noSearch is a tenant in which Search-UnifiedAuditLog is refused for want of a role.
func noSearch() m {
	return fault(m{"service": "exchange", "cmdlet": "Search-UnifiedAuditLog"}, m{"status": 403}, 0)
}

// runningClock is for what Microsoft is slow at: on a clock that stands still nobody waits.
const runningClock = "2026-03-12T15:00:00Z"

// queries are the audit log queries that lie at Purview.
func queries(t *testing.T, state []byte) (n int) {
	t.Helper()
	var s struct {
		Tenants []struct {
			Graph struct {
				AuditLogQueries []json.RawMessage `json:"auditLogQueries"`
			} `json:"graph"`
		} `json:"tenants"`
	}
	if err := json.Unmarshal(state, &s); err != nil {
		t.Fatal(err)
	}
	for _, tenant := range s.Tenants {
		n += len(tenant.Graph.AuditLogQueries)
	}
	return n
}

// soon waits for what a job does by itself.
func soon(t *testing.T, not string, there func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !there(); {
		if time.Now().After(end) {
			t.Fatal(not)
		}
	}
}

// Where Exchange answers nothing within the seconds a call waits, or refuses, the search is a job; the job shows the
// entries, and so does the same call, without another query.
func TestTheUnifiedLogIsSearchedByAJob(t *testing.T) {
	for name, why := range map[string]m{
		"slow":    fault(m{"service": "exchange", "cmdlet": "Search-UnifiedAuditLog"}, m{"delay": "1h"}, 0),
		"refused": noSearch(),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{flags: cloudFlags{sandbox: purviewTakes(t, 900), clock: runningClock}})
			args := in(brightwell, "userId", celia, "type", "mailbox", "source", "ual", "limit", 3)
			atOnce := w.must("cipp_list_audit_logs", args)
			if atOnce.v["jobId"] != nil || len(atOnce.list("rows")) != 3 || atOnce.v["hasMore"] != true || queries(t, w.state()) != 0 {
				t.Fatalf("%s", atOnce.text)
			}
			w.faults(why)
			w.env.Quick = 300 * time.Millisecond
			a := w.must("cipp_list_audit_logs", args)
			id, _ := a.v["jobId"].(string)
			if id == "" || len(a.list("rows")) != 0 || a.v["hasMore"] != false || !strings.Contains(a.text, "cipp_get_job") {
				t.Fatalf("%s", a.text)
			}
			if again := w.must("cipp_list_audit_logs", args); again.v["jobId"] != id {
				t.Errorf("another search was begun: %s", again.text)
			}
			soon(t, "no query was sent", func() bool { return queries(t, w.state()) == 1 })
			w.sandbox.Advance(16 * time.Minute)
			j := w.ended(id)
			log, _ := j.v["log"].(m)
			rows, _ := log["rows"].([]any)
			if j.v["status"] != "done" || len(rows) < 4 || rows[0].(m)["source"] != "ual" || j.v["log"].(m)["hasMore"] != true || !strings.Contains(j.text, "MoveToDeletedItems") {
				t.Fatalf("%s", j.text)
			}
			// The rows are those of a search that comes at once, and the job is paged like any list.
			first := w.must("cipp_get_job", m{"jobId": id, "limit": 3})
			log = first.v["log"].(m)
			b, err := json.Marshal(log["rows"])
			if err != nil {
				t.Fatal(err)
			}
			if want, err := json.Marshal(atOnce.v["rows"]); err != nil || string(b) != string(want) || log["hasMore"] != true || !strings.Contains(first.text, "call cipp_get_job again with cursor=") {
				t.Errorf("the job shows\n%s\nnot\n%s", b, want)
			}
			second := w.must("cipp_get_job", m{"jobId": id, "limit": 3, "cursor": log["cursor"]}).v["log"].(m)
			if rest, _ := second["rows"].([]any); len(rest) == 0 || rest[0].(m)["at"] == log["rows"].([]any)[0].(m)["at"] {
				t.Errorf("the next entries: %v", second)
			}
			again := w.must("cipp_list_audit_logs", args)
			if again.v["jobId"] != id || len(again.list("rows")) != 3 || again.v["hasMore"] != true {
				t.Errorf("%s", again.text)
			}
			if next := w.must("cipp_list_audit_logs", and(args, "cursor", again.v["cursor"])); len(next.list("rows")) == 0 || next.v["jobId"] != id {
				t.Errorf("%s", next.text)
			}
			if n := queries(t, w.state()); n != 1 {
				t.Errorf("%d queries", n)
			}
			// Later the answer is too old, and a new search is made.
			w.sandbox.Advance(20 * time.Minute)
			if later := w.must("cipp_list_audit_logs", args); later.v["jobId"] == nil || later.v["jobId"] == id {
				t.Errorf("%s", later.text)
			}
		})
	}
}

// Where Purview is quick the entries come with the call, even though Exchange refused.
func TestPurviewAnswersWithinTheCall(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.faults(noSearch())
	a := w.must("cipp_list_audit_logs", in(brightwell, "userId", celia, "source", "ual"))
	if len(a.list("rows")) == 0 || a.v["jobId"] == nil {
		t.Errorf("%s", a.text)
	}
	if j := w.must("cipp_get_job", m{"jobId": a.v["jobId"]}); j.v["status"] != "done" {
		t.Errorf("%s", j.text)
	}
}

// Where neither way is open the call is refused at once and names both, and where only Purview is not, the job goes on
// by Exchange.
func TestTheUnifiedLogWithoutPurview(t *testing.T) {
	barred := fault(m{"service": "graph", "path": "/security/auditLog/queries"}, m{"status": 403, "code": "Forbidden"}, 0)
	w := newWorld(t, worldOptions{flags: cloudFlags{clock: runningClock}})
	w.faults(noSearch(), barred)
	args := in(brightwell, "userId", celia, "source", "ual")
	a := w.call("cipp_list_audit_logs", args)
	if next, _ := a.err["next"].(string); !strings.Contains(next, "AuditLogsQuery.Read.All") || !strings.Contains(next, `source="entra"`) {
		t.Errorf("%s", a.text)
	}
	if l := w.must("cipp_list_scheduled_items", in(brightwell, "status", "all")); len(l.list("jobs")) != 0 {
		t.Errorf("a job was made: %s", l.text)
	}
	w.faults(fault(m{"service": "exchange", "cmdlet": "Search-UnifiedAuditLog"}, m{"delay": "1h"}, 1), barred)
	w.env.Quick = 300 * time.Millisecond
	a = w.must("cipp_list_audit_logs", args)
	id, _ := a.v["jobId"].(string)
	if j := w.ended(id); j.v["status"] != "done" || !strings.Contains(j.text, "by Exchange") || !strings.Contains(j.text, "MoveToDeletedItems") {
		t.Errorf("%s", j.text)
	}
}

// A search that fails says why, changes nothing, and the same call makes another.
func TestASearchThatFails(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.faults(noSearch(), fault(m{"service": "graph", "method": "POST", "path": "/security/auditLog/queries"}, m{"status": 400, "code": "AuditingDisabledTenant", "message": "Auditing is disabled for the tenant."}, 1))
	args := in(brightwell, "userId", celia, "source", "ual")
	if a := w.refused("unavailable", "cipp_list_audit_logs", args); !strings.Contains(a.text, "Auditing is disabled") {
		t.Errorf("%s", a.text)
	}
	failed := w.must("cipp_list_scheduled_items", in(brightwell, "status", "attention"))
	if l := failed.list("jobs"); len(l) != 1 {
		t.Fatalf("%s", failed.text)
	}
	if j := w.must("cipp_get_job", m{"jobId": failed.list("jobs")[0]["jobId"]}); !strings.Contains(j.text, "call cipp_list_audit_logs again") {
		t.Errorf("%s", j.text)
	}
	if a := w.must("cipp_list_audit_logs", args); len(a.list("rows")) == 0 {
		t.Errorf("%s", a.text)
	}
}

// A query whose answer was lost is found by its name and not sent again; meanwhile the job says what it waits for.
func TestAQueryIsSentOnce(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.faults(noSearch(), fault(m{"service": "graph", "method": "POST", "path": "/security/auditLog/queries"}, m{"status": 504, "effect": "before"}, 1))
	w.env.Quick = 300 * time.Millisecond
	a := w.must("cipp_list_audit_logs", in(brightwell, "userId", celia, "source", "ual"))
	id, _ := a.v["jobId"].(string)
	soon(t, "it does not say what it waits for", func() bool {
		j := w.must("cipp_get_job", m{"jobId": id})
		return j.v["status"] == "running" && strings.Contains(j.text, "the search waits: ")
	})
	w.sandbox.Advance(time.Minute)
	if j := w.ended(id); j.v["status"] != "done" || !strings.Contains(j.text, "MoveToDeletedItems") {
		t.Errorf("%s", j.text)
	}
	if n := queries(t, w.state()); n != 1 {
		t.Errorf("%d queries", n)
	}
}

// A process that may only read begins a search and is gone; another such one goes on with the same query.
func TestASearchOutlivesTheProcess(t *testing.T) {
	state, err := os.ReadFile(purviewTakes(t, 900))
	if err != nil {
		t.Fatal(err)
	}
	w := newMortalWithout(t, state, config.SQLite)
	text, err := os.ReadFile(w.cfg)
	w.fatal(err, os.WriteFile(w.cfg, []byte(strings.Replace(string(text), "access: write", "access: read-only", 1)+"tools: {preset: all}\n"), 0o600))
	faults, err := json.Marshal([]m{noSearch()})
	w.fatal(err, w.cloud.SetFaults(faults))
	args := in(brightwell, "userId", celia, "type", "mailbox", "source", "ual")
	serve := func() *world {
		a, err := open(t.Context(), &globals{configFile: w.cfg}, cloudFlags{})
		w.fatal(err)
		a.env.Quick = 300 * time.Millisecond
		x := &world{app: a, t: t, called: map[string]bool{}}
		x.connect("", nil)
		return x
	}
	first := serve()
	id, _ := first.must("cipp_list_audit_logs", args).v["jobId"].(string)
	if j := first.must("cipp_get_job", m{"jobId": id}); j.v["status"] != "running" || !strings.Contains(j.text, "Call cipp_get_job again") {
		t.Errorf("%s", j.text)
	}
	soon(t, "no query was sent", func() bool {
		state, err := w.cloud.State()
		w.fatal(err)
		return queries(t, state) == 1
	})
	first.close()
	w.cloud.Advance(16 * time.Minute)
	second := serve()
	defer second.close()
	if j := second.ended(id); j.v["status"] != "done" || !strings.Contains(j.text, "MoveToDeletedItems") {
		t.Errorf("%s", j.text)
	}
	state, err = w.cloud.State()
	w.fatal(err)
	if n := queries(t, state); n != 1 {
		t.Errorf("%d queries after the restart", n)
	}
}
