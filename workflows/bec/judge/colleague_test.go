package judge

import (
	"testing"

	"cipp-mcp/workflows/bec"
)

// TestColleagueAbuses is a colleague's account that acts on the mailbox, and whose own sign-in the reading found too.
func TestColleagueAbuses(t *testing.T) {
	f, m := person()
	aki := "aki@fabrikam.example"
	by := func(op string, c obj) obj {
		c["UserId"], c["SessionId"], c["ObjectId"] = aki, "s-aki", upn
		return audit(op, 9*h, evil, c)
	}
	m.add(bec.Delegates, "mailboxPermission", obj{"User": aki, "AccessRights": []string{"FullAccess"}})
	m.add(bec.OtherAccounts, "signIn", signed(9*h, evil, obj{"id": "o-aki", "userId": "aki", "userPrincipalName": aki, "sessionId": "s-aki"}))
	m.add(bec.UAL, "auditRecord", by("Add-MailboxPermission", obj{"Parameters": params("Identity", upn, "User", aki, "AccessRights", "FullAccess")}))
	m.add(bec.UAL, "auditRecord", by("SendAs", obj{"MailboxOwnerUPN": upn, "SendAsUserSmtp": upn, "Item": obj{"Subject": "Changed bank details", "InternetMessageId": "<aki-1>"}}))
	a := judge(t, f, m)
	if a.IncidentType != bec.AbuseByOtherPrincipal {
		t.Error(a.Verdict, a.IncidentType)
	}
	for _, s := range a.Plan {
		if s.Action == "resetPassword" || s.Action == "blockSignIn" {
			t.Error("the mailbox's owner did nothing", s)
		}
	}
}

// TestWithoutPremium: a tenant that has no licence for the sign-in log has no named locations, so nothing is missing for
// want of permission to read them.
func TestWithoutPremium(t *testing.T) {
	f, m := person()
	for i := range m.coverage {
		switch c := &m.coverage[i]; c.Source {
		case bec.SignInsInteractive, bec.SignInsNonInteractive:
			*c = bec.Coverage{Source: c.Source, Status: bec.Unavailable, Reason: bec.NoLicence}
			m.rows[c.Source] = nil
		case bec.ConditionalAccess:
			*c = bec.Coverage{Source: c.Source, Status: bec.Unavailable, Reason: bec.NoPermission}
		}
	}
	m.add(bec.UAL, "auditRecord", audit("New-InboxRule", 9*h, evil, obj{"ObjectId": upn + `\backup`, "Parameters": params("Name", "backup", "RedirectTo", "x@drop.example")}))
	m.add(bec.InboxRules, "inboxRule", inbox("backup", obj{"RedirectTo": []string{"x@drop.example"}}))
	a := judge(t, f, m)
	if a.Verdict != bec.Confirmed {
		dump(t, a)
		t.Error(a.Verdict)
	}
}
