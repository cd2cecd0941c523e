package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"filippo.io/age"
	"pgregory.net/rapid"
)

func noEnv(string) (string, bool) { return "", false }

func write(t *testing.T, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "cipp-mcp.yaml")
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheExampleIsValid(t *testing.T) {
	c, err := Load(write(t, Example), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if c.Access != ReadOnly || c.Guards.ExternalForwarding != "deny" {
		t.Errorf("the example is not the safe default: %+v", c)
	}
}

func TestMistakesAreExplained(t *testing.T) {
	for text, want := range map[string][]string{
		"version: 1\nacces: write\n":                                                    {"line 2", `"acces"`, `"access"`},
		"version: 2\n":                                                                  {"version is 2"},
		"version: 1\naccess: sometimes\n":                                               {`access is "sometimes"`, "read-only, write"},
		"version: 1\nauth:\n  clientSecret: s3cr3t-value\n":                             {"auth.clientSecret must be a reference"},
		"version: 1\nauth:\n  tennantId: x\n":                                           {"line 3", `"tenantId"`},
		"version: 1\napproval: {destructive: none}\n":                                   {"approval.destructive", "client, plan, operator"},
		"version: 1\npasswords: {sink: email}\n":                                        {`passwords.sink is "email"`, "terminal, link, age, passwordPusher"},
		"version: 1\npasswords: {sinks: age}\n":                                         {"line 2", `"sinks"`, `"sink"`},
		"version: 1\npasswords: {sink: age}\n":                                          {"passwords.ageRecipients must name"},
		"version: 1\npasswords: {sink: age, ageRecipients: [age1abc]}\n":                {"ageRecipients[0]", "mistyped or cut off"},
		"version: 1\npasswords: {sink: age, ageRecipients: [ssh-ed25519 AAAA]}\n":       {"ageRecipients[0]", "begins with age1"},
		"version: 1\npasswords: {sink: age, ageRecipients: [AGE-SECRET-KEY-1s3cr3t]}\n": {"ageRecipients[0]", "private key"},
		"version: 1\npasswords: {ageRecipients: [age1abc]}\n":                           {"passwords.sink is terminal"},
		"version: 1\npasswords: {passwordPusher: {url: https://pw.example}}\n":          {"passwords.sink is terminal"},
		"version: 1\npasswords: {sink: passwordPusher}\n":                               {"passwordPusher.url must say where"},
		pusher("url: http://pw.example"):                                                {"must be an https address"},
		pusher("url: https://me:s3cr3t@pw.example"):                                     {"without user, query or fragment"},
		pusher("url: https://pw.example, token: s3cr3t-token"):                          {"passwordPusher.token must be a reference"},
		pusher("url: https://pw.example, expireAfterDays: 91"):                          {"expireAfterDays is 91", "between 1 and 90"},
		pusher("url: https://pw.example, expireAfterViews: 0"):                          {"expireAfterViews is 0"},
		pusher("url: https://pw.example, expireAfterView: 1"):                           {`"expireAfterView"`, `"expireAfterViews"`},
		"version: 1\nwebhook: {url: \"http://tickets.example\"}\n":                      {"webhook.url must be an https address"},
		"version: 1\nwebhook: {url: \"https://tickets.example\", secret: s3cr3t}\n":     {"webhook.secret must be a reference"},
		"version: 1\nstore: mysql://db\n":                                               {"store must be sqlite"},
		"version: 1\nstore: postgres://me:s3cr3t@db/jobs\n":                             {"store holds a password"},
		"version: 1\nsealKey: s3cr3t\n":                                                 {"sealKey must be keyring:SERVICE/NAME or file:PATH"},
		"version: 1\nsealKey: keyring:only-service\n":                                   {"sealKey must be keyring:SERVICE/NAME"},
		"version: 1\nsealKey: env:SEAL\n":                                               {"sealKey must be keyring:SERVICE/NAME"},
		"version: 1\noffboarding: {default: {convert: yes}}\n":                          {"convertToShared"},
		"version: 1\nlicenses: {provider: webhook}\n":                                   {"needs webhook.url"},
		"version: 1\nlicenses: {provider: sherweb}\n":                                   {"licenses.provider", "none, webhook"},
		"version: 1\nmfaPush: {maxPerHour: 0}\n":                                        {"mfaPush.maxPerHour"},
		"version: 1\nphotos: {folder: pictures}\n":                                      {"photos.folder must be an absolute path"},
		"version: 1\nguards: {purge: perhaps}\n":                                        {"guards.purge"},
	} {
		_, err := Load(write(t, text), noEnv)
		if err == nil {
			t.Errorf("%q was taken", text)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: %q says nothing of %q", text, err, w)
			}
		}
		if strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
}

func pusher(settings string) string {
	return "version: 1\npasswords: {sink: passwordPusher, passwordPusher: {" + settings + "}}\n"
}

func TestSinksThatMakeSense(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"version: 1\npasswords: {sink: link}\n",
		"version: 1\npasswords: {sink: age, ageRecipients: [" + id.Recipient().String() + "]}\n",
		pusher("url: https://pw.example/pusher, token: env:PUSHER, expireAfterDays: 1"),
		pusher("url: 'http://127.0.0.1:5100'"),
		"version: 1\ncloud: sandbox\npasswords: {sink: passwordPusher}\n", // the sandbox has its own
		"version: 1\nsealKey: keyring:cipp-mcp/seal\n",
		"version: 1\nsealKey: file:/run/keys/seal\n",
	} {
		c, err := Load(write(t, text), noEnv)
		if err != nil || c.Passwords.PasswordPusher.ExpireAfterViews != 1 {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestRecipientsGoTogether(t *testing.T) {
	classic, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	quantum, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	p := Passwords{Sink: SinkAge, AgeRecipients: []string{classic.Recipient().String(), quantum.Recipient().String()}}
	if err := p.check(false); err == nil || !strings.Contains(err.Error(), "cannot be used together") {
		t.Errorf("%v", err)
	}
}

func TestLaterWins(t *testing.T) {
	env := map[string]string{"CIPP_ACCESS": "write", "CIPP_TENANTS_ALLOW": "a.example,b.example"}
	c, err := Load(write(t, "version: 1\naccess: read-only\n"), func(k string) (string, bool) { v, ok := env[k]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	if c.Access != Write || len(c.Tenants.Allow) != 2 {
		t.Errorf("%+v", c)
	}
}

func TestSecretsAreReferences(t *testing.T) {
	t.Setenv("CIPP_TEST_SECRET", "from the environment")
	file := write(t, "from a file\n")
	for ref, want := range map[string]string{"": "", "env:CIPP_TEST_SECRET": "from the environment", "file:" + file: "from a file"} {
		if got, err := Resolve(ref); err != nil || got != want {
			t.Errorf("%q: %q, %v", ref, got, err)
		}
	}
	for _, ref := range []string{"env:CIPP_TEST_NOT_SET", "file:/no/such/file", "hunter2", "keyring:only-service"} {
		if _, err := Resolve(ref); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", ref, err)
		}
	}
}

func TestStateIsKeptApart(t *testing.T) {
	dir := t.TempDir()
	seen := map[string]string{}
	for _, c := range []Config{{Cloud: "public", StateDir: dir}, {Cloud: "sandbox", StateDir: dir}, {Cloud: "a/client.json", StateDir: dir}, {Cloud: "b/client.json", StateDir: dir}} {
		p, err := c.StatePath()
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[p]; ok {
			t.Errorf("%s and %s share %s", c.Cloud, other, p)
		}
		seen[p] = c.Cloud
	}
	if _, err := (Config{Cloud: "public", StateDir: filepath.Join(dir, "OneDrive - Contoso", "state")}).StatePath(); err == nil || !strings.Contains(err.Error(), "synchronised") {
		t.Errorf("a synchronised folder: %v", err)
	}
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := OpenStateDir(open); permissionsMatter && err == nil {
		t.Error("a directory that others may read was taken")
	}
}

func TestNearestIsTheWordItself(t *testing.T) {
	words := keys(reflect.TypeFor[Config]())
	rapid.Check(t, func(r *rapid.T) {
		w := rapid.SampledFrom(words).Draw(r, "word")
		if got := Nearest(w, words); got != w {
			r.Fatalf("%q is nearest to %q", w, got)
		}
	})
}
