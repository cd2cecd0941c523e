package graph

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// value draws any JSON value.
func value(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		if depth == 0 && kind > 3 {
			kind = 0
		}
		switch kind {
		case 0:
			return rapid.String().Draw(t, "text")
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return float64(rapid.Int32().Draw(t, "number")) / float64(rapid.SampledFrom([]int{1, 4}).Draw(t, "by"))
		case 3:
			return nil
		case 4:
			return rapid.SliceOfN(value(depth-1), 0, 4).Draw(t, "list")
		default:
			return rapid.MapOfN(rapid.String(), value(depth-1), 0, 20).Draw(t, "object")
		}
	})
}

func TestWhatIsWrittenIsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := value(3).Draw(t, "value")
		var got any
		text := appendValue(nil, v)
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !reflect.DeepEqual(got, v) {
			t.Fatalf("%s is not %v", text, v)
		}
	})
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "a\"b\\c", "\x00\x1f\n\t", "\xff\xfe", "Žofie 🙂"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var a, b string
		if err := json.Unmarshal(appendString(nil, s), &a); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(want, &b); err != nil || a != b {
			t.Fatalf("%q is read back as %q", b, a)
		}
	})
}

func TestSegments(t *testing.T) {
	for path, want := range map[string][]string{
		"users/a@b.c/memberOf":                       {"users", "a@b.c", "memberOf"},
		"users('o''brien@x.y')/manager/$ref":         {"users", "o'brien@x.y", "manager", "$ref"},
		"users/x%23EXT%23@y.z":                       {"users", "x#EXT#@y.z"},
		"users/a%2Fb@c.d":                            {"users", "a/b@c.d"},
		"servicePrincipals(appId='1-2')":             {"servicePrincipals", "appId=1-2"},
		"users/1/memberOf/$/microsoft.graph.group":   {"users", "1", "memberOf", "microsoft.graph.group"},
		"tenantRelationships/find(tenantId='1')/x()": {"tenantRelationships", "find", "tenantId=1", "x"},
	} {
		if got, err := segments(path); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q %v", path, got, err)
		}
	}
	if _, err := segments("users/%zz"); err == nil {
		t.Error("a broken escape is accepted")
	}
}

// Every operation is reachable: no other takes its path away.
func TestOperationsAreReachable(t *testing.T) {
	ops := operations()
	table := compile(ops)
	for _, o := range ops {
		if o.do == nil {
			t.Errorf("%s %s has no handler", o.verb, o.path)
		}
		path := slices.Clone(o.segments)
		for i, s := range path {
			switch {
			case s == "{cast}":
				path[i] = "microsoft.graph.user"
			case s[0] == '{':
				path[i] = "x"
			}
		}
		got, _, err := table.find(o.verb, path, true)
		if err != nil || got.path != o.path {
			t.Errorf("%s %s is not found: %v", o.verb, o.path, err)
		}
		if o.app == "" {
			t.Errorf("%s %s takes no permission", o.verb, o.path)
		}
	}
}
