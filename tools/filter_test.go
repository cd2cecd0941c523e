package tools

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestFilterIsReadOrRefused(t *testing.T) {
	for _, c := range []struct{ text, refused string }{
		{"department eq 'Sales'", ""},
		{"Department EQ 'O''Brien''s' AND accountEnabled eq true", ""},
		{"department in ('Sales', 'Claims') and lastSignInDateTime lt -90d", ""},
		{"lastSignInDateTime eq null", ""},
		{"licenses has 'SPB' and groups hasNot 'All staff'", ""},
		{"department eq Sales", "single quotes"},
		{"department eq 'Sales", "does not end"},
		{"department eq 'Sales' or city eq 'Leith'", "joined by and"},
		{"not department eq 'Sales'", "joined by and"},
		{"(department eq 'Sales')", "joined by and"},
		{"department like 'Sales'", "is compared by"},
		{"departmnt eq 'Sales'", "there is no field"},
		{"accountEnabled eq 'true'", "true, false or null"},
		{"accountEnabled ne true", "is compared by eq"},
		{"createdDateTime eq 2026-01-01", "eq null"},
		{"createdDateTime lt yesterday", "needs a time"},
		{"perUserMfaState eq 'enabled'", "stands in no list"},
		{"department in ()", "brackets"},
		{"department in ('a' 'b')", "commas"},
		{"department", "field op value"},
		{strings.Repeat("city eq 'x' and ", 11) + "city eq 'x'", "too many"},
	} {
		err := checkFilter(c.text)
		switch {
		case c.refused == "" && err != nil:
			t.Errorf("%s: %v", c.text, err)
		case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)):
			t.Errorf("%s: %v, expected %q", c.text, err, c.refused)
		}
	}
}

// checkFilter is how far a filter gets without a tenant.
func checkFilter(s string) error {
	conditions, err := parseFilter(s)
	if err != nil {
		return err
	}
	for _, c := range conditions {
		kind, err := c.canonical(userFields())
		if err != nil {
			return err
		}
		switch kind {
		case "text":
			_, err = c.textTest()
		case "bool":
			_, err = c.boolTest()
		case "time":
			_, err = c.timeTest(time.Unix(0, 0))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// What is quoted comes back as it was, whatever it holds.
func TestFilterQuotes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.String().Draw(t, "value")
		got, err := parseFilter("department eq '" + strings.ReplaceAll(want, "'", "''") + "' and city eq 'x'")
		if err != nil || len(got) != 2 || got[0].values[0].text != want {
			t.Fatalf("%q: %v %v", want, got, err)
		}
	})
}

func FuzzFilter(f *testing.F) {
	f.Add("department in ('a', 'b') and createdDateTime lt -9d")
	f.Add("x eq '''")
	f.Fuzz(func(t *testing.T, s string) {
		conditions, err := parseFilter(s)
		if err == nil && len(conditions) == 0 {
			t.Error("nothing was read, and nothing refused")
		}
		_ = checkFilter(s)
	})
}

func TestFilterTimes(t *testing.T) {
	now := time.Date(2026, 3, 12, 15, 0, 0, 0, time.UTC)
	old, recent := now.AddDate(0, 0, -100), now.AddDate(0, 0, -10)
	first := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		filter string
		t      *time.Time
		want   bool
	}{
		{"createdDateTime lt -90d", &old, true},
		{"createdDateTime lt -90d", &recent, false},
		{"createdDateTime lt -90d", nil, false}, // not known is no answer
		{"createdDateTime eq null", nil, true},
		{"createdDateTime eq null", &first, true},
		{"createdDateTime ge 2026-03-02", &recent, true},
	} {
		cs, err := parseFilter(c.filter)
		if err != nil {
			t.Fatal(err)
		}
		test, err := cs[0].timeTest(now)
		if err != nil {
			t.Fatal(err)
		}
		if got := test(c.t); got != c.want {
			t.Errorf("%s of %v is %v", c.filter, c.t, got)
		}
	}
}
