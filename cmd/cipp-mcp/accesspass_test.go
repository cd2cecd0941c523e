package main

import (
	"context"
	"strings"
	"testing"

	"cipp-mcp/internal/secrets"
)

// passPolicy is the built-in story with another policy of Temporary Access Passes.
func passPolicy(t *testing.T, policy any) worldOptions {
	return worldOptions{flags: cloudFlags{sandbox: edited(t, func(tenant m) {
		if tenant["defaultDomain"] == harbourline {
			tenant["policies"].(m)["temporaryAccessPass"] = policy
		}
	})}}
}

func TestATemporaryAccessPass(t *testing.T) {
	w := newWorld(t, passPolicy(t, m{"isEnabled": true, "minimumLifetimeInMinutes": 30, "maximumLifetimeInMinutes": 120, "defaultLifetimeInMinutes": 45}))
	before := w.state()
	args := in(harbourline, "userId", dana, "lifetimeInMinutes", 90, "isUsableOnce", true) // Microsoft's names
	a := w.done("cipp_create_tap", args)
	s := a.list("secrets")
	if len(s) != 1 || !strings.Contains(w.asked[0], "90 minutes, usable once, sealed for the operator") || !strings.Contains(a.text, "gets in as "+dana+" without password and MFA") {
		t.Fatalf("%s", a.text)
	}
	pass := w.reveal(s[0]["handle"].(string))
	if len(pass) != 8 || strings.Contains(a.text, pass) {
		t.Errorf("%q: %s", pass, a.text)
	}
	if c := strings.Join(w.changed(before), "\n"); !strings.Contains(c, "temporaryAccessPass") || strings.Contains(c, pass) {
		t.Errorf("%s", c)
	}
	again := w.done("cipp_create_tap", in(harbourline, "userId", dana))
	if !strings.Contains(w.asked[1], "there is one") || !strings.Contains(w.asked[1], "45 minutes, usable more than once") {
		t.Errorf("%s", w.asked[1])
	}
	w.done("cipp_undo_job", m{"jobId": again.v["jobId"]})
	w.remains(before)
}

// What the tenant's policy does not allow is a blocker, before Microsoft is asked.
func TestThePassPolicyIsLookedAt(t *testing.T) {
	const guest = "luca.dangelo_porto-lines.example#EXT#@harbourlinefreight.onmicrosoft.com"
	for says, c := range map[string]struct {
		policy any
		args   map[string]any
	}{
		"does not allow Temporary Access Passes": {false, in(harbourline, "userId", dana)},
		"allows 60 to 480 minutes, not 600":      {true, in(harbourline, "userId", dana, "lifetimeMinutes", 600)},
		"only passes that are usable once":       {m{"isEnabled": true, "isUsableOnce": true}, in(harbourline, "userId", dana, "usableOnce", false)},
		"gives guests no":                        {true, in(harbourline, "userId", guest)},
		"startAt lies in the past":               {true, in(harbourline, "userId", dana, "startAt", "2026-03-12T14:00:00Z")},
	} {
		w := newWorld(t, passPolicy(t, c.policy))
		before := w.state()
		if a := w.must("cipp_create_tap", c.args); a.v["status"] != "blocked" || !strings.Contains(a.text, says) {
			t.Errorf("%s: %s", says, a.text)
		}
		w.unharmed(before)
	}
	w := newWorld(t, passPolicy(t, m{"isEnabled": true, "includeTargets": []any{m{"targetType": "group", "id": "00000000-0000-4000-8000-000000000001"}}}))
	if a := w.must("cipp_create_tap", in(harbourline, "userId", dana, "dryRun", true)); !strings.Contains(a.text, "does not seem to be among those") {
		t.Errorf("%s", a.text)
	}
	w.refused("invalid_argument", "cipp_create_tap", in(harbourline, "userId", dana, "lifetimeMinutes", 5))
	w.refused("invalid_argument", "cipp_create_tap", in(harbourline, "userId", dana, "startAt", "tomorrow"))
	off := newWorld(t, worldOptions{config: "tools: {preset: default}\n"})
	off.refused("switched_off", "cipp_create_tap", in(harbourline, "userId", dana))
}

// brokenSink is full.
type brokenSink struct{ secrets.Sink }

func (brokenSink) Seal(context.Context, string, string, string) (secrets.Info, error) {
	return secrets.Info{}, &secrets.SinkError{Message: "there is no room"}
}

// A pass that nobody could open is not made, and one that cannot be sealed is taken away again.
func TestAPassThatNobodyCouldOpen(t *testing.T) {
	w := newWorld(t, worldOptions{noPass: true})
	before := w.state()
	if a := w.must("cipp_create_tap", in(harbourline, "userId", dana)); a.v["status"] != "blocked" {
		t.Errorf("%s", a.text)
	}
	w.unharmed(before)
	w = newWorld(t, worldOptions{})
	before = w.state()
	w.env.Sink = brokenSink{w.env.Sink}
	if a := w.must("cipp_create_tap", in(harbourline, "userId", dana)); a.v["status"] != "failed" || !strings.Contains(a.text, "here is no room") || len(a.list("secrets")) != 0 {
		t.Errorf("%s", a.text)
	}
	w.remains(before)
}
