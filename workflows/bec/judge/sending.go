package judge

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

func sendOp(op string) bool { return op == "Send" || op == "SendAs" || op == "SendOnBehalf" }

// fromAttacker tells mail that was submitted from the attacker's address about then.
func (q *inquiry) fromAttacker(ip netip.Addr, at time.Time) bool {
	for _, t := range q.badIPs[ip.String()] {
		if at.Sub(t).Abs() <= 24*time.Hour {
			return true
		}
	}
	return false
}

// findSending looks at what left the mailbox: by the log of sending, and by the trace.
func (q *inquiry) findSending() {
	sent := those(q.events, func(e *event) bool { return sendOp(e.op) && e.mine && !e.dropped && e.ok && e.who == bec.ByAttacker })
	ids := map[uint64]*event{}
	for _, e := range sent {
		if e.item != nil {
			for _, id := range e.item.msgs {
				ids[id] = e
			}
		}
	}
	var hot []*mail
	for i := range q.trace {
		m := &q.trace[i]
		if m.out && (q.fromAttacker(m.ip, m.at) || m.msg != 0 && ids[m.msg] != nil || !m.ip.IsValid() && sentThen(sent, m)) {
			hot = append(hot, m)
		}
	}
	q.hot = hot
	if len(sent) > 0 || len(hot) > 0 {
		f := q.found("MAIL_SENT_BY_ATTACKER", "sent", bec.Critical)
		f.Title, f.Status = "Mail was sent in the attacker's context", "historic"
		f.Why = itoa(records(sent)) + " records of sending and " + itoa(len(hot)) + " lines of the message trace."
		q.actedBy(f, sent)
		q.mailBy(f, hot)
		f.depends = []string{bec.UAL, bec.MessageTrace}
		q.report(f)
	}
	q.findFraud(sent, hot)
	q.findBurst(sent, hot)
}

// sentThen tells a line of the trace without an address whose subject and minute are those of an attacker's record.
func sentThen(sent []*event, m *mail) bool {
	return slices.ContainsFunc(sent, func(e *event) bool {
		return e.item != nil && m.subject != "" && m.at.Sub(e.at).Abs() <= 2*time.Minute && slices.Contains(e.item.subjects, m.subject)
	})
}

// records is how many records of the log a list of events stands for.
func records(list []*event) int {
	n := 0
	for _, e := range list {
		n += max(e.n, 1)
	}
	return n
}

// mailBy gives a finding lines of the trace from the attacker's address.
func (q *inquiry) mailBy(f *finding, list []*mail) {
	if len(list) == 0 {
		return
	}
	f.Attribution.Value = bec.ByAttacker
	if f.Attribution.Reason == "" || len(f.events) == 0 {
		f.Attribution.Reason = "it left from the attacker's address, or is a message of a record held to be the attacker's"
	}
	for _, m := range list {
		f.refs = append(f.refs, m.ref())
		f.fields[m.ref()] = mailFields(m)
		if id := "ip:" + m.ip.String(); m.ip.IsValid() && q.fromAttacker(m.ip, m.at) && !slices.Contains(f.Attribution.EntityIDs, id) {
			f.Attribution.EntityIDs = append(f.Attribution.EntityIDs, id)
		}
		q.widen(f, m.at)
	}
}

func (q *inquiry) widen(f *finding, at time.Time) {
	if at.IsZero() {
		return
	}
	if f.FirstSeen == nil || at.Before(*f.FirstSeen) {
		f.FirstSeen = ptr(at)
	}
	if f.LastSeen == nil || at.After(*f.LastSeen) {
		f.LastSeen = ptr(at)
	}
}

func mailFields(m *mail) map[string]string {
	out := map[string]string{"sender": clean(m.from, longestField), "recipient": clean(m.to, longestField), "subject": m.subject}
	if m.ip.IsValid() {
		out["fromIP"] = m.ip.String()
	}
	return out
}

