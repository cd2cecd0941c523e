package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// River is the dispatcher for replicas on PostgreSQL. A job of River's is only a nudge to look at a
// run: the lease decides who runs it, and what River loses or does twice does no harm. Each replica
// sweeps the ledger besides for runs that are due and that no nudge is under way for, which are those
// whose waiting is over and those whose process died. Neither waits for River's rescuer or scheduler.
type River struct {
	*watch
	client  *river.Client[pgx.Tx]
	advance func(ctx context.Context, runID string) error
	ending  context.Context // of Run; when it ends, runs are parked between two steps
}

const (
	riverQueue = "cipp_jobs"
	// sliceTime is how long one nudge may work at its run, which then goes on with the next: so a
	// replica that is told to stop is soon empty, and no run keeps others waiting.
	sliceTime = time.Minute
	// riverJobTime bounds a slice and the call that is out at its end. It is not -1, with which
	// River's rescuer would leave the job of a killed process as running for good.
	riverJobTime = 5 * time.Minute
	// nudgeTime is after how long a nudge that neither waits in River's queue nor was followed is taken
	// for lost, with a process that was killed before it could claim the run.
	nudgeTime = 5 * time.Second
	// sweepMost is how many runs are nudged in one change.
	sweepMost = 100
)

// nudge is a River job. There is nothing unique about it: one that came in vain must not keep the next
// from being made. The epoch is there for who reads River's tables.
type nudge struct {
	RunID string `json:"run_id"`
	Epoch int64  `json:"epoch"`
}

// Kind is River's name for it.
func (nudge) Kind() string { return "cipp_run" }

