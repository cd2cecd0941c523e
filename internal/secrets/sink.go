package secrets

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"

	"filippo.io/age"

	"cipp-mcp/internal/config"
)

// Sink is where generated secrets go, so that a person gets them and no model does.
type Sink interface {
	// Ready says why nothing could be taken now.
	Ready() error
	// Seal returns only when the secret is kept so that a crash does not lose it: the caller puts it in
	// force afterwards, and nobody else knows it.
	Seal(ctx context.Context, kind, whom, secret string) (Info, error)
	// Discard forgets a secret that turned out not to be in force.
	Discard(ctx context.Context, handle string)
	// Offers are the pages to which a person can be sent at once to see these secrets.
	Offers(handles []string) []Offer
	// Close ends what the sink serves.
	Close()
}

// Offer is a page that shows secrets to a person, once. Its address is as good as the secrets until
// then: it goes to the person alone, never into a result, a log or the journal.
type Offer struct {
	ID      string // names the offer towards the client, and says nothing
	URL     string
	Message string
	Handles []string
	// Seen is closed when the secrets were shown; nil where nobody here can tell.
	Seen <-chan struct{}
}

// SinkError says why a secret could not be handed over; nothing was begun. Its text is fit for results.
type SinkError struct{ Message string }

func (e *SinkError) Error() string { return e.Message }

// SinkAge is Info.Sink for what only the owners of passwords.ageRecipients open.
const SinkAge = config.SinkAge

// SinkOptions are what a sink needs beside its configuration.
type SinkOptions struct {
	// PusherURL and PusherToken are used where the configuration names no other.
	PusherURL, PusherToken string
	// RootCAs are trusted for Password Pusher; nil means the system's.
	RootCAs *x509.CertPool
	// Redactor is told of addresses that are as good as a secret.
	Redactor *Redactor
}

// NewSink is the sink that the operator configured.
func NewSink(s *Store, c config.Passwords, o SinkOptions) (Sink, error) {
	switch c.Sink {
	case config.SinkLink:
		return newLink(s, o.Redactor), nil
	case config.SinkAge:
		to, err := age.ParseRecipients(strings.NewReader(strings.Join(c.AgeRecipients, "\n")))
		if err != nil {
			return nil, fmt.Errorf("passwords.ageRecipients: %w", err)
		}
		return &ageFile{Terminal{s}, to}, nil
	case config.SinkPasswordPusher:
		return newPusher(s, c.PasswordPusher, o)
	default:
		return &Terminal{s}, nil
	}
}

// Terminal seals secrets for the operator, who reveals them at the terminal.
type Terminal struct{ Store *Store }

// Ready says whether there is an operator's key.
func (t *Terminal) Ready() error { return t.Store.Ready() }

// Seal keeps the secret for the operator.
func (t *Terminal) Seal(_ context.Context, kind, whom, secret string) (Info, error) {
	return t.Store.Seal(kind, whom, secret)
}

// Discard removes what was kept.
func (t *Terminal) Discard(_ context.Context, handle string) { t.Store.Discard(handle) }

// Offers has none: the person goes to the terminal.
func (t *Terminal) Offers([]string) []Offer { return nil }

// Close has nothing to end.
func (t *Terminal) Close() {}

// ageFile encrypts secrets to public keys whose private halves are elsewhere. It needs no operator's
// passphrase, and nobody opens it here.
type ageFile struct {
	Terminal
	to []age.Recipient
}

func (a *ageFile) Ready() error { return nil }

func (a *ageFile) Seal(_ context.Context, kind, whom, secret string) (Info, error) {
	return a.Store.keepSealed(Info{Kind: kind, For: whom, Sink: SinkAge}, func(Info) ([]byte, error) { return []byte(secret + "\n"), nil }, a.to...)
}
