package judge

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// holds tells whether text holds one of the words, whole words only: «ach» is not in «coach».
func holds(text string, list []string) bool { return which(text, list) != "" }

// which is the first of the words that text holds.
func which(text string, list []string) string {
	if text == "" {
		return ""
	}
	text = strings.ToLower(text)
	for _, w := range list {
		if word(text, w) {
			return w
		}
	}
	return ""
}

func word(text, w string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], w)
		if i < 0 {
			return false
		}
		i += from
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+len(w):])
		if (i == 0 || !letter(before)) && (i+len(w) == len(text) || !letter(after)) {
			return true
		}
		from = i + 1
	}
}

func letter(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}

// shape says what is odd about a rule's name: no letters to read, one or two characters, or one letter repeated.
func shape(name string) string {
	readable, runes := 0, 0
	var first rune
	same := true
	for _, r := range name {
		if invisible(r) || unicode.IsSpace(r) || unicode.IsControl(r) {
			continue
		}
		runes++
		if first == 0 {
			first = r
		}
		same = same && r == first
		if letter(r) {
			readable++
		}
	}
	switch {
	case runes == 0:
		return "the name is blank"
	case readable == 0:
		return "the name is only punctuation"
	case runes <= 2 && readable <= 2 && !ideographic(name):
		return "the name is one or two characters"
	case same && runes > 2:
		return "the name is one letter repeated"
	}
	return ""
}

// ideographic scripts say a word in one or two characters.
func ideographic(s string) bool {
	for _, r := range s {
		if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) {
			return true
		}
	}
	return false
}

// flat is a name without what a reader does not see.
func flat(s string) string {
	var b strings.Builder
	space := false
	for _, r := range strings.ToLower(s) {
		switch {
		case invisible(r), unicode.IsControl(r):
		case unicode.IsSpace(r):
			space = b.Len() > 0
		default:
			if space {
				b.WriteByte(' ')
				space = false
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

// systemName tells a rule name that Exchange itself gives.
func systemName(name string) bool {
	f := flat(name)
	return slices.ContainsFunc(catalogue().SystemRules, func(s string) bool {
		return f == s || strings.HasPrefix(f, s+".") || s == "#net#" && strings.HasPrefix(f, s)
	})
}

// smtp takes the address out of the ways Microsoft writes a recipient: `"Name" [SMTP:a@b]`, `smtp:a@b`, `Name <a@b>`, `a@b`.
// What is no address (a display name, a legacy DN) yields nothing.
func smtp(s string) string {
	l := strings.ToLower(strings.TrimSpace(s))
	if i := strings.Index(l, "[smtp:"); i >= 0 {
		l = l[i+len("[smtp:"):]
		if j := strings.IndexByte(l, ']'); j >= 0 {
			l = l[:j]
		}
	} else if i := strings.LastIndexByte(l, '<'); i >= 0 && strings.Contains(l[i:], "@") {
		l = strings.TrimSuffix(l[i+1:], ">")
	}
	l = strings.TrimPrefix(l, "smtp:")
	l = strings.Trim(l, " \"'<>")
	if !strings.Contains(l, "@") || strings.ContainsAny(l, " \t[]") {
		return ""
	}
	return l
}

func domainOf(address string) string {
	if i := strings.LastIndexByte(address, '@'); i >= 0 {
		return strings.ToLower(strings.Trim(address[i+1:], " >\"'"))
	}
	return ""
}
