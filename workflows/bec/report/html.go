package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"sync"
	"time"

	"cipp-mcp/workflows/bec"
)

//go:embed report.html
var page string

// parsed is the page as a template, made when the first report is written.
var parsed = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("report").Funcs(template.FuncMap{
		"stamp": stamp, "time": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }, "upper": func(s bec.Severity) string { return strings.ToUpper(string(s)) },
		"first": func(n int, list []bec.Evidence) []bec.Evidence { return list[:min(n, len(list))] },
		"join":  strings.Join, "what": what, "yesNo": yesNo,
	}).Parse(page))
})

// HTML is the report as one page without scripts and without anything from elsewhere.
func (r *Report) HTML() ([]byte, error) {
	var b bytes.Buffer
	err := parsed().Execute(&b, map[string]any{
		"R": r, "A": r.Analysis, "Facts": r.facts(), "Events": marked(r.Analysis.Events, timelineRows), "Chart": r.chart(), "All": len(r.Analysis.Events),
	})
	if err != nil {
		return nil, fmt.Errorf("write the report: %w", err)
	}
	return b.Bytes(), nil
}

// chart is the timeline as a drawing: a lane for each who, and under them a band for each log that says from when to
// when it was read.
type chart struct {
	Width, Height int
	Lanes         []lane
	Bands         []band
	Ticks         []tick
	Axis          int
}

type lane struct {
	Name string
	Y    int
	Dots []dot
}

type dot struct {
	X     int
	Class string // of the style
	Title string
}

type band struct {
	Name          string
	Y, X, Length  int
	Status, Title string
	Gaps          []gap
}

type gap struct{ X, Length int }

type tick struct {
	X    int
	Text string
}

const (
	chartLeft, chartRight   = 190, 1060
	laneHeight, bandHeight  = 26, 16
	chartTop                = 12
	longestChart            = 2000 // dots drawn
	attackerDot, anyoneDot  = "attacker", "other"
	dayFormat, minuteFormat = "2 Jan", "2 Jan 15:04"
)

var lanes = []bec.Who{bec.ByAttacker, bec.Ambiguous, bec.ByUser, bec.ByAdmin, bec.ByService, bec.ByTool}

func (r *Report) chart() *chart {
	from, to := r.span()
	if !from.Before(to) {
		return nil
	}
	x := func(t time.Time) int {
		part := float64(t.Sub(from)) / float64(to.Sub(from))
		return chartLeft + int(max(0, min(1, part))*float64(chartRight-chartLeft))
	}
	c := &chart{Width: chartRight + 50}
	y := chartTop
	for _, who := range lanes {
		l := lane{Name: string(who), Y: y + laneHeight/2}
		for _, e := range r.Analysis.Events {
			if e.Attribution != who || len(l.Dots) >= longestChart || e.TimeUTC.Before(from) || e.TimeUTC.After(to) {
				continue // what lies outside is in the table
			}
			d := dot{X: x(e.TimeUTC), Class: anyoneDot, Title: e.TimeUTC.UTC().Format("2006-01-02 15:04:05Z ") + e.Source + " " + what(e)}
			if who == bec.ByAttacker {
				d.Class = attackerDot
			}
			l.Dots = append(l.Dots, d)
		}
		if len(l.Dots) > 0 {
			c.Lanes = append(c.Lanes, l)
			y += laneHeight
		}
	}
	c.Axis = y + 6
	y += 24
	for _, cv := range r.Analysis.Coverage {
		if cv.From == nil && cv.Status != bec.Unavailable {
			continue // the state as it is has no past to draw
		}
		if cv.From == nil && cv.Lag == "PT0S" {
			continue
		}
		b := band{Name: cv.Source, Y: y, Status: string(cv.Status), Title: strings.TrimSpace(string(cv.Status) + " " + string(cv.Reason) + " " + cv.Detail)}
		start, end := from, to
		if cv.From != nil {
			start = *cv.From
		}
		if cv.AsOf != nil {
			end = *cv.AsOf
		}
		b.X = x(start)
		b.Length = max(2, x(end)-b.X)
		for _, g := range cv.Gaps {
			b.Gaps = append(b.Gaps, gap{x(g.From), max(2, x(g.To)-x(g.From))})
		}
		c.Bands = append(c.Bands, b)
		y += bandHeight
	}
	c.Height = y + 10
	format := dayFormat
	if to.Sub(from) < 10*24*time.Hour {
		format = minuteFormat
	}
	const ticks = 6
	for i := range ticks + 1 {
		t := from.Add(to.Sub(from) * time.Duration(i) / ticks)
		c.Ticks = append(c.Ticks, tick{x(t), t.UTC().Format(format)})
	}
	return c
}

// span is what the chart shows: the events that matter, with a day before and after, up to when the case was read.
func (r *Report) span() (from, to time.Time) {
	for _, e := range r.Analysis.Events {
		if e.Class == "" && e.Attribution != bec.ByAttacker {
			continue
		}
		if from.IsZero() || e.TimeUTC.Before(from) {
			from = e.TimeUTC
		}
		if e.TimeUTC.After(to) {
			to = e.TimeUTC
		}
	}
	if from.IsZero() {
		if n := len(r.Analysis.Events); n > 0 {
			from, to = r.Analysis.Events[0].TimeUTC, r.Analysis.Events[n-1].TimeUTC
		}
	}
	if from.IsZero() {
		return r.Head.Opened.Add(-30 * 24 * time.Hour), r.Head.Opened
	}
	if to = to.Add(24 * time.Hour); r.Written.After(from) && to.After(r.Written) {
		to = r.Written // there is no later
	}
	return from.Add(-24 * time.Hour), to
}
