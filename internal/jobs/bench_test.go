package jobs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/jobs/pgtest"
)

// BenchmarkRuns takes a thousand runs of fifteen steps that cost nothing through a ledger: what is
// left is what the ledger itself costs, two commits and two lines of the audit for each step.
func BenchmarkRuns(b *testing.B) {
	const runs, workers = 1000, 8
	steps := make([]Step, 15)
	for i := range steps {
		steps[i] = Step{Name: "s" + strconv.Itoa(i), Class: Idempotent,
			Do:     func(context.Context, *Run) (Handle, error) { return nil, nil },
			Verify: func(context.Context, *Run) (Outcome, error) { return Done, nil }}
	}
	for _, kind := range kinds {
		b.Run(kind, func(b *testing.B) {
			ctx, at := b.Context(), place{kind: kind, dir: b.TempDir()}
			var server *pgtest.Server
			if kind != onSQLite {
				var err error
				server, err = pgtest.Start(ctx, "fsync=on")
				if errors.Is(err, pgtest.ErrNone) {
					b.Skip(err)
				}
				if err != nil {
					b.Fatal(err)
				}
				defer server.Stop()
			}
			for n := 0; b.Loop(); n++ {
				if server != nil {
					var err error
					if at.url, err = server.Schema(ctx); err != nil {
						b.Fatal(err)
					}
				} else {
					at.dir = b.TempDir()
				}
				took := takeThrough(b, at, steps, runs, workers)
				b.ReportMetric(float64(runs*len(steps))/took.Seconds(), "steps/s")
			}
		})
	}
}

func takeThrough(b *testing.B, at place, steps []Step, runs, workers int) time.Duration {
	b.Helper()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	l, err := at.ledger(ctx, clock.System{}, clock.System{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	p, err := at.dispatcher(ctx, l, workers, func(id string, err error) { b.Errorf("%s: %v", id, err) })
	if err != nil {
		b.Fatal(err)
	}
	for i := range runs {
		err := l.Create(ctx, NewRun{Run: &Run{ID: fmt.Sprintf("r%d", i), Tool: "test"}, Steps: steps, Changes: make([]Change, len(steps))})
		if err != nil {
			b.Fatal(err)
		}
	}
	w := &Worker{Ledger: l, Ambiguous: func(error) bool { return false }, Explain: error.Error,
		Registry: Registry{"test": func(context.Context, RunInfo) ([]Step, error) { return steps, nil }}}
	began := time.Now()
	var over sync.WaitGroup
	over.Go(func() {
		if err := p.Run(ctx, w.Work); err != nil {
			b.Error(err)
		}
	})
	for i := range runs {
		if j, err := l.Wait(ctx, fmt.Sprintf("r%d", i), nil); err != nil || j.State != RunDone {
			b.Fatal(j.State, err)
		}
	}
	took := time.Since(began)
	stop()
	over.Wait()
	return took
}
