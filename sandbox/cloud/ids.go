package cloud

import (
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"sync"
)

// IDs hands out identifiers that depend on the seed alone. All are valid RFC 4122 version 4 UUIDs:
// real clients check the version and variant bits.
type IDs struct {
	mu sync.Mutex
	r  *rand.Rand
}

// NewIDs starts a sequence; equal seeds give equal sequences.
func NewIDs(seed int64) *IDs {
	return &IDs{r: source(seed)}
}

// source is random numbers that anybody can repeat: that is what a seed is for.
func source(seed int64) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(seed), 0x9e3779b97f4a7c15)) //nolint:gosec // identifiers, no secrets
}

// New is the next UUID.
func (s *IDs) New() string {
	s.mu.Lock()
	a, b := s.r.Uint64(), s.r.Uint64()
	s.mu.Unlock()
	var raw [16]byte
	for i := range 8 {
		raw[i], raw[8+i] = byte(a>>(8*i)), byte(b>>(8*i))
	}
	return format(raw)
}

// Text is n characters drawn from the letters of alphabet.
func (s *IDs) Text(n int, alphabet string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for range n {
		b.WriteByte(alphabet[s.r.IntN(len(alphabet))])
	}
	return b.String()
}

// DerivedID is the UUID that always belongs to these parts, for objects that are derived and not
// stored (a directory role of a tenant, a relationship made from its summary).
func DerivedID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return format([16]byte(sum[:16]))
}

func format(raw [16]byte) string {
	raw[6] = raw[6]&0x0f | 0x40
	raw[8] = raw[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[0:8], raw[0:4])
	hex.Encode(out[9:13], raw[4:6])
	hex.Encode(out[14:18], raw[6:8])
	hex.Encode(out[19:23], raw[8:10])
	hex.Encode(out[24:36], raw[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// IsGUID says whether s has the form of a GUID, in either case.
func IsGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range 36 {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			return false
		}
	}
	return true
}
