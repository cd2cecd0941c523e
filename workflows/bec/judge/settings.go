package judge

import (
	"slices"
	"strings"

	"cipp-mcp/workflows/bec"
)

// findSweeps looks at sweep rules: they delete by sender, and no list of inbox rules shows them.
func (q *inquiry) findSweeps() {
	for _, r := range q.state["sweepRule"] {
		sender, dest := r.o.str("Sender"), r.o.str("DestinationFolder")
		hides, _ := q.lowVisibility(dest)
		acts := those(q.events, func(e *event) bool {
			return (e.op == "New-SweepRule" || e.op == "Set-SweepRule") && e.mine && e.ok && e.who != bec.ByTool && (same(e.params["name"], r.o.str("Name")) || same(e.params["sender"], sender))
		})
		counter := q.fromCounterparty([]string{sender}) || holds(sender, words().Security) || holds(sender, words().Finance)
		f := q.found("SWEEP_RULE", "sweep:"+r.o.str("RuleId", "Identity", "Name"), bec.Info)
		f.refs, f.artefact, f.alive = []ref{r.ref()}, true, !r.o.has("Enabled") || r.o.flag("Enabled")
		f.entity = r.o.str("RuleId", "Identity", "Name")
		q.actedBy(f, acts)
		now := r.o.str("KeepForDays") == "" || r.o.num("KeepForDays") == 0
		switch {
		case f.Attribution.Value == bec.ByAttacker:
			f.Severity = or(counter && hides, bec.Critical, bec.High)
		case counter && hides && now:
			f.Severity = bec.High
		default:
			continue // newsletters
		}
		f.Title = "A sweep rule takes the mail of " + fence(sender) + " away"
		f.Why = "It moves what this sender writes to " + fence(dest) + " at once; the sender is a counterparty, a bank, or of security."
		if f.Attribution.Value == bec.ByUser {
			q.doubt(f, "it was made in a usual place, which does not explain whose mail it takes")
		}
		f.Remediation = []bec.Remediation{{Action: "removeSweepRule", TargetID: f.entity, Reversible: true, NeedsApproval: true}}
		q.report(f)
	}
}

// opsOf are the user's events of an operation, without this product's own.
func (q *inquiry) opsOf(ops ...string) []*event {
	return those(q.events, func(e *event) bool {
		return slices.Contains(ops, e.op) && e.mine && e.ok && !e.dropped && e.who != bec.ByTool
	})
}

func byAttacker(list []*event) []*event {
	return those(list, func(e *event) bool { return e.who == bec.ByAttacker })
}

// findSettings looks at what else of the mailbox was bent: junk lists, automatic replies, protocols, profile.
func (q *inquiry) findSettings() {
	q.findJunk()
	q.findReplies()
	for _, e := range byAttacker(q.opsOf("Set-CASMailbox")) {
		for _, n := range []string{"popenabled", "imapenabled", "ewsenabled", "activesyncenabled", "mapienabled"} {
			if strings.EqualFold(e.params[n], "true") || strings.EqualFold(e.params["smtpclientauthenticationdisabled"], "false") {
				q.oneAct("PROTOCOL_EXPOSURE", e, bec.High, "A mail protocol was opened in the attacker's context", "Such protocols take a password without a second factor.")
				break
			}
		}
	}
	for _, e := range byAttacker(q.opsOf("Set-MailboxMessageConfiguration")) {
		q.oneAct("MAILBOX_PROFILE_CHANGE", e, bec.Medium, "The signature or message settings were changed in the attacker's context", "A changed signature lends a fraud the user's name.")
	}
	for _, e := range byAttacker(q.opsOf("Update user")) {
		for n := range e.params {
			switch n {
			case "mobile", "telephonenumber", "displayname", "jobtitle", "othermail", "alternateemailaddress", "mobilephone", "businessphones":
				q.oneAct("MAILBOX_PROFILE_CHANGE", e, or(n == "othermail" || n == "alternateemailaddress", bec.High, bec.Medium), "The user's profile was changed in the attacker's context", "Contact data serves to impersonate the user or to recover the account.")
			}
		}
	}
	for _, e := range byAttacker(q.opsOf("Set-Mailbox")) {
		if has(e.params, "emailaddresses") {
			q.oneAct("MAILBOX_PROFILE_CHANGE", e, bec.Medium, "The mailbox's addresses were changed in the attacker's context", "An added address receives mail that nobody expects there.")
		}
	}
	for _, r := range q.state["blockedSenderAddress"] {
		if a := r.o.str("SenderAddress"); a != "" && !q.user(a) {
			continue
		}
		f := q.found("SENDER_BLOCKED", "blocked", bec.High)
		f.refs, f.alive = []ref{r.ref()}, false
		f.Title, f.Why = "Microsoft stopped this sender", "Too much of what the mailbox sent was spam. It is a consequence: the cause has to be found before the sender is released."
		f.Remediation = []bec.Remediation{{Action: "unblockSender", TargetID: q.f.User.UserPrincipalName, NeedsApproval: true}}
		if at, _ := r.o.time("CreatedDatetime"); !at.IsZero() {
			f.FirstSeen, f.LastSeen = ptr(at), ptr(at)
		}
		q.report(f)
	}
}

