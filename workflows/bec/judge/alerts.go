package judge

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"

	"github.com/tidwall/gjson"
)

// What other detectors saw is an opinion, however many of them there are: it belongs to one group with the risk
// detections. The severity is the product's.

// alertNames tells whether an alert is about the user's account or mailbox, or about mail that came to it.
func (q *inquiry) alertNames(r *row) (account, recipient bool) {
	r.o.get("evidence").ForEach(func(_, v gjson.Result) bool {
		e := read(v)
		acc := e.obj("userAccount")
		p1, p2 := e.obj("p1Sender"), e.obj("p2Sender")
		for _, n := range []string{acc.str("azureAdUserId"), acc.str("userPrincipalName"), e.str("primaryAddress"), e.str("upn"), p1.str("emailAddress"), p2.str("emailAddress")} {
			account = account || q.user(n)
		}
		recipient = recipient || q.user(e.str("recipientEmailAddress"))
		return true
	})
	return account, recipient
}

// alertEvents are the user's events an alert is about: from an address it names, within its time.
func (q *inquiry) alertEvents(r *row) []*event {
	var ips []netip.Addr
	r.o.get("evidence").ForEach(func(_, v gjson.Result) bool {
		e := read(v)
		for _, s := range []string{e.str("ipAddress"), e.str("senderIp")} {
			if ip := address(s); ip.IsValid() {
				ips = append(ips, ip)
			}
		}
		return true
	})
	from, to := alertTime(r)
	if len(ips) == 0 || from.IsZero() {
		return nil
	}
	var out []*event
	for _, e := range q.events {
		if e.mine && !e.dropped && slices.Contains(ips, e.ip) && !e.at.Before(from.Add(-time.Hour)) && !e.at.After(to.Add(time.Hour)) {
			out = append(out, e)
		}
	}
	return out
}

func alertTime(r *row) (from, to time.Time) {
	from, _ = r.o.time("firstActivityDateTime", "createdDateTime")
	if to, _ = r.o.time("lastActivityDateTime"); to.Before(from) {
		to = from
	}
	return from, to
}

// alertDismissed tells an alert that somebody looked at and found harmless.
func alertDismissed(r *row) bool {
	switch r.o.lower("classification") {
	case "falsepositive", "informationalexpectedactivity":
		return true
	}
	switch r.o.lower("determination") {
	case "notmalicious", "securitytesting", "securitypersonnel", "lineofbusinessapplication", "confirmedactivity":
		return true
	}
	return false
}

// alertConfirmed tells an alert that somebody looked at and confirmed as an attack on the account.
func alertConfirmed(r *row) bool {
	return strings.EqualFold(r.o.str("classification"), "truePositive") && !alertDismissed(r)
}

// seedAlerts takes the events of confirmed alerts as an attacker's.
func (q *inquiry) seedAlerts(seed func(*event, string)) {
	for _, r := range q.state["alert"] {
		if account, _ := q.alertNames(r); !account || !alertConfirmed(r) {
			continue
		}
		for _, e := range q.alertEvents(r) {
			if e.ok || e.sign == nil {
				seed(e, "somebody confirmed the security alert about it as a true positive")
			}
		}
	}
}

func (q *inquiry) findAlerts() {
	for _, r := range q.state["alert"] {
		account, recipient := q.alertNames(r)
		if !account && !recipient || alertDismissed(r) {
			continue
		}
		q.findAlert(r, account)
	}
}

func (q *inquiry) findAlert(r *row, account bool) {
	sev := bec.Info
	switch r.o.lower("severity") {
	case "high":
		sev = bec.High
	case "medium":
		sev = bec.Medium
	case "low":
		sev = bec.Low
	}
	if !account { // mail that came says what was tried, not that it worked
		sev = bec.Severities[min(rank(sev), rank(bec.Low))]
	}
	f := q.found("RISK_DETECTION", "alert:"+r.id, sev)
	f.Title, f.Why = "A security product raised the alert "+fence(r.o.str("title", "name")), "The severity is that of "+fence(r.o.str("serviceSource", "productName"))+"."
	f.refs = []ref{r.ref()}
	q.actedBy(f, q.alertEvents(r))
	f.vendor = account && alertConfirmed(r)
	if from, to := alertTime(r); !from.IsZero() {
		f.FirstSeen, f.LastSeen = ptr(from), ptr(to)
	}
	switch {
	case f.vendor:
		f.Confidence = bec.HighConfidence
		f.Why += " Somebody confirmed it as a true positive."
	case f.Attribution.Value == bec.ByUser && rank(sev) <= rank(bec.Medium):
		f.Severity = bec.Info
	case f.Attribution.Value == bec.ByUser:
		q.doubt(f, "a security product reports an attack, and what it is about fits the user")
	}
	f.Status = "historic"
	q.report(f)
}

// unansweredAlert tells an alert that nothing explains and that is later than the evidence reaches: a negative verdict
// does not cover it.
func (q *inquiry) unansweredAlert() bool {
	asOf := q.asOf()
	for _, f := range q.findings {
		if f.Class == "RISK_DETECTION" && f.refs[0].source == bec.Alerts && f.open() && rank(f.Severity) > rank(bec.Info) && f.LastSeen != nil && f.LastSeen.After(asOf) {
			return true
		}
	}
	return false
}
