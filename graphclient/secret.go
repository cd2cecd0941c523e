package graphclient

import (
	"strings"
	"unicode"
)

// hiding is k with a secret in what is sent: a service's words that repeat it are not passed on.
func (k call) hiding(secret string) call { k.secret = secret; return k }

// echoed is how much of a secret in a row gives it away.
const echoed = 8

// hide takes a service's words out of e where they, as they came, repeat the secret or a good part of
// it. Cleaning and cutting them first would leave a rest in which nobody finds the secret again.
func (k call) hide(e *Error, b errorBody) {
	if k.secret == "" {
		return
	}
	words := append(b.words(), e.Code, e.Message, e.RequestID)
	if !repeats(strings.Join(words, "\n"), k.secret) {
		return
	}
	e.Message = k.service.name() + " refused it; its own words repeat what is secret and are not shown."
	if repeats(e.Code, k.secret) {
		e.Code = ""
	}
	if repeats(e.RequestID, k.secret) {
		e.RequestID = ""
	}
}

// words are all texts of an error as they came.
func (b errorBody) words() []string {
	out := []string{b.Code, b.Message}
	for _, d := range b.Details {
		out = append(out, d.words()...)
	}
	for i := b.InnerError; i != nil; i = i.InnerError {
		out = append(out, i.Code, i.Message)
		for x := i.InternalException; x != nil; x = x.InternalException {
			out = append(out, x.Code, x.Message)
		}
	}
	return out
}

// repeats says whether a text holds a part of a secret; escaping and case do not hide it.
func repeats(text, secret string) bool {
	return holdsPart(strings.ToLower(text), strings.ToLower(secret)) || holdsPart(letters(text), letters(secret))
}

func holdsPart(text, secret string) bool {
	if len(secret) < echoed {
		return secret != "" && len(secret) > echoed/2 && strings.Contains(text, secret)
	}
	for i := 0; i+echoed <= len(secret); i++ {
		if strings.Contains(text, secret[i:i+echoed]) {
			return true
		}
	}
	return false
}

// letters are a text's letters and digits alone.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}
