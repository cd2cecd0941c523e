package tools

import (
	"errors"
	"testing"

	"cipp-mcp/internal/jobs"
)

// A bug in one section reaches whoever surrounds the call, in the call's own goroutine.
func TestAPanicInASection(t *testing.T) {
	var missing []Unavailable
	s := newSections(&missing)
	s.run(true, "fine", func() error { return nil })
	s.run(true, "broken", func() error { var p *Problem; return errors.New(p.Code) })
	defer func() {
		if _, ok := recover().(*jobs.Panic); !ok {
			t.Error("nobody learns of it")
		}
	}()
	s.wait()
}
