package graphclient

import (
	"context"
	"crypto"
	"crypto/x509"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"go.uber.org/zap"
)

// credentials sign in at the tenant's own authority. There is one azidentity credential per tenant and
// scope: a credential answers its callers one after the other, so a shared one would make a hundred tenants
// queue for their tokens.
type credentials struct {
	make   func(tenant string) (azcore.TokenCredential, error)
	mu     sync.Mutex
	byKey  map[string]azcore.TokenCredential
	tokens map[string]string // what the libraries gave last, to notice when they give it again
	user   *userGrant        // nil unless a person signs in by device code
}

// newSigner reads the credential of cfg. A certificate that cannot be read is an *Error of kind Invalid.
func newSigner(cfg Config, plain *http.Client, log *zap.Logger) (*credentials, error) {
	var certs []*x509.Certificate
	var key crypto.PrivateKey
	if cfg.Auth.ClientSecret == "" && cfg.Auth.Mode != AsUser {
		var err error
		if certs, key, err = azidentity.ParseCertificates(cfg.Auth.CertificatePEM, nil); err != nil {
			return nil, invalid("The sign-in certificate cannot be read: " + cleanText(err.Error(), 160) + ".")
		}
	}
	s := &credentials{byKey: map[string]azcore.TokenCredential{}, tokens: map[string]string{}}
	if cfg.Auth.Mode == Partner {
		shared, err := newPartnerGrant(cfg, plain, certs, key, log)
		if err != nil {
			return nil, err
		}
		s.make = func(tenant string) (azcore.TokenCredential, error) { return shared, nil }
		return s, nil
	}
	options := azcore.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: cfg.Cloud.Authority},
		Transport: plain,
		Retry:     policy.RetryOptions{MaxRetries: -1}, // repeat does that, by our clock
	}
	// Instance discovery asks the public cloud whether an authority is Microsoft's. It is right for the
	// public cloud only: elsewhere it would send the other cloud's name abroad, or fail.
	elsewhere := !strings.EqualFold(cfg.Cloud.Authority, Public.Authority)
	if cfg.Auth.Mode == AsUser {
		return s, s.person(cfg, options, elsewhere, log)
	}
	s.make = func(tenant string) (azcore.TokenCredential, error) {
		if cfg.Auth.ClientSecret != "" {
			return azidentity.NewClientSecretCredential(tenant, cfg.Auth.ClientID, cfg.Auth.ClientSecret,
				&azidentity.ClientSecretCredentialOptions{ClientOptions: options,
					AdditionallyAllowedTenants: []string{"*"}, DisableInstanceDiscovery: elsewhere})
		}
		return azidentity.NewClientCertificateCredential(tenant, cfg.Auth.ClientID, certs, key,
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: options,
				AdditionallyAllowedTenants: []string{"*"}, DisableInstanceDiscovery: elsewhere})
	}
	return s, nil
}

// person has a person sign in, once for all tenants.
func (s *credentials) person(cfg Config, options azcore.ClientOptions, elsewhere bool, log *zap.Logger) error {
	var shared azcore.TokenCredential
	if cfg.Auth.SignIn == AzureCLI {
		az, err := azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: cfg.Auth.TenantID, AdditionallyAllowedTenants: []string{"*"}})
		if err != nil {
			return invalid("Sign-in by the Azure CLI cannot be set up: " + cleanText(err.Error(), 160) + ".")
		}
		shared = cliGrant{az}
	} else {
		g, err := newUserGrant(cfg, options, elsewhere, log)
		if err != nil {
			return err
		}
		s.user, shared = g, g
	}
	s.make = func(string) (azcore.TokenCredential, error) { return shared, nil }
	return nil
}

// token signs in. The sign-in libraries cache by the machine's clock; where they hand out the token we
// already had, or a fresh one is demanded, they are asked again with a claims request, which their caches
// do not answer.
func (s *credentials) token(ctx context.Context, tenant, scope string, fresh bool, claims string) (string, time.Duration, error) {
	key := tenant + " " + scope
	s.mu.Lock()
	credential, last := s.byKey[key], s.tokens[key]
	s.mu.Unlock()
	if credential == nil {
		var err error
		if credential, err = s.make(tenant); err != nil {
			return "", 0, signinError(tenant, err)
		}
	}
	options := policy.TokenRequestOptions{Scopes: []string{scope}, TenantID: tenant, Claims: claims}
	got, err := credential.GetToken(ctx, options)
	if err == nil && fresh && got.Token == last {
		options.Claims = freshClaims
		got, err = credential.GetToken(ctx, options)
	}
	if err != nil {
		return "", 0, signinError(tenant, err)
	}
	s.mu.Lock()
	s.byKey[key], s.tokens[key] = credential, got.Token
	s.mu.Unlock()
	// azidentity reckons by the machine's clock: only the span is meaningful to us.
	return got.Token, time.Until(got.ExpiresOn), nil
}

// freshClaims asks for nothing special; its presence alone makes the libraries ask the service.
const freshClaims = `{"access_token":{"nbf":{"essential":false}}}`
