package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
)

var listTools mcp.ListToolsRequest

// faults sets faults and fails the test when one of them was never hit.
func (w *world) faults(fs ...map[string]any) {
	w.t.Helper()
	b, err := json.Marshal(fs)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.sandbox.SetFaults(b); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if w.sandbox.FaultsHit() == 0 {
			w.t.Error("the fault was never hit")
		}
	})
}

func fault(match, do map[string]any, times int) map[string]any {
	return map[string]any{"match": match, "do": do, "times": times}
}

type m = map[string]any

func TestBadInput(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	for _, c := range []struct {
		code, tool string
		args       m
		say        string
	}{
		{"tenant_not_found", "cipp_list_users", in("nobody.example"), "nobody.example"},
		{"tenant_not_found", "cipp_disable_user", in("00000000-0000-4000-8000-000000000000", "userId", priya), ""},
		{"user_not_found", "cipp_disable_user", in(harbourline, "userId", "nobody@harbourline.example"), "nobody@harbourline.example"},
		{"user_not_found", "cipp_disable_user", in(harbourline, "userId", "../../groups"), ""},
		{"user_not_found", "cipp_disable_user", in(harbourline, "userId", "x' or accountEnabled eq true or 'x' eq 'x"), ""},
		{"one_tenant_only", "cipp_disable_user", in("allTenants", "userId", priya), "one tenant at a time"},
		{"one_tenant_only", "cipp_bec_check", in("AllTenants", "userId", priya), ""},
		{"invalid_argument", "cipp_bec_check", in(harbourline, "userId", priya, "since", "yesterday"), "RFC 3339"},
	} {
		if a := w.refused(c.code, c.tool, c.args); !strings.Contains(a.text, c.say) {
			t.Errorf("%s: %s", c.tool, a.text)
		}
	}
	w.unharmed(before)
}

func TestAwkwardNames(t *testing.T) {
	w := newWorld(t, worldOptions{})
	for _, upn := range []string{"siobhan.o'brien@harbourline.example", "$scanner@harbourline.example", "anna_vendor-supplies.example#EXT#@harbourlinefreight.onmicrosoft.com", "luca.dangelo_porto-lines.example#EXT#@harbourlinefreight.onmicrosoft.com"} {
		if a := w.must("cipp_get_user", in(harbourline, "userId", upn)); a.v["userPrincipalName"] != upn {
			t.Errorf("%s: %s", upn, a.text)
		}
		w.must("cipp_disable_user", in(harbourline, "userId", upn, "dryRun", true))
	}
	for _, search := range []string{"O'Brien", `Priya "PJ"`, "Sales/Ops", "Jürgen", "100% & more?"} {
		w.must("cipp_list_users", in(harbourline, "search", search))
	}
}

func TestTenantsThatCannotBeReached(t *testing.T) {
	for name, c := range map[string]struct {
		partner      bool
		tenant, user string
		codes        []string
	}{
		"GDAP expired":    {true, "oakhurst-dental.example", "samir.nasser@oakhurst-dental.example", []string{"gdap_missing"}},
		"consent missing": {false, "lakeview-vets.example", "milo.hart@lakeview-vets.example", []string{"not_consented"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{partner: c.partner})
			before := w.state()
			for _, tool := range []string{"cipp_disable_user", "cipp_bec_check", "cipp_get_user", "cipp_offboard_user"} {
				a := w.refused(c.codes[0], tool, in(c.tenant, "userId", c.user))
				if a.err["retryable"] != false {
					t.Errorf("%s", a.text)
				}
			}
			w.unharmed(before)
		})
	}
}

func TestAMissingRoleEndsInOneSentence(t *testing.T) {
	for tool, partner := range map[string]bool{"cipp_disable_user": true, "cipp_reset_password": false} {
		w := newWorld(t, worldOptions{partner: partner})
		before := w.state()
		a := w.call(tool, in("northgate-shelter.example", "userId", "ivo.petrov@northgate-shelter.example"))
		switch {
		case a.err != nil && (a.err["code"] == "role_missing" || a.err["code"] == "permission_missing"):
		case a.v["status"] == "failed" && strings.Contains(a.text, "role"):
		default:
			t.Errorf("%s: %s", tool, a.text)
		}
		w.unharmed(before)
	}
}

func TestSyncedUsersAreLeftToTheDirectory(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	a := w.must("cipp_edit_user", in(harbourline, "userId", ingrid, "jobTitle", "x"))
	if a.v["status"] != "blocked" || !strings.Contains(a.text, "Active Directory") {
		t.Errorf("%s", a.text)
	}
	w.unharmed(before)
	w.done("cipp_edit_user", in(harbourline, "userId", ingrid, "usageLocation", "IE"))
	if d := w.must("cipp_disable_user", in(harbourline, "userId", ingrid, "dryRun", true)); !strings.Contains(d.text, "next synchronisation") {
		t.Errorf("%s", d.text)
	}
}

func TestAUserWithoutAMailbox(t *testing.T) {
	const scanner = "$scanner@harbourline.example"
	w := newWorld(t, worldOptions{})
	a := w.must("cipp_offboard_user", in(harbourline, "userId", scanner, "convertToShared", true, "removeLicenses", true, "outOfOfficeMessage", "gone", "dryRun", true))
	if a.v["status"] != "planned" || !strings.Contains(a.text, "there is no mailbox") {
		t.Errorf("%s", a.text)
	}
	w.refused("no_mailbox", "cipp_list_mailbox_permissions", in(harbourline, "userId", scanner))
}

func TestAThrottledTenant(t *testing.T) {
	w := newWorld(t, worldOptions{flags: cloudFlags{clock: "2026-03-12T15:00:00Z,frozen"}})
	w.faults(fault(m{"service": "graph", "path": "/users*"}, m{"status": 429, "retryAfter": 2}, 2))
	w.must("cipp_list_users", in(harbourline))
	w.faults(fault(m{"service": "graph", "path": "/users*"}, m{"status": 429, "retryAfter": 7}, 1000))
	a := w.refused("throttled", "cipp_list_users", in(harbourline))
	if a.err["retryable"] != true || a.err["retryAfterSeconds"] != 7.0 {
		t.Errorf("%s", a.text)
	}
}

func TestAnExpiredSecret(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	w.faults(fault(m{"service": "signin", "path": "/*/oauth2/v2.0/token"}, m{"status": 401, "code": "AADSTS7000222", "message": "AADSTS7000222: The provided client secret keys for app are expired."}, 1000))
	a := w.refused("credential_expired", "cipp_disable_user", in(harbourline, "userId", priya))
	if strings.Contains(a.text, w.sandbox.Client().Auth.ClientSecret) {
		t.Error("the secret is shown")
	}
	w.unharmed(before)
}

// When the conversion fails, the licence stays: taking it would lose the mailbox.
func TestNoConversionNoLicenceRemoval(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.faults(fault(m{"cmdlet": "Set-Mailbox", "parameters": m{"Type": "Shared"}}, m{"status": 400, "code": "BadRequest", "message": "the mailbox cannot be converted now"}, 1000))
	a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "convertToShared", true, "removeLicenses", true))
	if a.v["status"] != "attention" || !strings.Contains(a.text, "skipped remove-licenses") {
		t.Errorf("%s", a.text)
	}
	if u := w.must("cipp_get_user", in(harbourline, "userId", dana)); strings.Contains(u.text, "licences: none") {
		t.Errorf("the licence is gone: %s", u.text)
	}
}
