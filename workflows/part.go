package workflows

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cipp-mcp/internal/jobs"
)

// namedID is what ends the name of a step of which there is one for each of several things.
var namedID = regexp.MustCompile(`-([0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|[0-9]+)$`)

// Part is that part of a plan whose steps are named, in the plan's order. A name without its id stands for all of
// its kind: leave-group. A step comes only with the steps it needs: what keeps a mailbox, or gives a group another
// owner, must not be left out.
func Part(steps []jobs.Step, names []string) ([]jobs.Step, error) {
	chosen := map[string]bool{}
	for _, n := range names {
		found := slices.ContainsFunc(steps, func(s jobs.Step) bool { return s.Name == n })
		if found {
			chosen[n] = true
			continue
		}
		for _, s := range steps {
			if strings.HasPrefix(s.Name, n+"-") {
				chosen[s.Name], found = true, true
			}
		}
		if !found || n == "" {
			return nil, fmt.Errorf("the plan has no step %s; with these options it has %s", jobs.Fence(shortened(n)), strings.Join(kindsOf(steps), ", "))
		}
	}
	var out []jobs.Step
	for _, s := range steps {
		if !chosen[s.Name] {
			continue
		}
		for _, n := range s.Needs {
			if !chosen[n] {
				return nil, fmt.Errorf("%s needs %s first, so name that too", s.Name, n)
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// kindsOf are the names of steps without ids, each once.
func kindsOf(steps []jobs.Step) []string {
	var out []string
	for _, s := range steps {
		if n := namedID.ReplaceAllString(s.Name, ""); !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}
