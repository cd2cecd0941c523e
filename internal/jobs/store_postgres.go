package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"cipp-mcp/internal/clock"
)

// postgresServer is a ledger in the schema that the connection's search_path leads to.
type postgresServer struct {
	pool *pgxpool.Pool
	db   *database
	turn chan struct{} // this process's changes queue here rather than at the server's lock
	seen string        // the server's snapshot at the last look
}

const (
	// leastConnections are one for a change, some for readers and the heartbeats, and River's own.
	leastConnections = 10
	connectTime      = 10 * time.Second
	// changeTime bounds a change whose server does not answer any more.
	changeTime = 30 * time.Second
	// mostSkew is how far a machine's clock may be off the server's. A step's settle time may begin by
	// the one and end by the other, so it has to be much less than that.
	mostSkew = 5 * time.Second
)

// ErrClock says that this machine's clock cannot be worked with.
var ErrClock = errors.New("this machine's clock is not the database's")

// oneAtATime is what makes changes on PostgreSQL what they are on SQLite: they follow each other, so
// that the audit's chain has no gap and nothing that a change has read is overtaken. A process that
// falls asleep in the middle of one is thrown out before anybody's lease runs out.
const oneAtATime = `BEGIN; SET LOCAL idle_in_transaction_session_timeout = '10s';
	SELECT pg_advisory_xact_lock(hashtextextended('cipp-mcp jobs ' || current_schema(), 0))`

// OpenPostgresStore opens the ledger that a postgres:// URL leads to and brings its schema up to date.
func OpenPostgresStore(ctx context.Context, url string) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("open the job ledger: %w", err) // it leaves the password out
	}
	config.MaxConns = max(config.MaxConns, leastConnections)
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTime
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the job ledger: %w", err)
	}
	p := &postgresServer{pool: pool, db: &database{DB: stdlib.OpenDBFromPool(pool), postgres: true}, turn: make(chan struct{}, 1)}
	if err := p.change(ctx, migratePostgres); err != nil {
		return nil, errors.Join(fmt.Errorf("open the job ledger: %w", err), p.close())
	}
	return &Store{write: p.db, read: p.db, pool: pool, engine: p}, nil
}

// postgresRules make PostgreSQL itself refuse what would rewrite history.
const postgresRules = `
CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$;
CREATE FUNCTION attempt_refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'attempts are append-only, and end once'; END $$;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuses();
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuses();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();
CREATE TRIGGER attempt_once BEFORE UPDATE ON attempt FOR EACH ROW WHEN (OLD.ended_at <> 0) EXECUTE FUNCTION attempt_refuses();
CREATE TRIGGER attempt_no_delete BEFORE DELETE ON attempt FOR EACH ROW EXECUTE FUNCTION attempt_refuses();
CREATE TRIGGER attempt_no_truncate BEFORE TRUNCATE ON attempt FOR EACH STATEMENT EXECUTE FUNCTION attempt_refuses();
`

var postgresMigrations = []string{schemaV1 + postgresRules}

func migratePostgres(ctx context.Context, tx Tx) error { return migrate(ctx, tx, postgresMigrations) }

// serverTx is a transaction whose PostgreSQL handle River can write through too. Its queries go
// through database/sql, on the one connection that the transaction was begun on.
type serverTx struct {
	Tx
	native pgx.Tx
}

// native is PostgreSQL's own handle on a transaction that Change has begun there.
func native(tx Tx) pgx.Tx { return tx.(*transaction).Tx.(serverTx).native }

func (p *postgresServer) change(ctx context.Context, f func(context.Context, Tx) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, changeTime)
	defer cancel()
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return storeError(ctx.Err())
	}
	conn, native, err := p.begin(ctx)
	if err != nil && ctx.Err() == nil { // the server was restarted, perhaps: the connections there are know only its former life
		p.pool.Reset()
		conn, native, err = p.begin(ctx)
	}
	if err != nil {
		return storeError(err)
	}
	defer func() {
		if cerr := conn.Close(); cerr != nil && err == nil {
			err = storeError(cerr)
		}
	}()
	tx := &transaction{Tx: serverTx{p.db.worded(conn), native},
		commit: func() error { return native.Commit(ctx) }, rollback: func() error { return native.Rollback(ctx) }}
	return within(ctx, tx, f)
}

func (p *postgresServer) begin(ctx context.Context) (*sql.Conn, pgx.Tx, error) {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	var native pgx.Tx
	err = conn.Raw(func(c any) (err error) {
		native, err = c.(*stdlib.Conn).Conn().BeginTx(ctx, pgx.TxOptions{BeginQuery: oneAtATime})
		return err
	})
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, native, nil
}

// changed compares snapshots, which differ as soon as anybody on the server has written anything: as
// cheap as a look at SQLite's data_version, and as generous.
func (p *postgresServer) changed(ctx context.Context) (bool, error) {
	var v string
	if err := p.db.QueryRowContext(ctx, `SELECT pg_current_snapshot()::text`).Scan(&v); err != nil {
		return false, storeError(err)
	}
	was := p.seen
	p.seen = v
	return v != was, nil
}

// now is the server's time, by which leases end for all replicas alike.
func (p *postgresServer) now(ctx context.Context, tx Tx, machine clock.Clock) (time.Time, error) {
	var ms int64
	if err := tx.QueryRowContext(ctx, `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint`).Scan(&ms); err != nil {
		return time.Time{}, storeError(err)
	}
	now := time.UnixMilli(ms)
	if off := machine.Now().Sub(now); off.Abs() > mostSkew {
		return now, fmt.Errorf("%w: it is %s off; set it right", ErrClock, off.Round(time.Second))
	}
	return now, nil
}

func (p *postgresServer) local() bool { return false }

func (p *postgresServer) close() error {
	err := p.db.Close()
	p.pool.Close()
	return err
}
