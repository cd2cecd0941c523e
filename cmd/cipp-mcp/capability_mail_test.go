package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// People and mailboxes of the built-in story that only these rows are about.
const (
	dispatch  = "dispatch@harbourline.example"  // shared
	boardroom = "boardroom@harbourline.example" // a room
	noor      = "noor.haddad@harbourline.example"
	unboxed   = "stefan.kruse@harbourline.example"      // has no mailbox
	approvers = "finance-approvers@harbourline.example" // a mail-enabled security group
)

// mailCapabilities are mailboxes, automatic replies, forwarding and rights.
var mailCapabilities = map[string]capability{
	"X1": {
		what: "converts a mailbox between user, shared, room and equipment, and stops where a licence would be missed", tool: "cipp_convert_mailbox",
		does: func(w *world) {
			w.done("cipp_convert_mailbox", in(harbourline, "userId", dana, "type", "shared"))
			for kind, exchange := range map[string]string{"shared": "SharedMailbox", "room": "RoomMailbox", "Equipment": "EquipmentMailbox", "user": "UserMailbox"} {
				w.done("cipp_convert_mailbox", in(harbourline, "userId", dana, "type", kind))
				w.stands(ofBox(dana, "RecipientTypeDetails", exchange))
			}
			w.done("cipp_convert_mailbox", in(harbourline, "userId", dana, "type", "shared"))
			a := w.must("cipp_list_mailboxes", in(harbourline, "type", "shared", "search", "dana"))
			a.row(w.t, "mailboxes", "userPrincipalName", dana)
		},
		changes: []string{"RecipientTypeDetails", "WhenChanged"},
		fails: func(w *world) {
			a := w.blocked("62.0 GB", "cipp_convert_mailbox", in(harbourline, "userId", gareth, "type", "shared"))
			for _, why := range []string{"is on hold", "has an online archive", "keepLicense=true"} {
				if !strings.Contains(a.text, why) {
					w.t.Errorf("nothing of %q: %s", why, a.text)
				}
			}
			w.must("cipp_convert_mailbox", in(harbourline, "userId", gareth, "type", "shared", "keepLicense", true, "dryRun", true))
			w.blocked("no licence of "+dispatch, "cipp_convert_mailbox", in(harbourline, "userId", dispatch, "type", "user"))
		},
	},
	"X2": {
		what: "enables the online archive, where the licence permits one", tool: "cipp_edit_mailbox",
		does:    func(w *world) { w.done("cipp_edit_mailbox", in(harbourline, "userId", dana, "archive", "enabled")) },
		changes: []string{"ArchiveGuid", "ArchiveStatus", "ArchiveState", "WhenChanged"},
		fails: func(w *world) {
			w.blocked("Exchange Online Plan 2 or archiving", "cipp_edit_mailbox", in(harbourline, "userId", dispatch, "archive", true))
		},
	},
	"X3": {
		what: "sets automatic replies: texts inside and outside, HTML, a schedule, whom outside", tool: "cipp_set_out_of_office",
		does: func(w *world) {
			from := w.env.Clock.Now().Add(24 * time.Hour).Format(time.RFC3339)
			until := w.env.Clock.Now().Add(72 * time.Hour).Format(time.RFC3339)
			w.done("cipp_set_out_of_office", in(harbourline, "userId", dana, "state", "scheduled", "internalMessage", "<p>Back on <b>Monday</b></p>", "externalMessage", "<p>Ask Priya</p>", "html", true, "externalAudience", "known", "startTime", from, "endTime", until))
			a := w.must("cipp_get_mailbox", in(harbourline, "userId", dana, "sections", "autoReply"))
			if r, _ := a.v["autoReply"].(m); r["state"] != "scheduled" || r["internalMessage"] != "Back on Monday" || r["externalMessage"] != "Ask Priya" || r["externalAudience"] != "known" {
				w.t.Errorf("%v", a.v)
			}
			w.stands(ofBox(dana, "AutoReply/AutoReplyState", "Scheduled", "AutoReply/InternalMessage", part("\\u003cb\\u003eMonday"), "AutoReply/ExternalMessage", part("Ask Priya"), "AutoReply/ExternalAudience", "Known", "AutoReply/StartTime", part("2026-03-13T15:00:00"), "AutoReply/EndTime", part("2026-03-15T15:00:00")))
			w.done("cipp_set_out_of_office", in(harbourline, "userId", dana, "state", "enabled", "internalMessage", "One text"))
			w.done("cipp_set_out_of_office", in(harbourline, "userId", noor, "state", "enabled", "internalMessage", "One text"))
			w.stands(ofBox(noor, "AutoReply/InternalMessage", part("One text"), "AutoReply/ExternalMessage", part("One text")))
		},
		changes: []string{"AutoReply/", "/AutoReply"},
		fails: func(w *world) {
			w.invalid("has passed", "cipp_set_out_of_office", in(harbourline, "userId", dana, "state", "scheduled", "internalMessage", "x", "endTime", "2020-01-01T00:00:00Z"))
			w.blocked("holds no text", "cipp_set_out_of_office", in(harbourline, "userId", dana, "enabled", true))
		},
	},
	"X4": {
		what: "ends automatic replies; the texts stay for the next time", tool: "cipp_set_out_of_office",
		does: func(w *world) {
			w.done("cipp_set_out_of_office", in(harbourline, "userId", dana, "enabled", true, "internalMessage", "gone"))
			w.mark()
			w.done("cipp_set_out_of_office", in(harbourline, "userId", dana, "enabled", false))
		},
		changes: []string{"AutoReply/AutoReplyState"},
		fails: func(w *world) {
			w.refused("user_not_found", "cipp_set_out_of_office", in(harbourline, "userId", "nobody@harbourline.example", "state", "disabled"))
		},
	},
	"X5": {
		what: "ends forwarding of both kinds", tool: "cipp_set_email_forwarding",
		does: func(w *world) {
			w.done("cipp_set_email_forwarding", in(demoVictimTenant, "userId", demoVictim, "disable", true))
			job := w.done("cipp_set_email_forwarding", in(harbourline, "userId", dana, "disable", true)).v["jobId"]
			w.stands(ofBox(dana, "ForwardingAddress", nil, "ForwardingSmtpAddress", nil))
			w.done("cipp_undo_job", m{"jobId": job})
			w.stands(ofBox(dana, "ForwardingAddress", w.at("graph/users/"+priya+"/id"), "ForwardingSmtpAddress", part("dana@elsewhere.example")))
			w.done("cipp_set_email_forwarding", in(harbourline, "userId", dana, "disable", true))
			w.stands(ofBox(dana, "ForwardingAddress", nil, "ForwardingSmtpAddress", nil))
		},
		at: func(t *testing.T) worldOptions {
			return story(t, func(_, x m) {
				box := mailboxOf(t, x, dana)
				box["ForwardingAddress"], box["ForwardingSmtpAddress"] = priya, "smtp:dana@elsewhere.example"
			})
		},
		changes: []string{"ForwardingSmtpAddress", "ForwardingAddress", "DeliverToMailboxAndForward", "WhenChanged"},
		fails: func(w *world) {
			w.invalid("not both", "cipp_set_email_forwarding", in(demoVictimTenant, "userId", demoVictim, "disable", true, "forwardingAddress", "a@b.example"))
		},
	},
	"X6": {
		what: "forwards to a colleague, and out of the tenant only where the operator allows it", tool: "cipp_set_email_forwarding",
		does: func(w *world) {
			w.done("cipp_set_email_forwarding", in(harbourline, "userId", dana, "forwardTo", priya, "keepCopy", true))
			a := w.must("cipp_get_mailbox", in(harbourline, "userId", dana, "sections", "forwarding"))
			if f, _ := a.v["forwarding"].(m); f["deliverToBoth"] != true || f["forwardingAddress"] == nil {
				w.t.Errorf("%v", a.v)
			}
		},
		changes: []string{"ForwardingAddress", "DeliverToMailboxAndForward", "WhenChanged"},
		fails: func(w *world) {
			w.refused("external_forwarding", "cipp_set_email_forwarding", in(harbourline, "userId", dana, "forwardingAddress", "thief@evil.example"))
		},
	},
	"X7": {
		what: "shows and edits addresses, address lists and protocols", tool: "cipp_edit_mailbox",
		does: func(w *world) {
			w.done("cipp_edit_mailbox", in(harbourline, "userId", dana, "addAliases", []string{"d.whitfield", "dana.w@harbourline.example"}, "primaryAddress", "d.whitfield", "hideFromGal", true, "protocols", []string{"imap=off", "smtpAuth=off"}))
			a := w.must("cipp_get_mailbox", in(harbourline, "userId", dana, "sections", []string{"addresses", "protocols"}))
			box, _ := a.v["addresses"].(m)
			if p, _ := a.v["protocols"].(m); box["primarySmtpAddress"] != "d.whitfield@harbourline.example" || len(box["aliases"].([]any)) < 2 || p["imap"] != "off" || p["smtpAuth"] != "off" || p["pop"] != "on" {
				w.t.Errorf("%v", a.v)
			}
		},
		changes: []string{"EmailAddresses", "PrimarySmtpAddress", "HiddenFromAddressListsEnabled", "CASMailbox", "proxyAddresses", "/mail", "WhenChanged"},
		fails: func(w *world) {
			w.blocked("is an address of", "cipp_edit_mailbox", in(harbourline, "userId", dana, "addAliases", "priya.shah"))
			w.blocked("no verified domain", "cipp_edit_mailbox", in(harbourline, "userId", dana, "addAliases", "dana@elsewhere.example"))
			w.blocked("is the primary address", "cipp_edit_mailbox", in(harbourline, "userId", dana, "removeAliases", dana))
		},
	},
	"X8": {
		what: "shows what a mailbox holds and may hold, and changes the quotas", tool: "cipp_edit_mailbox",
		does: func(w *world) {
			w.done("cipp_edit_mailbox", in(harbourline, "userId", dana, "quotas", []string{"warn=40", "send=45", "sendReceive=48.5GB"}))
			a := w.must("cipp_get_mailbox", in(harbourline, "userId", dana, "sections", "storage"))
			if s, _ := a.v["storage"].(m); s["warnQuotaGB"] != 40.0 || s["sendQuotaGB"] != 45.0 || s["sendReceiveQuotaGB"] != 48.5 || s["items"] == nil {
				w.t.Errorf("%v", a.v)
			}
		},
		changes: []string{"IssueWarningQuota", "ProhibitSendQuota", "ProhibitSendReceiveQuota", "WhenChanged"},
		fails: func(w *world) {
			w.blocked("have to be in order", "cipp_edit_mailbox", in(harbourline, "userId", dana, "quotas", []string{"warn=60", "send=45"}))
		},
	},
	"X9": {
		what: "lists who may open a mailbox or send as it, and which mailboxes somebody may open", tool: "cipp_list_mailbox_permissions",
		does: func(w *world) {
			a := w.must("cipp_list_mailbox_permissions", in(harbourline, "userId", gareth))
			for _, right := range []string{"fullAccess", "sendAs", "sendOnBehalf"} {
				if r := a.row(w.t, "permissions", "right", right); r["holder"] != noor {
					w.t.Errorf("%v", r)
				}
			}
			w.must("cipp_list_mailbox_permissions", in(harbourline, "userId", noor, "scope", "granted")).row(w.t, "permissions", "mailbox", gareth)
		},
		fails: func(w *world) {
			w.refused("user_not_found", "cipp_list_mailbox_permissions", in(harbourline, "userId", "nobody@harbourline.example"))
		},
	},
	"X10": {
		what: "gives and takes full access, sending as and on behalf, for users and mail-enabled security groups", tool: "cipp_set_mailbox_permissions",
		does: func(w *world) {
			w.done("cipp_set_mailbox_permissions", in(harbourline, "userId", gareth, "add", []string{"fullAccess:" + priya, "sendAs:" + approvers, "priya.shah@harbourline.example:sendOnBehalf"}, "remove", []string{"Send As:" + noor, "sendOnBehalf:" + noor}, "automapping", false))
			a := w.must("cipp_list_mailbox_permissions", in(harbourline, "userId", gareth))
			for _, who := range []string{priya, noor, approvers} {
				a.row(w.t, "permissions", "holder", who)
			}
			have := map[string]bool{}
			for _, r := range a.list("permissions") {
				have[fmt.Sprint(r["right"], ":", r["holder"])] = true
			}
			for pair, is := range map[string]bool{"fullAccess:" + priya: true, "sendOnBehalf:" + priya: true, "sendAs:" + approvers: true, "fullAccess:" + noor: true, "sendAs:" + noor: false, "sendOnBehalf:" + noor: false} {
				if have[pair] != is {
					w.t.Errorf("%s is %v: %v", pair, have[pair], have)
				}
			}
		},
		changes: []string{"MailboxPermissions", "RecipientPermissions", "GrantSendOnBehalfTo", "WhenChanged"},
		fails: func(w *world) {
			w.invalid("rights are given to users and mail-enabled security groups", "cipp_set_mailbox_permissions", in(harbourline, "userId", gareth, "add", "fullAccess:all-staff@harbourline.example"))
			w.invalid("no user or mail-enabled security group", "cipp_set_mailbox_permissions", in(harbourline, "userId", gareth, "add", "fullAccess:nobody@harbourline.example"))
			w.invalid("a right, a colon and who", "cipp_set_mailbox_permissions", in(harbourline, "userId", gareth, "add", "everything:"+priya))
		},
	},
	"X12": {
		what: "gives, changes and takes rights on any of a mailbox's calendars, in several vocabularies, for users, groups, guests and everybody inside", tool: "cipp_set_calendar_permissions",
		does: func(w *world) {
			w.done("cipp_set_calendar_permissions", in(harbourline, "userId", gareth, "add", []string{"Can view titles and locations:" + priya, "Reviewer:" + approvers, "freeBusy:anna_vendor-supplies.example#EXT#@harbourlinefreight.onmicrosoft.com", "none:default"}, "remove", noor))
			for words, exchange := range map[string]string{"None": "None", "Can edit": "Editor", "Can view when I'm busy": "AvailabilityOnly", "Can view titles and locations": "LimitedDetails", "Can view all details": "Reviewer", "Owner": "Owner"} {
				w.done("cipp_set_calendar_permissions", in(harbourline, "userId", noor, "add", words+":"+dana))
				if a := w.must("cipp_list_mailbox_permissions", in(harbourline, "userId", noor, "scope", "calendar")); !strings.Contains(a.text, "«Dana Whitfield» has calendar "+exchange+" on") {
					w.t.Errorf("%s is not %s: %s", words, exchange, a.text)
				}
			}
			w.done("cipp_set_calendar_permissions", in(harbourline, "userId", noor, "remove", dana))
			w.done("cipp_set_calendar_permissions", in(harbourline, "userId", "juergen.voss@harbourline.example", "calendar", "Urlaub", "add", "delegatePrivate:"+priya))
			w.done("cipp_set_calendar_permissions", in(harbourline, "userId", "juergen.voss@harbourline.example", "calendar", "kalender/urlaub", "add", "Can edit:"+priya))
			a := w.must("cipp_list_mailbox_permissions", in(harbourline, "userId", "juergen.voss@harbourline.example", "scope", "calendar"))
			if !strings.Contains(a.text, "has calendar Editor on «juergen.voss@harbourline.example:/Kalender/Urlaub»") {
				w.t.Errorf("%s", a.text)
			}
		},
		changes: []string{"FolderPermissions"},
		fails: func(w *world) {
			w.invalid("there are: «Kalender», «Urlaub»", "cipp_set_calendar_permissions", in(harbourline, "userId", "juergen.voss@harbourline.example", "calendar", "Holidays", "add", "edit:"+priya))
			w.invalid("a right, a colon and who", "cipp_set_calendar_permissions", in(harbourline, "userId", gareth, "add", "everything:"+priya))
		},
	},
	"X15": {
		what: "a change of rights is a job that can be followed", tool: "cipp_get_job",
		does: func(w *world) {
			a := w.done("cipp_set_mailbox_permissions", in(harbourline, "userId", gareth, "add", "sendAs:"+priya))
			if j := w.must("cipp_get_job", m{"jobId": a.v["jobId"]}); j.v["status"] != "done" || len(j.list("steps")) != 1 {
				w.t.Errorf("%s", j.text)
			}
		},
		changes: []string{"RecipientPermissions"},
		fails:   func(w *world) { w.refused("job_not_found", "cipp_get_job", m{"jobId": "run_nonsense"}) },
	},
	"X11": {
		what: "lists the rights on a mailbox's calendars", tool: "cipp_list_mailbox_permissions",
		does: func(w *world) {
			a := w.must("cipp_list_mailbox_permissions", in(harbourline, "userId", ingrid, "scope", "calendar"))
			a.row(w.t, "permissions", "right", "calendar")
			a.row(w.t, "permissions", "holder", "Default")
		},
		fails: func(w *world) {
			w.refused("no_mailbox", "cipp_list_mailbox_permissions", in(harbourline, "userId", unboxed, "scope", "calendar"))
		},
	},
	"X13": {
		what: "lists shared, room and equipment mailboxes; rights are set on any of them", tool: "cipp_list_mailboxes",
		does: func(w *world) {
			for kind, address := range map[string]string{"shared": dispatch, "room": boardroom, "equipment": "van3@harbourline.example", "user": gareth, "group": "sales-team@harbourline.example"} {
				a := w.must("cipp_list_mailboxes", in(harbourline, "type", kind, "limit", 100))
				if r := a.row(w.t, "mailboxes", "primarySmtpAddress", address); r["type"] != kind || kind == "user" && (r["onHold"] != true || r["archive"] != true) {
					w.t.Errorf("%v", r)
				}
			}
			w.must("cipp_list_mailbox_permissions", in(harbourline, "userId", dispatch)).row(w.t, "permissions", "right", "fullAccess")
		},
		fails: func(w *world) {
			w.refused("token_refused", "cipp_list_mailboxes", in(harbourline, "type", "room", "cursor", "AAAA"))
		},
	},
	"X14": {
		what: "shows a mailbox's rules, hidden and sweep rules too, and removes one", tool: "cipp_remove_inbox_rule",
		at: func(t *testing.T) worldOptions {
			return worldOptions{flags: cloudFlags{sandbox: edited(t, func(tenant m) {
				if tenant["defaultDomain"] == demoVictimTenant {
					mailboxOf(t, tenant["exchange"].(m), demoVictim)["SweepRules"] = []any{m{"Name": "hide the bank", "Sender": "alerts@bank.example", "KeepForDays": 0.0}}
				}
			})}}
		},
		does: func(w *world) {
			a := w.must("cipp_get_mailbox", in(demoVictimTenant, "userId", demoVictim, "sections", "rules"))
			if !strings.Contains(a.text, "hide the bank") {
				w.t.Errorf("no sweep rule: %s", a.text)
			}
			r := a.row(w.t, "rules", "hidden", true)
			w.done("cipp_remove_inbox_rule", in(demoVictimTenant, "userId", demoVictim, "ruleId", r["id"]))
		},
		changes: []string{"HiddenInboxRules"},
		fails: func(w *world) {
			w.refused("not_found", "cipp_remove_inbox_rule", in(demoVictimTenant, "userId", demoVictim, "ruleId", "1"))
		},
	},
	"S18": {
		what: "removes what an investigation found, rule by rule and the forwarding, each kept first", tool: "cipp_remove_inbox_rule",
		does: func(w *world) {
			w.done("cipp_set_email_forwarding", in(demoVictimTenant, "userId", demoVictim, "disable", true))
			for _, r := range w.must("cipp_get_mailbox", in(demoVictimTenant, "userId", demoVictim, "sections", "rules")).list("rules") {
				if sends, _ := r["sendsTo"].([]any); len(sends) > 0 || r["hidden"] == true {
					a := w.done("cipp_remove_inbox_rule", in(demoVictimTenant, "userId", demoVictim, "ruleId", r["id"]))
					if _, record, err := w.resource(a.v["record"].(string)); err != nil || !strings.Contains(record, r["name"].(string)) {
						w.t.Errorf("the rule is not kept: %v %s", err, record)
					}
				}
			}
		},
		changes: []string{"InboxRules", "ForwardingSmtpAddress", "DeliverToMailboxAndForward", "WhenChanged"},
		fails: func(w *world) {
			w.refused("user_not_found", "cipp_remove_inbox_rule", in(demoVictimTenant, "userId", "nobody@"+demoVictimTenant, "ruleId", "1"))
		},
	},
}

