package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"cipp-mcp/sandbox/cloud"
)

// A fault is one row of a faults file: which requests it befalls, what happens to them and how often.
type fault struct {
	Match faultMatch `json:"match"`
	Do    faultDo    `json:"do"`
	// Times is how often it fires: 0 is always, or once where Match.Nth is given.
	Times int `json:"times"`

	seen, fired int
}

// faultMatch says which requests: every condition that is given must hold. In Path, Cmdlet and parameter
// values * stands for any characters but a slash, ** for any.
type faultMatch struct {
	Service    string         `json:"service"` // graph, exchange, sharepoint, signin
	Method     string         `json:"method"`
	Path       string         `json:"path"` // within the service and version: /users/*
	Cmdlet     string         `json:"cmdlet"`
	Tenant     string         `json:"tenant"` // GUID or verified domain
	Nth        int            `json:"nth"`    // the nth request that matches, from 1
	Version    string         `json:"version"`
	Query      string         `json:"query"` // a part of the decoded query
	Parameters map[string]any `json:"parameters"`
}

// faultDo says what happens. Without Status, Cut and Truncate the work is done and answered as usual.
type faultDo struct {
	Status     int             `json:"status"`
	Code       string          `json:"code"`
	Message    string          `json:"message"`
	RetryAfter json.RawMessage `json:"retryAfter"` // seconds, or the header's text
	Delay      duration        `json:"delay"`      // how long the answer takes, work included; a spoiled one waits first
	Effect     string          `json:"effect"`     // none (default), before, late
	Cut        bool            `json:"cut"`
	Truncate   int             `json:"truncate"` // the answer's body ends after so many bytes
	Lag        duration        `json:"lag"`      // what is written is seen so much later; with effect late: is done so much later
	MaxRows    int             `json:"maxRows"`
	Slow       duration        `json:"slow"`  // the second half of the body comes so much later
	Limit      *rateLimit      `json:"limit"` // 429 for what is over it; the rest goes through
}

type duration time.Duration

func (d *duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("a time is written like \"2s\": %w", err)
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return fmt.Errorf("%q is no time like \"2s\"", s)
	}
	*d = duration(v)
	return nil
}

// faults is the faults in force.
type faults struct {
	cloud *cloud.Cloud

	limits bool // the documented ones hold as well

	mu   sync.Mutex
	list []*fault
	hits int
	late []lateWork
}

type lateWork struct {
	at time.Time
	do func()
}

// set replaces all faults by those of a faults file, nil by none, and adds those that the tenants' own
// sections of the state file hold. The count of hits starts again.
func (f *faults) set(file []byte) error {
	list, err := readFaults(file)
	if err != nil {
		return err
	}
	for _, t := range f.cloud.Tenants() {
		if len(t.Faults) == 0 {
			continue
		}
		raw, err := json.Marshal(t.Faults)
		if err != nil {
			return err
		}
		own, err := readFaults(raw)
		if err != nil {
			return fmt.Errorf("tenant %s: %w", t.ID, err)
		}
		for _, x := range own {
			x.Match.Tenant = t.ID
		}
		list = append(list, own...)
	}
	if f.limits {
		list = append(list, documentedLimits()...)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list, f.hits = list, 0
	return nil
}

func readFaults(file []byte) ([]*fault, error) {
	if len(bytes.TrimSpace(file)) == 0 {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(file))
	dec.DisallowUnknownFields()
	var list []*fault
	if err := dec.Decode(&list); err != nil {
		return nil, fmt.Errorf("faults: %w", err)
	}
	for i, x := range list {
		if x == nil {
			return nil, fmt.Errorf("faults[%d] is null", i)
		}
		if err := x.check(); err != nil {
			return nil, fmt.Errorf("faults[%d]: %w", i, err)
		}
	}
	return list, nil
}

func (x *fault) check() error {
	switch x.Match.Service {
	case "", serviceGraph, serviceExchange, serviceSharePoint, serviceSignin, serviceOther:
	default:
		return fmt.Errorf("no service is called %q", x.Match.Service)
	}
	switch x.Do.Effect {
	case "", "none", "before", "late":
	default:
		return fmt.Errorf("effect is none, before or late, not %q", x.Do.Effect)
	}
	if x.Do.Status != 0 && (x.Do.Status < 400 || x.Do.Status > 599) {
		return fmt.Errorf("status %d is no failure", x.Do.Status)
	}
	if (x.Do.Effect == "before" || x.Do.Effect == "late") && x.Do.Status == 0 && !x.Do.Cut {
		return errors.New("an effect says when the work is done although the answer fails: status or cut is missing")
	}
	if l := x.Do.Limit; l != nil && (l.Requests < 1 || l.Per <= 0 || x.Do.Status != 0 || x.Do.Cut) {
		return errors.New("a limit has requests and per, and answers 429 by itself")
	}
	if x.Do.Truncate < 0 || x.Do.MaxRows < 0 || x.Times < 0 || x.Match.Nth < 0 {
		return errors.New("a number is negative")
	}
	return nil
}

// hitCount is how often a fault has fired since the last set.
func (f *faults) hitCount() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits
}

