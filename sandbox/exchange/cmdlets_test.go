package exchange

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var words = []string{"", dana, gareth, "Alex Morgan", "Sales/Ops Quotes", "All Staff", `juergen.voss@harbourline.example:\Kalender`, "O'Brien", "2026-03-10", "smtp:x@y.example", "5", "Unlimited", "SendAs", "Reviewer", "\x00", "$null", "🦊"}

// argument draws a value for a parameter: mostly of its kind, sometimes not.
func argument(t *rapid.T, p parameter) any {
	anything := rapid.OneOf(rapid.Just[any](nil), rapid.Just[any](true), rapid.Just[any](float64(3)), rapid.Map(rapid.SampledFrom(words), func(s string) any { return s }),
		rapid.Just[any]([]any{dana, float64(1)}), rapid.Just[any](map[string]any{"@odata.type": "#Exchange.GenericHashTable", "add": []any{gareth}, "remove": dana}), rapid.Just[any](map[string]any{"a": "b"}))
	if rapid.IntRange(0, 9).Draw(t, "wild") == 0 {
		return anything.Draw(t, "value")
	}
	switch p.kind {
	case "switch", "bool":
		return rapid.Bool().Draw(t, "bool")
	case "int":
		return float64(rapid.IntRange(-1, 6000).Draw(t, "int"))
	case "date":
		return rapid.SampledFrom([]string{"2026-03-05T00:00:00Z", "2026-03-12", "3/1/2026", "2020-01-01T00:00:00Z"}).Draw(t, "date")
	case "enum", "enums":
		return rapid.SampledFrom(p.values).Draw(t, "member")
	}
	return rapid.SampledFrom(words).Draw(t, "word")
}

// Whatever a caller sends, a cmdlet answers: rows, or a failure in Exchange's words.
func TestEveryCmdletAnswersWhateverItIsGiven(t *testing.T) {
	b := start(t, frozen)
	names := make([]string, 0, len(cmdlets))
	for _, d := range cmdlets {
		names = append(names, d.name)
	}
	slices.Sort(names)
	target := b.url(harbourline)
	handler := b.server.Config.Handler
	rapid.Check(t, func(t *rapid.T) {
		d := cmdlets[strings.ToLower(rapid.SampledFrom(names).Draw(t, "cmdlet"))]
		all := make([]string, 0, len(d.parameters()))
		for _, p := range d.parameters() {
			all = append(all, p.name)
		}
		slices.Sort(all)
		p := given{}
		for _, n := range []string{"Identity", "Mailbox", "User", "Trustee", "Member", "AccessRights", "StartDate", "EndDate"} {
			if q, ok := d.parameters()[strings.ToLower(n)]; ok && rapid.IntRange(0, 4).Draw(t, "usual") > 0 {
				p[n] = argument(t, q)
			}
		}
		if len(all) > 0 {
			for range rapid.IntRange(0, 4).Draw(t, "more") {
				n := rapid.SampledFrom(all).Draw(t, "parameter")
				p[n] = argument(t, d.parameters()[strings.ToLower(n)])
			}
		}
		body, err := json.Marshal(input(d.name, p))
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, target, bytes.NewReader(body))
		handler.ServeHTTP(w, r)
		raw, err := io.ReadAll(w.Result().Body)
		if err != nil {
			t.Fatal(err)
		}
		var out struct {
			Value []map[string]any
			Error struct {
				Details []struct{ Message string }
			}
		}
		if err := json.Unmarshal(raw, &out); err != nil {
			t.Fatalf("%s %s: %d, no JSON: %q", d.name, body, w.Code, raw)
		}
		switch {
		case w.Code == http.StatusOK && out.Value != nil:
		case (w.Code == 400 || w.Code == 404) && len(out.Error.Details) == 1 && strings.Count(out.Error.Details[0].Message, "|") >= 2:
		default:
			t.Fatalf("%s %s: %d %s", d.name, body, w.Code, raw)
		}
	})
	b.unknown = nil
}

// The tables name every parameter once, with a kind that bind knows.
func TestTables(t *testing.T) {
	kinds := []string{"", "switch", "bool", "int", "unlimited", "date", "guid", "size", "list", "enum", "enums"}
	for _, d := range cmdlets {
		for _, p := range d.parameters() {
			if !slices.Contains(kinds, p.kind) || (p.kind == "enum" || p.kind == "enums") != (len(p.values) > 0) {
				t.Errorf("%s -%s: kind %q, %d values", d.name, p.name, p.kind, len(p.values))
			}
		}
		for set := range strings.SplitSeq(d.needs, " | ") {
			for _, n := range strings.Fields(set) {
				if _, ok := d.parameters()[strings.ToLower(n)]; !ok {
					t.Errorf("%s needs -%s, which it does not have", d.name, n)
				}
			}
		}
	}
}
