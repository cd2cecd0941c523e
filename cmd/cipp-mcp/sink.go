package main

import (
	"crypto/x509"

	"cipp-mcp/internal/secrets"
)

// generate makes passwords; a test puts one in its place that makes awkward ones.
var generate func() (string, error)

// cloudPusher is the Password Pusher that a simulated cloud brings.
type cloudPusher struct {
	url, token string
	ca         []byte
}

// sink is where the operator wants generated passwords to go.
func (a *app) sink(store *secrets.Store, redactor *secrets.Redactor) (secrets.Sink, error) {
	o := secrets.SinkOptions{PusherURL: a.pusher.url, PusherToken: a.pusher.token, Redactor: redactor}
	if len(a.pusher.ca) > 0 {
		o.RootCAs = systemAnd(a.pusher.ca)
	}
	return secrets.NewSink(store, a.cfg.Passwords, o)
}

// systemAnd is what the system trusts, and one authority more: what the operator configured may be anywhere.
func systemAnd(pem []byte) *x509.CertPool {
	p, err := x509.SystemCertPool()
	if err != nil {
		p = x509.NewCertPool()
	}
	p.AppendCertsFromPEM(pem)
	return p
}
