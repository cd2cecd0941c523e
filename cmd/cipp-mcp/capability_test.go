package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/capabilities.md anew")

// capability is one row of what the product owes, and its proof: what does it, scored on the difference of
// the sandbox's state, and its most likely failure, which changes nothing. Each area keeps its rows in a file
// of its own, capability_<area>_test.go, and names them in areas.
type capability struct {
	what string // in a few words
	tool string // the tool that carries it; the proof has to call it
	// world is where the proof runs; the zero value is the application's sign-in in the built-in story.
	world worldOptions
	// at makes the world where a value is not enough, such as one of an edited story.
	at func(t *testing.T) worldOptions
	// does is the capability at its work.
	does func(w *world)
	// changes are parts of the paths that does changes: each is met by a changed path, and each changed path
	// meets one. None: a read, which changes nothing.
	changes []string
	// leaves are the values that stand in the cloud afterwards.
	leaves leaves
	// fails is its most likely failure, in a world of its own; between w.mark (or its beginning) and its end
	// nothing changes. Rows that cannot fail, such as a note in an answer, say why not in sure.
	fails func(w *world)
	sure  string
	// none says why the product has no such thing; such a row has no proof.
	none string
}

// areas are all rows.
func areas() map[string]capability {
	all := map[string]capability{}
	for _, area := range []map[string]capability{
		baseCapabilities, bulkCapabilities, licenceCapabilities, createCapabilities, lifecycleCapabilities, signInCapabilities, securityCapabilities,
		mailCapabilities, fileCapabilities, accessCapabilities, becCapabilities, jobCapabilities, listCapabilities, readCapabilities,
	} {
		for id, c := range area {
			if _, twice := all[id]; twice {
				panic("two proofs of " + id)
			}
			all[id] = c
		}
	}
	return all
}

// mark makes the state as it is now the one that later changes are held against.
func (w *world) mark() { w.marked = w.state() }

// blocked plans a write that has to be refused by its plan, with these words.
func (w *world) blocked(words, tool string, args map[string]any) answer {
	w.t.Helper()
	a := w.must(tool, args)
	if a.v["status"] != "blocked" || !strings.Contains(a.text, words) {
		w.t.Fatalf("%s %v: expected to be blocked by %q, got %s", tool, args, words, a.text)
	}
	return a
}

// invalid calls with wrong arguments and expects a sentence with these words.
func (w *world) invalid(words, tool string, args map[string]any) answer {
	w.t.Helper()
	a := w.refused("invalid_argument", tool, args)
	if !strings.Contains(a.text, words) {
		w.t.Fatalf("%s %v: expected a sentence with %q, got %s", tool, args, words, a.text)
	}
	return a
}

// row finds the row of a list whose key has the value.
func (a answer) row(t *testing.T, list, key string, value any) map[string]any {
	t.Helper()
	for _, r := range a.list(list) {
		if r[key] == value {
			return r
		}
	}
	t.Fatalf("%s has no row with %s %v:\n%s", list, key, value, a.text)
	return nil
}

func (c capability) where(t *testing.T) worldOptions {
	if c.at != nil {
		return c.at(t)
	}
	return c.world
}

func TestCapabilities(t *testing.T) {
	all := areas()
	ids := slices.SortedFunc(maps.Keys(all), rowOrder)
	for _, id := range ids {
		c := all[id]
		t.Run(id, func(t *testing.T) {
			if c.none != "" {
				return
			}
			if c.fails == nil && c.sure == "" {
				t.Error("the row has neither a failure nor a reason why it has none")
			}
			if c.fails != nil {
				t.Run("fails", func(t *testing.T) {
					w := newWorld(t, c.where(t))
					w.mark()
					c.fails(w)
					w.unharmed(w.marked)
				})
			}
			w := newWorld(t, c.where(t))
			w.mark()
			c.does(w)
			if !w.called[c.tool] {
				t.Errorf("the proof never called %s", c.tool)
			}
			w.stands(c.leaves)
			changed := w.changed(w.marked)
			for _, want := range c.changes {
				if !slices.ContainsFunc(changed, func(s string) bool { return strings.Contains(s, want) }) {
					t.Errorf("it claims to change %s and did not:\n%s", want, strings.Join(changed, "\n"))
				}
			}
			for _, s := range changed {
				if !slices.ContainsFunc(c.changes, func(want string) bool { return strings.Contains(s, want) }) {
					t.Errorf("it does not claim to change %s", s)
				}
			}
		})
	}
}

var capabilityRow = regexp.MustCompile(`(?m)^\| ([A-Z][0-9]+) \|`)

// Every line of docs/capabilities.md has its proof in TestCapabilities, and every proof its line; where the
// design is at hand, no row of it is missing.
func TestEveryCapabilityIsListed(t *testing.T) {
	all := areas()
	var b strings.Builder
	b.WriteString("# Capabilities\n\nWhat the product can do, one line each, with the tool that carries it and the test that proves it. Written by `make docs` from the\nproofs themselves; `go test ./cmd/cipp-mcp -run TestCapabilities/K2` runs one.\n\n| Row | What | Tool | Test |\n|---|---|---|---|\n")
	for _, id := range slices.SortedFunc(maps.Keys(all), rowOrder) {
		c := all[id]
		test, tool := "`TestCapabilities/"+id+"`", "`"+c.tool+"`"
		if c.none != "" {
			test, tool = "none: "+c.none, "–"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", id, c.what, tool, test)
	}
	path := filepath.Join("..", "..", "docs", "capabilities.md")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ReplaceAll(string(have), "\r\n", "\n") != b.String() {
		t.Error("docs/capabilities.md is not what the proofs say; make docs writes it")
	}
	design, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "design", "capabilities.md"))
	if err != nil {
		t.Log("the design is not at hand: whether a row is missing cannot be seen here")
		return
	}
	var missing []string
	for _, m := range capabilityRow.FindAllStringSubmatch(string(design), -1) {
		if _, ok := all[m[1]]; !ok {
			missing = append(missing, m[1])
		}
	}
	if len(missing) > 0 {
		t.Errorf("%d rows have no proof: %s", len(missing), strings.Join(missing, " "))
	}
}

// rowOrder is by letter, then by number.
func rowOrder(a, b string) int {
	if a[0] != b[0] {
		return int(a[0]) - int(b[0])
	}
	x, _ := strconv.Atoi(a[1:])
	y, _ := strconv.Atoi(b[1:])
	return x - y
}
