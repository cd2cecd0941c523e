package signin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"cipp-mcp/sandbox/cloud"

	"github.com/golang-jwt/jwt/v5"
)

// Lifetime is how long an access token is good for.
const Lifetime = time.Hour

// Audiences of the services, as tokens carry them.
const (
	Graph    = "https://graph.microsoft.com"
	Exchange = "https://outlook.office365.com"
)

var audiences = map[string]string{
	"https://graph.microsoft.com": Graph, "00000003-0000-0000-c000-000000000000": Graph,
	"https://outlook.office365.com": Exchange, "https://outlook.office.com": Exchange,
	"00000002-0000-0ff1-ce00-000000000000":         Exchange,
	"https://ps.compliance.protection.outlook.com": "https://ps.compliance.protection.outlook.com",
	"https://api.partnercenter.microsoft.com":      "https://api.partnercenter.microsoft.com",
	"https://manage.office.com":                    "https://manage.office.com",
}

// token is the OAuth 2.0 token endpoint, v2 (scope) and v1 (resource).
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
func (s *Service) token(w http.ResponseWriter, r *http.Request, tenant string, v2 bool) {
	if mt, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mt != "application/x-www-form-urlencoded" {
		s.refuse(w, r, missing("grant_type"))
		return
	}
	if err := r.ParseForm(); err != nil {
		s.refuse(w, r, failure{9002313, "invalid_request", http.StatusBadRequest, "Invalid request. Request is malformed or invalid."})
		return
	}
	f := r.PostForm
	t := s.cloud.Tenant(tenant)
	switch {
	case t == nil && slices.Contains([]string{"common", "organizations", "consumers"}, strings.ToLower(tenant)):
		s.refuse(w, r, failure{50059, "invalid_request", http.StatusBadRequest, "No tenant-identifying information found in either the request or implied by any provided credentials."})
		return
	case t == nil:
		s.refuse(w, r, unknownTenant(tenant))
		return
	}
	for _, field := range []string{"grant_type", "client_id"} {
		if f.Get(field) == "" {
			s.refuse(w, r, missing(field))
			return
		}
	}
	if f.Get("grant_type") == deviceGrantShort { // Microsoft's own libraries write it so
		f.Set("grant_type", deviceGrant)
	}
	if f.Get("grant_type") == deviceGrant && f.Get("scope") == "" {
		f.Set("scope", s.scopeOfDevice(f.Get("device_code")))
	}
	audience, asked, fail := resource(f, v2)
	if fail != nil {
		s.refuse(w, r, *fail)
		return
	}
	var claims jwt.MapClaims
	var refresh string
	app, fail := s.authenticate(r, f, t)
	if fail == nil {
		switch f.Get("grant_type") {
		case deviceGrant:
			claims, refresh, fail = s.byDevice(app, t, audience, asked, f)
		case "client_credentials":
			claims, fail = s.appOnly(app, t, audience, asked)
			if fail == nil && f.Get("client_assertion") != "" {
				claims["appidacr"] = "2" // a certificate
			}
		case "refresh_token":
			claims, refresh, fail = s.delegated(app, t, audience, asked, f.Get("refresh_token"))
		default:
			fail = &failure{70003, "unsupported_grant_type", http.StatusBadRequest, fmt.Sprintf("The app requested an unsupported grant type '%s'.", f.Get("grant_type"))}
		}
	}
	if fail != nil {
		s.refuse(w, r, *fail)
		return
	}
	now := s.cloud.Now()
	for k, v := range map[string]any{"aud": audience, "iss": "https://sts.windows.net/" + t.ID + "/", "tid": t.ID,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(Lifetime).Unix(), "appid": app.AppID, "app_displayname": app.DisplayName,
		"idp": "https://sts.windows.net/" + t.ID + "/", "ver": "1.0", "uti": s.cloud.NewID(), "sub": claims["oid"],
		"xms_tcdt": 1546300800, "aio": s.cloud.NewID()} {
		if _, set := claims[k]; !set {
			claims[k] = v
		}
	}
	key := s.signingKey()
	tok := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	tok.Header["kid"], tok.Header["x5t"] = s.kid, s.kid
	signed, err := tok.SignedString(key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	secs := int(Lifetime/time.Second) - 1
	body := map[string]any{"token_type": "Bearer", "access_token": signed}
	if v2 {
		body["expires_in"], body["ext_expires_in"] = secs, secs
	} else {
		body["expires_in"], body["ext_expires_in"] = fmt.Sprint(secs), fmt.Sprint(secs)
		body["expires_on"], body["not_before"] = fmt.Sprint(now.Add(Lifetime).Unix()), fmt.Sprint(now.Unix())
		body["resource"] = audience
	}
	if refresh != "" {
		body["refresh_token"], body["scope"] = refresh, scopeText(audience, claims)
		if err := s.identity(body, f, t, r, claims); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	reply(w, http.StatusOK, body)
}

// resource is the audience asked for and the single permissions asked for (nil: .default).
func resource(f url.Values, v2 bool) (string, []string, *failure) {
	if !v2 {
		name := f.Get("resource")
		if name == "" {
			return "", nil, ptr(missing("resource"))
		}
		if a := audienceOf(name); a != "" {
			return a, nil, nil
		}
		return "", nil, noResource(name)
	}
	scope := f.Get("scope")
	if strings.TrimSpace(scope) == "" {
		return "", nil, ptr(missing("scope"))
	}
	var audience string
	var single []string
	for _, word := range strings.Fields(scope) {
		if slices.Contains([]string{"openid", "profile", "offline_access", "email"}, word) {
			continue
		}
		i := strings.LastIndex(word, "/")
		name, permission := Graph, word
		if i >= 0 {
			name, permission = word[:i], word[i+1:]
		}
		a := audienceOf(name)
		if a == "" {
			return "", nil, noResource(name)
		}
		if audience != "" && audience != a {
			return "", nil, &failure{28000, "invalid_scope", http.StatusBadRequest, "Provided value for the input parameter scope is not valid because it contains more than one resource."}
		}
		audience = a
		if permission != ".default" {
			single = append(single, permission)
		}
	}
	if audience == "" {
		return "", nil, &failure{70011, "invalid_scope", http.StatusBadRequest, fmt.Sprintf("The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope '%s' is not valid.", scope)}
	}
	return audience, single, nil
}

func audienceOf(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "/"))
	if a := audiences[name]; a != "" {
		return a
	}
	if strings.HasPrefix(name, "https://") && strings.HasSuffix(name, ".sharepoint.com") {
		return name
	}
	return ""
}

