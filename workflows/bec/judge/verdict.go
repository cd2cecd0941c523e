package judge

import (
	"math"
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// counts tells a finding that speaks for an incident: not explained, not of this product, and its explanations tried.
func (f *finding) counts() bool { return f.open() || f.Attribution.Value == bec.ByAttacker }

// verdict puts the findings together by rule, not by sum: groups count once, and what one event left in several logs
// is one piece.
func (q *inquiry) verdict() bec.Verdict {
	var worst []*finding
	vouched := false
	for _, f := range q.findings {
		if f.Class == "COVERAGE_GAP" {
			continue
		}
		if f.counts() && rank(f.Severity) >= rank(bec.Medium) {
			worst = append(worst, f)
		}
		vouched = vouched || f.vendor || f.denied
	}
	for _, e := range q.events {
		if was, ok := q.attested(e); ok && !was {
			vouched = true
		}
		if was, ok := q.f.Elicited[e.ref().String()]; ok && !was {
			vouched = true
		}
	}
	for _, r := range q.state["riskDetection"] {
		vouched = vouched || q.mineByState(r) && riskConfirmed(r) && !safe(r)
	}
	high := func(f *finding) bool { return rank(f.Severity) >= rank(bec.High) }
	attacker := func(f *finding) bool { return f.Attribution.Value == bec.ByAttacker }
	switch {
	case slices.ContainsFunc(worst, func(f *finding) bool { return f.Severity == bec.Critical && attacker(f) }),
		vouched && slices.ContainsFunc(worst, func(f *finding) bool { return high(f) && f.IndependenceGroup != "G10" }),
		q.twoJoined(worst):
		return bec.Confirmed
	case slices.ContainsFunc(worst, func(f *finding) bool { return high(f) && attacker(f) || f.Severity == bec.Critical && f.artefact }):
		return bec.Likely
	case slices.ContainsFunc(worst, high), groups(worst) >= 2:
		return bec.Suspicious
	case len(worst) == 0 && q.nothing():
		return bec.NoEvidenceFound
	}
	return bec.Inconclusive
}

// twoJoined tells two grave findings of different groups that share what two people do not share.
func (q *inquiry) twoJoined(list []*finding) bool {
	for i, a := range list {
		for _, b := range list[i+1:] {
			if rank(a.Severity) < rank(bec.High) || rank(b.Severity) < rank(bec.High) || a.IndependenceGroup == b.IndependenceGroup {
				continue
			}
			if a.Attribution.Value != bec.ByAttacker || b.Attribution.Value != bec.ByAttacker || restsOn(a, b) || restsOn(b, a) {
				continue
			}
			for _, x := range a.entities() {
				if !strings.HasPrefix(x, "ip:") && slices.Contains(b.entities(), x) {
					return true
				}
			}
		}
	}
	return false
}

// restsOn tells a finding that rests on nothing but what another rests on: one event seen in two ways is one piece.
func restsOn(a, b *finding) bool {
	return !slices.ContainsFunc(a.refs, func(r ref) bool { return !slices.Contains(b.refs, r) })
}

func groups(list []*finding) int {
	seen := map[string]bool{}
	for _, f := range list {
		seen[f.IndependenceGroup] = true
	}
	return len(seen)
}

// nothing tells whether «no evidence found» may be said: everything mandatory was read up to its asOf, the baseline
// is sufficient, and nothing above low is left open, not even what could not be tried.
func (q *inquiry) nothing() bool {
	if !q.base.enough || len(q.missing()) > 0 || len(q.broken()) > 0 || q.offNow || q.unansweredAlert() {
		return false
	}
	return !slices.ContainsFunc(q.findings, func(f *finding) bool {
		return rank(f.Severity) > rank(bec.Low) && f.Attribution.Value != bec.ByUser && f.Attribution.Value != bec.ByTool && f.Attribution.Value != bec.ByService
	})
}

// missing are the mandatory sources that keep a negative verdict away.
func (q *inquiry) missing() []string {
	var out []string
	for _, s := range mandatory {
		c := q.cover(s)
		switch {
		case s == bec.MailItemsAccessed && (c.Reason == bec.NoLicence || c.Reason == bec.NotEnabled) && c.Status == bec.Unavailable:
			continue // declared: what was read cannot be bounded, and the result says so
		case s == bec.SignInsInteractive && c.Status == bec.ReadPartly && len(c.Gaps) == 0 && q.complete(bec.UALLogons) && q.alive[bec.UALLogons]:
			continue
		case q.complete(s) && len(c.Gaps) == 0:
			continue
		case q.harmlesslyQuiet(c):
			continue
		}
		out = append(out, s)
	}
	return out
}

// broken are the other sources that could have been read and were not; those that a licence, or nobody's wish, keeps away
// do not count, and neither does what is only an opinion. Alerts count where they broke off: one may hold what was not seen.
func (q *inquiry) broken() []string {
	var out []string
	for _, c := range q.coverage {
		if slices.Contains(mandatory, c.Source) || c.Source == bec.Risk || c.Source == bec.Alerts && c.Reason == bec.NoPermission || c.Source == bec.OutlookForms || c.Source == bec.AppPasswords || c.Source == bec.UALLogons {
			continue
		}
		if !q.complete(c.Source) && slices.Contains([]bec.Reason{bec.NoPermission, bec.Throttled, bec.Capped, bec.TimedOut, bec.ReadError, bec.CanaryDead}, c.Reason) {
			out = append(out, c.Source)
		}
	}
	return out
}

// harmlesslyQuiet tells a log that is only quiet: auditing is on, and the sign-in logs are whole and show nothing
// that it should hold.
func (q *inquiry) harmlesslyQuiet(c *bec.Coverage) bool {
	return c.Status == bec.ReadPartly && c.Reason == bec.CanaryAbsent && len(c.Gaps) == 0 && q.complete(bec.AuditConfig) && !q.offNow && len(q.state["adminAuditLogConfig"]) > 0 &&
		q.complete(bec.SignInsInteractive) && q.complete(bec.SignInsNonInteractive)
}

// incident is what kind of incident it looks like.
func (q *inquiry) incident(v bec.Verdict) bec.IncidentType {
	if v == bec.NoEvidenceFound {
		return bec.NoneObserved
	}
	var list []*finding
	for _, f := range q.findings {
		if f.counts() && rank(f.Severity) >= rank(bec.Medium) && f.Class != "COVERAGE_GAP" {
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		return bec.NoneObserved
	}
	any := func(test func(f *finding) bool) bool { return slices.ContainsFunc(list, test) }
	only := func(test func(f *finding) bool) bool { return !any(func(f *finding) bool { return !test(f) }) }
	attacker := func(f *finding) bool { return f.Attribution.Value == bec.ByAttacker }
	oauth := func(f *finding) bool { return f.IndependenceGroup == "G4" && f.Class != "ADDIN_INSTALLED" }
	tenant := func(f *finding) bool {
		return f.IndependenceGroup == "G9" && f.Class != "OTHER_ACCOUNTS_SAME_ACTOR" && f.Class != "PARTNER_ACCESS" && rank(f.Severity) >= rank(bec.High)
	}
	outside := func(f *finding) bool { return f.Class == "LOOKALIKE_DOMAIN" || f.Class == "INBOUND_LURE" }
	switch {
	case only(outside):
		return bec.SpoofOnly
	case any(func(f *finding) bool { return tenant(f) && attacker(f) }) || any(tenant) && !any(func(f *finding) bool { return !tenant(f) && rank(f.Severity) >= rank(bec.High) }):
		return bec.TenantCompromise
	case slices.ContainsFunc(q.events, func(e *event) bool {
		return e.who == bec.ByAttacker && e.by == byUser && e.mine && q.badApps[e.app] == ""
	}):
		return bec.AccountTakeover
	case any(oauth) && !any(func(f *finding) bool {
		return !oauth(f) && !outside(f) && q.badApp(f) == "" && rank(f.Severity) >= rank(bec.High)
	}):
		return bec.OAuthPersistence
	case q.byOthers(list):
		return bec.AbuseByOtherPrincipal
	}
	return bec.AccountTakeover
}

// badApp is the attacker's application that did what a finding tells of.
func (q *inquiry) badApp(f *finding) string {
	for _, id := range f.entities() {
		if a, ok := strings.CutPrefix(id, "app:"); ok && q.badApps[a] != "" {
			return a
		}
	}
	return ""
}

// byOthers tells whether another account did the gravest of it.
func (q *inquiry) byOthers(list []*finding) bool {
	n := 0
	for _, f := range list {
		if f.Class == "OTHER_ACCOUNTS_SAME_ACTOR" {
			continue // what was done to another account says nothing of this one
		}
		for _, e := range f.events {
			if e.by == byUser || e.sign != nil && e.mine {
				return false
			}
			if e.by == byOther || e.by == byPartner {
				n++
			}
		}
	}
	return n > 0
}

// stands is how the incident stands now.
func (q *inquiry) stands() bec.State {
	var last time.Time
	alive, any := false, false
	for _, f := range q.findings {
		if !f.counts() || rank(f.Severity) < rank(bec.Medium) || f.Class == "COVERAGE_GAP" {
			continue
		}
		any = true
		alive = alive || f.alive && (f.Attribution.Value == bec.ByAttacker || rank(f.Severity) >= rank(bec.High))
	}
	if !any {
		return ""
	}
	for _, e := range q.events {
		if e.who == bec.ByAttacker && e.ok && e.at.After(last) {
			last = e.at
		}
	}
	for _, m := range q.hot {
		if m.at.After(last) {
			last = m.at
		}
	}
	contained := time.Time{}
	for _, a := range q.f.OwnActs {
		if a.At.After(contained) {
			contained = a.At
		}
	}
	switch {
	case !alive && !contained.IsZero() && !last.After(contained):
		return bec.Contained
	case !last.IsZero() && q.now.Sub(last) < 24*time.Hour && (contained.IsZero() || last.After(contained) || alive):
		return bec.Active
	case alive:
		return bec.PersistenceOnly
	}
	return bec.Historic
}

// priority sorts cases, no more: of each group the strongest, put together as chances that do not exclude each other.
func (q *inquiry) priority() int {
	weight := map[bec.Severity]float64{bec.Critical: 0.9, bec.High: 0.65, bec.Medium: 0.3, bec.Low: 0.08, bec.Info: 0}
	best := map[string]float64{}
	for _, f := range q.findings {
		p := weight[f.Severity]
		switch f.Attribution.Value {
		case bec.ByAttacker:
		case bec.ByUser, bec.ByTool, bec.ByService:
			p *= 0.1
		default:
			p *= 0.7
		}
		if f.untested {
			p *= 0.5
		}
		best[f.IndependenceGroup] = max(best[f.IndependenceGroup], p)
	}
	rest := 1.0
	for _, p := range best {
		rest *= 1 - p
	}
	return int(math.Round(100 * (1 - rest)))
}