// findJunk compares the junk lists with whom the user writes to.
func (q *inquiry) findJunk() {
	acts := q.opsOf("Set-MailboxJunkEmailConfiguration")
	for _, r := range q.state["junkEmailConfiguration"] {
		var odd, alarms []string
		for _, b := range r.o.list("BlockedSendersAndDomains") {
			switch b = strings.ToLower(b); {
			case q.counterparty(b):
				odd = append(odd, b)
			case securitySender(b):
				alarms = append(alarms, b)
			}
		}
		for _, t := range r.o.list("TrustedSendersAndDomains") {
			if d := domainOr(strings.ToLower(t)); q.lookalike(d) != "" || q.drains()[d] {
				odd = append(odd, strings.ToLower(t))
			}
		}
		f := q.found("JUNK_LIST_TAMPER", "junk", bec.High)
		f.refs, f.artefact, f.alive = []ref{r.ref()}, true, true
		f.entity = q.f.User.ID
		q.actedBy(f, acts)
		switch attacker := f.Attribution.Value == bec.ByAttacker; {
		case !attacker && len(odd) == 0 && (len(alarms) == 0 || !q.attackSeen()), f.Attribution.Value == bec.ByUser:
			return // people block newsletters every day
		case !attacker && len(odd) == 0:
			f.Severity = bec.Medium
		}
		odd = append(odd, alarms...)
		f.Title = "The junk lists were bent: " + fences(odd)
		f.Why = "A real counterparty or a sender of security notices is blocked, or a domain that imitates one is trusted."
		if len(odd) == 0 {
			f.Severity, f.Title, f.Why = bec.Medium, "The junk lists were changed in the attacker's context", "What was changed could not be told from the lists as they are."
		}
		for _, entry := range odd { // each by itself: the rest of the lists is the user's
			f.Remediation = append(f.Remediation, bec.Remediation{Action: "restoreJunkList", TargetID: q.f.User.ID + "|" + entry, Reversible: true, NeedsApproval: true})
		}
		q.report(f)
	}
}

// drains are the domains outside to which the mailbox's mail is sent.
func (q *inquiry) drains() map[string]bool {
	out := map[string]bool{}
	for _, f := range q.findings {
		if f.Class == "MAILBOX_FORWARDING" {
			if a := smtp(f.entity); a != "" && q.external(a) {
				out[domainOf(a)] = true
			}
		}
	}
	for _, r := range q.rules() {
		for _, t := range r.to {
			if a := q.resolve(t); q.external(a) {
				out[domainOf(a)] = true
			}
		}
	}
	return out
}

func domainOr(s string) string {
	if d := domainOf(s); d != "" {
		return d
	}
	return strings.TrimPrefix(s, "@")
}

// securitySender tells an address from which warnings come.
func securitySender(s string) bool {
	return holds(strings.NewReplacer("-", " ", "_", " ", ".", " ", "@", " ").Replace(s), []string{"bank", "security", "alert", "alerts", "account security", "fraud", "postmaster", "mailer daemon", "phishing", "abuse"})
}

// findReplies looks at automatic replies that were bent to lure or to stall.
func (q *inquiry) findReplies() {
	acts := q.opsOf("Set-MailboxAutoReplyConfiguration")
	for _, r := range q.state["autoReplyConfiguration"] {
		if state := r.o.str("AutoReplyState", "status"); state == "" || strings.EqualFold(state, "disabled") {
			continue
		}
		text := r.o.str("ExternalMessage", "externalReplyMessage") + " " + r.o.str("InternalMessage", "internalReplyMessage")
		f := q.found("AUTOREPLY_ABUSE", "autoreply", bec.High)
		f.refs, f.artefact, f.alive, f.entity = []ref{r.ref()}, true, true, q.f.User.ID
		q.actedBy(f, acts)
		lure := holds(text, words().AutoReply)
		switch {
		case f.Attribution.Value == bec.ByAttacker:
			f.Why = "It was set in the attacker's context."
		case lure && holds(text, words().PaymentChange):
			f.Severity, f.Why = bec.Medium, "It speaks of changed payment details, which no absence needs."
		default:
			return // a holiday
		}
		f.Title = "The automatic reply may be a lure"
		f.Remediation = []bec.Remediation{{Action: "restoreAutoReply", TargetID: q.f.User.ID, Reversible: true, NeedsApproval: true}}
		q.report(f)
	}
}
