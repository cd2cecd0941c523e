package graphclient

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"cipp-mcp/internal/clock"
)

// early is how long before its end a token is taken as expired.
const early = 120 * time.Second

// signer gets tokens from the sign-in service. fresh demands one that no library has cached; claims is a
// claims challenge to satisfy, if any. The lifetime is what the service said, counted from now.
type signer interface {
	token(ctx context.Context, tenant, scope string, fresh bool, claims string) (token string, lifetime time.Duration, err error)
}

// tokenCache holds one token per tenant and scope. Expiry is judged by the Client's clock, which the
// libraries underneath know nothing of: they count by the machine's, so what they cached is not trusted.
type tokenCache struct {
	clock  clock.Clock
	signer signer
	flight singleflight.Group
	mu     sync.Mutex
	tokens map[string]cachedToken
}

type cachedToken struct {
	token   string
	expires time.Time
}

func newTokenCache(ck clock.Clock, s signer) *tokenCache {
	return &tokenCache{clock: ck, signer: s, tokens: map[string]cachedToken{}}
}

// get is a token for tenant and scope, from the cache if it is good for another 120 seconds.
func (t *tokenCache) get(ctx context.Context, tenant, scope string) (string, error) {
	return t.obtain(ctx, tenant, scope, "", "")
}

// renew is a token other than rejected. Callers that were refused with the same token share one request.
func (t *tokenCache) renew(ctx context.Context, tenant, scope, rejected, claims string) (string, error) {
	return t.obtain(ctx, tenant, scope, rejected, claims)
}

func (t *tokenCache) obtain(ctx context.Context, tenant, scope, rejected, claims string) (string, error) {
	key := strings.ToLower(tenant) + " " + scope
	if token, ok := t.cached(key, rejected); ok {
		return token, nil
	}
	// The request runs apart from ctx: a caller that gives up must not fail the others that wait for it.
	done := t.flight.DoChan(key, func() (any, error) {
		old, known := t.cached(key, rejected)
		if known {
			return old, nil
		}
		shared, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		token, lifetime, err := t.signer.token(shared, tenant, scope, t.has(key), claims)
		if err != nil {
			return "", err
		}
		t.mu.Lock()
		t.tokens[key] = cachedToken{token, t.clock.Now().Add(lifetime)}
		t.mu.Unlock()
		return token, nil
	})
	select {
	case <-ctx.Done():
		return "", lost(call{service: signinService, tenant: tenant}, ctx.Err(), false)
	case r := <-done:
		if r.Err != nil {
			return "", r.Err
		}
		return r.Val.(string), nil
	}
}

func (t *tokenCache) cached(key, rejected string) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, ok := t.tokens[key]
	return c.token, ok && c.token != rejected && t.clock.Now().Before(c.expires.Add(-early))
}

// has reports whether there ever was a token for key: the next one must then come from the service itself.
func (t *tokenCache) has(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.tokens[key]
	return ok
}

// permissions are the app roles (app-only) or scopes (delegated) the token itself grants, or nil if it cannot be
// read. The token is ours, from the service that signed it, and is not judged here: this only words errors.
func permissions(token string) []string {
	claims := claimsOf(token)
	return append(claims.Roles, strings.Fields(claims.Scp)...)
}

// tokenClaims are the few claims of an access token that are of use here. They decide nothing: Microsoft
// verifies its own tokens.
type tokenClaims struct {
	Roles []string `json:"roles"`
	Scp   string   `json:"scp"`
	OID   string   `json:"oid"`
	Wids  []string `json:"wids"` // directory roles, by template id
}

func claimsOf(token string) (claims tokenClaims) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return tokenClaims{}
	}
	return claims
}

// OwnUser is the object id of the user this client signs in as, where that user is one of the tenant's: "" in
// other tenants and for an application's own sign-in.
func (c *Client) OwnUser(ctx context.Context, tid string) (string, error) {
	if !c.delegated() || !equalFold(tid, c.cfg.Auth.TenantID) {
		return "", nil
	}
	token, err := c.tokens.get(ctx, tid, c.cfg.Cloud.scope(graphService))
	if err != nil {
		return "", err
	}
	return claimsOf(token).OID, nil
}
