package judge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// found begins a finding.
func (q *inquiry) found(class, subject string, sev bec.Severity) *finding {
	f := &finding{subject: subject, fields: map[ref]map[string]string{}}
	f.Class, f.Severity, f.Confidence, f.Status = class, sev, bec.MediumConfidence, "active"
	f.Attribution = bec.Attribution{Value: bec.Ambiguous, Reason: "nothing says who made it"}
	return f
}

// actedBy gives a finding the attribution of the events that made it, the strongest first, and their times and
// entities.
func (q *inquiry) actedBy(f *finding, acts []*event) {
	weight := map[bec.Who]int{bec.ByAttacker: 6, bec.Ambiguous: 5, bec.ByUser: 4, bec.ByAdmin: 3, bec.ByService: 2, bec.ByTool: 1}
	best := 0
	ids := map[string]bool{}
	for _, e := range acts {
		f.events = append(f.events, e)
		if !slices.Contains(f.refs, e.ref()) {
			f.refs = append(f.refs, e.ref())
		}
		f.fields[e.ref()] = describe(e)
		if !e.at.IsZero() {
			if f.FirstSeen == nil || e.at.Before(*f.FirstSeen) {
				f.FirstSeen = ptr(e.at)
			}
			if f.LastSeen == nil || e.at.After(*f.LastSeen) {
				f.LastSeen = ptr(e.at)
			}
		}
		if e.class == "" {
			e.class = f.Class
		}
		w := weight[e.who]
		if w > best {
			best = w
			f.Attribution.Value, f.Attribution.Reason = e.who, e.why
		}
		if e.who == bec.ByAttacker {
			q.tie(ids, e)
			if e.via == mediumEdge && f.Confidence == bec.HighConfidence {
				f.Confidence = bec.MediumConfidence
			}
			if e.via >= strongEdge {
				f.Confidence = bec.HighConfidence
			}
		}
	}
	for _, id := range f.Attribution.EntityIDs {
		ids[id] = true
	}
	f.Attribution.EntityIDs = slices.Sorted(maps.Keys(ids))
}

// tie names what an attacker's event can be recognised by.
func (q *inquiry) tie(ids map[string]bool, e *event) {
	for kind, v := range map[string]string{"session": e.session, "token": e.token, "device": e.device} {
		if v != "" {
			ids[kind+":"+v] = true
		}
	}
	if q.badApps[e.app] != "" {
		ids["app:"+e.app] = true
	}
	if q.pivot(e) {
		ids["ip:"+e.ip.String()] = true
	}
}

// describe is what of a record a finding quotes.
func describe(e *event) map[string]string {
	out := map[string]string{}
	put := func(k, v string) {
		if v = clean(v, longestField); v != "" {
			out[k] = v
		}
	}
	put("operation", e.op)
	put("actor", e.actor)
	if e.ip.IsValid() {
		put("ip", e.ip.String())
	}
	if e.place != nil && e.place.asn != 0 {
		put("asn", itoa(e.place.asn))
	}
	if e.place != nil {
		put("country", e.place.country)
	}
	put("client", e.agent)
	put("sessionId", e.session)
	put("appId", e.app)
	if e.n > 1 {
		put("records", itoa(e.n))
	}
	if e.code != 0 {
		put("errorCode", itoa(e.code))
	}
	return out
}

func ptr[T any](v T) *T { return &v }

// doubt makes a finding ambiguous: something speaks for the user and something against.
func (q *inquiry) doubt(f *finding, why string) {
	f.Attribution.Value, f.Attribution.Reason = bec.Ambiguous, why
	f.fromUser = true
}

// report adds a finding; a person's answer about one of its records decides over everything else.
func (q *inquiry) report(f *finding) {
	if len(f.refs) == 0 || f.Attribution.Value == bec.ByTool {
		return
	}
	for _, r := range f.refs {
		if was, ok := q.f.Attested[r.String()]; ok {
			if was {
				f.Attribution = bec.Attribution{Value: bec.ByUser, Reason: "a person said that it was the user"}
				f.Severity, f.alive = bec.Info, false
				f.BenignTested = append(f.BenignTested, result("attested", true, true, "a person said that it was the user", ""))
			} else {
				f.Attribution.Value, f.Attribution.Reason = bec.ByAttacker, "a person said that it was not the user"
				f.Confidence, f.denied = bec.HighConfidence, true
			}
		}
	}
	q.hear(f)
	for _, t := range f.BenignTested {
		if t.Result == "not_testable" && (t.Test == "knownDevice" || t.Test == "sharedEgress") && f.Attribution.Value != bec.ByAttacker {
			f.untested = true
		}
	}
	if len(q.pending) > 0 && f.Attribution.Value != bec.ByAttacker {
		f.untested, f.artefact = true, false // a person's answer may be about this, and its event was not read
	}
	f.IndependenceGroup = "G" + itoa(group(f.Class))
	f.Attack = techniques(f.Class)
	if f.BenignTested == nil {
		f.BenignTested = []bec.BenignTest{}
	}
	for _, s := range f.depends {
		if !q.complete(s) {
			f.CoverageCaveats = append(f.CoverageCaveats, s+" was not read whole: what it holds could change this finding")
		}
	}
	sum := sha256.Sum256([]byte(f.Class + "\x00" + f.subject + "\x00" + f.refs[0].String()))
	f.ID = hex.EncodeToString(sum[:])[:16]
	if slices.ContainsFunc(q.findings, func(g *finding) bool { return g.ID == f.ID }) {
		return
	}
	q.findings = append(q.findings, f)
}

