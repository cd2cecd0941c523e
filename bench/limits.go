package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// published are Microsoft's limits of requests that the measured tools come near to.
// https://learn.microsoft.com/graph/throttling-limits
var published = []struct {
	name       string
	burst      int
	window     time.Duration
	allTenants bool
	matches    func(requested) bool
}{
	{"sign-in and audit logs", 5, 10 * time.Second, false, func(r requested) bool { return strings.Contains(r.Path, "/auditLogs/") }},
	{"authentication method reports", 5, 10 * time.Second, false, ofMethods},
	{"logs and authentication method reports over all tenants", 122, 10 * time.Second, true, func(r requested) bool { return strings.Contains(r.Path, "/auditLogs/") || ofMethods(r) }},
	{"identity protection and conditional access", 1, time.Second, false, func(r requested) bool {
		return strings.Contains(r.Path, "/identityProtection/") || strings.Contains(r.Path, "/identity/conditionalAccess/")
	}},
	{"message trace", 100, 5 * time.Minute, false, func(r requested) bool { return r.Cmdlet == "Get-MessageTraceV2" }},
}

func ofMethods(r requested) bool { return strings.Contains(r.Path, "/reports/authenticationMethods/") }

// The identity service's buckets for one application in a tenant of more than 500 users: full at first, then filled evenly.
const (
	unitsAtOnce, unitsASecond   = 8_000, 800.0
	writesAtOnce, writesASecond = 3_000, 20.0
)

// least is the shortest time in which the limits let the answered requests between two looks at the cloud through:
// after a first burst, a further one each window. The slowest limit decides; those it turned away would not have had
// to be made.
func least(before, after cloudMetrics) (least time.Duration, of string, refused int) {
	asked := asked(before, after)
	for _, r := range asked {
		if r.Status == 429 {
			refused += r.Count
		}
	}
	slower := func(d time.Duration, what string) {
		if d > least {
			least, of = d, what
		}
	}
	for _, l := range published {
		n := map[string]int{}
		for _, r := range asked {
			if r.Status == 429 || !l.matches(r) {
				continue
			}
			if l.allTenants {
				r.Tenant = ""
			}
			n[r.Tenant] += r.Count
		}
		for _, n := range n {
			windows := math.Ceil(float64(n-l.burst) / float64(l.burst))
			slower(time.Duration(max(windows, 0))*l.window, fmt.Sprintf("%d to the %s, %d in %s", n, l.name, l.burst, l.window))
		}
	}
	for tenant, c := range after.Cost {
		was := before.Cost[tenant]
		c = cost{c.Units - was.Units, c.Writes - was.Writes}
		slower(time.Duration(float64(c.Units-unitsAtOnce)/unitsASecond*1e9), fmt.Sprintf("%d resource units in one tenant, %d at once and %.0f a second", c.Units, unitsAtOnce, unitsASecond))
		slower(time.Duration(float64(c.Writes-writesAtOnce)/writesASecond*1e9), fmt.Sprintf("%d writes in one tenant, %d at once and %.0f a second", c.Writes, writesAtOnce, writesASecond))
	}
	return least, of, refused
}

// asked is what was asked between two looks at the cloud.
func asked(before, after cloudMetrics) []requested {
	was := map[requested]int{}
	for _, q := range before.Requests {
		n := q.Count
		q.Count = 0
		was[q] = n
	}
	var out []requested
	for _, q := range after.Requests {
		n := q.Count
		q.Count = 0
		if q.Count = n - was[q]; q.Count > 0 {
			out = append(out, q)
		}
	}
	return out
}