// Who has no mailbox is told so, and who is mastered on premises where to go; nothing is written.
func TestMailboxesThatCannotBeChanged(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	for tool, args := range map[string]m{
		"cipp_edit_mailbox": {"hideFromGal": true}, "cipp_convert_mailbox": {"type": "shared"}, "cipp_set_out_of_office": {"state": "enabled", "internalMessage": "x"}, "cipp_set_email_forwarding": {"disable": true},
		"cipp_set_mailbox_permissions": {"add": "sendAs:" + priya}, "cipp_set_calendar_permissions": {"add": "edit:" + priya}, "cipp_get_mailbox": {},
	} {
		w.refused("no_mailbox", tool, and(args, "tenantFilter", harbourline, "userId", unboxed))
	}
	a := w.must("cipp_edit_mailbox", in(harbourline, "userId", ingrid, "hideFromGal", true, "addAliases", "i.m"))
	if a.v["status"] == "done" || strings.Count(a.text, "Active Directory") < 2 {
		t.Errorf("%s", a.text)
	}
	w.unharmed(before)
}

// Risk is raised by what an argument does, not by the tool.
func TestMailboxRisk(t *testing.T) {
	w := newWorld(t, worldOptions{config: "approval: {write: none, destructive: client}\n"})
	w.answer = func(string) bool { return false }
	for _, c := range []struct {
		args  m
		asked bool
	}{
		{m{"hideFromGal": true}, false}, {m{"protocols": "pop=off"}, false}, {m{"quotas": "warn=41"}, false}, {m{"addAliases": "d.w"}, false},
		{m{"protocols": "imap=on"}, true}, {m{"protocols": "smtpAuth=true"}, true}, {m{"archive": "autoExpanding"}, true}, {m{"removeAliases": "dana.whitfield@harbourlinefreight.onmicrosoft.com"}, true}, {m{"retentionHold": false}, true},
	} {
		if c.args["protocols"] == "imap=on" {
			w.done("cipp_edit_mailbox", in(harbourline, "userId", dana, "protocols", "imap=off"))
		}
		if c.args["retentionHold"] == false {
			w.done("cipp_edit_mailbox", in(harbourline, "userId", dana, "retentionHold", true))
		}
		w.asked = nil
		a := w.must("cipp_edit_mailbox", and(c.args, "tenantFilter", harbourline, "userId", dana))
		if (len(w.asked) > 0) != c.asked {
			t.Errorf("%v: asked %d times: %s", c.args, len(w.asked), a.text)
		}
	}
}

