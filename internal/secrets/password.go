package secrets

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// The pools leave out what is misread over the telephone: 0 O 1 l I and the like.
var pools = []string{"ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz", "23456789", "!#$%&*+-=?@"}

// Rules are the operator's for generated passwords; the zero value is 18 characters with all symbols.
type Rules struct {
	Length  int    // 0 is 18
	Symbols string // which may stand in it; "" are all of ours
}

// GeneratePassword makes a password of four classes, each represented, by the system's cryptographic source. Entra ID
// wants 8–256 characters of three classes.
func GeneratePassword() (string, error) { return Rules{}.Generate() }

// Generate makes a password by the rules.
func (r Rules) Generate() (string, error) {
	length, pools := r.Length, slices.Clone(pools)
	if length == 0 {
		length = 18
	}
	if r.Symbols != "" {
		pools[len(pools)-1] = r.Symbols
	}
	all := strings.Join(pools, "")
	out := make([]byte, 0, length)
	for i := range length {
		pool := all
		if i < len(pools) {
			pool = pools[i]
		}
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(pool))))
		if err != nil {
			return "", fmt.Errorf("generate a password: %w", err)
		}
		out = append(out, pool[n.Int64()])
	}
	for i := length - 1; i > 0; i-- { // Fisher–Yates, so that the classes are not in a known order
		n, err := rand.Int(rand.Reader, big.NewInt(int64(i+1)))
		if err != nil {
			return "", fmt.Errorf("generate a password: %w", err)
		}
		j := n.Int64()
		out[i], out[j] = out[j], out[i]
	}
	return string(out), nil
}
