package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"cipp-mcp/internal/config"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/test/leaks"
	"cipp-mcp/tools"
)

// six are the rows of the bulks that are killed; nobody of them is an administrator or synchronised.
var six = []string{dana, priya, gareth, "mei.chen@" + harbourline, "ruth.okafor@" + harbourline, "yuki.tanaka@" + harbourline}

// newMortalBulk makes a bulk for an hour that has then come.
func newMortalBulk(t *testing.T, args m) *mortal {
	t.Helper()
	w := newMortalWithout(t, richStory(t), config.SQLite)
	text, err := os.ReadFile(w.cfg)
	w.fatal(err, os.WriteFile(w.cfg, append(text, "tools: {preset: all}\n"...), 0o600))
	a, err := open(t.Context(), &globals{configFile: w.cfg}, cloudFlags{})
	w.fatal(err)
	defer a.close()
	args = and(args, "runAt", "2026-03-12T16:00:00Z")
	args["planToken"] = w.asksOf(a, "cipp_bulk_action", args).PlanToken
	w.run = w.asksOf(a, "cipp_bulk_action", args).JobID
	if w.run == "" {
		t.Fatal("no job was made")
	}
	w.cloud.Advance(90 * time.Minute)
	return w
}

// A worker is killed in the middle of a bulk, before or after a row's effect: another finishes it, no row is done twice
// and none is left out, and every password that is in force is the one that the row's secret holds.
func TestTheProgramIsKilledInTheMiddleOfABulk(t *testing.T) {
	for name, args := range map[string]m{
		"passwords": bulk("cipp_reset_password", six...),
		"edits":     and(bulk("cipp_edit_user", six...), "arguments", m{"companyName": "Harbourline Ltd"}),
	} {
		for _, n := range []int{0, 2, 5} {
			for _, phase := range []string{beforeEffect, afterEffect} {
				t.Run(fmt.Sprintf("%s %d %s", name, n, phase), func(t *testing.T) {
					t.Parallel()
					w := newMortalBulk(t, args)
					w.gate.at, w.gate.phase = n, phase
					job, died := w.live()
					if died != 1 || job.State != jobs.RunDone {
						t.Fatalf("%d died, %s:%s\n%s", died, job.State, states(job), w.said())
					}
					landed, inForce := map[string]int{}, map[string]string{}
					for _, x := range w.gate.of(func(x exchange) bool { return x.write && x.landed }) {
						landed[x.user]++
						inForce[x.user] = x.secret
					}
					for user, times := range landed {
						if times != 1 && name == "passwords" || times > 2 { // an edit may be repeated by who finds it in flight
							t.Errorf("%s was written %d times", user, times)
						}
					}
					children, err := w.ledger.ChildJobs(t.Context(), w.run)
					if w.fatal(err); len(landed) != len(six) || len(children) != len(six) {
						t.Errorf("%d users were written, by %d jobs", len(landed), len(children))
					}
					for _, c := range children {
						if c.State != jobs.RunDone {
							t.Errorf("%s is %s: %s", c.Run.User, c.State, c.Detail)
						}
					}
					if name == "passwords" {
						w.revealed(children, inForce)
					}
				})
			}
		}
	}
}

// table opens what is left behind once more, and reads rows.csv, as it is and row by row.
func (w *mortal) table() (*app, string, [][]string) {
	w.t.Helper()
	a, err := open(w.t.Context(), &globals{configFile: w.cfg}, cloudFlags{})
	w.fatal(err)
	table, err := a.env.Rows(w.t.Context(), w.run)
	w.fatal(err)
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	w.fatal(err)
	return a, table, rows
}

// revealed expects that each row's secret is the password that was set, that the result says so, and that no password
// lies anywhere in the state directory or the log.
func (w *mortal) revealed(children []jobs.RunInfo, inForce map[string]string) {
	w.t.Helper()
	a, table, rows := w.table()
	defer a.close()
	handles, made := map[string]bool{}, map[string]string{}
	opened := map[string]string{}
	for i, r := range rows[1:] {
		handle := r[7]
		if handle == "" {
			w.t.Errorf("%v has no secret", r)
			continue
		}
		if handles[handle] = true; opened[handle] == "" {
			_, secret, err := a.env.Secrets.Reveal(handle, operator)
			w.fatal(err)
			opened[handle] = secret
		}
		password := ""
		for _, c := range children {
			if c.Run.User == r[2] {
				password = inForce[c.Run.UserID]
			}
		}
		if made[fmt.Sprintf("password %d", i)] = password; password == "" || !holds(opened[handle], r[2], password) {
			w.t.Errorf("%s has another password than its secret says", r[2])
		}
	}
	job, err := w.ledger.Job(w.t.Context(), w.run)
	w.fatal(err)
	named := map[string]bool{}
	for _, s := range w.reports(a, job) {
		named[s] = true
	}
	for h := range handles {
		if !named[h] {
			w.t.Errorf("the result does not name the secret %s", h)
		}
	}
	search, err := leaks.New(made)
	w.fatal(err)
	found, _, err := search.Tree(w.dir)
	w.fatal(err)
	for _, f := range append(found, search.Search("the rows", []byte(table))...) {
		w.t.Errorf("%s", f)
	}
}

// holds says whether a secret is a user's password, alone or as a row of a table.
func holds(secret, user, password string) bool {
	rows, err := csv.NewReader(strings.NewReader(secret)).ReadAll()
	if err != nil || len(rows) < 2 {
		return secret == password
	}
	for _, r := range rows {
		if len(r) == 3 && r[1] == user {
			return r[2] == password
		}
	}
	return false
}

// reports are the secrets that the job's result names.
func (w *mortal) reports(a *app, job jobs.Job) (handles []string) {
	w.t.Helper()
	var r tools.WriteResult
	r.Report(w.t.Context(), a.env, job)
	for _, s := range r.Secrets {
		handles = append(handles, s.Handle)
	}
	if len(handles) > 1 && !strings.Contains(r.Text(), "not for every one it lists") {
		w.t.Errorf("nobody is told that the first secret is not whole: %s", r.Text())
	}
	return handles
}
