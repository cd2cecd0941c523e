package judge

import (
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

var passwordOps = set("change user password", "change password (self-service)", "reset password (self-service)", "reset password (by admin)", "reset user password", "change password", "reset password")

// findPasswords is the password as the attacker's or anybody's doing.
func (q *inquiry) findPasswords() {
	var unexplained []*event
	for _, e := range q.events {
		if !e.mine || e.dropped || !e.ok || e.who == bec.ByTool {
			continue
		}
		op := strings.ToLower(e.op)
		switch {
		case passwordOps[op]:
			self := strings.Contains(op, "self-service") || e.by == byUser
			c := q.context(e)
			switch {
			case e.who == bec.ByAttacker:
				q.oneAct("AUTH_PASSWORD_CHANGED", e, bec.High, "The password was changed in the attacker's context", "Whoever changed it knows it.")
			case self && c.strange() && (c.anon || c.newLand || q.methodBefore(e.at)):
				f := q.found("AUTH_PASSWORD_CHANGED", "password:"+e.id, q.weigh(bec.High))
				f.Title, f.Why, f.Status = "The password was reset from a network that is not the user's", "Self-service reset needs only the registered methods.", "historic"
				f.BenignTested = q.placeTests(e)
				q.actedBy(f, []*event{e})
				q.report(f)
			case e.who == bec.Ambiguous:
				unexplained = append(unexplained, e)
			}
		case strings.Contains(op, "app password") || strings.Contains(op, "application password"):
			if strings.HasPrefix(op, "delete") {
				continue
			}
			sev := bec.Medium
			if e.who == bec.ByAttacker || q.inWindow(e.at) {
				sev = bec.High
			}
			if e.who == bec.ByUser {
				sev = bec.Low
			}
			q.oneAct("AUTH_APP_PASSWORD", e, sev, "An app password was created", "App passwords skip the second factor and survive a password reset.")
		}
	}
	if len(unexplained) >= 3 && within(unexplained, 3, 7*24*time.Hour) {
		f := q.found("AUTH_PASSWORD_CHANGED", "password:often", bec.Medium)
		f.Title, f.Why, f.Status = "The password was changed several times within days", "Microsoft counts frequent changes without reason among the signs of a takeover.", "historic"
		q.actedBy(f, unexplained)
		q.report(f)
	}
}

// methodBefore tells whether a method was added shortly before.
func (q *inquiry) methodBefore(t time.Time) bool {
	return slices.ContainsFunc(q.events, func(e *event) bool {
		return e.mine && methodOp(e.op) == "added" && e.who != bec.ByUser && t.After(e.at) && t.Sub(e.at) <= 48*time.Hour
	})
}
