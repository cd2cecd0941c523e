package sandbox

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// begun is a device sign-in of the partner's own tenant.
func (t *tester) begun() (deviceCode, userCode, page string) {
	t.Helper()
	a := t.send("POST", "/partner.example/oauth2/v2.0/devicecode", "", url.Values{"client_id": {appID}, "scope": {graphScope + " openid profile offline_access"}})
	deviceCode, _ = a.body["device_code"].(string)
	userCode, _ = a.body["user_code"].(string)
	page, _ = a.body["verification_uri"].(string)
	message, _ := a.body["message"].(string)
	if a.status != 200 || a.body["expires_in"] != 900.0 || a.body["interval"] != 5.0 || len(userCode) != 9 || !strings.Contains(message, page) || !strings.Contains(message, userCode) {
		t.Fatal(a.raw)
	}
	return deviceCode, userCode, page
}

func (t *tester) poll(deviceCode string, set ...string) answer {
	t.Helper()
	f := url.Values{"client_id": {appID}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {deviceCode}, "client_info": {"1"}}
	for i := 0; i < len(set); i += 2 {
		f.Set(set[i], set[i+1])
	}
	return t.send("POST", "/partner.example/oauth2/v2.0/token", "", f)
}

func (t *tester) refusedBecause(a answer, kind, code string) {
	t.Helper()
	text, _ := a.body["error_description"].(string)
	if a.status != 400 && a.status != 401 || a.body["error"] != kind || !strings.HasPrefix(text, "AADSTS"+code+":") {
		t.Errorf("want %s %s: %s", kind, code, a.raw)
	}
}

func TestDeviceSignIn(t *testing.T) {
	x := small(t)
	device, user, page := x.begun()
	x.refusedBecause(x.poll(device), "authorization_pending", "70016")
	x.refusedBecause(x.poll("nonsense"), "bad_verification_code", "70018")
	x.refusedBecause(x.poll(""), "invalid_request", "900144")
	x.refusedBecause(x.poll(device, "client_id", "aaaaaaaa-0000-4000-8000-00000000beef"), "unauthorized_client", "700016")
	if a := x.send("GET", page, "", nil); a.status != 200 || !strings.Contains(a.raw, "admin@partner.example") {
		t.Error(a.raw)
	}
	for _, wrong := range []url.Values{{"otc": {"WRONGCODE"}}, {"otc": {user}, "login": {"nobody@partner.example"}}} {
		if a := x.send("POST", page, "", wrong); a.status != 400 {
			t.Error(a.raw)
		}
	}
	x.refusedBecause(x.poll(device), "authorization_pending", "70016")
	if a := x.send("POST", page, "", url.Values{"otc": {strings.ToLower(user)}, "login": {"admin@partner.example"}, "action": {"allow"}}); a.status != 200 {
		t.Fatal(a.raw)
	}
	got := x.poll(device, "grant_type", "device_code") // as Microsoft's libraries write it
	refresh, _ := got.body["refresh_token"].(string)
	if got.status != 200 || refresh == "" || got.body["id_token"] == nil || got.body["client_info"] == nil {
		t.Fatal(got.raw)
	}
	x.refusedBecause(x.poll(device), "invalid_grant", "54005")

	// The refresh token needs no secret; the one that was given to a client with a secret does.
	f := url.Values{"client_id": {appID}, "grant_type": {"refresh_token"}, "refresh_token": {refresh}, "scope": {graphScope}}
	a := x.send("POST", "/contoso.com/oauth2/v2.0/token", "", f)
	token, _ := a.body["access_token"].(string)
	if a.status != 200 {
		t.Fatal(a.raw)
	}
	x.refusedBecause(x.send("POST", "/stranger.example/oauth2/v2.0/token", "", f), "invalid_grant", "65001")
	f.Set("refresh_token", "refresh-1")
	x.refusedBecause(x.send("POST", "/contoso.com/oauth2/v2.0/token", "", f), "invalid_client", "7000218")
	for _, made := range []string{"device.", strings.SplitN(refresh, "~", 2)[0], refresh + "x"} {
		f.Set("refresh_token", made)
		if a := x.send("POST", "/contoso.com/oauth2/v2.0/token", "", f); a.status < 400 {
			t.Errorf("a made-up refresh token is accepted: %s", made)
		}
	}

	// A person sees no other person's calendar, which an application may.
	at := "/v1.0/users/anna@contoso.com/calendarView?startDateTime=2026-03-12T00:00:00Z&endDateTime=2026-03-13T00:00:00Z"
	if a := x.send("GET", at, token, nil); a.status != 403 || a.code() != "ErrorAccessDenied" {
		t.Error(a.raw)
	}
	if len(x.s.Unknown()) != 0 {
		t.Error(x.s.Unknown())
	}
}

func TestDeviceSignInEndsWithout(t *testing.T) {
	x := small(t)
	device, user, page := x.begun()
	if a := x.send("POST", page, "", url.Values{"otc": {user}, "action": {"deny"}}); a.status != 200 {
		t.Fatal(a.raw)
	}
	x.refusedBecause(x.poll(device), "authorization_declined", "65004")
	device, user, _ = x.begun()
	x.s.Advance(15 * time.Minute)
	x.refusedBecause(x.poll(device), "expired_token", "70020")
	if a := x.send("POST", page, "", url.Values{"otc": {user}, "action": {"allow"}}); a.status != 400 {
		t.Error("an expired code was taken", a.raw)
	}
	for _, c := range []struct{ tenant, id, scope, kind, code string }{
		{"nobody.example", appID, graphScope, "invalid_request", "90002"},
		{"partner.example", "", graphScope, "invalid_request", "900144"},
		{"partner.example", appID, "", "invalid_request", "900144"},
		{"partner.example", "aaaaaaaa-0000-4000-8000-00000000beef", graphScope, "unauthorized_client", "700016"},
		{"partner.example", appID, "https://nowhere.example/.default", "invalid_resource", "500011"},
	} {
		x.refusedBecause(x.send("POST", "/"+c.tenant+"/oauth2/v2.0/devicecode", "", url.Values{"client_id": {c.id}, "scope": {c.scope}}), c.kind, c.code)
	}
	if err := x.s.Reset(); err != nil {
		t.Fatal(err)
	}
	x.refusedBecause(x.poll(device), "bad_verification_code", "70018") // forgotten
	closed := small(t)
	closed.s.cloud.Partner().Applications[0].PublicClient = false
	device, _, _ = closed.begun()
	closed.refusedBecause(closed.poll(device), "invalid_client", "7000218")
}
