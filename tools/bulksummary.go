package tools

import (
	"fmt"
	"slices"
	"strings"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
)

// sampleRows is how many rows a plan shows of a bulk.
const sampleRows = 5

// summary gathers what a person has to know of many plans.
type summary struct {
	rows                                  []bulkRow
	most                                  int // rows of the sample
	runs, nothing, hand                   int
	sample                                []string
	warnings, blockers, critical, lasting gathered
}

// gathered are sentences of rows, each once with the first row it is about; the first few are told, the others counted.
type gathered struct {
	n     int // of all rows
	texts []string
	said  map[string]int // place of a sentence in texts
	more  []int          // rows beside the first, by that place
	left  int            // sentences that are not among the first few
}

func (g *gathered) add(r bulkRow, most int, sentences ...string) {
	g.addAt(r, fmt.Sprintf("row %d", r.N), most, sentences...)
}

func (g *gathered) addAt(r bulkRow, at string, most int, sentences ...string) {
	for _, s := range sentences {
		g.n++
		switch i, known := g.said[s]; {
		case known:
			g.more[i]++
		case len(g.texts) < most:
			if g.said == nil {
				g.said = map[string]int{}
			}
			g.said[s] = len(g.texts)
			g.texts, g.more = append(g.texts, fmt.Sprintf("%s, %s: %s", at, q(r.who()), s)), append(g.more, 0)
		default:
			g.left++
		}
	}
}

func (g *gathered) list(what string) []string {
	out := make([]string, len(g.texts), len(g.texts)+1)
	for i, s := range g.texts {
		if out[i] = s; g.more[i] > 0 {
			out[i] = fmt.Sprintf("%s (likewise %s)", s, count(g.more[i], "more row", "more rows"))
		}
	}
	if g.left > 0 {
		out = append(out, fmt.Sprintf("and %d more %s", g.left, what))
	}
	return out
}

func (s *summary) add(i int, p plannedRow) {
	r := s.rows[i]
	switch {
	case p.hand:
		s.hand++
		s.warnings.add(r, sampleRows, "has to be done by hand: "+p.none)
	case p.none != "":
		s.nothing++
	default:
		s.runs++
		if len(s.sample) < s.most {
			s.sample = append(s.sample, fmt.Sprintf("row %d, %s: %s", r.N, q(r.who()), does(p.plan)))
		}
	}
	s.warnings.add(r, sampleRows, p.plan.Warnings...)
	for _, b := range p.plan.Blockers {
		at := fmt.Sprintf("row %d", r.N)
		if r.UserID != "" && !slices.ContainsFunc(p.plan.Changes, func(c jobs.Change) bool { return slices.Contains(c.Blockers, b) }) {
			at += ", column userId" // what no step says is about whom the row names
		}
		s.blockers.addAt(r, at, shownErrors, b)
	}
	if p.plan.Risk >= policy.Critical && p.none == "" {
		why := strings.Join(p.plan.Critical, "; ")
		if why == "" {
			why = p.plan.Tool + " always needs it"
		}
		s.critical.add(r, 3, why)
	}
	for _, c := range p.plan.Changes {
		if c.Runs() && c.NoWayBack != "" {
			s.lasting.add(r, 1, c.NoWayBack)
		}
	}
}

// does is a row's plan in a line.
func does(p policy.Plan) string {
	var parts []string
	for _, c := range p.Changes {
		switch {
		case !c.Runs():
		case c.Before != "" || c.After != "":
			parts = append(parts, fmt.Sprintf("%s (%s → %s)", c.Summary, c.Before, c.After))
		default:
			parts = append(parts, c.Summary)
		}
	}
	return clip(strings.Join(parts, "; "), 300)
}

func (s *summary) change(what, before, after string) jobs.Change {
	c := jobs.Change{
		Summary: what, Before: "as found [" + before + "]", After: "as each row says [" + after + "]",
		Sample: s.sample, Warnings: s.warnings.list("warnings"), Blockers: s.blockers.list("rows are blocked"), Critical: strings.Join(s.critical.list("rows need the operator"), "; "),
	}
	if s.runs > len(s.sample) && len(s.sample) > 0 {
		c.Sample = append(c.Sample, fmt.Sprintf("and %d more rows", s.runs-len(s.sample)))
	}
	if s.nothing > 0 {
		c.Summary += fmt.Sprintf(", %d of them with nothing to do", s.nothing)
	}
	if s.lasting.n > 0 {
		c.NoWayBack = s.lasting.texts[0]
		if s.lasting.n > 1 {
			c.NoWayBack += fmt.Sprintf(" (likewise %d more)", s.lasting.n-1)
		}
	}
	if s.runs == 0 && s.hand == 0 && s.blockers.n == 0 {
		c.Nothing = "nothing to do for any row"
	}
	if s.runs == 0 && s.hand > 0 && s.blockers.n == 0 {
		c.Manual = strings.Join(s.warnings.list("warnings"), "; ")
	}
	return c
}
