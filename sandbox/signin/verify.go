package signin

import (
	"errors"
	"net/http"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// Reasons why a request's token is not accepted; the texts are those of the services.
var (
	ErrNoToken   = errors.New("Access token is empty.")                                                                                                                                                                                                                                                                                          //nolint:revive,staticcheck // Microsoft's text
	ErrExpired   = errors.New("Lifetime validation failed, the token is expired.")                                                                                                                                                                                                                                                               //nolint:revive,staticcheck // Microsoft's text
	ErrMalformed = errors.New("IDX14100: JWT is not well formed, there are no dots (.).\nThe token needs to be in JWS or JWE Compact Serialization Format. (JWS): 'EncodedHeader.EncodedPayload.EncodedSignature'. (JWE): 'EncodedProtectedHeader.EncodedEncryptedKey.EncodedInitializationVector.EncodedCiphertext.EncodedAuthenticationTag'.") //nolint:revive,staticcheck // Microsoft's text
	ErrSignature = errors.New("Invalid JWT access token.")                                                                                                                                                                                                                                                                                       //nolint:revive,staticcheck // Microsoft's text
	ErrAudience  = errors.New("Access token validation failure. Invalid audience.")                                                                                                                                                                                                                                                              //nolint:revive,staticcheck // Microsoft's text
)

// Verify reads the bearer token of a request meant for the service with that audience: signature, time by
// the cloud's clock, audience, tenant. Directory roles are looked up now, not taken from the token, so that
// a relationship that has ended gives none.
func (s *Service) Verify(r *http.Request, audience string) (*Principal, error) {
	scheme, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	raw = strings.TrimSpace(raw)
	if !strings.EqualFold(scheme, "Bearer") || raw == "" {
		return nil, ErrNoToken
	}
	if strings.Count(raw, ".") != 2 {
		return nil, ErrMalformed
	}
	claims := jwt.MapClaims{}
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(s.cloud.Now), jwt.WithExpirationRequired()).
		ParseWithClaims(raw, claims, func(*jwt.Token) (any, error) { return &s.signingKey().PublicKey, nil })
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return nil, ErrExpired
	case errors.Is(err, jwt.ErrTokenMalformed):
		return nil, ErrMalformed
	case err != nil:
		return nil, ErrSignature
	}
	if text(claims, "aud") != audience {
		return nil, ErrAudience
	}
	t := s.cloud.Tenant(text(claims, "tid"))
	if t == nil {
		return nil, ErrSignature
	}
	p := &Principal{Tenant: t.ID, AppID: text(claims, "appid"), AppName: text(claims, "app_displayname"), ObjectID: text(claims, "oid"),
		UPN: text(claims, "upn"), AppOnly: text(claims, "idtyp") == "app", Certificate: text(claims, "appidacr") == "2", Audience: audience, Scopes: strings.Fields(text(claims, "scp"))}
	if list, ok := claims["roles"].([]any); ok {
		for _, v := range list {
			if role, ok := v.(string); ok {
				p.Roles = append(p.Roles, role)
			}
		}
	}
	for _, name := range p.Permissions() {
		p.Exchange = p.Exchange || name == "Exchange.ManageAsApp" || name == "Exchange.Manage"
	}
	t.RLock()
	defer t.RUnlock()
	p.DirectoryRoles = t.RolesOf(p.ObjectID)
	if !p.AppOnly && !t.IsPartner() {
		p.Foreign = true
		p.DirectoryRoles = nil
		for _, u := range s.cloud.Partner().Users {
			if u.ID == p.ObjectID {
				p.DirectoryRoles = t.RelationshipRoles(u.GDAPGroups)
			}
		}
	}
	return p, nil
}

// TenantOf is the tenant a request's token names, before anything of it is verified.
func TenantOf(r *http.Request) string {
	_, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(raw, claims); err != nil {
		return ""
	}
	return text(claims, "tid")
}

func text(c jwt.MapClaims, key string) string { v, _ := c[key].(string); return v }
