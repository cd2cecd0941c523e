package judge

import (
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// tenantClass sorts the operations that change the tenant.
func tenantClass(e *event) string {
	op := strings.ToLower(e.op)
	switch {
	case strings.Contains(op, "member to role"), op == "add-rolegroupmember", op == "new-managementroleassignment":
		return "ROLE_CHANGE"
	case strings.Contains(op, "conditional access policy"), strings.Contains(op, "named location"):
		return "CA_CHANGE"
	case strings.Contains(op, "domain authentication"), strings.Contains(op, "federation settings"), op == "add unverified domain", op == "verify domain", op == "add partner to company", op == "new-accepteddomain", op == "set-accepteddomain":
		return "FEDERATION_CHANGE"
	case op == "new-transportrule", op == "set-transportrule", op == "enable-transportrule":
		return "TRANSPORT_RULE"
	case strings.HasSuffix(op, "-inboundconnector"), strings.HasSuffix(op, "-outboundconnector"), op == "set-remotedomain", op == "new-remotedomain", op == "set-hostedoutboundspamfilterpolicy", op == "new-journalrule":
		return "CONNECTOR_CHANGE"
	case op == "searchcreated", op == "searchstarted", op == "searchexported", op == "searchexportdownloaded", op == "caseadded", op == "new-compliancesearch", op == "new-compliancesearchaction", op == "new-mailboxsearch":
		return "EDISCOVERY_USE"
	case op == "set-adminauditlogconfig", op == "set-organizationconfig" && (has(e.params, "auditdisabled")), op == "set-mailbox" && (has(e.params, "auditenabled") || has(e.params, "auditowner") || has(e.params, "auditdelegate")):
		return "AUDIT_TAMPER"
	case op == "set-mailboxauditbypassassociation":
		return "MAILBOX_AUDIT_BYPASS"
	case op == "update authorization policy", op == "set company information", strings.Contains(op, "consent settings"), strings.Contains(op, "permission grant policy"):
		return "CONSENT_POLICY_CHANGE"
	case strings.Contains(op, "cross-tenant access"), strings.Contains(op, "crosstenantaccess"):
		return "PARTNER_ACCESS"
	}
	return ""
}

func tenantOps(op string) bool {
	return tenantClass(&event{op: op, params: map[string]string{"auditdisabled": "", "auditenabled": ""}}) != "" || op == "Set-Mailbox" || delegateOps[op]
}

// findTenant looks at changes of the tenant by the user, and at a partner's hands on the user.
func (q *inquiry) findTenant() {
	partner := map[string][]*event{}
	for _, e := range q.events {
		if e.dropped || !e.ok || e.who == bec.ByTool {
			continue
		}
		if e.who != bec.ByAttacker && e.by == byOther && q.fromAttacker(e.ip, e.at) {
			e.who, e.why, e.via = bec.ByAttacker, "another account did it from the attacker's address", mediumEdge
		}
		if e.by == byPartner && e.mine {
			partner[e.actor] = append(partner[e.actor], e)
		}
		class := tenantClass(e)
		switch class {
		case "", "AUDIT_TAMPER", "MAILBOX_AUDIT_BYPASS", "PARTNER_ACCESS":
			continue
		case "ROLE_CHANGE":
			if e.by == byUser || e.mine || e.who == bec.ByAttacker {
				q.roleChange(e)
			}
			continue
		}
		switch {
		case e.by == byUser || e.who == bec.ByAttacker:
			q.tenantAct(class, e)
		case e.by == byOther && class == "FEDERATION_CHANGE" && q.attackSeen() && q.afterAttack(e.at):
			f := q.oneAct(class, e, bec.Medium, "A domain or its federation was changed after the attacker's first event", "Another account did it; ask whether it was planned.")
			f.Attribution.Value = bec.Ambiguous
		}
	}
	actors := make([]string, 0, len(partner))
	for a := range partner {
		actors = append(actors, a)
	}
	slices.Sort(actors)
	for _, a := range actors {
		q.partnerActs(partner[a])
	}
	q.findTransport()
	for _, e := range q.events {
		if e.sign != nil && e.mine && e.ok && strings.EqualFold(e.sign.crossTenant, "serviceProvider") && q.context(e).strange() {
			q.oneAct("PARTNER_ACCESS", e, bec.Medium, "The user was signed in through a partner's access", "Partners reach the tenant by their own accounts; ask the partner what was done.")
			break
		}
	}
}

var titles = map[string]string{
	"CA_CHANGE": "A conditional access policy or location was changed by the user", "FEDERATION_CHANGE": "A domain or its federation was changed by the user", "TRANSPORT_RULE": "A transport rule was made or changed by the user",
	"CONNECTOR_CHANGE": "A connector or mail policy was changed by the user", "EDISCOVERY_USE": "The user searched or exported mailboxes", "CONSENT_POLICY_CHANGE": "The consent or guest policy was changed by the user",
}

// tenantAct is a change of the tenant by the account of the case.
func (q *inquiry) tenantAct(class string, e *event) {
	sev := bec.Critical
	if class == "CONSENT_POLICY_CHANGE" {
		sev = bec.High
	}
	switch e.who {
	case bec.ByAttacker:
		q.oneAct(class, e, sev, titles[class]+", in the attacker's context", "It opens the whole tenant or hides what happens in it.")
	case bec.ByUser, bec.ByService:
		if class == "EDISCOVERY_USE" && !q.before(class, e) && !q.administers() {
			q.oneAct(class, e, bec.Medium, titles[class], "The user never did so before and holds no role for it.").untested = !q.complete(bec.Roles)
		}
	default:
		f := q.found(class, class+e.id, step(sev, -1))
		f.Title, f.Why, f.Status = titles[class], "Nothing ties it to the user's usual place.", "historic"
		if class == "EDISCOVERY_USE" && !q.before(class, e) {
			f.Severity = bec.Critical
		}
		if e.ip.IsValid() {
			f.BenignTested = q.placeTests(e)
		}
		q.actedBy(f, []*event{e})
		q.report(f)
	}
}

// before tells whether the user did such a thing well before.
func (q *inquiry) before(class string, e *event) bool {
	return slices.ContainsFunc(q.events, func(x *event) bool {
		return x.by == byUser && x.params != nil && e.at.Sub(x.at) > 7*24*time.Hour && tenantClass(x) == class
	})
}

func (q *inquiry) roleChange(e *event) {
	switch {
	case e.who == bec.ByAttacker:
		q.oneAct("ROLE_CHANGE", e, bec.Critical, "A role was given in the attacker's context", "A role opens the tenant.")
	case e.by == byUser && e.who == bec.Ambiguous && q.context(e).hostile():
		f := q.found("ROLE_CHANGE", "role"+e.id, q.weigh(bec.High))
		f.Title, f.Why, f.Status, f.BenignTested = "A role was given from a place that is not the user's", "A role opens the tenant.", "historic", q.placeTests(e)
		q.actedBy(f, []*event{e})
		q.report(f)
	case e.mine && e.by == byOther && q.inWindow(e.at) && q.attackSeen() && q.afterAttack(e.at):
		q.oneAct("ROLE_CHANGE", e, bec.Critical, "The user was given a role after the attacker's first event", "Another account gave it; it may be in the same hands.")
	case e.mine && e.by == byOther && !strings.Contains(strings.ToLower(e.op), "pim") && q.inWindow(e.at) && !q.start.IsZero():
		q.oneAct("ROLE_CHANGE", e, bec.Medium, "The user was given a role about when something suspicious happened", "Ask who wanted it.")
	}
}

// partnerActs is a partner's technician who changed the user.
func (q *inquiry) partnerActs(acts []*event) {
	approved := slices.ContainsFunc(acts, func(e *event) bool {
		return slices.ContainsFunc(q.f.ApprovedPartnerTenants, func(t string) bool { return strings.Contains(e.actor, strings.ToLower(t)) })
	})
	if approved || q.start.IsZero() && !slices.ContainsFunc(acts, func(e *event) bool { return q.inWindow(e.at) }) {
		return
	}
	f := q.found("PARTNER_ACCESS", "partner:"+acts[0].actor, bec.Medium)
	f.Title, f.Why, f.Status = "A partner's account "+fence(acts[0].actor)+" changed the user or the mailbox", "Ask the partner whether this was its work.", "historic"
	q.actedBy(f, acts)
	if f.Attribution.Value == bec.ByAdmin {
		f.Attribution = bec.Attribution{Value: bec.Ambiguous, Reason: "a partner's account did it, and the operator does not list the partner"}
	}
	q.report(f)
}

// findTransport looks at transport rules that copy mail out or hide warnings.
func (q *inquiry) findTransport() {
	for _, r := range q.state["transportRule"] {
		var out []string
		for _, n := range []string{"BlindCopyTo", "RedirectMessageTo", "CopyTo", "AddToRecipients"} {
			for _, a := range r.o.list(n) {
				if x := q.resolve(a); q.external(x) {
					out = append(out, x)
				}
			}
		}
		at, _ := r.o.time("WhenChanged", "WhenCreated")
		if strings.EqualFold(r.o.str("State"), "Disabled") {
			continue
		}
		made := those(q.events, func(e *event) bool {
			return tenantClass(e) == "TRANSPORT_RULE" && e.who != bec.ByTool && (same(e.params["name"], r.o.str("Name")) || same(e.params["identity"], r.o.str("Name")) || same(tail(e.target), r.o.str("Name")))
		})
		recent := !at.IsZero() && q.inWindow(at)
		skips := strings.HasPrefix(r.o.str("SetSCL"), "-1") && recent && len(made) > 0
		if len(out) == 0 && !skips {
			continue
		}
		f := q.found("TRANSPORT_RULE", "transport:"+r.o.str("Guid", "Name"), bec.High)
		f.refs, f.artefact, f.alive, f.entity = []ref{r.ref()}, true, true, r.o.str("Guid", "Identity", "Name")
		f.Title = "The transport rule " + fence(r.o.str("Name")) + " " + or(len(out) > 0, "sends copies to "+fences(out), "lets mail pass the spam filter")
		f.Why = "It acts on the mail of the whole organisation."
		q.actedBy(f, made)
		if e := q.opportunity(at); e != nil && len(out) > 0 && len(made) == 0 {
			q.actedBy(f, []*event{e})
			f.Attribution.Value, f.Attribution.Reason, f.Confidence = bec.ByAttacker, "it was changed while the attacker was in an account that holds a role, and the audit log, which would say who did it, is off", bec.MediumConfidence
			f.BenignTested = append(f.BenignTested, result("madeByAnother", false, false, "", "the audit log is off, so that nobody else's hand could be seen"))
		}
		switch {
		case f.Attribution.Value == bec.ByAttacker, recent && len(out) > 0 && len(made) > 0 && f.Attribution.Value != bec.ByUser:
			f.Severity = bec.Critical
		case !recent:
			f.Severity = or(len(out) > 0, bec.Medium, bec.Low) // an archive or a ticket system is often such a rule
		}
		f.depends = []string{bec.UAL}
		q.report(f)
	}
}
