package jobs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cipp-mcp/internal/clock"
)

func openStore(t *testing.T, p place) *Store {
	t.Helper()
	s, err := p.store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestTheStoreIsOpenedWithTheSettingsThatMakeItSafe(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a state #1 50%?x=y")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, place{kind: onSQLite, dir: dir})
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "10000"} {
		for name, db := range map[string]*database{"writer": s.write, "reader": s.read} {
			var got string
			if err := db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s of the %s is %q, not %q (%v)", pragma, name, got, want, err)
			}
		}
	}
	if _, err := s.read.ExecContext(t.Context(), `DELETE FROM run`); err == nil {
		t.Error("the reader may write")
	}
	if n := s.write.Stats().MaxOpenConnections; n != 1 {
		t.Errorf("%d connections may write", n)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 3 {
		t.Fatalf("%v: not in its directory: %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v (%v)", f.Name(), info.Mode(), err)
		}
	}
}

func TestAChangeHappensWholeOrNotAtAll(t *testing.T) {
	s := openStore(t, newPlace(t))
	no := errors.New("no")
	err := s.Change(t.Context(), func(ctx context.Context, tx Tx) error {
		if err := audit(ctx, tx, "r", time.UnixMilli(1), "me", Event{Event: "created"}); err != nil {
			return err
		}
		return no
	})
	if lines, lerr := s.Audit(t.Context(), ""); !errors.Is(err, no) || errors.Is(err, ErrStore) || lerr != nil || len(lines) != 0 {
		t.Errorf("%v, %v, %v", err, lines, lerr)
	}
	err = s.Change(t.Context(), func(ctx context.Context, tx Tx) error {
		_, err := execute(ctx, tx, `INSERT INTO nothing (a) VALUES (1)`)
		return err
	})
	if !errors.Is(err, ErrStore) {
		t.Errorf("a failed statement is %v", err)
	}
}

func TestANewerLedgerIsRefused(t *testing.T) {
	p := newPlace(t)
	s := openStore(t, p)
	if _, err := s.write.ExecContext(t.Context(), `UPDATE schema_version SET version = version + 1`); err != nil {
		t.Fatal(err)
	}
	if _, err := p.store(t.Context()); !errors.Is(err, ErrNewer) {
		t.Errorf("a ledger of a later version: %v", err)
	}
}

func written(t *testing.T, s *Store, n int) {
	t.Helper()
	for i := range n {
		err := s.Change(t.Context(), func(ctx context.Context, tx Tx) error {
			return audit(ctx, tx, fmt.Sprintf("run%d", i%2), time.UnixMilli(int64(i)), "me", Event{Event: "step", Step: "s", State: StateDone})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheAuditTellsWhatWasChanged(t *testing.T) {
	for name, spoil := range map[string]string{
		"a byte of the text":      `UPDATE audit SET what = replace(what, 'done', 'dome') WHERE seq = 3`,
		"who it was":              `UPDATE audit SET who = 'you' WHERE seq = 3`,
		"when it was":             `UPDATE audit SET at = at + 1 WHERE seq = 3`,
		"which run it was":        `UPDATE audit SET run_id = 'run9' WHERE seq = 3`,
		"a line taken out":        `DELETE FROM audit WHERE seq = 3`,
		"the first line":          `DELETE FROM audit WHERE seq = 1`,
		"the link":                `UPDATE audit SET prev_hash = '' WHERE seq = 3`,
		"a text moved by a field": `UPDATE audit SET run_id = run_id || who, who = '' WHERE seq = 3`,
		"two lines exchanged":     `UPDATE audit SET seq = CASE seq WHEN 3 THEN -4 WHEN 4 THEN -3 ELSE seq END; UPDATE audit SET seq = -seq WHERE seq < 0`,
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, newPlace(t))
			written(t, s, 5)
			head, err := s.Verify(t.Context())
			if err != nil || head.Seq != 5 || len(head.Hash) != 64 {
				t.Fatalf("%+v, %v", head, err)
			}
			if _, err := s.write.ExecContext(t.Context(), spoil); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("the database let it happen: %v", err)
			}
			unlock := `DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; `
			if !s.local() {
				unlock = `DROP TRIGGER audit_no_update ON audit; DROP TRIGGER audit_no_delete ON audit; `
			}
			if _, err := s.write.ExecContext(t.Context(), unlock+spoil); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Verify(t.Context()); !errors.Is(err, ErrAudit) {
				t.Errorf("not noticed: %v", err)
			}
		})
	}
}

