// Package config is the one typed configuration: a versioned YAML file, then the environment
// (CIPP_…), then flags; the later wins. Secrets are references, never values in the file.
package config

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// The values of `access`.
const (
	ReadOnly = "read-only"
	Write    = "write"
)

// ModeUser is the `auth.mode` in which a person signs in, and the two ways `auth.signIn` has for it.
const (
	ModeUser         = "user"
	SignInDeviceCode = "deviceCode"
	SignInAzureCLI   = "azureCli"
)

// Config is the whole configuration. Zero values mean the defaults that Defaults fills in.
type Config struct {
	Version    int                    `yaml:"version"`
	Cloud      string                 `yaml:"cloud"` // public | usgov | dod | china | sandbox | path of a client.json
	Auth       Auth                   `yaml:"auth"`
	Access     string                 `yaml:"access"` // read-only | write
	Tenants    Tenants                `yaml:"tenants"`
	Tools      Tools                  `yaml:"tools"`
	Approval   Approval               `yaml:"approval"`
	Guards     Guards                 `yaml:"guards"`
	Passwords  Passwords              `yaml:"passwords"`
	Offboard   map[string]Offboarding `yaml:"offboarding"` // "default" or a tenant's domain
	Customers  map[string]Customer    `yaml:"customers"`   // "default" or a tenant's domain or id
	Profiles   map[string]Profile     `yaml:"profiles"`
	BEC        Investigation          `yaml:"bec"`
	StateDir   string                 `yaml:"stateDir"`
	Store      string                 `yaml:"store"` // sqlite, or where a PostgreSQL is
	Webhook    Webhook                `yaml:"webhook"`
	Licenses   Licenses               `yaml:"licenses"`
	MFAPush    MFAPush                `yaml:"mfaPush"`
	Photos     Photos                 `yaml:"photos"`
	Bulk       Bulk                   `yaml:"bulk"`
	SealKey    string                 `yaml:"sealKey"` // keyring:SERVICE/NAME | file:PATH; empty: a key of this server's own
	Log        Log                    `yaml:"log"`
	UsageHints UsageLocations         `yaml:"usageLocation"` // "default" or a tenant's domain → ISO 3166 code
	// ServiceAccounts are sign-in names, what stands before the @ of them, or ids; * and ? stand for anything.
	ServiceAccounts []string `yaml:"serviceAccounts"`
	// TagsFrom is the extension attribute that holds the tenants' own words on users, parted by commas.
	TagsFrom string `yaml:"tagsFrom"`
}

// UsageLocations are default usage locations by tenant domain.
type UsageLocations map[string]string

// Auth says how the server signs in. The three secrets are references: keyring:SERVICE/NAME,
// file:PATH or env:NAME.
type Auth struct {
	Mode         string `yaml:"mode"`   // partner | app | user
	SignIn       string `yaml:"signIn"` // mode user: deviceCode | azureCli
	TenantID     string `yaml:"tenantId"`
	ClientID     string `yaml:"clientId"`
	ClientSecret string `yaml:"clientSecret"`
	Certificate  string `yaml:"certificate"`
	RefreshToken string `yaml:"refreshToken"`
}

// Tenants narrows the customers this server may touch: domains or tenant ids. Deny wins.
type Tenants struct {
	Allow []string `yaml:"allow"`
	Deny  []string `yaml:"deny"`
}

// Tools chooses what the agent sees: the preset with Add and without Remove, or only Only where it is given.
type Tools struct {
	Preset    string   `yaml:"preset"` // default | triage | helpdesk | offboarding | bec | all
	Toolsets  []string `yaml:"toolsets"`
	Add       []string `yaml:"add"`
	Only      []string `yaml:"only"`
	Remove    []string `yaml:"remove"`
	Discovery bool     `yaml:"discovery"`
}

// Approval is how each class of write is approved: client (the person at the client is asked), plan
// (the plan's token comes back in a second call), operator (a person outside the model) or none.
type Approval struct {
	Write       string `yaml:"write"`
	Destructive string `yaml:"destructive"`
	Critical    string `yaml:"critical"` // operator, and nothing else
	// TwoPerson names tools or classes that somebody else than the requester has to approve.
	TwoPerson []string `yaml:"twoPerson"`
	// Approvers are the people who may approve with a key of their own: name → public key.
	Approvers map[string]string `yaml:"approvers"`
}

// Guards are what no plan may pass.
type Guards struct {
	BreakGlass         []string `yaml:"breakGlass"`         // user principal names or ids that no write may touch
	ExternalForwarding string   `yaml:"externalForwarding"` // deny | allow
	Purge              string   `yaml:"purge"`              // deny | allow: deleting users for good
	// What is more than these within an hour is critical; 0 is no limit.
	MaxWritesPerHour int `yaml:"maxWritesPerHour"` // writes of all kinds
	MassAction       int `yaml:"massAction"`       // different users of one tenant
	BulkTenants      int `yaml:"bulkTenants"`      // different tenants
	// What is more than this in one run is critical; 0 is no limit.
	MaxPeoplePerRun int `yaml:"maxPeoplePerRun"` // people whose access or duties one plan changes
}

