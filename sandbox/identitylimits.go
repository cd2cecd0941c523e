package sandbox

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"cipp-mcp/sandbox/cloud"
)

// allowance is how many units a bucket holds, and in which time an empty one is full again.
type allowance struct {
	units float64
	per   time.Duration
}

// The identity service counts what a request costs it, not requests.
// https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits
var (
	unitsBySize = []struct {
		upTo int // users of the tenant
		allowance
	}{
		{49, allowance{3_500, 10 * time.Second}},
		{500, allowance{5_000, 10 * time.Second}},
		{math.MaxInt, allowance{8_000, 10 * time.Second}},
	}
	unitsOfApplication  = allowance{150_000, 20 * time.Second} // over all tenants
	writesInTenant      = allowance{3_000, 150 * time.Second}
	writesOfApplication = allowance{35_000, 5 * time.Minute}
	writesOfAll         = allowance{18_000, 5 * time.Minute} // of all applications in one tenant
)

// identityLimits are the buckets of the identity service: users, groups, roles, applications, the directory.
type identityLimits struct {
	cloud *cloud.Cloud

	mu      sync.Mutex
	buckets map[string]*bucket
}

func newIdentityLimits(c *cloud.Cloud) *identityLimits {
	return &identityLimits{cloud: c, buckets: map[string]*bucket{}}
}

// bucket is filled evenly; who finds too little in it is turned away and takes nothing.
type bucket struct {
	left float64
	at   time.Time
}

// draw is what a request takes out of one bucket.
type draw struct {
	scope, information string
	units              float64
	of                 allowance
	key                string
}

// charge takes what a request costs, and tells its cost in the headers; where a bucket holds too little it takes
// nothing and the refusal comes back. Where the clock stands still, the bucket is full when the client comes again.
// No limits, nil, turn nobody away.
func (l *identityLimits) charge(w *wireCall, c Cost, header http.Header) *faultDo {
	if l == nil {
		return nil
	}
	header.Set("x-ms-resource-unit", strconv.Itoa(c.Units))
	now, frozen := l.cloud.Now(), l.cloud.Clock.Frozen()
	l.mu.Lock()
	defer l.mu.Unlock()
	draws := l.draws(w, float64(c.Units), float64(c.Writes))
	share := 0.0
	for _, d := range draws {
		b := l.buckets[d.key]
		if b == nil {
			b = &bucket{left: d.of.units, at: now}
			l.buckets[d.key] = b
		}
		b.left, b.at = min(d.of.units, b.left+d.of.units*max(0, now.Sub(b.at).Seconds())/d.of.per.Seconds()), now
		share = max(share, 1-(b.left-d.units)/d.of.units)
		if b.left >= d.units {
			continue
		}
		wait := (d.units - b.left) / d.of.units * d.of.per.Seconds()
		if frozen {
			b.left = d.of.units
		}
		header.Set("x-ms-throttle-scope", d.scope+"/"+w.app+"/"+w.tenant)
		header.Set("x-ms-throttle-information", d.information)
		header.Set("x-ms-throttle-limit-percentage", fmt.Sprintf("%.1f", min(share, 1.8)))
		return &faultDo{Status: http.StatusTooManyRequests, RetryAfter: json.RawMessage(strconv.Itoa(int(math.Ceil(wait))))}
	}
	for _, d := range draws {
		l.buckets[d.key].left -= d.units
	}
	if share >= 0.8 {
		header.Set("x-ms-throttle-limit-percentage", fmt.Sprintf("%.1f", share))
	}
	return nil
}

