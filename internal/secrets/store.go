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
	"slices"
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

// HowToOpen is the command by which a person sees a secret. It names nothing that a model might open.
func (s *Store) HowToOpen(handle string) string {
	if i, err := s.info(handle); err == nil && i.Sink == SinkAge {
		return "age -d -i KEY secrets/" + handle + ".age"
	}
	return "cipp-mcp secrets reveal " + handle
}

// ErrNotOurs says that a secret was encrypted to keys that this program does not have.
var ErrNotOurs = errors.New("this secret is encrypted to the public keys of passwords.ageRecipients, and whoever has one of their private halves opens it")

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
	// Sink is set where what is kept is nothing that this program reveals.
	Sink string `json:"sink,omitempty"`
}

type sealed struct {
	Info
	Secret string `json:"secret"`
}

// Store is the directory of sealed secrets and of the operator's key.
type Store struct {
	dir   string
	clock clock.Clock
	// Generate makes a password.
	Generate func() (string, error)
	// WorkFactor is scrypt's cost (a power of two) for the operator's passphrase; 0 means age's default.
	WorkFactor int
}

// Open uses DIR/secrets for sealed secrets and DIR/operator.* for the operator's key.
func Open(stateDir string, c clock.Clock) (*Store, error) {
	dir := filepath.Join(stateDir, "secrets")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the secrets: %w", err)
	}
	return &Store{dir: dir, clock: c, Generate: GeneratePassword}, nil
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
	waiting, err := filepath.Glob(filepath.Join(s.dir, "sec_*.age"))
	if err != nil || slices.ContainsFunc(waiting, func(f string) bool {
		i, err := s.info(strings.TrimSuffix(filepath.Base(f), ".age"))
		return err != nil || i.Sink != SinkAge
	}) {
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
	return s.keepSealed(Info{Kind: kind, For: whom}, func(i Info) ([]byte, error) {
		return json.Marshal(sealed{i, secret}) //nolint:gosec // encrypted before it is kept
	}, r)
}

// keepSealed encrypts what content makes of a new handle, and keeps it under that handle.
func (s *Store) keepSealed(info Info, content func(Info) ([]byte, error), to ...age.Recipient) (Info, error) {
	s.sweep()
	var raw [10]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return Info{}, fmt.Errorf("make a handle: %w", err)
	}
	info.Handle = "sec_" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw[:]))
	info.Created = s.clock.Now()
	info.Expires = info.Created.Add(Lifetime)
	plain, err := content(info)
	if err != nil {
		return Info{}, fmt.Errorf("seal: %w", err)
	}
	box, err := encrypt(plain, to...)
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
		_ = os.Remove(s.path(info.Handle, "age")) // nothing names it, so nobody would ever find or expire it
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
	if i, err := s.info(handle); err == nil && i.Sink == SinkAge {
		return Info{}, "", fmt.Errorf("%w; open it with: age -d -i YOUR-KEY %s", ErrNotOurs, s.path(handle, "age"))
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

// info is what lies open about a secret.
func (s *Store) info(handle string) (i Info, err error) {
	b, err := os.ReadFile(s.path(handle, "json"))
	if err != nil {
		return i, err
	}
	return i, json.Unmarshal(b, &i)
}

// Waits says whether a secret is still there to be shown.
func (s *Store) Waits(handle string) bool {
	if !valid(handle) {
		return false
	}
	i, err := s.info(handle)
	if err != nil || s.clock.Now().After(i.Expires) {
		return false
	}
	_, err = os.Stat(s.path(handle, "age"))
	return err == nil
}

// sweep removes the expired, so that they do not lie here until somebody lists them.
func (s *Store) sweep() { _, _ = s.List() }

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

func encrypt(plain []byte, to ...age.Recipient) ([]byte, error) {
	var buf bytes.Buffer
	w, err := age.Encrypt(&buf, to...)
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
