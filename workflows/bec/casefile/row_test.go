package casefile

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"cipp-mcp/workflows/bec"
)

func TestRowLines(t *testing.T) {
	for _, c := range []struct{ kind, id, data string }{
		{"signIn", "a-1", `{"a":1,"b":[true,null,"x}"]}`},
		{"signIn", `with "quotes", \ and <b>`, `{"a":"\u2028 <&> é"}`},
		{"", "", `null`},
		{"x", "two lines\n", "{\n  \"a\": \"b\",\n  \"c\": [1,\n 2]\n}"},
		{"x", `","data":{"id":"`, `{"data":{"data":1}}`},
		{"x", "y", `"text"`},
	} {
		line, err := rowLine(c.kind, c.id, []byte(c.data))
		if err != nil {
			t.Fatalf("%q: %v", c, err)
		}
		if strings.Count(string(line), "\n") != 1 || line[len(line)-1] != '\n' {
			t.Errorf("%q is not one line", line)
		}
		var want bec.Row
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for _, check := range []bool{true, false} {
			if row, err := viewRow(line, "", check); err != nil || !reflect.DeepEqual(row, want) {
				t.Errorf("%q was viewed as %q, not %q: %v", line, row, want, err)
			}
		}
		got, err := readRow(line)
		if err != nil || !reflect.DeepEqual(got, want) || got.Kind != c.kind || got.ID != c.id {
			t.Errorf("%q was read as %q, not %q: %v", line, got, want, err)
		}
		for i := range line {
			line[i] = '#'
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q holds on to the buffer it was read from", c)
		}
	}
	if _, err := rowLine("x", "y", []byte(`{"a":`)); err == nil {
		t.Error("half a value was written")
	}
	for _, bad := range []string{`{"kind":"x","id":"y","data":{"a":}}`, `{"kind":"x","id":"y","data":{"a":1}`, `{"kind":"x","id":"y","data":1} 2`, `{"kind":"x","id":"y","data":}`, `nonsense`, `{"kind":"x`} {
		if row, err := readRow([]byte(bad + "\n")); err == nil {
			t.Errorf("%s was read as %q", bad, row)
		}
		if row, err := viewRow([]byte(bad+"\n"), "x", true); err == nil {
			t.Errorf("%s was viewed as %q", bad, row)
		}
	}
	if row, err := readRow([]byte(`{"id":"y", "kind":"x","data":{}}`)); err != nil || row.ID != "y" || row.Kind != "x" {
		t.Errorf("another order of names: %q %v", row, err)
	}
}
