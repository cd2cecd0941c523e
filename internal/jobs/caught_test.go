package jobs

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
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

func aRunner(t *testing.T) (*Runner, *Journal) {
	t.Helper()
	c := &counted{t: time.Unix(0, 0)}
	j, err := OpenJournal(t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	return &Runner{Clock: c, Journal: j, Ambiguous: func(err error) bool { return errors.Is(err, errLost) }, Explain: func(err error) string { return err.Error() }}, j
}

// A panic in the middle of a write leaves it unknown; what does not need it goes on.
func TestAPanicInAWriteIsUnknown(t *testing.T) {
	r, j := aRunner(t)
	defer func() { _ = j.Close() }()
	fine := (&world{clock: r.Clock.(*counted)}).step(Idempotent, time.Second)
	bad := fine
	bad.Name, bad.Do = "bad", func(context.Context, *Run) (Handle, error) { panic("boom") }
	res := r.Execute(t.Context(), &Run{}, []Step{bad, fine}, make([]Change, 2), nil)
	if res[0].State != StateUnknown || res[1].State != StateDone {
		t.Errorf("%+v", res)
	}
}

// When the journal ends in the middle of a run, nothing further is begun.
func TestNothingBeginsWithoutAJournal(t *testing.T) {
	r, j := aRunner(t)
	far := &world{clock: r.Clock.(*counted)}
	first := far.step(Idempotent, time.Second)
	do := first.Do
	first.Do = func(ctx context.Context, run *Run) (Handle, error) {
		_ = j.Close() // from here on nothing can be written down
		return do(ctx, run)
	}
	second := far.step(Idempotent, time.Second)
	second.Name = "second"
	res := r.Execute(t.Context(), &Run{}, []Step{first, second}, make([]Change, 2), nil)
	if res[0].State != StateDone || res[1].State != StateSkipped || !strings.Contains(res[1].Detail, "journal") || far.calls != 1 {
		t.Errorf("%d calls, %+v", far.calls, res)
	}
}
