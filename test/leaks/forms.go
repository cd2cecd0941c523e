package leaks

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"
)

// forms are the ways in which a secret may lie in a file, by name.
func forms(secret string) map[string][]byte {
	out := map[string][]byte{}
	texts := textForms(secret)
	for name, t := range texts {
		out[name] = []byte(t)
		out[name+" UTF-16LE"], out[name+" UTF-16BE"] = utf16Of(t)
	}
	for name, b := range clone(out) {
		out[name+" hex"] = []byte(hex.EncodeToString(b))
		out[name+" HEX"] = []byte(strings.ToUpper(hex.EncodeToString(b)))
		for at := range 3 {
			for alphabet, e := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
				out[name+" "+alphabet+" at "+strconv.Itoa(at)] = aligned(e, b, at)
			}
		}
	}
	// Halves: a page of a database, a limit of length or a half-done redaction may cut a secret in two.
	for _, name := range []string{"raw", "JSON", "JSON plain"} {
		if f := out[name]; len(f) >= 2*shortest {
			out[name+" first half"], out[name+" second half"] = f[:len(f)/2], f[len(f)/2:]
		}
	}
	return out
}

func clone(m map[string][]byte) map[string][]byte {
	out := make(map[string][]byte, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// textForms are the ways to write it in text: JSON with and without HTML's characters escaped, JSON
// within JSON, quoted, in an address, in HTML.
func textForms(secret string) map[string]string {
	out := map[string]string{
		"raw": secret, "quoted": inside(strconv.Quote(secret)), "quoted ASCII": inside(strconv.QuoteToASCII(secret)),
		"query": url.QueryEscape(secret), "path": url.PathEscape(secret), "percent": percent(secret, "0123456789ABCDEF"), "percent lower": percent(secret, "0123456789abcdef"),
		"query twice": url.QueryEscape(url.QueryEscape(secret)), "HTML": html.EscapeString(secret), "HTML named": strings.ReplaceAll(html.EscapeString(secret), "&#34;", "&quot;"),
		"HTML template": strings.ReplaceAll(html.EscapeString(secret), "+", "&#43;"),
	}
	level := map[string]string{"": secret}
	for range 3 {
		next := map[string]string{}
		for name, s := range level {
			next[strings.TrimSpace(name+" JSON")], next[strings.TrimSpace(name+" JSON plain")] = asJSON(s, true), asJSON(s, false)
		}
		for name, s := range next {
			out[name] = s
		}
		level = next
	}
	return out
}

func inside(quoted string) string { return quoted[1 : len(quoted)-1] }

func asJSON(s string, escapeHTML bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(escapeHTML)
	_ = e.Encode(s) // a string always encodes
	return inside(strings.TrimSuffix(b.String(), "\n"))
}

// percent writes every byte that is no letter, digit, - . _ ~ as %XX.
func percent(s, digits string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}

func utf16Of(s string) (little, big []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		little = append(little, byte(u), byte(u>>8))
		big = append(big, byte(u>>8), byte(u))
	}
	return little, big
}

// aligned is the part of a base64 text that b alone decides when it begins at byte at of a group of three.
func aligned(e *base64.Encoding, b []byte, at int) []byte {
	text := e.EncodeToString(append(make([]byte, at), b...))
	first := (at*8 + 5) / 6
	return []byte(text[first : (at+len(b))*8/6])
}
