package workflows

import (
	"testing"
	"time"

	"cipp-mcp/internal/jobs"
)

// Somebody else's change right before a call that was lost is not taken for the call's own.
func TestSetAnew(t *testing.T) {
	began := time.Date(2026, 3, 12, 15, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *time.Time { x := began.Add(d); return &x }
	for name, c := range map[string]struct {
		before, now *time.Time
		answered    bool
		want        jobs.Outcome
	}{
		"never set":                            {nil, nil, true, jobs.NotDone},
		"first time":                           {nil, at(0), false, jobs.Done},
		"later than before":                    {at(-time.Hour), at(0), false, jobs.Done},
		"unchanged and old":                    {at(-time.Hour), at(-time.Hour), true, jobs.NotDone},
		"the same second, answered":            {at(-time.Second), at(-time.Second), true, jobs.Done},
		"the same second, the answer was lost": {at(-time.Second), at(-time.Second), false, jobs.Unknown},
	} {
		if got := setAnew(c.before, c.now, began, c.answered); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A process that died before it called anybody did nothing, whatever was set at some earlier time.
func TestWhatWasNeverBegunIsNotDone(t *testing.T) {
	long := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	if got := setSinceBegun(&jobs.Run{ID: "run"}, "password", &long); got != jobs.NotDone {
		t.Errorf("%v", got)
	}
}
