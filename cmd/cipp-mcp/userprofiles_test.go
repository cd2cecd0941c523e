package main

import (
	"fmt"
	"strings"
	"testing"
)

// placedProfiles are profiles that give sites, mailboxes and calendars, two of them the same mailbox.
func placedProfiles(partner bool) worldOptions {
	return worldOptions{partner: partner, config: `
tools: {preset: all}
profiles:
  customs:
    sites: {"` + customsSite + `": visitor}
    mailboxes: {quotes@` + harbourline + `: [sendOnBehalf]}
  quoting:
    groups: [CRM Users]
    mailboxes: {Quotes@` + harbourline + `: [sendOnBehalf, fullAccess]}
    calendars: {` + priya + `: edit}
  nothing:
    mailboxes: {boardroom@` + harbourline + `: [fullAccess]}
  projects:
    sites: {"` + projectsSite + `": member}
`}
}

// What a profile gives on sites, mailboxes and calendars is looked at, each place once, whoever names it.
func TestProfilesAreLookedAtWhereTheyGiveAccess(t *testing.T) {
	w := newWorld(t, placedProfiles(true))
	rows := func(who string) map[string]m {
		out := map[string]m{}
		for _, r := range w.must("cipp_get_user", in(harbourline, "userId", who, "sections", "profiles")).list("profiles") {
			out[fmt.Sprint(r["profile"])] = r
		}
		return out
	}
	count := func() (n int) {
		for _, r := range w.sandbox.Metrics().Requests {
			if r.Cmdlet == "Get-Mailbox" || r.Cmdlet == "Get-MailboxPermission" {
				n += r.Count
			}
		}
		return n
	}
	before := count()
	had := rows(dana)
	if n := count() - before; n != 3 { // of quotes the delegates and the full access, of boardroom the full access
		t.Errorf("%d readings of mailboxes", n)
	}
	if c := had["customs"]; c["has"] != "all" || c["missing"] != nil || c["notChecked"] != nil {
		t.Errorf("%v", c)
	}
	missing := fmt.Sprint(had["quoting"]["missing"])
	if c := had["quoting"]; c["has"] != "part" || !strings.Contains(missing, "mailbox fullAccess:quotes@"+harbourline) || !strings.Contains(missing, "calendar edit:"+priya) || strings.Contains(missing, "sendOnBehalf") || c["notChecked"] != nil {
		t.Errorf("%v", c)
	}
	if had["nothing"] != nil {
		t.Errorf("%v", had["nothing"])
	}
	w.done("cipp_set_mailbox_permissions", in(harbourline, "userId", "quotes@"+harbourline, "add", "fullAccess:"+dana))
	w.done("cipp_set_calendar_permissions", in(harbourline, "userId", priya, "add", "edit:"+dana))
	w.done("cipp_set_group_membership", in(harbourline, "userId", dana, "add", "CRM Users"))
	w.done("cipp_set_site_access", in(harbourline, "userId", dana, "add", "member:"+projectsSite))
	for _, name := range []string{"customs", "quoting", "projects"} {
		if c := rows(dana)[name]; c["has"] != "all" {
			t.Errorf("%s: %v", name, c)
		}
	}
}

// What this sign-in may not read stays unknown and says why; the rest is read.
func TestProfilesThatCannotBeLookedAt(t *testing.T) {
	w := newWorld(t, placedProfiles(false)) // an application with a secret, which SharePoint does not let in
	a := w.must("cipp_get_user", in(harbourline, "userId", dana, "sections", "profiles"))
	if c := a.row(t, "profiles", "profile", "customs"); c["has"] != "all" || !strings.Contains(fmt.Sprint(c["notChecked"]), "site "+customsSite+": ") || !strings.Contains(fmt.Sprint(c["notChecked"]), "a certificate") {
		t.Errorf("%v", c)
	}
	if !strings.Contains(a.text, "not looked at: site ") {
		t.Errorf("%s", a.text)
	}
	w.faults(fault(m{"service": "exchange"}, m{"status": 403}, 0))
	c := w.must("cipp_get_user", in(harbourline, "userId", dana, "sections", "profiles")).row(t, "profiles", "profile", "customs")
	if c["has"] != "unknown" || !strings.Contains(fmt.Sprint(c["notChecked"]), "mailbox quotes@") {
		t.Errorf("%v", c)
	}
}
