package judge

import (
	"net/netip"
	"slices"
	"time"

	"cipp-mcp/workflows/bec"

	"github.com/tidwall/gjson"
)

// baseline is what is usual for the user before anything suspicious happened.
type baseline struct {
	enough   bool // at least 10 successes over 7 days
	n        int
	from, to time.Time
	asn      map[int]bool
	country  map[string]bool
	device   map[string]bool
	family   map[string]bool
	net      map[netip.Addr]bool
	protocol map[string]bool // device codes and legacy clients the user had before
	app      map[string]bool

	shared     map[int]bool // networks that at least three colleagues use with compliant devices
	sharedIP   map[netip.Addr]bool
	trusted    []netip.Prefix
	testable   bool // the logs that would show a place as usual were read
	colleagues bool // whether other people's sign-ins and the named locations were read
}

const (
	enoughEvents = 10
	enoughDays   = 7 * 24 * time.Hour
	before       = 24 * time.Hour // the baseline ends this long before the first suspicious event
)

func success(e *event) bool {
	return e.mine && e.ok && !e.dropped && (e.sign != nil || e.op == "UserLoggedIn") && !e.at.IsZero()
}

// learn finds what is usual. It first looks for the earliest thing that is suspicious by itself; the baseline is what
// lies at least a day before that.
func (q *inquiry) learn() {
	b := &q.base
	*b = baseline{asn: map[int]bool{}, country: map[string]bool{}, device: map[string]bool{}, family: map[string]bool{}, net: map[netip.Addr]bool{}, protocol: map[string]bool{}, app: map[string]bool{},
		shared: map[int]bool{}, sharedIP: map[netip.Addr]bool{}}
	b.testable = q.wasRead(bec.SignInsInteractive) || q.wasRead(bec.UALLogons)
	b.colleagues = (q.wasRead(bec.OtherAccounts) || q.complete(bec.OtherAccounts)) && (q.wasRead(bec.ConditionalAccess) || q.absent(bec.ConditionalAccess) || q.cover(bec.SignInsInteractive).Reason == bec.NoLicence) // without a licence for the log there is none for locations
	q.learnColleagues()
	var logons []*event
	for _, e := range q.events {
		if success(e) && !e.place.service && e.who != bec.ByTool {
			logons = append(logons, e)
		}
	}
	q.start = q.firstSuspicion(logons)
	end := q.now.Add(time.Hour)
	if !q.start.IsZero() {
		end = q.start.Add(-before)
	}
	for _, e := range logons {
		known := q.firm(e)
		if !e.at.Before(end) && !known {
			continue
		}
		if e.at.Before(end) {
			b.n += e.n
			if b.from.IsZero() {
				b.from = e.at
			}
			b.to = e.at
			b.protocol[protocolOf(e)] = true
			b.app[e.app] = true
		}
		b.asn[e.place.asn] = e.place.asn != 0
		b.country[e.place.country] = e.place.country != ""
		b.family[e.family] = e.family != ""
		if e.device != "" {
			b.device[e.device] = true
		}
		b.net[near(e.ip, e.place.anonymous())] = true
	}
	b.enough = b.n >= enoughEvents && b.to.Sub(b.from) >= enoughDays
}

// firm tells a sign-in from a device the organisation manages.
func (q *inquiry) firm(e *event) bool {
	if e.sign != nil {
		return e.device != "" && (e.sign.compliant || e.sign.managed)
	}
	return e.params["managed"] == "true"
}

func protocolOf(e *event) string {
	switch {
	case deviceCode(e):
		return "deviceCode"
	case legacy(e):
		return "legacy"
	}
	return ""
}

func (q *inquiry) learnColleagues() {
	users := map[int]map[string]bool{}
	byIP := map[netip.Addr]map[string]bool{}
	for _, e := range q.others {
		if !e.ok || e.sign == nil && e.params["managed"] != "true" || e.sign != nil && !e.sign.compliant && !e.sign.managed {
			continue
		}
		if users[e.place.asn] == nil {
			users[e.place.asn] = map[string]bool{}
		}
		users[e.place.asn][e.actor] = true
		if byIP[e.ip] == nil {
			byIP[e.ip] = map[string]bool{}
		}
		byIP[e.ip][e.actor] = true
	}
	for asn, who := range users {
		q.base.shared[asn] = asn != 0 && len(who) >= 3
	}
	for ip, who := range byIP {
		q.base.sharedIP[ip] = ip.IsValid() && len(who) >= 3
	}
	for _, r := range q.state["namedLocation"] {
		if !r.o.flag("isTrusted") {
			continue
		}
		r.o.get("ipRanges").ForEach(func(_, v gjson.Result) bool {
			if p, err := netip.ParsePrefix(v.Get("cidrAddress").String()); err == nil {
				q.base.trusted = append(q.base.trusted, p.Masked())
			}
			return true
		})
	}
}

