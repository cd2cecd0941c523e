package judge

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"

	"github.com/tidwall/gjson"
)

// timeline is one row of every event, whatever number of logs tell of it.
func (q *inquiry) timeline() []bec.Event {
	out := []bec.Event{}
	sent := map[uint64]bool{}
	for _, e := range q.told() {
		if e.dropped || e.at.IsZero() || !e.mine && e.by != byUser {
			continue
		}
		kind := "event"
		if e.op == "MailItemsAccessed" || e.n > 1 {
			kind = "window_start"
		}
		v := bec.Event{TimeUTC: e.at, TimeKind: kind, TimeRaw: e.raw, Source: e.source, Actor: clean(e.actor, longestField), Target: clean(e.what(), longestField), SessionID: e.session, TokenID: e.token, DeviceID: e.device, AppID: e.app,
			Class: e.class, Attribution: e.who, EvidenceRef: e.ref().String()}
		if e.ip.IsValid() {
			v.IP, v.ASN = e.ip.String(), e.place.asn
		}
		out = append(out, v)
		if e.item != nil {
			for _, id := range e.item.msgs {
				sent[id] = true
			}
		}
	}
	for _, m := range q.hot {
		if sent[m.msg] && m.msg != 0 {
			continue
		}
		v := bec.Event{TimeUTC: m.at, TimeKind: "event", Source: bec.MessageTrace, Actor: clean(m.from, longestField), Target: clean(m.to, longestField), Class: "MAIL_SENT_BY_ATTACKER", Attribution: bec.ByAttacker, EvidenceRef: m.ref().String()}
		if m.ip.IsValid() {
			v.IP = m.ip.String()
		}
		out = append(out, v)
	}
	for _, r := range q.state["riskDetection"] {
		if at, raw := r.o.time("activityDateTime", "detectedDateTime"); q.mineByState(r) && !at.IsZero() {
			out = append(out, bec.Event{TimeUTC: at, TimeKind: "detected", TimeRaw: rawTime(at, raw), Source: r.source, Actor: "Identity Protection", Target: clean(r.o.str("riskEventType"), longestField), IP: r.o.str("ipAddress"), Class: "RISK_DETECTION",
				Attribution: bec.Ambiguous, EvidenceRef: r.ref().String()})
		}
	}
	for _, r := range q.state["alert"] {
		account, recipient := q.alertNames(r)
		if at, _ := alertTime(r); (account || recipient) && !at.IsZero() && !alertDismissed(r) {
			out = append(out, bec.Event{TimeUTC: at, TimeKind: "detected", Source: r.source, Actor: clean(r.o.str("serviceSource", "productName"), longestField), Target: clean(r.o.str("title", "name"), longestField), Class: "RISK_DETECTION",
				Attribution: bec.Ambiguous, EvidenceRef: r.ref().String()})
		}
	}
	q.fromState(&out, "device", "registrationDateTime", "DEVICE_REGISTERED", "displayName")
	q.fromState(&out, "mobileDevice", "FirstSyncTime", "EAS_PARTNERSHIP", "DeviceModel")
	slices.SortStableFunc(out, func(a, b bec.Event) int { return a.TimeUTC.Compare(b.TimeUTC) })
	return out
}

// longestTimeline is how many rows a timeline has before what is usual is drawn together.
const longestTimeline = 5000

// told are the events of the timeline. In a large case those of the user and of services that no finding names stand for
// their day, address and kind together.
func (q *inquiry) told() []*event {
	if len(q.events) <= longestTimeline {
		return q.events
	}
	type kind struct {
		op, ip string
		day    int64
		who    bec.Who
	}
	seen := map[kind]*event{}
	var out []*event
	for _, e := range q.events {
		if e.dropped {
			continue
		}
		if e.class != "" || e.who != bec.ByUser && e.who != bec.ByService {
			out = append(out, e)
			continue
		}
		k := kind{e.op, e.ip.String(), e.at.Unix() / 86400, e.who}
		if first := seen[k]; first != nil {
			first.n += e.n
			continue
		}
		seen[k] = e
		out = append(out, e)
	}
	return out
}

// fromState adds what only a state tells of.
func (q *inquiry) fromState(out *[]bec.Event, kind, when, class, name string) {
	for _, f := range q.findings {
		for _, r := range q.state[kind] {
			if at, raw := r.o.time(when); f.Class == class && slices.Contains(f.refs, r.ref()) && !at.IsZero() {
				*out = append(*out, bec.Event{TimeUTC: at, TimeKind: "event", TimeRaw: rawTime(at, raw), Source: r.source, Target: clean(r.o.str(name), longestField), DeviceID: r.o.str("deviceId", "DeviceId"), Class: class, Attribution: f.Attribution.Value, EvidenceRef: r.ref().String()})
			}
		}
	}
}

