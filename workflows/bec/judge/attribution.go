package judge

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// edge is how strongly an event is tied to the attacker. Weaker ties only corroborate.
type edge uint8

const (
	noEdge     edge = iota
	mediumEdge      // the same address within a day
	strongEdge      // the same session and network, device or client; an attacker's device or application
	seedEdge        // attested, vendor-confirmed, or a pattern
)

// tools marks what this product did itself, so that a second look does not find the first one's traces.
func (q *inquiry) tools() {
	mark := func(e *event, why string) {
		e.who, e.why = bec.ByTool, why
	}
	for _, list := range [][]*event{q.events, q.others} {
		for _, e := range list {
			if q.f.OwnAppID != "" && (same(e.app, q.f.OwnAppID) || e.by == byApp && strings.Contains(e.actor, strings.ToLower(q.f.OwnAppID))) {
				mark(e, "this product's own application did it")
				continue
			}
			if e.sign != nil || logon(e.op) || e.by == byUser && e.ip.IsValid() && !e.place.service {
				continue
			}
			for _, a := range q.f.OwnActs {
				if e.at.Sub(a.At).Abs() <= 2*time.Minute && matches(a.Action, e.op) {
					mark(e, "this product did it ("+clean(a.Job, 40)+")")
				}
			}
		}
	}
}

// ownOps are the operations that a step of this product leaves in the logs, as words of their names.
var ownOps = map[string][]string{
	"revokesessions": {"stsrefreshtoken", "update user", "revoke"}, "resetpassword": {"password", "update user", "stsrefreshtoken"}, "blocksignin": {"disable account", "update user"}, "unblocksignin": {"enable account", "update user"},
	"disabledevice": {"update device", "disable device", "device no longer managed"}, "removemethod": {"security info", "update user"}, "removegrant": {"delegated permission grant", "oauth2permissiongrant", "consent"}, "removeapproleassignment": {"app role assignment"},
	"disableserviceprincipal": {"update service principal"}, "disablerule": {"inboxrule"}, "removerule": {"inboxrule"}, "removesweeprule": {"sweeprule"}, "removeforwarding": {"set-mailbox"}, "removedelegate": {"mailboxpermission"}, "removesendas": {"recipientpermission"},
	"removesendonbehalf": {"set-mailbox"}, "removefolderpermission": {"mailboxfolderpermission", "folderpermissions"}, "restorejunklist": {"junkemail"}, "restoreautoreply": {"autoreply"}, "removemobiledevice": {"mobiledevice"}, "removesharinglink": {"link", "sharing"},
	"unblocksender": {"blockedsender"}, "litigationhold": {"set-mailbox"},
}

func matches(action, op string) bool {
	op = strings.ToLower(op)
	key := strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(action))
	list, ok := ownOps[key]
	if !ok {
		return !strings.HasPrefix(op, "new-") && !strings.HasPrefix(op, "add-")
	}
	return slices.ContainsFunc(list, func(w string) bool { return strings.Contains(op, w) })
}

// attribute says of every event whose act it is held to be. Seeds come first, the strongest before the others; from
// them it goes on by ties that two people do not share.
func (q *inquiry) attribute() {
	for _, e := range q.events {
		if e.who == "" {
			q.attest(e)
		}
	}
	var front []*event
	seed := func(e *event, why string) {
		if e.who == "" || e.who == bec.Ambiguous {
			if q.context(e).device {
				e.who, e.why = bec.Ambiguous, why+"; but it came from a device the user had before"
				return
			}
			e.who, e.why, e.via = bec.ByAttacker, why, seedEdge
			front = append(front, e)
		}
	}
	for _, e := range q.events {
		if e.who == bec.ByAttacker {
			e.via = seedEdge
			front = append(front, e)
		}
	}
	q.seedVendor(seed)
	q.seedAlerts(seed)
	for _, p := range q.patterns {
		if p.seed {
			for _, e := range p.events {
				seed(e, "it is part of a pattern ("+p.class+")")
			}
		}
	}
	for _, e := range q.events {
		if e.params != nil && e.mine && e.who == "" && q.maliciousAct(e) && (q.farAway(e) || q.spoofOut(e)) {
			seed(e, "what it did harms the mailbox's owner, and it came from a place that is not the user's")
		}
	}
	q.seedFraud(seed)
	q.seedApps(seed)
	q.expand(front)
	for _, e := range q.events {
		if was, asked := q.f.Elicited[e.ref().String()]; asked && was {
			q.heard(e)
		}
		if e.who == "" {
			e.who, e.why = q.usual(e)
		}
	}
}

