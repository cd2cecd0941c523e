package main

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"testing"

	"cipp-mcp/sandbox"
	"cipp-mcp/tools"
)

// deed is a write tool at its work. Each write tool has one, and each write to Microsoft that the deed makes
// meets all weathers.
type deed struct {
	// begin prepares what the tool needs and gives its arguments. Where the clock moves, what takes Microsoft
	// minutes is left out: everybody would wait for it.
	begin func(w *world, moves bool) m
	// once: what it does must not be done twice, even where nobody can know whether it is done.
	once bool
	// seals: the result names a secret. lost: it is lost with the answer that showed it, so that another is made.
	seals, lost bool
	// fresh: somebody is made who has ids of his own, a mailbox and memberships.
	fresh bool
	// spare are the writes that may be made once more for nothing: no reading shows whether the first was done.
	spare int
	// still: it takes Microsoft minutes, so that it is done only where the clock stands and nobody waits.
	still bool
	// tool is whose work it is, where it is not the deed's own name.
	tool string
	// world is where it is done: "" with the application's sign-in in the built-in story.
	world func(t *testing.T) worldOptions
	// other is the job whose end counts, where it is not the call's own.
	other func(args m) string
}

// weathers are what befalls a write, once: what is answered, and whether the work was done for all that.
var weathers = map[string]struct {
	do    m
	moves bool // seen late is seen late only while the clock moves
	lands bool // the work is done although the answer fails
	again bool // a second call may be needed, since the first was not there when it was looked for
}{
	"429":                   {do: m{"status": 429, "retryAfter": 1}},
	"503":                   {do: m{"status": 503, "retryAfter": 1}},
	"504 before the work":   {do: m{"status": 504, "effect": "none"}},
	"504 after the work":    {do: m{"status": 504, "effect": "before"}, lands: true},
	"504, and a late one":   {do: m{"status": 504, "effect": "late", "lag": "1s"}, lands: true, again: true},
	"cut before the work":   {do: m{"cut": true, "effect": "none"}},
	"cut after the work":    {do: m{"cut": true, "effect": "before"}, lands: true},
	"cut, and a late one":   {do: m{"cut": true, "effect": "late", "lag": "1s"}, lands: true, again: true},
	"seen late":             {do: m{"lag": "600ms"}, moves: true, again: true},
	"answered, and in half": {do: m{"truncate": 3}, lands: false},
}

// random is what differs between two runs of the same deed, each a part of a path.
var random = []string{"/passwordProfile", "/createdUsing", "/id", "DateTime", "WhenChanged", "WhenSoftDeleted", "LitigationHoldDate"}

// ids end the paths of what the ids of a new user decide.
var ids = []string{"/ExchangeGuid", "/Guid", "/ExternalDirectoryObjectId", "/Identity", "/members"}

// outcome is what became of a deed.
type outcome struct {
	status string
	text   string
	state  []byte
	rows   int                          // lines in the cloud's own logs
	writes map[sandbox.RequestCount]int // to Microsoft, by answer
}

// write says whether a request changed something, or was to.
func write(r sandbox.RequestCount) bool {
	return r.Service == "sharepoint" && (r.Cmdlet == "SetProperty" || r.Cmdlet == "RequestPersonalSites" || r.Cmdlet == "" && r.Method != "GET" && !strings.HasSuffix(r.Path, "/ensureuser")) || r.Service == "graph" && r.Method != "GET" && r.Path != "/$batch" || r.Service == "exchange" && r.Cmdlet != "" && !strings.HasPrefix(r.Cmdlet, "Get-") && !strings.HasPrefix(r.Cmdlet, "Search-")
}

func (w *world) written() map[sandbox.RequestCount]int {
	out := map[sandbox.RequestCount]int{}
	for _, r := range w.sandbox.Metrics().Requests {
		n := r.Count
		r.Count = 0
		if write(r) {
			out[r] += n
		}
	}
	return out
}

