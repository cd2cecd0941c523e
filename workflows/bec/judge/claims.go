package judge

import (
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// claim is a negative sentence of the summary and the sources it stands on. Nothing else in this package says that
// something is not there.
type claim struct {
	says    string
	sources []string
	weaker  []string // stand in, and say less
	less    string
	against []string // classes, or beginnings of classes, that contradict it
	without string   // what is said when it cannot be made
}

// claims is the contract between what was read and what may be said.
var claims = []claim{
	{says: "no foreign sign-in was seen", sources: []string{bec.SignInsInteractive, bec.SignInsNonInteractive}, weaker: []string{bec.UALLogons}, less: "the audit log's logons show no foreign sign-in", against: []string{"SIGNIN_", "SESSION_REPLAY", "TOKEN_UNBOUND_PRT", "RISK_DETECTION"}},
	{says: "no token replay or device code was seen", sources: []string{bec.SignInsNonInteractive}, against: []string{"SESSION_REPLAY", "SIGNIN_DEVICE_CODE", "TOKEN_UNBOUND_PRT", "SIGNIN_AITM_PATTERN"}, without: "token replay and device-code phishing cannot be excluded"},
	{says: "no sign-in method was added by a stranger", sources: []string{bec.AuthMethods, bec.DirectoryAudits}, against: []string{"AUTH_"}},
	{says: "no malicious rule is in the mailbox now", sources: []string{bec.InboxRules, bec.HiddenRules, bec.SweepRules}, weaker: []string{bec.InboxRules}, less: "no malicious rule is among the visible ones", against: []string{"RULE_", "SWEEP_RULE"}},
	{says: "the mailbox does not forward", sources: []string{bec.Forwarding, bec.TransportRules, bec.Connectors}, against: []string{"MAILBOX_FORWARDING", "RULE_FORWARDS_OUT", "TRANSPORT_RULE", "AUTOMATION_CREATED"}},
	{says: "no unexpected delegate was seen", sources: []string{bec.Delegates, bec.FolderPermissions}, weaker: []string{bec.Delegates}, less: "no unexpected delegate was seen on the mailbox itself", against: []string{"DELEGATE_ADDED", "FOLDER_PERMISSION"}},
	{says: "no malicious consent was seen", sources: []string{bec.Grants, bec.Apps}, against: []string{"OAUTH_", "SP_CREDENTIAL_ADDED"}},
	{says: "nothing was seen to be sent by an attacker", sources: []string{bec.UAL, bec.MessageTrace, bec.SharingLinks}, weaker: []string{bec.MessageTrace}, less: "the message trace shows no mail of an attacker", against: []string{"MAIL_SENT", "MAIL_BURST", "MAIL_PAYMENT", "MAIL_INTERNAL", "SHARING_", "SENDER_BLOCKED"}},
	{says: "no other account was seen with the same actor", sources: []string{bec.OtherAccounts}, against: []string{"OTHER_ACCOUNTS"}},
}

// may is the claim as it can be made, or nothing.
func (q *inquiry) may(c claim) string {
	for _, f := range q.findings {
		if rank(f.Severity) <= rank(bec.Info) {
			continue
		}
		if slices.ContainsFunc(c.against, func(p string) bool { return strings.HasPrefix(f.Class, p) }) {
			return ""
		}
	}
	switch {
	case q.stand(c.sources):
		return c.says
	case c.less != "" && q.stand(c.weaker):
		return c.less
	}
	return c.without
}

func (q *inquiry) stand(sources []string) bool {
	if len(sources) == 0 {
		return false
	}
	for _, s := range sources {
		if !q.complete(s) || len(q.cover(s).Gaps) > 0 {
			return false
		}
	}
	return true
}

var verdicts = map[bec.Verdict]string{
	bec.Confirmed: "The evidence confirms a compromise", bec.Likely: "The evidence makes a compromise likely", bec.Suspicious: "Something is suspicious and not explained",
	bec.NoEvidenceFound: "No evidence of a compromise was found in what was read", bec.Inconclusive: "The evidence does not decide",
}

var incidents = map[bec.IncidentType]string{
	bec.AccountTakeover: "it looks like a takeover of the account", bec.OAuthPersistence: "it looks like an application that was given access", bec.AbuseByOtherPrincipal: "it looks like another account's doing in this mailbox",
	bec.TenantCompromise: "it reaches beyond the account into the tenant", bec.SpoofOnly: "it looks like mail from an imitated domain, without a touch of the account",
}

// summary is the case in a few sentences.
func (q *inquiry) summary(a *bec.Analysis) string {
	var b strings.Builder
	b.WriteString(verdicts[a.Verdict])
	if !a.AsOf.IsZero() {
		b.WriteString(" as of " + a.AsOf.Format(time.RFC3339))
	}
	if s := incidents[a.IncidentType]; s != "" && a.Verdict != bec.NoEvidenceFound {
		b.WriteString("; " + s)
	}
	b.WriteString(".")
	most := 0
	for _, f := range a.Findings {
		if rank(f.Severity) < rank(bec.Medium) || most == 3 {
			break
		}
		b.WriteString(" " + f.Title + ".")
		most++
	}
	if from, to := q.dwell(); !from.IsZero() {
		b.WriteString(" Acts held to be the attacker's run from " + from.Format(time.RFC3339) + " to " + to.Format(time.RFC3339) + "; earlier ones cannot be excluded where the logs do not reach.")
	}
	var said []string
	for _, c := range claims {
		if s := q.may(c); s != "" {
			said = append(said, s)
		}
	}
	if len(said) > 0 && (a.Verdict == bec.NoEvidenceFound || a.Verdict == bec.Inconclusive) {
		s := strings.Join(said, "; ")
		b.WriteString(" In what was read: " + s + ".")
	}
	if q.attackSeen() && !q.complete(bec.MailItemsAccessed) {
		b.WriteString(" Mail access cannot be bounded: assume everything readable between the first and last attacker event.")
	}
	for _, s := range []string{bec.UAL, bec.UALLogons, bec.MailItemsAccessed} {
		if q.cover(s).Reason == bec.CanaryAbsent {
			b.WriteString(" In " + s + " nothing is recorded; the log could not be seen alive.")
		}
	}
	if list := append(q.missing(), q.broken()...); len(list) > 0 {
		b.WriteString(" Not read whole: " + strings.Join(list, ", ") + ".")
	}
	return clean(b.String(), 1180)
}

// dwell is the time between the attacker's first and last event.
func (q *inquiry) dwell() (from, to time.Time) {
	for _, e := range q.events {
		if e.who == bec.ByAttacker && !e.at.IsZero() {
			if from.IsZero() {
				from = e.at
			}
			to = e.at
		}
	}
	return from, to
}

// next is what to do beside the plan, and what would decide an open case.
func (q *inquiry) next(v bec.Verdict, asOf time.Time, ask []bec.Question) []bec.Next {
	out := []bec.Next{}
	add := func(n bec.Next) { out = append(out, n) }
	bad := v == bec.Confirmed || v == bec.Likely
	if bad {
		add(bec.Next{What: "Propose the response and have it approved", Who: "technician", Tool: "cipp_bec_remediate"})
		add(bec.Next{What: "Write to the user and the manager by another channel than this mailbox", Why: "an attacker watches the mailbox", Who: "technician"})
	}
	for _, f := range q.findings {
		switch {
		case f.Class == "MAIL_PAYMENT_FRAUD" && f.counts():
			add(bec.Next{What: "Call the bank and the recipients on known numbers about changed payment details", Why: "recalls work best within 24 to 72 hours", Who: "technician"})
		case f.Class == "SIGNIN_DOWNSTREAM_SSO":
			add(bec.Next{What: "End the user's sessions in the third-party application " + strings.TrimPrefix(f.Title, "The attacker reached the application "), Why: "Microsoft cannot revoke them", Who: "technician"})
		}
	}
	for _, s := range q.siblings {
		add(bec.Next{What: "Open a case for " + fence(s), Why: "the same actor", Who: "model", Tool: "cipp_bec_check"})
	}
	for _, a := range ask {
		add(bec.Next{What: "Ask whether it was the user: " + a.Text, Why: "only a person can tell (" + fence(a.Event) + ")", Who: "user"})
	}
	if v != bec.NoEvidenceFound && !bad || v == bec.Inconclusive {
		for _, s := range append(q.missing(), q.broken()...) {
			c := q.cover(s)
			add(bec.Next{What: "Obtain " + s, Why: "it is " + string(c.Status) + reasonText(c.Reason), Who: "tenant_admin"})
		}
		if !q.base.enough {
			add(bec.Next{What: "Ask what is usual for this user", Why: "the baseline is insufficient: fewer than 10 sign-ins or less than 7 days before the first odd event", Who: "user"})
		}
	}
	if q.unansweredAlert() && !bad {
		add(bec.Next{What: "Look at the security alert in the Defender portal and classify it there", Why: "it is later than the evidence reaches", Who: "technician"})
	}
	if v == bec.NoEvidenceFound || v == bec.Inconclusive {
		if t := q.now.Add(24 * time.Hour); !asOf.IsZero() {
			add(bec.Next{What: "Read the case on", Why: "logs arrive up to 24 hours late", Who: "model", Tool: "cipp_bec_check", NotBefore: &t})
		}
	}
	return out
}

func reasonText(r bec.Reason) string {
	if r == "" {
		return ""
	}
	return " (" + string(r) + ")"
}

// mostQuestions bounds what one person is asked about.
const mostQuestions = 8

// nobodysAct are the classes of what no user did, so that there is nothing to ask him.
var nobodysAct = []string{"COVERAGE_GAP", "LOOKALIKE_DOMAIN", "INBOUND_LURE", "SENDER_BLOCKED", "OTHER_ACCOUNTS_SAME_ACTOR"}

// questions are those that only the user can answer, about concrete things.
func (q *inquiry) questions() []bec.Question {
	var out []bec.Question
	for _, f := range q.findings {
		if f.Attribution.Value != bec.Ambiguous || rank(f.Severity) < rank(bec.Medium) || len(out) == mostQuestions || slices.Contains(nobodysAct, f.Class) {
			continue
		}
		when := ""
		if f.FirstSeen != nil {
			when = " at " + f.FirstSeen.Format(time.RFC3339)
		}
		out = append(out, bec.Question{Event: f.refs[0].String(), Text: f.Title + when})
	}
	return out
}
