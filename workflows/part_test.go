package workflows

import (
	"strings"
	"testing"

	"cipp-mcp/internal/jobs"
)

func TestAPartOfAPlan(t *testing.T) {
	steps := []jobs.Step{{Name: "block-sign-in"}, {Name: "revoke-sessions"}, {Name: "leave-group-298f57ef-76ce-45f8-a16d-e7014ddaa1d1"}, {Name: "leave-group-48dabfba-8ca5-4a6c-b04f-43044f5ae9bd"},
		{Name: "convert-to-shared"}, {Name: "remove-licenses", Needs: []string{"convert-to-shared"}}, {Name: "revoke-sessions-again"}}
	for _, c := range []struct{ names, want, problem string }{
		{"revoke-sessions", "revoke-sessions", ""},
		{"remove-licenses convert-to-shared block-sign-in", "block-sign-in convert-to-shared remove-licenses", ""},
		{"leave-group", "leave-group-298f57ef-76ce-45f8-a16d-e7014ddaa1d1 leave-group-48dabfba-8ca5-4a6c-b04f-43044f5ae9bd", ""},
		{"leave-group-48dabfba-8ca5-4a6c-b04f-43044f5ae9bd", "leave-group-48dabfba-8ca5-4a6c-b04f-43044f5ae9bd", ""},
		{"remove-licenses", "", "remove-licenses needs convert-to-shared first, so name that too"},
		{"block-sign-in remove-everything", "", "the plan has no step «remove-everything»; with these options it has block-sign-in, revoke-sessions, leave-group, convert-to-shared, remove-licenses, revoke-sessions-again"},
		{"leave", "leave-group-298f57ef-76ce-45f8-a16d-e7014ddaa1d1 leave-group-48dabfba-8ca5-4a6c-b04f-43044f5ae9bd", ""},
	} {
		part, err := Part(steps, strings.Fields(c.names))
		var got []string
		for _, s := range part {
			got = append(got, s.Name)
		}
		if strings.Join(got, " ") != c.want || (err == nil) != (c.problem == "") || err != nil && err.Error() != c.problem {
			t.Errorf("%s: %v, %v", c.names, got, err)
		}
	}
	if _, err := Part(steps, []string{""}); err == nil {
		t.Error("no name is a name")
	}
}
