package judge

import (
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// resolve is the address behind a recipient: an address as it stands, or that of the mail contact it names.
func (q *inquiry) resolve(recipient string) string {
	if a := smtp(recipient); a != "" && !q.contactAlias(a) {
		return a
	}
	name := strings.ToLower(strings.Trim(recipient, "\" "))
	if i := strings.Index(name, "\" [ex:"); i > 0 {
		name = strings.Trim(name[:i], "\" ")
	}
	for _, r := range q.state["mailContact"] {
		for _, n := range []string{"Identity", "Name", "DisplayName", "Alias", "PrimarySmtpAddress", "Guid", "ExternalDirectoryObjectId", "DistinguishedName", "LegacyExchangeDN"} {
			if same(r.o.str(n), name) || same(smtp(r.o.str(n)), name) {
				if a := smtp(r.o.str("ExternalEmailAddress")); a != "" {
					return a
				}
				return smtp(r.o.str("PrimarySmtpAddress"))
			}
		}
	}
	return smtp(recipient)
}

func (q *inquiry) contactAlias(addr string) bool {
	return slices.ContainsFunc(q.state["mailContact"], func(r *row) bool {
		return same(smtp(r.o.str("PrimarySmtpAddress")), addr) && smtp(r.o.str("ExternalEmailAddress")) != addr && r.o.has("ExternalEmailAddress")
	})
}

func (q *inquiry) mailbox() *row {
	for _, r := range q.state["mailbox"] {
		if id := r.o.str("ExternalDirectoryObjectId", "UserPrincipalName", "PrimarySmtpAddress"); id == "" || q.user(id) {
			return r
		}
	}
	return nil
}

// findForwarding is the silent copy of all mail: it is read from the mailbox, however old, and dated from the log.
func (q *inquiry) findForwarding() {
	var acts []*event
	for _, e := range q.events {
		if e.mine && !e.dropped && e.op == "Set-Mailbox" && e.ok && (has(e.params, "forwardingsmtpaddress") || has(e.params, "forwardingaddress")) {
			acts = append(acts, e)
		}
	}
	live := map[string]bool{}
	if m := q.mailbox(); m != nil {
		for _, n := range []string{"ForwardingSmtpAddress", "ForwardingAddress"} {
			to := m.o.str(n)
			if to == "" {
				continue
			}
			a := q.resolve(to)
			live[a] = true
			keep := m.o.flag("DeliverToMailboxAndForward")
			q.forwarding(a, to, keep, true, []ref{m.ref()}, those(acts, func(e *event) bool { return q.forwardOf(e) == a }))
		}
	}
	gone := map[string][]*event{}
	for _, e := range acts {
		if a := q.forwardOf(e); a != "" && !live[a] && e.who != bec.ByTool {
			gone[a] = append(gone[a], e)
		}
	}
	for _, e := range acts {
		a := q.forwardOf(e)
		if list := gone[a]; len(list) > 0 && list[0] == e {
			q.forwarding(a, a, !strings.EqualFold(e.params["delivertomailboxandforward"], "false"), false, nil, list)
		}
	}
}

func has(p map[string]string, n string) bool { _, ok := p[n]; return ok }

func those(list []*event, keep func(*event) bool) []*event {
	var out []*event
	for _, e := range list {
		if keep(e) {
			out = append(out, e)
		}
	}
	return out
}

func (q *inquiry) forwardOf(e *event) string {
	for _, n := range []string{"forwardingsmtpaddress", "forwardingaddress"} {
		if v := strings.TrimSpace(e.params[n]); v != "" && !strings.EqualFold(v, "$null") {
			return q.resolve(v)
		}
	}
	return ""
}

func (q *inquiry) forwarding(addr, written string, keeps, live bool, refs []ref, acts []*event) {
	if addr == "" || !q.external(addr) {
		if addr == "" && live && !q.complete(bec.Forwarding) || addr == "" {
			return
		}
		if d := domainOf(addr); q.trusted[d] || q.trusted[addr] {
			return
		}
		if m := q.makerOf(acts); m == nil || m.who != bec.ByAttacker {
			return // to a colleague: a leaver's mail, a shared mailbox
		}
		f := q.found("MAILBOX_FORWARDING", "forwarding:"+addr, bec.Medium)
		f.Title, f.Why = "The mailbox forwards to "+fence(addr)+" inside the organisation", "The address is internal, but the change was made in the attacker's context."
		f.refs, f.alive, f.artefact = refs, live, live
		q.actedBy(f, acts)
		f.Remediation = []bec.Remediation{{Action: "removeForwarding", TargetID: q.f.User.ID, Reversible: true, NeedsApproval: true}}
		q.report(f)
		return
	}
	f := q.found("MAILBOX_FORWARDING", "forwarding:"+addr, bec.Critical)
	f.Confidence = bec.HighConfidence
	f.Title = "All mail is forwarded to " + fence(addr) + " outside the organisation"
	f.Why = "Nobody approved this address, and forwarding of the whole mailbox needs no rule that the user would see."
	if !keeps {
		f.Why += " No copy stays in the mailbox: the mail is diverted."
	}
	if !live {
		f.Title = "All mail was forwarded to " + fence(addr) + " outside the organisation"
		f.Status = "historic"
		f.Severity = bec.High
	}
	f.refs, f.alive, f.artefact, f.entity = refs, live, live, written
	q.actedBy(f, acts)
	if f.Attribution.Value == bec.ByUser || f.Attribution.Value == bec.ByAdmin {
		q.doubt(f, "it was set from a usual place ("+f.Attribution.Reason+"), which does not explain where the mail goes")
	}
	if f.Attribution.Value == bec.ByAttacker {
		f.Severity = bec.Critical
	}
	f.BenignTested = append(f.BenignTested, result("approvedDestination", false, true, "", "neither the tenant's domain nor one on the operator's list"),
		result("contactOfPartner", false, q.complete(bec.Forwarding), "", "the destination was resolved"))
	if live {
		f.Remediation = []bec.Remediation{{Action: "removeForwarding", TargetID: q.f.User.ID, Reversible: true, NeedsApproval: true}}
	}
	f.depends = []string{bec.UAL, bec.TransportRules, bec.Connectors}
	q.report(f)
}

// maliciousAct tells a change that harms the mailbox's owner whoever made it: mail that goes out or out of sight.
func (q *inquiry) maliciousAct(e *event) bool {
	if !e.mine || !e.ok || e.dropped || e.who == bec.ByTool {
		return false
	}
	switch {
	case ruleOp(e.op) && !removal(e):
		r := ruleOfEvent(e)
		if r == nil || !r.known {
			return false
		}
		g := q.gradeOf(r)
		return !g.unread && rank(g.severityOf(false)) >= rank(bec.Medium)
	case e.op == "Set-Mailbox":
		a := q.forwardOf(e)
		return a != "" && q.external(a)
	case consentOp(e.op):
		return q.riskyConsent(e)
	}
	return false
}

// spoofOut is what cannot be legitimate wherever it comes from: a rule with a system's name that sends mail out.
func (q *inquiry) spoofOut(e *event) bool {
	if !ruleOp(e.op) || removal(e) {
		return false
	}
	r := ruleOfEvent(e)
	if r == nil || !r.known {
		return false
	}
	g := q.gradeOf(r)
	return g.spoof && g.goes == outwards
}

// afterAttack tells a time after the attacker's first event.
func (q *inquiry) afterAttack(t time.Time) bool {
	if len(q.badIPs) == 0 && !slices.ContainsFunc(q.events, func(e *event) bool { return e.who == bec.ByAttacker }) {
		return false
	}
	for _, e := range q.events {
		if e.who == bec.ByAttacker {
			return t.After(e.at.Add(-time.Minute))
		}
	}
	return false
}
