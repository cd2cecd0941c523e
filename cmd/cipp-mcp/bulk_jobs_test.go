package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
)

// crew are more users than a plan shows of.
var crew = append([]string{"noor.haddad@" + harbourline, "lewis.carrick@" + harbourline}, six...)

func heldBulk(w *world, company string, users ...string) string {
	return w.held("cipp_bulk_action", and(bulk("cipp_edit_user", users...), "arguments", m{"companyName": company}))
}

// What the operator approves is what is done, row by row: rows that were changed in the ledger, or whose users were
// changed meanwhile, begin nothing.
func TestAHeldBulkIsDoneAsItWasShown(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(w *world, id string)
		state     string
		changes   int
	}{
		"untouched": {func(*world, string) {}, "done", len(crew)},
		"a row's user changed": {func(w *world, _ string) {
			if err := w.env.Graph.UpdateUser(w.t.Context(), tenantID(w.t, w), idOf(w.t, w, crew[7]), m{"companyName": "By hand Ltd"}); err != nil {
				w.t.Fatal(err)
			}
		}, "failed", 0},
		"a row's user became an administrator": {func(w *world, _ string) {
			if err := w.env.Graph.AssignRole(w.t.Context(), tenantID(w.t, w), idOf(w.t, w, crew[7]), userAdministrator, "/"); err != nil {
				w.t.Fatal(err)
			}
		}, "failed", 0},
	} {
		t.Run(name, func(t *testing.T) {
			o := empowered(t, func(m) {})
			o.config = "guards: {massAction: 2}\n"
			w := newWorld(t, o)
			id := heldBulk(w, "Harbourline Ltd", crew...)
			c.meanwhile(w, id)
			before := w.state()
			if a := w.approves(id); a.v["status"] != c.state {
				t.Errorf("%s", a.text)
			}
			if got := w.changed(before); len(got) != c.changes {
				t.Errorf("%s", strings.Join(got, "\n"))
			}
		})
	}
}

// Another bulk's rows under an approval are no rows at all: nobody can approve them, and nothing comes of them.
func TestABulkWithAnothersRowsInTheLedgerIsNotApproved(t *testing.T) {
	w := newWorld(t, worldOptions{config: "guards: {massAction: 2}\n"})
	id, other := heldBulk(w, "Harbourline Ltd", crew...), heldBulk(w, "Elsewhere Ltd", crew[1:]...)
	l, before := w.env.Policy.Ledger, w.state()
	signature := w.signs(id)
	err := l.Store().Change(t.Context(), func(ctx context.Context, tx jobs.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE run SET vals = (SELECT vals FROM run WHERE id = ?) WHERE id = ?`, other, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.env.Policy.Approve(t.Context(), id, policy.Operator, signature); !errors.Is(err, jobs.ErrSealed) {
		t.Errorf("%v", err)
	}
	w.refused("job_unreadable", "cipp_get_job", m{"jobId": id})
	w.unharmed(before)
	if err := l.Cancel(t.Context(), id, "anna"); err != nil {
		t.Error(err)
	}
	if a := w.approves(other); a.v["status"] != "done" {
		t.Errorf("%s", a.text)
	}
}

// A bulk that a person stops in the middle begins no further row, not even one that had no job yet; and goes on when it
// is resumed, each row once.
func TestABulkIsCancelledInTheMiddleAndGoesOn(t *testing.T) {
	const many = 25 // more than one process does at once
	for _, n := range []int{0, 2} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			w := newMortalBulk(t, in(harbourline, "action", "cipp_create_user", "csv", hires(many)))
			w.how = []string{"--jobs", "2"} // some rows have to be left when it is stopped
			w.gate.at, w.gate.phase, w.gate.spared = n, afterEffect, true
			w.gate.also = func() { w.fatal(w.ledger.Cancel(context.WithoutCancel(t.Context()), w.run, "anna")) }
			job, died := w.live()
			landed := func() map[string]int {
				out := map[string]int{}
				for _, x := range w.gate.of(func(x exchange) bool { return x.write && x.landed }) {
					out[x.key]++
				}
				return out
			}
			first := len(landed())
			if died != 0 || job.State != jobs.RunCancelled || first == many {
				t.Fatalf("%d died, %d rows, %s:%s\n%s", died, first, job.State, states(job), w.said())
			}
			if _, err := w.ledger.RetryChildren(t.Context(), w.run, "run-rows", "anna", true); err != nil {
				t.Fatal(err)
			}
			if job, _ = w.live(); job.State != jobs.RunDone {
				t.Errorf("%s:%s\n%s", job.State, states(job), w.said())
			}
			for user, times := range landed() {
				if times != 1 {
					t.Errorf("%s was written %d times", user, times)
				}
			}
			if len(landed()) != many {
				t.Errorf("%d of %d users", len(landed()), many)
			}
		})
	}
}

// The rows of a bulk that was approved as a whole do not make each other too many, however late a process goes on with
// them.
func TestRowsDoNotCountAgainstEachOther(t *testing.T) {
	w := newMortalWithout(t, richStory(t), "sqlite")
	text, err := os.ReadFile(w.cfg)
	w.fatal(err, os.WriteFile(w.cfg, append(text, "tools: {preset: all}\nguards: {massAction: 3}\n"...), 0o600))
	a, err := open(t.Context(), &globals{configFile: w.cfg}, cloudFlags{})
	w.fatal(err)
	w.run = w.asksOf(a, "cipp_bulk_action", bulk("cipp_reset_password", six...)).JobID
	job, err := w.ledger.Job(t.Context(), w.run)
	w.fatal(err)
	a.env.Secrets.WorkFactor = 10
	signature, err := a.env.Secrets.Sign(operator, policy.ApprovalMessage(job))
	w.fatal(err)
	w.fatal(a.env.Policy.Approve(t.Context(), w.run, policy.Operator, signature))
	a.close()
	w.gate.at, w.gate.phase = 0, beforeEffect
	w.gate.also = func() { w.cloud.Advance(20 * time.Minute) }
	if job, _ = w.live(); job.State != jobs.RunDone {
		children, err := w.ledger.ChildJobs(t.Context(), w.run)
		w.fatal(err)
		for _, c := range children {
			t.Errorf("%s is %s: %s", c.Run.User, c.State, c.Detail)
		}
		t.Fatalf("%s:%s\n%s", job.State, states(job), w.said())
	}
}
