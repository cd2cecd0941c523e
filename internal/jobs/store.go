package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"cipp-mcp/internal/clock"
)

// ErrStore says that the ledger could not be read or written. It is never taken for having been
// fenced out, and what could not be written as an intent is not done.
var ErrStore = errors.New("the job ledger cannot be written or read")

// Tx is what a change of the ledger writes through; everything in one Tx happens or does not. Queries
// have a ? for each argument, whatever the database.
type Tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Store is where the ledger lies: jobs.db in the state directory, which several processes may share,
// or a schema of a PostgreSQL database, which several machines may.
type Store struct {
	write *database
	read  *database
	pool  *pgxpool.Pool // nil on SQLite
	engine
}

// engine is what differs between the databases.
type engine interface {
	// change runs f in one transaction. No two changes run side by side, in whatever processes: what
	// one of them reads stays so until it has written.
	change(ctx context.Context, f func(context.Context, Tx) error) error
	// changed says whether anybody wrote since the last time this was asked.
	changed(ctx context.Context) (bool, error)
	// now is the time that all who share the ledger reckon leases in.
	now(ctx context.Context, tx Tx, machine clock.Clock) (time.Time, error)
	// local says that all who share the ledger share the state directory too.
	local() bool
	close() error
}

// Close gives the database back.
func (s *Store) Close() error { return s.close() }

// Change runs f in one transaction. What f returns comes back as it is; a failure of the database
// itself is ErrStore. A change that was begun is not given up because the caller left.
func (s *Store) Change(ctx context.Context, f func(context.Context, Tx) error) error {
	return s.change(context.WithoutCancel(ctx), f)
}

// within runs f in a transaction that has begun, and ends it.
func within(ctx context.Context, tx *transaction, f func(context.Context, Tx) error) error {
	if err := f(ctx, tx); err != nil {
		if rerr := tx.rollback(); rerr != nil && !errors.Is(rerr, sql.ErrTxDone) {
			return errors.Join(err, storeError(rerr))
		}
		return err
	}
	return storeError(tx.commit())
}

func storeError(err error) error {
	if err == nil || errors.Is(err, ErrStore) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrStore, err)
}

// execute runs one statement and says how many rows it changed.
func execute(ctx context.Context, tx Tx, query string, args ...any) (int64, error) {
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, storeError(err)
	}
	n, err := res.RowsAffected()
	return n, storeError(err)
}
