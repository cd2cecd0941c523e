package judge

import (
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// findDevices compares the registered devices and mail partnerships with what happened before them.
func (q *inquiry) findDevices() {
	var acts []*event
	for _, e := range q.events {
		if e.mine && !e.dropped && e.ok && registration(e.op) && e.who != bec.ByTool {
			acts = append(acts, e)
		}
	}
	for _, r := range q.state["device"] {
		q.findDevice(r, acts)
	}
	for _, r := range q.state["mobileDevice"] {
		q.findPartnership(r)
	}
}

func (q *inquiry) findDevice(r *row, acts []*event) {
	at, _ := r.o.time("registrationDateTime", "createdDateTime")
	id := r.o.lower("deviceId")
	if at.IsZero() || !q.inWindow(at) && q.badDevs[id] == "" {
		return
	}
	made := those(acts, func(e *event) bool {
		return e.at.Sub(at).Abs() <= 10*time.Minute || same(e.target, r.id) || same(e.params["targetid"], r.o.str("id")) || same(e.params["also:device"], r.o.str("id"))
	})
	managed := r.o.flag("isManaged") && r.o.flag("isCompliant")
	tool := publicTool(r.o.str("operatingSystemVersion"))
	f := q.found("DEVICE_REGISTERED", "device:"+r.o.str("id"), bec.Medium)
	f.refs, f.artefact, f.alive, f.entity = []ref{r.ref()}, true, !r.o.has("accountEnabled") || r.o.flag("accountEnabled"), r.o.str("id")
	f.FirstSeen, f.LastSeen = ptr(at), ptr(at)
	f.Title = "The device " + fence(r.o.str("displayName")) + " was registered"
	q.actedBy(f, made)
	near := q.strangeNear(at)
	switch {
	case f.Attribution.Value == bec.ByAttacker || q.badDevs[id] != "":
		f.Attribution.Value = bec.ByAttacker
		f.Severity, f.Confidence = or(tool || near != nil, bec.Critical, bec.High), bec.HighConfidence
		f.Why = "It was registered in the attacker's context. A registered device keeps a token that outlives a password reset."
	case managed && !tool:
		return // a new laptop that came to compliance
	case near != nil && near.who == bec.ByAttacker:
		f.Attribution = bec.Attribution{Value: bec.ByAttacker, Reason: "it appeared within minutes of the attacker's sign-in"}
		ids := map[string]bool{"device:" + id: true}
		q.tie(ids, near)
		for k := range ids {
			f.Attribution.EntityIDs = append(f.Attribution.EntityIDs, k)
		}
		slices.Sort(f.Attribution.EntityIDs)
		f.Severity, f.Confidence = bec.Critical, bec.HighConfidence
		f.Why = "It appeared within minutes of an attacker's sign-in."
		f.refs = append(f.refs, near.ref())
	case f.Attribution.Value == bec.ByUser && !tool:
		return
	case tool:
		f.Severity, f.Why = bec.High, "Its system version is a default of public attack tools."
	case q.attackSeen() && q.afterAttack(at):
		f.Severity, f.Why = bec.High, "It was registered after the attacker's first event, and it is not managed."
	case len(made) > 0 && q.context(made[0]).hostile():
		f.Severity, f.Why, f.BenignTested = q.weigh(bec.High), "It was registered from a place that is not the user's.", q.placeTests(made[0])
	case len(made) == 0 && !q.complete(bec.DirectoryAudits):
		f.Severity, f.Why, f.untested = bec.Low, "It is new, and the log that would tell who registered it was not read whole.", true
	default:
		f.Severity, f.Why = or(q.start.IsZero(), bec.Info, bec.Low), "It is new and not managed."
	}
	f.BenignTested = append(f.BenignTested, result("managedDevice", managed, true, "the organisation manages it and finds it compliant", "it is not both managed and compliant"))
	f.Remediation = []bec.Remediation{{Action: "disableDevice", TargetID: r.o.str("id"), Reversible: true, NeedsApproval: true}}
	f.depends = []string{bec.DirectoryAudits, bec.SignInsInteractive}
	q.report(f)
}

// strangeNear is a sign-in from a strange place shortly before t, the attacker's before others.
func (q *inquiry) strangeNear(t time.Time) *event {
	var out *event
	for _, e := range q.events {
		if e.sign == nil || !success(e) || t.Sub(e.at) < -2*time.Minute || t.Sub(e.at) > 30*time.Minute {
			continue
		}
		if q.context(e).strange() && (out == nil || e.who == bec.ByAttacker) {
			out = e
		}
	}
	return out
}

// findPartnership is a phone or client that keeps a copy of the mailbox.
func (q *inquiry) findPartnership(r *row) {
	at, _ := r.o.time("FirstSyncTime")
	if at.IsZero() || !q.inWindow(at) {
		return
	}
	f := q.found("EAS_PARTNERSHIP", "mobile:"+r.o.str("DeviceId", "Guid"), or(q.start.IsZero(), bec.Info, bec.Low))
	f.refs, f.artefact, f.alive = []ref{r.ref()}, true, !strings.EqualFold(r.o.str("DeviceAccessState"), "Blocked")
	f.entity = r.o.str("Guid", "Identity", "DeviceId")
	f.FirstSeen, f.LastSeen = ptr(at), ptr(at)
	f.Title = "The mailbox is synchronised to " + fence(r.o.str("DeviceModel", "FriendlyName", "DeviceType"))
	f.Why = "The partnership is new, and nothing else is odd about it."
	if q.attackSeen() && q.afterAttack(at) {
		f.Severity, f.Why = bec.High, "Its first synchronisation lies after the attacker's first event."
		if e := q.strangeNear(at); e != nil && e.who == bec.ByAttacker {
			q.actedBy(f, []*event{e})
			f.Attribution.Reason = "it appeared within minutes of the attacker's sign-in"
		} else if g := q.attackersPhone(r); g != nil {
			f.Attribution = bec.Attribution{Value: bec.ByAttacker, Reason: "it is of the model that an authenticator in the attacker's context was registered on", EntityIDs: g.entities()}
			f.refs = append(f.refs, g.refs[0])
		}
		f.Remediation = []bec.Remediation{{Action: "removeMobileDevice", TargetID: f.entity, Reversible: true, NeedsApproval: true}}
	}
	q.report(f)
}

// attackersPhone is the finding of an authenticator that the attacker registered on a phone of the same model.
func (q *inquiry) attackersPhone(r *row) *finding {
	for _, f := range q.findings {
		if f.Class != "AUTH_METHOD_ADDED" || f.Attribution.Value != bec.ByAttacker {
			continue
		}
		for _, m := range q.state["authenticationMethod"] {
			if n := m.o.str("displayName"); same(m.o.str("id"), f.entity) && (same(n, r.o.str("DeviceModel")) || same(n, r.o.str("FriendlyName"))) {
				return f
			}
		}
	}
	return nil
}
