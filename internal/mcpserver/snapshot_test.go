package mcpserver

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cipp-mcp/tools"
)

var update = flag.Bool("update", false, "accept what changed: a decision")

// golden holds b against a file, or writes it.
func golden(t *testing.T, path string, b []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; make snapshots writes it", err)
	}
	want = bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))
	if d := cmp.Diff(string(want), string(b)); d != "" {
		t.Errorf("%s differs; if that is meant, make snapshots docs:\n%s", path, d)
	}
}

func TestSchemaSnapshots(t *testing.T) {
	for _, d := range Declarations() {
		b, err := json.MarshalIndent(d, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", "tools", d.Name+".json"), append(b, '\n'))
	}
	files, err := filepath.Glob(filepath.Join("testdata", "tools", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(tools.All()) {
		t.Errorf("%d snapshots for %d tools", len(files), len(tools.All()))
	}
}

// bytesPerToken is how the budget counts: four bytes a token.
const bytesPerToken = 4

// The budget: what reaches a model of the default tools and of all, held against committed figures; more than five
// percent over one fails. Of the default tools 5,000 tokens and 20 tools are the most, of all 12,000 tokens.
func TestTokenBudget(t *testing.T) {
	for _, c := range []struct {
		file        string
		tools       []tools.Tool
		tokens, len int
	}{
		{"tokens.txt", tools.Default(), 5000, 20},
		{"tokens-all.txt", tools.All(), 12000, 64},
	} {
		total, largest := 0, map[string]int{}
		for _, tool := range c.tools {
			b, err := ModelVisible(declare(tool))
			if err != nil {
				t.Fatal(err)
			}
			total += len(b)
			largest[tool.Name] = len(b) / bytesPerToken
		}
		tokens := total / bytesPerToken
		t.Logf("%s: %d bytes, %d tokens in %d tools", c.file, total, tokens, len(c.tools))
		if tokens > c.tokens || len(c.tools) > c.len {
			t.Errorf("%s: %d tokens in %d tools; %d and %d are the most: %v", c.file, tokens, len(c.tools), c.tokens, c.len, largest)
		}
		path := filepath.Join("testdata", c.file)
		if *update {
			golden(t, path, []byte(fmt.Sprintln(tokens)))
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		committed, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		if tokens*100 > committed*105 {
			t.Errorf("%s: %d tokens, committed are %d: every tool that is listed is sent to every user in every conversation", c.file, tokens, committed)
		}
	}
}

var toolName = regexp.MustCompile(`^cipp_[a-z0-9_]{1,59}$`)

// Schemas stay with what every client understands.
func TestSchemasArePortable(t *testing.T) {
	for _, d := range Declarations() {
		if !toolName.MatchString(d.Name) {
			t.Errorf("%s is no name for a tool", d.Name)
		}
		if len(d.Description) < 40 || strings.Count(d.Description, ". ") > 2 {
			t.Errorf("%s: the description says when to use it in two or three sentences: %q", d.Name, d.Description)
		}
		a := d.Annotations
		if a.ReadOnlyHint == nil || a.DestructiveHint == nil || a.IdempotentHint == nil || a.OpenWorldHint == nil {
			t.Errorf("%s: an annotation is left to the library", d.Name)
		} else if *a.ReadOnlyHint && *a.DestructiveHint {
			t.Errorf("%s reads only and destroys", d.Name)
		}
		var s any
		if err := json.Unmarshal(d.RawInputSchema, &s); err != nil {
			t.Fatal(err)
		}
		portable(t, d.Name, s)
	}
}

func portable(t *testing.T, at string, v any) {
	t.Helper()
	m, ok := v.(map[string]any)
	if !ok {
		t.Errorf("%s: a schema is %v", at, v)
		return
	}
	if _, ok := m["type"].(string); !ok {
		t.Errorf("%s: type is %v", at, m["type"])
	}
	if _, ok := m["$schema"]; ok {
		t.Errorf("%s: $schema costs tokens", at)
	}
	if m["type"] == "array" {
		if m["items"] == nil || m["maxItems"] == nil {
			t.Errorf("%s: a list has items and maxItems", at)
			return
		}
		portable(t, at+"[]", m["items"])
	}
	props, _ := m["properties"].(map[string]any)
	for k, p := range props {
		portable(t, at+"."+k, p)
	}
}

func TestGeneratedDocs(t *testing.T) {
	golden(t, filepath.Join("..", "..", "docs", "tools.md"), []byte(Reference()))
}

func TestReadmeTable(t *testing.T) {
	path := filepath.Join("..", "..", "README.md")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- tools:begin -->\n", "<!-- tools:end -->"
	text := strings.ReplaceAll(string(b), "\r\n", "\n")
	i, j := strings.Index(text, begin), strings.Index(text, end)
	if i < 0 || j < i {
		t.Fatal("the README has no place for the tools")
	}
	golden(t, path, []byte(text[:i+len(begin)]+Table()+text[j:]))
}

func TestErrorCodesAreDocumented(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "errors.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)`").FindAllStringSubmatch(string(b), -1) {
		documented[m[1]] = true
	}
	used := map[string]bool{}
	inCode := regexp.MustCompile(`(?:Code: |graphclient\.\w+: +\{)"([a-z_]+)"`)
	for _, dir := range []string{".", filepath.Join("..", "..", "tools")} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range inCode.FindAllStringSubmatch(string(src), -1) {
				used[m[1]] = true
			}
		}
	}
	if d := cmp.Diff(documented, used); d != "" {
		t.Errorf("documented and used error codes differ (-documented +used):\n%s", d)
	}
}
