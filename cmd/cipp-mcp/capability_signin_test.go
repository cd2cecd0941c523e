package main

import (
	"strings"
	"time"
)

// signInCapabilities are blocking, passwords, a device's user, and how a plan is approved.
var signInCapabilities = map[string]capability{
	"S11": {
		what: "blocks a user's sign-in, with the sessions on request", tool: "cipp_disable_user",
		does: func(w *world) {
			if a := w.must("cipp_disable_user", in(harbourline, "userId", dana, "dryRun", true)); !strings.Contains(a.text, "revokeSessions") {
				w.t.Errorf("it does not say that sessions go on: %s", a.text)
			}
			w.done("cipp_disable_user", in(harbourline, "userId", dana, "revokeSessions", true))
		},
		changes: []string{dana + "/accountEnabled", dana + "/signInSessionsValidFromDateTime"},
		leaves:  ofUser(dana, "accountEnabled", false),
		fails:   nobody("cipp_disable_user"),
	},
	"S12": {
		what: "blocks a user and takes groups and licences at the same time", tool: "cipp_disable_user",
		does: func(w *world) {
			a := w.done("cipp_disable_user", in(harbourline, "userId", yuki, "removeGroups", true, "removeLicenses", true))
			if !strings.Contains(a.text, "deleted after 30 days") {
				w.t.Errorf("nothing of the mailbox that goes: %s", a.text)
			}
			if g := groupNames(w, yuki); len(g) != 0 {
				w.t.Errorf("still in %v", g)
			}
		},
		changes: []string{yuki, "consumedUnits", "/graph/groups/", "/exchange/"},
		leaves:  ofUser(yuki, "accountEnabled", false, "assignedLicenses", []any{}),
		fails: func(w *world) {
			w.blocked("only owner", "cipp_disable_user", in(harbourline, "userId", gareth, "removeGroups", true))
		},
	},
	"S13": {
		what: "blocks a user's sign-in at a later time", tool: "cipp_disable_user",
		does: func(w *world) {
			a := w.must("cipp_disable_user", in(harbourline, "userId", yuki, "runAt", "2026-03-12T16:00:00Z", "removeGroups", true, "removeLicenses", true))
			w.unharmed(w.marked)
			w.sandbox.Advance(2 * time.Hour)
			if j := w.ended(a.v["jobId"].(string)); j.v["status"] != "done" {
				w.t.Error(j.text)
			}
			if g := groupNames(w, yuki); len(g) != 0 {
				w.t.Errorf("still in %v", g)
			}
		},
		changes: []string{yuki, "consumedUnits", "/graph/groups/", "/exchange/"},
		leaves:  ofUser(yuki, "accountEnabled", false, "assignedLicenses", []any{}),
		fails: func(w *world) {
			w.invalid("time with offset", "cipp_disable_user", in(harbourline, "userId", dana, "runAt", "tomorrow"))
		},
	},
	"S14": {
		what: "allows a user's sign-in", tool: "cipp_enable_user",
		does: func(w *world) {
			w.done("cipp_disable_user", in(harbourline, "userId", dana))
			w.mark()
			w.done("cipp_enable_user", in(harbourline, "userId", dana))
		},
		changes: []string{dana + "/accountEnabled"},
		fails:   nobody("cipp_enable_user"),
	},
	"S15": {
		what: "ends a user's sessions, and says how long tokens that are out live on", tool: "cipp_revoke_sessions",
		does: func(w *world) {
			if a := w.done("cipp_revoke_sessions", in(harbourline, "userId", dana)); !strings.Contains(a.text, "hour") {
				w.t.Errorf("it does not say how long tokens live on: %s", a.text)
			}
		},
		changes: []string{dana + "/signInSessionsValidFromDateTime"},
		fails:   nobody("cipp_revoke_sessions"),
	},
	"P1": {
		what: "sets a new random password, valid at once", tool: "cipp_reset_password",
		does: func(w *world) {
			w.done("cipp_reset_password", in(harbourline, "userId", dana, "mustChangePassword", false))
		},
		changes: []string{dana + "/passwordProfile", dana + "/lastPasswordChangeDateTime", dana + "/signInSessionsValidFromDateTime"},
		leaves:  ofUser(dana, "passwordProfile/forceChangePasswordNextSignIn", false),
		fails: func(w *world) {
			w.blocked("needs a delegated sign-in", "cipp_reset_password", in(harbourline, "userId", ingrid))
		},
	},
	"P2": {
		what: "sets a password that has to be changed at the next sign-in", tool: "cipp_reset_password",
		does:    func(w *world) { w.done("cipp_reset_password", in(harbourline, "userId", dana)) },
		changes: []string{dana + "/passwordProfile", dana + "/lastPasswordChangeDateTime", dana + "/signInSessionsValidFromDateTime"},
		leaves:  ofUser(dana, "passwordProfile/forceChangePasswordNextSignIn", true),
		fails:   nobody("cipp_reset_password"),
	},
	"P3": {
		what: "takes a password of the caller, with a warning", tool: "cipp_reset_password",
		does: func(w *world) {
			if a := w.done("cipp_reset_password", in(harbourline, "userId", dana, "password", "Of-my-0wn-making")); !strings.Contains(a.text, "was seen by the model") {
				w.t.Error(a.text)
			}
		},
		changes: []string{dana + "/passwordProfile", dana + "/lastPasswordChangeDateTime", dana + "/signInSessionsValidFromDateTime"},
		fails: func(w *world) {
			if a := w.must("cipp_reset_password", in(harbourline, "userId", dana, "password", "weak")); a.v["status"] != "failed" {
				w.t.Error(a.text)
			}
		},
	},
	"P4": {
		what: "keeps a random password for the operator, who alone sees it", tool: "cipp_reset_password",
		does: func(w *world) {
			a := w.done("cipp_reset_password", in(harbourline, "userId", dana))
			secret := w.reveal(a.list("secrets")[0]["handle"].(string))
			if strings.Contains(a.text, secret) || len(secret) < 12 {
				w.t.Error("the password is in the result")
			}
		},
		changes: []string{dana + "/passwordProfile", dana + "/lastPasswordChangeDateTime", dana + "/signInSessionsValidFromDateTime"},
		fails:   func(w *world) { w.blocked("guest", "cipp_reset_password", in(harbourline, "userId", anna)) },
	},
	"P5": {
		what: "generates passwords of all kinds of characters", tool: "cipp_reset_password",
		does: func(w *world) {
			secret := w.reveal(w.done("cipp_reset_password", in(harbourline, "userId", dana)).list("secrets")[0]["handle"].(string))
			for _, kind := range []string{"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "!#$%&*+-=?@"} {
				if !strings.ContainsAny(secret, kind) {
					w.t.Errorf("nothing of %s in it", kind)
				}
			}
		},
		changes: []string{dana + "/passwordProfile", dana + "/lastPasswordChangeDateTime", dana + "/signInSessionsValidFromDateTime"},
		sure:    "what is generated cannot be chosen wrongly",
	},
	"V2": {
		what: "makes a user the primary user of a device, if it has an Intune licence", tool: "cipp_assign_device",
		does: func(w *world) {
			job := w.done("cipp_assign_device", in(harbourline, "userId", priya, "deviceId", w.deviceOf(dana))).v["jobId"]
			w.done("cipp_undo_job", m{"jobId": job})
			w.done("cipp_assign_device", in(harbourline, "userId", priya, "deviceId", w.deviceOf(dana)))
		},
		changes: []string{"/managedDevices/"},
		fails: func(w *world) {
			w.blocked("no licence of Intune", "cipp_assign_device", in(harbourline, "userId", stefan, "deviceId", w.deviceOf(dana)))
			w.invalid("has no device", "cipp_assign_device", in(harbourline, "userId", priya, "deviceId", "LAPTOP-NONE"))
		},
	},
	"J5": {
		what: "shows a plan before every action, and does only what was shown", tool: "cipp_disable_user",
		does: func(w *world) {
			a := w.must("cipp_disable_user", in(harbourline, "userId", dana, "dryRun", true))
			w.unharmed(w.marked)
			w.done("cipp_disable_user", in(harbourline, "userId", dana, "planToken", a.v["planToken"]))
		},
		changes: []string{dana + "/accountEnabled"},
		fails: func(w *world) {
			a := w.must("cipp_disable_user", in(harbourline, "userId", dana, "dryRun", true))
			w.refused("plan_refused", "cipp_disable_user", in(harbourline, "userId", priya, "planToken", a.v["planToken"]))
		},
	},
	"J6": {
		what: "asks the person at the client before each action, naming tenant, user and effect", tool: "cipp_revoke_sessions",
		does: func(w *world) {
			w.done("cipp_disable_user", in(harbourline, "userId", dana))
			if len(w.asked) != 1 || !strings.Contains(w.asked[0], dana) || !strings.Contains(w.asked[0], harbourline) {
				w.t.Errorf("%q", w.asked)
			}
			w.must("cipp_revoke_sessions", in(harbourline, "userId", dana, "dryRun", true))
		},
		changes: []string{dana + "/accountEnabled"},
		fails: func(w *world) {
			w.answer = func(string) bool { return false }
			if a := w.must("cipp_disable_user", in(harbourline, "userId", dana)); a.v["status"] != "declined" {
				w.t.Error(a.text)
			}
		},
	},
	"J7": {
		what: "counts the changes of a plan before they are applied as one", tool: "cipp_edit_user",
		does: func(w *world) {
			a := w.must("cipp_edit_user", in(harbourline, "userId", dana, "jobTitle", "Clerk", "city", "Hull", "dryRun", true))
			for _, want := range []string{"Change 2 of the user's properties", "city=(empty); jobTitle=«Sales Coordinator» → city=«Hull»; jobTitle=«Clerk»"} {
				if !strings.Contains(a.text, want) {
					w.t.Errorf("no %s in %s", want, a.text)
				}
			}
		},
		fails: func(w *world) { w.invalid("at least one property", "cipp_edit_user", in(harbourline, "userId", dana)) },
	},
}
