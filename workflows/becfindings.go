package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// Finding is something that fits a compromise and is not explained. Severity is the impact if it is
// malicious.
type Finding struct {
	Class    string     `json:"class"`
	Severity string     `json:"severity"` // low | medium | high | critical
	Title    string     `json:"title"`
	Why      string     `json:"why"`
	ID       string     `json:"targetId,omitempty"`
	Time     *time.Time `json:"timeUtc,omitempty"`
}

var severities = []string{"info", "low", "medium", "high", "critical"}

// BECFindings judges the evidence. own are the tenant's verified domains: what goes elsewhere leaves
// the tenant. Words found in tenant data never lower a severity.
func BECFindings(e Evidence, t Target, own []string, since time.Time) []Finding {
	out := []Finding{}
	add := func(f Finding) { out = append(out, f) }
	for _, r := range e.Rules {
		ruleFinding(r, own, add)
	}
	if m := e.Mailbox; m != nil {
		forwardingFinding(*m, own, add)
	}
	signInFindings(e, t, add)
	auditFindings(e, since, add)
	consentFindings(e, add)
	for _, m := range e.Methods {
		if m.CreatedDateTime != nil && m.CreatedDateTime.After(since) && m.Type() != "password" {
			add(Finding{"AUTH_METHOD_ADDED", "high", "Authentication method " + m.Type() + " added in the window", "an attacker registers a method of his own to come back after a password reset", m.ID, m.CreatedDateTime})
		}
	}
	for _, d := range e.Devices {
		if d.RegistrationDateTime != nil && d.RegistrationDateTime.After(since) {
			add(Finding{"DEVICE_REGISTERED", "medium", "Device " + jobs.Fence(d.DisplayName) + " registered in the window", "a registered device can hold tokens that outlive a password reset", d.ID, d.RegistrationDateTime})
		}
	}
	for _, d := range e.MobileDevices {
		if d.FirstSyncTime != nil && d.FirstSyncTime.After(since) {
			add(Finding{"EAS_PARTNERSHIP", "medium", "Mobile partnership " + jobs.Fence(d.DeviceModel) + " begun in the window", "a phone that synchronises the mailbox reads all of it", d.GUID, d.FirstSyncTime})
		}
	}
	if r := e.Risk; r != nil && (r.RiskState == "atRisk" || r.RiskState == "confirmedCompromised") {
		add(Finding{"RISK_DETECTION", map[string]string{"high": "high", "medium": "medium"}[r.RiskLevel], "Identity Protection: " + r.RiskState + ", level " + r.RiskLevel, "Microsoft's own detection", r.ID, r.RiskLastUpdatedDateTime})
	}
	if e.AuditOn != nil && !*e.AuditOn {
		add(Finding{"AUDIT_TAMPER", "medium", "The unified audit log is switched off", "what happened in mailboxes cannot be read back", "", nil})
	}
	for i := range out {
		if out[i].Severity == "" {
			out[i].Severity = "low"
		}
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		return slices.Index(severities, b.Severity) - slices.Index(severities, a.Severity)
	})
	return out
}

// hideouts are folders mail is hidden in: nobody looks there.
var hideouts = []string{"rss", "conversation history", "archive", "deleted items", "junk", "notes", "sync issues"}

func ruleFinding(r graphclient.InboxRule, own []string, add func(Finding)) {
	name := "rule " + jobs.Fence(r.Name)
	if !r.Enabled {
		name += " (disabled)"
	}
	var out []string
	for _, to := range slices.Concat(r.ForwardTo, r.ForwardAsAttachmentTo, r.RedirectTo) {
		if outside(to, own) {
			out = append(out, to)
		}
	}
	if len(out) > 0 {
		add(Finding{"RULE_FORWARDS_OUT", "critical", "Inbox " + name + " sends mail out of the tenant", "to " + jobs.Fence(strings.Join(out, ", ")), r.RuleIdentity, nil})
	}
	folder := strings.ToLower(r.MoveToFolder)
	hides := r.DeleteMessage || r.SoftDeleteMessage || slices.ContainsFunc(hideouts, func(h string) bool { return strings.Contains(folder, h) })
	if hides {
		words := slices.Concat(r.SubjectContainsWords, r.BodyContainsWords, r.SubjectOrBodyContainsWords, r.From, r.FromAddressContainsWords)
		what := "moves mail to " + jobs.Fence(r.MoveToFolder)
		if r.DeleteMessage || r.SoftDeleteMessage {
			what = "deletes mail"
		}
		add(Finding{"RULE_HIDES_MAIL", "high", "Inbox " + name + " " + what, "when it matches: " + jobs.Fence(strings.Join(words, ", ")), r.RuleIdentity, nil})
	}
	if r.Hidden {
		add(Finding{"RULE_HIDDEN", "high", "Inbox " + name + " is hidden from mail programs", "only administrators' tools show it", r.RuleIdentity, nil})
	}
	if len(strings.Trim(r.Name, ". ,_-;")) == 0 {
		add(Finding{"RULE_HIDES_MAIL", "medium", "Inbox " + name + " has a name without letters", "attackers give such names so that the rule is overlooked", r.RuleIdentity, nil})
	}
}

