package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"cipp-mcp/internal/jobs"
)

// hires is a table of so many new people.
func hires(many int) string {
	table := "displayName,userPrincipalName,mailNickname,usageLocation\n"
	for i := range many {
		table += fmt.Sprintf("New Person %[1]d,new%[1]d@%[2]s,new%[1]d,GB\n", i, harbourline)
	}
	return table
}

// The operator freezes the server in the middle of a bulk: what is out is read back, a row stops between two steps, and
// none is begun, until it is lifted. Then the bulk goes on, by itself or, where it was cancelled meanwhile, when it is
// resumed; and nothing is done twice.
func TestABulkIsFrozenInTheMiddleAndGoesOn(t *testing.T) {
	for name, c := range map[string]struct {
		args   m
		writes int
	}{
		"one step each":  {in(harbourline, "action", "cipp_create_user", "csv", hires(25)), 25},
		"two steps each": {and(bulk("cipp_disable_user", crew...), "arguments", m{"revokeSessions": true}), 2 * len(crew)},
	} {
		for _, n := range []int{0, 3} {
			for _, cancelled := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, at %d, cancelled %v", name, n, cancelled), func(t *testing.T) {
					t.Parallel()
					w := newMortalBulk(t, c.args)
					w.how = []string{"--jobs", "2"}
					w.gate.at, w.gate.phase, w.gate.spared = n, afterEffect, true
					ctx := context.WithoutCancel(t.Context())
					w.gate.also = func() { w.fatal(w.ledger.Freeze(ctx, "the operator", "something is wrong")) }
					cmd, dead := w.worker()
					w.eventually("all that was out has come back, and every row is made", func() bool { return w.still(ctx) })
					written := len(w.gate.of(func(x exchange) bool { return x.write }))
					if written == 0 || written == c.writes {
						t.Fatalf("%d of %d writes before the freeze", written, c.writes)
					}
					if cancelled {
						w.fatal(w.ledger.Cancel(ctx, w.run, "anna"))
						if job, err := w.ledger.Wait(ctx, w.run, nil); err != nil || job.State != jobs.RunCancelled {
							t.Fatalf("%v %s:%s", err, job.State, states(job))
						}
					}
					w.stop(cmd, dead)
					if now := len(w.gate.of(func(x exchange) bool { return x.write })); now != written {
						t.Errorf("%d writes were sent under the freeze", now-written)
					}
					w.fatal(w.ledger.Unfreeze(ctx, "the operator"))
					if cancelled {
						_, err := w.ledger.RetryChildren(ctx, w.run, "run-rows", "anna", true)
						w.fatal(err)
					}
					if job, _ := w.live(); job.State != jobs.RunDone {
						t.Fatalf("%s:%s\n%s", job.State, states(job), w.said())
					}
					w.eachOnce(c.writes)
				})
			}
		}
	}
}

// still says that a frozen bulk has made all its rows, and that no call of any is out.
func (w *mortal) still(ctx context.Context) bool {
	frozen, err := w.ledger.Frozen(ctx)
	w.fatal(err)
	parent, err := w.ledger.Job(ctx, w.run)
	w.fatal(err)
	if frozen == nil || parent.Steps[0].State != jobs.StatePending {
		return false
	}
	children, err := w.ledger.ChildJobs(ctx, w.run)
	w.fatal(err)
	for _, c := range children {
		j, err := w.ledger.Job(ctx, c.Run.ID)
		w.fatal(err)
		for _, s := range j.Steps {
			if s.State == jobs.StateIntent || s.State == jobs.StatePending {
				return false
			}
		}
	}
	return true
}

// A worker is killed when it has sealed the passwords of all rows and made a job of none: the next does every row once, and
// what opens for each is the password that is in force.
func TestTheProgramIsKilledBetweenASealAndItsFirstRow(t *testing.T) {
	for name, args := range map[string]m{
		"passwords": bulk("cipp_reset_password", six...),
		"new users": in(harbourline, "action", "cipp_create_user", "csv", hires(6)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newMortalBulk(t, args)
			w.killedBeforeTheFirstRow()
			job, err := w.ledger.Job(t.Context(), w.run)
			var sealed []string
			if w.fatal(err); !job.Run.Get("secretHandles", &sealed) || len(sealed) == 0 {
				t.Fatalf("nothing was sealed:%s", states(job))
			}
			if n := len(w.gate.of(func(x exchange) bool { return x.write })); n > 0 {
				t.Fatalf("%d writes before the first row", n)
			}
			if job, _ = w.live(); job.State != jobs.RunDone {
				t.Fatalf("%s:%s\n%s", job.State, states(job), w.said())
			}
			w.eachOnce(6)
			children, err := w.ledger.ChildJobs(t.Context(), w.run)
			if w.fatal(err); len(children) != 6 {
				t.Errorf("%d jobs", len(children))
			}
			if name == "passwords" {
				inForce := map[string]string{}
				for _, x := range w.gate.of(func(x exchange) bool { return x.write && x.landed }) {
					inForce[x.user] = x.secret
				}
				w.revealed(children, inForce)
				return
			}
			_, rows := w.outcome(job)
			for user, r := range rows {
				if r[3] != "done" || r[7] == "" {
					t.Errorf("%s: %v", user, r)
				}
			}
		})
	}
}

// The account the server itself signs in with is refused among many as it is alone, at its row and column, and nothing
// comes of the others either.
func TestTheServersOwnAccountIsNoRow(t *testing.T) {
	const own, home = "cb1f0b5c-6a52-4f0b-9f0e-7b6c6f0e9b11", "tidewater-msp.example"
	w := newWorld(t, homeWorld(t, own))
	before := w.state()
	secrets := func() int {
		dir, err := w.cfg.StatePath()
		if err != nil {
			t.Fatal(err)
		}
		files, _ := os.ReadDir(dir + "/secrets")
		return len(files)
	}
	sealed := secrets()
	for _, action := range []string{"cipp_disable_user", "cipp_reset_password", "cipp_delete_user", "cipp_revoke_sessions"} {
		for name, table := range map[string]string{"by its name": "userId\ncleo.marsh@" + home + "\ncipp.service@" + home + "\n", "by its id": "userId\ncleo.marsh@" + home + "\n" + strings.ToUpper(own) + "\n"} {
			a := w.must("cipp_bulk_action", m{"action": action, "tenantFilter": home, "csv": table})
			if a.v["status"] != "blocked" || !strings.Contains(a.text, "row 2, column userId") || !strings.Contains(a.text, "signs in with") {
				t.Errorf("%s, %s: %s", action, name, a.text)
			}
		}
	}
	w.unharmed(before)
	if all, err := w.env.Policy.Ledger.Jobs(t.Context(), "", "", 9); err != nil || len(all) > 0 || secrets() != sealed {
		t.Errorf("%d jobs, %v, %d secrets", len(all), err, secrets()-sealed)
	}
}

// Two workers share a ledger: between them every row is done once.
func TestTwoProcessesShareABulk(t *testing.T) {
	w := newMortalBulk(t, in(harbourline, "action", "cipp_create_user", "csv", hires(25)))
	w.how = []string{"--jobs", "3"}
	other, gone := w.worker()
	job, died := w.live()
	if w.stop(other, gone); died != 0 || job.State != jobs.RunDone {
		t.Fatalf("%d died, %s:%s\n%s", died, job.State, states(job), w.said())
	}
	w.eachOnce(25)
}
