// Package judge says what the evidence of a case means: findings, attribution, verdict, timeline and a proposed
// response. It reads nothing but the evidence it is given; the same evidence always gives the same answer.
package judge

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// inquiry is one judging of one case.
type inquiry struct {
	f    bec.Facts
	file bec.File
	now  time.Time

	coverage []bec.Coverage
	covered  map[string]int // source to its place in coverage

	userIDs map[string]bool // every name of the user, lower case
	own     map[string]bool // the tenant's domains
	trusted map[string]bool // domains mail may be forwarded to

	intern   map[string]string
	places   map[string]*place
	seen     map[uint64]struct{}
	bulk     map[string]*event
	state    map[string][]*row
	events   []*event // of the user and of the tenant
	others   []*event // of other accounts
	trace    []mail
	touches  map[string][]touch // session or address to the files it touched
	alive    map[string]bool    // log sources of which a record was seen
	earliest map[string]time.Time

	base     baseline
	start    time.Time // the first thing that is suspicious by itself
	badApps  map[string]string
	badDevs  map[string]string
	badIPs   map[string][]time.Time
	patterns []*pattern
	pending  map[string]bool // answers of a person whose event was not read yet
	offNow   bool            // the audit log is off now
	siblings []string
	with     *parties
	likes    map[string]string
	real     []string // domains worth imitating
	hot      []*mail  // what left in the attacker's context

	findings []*finding

	quick   bool // without what only a reader of the case needs
	tmp     event
	key     []byte
	scratch [3]object // used again for every row of a log
}

// Judge is the verdict on a case as of its evidence.
func Judge(ctx context.Context, f bec.Facts, file bec.File) (bec.Analysis, error) {
	return open(f, file).judge(ctx)
}

// Suspect is Judge for a reading that wants to know what to look for elsewhere: records have no hashes, and messages that
// were read are not counted, so that the evidence is gone through once.
func Suspect(ctx context.Context, f bec.Facts, file bec.File) (bec.Analysis, error) {
	q := open(f, file)
	q.quick = true
	return q.judge(ctx)
}

func (q *inquiry) judge(ctx context.Context) (bec.Analysis, error) {
	if err := q.read(ctx); err != nil {
		return bec.Analysis{}, fmt.Errorf("reading the case: %w", err)
	}
	q.settle()
	q.order()
	q.tools()
	q.learn()
	q.match()
	q.attribute()
	for _, d := range detectors {
		d(q)
	}
	q.finish()
	a := bec.Analysis{Coverage: q.coverage}
	a.AsOf = q.asOf()
	a.Verdict = q.verdict()
	a.IncidentType = q.incident(a.Verdict)
	a.State = q.stands()
	a.Priority = q.priority()
	a.Events = q.timeline()
	if err := q.affected(ctx, &a.Affected); err != nil {
		return bec.Analysis{}, fmt.Errorf("reading the case: %w", err)
	}
	a.Plan = q.plan(a.Verdict)
	a.Questions = q.questions()
	a.Next = q.next(a.Verdict, a.AsOf, a.Questions)
	if err := q.quote(ctx); err != nil {
		return bec.Analysis{}, fmt.Errorf("reading the case: %w", err)
	}
	a.Findings = q.sorted()
	a.Summary = q.summary(&a)
	return a, nil
}

// detectors in the order of the evidence table. Each looks at the whole case and adds what it finds.
var detectors = []func(*inquiry){
	(*inquiry).findSignIns,
	(*inquiry).findAttacks,
	(*inquiry).findRisk,
	(*inquiry).findMethods,
	(*inquiry).findPasswords,
	(*inquiry).findDevices,
	(*inquiry).findConsents,
	(*inquiry).findApps,
	(*inquiry).findRules,
	(*inquiry).findSweeps,
	(*inquiry).findForwarding,
	(*inquiry).findDelegates,
	(*inquiry).findFolders,
	(*inquiry).findSettings,
	(*inquiry).findReads,
	(*inquiry).findDeletions,
	(*inquiry).findSending,
	(*inquiry).findLures,
	(*inquiry).findSpoofs,
	(*inquiry).findFiles,
	(*inquiry).findCollaboration,
	(*inquiry).findTenant,
	(*inquiry).findAuditing,
	(*inquiry).findSiblings,
	(*inquiry).findGaps,
}

func open(f bec.Facts, file bec.File) *inquiry {
	q := &inquiry{
		f: f, file: file, now: f.Now.UTC(), covered: map[string]int{}, userIDs: map[string]bool{}, own: map[string]bool{}, trusted: map[string]bool{},
		intern: map[string]string{}, places: map[string]*place{}, seen: map[uint64]struct{}{}, bulk: map[string]*event{}, state: map[string][]*row{},
		touches: map[string][]touch{}, alive: map[string]bool{}, earliest: map[string]time.Time{}, badApps: map[string]string{}, badDevs: map[string]string{}, badIPs: map[string][]time.Time{}, likes: map[string]string{},
	}
	for _, d := range f.OwnDomains {
		q.own[strings.ToLower(d)] = true
	}
	if f.Tenant != "" {
		q.own[strings.ToLower(f.Tenant)] = true
	}
	for _, d := range f.TrustedForwardDomains {
		q.trusted[strings.TrimPrefix(strings.ToLower(d), "@")] = true
	}
	for _, c := range file.Coverage() {
		if i, ok := q.covered[c.Source]; ok {
			q.coverage[i] = c
			continue
		}
		q.covered[c.Source] = len(q.coverage)
		q.coverage = append(q.coverage, c)
	}
	for _, s := range sources {
		if _, ok := q.covered[s]; !ok {
			q.covered[s] = len(q.coverage)
			q.coverage = append(q.coverage, bec.Coverage{Source: s, Status: bec.NotRequested, Reason: bec.ReasonNotAskedFor})
		}
	}
	q.pending = map[string]bool{}
	for _, said := range []map[string]bool{f.Attested, f.Elicited} {
		for r, was := range said {
			if was {
				q.pending[r] = true
			}
		}
	}
	q.isUser(f.User.ID)
	q.isUser(f.User.UserPrincipalName)
	return q
}

func (q *inquiry) isUser(name string) {
	if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
		q.userIDs[name] = true
	}
}

func (q *inquiry) user(name string) bool { return name != "" && q.userIDs[strings.ToLower(name)] }

// internal tells a domain of the tenant, or below one.
func (q *inquiry) internal(domain string) bool {
	for d := domain; d != ""; {
		if q.own[d] {
			return true
		}
		i := strings.IndexByte(d, '.')
		if i < 0 {
			return false
		}
		d = d[i+1:]
	}
	return false
}

// external tells an address that is neither the tenant's nor one that the operator lets mail go to.
func (q *inquiry) external(addr string) bool {
	d := domainOf(addr)
	return d != "" && !q.internal(d) && !q.trusted[d] && !q.trusted[addr]
}

func (q *inquiry) str(s string) string {
	if s == "" {
		return ""
	}
	if t, ok := q.intern[s]; ok {
		return t
	}
	s = strings.Clone(s)
	q.intern[s] = s
	return s
}
