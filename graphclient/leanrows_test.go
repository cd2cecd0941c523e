package graphclient

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// agree reports how the one-pass reader and encoding/json differ on a page, "" if they do not.
func agree[T any](b []byte) string {
	var lean, plain page[T]
	leanErr, plainErr := decode(b, &lean), json.Unmarshal(b, &plain)
	switch {
	case plainErr != nil && leanErr != nil:
		return ""
	case plainErr == nil && leanErr != nil:
		return "refused: " + leanErr.Error()
	case plainErr != nil:
		return "" // the reader does not judge what it skips
	case len(lean.Value)+len(plain.Value) == 0:
		return ""
	case !reflect.DeepEqual(lean, plain):
		a, _ := json.Marshal(lean)
		z, _ := json.Marshal(plain)
		return string(a) + "\n" + string(z)
	}
	return ""
}

// filled is a T with something in every field, drawn at random, as encoding/json writes it.
func filled(rt *rapid.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "Ada", "O'Brien \"x\" \\ /", "ünï \u2028 💼", "\x00\x1f"})).Draw(rt, "string"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(rt, "bool"))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(rapid.IntRange(0, 1000).Draw(rt, "int")))
	case reflect.Pointer:
		if rapid.Bool().Draw(rt, "nil") {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		filled(rt, v.Elem())
	case reflect.Slice:
		n := rapid.IntRange(0, 3).Draw(rt, "len")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			filled(rt, v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(int64(rapid.IntRange(0, 4e9).Draw(rt, "seconds")), int64(rapid.IntRange(0, 999999999).Draw(rt, "ns"))).UTC()))
			return
		}
		for i := range v.NumField() {
			filled(rt, v.Field(i))
		}
	default:
		rt.Fatalf("no value for a %v", v.Kind())
	}
}

func TestLeanRowsReadWhatEncodingJSONReads(t *testing.T) {
	check := func(rt *rapid.T, rows any, differ func([]byte) string) {
		filled(rt, reflect.ValueOf(rows).Elem())
		b, err := json.Marshal(map[string]any{"@odata.context": "x", "value": rows, "@odata.nextLink": "n", "@odata.count": 7})
		if err != nil {
			rt.Fatal(err)
		}
		if d := differ(b); d != "" {
			rt.Fatalf("%s\n%s", b, d)
		}
		// Cut anywhere, it must be noticed.
		cut := rapid.IntRange(0, len(b)-1).Draw(rt, "cut")
		var p page[User]
		if decode(b[:cut], &p) == nil {
			rt.Fatalf("a page cut short was taken: %s", b[:cut])
		}
	}
	rapid.Check(t, func(rt *rapid.T) { check(rt, &[]User{}, agree[User]) })
	rapid.Check(t, func(rt *rapid.T) { check(rt, &[]RegistrationDetail{}, agree[RegistrationDetail]) })
}

// Every member of the structs is known to the reader: none is dropped by being forgotten there.
func TestLeanRowsKnowEveryMember(t *testing.T) {
	for _, v := range []any{&User{}, &RegistrationDetail{}} {
		typ := reflect.TypeOf(v).Elem()
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			fresh := reflect.New(typ)
			value := map[reflect.Kind]string{reflect.String: `"x"`, reflect.Bool: "true", reflect.Slice: `[]`}[typ.Field(i).Type.Kind()]
			if value == "" {
				value = map[string]string{"*bool": "true", "*time.Time": `"2026-03-12T15:00:00Z"`}[typ.Field(i).Type.String()]
			}
			if value == "" {
				value = "{}"
			}
			if err := fresh.Interface().(leanRow).readJSON(newJSONReader([]byte(`{"` + name + `":` + value + `}`))); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if fresh.Elem().Field(i).IsZero() {
				t.Errorf("%s.%s is not read", typ.Name(), name)
			}
		}
	}
}

func FuzzLeanUsers(f *testing.F) {
	f.Add(usersPage(2))
	for _, s := range []string{`{"value":[{"id":"1","x":{"y":[1,"]}"]}}]}`, `{"value":null}`, `{"value":[null]}`, ` { "value" : [ { "id" : null , "accountEnabled" : null } ] } `,
		`{"value":[{"id":"\u00e4\ud83d\udcbc","displayName":"a\"b"}]}`, `{"value":[{"createdDateTime":"x"}]}`, `[]`, `{"value":[{}]}x`, `{"value":[{"id":1}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		low := strings.ToLower(string(b))
		if low != string(b) && json.Valid(b) {
			return // encoding/json matches names without regard to case; Graph writes them as documented
		}
		if d := agree[User](b); d != "" && !strings.Contains(low, `\u`) {
			var dup map[string]json.RawMessage
			if json.Unmarshal(b, &dup) == nil && strings.Count(string(b), `"value"`) > 1 {
				return // repeated members: encoding/json merges, we replace
			}
			t.Fatalf("%s\n%s", b, d)
		}
	})
}
