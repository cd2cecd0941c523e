package tools

import (
	"errors"
	"slices"
	"sort"
	"strings"
	"sync"

	"cipp-mcp/internal/jobs"
)

// wanted tells which sections were asked for; without any, the default ones.
func wanted(sections []string, defaults ...string) func(string) bool {
	if len(sections) == 0 {
		sections = defaults
	}
	return func(s string) bool {
		return slices.Contains(sections, s) || slices.Contains(sections, "all")
	}
}

// sections reads several parts of a result at once. A part that cannot be read is named with its
// reason and spoils no other.
type sections struct {
	wg          sync.WaitGroup
	mu          sync.Mutex
	unavailable *[]Unavailable
	panicked    *jobs.Panic
}

func newSections(to *[]Unavailable) *sections { return &sections{unavailable: to} }

func (s *sections) run(wanted bool, name string, f func() error) {
	if !wanted {
		return
	}
	s.wg.Go(func() {
		err := jobs.Caught(f)
		if err == nil {
			return
		}
		if p := (*jobs.Panic)(nil); errors.As(err, &p) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.panicked = p
			return
		}
		u := Unavailable{Section: name, Reason: Clean(err.Error(), 300)}
		if p, ok := ProblemOf(err); ok {
			u.Reason, u.Next = p.Message, p.Next
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		*s.unavailable = append(*s.unavailable, u)
	})
}

func (s *sections) wait() {
	s.wg.Wait()
	if s.panicked != nil {
		panic(s.panicked) // a bug, which whoever surrounds the call logs and words
	}
	slices.SortFunc(*s.unavailable, func(a, b Unavailable) int { return strings.Compare(a.Section, b.Section) })
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
