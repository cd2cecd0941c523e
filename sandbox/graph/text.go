package graph

import (
	"slices"

	"cipp-mcp/sandbox/cloud"
)

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func letters(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

func sorted(o cloud.Object) []string {
	keys := make([]string, 0, len(o))
	for k := range o {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// strong says whether a password has the length and, unless the policy is off, three of the four kinds of
// characters that Entra asks for.
// https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy
func strong(s string, weakAllowed bool) bool {
	if n := len([]rune(s)); n < 8 || n > 256 {
		return false
	}
	var lower, upper, digit, other int
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z':
			lower = 1
		case r >= 'A' && r <= 'Z':
			upper = 1
		case r >= '0' && r <= '9':
			digit = 1
		default:
			other = 1
		}
	}
	return weakAllowed || lower+upper+digit+other >= 3
}
