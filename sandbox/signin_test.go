package sandbox

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cipp-mcp/sandbox/cloud"

	"github.com/golang-jwt/jwt/v5"
)

func TestDiscovery(t *testing.T) {
	x := small(t)
	a := x.send("GET", "/common/discovery/instance?api-version=1.1&authorization_endpoint="+url.QueryEscape(x.s.URL()+"/contoso.com/oauth2/v2.0/authorize"), "", nil)
	if s, _ := a.body["tenant_discovery_endpoint"].(string); !strings.HasSuffix(s, "/contoso.com/v2.0/.well-known/openid-configuration") {
		t.Error(a.raw)
	}
	for _, domain := range []string{"contoso.com", "CONTOSO.onmicrosoft.com", contosoID} {
		a = x.send("GET", "/"+domain+"/v2.0/.well-known/openid-configuration", "", nil)
		if s, _ := a.body["issuer"].(string); a.status != 200 || !strings.HasSuffix(s, "/"+contosoID+"/v2.0") {
			t.Error(domain, a.raw)
		}
	}
	for name, code := range map[string]string{"new.example": "AADSTS90002", "nobody.example": "AADSTS90002", "no%20domain": "AADSTS900023"} {
		a = x.send("GET", "/"+name+"/v2.0/.well-known/openid-configuration", "", nil)
		if a.status != 400 || !strings.Contains(a.raw, code) {
			t.Error(name, a.raw)
		}
	}
	if len(x.s.Unknown()) != 0 {
		t.Error(x.s.Unknown())
	}
}

func TestTokenSaysWhoAndWhat(t *testing.T) {
	x := small(t)
	a := x.token("contoso.com", false, graphScope)
	parts := strings.Split(a.body["access_token"].(string), ".")
	var header, claims map[string]any
	for i, into := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(text, into) != nil {
			t.Fatal(parts[i])
		}
	}
	exp := x.s.Now().Add(time.Hour).Unix()
	if claims["tid"] != contosoID || claims["aud"] != "https://graph.microsoft.com" || claims["appid"] != appID || claims["idtyp"] != "app" || int64(claims["exp"].(float64)) != exp || len(claims["roles"].([]any)) != len(allRoles) || len(claims["wids"].([]any)) != 2 {
		t.Error(claims)
	}
	// Anybody can check the signature with the published key.
	keys := x.send("GET", "/common/discovery/v2.0/keys", "", nil).body["keys"].([]any)[0].(map[string]any)
	if keys["kid"] != header["kid"] {
		t.Error(keys, header)
	}
	n, _ := base64.RawURLEncoding.DecodeString(keys["n"].(string))
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	sig, _ := base64.RawURLEncoding.DecodeString(parts[2])
	if err := rsa.VerifyPKCS1v15(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}, crypto.SHA256, sum[:], sig); err != nil {
		t.Error(err)
	}
	d := x.token("contoso.com", true, graphScope+" offline_access")
	if d.status != 200 || d.body["refresh_token"] == "" || !strings.Contains(d.body["scope"].(string), "/User.ReadWrite.All") {
		t.Error(d.raw)
	}
	// The new refresh token is good as well.
	c := x.s.Client().Auth
	again := x.send("POST", "/contoso.com/oauth2/v2.0/token", "", url.Values{"client_id": {c.ClientID}, "client_secret": {c.ClientSecret}, "scope": {graphScope}, "grant_type": {"refresh_token"}, "refresh_token": {d.body["refresh_token"].(string)}, "claims": {"{}"}, "x-client-SKU": {"x"}})
	if again.status != 200 {
		t.Error(again.raw)
	}
	v1 := x.send("POST", "/contoso.com/oauth2/token", "", url.Values{"client_id": {c.ClientID}, "client_secret": {c.ClientSecret}, "resource": {"https://graph.microsoft.com"}, "grant_type": {"client_credentials"}})
	if _, ok := v1.body["expires_on"].(string); v1.status != 200 || !ok {
		t.Error(v1.raw)
	}
}

