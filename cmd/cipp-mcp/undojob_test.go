package main

import (
	"slices"
	"strings"
	"testing"
)

// For each posture: offboard, undo by the tool, and only what stands here is another than it was.
func TestEachPostureIsUndoneByTheTool(t *testing.T) {
	// What Microsoft does not bring back, and what it writes down in other words.
	always := []string{"signInSessionsValidFromDateTime", "/MobileDevices: without", "/AutoMapping: (none) → true", "/GrantSendOnBehalfTo: without", "WhenChanged", "HiddenFromAddressListsEnabled: (none) → false"}
	licence, methods, meetings := "lastUpdatedDateTime", "/authentication/methods/", "/CalendarEvents: without"
	for posture, more := range map[string][]string{
		"standard":    {licence, meetings, "/InboxRules/Carrier newsletters/Description", "/InboxRules/Carrier newsletters/RuleIdentity"},
		"contractor":  {licence, methods, meetings},
		"termination": {licence, methods, "lastPasswordChangeDateTime", "/passwordProfile: "},
	} {
		lasting := slices.Concat(more, always)
		for _, era := range []string{"modern", "legacy"} {
			t.Run(posture+" "+era, func(t *testing.T) {
				w := newWorld(t, worldOptions{era: era})
				before := w.state()
				a := w.done("cipp_offboard_user", in(harbourline, "userId", dana, "posture", posture))
				if len(w.changed(before)) < 3 {
					t.Errorf("changed: %v", w.changed(before))
				}
				w.asked = nil
				u := w.done("cipp_undo_job", m{"jobId": a.v["jobId"]})
				if len(w.asked) != 1 || !strings.Contains(w.asked[0], "undo-block-sign-in") || !strings.Contains(w.asked[0], "cannot come back: End all sessions") {
					t.Errorf("asked: %v", w.asked)
				}
				for _, c := range w.changed(before) {
					if !slices.ContainsFunc(lasting, func(l string) bool { return strings.Contains(c, l) }) {
						t.Errorf("still different: %s\n%s", c, u.text)
					}
				}
			})
		}
	}
}

func TestWhatIsNotUndone(t *testing.T) {
	w := newWorld(t, worldOptions{})
	revoked := w.done("cipp_revoke_sessions", in(harbourline, "userId", dana)).v["jobId"]
	later := w.must("cipp_disable_user", in(harbourline, "userId", dana, "runAt", "2026-03-12T18:00:00Z")).v["jobId"]
	blocked := w.done("cipp_disable_user", in(harbourline, "userId", priya, "revokeSessions", true)).v["jobId"]
	before := w.state()
	if a := w.refused("nothing_to_undo", "cipp_undo_job", m{"jobId": revoked}); !strings.Contains(a.text, "the user signs in again") {
		t.Errorf("%s", a.text)
	}
	w.refused("conflict", "cipp_undo_job", m{"jobId": later})
	w.refused("job_not_found", "cipp_undo_job", m{"jobId": "run_1"})
	w.refused("invalid_argument", "cipp_undo_job", m{"jobId": blocked, "steps": []any{"allow-everything"}})
	if a := w.must("cipp_undo_job", m{"jobId": blocked, "dryRun": true}); !strings.Contains(a.text, "undo-block-sign-in") {
		t.Errorf("%s", a.text)
	}
	w.unharmed(before)
	undone := w.done("cipp_undo_job", m{"jobId": blocked, "steps": []any{"block-sign-in"}}).v["jobId"]
	w.refused("conflict", "cipp_undo_job", m{"jobId": undone})
}

// A user that was created by mistake goes to the recycle bin, from where it can still be restored; so does a whole
// table of them.
func TestACreationIsUndone(t *testing.T) {
	w := newWorld(t, worldOptions{})
	one := w.done("cipp_create_user", in(harbourline, "displayName", "Nia Reyes", "userPrincipalName", "nia@"+harbourline, "mailNickname", "nia", "usageLocation", "GB", "groups", []string{"O'Hare Route Planning"}))
	many := w.done("cipp_bulk_action", m{"action": "cipp_create_user", "tenantFilter": harbourline, "csv": "displayName,userPrincipalName,mailNickname\nAda Lund,ada@" + harbourline + ",ada\nBo Falk,bo@" + harbourline + ",bo\n"})
	for _, job := range []answer{one, many} {
		w.done("cipp_undo_job", m{"jobId": job.v["jobId"]})
	}
	for _, name := range []string{"nia", "ada", "bo"} {
		w.refused("user_not_found", "cipp_get_user", in(harbourline, "userId", name+"@"+harbourline))
	}
	if a := w.must("cipp_list_users", in(harbourline, "kind", "deleted")); len(a.list("users")) < 3 {
		t.Errorf("%s", a.text)
	}
}
