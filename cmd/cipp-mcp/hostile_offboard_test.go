package main

import (
	"path/filepath"
	"strings"
	"testing"

	"cipp-mcp/graphclient"
)

// What could lose a mailbox stops the plan before its first write; what cannot be read counts as the worst.
func TestALicenceIsNotTakenBlindly(t *testing.T) {
	for name, c := range map[string]struct {
		change func(box m)
		say    string
	}{
		"hold by a policy alone":      {func(b m) { b["InPlaceHolds"] = []any{"UniH7d895d48-7e23-4a8d-8346-533c3beac15d"} }, "on hold"},
		"hold by a retention label":   {func(b m) { b["ComplianceTagHoldApplied"] = true }, "on hold"},
		"archive":                     {func(b m) { b["ArchiveStatus"], b["ArchiveGuid"] = "Active", "11111111-2222-4333-8444-555555555555" }, "online archive"},
		"size unreadable":             {func(b m) { b["Statistics"].(m)["TotalItemSize"] = "a lot" }, "cannot be read"},
		"size unlimited":              {func(b m) { b["Statistics"].(m)["TotalItemSize"] = "Unlimited" }, "cannot be read"},
		"shared already, but on hold": {func(b m) { b["RecipientTypeDetails"], b["LitigationHoldEnabled"] = "SharedMailbox", true }, "on hold"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, story(t, func(_, x m) { c.change(mailboxOf(t, x, dana)) }))
			before := w.state()
			a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "convertToShared", true, "removeLicenses", true))
			if a.v["status"] != "blocked" || !strings.Contains(a.text, c.say) {
				t.Errorf("%s", a.text)
			}
			w.unharmed(before)
		})
	}
}

// Without the Exchange role nothing is known of the mailbox, so nothing at all is done.
func TestNoExchangeRoleNoOffboarding(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	w.faults(fault(m{"cmdlet": "Get-MailboxStatistics"}, m{"status": 403}, 1000))
	w.refused("role_missing", "cipp_offboard_user", in(harbourline, "userId", dana, "convertToShared", true, "removeLicenses", true))
	w.unharmed(before)
}

// The look at hold and size is taken again right before the licence goes.
func TestAHoldThatComesBetweenPlanAndStep(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.answer = func(string) bool {
		// The plan was read; from now on the conversion takes place, and then Exchange stops answering.
		w.faults(fault(m{"cmdlet": "Get-MailboxStatistics", "nth": 2}, m{"status": 403}, 1000))
		return true
	}
	a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "convertToShared", true, "removeLicenses", true))
	if a.v["status"] != "attention" || !strings.Contains(a.text, "failed remove-licenses") {
		t.Errorf("%s", a.text)
	}
	if u := w.must("cipp_get_user", in(harbourline, "userId", dana)); strings.Contains(u.text, "licences: none") {
		t.Errorf("the licence is gone: %s", u.text)
	}
}

// A conversion that nobody sees the end of is not done, and the licence stays.
func TestAConversionThatNeverEnds(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.faults(fault(m{"cmdlet": "Set-Mailbox", "parameters": m{"Type": "Shared"}}, m{"status": 504, "effect": "none"}, 1000))
	a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "convertToShared", true, "removeLicenses", true))
	if a.v["status"] != "attention" || !strings.Contains(a.text, "failed convert-to-shared") || !strings.Contains(a.text, "skipped remove-licenses") {
		t.Errorf("%s", a.text)
	}
}

// "Leave all groups" does not silently leave some out.
func TestAGroupThatIsNotLeftIsNamed(t *testing.T) {
	w := newWorld(t, story(t, func(g, _ m) {
		group := groupOf(t, g, "Licences – E5 (Operations)")
		group["members"] = append(group["members"].([]any), userOf(t, g, dana)["id"])
	}))
	a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "removeFromGroups", true))
	if a.v["status"] != "attention" || !strings.Contains(a.text, "manual_required") || !strings.Contains(a.text, "grants a licence") {
		t.Errorf("%s", a.text)
	}
	b := w.done("cipp_offboard_user", in(harbourline, "userId", dana, "convertToShared", true, "removeLicenses", true, "removeFromGroups", true))
	if !strings.Contains(b.text, "done leave-group") {
		t.Errorf("%s", b.text)
	}
}

// Taking only the group's licence, without a conversion, loses the mailbox: that is said before.
func TestAGroupLicenceWithoutConversionWarns(t *testing.T) {
	w := newWorld(t, story(t, func(g, _ m) {
		group := groupOf(t, g, "Licences – E5 (Operations)")
		group["members"] = append(group["members"].([]any), userOf(t, g, dana)["id"])
		userOf(t, g, dana)["assignedLicenses"] = []any{}
	}))
	a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "removeLicenses", true, "dryRun", true))
	if !strings.Contains(a.text, "is deleted after 30 days") || !strings.Contains(a.text, "leave-group") {
		t.Errorf("%s", a.text)
	}
}

