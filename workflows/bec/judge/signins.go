package judge

import (
	"math"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// findAttacks reports the patterns that several sign-ins make.
func (q *inquiry) findAttacks() {
	for _, p := range q.patterns {
		f := q.found(p.class, "pattern:"+p.events[0].session+":"+p.events[0].ip.String(), p.sev)
		f.Confidence, f.Title, f.Why, f.BenignTested = p.conf, p.title, p.why, p.tests
		q.actedBy(f, p.events)
		f.Confidence = p.conf
		if f.Attribution.Value == bec.ByUser && rank(f.Severity) > rank(bec.Low) {
			f.Severity = bec.Low
		}
		if rank(p.sev) <= rank(bec.Low) {
			f.Attribution.Value = or(f.Attribution.Value == bec.ByAttacker, bec.ByAttacker, bec.Ambiguous)
		}
		f.Status = "historic"
		f.depends = []string{bec.SignInsInteractive, bec.SignInsNonInteractive}
		q.report(f)
	}
}

func or[T any](cond bool, yes, no T) T {
	if cond {
		return yes
	}
	return no
}

// weigh drops a novelty by a step where too little is known of what is usual.
func (q *inquiry) weigh(s bec.Severity) bec.Severity {
	if q.base.enough {
		return s
	}
	return step(s, -1)
}

// findSignIns looks at single successes: where from, with what, into what.
func (q *inquiry) findSignIns() {
	var logons []*event
	for _, e := range q.events {
		if success(e) && e.who != bec.ByTool && !q.context(e).service {
			logons = append(logons, e)
		}
	}
	groups := map[string]*spot{}
	var order []string
	put := func(class string, sev bec.Severity, key string, e *event, title, why string) {
		k := class + "\x00" + key
		if groups[k] == nil {
			groups[k] = &spot{class: class, sev: sev, title: title, why: why}
			order = append(order, k)
		}
		groups[k].events = append(groups[k].events, e)
	}
	for _, e := range logons {
		q.spots(e, put)
	}
	for _, k := range order {
		s := groups[k]
		f := q.found(s.class, "signin:"+s.events[0].ip.String()+s.events[0].app, q.weigh(s.sev))
		f.Title, f.Why = s.title, s.why
		f.BenignTested = q.placeTests(s.events[0])
		q.actedBy(f, s.events)
		if !q.base.enough {
			f.Why += " Little is known of what is usual for this user, so this weighs a step less."
		}
		f.Status = "historic"
		f.depends = []string{bec.SignInsInteractive, bec.SignInsNonInteractive, bec.OtherAccounts}
		q.report(f)
	}
	q.findTravel(logons)
}

type spot struct {
	class, title, why string
	sev               bec.Severity
	events            []*event
}

// spots says what is odd about one successful sign-in.
func (q *inquiry) spots(e *event, put func(class string, sev bec.Severity, key string, e *event, title, why string)) {
	c := q.context(e)
	if c.strange() && c.newLand {
		put("SIGNIN_NEW_LOCATION", bec.Medium, e.place.country+itoa(e.place.asn), e, "A sign-in came from a new country and network", "Neither the country nor the network was seen before, and no known device was used.")
	}
	if c.strange() && c.anon {
		put("SIGNIN_HOSTING_OR_ANON_IP", or(c.newLand, bec.High, bec.Medium), itoa(e.place.asn), e, "A sign-in came through a hoster or anonymiser", "The address belongs to a hoster, VPN, proxy or Tor that the user did not use before, and no known device was used.")
	}
	if t := toolOf(e); t != "" && c.newKind && !c.device {
		sev := bec.Medium
		switch firstParty(e.app) {
		case "officeHome", "portal", "owa", "broker":
			sev = bec.High
		}
		if !c.strange() {
			sev = bec.Info // a script of the user's own, or a password manager
		}
		put("SIGNIN_SCRIPTED_CLIENT", sev, t+e.app, e, "A script or tool signed in", "The client calls itself "+fence(e.agent)+", which no sign-in of this user did before.")
	}
	if legacy(e) && c.strange() && !q.base.protocol["legacy"] {
		put("SIGNIN_LEGACY_OR_ROPC", bec.High, itoa(e.place.asn), e, "A sign-in with a password alone succeeded", "A protocol that asks for no second factor was used from a network that is not the user's.")
	}
	q.toolSpots(e, c, put)
	if e.who == bec.ByAttacker && e.sign != nil && e.app != "" && firstParty(e.app) == "" && (strings.HasPrefix(strings.ToLower(e.sign.protocol), "saml") || strings.EqualFold(e.sign.protocol, "wsFederation")) {
		put("SIGNIN_DOWNSTREAM_SSO", bec.High, e.app, e, "The attacker reached the application "+fence(e.sign.appName), "The application keeps a session of its own, which Microsoft cannot revoke: its owner must end it.")
	}
}

// toolSpots are Microsoft's own tools and token exchanges that people rarely use.
func (q *inquiry) toolSpots(e *event, c fit, put func(class string, sev bec.Severity, key string, e *event, title, why string)) {
	if e.sign == nil {
		return
	}
	switch name := firstParty(e.app); {
	case name == "broker" && firstParty(e.resource) == "deviceRegistration" && strings.EqualFold(e.sign.incoming, "refreshToken") && c.strange():
		put("SIGNIN_FIRSTPARTY_TOOL", bec.High, "drs", e, "A refresh token was used to register a device", "The authentication broker turned a refresh token into one for the device registration service, from a network that is not the user's.")
	case name == "azureCLI", name == "azurePowerShell", name == "vsCode", name == "exoPowerShell", name == "companyPortal", firstParty(e.resource) == "aadGraph" && name == "":
		if q.base.app[e.app] || q.administers() || c.device || name == "companyPortal" && (!c.strange() || q.enrolled(e.at)) {
			return
		}
		put("SIGNIN_FIRSTPARTY_TOOL", or(c.strange(), bec.Medium, bec.Low), name, e, "A tool for administrators was used for the first time", "The user holds no administrative role and did not use this tool before.")
	}
}

// administers tells a user whose work includes administrators' tools.
func (q *inquiry) administers() bool {
	for _, r := range q.state["roleAssignment"] {
		if p := r.o.str("principalId"); p == "" || q.user(p) {
			return true
		}
	}
	return !q.complete(bec.Roles)
}

// enrolled tells whether a device was enrolled about then.
func (q *inquiry) enrolled(t time.Time) bool {
	for _, r := range q.state["managedDevice"] {
		if at, _ := r.o.time("enrolledDateTime"); !at.IsZero() && at.Sub(t).Abs() <= 24*time.Hour {
			return true
		}
	}
	return q.registeredAfter(t)
}

// findTravel is two successes too far apart for their time.
func (q *inquiry) findTravel(logons []*event) {
	var prev *event
	for _, e := range logons {
		if e.sign == nil || !e.sign.located || e.sign.gsa || e.place.service {
			continue
		}
		p := prev
		prev = e
		if p == nil || e.ip == p.ip || e.session != "" && e.session == p.session || e.device != "" && e.device == p.device {
			continue
		}
		km := distance(p.sign, e.sign)
		hours := e.at.Sub(p.at).Hours()
		if km <= 500 || km/max(hours, 1.0/60) <= 900 {
			continue
		}
		far := e
		if !q.context(e).strange() {
			far = p
		}
		if !q.context(far).strange() {
			continue
		}
		f := q.found("SIGNIN_IMPOSSIBLE_TRAVEL", "travel:"+far.ip.String(), q.weigh(bec.Medium))
		f.Title, f.Why = "Two sign-ins are too far apart for one person", "About "+itoa(int(km))+" km lie between two successful sign-ins on different devices and sessions, "+itoa(int(math.Round(hours*60)))+" minutes apart."
		f.BenignTested = q.placeTests(far)
		q.actedBy(f, []*event{far})
		f.refs = append(f.refs, p.ref(), e.ref())
		f.Status = "historic"
		q.report(f)
		return
	}
}

// distance between two sign-ins in kilometres.
func distance(a, b *signIn) float64 {
	const rad = math.Pi / 180
	dlat, dlon := (b.lat-a.lat)*rad, (b.lon-a.lon)*rad
	h := math.Pow(math.Sin(dlat/2), 2) + math.Cos(a.lat*rad)*math.Cos(b.lat*rad)*math.Pow(math.Sin(dlon/2), 2)
	return 2 * 6371 * math.Asin(min(1, math.Sqrt(h)))
}