func sortedLines(s string) string {
	return strings.Join(slices.Sorted(strings.SplitSeq(s, "\n")), "\n")
}

// What a change of a mailbox did is taken back by undo, all of it.
func TestMailboxChangesAreUndone(t *testing.T) {
	for name, args := range map[string]m{
		"cipp_edit_mailbox": {"addAliases": []string{"d.w"}, "removeAliases": []string{}, "primaryAddress": "d.w", "hideFromGal": true, "archive": "enabled", "protocols": []string{"imap=off", "smtpAuth=off", "ews=off"},
			"quotas": []string{"warn=40"}, "litigationHold": true, "retentionHold": true},
		"cipp_convert_mailbox":          {"type": "room"},
		"cipp_set_mailbox_permissions":  {"add": []string{"fullAccess:" + priya, "sendAs:" + approvers, "sendOnBehalf:" + approvers}, "remove": "fullAccess:oluwaseun.adeyemi@harbourline.example"},
		"cipp_set_calendar_permissions": {"add": []string{"delegate:" + priya, "titles:default"}},
		"cipp_set_out_of_office":        {"enabled": true, "internalMessage": "a <b> & c", "externalMessage": "other"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			before := w.must("cipp_get_mailbox", in(harbourline, "userId", dana, "sections", "all"))
			a := w.done(name, and(args, "tenantFilter", harbourline, "userId", dana))
			again := w.must(name, and(args, "tenantFilter", harbourline, "userId", dana, "dryRun", true))
			if n := strings.Count(again.text, "nothing to do"); n != len(a.list("steps")) {
				t.Errorf("done again there is something to do: %s", again.text)
			}
			w.done("cipp_undo_job", m{"jobId": a.v["jobId"]})
			after := w.must("cipp_get_mailbox", in(harbourline, "userId", dana, "sections", "all"))
			if sortedLines(before.text) != sortedLines(after.text) {
				t.Errorf("before:\n%s\nafter:\n%s", before.text, after.text)
			}
		})
	}
}
