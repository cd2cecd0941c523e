package config

import (
	"errors"
	"fmt"
	"path/filepath"
)

// The values of `licenses.provider`.
const (
	ProviderNone    = "none"
	ProviderWebhook = "webhook"
)

// Licenses says whom to ask for a licence of which no seat is free. This program buys nothing.
type Licenses struct {
	Provider       string `yaml:"provider"`       // none | webhook
	MaxSeatsPerDay int    `yaml:"maxSeatsPerDay"` // how many seats may be asked for within 24 hours
}

// MFAPush says whether test pushes of the authenticator may be sent, and how many to one user within an hour.
type MFAPush struct {
	Enabled    bool `yaml:"enabled"`
	MaxPerHour int  `yaml:"maxPerHour"`
}

// Photos says from which folder pictures may be taken; empty: from none, they come with the call.
type Photos struct {
	Folder string `yaml:"folder"`
}

// Bulk says from which folder tables of rows may be read; empty: from none, they come with the call.
type Bulk struct {
	Folder string `yaml:"folder"`
}

func (c Config) checkLifecycle() error {
	switch {
	case c.Licenses.Provider != ProviderNone && c.Licenses.Provider != ProviderWebhook:
		return fmt.Errorf("licenses.provider is %q; it must be one of none, webhook", c.Licenses.Provider)
	case c.Licenses.Provider == ProviderWebhook && c.Webhook.URL == "":
		return errors.New("licenses.provider: webhook needs webhook.url, which the requests go to")
	case c.Licenses.MaxSeatsPerDay < 0:
		return errors.New("licenses.maxSeatsPerDay must not be negative")
	case c.MFAPush.MaxPerHour < 1:
		return errors.New("mfaPush.maxPerHour must be at least 1; to send none leave mfaPush.enabled out")
	case c.Photos.Folder != "" && !filepath.IsAbs(c.Photos.Folder):
		return errors.New("photos.folder must be an absolute path")
	case c.Bulk.Folder != "" && !filepath.IsAbs(c.Bulk.Folder):
		return errors.New("bulk.folder must be an absolute path")
	}
	return nil
}
