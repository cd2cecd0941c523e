package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// One dry run says what a person would look up in five places: groups, devices, delegates, and all that blocks.
func TestADryRunReviewsTheLeaver(t *testing.T) {
	w := newWorld(t, story(t, func(_, x m) {
		box := mailboxOf(t, x, gareth)
		box["InboxRules"] = append(box["InboxRules"].([]any), m{"Name": "Copy home", "RuleIdentity": "8812039485561102999", "Enabled": true, "ForwardTo": []any{"gareth@home.example"}})
		box["ForwardingSmtpAddress"] = "smtp:gareth@home.example"
	}))
	before := w.state()
	a := w.must("cipp_offboard_user", in(harbourline, "userId", gareth, "posture", "standard", "dryRun", true))
	if a.v["status"] != "blocked" {
		t.Errorf("%s", a.text)
	}
	for _, say := range []string{
		"only owner of (2): ", "team «Rotterdam Project»", "distribution list «Port Alerts»", "«Licences – E5 (Operations)» (Security group, grants licences)", "«Everyone in Operations» (Security group, dynamic)",
		"SPE_E5, by the group «Licences – E5 (Operations)»", "«noor.haddad@harbourline.example»: FullAccess", "«noor.haddad@harbourline.example»: SendAs", "calendar, Editor",
		"«dispatch@harbourline.example»: FullAccess", "«Rotterdam steering group»", "UserMailbox, 62.0 GB", "held: litigation hold", "forwards to «gareth@home.example»", "rule «Copy home», which sends mail to",
		"blocked: gareth.pell@harbourline.example is the only owner of «Rotterdam Project»: name another in newGroupOwner", "blocked: the mailbox of gareth.pell@harbourline.example is on hold",
		"blocked: the mailbox of gareth.pell@harbourline.example holds 62.0 GB",
	} {
		if !strings.Contains(a.text, say) {
			t.Errorf("nothing of %q in\n%s", say, a.text)
		}
	}
	review, _ := a.v["review"].(map[string]any)
	if groups, _ := review["groups"].(map[string]any); groups["count"] != 7.0 {
		t.Errorf("%v", review["groups"])
	}
	w.unharmed(before)
	if b := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "dryRun", true)); !strings.Contains(b.text, "devices to return (2): COMPANY «HBL-LT-0417», «Windows Latitude 5450», serial number «D5DEEFC»") {
		t.Errorf("%s", b.text)
	}
}

// The person who is asked sees the review too; what was done bears none.
func TestThePersonSeesTheReview(t *testing.T) {
	w := newWorld(t, worldOptions{})
	a := w.done("cipp_offboard_user", in(harbourline, "userId", dana))
	if len(w.asked) != 1 || !strings.Contains(w.asked[0], "delegates (1)") || !strings.Contains(w.asked[0], "1. block-sign-in") || a.v["review"] != nil {
		t.Errorf("%v\n%s", w.asked, a.text)
	}
}

// However much there is, a review stays short, counts it all, and says what it could not read.
func TestAReviewIsBounded(t *testing.T) {
	w := newWorld(t, story(t, func(g, _ m) {
		id := userOf(t, g, dana)["id"]
		for i := range 60 {
			g["groups"] = append(g["groups"].([]any), m{"id": fmt.Sprintf("00000000-0000-4000-8000-%012d", i), "displayName": strings.Repeat("long name ", 20), "securityEnabled": true, "mailEnabled": false, "groupTypes": []any{}, "members": []any{id}, "owners": []any{}})
		}
	}))
	w.faults(fault(m{"path": "/users/*/managedDevices"}, m{"status": 403}, 1000))
	a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "dryRun", true))
	b, err := json.Marshal(a.v["review"])
	if err != nil || len(b) > 8000 || !strings.Contains(a.text, "groups (66)") || !strings.Contains(a.text, "and 56 more") || !strings.Contains(a.text, "not read: devices: ") {
		t.Errorf("%d bytes, %v: %s", len(b), err, a.text)
	}
}

