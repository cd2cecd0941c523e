package graphclient_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/sandbox"
)

// say checks the kind of an error and that its message is one a person can use.
func say(t *testing.T, err error, kind graphclient.Kind) *graphclient.Error {
	t.Helper()
	var e *graphclient.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Errorf("got %v, want %s", err, kind)
		return &graphclient.Error{}
	}
	if len(e.Message) < 20 || strings.ContainsAny(e.Message, "\n\t{") || len(e.Message) > 400 {
		t.Errorf("message %q", e.Message)
	}
	return e
}

// unharmed checks that a failed write has left the cloud as it was.
func unharmed(t *testing.T, s *sandbox.Server, do func()) {
	t.Helper()
	before, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	do()
	after, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("the cloud has changed")
	}
}

func disable(c *graphclient.Client, tenant, id string) error {
	return c.UpdateUser(ctx, tenant, id, map[string]any{"accountEnabled": false})
}

// What goes wrong in a tenant, each ending in one clear error and an unharmed tenant.
func TestSandboxBadWeather(t *testing.T) {
	eachWay(t, func(t *testing.T, s *sandbox.Server, c *graphclient.Client) {
		partner := c.Mode() != graphclient.App
		unharmed(t, s, func() {
			t.Run("unknown tenant", func(t *testing.T) {
				e := say(t, second(c.ResolveTenant(ctx, "harbourlin.example")), graphclient.TenantUnknown)
				if len(e.Candidates) == 0 || e.Candidates[0] != "harbourline.example" {
					t.Errorf("candidates %v", e.Candidates)
				}
				kind := graphclient.TenantUnknown
				say(t, second(c.Domains(ctx, "00000000-0000-4000-8000-000000000001")), kind)
			})
			t.Run("ambiguous user", func(t *testing.T) {
				e := say(t, second(c.User(ctx, harbourline, "Alex Morgan")), graphclient.UserAmbiguous)
				if len(e.Candidates) != 2 {
					t.Errorf("candidates %v", e.Candidates)
				}
			})
			t.Run("unknown user", func(t *testing.T) {
				say(t, second(c.User(ctx, harbourline, "nobody@harbourline.example")), graphclient.NotFound)
				say(t, disable(c, harbourline, "00000000-0000-4000-8000-000000000001"), graphclient.NotFound)
			})
			t.Run("hostile names", func(t *testing.T) {
				for _, name := range []string{"') or id ne ''--@x.example", "../../groups/" + crm + "@x", "a/b?c=d&e=f@x.example", "x'y\"z@harbourline.example"} {
					say(t, second(c.User(ctx, harbourline, name)), graphclient.NotFound)
				}
				say(t, second(c.User(ctx, quillfeath, "Bo '); DROP TABLE users;--")), graphclient.NotFound)
			})
			t.Run("synced user", func(t *testing.T) {
				say(t, c.UpdateUser(ctx, harbourline, ingrid, map[string]any{"jobTitle": "Captain"}), graphclient.OnPremises)
			})
			t.Run("user without mailbox", func(t *testing.T) {
				stefan := ref("1c8efd22-0d81-4e8a-90ae-c3a370857a33", "stefan.kruse@harbourline.example")
				say(t, second(c.Mailbox(ctx, harbourline, stefan)), graphclient.NoMailbox)
				say(t, second(c.InboxRules(ctx, harbourline, stefan)), graphclient.NoMailbox)
				say(t, c.SetMailbox(ctx, harbourline, stefan, map[string]any{"Type": "Shared"}), graphclient.NoMailbox)
			})
			t.Run("no premium", func(t *testing.T) {
				say(t, second(c.SignIns(ctx, pinecrest, graphclient.SignInQuery{UserID: agnes})), graphclient.NotPremium)
				var last error
				for _, last = range c.RegistrationDetails(ctx, pinecrest, "") {
				}
				say(t, last, graphclient.NotPremium)
				say(t, second(c.ManagedDevices(ctx, pinecrest, agnes)), graphclient.NotLicensed)
			})
			t.Run("consent missing", func(t *testing.T) {
				say(t, second(c.Domains(ctx, lakeview)), graphclient.NotConsented)
				say(t, second(c.Mailboxes(ctx, lakeview)), graphclient.NotConsented)
			})
			t.Run("GDAP expired", func(t *testing.T) {
				err := second(c.Domains(ctx, oakhurst))
				if partner {
					say(t, err, graphclient.GDAPMissing)
				} else if err != nil { // app-only access follows consent, not the relationship
					t.Error(err)
				}
			})
			if !partner {
				t.Run("permission and role missing", func(t *testing.T) {
					e := say(t, second(c.AuthMethods(ctx, northgate, grace)), graphclient.Denied)
					if !strings.Contains(e.Message, "UserAuthenticationMethod.Read.All") {
						t.Errorf("message %q", e.Message)
					}
					say(t, c.SetPassword(ctx, northgate, grace, "Shelter!2026-quay", true), graphclient.RoleMissing)
					say(t, second(c.Mailboxes(ctx, northgate)), graphclient.RoleMissing)
					batch, err := c.AuthMethodsOf(ctx, northgate, []string{grace})
					if err == nil {
						err = batch[grace].Err
					}
					say(t, err, graphclient.Denied)
				})
				t.Run("an administrator as target", func(t *testing.T) {
					say(t, c.SetPassword(ctx, harbourline, marta, "Harbour!2026-quay", true), graphclient.RoleMissing)
					say(t, disable(c, harbourline, marta), graphclient.RoleMissing)
				})
			}
			t.Run("refused values", func(t *testing.T) {
				e := say(t, c.UpdateUser(ctx, harbourline, dana, map[string]any{"shoeSize": 43}), graphclient.Invalid)
				if e.Status != 400 {
					t.Errorf("%+v", e)
				}
				say(t, c.SetPassword(ctx, harbourline, dana, "a", true), graphclient.WeakPassword)
				taken := graphclient.NewUser{DisplayName: "Dana", MailNickname: "dana2", UserPrincipalName: "dana.whitfield@harbourline.example", PasswordProfile: graphclient.PasswordProfile{Password: "Harbour!2026-quay"}}
				say(t, second(c.CreateUser(ctx, harbourline, taken)), graphclient.Conflict)
				say(t, c.SetMailbox(ctx, harbourline, danaBox, map[string]any{"NoSuchParameter": 1}), graphclient.Invalid)
			})
			t.Run("operator's list", func(t *testing.T) {
				way := map[graphclient.Mode]string{graphclient.App: "secret", graphclient.Partner: "partner", graphclient.AsUser: "user"}[c.Mode()]
				denied := signedIn(t, s, way, func(cfg *graphclient.Config) { cfg.Deny = []string{"harbourline-logistics.example"} })
				say(t, disable(denied, harbourline, dana), graphclient.TenantDenied)
			})
		})
	})
}

