package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Freeze is why nothing may be written now.
type Freeze struct {
	By  string    `json:"by"`
	Why string    `json:"why,omitempty"`
	At  time.Time `json:"at"`
}

// errFrozen says that a call was not begun because of a freeze.
var errFrozen = errors.New("writes are frozen")

// thaw is how often a run looks whether a freeze was lifted.
const thaw = 15 * time.Second

// Freeze stops every write of every process on this ledger before its next call. What is out is still read
// back.
func (l *Ledger) Freeze(ctx context.Context, who, why string) error {
	b, err := json.Marshal(Freeze{By: who, Why: why, At: l.time.clock.Now()})
	if err != nil {
		return fmt.Errorf("freeze: %w", err)
	}
	return l.store.Change(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := execute(ctx, tx, `DELETE FROM setting WHERE name = 'freeze'`); err != nil {
			return err
		}
		if _, err := execute(ctx, tx, `INSERT INTO setting (name, value) VALUES ('freeze', ?)`, string(b)); err != nil {
			return err
		}
		return audit(ctx, tx, "", l.time.now(), who, Event{Event: "freeze", State: "frozen", Reason: why})
	})
}

// Unfreeze lets writes go on.
func (l *Ledger) Unfreeze(ctx context.Context, who string) error {
	err := l.store.Change(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := execute(ctx, tx, `DELETE FROM setting WHERE name = 'freeze'`); err != nil {
			return err
		}
		if _, err := execute(ctx, tx, `UPDATE run SET next_at = 0 WHERE state = 'running' AND owner = ''`); err != nil {
			return err
		}
		return audit(ctx, tx, "", l.time.now(), who, Event{Event: "freeze", State: "lifted"})
	})
	l.told("")
	if err == nil && l.Dispatch != nil {
		l.Dispatch.Nudge("")
	}
	return err
}

// Frozen is the freeze that is in force, nil when none is.
func (l *Ledger) Frozen(ctx context.Context) (*Freeze, error) { return freezeIn(ctx, l.store.read) }

func freezeIn(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) (*Freeze, error) {
	var value string
	err := q.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = 'freeze'`).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, storeError(err)
	}
	f := &Freeze{Why: "the entry is damaged"}
	_ = json.Unmarshal([]byte(value), f) // a freeze that cannot be read is a freeze
	return f, nil
}
