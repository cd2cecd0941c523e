package policy

import (
	"strings"
	"testing"

	"cipp-mcp/internal/config"
	"cipp-mcp/internal/jobs"
)

func TestHowManyPeopleOneRunIsAbout(t *testing.T) {
	change := func(ids ...string) jobs.Change { return jobs.Change{People: ids} }
	undone := change("x", "y", "z")
	undone.Nothing = "it is so already"
	byHand := change("x", "y", "z")
	byHand.Manual = "somebody does it"
	for name, c := range map[string]struct {
		most    int
		changes []jobs.Change
		people  string // "" is no reason
	}{
		"the user alone":             {1, []jobs.Change{{}, {}, {}}, ""},
		"as many as may be":          {3, []jobs.Change{change("a"), change("b")}, ""},
		"one too many":               {2, []jobs.Change{change("a"), change("b")}, "3 people"},
		"several in one step":        {2, []jobs.Change{change("a", "b", "c")}, "4 people"},
		"the same in other letters":  {2, []jobs.Change{change("A"), change("a"), change("USER")}, ""},
		"nothing to do, and by hand": {1, []jobs.Change{undone, byHand}, ""},
		"no limit":                   {0, []jobs.Change{change("a", "b", "c")}, ""},
	} {
		e := &Engine{Config: config.Config{Guards: config.Guards{MaxPeoplePerRun: c.most}}}
		p := Plan{UserID: "user", Risk: Destructive, Changes: c.changes}
		e.guardMass(&p)
		raised := p.Risk == Critical
		if raised != (c.people != "") || raised && !strings.Contains(p.Critical[0], c.people) {
			t.Errorf("%s: %v %v", name, p.Risk, p.Critical)
		}
	}
	e := &Engine{Config: config.Defaults()}
	p := Plan{Risk: Write} // of no user: a run for many
	for i := range config.Defaults().Guards.MaxPeoplePerRun + 1 {
		p.Changes = append(p.Changes, change(strings.Repeat("i", i+1)))
	}
	if e.guardMass(&p); p.Risk != Critical {
		t.Error("by default there is no limit")
	}
}
