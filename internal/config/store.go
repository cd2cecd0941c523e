package config

import (
	"errors"
	"net/url"
	"strings"
)

// SQLite is the store of a team that runs no database: a file in the state directory.
const SQLite = "sqlite"

// checkStore explains a store that makes no sense. A password has no place in this file.
func (c Config) checkStore() error {
	switch {
	case c.Store == SQLite || isReference(c.Store):
		return nil
	case !strings.HasPrefix(c.Store, "postgres://") && !strings.HasPrefix(c.Store, "postgresql://"):
		return errors.New("store must be sqlite, a postgres:// address, or a reference to one (keyring:SERVICE/NAME, file:PATH or env:NAME)")
	}
	u, err := url.Parse(c.Store)
	if err != nil {
		return errors.New("store is no address that can be read") // its text may hold a password
	}
	_, inUser := u.User.Password()
	if inUser || u.Query().Has("password") {
		return errors.New("store holds a password: write the whole address where a reference (keyring:, file: or env:) points, or use PGPASSFILE")
	}
	return nil
}

// StoreURL is the address of the PostgreSQL that holds the jobs.
func (c Config) StoreURL() (string, error) {
	if isReference(c.Store) {
		return Resolve(c.Store)
	}
	return c.Store, nil
}