// outside says whether a recipient as Exchange shows it (name, address, [SMTP:…]) leaves the tenant.
func outside(recipient string, own []string) bool {
	at := strings.LastIndexByte(recipient, '@')
	if at < 0 {
		return false // a recipient of the tenant, shown by name
	}
	domain := recipient[at+1:]
	if end := strings.IndexAny(domain, "]>\" "); end >= 0 {
		domain = domain[:end]
	}
	return !slices.ContainsFunc(own, func(d string) bool { return strings.EqualFold(d, domain) })
}

func forwardingFinding(m graphclient.Mailbox, own []string, add func(Finding)) {
	for i, to := range []string{m.ForwardingAddress, m.ForwardingSMTPAddress} {
		if to == "" {
			continue
		}
		f := Finding{"MAILBOX_FORWARDING", "medium", "The mailbox forwards to " + jobs.Fence(to), "inside the tenant; ask whether the user set it up", m.ExchangeGUID, nil}
		switch {
		case outside(to, own):
			f.Severity, f.Why = "critical", "every new message leaves the tenant"
		case !strings.Contains(to, "@"):
			f.Why = "Exchange shows a name only: a recipient of the tenant, or a mail contact whose address may be outside; look it up"
		}
		if i == 1 && m.ForwardingAddress != "" {
			f.Why += "; it takes effect when the other forwarding is removed"
		}
		if !m.DeliverToMailboxAndForward {
			f.Why += "; no copy stays, so the user does not see the mail"
		}
		add(f)
	}
}

func signInFindings(e Evidence, t Target, add func(Finding)) {
	countries := map[string]*time.Time{}
	var failed int
	for _, s := range e.SignIns {
		if s.Status.ErrorCode != 0 {
			if s.Status.ErrorCode == 50126 || s.Status.ErrorCode == 50053 {
				failed++
			}
			continue
		}
		country := s.Location.CountryOrRegion
		if _, seen := countries[country]; country != "" && !seen && t.User.UsageLocation != "" && !strings.EqualFold(country, t.User.UsageLocation) {
			countries[country] = s.CreatedDateTime
			add(Finding{"SIGNIN_NEW_LOCATION", "medium", fmt.Sprintf("Successful sign-in from %s (%s), the user's country is %s", country, s.IPAddress, t.User.UsageLocation), "travel and VPNs explain many of these: ask the user", s.ID, s.CreatedDateTime})
		}
		if s.RiskLevelDuringSignIn == "high" || s.RiskLevelDuringSignIn == "medium" {
			add(Finding{"RISK_DETECTION", s.RiskLevelDuringSignIn, "Risky sign-in to " + jobs.Fence(s.AppDisplayName) + " from " + s.IPAddress, "Microsoft rated it " + s.RiskLevelDuringSignIn, s.ID, s.CreatedDateTime})
		}
	}
	if failed >= 10 {
		add(Finding{"SIGNIN_PASSWORD_ATTACK", "low", fmt.Sprintf("%d sign-ins failed for a wrong password or a locked account", failed), "guessing goes on against most accounts; it matters when a success follows", "", nil})
	}
}

