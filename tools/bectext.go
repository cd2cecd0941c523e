package tools

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

const (
	// summaryEvidence bounds the records shown of each finding in the summary, rows a page of a list.
	summaryEvidence = 3
	becRows         = 40
	findingRows     = 10
)

// show fills in the section that was asked for.
func (o *BECCheckOut) show(c *Call, a bec.Analysis, in BECCheckIn) error {
	page := PageArgs{Limit: becRows, Cursor: in.Cursor}
	switch sec := o.section; {
	case sec == "summary":
		for _, f := range a.Findings {
			if f.Severity != bec.Info {
				o.Findings = append(o.Findings, shortened(f))
			}
		}
		if len(a.Findings) > 0 {
			o.Affected = &a.Affected
		}
	case sec == "findings" || sec == "evidence":
		page.Limit = findingRows
		rows, part, err := slicePage(c, checkTool, a.Findings, page)
		if err != nil {
			return err
		}
		o.Findings, o.Cursor, o.cut = rows, part.Cursor, part.cut
	case sec == "timeline":
		rows, part, err := slicePage(c, checkTool, a.Events, page)
		if err != nil {
			return err
		}
		o.Timeline, o.Cursor, o.cut = &bec.Timeline{Events: rows, Cursor: part.Cursor}, part.Cursor, part.cut
	case sec == "affected":
		o.Affected = &a.Affected
	case sec == "plan":
		o.Plan = &bec.Plan{Steps: a.Plan}
		if a.Plan == nil {
			o.Plan.Steps = []bec.Step{}
		}
	case strings.HasPrefix(sec, "finding:"):
		id := strings.TrimPrefix(sec, "finding:")
		i := slices.IndexFunc(a.Findings, func(f bec.Finding) bool { return f.ID == id })
		if i < 0 {
			return &Problem{Code: "invalid_argument", Message: fmt.Sprintf("This case has no finding %q.", Clean(id, 60)), Next: "section=findings lists them with their ids."}
		}
		o.Findings = a.Findings[i : i+1]
	}
	return nil
}

// shortened is a finding with its first records only.
func shortened(f bec.Finding) bec.Finding {
	f.Evidence = f.Evidence[:min(len(f.Evidence), summaryEvidence)]
	return f
}

// Text tells verdict, coverage in two lines, findings by severity and what to do next.
func (o *BECCheckOut) Text() string {
	var l lines
	head := string(o.Verdict)
	if o.IncidentType != "" && o.IncidentType != bec.NoneObserved {
		head += ", " + string(o.IncidentType)
	}
	if o.State != "" {
		head += ", " + string(o.State)
	}
	l.add("verdict: %s for %s in %s%s (%s, %s)", head, q(o.User.UserPrincipalName), o.Tenant, ifText(asOf(o.AsOf), ", as of "), o.CaseID, o.Status)
	if o.section == "summary" {
		l.add("%s", o.Summary)
	}
	o.coverageText(&l)
	n := o.Counts
	l.add("findings: %d critical, %d high, %d medium, %d low, %d info; %d events", n.Critical, n.High, n.Medium, n.Low, n.Info, n.Events)
	o.findingText(&l)
	if o.Timeline != nil {
		for _, e := range o.Timeline.Events {
			l.add("%s %s %s %s%s%s%s", e.TimeUTC.UTC().Format("2006-01-02 15:04:05Z"), e.Attribution, e.Source, e.Class, ifText(e.Actor, " by "), ifText(e.Target, " on "), ifText(e.IP, " from "))
		}
	}
	if o.Affected != nil {
		o.affectedText(&l)
	}
	if o.Plan != nil {
		l.add("proposed response, %s; cipp_bec_remediate with this caseId executes it:", count(len(o.Plan.Steps), "step", "steps"))
		for _, s := range o.Plan.Steps {
			l.add("- %s %s %s%s%s", s.ID, s.Action, s.TargetID, ifText(s.TargetName, " "), ifText(s.Reason, ": "))
		}
	}
	for i, s := range o.Next {
		if i == mostNext && o.section == "summary" {
			l.add("and %d more things to do or ask, in structuredContent.next", len(o.Next)-i)
			break
		}
		l.add("next: %s%s%s", s.What, ifText(s.Tool, " with "), ifText(s.Why, ": "))
	}
	if o.Cursor != "" {
		l.add("more: call again with cursor=%s", o.Cursor)
	}
	if o.Status != bec.Collecting && o.section == "summary" {
		l.add("sections: findings, timeline, coverage, affected, plan; report: %s", o.report)
	}
	return l.String()
}

