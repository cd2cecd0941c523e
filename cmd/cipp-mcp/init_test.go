package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cipp-mcp/internal/config"
	"cipp-mcp/sandbox/builtin"
)

// edited is the built-in story changed by f, as a state file.
func edited(t *testing.T, f func(tenant m)) string {
	t.Helper()
	var s m
	if err := json.Unmarshal(builtin.State, &s); err != nil {
		t.Fatal(err)
	}
	tenants := []any{s["partner"]}
	rest, _ := s["tenants"].([]any)
	for _, x := range append(tenants, rest...) {
		f(x.(m))
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnAmbiguousUserIsNotGuessed(t *testing.T) {
	state := edited(t, func(tenant m) {
		if tenant["defaultDomain"] != harbourline {
			return
		}
		for _, u := range tenant["graph"].(m)["users"].([]any) {
			if u := u.(m); strings.HasPrefix(u["userPrincipalName"].(string), "alex.morgan") {
				u["otherMails"], u["mail"] = []any{}, "alex@harbourline.example"
			}
		}
	})
	w := newWorld(t, worldOptions{flags: cloudFlags{sandbox: state}})
	before := w.state()
	a := w.refused("user_ambiguous", "cipp_disable_user", in(harbourline, "userId", "alex@harbourline.example"))
	if c, _ := a.err["candidates"].([]any); len(c) != 2 {
		t.Errorf("%s", a.text)
	}
	w.unharmed(before)
}

// What init lists is enough: with exactly these permissions and roles everything the tools do works.
func TestTheLeastPermissionsAreEnough(t *testing.T) {
	graph, exchange, roles, gdap := permissions(config.Defaults())
	if len(graph) < 10 || !slices.Equal(exchange, []string{"Exchange.ManageAsApp"}) {
		t.Fatalf("%v %v", graph, exchange)
	}
	for _, partner := range []bool{false, true} {
		state := edited(t, func(tenant m) {
			if g, ok := tenant["gdap"].(m); ok && g["status"] == "active" {
				g["roles"] = gdap
			}
			consents, _ := tenant["consents"].([]any)
			for _, c := range consents {
				c := c.(m)
				c["appRoles"] = graph
				if _, ok := c["directoryRoles"]; ok {
					c["directoryRoles"] = roles
				}
			}
		})
		w := newWorld(t, worldOptions{flags: cloudFlags{sandbox: state}, partner: partner})
		a := w.must("cipp_get_user", in(harbourline, "userId", priya, "sections", "all"))
		for _, u := range a.list("unavailable") {
			if s, _ := u["reason"].(string); strings.Contains(s, "ermission") || strings.Contains(s, "role") {
				t.Errorf("partner %t: %v", partner, u)
			}
		}
		w.must("cipp_list_mfa_users", in("allTenants"))
		bec := w.must("cipp_bec_check", in("brightwell.example", "userId", demoVictim))
		for _, c := range bec.list("coverage") {
			if c["status"] == "unavailable" && c["reason"] != "no_api" || c["reason"] == "permission" {
				t.Errorf("partner %t: %v", partner, c)
			}
		}
		w.must("cipp_get_tenant_details", in(harbourline, "sections", "all"))
		w.done("cipp_reset_password", in("brightwell.example", "userId", demoVictim))
		w.done("cipp_reset_mfa", in("brightwell.example", "userId", demoVictim))
		w.done("cipp_create_user", in(harbourline, "displayName", "Nia", "userPrincipalName", "nia@"+harbourline, "mailNickname", "nia"))
		w.done("cipp_edit_user", in(harbourline, "userId", priya, "mobilePhone", "+44 20 7946 0000", "managerId", marta))
		w.done("cipp_offboard_user", in(harbourline, "userId", dana, "convertToShared", true, "removeLicenses", true, "removeFromGroups", true, "forwardingAddress", demoManager, "outOfOfficeMessage", "Gone", "hideFromGal", true))
		w.done("cipp_enable_user", in(harbourline, "userId", dana))
	}
}

func TestInitWritesAConfigurationThatIsValid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "cipp-mcp.yaml")
	var out strings.Builder
	s := setup{mode: "partner", cloud: "public", tenant: "11111111-1111-4111-8111-111111111111", client: "22222222-2222-4222-8222-222222222222", customer: "contoso.example", write: path}
	if err := s.run(&out, &globals{}); err != nil {
		t.Fatal(err)
	}
	for _, say := range []string{"/contoso.example/adminconsent?client_id=22222222", "Exchange.Manage", "Authentication Administrator", "claude mcp add", "mcpServers", `"servers"`} {
		if !strings.Contains(out.String(), say) {
			t.Errorf("nothing of %s", say)
		}
	}
	c, err := config.Load(path, func(string) (string, bool) { return "", false })
	if err != nil || c.Access != config.ReadOnly || c.Auth.Mode != "partner" {
		t.Errorf("%+v %v", c, err)
	}
	if err := s.run(&out, &globals{}); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("it was overwritten: %v", err)
	}
	out.Reset()
	s.mode, s.write = config.ModeUser, filepath.Join(t.TempDir(), "user.yaml")
	if err := s.run(&out, &globals{}); err != nil {
		t.Fatal(err)
	}
	c, err = config.Load(s.write, func(string) (string, bool) { return "", false })
	if err != nil || c.Auth.Mode != config.ModeUser || c.Auth.SignIn != config.SignInDeviceCode || c.Auth.ClientSecret != "" {
		t.Errorf("%+v %v", c.Auth, err)
	}
	for say, there := range map[string]bool{"public client flows": true, "oauth2PermissionScopes": true, "azureCli": true, "--store-secret": false, "client secret, or": false} {
		if strings.Contains(out.String(), say) != there {
			t.Errorf("%s: want %t", say, there)
		}
	}
	for _, bad := range []setup{{mode: config.ModeUser, cloud: "public", storeSecret: true}, {mode: "sso", cloud: "public"}, {mode: "app", cloud: "mars"}, {mode: "app", cloud: "public", tenant: "contoso"}} {
		if err := bad.run(&out, &globals{}); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}
