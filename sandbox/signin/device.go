package signin

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"cipp-mcp/sandbox/cloud"

	"github.com/golang-jwt/jwt/v5"
)

// DevicePage is where a person types the code in. Microsoft's own page ends there, too.
const DevicePage = "/common/oauth2/deviceauth"

const (
	deviceGrant      = "urn:ietf:params:oauth:grant-type:device_code"
	deviceGrantShort = "device_code"
	deviceLifetime   = 15 * time.Minute
	deviceInterval   = 5 * time.Second
	readable         = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
)

// deviceSignIn is a sign-in that a person finishes on another device.
type deviceSignIn struct {
	code, userCode, appID, scope string
	tenant                       *cloud.Tenant
	ends                         time.Time
	user                         *cloud.PartnerUser // who signed in; nil: nobody yet
	declined, spent              bool
}

// Reset forgets the sign-ins that were begun.
func (s *Service) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.devices = nil
}

// deviceCode begins a sign-in on another device.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
func (s *Service) deviceCode(w http.ResponseWriter, r *http.Request, tenant string) {
	if err := r.ParseForm(); err != nil {
		s.refuse(w, r, failure{9002313, "invalid_request", http.StatusBadRequest, "Invalid request. Request is malformed or invalid."})
		return
	}
	t := s.cloud.Tenant(tenant)
	if t == nil && slices.Contains([]string{"common", "organizations"}, strings.ToLower(tenant)) {
		t = s.cloud.Tenant(s.cloud.Partner().TenantID) // the tenant follows from who signs in, and only the partner's people do
	}
	if t == nil {
		s.refuse(w, r, unknownTenant(tenant))
		return
	}
	id := r.PostForm.Get("client_id")
	if id == "" {
		s.refuse(w, r, missing("client_id"))
		return
	}
	app := s.cloud.Partner().Application(id)
	if app == nil {
		s.refuse(w, r, notInDirectory(id, t))
		return
	}
	if _, _, fail := resource(r.PostForm, true); fail != nil {
		s.refuse(w, r, *fail)
		return
	}
	d := &deviceSignIn{code: s.cloud.IDs.Text(96, readable+strings.ToLower(readable)), userCode: s.cloud.IDs.Text(9, readable), appID: app.AppID,
		scope: r.PostForm.Get("scope"), tenant: t, ends: s.cloud.Now().Add(deviceLifetime)}
	s.mu.Lock()
	s.devices = append(s.devices, d)
	s.mu.Unlock()
	page := base(r) + DevicePage
	reply(w, http.StatusOK, map[string]any{"device_code": d.code, "user_code": d.userCode, "verification_uri": page,
		"expires_in": int(deviceLifetime / time.Second), "interval": int(deviceInterval / time.Second),
		"message": fmt.Sprintf("To sign in, use a web browser to open the page %s and enter the code %s to authenticate.", page, d.userCode)})
}

// find is the sign-in for which match holds. The lock is the caller's.
func (s *Service) find(match func(*deviceSignIn) bool) *deviceSignIn {
	if i := slices.IndexFunc(s.devices, match); i >= 0 {
		return s.devices[i]
	}
	return nil
}

func (s *Service) scopeOfDevice(code string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.find(func(d *deviceSignIn) bool { return d.code == code }); d != nil {
		return d.scope
	}
	return Graph + "/.default" // of a code that nobody knows; that is what is refused then
}

// byDevice answers a client that asks whether the person has signed in.
func (s *Service) byDevice(app *cloud.Application, t *cloud.Tenant, audience string, single []string, f url.Values) (jwt.MapClaims, string, *failure) {
	code := f.Get("device_code")
	if code == "" {
		return nil, "", ptr(missing("device_code"))
	}
	refusal := func(number int, kind, text string) (jwt.MapClaims, string, *failure) {
		return nil, "", &failure{number, kind, http.StatusBadRequest, text}
	}
	s.mu.Lock()
	d := s.find(func(d *deviceSignIn) bool { return d.code == code && d.appID == app.AppID && d.tenant == t })
	var user *cloud.PartnerUser
	var declined, spent, ended bool
	if d != nil {
		user, declined, spent, ended = d.user, d.declined, d.spent, !s.cloud.Now().Before(d.ends)
		d.spent = d.spent || user != nil && !ended
	}
	s.mu.Unlock()
	switch {
	case d == nil:
		return refusal(70018, "bad_verification_code", "Invalid verification code.")
	case ended:
		return refusal(70020, "expired_token", "The provided value for the input parameter 'device_code' is not valid. This device code has expired.")
	case declined: // the name is documented, its number is not: this is the one of a consent that was declined
		return refusal(65004, "authorization_declined", "The end user denied the authorization request.")
	case user == nil:
		return refusal(70016, "authorization_pending", "OAuth 2.0 device flow error. Authorization is pending. Continue polling.")
	case spent:
		return refusal(54005, "invalid_grant", "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.")
	}
	return s.inNameOf(user, deviceToken(*user), app, t, audience, single)
}