func TestSignInIsRefused(t *testing.T) {
	x := small(t)
	good := func() url.Values {
		return url.Values{"client_id": {appID}, "client_secret": {"s~+/e cret"}, "scope": {graphScope}, "grant_type": {"client_credentials"}}
	}
	for name, c := range map[string]struct {
		tenant, set, to string
		status          int
		kind, code      string
	}{
		"unknown tenant":   {"nobody.example", "", "", 400, "invalid_request", "90002"},
		"no tenant":        {"common", "", "", 400, "invalid_request", "50059"},
		"wrong secret":     {"contoso.com", "client_secret", "s~+/e", 401, "invalid_client", "7000215"},
		"no secret":        {"contoso.com", "client_secret", "", 401, "invalid_client", "7000218"},
		"unknown app":      {"contoso.com", "client_id", "aaaaaaaa-0000-4000-8000-00000000beef", 400, "unauthorized_client", "700016"},
		"no consent":       {"stranger.example", "", "", 400, "unauthorized_client", "700016"},
		"no scope":         {"contoso.com", "scope", "", 400, "invalid_request", "900144"},
		"no grant type":    {"contoso.com", "grant_type", "", 400, "invalid_request", "900144"},
		"unknown resource": {"contoso.com", "scope", "https://nowhere.example/.default", 400, "invalid_resource", "500011"},
		"single scope":     {"contoso.com", "scope", "https://graph.microsoft.com/User.Read.All", 400, "invalid_scope", "1002012"},
		"grant type":       {"contoso.com", "grant_type", "password", 400, "unsupported_grant_type", "70003"},
		"no refresh token": {"contoso.com", "grant_type", "refresh_token", 400, "invalid_request", "900144"},
	} {
		f := good()
		if c.set != "" {
			f.Set(c.set, c.to)
		}
		a := x.send("POST", "/"+c.tenant+"/oauth2/v2.0/token", "", f)
		text, _ := a.body["error_description"].(string)
		if a.status != c.status || a.body["error"] != c.kind || !strings.HasPrefix(text, "AADSTS"+c.code+":") || a.body["trace_id"] == nil || a.body["timestamp"] == nil {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
}

// Consent and delegated administration are two things, and fail apart.
func TestDelegatedSignInFollowsTheRelationship(t *testing.T) {
	x := small(t)
	for tenant, code := range map[string]string{"contoso.com": "", "broken.example": "AADSTS50020", "stranger.example": "AADSTS65001"} {
		a := x.token(tenant, true, graphScope)
		if (code == "") != (a.status == 200) || !strings.Contains(a.raw, code) {
			t.Errorf("%s: %s", tenant, a.raw)
		}
	}
	if a := x.token("broken.example", false, graphScope); a.status != 200 {
		t.Error("an application's access does not follow the relationship", a.raw)
	}
	var free obj
	_ = json.Unmarshal(testState(t), &free)
	delete(free["partner"].(obj)["users"].([]any)[0].(obj), "gdapGroups")
	open, _ := json.Marshal(free)
	if a := start(t, Options{State: open}).token("contoso.com", true, graphScope); a.status != 200 {
		t.Error("a state that names no groups lets its users in", a.raw)
	}
	f := url.Values{"client_id": {appID}, "client_secret": {"s~+/e cret"}, "scope": {graphScope}, "grant_type": {"refresh_token"}, "refresh_token": {"refresh-1~x~y"}}
	if a := x.send("POST", "/contoso.com/oauth2/v2.0/token", "", f); a.status != 400 {
		t.Error("a made-up refresh token is accepted", a.raw)
	}
	for name, change := range map[string]struct {
		key   string
		value any
		code  string
	}{"revoked": {"revoked", true, "AADSTS50173"}, "no second factor": {"mfa", false, "AADSTS50076"}, "in no group": {"gdapGroups", []any{}, "AADSTS50020"}} {
		var state obj
		_ = json.Unmarshal(testState(t), &state)
		state["partner"].(obj)["users"].([]any)[0].(obj)[change.key] = change.value
		text, _ := json.Marshal(state)
		y := start(t, Options{State: text})
		if a := y.token("contoso.com", true, graphScope); a.status != 400 || !strings.Contains(a.raw, change.code) {
			t.Error(name, a.raw)
		}
	}
}

func TestExpiredSecretAndToken(t *testing.T) {
	var state obj
	_ = json.Unmarshal(testState(t), &state)
	state["partner"].(obj)["applications"].([]any)[0].(obj)["secretEndDateTime"] = "$now+1h"
	text, _ := json.Marshal(state)
	x := start(t, Options{State: text})
	tok := x.token("contoso.com", false, graphScope).body["access_token"].(string)
	if a := x.send("GET", "/v1.0/users", tok, nil); a.status != 200 {
		t.Fatal(a.raw)
	}
	x.s.Advance(2 * time.Hour)
	a := x.send("GET", "/v1.0/users", tok, nil)
	x.want(a, 401, "InvalidAuthenticationToken")
	if a.header.Get("WWW-Authenticate") == "" {
		t.Error("a 401 says how to sign in")
	}
	if a := x.token("contoso.com", false, graphScope); a.status != 401 || !strings.Contains(a.raw, "AADSTS7000222") {
		t.Error(a.raw)
	}
}

func TestGraphWantsItsToken(t *testing.T) {
	x := small(t)
	x.want(x.send("GET", "/v1.0/users", "", nil), 401, "InvalidAuthenticationToken")
	x.want(x.send("GET", "/v1.0/users", "abc", nil), 401, "InvalidAuthenticationToken")
	exchange := x.token("contoso.com", false, "https://outlook.office365.com/.default").body["access_token"].(string)
	x.want(x.send("GET", "/v1.0/users", exchange, nil), 401, "InvalidAuthenticationToken")
	graphToken := x.token("contoso.com", false, graphScope).body["access_token"].(string)
	forged := graphToken[:len(graphToken)-8] + "AAAAAAAA"
	x.want(x.send("GET", "/v1.0/users", forged, nil), 401, "InvalidAuthenticationToken")
	other := small(t).token("contoso.com", false, graphScope).body["access_token"].(string)
	x.want(x.send("GET", "/v1.0/users", other, nil), 401, "InvalidAuthenticationToken")
	// A token of one tenant sees that tenant only.
	if a := x.as("basic.example", "GET", "/users/"+ann, nil); a.status != 404 {
		t.Error(a.raw)
	}
}

func TestCertificateAssertion(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	var state obj
	_ = json.Unmarshal(testState(t), &state)
	state["partner"].(obj)["applications"].([]any)[0].(obj)["certificates"] = []any{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
	text, _ := json.Marshal(state)
	x := start(t, Options{State: text})
	stranger, _ := rsa.GenerateKey(rand.Reader, 2048)
	one, two := sha1.Sum(der), sha256.Sum256(der)
	for name, c := range map[string]struct {
		method jwt.SigningMethod
		header string
		thumb  []byte
		key    *rsa.PrivateKey
		aud    string
		exp    time.Duration
		iss    string
		code   string
	}{
		"RS256, SHA-1 thumbprint":   {jwt.SigningMethodRS256, "x5t", one[:], key, "", time.Minute, appID, ""},
		"PS256, SHA-256 thumbprint": {jwt.SigningMethodPS256, "x5t#S256", two[:], key, "", time.Minute, appID, ""},
		"Microsoft's audience":      {jwt.SigningMethodPS256, "x5t#S256", two[:], key, "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token", time.Minute, appID, ""},
		"another key":               {jwt.SigningMethodRS256, "x5t", one[:], stranger, "", time.Minute, appID, "AADSTS700027"},
		"unknown certificate":       {jwt.SigningMethodRS256, "x5t", two[:20], key, "", time.Minute, appID, "AADSTS700027"},
		"another tenant's endpoint": {jwt.SigningMethodRS256, "x5t", one[:], key, "https://login.microsoftonline.com/basic.example/oauth2/v2.0/token", time.Minute, appID, "AADSTS700023"},
		"expired":                   {jwt.SigningMethodRS256, "x5t", one[:], key, "", -time.Hour, appID, "AADSTS700024"},
		"another application":       {jwt.SigningMethodRS256, "x5t", one[:], key, "", time.Minute, spID, "AADSTS700021"},
	} {
		aud := c.aud
		if aud == "" {
			aud = x.s.URL() + "/contoso.com/oauth2/v2.0/token"
		}
		tok := jwt.NewWithClaims(c.method, jwt.MapClaims{"iss": c.iss, "sub": c.iss, "aud": aud, "jti": cloud.DerivedID(name), "nbf": x.s.Now().Add(c.exp - time.Hour).Unix(), "exp": x.s.Now().Add(c.exp).Unix()})
		tok.Header[c.header] = base64.RawURLEncoding.EncodeToString(c.thumb)
		signed, err := tok.SignedString(c.key)
		if err != nil {
			t.Fatal(err)
		}
		a := x.send("POST", "/contoso.com/oauth2/v2.0/token", "", url.Values{"client_id": {appID}, "scope": {graphScope}, "grant_type": {"client_credentials"},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {signed}})
		if (c.code == "") != (a.status == http.StatusOK) || !strings.Contains(a.raw, c.code) {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
}
