package main

import (
	"fmt"
	"strings"
	"testing"
)

// bulkCapabilities are the rows that are about many users at once.
var bulkCapabilities = map[string]capability{
	"J8": {
		what: "runs any write for many, and refuses what only reads", tool: "cipp_bulk_action",
		does: func(w *world) {
			w.done("cipp_bulk_action", m{"action": "cipp_disable_user", "tenantFilter": harbourline, "targets": []string{dana, priya}})
		},
		changes: []string{"/accountEnabled"},
		fails: func(w *world) {
			w.invalid("only reads", "cipp_bulk_action", m{"action": "cipp_list_users", "tenantFilter": harbourline, "targets": []string{dana}})
		},
	},
}

func TestBulkAllRowsAreCheckedFirst(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	a := w.invalid("row 2", "cipp_bulk_action", m{"action": "edit_user", "tenantFilter": harbourline, "csv": "userId,jobTitle\n" + dana + ",Clerk\nnobody@" + harbourline + ",Clerk\n" + dana + ",Other\n"})
	if !strings.Contains(a.text, "row 3") {
		t.Errorf("%s", a.text)
	}
	a = w.invalid("jobTitel", "cipp_bulk_action", m{"action": "edit_user", "tenantFilter": harbourline, "csv": "userId;jobTitel\n" + dana + ";Clerk\n"})
	w.unharmed(before)
	if len(w.asked) > 0 {
		t.Errorf("%v", w.asked)
	}
}

func TestBulkPasswords(t *testing.T) {
	w := newWorld(t, worldOptions{})
	a := w.done("cipp_bulk_action", m{"action": "cipp_reset_password", "tenantFilter": harbourline, "filter": "userType eq 'Member' and syncState eq 'local' and isAdmin eq false and department eq 'Claims'"})
	fmt.Println(a.text)
	fmt.Println(w.asked)
}
