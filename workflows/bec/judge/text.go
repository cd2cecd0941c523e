package judge

import (
	"strings"
	"unicode"

	"cipp-mcp/internal/jobs"
)

// Everything in the evidence is hostile text: the attacker chooses names of rules, applications and devices. What is
// quoted loses its invisible characters, is bounded, and stands between fences it cannot close.

const (
	longest      = 80  // runes of a tenant's text inside a sentence
	longestField = 200 // runes of a field of evidence
)

// clean makes one bounded line of s.
func clean(s string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		switch {
		case r == '\n', r == '\r', r == '\t', r == '\u2028', r == '\u2029', r == '\v', r == '\f':
			r = ' '
		case r == unicode.ReplacementChar, invisible(r), unicode.IsControl(r):
			continue
		}
		if n++; n > most {
			b.WriteRune('…')
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// invisible characters carry what no person sees: controls of direction, zero-width marks, tags, variation selectors.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs) || r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0000 && r <= 0xE0FFF ||
		r == 0x115F || r == 0x1160 || r == 0x3164 || r == 0xFFA0
}

// fence quotes a tenant's own words inside a sentence.
func fence(s string) string {
	s = clean(s, longest)
	if strings.TrimSpace(s) == "" {
		s = "(blank)"
	}
	return jobs.Fence(s)
}

// fences quotes a few of several.
func fences(list []string) string {
	const most = 3
	var b strings.Builder
	for i, s := range list {
		if i == most {
			b.WriteString(" and " + itoa(len(list)-most) + " more")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(fence(s))
	}
	return b.String()
}

// masked shows no more of an address or number than a person needs to recognise it.
func maskPhone(s string) string {
	digits := 0
	for _, r := range s {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	var b strings.Builder
	seen := 0
	for _, r := range s {
		if unicode.IsDigit(r) {
			if seen++; seen <= digits-2 {
				r = '•'
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

// strange tells a name that is made to deceive a reader: invisible characters, or a sentence that speaks to a machine.
func strange(name string) bool {
	for _, r := range name {
		if invisible(r) && r != '\u200d' && r != '\u200c' || unicode.IsControl(r) {
			return true
		}
	}
	return false
}
