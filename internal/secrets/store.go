// Package secrets keeps what no model may see. A generated password is sealed to the operator's key
// the moment it exists; the server itself cannot open it again. Only somebody who knows the
// operator's passphrase can, once.
package secrets

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"filippo.io/age"

	"cipp-mcp/internal/clock"
)

// Lifetime is how long a sealed secret may be revealed.
const Lifetime = 72 * time.Hour

// ErrNoOperator says that no operator's key has been made, so nothing can be sealed.
var ErrNoOperator = errors.New("no operator's passphrase is set, so a generated password could be shown to nobody; run: cipp-mcp secrets init")

// ErrGone says that the handle is unknown, was revealed before, or has expired.
var ErrGone = errors.New("there is no such secret: the handle is wrong, it was revealed already, or it has expired")

// ErrPassphrase says that the passphrase does not open the operator's key.
var ErrPassphrase = errors.New("that is not the operator's passphrase")

// minPassphrase is how many characters a passphrase has at least.
const minPassphrase = 12

var errPassphraseShort = errors.New("the passphrase must have at least 12 characters")

// Info says what a sealed secret is for, without the secret.
type Info struct {
	Handle  string    `json:"handle"`
	Kind    string    `json:"kind"`
	For     string    `json:"for"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

type sealed struct {
	Info
	Secret string `json:"secret"`
}

// Store is the directory of sealed secrets and of the operator's key.
type Store struct {
	dir   string
	clock clock.Clock
	// WorkFactor is scrypt's cost (a power of two) for the operator's passphrase; 0 means age's default.
	WorkFactor int
}

// Open uses DIR/secrets for sealed secrets and DIR/operator.* for the operator's key.
func Open(stateDir string, c clock.Clock) (*Store, error) {
	dir := filepath.Join(stateDir, "secrets")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the secrets: %w", err)
	}
	return &Store{dir: dir, clock: c}, nil
}

func (s *Store) key() string { return filepath.Join(s.dir, "operator.key") }
func (s *Store) pub() string { return filepath.Join(s.dir, "operator.pub") }

// SetOperator makes the operator's key pair: the public half lies open, the private one is
// encrypted under the passphrase. It refuses to replace an existing key.
func (s *Store) SetOperator(passphrase string) error {
	if len(passphrase) < minPassphrase {
		return errPassphraseShort
	}
	if _, err := os.Stat(s.pub()); err == nil { // written last: without it nothing was ever sealed
		return errors.New("an operator's passphrase is already set here")
	}
	if waiting, err := filepath.Glob(filepath.Join(s.dir, "sec_*.age")); err != nil || len(waiting) > 0 {
		return errors.New("the operator's public key is missing, yet secrets wait that only the old passphrase opens; reveal them first")
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("make the operator's key: %w", err)
	}
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return fmt.Errorf("use the passphrase: %w", err)
	}
	if s.WorkFactor > 0 {
		r.SetWorkFactor(s.WorkFactor)
	}
	box, err := encrypt([]byte(id.String()), r)
	if err != nil {
		return err
	}
	if err := keep(s.key(), box); err != nil {
		return fmt.Errorf("keep the operator's key: %w", err)
	}
	sign, err := signingKey(id)
	if err != nil {
		return err
	}
	if err := s.keepPublic(sign); err != nil {
		return err
	}
	if err := keep(s.pub(), []byte(id.Recipient().String())); err != nil {
		return fmt.Errorf("keep the operator's public key: %w", err)
	}
	return nil
}

func (s *Store) recipient() (*age.X25519Recipient, error) {
	b, err := os.ReadFile(s.pub())
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNoOperator
	}
	if err != nil {
		return nil, fmt.Errorf("read the operator's public key: %w", err)
	}
	r, err := age.ParseX25519Recipient(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, fmt.Errorf("the operator's public key is damaged: %w", err)
	}
	return r, nil
}

// Ready says whether a secret could be sealed now.
func (s *Store) Ready() error {
	_, err := s.recipient()
	return err
}

// Seal keeps a secret for the operator and returns the handle that names it. kind and whom are shown
// in lists.
func (s *Store) Seal(kind, whom, secret string) (Info, error) {
	r, err := s.recipient()
	if err != nil {
		return Info{}, err
	}
	var raw [10]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return Info{}, fmt.Errorf("make a handle: %w", err)
	}
	now := s.clock.Now()
	info := Info{
		Handle: "sec_" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw[:])),
		Kind:   kind, For: whom, Created: now, Expires: now.Add(Lifetime),
	}
	plain, err := json.Marshal(sealed{info, secret}) //nolint:gosec // encrypted two lines below
	if err != nil {
		return Info{}, fmt.Errorf("seal: %w", err)
	}
	box, err := encrypt(plain, r)
	if err != nil {
		return Info{}, err
	}
	meta, err := json.Marshal(info)
	if err != nil {
		return Info{}, fmt.Errorf("seal: %w", err)
	}
	if err := keep(s.path(info.Handle, "age"), box); err != nil {
		return Info{}, fmt.Errorf("keep the sealed secret: %w", err)
	}
	if err := keep(s.path(info.Handle, "json"), meta); err != nil {
		return Info{}, fmt.Errorf("keep the sealed secret: %w", err)
	}
	return info, nil
}

// keep writes a file whole or not at all, and not before it is on the disk: what is sealed here may be a
// password that is in force a moment later, and that nobody else knows.
func keep(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(content)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}

func (s *Store) path(handle, ext string) string { return filepath.Join(s.dir, handle+"."+ext) }

// valid keeps a handle from naming anything but a secret of this directory.
func valid(handle string) bool {
	rest, ok := strings.CutPrefix(handle, "sec_")
	return ok && len(rest) == 16 && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// Discard removes a secret that turned out not to be in force, such as a password Microsoft refused.
func (s *Store) Discard(handle string) {
	if valid(handle) {
		_ = os.Remove(s.path(handle, "age"))
		_ = os.Remove(s.path(handle, "json"))
	}
}

// Reveal opens a secret with the operator's passphrase and removes it: there is no second view.
// A wrong passphrase leaves it in place.
func (s *Store) Reveal(handle, passphrase string) (Info, string, error) {
	if !valid(handle) {
		return Info{}, "", ErrGone
	}
	box, err := os.ReadFile(s.path(handle, "age"))
	if errors.Is(err, os.ErrNotExist) {
		return Info{}, "", ErrGone
	}
	if err != nil {
		return Info{}, "", fmt.Errorf("read the sealed secret: %w", err)
	}
	id, err := s.operator(passphrase)
	if err != nil {
		return Info{}, "", err
	}
	plain, err := decrypt(box, id)
	if err != nil {
		return Info{}, "", fmt.Errorf("open the sealed secret: %w", err)
	}
	var got sealed
	if err := json.Unmarshal(plain, &got); err != nil {
		return Info{}, "", fmt.Errorf("read the opened secret: %w", err)
	}
	// Removing the file is what makes it one view: whoever removes it has it.
	if err := os.Remove(s.path(handle, "age")); err != nil {
		return Info{}, "", ErrGone
	}
	_ = os.Remove(s.path(handle, "json"))
	if s.clock.Now().After(got.Expires) {
		return Info{}, "", ErrGone
	}
	return got.Info, got.Secret, nil
}

func (s *Store) operator(passphrase string) (age.Identity, error) {
	box, err := os.ReadFile(s.key())
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNoOperator
	}
	if err != nil {
		return nil, fmt.Errorf("read the operator's key: %w", err)
	}
	return openIdentity(box, passphrase)
}

// openIdentity opens a private key that lies encrypted under a passphrase.
func openIdentity(box []byte, passphrase string) (*age.X25519Identity, error) {
	sid, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, ErrPassphrase
	}
	plain, err := decrypt(box, sid)
	if err != nil {
		return nil, ErrPassphrase
	}
	id, err := age.ParseX25519Identity(string(plain))
	if err != nil {
		return nil, fmt.Errorf("the operator's key is damaged: %w", err)
	}
	return id, nil
}

// List tells the secrets that can still be revealed, newest first, and removes the expired.
func (s *Store) List() ([]Info, error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "sec_*.json"))
	if err != nil {
		return nil, fmt.Errorf("list the secrets: %w", err)
	}
	var out []Info
	for _, f := range files {
		var i Info
		b, err := os.ReadFile(f) //nolint:gosec // a file of our own directory
		if err != nil || json.Unmarshal(b, &i) != nil {
			continue
		}
		if s.clock.Now().After(i.Expires) {
			s.Discard(i.Handle)
			continue
		}
		out = append(out, i)
	}
	sort.Slice(out, func(a, b int) bool { return out[a].Created.After(out[b].Created) })
	return out, nil
}

func encrypt(plain []byte, r age.Recipient) ([]byte, error) {
	var buf bytes.Buffer
	w, err := age.Encrypt(&buf, r)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return buf.Bytes(), nil
}

func decrypt(box []byte, id age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(box), id)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