// NewRiver makes the dispatcher of a ledger on PostgreSQL, for at most so many runs at once in this
// process, and brings River's tables up to date. A process that does not Run it only announces runs.
// failed is as for NewLoop, and is told of River's own troubles too.
func NewRiver(ctx context.Context, l *Ledger, workers int, failed func(runID string, err error)) (*River, error) {
	if l.store.pool == nil {
		return nil, errors.New("River needs a ledger on PostgreSQL")
	}
	r := &River{watch: newWatch(l, failed)}
	logger := slog.New(troubles{tell: r.failed})
	driver := riverpgxv5.New(l.store.pool)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: logger})
	if err != nil {
		return nil, fmt.Errorf("set up River: %w", err)
	}
	// River's migrations lock nothing and are not one transaction, so they run beside a change of ours
	// that keeps other processes out.
	err = l.store.Change(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := execute(ctx, tx, `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil {
			return err
		}
		_, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
		return storeError(err)
	})
	if err != nil {
		return nil, fmt.Errorf("set up River: %w", err)
	}
	all := river.NewWorkers()
	river.AddWorker(all, &runWorker{river: r})
	r.client, err = river.NewClient(driver, &river.Config{
		Queues:                      map[string]river.QueueConfig{riverQueue: {MaxWorkers: max(workers, 1)}},
		Workers:                     all,
		Logger:                      logger,
		FetchCooldown:               50 * time.Millisecond,
		JobTimeout:                  riverJobTime,
		RescueStuckJobsAfter:        riverJobTime + time.Minute,
		SoftStopTimeout:             10 * time.Second,
		MaxAttempts:                 1, // the sweep nudges again, River need not
		CompletedJobRetentionPeriod: time.Hour,
		CancelledJobRetentionPeriod: time.Hour,
		DiscardedJobRetentionPeriod: time.Hour,
	})
	if err != nil {
		return nil, fmt.Errorf("set up River: %w", err)
	}
	l.Dispatch = r
	return r, nil
}

// Enqueue puts a nudge into the transaction that makes the run. One for later is found by the sweep.
func (r *River) Enqueue(ctx context.Context, tx Tx, runID string, notBefore time.Time) error {
	if notBefore.After(r.ledger.time.clock.Now()) {
		return nil
	}
	now, err := r.ledger.store.now(ctx, tx, r.ledger.machine)
	if err != nil && !errors.Is(err, ErrClock) { // who only announces may have any clock
		return err
	}
	return r.announce(ctx, tx, now, runID)
}

func (r *River) announce(ctx context.Context, tx Tx, now time.Time, runIDs ...string) error {
	var jobs []river.InsertManyParams
	for _, id := range runIDs {
		n := nudge{RunID: id}
		if err := tx.QueryRowContext(ctx, `UPDATE run SET nudged_at = ? WHERE id = ? RETURNING epoch`, milli(now), id).Scan(&n.Epoch); err != nil {
			return storeError(err)
		}
		jobs = append(jobs, river.InsertManyParams{Args: n, InsertOpts: &river.InsertOpts{Queue: riverQueue}})
	}
	_, err := r.client.InsertManyTx(ctx, native(tx), jobs)
	return storeError(err)
}

// Nudge makes this replica look at once; the others see the change at their next look.
func (r *River) Nudge(string) { signal(r.wake) }

// Run hands due runs to advance until ctx ends, and returns when the last is out of hand.
func (r *River) Run(ctx context.Context, advance func(ctx context.Context, runID string) error) error {
	r.advance, r.ending = advance, ctx
	for r.backOff(ctx) == nil { // the server may not be there yet
		if err := r.client.Start(context.WithoutCancel(ctx)); err != nil {
			r.fail("", storeError(err))
			continue
		}
		r.errs.Store(0)
		r.each(ctx, func() error { return r.sweep(ctx) })
		return r.client.Stop(context.WithoutCancel(ctx))
	}
	return nil
}

// sweep nudges the runs that are due and that no nudge is under way for. That is looked at before the
// change is begun, since most of the time there are none.
func (r *River) sweep(ctx context.Context) error {
	l := r.ledger
	if _, err := l.reap(ctx); err != nil {
		return err
	}
	for {
		ids, err := r.forgotten(ctx, l.store.read)
		if err != nil || len(ids) == 0 {
			return err
		}
		err = l.store.Change(ctx, func(ctx context.Context, tx Tx) error {
			ids, err := r.forgotten(ctx, tx)
			if err != nil || len(ids) == 0 {
				return err
			}
			now, err := l.store.now(ctx, tx, l.machine)
			if err != nil {
				return err
			}
			return r.announce(ctx, tx, now, ids...)
		})
		if err != nil || len(ids) < sweepMost {
			return err
		}
	}
}

// forgotten lists due runs that no nudge is under way for.
func (r *River) forgotten(ctx context.Context, tx Tx) ([]string, error) {
	now, err := r.ledger.store.now(ctx, tx, r.ledger.machine)
	if err != nil {
		return nil, err
	}
	return r.ledger.dueOf(ctx, tx, now, sweepMost, ` AND (nudged_at = 0 OR nudged_at <= ? AND NOT EXISTS (SELECT 1 FROM river_job WHERE state = 'available' AND queue = ?))`,
		milli(now.Add(-nudgeTime)), riverQueue)
}

// runWorker follows nudges.
type runWorker struct {
	river.WorkerDefaults[nudge]
	river *River
}

// Work takes a run as far as it goes in one slice. It fails towards River never: what is left to do
// is in the ledger, and the sweep finds it there.
func (w *runWorker) Work(ctx context.Context, job *river.Job[nudge]) error {
	ctx, cancel := context.WithTimeout(ctx, sliceTime)
	defer cancel()
	defer context.AfterFunc(w.river.ending, cancel)()          //nolint:contextcheck // a slice ends with whichever is first
	w.river.follow(slice{ctx, w.river.ending}, job.Args.RunID) //nolint:contextcheck // it is both
	return nil
}

// slice ends with whichever is first, and says so at once: the goroutine that cancels it may come a step late.
type slice struct {
	context.Context //nolint:containedctx // it is a context
	ending          context.Context
}

// Err says why the slice is over, nil while it is not.
func (s slice) Err() error {
	if err := s.ending.Err(); err != nil {
		return err
	}
	return s.Context.Err()
}

func (r *River) follow(ctx context.Context, runID string) {
	switch err := r.advance(ctx, runID); {
	case err == nil:
		r.errs.Store(0)
	case !errors.Is(err, ErrFenced):
		r.fail(runID, err)
	}
	// A nudge that was followed in vain, as when another run about the same user was at work, must not
	// keep the sweep from this one.
	_, err := execute(context.WithoutCancel(ctx), r.ledger.store.write, `UPDATE run SET nudged_at = 0 WHERE id = ? AND nudged_at <> 0`, runID)
	if err != nil {
		r.fail(runID, err)
	}
	signal(r.wake)
}

// troubles hands on what River warns of.
type troubles struct {
	tell  func(runID string, err error)
	attrs string
}

// Enabled leaves out what is no trouble.
func (t troubles) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// Handle hands one on.
func (t troubles) Handle(_ context.Context, rec slog.Record) error {
	var told strings.Builder
	told.WriteString(rec.Message + t.attrs)
	rec.Attrs(func(a slog.Attr) bool { told.WriteString(" " + a.String()); return true })
	t.tell("", errors.New("River: "+told.String()))
	return nil
}

// WithAttrs keeps attributes for all that follows.
func (t troubles) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		t.attrs += " " + a.String()
	}
	return t
}

// WithGroup needs no group: nobody but a person reads it.
func (t troubles) WithGroup(string) slog.Handler { return t }
