package secrets

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// Redactor replaces every secret it was told of, in the forms in which text carries them. It is the
// last line before a result, an error or a log leaves; nothing relies on it alone.
type Redactor struct {
	mu    sync.RWMutex
	forms map[string]struct{}
}

// Mask stands where a secret stood.
const Mask = "[redacted]"

// Add makes a secret known; short ones are left out, since they would blot out ordinary words.
func (r *Redactor) Add(secret string) {
	if len(secret) < 8 {
		return
	}
	quoted, _ := json.Marshal(secret)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.forms == nil {
		r.forms = map[string]struct{}{}
	}
	for _, f := range []string{
		secret, inside(string(quoted)), inside(plainJSON(secret)), inside(strconv.Quote(secret)), inside(strconv.QuoteToASCII(secret)),
		url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret),
		base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
	} {
		r.forms[f] = struct{}{}
	}
}

// inside is a quoted text without its quotation marks, and with those of its own.
func inside(quoted string) string { return quoted[1 : len(quoted)-1] }

// plainJSON leaves & < > as they are, which is how logs and other programs write JSON.
func plainJSON(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

// Clean replaces every known secret in s.
func (r *Redactor) Clean(s string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for f := range r.forms {
		if strings.Contains(s, f) {
			s = strings.ReplaceAll(s, f, Mask)
		}
	}
	return s
}
