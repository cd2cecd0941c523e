package cippmcp_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// arrows say which packages of ours a package may import; a folder speaks for what lies under it, the longest name
// first.
var arrows = map[string][]string{
	"internal/mcpserver": {"tools", "internal/policy", "internal/config", "internal/clock"},
	"tools":              {"workflows", "graphclient", "internal/policy", "internal/jobs", "internal/secrets", "internal/exports", "internal/clock"},
	"workflows":          {"workflows/bec", "graphclient", "internal/policy", "internal/jobs", "internal/secrets", "internal/clock"},
	// A case's words are everybody's; what judges and writes it down knows nothing of Microsoft's wire.
	"workflows/bec":          {},
	"workflows/bec/casefile": {"workflows/bec"},
	"workflows/bec/collect":  {"workflows/bec", "graphclient", "internal/jobs", "internal/clock"},
	"workflows/bec/judge":    {"workflows/bec", "internal/jobs"},
	"workflows/bec/report":   {"workflows/bec"},

	"internal/policy":  {"graphclient", "internal/jobs", "internal/config", "internal/clock"},
	"internal/secrets": {"internal/jobs", "internal/config", "internal/clock"},
	"internal/jobs":    {"internal/config", "internal/clock"},
	"internal/exports": {"internal/clock"},
	"internal/webhook": {"internal/jobs", "internal/clock"},
	"internal/config":  {"internal/clock"},
	"internal/ipintel": {},
	"internal/clock":   {},
	"graphclient":      {"internal/clock"},
	"sandbox":          {"sandbox"},
}

// free may import everything.
var free = []string{"cmd", "bench", "evals", "test"}

const module = "cipp-mcp/"

func TestArchitecture(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "node_modules" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		files++
		path = filepath.ToSlash(path)
		checkSize(t, path)
		test := strings.HasSuffix(path, "_test.go")
		for _, imp := range imports(t, path) {
			if strings.HasPrefix(imp, "github.com/mark3labs/mcp-go") && !test && !under(path, "internal/mcpserver") && !isFree(path) {
				t.Errorf("%s imports the protocol library; only internal/mcpserver may", path)
			}
			own, ok := strings.CutPrefix(imp, module)
			if !ok || isFree(path) || test && under(own+"/", "sandbox") {
				continue
			}
			if !allowed(path, own, test) {
				t.Errorf("%s imports %s", path, own)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Fatalf("only %d Go files were looked at", files)
	}
}

func imports(t *testing.T, path string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func under(path, folder string) bool { return strings.HasPrefix(path, folder+"/") || path == folder }

func isFree(path string) bool {
	for _, f := range free {
		if under(path, f) {
			return true
		}
	}
	return !strings.Contains(path, "/")
}

func allowed(path, own string, test bool) bool {
	longest := ""
	for folder := range arrows {
		if under(path, folder) && len(folder) > len(longest) {
			longest = folder
		}
	}
	may, known := arrows[longest]
	if !known {
		return false
	}
	for _, m := range may {
		if under(own, m) {
			return true
		}
	}
	if under(own, longest) {
		return longest == "sandbox" || test
	}
	// A test may use what the package's own imports may use, to put the product together.
	return test && !under(own, "cmd")
}

// most is how long a file may be before it wants to be two.
const most = 450

func checkSize(t *testing.T, path string) {
	t.Helper()
	if strings.HasSuffix(path, "_test.go") {
		return
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), "\n"); n > most {
		t.Errorf("%s has %d lines; %d are the most", path, n, most)
	}
}

// graphclient and sandbox meet only on the wire: a test of theirs may drive both, nothing else may.
func TestSandboxAndClientShareNothing(t *testing.T) {
	for _, pair := range [][2]string{{"sandbox", "graphclient"}, {"graphclient", "sandbox"}} {
		err := filepath.WalkDir(pair[0], func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			for _, imp := range imports(t, path) {
				if under(strings.TrimPrefix(imp, module), pair[1]) {
					t.Errorf("%s imports %s", path, imp)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
