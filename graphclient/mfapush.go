package graphclient

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	abs "github.com/microsoft/kiota-abstractions-go"
)

// A push of the authenticator has no operation in Microsoft Graph. It goes through the service of the NPS extension,
// signed in as Microsoft's own application with a secret that is put on its service principal for some minutes. What
// that service takes and answers is known from open-source clients only.
const (
	pushApp      = "981f26a1-7f43-403b-a875-f8b09b8cd720"
	pushResource = "https://adnotifications.windowsazure.com/StrongAuthenticationService.svc/Connector"
	pushPath     = "/StrongAuthenticationService.svc/Connector//BeginTwoWayAuthentication"

	pushPatience  = 90 * time.Second
	secretsSpread = 20 // seconds until a new secret is known everywhere
)

var writeApps = []string{"Application.ReadWrite.All", "Directory.ReadWrite.All"}

// PushSecret is a secret on the service principal of Microsoft's MFA application.
type PushSecret struct {
	KeyID       string    `json:"keyId"`
	DisplayName string    `json:"displayName"`
	Ends        time.Time `json:"endDateTime"`
	Secret      string    `json:"secretText,omitempty"`
}

// PushPrincipal is Microsoft's MFA application in a tenant.
type PushPrincipal struct {
	ID      string       `json:"id"`
	Secrets []PushSecret `json:"passwordCredentials"`
}

// CanPush says whether it is known where this cloud's push service answers.
func (c *Client) CanPush() bool { return c.cfg.Cloud.Push != "" }

// PushPrincipal is Microsoft's MFA application in the tenant, nil where it is not there.
//
// GET /servicePrincipals(appId='…'); least permission Application.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/serviceprincipal-get
func (c *Client) PushPrincipal(ctx context.Context, tid string) (*PushPrincipal, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	p, err := fetch[PushPrincipal](ctx, c, read(tid, append([]string{"Application.Read.All"}, writeApps...)...), c.v1, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, "/servicePrincipals(appId='{app}')", map[string]string{"app": pushApp}), nil
	})
	if KindOf(err) == NotFound {
		return nil, nil
	}
	return &p, err
}

// CreatePushPrincipal brings Microsoft's MFA application into a tenant.
//
// POST /servicePrincipals, 201; permission Application.ReadWrite.All.
//
// Reference: https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals
func (c *Client) CreatePushPrincipal(ctx context.Context, tid string) error {
	return c.appOrder(ctx, tid, "/servicePrincipals", nil, map[string]string{"appId": pushApp}, nil)
}

// AddPushSecret puts a secret on the application that lasts five minutes. A tenant whose policy forbids secrets refuses.
//
// POST /servicePrincipals/{id}/addPassword, 200; permission Application.ReadWrite.All.
//
// Reference: https://learn.microsoft.com/graph/api/serviceprincipal-addpassword
func (c *Client) AddPushSecret(ctx context.Context, tid, id, name string) (s PushSecret, err error) {
	now := c.clock.Now().UTC()
	body := map[string]any{"passwordCredential": map[string]any{"displayName": name, "startDateTime": now.Add(-5 * time.Minute).Format(time.RFC3339), "endDateTime": now.Add(5 * time.Minute).Format(time.RFC3339)}}
	err = c.appOrder(ctx, tid, "/servicePrincipals/{id}/addPassword", map[string]string{"id": id}, body, func(b []byte) error { return json.Unmarshal(b, &s) })
	return s, err
}

// RemovePushSecret takes such a secret away again.
//
// POST /servicePrincipals/{id}/removePassword, 204; permission Application.ReadWrite.All.
//
// Reference: https://learn.microsoft.com/graph/api/serviceprincipal-removepassword
func (c *Client) RemovePushSecret(ctx context.Context, tid, id, keyID string) error {
	return c.appOrder(ctx, tid, "/servicePrincipals/{id}/removePassword", map[string]string{"id": id}, map[string]string{"keyId": keyID}, nil)
}

func (c *Client) appOrder(ctx context.Context, tid, path string, params map[string]string, body any, decode func([]byte) error) error {
	if err := require(tid); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, writeApps...).posting(), c.v1, func() (*abs.RequestInformation, error) {
		return withJSON(plainRequest(abs.POST, path, params), nil, body)
	}, decode)
}

// PushResult is what became of a push: Success, PhoneAppDenied, PhoneAppNoResponse, UserNotFound,
// NoDefaultAuthenticationMethodIsConfigured … (an open list).
type PushResult struct {
	Value   string
	Message string
}