// farAway tells an act from a place that is not the user's and that nothing explains, where that could be tried. For an
// act that harms by itself a little history is enough.
func (q *inquiry) farAway(e *event) bool {
	c := q.context(e)
	return q.base.testable && q.base.colleagues && c.hostile() && (q.base.enough || q.base.n >= 3) && (e.by == byUser || c.anon)
}

// attest takes in a person's answer. What was only said at the client may make an event the attacker's here; that it was
// the user's is heard last, when everything else has spoken.
func (q *inquiry) attest(e *event) {
	was, asked := q.attested(e)
	heard, said := q.f.Elicited[e.ref().String()]
	switch {
	case asked && was:
		e.who, e.why = bec.ByUser, "a person said that it was the user"
	case asked:
		e.who, e.why = bec.ByAttacker, "a person said that it was not the user"
	case said && !heard:
		e.who, e.why = bec.ByAttacker, "the person at the client said that it was not the user"
	}
}

// heard takes in that the person at the client says it was the user. Who signed in through an attacker's proxy, or
// consented to an attacker's application, did so himself and says so: that takes nothing from what the evidence shows.
func (q *inquiry) heard(e *event) {
	switch e.who {
	case "", bec.Ambiguous:
		e.who, e.why = bec.ByUser, "the person at the client said that it was the user"
	case bec.ByAttacker:
		e.why += "; the person at the client said that it was the user, which does not explain it"
	default: // somebody else's hand is known
	}
}

// usual is whose act an event is that nothing ties to the attacker.
func (q *inquiry) usual(e *event) (bec.Who, string) {
	c := q.context(e)
	switch {
	case e.by == bySystem || c.service:
		return bec.ByService, "a Microsoft service acts from there"
	case e.by == byApp:
		return bec.ByService, "an application did it"
	case e.by == byPartner:
		return bec.ByAdmin, "a partner's technician did it"
	case e.by == byOther:
		return bec.ByAdmin, "another account did it"
	case c.device:
		return bec.ByUser, "it came from a device the user had before"
	case !e.ip.IsValid() && e.session == "":
		return bec.Ambiguous, "the record says neither address nor session"
	case q.base.testable && q.base.enough && !c.newASN && e.place.asn != 0:
		return bec.ByUser, "it came from a network that is usual for the user"
	case c.explains != "":
		return bec.ByUser, c.explains
	default:
		return bec.Ambiguous, "nothing ties it to the user or to an attacker"
	}
}

