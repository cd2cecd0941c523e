package tools

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// fromFolder reads a file of a folder that the operator named for it, and nothing outside of it, whatever the name or a
// link in the folder says; at most so many bytes.
func fromFolder(argument, folder, path string, most int64) ([]byte, error) {
	if filepath.IsAbs(path) {
		rel, err := filepath.Rel(folder, path)
		if err != nil || !filepath.IsLocal(rel) {
			return nil, invalid("%s must lie in the folder the operator allows.", argument)
		}
		path = rel
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, invalid("%s: the operator's folder for it cannot be opened.", argument)
	}
	defer func() { _ = root.Close() }()
	f, err := root.Open(filepath.Clean(path))
	if err != nil {
		why := "cannot be opened"
		if errors.Is(err, os.ErrNotExist) {
			why = "is not there"
		}
		return nil, invalid("%s: %q %s in the folder the operator allows.", argument, Clean(path, 120), why)
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil, invalid("%s: %q cannot be read.", argument, Clean(path, 120))
	}
	return raw, nil
}