// A group is never left without an owner: somebody is named, and owns it before the leaver goes.
func TestTheLastOwnerIsReplacedFirst(t *testing.T) {
	const group, list = "Rotterdam Project", "Rate Requests" // one is Graph's, the other Exchange's
	w := newWorld(t, story(t, func(g, x m) {
		for _, row := range x["distributionGroups"].([]any) {
			delete(row.(m), "ManagedBy") // the group's owners are
		}
		groupOf(t, g, group)["owners"] = []any{userOf(t, g, dana)["id"]}
		groupOf(t, g, list)["owners"] = []any{userOf(t, g, dana)["id"]}
	}))
	before := w.state()
	args := in(harbourline, "userId", dana, "removeFromGroups", true)
	if a := w.must("cipp_offboard_user", args); a.v["status"] != "blocked" || !strings.Contains(a.text, "only owner of «"+group+"»") {
		t.Errorf("%s", a.text)
	}
	for _, who := range []string{dana, "nobody@" + harbourline, "luca.dangelo_porto-lines.example#EXT#@harbourlinefreight.onmicrosoft.com"} {
		w.refused("invalid_argument", "cipp_offboard_user", and(args, "newGroupOwner", who))
	}
	w.unharmed(before)
	h := w.history("cipp_offboard_user", and(args, "newGroupOwner", priya))
	h.do()
	names := []string{}
	for _, r := range h.job.Results() {
		names = append(names, r.Step[:min(len(r.Step), 9)])
	}
	if s := strings.Join(names, " "); !strings.Contains(s, "add-owner add-owner leave-gro") {
		t.Errorf("%s", s)
	}
	if c := strings.Join(w.changed(before), "\n"); !strings.Contains(c, group) || !strings.Contains(c, list) || strings.Count(c, "/owners: ") != 3 {
		t.Errorf("%s", c)
	}
	h.undo()
	w.remains(before, "signInSessionsValidFromDateTime")
}

// What colleagues are given is given once, and undone only where this run gave it.
func TestColleaguesGetAccess(t *testing.T) {
	w := newWorld(t, story(t, func(g, _ m) { userOf(t, g, dana)["drive"] = m{"quota": m{"used": 5e9, "total": 1e12}} }))
	before := w.state()
	const had = "oluwaseun.adeyemi@" + harbourline // has full access already
	h := w.history("cipp_offboard_user", in(harbourline, "userId", dana, "fullAccess", []string{priya, had}, "automap", false, "sendAs", []string{priya}, "sendOnBehalf", []string{priya}, "oneDriveAccess", []string{priya}))
	h.do()
	done := map[string]int{}
	for _, r := range h.job.Results() {
		done[r.State+" "+strings.Join(strings.SplitN(r.Step, "-", 4)[:2], "-")]++
	}
	if done["done give-full"] != 1 || done["nothingToDo give-full"] != 1 || done["done give-send"] != 2 || done["done give-onedrive"] != 1 {
		t.Errorf("%v", done)
	}
	if c := strings.Join(w.changed(before), "\n"); !strings.Contains(c, `"AutoMapping":false`) || !strings.Contains(c, "/drive/permissions") || !strings.Contains(c, "GrantSendOnBehalfTo") || !strings.Contains(c, "RecipientPermissions") {
		t.Errorf("%s", c)
	}
	h.undo()
	w.remains(before, "signInSessionsValidFromDateTime", "WhenChanged", "GrantSendOnBehalfTo: (none) → []", "RecipientPermissions: (none) → []")
	if a := w.must("cipp_offboard_user", in(harbourline, "userId", gareth, "oneDriveAccess", []string{priya}, "dryRun", true)); !strings.Contains(a.text, "there is no OneDrive") {
		t.Errorf("%s", a.text)
	}
}

func TestALitigationHoldKeepsTheLicence(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	args := in(harbourline, "userId", dana, "litigationHold", true)
	if a := w.must("cipp_offboard_user", and(args, "convertToShared", true, "removeLicenses", true)); a.v["status"] != "blocked" || !strings.Contains(a.text, "needs the licence as long as it lasts") {
		t.Errorf("%s", a.text)
	}
	w.unharmed(before)
	h := w.history("cipp_offboard_user", and(args, "convertToShared", true))
	h.do()
	if c := strings.Join(w.changed(before), "\n"); !strings.Contains(c, "LitigationHoldEnabled") {
		t.Errorf("%s", c)
	}
	h.undo()
	w.remains(before, "signInSessionsValidFromDateTime", "WhenChanged", "LitigationHoldEnabled: (none) → false", "LitigationHoldOwner")
}

