package secrets

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"
)

// The pools leave out what is misread over the telephone: 0 O 1 l I and the like.
var pools = []string{"ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz", "23456789", "!#$%&*+-=?@"}

// GeneratePassword makes a password of 18 characters from four classes, each represented, by the
// system's cryptographic source. Entra ID wants 8–256 characters of three classes.
func GeneratePassword() (string, error) {
	const length = 18
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