// auditClasses are the activities of the directory audit log that matter here.
var auditClasses = map[string]struct{ class, severity, why string }{
	"user registered security info":              {"AUTH_METHOD_ADDED", "high", "an attacker registers a method of his own"},
	"user registered all required security info": {"AUTH_METHOD_ADDED", "medium", "an attacker registers a method of his own"},
	"user deleted security info":                 {"AUTH_METHOD_REMOVED", "medium", "the user's own method may have been removed"},
	"admin registered security info":             {"AUTH_METHOD_ADDED", "high", "somebody registered a method for the user"},
	"user changed default security info":         {"AUTH_METHOD_ADDED", "medium", "the default decides who is asked"},
	"consent to application":                     {"OAUTH_USER_GRANT_RISKY", "medium", "an application keeps its access after a password reset"},
	"reset password (by admin)":                  {"AUTH_PASSWORD_CHANGED", "info", "check who did it"},
	"change user password":                       {"AUTH_PASSWORD_CHANGED", "low", "check whether the user did it"},
	"disable strong authentication":              {"AUTH_MFA_DISABLED", "high", "MFA was switched off"},
	"add member to role":                         {"ROLE_CHANGE", "high", "the account gained a role"},
	"register device":                            {"DEVICE_REGISTERED", "medium", "a registered device can hold tokens"},
	"add registered owner to device":             {"DEVICE_REGISTERED", "medium", "a registered device can hold tokens"},
}

func auditFindings(e Evidence, since time.Time, add func(Finding)) {
	for _, a := range e.Audits {
		k, ok := auditClasses[strings.ToLower(a.ActivityDisplayName)]
		if !ok || a.Result == "failure" || a.ActivityDateTime == nil || a.ActivityDateTime.Before(since) {
			continue
		}
		by := "by an application"
		if u := a.InitiatedBy.User; u != nil {
			by = "by " + u.UserPrincipalName
			if u.IPAddress != "" {
				by += " from " + u.IPAddress
			}
		}
		add(Finding{k.class, k.severity, a.ActivityDisplayName + " " + by, k.why, a.ID, a.ActivityDateTime})
	}
}

// mailScopes let an application read, send or hide mail, or stay signed in.
var mailScopes = []string{"mail.read", "mail.readwrite", "mail.send", "mailboxsettings.readwrite", "ews.accessasuser.all", "imap.accessasuser.all", "pop.accessasuser.all", "smtp.send", "full_access_as_user"}

// abusedApps are products seen again and again in compromises; most are legitimate products that
// attackers use (see docs: the list of known abused applications by application id).
var abusedApps = map[string]string{
	"e9a7fea1-1cc0-4cd9-a31b-9137ca5deedd": "eM Client", "ff8d92dc-3d82-41d6-bcbd-b9174d163620": "PerfectData Software",
	"a245e8c0-b53c-4b67-9b45-751d1dff8e6b": "Newsletter Software Supermailer", "a43e5392-f48b-46a4-a0f1-098b5eeb4757": "CloudSponge",
	"caffae8c-0882-4c81-9a27-d1803af53a40": "SigParser", "4761b959-9780-4c2d-87a3-512b4638f767": "rclone", "b15665d9-eda6-4092-8539-0eec376afd59": "rclone",
	"412445a2-0794-487e-9dd6-d57d9593b249": "CubeBackup", "2ef68ccc-8a4d-42ff-ae88-2d7bb89ad139": "Mail_Backup",
}

func consentFindings(e Evidence, add func(Finding)) {
	for _, g := range e.Grants {
		app := e.Apps[g.ClientID]
		var mail []string
		for _, s := range g.Scopes() {
			if slices.Contains(mailScopes, strings.ToLower(s)) {
				mail = append(mail, s)
			}
		}
		if name, ok := abusedApps[strings.ToLower(app.AppID)]; ok {
			add(Finding{"OAUTH_KNOWN_ABUSED_APP", "high", "Consent to " + name + " (" + jobs.Fence(app.DisplayName) + ")", "known from many compromises, though a legitimate product: ask whether the user installed it", g.ID, nil})
		} else if len(mail) > 0 && app.VerifiedPublisher == nil && app.AppOwnerOrganizationID != "f8cdef31-a31e-4b4a-93e4-5f571e91255a" {
			add(Finding{"OAUTH_USER_GRANT_RISKY", "high", jobs.Fence(app.DisplayName) + ", of no verified publisher, may " + strings.Join(mail, ", "), "it keeps its access after a password reset", g.ID, nil})
		}
	}
}

// BECVerdict weighs the findings. It never says that nothing happened: not every source that could
// tell is read here.
func BECVerdict(findings []Finding) string {
	n := map[string]int{}
	classes := map[string]bool{}
	for _, f := range findings {
		n[f.Severity]++
		if f.Severity == "medium" {
			classes[f.Class] = true
		}
	}
	switch {
	case n["critical"] > 0:
		return "likely"
	case n["high"] > 0 || len(classes) > 1:
		return "suspicious"
	default:
		return "inconclusive"
	}
}