// Offboarding holds a tenant's defaults for cipp_offboard_user; nil means not set here.
type Offboarding struct {
	ConvertToShared     *bool `yaml:"convertToShared"`
	RemoveLicenses      *bool `yaml:"removeLicenses"`
	RemoveFromGroups    *bool `yaml:"removeFromGroups"`
	HideFromGal         *bool `yaml:"hideFromGal"`
	ResetPassword       *bool `yaml:"resetPassword"`
	RemoveRules         *bool `yaml:"removeRules"`
	RemoveMobileDevices *bool `yaml:"removeMobileDevices"`
	CancelMeetings      *bool `yaml:"cancelMeetings"`
	RemoveOwnAccess     *bool `yaml:"removeOwnAccess"`
	RemoveMFAMethods    *bool `yaml:"removeMfaMethods"`
	RemoveRoles         *bool `yaml:"removeRoles"`
	RemoveAppAccess     *bool `yaml:"removeAppAccess"`
	ClearManager        *bool `yaml:"clearManager"`
	DisableDevices      *bool `yaml:"disableDevices"`
	LitigationHold      *bool `yaml:"litigationHold"`
	NoDriveSharing      *bool `yaml:"disableOneDriveSharing"`
	UnassignNumbers     *bool `yaml:"unassignPhoneNumbers"`
	ClearImmutableID    *bool `yaml:"clearImmutableId"`
}

// Options are the defaults by the option's name.
func (o Offboarding) Options() map[string]*bool {
	return map[string]*bool{"convertToShared": o.ConvertToShared, "removeLicenses": o.RemoveLicenses, "removeFromGroups": o.RemoveFromGroups, "hideFromGal": o.HideFromGal, "resetPassword": o.ResetPassword, "removeRules": o.RemoveRules, "removeMobileDevices": o.RemoveMobileDevices, "cancelMeetings": o.CancelMeetings, "removeOwnAccess": o.RemoveOwnAccess, "removeMfaMethods": o.RemoveMFAMethods, "removeRoles": o.RemoveRoles, "removeAppAccess": o.RemoveAppAccess, "clearManager": o.ClearManager, "disableDevices": o.DisableDevices, "litigationHold": o.LitigationHold, "disableOneDriveSharing": o.NoDriveSharing, "unassignPhoneNumbers": o.UnassignNumbers, "clearImmutableId": o.ClearImmutableID}
}

// Log sets the level of what goes to standard error: debug, info, warn or error.
type Log struct {
	Level string `yaml:"level"`
}

// Defaults is the configuration of somebody who configured nothing: the embedded sandbox.
func Defaults() Config {
	return Config{
		Version:   1,
		Cloud:     "public",
		Auth:      Auth{Mode: "app", SignIn: SignInDeviceCode},
		Access:    ReadOnly,
		Store:     SQLite,
		Tools:     Tools{Preset: "default"},
		Approval:  Approval{Write: "client", Destructive: "client", Critical: "operator"},
		Guards:    Guards{ExternalForwarding: "deny", Purge: "deny", MaxWritesPerHour: 200, MassAction: 25, BulkTenants: 10, MaxPeoplePerRun: 10},
		Passwords: Passwords{FromCaller: "accept", Sink: SinkTerminal, PasswordPusher: PasswordPusher{ExpireAfterDays: 3, ExpireAfterViews: 1}},
		Licenses:  Licenses{Provider: ProviderNone, MaxSeatsPerDay: 5},
		MFAPush:   MFAPush{MaxPerHour: 3},
		Log:       Log{Level: "info"},
	}
}

// Path is where the configuration file is looked for when neither --config nor CIPP_CONFIG names it.
func Path() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no configuration directory on this machine, so name the file with --config: %w", err)
	}
	return filepath.Join(dir, "cipp-mcp", "cipp-mcp.yaml"), nil
}

// Load reads the file at path (or the default place, where a missing file means the defaults), lays
// the environment over it and checks the result.
func Load(path string, env func(string) (string, bool)) (Config, error) {
	c := Defaults()
	named := path != ""
	if !named {
		if p, ok := env("CIPP_CONFIG"); ok && p != "" {
			path, named = p, true
		} else if p, err := Path(); err == nil {
			path = p
		}
	}
	data, err := os.ReadFile(path) //nolint:gosec // the operator names his own file
	switch {
	case err == nil:
		if err := Parse(data, &c); err != nil {
			return c, fmt.Errorf("%s: %w", path, err)
		}
	case named || !os.IsNotExist(err):
		return c, fmt.Errorf("read the configuration: %w", err)
	}
	c.environment(env)
	return c, c.Check()
}

