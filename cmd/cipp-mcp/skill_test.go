package main

import (
	"strings"
	"testing"
)

// The skill that users know was written for another server. Its patterns run here as it words them: the same tools,
// parameters and row keys, one test a pattern.

func TestSkillSuspectedCompromise(t *testing.T) {
	w := newWorld(t, worldOptions{})
	who := in(demoVictimTenant, "userId", demoVictim)
	before := w.state()
	check := w.must("cipp_bec_check", who) // the snapshot before anything changes
	w.unharmed(before)
	if check.v["caseId"] == nil {
		t.Fatalf("%s", check.text)
	}
	w.done("cipp_revoke_sessions", who)
	reset := w.done("cipp_reset_password", who) // without a password: one is generated
	secret := w.reveal(reset.list("secrets")[0]["handle"].(string))
	if len(secret) < 12 || strings.Contains(reset.text, secret) {
		t.Error("the password is short, or in the result")
	}
	w.done("cipp_reset_mfa", who)
	rules := w.must("cipp_bec_check", and(who, "caseId", check.v["caseId"], "section", "evidence"))
	if !strings.Contains(rules.text, "7293822569102704641") && !strings.Contains(check.text, "rule") {
		t.Errorf("the report has no rule to review: %s", check.text)
	}
	w.done("cipp_remove_inbox_rule", and(who, "ruleId", "7293822569102704641"))
	w.done("cipp_set_email_forwarding", and(who, "disable", true))
}

func TestSkillOffboardingWithAReviewFirst(t *testing.T) {
	w := newWorld(t, worldOptions{})
	leaver := in(harbourline, "userId", "alex.morgan@"+harbourline)
	if g := w.must("cipp_list_user_groups", leaver); len(g.list("groups")) == 0 {
		t.Errorf("%s", g.text)
	}
	w.must("cipp_list_user_devices", leaver)
	w.must("cipp_list_mailbox_permissions", leaver)
	w.done("cipp_offboard_user", and(leaver, "convertToShared", true, "removeLicenses", true, "removeFromGroups", true, "forwardingAddress", priya, "outOfOfficeMessage", "I have left."))
	u := w.must("cipp_get_user", and(leaver, "sections", []string{"summary", "mailbox"}))
	if !strings.Contains(u.text, "SharedMailbox") {
		t.Errorf("%s", u.text)
	}
}

func TestSkillMFAGap(t *testing.T) {
	w := newWorld(t, worldOptions{})
	args := m{"tenantFilter": "allTenants"}
	gaps, unknown := 0, 0
	for pages := 0; ; pages++ {
		a := w.must("cipp_list_mfa_users", args)
		for _, u := range a.list("users") { // [u for u in mfa_users if not u.get('mfaRegistered')]
			if registered, known := u["mfaRegistered"].(bool); known && !registered {
				gaps++
			} else if !known {
				unknown++
				if u["mfaUnknownReason"] == nil {
					t.Errorf("unknown without a reason: %v", u)
				}
			}
		}
		if a.v["hasMore"] != true {
			if pages == 0 && len(a.list("failedTenants")) == 0 {
				t.Error("the tenant that did not consent is not named")
			}
			break
		}
		args = m{"tenantFilter": "allTenants", "cursor": a.v["cursor"]}
	}
	if gaps == 0 {
		t.Errorf("%d gaps, %d unknown", gaps, unknown)
	}
}
