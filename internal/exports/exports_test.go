package exports

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type still struct{ at time.Time }

func (s *still) Now() time.Time { return s.at }

func (s *still) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// plainSealer binds a text to its purpose and hides nothing: what is proved here is not the sealing.
type plainSealer struct{}

func (plainSealer) Seal(purpose string, v any) (string, error) {
	b, err := json.Marshal(map[string]any{"p": purpose, "v": v})
	return base64.RawURLEncoding.EncodeToString(b), err
}

func (plainSealer) Open(purpose, token string, v any) error {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return err
	}
	box := struct {
		P string          `json:"p"`
		V json.RawMessage `json:"v"`
	}{}
	if err := json.Unmarshal(b, &box); err != nil || box.P != purpose {
		return errors.New("not for this")
	}
	return json.Unmarshal(box.V, v)
}

func write(t *testing.T, s *Store, text string) string {
	t.Helper()
	w, err := s.Create("tenant-1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.ID
}

func TestAnExportIsReadUntilItsTimeIsOver(t *testing.T) {
	now := &still{time.Date(2026, 3, 12, 15, 0, 0, 0, time.UTC)}
	s := &Store{Dir: filepath.Join(t.TempDir(), "exports"), Sealer: plainSealer{}, Clock: now}
	id := write(t, s, "name\nDana\n")
	info, err := os.Stat(s.path(id))
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if b, err := os.ReadFile(s.path(id)); err != nil || strings.Contains(string(b), "Dana") {
		t.Errorf("the rows lie open: %v", err)
	}
	text, tenants, err := s.Read(id)
	if err != nil || text != "name\nDana\n" || len(tenants) != 1 {
		t.Errorf("%q %v %v", text, tenants, err)
	}
	now.at = now.at.Add(Lasts)
	if _, _, err := s.Read(id); !errors.Is(err, ErrGone) {
		t.Errorf("still there: %v", err)
	}
	write(t, s, "more")
	if _, err := os.Stat(s.path(id)); !os.IsNotExist(err) {
		t.Errorf("nobody removed it: %v", err)
	}
}

func TestNoOtherFileIsRead(t *testing.T) {
	s := &Store{Dir: t.TempDir(), Sealer: plainSealer{}, Clock: &still{time.Now()}}
	a, b := write(t, s, "a"), write(t, s, "b")
	if err := os.Rename(s.path(a), s.path(b)); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{b, a, "", "../secrets", strings.Repeat("A", 26)} {
		if _, _, err := s.Read(id); !errors.Is(err, ErrGone) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestExportsHaveTheirBounds(t *testing.T) {
	s := &Store{Dir: t.TempDir(), Sealer: plainSealer{}, Clock: &still{time.Now()}}
	for range most + 3 {
		write(t, s, "x")
	}
	if files, err := os.ReadDir(s.Dir); err != nil || len(files) != most {
		t.Errorf("%d files, %v", len(files), err)
	}
	w, err := s.Create()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Drop()
	if _, err := w.Write(make([]byte, Largest+1)); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
}