// landed counts the writes that were answered well.
func (o outcome) landed() (n int) {
	for r, c := range o.writes {
		if r.Status >= 200 && r.Status < 300 {
			n += c
		}
	}
	return n
}

// did does a deed in a weather; set is called when everything is ready.
func (d deed) did(w *world, tool string, moves bool, set func()) outcome {
	w.t.Helper()
	args := d.begin(w, moves)
	before, was := w.state(), w.written()
	set()
	a := w.must(tool, args)
	if id, _ := a.v["approvalId"].(string); id != "" && a.v["status"] == "needs_approval" { // critical: the operator approves
		a = w.approves(id)
	}
	o := outcome{status: fmt.Sprint(a.v["status"]), text: a.text, writes: w.written()}
	if d.other != nil && o.status == "done" {
		j := w.ended(d.other(args))
		o.status, o.text, o.writes = fmt.Sprint(j.v["status"]), j.text, w.written()
	}
	for r, n := range was {
		if o.writes[r] -= n; o.writes[r] == 0 {
			delete(o.writes, r)
		}
	}
	o.state = w.state()
	var err error
	if _, o.rows, err = difference(before, o.state); err != nil {
		w.t.Fatal(err)
	}
	return o
}

func (d deed) chaosWorld(t *testing.T, moves bool) *world {
	t.Helper()
	o := worldOptions{}
	if d.world != nil {
		o = d.world(t)
	}
	if moves {
		o.flags.clock = "2026-03-12T15:00:00Z"
	}
	return newWorld(t, o)
}

// match is the fault's condition for a kind of request.
func match(r sandbox.RequestCount) m {
	if r.Cmdlet != "" {
		return m{"cmdlet": r.Cmdlet}
	}
	return m{"service": r.Service, "method": r.Method, "path": strings.ReplaceAll(r.Path, "{id}", "*")}
}

func nameOf(r sandbox.RequestCount) string {
	if r.Cmdlet != "" {
		return r.Cmdlet
	}
	return r.Method + " " + strings.ReplaceAll(r.Path, "/", "∕")
}

// Whatever befalls a write, of whatever tool: what is reported done is there, what is there is there once, and
// one fault is no reason to give up.
func TestEveryWriteInEveryWeather(t *testing.T) {
	cases := 0
	for _, tool := range tools.All() {
		if _, known := deeds[tool.Name]; known != tool.Writes() {
			t.Errorf("%s: writes %t, and has a deed %t", tool.Name, tool.Writes(), known)
		}
	}
	for _, deed := range slices.Sorted(maps.Keys(deeds)) {
		d, name := deeds[deed], deed
		if d.tool != "" {
			name = d.tool
		}
		t.Run(deed, func(t *testing.T) {
			calm := map[bool]outcome{}
			for _, moves := range []bool{false, true} {
				if moves && d.still {
					continue
				}
				o := d.did(d.chaosWorld(t, moves), name, moves, func() {})
				if calm[moves] = o; o.status != "done" || o.landed() == 0 {
					t.Fatalf("in calm weather: %s", o.text)
				}
			}
			for j, weather := range slices.Sorted(maps.Keys(weathers)) {
				c := weathers[weather]
				if c.moves && d.still {
					continue
				}
				for i, r := range kinds(calm[c.moves].writes) {
					if (i+j)%share(len(calm[c.moves].writes)) > 0 {
						continue
					}
					cases++
					t.Run(weather+"/"+nameOf(r), func(t *testing.T) {
						t.Parallel()
						w := d.chaosWorld(t, c.moves)
						o := d.did(w, name, c.moves, func() { w.faults(fault(match(r), c.do, 1)) })
						d.judge(t, calm[c.moves], o, c.lands, c.again)
						d.secrets(w, o)
					})
				}
			}
			for i, r := range kinds(calm[false].writes) {
				if (underRace || testing.Short()) && i > 0 {
					continue
				}
				cases++
				t.Run("never/"+nameOf(r), func(t *testing.T) {
					t.Parallel()
					w := d.chaosWorld(t, false)
					o := d.did(w, name, false, func() { w.faults(fault(match(r), m{"status": 504, "effect": "none"}, 1000)) })
					if o.status == "done" || o.status == "running" {
						t.Errorf("it never got through, and is %s: %s", o.status, o.text)
					}
					if n := o.landed(); n >= calm[false].landed() {
						t.Errorf("%d writes landed, as many as in calm weather", n)
					}
				})
			}
		})
	}
	t.Logf("%d deeds, %d cases", len(deeds), cases)
}