// firstSuspicion is the earliest event that would be suspicious without a baseline.
func (q *inquiry) firstSuspicion(logons []*event) time.Time {
	var out time.Time
	note := func(t time.Time) {
		if !t.IsZero() && (out.IsZero() || t.Before(out)) {
			out = t
		}
	}
	for _, e := range q.events {
		if was, ok := q.attested(e); ok && !was {
			note(e.at)
		}
		if e.params != nil && q.maliciousAct(e) {
			note(e.at)
		}
	}
	for _, r := range q.state["riskDetection"] {
		if q.mineByState(r) && riskHigh(r) {
			t, _ := r.o.time("activityDateTime", "detectedDateTime")
			note(t)
		}
	}
	habits := habitsOf(logons)
	past := map[int]bool{}
	countries := map[string]bool{}
	devices := map[string]bool{}
	n, lag := 0, 0
	for _, e := range logons {
		for lag < len(logons) && logons[lag].at.Before(e.at.Add(-before)) {
			l := logons[lag]
			past[l.place.asn], countries[l.place.country] = true, true
			if l.device != "" {
				devices[l.device] = true
			}
			n += l.n
			lag++
		}
		if q.firm(e) || e.device != "" && devices[e.device] || q.explained(e) != "" {
			continue
		}
		switch {
		case e.place.anonymous() && !habits.asn[e.place.asn]:
			note(e.at)
		case toolOf(e) != "" && !habits.family[e.family]:
			note(e.at)
		case (deviceCode(e) || legacy(e)) && !habits.protocol[protocolOf(e)]:
			note(e.at)
		case n >= enoughEvents && e.at.Sub(logons[0].at) >= enoughDays && (e.place.asn == 0 || !past[e.place.asn]) && e.place.country != "" && !countries[e.place.country]:
			note(e.at)
		}
	}
	return out
}

type habits struct {
	asn      map[int]bool
	family   map[string]bool
	protocol map[string]bool
}

// habitsOf are the odd things that were there from the beginning of the log and on many days: a user who always comes
// through a VPN, an administrator with scripts, a meeting room that signs in by code.
func habitsOf(logons []*event) habits {
	h := habits{map[int]bool{}, map[string]bool{}, map[string]bool{}}
	if len(logons) == 0 {
		return h
	}
	type span struct {
		first, last time.Time
		days        map[int64]bool
	}
	asn, family, protocol := map[int]*span{}, map[string]*span{}, map[string]*span{}
	t0 := logons[0].at
	for _, e := range logons {
		count(asn, e.place.asn, e, func() *span { return &span{first: e.at, days: map[int64]bool{}} }, func(s *span) { s.last = e.at; s.days[e.at.Unix()/86400] = true })
		count(family, e.family, e, func() *span { return &span{first: e.at, days: map[int64]bool{}} }, func(s *span) { s.last = e.at; s.days[e.at.Unix()/86400] = true })
		count(protocol, protocolOf(e), e, func() *span { return &span{first: e.at, days: map[int64]bool{}} }, func(s *span) { s.last = e.at; s.days[e.at.Unix()/86400] = true })
	}
	old := func(s *span) bool {
		return s.first.Sub(t0) <= 72*time.Hour && len(s.days) >= 4 && s.last.Sub(s.first) >= enoughDays
	}
	for k, s := range asn {
		h.asn[k] = k != 0 && old(s)
	}
	for k, s := range family {
		h.family[k] = k != "" && old(s)
	}
	for k, s := range protocol {
		h.protocol[k] = k != "" && old(s)
	}
	return h
}

func count[K comparable, S any](m map[K]*S, k K, _ *event, fresh func() *S, note func(*S)) {
	s, ok := m[k]
	if !ok {
		s = fresh()
		m[k] = s
	}
	note(s)
}

// fit is how an event fits what is usual.
type fit struct {
	device   bool   // from a device known before
	newASN   bool   // a network the user did not use
	newLand  bool   // a country the user did not come from
	newKind  bool   // a client the user did not use
	anon     bool   // a hoster, VPN, proxy or Tor
	service  bool   // Microsoft's own
	explains string // why the place is usual all the same
}

// strange tells a place that does not fit: a new network without a known device that nothing explains.
func (c fit) strange() bool { return c.newASN && !c.device && !c.service && c.explains == "" }

// hostile tells a strange place that is also hidden or abroad.
func (c fit) hostile() bool { return c.strange() && (c.anon || c.newLand) }

func (q *inquiry) context(e *event) fit {
	c := fit{anon: e.place.anonymous(), service: e.place.service, device: q.knownDevice(e), explains: q.explained(e)}
	if !e.ip.IsValid() && e.place.asn == 0 || !q.base.testable {
		return c
	}
	c.newLand = e.place.country != "" && !q.base.country[e.place.country]
	if e.place.asn != 0 {
		c.newASN = !q.base.asn[e.place.asn]
	} else {
		c.newASN = !q.base.net[near(e.ip, false)] && !q.base.net[near(e.ip, true)] && (c.anon || c.newLand)
	}
	c.newKind = e.family != "" && !q.base.family[e.family]
	return c
}

// knownDevice tells an event from a device that was the user's before the incident, or that the organisation manages.
func (q *inquiry) knownDevice(e *event) bool {
	if e.device == "" || q.badDevs[e.device] != "" {
		return q.firm(e) && e.device == "" && e.sign == nil
	}
	if q.firm(e) {
		return true
	}
	if q.base.device[e.device] {
		return true
	}
	for _, r := range q.state["device"] {
		if same(r.o.str("deviceId"), e.device) {
			at, _ := r.o.time("registrationDateTime")
			return !at.IsZero() && (q.start.IsZero() || at.Before(q.start.Add(-before)))
		}
	}
	return false
}

// explained says why a place may be new and harmless.
func (q *inquiry) explained(e *event) string {
	switch {
	case e.sign != nil && e.sign.gsa:
		return "the traffic came through the organisation's own secure access"
	case q.base.shared[e.place.asn], q.base.sharedIP[e.ip]:
		return "at least three colleagues use this network with compliant devices"
	case slices.ContainsFunc(q.base.trusted, func(p netip.Prefix) bool { return e.ip.IsValid() && p.Contains(e.ip) }):
		return "the address is in a trusted named location"
	}
	return ""
}

// attested is a person's answer about an event.
func (q *inquiry) attested(e *event) (was, asked bool) {
	was, asked = q.f.Attested[e.source+"/"+e.id]
	return was, asked
}