func second[T any](_ T, err error) error { return err }

func TestSandboxExpiredCredentials(t *testing.T) {
	for name, tc := range map[string]struct {
		way    string
		change func(*graphclient.Config)
		kind   graphclient.Kind
	}{
		"wrong secret":          {"secret", func(c *graphclient.Config) { c.Auth.ClientSecret = "wrong" }, graphclient.SignInFailed},
		"wrong secret, partner": {"partner", func(c *graphclient.Config) { c.Auth.ClientSecret = "wrong" }, graphclient.SignInFailed},
		"unknown refresh token": {"partner", func(c *graphclient.Config) { c.Auth.RefreshToken = "stale" }, graphclient.SignInFailed},
		"unknown application":   {"secret", func(c *graphclient.Config) { c.Auth.ClientID = "00000000-0000-4000-8000-000000000001" }, graphclient.NotConsented},
	} {
		t.Run(name, func(t *testing.T) {
			s := startCloud(t, "")
			c := signedIn(t, s, tc.way, tc.change)
			unharmed(t, s, func() { say(t, disable(c, harbourline, dana), tc.kind) })
		})
	}
	for _, way := range ways[:3] { // a person has no secret
		t.Run("expired, "+way, func(t *testing.T) {
			s := startCloud(t, `[{"match":{"service":"signin","path":"/*/oauth2/v2.0/token"},"do":{"status":401,"code":"invalid_client","message":"AADSTS7000222: The provided client secret keys for app are expired."}}]`)
			c := signedIn(t, s, way)
			unharmed(t, s, func() { say(t, disable(c, harbourline, dana), graphclient.SecretExpired) })
		})
	}
}

