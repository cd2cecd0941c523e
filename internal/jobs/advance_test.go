package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The points at which a process can die, or an answer be lost, around one call.
var points = map[string]func(gone func() error) func(n int, work func(time.Duration)) error{
	"before": func(gone func() error) func(int, func(time.Duration)) error {
		return func(n int, work func(time.Duration)) error {
			if n == 0 {
				return gone()
			}
			work(0)
			return nil
		}
	},
	"after": func(gone func() error) func(int, func(time.Duration)) error {
		return func(n int, work func(time.Duration)) error {
			work(0)
			if n == 0 {
				return gone()
			}
			return nil
		}
	},
	"late": func(gone func() error) func(int, func(time.Duration)) error {
		return func(n int, work func(time.Duration)) error {
			if n == 0 {
				work(20 * time.Second) // within the settle time
				return gone()
			}
			work(0)
			return nil
		}
	},
}

func TestEveryClassAtEveryPoint(t *testing.T) {
	type want struct {
		state          string
		effects, calls int
	}
	crashed := func() error { crash(); return nil }
	lost := func() error { return errLost }
	for name, c := range map[string]struct {
		class Class
		point string
		gone  func() error
		want
	}{
		"idempotent, killed before the effect": {Idempotent, "before", crashed, want{StateDone, 1, 2}},
		"idempotent, killed after it":          {Idempotent, "after", crashed, want{StateDone, 2, 2}},
		"idempotent, the effect is late":       {Idempotent, "late", crashed, want{StateDone, 2, 2}},
		"verifiable, killed before the effect": {Verifiable, "before", crashed, want{StateDone, 1, 2}},
		"verifiable, killed after it":          {Verifiable, "after", crashed, want{StateDone, 1, 1}},
		"verifiable, the effect is late":       {Verifiable, "late", crashed, want{StateDone, 1, 1}},
		"async, killed before the effect":      {Async, "before", crashed, want{StateDone, 1, 2}},
		"async, killed after it":               {Async, "after", crashed, want{StateDone, 1, 1}},
		"async, the effect is late":            {Async, "late", crashed, want{StateDone, 1, 1}},
		"blind, killed before the effect":      {Blind, "before", crashed, want{StateUnknown, 0, 1}},
		"blind, killed after it":               {Blind, "after", crashed, want{StateUnknown, 1, 1}},
		"blind, the effect is late":            {Blind, "late", crashed, want{StateUnknown, 1, 1}},
		"idempotent, lost before the effect":   {Idempotent, "before", lost, want{StateDone, 1, 2}},
		"idempotent, lost after it":            {Idempotent, "after", lost, want{StateDone, 1, 1}},
		"verifiable, lost before the effect":   {Verifiable, "before", lost, want{StateDone, 1, 2}},
		"verifiable, lost after it":            {Verifiable, "after", lost, want{StateDone, 1, 1}},
		"verifiable, lost, and late":           {Verifiable, "late", lost, want{StateDone, 1, 1}},
		"async, lost before the effect":        {Async, "before", lost, want{StateDone, 1, 2}},
		"async, lost, and late":                {Async, "late", lost, want{StateDone, 1, 1}},
		"blind, lost after the effect":         {Blind, "after", lost, want{StateUnknown, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			steps := []Step{b.step("first", Idempotent), b.step("s", c.class), b.step("last", Idempotent)}
			b.far["s"].act = points[c.point](c.gone)
			b.create(b.ledger(), "r", steps...)
			j := b.drive("r", steps...)
			end := map[string]string{StateDone: RunDone, StateUnknown: RunAttention}[c.state]
			wantStates(t, j, end+": first=done s="+c.state+" last=done")
			if f := b.far["s"]; f.effects != c.effects || f.calls != c.calls {
				t.Errorf("%d effects in %d calls", f.effects, f.calls)
			}
			if b.far["first"].calls != 1 || b.far["last"].calls != 1 {
				t.Errorf("finished steps ran again: %v", b.calls)
			}
			verified(t, b.ledger())
		})
	}
}

// A process that dies while it reads back leaves a step that was answered, which is then only looked
// after, whatever its class.
func TestAnAnsweredStepIsOnlyLookedAfter(t *testing.T) {
	for _, class := range []Class{Idempotent, Verifiable, Async} {
		t.Run(class.String(), func(t *testing.T) {
			b := newBench(t)
			s := b.step("s", class)
			f := b.far["s"]
			f.act = func(_ int, work func(time.Duration)) error { work(5 * time.Second); return nil }
			looks := 0
			f.look = func() {
				if looks++; looks == 2 {
					crash()
				}
			}
			b.create(b.ledger(), "r", s)
			wantStates(t, b.drive("r", s), "done: s=done")
			if f.calls != 1 || looks < 3 {
				t.Errorf("%d calls, %d looks", f.calls, looks)
			}
		})
	}
}

