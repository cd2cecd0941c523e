package judge

import (
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// findAuditing looks at the logs themselves: switched off, or told to overlook somebody.
func (q *inquiry) findAuditing() {
	for _, e := range q.events {
		if e.dropped || !e.ok || e.who == bec.ByTool || e.params == nil {
			continue
		}
		switch class := tenantClass(e); class {
		case "AUDIT_TAMPER", "MAILBOX_AUDIT_BYPASS":
			if !switchesOff(e) || !e.mine && e.by != byUser && e.op == "Set-Mailbox" {
				continue
			}
			sev := bec.High
			if e.who == bec.ByAttacker || e.by == byUser && e.who != bec.ByUser {
				sev = bec.Critical
			}
			q.oneAct(class, e, sev, "Auditing was switched off or told to overlook an account", "What happened meanwhile is in no log: that interval is a gap.")
		}
	}
	for _, r := range q.state["mailboxAuditBypass"] {
		if !r.o.flag("AuditBypassEnabled") {
			continue
		}
		if id := r.o.str("UserPrincipalName", "Identity", "Name", "ObjectId", "id"); !q.user(id) && !q.user(r.o.str("UserPrincipalName")) && !q.user(r.o.str("ExternalDirectoryObjectId")) {
			continue
		}
		f := q.found("MAILBOX_AUDIT_BYPASS", "bypass", bec.Critical)
		f.refs, f.artefact, f.alive = []ref{r.ref()}, true, true
		f.Title, f.Why = "What this account does in mailboxes is not recorded", "An audit bypass is set for it: the mailbox log says nothing about it, now or since it was set."
		made := those(q.events, func(e *event) bool { return tenantClass(e) == "MAILBOX_AUDIT_BYPASS" && switchesOff(e) })
		q.actedBy(f, made)
		q.report(f)
	}
	for _, r := range q.state["adminAuditLogConfig"] {
		if q.offNow && !slices.ContainsFunc(q.findings, func(f *finding) bool { return f.Class == "AUDIT_TAMPER" }) {
			f := q.found("AUDIT_TAMPER", "off", bec.Low)
			f.refs = []ref{r.ref()}
			f.Title, f.Why = "The audit log of the tenant is off", "Nothing shows that it was ever on, or who switched it off: young tenants begin that way. What it would hold is missing."
			if q.holdsRole() && q.attackSeen() {
				f.Severity, f.Confidence = bec.Critical, bec.LowConfidence
				f.Why = "The attacker was in an account that holds a role. Nothing shows who switched it off, or that it was ever on: that is how one who switches it off leaves it. What it would hold is missing."
			}
			q.report(f)
		}
	}
	if m := q.mailbox(); m != nil && m.o.has("AuditEnabled") && !m.o.flag("AuditEnabled") && !q.auditingDefault() {
		f := q.found("AUDIT_TAMPER", "mailboxaudit", bec.Medium)
		f.refs = []ref{m.ref()}
		f.Title, f.Why = "The mailbox is not audited", "Its own auditing is off, and the organisation's does not stand in for it."
		q.report(f)
	}
}

// holdsRole tells whether the evidence shows a directory role of the user.
func (q *inquiry) holdsRole() bool {
	return slices.ContainsFunc(q.state["roleAssignment"], func(r *row) bool { return q.user(r.o.str("principalId")) })
}

// opportunity is the attacker's event within a day before a change of the tenant that no log can name anybody for, because
// the audit log is off, where the account that he was in holds a role. Nil is that there was none, or that a log would
// tell.
func (q *inquiry) opportunity(at time.Time) *event {
	if !q.offNow || at.IsZero() || q.wasRead(bec.UAL) || !q.holdsRole() {
		return nil
	}
	var latest *event
	for _, e := range q.events {
		if d := at.Sub(e.at); e.who == bec.ByAttacker && e.mine && e.ok && d >= -5*time.Minute && d <= 24*time.Hour {
			latest = e
		}
	}
	return latest
}

func (q *inquiry) auditingDefault() bool {
	for _, r := range q.state["organizationConfig"] {
		return !r.o.flag("AuditDisabled")
	}
	return true
}

// switchesOff tells a change that makes a log blind, and not one that makes it see again.
func switchesOff(e *event) bool {
	off := func(n string) bool { return strings.EqualFold(strings.Trim(e.params[n], "$"), "false") }
	on := func(n string) bool { return strings.EqualFold(strings.Trim(e.params[n], "$"), "true") }
	switch strings.ToLower(e.op) {
	case "set-adminauditlogconfig":
		return off("unifiedauditlogingestionenabled") || off("adminauditlogenabled")
	case "set-organizationconfig":
		return on("auditdisabled")
	case "set-mailboxauditbypassassociation":
		return on("auditbypassenabled")
	case "set-mailbox":
		return off("auditenabled") || strings.Contains(strings.ToLower(e.params["auditowner"]), "remove") || e.params["auditowner"] == "None"
	}
	return false
}

// findSiblings looks for the same actor in other accounts.
func (q *inquiry) findSiblings() {
	hits := map[string][]*event{}
	var order []string
	for _, e := range q.others {
		if !e.ok || e.who == bec.ByTool || e.by == bySystem || e.by == byApp || e.actor == "" || q.user(e.actor) || strings.Contains(e.actor, "nt authority") {
			continue
		}
		bad := q.badApps[e.app] != "" && e.app != "" || e.device != "" && q.badDevs[e.device] != ""
		managed := e.sign != nil && (e.sign.compliant || e.sign.managed)
		if e.ip.IsValid() && !managed && q.fromAttackerWide(e) {
			bad = true
		}
		if !bad {
			continue
		}
		if hits[e.actor] == nil {
			order = append(order, e.actor)
		}
		hits[e.actor] = append(hits[e.actor], e)
	}
	grants := map[string]bool{}
	for _, r := range q.state["oauth2PermissionGrant"] {
		if r.source != bec.OtherAccounts {
			continue
		}
		p := strings.ToLower(r.o.str("principalId"))
		if v := q.vouchFor(r.o.str("clientId")); q.badApps[v.appID] != "" && p != "" && !q.user(p) && hits[p] == nil && !grants[p] {
			grants[p] = true
			f := q.found("OTHER_ACCOUNTS_SAME_ACTOR", "sibling:"+p, bec.Critical)
			f.Title, f.Why = "Another account gave access to the attacker's application", "It needs a case of its own."
			f.refs = []ref{r.ref()}
			f.Attribution = bec.Attribution{Value: bec.ByAttacker, Reason: "the attacker's application", EntityIDs: []string{"app:" + v.appID}}
			q.siblings = append(q.siblings, p)
			q.report(f)
		}
	}
	for _, a := range order {
		f := q.found("OTHER_ACCOUNTS_SAME_ACTOR", "sibling:"+a, bec.Critical)
		f.Title, f.Why = "The attacker's address, device or application was used by "+fence(a), "It needs a case of its own, and its containment belongs into the same hour."
		for _, e := range hits[a] {
			e.who, e.why, e.via = bec.ByAttacker, "the attacker's address, device or application", mediumEdge
		}
		q.actedBy(f, hits[a])
		f.Status = "historic"
		q.siblings = append(q.siblings, a)
		q.report(f)
	}
}

// fromAttackerWide tells another account's event from the attacker's address within a week of the attacker's own.
func (q *inquiry) fromAttackerWide(e *event) bool {
	for _, t := range q.badIPs[e.ip.String()] {
		if e.at.Sub(t).Abs() <= 7*before {
			return true
		}
	}
	return false
}
