package casefile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Manifest seals a bundle: what is in it, and of which case.
type Manifest struct {
	Head
	Written  time.Time         `json:"written"`
	Program  string            `json:"program"`
	Readings []ManifestReading `json:"readings"`
	Said     []Attestation     `json:"attested,omitempty"`
}

// ManifestReading is one reading of a bundle.
type ManifestReading struct {
	N       int       `json:"n"`
	Begun   time.Time `json:"begun"`
	Ended   time.Time `json:"ended,omitzero"`
	Sources []Source  `json:"sources"`
}

// Manifest is what a case holds by now.
func (c *Case) Manifest(now time.Time, program string) (Manifest, error) {
	m := Manifest{Head: c.Head, Written: now.UTC(), Program: program, Readings: []ManifestReading{}}
	readings, err := c.Readings()
	if err != nil {
		return m, err
	}
	for _, r := range readings {
		s, err := r.Sources()
		if err != nil {
			return m, err
		}
		m.Readings = append(m.Readings, ManifestReading{r.N, r.Begun(), r.Ended(), s})
	}
	m.Said, err = c.Attestations()
	return m, err
}

// ErrChanged says that evidence is not what it was when it was read.
var ErrChanged = errors.New("the evidence was changed after it was read")

// Export writes a case as a bundle into a folder that is not there yet: the rows of each source, and the manifest.
// Every file is held against the hash it was read under; ErrChanged names the first that differs.
func (c *Case) Export(dir string, now time.Time, program string) error {
	m, err := c.Manifest(now, program)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make the bundle: %w", err)
	}
	for _, r := range m.Readings {
		name := fmt.Sprintf("reading-%d", r.N)
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return fmt.Errorf("make the bundle: %w", err)
		}
		for _, s := range r.Sources {
			file := filepath.Join(name, s.Source+".jsonl")
			if err := copySealed(filepath.Join(c.dir, file), filepath.Join(dir, file), s.SHA256); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return fmt.Errorf("make the bundle: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("make the bundle: %w", err)
	}
	return nil
}

// copySealed copies a file and holds it against its hash.
func copySealed(from, to, sum string) (err error) {
	in, err := os.Open(from) //nolint:gosec // within the case's own folder
	if errors.Is(err, fs.ErrNotExist) {
		return ErrChanged
	}
	if err != nil {
		return fmt.Errorf("make the bundle: %w", err)
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator names the folder
	if err != nil {
		return fmt.Errorf("make the bundle: %w", err)
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), in)
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("make the bundle: %w", err)
	}
	if hex.EncodeToString(h.Sum(nil)) != sum {
		return ErrChanged
	}
	return nil
}
