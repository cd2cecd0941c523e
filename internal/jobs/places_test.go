package jobs

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/jobs/pgtest"
)

// The stores and dispatchers that the same tests are held over.
const (
	onSQLite   = "sqlite"
	onPostgres = "postgres"
	onRiver    = "river"
)

// place is where a test's ledger lies, and what hands its runs out.
type place struct{ kind, dir, url string }

const (
	dirVariable  = "CIPP_JOBS_TEST_DIR"
	kindVariable = "CIPP_JOBS_TEST_KIND"
	urlVariable  = "CIPP_JOBS_TEST_URL"
)

// env tells a process of its own which place it is, and placeOfProcess reads it there.
func (p place) env() []string {
	return []string{dirVariable + "=" + p.dir, kindVariable + "=" + p.kind, urlVariable + "=" + p.url}
}

func placeOfProcess() place {
	return place{kind: os.Getenv(kindVariable), dir: os.Getenv(dirVariable), url: os.Getenv(urlVariable)}
}

// newPlace makes a place of the kind that the test's name asks for: the contract names it, all else is
// SQLite.
func newPlace(t *testing.T) place {
	t.Helper()
	return placeOf(t, kindOf(t))
}

func kindOf(t *testing.T) string {
	if names := strings.Split(t.Name(), "/"); names[0] == contractName {
		return names[1]
	}
	return onSQLite
}

func placeOf(t *testing.T, kind string) place {
	t.Helper()
	p := place{kind: kind, dir: t.TempDir()}
	if kind == onSQLite {
		return p
	}
	url, err := postgres(t).Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.url = url
	return p
}

var shared struct {
	once   sync.Once
	server *pgtest.Server
	err    error
}

// postgres is the server of this test binary; main_test.go stops it.
func postgres(t *testing.T) *pgtest.Server {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = pgtest.Start(context.Background()) })
	if errors.Is(shared.err, pgtest.ErrNone) {
		t.Skip(shared.err)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

func (p place) store(ctx context.Context) (*Store, error) {
	if p.kind == onSQLite {
		return OpenStore(ctx, p.dir)
	}
	return OpenPostgresStore(ctx, p.url)
}

func (p place) ledger(ctx context.Context, cloud, machine clock.Clock) (*Ledger, error) {
	if p.kind == onSQLite {
		return OpenLedger(ctx, p.dir, cloud, machine)
	}
	l, err := OpenPostgresLedger(ctx, p.url, p.dir, cloud, machine)
	if err != nil {
		return nil, err
	}
	if _, real := machine.(clock.System); !real {
		l.store.engine = byHand{l.store.engine}
	}
	if p.kind == onRiver { // so that what is made here is announced there
		if _, err := NewRiver(ctx, l, 1, nil); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

// dispatcher is what hands the runs of a ledger in this place out.
func (p place) dispatcher(ctx context.Context, l *Ledger, workers int, failed func(runID string, err error)) (Dispatcher, error) {
	if p.kind == onRiver {
		return NewRiver(ctx, l, workers, failed)
	}
	return NewLoop(l, workers, failed), nil
}

// byHand is a server whose time is that of the test's clock.
type byHand struct{ engine }

func (byHand) now(_ context.Context, _ Tx, machine clock.Clock) (time.Time, error) {
	return machine.Now(), nil
}
