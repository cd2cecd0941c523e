package judge

import (
	"net/netip"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// event is one thing that happened, or many alike that one hour holds (n). It is small: a case has tens of thousands.
type event struct {
	at       time.Time
	raw      string // the time as it was written, where that was not RFC 3339 in UTC
	source   string
	id       string
	op       string
	actor    string // userPrincipalName or id, lower case
	target   string
	ip       netip.Addr
	place    *place
	session  string
	token    string
	device   string
	app      string
	resource string
	agent    string // user agent, or the client's own description
	family   string // operating system and browser or client, without versions
	os       string
	corr     string // correlationId, InterSystemsId
	ok       bool
	code     int
	n        int
	mine     bool // it concerns the user of the case
	by       actorKind
	sign     *signIn
	item     *item
	params   map[string]string

	who     bec.Who
	why     string
	via     edge
	root    *event // the seed it was reached from
	class   string
	dropped bool // another record of the same event stands for it
}

type actorKind uint8

const (
	byUser    actorKind = iota // the user of the case
	byOther                    // another account of the tenant
	byApp                      // an application without a user
	bySystem                   // Microsoft
	byPartner                  // a partner's technician
)

// place is what is known of an address.
type place struct {
	asn     int
	country string
	kind    string // isp, mobile, hosting, vpn, proxy, tor
	service bool   // Microsoft's own
}

func (p *place) anonymous() bool {
	switch p.kind {
	case "hosting", "vpn", "proxy", "tor":
		return true
	}
	return false
}

type signIn struct {
	interactive  bool
	protocol     string
	transfer     string
	incoming     string
	requirement  string
	client       string
	managed      bool
	compliant    bool
	trust        string
	osBuild      string
	caStatus     string
	risk         []string
	riskLevel    string
	method       string
	crossTenant  string
	gsa          bool
	lat, lon     float64
	located      bool
	appName      string
	resourceName string
}

type item struct {
	subjects []string
	msgs     []uint64 // of the InternetMessageIds
	folder   string
	as       string // SendAs, SendOnBehalf
	bytes    int
}

// row is one object of the state as it stands.
type row struct {
	source string
	kind   string
	id     string
	o      object
}

func (r *row) ref() ref { return ref{r.source, r.id} }

// ref names a record: the evidence is quoted and hashed from it at the end.
type ref struct{ source, id string }

func (r ref) String() string { return r.source + "/" + r.id }

func (e *event) ref() ref { return ref{e.source, e.id} }

// finding is a finding being made.
type finding struct {
	bec.Finding
	subject   string
	refs      []ref
	fields    map[ref]map[string]string
	events    []*event
	artefact  bool   // a state that stays without a log of its making
	vendor    bool   // Microsoft or an administrator confirmed it
	denied    bool   // a person said that it was not the user
	unbounded bool   // more was read than the records name
	fromUser  bool   // it was made in a usual place: never a removal in the plan
	untested  bool   // an explanation could not be tried, because its source was not read
	alive     bool   // a way in, or out, that stands open
	entity    string // the object that the plan would change
	depends   []string
}

func (f *finding) entities() []string { return f.Attribution.EntityIDs }

// open tells a finding that its explanations did not take away.
func (f *finding) open() bool {
	return !f.untested && f.Attribution.Value != bec.ByTool && f.Attribution.Value != bec.ByUser && f.Attribution.Value != bec.ByService
}

func rank(s bec.Severity) int {
	for i, x := range bec.Severities {
		if x == s {
			return i
		}
	}
	return 0
}

func step(s bec.Severity, by int) bec.Severity {
	i := min(max(rank(s)+by, 0), len(bec.Severities)-1)
	return bec.Severities[i]
}

func same(a, b string) bool { return a != "" && strings.EqualFold(a, b) }
