package secrets

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"
)

type still struct{ t time.Time }

func (s *still) Now() time.Time                                   { return s.t }
func (s *still) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

const passphrase = "correct horse battery staple"

func store(t *testing.T) (*Store, *still) {
	t.Helper()
	c := &still{time.Date(2026, 3, 12, 15, 0, 0, 0, time.UTC)}
	s, err := Open(t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	s.WorkFactor = 10
	return s, c
}

func TestOneViewForTheOperatorOnly(t *testing.T) {
	s, _ := store(t)
	if _, err := s.Seal("password", "anna", "hunter2hunter2"); !errors.Is(err, ErrNoOperator) {
		t.Fatalf("sealed without an operator: %v", err)
	}
	if err := s.SetOperator("short"); err == nil {
		t.Error("a short passphrase was taken")
	}
	if err := s.SetOperator(passphrase); err != nil {
		t.Fatal(err)
	}
	if err := s.SetOperator("another passphrase"); err == nil {
		t.Error("the operator was replaced")
	}
	info, err := s.Seal("password", "anna", "hunter2hunter2")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Reveal(info.Handle, "wrong passphrase"); !errors.Is(err, ErrPassphrase) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	got, secret, err := s.Reveal(info.Handle, passphrase)
	if err != nil || secret != "hunter2hunter2" || got.For != "anna" {
		t.Fatalf("%v %q %v", got, secret, err)
	}
	if _, _, err := s.Reveal(info.Handle, passphrase); !errors.Is(err, ErrGone) {
		t.Errorf("a second view: %v", err)
	}
}

func TestSecretsExpire(t *testing.T) {
	s, c := store(t)
	if err := s.SetOperator(passphrase); err != nil {
		t.Fatal(err)
	}
	info, err := s.Seal("password", "anna", "hunter2hunter2")
	if err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(Lifetime + time.Minute)
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
	if _, _, err := s.Reveal(info.Handle, passphrase); !errors.Is(err, ErrGone) {
		t.Errorf("an expired secret: %v", err)
	}
}

func TestNothingLiesInClear(t *testing.T) {
	s, _ := store(t)
	if err := s.SetOperator(passphrase); err != nil {
		t.Fatal(err)
	}
	const secret = `Zq&<"+secret-marker`
	if _, err := s.Seal("password", "anna", secret); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte("secret-marker")) || bytes.Contains(b, []byte(passphrase)) {
			t.Errorf("%s holds it in clear", path)
		}
		return err
	})
	if err != nil || files < 4 {
		t.Fatalf("%d files, %v", files, err)
	}
}

func TestHandlesNameNothingElse(t *testing.T) {
	s, _ := store(t)
	if err := s.SetOperator(passphrase); err != nil {
		t.Fatal(err)
	}
	for _, h := range []string{"", "sec_", "sec_../operator", "../secrets/operator", "sec_aaaaaaaaaaaaaaa", "sec_AAAAAAAAAAAAAAAA", "sec_aaaaaaaa/aaaaaaa"} {
		if _, _, err := s.Reveal(h, passphrase); !errors.Is(err, ErrGone) {
			t.Errorf("%q: %v", h, err)
		}
		s.Discard(h)
	}
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
}

func TestGeneratedPasswordsAreStrong(t *testing.T) {
	seen := map[string]bool{}
	for range 500 {
		p, err := GeneratePassword()
		if err != nil {
			t.Fatal(err)
		}
		var upper, lower, digit, other bool
		for _, r := range p {
			upper, lower, digit = upper || unicode.IsUpper(r), lower || unicode.IsLower(r), digit || unicode.IsDigit(r)
			other = other || !unicode.IsLetter(r) && !unicode.IsDigit(r)
		}
		if len(p) != 18 || !upper || !lower || !digit || !other || strings.ContainsAny(p, "0O1lI") || seen[p] {
			t.Fatalf("%q", p)
		}
		seen[p] = true
	}
}

// The forms as others write them, not as the redactor lists them.
func TestRedactorFindsWhatOthersWrite(t *testing.T) {
	for _, secret := range []string{odd, `"begins and ends"`, `back\slash\`, "with \u00e9 and \u2028"} {
		var r Redactor
		r.Add(secret)
		quoted, err := json.Marshal(map[string]string{"p": secret})
		if err != nil {
			t.Fatal(err)
		}
		var plain bytes.Buffer
		e := json.NewEncoder(&plain)
		e.SetEscapeHTML(false)
		if err := e.Encode(map[string]string{"p": secret}); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{secret, string(quoted), plain.String(), fmt.Sprintf("%q", secret), fmt.Sprintf("%+q", secret), "?p=" + url.QueryEscape(secret), html.EscapeString(secret)} {
			if got := r.Clean(text); !strings.Contains(got, Mask) || len(strings.TrimSpace(got)) > len(Mask)+8 {
				t.Errorf("%s became %s", text, got)
			}
		}
	}
}

func TestRedactorFindsEveryForm(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		secret := rapid.StringMatching(`[A-Za-z0-9&<"+/=%é]{8,24}`).Draw(r, "secret")
		var red Redactor
		red.Add(secret)
		for form := range red.forms {
			if got := red.Clean("before " + form + " after"); strings.Contains(got, form) {
				r.Fatalf("%q came through as %q", form, got)
			}
		}
	})
}
