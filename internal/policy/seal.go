package policy

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrSeal says that a token was not made here, or was changed on the way.
var ErrSeal = errors.New("this token was not made by this server for this list, or has been changed")

// Sealer makes tokens that a client carries but can neither read nor change: page cursors and the
// state of a question that was asked. The purpose is bound in, so that one kind never passes for another.
type Sealer struct {
	aead cipher.AEAD
	mac  []byte
}

// OpenSealer uses, or makes, the 0600 key file seal.key in the state directory.
func OpenSealer(stateDir string) (*Sealer, error) {
	path := filepath.Join(stateDir, "seal.key")
	key, err := os.ReadFile(path) //nolint:gosec // a file of our own directory
	if errors.Is(err, os.ErrNotExist) {
		key = make([]byte, 32)
		if _, err := rand.Read(key); err != nil {
			return nil, fmt.Errorf("make the sealing key: %w", err)
		}
		if err := keepOnce(path, key); err != nil {
			return nil, err
		}
		return OpenSealer(stateDir) // whoever came first: everybody reads the same key
	} else if err != nil {
		return nil, fmt.Errorf("read the sealing key: %w", err)
	}
	return NewSealer(key)
}

// keepOnce writes a file whole or not at all, and leaves one that another process made meanwhile.
func keepOnce(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "seal-*")
	if err != nil {
		return fmt.Errorf("keep the sealing key: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, werr := tmp.Write(content)
	if err := errors.Join(werr, tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("keep the sealing key: %w", err)
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("keep the sealing key: %w", err)
	}
	return nil
}

// NewSealer seals with a key of 32 bytes.
func NewSealer(key []byte) (*Sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("the sealing key is damaged: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("the sealing key is damaged: %w", err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("fingerprint"))
	return &Sealer{aead, mac.Sum(nil)}, nil
}

// Fingerprint names a text for the record. Without this server's key nobody can find the text by trying:
// what is named may have been made from a password.
func (s *Sealer) Fingerprint(text string) string {
	mac := hmac.New(sha256.New, s.mac)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// Seal wraps v for one purpose.
func (s *Sealer) Seal(purpose string, v any) (string, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, []byte(purpose))), nil //nolint:gosec // the AEAD makes its own random nonce
}

// Open unwraps a token into v, or says ErrSeal.
func (s *Sealer) Open(purpose, token string, v any) error {
	box, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return ErrSeal
	}
	plain, err := s.aead.Open(nil, nil, box, []byte(purpose))
	if err != nil {
		return ErrSeal
	}
	if err := json.Unmarshal(plain, v); err != nil {
		return ErrSeal
	}
	return nil
}
