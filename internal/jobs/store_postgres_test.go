package jobs

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"cipp-mcp/internal/clock"
)

func TestQueriesAreNumbered(t *testing.T) {
	for query, want := range map[string]string{
		`SELECT 1`: `SELECT 1`,
		`UPDATE run SET a = ?, b = 'is it?' WHERE c=?`: `UPDATE run SET a = $1, b = 'is it?' WHERE c=$2`,
		`SELECT '''?', ?`:                             `SELECT '''?', $1`,
		strings.Repeat("?", 11):                       `$1$2$3$4$5$6$7$8$9$10$11`,
		`WHERE ? IN ('', state) ORDER BY "ü" LIMIT ?`: `WHERE $1 IN ('', state) ORDER BY "ü" LIMIT $2`,
	} {
		if got := numbered(query); got != want {
			t.Errorf("%s\nnot %s", got, want)
		}
	}
}

// shifted is a machine whose clock is off.
type shifted struct {
	clock.System
	by time.Duration
}

func (s shifted) Now() time.Time { return s.System.Now().Add(s.by) }

// Leases are reckoned in the server's time, which is the same for everybody; a machine whose own clock
// is far off it takes no part.
func TestLeasesGoByTheServersClock(t *testing.T) {
	b := newBench(t)
	b.at = placeOf(t, onPostgres)
	for name, c := range map[string]struct {
		by   time.Duration
		want error
	}{
		"right":  {0, nil},
		"early":  {-mostSkew / 2, nil},
		"late":   {mostSkew / 2, nil},
		"behind": {-time.Minute, ErrClock},
		"ahead":  {time.Hour, ErrClock},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := OpenPostgresLedger(t.Context(), b.at.url, b.at.dir, clock.System{}, shifted{by: c.by})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			b.create(l, name, b.step(name, Idempotent))
			_, ok, err := l.Claim(t.Context(), name)
			if !errors.Is(err, c.want) || ok != (c.want == nil) || errors.Is(err, ErrStore) {
				t.Errorf("%v, %v", ok, err)
			}
			if c.want != nil {
				if _, err := l.due(t.Context(), 10, false); !errors.Is(err, c.want) {
					t.Errorf("it looks for runs: %v", err)
				}
				return
			}
			var off float64
			if err := l.store.read.QueryRowContext(t.Context(), `SELECT lease_until - extract(epoch FROM clock_timestamp()) * 1000 FROM run WHERE id = ?`, name).Scan(&off); err != nil {
				t.Fatal(err)
			}
			if math.Abs(off-float64(LeaseTime.Milliseconds())) > 1000 {
				t.Errorf("it has the run for %.0f ms by the server's clock", off)
			}
		})
	}
}

// Nothing is known here of a process on another machine: its lease has to run out.
func TestAnotherMachinesProcessIsNotTakenForDead(t *testing.T) {
	b := newBench(t)
	b.at = placeOf(t, onPostgres)
	l := b.ledger()
	b.at.dir = t.TempDir()
	other := b.ledger()
	b.create(l, "r", b.step("s", Idempotent))
	if _, ok, err := other.Claim(t.Context(), "r"); !ok || err != nil {
		t.Fatal(err)
	}
	if found, err := l.reap(t.Context()); found || err != nil {
		t.Errorf("%v, %v", found, err)
	}
	if _, ok, err := l.Claim(t.Context(), "r"); ok || err != nil {
		t.Errorf("it was taken from a living process: %v", err)
	}
	b.machine.add(LeaseTime)
	if _, ok, err := l.Claim(t.Context(), "r"); !ok || err != nil {
		t.Errorf("it is not taken over: %v", err)
	}
}

// A process that falls asleep in the middle of a change does not hold up everybody else for good.
func TestAChangeThatFallsAsleepIsThrownOut(t *testing.T) {
	p := placeOf(t, onPostgres)
	asleep, awake := openStore(t, p), openStore(t, p)
	err := asleep.Change(t.Context(), func(ctx context.Context, tx Tx) error {
		if err := audit(ctx, tx, "r", time.UnixMilli(1), "asleep", Event{Event: "created"}); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `SET LOCAL idle_in_transaction_session_timeout = '100ms'`); err != nil {
			return err
		}
		return awake.Change(ctx, func(ctx context.Context, tx Tx) error { // it waits for the lock until the server has thrown the other out
			return audit(ctx, tx, "r", time.UnixMilli(1), "awake", Event{Event: "created"})
		})
	})
	if !errors.Is(err, ErrStore) {
		t.Errorf("the sleeper's change: %v", err)
	}
	if lines, err := awake.Audit(t.Context(), ""); err != nil || len(lines) != 1 || lines[0].Who != "awake" {
		t.Errorf("%+v, %v", lines, err)
	}
	var timeout string
	if err := awake.Change(t.Context(), func(ctx context.Context, tx Tx) error {
		return tx.QueryRowContext(ctx, `SHOW idle_in_transaction_session_timeout`).Scan(&timeout)
	}); err != nil || timeout != "10s" {
		t.Errorf("a sleeper is thrown out after %q, %v", timeout, err)
	}
}

func TestAnUnreachableServerIsAnErrorOfTheLedger(t *testing.T) {
	for _, url := range []string{"postgres://u:secret@127.0.0.1:1/x", "postgres://u:secret@127.0.0.1:x/x"} {
		_, err := OpenPostgresLedger(t.Context(), url, t.TempDir(), clock.System{}, clock.System{})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