// A hold that the licence does not give is refused before anything is done.
func TestAHoldThatIsNotLicensed(t *testing.T) {
	w := newWorld(t, story(t, func(_, x m) { mailboxOf(t, x, dana)["PersistedCapabilities"] = []any{"EXCHANGE_S_STANDARD"} }))
	if a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "litigationHold", true)); a.v["status"] != "blocked" || !strings.Contains(a.text, "takes Exchange Online Plan 2") {
		t.Errorf("%s", a.text)
	}
}

// An order to cancel meetings that Exchange never heard of is not done, nor said to be taken.
func TestMeetingsThatStay(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.faults(fault(m{"cmdlet": "Remove-CalendarEvents"}, m{"status": 504, "effect": "none"}, 1000))
	a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "cancelMeetings", true))
	if a.v["status"] != "attention" || !strings.Contains(a.text, "failed cancel-meetings") {
		t.Errorf("%s", a.text)
	}
}

// A rule of which this program knows only a part is deleted, and said to stay so.
func TestARuleWithMoreToItIsNotMadeAgain(t *testing.T) {
	w := newWorld(t, story(t, func(_, x m) {
		mailboxOf(t, x, dana)["InboxRules"].([]any)[0].(m)["ExceptIfSubjectContainsWords"] = []any{"invoice"}
	}))
	a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "removeRules", true, "dryRun", true))
	if !strings.Contains(a.text, "no way back: this rule also holds «ExceptIfSubjectContainsWords»") {
		t.Errorf("%s", a.text)
	}
}

// A refusal of one rule stops neither the others nor what comes after.
func TestARuleThatCannotBeDeleted(t *testing.T) {
	w := newWorld(t, story(t, func(g, x m) { rich(t, g, x) }))
	w.faults(fault(m{"cmdlet": "Remove-InboxRule", "nth": 1}, m{"status": 400, "code": "BadRequest"}, 1))
	a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "removeRules", true, "hideFromGal", true))
	if a.v["status"] != "attention" || strings.Count(a.text, "failed remove-rule") != 1 || strings.Count(a.text, "done remove-rule") != 2 || !strings.Contains(a.text, "done hide-from-address-lists") {
		t.Errorf("%s", a.text)
	}
}

func TestDeleteAndRestore(t *testing.T) {
	w := newWorld(t, worldOptions{})
	if a := w.must("cipp_delete_user", in(harbourline, "userId", gareth)); a.v["status"] != "blocked" || !strings.Contains(a.text, "only owner of «Rotterdam Project»") {
		t.Errorf("%s", a.text)
	}
	if a := w.must("cipp_delete_user", in(harbourline, "userId", ingrid)); a.v["status"] != "blocked" || !strings.Contains(a.text, "Active Directory") {
		t.Errorf("%s", a.text)
	}
	before := w.state()
	a := w.done("cipp_delete_user", in(harbourline, "userId", dana))
	if !strings.Contains(strings.Join(w.asked, ""), "can be restored until 2026-04-11") {
		t.Errorf("%v\n%s", w.asked, a.text)
	}
	w.refused("user_not_found", "cipp_get_user", in(harbourline, "userId", dana))
	w.refused("user_not_found", "cipp_restore_user", in(harbourline, "userId", priya))
	w.done("cipp_restore_user", in(harbourline, "userId", dana))
	w.remains(before)
}

