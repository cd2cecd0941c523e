package secrets

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
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
		secret, strings.Trim(string(quoted), `"`), url.QueryEscape(secret), url.PathEscape(secret),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
	} {
		r.forms[f] = struct{}{}
	}
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
