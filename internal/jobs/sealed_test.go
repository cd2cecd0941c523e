package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// paperBox shows in the clear for which place a value was sealed, and opens it there alone.
type paperBox struct{}

func (paperBox) Seal(purpose string, v any) (string, error) {
	b, err := json.Marshal(v)
	return fmt.Sprintf("%q %s", purpose, b), err
}

func (paperBox) Open(purpose, box string, v any) error {
	rest, ok := strings.CutPrefix(box, fmt.Sprintf("%q ", purpose))
	if !ok {
		return errors.New("another place")
	}
	return json.Unmarshal([]byte(rest), v)
}

// A value opens where it was sealed and nowhere else, whatever runs and steps are called.
func TestAValueOpensInItsPlaceAlone(t *testing.T) {
	l := &Ledger{Box: paperBox{}}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.OneOf(rapid.StringMatching(`[a-z" /\\:of]{0,8}`), rapid.SampledFrom([]string{"", "run", `run" of "`, "left by", "found by"}))
		place := func(what string) string {
			run := word.Draw(t, what+" run")
			if rapid.Bool().Draw(t, what+" is of a step") {
				return foundBy(run, word.Draw(t, what+" step"))
			}
			return leftBy(run)
		}
		one, other := place("one"), place("other")
		v := map[string]json.RawMessage{"secret": json.RawMessage(`"` + "x" + `"`)}
		box, err := l.seal(one, v)
		var back map[string]json.RawMessage
		if err != nil || l.open(one, box, &back) != nil || string(back["secret"]) != `"x"` {
			t.Fatalf("%q: %v %v", one, err, back)
		}
		if err := l.open(other, box, &back); (err == nil) != (one == other) || err != nil && !errors.Is(err, ErrSealed) {
			t.Fatalf("sealed for %q, opened as %q: %v", one, other, err)
		}
	})
}

// Values that were carried to another job, to another step, or put there in the clear end the job before its next call, and
// keep no other from its work.
func TestAJobWithAnothersValuesDoesNothing(t *testing.T) {
	for name, change := range map[string]string{
		"another job's":          `UPDATE run SET vals = (SELECT vals FROM run WHERE id = 'other') WHERE id = 'r'`,
		"in the clear":           `UPDATE run SET vals = '{"found/rows":[]}' WHERE id = 'r'`,
		"another job's before":   `UPDATE step SET before_image = (SELECT before_image FROM step WHERE run_id = 'other' AND idx = 0) WHERE run_id = 'r' AND idx = 1`,
		"its own step's":         `UPDATE step SET before_image = (SELECT before_image FROM step WHERE run_id = 'r' AND idx = 0) WHERE run_id = 'r' AND idx = 1`,
		"before as what is left": `UPDATE run SET vals = (SELECT before_image FROM step WHERE run_id = 'r' AND idx = 0) WHERE id = 'r'`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			l := b.ledger()
			l.Box = paperBox{}
			first, second := b.step("first", Idempotent), b.step("second", Idempotent)
			do := first.Do
			first.Do = func(ctx context.Context, run *Run) (Handle, error) {
				if _, err := KeepBefore(ctx, func(context.Context) (string, error) { return "found by " + run.ID, nil }); err != nil {
					return nil, err
				}
				if err := run.Keep(ctx, "left", run.ID); err != nil {
					return nil, err
				}
				return do(ctx, run)
			}
			verify := first.Verify
			first.Verify = func(ctx context.Context, run *Run) (Outcome, error) {
				if out, err := verify(ctx, run); out != Done || err != nil {
					return out, err
				}
				return Done, l.Freeze(ctx, "somebody", "between the steps")
			}
			for _, id := range []string{"r", "other"} {
				b.create(l, id, first, second)
				if _, err := b.work(b.worker(l, first, second), id); err != nil {
					t.Fatal(err)
				}
				if err := l.Unfreeze(t.Context(), "somebody"); err != nil {
					t.Fatal(err)
				}
			}
			if j := b.job(l, "r"); j.Steps[0].State != StateDone || j.Steps[1].State != StateToDo {
				t.Fatalf("%+v", j.Steps)
			}
			if err := l.store.Change(t.Context(), func(ctx context.Context, tx Tx) error { _, err := execute(ctx, tx, change); return err }); err != nil {
				t.Fatal(err)
			}
			calls := len(b.calls)
			if _, err := b.work(b.worker(l, first, second), "r"); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Job(t.Context(), "r"); !errors.Is(err, ErrSealed) {
				t.Errorf("%v", err)
			}
			if all, err := l.Jobs(t.Context(), RunAttention, "", 9); err != nil || len(all) != 1 || all[0].Run.ID != "r" || all[0].Detail != ErrSealed.Error() || len(b.calls) != calls {
				t.Errorf("%+v %v, called %v", all, err, b.calls[calls:])
			}
			if _, err := b.work(b.worker(l, first, second), "other"); err != nil || b.job(l, "other").State != RunDone {
				t.Errorf("the other: %v", err)
			}
		})
	}
}