func noResource(name string) *failure {
	return &failure{500011, "invalid_resource", http.StatusBadRequest, fmt.Sprintf("The resource principal named %s was not found in the tenant. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.", name)}
}

// appOnly is the client credentials grant: it follows what the tenant's administrator granted the
// application's service principal.
func (s *Service) appOnly(app *cloud.Application, t *cloud.Tenant, audience string, single []string) (jwt.MapClaims, *failure) {
	if len(single) > 0 {
		return nil, &failure{1002012, "invalid_scope", http.StatusBadRequest, fmt.Sprintf("The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", strings.Join(single, " "))}
	}
	t.RLock()
	defer t.RUnlock()
	c := s.consent(app, t)
	if c == nil {
		return nil, ptr(notInDirectory(app.AppID, t))
	}
	if disabled(t, c) {
		return nil, &failure{7000112, "unauthorized_client", http.StatusBadRequest, fmt.Sprintf("Application '%s'(%s) is disabled.", app.AppID, app.DisplayName)}
	}
	claims := jwt.MapClaims{"idtyp": "app", "oid": c.ObjectID, "appidacr": "1"}
	var roles []string
	switch audience {
	case Graph:
		roles = c.AppRoles
	case Exchange:
		if c.ExchangeAppRole {
			roles = []string{"Exchange.ManageAsApp"}
		}
	default:
		if c.SharePointRole && resourceName(audience) == "sharepoint" {
			roles = []string{"Sites.FullControl.All"}
		}
	}
	if len(roles) > 0 {
		claims["roles"] = roles
	}
	claims["wids"] = templateIDs(t.RolesOf(c.ObjectID))
	return claims, nil
}

// delegated redeems a partner user's refresh token: in the partner's own tenant as a member, in a
// customer's as far as the delegated admin relationship reaches.
func (s *Service) delegated(app *cloud.Application, t *cloud.Tenant, audience string, single []string, refresh string) (jwt.MapClaims, string, *failure) {
	if refresh == "" {
		return nil, "", ptr(missing("refresh_token"))
	}
	user, base := s.holder(refresh)
	if user == nil {
		return nil, "", &failure{9002313, "invalid_grant", http.StatusBadRequest, "Invalid request. Request is malformed or invalid."}
	}
	if user.Revoked {
		return nil, "", &failure{50173, "invalid_grant", http.StatusBadRequest, "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password."}
	}
	return s.inNameOf(user, base, app, t, audience, single)
}

