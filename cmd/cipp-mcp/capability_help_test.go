package main

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
)

// promptArguments are the names of a prompt's arguments.
func (w *world) promptArguments(name string) map[string]bool {
	w.t.Helper()
	list, err := w.client.ListPrompts(w.t.Context(), mcp.ListPromptsRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]bool{}
	for _, p := range list.Prompts {
		if p.Name != name {
			continue
		}
		for _, a := range p.Arguments {
			out[a.Name] = true
		}
	}
	return out
}

// pictureFolder is a folder with a picture, beside one that is not in it, and a link that leads out.
func pictureFolder(t *testing.T) string {
	t.Helper()
	top := t.TempDir()
	dir := filepath.Join(top, "pictures")
	var out bytes.Buffer
	if err := jpeg.Encode(&out, image.NewGray(image.Rect(0, 0, 8, 8)), nil); err != nil {
		t.Fatal(err)
	}
	still, err := base64.StdEncoding.DecodeString(animated())
	if err != nil {
		t.Fatal(err)
	}
	for path, b := range map[string][]byte{filepath.Join(top, "secret.jpg"): out.Bytes(), filepath.Join(dir, "dana.gif"): still} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(top, "secret.jpg"), filepath.Join(dir, "link.jpg")); err != nil {
		t.Logf("no links here: %v", err)
	}
	return filepath.ToSlash(dir)
}
