// Package report writes a case down: as Markdown for a ticket, as one HTML file that needs nothing beside itself and
// prints, and as a folder of evidence with a manifest of its hashes.
package report

import (
	"fmt"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
)

// Report is what a report is made of.
type Report struct {
	Head     casefile.Head
	Analysis bec.Analysis
	Status   string // collecting | partial | complete | failed
	Sources  []casefile.Source
	Said     []casefile.Attestation
	Version  string // of the program
	Written  time.Time
}

// Markdown is the report as a ticket shows it. Whatever may come from the tenant stands in code, so that nothing in
// it is read as markup.
func (r *Report) Markdown() string {
	var b strings.Builder
	a := r.Analysis
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("# %s: %s", r.Head.CaseID, a.Verdict)
	p("")
	for _, row := range r.facts() {
		p("- **%s:** %s", row[0], code(row[1]))
	}
	p("")
	p("%s", plain(a.Summary))
	p("")
	p("## Coverage")
	p("")
	p("| Source | Read | Why not whole | From | As of |")
	p("|---|---|---|---|---|")
	for _, c := range a.Coverage {
		p("| %s | %s | %s | %s | %s |", c.Source, c.Status, code(strings.TrimSpace(string(c.Reason)+" "+c.Detail)), stamp(c.From), stamp(c.AsOf))
	}
	p("")
	p("## Findings")
	p("")
	if len(a.Findings) == 0 {
		p("None. What could not be read stands above; this says nothing of it.")
	}
	for _, f := range a.Findings {
		r.finding(p, f)
	}
	p("")
	r.timeline(p)
	r.affected(p)
	r.plan(p)
	if len(r.Said) > 0 {
		p("## What the person said")
		p("")
		for _, s := range r.Said {
			p("- %s: %s, written down by %s at %s", code(s.Event), yesNo(s.Yes), code(s.By), s.At.UTC().Format(time.RFC3339))
		}
		p("")
	}
	p("## Evidence")
	p("")
	p("| Source | Rows | SHA-256 |")
	p("|---|---|---|")
	for _, s := range r.Sources {
		p("| %s | %d | %s |", s.Source, s.Rows, code(s.SHA256))
	}
	p("")
	p("What this case holds may be needed in law: keep it until somebody who decides that says otherwise.")
	return b.String()
}

func (r *Report) facts() [][2]string {
	a := r.Analysis
	rows := [][2]string{
		{"User", r.Head.User.UserPrincipalName + " · " + r.Head.User.ID}, {"Tenant", r.Head.Tenant + " · " + r.Head.TenantID},
		{"Verdict", string(a.Verdict)}, {"Kind of incident", string(a.IncidentType)}, {"State", string(a.State)}, {"Reading", r.Status},
		{"As of", a.AsOf.UTC().Format(time.RFC3339)}, {"Opened", r.Head.Opened.UTC().Format(time.RFC3339)}, {"Written", r.Written.UTC().Format(time.RFC3339)}, {"Program", r.Version},
	}
	out := rows[:0]
	for _, row := range rows {
		if row[1] != "" {
			out = append(out, row)
		}
	}
	return out
}

type printer func(format string, args ...any)

func (r *Report) finding(p printer, f bec.Finding) {
	p("### %s %s", strings.ToUpper(string(f.Severity)), f.Class)
	p("")
	p("%s %s", plain(f.Title), plain(f.Why))
	p("")
	p("- **Confidence:** %s · **held to be the act of:** %s (%s) · **status:** %s", f.Confidence, f.Attribution.Value, plain(f.Attribution.Reason), f.Status)
	for _, t := range f.BenignTested {
		p("- harmless explanation tried: %s: %s%s", plain(t.Test), t.Result, plain(before(": ", t.Reason)))
	}
	for _, c := range f.CoverageCaveats {
		p("- could change with: %s", plain(c))
	}
	for _, e := range f.Evidence[:min(len(f.Evidence), 10)] {
		p("- %s %s %s", e.TimeUTC.UTC().Format(time.RFC3339), e.Source, code(e.RecordID))
	}
	if n := len(f.Evidence) - 10; n > 0 {
		p("- and %d more records", n)
	}
	p("")
}

// timelineRows bounds the events a report lists; the evidence has them all.
const timelineRows = 200

func (r *Report) timeline(p printer) {
	events := marked(r.Analysis.Events, timelineRows)
	p("## Timeline (UTC)")
	p("")
	if len(events) < len(r.Analysis.Events) {
		p("%d of %d events: those that are part of a finding or not the user's own come first.", len(events), len(r.Analysis.Events))
		p("")
	}
	p("| Time | Whose | What | Source | From |")
	p("|---|---|---|---|---|")
	for _, e := range events {
		p("| %s | %s | %s | %s | %s |", e.TimeUTC.UTC().Format("2006-01-02 15:04:05"), e.Attribution, code(what(e)), e.Source, code(e.IP))
	}
	p("")
}

// what an event is in a few words.
func what(e bec.Event) string {
	parts := []string{}
	for _, s := range []string{e.Class, e.Actor, e.Target} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " · ")
}

// marked are the events worth a line, in their order, at most n: first those of findings and of anybody but the user.
func marked(all []bec.Event, n int) []bec.Event {
	if len(all) <= n {
		return all
	}
	out := make([]bec.Event, 0, n)
	for _, e := range all {
		if len(out) < n && (e.Class != "" || e.Attribution == bec.ByAttacker || e.Attribution == bec.Ambiguous) {
			out = append(out, e)
		}
	}
	return out
}

func (r *Report) affected(p printer) {
	a := r.Analysis.Affected
	if a.MessagesRead == 0 && !a.ReadUnbounded && len(a.Counterparties)+len(a.SiblingAccounts) == 0 {
		return
	}
	p("## Affected")
	p("")
	if a.ReadUnbounded {
		p("- What was read cannot be bounded: assume everything that was readable.")
	}
	if a.MessagesRead > 0 {
		p("- %d messages are known to have been read.", a.MessagesRead)
	}
	for _, list := range []struct {
		what  string
		names []string
	}{{"To be told", a.Counterparties}, {"Other accounts of the same actor", a.SiblingAccounts}} {
		if len(list.names) > 0 {
			p("- %s (%d): %s", list.what, len(list.names), code(strings.Join(list.names[:min(len(list.names), 50)], ", ")))
		}
	}
	p("")
}

func (r *Report) plan(p printer) {
	if len(r.Analysis.Plan) == 0 {
		return
	}
	p("## Proposed response")
	p("")
	for _, s := range r.Analysis.Plan {
		p("1. %s %s %s%s", s.Action, code(s.TargetID), code(s.TargetName), plain(before(": ", s.Reason)))
	}
	p("")
}

func before(mark, s string) string {
	if s == "" {
		return ""
	}
	return mark + s
}

func yesNo(yes bool) string {
	if yes {
		return "it was the user"
	}
	return "it was not the user"
}

func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}

// code puts text where Markdown reads no markup.
func code(s string) string {
	s = strings.TrimSpace(strings.NewReplacer("\r", " ", "\n", " ", "`", "ˋ", "|", "¦").Replace(s))
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// plain is a sentence of the program's own with quoted words of the tenant in it: what Markdown or HTML would read
// is taken apart.
func plain(s string) string {
	return markup.Replace(s)
}

var markup = strings.NewReplacer("\r", " ", "\n", " ", "<", "‹", ">", "›", "[", "(", "]", ")", "`", "ˋ", "*", "∗", "|", "¦")
