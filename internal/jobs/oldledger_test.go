package jobs

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Until a version is released its schema may change, and the fixture with it: -update writes it anew.
// That of a released version is never written again.
var update = flag.Bool("update", false, "write the fixtures of the present schema's version anew")

// oldSteps are those of the fixture's run, which was killed after the second's effect.
func oldSteps(b *bench) []Step {
	return []Step{b.step("block", Idempotent), b.step("forward", Verifiable), b.step("mail", Blind, "forward"), b.step("licence", Idempotent)}
}

// A ledger that an earlier version left with a run half done is finished by this one.
func TestAnOldLedgerIsFinished(t *testing.T) {
	newest := fmt.Sprintf("jobs-v%d.sql", len(sqliteMigrations))
	if *update {
		b := newBench(t)
		steps := oldSteps(b)
		b.far["forward"].act = func(_ int, work func(time.Duration)) error { work(0); crash(); return nil }
		l := b.ledger()
		b.create(l, "old", steps...)
		b.work(b.worker(l, steps...), "old")
		if err := os.WriteFile(filepath.Join("testdata", newest), []byte(dump(t, l)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fixtures, err := filepath.Glob("testdata/jobs-v*.sql")
	if err != nil || len(fixtures) != len(sqliteMigrations) {
		t.Fatalf("%v for %d versions, %v; -update writes that of the newest", fixtures, len(sqliteMigrations), err)
	}
	for _, fixture := range fixtures {
		t.Run(filepath.Base(fixture), func(t *testing.T) {
			b := newBench(t)
			load(t, fixture, filepath.Join(b.at.dir, "jobs.db"))
			steps := oldSteps(b)
			b.far["forward"].visible = []time.Time{b.cloud.Now()} // it happened in the old version's days
			b.machine.add(2 * LeaseTime)
			l := b.ledger()
			j := b.job(l, "old")
			wantStates(t, j, "running: block=done forward=intent mail=pending licence=pending")
			wantStates(t, b.drive("old", steps...), "done: block=done forward=done mail=done licence=done")
			if got := strings.Join(b.calls, " "); got != "mail licence" {
				t.Errorf("called %s", got)
			}
			verified(t, l)
			if lines, err := l.store.Audit(t.Context(), "old"); err != nil || lines[0].At.After(j.Created) {
				t.Errorf("its first line is from %s, %v", lines[0].At, err)
			}
		})
	}
}

func load(t *testing.T, fixture, file string) {
	t.Helper()
	text, err := os.ReadFile(fixture)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", fileName(file))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), string(text)); err != nil {
		t.Fatal(err)
	}
}

// dump writes a file's ledger as SQL: its schema and its rows.
func dump(t *testing.T, l *Ledger) string {
	t.Helper()
	ctx := context.Background()
	var out strings.Builder
	each := func(query string, f func(cell []any)) {
		rows, err := l.store.read.QueryContext(ctx, query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		names, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			cells, into := make([]any, len(names)), make([]any, len(names))
			for i := range cells {
				into[i] = &cells[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			f(cells)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	var tables []string
	each(`SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid`, func(c []any) {
		out.WriteString(c[2].(string) + ";\n")
		if c[0] == "table" {
			tables = append(tables, c[1].(string))
		}
	})
	for _, table := range tables {
		each(`SELECT * FROM `+table+` ORDER BY rowid`, func(c []any) {
			values := make([]string, len(c))
			for i, v := range c {
				values[i] = fmt.Sprint(v)
				if s, ok := v.(string); ok {
					values[i] = "'" + strings.ReplaceAll(s, "'", "''") + "'"
				}
			}
			out.WriteString("INSERT INTO " + table + " VALUES (" + strings.Join(values, ", ") + ");\n")
		})
	}
	return out.String()
}
