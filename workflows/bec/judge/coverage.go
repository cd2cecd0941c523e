package judge

import (
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// mandatory are the sources without which «no evidence found» may not be said. The audit log's sign-ins stand in for the sign-in log.
var mandatory = []string{bec.SignInsInteractive, bec.SignInsNonInteractive, bec.AuthMethods, bec.DirectoryAudits, bec.Devices, bec.MobileDevices, bec.Grants, bec.InboxRules, bec.HiddenRules, bec.SweepRules, bec.UAL,
	bec.Forwarding, bec.Delegates, bec.FolderPermissions, bec.MailItemsAccessed, bec.MessageTrace, bec.SharingLinks, bec.AuditConfig, bec.OtherAccounts}

func (q *inquiry) cover(source string) *bec.Coverage {
	if i, ok := q.covered[source]; ok {
		return &q.coverage[i]
	}
	return &bec.Coverage{Source: source, Status: bec.NotRequested}
}

// complete tells a source that was read whole, or that does not exist for this user.
func (q *inquiry) complete(source string) bool {
	s := q.cover(source).Status
	return s == bec.ReadWhole || s == bec.NotApplicable
}

// wasRead tells a source that showed at least a part.
func (q *inquiry) wasRead(source string) bool {
	s := q.cover(source).Status
	return s == bec.ReadWhole || s == bec.ReadPartly
}

// absent tells a source that cannot hold anything: the tenant has no licence for it, or it does not apply.
func (q *inquiry) absent(source string) bool {
	c := q.cover(source)
	return q.complete(source) || c.Status == bec.Unavailable && (c.Reason == bec.NoLicence || c.Reason == bec.NotEnabled)
}

// entraLag is how late the audit log shows what the directory did, beyond the lag of its other records.
const entraLag = 24 * time.Hour

// settle corrects what the collector said of the sources by what they show of each other: a log is dead where another
// one holds what it should hold too, absent where nothing does, and blind while auditing was off.
func (q *inquiry) settle() {
	q.settleLag()
	q.settleAuditing()
	if q.quiet(bec.UALLogons) || q.cover(bec.UALLogons).Reason == bec.CanaryAbsent {
		proof := false
		c := q.cover(bec.UALLogons)
		for _, e := range append(slices.Clone(q.events), q.others...) {
			if e.sign != nil && e.ok && inside(c, e.at) {
				proof = true
				break
			}
		}
		if proof {
			q.dead(bec.UALLogons)
		}
	}
	if q.quiet(bec.UAL) || q.cover(bec.UAL).Reason == bec.CanaryAbsent {
		c := q.cover(bec.UAL)
		proof := slices.ContainsFunc(q.events, func(e *event) bool {
			return e.source == bec.DirectoryAudits && inside(c, e.at) && inside(c, e.at.Add(entraLag))
		}) ||
			slices.ContainsFunc(q.f.OwnActs, func(a bec.OwnAct) bool { return inside(c, a.At) && q.exchangeAct(a) })
		if proof {
			q.dead(bec.UAL)
		}
	}
	if q.quiet(bec.DirectoryAudits) {
		c := q.cover(bec.DirectoryAudits)
		proof := slices.ContainsFunc(q.events, func(e *event) bool {
			return e.source != bec.DirectoryAudits && e.params != nil && methodOp(e.op) != "" && inside(c, e.at)
		})
		if proof {
			q.dead(bec.DirectoryAudits)
		}
	}
}

func (q *inquiry) exchangeAct(a bec.OwnAct) bool {
	list := ownOps[strings.ToLower(strings.ReplaceAll(a.Action, "_", ""))]
	return slices.ContainsFunc(list, func(w string) bool {
		return strings.Contains(w, "rule") || strings.Contains(w, "mailbox") || strings.Contains(w, "permission")
	})
}

// quiet tells a log that was read whole and showed nothing at all.
func (q *inquiry) quiet(source string) bool {
	return q.cover(source).Status == bec.ReadWhole && !q.alive[source]
}

// inside tells a time that a log must reach: after its beginning and before its lag.
func inside(c *bec.Coverage, at time.Time) bool {
	return (c.From == nil || !at.Before(*c.From)) && (c.AsOf == nil || !at.After(*c.AsOf)) && !at.IsZero()
}

// dead marks a log that holds nothing of what another source proves. That a log is only quiet the collector says, which
// looked for a record of anybody.
func (q *inquiry) dead(source string) {
	c := q.cover(source)
	c.Status, c.Reason, c.Detail = bec.Unavailable, bec.CanaryDead, "another source shows what this log should hold, and it holds nothing"
}

// settleLag gives sources their lags, and an asOf where the collector left it out.
func (q *inquiry) settleLag() {
	for i := range q.coverage {
		c := &q.coverage[i]
		if c.Lag == "" {
			c.Lag = catalogue().Lags[c.Source]
		}
	}
}

// settleAuditing draws the intervals in which the audit log was off, or overlooked the user.
func (q *inquiry) settleAuditing() {
	logs := []string{bec.UAL, bec.UALLogons, bec.MailItemsAccessed}
	for _, r := range q.state["adminAuditLogConfig"] {
		if r.o.has("UnifiedAuditLogIngestionEnabled") && !r.o.flag("UnifiedAuditLogIngestionEnabled") {
			for _, s := range logs {
				c := q.cover(s)
				if c.Status == bec.ReadWhole {
					c.Status = bec.ReadPartly
				}
				if c.Reason == "" || c.Reason == bec.CanaryAbsent || c.Status == bec.Unavailable && c.Reason == bec.ReadError { // a search of a log that is off is refused
					c.Reason = bec.AuditOff
				}
				q.offNow = true
			}
		}
	}
	var off time.Time
	for _, e := range q.sortedConfig() {
		switch {
		case switchesOff(e):
			if off.IsZero() {
				off = e.at
			}
		case !off.IsZero():
			q.gap(off, e.at, reasonOf(e))
			off = time.Time{}
		}
	}
	if !off.IsZero() {
		q.gap(off, q.now, bec.AuditOff)
	}
	for _, r := range q.state["mailboxAuditBypass"] {
		if r.o.flag("AuditBypassEnabled") && (q.user(r.o.str("UserPrincipalName")) || q.user(r.o.str("Identity", "Name")) || q.user(r.o.str("ExternalDirectoryObjectId"))) {
			for _, s := range []string{bec.UAL, bec.MailItemsAccessed} {
				if c := q.cover(s); c.Status == bec.ReadWhole {
					c.Status, c.Reason, c.Detail = bec.ReadPartly, bec.AuditBypass, "an audit bypass is set for this account"
				}
			}
		}
	}
}

// sortedConfig are the switches of auditing in the order of time.
func (q *inquiry) sortedConfig() []*event {
	list := those(q.events, func(e *event) bool {
		c := ""
		if e.params != nil {
			c = tenantClass(e)
		}
		return e.ok && (c == "AUDIT_TAMPER" && (e.op != "Set-Mailbox" || e.mine) || c == "MAILBOX_AUDIT_BYPASS")
	})
	sortEvents(list)
	return list
}

func reasonOf(e *event) bec.Reason {
	if strings.EqualFold(e.op, "Set-MailboxAuditBypassAssociation") {
		return bec.AuditBypass
	}
	return bec.AuditOff
}

func (q *inquiry) gap(from, to time.Time, why bec.Reason) {
	for _, s := range []string{bec.UAL, bec.UALLogons, bec.MailItemsAccessed} {
		c := q.cover(s)
		if c.Status != bec.ReadWhole && c.Status != bec.ReadPartly {
			continue
		}
		if c.Status == bec.ReadWhole {
			c.Status, c.Reason = bec.ReadPartly, why
		}
		if !slices.ContainsFunc(c.Gaps, func(g bec.Gap) bool { return !g.From.After(from) && !g.To.Before(to) }) {
			c.Gaps = append(c.Gaps, bec.Gap{From: from, To: to, Reason: why})
		}
	}
}

// asOf is the earliest of the mandatory sources that count.
func (q *inquiry) asOf() time.Time {
	var out time.Time
	for _, s := range mandatory {
		c := q.cover(s)
		if c.AsOf == nil || !q.wasRead(s) {
			continue
		}
		if out.IsZero() || c.AsOf.Before(out) {
			out = *c.AsOf
		}
	}
	return out.UTC()
}

// findGaps reports a mandatory source that stayed dark where it should not.
func (q *inquiry) findGaps() {
	for _, s := range mandatory {
		c := q.cover(s)
		if c.Reason != bec.CanaryDead && len(c.Gaps) == 0 {
			continue
		}
		r := q.proof(s)
		if r.id == "" {
			continue
		}
		f := q.found("COVERAGE_GAP", "gap:"+s, bec.Low)
		f.Title, f.Why = "The source "+s+" does not show what it should", or(c.Reason == bec.CanaryDead, "Another source proves events that it does not hold.", "It was blind for a time.")
		f.refs = []ref{r}
		f.Status = "historic"
		f.Attribution.Reason = "a gap is nobody's act by itself"
		q.report(f)
	}
}

// proof is a record of another source that shows the gap.
func (q *inquiry) proof(source string) ref {
	for _, e := range q.events {
		if e.source != source && (e.sign != nil || e.source == bec.DirectoryAudits || e.params != nil && switchesOff(e)) {
			return e.ref()
		}
	}
	return ref{}
}
