package tools

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"cipp-mcp/internal/jobs"
)

// Text from a tenant is hostile data. Before it leaves, every string of a result loses control
// characters, bidirectional overrides and invisible marks, and everything over its bound.

const maxText = 2000

// Clean makes one line of data out of s: no control, format, private-use or unassigned characters, at
// most most runes.
func Clean(s string, most int) string {
	if len(s) <= most && plain(s) {
		return s
	}
	var b strings.Builder
	n := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case r == utf8.RuneError && size <= 1, hidden(r):
			continue
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029' || r == '\v' || r == '\f':
			r = ' '
		case unicode.IsControl(r):
			continue
		}
		if n == most {
			b.WriteRune('…')
			break
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// clip is Clean for a text with fences in it: where it is cut inside of one, the fence is closed.
func clip(s string, most int) string {
	out := Clean(s, most)
	if strings.HasSuffix(out, "…") && utf8.RuneCountInString(s) > most && strings.LastIndex(out, "«") > strings.LastIndex(out, "»") {
		out += "»"
	}
	return out
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// hidden characters carry text no person sees: bidirectional controls, zero-width marks, tags,
// variation selectors, and whatever Unicode does not name.
func hidden(r rune) bool {
	if r == '\u200c' || r == '\u200d' {
		return false // joiners that scripts and emoji need
	}
	return unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs) || (r >= 0xFE00 && r <= 0xFE0F) || (r >= 0xE0000 && r <= 0xE0FFF)
}

// Sanitize cleans every string reachable from v, a pointer to a result, in place, through redact.
func Sanitize(v any, redact func(string) string) { sanitize(reflect.ValueOf(v), redact) }

func sanitize(v reflect.Value, redact func(string) string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return
		}
		if v.Kind() == reflect.Interface && v.Elem().Kind() != reflect.Pointer {
			if !v.CanSet() {
				return
			}
			c := reflect.New(v.Elem().Type()).Elem()
			c.Set(v.Elem())
			sanitize(c, redact)
			v.Set(c)
			return
		}
		sanitize(v.Elem(), redact)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				sanitize(v.Field(i), redact)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			sanitize(v.Index(i), redact)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			c := reflect.New(v.Type().Elem()).Elem()
			c.Set(v.MapIndex(k))
			sanitize(c, redact)
			v.SetMapIndex(k, c)
		}
	case reflect.String:
		if v.CanSet() {
			v.SetString(redact(clip(v.String(), maxText)))
		}
	default:
	}
}

// q fences a tenant's free text inside a sentence.
func q(s string) string { return jobs.Fence(s) }

// lines builds a compact text for the model.
type lines struct{ b strings.Builder }

func (l *lines) add(format string, a ...any) {
	if l.b.Len() > 0 {
		l.b.WriteByte('\n')
	}
	fmt.Fprintf(&l.b, format, a...)
}

func (l *lines) String() string { return l.b.String() }

// orNone joins a list for a line of text.
func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

func yesNo(b *bool) string {
	switch {
	case b == nil:
		return "unknown"
	case *b:
		return "yes"
	default:
		return "no"
	}
}