// Whoever writes at the same time, in whatever process, the lines follow each other.
func TestTheChainHasNoGap(t *testing.T) {
	const stores, writers, lines = 3, 4, 30
	p := newPlace(t)
	var all sync.WaitGroup
	start := make(chan struct{})
	for range stores {
		s := openStore(t, p)
		for range writers {
			all.Go(func() { <-start; written(t, s, lines) })
		}
	}
	close(start)
	all.Wait()
	if head, err := openStore(t, p).Verify(t.Context()); err != nil || head.Seq != stores*writers*lines {
		t.Errorf("%+v, %v", head, err)
	}
}

func TestAttemptsAreNotRewritten(t *testing.T) {
	s := openStore(t, newPlace(t))
	for i, statement := range []string{
		`INSERT INTO attempt (run_id, idx, n, epoch, owner, intent_at, request_id) VALUES ('r', 0, 1, 1, 'o', 1, 'q')`,
		`UPDATE attempt SET ended_at = 2, outcome = 'answered'`,
		`UPDATE attempt SET outcome = 'refused'`,
		`DELETE FROM attempt`,
	} {
		_, err := s.write.ExecContext(t.Context(), statement)
		if refused := err != nil; refused != (i > 1) {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

func TestTheAuditOfOneRun(t *testing.T) {
	s := openStore(t, newPlace(t))
	written(t, s, 5)
	if lines, err := s.Audit(t.Context(), "run1"); err != nil || len(lines) != 2 || lines[0].Seq != 2 || lines[1].Seq != 4 {
		t.Errorf("%+v, %v", lines, err)
	}
}

// openAndWrite waits until it is let go, so that all start at the same moment.
func openAndWrite() error {
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	ctx := context.Background()
	l, err := placeOfProcess().ledger(ctx, clock.System{}, clock.System{})
	if err != nil {
		return err
	}
	err = l.store.Change(ctx, func(ctx context.Context, tx Tx) error {
		return audit(ctx, tx, "r", time.Now(), fmt.Sprint(os.Getpid()), Event{Event: "created"})
	})
	return errors.Join(err, l.Close())
}

func init() { roles["open"] = openAndWrite }

func TestSixProcessesStartAtOnceOnNothing(t *testing.T) {
	const rounds, n = 5, 6
	for range rounds {
		p := newPlace(t)
		var gates []interface{ Close() error }
		var waits []func() error
		for range n {
			cmd := process(t, "open", p.env()...)
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			waits = append(waits, cmd.Wait)
			gates = append(gates, closeAfter{in.Write, in.Close})
		}
		for _, g := range gates {
			if err := g.Close(); err != nil {
				t.Error(err)
			}
		}
		for _, wait := range waits {
			if err := wait(); err != nil {
				t.Error(err)
			}
		}
		if head, err := openStore(t, p).Verify(t.Context()); err != nil || head.Seq != n {
			t.Errorf("%+v, %v", head, err)
		}
	}
}

type closeAfter struct {
	write func([]byte) (int, error)
	close func() error
}

func (c closeAfter) Close() error {
	_, err := c.write([]byte("go\n"))
	return errors.Join(err, c.close())
}

// A change and its line of the audit are one: where the line cannot be written, nothing is.
func TestWhatCannotBeAuditedDoesNotHappen(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	s := b.step("s", Idempotent)
	b.create(l, "r", s)
	full := `CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END`
	if !l.store.local() {
		full = `CREATE TRIGGER full_up BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuses()`
	}
	if _, err := l.store.write.ExecContext(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	err := l.Create(t.Context(), NewRun{Run: &Run{ID: "other", Tool: "test"}, Steps: []Step{s}, Changes: make([]Change, 1)})
	if _, jerr := l.Job(t.Context(), "other"); !errors.Is(err, ErrStore) || !errors.Is(jerr, ErrNoRun) {
		t.Errorf("made, and not audited: %v, %v", err, jerr)
	}
	if err := l.Cancel(t.Context(), "r", "somebody"); !errors.Is(err, ErrStore) || b.job(l, "r").Cancelled {
		t.Errorf("cancelled, and not audited: %v", err)
	}
	if _, err := b.work(b.worker(l, s), "r"); !errors.Is(err, ErrStore) || len(b.calls) != 0 || b.job(l, "r").Steps[0].State != StateToDo {
		t.Errorf("called, and not audited: %v, %v", err, b.calls)
	}
}