// Parse reads YAML strictly into c: an unknown key is an error that names its line and the nearest
// key that exists.
func Parse(data []byte, c *Config) error {
	if len(strings.TrimSpace(string(data))) == 0 {
		return nil
	}
	if err := yaml.UnmarshalWithOptions(data, c, yaml.Strict()); err != nil {
		return explain(err)
	}
	if c.Version != 1 {
		return fmt.Errorf("version is %d; this program reads version 1", c.Version)
	}
	return nil
}

// environment lays CIPP_… variables over the file.
func (c *Config) environment(env func(string) (string, bool)) {
	for name, to := range map[string]*string{
		"CIPP_CLOUD": &c.Cloud, "CIPP_ACCESS": &c.Access, "CIPP_STATE_DIR": &c.StateDir, "CIPP_STORE": &c.Store, "CIPP_LOG_LEVEL": &c.Log.Level,
		"CIPP_AUTH_MODE": &c.Auth.Mode, "CIPP_AUTH_SIGN_IN": &c.Auth.SignIn, "CIPP_AUTH_TENANT_ID": &c.Auth.TenantID, "CIPP_AUTH_CLIENT_ID": &c.Auth.ClientID,
		"CIPP_AUTH_CLIENT_SECRET": &c.Auth.ClientSecret, "CIPP_AUTH_CERTIFICATE": &c.Auth.Certificate, "CIPP_AUTH_REFRESH_TOKEN": &c.Auth.RefreshToken,
		"CIPP_APPROVAL_WRITE": &c.Approval.Write, "CIPP_APPROVAL_DESTRUCTIVE": &c.Approval.Destructive,
		"CIPP_PASSWORDS_FROM_CALLER": &c.Passwords.FromCaller, "CIPP_PASSWORDS_SINK": &c.Passwords.Sink, "CIPP_SEAL_KEY": &c.SealKey, "CIPP_GUARDS_EXTERNAL_FORWARDING": &c.Guards.ExternalForwarding,
	} {
		if v, ok := env(name); ok && v != "" {
			*to = v
		}
	}
	if v, ok := env("CIPP_TENANTS_ALLOW"); ok && v != "" {
		c.Tenants.Allow = strings.Split(v, ",")
	}
}

// Check explains the first value that makes no sense.
func (c Config) Check() error {
	if err := checkProfiles(c.Profiles); err != nil {
		return err
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(c.TagsFrom, "extensionAttribute")); c.TagsFrom != "" && (err != nil || n < 1 || n > 15) {
		return fmt.Errorf("tagsFrom is %q; it must be one of extensionAttribute1 to extensionAttribute15", c.TagsFrom)
	}
	for _, p := range c.ServiceAccounts {
		if _, err := path.Match(p, ""); err != nil || strings.Trim(p, "*?@. ") == "" {
			return fmt.Errorf("serviceAccounts has %q; a pattern is a name such as svc-* and must not fit everybody", p)
		}
	}
	for _, f := range []struct {
		key, value string
		allowed    []string
	}{
		{"access", c.Access, []string{ReadOnly, Write}},
		{"tools.preset", c.Tools.Preset, []string{"default", "triage", "helpdesk", "offboarding", "bec", "all"}},
		{"auth.mode", c.Auth.Mode, []string{"app", "partner", ModeUser}},
		{"auth.signIn", c.Auth.SignIn, []string{SignInDeviceCode, SignInAzureCLI}},
		{"approval.write", c.Approval.Write, []string{"client", "plan", "operator", "none"}},
		{"approval.destructive", c.Approval.Destructive, []string{"client", "plan", "operator"}},
		{"approval.critical", c.Approval.Critical, []string{"operator"}},
		{"guards.externalForwarding", c.Guards.ExternalForwarding, []string{"deny", "allow"}},
		{"guards.purge", c.Guards.Purge, []string{"deny", "allow"}},
		{"passwords.fromCaller", c.Passwords.FromCaller, []string{"accept", "refuse"}},
		{"passwords.sink", c.Passwords.Sink, []string{SinkTerminal, SinkLink, SinkAge, SinkPasswordPusher}},
		{"log.level", c.Log.Level, []string{"debug", "info", "warn", "error"}},
	} {
		if !contains(f.allowed, f.value) {
			return fmt.Errorf("%s is %q; it must be one of %s", f.key, f.value, strings.Join(f.allowed, ", "))
		}
	}
	if err := errors.Join(c.checkStore(), c.Webhook.check(), c.checkLifecycle()); err != nil {
		return err
	}
	for _, s := range []struct{ key, ref string }{
		{"auth.clientSecret", c.Auth.ClientSecret}, {"auth.certificate", c.Auth.Certificate}, {"auth.refreshToken", c.Auth.RefreshToken},
	} {
		if s.ref != "" && !isReference(s.ref) {
			return fmt.Errorf("%s must be a reference (keyring:SERVICE/NAME, file:PATH or env:NAME), never the secret itself", s.key)
		}
	}
	if err := c.Passwords.check(c.Sandboxed()); err != nil {
		return err
	}
	return checkSealKey(c.SealKey)
}

func contains(list []string, v string) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}