// mostNext bounds what the summary says to do.
const mostNext = 5

// findingText tells the grave findings in sentences and names the others; each stands whole under its id.
func (o *BECCheckOut) findingText(l *lines) {
	lesser := map[bec.Severity][]string{}
	for _, f := range o.Findings {
		switch {
		case o.section != "summary" || f.Severity == bec.Critical:
			l.add("- %s %s %s (%s confidence, %s): %s%s", f.Severity, f.Class, f.ID, f.Confidence, f.Attribution.Value, f.Title, ifText(f.Why, " "))
		case f.Severity == bec.High:
			l.add("- %s %s %s (%s): %s", f.Severity, f.Class, f.ID, f.Attribution.Value, f.Title)
		default:
			lesser[f.Severity] = append(lesser[f.Severity], f.Class+" "+f.ID)
		}
	}
	for _, s := range []bec.Severity{bec.Medium, bec.Low} {
		if len(lesser[s]) > 0 {
			l.add("- %s: %s", s, strings.Join(lesser[s], ", "))
		}
	}
}

func asOf(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// coverageText is two lines, or all of it where the section was asked for.
func (o *BECCheckOut) coverageText(l *lines) {
	var missing []string
	for _, c := range o.Coverage {
		if c.Status == bec.ReadWhole || !requested(c) && o.section != "coverage" {
			continue
		}
		missing = append(missing, fmt.Sprintf("%s %s (%s)%s", c.Source, c.Status, c.Reason, ifText(coverageDetail(o.section, c.Detail), " ")))
	}
	l.add("coverage: %d of %d sources complete", o.Counts.SourcesComplete, o.Counts.SourcesRequested)
	if len(missing) == 0 {
		return
	}
	if o.section == "coverage" {
		for _, m := range missing {
			l.add("- %s", m)
		}
		return
	}
	l.add("not complete: %s", strings.Join(missing, ", "))
}

func coverageDetail(section, detail string) string {
	if section != "coverage" {
		return ""
	}
	return detail
}

func (o *BECCheckOut) affectedText(l *lines) {
	a := o.Affected
	switch {
	case a.ReadUnbounded:
		l.add("affected: mail access cannot be bounded, assume everything readable; %d messages are known to have been read", a.MessagesRead)
	case a.MessagesRead > 0:
		l.add("affected: %d messages were read", a.MessagesRead)
	}
	for _, who := range []struct {
		what string
		list []string
	}{{"counterparties", a.Counterparties}, {"other accounts of the same actor", a.SiblingAccounts}} {
		if len(who.list) > 0 {
			shown := who.list[:min(len(who.list), 10)]
			l.add("%s (%d): %s", who.what, len(who.list), q(strings.Join(shown, ", ")))
		}
	}
}

// Shrink shows less evidence, then fewer of the lesser findings and events; the counts stay.
func (o *BECCheckOut) Shrink() bool {
	for i := range o.Findings {
		if f := &o.Findings[i]; len(f.Evidence) > 1 && o.section == "summary" {
			f.Evidence = f.Evidence[:1]
			return true
		}
	}
	if t := o.Timeline; t != nil && len(t.Events) > 1 {
		n := len(t.Events) / 2
		t.Events = t.Events[:n]
		o.Cursor = o.cut(n)
		t.Cursor = o.Cursor
		return true
	}
	if len(o.Findings) > 1 {
		n := len(o.Findings) / 2
		o.Findings = o.Findings[:n]
		if o.cut != nil {
			o.Cursor = o.cut(n)
		}
		return true
	}
	if len(o.Findings) == 1 && len(o.Findings[0].Evidence) > 1 {
		f := &o.Findings[0]
		f.Evidence = f.Evidence[:len(f.Evidence)/2]
		return true
	}
	if a := o.Affected; a != nil && len(a.Counterparties) > 10 {
		a.Counterparties = a.Counterparties[:len(a.Counterparties)/2]
		return true
	}
	return false
}
