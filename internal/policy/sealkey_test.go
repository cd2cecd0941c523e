package policy

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/zalando/go-keyring"
)

// same says whether what one sealer sealed the other opens.
func same(t *testing.T, a, b *Sealer) bool {
	t.Helper()
	token, err := a.Seal("p", 1)
	if err != nil {
		t.Fatal(err)
	}
	var v int
	return b.Open("p", token, &v) == nil
}

func mustOpen(t *testing.T, dir, ref string, automatic bool) *Sealer {
	t.Helper()
	s, err := OpenSealerAt(dir, ref, automatic)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// noKeyring is a machine without a keyring, or with one that is locked.
func noKeyring() { keyring.MockInitWithError(errors.New("no such interface")) }

func TestTheKeyIsInTheKeyringWhereOneAnswers(t *testing.T) {
	keyring.MockInit()
	dir := t.TempDir()
	first := mustOpen(t, dir, "", true)
	if _, err := os.Stat(keyFile(dir)); err == nil {
		t.Error("it also lies in a file")
	}
	if !same(t, first, mustOpen(t, dir, "", true)) || !same(t, first, mustOpen(t, dir, "", false)) {
		t.Error("the second start has another key")
	}
	if same(t, first, mustOpen(t, t.TempDir(), "", true)) {
		t.Error("two state directories share a key")
	}
	b, err := os.ReadFile(placeFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	stored, err := keyring.Get("cipp-mcp", strings.TrimPrefix(ownKeyring(dir), "keyring:cipp-mcp/"))
	if err != nil || strings.Contains(string(b), stored) {
		t.Errorf("%s %v", b, err)
	}
}

func TestNoSecondKeyWhileTheKeyringIsAway(t *testing.T) {
	for name, away := range map[string]func(){"locked": noKeyring, "emptied": keyring.MockInit} {
		for _, ref := range []string{"", "keyring:team/seal"} {
			keyring.MockInit()
			dir := t.TempDir()
			mustOpen(t, dir, ref, true)
			away()
			for _, again := range []string{ref, ""} { // also when the setting is taken out
				s, err := OpenSealerAt(dir, again, true)
				if err == nil || s != nil || !strings.Contains(err.Error(), "is kept at keyring:") || !strings.Contains(err.Error(), "bring that back") {
					t.Errorf("%s %q: %v", name, ref, err)
				}
			}
			if _, err := os.Stat(keyFile(dir)); err == nil {
				t.Errorf("%s %q: a second key was made", name, ref)
			}
		}
	}
}

func TestAnotherKeyInTheSamePlaceIsRefused(t *testing.T) {
	keyring.MockInit()
	dir := t.TempDir()
	mustOpen(t, dir, "keyring:team/seal", false)
	if err := keyring.Set("team", "seal", base64.StdEncoding.EncodeToString(make([]byte, 32))); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSealerAt(dir, "keyring:team/seal", false); err == nil || !strings.Contains(err.Error(), "not the one that was there before") {
		t.Errorf("%v", err)
	}
	if err := keyring.Set("team", "seal", "not a key"); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSealerAt(dir, "keyring:team/seal", false); err == nil || !strings.Contains(err.Error(), "no key of 32 bytes") || strings.Contains(err.Error(), "not a key;") {
		t.Errorf("%v", err)
	}
}

func TestWithoutAKeyringTheKeyIsAFile(t *testing.T) {
	noKeyring()
	dir := t.TempDir()
	first := mustOpen(t, dir, "", true)
	if _, err := os.Stat(keyFile(dir)); err != nil {
		t.Error(err)
	}
	keyring.MockInit() // a keyring that comes later changes nothing
	if !same(t, first, mustOpen(t, dir, "", true)) {
		t.Error("another key")
	}
	if _, err := OpenSealerAt(t.TempDir(), "keyring:team/seal", true); err != nil {
		t.Error(err)
	}
	noKeyring()
	if _, err := OpenSealerAt(t.TempDir(), "keyring:team/seal", true); err == nil {
		t.Error("the operator named a keyring, and a file was taken")
	}
}

func TestReplicasShareANamedKey(t *testing.T) {
	keyring.MockInit()
	file := filepath.Join(t.TempDir(), "seal")
	text := filepath.Join(t.TempDir(), "seal.txt")
	if err := os.WriteFile(text, []byte(base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"keyring:team/seal", "file:" + file, "file:" + text} {
		if !same(t, mustOpen(t, t.TempDir(), ref, true), mustOpen(t, t.TempDir(), ref, true)) {
			t.Errorf("%s is not shared", ref)
		}
	}
	dir := t.TempDir()
	mustOpen(t, dir, "file:"+file, true)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSealerAt(dir, "file:"+file, true); err == nil {
		t.Error("a volume that was not mounted got a second key")
	}
}

func TestTheKeyMovesWithTheSetting(t *testing.T) {
	keyring.MockInit()
	dir := t.TempDir()
	first := mustOpen(t, dir, "", false)
	for _, ref := range []string{"keyring:team/seal", "file:" + filepath.Join(t.TempDir(), "k"), "keyring:team/again", ""} {
		if !same(t, first, mustOpen(t, dir, ref, true)) {
			t.Errorf("%q: another key", ref)
		}
	}
	if _, err := os.Stat(keyFile(dir)); err == nil {
		t.Error("the file stays behind")
	}
}

func TestProcessesThatStartTogetherAgree(t *testing.T) {
	keyring.MockInit()
	dir := t.TempDir()
	sealers := make([]*Sealer, 6)
	var wg sync.WaitGroup
	for i := range sealers {
		wg.Go(func() {
			s, err := OpenSealerAt(dir, "", true)
			if err != nil {
				t.Error(err)
			}
			sealers[i] = s
		})
	}
	wg.Wait()
	for _, s := range sealers {
		if s == nil || !same(t, sealers[0], s) {
			t.Error("they differ")
		}
	}
}
