package main

import (
	"strings"
	"testing"
)

const (
	noorsOATH = "412d993e-ca76-460d-8974-5c8bcd2a2c68"
	anna      = "anna_vendor-supplies.example#EXT#@harbourlinefreight.onmicrosoft.com"
	mobileID  = "3179e48a-750b-4051-897c-87b9720928f7"
)

var securityCapabilities = map[string]capability{
	"S4": {
		what: "gives a user a Temporary Access Pass, sealed, where the tenant's policy allows it", tool: "cipp_create_tap",
		does: func(w *world) {
			a := w.done("cipp_create_tap", in(harbourline, "userId", dana, "usableOnce", true, "lifetimeMinutes", 90, "startAt", "2026-03-12T18:00:00Z"))
			if len(a.list("secrets")) != 1 || strings.Contains(a.text, w.reveal(a.list("secrets")[0]["handle"].(string))) {
				w.t.Error(a.text)
			}
			for _, want := range []string{`"lifetimeInMinutes":90`, `"isUsableOnce":true`, `"startDateTime":"2026-03-12T18:00:00Z"`} {
				w.stands(ofUser(dana, "authentication/methods", part(want)))
			}
		},
		changes: []string{dana + "/authentication/methods"},
		fails:   func(w *world) { w.blocked("guest", "cipp_create_tap", in(harbourline, "userId", anna)) },
	},
	"S5": {
		what: "has a user register MFA again, and warns where nothing in the tenant will ask for it", tool: "cipp_reset_mfa",
		does: func(w *world) {
			a := w.done("cipp_reset_mfa", in("oakhurst-dental.example", "userId", "samir.nasser@oakhurst-dental.example"))
			if !strings.Contains(a.text, "may sign in with the password alone") {
				w.t.Errorf("nobody asks for MFA there, and nobody says so: %s", a.text)
			}
			samir := in("oakhurst-dental.example", "userId", "samir.nasser@oakhurst-dental.example")
			w.done("cipp_set_user_mfa", and(samir, "state", "enabled"))
			w.done("cipp_add_mfa_phone", and(samir, "phoneNumber", "+44 7700900188"))
			if a = w.must("cipp_reset_mfa", and(samir, "dryRun", true)); strings.Contains(a.text, "may sign in with the password alone") {
				w.t.Errorf("the legacy state asks: %s", a.text)
			}
		},
		changes: []string{"/authentication/"},
		fails: func(w *world) {
			w.refused("user_not_found", "cipp_reset_mfa", in(harbourline, "userId", "nobody@"+harbourline))
		},
	},
	"S6": {
		what: "removes all of a user's methods, the default last", tool: "cipp_reset_mfa",
		does: func(w *world) {
			w.done("cipp_set_user_mfa", in(harbourline, "userId", dana, "defaultMethod", "push"))
			w.mark()
			a := w.done("cipp_reset_mfa", in(harbourline, "userId", dana))
			if steps := a.list("steps"); len(steps) != 2 || !strings.Contains(steps[1]["step"].(string), "microsoftAuthenticator") {
				w.t.Error(a.text)
			}
		},
		changes: []string{dana + "/authentication/"},
		fails:   func(w *world) { w.held("cipp_reset_mfa", in(harbourline, "userId", admin)) },
	},
	"S7": {
		what: "sends a test push to a user's authenticator, where the operator has switched it on", tool: "cipp_send_mfa_push",
		world: worldOptions{config: "mfaPush: {enabled: true, maxPerHour: 1}\n"},
		does: func(w *world) {
			w.done("cipp_send_mfa_push", in(harbourline, "userId", dana))
			w.blocked("mfaPush.maxPerHour", "cipp_send_mfa_push", in(harbourline, "userId", dana))
			if strings.Contains(string(w.state()), "cipp-mcp push") {
				w.t.Error("the temporary secret is still there")
			}
		},
		changes: []string{"/servicePrincipals/"},
		fails: func(w *world) {
			w.blocked("no Microsoft Authenticator", "cipp_send_mfa_push", in(harbourline, "userId", lewis))
		},
	},
	"S8": {
		what: "sets a user's legacy MFA state", tool: "cipp_set_user_mfa",
		does: func(w *world) {
			for _, state := range []string{"enabled", "disabled", "Enforced"} {
				w.done("cipp_set_user_mfa", in(harbourline, "userId", dana, "state", state))
				w.stands(ofUser(dana, "authentication/requirements/perUserMfaState", strings.ToLower(state)))
			}
			job := w.done("cipp_set_user_mfa", in(harbourline, "userId", stefan, "state", "enabled")).v["jobId"]
			w.done("cipp_undo_job", m{"jobId": job})
		},
		changes: []string{dana + "/authentication/requirements"},
		fails: func(w *world) {
			w.invalid("state or defaultMethod", "cipp_set_user_mfa", in(harbourline, "userId", dana))
		},
	},
	"S9": {
		what: "sets a user's default MFA method, and says when it does not count", tool: "cipp_set_user_mfa",
		does: func(w *world) {
			a := w.done("cipp_set_user_mfa", in(harbourline, "userId", dana, "defaultMethod", "sms"))
			if !strings.Contains(a.text, "NPS extension") {
				w.t.Error(a.text)
			}
		},
		changes: []string{dana + "/authentication/signInPreferences"},
		leaves:  ofUser(dana, "authentication/signInPreferences/userPreferredMethodForSecondaryAuthentication", "sms"),
		fails: func(w *world) {
			w.blocked("has not registered an office phone", "cipp_set_user_mfa", in(harbourline, "userId", dana, "defaultMethod", "voiceOffice"))
		},
	},
	"S10": {
		what: "answers that methods are allowed to groups by the tenant's policy, and shows which", tool: "cipp_set_user_mfa",
		does: func(w *world) {
			w.invalid("cannot be set for one user", "cipp_set_user_mfa", in(harbourline, "userId", dana, "allowedMethods", []string{"push"}))
		},
		sure: "Microsoft has no such setting of one user; the refusal is the answer",
	},
	"M1": {
		what: "shows a user's telephones, masked", tool: "cipp_get_user",
		does: func(w *world) {
			a := w.must("cipp_get_user", in(harbourline, "userId", dana, "sections", "mfa"))
			if !strings.Contains(a.text, mobileID) || !strings.Contains(a.text, "+44 ••••••••04") || strings.Contains(a.text, "7700900104") {
				w.t.Error(a.text)
			}
		},
		fails: func(w *world) {
			w.refused("user_not_found", "cipp_get_user", in(harbourline, "userId", "nobody@"+harbourline, "sections", "mfa"))
		},
	},
	"M2": {
		what: "registers a mobile, alternate mobile or office telephone", tool: "cipp_add_mfa_phone",
		does: func(w *world) {
			a := w.done("cipp_add_mfa_phone", in(harbourline, "userId", noor, "phoneNumber", "+44 7700 900 199"))
			if strings.Contains(a.text, "7700900199") {
				w.t.Errorf("the number is shown: %s", a.text)
			}
			w.done("cipp_add_mfa_phone", in(harbourline, "userId", noor, "phoneNumber", "+44 7700900188", "phoneType", "alternateMobile"))
			job := w.done("cipp_add_mfa_phone", in(harbourline, "userId", noor, "phoneNumber", "+44 1632960001x12", "phoneType", "office")).v["jobId"]
			w.done("cipp_undo_job", m{"jobId": job})
			for _, want := range []string{`"phoneNumber":"+44 7700900199","phoneType":"mobile"`, `"phoneNumber":"+44 7700900188","phoneType":"alternateMobile"`} {
				w.stands(ofUser(noor, "authentication/methods", part(want)))
			}
			if again := w.must("cipp_add_mfa_phone", in(harbourline, "userId", noor, "phoneNumber", "+44 7700900199")); !strings.Contains(again.text, "it is so already") {
				w.t.Error(again.text)
			}
		},
		changes: []string{noor + "/authentication/methods"},
		fails: func(w *world) {
			w.blocked("no mobile telephone", "cipp_add_mfa_phone", in(harbourline, "userId", noor, "phoneNumber", "+44 7700900188", "phoneType", "alternateMobile"))
			w.blocked("has another mobile telephone, +44 ••••••••04", "cipp_add_mfa_phone", in(harbourline, "userId", dana, "phoneNumber", "+44 7700900188"))
			w.invalid("with a space between the two", "cipp_add_mfa_phone", in(harbourline, "userId", noor, "phoneNumber", "07700900188"))
			w.blocked("guest", "cipp_add_mfa_phone", in(harbourline, "userId", anna, "phoneNumber", "+44 7700900188"))
		},
	},
	"M3": {
		what: "shows a user's authenticators", tool: "cipp_get_user",
		does: func(w *world) {
			a := w.must("cipp_get_user", in(harbourline, "userId", noor, "sections", "mfa"))
			if !strings.Contains(a.text, "microsoftAuthenticator") || !strings.Contains(a.text, "iPhone") {
				w.t.Error(a.text)
			}
		},
		fails: func(w *world) {
			w.refused("user_not_found", "cipp_get_user", in(harbourline, "userId", "nobody@"+harbourline, "sections", "mfa"))
		},
	},
	"M4": {
		what: "removes single methods of a user", tool: "cipp_remove_mfa_method",
		does: func(w *world) {
			ids := []string{noorsOATH}
			methods, _ := w.shows(noor, []string{"mfa"}).v["mfa"].(map[string]any)
			rows, _ := methods["methods"].([]any)
			for _, r := range rows {
				if r := r.(map[string]any); r["type"] == "microsoftAuthenticator" {
					ids = append(ids, r["id"].(string))
				}
			}
			if len(ids) != 2 {
				w.t.Fatalf("%v", rows)
			}
			if a := w.done("cipp_remove_mfa_method", in(harbourline, "userId", noor, "methodIds", ids)); len(a.list("steps")) != 2 {
				w.t.Errorf("%s", a.text)
			}
			if a := w.shows(noor, []string{"mfa"}); strings.Contains(a.text, ids[0]) || strings.Contains(a.text, ids[1]) {
				w.t.Errorf("%s", a.text)
			}
		},
		changes: []string{noor + "/authentication/methods"},
		fails: func(w *world) {
			w.invalid("has no method", "cipp_remove_mfa_method", in(harbourline, "userId", noor, "methodIds", []string{mobileID}))
			w.invalid("password", "cipp_remove_mfa_method", in(harbourline, "userId", noor, "methodIds", []string{"28c10230-6103-485e-b985-444c60001490"}))
			w.done("cipp_set_user_mfa", in(harbourline, "userId", dana, "defaultMethod", "sms"))
			w.mark()
			w.blocked("only after all others", "cipp_remove_mfa_method", in(harbourline, "userId", dana, "methodIds", []string{mobileID}))
		},
	},
	"M5": {
		what: "reads anew with every call", tool: "cipp_get_user",
		does: func(w *world) {
			w.done("cipp_remove_mfa_method", in(harbourline, "userId", noor, "methodIds", []string{noorsOATH}))
			if a := w.must("cipp_get_user", in(harbourline, "userId", noor, "sections", "mfa")); strings.Contains(a.text, noorsOATH) {
				w.t.Error(a.text)
			}
		},
		changes: []string{noor + "/authentication/methods"},
		sure:    "nothing is kept that could be old",
	},
	"P7": {
		what: "sets whether a password expires, and leaves the other policies", tool: "cipp_set_password_expiration",
		at: func(t *testing.T) worldOptions {
			return story(t, func(g, _ m) { userOf(t, g, dana)["passwordPolicies"] = "DisableStrongPassword" })
		},
		leaves: ofUser(priya, "passwordPolicies", "DisablePasswordExpiration").with(ofUser(dana, "passwordPolicies", part("DisablePasswordExpiration"))),
		does: func(w *world) {
			w.done("cipp_set_password_expiration", in(harbourline, "userId", dana, "expires", false))
			w.stands(ofUser(dana, "passwordPolicies", part("DisableStrongPassword")))
			w.done("cipp_set_password_expiration", in(harbourline, "userId", dana, "expires", true))
			w.stands(ofUser(dana, "passwordPolicies", "DisableStrongPassword"))
			w.done("cipp_set_password_expiration", in(harbourline, "userId", dana, "expires", false))
			w.done("cipp_set_password_expiration", in(harbourline, "userId", priya, "expires", false))
			job := w.done("cipp_set_password_expiration", in(harbourline, "userId", priya, "expires", true)).v["jobId"]
			w.done("cipp_undo_job", m{"jobId": job})
			if a := w.must("cipp_set_password_expiration", in(harbourline, "userId", priya, "expires", false)); !strings.Contains(a.text, "it is so already") {
				w.t.Error(a.text)
			}
		},
		changes: []string{"/passwordPolicies"},
		fails: func(w *world) {
			w.blocked("guest", "cipp_set_password_expiration", in(harbourline, "userId", anna, "expires", false))
			w.invalid("expires or expireNow", "cipp_set_password_expiration", in(harbourline, "userId", dana))
		},
	},
	"P8": {
		what: "has a user choose another password at the next sign-in", tool: "cipp_set_password_expiration",
		does: func(w *world) {
			w.done("cipp_set_password_expiration", in(harbourline, "userId", dana, "expireNow", true))
			job := w.done("cipp_set_password_expiration", in(harbourline, "userId", priya, "expireNow", true)).v["jobId"]
			w.done("cipp_undo_job", m{"jobId": job})
		},
		changes: []string{"/passwordProfile"},
		leaves:  ofUser(dana, "passwordProfile/forceChangePasswordNextSignIn", true),
		fails: func(w *world) {
			w.blocked("Active Directory", "cipp_set_password_expiration", in(harbourline, "userId", ingrid, "expireNow", true))
		},
	},
}

// Nobody sends pushes whom the operator has not let, and the secret that one takes is seen nowhere.
func TestPushesAreOffByDefault(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.mark()
	w.blocked("mfaPush.enabled", "cipp_send_mfa_push", in(harbourline, "userId", dana))
	w.unharmed(w.marked)
	t.Run("on", func(t *testing.T) {
		w := newWorld(t, worldOptions{config: "mfaPush: {enabled: true}\n"})
		w.done("cipp_send_mfa_push", in(harbourline, "userId", dana))
		if strings.Contains(w.stateFiles(), "S8~") {
			t.Error("the secret lies in the state")
		}
	})
}

// The policy that decides is named with its group.
func TestAllowedMethodsNameTheGroup(t *testing.T) {
	w := newWorld(t, worldOptions{})
	a := w.invalid("MicrosoftAuthenticator for everybody", "cipp_set_user_mfa", in(harbourline, "userId", dana, "allowedMethods", []string{"push"}))
	if !strings.Contains(a.text, "authentication methods policy") {
		t.Error(a.text)
	}
}
