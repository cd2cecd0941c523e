package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// synchronised are folder names of services that copy a directory elsewhere: the state holds sealed
// secrets and the journal, and two machines writing one copy would break both.
var synchronised = []string{"onedrive", "dropbox", "google drive", "googledrive", "icloud", "com~apple~clouddocs", "nextcloud"}

// StatePath is the directory for this environment's state: the configured one, else one beside the
// configuration file, named after the cloud so that a sandbox never shares with the real thing.
func (c Config) StatePath() (string, error) {
	dir := c.StateDir
	if dir != "" && (c.Cloud == "sandbox" || strings.HasSuffix(c.Cloud, ".json")) {
		dir = filepath.Join(dir, c.environmentName()) // a sandbox never shares with the real thing
	}
	if dir == "" {
		base, err := os.UserConfigDir()
		if err != nil {
			return "", fmt.Errorf("no place for the state on this machine; set stateDir: %w", err)
		}
		dir = filepath.Join(base, "cipp-mcp", "state", c.environmentName())
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("stateDir: %w", err)
	}
	for _, part := range strings.Split(strings.ToLower(dir), string(filepath.Separator)) {
		for _, s := range synchronised {
			if part == s || strings.HasPrefix(part, s+" - ") {
				return "", fmt.Errorf("stateDir %s lies in a synchronised folder (%s); choose a local one", dir, part)
			}
		}
	}
	return dir, nil
}

func (c Config) environmentName() string {
	name := c.Cloud
	if strings.HasSuffix(name, ".json") {
		abs, err := filepath.Abs(name)
		if err != nil {
			abs = name
		}
		sum := sha256.Sum256([]byte(abs))
		return "client-" + hex.EncodeToString(sum[:4])
	}
	if c.Auth.TenantID != "" {
		name += "-" + c.Auth.TenantID
	}
	return name
}

// OpenStateDir makes the directory, mode 0700, and refuses one that others may read.
func OpenStateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the state directory: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at the state directory: %w", err)
	}
	if permissionsMatter && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("the state directory %s may be read by others (mode %o); run: chmod 700 %s", dir, info.Mode().Perm(), dir)
	}
	return nil
}