// what names what an event was about.
func (e *event) what() string {
	switch {
	case e.sign != nil:
		s := e.op
		if e.sign.appName != "" {
			s += ": " + e.sign.appName
		}
		if e.code != 0 {
			s += " (" + itoa(e.code) + ")"
		}
		return s
	case e.params["targetname"] != "":
		return e.op + ": " + e.params["targetname"]
	case e.n > 1:
		return e.op + " (" + itoa(e.n) + ")"
	case e.target != "":
		return e.op + ": " + e.target
	}
	return e.op
}

// affected says how much was read and who was written to. The ids of read messages are collected only now, and only
// those of the attacker's groups.
func (q *inquiry) affected(ctx context.Context, a *bec.Affected) error {
	groups, hours := map[string]bool{}, map[int64]bool{}
	for _, e := range q.events {
		if e.op == "MailItemsAccessed" && e.mine && e.who == bec.ByAttacker {
			groups[readKey(e)] = true
			hours[e.at.Unix()/3600] = true
		}
	}
	for _, f := range q.findings {
		a.ReadUnbounded = a.ReadUnbounded || f.unbounded
	}
	if q.attackSeen() && !q.wasRead(bec.MailItemsAccessed) {
		a.ReadUnbounded = true
	}
	if len(groups) > 0 && !q.quick {
		n, err := q.messagesRead(ctx, groups, hours)
		if err != nil {
			return err
		}
		a.MessagesRead = n
	}
	to := map[string]bool{}
	for _, m := range q.hot {
		if !q.user(m.to) {
			to[clean(m.to, longestField)] = true
		}
	}
	for _, who := range q.openers() {
		to[who] = true
	}
	a.Counterparties = slices.Sorted(maps.Keys(to))
	if len(a.Counterparties) > 500 {
		a.Counterparties = a.Counterparties[:500]
	}
	for _, s := range q.siblings {
		a.SiblingAccounts = append(a.SiblingAccounts, clean(s, longestField))
	}
	return nil
}

// openers are those whom the attacker shared files with, and those who opened them.
func (q *inquiry) openers() []string {
	files := map[string]bool{}
	var out []string
	add := func(who string) {
		if who = clean(strings.ToLower(strings.TrimPrefix(who, "i:0#.f|membership|")), longestField); strings.Contains(who, "@") && !q.user(who) {
			out = append(out, who)
		}
	}
	for _, e := range q.events {
		if e.who == bec.ByAttacker && shareOps[e.op] {
			files[e.target] = true
			add(e.params["targetuserorgroupname"])
		}
	}
	for _, e := range q.others {
		switch e.op {
		case "SecureLinkUsed", "AnonymousLinkUsed", "FileAccessed", "SharingInvitationAccepted":
			if files[e.target] {
				add(e.actor)
			}
		}
	}
	return out
}

func (q *inquiry) messagesRead(ctx context.Context, groups map[string]bool, hours map[int64]bool) (int, error) {
	ids := map[uint64]struct{}{}
	var o object
	for _, s := range []string{bec.UAL, bec.MailItemsAccessed} {
		n := 0
		for r, err := range q.file.Rows(s) {
			if n++; n%1024 == 0 && ctx.Err() != nil {
				return 0, ctx.Err()
			}
			if err != nil {
				break
			}
			if at := createdIn(r.Data); !at.IsZero() && !hours[at.Unix()/3600] {
				continue // of an hour in which the attacker read nothing
			}
			o.open(parsed(s, r))
			d := o.into(&q.scratch[0], "data", "auditData")
			if d.str("Operation") != "MailItemsAccessed" && o.str("operation") != "MailItemsAccessed" {
				continue
			}
			at, _ := d.time("CreationTime")
			if at.IsZero() {
				at, _ = o.time("creationTime", "createdDateTime")
			}
			e := &event{at: at}
			q.auditContext(e, &o, d)
			if !groups[readKey(e)] {
				continue
			}
			d.get("Folders").ForEach(func(_, v gjson.Result) bool {
				v.Get("FolderItems").ForEach(func(_, i gjson.Result) bool {
					id := i.Get("InternetMessageId").Str
					if id == "" {
						id = i.Get("Id").Str
					}
					if id != "" {
						ids[hash64(id)] = struct{}{}
					}
					return true
				})
				return true
			})
		}
	}
	return len(ids), nil
}

// createdIn is a record's CreationTime where it stands there once, as the log writes it; else the zero time, and the record
// has to be read.
func createdIn(data []byte) time.Time {
	name := []byte(`"CreationTime":"`)
	i := bytes.Index(data, name)
	if i < 0 || bytes.Contains(data[i+len(name):], name) {
		return time.Time{}
	}
	rest := data[i+len(name):]
	end := bytes.IndexByte(rest, '"')
	if end < 0 {
		return time.Time{}
	}
	return instant(string(rest[:end]))
}
