package odata

import (
	"strings"
	"time"
)

type kind int

const (
	end kind = iota
	word
	text   // 'quoted'
	number // 12, -3.5
	guid
	moment // 2026-03-12T15:00:00Z
	sign   // ( ) , / :
)

type token struct {
	kind kind
	text string
	at   int
}

// lex cuts a filter into tokens.
func lex(s string) ([]token, *Error) {
	var out []token
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '\'':
			lit, next, ok := quoted(s, i)
			if !ok {
				return nil, badFilter("There is an unterminated string literal at position %d in '%s'.", i, s)
			}
			out = append(out, token{text, lit, i})
			i = next
		case strings.IndexByte("(),/:", c) >= 0:
			out = append(out, token{sign, string(c), i})
			i++
		case isWord(c) || c == '-':
			j := i + 1
			digits := c == '-' || c >= '0' && c <= '9'
			for j < len(s) && (isWord(s[j]) || s[j] == '-' || digits && (s[j] == ':' || s[j] == '+')) {
				j++
			}
			t, err := classify(s[i:j], i, s)
			if err != nil {
				return nil, err
			}
			out = append(out, t)
			i = j
		default:
			return nil, badFilter("Syntax error: character '%c' is not valid at position %d in '%s'.", rune(c), i, s)
		}
	}
	return append(out, token{end, "", len(s)}), nil
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '$' || c == '@' || c >= 0x80
}

// quoted reads a string literal that begins at i; two single quotes are one.
func quoted(s string, i int) (string, int, bool) {
	var b strings.Builder
	for j := i + 1; j < len(s); j++ {
		if s[j] != '\'' {
			b.WriteByte(s[j])
			continue
		}
		if j+1 < len(s) && s[j+1] == '\'' {
			b.WriteByte('\'')
			j++
			continue
		}
		return b.String(), j + 1, true
	}
	return "", 0, false
}

func classify(w string, at int, s string) (token, *Error) {
	switch {
	case isGUID(w):
		return token{guid, w, at}, nil
	case len(w) >= 10 && w[4] == '-' && w[7] == '-' && w[0] >= '0' && w[0] <= '9':
		if _, ok := parseTime(w); !ok {
			return token{}, badFilter("The literal '%s' at position %d is no Edm.DateTimeOffset in '%s'.", w, at, s)
		}
		return token{moment, w, at}, nil
	case w[0] == '-' || w[0] >= '0' && w[0] <= '9':
		for i, c := range []byte(w) {
			if (c < '0' || c > '9') && c != '.' && (c != '-' || i != 0) || w == "-" {
				return token{}, badFilter("Syntax error at position %d in '%s'.", at, s)
			}
		}
		return token{number, w, at}, nil
	}
	return token{word, w, at}, nil
}

func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range 36 {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}
