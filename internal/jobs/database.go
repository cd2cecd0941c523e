package jobs

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
)

// database is a pool of connections that takes queries as they are written in this package.
type database struct {
	*sql.DB
	postgres bool
}

// ExecContext runs one statement.
func (d *database) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return d.worded(d.DB).ExecContext(ctx, query, args...)
}

// QueryContext asks for rows.
func (d *database) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return d.worded(d.DB).QueryContext(ctx, query, args...)
}

// QueryRowContext asks for one row.
func (d *database) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return d.worded(d.DB).QueryRowContext(ctx, query, args...)
}

// BeginTx begins a transaction; one that only reads sees everything as it was at one moment.
func (d *database) BeginTx(ctx context.Context, opts *sql.TxOptions) (*transaction, error) {
	if d.postgres && opts == nil { // SQLite needs no asking
		opts = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	tx, err := d.DB.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &transaction{Tx: d.worded(tx), commit: tx.Commit, rollback: tx.Rollback}, nil
}

func (d *database) worded(to Tx) Tx {
	if d.postgres {
		return numbering{to}
	}
	return to
}

// transaction is a Tx with its end.
type transaction struct {
	Tx
	commit, rollback func() error
}

// Rollback undoes what was done, if it was not committed.
func (t *transaction) Rollback() error { return t.rollback() }

// numbering words queries for PostgreSQL, which numbers its arguments, and takes no text that is not
// UTF-8 or has a zero in it: a service's words must not keep an outcome from being written.
type numbering struct{ to Tx }

func (n numbering) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return n.to.ExecContext(ctx, numbered(query), storables(args)...)
}

func (n numbering) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return n.to.QueryContext(ctx, numbered(query), storables(args)...)
}

func (n numbering) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return n.to.QueryRowContext(ctx, numbered(query), storables(args)...)
}

// numbered writes $1, $2 … for each ? outside of quotes.
func numbered(query string) string {
	var out strings.Builder
	quoted, n := false, 0
	for _, c := range query {
		switch {
		case c == '\'':
			quoted = !quoted
		case c == '?' && !quoted:
			n++
			out.WriteString("$" + strconv.Itoa(n))
			continue
		}
		out.WriteRune(c)
	}
	return out.String()
}

func storables(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		if s, ok := a.(string); ok {
			a = storable(s)
		}
		out[i] = a
	}
	return out
}

// storable is a text as every database keeps it.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
