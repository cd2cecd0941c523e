package judge

import (
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

func sortEvents(list []*event) {
	slices.SortStableFunc(list, func(a, b *event) int { return a.at.Compare(b.at) })
}

var badPassword = map[int]bool{50126: true, 50053: true, 50055: true, 50056: true}

// matchGuessing is a password that was guessed or known: failures, then a sign-in or a question for the second factor,
// from one address.
func (q *inquiry) matchGuessing(list []*event) {
	failures := 0
	var known, in, all []*event
	for _, e := range list {
		c := q.context(e)
		switch {
		case badPassword[e.code]:
			if c.device || c.service || q.base.enough && !c.newASN && e.place.asn != 0 {
				continue // an expired password on the user's own phone
			}
			failures += e.n
			all = append(all, e)
		case failures >= 3 && (e.code == 50074 || e.code == 50076 || e.code == 53003) && c.strange():
			known = append(known, e)
		case failures >= 3 && e.ok && c.strange():
			in = append(in, e)
		}
	}
	if failures == 0 {
		return
	}
	p := &pattern{class: "SIGNIN_PASSWORD_ATTACK", sev: bec.Info, conf: bec.LowConfidence, events: unique(all), title: "Somebody tries passwords on this account",
		why: "Failed sign-ins from a network that is not the user's. The log samples failures: their number is a lower bound. Such attempts are made on every account every day."}
	switch {
	case len(in) > 0:
		p.class, p.sev, p.conf, p.seed, p.events = "SIGNIN_PASSWORD_ATTACK", bec.High, bec.HighConfidence, failures >= 5 && q.base.enough && q.base.colleagues, unique(append(in, known...))
		p.title, p.why = "A password attack succeeded", "Failed passwords and then a success came from one address that is not the user's."
	case len(known) > 0:
		p.sev, p.conf, p.events = bec.Medium, bec.MediumConfidence, unique(known)
		p.title, p.why = "An attacker knows the password", "After failed passwords from an address that is not the user's, one was right: only the second factor or a policy stopped the sign-in."
	case failures < 10:
		return
	}
	p.tests = q.placeTests(p.events[0])
	q.patterns = append(q.patterns, p)
}

// matchFatigue is three refused prompts within ten minutes, and then one that was accepted.
func (q *inquiry) matchFatigue(all []*event) {
	var denied []*event
	for _, e := range all {
		if e.code == 500121 {
			denied = append(denied, e)
			continue
		}
		if !e.ok || e.sign != nil && !e.sign.interactive {
			continue
		}
		recent := 0
		for _, d := range denied {
			if e.at.Sub(d.at) <= 20*time.Minute && (d.ip == e.ip || d.place.asn == e.place.asn && e.place.asn != 0) {
				recent++
			}
		}
		if recent < 3 || !within(denied, 3, 10*time.Minute) {
			continue
		}
		c := q.context(e)
		tests := q.placeTests(e)
		if !c.strange() {
			continue // the user's own thumb, on the user's own network or device
		}
		q.patterns = append(q.patterns, &pattern{class: "SIGNIN_MFA_FATIGUE", sev: q.weigh(bec.High), conf: bec.HighConfidence, seed: q.base.enough && q.base.colleagues, events: []*event{e}, tests: tests,
			title: "A prompt was accepted after several were refused", why: "At least three second-factor prompts were refused or ran out within ten minutes, and then one was accepted, all for a place that is not the user's."})
		return
	}
}

func within(list []*event, n int, d time.Duration) bool {
	for i := 0; i+n <= len(list); i++ {
		if list[i+n-1].at.Sub(list[i].at) <= d {
			return true
		}
	}
	return false
}

// matchToken is a device of the attacker's own making: registration with a stolen token, then a primary refresh token
// on it that no hardware protects.
func (q *inquiry) matchToken(all []*event) {
	var registration, prt []*event
	for _, e := range all {
		if !e.ok || e.sign == nil {
			continue
		}
		c := q.context(e)
		if firstParty(e.resource) == "deviceRegistration" && c.strange() {
			registration = append(registration, e)
		}
		if strings.EqualFold(e.sign.incoming, "primaryRefreshToken") && !e.sign.managed && !e.sign.compliant && (e.device == "" || !q.base.device[e.device]) && c.newASN && c.explains == "" && !c.service {
			prt = append(prt, e)
		}
	}
	if len(prt) == 0 {
		return
	}
	p := &pattern{class: "TOKEN_UNBOUND_PRT", sev: q.weigh(bec.High), conf: bec.MediumConfidence, events: unique(prt), tests: q.placeTests(prt[0]), title: "A primary refresh token works from a device nobody manages",
		why: "A token that belongs to a registered device was used from a network that is not the user's, on a device that is not managed."}
	for _, r := range registration {
		for _, t := range prt {
			if t.at.After(r.at) && (t.ip == r.ip || t.place.asn != 0 && t.place.asn == r.place.asn) && q.registeredAfter(r.at) {
				p.sev, p.conf, p.seed = bec.Critical, bec.HighConfidence, q.base.enough && q.base.colleagues
				p.events = unique(append(p.events, r))
				p.why = "From one network that is not the user's, the device registration service was called, a device was registered, and its primary refresh token was used."
			}
		}
	}
	if slices.ContainsFunc(prt, func(e *event) bool { return publicTool(e.sign.osBuild) }) {
		p.why += " The system version is a default of public attack tools."
		p.conf = bec.HighConfidence
	}
	q.patterns = append(q.patterns, p)
}

func publicTool(build string) bool {
	return slices.ContainsFunc(catalogue().PublicToolBuilds, func(b string) bool { return strings.Contains(build, b) })
}

// registeredAfter tells whether a device was registered within an hour of t.
func (q *inquiry) registeredAfter(t time.Time) bool {
	for _, r := range q.state["device"] {
		if at, _ := r.o.time("registrationDateTime"); !at.IsZero() && at.Sub(t).Abs() <= time.Hour {
			return true
		}
	}
	return slices.ContainsFunc(q.events, func(e *event) bool { return registration(e.op) && e.at.Sub(t).Abs() <= time.Hour })
}

func registration(op string) bool {
	switch op {
	case "Register device", "Add device", "Add registered owner to device", "Add registered users to device":
		return true
	}
	return false
}