// expand goes from attacker events to others by what they share.
func (q *inquiry) expand(front []*event) {
	idx := map[string][]*event{}
	ips := map[netip.Addr][]*event{}
	for _, e := range q.events {
		if !e.mine && e.by != byUser {
			continue
		}
		for _, k := range []string{key("t", e.token), key("s", e.session), key("d", e.device), key("a", e.app)} {
			if k != "" {
				idx[k] = append(idx[k], e)
			}
		}
		if e.ip.IsValid() {
			ips[e.ip] = append(ips[e.ip], e)
		}
	}
	take := func(from, e *event, via edge, why string) {
		if e.who != "" || e.dropped {
			return
		}
		if e.by == bySystem || q.context(e).service {
			return
		}
		if q.knownDevice(e) {
			e.who, e.why = bec.Ambiguous, why+", but it came from a device the user had before"
			return
		}
		e.who, e.why, e.via, e.root = bec.ByAttacker, why, via, from
		front = append(front, e)
	}
	for len(front) > 0 {
		e := front[0]
		front = front[1:]
		q.taint(e)
		for _, x := range idx[key("t", e.token)] {
			take(e, x, strongEdge, "the same token as an attacker's event")
		}
		for _, x := range idx[key("s", e.session)] {
			switch {
			case sameContext(e, x):
				take(e, x, strongEdge, "the same session and network or client as an attacker's event")
			case x.who == "" && q.context(x).hostile():
				take(e, x, strongEdge, "the same session as an attacker's event, from another place that is not the user's")
			}
		}
		for dev := range q.badDevs {
			for _, x := range idx[key("d", dev)] {
				take(e, x, strongEdge, "the attacker's device")
			}
		}
		for app := range q.badApps {
			for _, x := range idx[key("a", app)] {
				take(e, x, strongEdge, "the attacker's application")
			}
		}
		if !q.pivot(e) {
			continue
		}
		q.badIPs[e.ip.String()] = append(q.badIPs[e.ip.String()], e.at)
		for _, x := range ips[e.ip] {
			if x.at.Sub(e.at).Abs() <= 24*time.Hour {
				take(e, x, mediumEdge, "the attacker's address, within a day")
			}
		}
	}
}

// taint marks the application that an attacker consented to, and the device that an attacker registered or brought.
func (q *inquiry) taint(e *event) {
	if consentOp(e.op) && q.riskyConsent(e) {
		if v := q.vouchFor(e.params["targetid"]); v.appID != "" {
			q.badApps[v.appID] = "it was consented to in the attacker's context"
		}
	}
	if registration(e.op) {
		for _, r := range q.state["device"] {
			at, _ := r.o.time("registrationDateTime")
			if id := r.o.lower("deviceId"); id != "" && (same(e.target, r.o.str("id")) || same(e.params["targetid"], r.o.str("id")) || same(e.params["also:device"], r.o.str("id")) || !at.IsZero() && e.at.Sub(at).Abs() <= 5*time.Minute) {
				q.badDevs[id] = "it was registered in the attacker's context"
			}
		}
	}
	if e.sign != nil && e.device != "" && !q.base.device[e.device] && !q.firm(e) {
		for _, r := range q.state["device"] {
			at, _ := r.o.time("registrationDateTime")
			if same(r.o.str("deviceId"), e.device) && !at.IsZero() && (q.start.IsZero() || at.After(q.start.Add(-before))) {
				q.badDevs[e.device] = "the attacker signed in from it, and it is new"
			}
		}
	}
}

func key(kind, v string) string {
	if v == "" {
		return ""
	}
	return kind + v
}

// sameContext tells two events of one session that one client made: session alone is not enough, because replay and
// device codes put two people into one.
func sameContext(a, b *event) bool {
	switch {
	case a.ip.IsValid() && a.ip == b.ip:
		return true
	case a.device != "" && a.device == b.device:
		return true
	case a.place.asn != 0 && a.place.asn == b.place.asn && !otherClient(a, b):
		return true
	}
	return a.family != "" && a.family == b.family && (a.place.asn == 0 || b.place.asn == 0)
}

// pivot tells an address that may carry attribution: not the user's own, not Microsoft's, not one that many share.
func (q *inquiry) pivot(e *event) bool {
	if !e.ip.IsValid() {
		return false
	}
	c := q.context(e)
	return !c.service && c.explains == "" && !q.base.net[near(e.ip, true)] && !q.base.net[near(e.ip, false)] && !q.base.sharedIP[e.ip]
}

// strength of the tie between two findings: an entity they share.
func joined(a, b *finding) bool {
	for _, x := range a.entities() {
		if slices.Contains(b.entities(), x) {
			return true
		}
	}
	return false
}
