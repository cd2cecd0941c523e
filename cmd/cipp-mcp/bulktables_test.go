package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"cipp-mcp/tools"
)

// Every example is a table that its tool understands: what is wrong with it here is that nobody of it exists.
func TestExampleTablesAreUnderstood(t *testing.T) {
	w := newWorld(t, worldOptions{})
	list, err := w.client.ListResources(t.Context(), mcp.ListResourcesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var uris []string
	for _, r := range list.Resources {
		uris = append(uris, r.URI)
	}
	for _, action := range slices.Sorted(maps.Keys(tools.BulkExamples)) {
		if !slices.Contains(uris, tools.BulkExampleURI(action)) {
			t.Errorf("%s is not listed", action)
		}
		r := mcp.ReadResourceRequest{}
		r.Params.URI = tools.BulkExampleURI(action)
		res, err := w.client.ReadResource(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := mcp.AsTextResourceContents(res.Contents[0])
		table := strings.NewReplacer("contoso.com", harbourline, "anna@", "dana.whitfield@", "ben@", "priya.shah@").Replace(text.Text)
		a := w.call("cipp_bulk_action", m{"action": action, "tenantFilter": harbourline, "csv": table, "dryRun": true})
		if a.err != nil && (strings.Contains(a.text, "has no argument") || strings.Contains(a.text, "must be") || !strings.Contains(a.text, "row 1")) {
			t.Errorf("%s: %s", action, a.text)
		}
	}
}

func TestTablesComeFromTheOperatorsFolderAlone(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	for path, text := range map[string]string{filepath.Join(in, "people.csv"): "userId,jobTitle\n" + dana + ",Clerk\n", filepath.Join(dir, "secret.csv"): "userId\n" + priya + "\n"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "secret.csv"), filepath.Join(in, "link.csv")); err != nil {
		t.Skip("no links here: " + err.Error())
	}
	w := newWorld(t, worldOptions{config: "bulk: {folder: " + filepath.ToSlash(in) + "}\n"})
	edit := func(csv string) m { return m{"action": "cipp_edit_user", "tenantFilter": harbourline, "csv": csv} }
	before := w.state()
	for _, out := range []string{"../secret.csv", filepath.Join(dir, "secret.csv"), "link.csv", "nothing.csv"} {
		if a := w.refused("invalid_argument", "cipp_bulk_action", edit(out)); strings.Contains(a.text, priya) {
			t.Errorf("%s: %s", out, a.text)
		}
	}
	w.unharmed(before)
	w.done("cipp_bulk_action", edit("people.csv"))
	w = newWorld(t, worldOptions{})
	w.refused("invalid_argument", "cipp_bulk_action", edit("people.csv"))
}
