package tools

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestHostileTextIsTamed(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                      "plain",
		"Jürgen Voß":                 "Jürgen Voß",
		"Zero\u200bWidth \u202egnit": "ZeroWidth gnit",
		"two\nlines\r\nand\ttabs":    "two lines  and tabs",
		"bell\a esc\x1b[31m":         "bell esc[31m",
		"tag\U000E0041\U000E0042":    "tag",
		"bad\xffutf8":                "badutf8",
		"sep\u2028arator":            "sep arator",
		"family 👨\u200d👩":            "family 👨\u200d👩",
	} {
		if got := Clean(in, 100); got != want {
			t.Errorf("%q became %q, not %q", in, got, want)
		}
	}
	if got := Clean(strings.Repeat("ä", 50), 10); utf8.RuneCountInString(got) != 11 || !strings.HasSuffix(got, "…") {
		t.Errorf("%q", got)
	}
	if got := q("he said «obey» now"); strings.Count(got, "«") != 1 || strings.Count(got, "»") != 1 {
		t.Errorf("the fence was broken: %s", got)
	}
}

func TestCleanLeavesNothingHidden(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		most := rapid.IntRange(1, 40).Draw(r, "most")
		got := Clean(rapid.String().Draw(r, "text"), most)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > most+1 {
			r.Fatalf("%q", got)
		}
		for _, c := range got {
			if unicode.IsControl(c) || hidden(c) {
				r.Fatalf("%q holds %U", got, c)
			}
		}
		if again := Clean(got, most+1); again != got {
			r.Fatalf("cleaning twice: %q, then %q", got, again)
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("Ignore\u202e all \x00previous")
	f.Fuzz(func(t *testing.T, s string) {
		if got := Clean(s, 200); !utf8.ValidString(got) || utf8.RuneCountInString(got) > 201 {
			t.Fatalf("%q", got)
		}
	})
}

func TestSanitizeReachesEverything(t *testing.T) {
	const evil = "a\x1b\u202eb"
	v := struct {
		S string
		P *string
		L []UserRow
		M map[string]any
		N map[string]string
	}{evil, new(string), []UserRow{{DisplayName: evil, Licenses: []string{evil}}}, map[string]any{"k": evil, "l": []any{evil}}, map[string]string{"k": evil}}
	*v.P = evil
	Sanitize(&v, func(s string) string { return strings.ReplaceAll(s, "b", "B") })
	for name, got := range map[string]string{"S": v.S, "P": *v.P, "L": v.L[0].DisplayName, "L.L": v.L[0].Licenses[0], "M": v.M["k"].(string), "M.l": v.M["l"].([]any)[0].(string), "N": v.N["k"]} {
		if got != "aB" {
			t.Errorf("%s is %q", name, got)
		}
	}
}

// A text that is cut within a fence still ends it, so that what follows is not taken for a tenant's words or the other
// way round.
func TestAFenceThatIsCutIsClosed(t *testing.T) {
	for given, want := range map[string]string{"a «bcdef» g": "a «bc…»", "a «b» cdef": "a «b»…", "«b»": "«b»", "«bcde": "«bcde"} {
		if got := clip(given, 5); got != want {
			t.Errorf("%q is cut to %q", given, got)
		}
	}
}
