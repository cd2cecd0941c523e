package judge

import (
	"testing"

	"cipp-mcp/workflows/bec"
)

func TestStory(t *testing.T) {
	f, m := story(t, "Brightwell Joinery", "celia.hartmann@brightwell.example")
	a, err := Judge(t.Context(), f, m)
	if err != nil {
		t.Fatal(err)
	}
	dump(t, a)
	if a.Verdict != bec.Confirmed || a.IncidentType != bec.AccountTakeover || a.State != bec.Active {
		t.Errorf("%s %s %s", a.Verdict, a.IncidentType, a.State)
	}
	if len(a.Affected.SiblingAccounts) != 1 {
		t.Errorf("siblings %v", a.Affected.SiblingAccounts)
	}
}

func TestColleague(t *testing.T) {
	for _, who := range []string{"harriet.brightwell@brightwell.example", "imogen.vale@brightwell.example", "rhys.calder@brightwell.example"} {
		f, m := story(t, "Brightwell Joinery", who)
		a, err := Judge(t.Context(), f, m)
		if err != nil {
			t.Fatal(err)
		}
		dump(t, a)
	}
}
