package secrets

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cipp-mcp/internal/clock"
)

// A first set-up that was interrupted can be done again; one that secrets depend on cannot.
func TestAnInterruptedSetUp(t *testing.T) {
	s, _ := store(t)
	if err := os.WriteFile(s.key(), []byte("half a k"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.SetOperator(passphrase); err != nil {
		t.Fatalf("half a set-up stands in the way for ever: %v", err)
	}
	info, err := s.Seal("password", "anna", "hunter2hunter2")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.pub()); err != nil {
		t.Fatal(err)
	}
	if err := s.SetOperator("quite another passphrase"); err == nil {
		t.Error("the key of a secret that waits was replaced")
	}
	if _, secret, err := s.Reveal(info.Handle, passphrase); err != nil || secret != "hunter2hunter2" {
		t.Errorf("%q %v", secret, err)
	}
}

// A secret that cannot be kept whole is not kept at all, and no handle is given for it.
func TestNoHandleForWhatIsNotKept(t *testing.T) {
	s, _ := store(t)
	if err := s.SetOperator(passphrase); err != nil {
		t.Fatal(err)
	}
	pub, err := os.ReadFile(s.pub())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	elsewhere := &Store{dir: dir, clock: breaking{s.clock, func() { _ = os.RemoveAll(dir) }}} // which stops root too
	if err := os.WriteFile(elsewhere.pub(), pub, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := elsewhere.Seal("password", "anna", "hunter2hunter2")
	if err == nil || info.Handle != "" || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%+v %v", info, err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder did not go in the middle of it, so that this shows nothing: %v", err)
	}
}

// breaking is a clock at whose first look something breaks: after the key was read, before anything is kept.
type breaking struct {
	clock.Clock
	happens func()
}

func (b breaking) Now() time.Time { b.happens(); return b.Clock.Now() }