func TestTheEndsOfReadingBack(t *testing.T) {
	say := func(o Outcome, err error) func(context.Context, *Run) (Outcome, error) {
		return func(context.Context, *Run) (Outcome, error) { return o, err }
	}
	for name, c := range map[string]struct {
		class  Class
		answer error
		verify func(context.Context, *Run) (Outcome, error)
		want   string
		calls  int
	}{
		"accepted, never seen":         {Idempotent, nil, say(NotDone, nil), StateFailed, 1},
		"accepted, cannot be read":     {Idempotent, nil, say(NotDone, errRefused), StateUnknown, 1},
		"accepted, does not tell":      {Verifiable, nil, say(Unknown, nil), StateUnknown, 1},
		"nothing to read back with":    {Verifiable, nil, nil, StateUnknown, 1},
		"still at it":                  {Async, nil, say(Pending, nil), StatePending, 1},
		"refused":                      {Verifiable, errRefused, say(NotDone, nil), StateFailed, 1},
		"lost each time, repeatable":   {Idempotent, errLost, say(NotDone, nil), StateFailed, maxTries},
		"lost each time, verifiable":   {Verifiable, errLost, say(NotDone, nil), StateFailed, maxTries},
		"lost, and cannot be read":     {Verifiable, errLost, say(NotDone, errRefused), StateUnknown, 1},
		"blind and refused":            {Blind, errRefused, nil, StateFailed, 1},
		"reading back panics":          {Verifiable, nil, func(context.Context, *Run) (Outcome, error) { panic("oh") }, StateUnknown, 1},
		"lost, and Microsoft is at it": {Async, errLost, say(Pending, nil), StatePending, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			s := b.step("s", c.class)
			s.Verify = c.verify
			b.far["s"].act = func(int, func(time.Duration)) error { return c.answer }
			after := b.step("after", Idempotent, "s")
			b.create(b.ledger(), "r", s, after)
			began := b.cloud.Now()
			j := b.drive("r", s, after)
			wantStates(t, j, "attention: s="+c.want+" after=skipped")
			if b.far["s"].calls != c.calls || j.Steps[0].Detail == "" {
				t.Errorf("%d calls; %q", b.far["s"].calls, j.Steps[0].Detail)
			}
			if waited := b.cloud.Now().Sub(began); waited > 2*time.Minute {
				t.Errorf("it took %s", waited)
			}
		})
	}
}

// What a service says may be no text at all; it is written down all the same.
func TestHostileWordsAreKept(t *testing.T) {
	b := newBench(t)
	s := b.step("s", Idempotent)
	b.far["s"].act = func(int, func(time.Duration)) error { return errors.New("no \xff\x00 way") }
	b.create(b.ledger(), "r", s)
	j := b.drive("r", s)
	wantStates(t, j, "attention: s=failed")
	if d := j.Steps[0].Detail; !strings.HasPrefix(d, "no ") || !strings.HasSuffix(d, " way") {
		t.Errorf("%q", d)
	}
	verified(t, b.ledger())
}

func TestAPanicInACallIsAmbiguous(t *testing.T) {
	b := newBench(t)
	s := b.step("s", Verifiable)
	b.far["s"].act = func(n int, work func(time.Duration)) error {
		work(0)
		panic("oh")
	}
	b.create(b.ledger(), "r", s)
	wantStates(t, b.drive("r", s), "done: s=done")
}

func TestTheIntentIsWrittenBeforeTheCallAndAllOfItIsAudited(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	s := b.step("s", Async)
	do := s.Do
	var during Job
	var request string
	s.Do = func(ctx context.Context, r *Run) (Handle, error) {
		during, request = b.job(l, "r"), RequestID(ctx)
		_, err := do(ctx, r)
		return Handle{"operation": "42"}, err
	}
	s.Verify = func(_ context.Context, r *Run) (Outcome, error) {
		if r.HandleOf("s")["operation"] != "42" {
			return NotDone, nil
		}
		return Done, nil
	}
	b.create(l, "r", s)
	if _, err := b.work(b.worker(l, s), "r"); err != nil {
		t.Fatal(err)
	}
	wantStates(t, during, "running: s=intent")
	wantStates(t, b.job(l, "r"), "done: s=done")
	lines, err := l.store.Audit(t.Context(), "r")
	var told []string
	for _, line := range lines {
		told = append(told, string(line.What))
	}
	all := strings.Join(told, "\n")
	if err != nil || len(lines) != 5 || lines[0].Who != "somebody" || request == "" || strings.Count(all, request) != 1 || !strings.Contains(all, `"before":"a","after":"b"`) {
		t.Errorf("%v; request %q in\n%s", err, request, all)
	}
	var n, epoch int64
	var id, outcome string
	if err := l.store.read.QueryRowContext(t.Context(), `SELECT n, epoch, request_id, outcome FROM attempt WHERE ended_at > 0`).Scan(&n, &epoch, &id, &outcome); err != nil || n != 1 || epoch != 1 || id != request || outcome != "answered" {
		t.Errorf("attempt %d in epoch %d: %q %q, %v", n, epoch, id, outcome, err)
	}
}