// latency is the delay of the faults that have no conditions.
func (f *faults) latency() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var sum time.Duration
	for _, x := range f.list {
		m := x.Match
		if m.Service == "" && m.Method == "" && m.Path == "" && m.Cmdlet == "" && m.Tenant == "" && m.Nth == 0 && m.Version == "" && m.Query == "" && len(m.Parameters) == 0 && x.Times == 0 {
			sum += time.Duration(x.Do.Delay)
		}
	}
	if sum == 0 {
		return ""
	}
	return sum.String()
}

// action is what all the faults that fire on one request come to: delays add up, the first that spoils
// the answer decides how.
type action struct {
	delay, lag, slow time.Duration
	maxRows          int
	spoil            *faultDo
}

func (f *faults) fire(w *wireCall) action {
	var a action
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, x := range f.list {
		if !x.Match.matches(f.cloud, w) {
			continue
		}
		if x.Do.Limit != nil {
			if a.spoil != nil {
				continue
			}
			if over := x.Do.Limit.over(w, f.cloud.Now(), f.cloud.Clock.Frozen()); over != nil {
				f.hits++
				a.spoil = over
			}
			continue
		}
		x.seen++
		times := x.Times
		if times == 0 && x.Match.Nth > 0 {
			times = 1
		}
		if x.seen < x.Match.Nth || times > 0 && x.fired >= times {
			continue
		}
		x.fired++
		f.hits++
		a.delay += time.Duration(x.Do.Delay)
		a.lag = max(a.lag, time.Duration(x.Do.Lag))
		a.slow = max(a.slow, time.Duration(x.Do.Slow))
		if n := x.Do.MaxRows; n > 0 && (a.maxRows == 0 || n < a.maxRows) {
			a.maxRows = n
		}
		if a.spoil == nil && (x.Do.Status != 0 || x.Do.Cut || x.Do.Truncate > 0) {
			a.spoil = &x.Do
		}
	}
	return a
}

func (m *faultMatch) matches(c *cloud.Cloud, w *wireCall) bool {
	if m.Service != "" && m.Service != w.service || m.Method != "" && !strings.EqualFold(m.Method, w.method) ||
		m.Version != "" && !strings.EqualFold(m.Version, w.version) || m.Query != "" && !strings.Contains(w.query, m.Query) {
		return false
	}
	if m.Cmdlet != "" && !wildcard(m.Cmdlet, w.cmdlet) || m.Tenant != "" && !strings.EqualFold(tenantID(c, m.Tenant), w.tenant) {
		return false
	}
	if m.Path != "" {
		plain, err := url.PathUnescape(w.path)
		if !wildcard(m.Path, w.path) && (err != nil || !wildcard(m.Path, plain)) {
			return false
		}
	}
	for name, due := range m.Parameters {
		if !holdsParameter(w.parameters, name, due) {
			return false
		}
	}
	return true
}

func holdsParameter(given map[string]any, name string, due any) bool {
	for k, v := range given {
		if !strings.EqualFold(k, name) {
			continue
		}
		if d, ok := due.(string); ok {
			s, ok := v.(string)
			return ok && wildcard(d, s)
		}
		a, err1 := json.Marshal(v)
		b, err2 := json.Marshal(due)
		return err1 == nil && err2 == nil && bytes.Equal(a, b)
	}
	return false
}

// wildcard says whether s is of the form pattern, letters' case apart.
func wildcard(pattern, s string) bool {
	pattern, s = strings.ToLower(pattern), strings.ToLower(s)
	star, rest, ok := strings.Cut(pattern, "*")
	if !ok {
		return pattern == s
	}
	if !strings.HasPrefix(s, star) {
		return false
	}
	s = s[len(star):]
	deep := strings.HasPrefix(rest, "*")
	rest = strings.TrimPrefix(rest, "*")
	for i := 0; i <= len(s); i++ {
		if wildcard(rest, s[i:]) {
			return true
		}
		if i < len(s) && s[i] == '/' && !deep {
			return false
		}
	}
	return false
}

// later puts work off until the cloud's clock has moved on by d: it is done before the first request that
// comes then. Where the clock stands still it is done at once.
func (f *faults) later(d time.Duration, do func()) {
	if f.cloud.Clock.Frozen() {
		do()
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.late = append(f.late, lateWork{f.cloud.Now().Add(d), do})
}

// settle does the late work that is due.
func (f *faults) settle() {
	now := f.cloud.Now()
	f.mu.Lock()
	var due, rest []lateWork
	for _, l := range f.late {
		if f.cloud.Clock.Frozen() || !l.at.After(now) {
			due = append(due, l)
		} else {
			rest = append(rest, l)
		}
	}
	f.late = rest
	f.mu.Unlock()
	for _, l := range due {
		l.do()
	}
}
