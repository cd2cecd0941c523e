package main

import (
	"strings"
	"testing"
	"time"
)

// staffed is the story with profiles that hold what the rows below need.
func staffed(t *testing.T) worldOptions {
	o := applied(t)
	o.config = `
tools: {preset: all}
profiles:
  newcomer:
    groups: [O'Hare Route Planning]
    apps: ["Tideline CRM:Sales"]
    attributes: {department: Sales}
  approvers:
    groups: [Finance Approvers]
  others:
    usableBy: [somebody-else]
    groups: [All Staff]
`
	return o
}

// templated is that story with a template that also holds an office's address, a licence and a mailbox.
func templated(t *testing.T) worldOptions {
	o := staffed(t)
	o.config = strings.Replace(o.config, "attributes: {department: Sales}", `attributes: {department: Sales, officeLocation: Hull, streetAddress: 1 Quay, city: Hull}
    mailboxes: {quotes@harbourline.example: [fullAccess]}
    licenses: [SPE_E5]`, 1)
	return o
}

// jobCapabilities are jobs, their schedules and undoing, and the patterns of the skill that users know.
var jobCapabilities = map[string]capability{
	"C18": {
		what: "creates a user by a template: licences, groups, applications and attributes of a profile", tool: "cipp_create_user", at: templated, changes: []string{"/users/", "/members", "/appRoleAssignments", "consumedUnits", "/exchange/mailboxes/"},
		does: func(w *world) {
			a := w.done("cipp_create_user", in(harbourline, "displayName", "Nia Reyes", "userPrincipalName", "nia@"+harbourline, "mailNickname", "nia", "usageLocation", "GB", "profile", "newcomer"))
			w.childrenDone(a)
			u := w.must("cipp_get_user", in(harbourline, "userId", "nia@"+harbourline, "sections", []string{"attributes", "groups", "apps"}))
			for _, want := range []string{"O'Hare Route Planning", "Tideline CRM", "Sales", "1 Quay"} {
				if !strings.Contains(u.text, want) {
					w.t.Errorf("no %s: %s", want, u.text)
				}
			}
		},
		fails: func(w *world) {
			w.invalid("there are: approvers, newcomer", "cipp_create_user", in(harbourline, "displayName", "Nia Reyes", "userPrincipalName", "nia@"+harbourline, "mailNickname", "nia", "profile", "boss"))
		},
	},
	"C19": {
		what: "the operator says who may use which template", tool: "cipp_list_access_catalog", at: staffed,
		does: func(w *world) {
			a := w.must("cipp_list_access_catalog", in(harbourline, "kind", "profile"))
			if a.v["total"] != 2.0 || strings.Contains(a.text, "others") {
				w.t.Errorf("%s", a.text)
			}
		},
		fails: func(w *world) {
			w.invalid("There is no profile", "cipp_apply_profile", in(harbourline, "userId", dana, "profile", "others"))
		},
	},
	"F2": {
		what: "a profile's groups as whom a calendar is opened to; what profiles give is taken when sign-in is blocked", tool: "cipp_set_calendar_permissions", at: templated, changes: []string{"/FolderPermissions", "/accountEnabled"},
		does: func(w *world) {
			w.done("cipp_set_calendar_permissions", in(harbourline, "userId", priya, "add", []string{"details:profile:approvers"}))
			w.done("cipp_set_group_membership", in(harbourline, "userId", priya, "add", []string{"Finance Approvers"}))
			shown := w.must("cipp_disable_user", in(harbourline, "userId", priya, "removeProfiles", true, "dryRun", true))
			for _, due := range []string{"Leave the group «Finance Approvers»", "does not have all of the profile"} { // her licence is one that newcomer gives too
				if !strings.Contains(shown.text, due) {
					w.t.Errorf("%q is missing:\n%s", due, shown.text)
				}
			}
			a := w.done("cipp_disable_user", in(harbourline, "userId", priya, "removeProfiles", true))
			w.childrenDone(a)
			if g := w.must("cipp_list_user_groups", in(harbourline, "userId", priya)); strings.Contains(g.text, "Finance Approvers") {
				w.t.Errorf("%s", g.text)
			}
		},
		fails: func(w *world) {
			w.invalid("no mail-enabled security group", "cipp_set_calendar_permissions", in(harbourline, "userId", priya, "add", []string{"details:profile:newcomer"}))
		},
	},
	"C23": {
		what: "invites many guests from a table", tool: "cipp_bulk_action", changes: []string{"/users/"},
		does: func(w *world) {
			w.done("cipp_bulk_action", m{"action": "cipp_invite_guest", "tenantFilter": harbourline, "csv": "mail,displayName\nada@partner.example,Ada Lund\nbo@partner.example,Bo Falk\n", "arguments": m{"redirectUrl": "https://myapplications.microsoft.com"}})
		},
		fails: func(w *world) {
			w.invalid("row 2", "cipp_bulk_action", m{"action": "cipp_invite_guest", "tenantFilter": harbourline, "csv": "mail,displayName\nada@partner.example,Ada Lund\nbo,Bo Falk\n"})
		},
	},
	"K3": {
		what: "assigns and removes licences of many", tool: "cipp_bulk_action", changes: []string{"/assignedLicenses", "/licenseAssignmentStates", "/subscribedSkus", "/mailboxes"},
		does: func(w *world) {
			w.done("cipp_bulk_action", m{"action": "cipp_manage_user_licenses", "tenantFilter": harbourline, "targets": []string{dana, priya}, "arguments": m{"removeLicenseSkuIds": []string{"SPE_E5"}}})
		},
		fails: func(w *world) {
			w.invalid("row 1", "cipp_bulk_action", m{"action": "cipp_manage_user_licenses", "tenantFilter": harbourline, "targets": []string{dana}, "arguments": m{"addLicenseSkuIds": []string{"NO_SUCH"}}})
		},
	},
	"K11": {
		what: "reclaims licences in an offboarding, only once the mailbox is seen to be shared", tool: "cipp_offboard_user", changes: []string{"accountEnabled", "signInSessions", "assignedLicenses", "licenseAssignmentStates", "subscribedSkus", "/mailboxes"},
		does: func(w *world) {
			a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "convertToShared", true, "removeLicenses", true))
			if a.v["status"] != "done" || strings.Index(a.text, "convert-to-shared") > strings.Index(a.text, "remove-licenses") {
				w.t.Errorf("%s", a.text)
			}
		},
		fails: func(w *world) {
			w.invalid("needs", "cipp_offboard_user", in(harbourline, "userId", dana, "convertToShared", true, "removeLicenses", true, "steps", []string{"remove-licenses"}))
		},
	},
	"G10": {
		what: "groups are left when somebody is blocked or offboarded", tool: "cipp_offboard_user", changes: []string{"accountEnabled", "signInSessions", "/members"},
		does: func(w *world) {
			w.done("cipp_offboard_user", in(harbourline, "userId", "alex.morgan@"+harbourline, "removeFromGroups", true))
		},
		fails: func(w *world) {
			w.blocked("only owner", "cipp_offboard_user", in(harbourline, "userId", priya, "removeFromGroups", true))
		},
	},
	"P9": {
		what: "the operator's rules for generated passwords", tool: "cipp_reset_password", world: worldOptions{config: "passwords: {length: 24, symbols: \"%\"}\n"}, changes: []string{"/passwordProfile", "/lastPasswordChangeDateTime", "/signInSessionsValidFromDateTime"},
		does: func(w *world) {
			a := w.done("cipp_reset_password", in(harbourline, "userId", dana))
			if p := w.reveal(a.list("secrets")[0]["handle"].(string)); len(p) != 24 || !strings.Contains(p, "%") || strings.ContainsAny(p, "!#$&*+-=?@") {
				w.t.Errorf("%d characters", len(p))
			}
		},
		fails: func(w *world) {
			w.faults(m{"match": m{"method": "PATCH", "path": "/users/*"}, "do": m{"status": 400, "code": "Request_BadRequest", "message": "The specified password does not comply with password complexity requirements. Please provide a different password."}, "times": 1})
			if a := w.must("cipp_reset_password", in(harbourline, "userId", dana)); a.v["status"] != "failed" {
				w.t.Errorf("%s", a.text)
			}
		},
	},
	"J1": {
		what: "the state of every started process, in a list and step by step", tool: "cipp_get_job", changes: []string{"/jobTitle"},
		does: func(w *world) {
			id := w.done("cipp_edit_user", in(harbourline, "userId", dana, "jobTitle", "Clerk")).v["jobId"]
			w.must("cipp_list_scheduled_items", in(harbourline, "status", "all")).row(w.t, "jobs", "jobId", id)
			if a := w.must("cipp_get_job", m{"jobId": id}); a.v["status"] != "done" || len(a.list("steps")) != 1 {
				w.t.Errorf("%s", a.text)
			}
		},
		fails: func(w *world) {
			w.refused("job_not_found", "cipp_get_job", m{"jobId": "run_0000000000000000000000000000aaaa"})
		},
	},
	"J2": {
		what: "a creation for later is watched as a job", tool: "cipp_create_user", changes: []string{"/users/"},
		does: func(w *world) {
			at := w.env.Clock.Now().Add(time.Hour).Format(time.RFC3339)
			a := w.must("cipp_create_user", in(harbourline, "displayName", "Nia", "userPrincipalName", "nia@"+harbourline, "mailNickname", "nia", "runAt", at))
			if a.v["status"] != "scheduled" {
				w.t.Fatalf("%s", a.text)
			}
			w.unharmed(w.marked)
			w.sandbox.Advance(2 * time.Hour)
			if a = w.ended(a.v["jobId"].(string)); a.v["status"] != "done" {
				w.t.Errorf("%s", a.text)
			}
		},
		fails: func(w *world) {
			w.invalid("runAt", "cipp_create_user", in(harbourline, "displayName", "Nia", "userPrincipalName", "nia@"+harbourline, "mailNickname", "nia", "runAt", "tomorrow"))
		},
	},
	"J3": {
		what: "blocks and licences for later; what waits can be called off, and what was called off goes on", tool: "cipp_control_job", changes: []string{"/accountEnabled"},
		does: func(w *world) {
			at := w.env.Clock.Now().Add(time.Hour).Format(time.RFC3339)
			id := w.must("cipp_disable_user", in(harbourline, "userId", dana, "runAt", at)).v["jobId"]
			w.done("cipp_control_job", m{"jobId": id, "action": "cancel"})
			w.ended(id.(string))
			w.sandbox.Advance(2 * time.Hour)
			w.unharmed(w.marked)
			w.done("cipp_control_job", m{"jobId": id, "action": "resume"})
			if a := w.ended(id.(string)); a.v["status"] != "done" {
				w.t.Errorf("%s", a.text)
			}
		},
		fails: func(w *world) {
			w.invalid("must be one of", "cipp_control_job", m{"jobId": "run_0000000000000000000000000000aaaa", "action": "approve"})
		},
	},
	"J4": {
		what: "every action on a user stands in this server's own journal", tool: "cipp_list_audit_logs", changes: []string{"/jobTitle"},
		does: func(w *world) {
			w.done("cipp_edit_user", in(harbourline, "userId", dana, "jobTitle", "Clerk", "reason", "promoted", "ticket", "T-1"))
			a := w.must("cipp_list_audit_logs", in(harbourline, "userId", dana, "source", "cipp-mcp"))
			for _, want := range []string{"cipp_edit_user", "approved"} {
				if !strings.Contains(a.text, want) && !strings.Contains(a.text, "edit-user") {
					w.t.Errorf("no %s in %s", want, a.text)
				}
			}
		},
		fails: func(w *world) {
			w.invalid("must be one of", "cipp_list_audit_logs", in(harbourline, "source", "everything"))
		},
	},
	"J9": {
		what: "brings back what a job changed", tool: "cipp_undo_job", changes: nil,
		does: func(w *world) {
			id := w.done("cipp_edit_user", in(harbourline, "userId", dana, "jobTitle", "Clerk", "managerId", priya)).v["jobId"]
			w.done("cipp_undo_job", m{"jobId": id})
		},
		fails: func(w *world) {
			id := w.done("cipp_revoke_sessions", in(harbourline, "userId", dana)).v["jobId"]
			w.mark()
			w.refused("nothing_to_undo", "cipp_undo_job", m{"jobId": id})
		},
	},
	"W1": {
		what: "offboards a leaver in one call, in the order that keeps the mailbox", tool: "cipp_offboard_user", changes: []string{"accountEnabled", "signInSessions", "assignedLicenses", "licenseAssignmentStates", "subscribedSkus", "/mailboxes", "/members"},
		does: func(w *world) {
			w.done("cipp_offboard_user", in(harbourline, "userId", "alex.morgan@"+harbourline, "convertToShared", true, "removeLicenses", true, "removeFromGroups", true, "forwardingAddress", priya, "outOfOfficeMessage", "I have left.", "removeMobileDevices", true, "hideFromGal", true))
			const alex = "alex.morgan@" + harbourline
			w.stands(ofUser(alex, "accountEnabled", false, "assignedLicenses", []any{}).with(ofBox(alex, "RecipientTypeDetails", "SharedMailbox", "ForwardingAddress", w.at("graph/users/"+priya+"/id"), "HiddenFromAddressListsEnabled", true,
				"AutoReply/AutoReplyState", "Enabled", "AutoReply/InternalMessage", part("I have left."), "AutoReply/ExternalMessage", part("I have left."))))
			for _, g := range groupNames(w, alex) {
				if g != "Everyone in Operations" {
					w.t.Errorf("still in %s", g)
				}
			}
		},
		fails: func(w *world) {
			w.blocked("only owner", "cipp_offboard_user", in(harbourline, "userId", priya, "removeFromGroups", true))
		},
	},
	"W2": {
		what: "a part of the same plan, by the names of its steps", tool: "cipp_offboard_user", changes: []string{"accountEnabled"},
		does: func(w *world) {
			w.done("cipp_offboard_user", in(harbourline, "userId", dana, "convertToShared", true, "steps", []string{"block-sign-in"}))
		},
		fails: func(w *world) {
			w.invalid("has no step", "cipp_offboard_user", in(harbourline, "userId", dana, "steps", []string{"hand-in-laptop"}))
		},
	},
	"W4": {
		what: "offboards by the operator's defaults, and says which were used", tool: "cipp_offboard_user", world: worldOptions{config: "offboarding: {default: {hideFromGal: true}}\n"}, changes: []string{"accountEnabled", "signInSessions", "/mailboxes"},
		does: func(w *world) {
			a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "dryRun", true))
			if !strings.Contains(a.text, "hide-from-address-lists") || !strings.Contains(a.text, "offboarding.default") {
				w.t.Errorf("%s", a.text)
			}
			w.done("cipp_offboard_user", in(harbourline, "userId", dana))
		},
		fails: func(w *world) {
			w.answer = func(string) bool { return false }
			w.must("cipp_offboard_user", in(harbourline, "userId", dana))
		},
	},
	"W5": {
		what: "reviews a leaver's groups, devices and delegates in the same call that plans", tool: "cipp_offboard_user",
		does: func(w *world) {
			a := w.must("cipp_offboard_user", in(harbourline, "userId", gareth, "convertToShared", true, "removeLicenses", true, "forwardingAddress", priya, "dryRun", true))
			review, _ := a.v["review"].(map[string]any)
			if review["groups"] == nil || !strings.Contains(a.text, "Rotterdam Project") {
				w.t.Errorf("%s", a.text)
			}
			if !strings.Contains(a.text, noor+": FullAccess") && !strings.Contains(a.text, "Noor Haddad") {
				w.t.Errorf("nothing of the delegate: %s", a.text)
			}
			if a = w.must("cipp_offboard_user", in(harbourline, "userId", dana, "convertToShared", true, "removeLicenses", true, "forwardingAddress", priya, "dryRun", true)); !strings.Contains(a.text, "HBL-LT-0417") {
				w.t.Errorf("nothing of the laptop: %s", a.text)
			}
		},
		fails: func(w *world) {
			w.blocked("only owner", "cipp_offboard_user", in(harbourline, "userId", gareth, "removeFromGroups", true, "dryRun", true))
		},
	},
	"W8": {
		what: "asks for a usage location before a licence, and takes the operator's default", tool: "cipp_create_user", world: worldOptions{config: "usageLocation: {default: GB}\n"}, changes: []string{"/users/", "/subscribedSkus", "/mailboxes"},
		does: func(w *world) {
			w.done("cipp_create_user", in(harbourline, "displayName", "Nia", "userPrincipalName", "nia@"+harbourline, "mailNickname", "nia", "licenses", []string{"SPE_E5"}))
		},
		fails: func(w *world) {
			w.invalid("usageLocation", "cipp_create_user", in(harbourline, "displayName", "Nia", "userPrincipalName", "nia@"+harbourline, "mailNickname", "nia", "licenses", []string{"SPE_E5"}, "usageLocation", "United Kingdom"))
		},
	},
}

// childrenDone waits for the jobs below a job and expects them done.
func (w *world) childrenDone(a answer) {
	w.t.Helper()
	children, err := w.env.Policy.Ledger.ChildJobs(w.t.Context(), a.v["jobId"].(string))
	if err != nil || len(children) == 0 {
		w.t.Fatalf("%v: no job below %s", err, a.text)
	}
	for _, c := range children {
		if e := w.ended(c.Run.ID); e.v["status"] != "done" {
			w.t.Fatalf("%s", e.text)
		}
	}
}
