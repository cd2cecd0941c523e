package secrets

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

// ErrSignature says that a signature is not that person's under this text.
var ErrSignature = errors.New("the signature does not fit")

// publicPrefix stands before a public key in the configuration.
const publicPrefix = "ed25519:"

// Signers knows the operator's key and those of the approvers whom the configuration names.
type Signers struct {
	Store     *Store
	Approvers map[string]string // name → public key
}

// Signed says whether signature is by's under message. by is "operator" or an approver's name.
func (s *Signers) Signed(by, message, signature string) error {
	public, ok := s.Approvers[by]
	if by == operatorName {
		b, err := os.ReadFile(s.Store.signPub())
		if err != nil {
			return ErrNoOperator
		}
		public, ok = strings.TrimSpace(string(b)), true
	}
	if !ok {
		return fmt.Errorf("%w: nobody called %q may approve (approval.approvers)", ErrSignature, by)
	}
	key, err := publicKey(public)
	if err != nil {
		return err
	}
	sig, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(signature), "="))
	if err != nil || !ed25519.Verify(key, []byte(message), sig) {
		return ErrSignature
	}
	return nil
}

// Ready says why nobody could approve anything.
func (s *Signers) Ready() error {
	if len(s.Approvers) > 0 {
		return nil
	}
	return s.Store.Ready()
}

const operatorName = "operator"

func publicKey(text string) (ed25519.PublicKey, error) {
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimPrefix(text, publicPrefix), "="))
	if err != nil || len(b) != ed25519.PublicKeySize || !strings.HasPrefix(text, publicPrefix) {
		return nil, errors.New("an approver's key is written " + publicPrefix + " and 32 bytes in base64; cipp-mcp approvals keygen makes one")
	}
	return b, nil
}

// CheckApprovers explains the first key that is none.
func CheckApprovers(approvers map[string]string) error {
	for name, key := range approvers {
		if _, err := publicKey(key); err != nil || name == operatorName || name == "" {
			return fmt.Errorf("approval.approvers: %q: %w", name, errors.Join(err, nameError(name)))
		}
	}
	return nil
}

func nameError(name string) error {
	if name == operatorName || name == "" {
		return errors.New("an approver needs a name of his own")
	}
	return nil
}

func (s *Store) signPub() string { return filepath.Join(s.dir, "operator.sign.pub") }

// Sign signs a text with the operator's key, which only the passphrase opens.
func (s *Store) Sign(passphrase, message string) (string, error) {
	id, err := s.operator(passphrase)
	if err != nil {
		return "", err
	}
	key, err := signingKey(id)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(s.signPub()); errors.Is(err, os.ErrNotExist) { // an operator of before there were approvals
		if err := s.keepPublic(key); err != nil {
			return "", err
		}
	}
	return base64.RawStdEncoding.EncodeToString(ed25519.Sign(key, []byte(message))), nil
}

// CheckPassphrase says whether this is the operator's passphrase.
func (s *Store) CheckPassphrase(passphrase string) error {
	_, err := s.operator(passphrase)
	return err
}

func (s *Store) keepPublic(key ed25519.PrivateKey) error {
	public, _ := key.Public().(ed25519.PublicKey)
	if err := keep(s.signPub(), []byte(publicPrefix+base64.RawStdEncoding.EncodeToString(public))); err != nil {
		return fmt.Errorf("keep the operator's public key: %w", err)
	}
	return nil
}

// signingKey comes of the key that opens secrets, so that there is one passphrase and one private file.
func signingKey(id age.Identity) (ed25519.PrivateKey, error) {
	x, ok := id.(*age.X25519Identity)
	if !ok {
		return nil, errors.New("the operator's key is of another kind")
	}
	seed, err := hkdf.Key(sha256.New, []byte(x.String()), nil, "cipp-mcp approvals", ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("make the signing key: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// NewApprover makes an approver's key: the file holds it, encrypted under his passphrase, and the public half is
// for the operator's configuration.
func NewApprover(path, passphrase string, workFactor int) (public string, err error) {
	if len(passphrase) < minPassphrase {
		return "", errPassphraseShort
	}
	if _, err := os.Stat(path); err == nil {
		return "", fmt.Errorf("%s is there already", path)
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return "", fmt.Errorf("use the passphrase: %w", err)
	}
	if workFactor > 0 {
		r.SetWorkFactor(workFactor)
	}
	box, err := encrypt([]byte(id.String()), r)
	if err != nil {
		return "", err
	}
	key, err := signingKey(id)
	if err != nil {
		return "", err
	}
	if err := keep(path, box); err != nil {
		return "", fmt.Errorf("keep the key: %w", err)
	}
	pub, _ := key.Public().(ed25519.PublicKey)
	return publicPrefix + base64.RawStdEncoding.EncodeToString(pub), nil
}

// SignWith signs a text with an approver's key file.
func SignWith(path, passphrase, message string) (string, error) {
	box, err := os.ReadFile(path) //nolint:gosec // the approver names his own file
	if err != nil {
		return "", fmt.Errorf("read the key: %w", err)
	}
	id, err := openIdentity(box, passphrase)
	if err != nil {
		return "", err
	}
	key, err := signingKey(id)
	if err != nil {
		return "", err
	}
	return base64.RawStdEncoding.EncodeToString(ed25519.Sign(key, []byte(message))), nil
}
