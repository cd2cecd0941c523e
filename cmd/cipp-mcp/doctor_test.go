package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cipp-mcp/tools"
)

// asksDoctor runs the command and gives what it printed and its exit code.
func asksDoctor(t *testing.T, args ...string) (string, exitCode) {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "cipp-mcp.yaml")
	if err := os.WriteFile(config, []byte("version: 1\nstateDir: "+filepath.ToSlash(filepath.Join(dir, "state"))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := root()
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetArgs(append([]string{"doctor", "--config", config}, args...))
	err := c.ExecuteContext(t.Context())
	var code exitCode
	if err != nil && !errors.As(err, &code) {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return out.String(), code
}

func TestDoctorFindsWhatIsMissing(t *testing.T) {
	sick := edited(t, func(tenant m) {
		if tenant["defaultDomain"] != harbourline {
			return
		}
		c := tenant["consents"].([]any)[0].(m)
		var kept []any
		for _, r := range c["appRoles"].([]any) {
			if r != "UserAuthenticationMethod.ReadWrite.All" {
				kept = append(kept, r)
			}
		}
		c["appRoles"], c["directoryRoles"] = kept, []any{"User Administrator"}
	})
	out, code := asksDoctor(t, harbourline, "--sandbox="+sick, "--json")
	if code != doctorLacks {
		t.Errorf("exit code %d", code)
	}
	var found struct {
		Tenants []tools.Examination
		Least   struct{ Graph []string } `json:"leastPermissions"`
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	lacks := map[string][]string{}
	for _, l := range found.Tenants[0].Lacks {
		lacks[l.What+" "+l.Name] = l.Tools
	}
	if !strings.Contains(strings.Join(lacks["permission UserAuthenticationMethod.ReadWrite.All"], " "), "cipp_reset_mfa") || lacks["role Exchange Administrator"] == nil || lacks["role User Administrator"] != nil {
		t.Errorf("%v", lacks)
	}
	if len(found.Least.Graph) < 10 {
		t.Errorf("%v", found.Least)
	}
}

func TestDoctorTellsScriptsByTheExitCode(t *testing.T) {
	out, code := asksDoctor(t, harbourline, "--sandbox", "--preset", "triage")
	if code != 0 || !strings.Contains(out, "Nothing is missing in 1 tenants") {
		t.Errorf("%d: %s", code, out)
	}
	out, code = asksDoctor(t, "--sandbox") // the customers of the story, one of which has not consented
	if code != doctorUnreachable || !strings.Contains(out, "lakeview-vets.example") || !strings.Contains(out, "adminconsent") {
		t.Errorf("%d: %s", code, out)
	}
}