// withoutSecret says whether a public client may make this request: with a code a person confirmed, or with a
// refresh token that came of one. The partner's own refresh token was given to a client with a secret.
func (s *Service) withoutSecret(f url.Values) bool {
	switch f.Get("grant_type") {
	case deviceGrant:
		return true
	case "refresh_token":
		user, from := s.holder(f.Get("refresh_token"))
		return user != nil && from == deviceToken(*user)
	}
	return false
}

// deviceToken is what refresh tokens of a user's device sign-ins are made of. By itself it is none.
func deviceToken(u cloud.PartnerUser) string {
	return "device." + cloud.DerivedID(u.ID, "deviceRefreshToken")
}

// identity adds who signed in, where the client asked for it: an ID token, and the account's ids.
// https://learn.microsoft.com/entra/identity-platform/id-tokens
func (s *Service) identity(body map[string]any, f url.Values, t *cloud.Tenant, r *http.Request, claims jwt.MapClaims) error {
	if !slices.Contains(strings.Fields(f.Get("scope")), "openid") {
		return nil
	}
	now := s.cloud.Now()
	tok := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"aud": f.Get("client_id"), "iss": base(r) + "/" + t.ID + "/v2.0", "iat": now.Unix(), "nbf": now.Unix(),
		"exp": now.Add(Lifetime).Unix(), "oid": claims["oid"], "sub": claims["oid"], "tid": t.ID, "ver": "2.0", "name": claims["name"], "preferred_username": claims["upn"]})
	key := s.signingKey()
	tok.Header["kid"] = s.kid
	signed, err := tok.SignedString(key)
	if err != nil {
		return err
	}
	body["id_token"] = signed
	scope, _ := body["scope"].(string)
	body["scope"] = scope + " openid profile offline_access"
	if f.Get("client_info") != "1" {
		return nil
	}
	info, err := json.Marshal(map[string]any{"uid": claims["oid"], "utid": s.cloud.Partner().TenantID})
	if err != nil {
		return err
	}
	body["client_info"] = base64.RawURLEncoding.EncodeToString(info)
	return nil
}

// ServeDevicePage is the page on which a person finishes the sign-in. Nobody has a password here: the form says who
// it is (login, the first of the partner's users where it is empty) and whether it is allowed.
func (s *Service) ServeDevicePage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	say := func(status int, text string) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<!doctype html>"+text) // a person who closed the window is gone
	}
	users := s.cloud.Partner().Users
	if r.Method != http.MethodPost {
		var who strings.Builder
		for _, u := range users {
			fmt.Fprintf(&who, "<option>%s</option>", html.EscapeString(u.UserPrincipalName))
		}
		say(http.StatusOK, fmt.Sprintf(`<title>Sign in to the sandbox</title><form method="post"><p>Code <input name="otc" autofocus></p><p>Who <select name="login">%s</select></p>`+
			`<p><button name="action" value="allow">Continue</button> <button name="action" value="deny">Cancel</button></p></form>`, who.String()))
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<12)
	i := slices.IndexFunc(users, func(u cloud.PartnerUser) bool {
		return r.PostFormValue("login") == "" || strings.EqualFold(u.UserPrincipalName, r.PostFormValue("login"))
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.find(func(d *deviceSignIn) bool {
		return strings.EqualFold(d.userCode, strings.TrimSpace(r.PostFormValue("otc"))) && d.user == nil && !d.declined && s.cloud.Now().Before(d.ends)
	})
	switch {
	case d == nil:
		say(http.StatusBadRequest, "<p>That code didn't work. Check the code and try again.</p>")
	case i < 0:
		say(http.StatusBadRequest, "<p>This username may be incorrect.</p>")
	case r.PostFormValue("action") == "deny":
		d.declined = true
		say(http.StatusOK, "<p>You have cancelled the sign-in. You may close this window.</p>")
	default:
		d.user = &users[i]
		say(http.StatusOK, "<p>You have signed in to the application on your device. You may now close this window.</p>")
	}
}
