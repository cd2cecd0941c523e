package graphclient

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"go.uber.org/zap"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"cipp-mcp/internal/clock"
)

// partnerGrant is the Secure Application Model: the refresh token of an administrator of the partner,
// redeemed at the customer's authority. It is an azcore.TokenCredential for all tenants.
//
// Reference: https://learn.microsoft.com/partner-center/developer/enable-secure-app-model
type partnerGrant struct {
	auth      Auth
	authority string
	plain     *http.Client
	clock     clock.Clock
	log       *zap.Logger
	cert      *x509.Certificate
	key       *rsa.PrivateKey

	mu      sync.Mutex
	refresh string
}

func newPartnerGrant(cfg Config, plain *http.Client, certs []*x509.Certificate, key crypto.PrivateKey, log *zap.Logger) (*partnerGrant, error) {
	g := &partnerGrant{auth: cfg.Auth, authority: cfg.Cloud.Authority, plain: plain, clock: cfg.Clock,
		log: log, refresh: cfg.Auth.RefreshToken}
	if g.auth.ClientSecret == "" {
		rsaKey, ok := key.(*rsa.PrivateKey)
		if !ok || len(certs) == 0 {
			return nil, invalid("The sign-in certificate must come with its RSA private key.")
		}
		g.cert, g.key = certs[0], rsaKey
	}
	return g, nil
}

// GetToken redeems the refresh token at the tenant's authority. It never answers from a cache.
func (g *partnerGrant) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	g.mu.Lock()
	refresh := g.refresh
	g.mu.Unlock()
	conf := clientcredentials.Config{
		ClientID:     g.auth.ClientID,
		ClientSecret: g.auth.ClientSecret,
		TokenURL:     g.authority + "/" + EscapeSegment(o.TenantID) + "/oauth2/v2.0/token",
		Scopes:       append(append([]string{}, o.Scopes...), "offline_access"),
		AuthStyle:    oauth2.AuthStyleInParams,
		EndpointParams: url.Values{
			"grant_type":    {"refresh_token"},
			"refresh_token": {refresh},
		},
	}
	if g.key != nil {
		assertion, err := g.assertion(conf.TokenURL)
		if err != nil {
			return azcore.AccessToken{}, err
		}
		conf.EndpointParams.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		conf.EndpointParams.Set("client_assertion", assertion)
	}
	if o.Claims != "" {
		conf.EndpointParams.Set("claims", o.Claims)
	}
	token, err := conf.Token(context.WithValue(ctx, oauth2.HTTPClient, g.plain))
	if err != nil {
		return azcore.AccessToken{}, err
	}
	if token.RefreshToken != "" {
		g.rotate(refresh, token.RefreshToken)
	}
	return azcore.AccessToken{Token: token.AccessToken, ExpiresOn: token.Expiry}, nil
}

// rotate keeps the refresh token that came with a token. Several tenants redeem at the same time; each of
// their new tokens is good, so the last one wins.
func (g *partnerGrant) rotate(old, rotated string) {
	if rotated == old {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refresh = rotated
	if g.auth.SaveRefreshToken == nil {
		return
	}
	if err := g.auth.SaveRefreshToken(rotated); err != nil {
		g.log.Warn("the rotated refresh token was not saved; the earlier one stays in use", zap.Error(err))
	}
}

// assertion is the JWT that proves possession of the certificate.
//
// Reference: https://learn.microsoft.com/entra/identity-platform/certificate-credentials
func (g *partnerGrant) assertion(audience string) (string, error) {
	now := g.clock.Now()
	t := jwt.NewWithClaims(jwt.SigningMethodPS256, jwt.MapClaims{
		"iss": g.auth.ClientID, "sub": g.auth.ClientID, "aud": audience, "jti": uuid.NewString(),
		"nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	})
	sum := sha256.Sum256(g.cert.Raw)
	t.Header["x5t#S256"] = base64.RawURLEncoding.EncodeToString(sum[:])
	return t.SignedString(g.key)
}