// fault is a faults file of one fault.
func fault(match, do string, times int) string {
	return fmt.Sprintf(`[{"match":%s,"do":%s,"times":%d}]`, match, do, times)
}

const userPatch = `{"service":"graph","method":"PATCH","path":"/users/*"}`

func TestSandboxLostAnswers(t *testing.T) {
	enabled := func(t *testing.T, c *graphclient.Client) bool {
		t.Helper()
		u := got(c.User(ctx, harbourline, dana, "id", "accountEnabled"))(t, "User")
		return u.AccountEnabled != nil && *u.AccountEnabled
	}
	for _, way := range ways {
		for name, tc := range map[string]struct {
			do     string
			landed bool
		}{
			"504 after the work": {`{"status":504,"effect":"before"}`, true},
			"504 without":        {`{"status":504,"effect":"none"}`, false},
			"502 after the work": {`{"status":502,"effect":"before"}`, true},
			"cut after the work": {`{"cut":true,"effect":"before"}`, true},
			"cut without":        {`{"cut":true,"effect":"none"}`, false},
		} {
			t.Run(name+", "+way, func(t *testing.T) {
				s := startCloud(t, fault(userPatch, tc.do, 1))
				c := signedIn(t, s, way)
				err := disable(c, harbourline, dana)
				e := say(t, err, graphclient.Unavailable)
				if !graphclient.IsAmbiguous(err) || !strings.Contains(e.Message, "read the object") {
					t.Errorf("%+v", e)
				}
				if s.FaultsHit() != 1 {
					t.Errorf("sent %d times", s.FaultsHit())
				}
				if enabled(t, c) == tc.landed {
					t.Errorf("landed: %v", !tc.landed)
				}
			})
			t.Run(name+", repeatable, "+way, func(t *testing.T) {
				s := startCloud(t, fault(userPatch, tc.do, 2))
				c := signedIn(t, s, way)
				if err := c.UpdateUser(graphclient.Repeatable(ctx), harbourline, dana, map[string]any{"accountEnabled": false}); err != nil || enabled(t, c) {
					t.Error(err)
				}
			})
		}
	}
	t.Run("cmdlet after the work", func(t *testing.T) {
		s := startCloud(t, fault(`{"service":"exchange","cmdlet":"Set-Mailbox"}`, `{"status":504,"effect":"before"}`, 1))
		c := signedIn(t, s, "secret")
		err := c.SetMailbox(ctx, harbourline, danaBox, map[string]any{"Type": "Shared"})
		if e := say(t, err, graphclient.Unavailable); !e.Ambiguous || s.FaultsHit() != 1 {
			t.Errorf("%+v", e)
		}
		if m := got(c.Mailbox(ctx, harbourline, danaBox))(t, "Mailbox"); !m.Shared() {
			t.Error("not converted")
		}
	})
	t.Run("delete after the work, repeatable", func(t *testing.T) {
		s := startCloud(t, fault(`{"service":"graph","method":"DELETE"}`, `{"status":504,"effect":"before"}`, 1))
		c := signedIn(t, s, "secret")
		if err := c.RemoveGroupMember(graphclient.Repeatable(ctx), harbourline, crm, callum); err != nil && graphclient.KindOf(err) != graphclient.NotMember {
			t.Error(err)
		}
	})
}

