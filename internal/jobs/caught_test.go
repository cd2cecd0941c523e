package jobs

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// A bug in one reading ends that call, never the server.
func TestAPanicBesideOthersIsCaught(t *testing.T) {
	run := &Run{}
	step := func(do func()) Step {
		return Step{Name: "s", Do: func(context.Context, *Run) (Handle, error) { do(); return nil, nil }}
	}
	err := Gather(t.Context(), run, []Step{step(func() {}), step(func() { panic("boom") }), step(func() {})}, func(int, int, string) {})
	var p *Panic
	if !errors.As(err, &p) || p.Value != "boom" || !strings.Contains(err.Error(), "caught_test.go") {
		t.Errorf("%v", err)
	}
}