func (l *identityLimits) draws(w *wireCall, units, writes float64) []draw {
	list := []draw{
		{"Tenant_Application/ReadWrite", "ResourceUnitLimitExceeded", units, l.unitsIn(w.tenant), "units " + w.tenant + " " + w.app},
		{"Application/ReadWrite", "ResourceUnitLimitExceeded", units, unitsOfApplication, "units " + w.app},
	}
	if writes > 0 {
		list = append(list,
			draw{"Tenant_Application/Write", "WriteLimitExceeded", writes, writesInTenant, "writes " + w.tenant + " " + w.app},
			draw{"Application/Write", "WriteLimitExceeded", writes, writesOfApplication, "writes " + w.app},
			draw{"Tenant/Write", "WriteLimitExceeded", writes, writesOfAll, "writes " + w.tenant})
	}
	return list
}

// unitsIn is what one application may ask of a tenant: the more users, the more.
func (l *identityLimits) unitsIn(tenant string) allowance {
	users := 0
	if t := l.cloud.Tenant(tenant); t != nil {
		t.RLock()
		users = t.Collection("users").Len()
		t.RUnlock()
	}
	for _, s := range unitsBySize {
		if users <= s.upTo {
			return s.allowance
		}
	}
	return unitsBySize[0].allowance
}

// identityResources are the first parts of the paths that the identity service answers.
var identityResources = []string{"users", "groups", "directory", "directoryobjects", "subscribedskus", "contracts", "organization", "domains", "applications",
	"serviceprincipals", "oauth2permissiongrants", "directoryroles", "directoryroletemplates", "rolemanagement", "administrativeunits", "devices", "invitations"}

// Below a user or a group these parts are other services' own, which have their own limits, or none that is published.
var otherServices = []string{"mail", "message", "calendar", "event", "contact", "outlook", "inference", "people", "photo", "drive", "site", "authentication",
	"manageddevice", "deviceenrollment", "onlinemeeting", "chat", "team", "joinedteams", "planner", "todo", "onenote", "conversation", "thread", "activities", "insights"}

// readCosts is what a GET of a path that ends so costs; all others cost 1.
var readCosts = map[string]int{"/users": 2, "/contracts": 3, "/subscribedskus": 3, "/members": 3, "/transitivemembers": 5, "/memberof": 2, "/transitivememberof": 2,
	"/licensedetails": 2, "/ownedobjects": 2, "/oauth2permissiongrants": 2, "/approleassignments": 2, "/domainnamereferences": 4}

// postedReads are the actions that only read.
var postedReads = map[string]int{"/checkmembergroups": 4, "/checkmemberobjects": 4, "/getmembergroups": 2, "/getmemberobjects": 2, "/getbyids": 5}

// identityCost is what a request costs; ok is false where another service answers it.
func identityCost(w *wireCall) (c Cost, ok bool) {
	seg := strings.Split(strings.ToLower(strings.Trim(w.path, "/")), "/")
	first, _, _ := strings.Cut(seg[0], "(")
	if w.service != serviceGraph || !slices.Contains(identityResources, first) {
		return Cost{}, false
	}
	if len(seg) > 2 && (first == "users" || first == "groups") && slices.ContainsFunc(otherServices, func(p string) bool { return strings.HasPrefix(seg[2], p) }) {
		return Cost{}, false
	}
	last := "/" + strings.TrimPrefix(seg[len(seg)-1], "microsoft.graph.")
	query := strings.ToLower(w.query)
	units, posted := postedReads[last]
	switch {
	case posted && last == "/getbyids" && strings.Contains(query, "$select="):
		return Cost{Units: 2}, true
	case posted:
	case w.method != http.MethodGet:
		return Cost{1, 1}, true
	default:
		units = max(1, readCosts[last])
	}
	if strings.Contains(query, "$select=") {
		units--
	}
	if strings.Contains(query, "$expand=") {
		units++
	}
	if top := topOf(query); top > 0 && top < 20 {
		units--
	}
	return Cost{Units: max(1, units)}, true
}

func topOf(query string) int {
	_, rest, ok := strings.Cut(query, "$top=")
	if !ok {
		return 0
	}
	rest, _, _ = strings.Cut(rest, "&")
	n, err := strconv.Atoi(rest)
	if err != nil {
		return 0
	}
	return n
}
