package config

import (
	"errors"
	"net"
	"net/url"
)

// Webhook is whom the end of a job is told to; an empty URL is nobody.
type Webhook struct {
	URL    string `yaml:"url"`
	Secret string `yaml:"secret"` // reference to what signs the body
}

func (w Webhook) check() error {
	if w.URL == "" {
		if w.Secret != "" {
			return errors.New("webhook.secret signs nothing without webhook.url")
		}
		return nil
	}
	u, err := url.Parse(w.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return errors.New("webhook.url must be an https address without user or fragment")
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || ip == nil || !ip.IsLoopback()) {
		return errors.New("webhook.url must be an https address; http is for this machine's own 127.0.0.1 only")
	}
	if !isReference(w.Secret) {
		return errors.New("webhook.secret must be a reference (keyring:SERVICE/NAME, file:PATH or env:NAME): the body is always signed")
	}
	return nil
}