func TestAFailureLeavesOthersAlone(t *testing.T) {
	b := newBench(t)
	steps := []Step{b.step("bad", Idempotent), b.step("child", Idempotent, "bad"), b.step("grandchild", Idempotent, "child"), b.step("free", Idempotent),
		b.step("nothing", Idempotent), b.step("manual", Idempotent), b.step("onNothing", Idempotent, "nothing"), b.step("onManual", Idempotent, "manual"), b.step("onNobody", Blind, "nobody")}
	b.far["bad"].act = func(int, func(time.Duration)) error { return errRefused }
	changes := make([]Change, len(steps))
	changes[4].Nothing, changes[5].Manual = "it is so", "do it yourself"
	b.createWith(b.ledger(), NewRun{Run: &Run{ID: "r"}, Changes: changes}, steps...)
	wantStates(t, b.drive("r", steps...), "attention: bad=failed child=skipped grandchild=skipped free=done nothing=nothingToDo manual=manual_required onNothing=done onManual=skipped onNobody=skipped")
	if len(b.calls) != 3 {
		t.Error(b.calls)
	}
}

// A call that is refused because an earlier one landed meanwhile has not failed; one that is refused for
// another reason has.
func TestARefusalBecauseAnEarlierCallLanded(t *testing.T) {
	for end, landed := range map[string]bool{StateDone: true, StateFailed: false} {
		b := newBench(t)
		s := b.step("s", Idempotent)
		b.far["s"].act = func(n int, work func(time.Duration)) error {
			if n == 0 {
				crash()
			}
			if landed {
				work(0) // the first call's, just before this one
			}
			return errRefused
		}
		b.create(b.ledger(), "r", s)
		j := b.drive("r", s)
		wantStates(t, j, map[bool]string{true: RunDone, false: RunAttention}[landed]+": s="+end)
	}
}

func TestAThrottledCallWaits(t *testing.T) {
	b := newBench(t)
	l := b.ledger()
	s, other := b.step("s", Blind), b.step("other", Idempotent)
	b.far["s"].act = func(n int, work func(time.Duration)) error {
		if n == 0 {
			return errRefused
		}
		work(0)
		return nil
	}
	b.create(l, "r", s, other)
	w := b.worker(l, s, other)
	w.Later = func(error) (time.Duration, bool) { return 40 * time.Second, true }
	if _, err := b.work(w, "r"); err != nil {
		t.Fatal(err)
	}
	j := b.job(l, "r")
	wantStates(t, j, "running: s=pending other=done")
	if !j.NextAt.Equal(b.cloud.Now().Add(40*time.Second)) || j.Owner != "" {
		t.Errorf("parked until %s, held by %q", j.NextAt, j.Owner)
	}
	wantStates(t, b.drive("r", s, other), "done: s=done other=done")
}

// Whatever dies wherever: nothing finished runs again, nothing that can be read back or is blind
// happens twice, and the run ends.
func TestRandomCrashes(t *testing.T) {
	at, n := newPlace(t), 0
	rapid.Check(t, func(rt *rapid.T) {
		b := newBenchAt(t, at)
		defer b.close()
		n++
		id := fmt.Sprintf("r%d", n)
		classes := []Class{Idempotent, Verifiable, Async, Blind}
		var steps []Step
		for i := range rapid.IntRange(1, 6).Draw(rt, "steps") {
			name := fmt.Sprintf("s%d", i)
			var needs []string
			if i > 0 && rapid.Bool().Draw(rt, "needs") {
				needs = []string{steps[rapid.IntRange(0, i-1).Draw(rt, "need")].Name}
			}
			steps = append(steps, b.step(name, rapid.SampledFrom(classes).Draw(rt, "class"), needs...))
			gone := rapid.SliceOfN(rapid.SampledFrom([]string{"before", "after", "late", "lostBefore", "lostAfter", "fine"}), 0, 4).Draw(rt, "fate")
			b.far[name].act = func(n int, work func(time.Duration)) error {
				if n >= len(gone) {
					work(0)
					return nil
				}
				switch gone[n] {
				case "before":
					crash()
				case "after":
					work(0)
					crash()
				case "late":
					work(25 * time.Second)
					crash()
				case "lostBefore":
					return errLost
				case "lostAfter":
					work(3 * time.Second)
					return errLost
				}
				work(0)
				return nil
			}
		}
		b.create(b.ledger(), id, steps...)
		j := b.drive(id, steps...)
		for i, s := range steps {
			f, row := b.far[s.Name], j.Steps[i]
			switch {
			case s.Class != Idempotent && f.effects > 1:
				rt.Errorf("%s (%s) happened %d times", s.Name, s.Class, f.effects)
			case row.State == StateDone && f.effects == 0:
				rt.Errorf("%s is done and never happened", s.Name)
			case row.State == StateFailed && f.effects > 0 && s.Class != Blind:
				rt.Errorf("%s failed and happened", s.Name)
			case s.Class == Blind && f.calls > 1:
				rt.Errorf("%s was called %d times", s.Name, f.calls)
			case !row.over():
				rt.Errorf("%s is left as %s", s.Name, row.State)
			}
		}
		if !slices.Contains([]string{RunDone, RunAttention}, j.State) {
			rt.Errorf("the run ended as %s", j.State)
		}
	})
}
