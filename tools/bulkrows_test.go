package tools

import (
	"encoding/csv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// Whatever a cell holds comes back as it was written, under the row's own number; empty cells are not given.
func TestCSVRowsAreWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sep := rapid.SampledFrom([]rune{',', ';', '\t'}).Draw(t, "separator")
		cell := rapid.OneOf(rapid.Just(""), rapid.StringMatching(`[a-zäß="'+\-@<»|,; ]{0,12}`))
		var b strings.Builder
		w := csv.NewWriter(&b)
		w.Comma = sep
		if rapid.Bool().Draw(t, "with a mark") {
			b.WriteString("\ufeff")
		}
		_ = w.Write([]string{"userId", "jobTitle", "otherMails"})
		want := map[int][]string{}
		for n := range rapid.IntRange(1, 6).Draw(t, "rows") {
			row := []string{strings.TrimSpace(cell.Draw(t, "user")), strings.TrimSpace(cell.Draw(t, "title")), strings.TrimSpace(cell.Draw(t, "mails"))}
			_ = w.Write(row)
			if strings.Join(row, "") != "" {
				want[n+1] = row
			}
		}
		w.Flush()
		rows, err := csvRows(toolOf("cipp_edit_user"), b.String())
		if err != nil || len(rows) != len(want) {
			t.Fatalf("%d rows of %d, %v:\n%s", len(rows), len(want), err, b.String())
		}
		for _, r := range rows {
			row := want[r.N]
			if row == nil || text(r.Args["userId"]) != row[0] || text(r.Args["jobTitle"]) != row[1] {
				t.Fatalf("row %d: %v of %q", r.N, r.Args, row)
			}
			if list, _ := r.Args["otherMails"].([]any); row[2] != "" && len(list) != strings.Count(row[2], "|")+1 {
				t.Fatalf("row %d: %v of %q", r.N, list, row[2])
			}
		}
	})
}

// Text that is no table is read or refused with a sentence, and never more than was given.
func TestCSVRowsOfAnything(t *testing.T) {
	piece := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{",", ";", "\t", "\n", "\r\n", `"`, "userId", "\ufeff", "\x00", "=cmd|' /C calc'!A0"}))
	rapid.Check(t, func(t *rapid.T) {
		given := strings.Join(rapid.SliceOfN(piece, 0, 20).Draw(t, "pieces"), "")
		rows, err := csvRows(toolOf("cipp_edit_user"), given)
		if err != nil {
			if p, ok := ProblemOf(err); !ok || p.Code != "invalid_argument" || !strings.HasSuffix(p.Message, ".") {
				t.Fatalf("%q: %v", given, err)
			}
			return
		}
		last := 0
		for _, r := range rows {
			if r.N <= last || len(r.Args) == 0 {
				t.Fatalf("%q: %+v", given, r)
			}
			last = r.N
		}
	})
}

func TestCSVOfTwoColumnsOfOneName(t *testing.T) {
	if _, err := csvRows(toolOf("cipp_edit_user"), "userId,jobTitle,jobTitle\na,b,c\n"); err == nil || !strings.Contains(err.Error(), "two columns jobTitle") {
		t.Errorf("%v", err)
	}
	rows, err := csvRows(toolOf("cipp_create_user"), "displayName,addLicenseSkuIds\na,SPB|SPE_E3\n")
	if list, _ := rows[0].Args["addLicenseSkuIds"].([]any); err != nil || len(list) != 2 {
		t.Errorf("%v %v", rows, err)
	}
}

// A filter of the words of filters is read or refused with a sentence.
func TestFilterOfAnything(t *testing.T) {
	word := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"department", "accountEnabled", "licenses", "createdDateTime", "eq", "ne", "in", "has", "lt", "and", "or", "(", ")", ",", "'", "''", "'a'", "null", "true", "-90d", "-99999999999999999999d", "\u00a0", "\u2028"}))
	rapid.Check(t, func(t *rapid.T) {
		given := strings.Join(rapid.SliceOfN(word, 0, 12).Draw(t, "words"), rapid.SampledFrom([]string{" ", ""}).Draw(t, "between"))
		for what, f := range map[string]func() error{"parse": func() error { _, err := parseFilter(given); return err }, "check": func() error { return checkFilter(given) }} {
			if err := f(); err != nil {
				if p, ok := ProblemOf(err); !ok || p.Code != "invalid_argument" || len(p.Message) > 600 {
					t.Fatalf("%s %q: %v", what, given, err)
				}
			}
		}
	})
}

// What a spreadsheet would run is text in every table that leaves, whatever separator is the custom there, and a password
// stays what it is.
func TestNoCellIsAFormula(t *testing.T) {
	const parts = ";\t\r\n"
	piece := rapid.OneOf(rapid.SampledFrom([]string{"=", "+", "-", "@", "\t", "\r", "\n", ";", "; ", " ", "＝", "＋", "=cmd|' /C calc'!A0", ""}), rapid.StringMatching(`[ -~é]{0,6}`))
	rapid.Check(t, func(t *rapid.T) {
		cell := strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(t, "pieces"), "")
		rows, err := csv.NewReader(strings.NewReader(csvText([][]string{{"x", cell, cell}}, 2))).ReadAll()
		if err != nil || len(rows) != 1 {
			t.Fatalf("%q: %v", cell, err)
		}
		told := strings.NewReplacer("\r\n", "\n") // so a reader takes them
		for n, p := range strings.FieldsFunc(rows[0][1], func(r rune) bool { return strings.ContainsRune(parts, r) }) {
			if n > 0 {
				p = strings.TrimLeft(p, " \u00a0")
			}
			if first, _ := utf8.DecodeRuneInString(p); p != "" && strings.ContainsRune(formula, first) {
				t.Fatalf("%q came back as %q", cell, rows[0])
			}
		}
		if plain := strings.NewReplacer("'", "", "\r\n", "\n"); plain.Replace(rows[0][1]) != plain.Replace(cell) || rows[0][2] != told.Replace(cell) {
			t.Fatalf("%q came back as %q", cell, rows[0])
		}
	})
}

// A table in another alphabet than its file says is refused: Microsoft would get garbled names.
func TestATableThatIsNoUTF8IsRefused(t *testing.T) {
	for _, given := range []string{"userId,lastName\na@b.example,M\xfcller\n", "u\x00s\x00e\x00r\x00I\x00d\x00", "\xff\xfeu\x00"} {
		if _, err := csvRows(toolOf("cipp_edit_user"), given); err == nil || !strings.Contains(err.Error(), "UTF-8") {
			t.Errorf("%q: %v", given, err)
		}
	}
}
