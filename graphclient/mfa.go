package graphclient

import (
	"context"
	"encoding/json"
	"iter"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/reports"
)

var (
	readMethods  = []string{"UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All"}
	writeMethods = "UserAuthenticationMethod.ReadWrite.All"
)

// RegistrationDetails is the registration report of a tenant, page by page: who has registered what, one
// request per thousand users. filter is an OData expression, "" for everybody. Disabled users are left out
// by Microsoft, and rows are hours behind. A tenant without P1 or P2 is kind NotPremium.
//
// GET /reports/authenticationMethods/userRegistrationDetails; least permission AuditLog.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/authenticationmethodsroot-list-userregistrationdetails
func (c *Client) RegistrationDetails(ctx context.Context, tid, filter string) iter.Seq2[[]RegistrationDetail, error] {
	k := read(tid, "AuditLog.Read.All").limited(reportBudget)
	build := func() (*abs.RequestInformation, error) {
		b := reports.NewAuthenticationMethodsUserRegistrationDetailsRequestBuilderInternal(c.v1.path(), c.v1)
		return b.ToGetRequestInformation(ctx, &reports.AuthenticationMethodsUserRegistrationDetailsRequestBuilderGetRequestConfiguration{
			QueryParameters: &reports.AuthenticationMethodsUserRegistrationDetailsRequestBuilderGetQueryParameters{
				Filter: opt(filter), Top: opt(int32(largestPage))}})
	}
	return func(yield func([]RegistrationDetail, error) bool) {
		if err := require(tid); err != nil {
			yield(nil, err)
			return
		}
		for p, err := range pages[RegistrationDetail](ctx, c, k, c.v1, build) {
			if !yield(p.Value, err) {
				return
			}
		}
	}
}

// AuthMethods are a user's registered methods, the password among them. For whole tenants use
// RegistrationDetails.
//
// GET /users/{id}/authentication/methods; least permission UserAuthenticationMethod.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/authentication-list-methods
func (c *Client) AuthMethods(ctx context.Context, tid, id string) ([]AuthMethod, error) {
	if err := require(tid, id); err != nil {
		return nil, err
	}
	return all[AuthMethod](ctx, c, read(tid, readMethods...), c.v1, 0, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(id).Authentication().Methods().ToGetRequestInformation(ctx, nil)
		return keyed(info, err, id)
	})
}

// AuthMethodsOf are the methods of many users, twenty to a request. The map has an entry for each id; the
// error is for what failed as a whole, such as sign-in.
func (c *Client) AuthMethodsOf(ctx context.Context, tid string, ids []string) (map[string]AuthMethodsResult, error) {
	answers, err := c.getEach(ctx, read(tid, readMethods...), c.v1, ids, func(id string) string {
		return userPath(id) + "/authentication/methods"
	})
	if err != nil {
		return nil, err
	}
	out := make(map[string]AuthMethodsResult, len(ids))
	for id, a := range answers {
		var p page[AuthMethod]
		if a.err == nil {
			a.err = decodeItem(read(tid), a.body, &p)
		}
		out[id] = AuthMethodsResult{p.Value, a.err}
	}
	return out, nil
}

// PerUserMFAState is the legacy per-user setting: disabled, enabled or enforced.
//
// GET /beta/users/{id}/authentication/requirements; least permission Policy.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/authentication-get
func (c *Client) PerUserMFAState(ctx context.Context, tid, id string) (string, error) {
	r, err := fetchUserPart[perUserMFA](ctx, c, read(tid, readPolicies...), id, "requirements")
	return r.State, err
}

// PerUserMFAStates are the states of many users, twenty to a request.
func (c *Client) PerUserMFAStates(ctx context.Context, tid string, ids []string) (map[string]StringResult, error) {
	answers, err := c.getEach(ctx, read(tid, readPolicies...), c.beta, ids, func(id string) string {
		return userPath(id) + "/authentication/requirements"
	})
	if err != nil {
		return nil, err
	}
	out := make(map[string]StringResult, len(ids))
	for id, a := range answers {
		var r perUserMFA
		if a.err == nil {
			a.err = decodeItem(read(tid), a.body, &r)
		}
		out[id] = StringResult{r.State, a.err}
	}
	return out, nil
}

type perUserMFA struct {
	State string `json:"perUserMfaState"`
}

