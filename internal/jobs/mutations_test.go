//go:build mutations

package jobs

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mutations are what somebody might break or "optimise" away in the ledger, each with a test that
// must not let it pass. An old text that is not there once is a mutation that has to be rewritten.
var mutations = map[string]struct{ file, old, new, red string }{
	"no fencing": {"lease.go",
		"UPDATE run SET epoch = epoch WHERE id = ? AND epoch = ?`, h.run, h.epoch)", "UPDATE run SET epoch = epoch WHERE id = ?`, h.run)",
		"TestAZombieIsFencedOut"},
	"no new epoch with a claim": {"lease.go",
		"epoch = epoch + 1", "epoch = epoch",
		"TestAZombieIsFencedOut"},
	"a call on a lapsed lease": {"attempt.go",
		"if a.lease.lapsed() {", "if a.lease == nil {",
		"TestNoCallIsMadeOnALapsedLease"},
	"a lease that others need not heed": {"lease.go",
		"(lease_until <= ? OR owner = ?)", "(lease_until <= ? OR owner = ? OR lease_until > 0)",
		"TestARunIsNotClaimedTwice"},
	"no settle time": {"attempt.go",
		"case now.Before(end):", "case now.Before(row.IntentAt):",
		"TestEveryClassAtEveryPoint"},
	"no intent before the call": {"attempt.go",
		"if err := a.intend(ctx, &row, request); errors.Is", "if err := error(nil); errors.Is",
		"TestTheIntentIsWrittenBeforeTheCallAndAllOfItIsAudited"},
	"done steps are done again after a crash": {"lease.go",
		"		if errors.Is(err, sql.ErrNoRows) {\n			return err\n		}\n",
		"		if errors.Is(err, sql.ErrNoRows) {\n			return err\n		}\n		if _, err := execute(ctx, tx, `UPDATE step SET state = 'pending' WHERE run_id = ? AND state = 'done'`, runID); err != nil {\n			return err\n		}\n",
		"TestEveryClassAtEveryPoint"},
	"a blind call that is read back": {"attempt.go",
		"case row.State == StateIntent && row.Class == Blind:", "case row.State == StateIntent && row.Class == 0:",
		"TestEveryClassAtEveryPoint"},
	"a failed change that is kept": {"store.go",
		"tx.rollback(); rerr", "tx.commit(); rerr",
		"TestAChangeHappensWholeOrNotAtAll"},
	"an audit that may fail": {"audit.go",
		"l.sum(head.Hash))\n	return err\n", "l.sum(head.Hash))\n	_ = err\n	return nil\n",
		"TestWhatCannotBeAuditedDoesNotHappen"},
	"no busy_timeout": {"store_sqlite.go",
		"_busy_timeout=10000", "_busy_timeout=0",
		"TestTheChainHasNoGap"},
	"commits that a power cut undoes": {"store_sqlite.go",
		"_synchronous=FULL", "_synchronous=NORMAL",
		"TestTheStoreIsOpenedWithTheSettingsThatMakeItSafe"},
	"a SQLite audit that can be rewritten": {"store_sqlite.go",
		"BEFORE UPDATE ON audit", "BEFORE UPDATE ON schema_version",
		"TestTheAuditTellsWhatWasChanged"},
	"no lock around migrations and changes": {"store_postgres.go",
		"pg_advisory_xact_lock(", "abs(",
		"TestContract/postgres/TestSixProcessesStartAtOnceOnNothing"},
	"an audit with gaps": {"store_postgres.go",
		"pg_advisory_xact_lock(", "abs(",
		"TestContract/postgres/TestTheChainHasNoGap"},
	"a sleeper that keeps the lock": {"store_postgres.go",
		"SET LOCAL idle_in_transaction_session_timeout = '10s'", "SET LOCAL idle_in_transaction_session_timeout = 0",
		"TestAChangeThatFallsAsleepIsThrownOut"},
	"leases by the machine's clock": {"store_postgres.go",
		"	now := time.UnixMilli(ms)\n", "	now := machine.Now()\n",
		"TestLeasesGoByTheServersClock"},
	"another machine's process taken for dead": {"owners.go",
		"err != nil && !o.alone", "err != nil && o.dir == \"\"",
		"TestAnotherMachinesProcessIsNotTakenForDead"},
	"a nudge beside the transaction": {"river.go",
		"r.client.InsertManyTx(ctx, native(tx), jobs)", "r.client.InsertMany(ctx, jobs)",
		"TestANudgeIsInTheTransactionOfItsRun"},
	"no sweep for lost nudges": {"river.go",
		"nudged_at = 0 OR nudged_at <= ?", "nudged_at = 0 OR nudged_at < 0 AND nudged_at <= ?",
		"TestTheSweepNudgesWhatIsForgotten"},
}

func TestMutationsAreFound(t *testing.T) {
	for name, m := range mutations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, err := filepath.Abs(m.file)
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), m.old); n != 1 {
				t.Fatalf("%s has %q %d times; rewrite this mutation", m.file, m.old, n)
			}
			said := mutated(t, path, strings.Replace(string(text), m.old, m.new, 1), m.red)
			if !strings.Contains(said, "--- FAIL: "+m.red+" (") {
				t.Errorf("%s does not find it:\n%s", m.red, said)
			}
		})
	}
}

// mutated is what a test says when a file has another text.
func mutated(t *testing.T, path, text, test string) string {
	t.Helper()
	dir := t.TempDir()
	file, overlay := filepath.Join(dir, "mutated.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {path: file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{file: text, overlay: string(replace)} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	pattern := "^" + strings.ReplaceAll(test, "/", "$/^") + "$"
	cmd := exec.CommandContext(ctx, "go", "test", "-overlay", overlay, "-vet=off", "-ldflags=-s -w", "-count=1", "-timeout=60s", "-run", pattern, "-v", ".")
	said, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("the tests pass")
	}
	return string(said)
}
