package graphclient

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"golang.org/x/oauth2"
)

// signinProblem is what an AADSTS code means and what to do about it.
type signinProblem struct {
	kind    Kind
	message string
}

const (
	notInGDAP  = "The partner administrator is not in a security group of a working GDAP relationship with this tenant. Check the relationship and its access assignments."
	notAgreed  = "The application has no consent in this tenant. Grant admin consent there and try again."
	renewRT    = "The partner's refresh token is no longer valid. Sign in again with multifactor authentication and store the new refresh token."
	noTenant   = "Microsoft knows no such tenant. Check the domain or id."
	needsMFA   = "Microsoft demands multifactor authentication that the stored sign-in did not have. Sign in again with it and store the new refresh token."
	wrongShape = "The sign-in request was refused as malformed. Check tenant id, client id and credential."
)

// signinProblems are the codes people meet.
//
// Reference: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
var signinProblems = map[string]signinProblem{
	"AADSTS50020":   {GDAPMissing, notInGDAP},
	"AADSTS50177":   {GDAPMissing, notInGDAP},
	"AADSTS50105":   {GDAPMissing, notInGDAP},
	"AADSTS50076":   {SignInBlocked, needsMFA},
	"AADSTS50079":   {SignInBlocked, needsMFA},
	"AADSTS53003":   {SignInBlocked, "A Conditional Access policy of this tenant blocks the sign-in. Exclude the application or the partner's administrator from it."},
	"AADSTS65001":   {NotConsented, notAgreed},
	"AADSTS700016":  {NotConsented, notAgreed},
	"AADSTS65002":   {NotConsented, "Microsoft does not let the Azure CLI's application ask for this service. Sign in with a device code and an application of your own (auth.signIn: deviceCode)."},
	"AADSTS65004":   {SignInFailed, "The sign-in was declined on the other device."},
	"AADSTS70020":   {SignInFailed, "Nobody entered the code in time. Ask again for a new one."},
	"AADSTS7000218": {SignInFailed, "The application does not allow public client flows. Allow them in the app registration (Authentication), or configure its secret."},
	"AADSTS650051":  {Unavailable, "The application is just being added to this tenant. Try again in a minute."},
	"AADSTS650052":  {NotLicensed, "This tenant does not have the service the application asks for."},
	"AADSTS700027":  {SignInFailed, "Microsoft does not accept the application's certificate (yet). If it was uploaded just now, try again in a minute."},
	"AADSTS700082":  {SecretExpired, renewRT},
	"AADSTS70008":   {SecretExpired, renewRT},
	"AADSTS70043":   {SecretExpired, renewRT},
	"AADSTS50173":   {SecretExpired, renewRT},
	"AADSTS7000215": {SignInFailed, "The application's client secret is wrong. Put the secret's value, not its id, into the configuration."},
	"AADSTS7000222": {SecretExpired, "The application's client secret has expired. Create a new one in the app registration and store it."},
	"AADSTS900023":  {TenantUnknown, noTenant},
	"AADSTS90002":   {TenantUnknown, noTenant},
	"AADSTS5000224": {TenantUnknown, "This tenant has been deleted or is unavailable."},
	"AADSTS9002313": {SignInFailed, wrongShape},
	"AADSTS900144":  {SignInFailed, wrongShape},
	"AADSTS50034":   {GDAPMissing, notInGDAP},
	"AADSTS50057":   {SignInFailed, "The account that signs in is disabled."},
	"AADSTS90033":   {Unavailable, "Microsoft's sign-in service is temporarily unavailable."},
}

var aadsts = regexp.MustCompile(`AADSTS\d+`)

// signinError reads what a sign-in library returned.
func signinError(tenant string, err error) *Error {
	var ours *Error
	if errors.As(err, &ours) {
		return ours
	}
	var res *http.Response
	var body []byte
	var failed *azidentity.AuthenticationFailedError
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &failed) && failed.RawResponse != nil:
		res = failed.RawResponse
		body, _ = runtime.Payload(res)
	case errors.As(err, &refused) && refused.Response != nil:
		res, body = refused.Response, refused.Body
	default:
		if code := aadsts.FindString(err.Error()); code != "" {
			return signinAnswer(tenant, 0, nil, []byte(`{"error_description":"`+code+`"}`))
		}
		return lost(call{service: signinService, tenant: tenant}, err, false)
	}
	return signinAnswer(tenant, res.StatusCode, res.Header, body)
}

// signinAnswer reads an answer of the token endpoint or of OpenID discovery.
func signinAnswer(tenant string, status int, header http.Header, body []byte) *Error {
	var b struct {
		Error            string `json:"error"`
		ErrorDescription string `json:"error_description"`
		CorrelationID    string `json:"correlation_id"`
		TraceID          string `json:"trace_id"`
	}
	_ = json.Unmarshal(body, &b)
	e := &Error{Service: string(signinService), Tenant: tenant, Status: status, RequestID: b.TraceID, notSent: true}
	if header != nil {
		e.RetryAfter = retryAfter(header, time.Now())
	}
	e.Code = aadsts.FindString(b.ErrorDescription)
	if p, ok := signinProblems[e.Code]; ok {
		e.Kind, e.Message = p.kind, p.message
		return e
	}
	switch {
	case status == http.StatusTooManyRequests:
		e.Kind, e.Message = Throttled, "Microsoft's sign-in service asks for a pause."
	case status >= 500:
		e.Kind, e.Message = Unavailable, "Microsoft's sign-in service is temporarily unavailable."
	default:
		e.Kind = SignInFailed
		e.Message = "Microsoft refused the sign-in: " + cleanText(b.ErrorDescription, 200)
		if b.ErrorDescription == "" {
			e.Message = "Microsoft refused the sign-in without a reason."
		}
		if e.Code == "" {
			e.Code = cleanText(b.Error, 60)
		}
	}
	return e
}
