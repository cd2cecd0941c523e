package judge

import (
	"strings"

	"cipp-mcp/workflows/bec"
)

// mineByState tells a row of state that names the user, or nobody.
func (q *inquiry) mineByState(r *row) bool {
	for _, n := range []string{"userId", "userPrincipalName"} {
		if v := r.o.str(n); v != "" {
			return q.user(v)
		}
	}
	if r.kind == "riskyUser" {
		return q.user(r.o.str("id"))
	}
	return true
}

// riskHigh tells a detection that stands for an attack by itself; an anomalous token only where Microsoft is sure.
func riskHigh(r *row) bool {
	t := r.o.str("riskEventType", "riskType")
	if !containsFold(catalogue().RiskHigh, t) {
		return false
	}
	return !strings.EqualFold(t, "anomalousToken") || strings.EqualFold(r.o.str("riskLevel"), "high")
}

func riskConfirmed(r *row) bool {
	return containsFold(catalogue().RiskConfirmed, r.o.str("riskEventType", "riskType")) || strings.EqualFold(r.o.str("riskState"), "confirmedCompromised") ||
		strings.EqualFold(r.o.str("riskDetail"), "adminConfirmedUserCompromised") || strings.EqualFold(r.o.str("riskDetail"), "adminConfirmedSigninCompromised")
}

// seedVendor takes the sign-ins that Microsoft or an administrator confirmed to be an attacker's.
func (q *inquiry) seedVendor(seed func(*event, string)) {
	for _, r := range q.state["riskDetection"] {
		if !q.mineByState(r) || !riskConfirmed(r) || safe(r) {
			continue
		}
		for _, e := range q.riskEvents(r) {
			if e.ok || e.sign == nil {
				seed(e, "Microsoft or an administrator confirmed the sign-in as an attacker's")
			}
		}
	}
}

// safe tells a detection that an administrator or Microsoft took back; dismissed is only context.
func safe(r *row) bool {
	return strings.EqualFold(r.o.str("riskState"), "confirmedSafe") || strings.EqualFold(r.o.str("riskDetail"), "adminConfirmedSigninSafe") || strings.EqualFold(r.o.str("riskDetail"), "aiConfirmedSigninSafe")
}

// riskEvents are the sign-ins a detection is about.
func (q *inquiry) riskEvents(r *row) []*event {
	corr, req := r.o.str("correlationId"), r.o.str("requestId")
	ip := address(r.o.str("ipAddress"))
	at, _ := r.o.time("activityDateTime", "detectedDateTime")
	var out []*event
	for _, e := range q.events {
		if e.sign == nil || !e.mine {
			continue
		}
		if same(e.corr, corr) || same(e.id, req) || ip.IsValid() && e.ip == ip && !at.IsZero() && e.at.Sub(at).Abs() <= before {
			out = append(out, e)
		}
	}
	return out
}

// findRisk is Microsoft's opinion: one independent voice, however many detections it makes.
func (q *inquiry) findRisk() {
	for _, r := range q.state["riskDetection"] {
		if !q.mineByState(r) || safe(r) {
			continue
		}
		kind := r.o.str("riskEventType", "riskType")
		sev := bec.Low
		switch {
		case riskHigh(r) || riskConfirmed(r):
			sev = bec.High
		case strings.EqualFold(r.o.str("riskLevel"), "high"):
			sev = bec.Medium
		}
		f := q.found("RISK_DETECTION", "risk:"+kind+r.o.str("ipAddress"), sev)
		f.Title, f.Why = "Microsoft reports "+fence(kind), "Identity Protection detected it at the level "+fence(r.o.str("riskLevel"))+"."
		if strings.EqualFold(kind, "userReportedSuspiciousActivity") {
			f.Class, f.Title = "AUTH_FRAUD_REPORTED", "The user reported a prompt as suspicious"
		}
		if s := r.o.lower("riskState"); s == "dismissed" || s == "remediated" {
			f.Why += " Its state is " + fence(s) + ", which is context and not exoneration."
		}
		f.refs = []ref{r.ref()}
		q.actedBy(f, q.riskEvents(r))
		if at, _ := r.o.time("activityDateTime", "detectedDateTime"); !at.IsZero() && f.FirstSeen == nil {
			f.FirstSeen, f.LastSeen = ptr(at), ptr(at)
		}
		if f.Attribution.Value == bec.ByUser && rank(sev) <= rank(bec.Medium) {
			f.Severity = bec.Info
		} else if f.Attribution.Value == bec.ByUser {
			q.doubt(f, "Microsoft reports an attack, and the sign-in fits the user")
		}
		f.Status = "historic"
		q.report(f)
	}
	for _, r := range q.state["riskyUser"] {
		if !q.mineByState(r) {
			continue
		}
		if !riskConfirmed(r) {
			if s := r.o.lower("riskState"); len(q.state["riskDetection"]) == 0 && s == "atrisk" && strings.EqualFold(r.o.str("riskLevel"), "high") {
				f := q.found("RISK_DETECTION", "riskyUser", bec.Medium)
				f.Title, f.Why, f.refs = "Microsoft holds the account at high risk", "What it detected is not shown; a higher licence would show it.", []ref{r.ref()}
				q.report(f)
			}
			continue
		}
		f := q.found("RISK_DETECTION", "riskyUser", bec.High)
		f.Title, f.Why, f.Confidence = "An administrator confirmed the account as compromised", "Identity Protection holds the user as confirmed compromised.", bec.HighConfidence
		f.refs = []ref{r.ref()}
		f.vendor = true
		q.report(f)
	}
	q.findAlerts()
}
