package tools

import "cipp-mcp/internal/secrets"

// Offer is a page to which the person at the client can be sent to see secrets, once.
type Offer = secrets.Offer

// Telling is a result that tells where secrets wait.
type Telling interface {
	Text() string
	secretRefs() []SecretRef
}

func (r *WriteResult) secretRefs() []SecretRef { return r.Secrets }
func (o *GetJobOut) secretRefs() []SecretRef   { return o.Secrets }

// Offers are the pages for the secrets of a result.
func (e *Env) Offers(r Telling) []Offer {
	var handles []string
	for _, s := range r.secretRefs() {
		if !s.Gone {
			handles = append(handles, s.Handle)
		}
	}
	if len(handles) == 0 {
		return nil
	}
	return e.Sink.Offers(handles)
}

// Offered notes in a result what became of an offer: it was seen, or it was put to the person and what
// it shows still waits.
func Offered(r Telling, o Offer, opened bool) {
	seen := false
	select {
	case <-o.Seen:
		seen = true
	default: // also where nobody can tell
	}
	refs := r.secretRefs()
	for i := range refs {
		s := &refs[i]
		for _, h := range o.Handles {
			switch {
			case h != s.Handle:
			case seen:
				s.Shown, s.Reveal = true, ""
			case opened:
				s.Note = joined(s.Note, "the person was given a page that shows it once; what was not seen there waits under the handle")
			}
		}
	}
}

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// text says in a line where a secret is.
func (s SecretRef) text() string {
	note := ifText(s.Note, "; ")
	switch {
	case s.Shown:
		return "secret for " + s.For + ": the person at the client has seen it" + note
	case s.Gone:
		return "secret for " + s.For + ": a person has seen it already, or it has expired" + note
	default:
		return "secret for " + s.For + ": handle " + s.Handle + "; a person reveals it with: " + s.Reveal + note
	}
}