// SetPerUserMFAState sets the legacy per-user setting: disabled, enabled or enforced.
//
// PATCH /beta/users/{id}/authentication/requirements, 204; least permission
// Policy.ReadWrite.AuthenticationMethod. Repeatable.
func (c *Client) SetPerUserMFAState(ctx context.Context, tid, id, state string) error {
	if err := require(tid, id, state); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, "Policy.ReadWrite.AuthenticationMethod"), c.beta, func() (*abs.RequestInformation, error) {
		return withJSON(plainRequest(abs.PATCH, "{+user}/authentication/requirements", map[string]string{"user": userPath(id)}), nil, perUserMFA{state})
	}, nil)
}

// SignInPreferences is the user's default method, and whether the system's preference overrides it.
//
// GET /beta/users/{id}/authentication/signInPreferences; least permission UserAuthenticationMethod.Read.All.
func (c *Client) SignInPreferences(ctx context.Context, tid, id string) (SignInPreferences, error) {
	return fetchUserPart[SignInPreferences](ctx, c, read(tid, readMethods...), id, "signInPreferences")
}

func fetchUserPart[T any](ctx context.Context, c *Client, k call, id, part string) (T, error) {
	if err := require(k.tenant, id); err != nil {
		var zero T
		return zero, err
	}
	return fetch[T](ctx, c, k, c.beta, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, "{+user}/authentication/{part}", map[string]string{"user": userPath(id), "part": part}), nil
	})
}

// methodPlaces are where each type of method is deleted and the least permission for it. The password is no
// registered method and has no place; neither have types not known here, whose URL is never guessed.
var methodPlaces = map[string]struct{ collection, permission string }{
	"phone":                   {"phoneMethods", "UserAuthMethod-Phone.ReadWrite.All"},
	"microsoftAuthenticator":  {"microsoftAuthenticatorMethods", "UserAuthMethod-MicrosoftAuthApp.ReadWrite.All"},
	"fido2":                   {"fido2Methods", "UserAuthMethod-Passkey.ReadWrite.All"},
	"softwareOath":            {"softwareOathMethods", "UserAuthMethod-SoftwareOATH.ReadWrite.All"},
	"hardwareOath":            {"hardwareOathMethods", "UserAuthMethod-HardwareOATH.ReadWrite.All"},
	"email":                   {"emailMethods", "UserAuthMethod-Email.ReadWrite.All"},
	"windowsHelloForBusiness": {"windowsHelloForBusinessMethods", "UserAuthMethod-WindowsHello.ReadWrite.All"},
	"temporaryAccessPass":     {"temporaryAccessPassMethods", "UserAuthMethod-TAP.ReadWrite.All"},
	"platformCredential":      {"platformCredentialMethods", "UserAuthMethod-PlatformCred.ReadWrite.All"},
	"external":                {"externalAuthenticationMethods", "UserAuthMethod-External.ReadWrite.All"},
	"qrCodePin":               {"qrCodePinMethod", "UserAuthMethod-QR.ReadWrite.All"},
}

// CanDelete reports whether DeleteAuthMethod knows how to delete methods of this type.
func (m AuthMethod) CanDelete() bool { _, ok := methodPlaces[m.Type()]; return ok }

// DeleteAuthMethod removes one registered method. The default method is refused, kind DefaultMethod, while
// others exist: delete it last. Sessions are not ended by it.
//
// DELETE /users/{id}/authentication/{collection}/{method}, 204; least permission that of the method's
// family, or UserAuthenticationMethod.ReadWrite.All. Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/resources/authenticationmethods-overview
func (c *Client) DeleteAuthMethod(ctx context.Context, tid, userID string, m AuthMethod) error {
	if err := require(tid, userID, m.ID); err != nil {
		return err
	}
	place, ok := methodPlaces[m.Type()]
	if !ok {
		return &Error{Kind: Invalid, Service: string(graphService), Tenant: tid,
			Message: "Authentication methods of the type " + cleanText(m.Type(), 60) + " cannot be removed."}
	}
	path, params := "{+user}/authentication/{collection}/{method}", map[string]string{
		"user": userPath(userID), "collection": place.collection, "method": m.ID}
	a := c.v1
	switch m.Type() {
	case "qrCodePin": // one per user, without an id
		path = "{+user}/authentication/{collection}"
	case "hardwareOath":
		a = c.beta
	}
	return c.send(ctx, change(ctx, tid, place.permission, writeMethods).deleting(), a, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.DELETE, path, params), nil
	}, nil)
}

// decodeItem decodes the body of one item of a batch.
func decodeItem(k call, body json.RawMessage, v any) error {
	if err := json.Unmarshal(body, v); err != nil {
		return unreadable(k, err)
	}
	return nil
}
