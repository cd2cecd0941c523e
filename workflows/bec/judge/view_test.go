package judge

import (
	"encoding/json"
	"iter"
	"reflect"
	"testing"

	"cipp-mcp/workflows/bec"
)

// fleeting is evidence whose rows are gone when the next one comes, as those of a file are.
type fleeting struct{ *memory }

func (m fleeting) Rows(source string) iter.Seq2[bec.Row, error] {
	return func(yield func(bec.Row, error) bool) {
		var buffer []byte
		for row, err := range m.memory.Rows(source) {
			buffer = append(buffer[:0], row.Data...)
			row.Data = json.RawMessage(buffer)
			more := yield(row, err)
			for i := range buffer {
				buffer[i] = '#'
			}
			if !more {
				return
			}
		}
	}
}

// Nothing that is said of a case holds on to the buffer its rows were read into.
func TestNothingIsKeptOfARow(t *testing.T) {
	for name, make := range allCases(t) {
		f, m := make()
		want := judge(t, f, m)
		got, err := Judge(t.Context(), f, fleeting{m})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			a, _ := json.MarshalIndent(got, "", " ")
			b, _ := json.MarshalIndent(want, "", " ")
			t.Errorf("%s: from rows that do not stay it is\n%s\nand not\n%s", name, a, b)
		}
	}
}

// The quick judgement finds the same and names the same things to look for.
func TestAQuickJudgementSuspectsTheSame(t *testing.T) {
	for name, make := range allCases(t) {
		f, m := make()
		want := judge(t, f, m)
		got, err := Suspect(t.Context(), f, m)
		if err != nil {
			t.Fatal(err)
		}
		if got.Verdict != want.Verdict || !reflect.DeepEqual(got.Events, want.Events) || len(got.Findings) != len(want.Findings) {
			t.Errorf("%s: %s, not %s", name, got.Verdict, want.Verdict)
		}
		for i := range got.Findings {
			if a, b := got.Findings[i], want.Findings[i]; a.ID != b.ID || len(a.Evidence) != len(b.Evidence) || len(a.Evidence) > 0 && !reflect.DeepEqual(a.Evidence[0].Fields, b.Evidence[0].Fields) {
				t.Errorf("%s: %s", name, a.Class)
			}
		}
	}
}
