package jobs

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Gather runs steps that only read side by side, at most eight at once, and calls report as each
// ends, one at a time. A step leaves its own failure in the run; an error here is a bug, or the
// caller's leaving.
func Gather(ctx context.Context, run *Run, steps []Step, report func(done, total int, name string)) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	var mu sync.Mutex
	done := 0
	for _, s := range steps {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := Caught(func() error { _, err := s.Do(ctx, run); return err }); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			report(done, len(steps), s.Name)
			return nil
		})
	}
	return g.Wait()
}
