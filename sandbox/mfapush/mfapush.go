// Package mfapush simulates the service by which the NPS extension asks a user for a second factor
// (StrongAuthenticationService.svc). Microsoft documents no more of it than that the extension uses it; what it answers
// is taken from open-source clients, and what is not known from them is refused.
package mfapush

import (
	"encoding/xml"
	"io"
	"net/http"
	"strings"

	"cipp-mcp/sandbox/cloud"
	"cipp-mcp/sandbox/signin"
)

// Prefix begins the paths the service answers.
const Prefix = "/StrongAuthenticationService.svc/"

// Service answers at the push host.
type Service struct {
	cloud  *cloud.Cloud
	signin *signin.Service
}

// New makes the service.
func New(c *cloud.Cloud, s *signin.Service) *Service { return &Service{c, s} }

type request struct {
	XMLName           xml.Name `xml:"BeginTwoWayAuthenticationRequest"`
	Version           string
	UserPrincipalName string
	ContextId         string //nolint:revive,staticcheck // Microsoft's spelling
	SyncCall          bool
	RequireUserMatch  bool
	CallerName        string
}

type response struct {
	XMLName              xml.Name `xml:"BeginTwoWayAuthenticationResponse"`
	AuthenticationResult bool
	Result               result
}

type result struct {
	Value   string
	Message string
}

// ServeHTTP asks the user and answers what the user did: authentication.push of the user's state is approve, deny or
// silent; who is not said approves.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p, err := s.signin.Verify(r, signin.PushResource)
	if err != nil {
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	var q request
	if err != nil || r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/BeginTwoWayAuthentication") || xml.Unmarshal(body, &q) != nil || q.Version != "1.0" || q.ContextId == "" || q.UserPrincipalName == "" {
		http.Error(w, "Bad Request", http.StatusBadRequest)
		return
	}
	t := s.cloud.Tenant(p.Tenant)
	t.RLock()
	defer t.RUnlock()
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	_ = xml.NewEncoder(w).Encode(answer(t.User(q.UserPrincipalName))) // the client may be gone
}

func answer(u cloud.Object) response {
	value, message := "Success", ""
	a := cloud.Child(u, "authentication")
	app := false
	for _, m := range cloud.Objects(a, "methods") {
		app = app || strings.Contains(cloud.Str(m, "@odata.type"), "microsoftAuthenticator")
	}
	switch {
	case u == nil:
		value, message = "UserNotFound", "The user was not found."
	case !app:
		value, message = "NoDefaultAuthenticationMethodIsConfigured", "No default authentication method is configured."
	case cloud.Str(a, "push") == "deny":
		value = "PhoneAppDenied"
	case cloud.Str(a, "push") == "silent":
		value = "PhoneAppNoResponse"
	}
	return response{AuthenticationResult: value == "Success", Result: result{value, message}}
}
