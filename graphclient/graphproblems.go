package graphclient

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// graphCodes are the codes of Graph and of the services behind it that say more than the status does.
//
// Reference: https://learn.microsoft.com/graph/errors
var graphCodes = map[string]Kind{
	"request_resourcenotfound": NotFound,
	"resourcenotfound":         NotFound,
	"itemnotfound":             NotFound,
	"erroritemnotfound":        NotFound,
	"imagenotfound":            NotFound,
	"notfound":                 NotFound,

	"authorization_requestdenied": Denied,
	"erroraccessdenied":           Denied,
	"accessdenied":                Denied,
	"forbidden":                   Denied,

	"authentication_requestfromnonpremiumtenantorb2ctenant": NotPremium,
	"requestfromnonpremiumtenantorb2ctenant":                NotPremium,

	"mailboxnotenabledforrestapi":   NoMailbox,
	"mailboxnotsupportedforrestapi": NoMailbox,

	"toomanyrequests":              Throttled,
	"applicationthrottled":         Throttled,
	"activitylimitreached":         Throttled,
	"throttledrequest":             Throttled,
	"request_throttledtemporarily": Throttled,

	"objectconflict": Conflict,
	"request_multipleobjectswithsamekeyvalue": Conflict,
	"namealreadyexists":                       Conflict,
	"roleassignmentexists":                    Conflict,

	"invalidauthenticationtoken": SignInFailed,
	"authenticationerror":        SignInFailed,
	"unauthenticated":            SignInFailed,

	"directory_concurrencyviolation": Unavailable,
	"directory_replicaunavailable":   Unavailable,
	"directory_bindingredirection":   Unavailable,
	"servicenotavailable":            Unavailable,
	"serviceunavailable":             Unavailable,

	"provisioningnotallowed":   NoDrive,
	"resourcebeingprovisioned": NoDrive,
}

// badRequests are the families of 400 Request_BadRequest that neither status nor code tells apart. A text
// that is not recognised stays Invalid; these only refine.
var badRequests = []struct {
	text string
	kind Kind
}{
	{"already exist for the following modified properties", AlreadyMember},
	{"removed object references do not exist", NotMember},
	{"same value for property", Conflict},
	{"permission being assigned already exists", AlreadyMember},
	{"on-premises mastered", OnPremises},
	{"invalid usage location", UsageLocation},
	{"does not have any available licenses", NoSeats},
	{"inherited from a group membership", InheritedLicense},
	{"mail-enabled security group", ExchangeManaged},
	{"dynamic membership", DynamicGroup},
	{"default authentication method", DefaultMethod},
	{"default method", DefaultMethod},
	{"password complexity", WeakPassword},
	{"not applicable to target tenant", NotLicensed},
	{"premium license", NotPremium},
	{"mysite", NoDrive},
}

// graphProblem reads a Graph error: the deepest code we know decides, else the status, else, within the 400
// families, the text.
func graphProblem(e *Error, b errorBody) {
	e.Code = b.Code
	e.Message = cleanText(b.Message, longestMessage)
	kind, known := graphCodes[strings.ToLower(b.Code)]
	for inner := b.InnerError; inner != nil; inner = inner.InnerError {
		if deeper, ok := graphCodes[strings.ToLower(inner.Code)]; ok {
			kind, known, e.Code = deeper, true, inner.Code
		}
		e.RequestID = firstOf(e.RequestID, inner.RequestID)
		if e.Message == "" {
			e.Message = cleanText(inner.Message, longestMessage)
		}
	}
	for _, d := range b.Details {
		if deeper, ok := graphCodes[strings.ToLower(d.Code)]; ok {
			kind, known = deeper, true
		}
	}
	e.Code = cleanText(e.Code, 80)
	if !known || e.Status == http.StatusTooManyRequests {
		kind = kindOfStatus(e.Status)
	}
	if e.Status == http.StatusBadRequest && (kind == Invalid || kind == Conflict) {
		kind = refineBadRequest(b.Message, kind)
	}
	if kind == NotFound && strings.Contains(strings.ToLower(b.Message), "mysite") {
		kind = NoDrive
	}
	if kind == Denied && strings.Contains(strings.ToLower(b.Message), "not applicable to target tenant") {
		kind = NotLicensed
	}
	if kind == Denied && strings.Contains(strings.ToLower(b.Message), "not licensed for this feature") {
		kind = NotPremium
	}
	e.Kind = kind
}

func refineBadRequest(message string, kind Kind) Kind {
	text := strings.ToLower(message)
	for _, f := range badRequests {
		if strings.Contains(text, f.text) {
			return f.kind
		}
	}
	return kind
}

// kindOfStatus is what an HTTP status alone says.
func kindOfStatus(status int) Kind {
	switch {
	case status == http.StatusUnauthorized:
		return SignInFailed
	case status == http.StatusForbidden:
		return Denied
	case status == http.StatusNotFound, status == http.StatusGone:
		return NotFound
	case status == http.StatusConflict, status == http.StatusPreconditionFailed, status == http.StatusLocked:
		return Conflict
	case status == http.StatusTooManyRequests:
		return Throttled
	case status == http.StatusNotImplemented:
		return Invalid
	case status >= 500:
		return Unavailable
	}
	return Invalid
}

// decodeClaims reads a claims challenge, which comes as base64 (Graph) or as JSON.
func decodeClaims(s string) string {
	if json.Valid([]byte(s)) {
		return s
	}
	s = strings.TrimRight(s, "=")
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if b, err := enc.DecodeString(s); err == nil && json.Valid(b) {
			return string(b)
		}
	}
	return ""
}
