package casefile_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
)

var opened = time.Date(2026, 3, 12, 15, 0, 0, 0, time.UTC)

func newCase(t *testing.T) (*casefile.Store, *casefile.Case) {
	t.Helper()
	s := casefile.Open(t.TempDir())
	c, err := s.New(casefile.Head{TenantID: "t", Tenant: "a.example", User: bec.User{ID: "u", UserPrincipalName: "u@a.example"}, Opened: opened})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

// add writes a source into a reading.
func add(t *testing.T, r *casefile.Reading, source string, cover bec.Coverage, ids ...string) {
	t.Helper()
	w, err := r.Create(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if err := w.Add("row", id, json.RawMessage(`{"text":"`+strings.Repeat("x", 100_000)+`"}`)); err != nil { // longer than any buffer
			t.Fatal(err)
		}
	}
	if err := w.Close(cover); err != nil {
		t.Fatal(err)
	}
}

func ids(t *testing.T, c *casefile.Case, source string) (out []string) {
	t.Helper()
	f, err := c.Evidence()
	if err != nil {
		t.Fatal(err)
	}
	for row, err := range f.Rows(source) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, row.ID)
	}
	return out
}

func begin(t *testing.T, c *casefile.Case) *casefile.Reading {
	t.Helper()
	r, err := c.Begin(opened)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A later reading adds to a log and takes the place of the state; what it cannot read makes nothing forgotten.
func TestReadingsAddUp(t *testing.T) {
	_, c := newCase(t)
	whole, refused := bec.Coverage{Status: bec.ReadWhole}, bec.Coverage{Status: bec.Unavailable, Reason: bec.NoPermission}
	first := begin(t, c)
	add(t, first, bec.UAL, whole, "1", "2")
	add(t, first, bec.InboxRules, whole, "old")
	add(t, first, bec.Forwarding, whole, "kept")
	if again := begin(t, c); again.N != 1 {
		t.Errorf("a reading that goes on was begun anew as %d", again.N)
	}
	if err := first.End(opened.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	second := begin(t, c)
	add(t, second, bec.UAL, whole, "3")
	add(t, second, bec.InboxRules, whole, "new")
	add(t, second, bec.Forwarding, refused)
	for source, want := range map[string]string{bec.UAL: "1 2 3", bec.InboxRules: "new", bec.Forwarding: "kept"} {
		if got := strings.Join(ids(t, c, source), " "); got != want {
			t.Errorf("%s holds %s, not %s", source, got, want)
		}
	}
}

// A source counts only once it is sealed: what a process that died left of it is read again.
func TestAnUnsealedSourceIsNotRead(t *testing.T) {
	_, c := newCase(t)
	r := begin(t, c)
	w, err := r.Create(bec.UAL)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add("row", "1", map[string]string{"a": "b"}); err != nil {
		t.Fatal(err)
	}
	w.Drop()
	if r.Has(bec.UAL) || len(ids(t, c, bec.UAL)) > 0 {
		t.Error("half a source counts as read")
	}
	add(t, r, bec.UAL, bec.Coverage{Status: bec.ReadWhole}, "2")
	if got := ids(t, c, bec.UAL); len(got) != 1 || got[0] != "2" {
		t.Errorf("%v", got)
	}
}

func TestOnlyACaseIsACase(t *testing.T) {
	s, c := newCase(t)
	for _, id := range []string{"", "..", "../" + c.CaseID, "case_20260312_AAAAAAAA", c.CaseID + "/reading-1"} {
		if _, err := s.Get(id); !errors.Is(err, casefile.ErrNoCase) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := begin(t, c).Create("../../elsewhere"); err == nil {
		t.Error("a source was written elsewhere")
	}
	if found, err := s.Of("t", "u"); err != nil || len(found) != 1 || found[0].CaseID != c.CaseID {
		t.Errorf("%v %v", found, err)
	}
	if found, err := s.Of("t", "somebody else"); err != nil || len(found) != 0 {
		t.Errorf("%v %v", found, err)
	}
}

func TestAnAnswerIsBoundToItsCaseAndEvent(t *testing.T) {
	a := casefile.Attestation{Event: "ual/1", Yes: true, By: "operator", At: opened}
	other := a
	other.Yes = false
	if a.Message("x") == a.Message("y") || a.Message("x") == other.Message("x") {
		t.Error("one signature would do for two answers")
	}
}
