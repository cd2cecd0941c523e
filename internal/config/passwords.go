package config

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
)

// The values of `passwords.sink`.
const (
	SinkTerminal       = "terminal"
	SinkLink           = "link"
	SinkAge            = "age"
	SinkPasswordPusher = "passwordPusher"
)

// Passwords says whether a caller may choose a password himself, and where generated ones go.
type Passwords struct {
	FromCaller     string         `yaml:"fromCaller"` // accept | refuse
	Sink           string         `yaml:"sink"`       // terminal | link | age | passwordPusher
	AgeRecipients  []string       `yaml:"ageRecipients"`
	PasswordPusher PasswordPusher `yaml:"passwordPusher"`
	Length         int            `yaml:"length"`  // of generated ones; 0 is 18
	Symbols        string         `yaml:"symbols"` // that may stand in them; "" are all of ours
}

// PasswordPusher is an instance of Password Pusher, or of anything that answers its JSON API.
type PasswordPusher struct {
	URL              string `yaml:"url"`
	Token            string `yaml:"token"` // a reference; empty for an instance that takes anonymous pushes
	ExpireAfterDays  int    `yaml:"expireAfterDays"`
	ExpireAfterViews int    `yaml:"expireAfterViews"`
}

// check explains the first setting of a sink that makes no sense, or that nothing would obey.
func (p Passwords) check(sandboxed bool) error {
	if len(p.AgeRecipients) > 0 && p.Sink != SinkAge {
		return fmt.Errorf("passwords.ageRecipients is set, but passwords.sink is %s, so nothing would be encrypted to them", p.Sink)
	}
	if (p.PasswordPusher.URL != "" || p.PasswordPusher.Token != "") && p.Sink != SinkPasswordPusher {
		return fmt.Errorf("passwords.passwordPusher is set, but passwords.sink is %s, so nothing would be pushed there", p.Sink)
	}
	if p.Length != 0 && (p.Length < 12 || p.Length > 64) {
		return fmt.Errorf("passwords.length is %d; it must be 12 to 64", p.Length)
	}
	for _, r := range p.Symbols {
		if !strings.ContainsRune("@#$%^&*-_!+=[]{}|\\:',.?/`~\"();<>", r) { // what Entra ID takes, without the space
			return fmt.Errorf("passwords.symbols holds %q, which Entra ID does not take as a symbol", r)
		}
	}
	switch p.Sink {
	case SinkAge:
		return p.checkRecipients()
	case SinkPasswordPusher:
		return p.PasswordPusher.check(sandboxed)
	}
	return nil
}

func (p Passwords) checkRecipients() error {
	if len(p.AgeRecipients) == 0 {
		return errors.New("passwords.sink is age, so passwords.ageRecipients must name at least one public key (age1…)")
	}
	for i, r := range p.AgeRecipients {
		if strings.HasPrefix(strings.ToUpper(r), "AGE-SECRET-KEY-") {
			return fmt.Errorf("passwords.ageRecipients[%d] is a private key; give its public half (age1…), and take this one for known", i)
		}
		if !strings.HasPrefix(r, "age1") {
			return fmt.Errorf("passwords.ageRecipients[%d] is no public key of age; one begins with age1", i)
		}
		if _, err := age.ParseRecipients(strings.NewReader(r)); err != nil {
			return fmt.Errorf("passwords.ageRecipients[%d] is no public key of age: it is mistyped or cut off", i)
		}
	}
	to, err := age.ParseRecipients(strings.NewReader(strings.Join(p.AgeRecipients, "\n")))
	if err == nil {
		_, err = age.Encrypt(io.Discard, to...) // some kinds of key do not go together
	}
	if err != nil {
		return fmt.Errorf("passwords.ageRecipients cannot be used together: %w", err)
	}
	return nil
}

func (p PasswordPusher) check(sandboxed bool) error {
	switch {
	case p.URL == "" && !sandboxed:
		return errors.New("passwords.sink is passwordPusher, so passwords.passwordPusher.url must say where it is")
	case p.URL != "" && !private(p.URL):
		return errors.New("passwords.passwordPusher.url must be an https address; passwords would travel in the clear")
	case p.URL != "" && strings.ContainsAny(p.URL, "?#@"):
		return errors.New("passwords.passwordPusher.url must be the plain address of the service, without user, query or fragment")
	case p.Token != "" && !isReference(p.Token):
		return errors.New("passwords.passwordPusher.token must be a reference (keyring:SERVICE/NAME, file:PATH or env:NAME), never the secret itself")
	case p.ExpireAfterDays < 1 || p.ExpireAfterDays > 90:
		return fmt.Errorf("passwords.passwordPusher.expireAfterDays is %d; it must be between 1 and 90", p.ExpireAfterDays)
	case p.ExpireAfterViews < 1 || p.ExpireAfterViews > 100:
		return fmt.Errorf("passwords.passwordPusher.expireAfterViews is %d; it must be between 1 and 100", p.ExpireAfterViews)
	}
	return nil
}

// checkSealKey says what is wrong with the reference to the sealing key.
func checkSealKey(ref string) error {
	kind, rest, _ := strings.Cut(ref, ":")
	service, name, two := strings.Cut(rest, "/")
	switch {
	case ref == "", kind == "file" && rest != "", kind == "keyring" && two && service != "" && name != "":
		return nil
	}
	return errors.New("sealKey must be keyring:SERVICE/NAME or file:PATH, never the key itself; leave it out for a key of this server's own")
}

// Sandboxed says whether the cloud is one that a sandbox simulates, which brings its own Password Pusher.
func (c Config) Sandboxed() bool { return c.Cloud == "sandbox" || strings.HasSuffix(c.Cloud, ".json") }