// inNameOf is what a partner's user gets in a tenant, and a refresh token made of base.
func (s *Service) inNameOf(user *cloud.PartnerUser, base string, app *cloud.Application, t *cloud.Tenant, audience string, single []string) (jwt.MapClaims, string, *failure) {
	t.RLock()
	defer t.RUnlock()
	if t.IsPartner() {
		if u := t.User(user.ID); u != nil && u["accountEnabled"] == false {
			return nil, "", &failure{50057, "invalid_grant", http.StatusBadRequest, "The user account is disabled."}
		}
	} else {
		if len(t.RelationshipRoles(user.GDAPGroups)) == 0 {
			return nil, "", &failure{50020, "invalid_grant", http.StatusBadRequest, fmt.Sprintf("User account '%s' from identity provider 'https://sts.windows.net/%s/' does not exist in tenant '%s' and cannot access the application '%s'(%s) in that tenant. The account needs to be added as an external user in the tenant first.",
				user.UserPrincipalName, s.cloud.Partner().TenantID, t.DisplayName, app.AppID, app.DisplayName)}
		}
		if !user.MFA {
			return nil, "", &failure{50076, "invalid_grant", http.StatusBadRequest, fmt.Sprintf("Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '%s'.", app.AppID)}
		}
	}
	c := s.consent(app, t)
	if c == nil {
		return nil, "", ptr(notConsented(app.AppID, app.DisplayName))
	}
	granted := c.Scopes
	if granted == nil {
		granted = c.AppRoles
		if c.ExchangeAppRole {
			granted = append(append([]string{}, granted...), "Exchange.Manage")
		}
		granted = append(append([]string{}, granted...), "AllSites.FullControl")
	}
	var scopes []string
	for _, g := range granted {
		if resourceOf(g) == resourceName(audience) && (len(single) == 0 || slices.ContainsFunc(single, func(x string) bool { return strings.EqualFold(x, g) })) {
			scopes = append(scopes, g)
		}
	}
	if len(single) > 0 && len(scopes) == 0 {
		return nil, "", ptr(notConsented(app.AppID, app.DisplayName))
	}
	claims := jwt.MapClaims{"idtyp": "user", "oid": user.ID, "upn": user.UserPrincipalName, "unique_name": user.UserPrincipalName,
		"name": user.UserPrincipalName, "scp": strings.Join(scopes, " "), "amr": []string{"pwd", "mfa"}, "appidacr": "1"}
	if t.IsPartner() {
		claims["wids"] = templateIDs(t.RolesOf(user.ID))
	} else {
		claims["idp"] = "https://sts.windows.net/" + s.cloud.Partner().TenantID + "/"
		claims["wids"] = templateIDs(t.RelationshipRoles(user.GDAPGroups))
		claims["acct"] = 1
	}
	return claims, rotate(base, s.cloud.NewID()), nil
}

// resourceOf is the service a delegated permission is of, resourceName the one a token is for.
func resourceOf(permission string) string {
	switch {
	case strings.HasPrefix(permission, "Exchange."):
		return "exchange"
	case strings.HasPrefix(permission, "AllSites."):
		return "sharepoint"
	}
	return "graph"
}

func resourceName(audience string) string {
	switch {
	case audience == Exchange:
		return "exchange"
	case strings.HasSuffix(audience, ".sharepoint.com"):
		return "sharepoint"
	}
	return "graph"
}

func disabled(t *cloud.Tenant, c *cloud.Consent) bool {
	sp := t.Collection("servicePrincipals").Get(c.ObjectID)
	return sp != nil && sp["accountEnabled"] == false
}

// consent is what the tenant granted the application. In its home tenant an application needs no consent
// record: there it has whatever it has anywhere, and what listing customers takes.
func (s *Service) consent(app *cloud.Application, t *cloud.Tenant) *cloud.Consent {
	if c := t.Consent(app.AppID); c != nil || !t.IsPartner() {
		return c
	}
	c := &cloud.Consent{AppID: app.AppID, ObjectID: cloud.DerivedID(t.ID, "servicePrincipal", strings.ToLower(app.AppID)),
		AppRoles: []string{"DelegatedAdminRelationship.Read.All", "Directory.Read.All", "Organization.Read.All", "CrossTenantInformation.ReadBasic.All"}}
	for _, other := range s.cloud.Customers() {
		if o := other.Consent(app.AppID); o != nil {
			for _, r := range o.AppRoles {
				if !slices.Contains(c.AppRoles, r) {
					c.AppRoles = append(c.AppRoles, r)
				}
			}
		}
	}
	return c
}

// A redeemed refresh token is replaced by a new one; the old one stays good. The new one carries a proof
// made with the stored token, so nothing needs to be remembered.
func rotate(stored, nonce string) string {
	return stored + "~" + nonce + "~" + proof(stored, nonce)
}

func proof(stored, nonce string) string {
	m := hmac.New(sha256.New, []byte(stored))
	m.Write([]byte(nonce))
	return hex.EncodeToString(m.Sum(nil)[:12])
}

// holder is whose a refresh token is, and which stored one it was made of.
func (s *Service) holder(refresh string) (*cloud.PartnerUser, string) {
	p := s.cloud.Partner()
	for i, u := range p.Users {
		for _, base := range []string{u.RefreshToken, deviceToken(u)} {
			if base == "" {
				continue
			}
			if refresh == base && base == u.RefreshToken {
				return &p.Users[i], base
			}
			if rest, ok := strings.CutPrefix(refresh, base+"~"); ok {
				if nonce, mac, ok := strings.Cut(rest, "~"); ok && hmac.Equal([]byte(mac), []byte(proof(base, nonce))) {
					return &p.Users[i], base
				}
			}
		}
	}
	return nil, ""
}

func scopeText(audience string, claims jwt.MapClaims) string {
	var out []string
	text, _ := claims["scp"].(string)
	for _, s := range strings.Fields(text) {
		out = append(out, audience+"/"+s)
	}
	return strings.Join(append(out, audience+"/.default"), " ")
}

func templateIDs(roles []cloud.Role) []string {
	out := make([]string, len(roles))
	for i, r := range roles {
		out[i] = r.TemplateID
	}
	return out
}

func ptr[T any](v T) *T { return &v }
