package jobs

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Gather runs steps that only read side by side, at most eight at once. report is called as each
// ends. A step reports its own failure through what it leaves in the run; an error here is a bug.
func Gather(ctx context.Context, run *Run, steps []Step, report func(done, total int, name string)) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	ended := make(chan string, len(steps))
	for _, s := range steps {
		g.Go(func() error {
			if _, err := s.Do(ctx, run); err != nil {
				return err
			}
			ended <- s.Name
			return nil
		})
	}
	finished := make(chan error, 1)
	go func() { finished <- g.Wait() }()
	for done := 1; ; done++ {
		select {
		case name := <-ended:
			report(done, len(steps), name)
		case err := <-finished:
			return err
		}
	}
}
