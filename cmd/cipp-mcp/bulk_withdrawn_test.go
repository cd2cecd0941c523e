package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/tools"
)

// killedBeforeTheFirstRow kills a worker when it has sealed what the rows need and has made a job of none.
func (w *mortal) killedBeforeTheFirstRow() {
	w.t.Helper()
	run := func(query string) {
		w.t.Helper()
		w.fatal(w.ledger.Store().Change(w.t.Context(), func(ctx context.Context, tx jobs.Tx) error { _, err := tx.ExecContext(ctx, query); return err }))
	}
	run(`CREATE TRIGGER no_row BEFORE INSERT ON run WHEN NEW.parent_id <> '' BEGIN SELECT RAISE(ABORT, 'no row yet'); END`)
	cmd, dead := w.worker()
	w.eventually("a row is about to be made", func() bool { return strings.Contains(w.said(), "no row yet") })
	w.fatal(cmd.Process.Kill())
	<-dead
	run(`DROP TRIGGER no_row`)
	if children, err := w.ledger.ChildJobs(w.t.Context(), w.run); err != nil || len(children) > 0 {
		w.t.Fatalf("%v %v", children, err)
	}
}

func (w *mortal) eventually(what string, so func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); runtime.Gosched() {
		if time.Now().After(deadline) {
			w.t.Fatalf("it never came about that %s:\n%s", what, w.said())
		}
	}
}

// outcome is what the job's result says of its rows, and rows.csv by the user.
func (w *mortal) outcome(job jobs.Job) (r tools.WriteResult, rows map[string][]string) {
	w.t.Helper()
	a, _, cells := w.table()
	defer a.close()
	rows = map[string][]string{}
	for _, c := range cells[1:] {
		rows[c[2]] = c
	}
	r.Report(w.t.Context(), a.env, job)
	return r, rows
}

// configure changes the configuration that the next process reads.
func (w *mortal) configure(more string) {
	w.t.Helper()
	text, err := os.ReadFile(w.cfg)
	w.fatal(err, os.WriteFile(w.cfg, append(text, more+"\n"...), 0o600))
}

// A row that ended before its first call was withdrawn, and no word for what a person does is used for it: whether the
// whole was withdrawn, the row before it had a job, or its job.
func TestARowThatWasWithdrawnIsCalledSo(t *testing.T) {
	edits := and(bulk("cipp_edit_user", six...), "arguments", m{"companyName": "Harbourline Ltd"})
	told := func(t *testing.T, w *mortal, job jobs.Job, status, why string, withdrawn ...string) {
		t.Helper()
		r, rows := w.outcome(job)
		if r.Status != status || r.Bulk == nil || r.Bulk.Rows["withdrawn"] != len(withdrawn) || r.Bulk.Rows["cancelled"] != 0 || len(withdrawn) > 0 && !strings.Contains(r.Text(), fmt.Sprintf("%d withdrawn", len(withdrawn))) {
			t.Errorf("%s", r.Text())
		}
		for _, user := range six {
			if is := rows[user][3] == "withdrawn"; is != slices.Contains(withdrawn, user) || is && !strings.Contains(rows[user][4], why) || !is && rows[user][3] != "done" {
				t.Errorf("%v", rows[user])
			}
		}
	}
	t.Run("the whole", func(t *testing.T) {
		t.Parallel()
		w := newMortalBulk(t, edits)
		w.configure("guards: {breakGlass: [" + dana + "]}")
		job, _ := w.live()
		told(t, w, job, "failed", "break-glass account", six...)
	})
	t.Run("a row", func(t *testing.T) {
		t.Parallel()
		w := newMortalBulk(t, edits)
		w.killedBeforeTheFirstRow()
		w.configure("guards: {breakGlass: [" + dana + "]}")
		job, _ := w.live()
		told(t, w, job, "attention", "no longer holds", dana)
		// Once it holds again, a retry does the row, and no other again.
		text, err := os.ReadFile(w.cfg)
		w.fatal(err, os.WriteFile(w.cfg, bytes.Replace(text, []byte(dana), []byte("nobody"), 1), 0o600))
		w.fatal(w.ledger.Retry(t.Context(), w.run, "somebody"))
		job, _ = w.live()
		told(t, w, job, "done", "")
		w.eachOnce(len(six))
	})
	t.Run("its job", func(t *testing.T) {
		t.Parallel()
		w := newMortalBulk(t, edits)
		w.how = []string{"--jobs", "1"}
		w.gate.at, w.gate.phase = 0, beforeEffect
		var waits string // a row whose job has not begun
		w.gate.also = func() {
			children, err := w.ledger.ChildJobs(context.WithoutCancel(t.Context()), w.run)
			w.fatal(err)
			for _, c := range children {
				if c.State == jobs.RunQueued {
					waits = c.Run.User
				}
			}
			w.configure("guards: {breakGlass: [" + waits + "]}")
			w.cloud.Advance(20 * time.Minute)
		}
		job, _ := w.live()
		told(t, w, job, "attention", "break-glass account", waits)
	})
}

// eachOnce expects that so many different things were written, each of them once.
func (w *mortal) eachOnce(n int) {
	w.t.Helper()
	landed := map[string]int{}
	for _, x := range w.gate.of(func(x exchange) bool { return x.write && x.landed }) {
		landed[x.key]++
	}
	for key, times := range landed {
		if times != 1 {
			w.t.Errorf("%s was written %d times", key, times)
		}
	}
	if len(landed) != n {
		w.t.Errorf("%d of %d were written", len(landed), n)
	}
}
