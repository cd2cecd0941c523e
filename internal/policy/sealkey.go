package policy

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/zalando/go-keyring"
)

// keyPlace notes where the sealing key was, and which it was: a key that is gone is asked for, never
// silently replaced by another that opens nothing of what the first one sealed.
type keyPlace struct {
	Ref         string `json:"ref"`
	Fingerprint string `json:"fingerprint"`
}

// keyringWithin bounds a question to the system's keyring, which may be waiting for a person.
const keyringWithin = 30 * time.Second

// errNoKey says that nothing is stored where the key should be.
var errNoKey = errors.New("nothing is stored there")

// errAway says that the keyring cannot be asked.
var errAway = errors.New("the system's keyring does not answer")

// OpenSealerAt uses the sealing key that ref names (keyring:SERVICE/NAME or file:PATH), and makes it
// where nothing was kept yet. Without a ref the key stays where it is; a new one goes into the system's
// keyring where automatic allows it and a keyring answers, else into the state directory.
func OpenSealerAt(stateDir, ref string, automatic bool) (*Sealer, error) {
	lock := flock.New(filepath.Join(stateDir, "seal.lock"), flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return nil, fmt.Errorf("lock the sealing key: %w", err)
	}
	defer func() { _ = lock.Unlock() }()
	held, err := readPlace(stateDir)
	if err != nil {
		return nil, err
	}
	first := held.Ref == "" && ref == ""
	switch _, err := os.Stat(keyFile(stateDir)); {
	case ref != "":
	case held.Ref != "":
		ref = held.Ref
	case err == nil || !automatic:
		return OpenSealer(stateDir)
	default:
		ref = ownKeyring(stateDir)
	}
	key, err := keyAt(stateDir, ref, held)
	if first && errors.Is(err, errAway) {
		return OpenSealer(stateDir) // no keyring has held anything of ours
	}
	if err != nil {
		return nil, err
	}
	return NewSealer(key)
}

func keyFile(stateDir string) string   { return filepath.Join(stateDir, "seal.key") }
func placeFile(stateDir string) string { return filepath.Join(stateDir, "seal.ref") }

// ownKeyring is the place of a state directory's own key.
func ownKeyring(stateDir string) string {
	sum := sha256.Sum256([]byte(stateDir))
	return "keyring:cipp-mcp/seal-" + hex.EncodeToString(sum[:6])
}

func readPlace(stateDir string) (p keyPlace, err error) {
	b, err := os.ReadFile(placeFile(stateDir))
	if errors.Is(err, os.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		return p, fmt.Errorf("read where the sealing key is: %w", err)
	}
	return p, nil
}

// keyAt is the key at ref. One that was there before has to be there, and be the same.
func keyAt(stateDir, ref string, held keyPlace) ([]byte, error) {
	key, err := fetchKey(ref)
	if errors.Is(err, errNoKey) && held.Ref != ref {
		key, err = moveKey(stateDir, ref, held)
	}
	if err != nil {
		return nil, fmt.Errorf("the sealing key is kept at %s: %w; bring that back and start again, or name another place in sealKey, whereupon plans that are out and jobs that wait count no longer", ref, err)
	}
	now := keyPlace{ref, keyFingerprint(key)}
	if held == now {
		return key, nil
	}
	if held.Ref == ref {
		return nil, fmt.Errorf("the sealing key at %s is not the one that was there before; bring that back and start again, or name another place in sealKey", ref)
	}
	b, err := json.Marshal(now)
	if err == nil {
		err = os.WriteFile(placeFile(stateDir)+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(placeFile(stateDir)+".new", placeFile(stateDir))
	}
	if err != nil {
		return nil, fmt.Errorf("note where the sealing key is: %w", err)
	}
	return key, nil
}

// moveKey puts the key in force until now, or else a new one, where nothing is yet, and reads it back.
func moveKey(stateDir, ref string, held keyPlace) ([]byte, error) {
	key, err := os.ReadFile(keyFile(stateDir))
	inFile := err == nil
	if !inFile && held.Ref != "" {
		key, err = fetchKey(held.Ref)
	}
	if err != nil { // none, or none that can be reached: the operator named another place
		key = make([]byte, 32)
		_, _ = rand.Read(key)
	}
	if err := storeKey(ref, key); err != nil {
		return nil, err
	}
	kept, err := fetchKey(ref)
	if err == nil && inFile && keyFingerprint(kept) == keyFingerprint(key) && ref != "file:"+keyFile(stateDir) {
		err = os.Remove(keyFile(stateDir))
	}
	return kept, err
}

// keyFingerprint tells keys apart and says nothing of them.
func keyFingerprint(key []byte) string {
	sum := sha256.Sum256(append([]byte("cipp-mcp sealing key "), key...))
	return hex.EncodeToString(sum[:8])
}

func fetchKey(ref string) ([]byte, error) {
	kind, rest, _ := strings.Cut(ref, ":")
	var text string
	if kind == "file" {
		b, err := os.ReadFile(rest) //nolint:gosec // the operator names his own file
		if errors.Is(err, os.ErrNotExist) {
			return nil, errNoKey
		}
		if err != nil || len(b) == 32 {
			return b, err
		}
		text = string(b)
	} else {
		service, name, _ := strings.Cut(rest, "/")
		var err error
		if text, err = askKeyring(func() (string, error) { return keyring.Get(service, name) }); err != nil {
			return nil, err
		}
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != 32 {
		return nil, errors.New("what is stored there is no key of 32 bytes")
	}
	return key, nil
}

func storeKey(ref string, key []byte) error {
	kind, rest, _ := strings.Cut(ref, ":")
	if kind == "file" {
		return keepOnce(rest, key)
	}
	service, name, _ := strings.Cut(rest, "/")
	_, err := askKeyring(func() (string, error) {
		return "", keyring.Set(service, name, base64.StdEncoding.EncodeToString(key))
	})
	return err
}

// askKeyring asks the system's keyring and does not wait for ever: a locked one asks a person.
func askKeyring(f func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		text, err := f()
		got <- answer{text, err}
	}()
	late := time.NewTimer(keyringWithin)
	defer late.Stop()
	select {
	case a := <-got:
		switch {
		case errors.Is(a.err, keyring.ErrNotFound):
			return "", errNoKey
		case a.err != nil:
			return "", fmt.Errorf("%w (%w)", errAway, a.err)
		}
		return a.text, nil
	case <-late.C:
		return "", fmt.Errorf("%w within %s", errAway, keyringWithin)
	}
}
