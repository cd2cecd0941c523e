package signin

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
	"sync"

	"cipp-mcp/sandbox/cloud"
)

// Service answers at the login host.
type Service struct {
	cloud *cloud.Cloud

	once sync.Once
	key  *rsa.PrivateKey
	kid  string

	mu      sync.Mutex
	devices []*deviceSignIn
}

// New makes the service. The signing key is made in the background: a start does not wait for it.
func New(c *cloud.Cloud) *Service {
	s := &Service{cloud: c}
	go s.signingKey()
	return s
}

func (s *Service) signingKey() *rsa.PrivateKey {
	s.once.Do(func() {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic("no randomness for the signing key: " + err.Error())
		}
		sum := sha256.Sum256(k.N.Bytes())
		s.key, s.kid = k, base64.RawURLEncoding.EncodeToString(sum[:20])
	})
	return s.key
}

// Handles says whether a path belongs to the login host.
func Handles(path string) bool {
	return path == "/common/discovery/instance" || strings.HasSuffix(path, "/.well-known/openid-configuration") ||
		strings.HasSuffix(path, "/oauth2/v2.0/devicecode") || strings.HasSuffix(path, "/oauth2/v2.0/token") || strings.HasSuffix(path, "/oauth2/token") ||
		strings.HasSuffix(path, "/discovery/v2.0/keys") || strings.HasSuffix(path, "/discovery/keys")
}

// ServeHTTP routes by the end of the path; the tenant is its first segment.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tenant, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case r.URL.Path == "/common/discovery/instance":
		s.instance(w, r)
	case rest == "v2.0/.well-known/openid-configuration", rest == ".well-known/openid-configuration":
		s.openID(w, r, tenant, strings.HasPrefix(rest, "v2.0"))
	case rest == "discovery/v2.0/keys", rest == "discovery/keys":
		s.keys(w)
	case rest == "oauth2/v2.0/devicecode":
		if r.Method != http.MethodPost {
			s.refuse(w, r, onlyPost(r.Method))
			return
		}
		s.deviceCode(w, r, tenant)
	case rest == "oauth2/v2.0/token", rest == "oauth2/token":
		if r.Method != http.MethodPost {
			s.refuse(w, r, onlyPost(r.Method))
			return
		}
		s.token(w, r, tenant, rest == "oauth2/v2.0/token")
	default:
		http.NotFound(w, r)
	}
}

func base(r *http.Request) string {
	if r.TLS == nil {
		return "http://" + r.Host
	}
	return "https://" + r.Host
}

func (s *Service) instance(w http.ResponseWriter, r *http.Request) {
	tenant := "common"
	if e := r.URL.Query().Get("authorization_endpoint"); e != "" {
		if _, path, ok := strings.Cut(e, "://"); ok {
			if _, path, ok = strings.Cut(path, "/"); ok {
				if t, _, _ := strings.Cut(path, "/"); t != "" {
					tenant = t
				}
			}
		}
	}
	reply(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": base(r) + "/" + tenant + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata": []any{
			map[string]any{"preferred_network": r.Host, "preferred_cache": r.Host, "aliases": []string{r.Host}},
		},
	})
}

// openID answers the discovery document. The issuer names the tenant's GUID, whichever of its verified
// domains was asked for: this is how a client turns a domain into a tenant id.
// https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
func (s *Service) openID(w http.ResponseWriter, r *http.Request, tenant string, v2 bool) {
	id := "{tenantid}"
	switch strings.ToLower(tenant) {
	case "common", "organizations", "consumers":
	default:
		t := s.cloud.Tenant(tenant)
		if t == nil {
			f := unknownTenant(tenant)
			f.kind = "invalid_tenant"
			s.refuse(w, r, f)
			return
		}
		id = t.ID
	}
	b := base(r) + "/" + id
	if id == "{tenantid}" {
		b = base(r) + "/" + strings.ToLower(tenant)
	}
	ver := ""
	issuer := "https://sts.windows.net/" + id + "/"
	if v2 {
		ver = "/v2.0"
		issuer = base(r) + "/" + id + "/v2.0"
	}
	reply(w, http.StatusOK, map[string]any{
		"token_endpoint":                        b + "/oauth2" + ver + "/token",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
		"jwks_uri":                              b + "/discovery" + ver + "/keys",
		"response_modes_supported":              []string{"query", "fragment", "form_post"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"response_types_supported":              []string{"code", "id_token", "code id_token", "id_token token"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"issuer":                                issuer,
		"authorization_endpoint":                b + "/oauth2" + ver + "/authorize",
		"device_authorization_endpoint":         b + "/oauth2" + ver + "/devicecode",
		"tenant_region_scope":                   "EU",
		"cloud_instance_name":                   "microsoftonline.com",
		"cloud_graph_host_name":                 "graph.windows.net",
		"msgraph_host":                          "graph.microsoft.com",
	})
}

func (s *Service) keys(w http.ResponseWriter) {
	k := s.signingKey()
	reply(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": s.kid, "x5t": s.kid,
		"n": base64.RawURLEncoding.EncodeToString(k.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.E)).Bytes()),
	}}})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store, no-cache")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
