package signin

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"cipp-mcp/sandbox/cloud"
)

const (
	// PushApp is Microsoft's own application by which the NPS extension asks for a second factor.
	PushApp = "981f26a1-7f43-403b-a875-f8b09b8cd720"
	// PushResource is what its tokens are for.
	PushResource = "https://adnotifications.windowsazure.com/strongauthenticationservice.svc/connector"
)

// SecretHash is how a temporary secret lies in the state: nobody reads one back.
func SecretHash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// asPushApp signs Microsoft's application in with a temporary secret that an administrator put on its service
// principal.
func (s *Service) asPushApp(f url.Values, t *cloud.Tenant) (*cloud.Application, jwt.MapClaims, *failure) {
	wrong := &failure{7000215, "invalid_client", http.StatusUnauthorized, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '" + PushApp + "'."}
	t.RLock()
	defer t.RUnlock()
	for _, sp := range t.Collection("servicePrincipals").All() {
		if cloud.Str(sp, "appId") != PushApp {
			continue
		}
		for _, c := range cloud.Objects(sp, "passwordCredentials") {
			from, err1 := time.Parse(time.RFC3339, cloud.Str(c, "startDateTime"))
			to, err2 := time.Parse(time.RFC3339, cloud.Str(c, "endDateTime"))
			now := s.cloud.Now()
			if err1 == nil && err2 == nil && !now.Before(from) && now.Before(to) && cloud.Str(cloud.Child(sp, "secretHashes"), cloud.Str(c, "keyId")) == SecretHash(f.Get("client_secret")) {
				return &cloud.Application{AppID: PushApp, DisplayName: "Azure Multi-Factor Auth Client"}, jwt.MapClaims{"oid": sp["id"], "idtyp": "app", "appidacr": "1"}, nil
			}
		}
		return nil, nil, wrong
	}
	return nil, nil, &failure{700016, "unauthorized_client", http.StatusBadRequest, "Application with identifier '" + PushApp + "' was not found in the directory '" + t.DisplayName + "'."}
}
