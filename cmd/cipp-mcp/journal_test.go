//go:build !windows

package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cipp-mcp/internal/jobs"
)

// verifies runs journal verify as anybody would, and says whether the journal passed.
func (b *bureau) verifies(args ...string) (passed bool, said string) {
	b.t.Helper()
	out, err := b.command(append([]string{"journal", "verify"}, args...)...).CombinedOutput()
	return err == nil, string(out)
}

// One byte of the journal that was changed, in any column of any line, is found by the command that is made for
// it; lines that were cut off the end are found by a head that was kept.
func TestJournalVerifyFindsAChangedByte(t *testing.T) {
	b := newBureau(t)
	a := b.opens()
	b.writes(a, "cipp_disable_user", in(harbourline, "userId", dana, "revokeSessions", true))
	a.close()
	passed, said := b.verifies()
	_, head, found := strings.Cut(strings.TrimSpace(said), "head ")
	if !passed || !found {
		t.Fatalf("untouched: %s", said)
	}
	if passed, said := b.verifies("--head", head); !passed {
		t.Fatalf("untouched, up to its own head: %s", said)
	}
	file := filepath.Join(b.state, "jobs.db")
	whole, err := os.ReadFile(file)
	b.fatal(err)
	if left, err := os.Stat(file + "-wal"); err == nil && left.Size() > 0 {
		t.Fatal("the ledger was not closed, so that its file is not all of it")
	}
	const last = `(SELECT MAX(seq) FROM audit)`
	// another puts another character in the place of one in the middle of a column.
	another := func(column, seq string) string {
		middle := "(length(" + column + ")/2 + 1)"
		return `UPDATE audit SET ` + column + ` = substr(` + column + `, 1, ` + middle + ` - 1) || char(unicode(substr(` + column + `, ` + middle + `, 1)) + 1) || substr(` + column + `, ` + middle + ` + 1) WHERE seq = ` + seq
	}
	for name, c := range map[string]struct {
		do   string
		head bool // only who kept the head can know
	}{
		"what, first line":     {do: another("what", "1")},
		"what, in the middle":  {do: another("what", "5")},
		"what, last line":      {do: another("what", last)},
		"hash, first line":     {do: another("hash", "1")},
		"hash, last line":      {do: another("hash", last)},
		"the hash before":      {do: another("prev_hash", "3")},
		"who":                  {do: another("who", "2")},
		"of which job":         {do: another("run_id", "5")},
		"when":                 {do: `UPDATE audit SET at = at + 1 WHERE seq = 4`},
		"a line taken out":     {do: `DELETE FROM audit WHERE seq = 3`},
		"the first taken out":  {do: `DELETE FROM audit WHERE seq = 1`},
		"two lines in turn":    {do: `UPDATE audit SET seq = CASE seq WHEN 3 THEN 1003 ELSE 1004 END WHERE seq IN (3, 4); UPDATE audit SET seq = CASE seq WHEN 1003 THEN 4 ELSE 3 END WHERE seq > 1000`},
		"the end cut off":      {do: `DELETE FROM audit WHERE seq = ` + last, head: true},
		"nearly all cut off":   {do: `DELETE FROM audit WHERE seq > 1`, head: true},
		"everything taken out": {do: `DELETE FROM audit`, head: true},
	} {
		t.Run(name, func(t *testing.T) {
			b.fatal(os.WriteFile(file, whole, 0o600))
			tamper(t, file, c.do)
			if passed, said := b.verifies(); passed != c.head || !passed && !strings.Contains(said, jobs.ErrAudit.Error()) {
				t.Errorf("passed: %t: %s", passed, said)
			}
			if passed, said := b.verifies("--head", head); passed || !strings.Contains(said, jobs.ErrAudit.Error()) {
				t.Errorf("by its head: passed: %t: %s", passed, said)
			}
		})
	}
	b.fatal(os.WriteFile(file, whole, 0o600))
	if passed, said := b.verifies("--head", head); !passed {
		t.Errorf("put back: %s", said)
	}
}

// tamper changes the journal as somebody with the file at hand would, who has to take its guards away first.
func tamper(t *testing.T, file, do string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := db.ExecContext(t.Context(), do); err == nil {
		t.Error("nothing guards the journal against being rewritten")
	}
	rows, err := db.QueryContext(t.Context(), `SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'`)
	if err != nil {
		t.Fatal(err)
	}
	var drop []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		drop = append(drop, "DROP TRIGGER "+name)
	}
	if err := rows.Err(); err != nil || len(drop) == 0 {
		t.Fatalf("%v, %v", drop, err)
	}
	for _, q := range append(drop, do) {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}