// findFraud is mail that asks to pay elsewhere.
func (q *inquiry) findFraud(sent []*event, hot []*mail) {
	var acts []*event
	for _, e := range sent {
		if e.item != nil && slices.ContainsFunc(e.item.subjects, func(s string) bool { return holds(s, words().PaymentChange) }) {
			acts = append(acts, e)
		}
	}
	var list []*mail
	for _, m := range hot {
		if holds(m.subject, words().PaymentChange) {
			list = append(list, m)
		}
	}
	if len(acts) == 0 && len(list) == 0 {
		q.findOddPayments()
		return
	}
	f := q.found("MAIL_PAYMENT_FRAUD", "fraud", bec.Critical)
	f.Title, f.Why, f.Status = "Changed payment details were announced in the attacker's context", "Whoever received it may be about to pay to the attacker. The bank's recall works best within 24 to 72 hours.", "historic"
	q.actedBy(f, acts)
	q.mailBy(f, list)
	q.report(f)
}

// findOddPayments is mail about changed payment details from a strange place that nothing else ties to an attacker.
func (q *inquiry) findOddPayments() {
	var acts []*event
	for _, e := range q.events {
		if sendOp(e.op) && e.mine && e.who != bec.ByUser && e.who != bec.ByTool && e.item != nil && slices.ContainsFunc(e.item.subjects, func(s string) bool { return holds(s, words().PaymentChange) }) && q.context(e).hostile() {
			acts = append(acts, e)
		}
	}
	if len(acts) == 0 {
		return
	}
	f := q.found("MAIL_PAYMENT_FRAUD", "fraud", bec.High)
	f.Title, f.Why, f.Status = "Changed payment details were announced from a strange place", "Nothing else ties it to an attacker. Ask whether the user wrote it.", "historic"
	f.BenignTested = q.placeTests(acts[0])
	q.actedBy(f, acts)
	q.report(f)
}

// seedFraud seeds the sending of changed payment details to many at once from a strange place.
func (q *inquiry) seedFraud(seed func(*event, string)) {
	for _, e := range q.events {
		if !sendOp(e.op) || !e.mine || e.who != "" || e.item == nil || !q.farAway(e) {
			continue
		}
		if slices.ContainsFunc(e.item.subjects, func(s string) bool { return holds(s, words().PaymentChange) }) {
			seed(e, "it announced changed payment details from a place that is not the user's")
		}
	}
	for i := range q.trace {
		m := &q.trace[i]
		if !m.out || q.internal(domainOf(m.to)) || !m.ip.IsValid() || !holds(m.subject, words().PaymentChange) {
			continue
		}
		e := &event{at: m.at, source: bec.MessageTrace, id: m.id, op: "Send", ip: m.ip, place: q.where(m.ip, 0, ""), mine: true, by: byUser}
		if q.farAway(e) {
			seed(e, "changed payment details were sent from a place that is not the user's")
		}
	}
}

// findBurst is one message to many, or many messages in minutes.
func (q *inquiry) findBurst(sent []*event, hot []*mail) {
	ids := q.sentIDs()
	var out []*mail
	for i := range q.trace {
		if q.trace[i].out && !q.spoofed(&q.trace[i], ids) {
			out = append(out, &q.trace[i])
		}
	}
	slices.SortFunc(out, func(a, b *mail) int { return cmp.Or(a.at.Compare(b.at), strings.Compare(a.id, b.id)) })
	limit := max(10, 5*q.medianHour(out))
	from, most, blast := 0, 0, []*mail(nil)
	for i, m := range out {
		for m.at.Sub(out[from].at) > 10*time.Minute {
			from++
		}
		if i-from+1 < limit {
			continue
		}
		external, internal := map[string]bool{}, map[string]bool{}
		subjects := map[string]map[string]bool{}
		for _, x := range out[from : i+1] {
			if q.internal(domainOf(x.to)) {
				internal[x.to] = true
			} else {
				external[x.to] = true
			}
			if subjects[x.subject] == nil {
				subjects[x.subject] = map[string]bool{}
			}
			subjects[x.subject][x.to] = true
		}
		n := len(external)
		for _, who := range subjects {
			if len(who) >= 20 {
				n = max(n, len(who), limit)
			}
		}
		if n >= limit && n > most {
			most, blast = n, slices.Clone(out[from:i+1])
		}
	}
	if most == 0 {
		return
	}
	q.reportBurst(blast, most, hot, sent)
}

