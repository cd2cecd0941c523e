package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cipp-mcp/sandbox/builtin"
)

// BenchmarkUserPages reads pages of 999 users over HTTPS.
func BenchmarkUserPages(b *testing.B) {
	s, err := Start(b.Context(), Options{State: builtin.Generate(1, 1, 2000), Clock: "2026-03-12T15:00:00Z,frozen"})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	x := &tester{&testing.T{}, s, clientOf(s), map[string]string{}}
	id := s.cloud.Customers()[0].ID
	const q = "/users?$top=999&$select=id,displayName,userPrincipalName,accountEnabled,mail,jobTitle,department,assignedLicenses,userType,createdDateTime,usageLocation"
	x.asIn(b, id, q)
	for b.Loop() {
		b.SetBytes(int64(len(x.asIn(b, id, q).raw)))
	}
}

func TestLargeTenants(t *testing.T) {
	if testing.Short() {
		t.Skip("a tenant of 50,000 users takes a few seconds to write down")
	}
	state := builtin.Generate(1, 1, 50_000)
	from := time.Now()
	x := start(t, Options{State: state})
	t.Logf("50,000 users (%d MB) loaded in %v", len(state)>>20, time.Since(from))
	id := x.s.cloud.Customers()[0].ID
	from, n := time.Now(), 0
	a := x.as(id, "GET", "/users?$top=999&$select=id,displayName,userPrincipalName,accountEnabled,assignedLicenses", nil)
	for {
		n += len(a.rows())
		next, ok := a.body["@odata.nextLink"].(string)
		if !ok {
			break
		}
		a = x.as(id, "GET", next, nil)
	}
	if n != 50_000 {
		t.Fatal(n)
	}
	t.Logf("read in %v", time.Since(from))
}

// TestRecordingHoldsAgainstTheContract records a walk through the operations and has it judged by the checker
// where that is at hand.
func TestRecordingHoldsAgainstTheContract(t *testing.T) {
	checker := findUp(t, filepath.Join("shared", "contract", "wirecheck"))
	if checker == "" {
		t.Skip("no contract beside the project: the recording is not judged")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3: the recording is not judged")
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "wire.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	walk(start(t, Options{Record: file}))
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), python, checker, "--min-ops", "60", file.Name()).CombinedOutput()
	if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); err != nil {
		t.Errorf("%s\n%v", out, err)
	} else {
		t.Log(lines[len(lines)-1])
	}
}

func findUp(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return filepath.Join(dir, name)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}
