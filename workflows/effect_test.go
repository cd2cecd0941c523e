package workflows

import (
	"errors"
	"testing"

	"cipp-mcp/internal/jobs"
)

// Only an order that Microsoft took can be under way; one whose answer was lost may never have arrived.
func TestOnlyAnOrderThatWasTakenIsUnderWay(t *testing.T) {
	const name = "convert"
	run, lost := &jobs.Run{}, errors.New("no answer")
	if out := underWay(run, name); out != jobs.NotDone {
		t.Errorf("never given: %v", out)
	}
	for _, c := range []struct {
		err  error
		want jobs.Outcome
	}{{nil, jobs.Pending}, {lost, jobs.NotDone}} {
		err := order(t.Context(), run, name, func() error {
			if out := underWay(run, name); out != jobs.NotDone {
				t.Errorf("while it is given: %v", out)
			}
			return c.err
		})
		if out := underWay(run, name); !errors.Is(err, c.err) || out != c.want {
			t.Errorf("%v: %v, %v", c.err, out, err)
		}
	}
}
