package judge

import (
	"net/netip"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// pattern is a shape that several sign-ins make together. One that no harmless course of things makes is a seed of
// attribution.
type pattern struct {
	class  string
	sev    bec.Severity
	conf   bec.Confidence
	title  string
	why    string
	events []*event // those it holds to be the attacker's
	tests  []bec.BenignTest
	seed   bool
}

func toolOf(e *event) string {
	t, _ := strings.CutPrefix(e.family, "tool:")
	if t == e.family {
		return ""
	}
	return t
}

func deviceCode(e *event) bool {
	return e.sign != nil && (strings.EqualFold(e.sign.protocol, "deviceCode") || strings.EqualFold(e.sign.transfer, "deviceCodeFlow") || strings.EqualFold(e.sign.transfer, "authenticationTransfer"))
}

// legacy tells a protocol that takes a password and nothing else.
func legacy(e *event) bool {
	if strings.HasPrefix(strings.ToUpper(e.agent), "BAV2ROPC") {
		return true
	}
	if e.sign == nil {
		return false
	}
	if strings.EqualFold(e.sign.protocol, "ropc") {
		return true
	}
	if strings.EqualFold(e.sign.protocol, "oAuth2") {
		return false // a modern client on an old protocol
	}
	return containsFold(catalogue().LegacyClients, e.sign.client) && !strings.EqualFold(e.sign.requirement, "multiFactorAuthentication")
}

var interrupts = map[int]bool{50074: true, 50076: true, 50140: true, 50158: true}

// match finds the patterns among the user's sign-ins.
func (q *inquiry) match() {
	bySession := map[string][]*event{}
	byIP := map[netip.Addr][]*event{}
	var all []*event
	for _, e := range q.events {
		if !e.mine || e.dropped || e.who == bec.ByTool || e.sign == nil && !logon(e.op) {
			continue
		}
		all = append(all, e)
		if e.session != "" && e.ok {
			bySession[e.session] = append(bySession[e.session], e)
		}
		byIP[e.ip] = append(byIP[e.ip], e)
	}
	for _, ip := range keysInOrder(all) {
		q.matchProxy(byIP[ip])
		q.matchGuessing(byIP[ip])
	}
	done := map[string]bool{}
	for _, e := range all {
		if e.session != "" && e.ok && !done[e.session] {
			done[e.session] = true
			q.matchRelay(bySession[e.session])
			q.matchReplay(bySession[e.session])
		}
	}
	q.matchCode(all, bySession)
	q.matchFatigue(all)
	q.matchToken(all)
}

func keysInOrder(all []*event) []netip.Addr {
	seen := map[netip.Addr]bool{}
	var out []netip.Addr
	for _, e := range all {
		if e.ip.IsValid() && !seen[e.ip] {
			seen[e.ip] = true
			out = append(out, e.ip)
		}
	}
	return out
}

// matchProxy is a phishing proxy seen from Microsoft's side: an interrupt and then a success within minutes, in one
// attempt, from an address that is not the user's (b); a script that signs in to a page made for people (a).
func (q *inquiry) matchProxy(list []*event) {
	var hit []*event
	var a, b, warned bool
	for i, e := range list {
		if !e.ok {
			continue
		}
		c := q.context(e)
		if !c.strange() {
			continue
		}
		switch firstParty(e.app) {
		case "officeHome", "portal", "broker":
			if toolOf(e) != "" {
				a = true
				hit = append(hit, e)
			}
		}
		for j := i - 1; j >= 0 && e.at.Sub(list[j].at) <= 5*time.Minute; j-- {
			if interrupts[list[j].code] && (same(list[j].corr, e.corr) || same(list[j].session, e.session)) {
				b = true
				hit = append(hit, e, list[j])
			}
		}
		if e.sign != nil && (containsFold(e.sign.risk, "attackerInTheMiddle") || containsFold(e.sign.risk, "anomalousToken")) {
			warned = true
		}
	}
	if !b {
		return
	}
	p := &pattern{class: "SIGNIN_AITM_PATTERN", sev: bec.Medium, conf: bec.MediumConfidence, events: unique(hit), title: "A sign-in looks relayed through a phishing proxy",
		why: "An interrupted and then successful sign-in came in one attempt, within minutes, from a network that is not the user's and without a known device."}
	if a || warned {
		p.sev, p.conf, p.seed = bec.High, bec.HighConfidence, q.base.colleagues
		if a {
			p.why += " A script signed in to a page that is made for people."
		}
		if warned {
			p.why += " Microsoft saw an attacker in the middle or an anomalous token in the same sign-in."
		}
	}
	p.tests = q.placeTests(p.events[0])
	q.patterns = append(q.patterns, p)
}

// matchRelay is one session that two networks use within half a minute (c).
func (q *inquiry) matchRelay(list []*event) {
	var hit []*event
	for i := 1; i < len(list); i++ {
		x, y := list[i-1], list[i]
		if y.at.Sub(x.at) > 30*time.Second || x.ip == y.ip || x.place.asn == y.place.asn || x.place.asn == 0 || y.place.asn == 0 || x.device != "" && x.device == y.device {
			continue
		}
		for _, e := range []*event{x, y} {
			if q.context(e).strange() {
				hit = append(hit, e)
			}
		}
	}
	if len(hit) > 0 {
		q.patterns = append(q.patterns, &pattern{class: "SIGNIN_AITM_PATTERN", sev: bec.High, conf: bec.HighConfidence, seed: q.base.colleagues, events: unique(hit), tests: q.placeTests(hit[0]),
			title: "One session was used from two networks within seconds", why: "Two successful sign-ins of one session, at most 30 seconds apart, came from different networks, one of them not the user's: a relay holds the session."})
	}
}

// matchReplay is a session that goes on elsewhere: another network and another client, system or a device that is
// no longer there. A new network alone is a phone that leaves the house.
func (q *inquiry) matchReplay(list []*event) {
	if len(list) < 2 {
		return
	}
	var hit, moved []*event
	for _, e := range list {
		c := q.context(e)
		if !c.strange() {
			continue
		}
		for _, o := range list {
			if o == e || o.place.asn == e.place.asn || o.place.asn == 0 {
				continue
			}
			if otherClient(o, e) {
				hit = append(hit, e)
			} else {
				moved = append(moved, e)
			}
			break
		}
	}
	switch {
	case len(hit) > 0:
		q.patterns = append(q.patterns, &pattern{class: "SESSION_REPLAY", sev: q.weigh(bec.High), conf: bec.HighConfidence, seed: q.base.enough && q.base.colleagues, events: unique(hit), tests: q.placeTests(hit[0]),
			title: "A session went on from another network and another client", why: "The same session identifier was used from a network that is not the user's, with a different client, system or without the device it began on."})
	case len(moved) > 0:
		q.patterns = append(q.patterns, &pattern{class: "SESSION_REPLAY", sev: or(q.context(moved[0]).newLand, bec.Low, bec.Info), conf: bec.LowConfidence, events: unique(moved), tests: q.placeTests(moved[0]),
			title: "A session went on from another network", why: "Only the network changed; a moving device does that."})
	}
}

// otherClient tells two sign-ins of one session that cannot be one client.
func otherClient(a, b *event) bool {
	switch {
	case a.os != "" && b.os != "" && a.os != b.os:
		return true
	case a.family != "" && b.family != "" && a.family != b.family && (toolOf(a) != "" || toolOf(b) != "" || browser(a) != "" && browser(b) != "" && browser(a) != browser(b) && browser(a) != "office" && browser(b) != "office"):
		return true
	}
	return a.device != "" && b.device == "" && b.sign != nil
}

func browser(e *event) string {
	_, b, _ := strings.Cut(e.family, "/")
	return b
}

// matchCode is device-code phishing: the first device code of this user, whose token then works elsewhere.
func (q *inquiry) matchCode(all []*event, bySession map[string][]*event) {
	if q.base.protocol["deviceCode"] {
		q.matchOddCode(all)
		return
	}
	var codes, used []*event
	for _, e := range all {
		if !e.ok || !deviceCode(e) || q.firmHere(e) && q.base.asn[e.place.asn] && !q.usedElsewhere(e, bySession) {
			continue
		}
		codes = append(codes, e)
		for _, x := range bySession[e.session] {
			if x != e && x.at.After(e.at) && (x.place.asn != e.place.asn && x.place.asn != 0 || otherClient(e, x)) && q.context(x).strange() {
				used = append(used, x)
			}
		}
		if q.context(e).strange() {
			used = append(used, e)
		}
	}
	if len(codes) == 0 {
		return
	}
	p := &pattern{class: "SIGNIN_DEVICE_CODE", sev: bec.Info, conf: bec.LowConfidence, events: codes, title: "The user signed in with a device code for the first time",
		why: "No earlier sign-in of this user used a device code. The token was not seen in use from anywhere else."}
	if len(used) > 0 {
		p.sev, p.conf, p.seed, p.events = q.weigh(bec.High), bec.HighConfidence, q.base.enough && q.base.colleagues, unique(used)
		p.title, p.why = "A device code gave a token that is used elsewhere", "No earlier sign-in of this user used a device code, and the token that it gave was then used from a network or client that is not the user's."
	}
	p.tests = q.placeTests(p.events[0])
	q.patterns = append(q.patterns, p)
}

// matchOddCode looks at the device codes of somebody who is used to them: only a strange network is told, and weakly.
func (q *inquiry) matchOddCode(all []*event) {
	var odd []*event
	for _, e := range all {
		if e.ok && deviceCode(e) && q.context(e).strange() {
			odd = append(odd, e)
		}
	}
	if len(odd) > 0 {
		q.patterns = append(q.patterns, &pattern{class: "SIGNIN_DEVICE_CODE", sev: bec.Medium, conf: bec.LowConfidence, events: odd, tests: q.placeTests(odd[0]),
			title: "A device code was used from a network that is not the user's", why: "The user is used to device codes, but not from there."})
	}
}

func (q *inquiry) firmHere(e *event) bool { return q.knownDevice(e) }

func (q *inquiry) usedElsewhere(e *event, bySession map[string][]*event) bool {
	for _, x := range bySession[e.session] {
		if x != e && q.context(x).strange() {
			return true
		}
	}
	return false
}

// placeTests are the harmless explanations of a place, tried on one event.
func (q *inquiry) placeTests(e *event) []bec.BenignTest {
	c := q.context(e)
	tests := []bec.BenignTest{result("knownDevice", c.device, q.base.testable, "the sign-in names a device the user had before", "no device that is known")}
	tests = append(tests, result("sharedEgress", c.explains != "", q.base.colleagues, c.explains, "neither colleagues nor named locations use this network"))
	tests = append(tests, result("usualNetwork", !c.newASN, q.base.testable && q.base.enough, "the user came from this network before", "not in the user's history"))
	return tests
}

func result(test string, explained, testable bool, yes, no string) bec.BenignTest {
	switch {
	case explained:
		return bec.BenignTest{Test: test, Result: "explained", Reason: yes}
	case !testable:
		return bec.BenignTest{Test: test, Result: "not_testable", Reason: "what would show it was not read or does not reach far enough"}
	default:
		return bec.BenignTest{Test: test, Result: "not_explained", Reason: no}
	}
}

func unique(list []*event) []*event {
	seen := map[*event]bool{}
	out := list[:0:0]
	for _, e := range list {
		if !seen[e] {
			seen[e] = true
			out = append(out, e)
		}
	}
	sortEvents(out)
	return out
}
