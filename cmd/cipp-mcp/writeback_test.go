package main

import (
	"strings"
	"testing"
)

// A synchronised user's password is written back on premises by a signed-in administrator, where that is set up; an
// application is never let, and says so before.
func TestPasswordsAreWrittenBack(t *testing.T) {
	withWriteback := func(on bool) worldOptions {
		return worldOptions{partner: true, flags: cloudFlags{sandbox: edited(t, func(tenant m) {
			if tenant["defaultDomain"] == harbourline {
				tenant["features"].(m)["passwordWriteback"] = on
			}
		})}}
	}
	w := newWorld(t, withWriteback(true))
	w.mark()
	a := w.done("cipp_reset_password", in(harbourline, "userId", ingrid))
	if len(a.list("secrets")) != 1 || !strings.Contains(a.text, "written back") {
		t.Error(a.text)
	}
	for _, c := range w.changed(w.marked) {
		if !strings.Contains(c, ingrid) {
			t.Errorf("somebody else changed: %s", c)
		}
	}
	t.Run("not set up", func(t *testing.T) {
		w := newWorld(t, withWriteback(false))
		w.mark()
		if a := w.must("cipp_reset_password", in(harbourline, "userId", ingrid)); a.v["status"] != "failed" || !strings.Contains(a.text, "writeback is not enabled") || len(a.list("secrets")) != 0 {
			t.Error(a.text)
		}
		w.unharmed(w.marked)
	})
}

// The day somebody begins is set by a signed-in administrator only.
func TestTheHireDateIsSetByAPerson(t *testing.T) {
	w := newWorld(t, worldOptions{partner: true})
	w.done("cipp_edit_user", in(harbourline, "userId", dana, "attributes", map[string]any{"employeeHireDate": "2026-04-01"}))
	if a := w.must("cipp_get_user", in(harbourline, "userId", dana, "sections", "attributes")); !strings.Contains(a.text, "2026-04-01") {
		t.Error(a.text)
	}
}
