package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/zalando/go-keyring"
)

func isReference(s string) bool {
	return strings.HasPrefix(s, "keyring:") || strings.HasPrefix(s, "file:") || strings.HasPrefix(s, "env:")
}

// Resolve reads the secret behind a reference: keyring:SERVICE/NAME from the operating system's
// keyring, file:PATH, or env:NAME. An empty reference is an empty secret.
func Resolve(ref string) (string, error) {
	kind, rest, _ := strings.Cut(ref, ":")
	switch kind {
	case "":
		return "", nil
	case "keyring":
		service, name, ok := strings.Cut(rest, "/")
		if !ok {
			return "", fmt.Errorf("%s: a keyring reference is keyring:SERVICE/NAME", ref)
		}
		v, err := keyring.Get(service, name)
		if errors.Is(err, keyring.ErrNotFound) {
			return "", fmt.Errorf("%s: nothing is stored under that name; cipp-mcp init stores it", ref)
		}
		if err != nil {
			return "", fmt.Errorf("%s: the keyring did not answer: %w", ref, err)
		}
		return v, nil
	case "file":
		b, err := os.ReadFile(rest) //nolint:gosec // the operator names his own file
		if err != nil {
			return "", fmt.Errorf("%s: %w", ref, err)
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	case "env":
		v, ok := os.LookupEnv(rest)
		if !ok || v == "" {
			return "", fmt.Errorf("%s: that environment variable is not set", ref)
		}
		return v, nil
	default:
		// What stands there may be the secret itself, so it is not repeated.
		return "", errors.New("a secret must be a reference: keyring:SERVICE/NAME, file:PATH or env:NAME")
	}
}

// Store puts a secret where a keyring reference points; other kinds are the operator's own files.
func Store(ref, secret string) error {
	service, name, ok := strings.Cut(strings.TrimPrefix(ref, "keyring:"), "/")
	if !strings.HasPrefix(ref, "keyring:") || !ok {
		return fmt.Errorf("%s: only keyring:SERVICE/NAME can be written", ref)
	}
	if err := keyring.Set(service, name, secret); err != nil {
		return fmt.Errorf("%s: the keyring refused: %w", ref, err)
	}
	return nil
}