type pushRequest struct {
	XMLName                        xml.Name `xml:"BeginTwoWayAuthenticationRequest"`
	Version                        string   `xml:"Version"`
	UserPrincipalName              string   `xml:"UserPrincipalName"`
	Lcid                           string   `xml:"Lcid"`
	AuthenticationMethodProperties pushProperties
	ContextID                      string `xml:"ContextId"`
	SyncCall                       bool   `xml:"SyncCall"`
	RequireUserMatch               bool   `xml:"RequireUserMatch"`
	CallerName                     string `xml:"CallerName"`
	CallerIP                       string `xml:"CallerIP"`
}

type pushProperties struct {
	Arrays string `xml:"xmlns:a,attr"`
	Key    string `xml:"a:KeyValueOfstringstring>a:Key"`
	Value  string `xml:"a:KeyValueOfstringstring>a:Value"`
}

// Push asks a user for the second factor and waits for what the user does. It is never sent twice.
func (c *Client) Push(ctx context.Context, tid, secret, upn string) (PushResult, error) {
	k := call{service: graphService, tenant: tid, write: true}.hiding(secret)
	if err := c.permit(ctx, tid); err != nil {
		return PushResult{}, err
	}
	token, err := c.pushToken(ctx, k, secret)
	if err != nil {
		return PushResult{}, err
	}
	body, err := xml.Marshal(pushRequest{Version: "1.0", UserPrincipalName: upn, Lcid: "en-us", ContextID: uuid.NewString(), SyncCall: true, RequireUserMatch: true, CallerName: "radius", CallerIP: "UNKNOWN:",
		AuthenticationMethodProperties: pushProperties{"http://schemas.microsoft.com/2003/10/Serialization/Arrays", "OverrideVoiceOtp", "false"}})
	if err != nil {
		return PushResult{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, pushPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.Cloud.Push+pushPath, bytes.NewReader(body))
	if err != nil {
		return PushResult{}, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/xml")
	answer, err := c.pushAnswer(k, req)
	if err != nil {
		return PushResult{}, err
	}
	var a struct {
		Result PushResult `xml:"Result"`
	}
	if err := xml.Unmarshal(answer, &a); err != nil || a.Result.Value == "" {
		return PushResult{}, &Error{Kind: Unavailable, Service: "mfa push", Tenant: tid, Ambiguous: true, Message: "Microsoft's push service answered what cannot be read; the push may have been sent."}
	}
	return PushResult{cleanText(a.Result.Value, 80), cleanText(a.Result.Message, 200)}, nil
}

// pushToken signs in as Microsoft's application. A secret that was added just now is not known everywhere at once.
func (c *Client) pushToken(ctx context.Context, k call, secret string) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {pushApp}, "client_secret": {secret}, "resource": {pushResource}}.Encode()
	for n := 1; ; n++ {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.Cloud.Authority+"/"+url.PathEscape(k.tenant)+"/oauth2/token", strings.NewReader(form))
		if err != nil {
			return "", err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := (&http.Client{Transport: c.wire, CheckRedirect: neverFollow}).Do(req)
		if err != nil {
			return "", lost(call{service: signinService, tenant: k.tenant}, err, false)
		}
		body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		_ = res.Body.Close()
		if err != nil {
			return "", lost(call{service: signinService, tenant: k.tenant}, err, false)
		}
		var t struct {
			Token string `json:"access_token"`
		}
		if res.StatusCode == http.StatusOK && json.Unmarshal(body, &t) == nil && t.Token != "" {
			return t.Token, nil
		}
		e := signinAnswer(k.tenant, res.StatusCode, res.Header, body)
		if n >= secretsSpread || e.Code != "AADSTS7000215" && e.Code != "AADSTS700016" {
			e.Message = "Microsoft's MFA application could not sign in with its temporary secret, so no push was sent."
			return "", e
		}
		if err := c.clock.Sleep(ctx, time.Second); err != nil {
			return "", err
		}
	}
}

func (c *Client) pushAnswer(k call, req *http.Request) ([]byte, error) {
	res, err := (&http.Client{Transport: c.wire, CheckRedirect: neverFollow}).Do(req)
	if err != nil {
		return nil, lost(k, err, true)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	switch {
	case err != nil:
		return nil, lost(k, err, true)
	case res.StatusCode >= 500:
		return nil, &Error{Kind: Unavailable, Service: "mfa push", Tenant: k.tenant, Status: res.StatusCode, Ambiguous: true, Message: "Microsoft's push service failed; the push may have been sent."}
	case res.StatusCode != http.StatusOK:
		return nil, &Error{Kind: Denied, Service: "mfa push", Tenant: k.tenant, Status: res.StatusCode, Message: "Microsoft's push service refused the request; no push was sent."}
	}
	return body, nil
}
