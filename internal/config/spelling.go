package config

import "strings"

// Nearest is the word of a list that somebody most likely meant: one that begins with what was typed,
// else the one with the fewest edits.
func Nearest(word string, words []string) string {
	best, least := "", 1<<30
	word = strings.ToLower(word)
	for _, w := range words {
		l := strings.ToLower(w)
		d := distance(word, l)
		if len(word) > 2 && strings.HasPrefix(l, word) && d > 1 {
			d = 1
		}
		if d < least {
			best, least = w, d
		}
	}
	return best
}

// Near is the nearest word where it is near enough to be meant, "" where it is not: a wrong hint is worse than none,
// and «disabled» is not «enabled».
func Near(word string, words []string) string {
	best := Nearest(word, words)
	w, b := strings.ToLower(word), strings.ToLower(best)
	if len(word) > 2 && (strings.HasPrefix(b, w) || strings.HasPrefix(w, b)) || 3*distance(w, b) <= max(len(w), len(b)) && strings.HasPrefix(b, w[:min(1, len(w))]) {
		return best
	}
	return ""
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		prev := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := prev
			if a[i-1] != b[j-1] {
				cost++
			}
			prev, row[j] = row[j], min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
