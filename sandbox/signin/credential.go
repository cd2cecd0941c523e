package signin

import (
	"crypto/sha1" //nolint:gosec // x5t is defined as a SHA-1 thumbprint
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cipp-mcp/sandbox/cloud"

	"github.com/golang-jwt/jwt/v5"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// authenticate checks the application's credential: a secret, or an assertion signed with the key of a
// registered certificate.
// https://learn.microsoft.com/entra/identity-platform/certificate-credentials
func (s *Service) authenticate(r *http.Request, f url.Values, t *cloud.Tenant) (*cloud.Application, *failure) {
	p := s.cloud.Partner()
	id := f.Get("client_id")
	app := p.Application(id)
	if app == nil {
		return nil, ptr(notInDirectory(id, t))
	}
	if a := f.Get("client_assertion"); a != "" {
		if f.Get("client_assertion_type") != assertionType {
			return nil, ptr(missing("client_assertion_type"))
		}
		return app, s.assertion(r, app, t, a)
	}
	secret := f.Get("client_secret")
	if user, pass, ok := r.BasicAuth(); ok && secret == "" && strings.EqualFold(user, id) {
		secret = pass
	}
	if secret == "" && app.PublicClient && s.withoutSecret(f) {
		return app, nil
	}
	if secret == "" {
		return nil, &failure{7000218, "invalid_client", http.StatusUnauthorized, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."}
	}
	if app.Secret == "" || subtle.ConstantTimeCompare([]byte(secret), []byte(app.Secret)) != 1 {
		return nil, &failure{7000215, "invalid_client", http.StatusUnauthorized, fmt.Sprintf("Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", app.AppID)}
	}
	if !app.SecretEnds.IsZero() && !s.cloud.Now().Before(app.SecretEnds) {
		return nil, &failure{7000222, "invalid_client", http.StatusUnauthorized, fmt.Sprintf("The provided client secret keys for app '%s' are expired. Visit the Azure portal to create new keys for your app, or consider using certificate credentials for added security.", app.AppID)}
	}
	return app, nil
}

func (s *Service) assertion(r *http.Request, app *cloud.Application, t *cloud.Tenant, assertion string) *failure {
	bad := func(code int, why string) *failure {
		return &failure{code, "invalid_client", http.StatusUnauthorized, why}
	}
	var claims jwt.RegisteredClaims
	known := false
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"RS256", "PS256"}), jwt.WithoutClaimsValidation()).
		ParseWithClaims(assertion, &claims, func(tok *jwt.Token) (any, error) {
			for _, c := range certificates(app) {
				one, two := sha1.Sum(c.Raw), sha256.Sum256(c.Raw) //nolint:gosec // as above
				if match(tok.Header["x5t"], one[:]) || match(tok.Header["x5t#S256"], two[:]) {
					known = true
					return c.PublicKey, nil
				}
			}
			return nil, fmt.Errorf("no registered certificate has this thumbprint")
		})
	switch {
	case err != nil && !known:
		return bad(700027, fmt.Sprintf("The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found.] Client: '%s'.", app.AppID))
	case err != nil:
		return bad(700027, "Client assertion failed signature validation. [Reason - The key used to sign the assertion does not match.]")
	case !strings.EqualFold(claims.Issuer, app.AppID) || !strings.EqualFold(claims.Subject, app.AppID):
		return bad(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
	case !s.addressed(r, t, claims.Audience):
		return bad(700023, fmt.Sprintf("Client assertion audience claim does not match Realm issuer. The audience is '%s'.", strings.Join(claims.Audience, " ")))
	case claims.ExpiresAt == nil:
		return bad(7000230, "Client assertion is missing the exp claim.")
	}
	// Credential libraries stamp assertions by the machine's clock and cannot be told another: one that
	// is in time by either clock is accepted.
	const skew = 5 * time.Minute
	for _, now := range []time.Time{s.cloud.Now(), time.Now()} {
		early := claims.NotBefore != nil && now.Add(skew).Before(claims.NotBefore.Time)
		if !early && now.Add(-skew).Before(claims.ExpiresAt.Time) {
			return nil
		}
	}
	return bad(700024, "Client assertion is not within its valid time range.")
}

// addressed says whether the assertion is meant for this tenant's token endpoint, on this host or on
// Microsoft's own.
func (s *Service) addressed(r *http.Request, t *cloud.Tenant, audience []string) bool {
	for _, a := range audience {
		u, err := url.Parse(a)
		if err != nil || (u.Host != r.Host && u.Host != "login.microsoftonline.com") {
			continue
		}
		tenant, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
		if s.cloud.Tenant(tenant) == t {
			return true
		}
	}
	return false
}

func match(header any, thumb []byte) bool {
	s, _ := header.(string)
	s = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(s), "=")
	return s != "" && s == base64.RawURLEncoding.EncodeToString(thumb)
}

func certificates(app *cloud.Application) []*x509.Certificate {
	var out []*x509.Certificate
	for _, text := range app.Certificates {
		rest := []byte(text)
		for {
			var b *pem.Block
			if b, rest = pem.Decode(rest); b == nil {
				break
			}
			if b.Type != "CERTIFICATE" {
				continue
			}
			if c, err := x509.ParseCertificate(b.Bytes); err == nil {
				out = append(out, c)
			}
		}
	}
	return out
}
