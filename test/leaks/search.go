// Package leaks searches what a run left behind for secrets, in every form in which text carries them:
// escaped, encoded, compressed, and one within the other.
package leaks

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// shortest is the fewest bytes that are searched for: less would be found by chance.
const shortest = 8

// deepest is how many layers are opened, largest how much of one.
const (
	deepest = 5
	largest = 64 << 20
)

// Finding is a secret where it must not be.
type Finding struct {
	Where  string
	Secret string // its name, not its value
	Form   string
	Offset int
}

func (f Finding) String() string {
	return fmt.Sprintf("%s holds %s (%s) at %d", f.Where, f.Secret, f.Form, f.Offset)
}

type needle struct {
	secret, form string
	bytes        []byte
}

// Searcher looks for some secrets. There are thousands of forms of them, so they are found by their
// first eight bytes, in one pass.
type Searcher struct {
	needles []needle
	starts  map[uint64][]int
	likely  [1 << 16]bool // by a hash of four bytes: most places begin nothing
}

// New looks for secrets, by name. One that is too short to be told from chance is an error.
func New(secrets map[string]string) (*Searcher, error) {
	s := &Searcher{starts: map[uint64][]int{}}
	for name, secret := range secrets {
		if len(secret) < shortest {
			return nil, fmt.Errorf("%s is too short to be searched for", name)
		}
		for form, b := range forms(secret) {
			if len(b) >= shortest { // a form may be shorter than the secret only where alignment cuts it
				s.needles = append(s.needles, needle{name, form, b})
			}
		}
	}
	sort.Slice(s.needles, func(i, j int) bool { // the plainest name of a form that has several
		a, b := s.needles[i], s.needles[j]
		if len(a.form) != len(b.form) {
			return len(a.form) < len(b.form)
		}
		return a.secret+a.form < b.secret+b.form
	})
	seen := map[string]bool{}
	s.needles = slices.DeleteFunc(s.needles, func(n needle) bool {
		known := seen[string(n.bytes)]
		seen[string(n.bytes)] = true
		return known
	})
	for i, n := range s.needles {
		start := binary.LittleEndian.Uint64(n.bytes)
		s.starts[start] = append(s.starts[start], i)
		s.likely[four(n.bytes)] = true
	}
	return s, nil
}

func four(b []byte) uint16 { return uint16(binary.LittleEndian.Uint32(b) * 0x9e3779b1 >> 16) }

// Search looks through b, which where names.
func (s *Searcher) Search(where string, b []byte) []Finding { return s.search(where, b, deepest) }

func (s *Searcher) search(where string, b []byte, layers int) (out []Finding) {
	found := map[int]bool{}
	for at := 0; at+shortest <= len(b); at++ {
		if !s.likely[four(b[at:])] {
			continue
		}
		for _, i := range s.starts[binary.LittleEndian.Uint64(b[at:])] {
			if n := s.needles[i]; !found[i] && bytes.HasPrefix(b[at:], n.bytes) {
				found[i] = true
				out = append(out, Finding{where, n.secret, n.form, at})
			}
		}
	}
	if layers == 0 {
		return out
	}
	for name, inner := range opened(b) {
		out = append(out, s.search(where+" → "+name, inner, layers-1)...)
	}
	return out
}

// Tree looks through every file under dir, and through the files' names.
func (s *Searcher) Tree(dir string) (out []Finding, files int, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		out = append(out, s.Search("the name of "+path, []byte(path))...)
		if !d.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		out = append(out, s.Search(path, b)...)
		return nil
	})
	return out, files, err
}

var gzipMagic = []byte{0x1f, 0x8b, 0x08}

// joined is b without its ends of lines, real ones and those written as \n, and without what indents the
// next line.
func joined(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		end := 0
		for _, e := range []string{"\n", "\r\n", `\n`, `\r\n`} {
			if b[i] == e[0] && bytes.HasPrefix(b[i:], []byte(e)) {
				end = len(e)
			}
		}
		if end == 0 {
			out = append(out, b[i])
			continue
		}
		for i += end - 1; i+1 < len(b) && (b[i+1] == ' ' || b[i+1] == '\t'); i++ {
		}
	}
	return out
}

// base64Runs are the stretches of b that may be base64, in either alphabet, and are long enough to hold
// something compressed.
func base64Runs(b []byte) (out [][2]int) {
	const least = 24
	from := 0
	for i := 0; i <= len(b); i++ {
		if i < len(b) && strings.IndexByte("+/-_", b[i]) >= 0 || i < len(b) && (b[i] >= 'a' && b[i] <= 'z' || b[i] >= 'A' && b[i] <= 'Z' || b[i] >= '0' && b[i] <= '9') {
			continue
		}
		if i-from >= least {
			out = append(out, [2]int{from, i})
		}
		from = i + 1
	}
	return out
}

// opened are the layers that lie in b: what is compressed, what is base64 (compressed things are often
// carried so), and text whose lines were broken.
func opened(b []byte) map[string][]byte {
	out := map[string][]byte{}
	for i := 0; i < len(b); i++ {
		j := bytes.Index(b[i:], gzipMagic)
		if j < 0 {
			break
		}
		i += j
		if r, err := gzip.NewReader(bytes.NewReader(b[i:])); err == nil {
			r.Multistream(false)
			add(out, fmt.Sprintf("gzip at %d", i), r)
		}
	}
	for i := 0; i+2 < len(b); i++ {
		if b[i] != 0x78 || (int(b[i])<<8|int(b[i+1]))%31 != 0 { // zlib's header, checked by its own sum
			continue
		}
		if r, err := zlib.NewReader(bytes.NewReader(b[i:])); err == nil {
			add(out, fmt.Sprintf("zlib at %d", i), r)
		}
	}
	for _, at := range base64Runs(b) {
		run := bytes.Map(func(r rune) rune {
			switch r {
			case '-':
				return '+'
			case '_':
				return '/'
			}
			return r
		}, b[at[0]:at[1]])
		for skip := range 4 {
			part := run[skip:]
			part = part[:len(part)/4*4]
			plain := make([]byte, base64.StdEncoding.DecodedLen(len(part)))
			if n, err := base64.RawStdEncoding.Decode(plain, part); err == nil && packed(plain[:n]) {
				out[fmt.Sprintf("base64 at %d", at[0]+skip)] = plain[:n]
			}
		}
	}
	if j := joined(b); len(j) < len(b) {
		out["lines joined"] = j
	}
	return out
}

// packed says whether something compressed may lie in b; what is plain in base64 is found as it is.
func packed(b []byte) bool {
	return bytes.Contains(b, gzipMagic) || len(b) > 2 && b[0] == 0x78 && (int(b[0])<<8|int(b[1]))%31 == 0
}

// add keeps what can be read of a compressed stream, even if it breaks off.
func add(to map[string][]byte, name string, r io.Reader) {
	if plain, _ := io.ReadAll(io.LimitReader(r, largest)); len(plain) > 0 {
		to[name] = plain
	}
}
