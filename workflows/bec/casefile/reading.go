package casefile

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// Reading is one collection of a case. A second one reads the state anew and of the logs what came since.
type Reading struct {
	N     int
	Case  *Case
	name  string // of its folder, below the case's
	state readingState
}

type readingState struct {
	Begun time.Time `json:"begun"`
	Ended time.Time `json:"ended,omitzero"`
	// Phases are the parts of it that are over.
	Phases []string `json:"phases,omitempty"`
}

// Source is one source of one reading: how far it was read, and the seal of what was read.
type Source struct {
	bec.Coverage
	Rows   int    `json:"rows"`
	SHA256 string `json:"sha256"`
}

// Begin begins a reading, or goes on with one that has not ended.
func (c *Case) Begin(now time.Time) (*Reading, error) {
	last, err := c.Last()
	if err != nil {
		return nil, err
	}
	if last != nil && !last.Over() {
		return last, nil
	}
	r := &Reading{N: 1, Case: c, state: readingState{Begun: now.UTC()}}
	if last != nil {
		r.N = last.N + 1
	}
	r.name = "reading-" + strconv.Itoa(r.N)
	if err := os.MkdirAll(filepath.Join(c.dir, r.name), 0o700); err != nil {
		return nil, fmt.Errorf("begin a reading: %w", err)
	}
	return r, r.save()
}

// Last is the newest reading, nil when there is none.
func (c *Case) Last() (*Reading, error) {
	all, err := c.Readings()
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[len(all)-1], nil
}

// Readings are the readings of a case, the first first.
func (c *Case) Readings() ([]*Reading, error) {
	var out []*Reading
	for n := 1; ; n++ {
		r := &Reading{N: n, Case: c, name: "reading-" + strconv.Itoa(n)}
		err := c.get(filepath.Join(r.name, "reading.json"), &r.state)
		if errors.Is(err, fs.ErrNotExist) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
}

func (r *Reading) save() error { return r.Case.put(filepath.Join(r.name, "reading.json"), r.state) }

// Begun is when it began, Ended when it ended; zero while it goes on.
func (r *Reading) Begun() time.Time { return r.state.Begun }

// Ended is when the reading was over; zero while it goes on.
func (r *Reading) Ended() time.Time { return r.state.Ended }

// Over says whether nothing more will be read in it.
func (r *Reading) Over() bool { return !r.state.Ended.IsZero() }

// Did says whether a part of the reading is over.
func (r *Reading) Did(phase string) bool { return slices.Contains(r.state.Phases, phase) }

// Done notes that a part of the reading is over.
func (r *Reading) Done(phase string) error {
	if !r.Did(phase) {
		r.state.Phases = append(r.state.Phases, phase)
	}
	return r.save()
}

// End ends the reading.
func (r *Reading) End(now time.Time) error {
	r.state.Ended = now.UTC()
	return r.save()
}

// Has says whether a source has been read already; a process that died before took its part along.
func (r *Reading) Has(source string) bool {
	_, err := os.Stat(filepath.Join(r.Case.dir, r.name, source+".json"))
	return err == nil
}

// Sources are the sources read so far, by name.
func (r *Reading) Sources() ([]Source, error) {
	paths, err := filepath.Glob(filepath.Join(r.Case.dir, r.name, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("list the sources: %w", err)
	}
	slices.Sort(paths)
	var out []Source
	for _, p := range paths {
		name := filepath.Base(p)
		if name == "reading.json" {
			continue
		}
		var s Source
		if err := r.Case.get(filepath.Join(r.name, name), &s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// Writer takes the rows of one source.
type Writer struct {
	reading *Reading
	source  string
	file    *os.File
	buf     *bufio.Writer
	sum     hash.Hash
	line    []byte // used again for every row
	rows    int
}

// Create begins a source's file; what another process left of it is gone.
func (r *Reading) Create(source string) (*Writer, error) {
	if source == "" || strings.ContainsAny(source, `/\.`) {
		return nil, fmt.Errorf("%q is no source", source)
	}
	f, err := os.OpenFile(filepath.Join(r.Case.dir, r.name, source+".jsonl"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // a name without separators
	if err != nil {
		return nil, fmt.Errorf("keep %s: %w", source, err)
	}
	return &Writer{reading: r, source: source, file: f, buf: bufio.NewWriterSize(f, 64<<10), sum: sha256.New()}, nil
}

// Add writes a row: v is marshalled, or taken as it is where it is JSON already.
func (w *Writer) Add(kind, id string, v any) error {
	data, raw := v.(json.RawMessage)
	if !raw {
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("keep %s: %w", w.source, err)
		}
		data = b
	}
	line, err := appendRow(w.line[:0], kind, id, data)
	if err != nil {
		return fmt.Errorf("keep %s: %w", w.source, err)
	}
	w.line = line
	w.sum.Write(line)
	w.rows++
	if _, err := w.buf.Write(line); err != nil {
		return fmt.Errorf("keep %s: %w", w.source, err)
	}
	return nil
}

// Rows is how many rows were written.
func (w *Writer) Rows() int { return w.rows }

// Close seals the file and says how far the source was read. Until then the source counts as not read.
func (w *Writer) Close(c bec.Coverage) error {
	c.Source = w.source
	if err := errors.Join(w.buf.Flush(), w.file.Sync(), w.file.Close()); err != nil {
		return fmt.Errorf("keep %s: %w", w.source, err)
	}
	return w.reading.Case.put(filepath.Join(w.reading.name, w.source+".json"), Source{c, w.rows, hex.EncodeToString(w.sum.Sum(nil))})
}

// Drop gives a source up that could not be read to a point worth keeping.
func (w *Writer) Drop() { _ = w.file.Close() }