// What is to end or to happen later is a job of its own, which undoing calls off; once it has happened it is
// undone too.
func TestAccessEndsAndTheAccountIsDeletedLater(t *testing.T) {
	const had = "oluwaseun.adeyemi@" + harbourline // has full access already
	args := in(harbourline, "userId", dana, "deleteAfterDays", 30, "fullAccess", []string{priya, had}, "accessDays", 7)
	scheduled := func(w *world) []string {
		var ids []string
		for _, r := range w.must("cipp_list_scheduled_items", in(harbourline)).list("jobs") {
			if r["status"] == "scheduled" {
				ids = append(ids, r["jobId"].(string))
			}
		}
		return ids
	}
	t.Run("called off", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		before := w.state()
		job := w.done("cipp_offboard_user", args).v["jobId"]
		if n := len(scheduled(w)); n != 2 {
			t.Fatalf("%d are scheduled", n)
		}
		w.done("cipp_undo_job", m{"jobId": job})
		if n := len(scheduled(w)); n != 0 {
			t.Errorf("%d are still scheduled", n)
		}
		w.sandbox.Advance(40 * 24 * time.Hour)
		w.remains(before, "signInSessionsValidFromDateTime")
	})
	t.Run("undone after it happened", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		before := w.state()
		job := w.done("cipp_offboard_user", args).v["jobId"]
		later := scheduled(w)
		w.sandbox.Advance(7*24*time.Hour + time.Minute)
		for _, id := range later {
			if j := w.must("cipp_get_job", m{"jobId": id}); j.v["tool"] == "cipp_end_access" {
				if j = w.ended(id); j.v["status"] != "done" {
					t.Errorf("%s", j.text)
				}
			}
		}
		if c := strings.Join(w.changed(before), "\n"); strings.Contains(c, "MailboxPermissions") {
			t.Errorf("access did not end, or ended for whom it should not: %s", c)
		}
		w.sandbox.Advance(23 * 24 * time.Hour)
		for _, id := range later {
			if j := w.ended(id); j.v["status"] != "done" {
				t.Errorf("%s", j.text)
			}
		}
		w.refused("user_not_found", "cipp_get_user", in(harbourline, "userId", dana))
		w.done("cipp_undo_job", m{"jobId": job})
		w.remains(before, "signInSessionsValidFromDateTime")
	})
	w := newWorld(t, worldOptions{})
	w.refused("invalid_argument", "cipp_offboard_user", in(harbourline, "userId", dana, "accessDays", 7))
	w.refused("invalid_argument", "cipp_offboard_user", in(harbourline, "userId", dana, "deleteAfterDays", 400))
	if a := w.must("cipp_offboard_user", in(harbourline, "userId", gareth, "deleteAfterDays", 30)); a.v["status"] != "blocked" || !strings.Contains(a.text, "only owner of «Rotterdam Project»") {
		t.Errorf("%s", a.text)
	}
}

// Where mail went before it goes again: to a colleague, out of the house with a copy, or with a reply of its own.
func TestForwardingAndReplyComeBackAsTheyWere(t *testing.T) {
	for name, change := range map[string]func(box m){
		"a colleague": func(b m) { b["ForwardingAddress"], b["DeliverToMailboxAndForward"] = "gareth.pell@"+harbourline, false },
		"outside": func(b m) {
			b["ForwardingSmtpAddress"], b["DeliverToMailboxAndForward"] = "smtp:dana@home.example", true
		},
		"a reply": func(b m) {
			b["AutoReply"] = m{"AutoReplyState": "Scheduled", "InternalMessage": "<p>On leave</p>", "ExternalMessage": "", "ExternalAudience": "Known", "StartTime": "2026-03-10T00:00:00Z", "EndTime": "2026-03-20T00:00:00Z"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, story(t, func(_, x m) { change(mailboxOf(t, x, dana)) }))
			var before m
			box := func() m {
				var s m
				if err := json.Unmarshal(w.state(), &s); err != nil {
					t.Fatal(err)
				}
				return mailboxOf(t, find(t, s["tenants"], "defaultDomain", harbourline)["exchange"].(m), dana)
			}
			before = box()
			job := w.done("cipp_offboard_user", in(harbourline, "userId", dana, "forwardingAddress", priya, "outOfOfficeMessage", "I have left.")).v["jobId"]
			w.done("cipp_undo_job", m{"jobId": job})
			after := box()
			text := func(v any) string {
				b, err := json.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				return string(b)
			}
			for _, k := range []string{"ForwardingSmtpAddress", "AutoReply"} {
				if text(before[k]) != text(after[k]) {
					t.Errorf("%s: %s, was %s", k, text(after[k]), text(before[k]))
				}
			}
			if (before["ForwardingAddress"] == nil) != (after["ForwardingAddress"] == nil) || (before["DeliverToMailboxAndForward"] == true) != (after["DeliverToMailboxAndForward"] == true) {
				t.Errorf("%v %v", after["ForwardingAddress"], after["DeliverToMailboxAndForward"])
			}
		})
	}
}

