// Package exports keeps long lists for a short while outside every model's context: encrypted files in the state
// directory, written and read as streams.
package exports

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"cipp-mcp/internal/clock"
)

const (
	// Lasts is how long an export can be read.
	Lasts = time.Hour
	// most is how many there are at once; one more ends the oldest.
	most = 50
	// Largest is how long one may be: whoever reads it holds it whole.
	Largest = 64 << 20
)

// ErrGone says that there is no such export, or none any more.
var ErrGone = errors.New("there is no such export; an export lasts an hour")

// ErrTooLong says that a list does not fit into one export.
var ErrTooLong = fmt.Errorf("the list is longer than %d MiB", Largest>>20)

// Sealer wraps what must not lie open in a file.
type Sealer interface {
	Seal(purpose string, v any) (string, error)
	Open(purpose, token string, v any) error
}

// Store is the folder of exports.
type Store struct {
	Dir    string
	Sealer Sealer
	Clock  clock.Clock
}

// header is an export's first line, sealed: the key of the rest, and until when it counts.
type header struct {
	Key     string
	Until   time.Time
	Tenants []string // whose rows are in it, by id
}

const purpose = "export "

var validID = regexp.MustCompile(`^[A-Z2-7]{26}$`)

func (s *Store) path(id string) string { return filepath.Join(s.Dir, id+".age") }

// Writer is an export that is being written.
type Writer struct {
	ID    string
	Until time.Time

	file  *os.File
	rest  io.WriteCloser
	left  int
	store *Store
}

// Create begins an export of these tenants' rows, and removes those whose time is over.
func (s *Store) Create(tenants ...string) (w *Writer, err error) {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of exports: %w", err)
	}
	if err := s.sweep(); err != nil {
		return nil, err
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("make an export's key: %w", err)
	}
	w = &Writer{ID: rand.Text(), Until: s.Clock.Now().Add(Lasts), left: Largest, store: s}
	head, err := s.Sealer.Seal(purpose+w.ID, header{Key: key.String(), Until: w.Until, Tenants: tenants})
	if err != nil {
		return nil, err
	}
	w.file, err = os.OpenFile(s.path(w.ID), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write an export: %w", err)
	}
	if _, err = w.file.WriteString(head + "\n"); err == nil {
		w.rest, err = age.Encrypt(w.file, key.Recipient())
	}
	if err != nil {
		w.Drop()
		return nil, fmt.Errorf("write an export: %w", err)
	}
	return w, nil
}

// Write adds to the export.
func (w *Writer) Write(b []byte) (int, error) {
	if w.left -= len(b); w.left < 0 {
		return 0, ErrTooLong
	}
	return w.rest.Write(b)
}

// Close ends the export; only then can it be read.
func (w *Writer) Close() error {
	if err := errors.Join(w.rest.Close(), w.file.Close()); err != nil {
		w.Drop()
		return fmt.Errorf("write an export: %w", err)
	}
	return nil
}

// Drop removes an export that did not come to its end.
func (w *Writer) Drop() {
	_ = w.file.Close()
	_ = os.Remove(w.store.path(w.ID))
}

// Read is an export, and whose rows are in it.
func (s *Store) Read(id string) (text string, tenants []string, err error) {
	if !validID.MatchString(id) {
		return "", nil, ErrGone
	}
	f, err := os.Open(s.path(id))
	if err != nil {
		return "", nil, ErrGone
	}
	defer func() { _ = f.Close() }()
	h, r, err := s.header(id, f)
	if err != nil || !s.Clock.Now().Before(h.Until) {
		return "", nil, ErrGone
	}
	key, err := age.ParseX25519Identity(h.Key)
	if err != nil {
		return "", nil, ErrGone
	}
	plain, err := age.Decrypt(r, key)
	if err != nil {
		return "", nil, ErrGone
	}
	var b strings.Builder
	if _, err := io.Copy(&b, plain); err != nil {
		return "", nil, fmt.Errorf("read an export: %w", err)
	}
	return b.String(), h.Tenants, nil
}

func (s *Store) header(id string, f io.Reader) (header, *bufio.Reader, error) {
	var h header
	r := bufio.NewReader(f)
	line, err := r.ReadString('\n')
	if err != nil {
		return h, r, err
	}
	return h, r, s.Sealer.Open(purpose+id, strings.TrimSuffix(line, "\n"), &h)
}

// sweep removes what can be read no more, and the oldest where there are too many.
func (s *Store) sweep() error {
	files, err := os.ReadDir(s.Dir)
	if err != nil {
		return fmt.Errorf("look at the exports: %w", err)
	}
	type export struct {
		id    string
		until time.Time
	}
	var alive []export
	for _, d := range files {
		id, ours := strings.CutSuffix(d.Name(), ".age")
		if !ours || !validID.MatchString(id) {
			continue
		}
		until := s.until(id)
		if !s.Clock.Now().Before(until) {
			_ = os.Remove(s.path(id))
			continue
		}
		alive = append(alive, export{id, until})
	}
	slices.SortFunc(alive, func(a, b export) int { return a.until.Compare(b.until) })
	for len(alive) >= most {
		_ = os.Remove(s.path(alive[0].id))
		alive = alive[1:]
	}
	return nil
}

// until is when an export's time is over; one that cannot be read has had its time.
func (s *Store) until(id string) time.Time {
	f, err := os.Open(s.path(id))
	if err != nil {
		return time.Time{}
	}
	defer func() { _ = f.Close() }()
	h, _, err := s.header(id, f)
	if err != nil {
		return time.Time{}
	}
	return h.Until
}