func TestSandboxReadsThroughWeather(t *testing.T) {
	for name, do := range map[string]string{
		"429": `{"status":429,"retryAfter":3}`, "503": `{"status":503,"retryAfter":1}`, "504": `{"status":504}`, "502": `{"status":502}`,
		"cut": `{"cut":true}`, "truncated": `{"truncate":40}`, "401": `{"status":401}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := startCloud(t, fault(`{"service":"graph","path":"/users"}`, do, 1))
			c := signedIn(t, s, "secret")
			n := 0
			for p, err := range c.Users(ctx, harbourline, graphclient.UserQuery{}) {
				n += len(got(p, err)(t, "Users").Users)
			}
			if n != 32 || s.FaultsHit() != 1 {
				t.Errorf("%d users, %d faults", n, s.FaultsHit())
			}
			s2 := startCloud(t, fault(`{"service":"exchange","cmdlet":"Get-Mailbox"}`, do, 1))
			c2 := signedIn(t, s2, "secret")
			if all := got(c2.Mailboxes(ctx, harbourline))(t, "Mailboxes"); len(all) != 24 || s2.FaultsHit() != 1 {
				t.Errorf("%d mailboxes, %d faults", len(all), s2.FaultsHit())
			}
		})
	}
}

func TestSandboxThrottledTenant(t *testing.T) {
	s := startCloud(t, `[{"match":{"tenant":"`+harbourline+`","service":"graph"},"do":{"status":429,"retryAfter":45}}]`)
	c := signedIn(t, s, "secret")
	unharmed(t, s, func() {
		e := say(t, disable(c, harbourline, dana), graphclient.Throttled)
		if e.RetryAfter != 45*time.Second || e.Ambiguous || e.Tenant != harbourline {
			t.Errorf("%+v", e)
		}
	})
	if d := got(c.Domains(ctx, brightwell))(t, "Domains of another tenant"); len(d) == 0 {
		t.Error("another tenant suffers")
	}
}

// A token outlives neither its time nor its rights: when the cloud's clock moves on, a new one is asked for.
func TestSandboxTokensExpire(t *testing.T) {
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			s := startCloud(t, "")
			c := signedIn(t, s, way)
			for range 3 {
				if d := got(c.Domains(ctx, harbourline))(t, "Domains"); len(d) != 3 {
					t.Errorf("%+v", d)
				}
				s.Advance(24 * time.Hour)
			}
		})
	}
}

func TestSandboxFansOutOverTenants(t *testing.T) {
	s := startCloud(t, "")
	for _, way := range []string{"secret", "partner"} {
		c := signedIn(t, s, way)
		tenants := got(c.Tenants(ctx))(t, "Tenants")
		kinds := map[string]graphclient.Kind{}
		rows := 0
		for _, r := range graphclient.ForEachTenant(ctx, c, tenants, func(ctx context.Context, x graphclient.Tenant) (int, error) {
			n := 0
			for page, err := range c.RegistrationDetails(ctx, x.ID, "") {
				if err != nil {
					return n, err
				}
				n += len(page)
			}
			return n, nil
		}) {
			rows += r.Value
			if r.Err != nil {
				kinds[r.Tenant.ID] = graphclient.KindOf(r.Err)
			}
		}
		want := map[string]graphclient.Kind{pinecrest: graphclient.NotPremium, lakeview: graphclient.NotConsented}
		if way == "partner" {
			want[oakhurst] = graphclient.GDAPMissing
		}
		if !maps.Equal(kinds, want) || rows < 40 {
			t.Errorf("%s: %d rows, failures %v, want %v", way, rows, kinds, want)
		}
	}
}
