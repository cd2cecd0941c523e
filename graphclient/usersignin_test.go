package graphclient_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/sandbox"
	"cipp-mcp/sandbox/builtin"
	"cipp-mcp/sandbox/sandboxtest"
)

// person is who stands at another device: a prompt that does on the page what the person would.
func person(t testing.TB, s *sandbox.Server, action string) func(graphclient.DeviceSignIn) {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CA())
	wire := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
	return func(d graphclient.DeviceSignIn) {
		if !strings.Contains(d.Message, d.URL) || !strings.Contains(d.Message, d.Code) {
			t.Errorf("the message names neither address nor code: %s", d.Message)
		}
		res, err := (&http.Client{Transport: wire}).PostForm(d.URL, url.Values{"otc": {d.Code}, "action": {action}})
		if err != nil {
			t.Error(err)
			return
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%d %s", res.StatusCode, text)
		}
	}
}

func asUser(prompt func(graphclient.DeviceSignIn)) func(*graphclient.Config) {
	return func(cfg *graphclient.Config) {
		cfg.Auth.Mode, cfg.Auth.SignIn, cfg.Auth.Prompt, cfg.Auth.ClientSecret = graphclient.AsUser, graphclient.DeviceCode, prompt, ""
	}
}

// A call never waits for a person. Once one has signed in, that sign-in serves all tenants that let the person in,
// and what keeps one out is said, without asking the person again.
func TestAPersonSignsInByDeviceCode(t *testing.T) {
	var wire strings.Builder
	s := sandboxtest.Start(t, sandbox.Options{Clock: clockNow, Record: &wire})
	asked, release := make(chan graphclient.DeviceSignIn, 9), make(chan struct{})
	at := person(t, s, "allow")
	c := signedIn(t, s, "", asUser(func(d graphclient.DeviceSignIn) { asked <- d; <-release; at(d) }))
	for range 3 {
		_, err := c.User(ctx, harbourline, dana)
		say(t, err, graphclient.SignInNeeded)
	}
	if !c.NeedsPerson() {
		t.Error("nobody has signed in yet")
	}
	close(release)
	if err := c.SignIn(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := c.User(ctx, harbourline, dana); err != nil {
		t.Error(err)
	}
	if _, err := c.Mailboxes(ctx, brightwell); err != nil {
		t.Error(err)
	}
	_, err := c.User(ctx, oakhurst, dana)
	say(t, err, graphclient.GDAPMissing)
	_, err = c.User(ctx, lakeview, dana)
	say(t, err, graphclient.NotConsented)
	tenants, err := c.Tenants(ctx)
	if err != nil || len(tenants) != 7 {
		t.Errorf("%d %v", len(tenants), err)
	}
	own, err := c.OwnUser(ctx, s.Client().Auth.TenantID)
	if err != nil || own == "" {
		t.Errorf("%q %v", own, err)
	}
	s.Advance(3 * time.Hour) // the tokens end, the sign-in does not
	if _, err := c.User(ctx, harbourline, dana); err != nil {
		t.Error(err)
	}
	if len(asked) != 1 {
		t.Errorf("the person was asked %d times", len(asked))
	}
	for _, secret := range []string{`"device_code":"***"`, "device_code=%2A%2A%2A"} {
		if !strings.Contains(wire.String(), secret) {
			t.Errorf("the recording has no %s", secret)
		}
	}
	if strings.Contains(wire.String(), "device.") {
		t.Error("a refresh token is in the recording")
	}
}

// A sign-in that was declined, or that nobody finished, is said to whoever waits, and the next call begins another.
func TestADeviceSignInFails(t *testing.T) {
	s := startCloud(t, "")
	for what, c := range map[string]struct {
		prompt func(graphclient.DeviceSignIn)
		code   string
	}{
		"declined": {person(t, s, "deny"), "AADSTS65004"},
		"expired":  {func(graphclient.DeviceSignIn) { s.Advance(16 * time.Minute) }, "AADSTS70020"},
	} {
		n := 0
		client := signedIn(t, s, "", asUser(func(d graphclient.DeviceSignIn) { n++; c.prompt(d) }))
		for range 2 {
			err := client.SignIn(ctx)
			say(t, err, graphclient.SignInFailed)
			if err != nil && !strings.Contains(err.Error(), c.code) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if n != 2 {
			t.Errorf("%s: %d prompts", what, n)
		}
	}
}

// An application that is no public client lets nobody in by a code alone, and Close does not wait for a person.
func TestADeviceSignInThatCannotEnd(t *testing.T) {
	state := strings.Replace(string(builtin.State), `"isFallbackPublicClient": true,`, "", 1)
	s := sandboxtest.Start(t, sandbox.Options{Clock: clockNow, State: []byte(state)})
	c := signedIn(t, s, "", asUser(func(graphclient.DeviceSignIn) {}))
	err := c.SignIn(ctx)
	say(t, err, graphclient.SignInFailed)
	if err == nil || !strings.Contains(err.Error(), "public client") {
		t.Error(err)
	}
	waits := startCloud(t, "")
	c = signedIn(t, waits, "", asUser(func(graphclient.DeviceSignIn) {}))
	_, err = c.User(ctx, harbourline, dana)
	say(t, err, graphclient.SignInNeeded)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := c.SignIn(gone); err == nil {
		t.Error("nobody signed in")
	}
	c.Close()
}

// The Azure CLI's tokens are taken as they are. A script stands in for it: what az prints is its contract.
func TestThePersonOfTheAzureCLI(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the script is a shell's")
	}
	s := startCloud(t, "")
	token := tokenFor(t, s, harbourline)
	dir := t.TempDir()
	script := fmt.Sprintf(`#!/bin/sh
case "$*" in
*"--tenant %s"*) echo '{"accessToken":"%s","expires_on":%d}' ;;
*"--tenant %s"*) echo "ERROR: AADSTS50020: User account does not exist in tenant" >&2; exit 1 ;;
*) echo "ERROR: Please run 'az login' to setup account." >&2; exit 1 ;;
esac
`, harbourline, token, time.Now().Add(time.Hour).Unix(), oakhurst)
	if err := os.WriteFile(filepath.Join(dir, "az"), []byte(script), 0o700); err != nil { //nolint:gosec // it is to be run
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	c := signedIn(t, s, "", func(cfg *graphclient.Config) {
		cfg.Auth = graphclient.Auth{Mode: graphclient.AsUser, SignIn: graphclient.AzureCLI, TenantID: cfg.Auth.TenantID}
	})
	if _, err := c.User(ctx, harbourline, dana); err != nil {
		t.Error(err)
	}
	_, err := c.User(ctx, oakhurst, dana)
	say(t, err, graphclient.GDAPMissing)
	_, err = c.User(ctx, brightwell, dana)
	say(t, err, graphclient.SignInFailed)
	if err == nil || !strings.Contains(err.Error(), "az login --allow-no-subscriptions --tenant "+brightwell) {
		t.Error(err)
	}
}

// tokenFor is a delegated token of the partner's user.
func tokenFor(t *testing.T, s *sandbox.Server, tenant string) string {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CA())
	wire := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
	a := s.Client().Auth
	res, err := (&http.Client{Transport: wire}).PostForm(s.URL()+"/"+tenant+"/oauth2/v2.0/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.RefreshToken},
		"client_id": {a.ClientID}, "client_secret": {a.ClientSecret}, "scope": {"https://graph.microsoft.com/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(res.Body)
	_, rest, _ := strings.Cut(string(body), `"access_token":"`)
	token, _, _ := strings.Cut(rest, `"`)
	return token
}