func TestForwardingStaysInside(t *testing.T) {
	const contact = "partner@elsewhere.example"
	w := newWorld(t, story(t, func(_, x m) {
		mailboxOf(t, x, priya)["ForwardingSmtpAddress"] = "smtp:" + contact
	}))
	before := w.state()
	// the leaver's own second address, somebody without a mailbox, a contact
	w.refused("invalid_argument", "cipp_offboard_user", in(harbourline, "userId", dana, "forwardingAddress", "dana.whitfield@harbourlinefreight.onmicrosoft.com"))
	w.refused("external_forwarding", "cipp_offboard_user", in(harbourline, "userId", dana, "forwardingAddress", "$scanner@harbourline.example"))
	w.refused("external_forwarding", "cipp_offboard_user", in(harbourline, "userId", dana, "forwardingAddress", contact))
	w.unharmed(before)
	if a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "forwardingAddress", priya, "dryRun", true)); !strings.Contains(a.text, "itself forwards to «"+contact) {
		t.Errorf("%s", a.text)
	}
}

// Two people of one name: mail that goes to the one is not taken for mail that goes to the other.
func TestForwardingToANamesake(t *testing.T) {
	var first, second string
	w := newWorld(t, story(t, func(g, x m) {
		for _, u := range g["users"].([]any) {
			upn, _ := u.(m)["userPrincipalName"].(string)
			if strings.HasPrefix(upn, "alex.morgan") {
				first, second = second, upn
			}
		}
		mailboxOf(t, x, dana)["ForwardingAddress"] = userOf(t, g, first)["displayName"]
	}))
	if a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "forwardingAddress", second, "dryRun", true)); strings.Contains(a.text, "forward-mail: nothing to do") {
		t.Errorf("%s", a.text)
	}
	w.done("cipp_offboard_user", in(harbourline, "userId", dana, "forwardingAddress", second))
	box, err := w.env.Graph.Mailbox(t.Context(), tenantID(t, w), graphclient.MailboxRef{ID: idOf(t, w, dana), UPN: dana})
	if err != nil || !strings.Contains(string(w.state()), second) {
		t.Errorf("%+v %v", box, err)
	}
}

// Whoever gets the automatic reply sees every word of it, and nothing in it acts.
func TestTheAutomaticReplyIsText(t *testing.T) {
	const message = "Write to Bob <bob@harbourline.example>\n<script>alert(1)</script> & thanks"
	w := newWorld(t, worldOptions{})
	a := w.done("cipp_offboard_user", in(harbourline, "userId", dana, "outOfOfficeMessage", message))
	if !strings.Contains(a.text, "sent as text") {
		t.Errorf("%s", a.text)
	}
	r, err := w.env.Graph.AutoReply(t.Context(), tenantID(t, w), graphclient.MailboxRef{ID: idOf(t, w, dana), UPN: dana})
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{r.InternalMessage, r.ExternalMessage} {
		if strings.Contains(said, "<script") || !strings.Contains(said, "&lt;bob@harbourline.example&gt;<br>&lt;script&gt;") {
			t.Errorf("%s", said)
		}
	}
}

// A method this program cannot remove is named and never reported as gone.
func TestAnUnknownMethodIsNotSkippedSilently(t *testing.T) {
	o := story(t, func(g, _ m) {
		auth := userOf(t, g, dana)["authentication"].(m)
		auth["methods"] = append(auth["methods"].([]any), m{"@odata.type": "#microsoft.graph.verifiableCredentialsAuthenticationMethod", "id": "9e1b1a4e-5a41-4f0c-8c55-0c4f2d0a7d11", "displayName": "Wallet»"})
	})
	o.flags.record = filepath.Join(t.TempDir(), "apart.jsonl") // the contract knows no such type yet, which is the point
	w := newWorld(t, o)
	a := w.must("cipp_reset_mfa", in(harbourline, "userId", dana))
	if a.v["status"] != "attention" || !strings.Contains(a.text, "manual_required") || !strings.Contains(a.text, "verifiableCredentials") {
		t.Errorf("%s", a.text)
	}
	again := w.must("cipp_reset_mfa", in(harbourline, "userId", dana))
	if again.v["status"] == "done" || !strings.Contains(again.text, "by hand") {
		t.Errorf("only the unknown one is left, and it is called done: %s", again.text)
	}
}
