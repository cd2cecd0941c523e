package leaks

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	_ "modernc.org/sqlite" // the database the journal is in
)

const (
	secret  = `Zq&<"+9x/é-Harbour%5 Lantern`
	another = `Yw&<"+7k-another-secret-thing`
)

func searcher(t *testing.T) *Searcher {
	t.Helper()
	s, err := New(map[string]string{"the password": secret, "another": another})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func zipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func deflated(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func js(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func plainJS(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// little and big are made by hand, not by what is tested.
func wide(s string, big bool) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

// Every planted leak is found: this is what makes the search worth something.
func TestPlantedLeaksAreFound(t *testing.T) {
	noise := bytes.Repeat([]byte("nothing to see here, eyJub3RoaW5nIjoidG8gc2VlIGhlcmUifQ x\x9c \x1f\x8b\x08 "), 40)
	plants := map[string][]byte{
		"raw":                     []byte(secret),
		"JSON":                    js(t, map[string]string{"password": secret}),
		"JSON without HTML":       plainJS(t, map[string]string{"password": secret}),
		"JSON in JSON":            js(t, map[string]string{"body": string(js(t, map[string]string{"password": secret}))}),
		"JSON in JSON, mixed":     plainJS(t, map[string]string{"body": string(js(t, map[string]string{"password": secret}))}),
		"JSON in JSON in JSON":    js(t, string(js(t, string(js(t, secret))))),
		"Go quoted":               []byte(strconv.Quote(secret)),
		"Go quoted, ASCII":        []byte(strconv.QuoteToASCII(secret)),
		"query":                   []byte("a=1&p=" + url.QueryEscape(secret) + "&b=2"),
		"path":                    []byte("/p/" + url.PathEscape(secret) + "/x"),
		"form":                    []byte(url.Values{"password[payload]": {secret}}.Encode()),
		"percent":                 []byte("Zq%26%3C%22%2B9x%2F%C3%A9-Harbour%255%20Lantern"),
		"percent, lower":          []byte("Zq%26%3c%22%2b9x%2f%c3%a9-Harbour%255%20Lantern"),
		"HTML":                    []byte(`<pre>Zq&amp;&lt;&#34;+9x/é-Harbour%5 Lantern</pre>`),
		"HTML, named":             []byte(`<pre>Zq&amp;&lt;&quot;+9x/é-Harbour%5 Lantern</pre>`),
		"HTML template":           []byte(`<pre>Zq&amp;&lt;&#34;&#43;9x/é-Harbour%5 Lantern</pre>`),
		"UTF-16LE":                wide(secret, false),
		"UTF-16BE":                wide(secret, true),
		"UTF-16LE JSON":           wide(string(js(t, secret)), false),
		"hex":                     []byte(hex.EncodeToString([]byte(secret))),
		"HEX":                     []byte(strings.ToUpper(hex.EncodeToString([]byte(secret)))),
		"a script's command":      []byte(base64.StdEncoding.EncodeToString(wide("Set-Password '"+secret+"'", false))),
		"gzip":                    zipped(t, []byte("before "+secret+" after")),
		"gzip of JSON":            zipped(t, js(t, map[string]string{"password": secret})),
		"gzip of gzip":            zipped(t, zipped(t, []byte(secret))),
		"gzip of UTF-16":          zipped(t, wide("x"+secret, false)),
		"gzip, broken off":        zipped(t, append([]byte(secret), bytes.Repeat([]byte("0123456789abcdef and so on "), 400)...))[:120],
		"zlib":                    deflated(t, []byte("before "+secret+" after")),
		"zlib in gzip":            zipped(t, append([]byte("x"), deflated(t, []byte(secret))...)),
		"gzip in base64":          []byte(base64.StdEncoding.EncodeToString(zipped(t, js(t, secret)))),
		"gzip in base64 in JSON":  js(t, map[string]any{"body": zipped(t, js(t, secret))}),
		"zlib in base64url":       []byte(base64.RawURLEncoding.EncodeToString(deflated(t, []byte(secret)))),
		"base64 in lines":         []byte(lines(base64.StdEncoding.EncodeToString([]byte("before it "+secret+" and after it")), 20)),
		"broken over two lines":   []byte(secret[:9] + "\r\n    " + secret[9:]),
		"first half":              []byte(secret[:len(secret)/2]),
		"second half":             []byte(secret[len(secret)/2:]),
		"another secret, in JSON": js(t, another),
	}
	for at := range 3 {
		before := strings.Repeat("x", at)
		for name, e := range map[string]*base64.Encoding{"std": base64.StdEncoding, "url": base64.URLEncoding, "raw std": base64.RawStdEncoding, "raw url": base64.RawURLEncoding} {
			plants[fmt.Sprintf("base64 %s at %d", name, at)] = []byte(e.EncodeToString([]byte(before + secret + " after")))
			plants[fmt.Sprintf("base64 %s at %d, at the end", name, at)] = []byte(e.EncodeToString([]byte(before + secret)))
			plants[fmt.Sprintf("base64 %s of JSON at %d", name, at)] = []byte(e.EncodeToString(append([]byte(before), js(t, secret)...)))
		}
	}
	s := searcher(t)
	if f := s.Search("noise", noise); len(f) > 0 {
		t.Fatalf("found where nothing is: %v", f)
	}
	for name, p := range plants {
		blob := append(append(bytes.Clone(noise), p...), noise...)
		if len(s.Search(name, blob)) == 0 {
			t.Errorf("%s was not found", name)
		}
	}
}

func lines(s string, n int) string {
	var out []string
	for len(s) > n {
		out, s = append(out, s[:n]), s[n:]
	}
	return strings.Join(append(out, s), "\n")
}

// Pages of a database and its write-ahead log are searched as they lie on the disk.
func TestALeakInADatabaseIsFound(t *testing.T) {
	for name, long := range map[string]int{"in a row": 0, "over several pages": 40_000} {
		dir := t.TempDir()
		db, err := sql.Open("sqlite", filepath.Join(dir, "a.db")+"?_pragma=journal_mode(WAL)&_pragma=wal_autocheckpoint(0)")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("create table t(v text)"); err != nil {
			t.Fatal(err)
		}
		for i := range 40 { // so that the secret also falls on the edge of a page
			if _, err := db.Exec("insert into t values(?)", strings.Repeat("x", long/40*i)+string(js(t, secret))+strings.Repeat("y", long)); err != nil {
				t.Fatal(err)
			}
		}
		found, files, err := searcher(t).Tree(dir)
		if err != nil || files < 2 || len(found) == 0 {
			t.Errorf("%s: %d files, %v, %v", name, files, found, err)
		}
		if !strings.Contains(fmt.Sprint(found), ".db-wal") {
			t.Errorf("%s: not found in the log: %v", name, found)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if found, _, err := searcher(t).Tree(dir); err != nil || len(found) == 0 {
			t.Errorf("%s: not found in the pages: %v, %v", name, found, err)
		}
	}
}

func TestAFilesNameIsSearched(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, url.QueryEscape(secret)), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if found, _, err := searcher(t).Tree(dir); err != nil || len(found) == 0 {
		t.Errorf("%v %v", found, err)
	}
}

func TestAShortSecretIsNotSearchedFor(t *testing.T) {
	if _, err := New(map[string]string{"x": "short"}); err == nil {
		t.Error("it was taken")
	}
}

func TestAFindingDoesNotRepeatTheSecret(t *testing.T) {
	for _, f := range searcher(t).Search("a file", []byte(secret)) {
		if strings.Contains(f.String(), "Harbour") {
			t.Errorf("%s", f)
		}
	}
}