// share: each of many writes meets every third weather, so that all of them are met all the same; under the race
// detector, and where there is little time, it is still fewer.
func share(writes int) int {
	switch {
	case underRace || testing.Short():
		return 8
	case writes > 4:
		return 3
	default:
		return 1
	}
}

// judge holds a deed in a weather against the same in calm weather.
func (d deed) judge(t *testing.T, calm, o outcome, lands, again bool) {
	t.Helper()
	if o.status != "done" {
		t.Errorf("%s", o.text)
		return
	}
	changes, _, err := difference(calm.state, o.state)
	if err != nil {
		t.Fatal(err)
	}
	const pass = `"@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethod"` // a user has one at the most, and each has an id of its own
	if a, b := strings.Count(string(calm.state), pass), strings.Count(string(o.state), pass); a != b || d.lost && a != 1 {
		t.Errorf("%d passes, and %d in calm weather", b, a)
	}
	for _, c := range changes {
		if d.lost && strings.Contains(c.path, "/authentication/methods/") {
			continue
		}
		if d.fresh && slices.ContainsFunc(ids, func(r string) bool {
			return strings.HasSuffix(c.path, r) || strings.Contains(c.path, "/servicePrincipals/")
		}) {
			continue
		}
		if !slices.ContainsFunc(random, func(r string) bool { return strings.Contains(c.path, r) }) {
			t.Errorf("otherwise than in calm weather: %s: %s → %s", c.path, shorten(c.before, 80), shorten(c.after, 80))
		}
	}
	extra := o.landed() - calm.landed()
	if lands {
		extra++
	}
	more := 0
	if again && !d.once || d.lost {
		more = 1
	}
	more = max(more, d.spare)
	if extra < 0 || extra > more {
		t.Errorf("%d writes more than in calm weather took effect: %v", extra, sorted(o.writes))
	}
	if o.rows < calm.rows || o.rows > calm.rows+more*2 { // one in the directory's log, one in the unified one
		t.Errorf("%d lines in the cloud's logs, and %d in calm weather", o.rows, calm.rows)
	}
}

// secrets: what was sealed is one password, and it is the one that is told.
func (d deed) secrets(w *world, o outcome) {
	w.t.Helper()
	kept, err := w.env.Secrets.List()
	if err != nil || len(kept) > 1 || len(kept) == 1 && !strings.Contains(o.text, kept[0].Handle) {
		w.t.Errorf("kept: %v, %v: %s", kept, err, o.text)
	}
	if (d.once || d.seals) != (len(kept) == 1) { // those that may not be done twice are those that make a password
		w.t.Errorf("%d passwords are kept", len(kept))
	}
}

// kinds are requests in an order that is always the same.
func kinds(w map[sandbox.RequestCount]int) []sandbox.RequestCount {
	return slices.SortedFunc(maps.Keys(w), func(a, b sandbox.RequestCount) int { return strings.Compare(nameOf(a), nameOf(b)) })
}

func sorted(w map[sandbox.RequestCount]int) (out []string) {
	for r, n := range w {
		out = append(out, fmt.Sprintf("%d× %s %d", n, nameOf(r), r.Status))
	}
	sort.Strings(out)
	return out
}
