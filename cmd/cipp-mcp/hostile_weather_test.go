package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
)

// A service that refuses for ever does not hold a call for ever, and a write that never got through is not done.
func TestThrottledForEver(t *testing.T) {
	for name, c := range map[string]struct {
		match  m
		tool   string
		args   m
		status string
	}{
		"a write":              {m{"method": "PATCH", "path": "/users/*"}, "cipp_disable_user", nil, "failed"},
		"reading a write back": {m{"method": "GET", "path": "/users/*", "query": "accountEnabled,onPremisesSyncEnabled", "nth": 3}, "cipp_disable_user", nil, ""},
		"the conversion":       {m{"cmdlet": "Set-Mailbox"}, "cipp_offboard_user", m{"convertToShared": true, "removeLicenses": true}, "attention"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.faults(fault(c.match, m{"status": 429, "retryAfter": 3600}, 1000000))
			before := w.sandbox.Metrics().Total
			a := w.call(c.tool, and(in(harbourline, "userId", dana), pairs(c.args)...))
			if a.err == nil && (a.v["status"] == "done" || c.status != "" && a.v["status"] != c.status) {
				t.Errorf("%s", a.text)
			}
			if n := w.sandbox.Metrics().Total - before; n > 200 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// One refused sign-in that many calls waited for is told to each of them.
func TestManyCallsAndOneRefusedSignIn(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.faults(fault(m{"service": "signin", "path": "/*/oauth2/v2.0/token"}, m{"status": 401, "code": "AADSTS7000222", "message": "AADSTS7000222: expired.", "delay": "20ms"}, 1000))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			r := mcp.CallToolRequest{}
			r.Params.Name, r.Params.Arguments = "cipp_list_users", in(harbourline)
			if res, err := w.client.CallTool(t.Context(), r); err != nil || !res.IsError {
				t.Errorf("%v %v", res, err)
			}
		})
	}
	wg.Wait()
}

// A directory that tells of its users no more than id and name frightens nobody.
func TestAlmostNothingIsKnown(t *testing.T) {
	w := newWorld(t, story(t, func(g, x m) {
		u := userOf(t, g, dana)
		for k := range u {
			if k != "id" && k != "userPrincipalName" && k != "displayName" && k != "mailNickname" {
				delete(u, k)
			}
		}
		for _, key := range []string{"signIns", "devices", "managedDevices"} {
			for _, r := range g[key].([]any) {
				for k := range r.(m) {
					if k != "id" && k != "userId" && k != "createdDateTime" {
						delete(r.(m), k)
					}
				}
			}
		}
		box := mailboxOf(t, x, dana)
		for k := range box {
			if k != "UserPrincipalName" && k != "ExternalDirectoryObjectId" && k != "RecipientTypeDetails" {
				delete(box, k)
			}
		}
	}))
	for tool, args := range map[string]m{
		"cipp_get_user": {"sections": "all"}, "cipp_bec_check": {}, "cipp_list_user_devices": {}, "cipp_list_user_groups": {}, "cipp_list_mailbox_permissions": {"scope": "all"},
		"cipp_disable_user": {"dryRun": true}, "cipp_reset_password": {"dryRun": true}, "cipp_reset_mfa": {"dryRun": true}, "cipp_edit_user": {"dryRun": true, "jobTitle": "x", "managerId": priya},
		"cipp_offboard_user": {"dryRun": true, "convertToShared": true, "removeLicenses": true, "removeFromGroups": true, "hideFromGal": true, "outOfOfficeMessage": "x", "forwardingAddress": priya},
	} {
		if a := w.call(tool, and(in(harbourline, "userId", dana), pairs(args)...)); a.err != nil && a.err["code"] == "internal" {
			t.Errorf("%s: %s", tool, a.text)
		}
	}
	w.must("cipp_list_users", in(harbourline, "select", wide, "limit", 100))
}

// A thousand changes in the log and hundreds of rules do not make an answer nobody can read.
func TestAnInvestigationOfANoisyAccount(t *testing.T) {
	w := newWorld(t, worldOptions{flags: cloudFlags{sandbox: edited(t, func(tenant m) {
		if tenant["defaultDomain"] != "brightwell.example" {
			return
		}
		g := tenant["graph"].(m)
		id := userOf(t, g, demoVictim)["id"]
		for i := range 450 {
			g["directoryAudits"] = append(g["directoryAudits"].([]any), m{
				"id": fmt.Sprintf("Directory_%08d", i), "activityDateTime": fmt.Sprintf("$now-%dm", 60+i), "activityDisplayName": "User registered security info", "category": "UserManagement", "result": "success",
				"initiatedBy":     m{"user": m{"id": id, "userPrincipalName": demoVictim, "displayName": strings.Repeat("y", 100), "ipAddress": "203.0.113.9"}},
				"targetResources": []any{m{"id": id, "type": "User", "userPrincipalName": demoVictim}},
			})
		}
	})}})
	a := w.must("cipp_bec_check", in("brightwell.example", "userId", demoVictim))
	within(t, "cipp_bec_check", a)
	if a.v["verdict"] != "confirmed" {
		t.Errorf("%v", a.v["verdict"])
	}
	if f := a.list("findings"); len(f) == 0 || f[0]["severity"] != "critical" {
		t.Errorf("the worst is not first")
	}
}

// What is recorded for others to read holds no password and no credential.
func TestARecordingHoldsNoSecret(t *testing.T) {
	const own = "Correct-horse-battery-9"
	file := filepath.Join(t.TempDir(), "record.jsonl")
	w := newWorld(t, worldOptions{flags: cloudFlags{record: file}})
	w.done("cipp_reset_password", in(harbourline, "userId", priya, "password", own))
	a := w.done("cipp_reset_password", in(harbourline, "userId", dana))
	generated := w.reveal(a.list("secrets")[0]["handle"].(string))
	b, err := os.ReadFile(file)
	if err != nil || len(b) == 0 {
		t.Fatal(err)
	}
	for what, secret := range map[string]string{"the caller's password": own, "the generated password": generated, "the client secret": w.sandbox.Client().Auth.ClientSecret} {
		if strings.Contains(string(b), secret) {
			t.Errorf("it holds %s", what)
		}
	}
}

// A configuration that would do less than it says is refused before anything starts.
func TestAConfigurationThatWouldNotHold(t *testing.T) {
	dir := t.TempDir()
	insecure := filepath.Join(dir, "client.json")
	if err := os.WriteFile(insecure, []byte(`{"authority":"http://login.example","graph":"https://graph.example","exchange":"https://x.example"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, say string }{
		"misspelt tool":       {"tools: {remove: [cipp_reset_pasword]}", "cipp_reset_password"},
		"misspelt key":        {"guards: {breakGlas: [x]}", "breakGlass"},
		"no approval":         {"approval: {destructive: none}", "approval.destructive"},
		"secret in the file":  {"auth: {clientSecret: hunter2-hunter2}", "reference"},
		"in the clear":        {"cloud: " + filepath.ToSlash(insecure), "https"},
		"synchronised folder": {"cloud: sandbox\nstateDir: " + filepath.ToSlash(filepath.Join(dir, "OneDrive - Contoso", "s")), "synchronised"},
	} {
		file := filepath.Join(dir, "c.yaml")
		if err := os.WriteFile(file, []byte("version: 1\n"+c.text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		f := cloudFlags{}
		if name == "misspelt tool" {
			f.sandbox = builtinSandbox
		}
		a, err := open(t.Context(), &globals{configFile: file}, f)
		if err == nil {
			a.close()
			t.Errorf("%s was taken", name)
			continue
		}
		if !strings.Contains(err.Error(), c.say) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
