package main

import (
	"strings"
	"testing"
)

// outliving gives Dana what an account leaves behind: a OneDrive, a telephone number, an immutable id of days in which
// the account was synchronised. The server is signed in as the partner's administrator, whom SharePoint lets in.
func outliving(t *testing.T) worldOptions {
	o := story(t, func(g, _ m) {
		u := userOf(t, g, dana)
		u["drive"], u["onPremisesImmutableId"] = m{"quota": m{"used": 5e9, "total": 1e12}}, "kmWZ3n8bTkqvXx0yS1dG2A=="
		g["numberAssignments"] = []any{
			m{"id": "n1", "telephoneNumber": "+442079460111", "numberType": "directRouting", "assignmentStatus": "userAssigned", "assignmentTargetId": u["id"], "assignmentCategory": "primary"},
			m{"id": "n2", "telephoneNumber": "+442079460112", "numberType": "callingPlan", "assignmentStatus": "userAssigned", "assignmentTargetId": u["id"], "assignmentCategory": "alternate"},
		}
	})
	o.partner = true
	return o
}

func TestWhatOutlivesTheAccount(t *testing.T) {
	w := newWorld(t, outliving(t))
	before := w.state()
	args := in(harbourline, "userId", dana, "disableOneDriveSharing", true, "unassignPhoneNumbers", true, "clearImmutableId", true)
	h := w.history("cipp_offboard_user", args)
	h.do()
	changed := strings.Join(w.changed(before), "\n")
	for _, c := range []string{"drive/sharingCapability: (none) → 0", "onPremisesImmutableId", "numberAssignments/n1/assignmentTargetId", "numberAssignments/n2/assignmentStatus"} {
		if !strings.Contains(changed, c) {
			t.Errorf("no %s in\n%s", c, changed)
		}
	}
	h.undo()
	w.remains(before, "signInSessionsValidFromDateTime", "drive/sharingCapability: (none) → 2")

	// The same again, by the tool, brought back by the tool.
	a := w.done("cipp_offboard_user", in(harbourline, "userId", dana, "DisableOneDriveSharing", true, "RemoveTeamsPhoneDID", true, "ClearImmutableId", true)) // CIPP's names
	if strings.Contains(a.text, "+442079460111") {
		t.Errorf("the whole number is shown: %s", a.text)
	}
	w.done("cipp_undo_job", m{"jobId": a.v["jobId"]})
	w.remains(before, "signInSessionsValidFromDateTime", "drive/sharingCapability: (none) → 2")
}

// What a sign-in may not is left to a person, in words, and the rest is done.
func TestWhatOutlivesTheAccountByHand(t *testing.T) {
	o := outliving(t)
	o.partner = false
	w := newWorld(t, o)
	a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "disableOneDriveSharing", true, "unassignPhoneNumbers", true))
	if a.v["status"] != "attention" || !strings.Contains(a.text, "do it in the SharePoint admin centre: ") || !strings.Contains(a.text, "needs a delegated sign-in (auth.mode partner or user)") {
		t.Errorf("%s", a.text)
	}
	w = newWorld(t, o)
	w.faults(fault(m{"service": "graph", "path": "/admin/teams/*/numberAssignments"}, m{"status": 403, "code": "Forbidden"}, 100))
	if a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "unassignPhoneNumbers", true)); a.v["status"] != "attention" || !strings.Contains(a.text, "in the Teams admin centre") {
		t.Errorf("%s", a.text)
	}
	for who, says := range map[string]string{ingrid: "is still synchronised", priya: "it is so already"} {
		if a := w.must("cipp_offboard_user", in(harbourline, "userId", who, "clearImmutableId", true, "disableOneDriveSharing", true, "dryRun", true)); !strings.Contains(a.text, says) || !strings.Contains(a.text, "there is no OneDrive") {
			t.Errorf("%s: %s", who, a.text)
		}
	}
}
