package jobs

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
)

// schemaV1 is version 1 for every database; each adds its own rules to it.
//
//go:embed schema.sql
var schemaV1 string

// ErrNewer says that a later version of the product wrote this ledger.
var ErrNewer = errors.New("the job ledger was written by a newer version of cipp-mcp; update this one")

// migrate brings the schema up to date. The migrations lead from each version to the next; a released
// one is never changed. It is a change like any other, which no other runs beside: of several processes
// that start at once, one does it and the others find it done.
func migrate(ctx context.Context, tx Tx, migrations []string) error {
	if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)`); err != nil {
		return err
	}
	var version int
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM schema_version`).Scan(&version); err != nil {
		return err
	}
	if version > len(migrations) {
		return ErrNewer
	}
	for v := version; v < len(migrations); v++ {
		if _, err := tx.ExecContext(ctx, migrations[v]); err != nil {
			return fmt.Errorf("migration %d: %w", v+1, err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO schema_version (version) VALUES (?)`, v+1); err != nil {
			return err
		}
	}
	return nil
}
