package main

import (
	"strings"
	"testing"
)

// baseCapabilities are tenants, lists and the words every tool shares.
var baseCapabilities = map[string]capability{
	"T1": {
		what: "lists the customers and resolves the one to work in", tool: "cipp_list_tenants",
		does: func(w *world) {
			a := w.must("cipp_list_tenants", m{"search": "harbour"})
			a.row(w.t, "tenants", "defaultDomainName", harbourline)
			healthy, all := w.must("cipp_list_tenants", m{"limit": 100}), w.must("cipp_list_tenants", m{"includeUnhealthy": true, "limit": 100})
			if len(healthy.list("tenants")) >= len(all.list("tenants")) {
				w.t.Errorf("nobody is unhealthy: %s", all.text)
			}
		},
		fails: func(w *world) { w.refused("tenant_not_found", "cipp_list_users", in("nobody.example")) },
	},
	"E4": {
		what: "shows before → after and counts the changes before they are applied as one", tool: "cipp_edit_user",
		does: func(w *world) {
			args := in(harbourline, "userId", dana, "jobTitle", "Clerk", "department", "Claims")
			plan := w.must("cipp_edit_user", and(args, "dryRun", true))
			w.unharmed(w.marked)
			for _, want := range []string{"Change 2 of the user's properties", "«Sales Coordinator»", "jobTitle=«Clerk»", "department=«Claims»"} {
				if !strings.Contains(plan.text, want) {
					w.t.Errorf("no %s in %s", want, plan.text)
				}
			}
			w.done("cipp_edit_user", and(args, "planToken", plan.v["planToken"]))
		},
		changes: []string{"/jobTitle", "/department"},
		leaves:  ofUser(dana, "jobTitle", "Clerk", "department", "Claims"),
		fails: func(w *world) {
			w.invalid("jobTitel", "cipp_edit_user", in(harbourline, "userId", dana, "jobTitel", "Clerk"))
		},
	},
}

func TestRowOrder(t *testing.T) {
	if rowOrder("T2", "T10") >= 0 || rowOrder("C9", "T1") >= 0 {
		t.Error("rows are not in their order")
	}
}
