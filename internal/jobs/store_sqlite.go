package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"

	"cipp-mcp/internal/clock"
)

// sqliteFile is a ledger in a file of this machine.
type sqliteFile struct {
	write, read *database // write has one connection: transactions queue there rather than at the file's lock
	watch       *sql.Conn
	seen        int64 // the file's data_version at the last look
}

// busyTimeout is a matter of correctness, not of comfort: an outcome that is refused because another
// process is writing would have its call made again.
const settings = "?_busy_timeout=10000&_journal_mode=WAL&_synchronous=FULL"

// OpenStore opens, or makes, stateDir/jobs.db with mode 0600 and brings its schema up to date.
func OpenStore(ctx context.Context, stateDir string) (*Store, error) {
	path, err := filepath.Abs(filepath.Join(stateDir, "jobs.db"))
	if err != nil {
		return nil, fmt.Errorf("open the job ledger: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // a file of our own directory
	if err != nil {
		return nil, fmt.Errorf("open the job ledger: %w", err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return nil, fmt.Errorf("open the job ledger: %w", err)
	}
	// Processes that meet on a fresh file can be refused at once, whatever the timeout says.
	for try := 0; ; try++ {
		s, err := openOnce(ctx, path)
		if err == nil {
			return s, nil
		}
		if !busy(err) || try == 20 {
			return nil, fmt.Errorf("open the job ledger %s: %w", path, err)
		}
		if err := (clock.System{}).Sleep(ctx, time.Duration(10+rand.IntN(40))*time.Millisecond); err != nil { //nolint:gosec // spread, not secrecy
			return nil, err
		}
	}
}

func openOnce(ctx context.Context, path string) (*Store, error) {
	name := fileName(path) + settings
	f := &sqliteFile{}
	write, err := sql.Open("sqlite", name+"&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	f.write = &database{DB: write}
	if err := f.change(ctx, migrateSQLite); err != nil {
		return nil, errors.Join(err, f.close())
	}
	read, err := sql.Open("sqlite", name+"&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	read.SetMaxOpenConns(3) // one of them is held to watch
	f.read = &database{DB: read}
	if f.watch, err = read.Conn(ctx); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return &Store{write: f.write, read: f.read, engine: f}, nil
}

// fileName writes a path as the URI that SQLite reads, whatever characters it has.
func fileName(path string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // a Windows drive
	}
	return "file:" + strings.ReplaceAll((&url.URL{Path: p}).EscapedPath(), "?", "%3F")
}

func busy(err error) bool {
	var e *sqlite.Error
	const sqliteBusy = 5
	return errors.As(err, &e) && e.Code()&0xff == sqliteBusy
}

// sqliteRules make SQLite itself refuse what would rewrite history.
const sqliteRules = `
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER attempt_once BEFORE UPDATE ON attempt WHEN OLD.ended_at <> 0 BEGIN SELECT RAISE(ABORT, 'an attempt ends once'); END;
CREATE TRIGGER attempt_no_delete BEFORE DELETE ON attempt BEGIN SELECT RAISE(ABORT, 'attempts are append-only'); END;
`

var sqliteMigrations = []string{schemaV1 + sqliteRules}

func migrateSQLite(ctx context.Context, tx Tx) error { return migrate(ctx, tx, sqliteMigrations) }

// change begins IMMEDIATE, as the connection string has it, so that the file's lock keeps changes apart.
func (f *sqliteFile) change(ctx context.Context, do func(context.Context, Tx) error) error {
	tx, err := f.write.BeginTx(ctx, nil)
	if err != nil {
		return storeError(err)
	}
	return within(ctx, tx, do)
}

func (f *sqliteFile) changed(ctx context.Context) (bool, error) {
	var v int64
	if err := f.watch.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&v); err != nil {
		return false, storeError(err)
	}
	was := f.seen
	f.seen = v
	return v != was, nil
}

// now is the machine's time: there is only one machine.
func (f *sqliteFile) now(_ context.Context, _ Tx, machine clock.Clock) (time.Time, error) {
	return machine.Now(), nil
}

func (f *sqliteFile) local() bool { return true }

func (f *sqliteFile) close() error {
	var errs []error
	if f.watch != nil {
		errs = append(errs, f.watch.Close())
	}
	for _, db := range []*database{f.read, f.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