func (q *inquiry) reportBurst(blast []*mail, most int, hot []*mail, sent []*event) {
	f := q.found("MAIL_BURST", "burst", bec.High)
	f.Title, f.Status = "Many were written to within minutes", "historic"
	f.Why = itoa(most) + " recipients in ten minutes, far above what is usual for this mailbox."
	theirs := 0
	strangers, usual := 0, 0
	for _, m := range blast {
		f.refs = append(f.refs, m.ref())
		q.widen(f, m.at)
		switch {
		case slices.Contains(hot, m):
			theirs++
		case !m.ip.IsValid():
		case q.base.net[near(m.ip, false)] || ofMicrosoft(m.ip):
			usual++
		default:
			q.where(m.ip, 0, "")
			strangers++
		}
	}
	switch {
	case theirs > 0:
		q.mailBy(f, those2(blast, func(m *mail) bool { return slices.Contains(hot, m) }))
		f.Confidence = bec.HighConfidence
	case usual > 0 && strangers == 0:
		return // a mailing from the usual place and client
	case strangers == 0 && q.sentAsUsual(blast):
		return
	default:
		if !q.base.testable || !slices.ContainsFunc(blast, func(m *mail) bool {
			p := q.places[m.ip.String()]
			return p != nil && p.anonymous() && !p.service && !q.base.asn[p.asn]
		}) {
			f.Severity = bec.Medium
		}
		f.BenignTested = []bec.BenignTest{result("bulkMailFromUsualPlace", false, q.complete(bec.UAL) || strangers > 0, "", "the trace does not show a usual address")}
		f.untested = !q.complete(bec.UAL)
	}
	_ = sent
	q.report(f)
	q.internalPhish(blast, theirs > 0)
}

func those2(list []*mail, keep func(*mail) bool) []*mail {
	var out []*mail
	for _, m := range list {
		if keep(m) {
			out = append(out, m)
		}
	}
	return out
}

// sentAsUsual tells whether the log of sending shows the user's own client at work about then.
func (q *inquiry) sentAsUsual(blast []*mail) bool {
	return slices.ContainsFunc(q.events, func(e *event) bool {
		return sendOp(e.op) && e.mine && e.who == bec.ByUser && !e.at.Before(blast[0].at.Add(-15*time.Minute)) && !e.at.After(blast[len(blast)-1].at.Add(15*time.Minute))
	})
}

func (q *inquiry) internalPhish(blast []*mail, theirs bool) {
	to := map[string]bool{}
	for _, m := range blast {
		if q.internal(domainOf(m.to)) && !q.user(m.to) {
			to[m.to] = true
		}
	}
	if !theirs || len(to) < 5 {
		return
	}
	f := q.found("MAIL_INTERNAL_PHISH", "internal", bec.High)
	f.Title, f.Why, f.Status = "Colleagues were written to in the attacker's context", itoa(len(to))+" colleagues received it; some may have followed it.", "historic"
	q.mailBy(f, those2(blast, func(m *mail) bool { return to[m.to] }))
	q.report(f)
}

// medianHour is how many recipients the mailbox writes to in a usual hour in which it writes at all.
func (q *inquiry) medianHour(out []*mail) int {
	hours := map[int64]map[string]bool{}
	for _, m := range out {
		if !q.start.IsZero() && m.at.After(q.start.Add(-before)) {
			continue
		}
		h := m.at.Unix() / 3600
		if hours[h] == nil {
			hours[h] = map[string]bool{}
		}
		hours[h][m.to] = true
	}
	if len(hours) < 5 {
		return 0
	}
	var n []int
	for _, who := range hours {
		n = append(n, len(who))
	}
	slices.Sort(n)
	return n[len(n)/2]
}
