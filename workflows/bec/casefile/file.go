package casefile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"cipp-mcp/workflows/bec"
)

// logs are the sources that have a past: a later reading adds to them. The others are the state as it is.
var logs = []string{bec.SignInsInteractive, bec.SignInsNonInteractive, bec.DirectoryAudits, bec.UALLogons, bec.UAL, bec.MailItemsAccessed, bec.MessageTrace}

// IsLog says whether a source has a past.
func IsLog(source string) bool { return slices.Contains(logs, source) }

// File is the evidence of a case over all its readings.
type File struct {
	of       *Case
	coverage []bec.Coverage
	holders  map[string][]*Reading // source to the readings whose rows stand for it

	mu      sync.Mutex
	checked map[string]bool // files that were read to their end and held JSON throughout
}

var _ bec.File = (*File)(nil)

// Evidence is what a case has by now.
func (c *Case) Evidence() (*File, error) {
	readings, err := c.Readings()
	if err != nil {
		return nil, err
	}
	f := &File{of: c, holders: map[string][]*Reading{}, checked: map[string]bool{}}
	at := map[string]int{}
	for _, r := range readings {
		sources, err := r.Sources()
		if err != nil {
			return nil, err
		}
		for _, s := range sources {
			i, known := at[s.Source]
			if !known {
				at[s.Source] = len(f.coverage)
				f.coverage = append(f.coverage, s.Coverage)
				f.holders[s.Source] = []*Reading{r}
				continue
			}
			f.add(i, r, s.Coverage)
		}
	}
	return f, nil
}

// add lets a later reading speak for a source: of a log it goes on, of the state it takes the place of what was.
// What could not be read again does not make forgotten what was read before.
func (f *File) add(i int, r *Reading, now bec.Coverage) {
	was := f.coverage[i]
	read := func(c bec.Coverage) bool { return c.Status == bec.ReadWhole || c.Status == bec.ReadPartly }
	switch {
	case !IsLog(now.Source):
		if read(now) || !read(was) {
			f.coverage[i], f.holders[now.Source] = now, []*Reading{r}
		}
	case !read(now):
		// the log stands as far as it was read before
	case read(was):
		now.From = was.From
		now.Gaps = append(slices.Clone(was.Gaps), now.Gaps...)
		if was.Status == bec.ReadPartly {
			now.Status, now.Reason, now.Detail = was.Status, was.Reason, was.Detail
		}
		f.coverage[i] = now
		f.holders[now.Source] = append(f.holders[now.Source], r)
	default:
		f.coverage[i], f.holders[now.Source] = now, []*Reading{r}
	}
}

// Coverage is how far each source was read.
func (f *File) Coverage() []bec.Coverage { return slices.Clone(f.coverage) }

// Rows streams the rows of a source.
func (f *File) Rows(source string) iter.Seq2[bec.Row, error] {
	return func(yield func(bec.Row, error) bool) {
		for _, r := range f.holders[source] {
			path := filepath.Join(f.of.dir, r.name, source+".jsonl")
			f.mu.Lock()
			known := f.checked[path]
			f.mu.Unlock()
			if !rows(path, !known, yield) {
				return
			}
			f.mu.Lock()
			f.checked[path] = true
			f.mu.Unlock()
		}
	}
}

func rows(path string, check bool, yield func(bec.Row, error) bool) bool {
	in, err := os.Open(path) //nolint:gosec // within the case's own folder
	if errors.Is(err, fs.ErrNotExist) {
		return true // nothing to read is kept as nothing
	}
	if err != nil {
		return yield(bec.Row{}, fmt.Errorf("read the evidence: %w", err))
	}
	defer func() { _ = in.Close() }()
	lines := bufio.NewReaderSize(in, 64<<10)
	var long []byte
	kind := ""
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			long = append(long, line...)
			continue
		}
		if len(long) > 0 {
			line = append(long, line...)
			long = long[:0]
		}
		if len(line) > 0 {
			row, jerr := viewRow(line, kind, check)
			if kind = row.Kind; jerr != nil {
				return yield(bec.Row{}, fmt.Errorf("the evidence in %s is damaged: %w", filepath.Base(path), jerr))
			}
			if !yield(row, nil) {
				return false
			}
		}
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			return yield(bec.Row{}, fmt.Errorf("read the evidence: %w", err))
		}
	}
}
