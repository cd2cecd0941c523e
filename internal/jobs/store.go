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

// ErrStore says that the ledger could not be read or written. It is never taken for having been
// fenced out, and what could not be written as an intent is not done.
var ErrStore = errors.New("the job ledger cannot be written or read")

// Tx is what a change of the ledger writes through; everything in one Tx happens or does not.
type Tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Store is the ledger's file, jobs.db in the state directory, which several processes may share.
type Store struct {
	write *sql.DB // one connection: transactions queue here rather than at the file's lock
	read  *sql.DB
	watch *sql.Conn
	seen  int64 // the file's data_version at the last look
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
	s := &Store{}
	var err error
	if s.write, err = sql.Open("sqlite", name+"&_txlock=immediate"); err != nil {
		return nil, err
	}
	s.write.SetMaxOpenConns(1)
	if err := migrate(ctx, s.write); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if s.read, err = sql.Open("sqlite", name+"&_pragma=query_only(1)"); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.read.SetMaxOpenConns(3) // one of them is held to watch
	if s.watch, err = s.read.Conn(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
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

// Close closes the file.
func (s *Store) Close() error {
	var errs []error
	if s.watch != nil {
		errs = append(errs, s.watch.Close())
	}
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	if s.write != nil {
		errs = append(errs, s.write.Close())
	}
	return errors.Join(errs...)
}

// Change runs f in one transaction. What f returns comes back as it is; a failure of the file itself
// is ErrStore. A change that was begun is not given up because the caller left.
func (s *Store) Change(ctx context.Context, f func(context.Context, Tx) error) error {
	ctx = context.WithoutCancel(ctx)
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return storeError(err)
	}
	if err := f(ctx, tx); err != nil {
		if rerr := tx.Rollback(); rerr != nil && !errors.Is(rerr, sql.ErrTxDone) {
			return errors.Join(err, storeError(rerr))
		}
		return err
	}
	return storeError(tx.Commit())
}

// changed says whether anybody wrote to the file since the last time this was asked.
func (s *Store) changed(ctx context.Context) (bool, error) {
	var v int64
	if err := s.watch.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&v); err != nil {
		return false, storeError(err)
	}
	was := s.seen
	s.seen = v
	return v != was, nil
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