// A directory role changes hands only with the operator, whoever asks.
func TestRolesWaitForTheOperator(t *testing.T) {
	const tomasz = "tomasz.brennan@" + harbourline
	w := newWorld(t, worldOptions{})
	before := w.state()
	a := w.must("cipp_offboard_user", in(harbourline, "userId", tomasz, "removeRoles", true, "dryRun", true))
	if !strings.Contains(a.text, "Take the role «User Administrator»") || !strings.Contains(a.text, "remove-role-fe930be7-5e62-47db-91af-98c3a49a38b1") {
		t.Errorf("%s", a.text)
	}
	if b := w.must("cipp_offboard_user", in(harbourline, "userId", tomasz, "removeRoles", true)); b.v["status"] == "done" {
		t.Errorf("%s", b.text)
	}
	w.unharmed(before)
}

// A part of the plan is done by naming its steps, and what a step needs comes with it or not at all.
func TestAPartOfAnOffboarding(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	args := in(harbourline, "userId", dana, "posture", "standard")
	for steps, says := range map[string]string{"remove-everything": "the plan has no step «remove-everything»", "remove-licenses": "needs convert-to-shared first, so name that too"} {
		if a := w.refused("invalid_argument", "cipp_offboard_user", and(args, "steps", []string{steps})); !strings.Contains(a.text, says) {
			t.Errorf("%s", a.text)
		}
	}
	w.unharmed(before)
	a := w.done("cipp_offboard_user", and(args, "steps", []string{"hide-from-address-lists", "leave-group"}))
	changed := strings.Join(w.changed(before), "\n")
	if strings.Contains(changed, "accountEnabled") || strings.Contains(changed, "RecipientTypeDetails") || !strings.Contains(changed, "HiddenFromAddressListsEnabled") || !strings.Contains(changed, "/members: ") {
		t.Errorf("%s", changed)
	}
	w.done("cipp_undo_job", m{"jobId": a.v["jobId"]})
	w.remains(before, "WhenChanged", "HiddenFromAddressListsEnabled: (none) → false")
}

// Who leaves no longer owns what others own too; the ownership comes back with an undo.
func TestTheLeaverOwnsNothingAnyMore(t *testing.T) {
	const group, list = "Rotterdam Project", "Rate Requests" // one is Graph's, the other Exchange's
	w := newWorld(t, story(t, func(g, x m) {
		for _, row := range x["distributionGroups"].([]any) {
			delete(row.(m), "ManagedBy") // the group's owners are
		}
		both := []any{userOf(t, g, dana)["id"], userOf(t, g, priya)["id"]}
		groupOf(t, g, group)["owners"], groupOf(t, g, list)["owners"] = both, both
	}))
	before := w.state()
	h := w.history("cipp_offboard_user", in(harbourline, "userId", dana, "removeFromGroups", true))
	h.do()
	changed := strings.Join(w.changed(before), "\n")
	for _, g := range []string{group, list} {
		if !strings.Contains(changed, groupPath(w, g)+"/owners: without") {
			t.Errorf("still an owner of %s: %s", g, changed)
		}
	}
	h.undo()
	w.remains(before, "signInSessionsValidFromDateTime")
	if a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "removeFromGroups", true, "newGroupOwner", priya, "dryRun", true)); strings.Contains(a.text, "stays an owner") || !strings.Contains(a.text, "No longer own «"+group+"»") {
		t.Errorf("%s", a.text)
	}
}

// groupPath is where a group stands in the differences of two states.
func groupPath(w *world, name string) string {
	var s m
	if err := json.Unmarshal(w.state(), &s); err != nil {
		w.t.Fatal(err)
	}
	for _, x := range s["tenants"].([]any) {
		if x := x.(m); x["defaultDomain"] == harbourline {
			return "/groups/«" + name + "» " + groupOf(w.t, x["graph"].(m), name)["id"].(string)
		}
	}
	return "no such group"
}
