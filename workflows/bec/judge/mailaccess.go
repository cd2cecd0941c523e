package judge

import (
	"strings"

	"cipp-mcp/workflows/bec"
)

// findReads says which mail the attacker read, or that it cannot be bounded.
func (q *inquiry) findReads() {
	var binds, syncs, throttled []*event
	for _, e := range q.events {
		if e.op != "MailItemsAccessed" || !e.mine || e.who == bec.ByTool {
			continue
		}
		if e.params["throttled"] == "true" && q.attackSeen() {
			throttled = append(throttled, e)
		}
		if e.who != bec.ByAttacker {
			continue
		}
		if strings.HasPrefix(e.params["access"], "sync") {
			syncs = append(syncs, e)
		} else {
			binds = append(binds, e)
		}
	}
	if len(binds) > 0 {
		n := 0
		for _, e := range binds {
			n += e.n
		}
		f := q.found("MAIL_READ", "read", bec.High)
		f.Title, f.Why, f.Status = "Messages were read in the attacker's context", itoa(n)+" records list the messages that were opened one by one.", "historic"
		q.actedBy(f, binds)
		f.depends = []string{bec.MailItemsAccessed}
		q.report(f)
	}
	if len(syncs) > 0 {
		f := q.found("MAIL_READ", "sync", bec.High)
		f.Title, f.Why, f.Status = "Whole folders were synchronised in the attacker's context", "A synchronisation names no messages: everything in the folder has to be taken as read.", "historic"
		q.actedBy(f, syncs)
		f.unbounded = true
		q.report(f)
	}
	if len(throttled) > 0 {
		f := q.found("MAIL_READ_UNBOUNDED", "throttled", bec.High)
		f.Title, f.Why, f.Status = "The record of what was read is incomplete", "More than a thousand messages were opened within a day, and Exchange stopped recording: everything has to be taken as read.", "historic"
		q.actedBy(f, throttled)
		f.unbounded = true
		q.report(f)
	}
	for _, e := range q.events {
		if e.mine && !e.dropped && e.who == bec.ByAttacker {
			switch e.op {
			case "SearchQueryInitiatedExchange":
				if w := which(e.params["querytext"], words().Search); w != "" || strings.Contains(strings.ToLower(e.params["querytext"]), "from:") {
					q.oneAct("MAIL_SEARCH", e, bec.High, "The mailbox was searched for "+fence(e.params["querytext"])+" in the attacker's context", "The words are those of money, credentials or the people who decide.")
				}
			case "SearchQueryInitiatedSharePoint", "SearchQueryPerformed":
				text := or(e.params["searchquerytext"] != "", e.params["searchquerytext"], e.params["querytext"])
				if holds(text, words().Search) {
					q.oneAct("FILES_SENSITIVE_SEARCH", e, bec.High, "Files were searched for "+fence(text)+" in the attacker's context", "The words are those of money or credentials.")
				}
			}
		}
	}
}

// findDeletions says what was deleted so that the user would not see it.
func (q *inquiry) findDeletions() {
	var telling, plain []*event
	for _, e := range q.events {
		if !deleteOps[e.op] || !e.mine || e.who != bec.ByAttacker {
			continue
		}
		if e.item != nil && len(e.item.subjects) > 0 {
			telling = append(telling, e)
		} else {
			plain = append(plain, e)
		}
	}
	if len(telling) > 0 {
		var subjects []string
		for _, e := range telling {
			subjects = append(subjects, e.item.subjects...)
		}
		f := q.found("MAIL_EVIDENCE_DESTROYED", "evidence", bec.High)
		f.Title, f.Why, f.Status = "Warnings were deleted in the attacker's context", "Among the subjects: "+fences(subjects)+".", "historic"
		q.actedBy(f, telling)
		q.report(f)
	}
	if len(plain) > 0 {
		n := 0
		for _, e := range plain {
			n += max(e.n, 1)
		}
		f := q.found("MAIL_DELETED", "deleted", bec.Medium)
		f.Title, f.Why, f.Status = "Mail was deleted in the attacker's context", itoa(n)+" records of deletion. Recoverable items are kept for 14 to 30 days.", "historic"
		q.actedBy(f, plain)
		q.report(f)
	}
}