// hear takes in what the person at the client said of a finding's records, unless the operator signed an answer. It
// explains what nobody's hand was known of; what the evidence ties to an attacker it leaves as it is.
func (q *inquiry) hear(f *finding) {
	for _, r := range f.refs {
		if _, signed := q.f.Attested[r.String()]; signed {
			return
		}
	}
	for _, r := range f.refs {
		was, said := q.f.Elicited[r.String()]
		switch {
		case !said:
		case !was:
			f.Attribution.Value, f.Attribution.Reason = bec.ByAttacker, "the person at the client said that it was not the user"
			f.denied = true
			return
		case f.Attribution.Value == bec.ByAttacker:
			f.BenignTested = append(f.BenignTested, result("saidAtClient", true, false, "", "the person at the client said that it was the user, but the evidence ties it to an attacker"))
		default:
			f.Attribution = bec.Attribution{Value: bec.ByUser, Reason: "the person at the client said that it was the user"}
			f.Severity, f.alive = bec.Severities[min(rank(f.Severity), rank(bec.Low))], false
			f.BenignTested = append(f.BenignTested, result("saidAtClient", true, true, "the person at the client said that it was the user", ""))
		}
	}
}

// finish lets findings that hang together strengthen each other.
func (q *inquiry) finish() {
	q.chain()
}

// chain raises a proxied or replayed sign-in that was followed by acts in the mailbox.
func (q *inquiry) chain() {
	var deeds []*finding
	for _, f := range q.findings {
		if f.Attribution.Value == bec.ByAttacker && rank(f.Severity) >= rank(bec.High) && group(f.Class) >= 3 && group(f.Class) <= 8 {
			deeds = append(deeds, f)
		}
	}
	for _, f := range q.findings {
		if (f.Class == "SIGNIN_AITM_PATTERN" || f.Class == "SESSION_REPLAY" || f.Class == "SIGNIN_LEGACY_OR_ROPC") && f.Attribution.Value == bec.ByAttacker && rank(f.Severity) >= rank(bec.High) {
			if slices.ContainsFunc(deeds, func(d *finding) bool { return joined(f, d) }) && f.Class != "SESSION_REPLAY" {
				f.Severity = bec.Critical
				f.Why += " Acts in the mailbox followed from the same context."
			}
		}
	}
}

// quote reads the sources once more for the records the findings rest on: their hashes, and their times.
func (q *inquiry) quote(ctx context.Context) error {
	want := map[string]map[string][]*finding{}
	for _, f := range q.findings {
		f.refs = dedupeRefs(f.refs)
		if len(f.refs) > maxEvidence {
			f.refs = f.refs[:maxEvidence]
		}
		for _, r := range f.refs {
			if want[r.source] == nil {
				want[r.source] = map[string][]*finding{}
			}
			want[r.source][r.id] = append(want[r.source][r.id], f)
		}
	}
	hashes := map[ref]string{}
	times := map[ref]time.Time{}
	for _, s := range sources {
		need := want[s]
		if len(need) == 0 || q.quick {
			continue
		}
		n := 0
		for r, err := range q.file.Rows(s) {
			if n++; n%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				break
			}
			id := r.ID
			if id == "" {
				o := parse(r.Data)
				id = o.str("id", "Identity", "Guid", "RuleIdentity", "Name", "MessageTraceId")
			}
			if _, ok := need[id]; !ok {
				continue
			}
			k := ref{s, strings.Clone(id)}
			if _, had := hashes[k]; had {
				continue
			}
			sum := sha256.Sum256(r.Data)
			hashes[k] = hex.EncodeToString(sum[:])
			o := parse(r.Data)
			times[k], _ = o.time("createdDateTime", "activityDateTime", "creationTime", "Received", "receivedDateTime", "registrationDateTime", "FirstSyncTime", "CreatedDatetime", "WhenChanged", "detectedDateTime")
		}
	}
	for _, f := range q.findings {
		f.Evidence = nil
		for _, r := range f.refs {
			at := times[r]
			if at.IsZero() {
				at = q.readAt(r.source)
			}
			f.Evidence = append(f.Evidence, bec.Evidence{Source: r.source, RecordID: clean(r.id, longestField), TimeUTC: at, Fields: f.fields[r], Hash: hashes[r]})
		}
	}
	return nil
}

const maxEvidence = 25

func dedupeRefs(list []ref) []ref {
	seen := map[ref]bool{}
	out := list[:0:0]
	for _, r := range list {
		if !seen[r] {
			seen[r] = true
			out = append(out, r)
		}
	}
	return out
}

// readAt is when a state was read: its evidence has no time of its own.
func (q *inquiry) readAt(source string) time.Time {
	if i, ok := q.covered[source]; ok {
		if t := q.coverage[i].AsOf; t != nil {
			return t.UTC()
		}
	}
	return q.now
}

func (q *inquiry) sorted() []bec.Finding {
	out := make([]bec.Finding, 0, len(q.findings))
	for _, f := range q.findings {
		out = append(out, f.Finding)
	}
	slices.SortStableFunc(out, func(a, b bec.Finding) int {
		if d := rank(b.Severity) - rank(a.Severity); d != 0 {
			return d
		}
		if c := strings.Compare(a.Class, b.Class); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}
