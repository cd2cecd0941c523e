package judge

import (
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// parties is with whom the mailbox exchanges mail, by address and by domain.
type parties struct{ in, out, money map[string]bool }

func (q *inquiry) parties() *parties {
	if q.with != nil {
		return q.with
	}
	p := &parties{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	money := map[string]bool{}
	for i := range q.trace {
		m := &q.trace[i]
		about, seen := money[m.subject]
		if !seen {
			about = holds(m.subject, words().Finance)
			money[m.subject] = about
		}
		side, who := p.in, m.from
		if m.out {
			side, who = p.out, m.to
		}
		for _, k := range []string{who, domainOf(who)} {
			side[k] = true
			if about {
				p.money[k] = true
			}
		}
	}
	q.with = p
	return p
}

// counterparty tells an address, or a domain, with which the user exchanged mail in both directions.
func (q *inquiry) counterparty(s string) bool {
	s = strings.ToLower(strings.TrimPrefix(s, "@"))
	p := q.parties()
	return s != "" && p.in[s] && p.out[s]
}

// fromCounterparty tells senders with whom the user deals in money.
func (q *inquiry) fromCounterparty(list []string) bool {
	for _, s := range list {
		a := smtp(s)
		if a == "" {
			a = strings.ToLower(strings.TrimPrefix(s, "@"))
		}
		if strings.Contains(a, ".") && !q.internal(domainOr(a)) && q.parties().money[a] {
			return true
		}
	}
	return false
}

// lookalike is the real domain that a domain imitates, or nothing.
func (q *inquiry) lookalike(domain string) string {
	if domain == "" || q.internal(domain) || q.trusted[domain] || q.counterparty(domain) {
		return ""
	}
	if like, ok := q.likes[domain]; ok {
		return like
	}
	like := ""
	for _, real := range q.knownDomains() {
		if real != domain && imitates(domain, real) {
			like = real
			break
		}
	}
	q.likes[domain] = like
	return like
}

// knownDomains are the tenant's and those of its counterparties.
func (q *inquiry) knownDomains() []string {
	if q.real != nil {
		return q.real
	}
	q.real = []string{}
	for d := range q.own {
		if !strings.HasSuffix(d, ".onmicrosoft.com") {
			q.real = append(q.real, d)
		}
	}
	sent := map[string]int{}
	got := map[string]bool{}
	for i := range q.trace {
		if m := &q.trace[i]; m.out {
			sent[domainOf(m.to)]++
		} else {
			got[domainOf(m.from)] = true
		}
	}
	for d := range sent {
		if d != "" && got[d] && !slices.Contains(q.real, d) {
			q.real = append(q.real, d)
		}
	}
	slices.Sort(q.real)
	return q.real
}

// imitates tells a domain that a reader takes for another: letters that look alike, one letter more, less or changed,
// the same name under another end, or the name with a word added.
func imitates(domain, real string) bool {
	a, ta := stem(domain)
	b, tb := stem(real)
	if len(b) < 5 || a == "" {
		return false
	}
	if a == b {
		return ta != tb
	}
	if skeleton(a) == skeleton(b) {
		return true
	}
	if len(b) >= 6 && edits(a, b) == 1 {
		return true
	}
	for _, w := range []string{"secure", "security", "login", "mail", "billing", "invoice", "payments", "pay", "accounts", "support", "portal", "inc", "llc", "ltd", "gmbh", "group", "online"} {
		if a == b+"-"+w || a == w+"-"+b || a == b+w || a == w+b {
			return true
		}
	}
	return len(b) >= 8 && edits(a, b) == 2 && a[0] == b[0] && len(a) == len(b)
}

func stem(domain string) (name, end string) {
	i := strings.IndexByte(domain, '.')
	if i < 0 {
		return domain, ""
	}
	return domain[:i], domain[i:]
}

func skeleton(s string) string {
	return strings.NewReplacer("rn", "m", "vv", "w", "cl", "d", "-", "").Replace(unmask(s))
}

// edits is the number of letters to change, add, drop or swap.
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) > 2 || len(y)-len(x) > 2 {
		return 3
	}
	prev2, prev, cur := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(x); i++ {
		cur[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(y)]
}

// findLures looks at what came in: the mail before the first attacker event, and domains that imitate real ones.
func (q *inquiry) findLures() {
	firstBad := time.Time{}
	for _, e := range q.events {
		if e.who == bec.ByAttacker {
			firstBad = e.at
			break
		}
	}
	domains := map[string][]*mail{}
	var order []string
	var lures []*mail
	for i := range q.trace {
		m := &q.trace[i]
		if m.out {
			continue
		}
		d := domainOf(m.from)
		if q.lookalike(d) != "" {
			if domains[d] == nil {
				order = append(order, d)
			}
			domains[d] = append(domains[d], m)
		}
		if !firstBad.IsZero() && !q.internal(d) && m.at.Before(firstBad) && firstBad.Sub(m.at) <= time.Hour && !q.counterparty(m.from) && !strings.HasPrefix(strings.ToLower(m.subject), "re:") {
			lures = append(lures, m)
		}
	}
	if len(lures) > 0 {
		m := lures[len(lures)-1]
		f := q.found("INBOUND_LURE", "lure:"+m.from, bec.Medium)
		f.Title, f.Why, f.Status = "A mail came shortly before the attacker did", "The sender is not one the user writes with. It may be how the attacker got in.", "historic"
		f.Confidence = bec.LowConfidence
		q.inbound(f, lures)
		q.report(f)
	}
	for _, d := range order {
		list := domains[d]
		money := those2(list, func(m *mail) bool { return holds(m.subject, words().Finance) })
		real := q.lookalike(d)
		a, _ := stem(d)
		b, _ := stem(real)
		if a == b && !slices.ContainsFunc(list, func(m *mail) bool { return holds(m.subject, words().PaymentChange) }) {
			continue // the same firm in another country
		}
		f := q.found("LOOKALIKE_DOMAIN", "lookalike:"+d, or(len(money) > 0, bec.High, or(q.internal(real), bec.Medium, bec.Low)))
		f.Title = "Mail came from " + fence(d) + ", which imitates " + fence(real)
		f.Why = or(len(money) > 0, "It speaks of money: somebody takes the place of a counterparty.", "Nothing says that the account itself was touched by it.")
		f.Status = "historic"
		q.inbound(f, list)
		q.report(f)
	}
}

func (q *inquiry) inbound(f *finding, list []*mail) {
	f.Attribution = bec.Attribution{Value: bec.Ambiguous, Reason: "the sender is outside"}
	for _, m := range list {
		f.refs = append(f.refs, m.ref())
		f.fields[m.ref()] = mailFields(m)
		q.widen(f, m.at)
	}
}

// sentIDs are the messages that the log of sending knows.
func (q *inquiry) sentIDs() map[uint64]bool {
	out := map[uint64]bool{}
	for _, e := range q.events {
		if sendOp(e.op) && e.item != nil {
			for _, id := range e.item.msgs {
				out[id] = true
			}
		}
	}
	return out
}

// spoofed tells mail that only bears the user's address: it came in from a strange address to a colleague, and no
// record shows that the mailbox sent it.
func (q *inquiry) spoofed(m *mail, sent map[uint64]bool) bool {
	return m.out && q.internal(domainOf(m.to)) && m.ip.IsValid() && !ofMicrosoft(m.ip) && q.base.testable && !q.base.net[near(m.ip, true)] && !q.base.net[near(m.ip, false)] && !q.fromAttacker(m.ip, m.at) && !sent[m.msg] && q.complete(bec.UAL)
}

// findSpoofs reports mail that others sent in the user's name.
func (q *inquiry) findSpoofs() {
	sent := q.sentIDs()
	var list []*mail
	money := false
	for i := range q.trace {
		m := &q.trace[i]
		if q.spoofed(m, sent) {
			list = append(list, m)
			money = money || holds(m.subject, words().Finance) || holds(m.subject, words().PaymentChange)
		}
	}
	if len(list) == 0 {
		return
	}
	f := q.found("INBOUND_LURE", "spoof", or(money, bec.Medium, bec.Low))
	f.Title, f.Why, f.Status = "Mail bears the user's address and was not sent from the mailbox", "It came from outside, and the log of sending does not know it: the address was forged.", "historic"
	q.inbound(f, list)
	q.report(f)
}
