package graphclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// longestMessage bounds what a service's own words may take of an Error.
const longestMessage = 300

// errorBody is Microsoft's error shape: Graph's, and Exchange's, which only fills it differently.
type errorBody struct {
	Code       string      `json:"code"`
	Message    string      `json:"message"`
	Details    []errorBody `json:"details"`
	InnerError *innerError `json:"innerError"` // also matches "innererror"
}

type innerError struct {
	Code              string      `json:"code"`
	Message           string      `json:"message"`
	Type              string      `json:"type"`
	RequestID         string      `json:"request-id"`
	InnerError        *innerError `json:"innerError"`
	InternalException *innerError `json:"internalException"`
}

// answerError turns a failed answer into an Error, whatever its body holds: JSON, HTML, a NUL byte, nothing.
func answerError(k call, res *http.Response, body []byte) *Error {
	e := &Error{Service: string(k.service), Tenant: k.tenant, Status: res.StatusCode,
		RequestID:  firstOf(res.Header.Get("request-id"), res.Header.Get("client-request-id")),
		RetryAfter: retryAfter(res.Header, time.Now()),
		claims:     claimsChallenge(res.Header.Values("WWW-Authenticate"))}
	var wrapped struct {
		Error errorBody `json:"error"`
		OData struct {  // SharePoint's REST service
			Message struct {
				Value string `json:"value"`
			} `json:"message"`
		} `json:"odata.error"`
	}
	readable := json.Unmarshal(bytes.TrimSpace(body), &wrapped) == nil
	wrapped.Error.Message = firstOf(wrapped.Error.Message, wrapped.OData.Message.Value)
	if k.service == exchangeService {
		exchangeProblem(k, e, wrapped.Error)
	} else {
		graphProblem(e, wrapped.Error)
	}
	k.hide(e, wrapped.Error)
	if !readable && e.Message == "" {
		e.Message = k.service.name() + " answered " + http.StatusText(e.Status) + " without saying why."
	}
	finish(k, e)
	return e
}

// finish settles what depends on the kind: the words that say what to do, and ambiguity.
func finish(k call, e *Error) {
	switch e.Status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		e.Ambiguous = k.write && e.Kind == Unavailable
	}
	e.Message = firstOf(adviceFor(k, e), e.Message)
	if e.Message == "" {
		e.Message = k.service.name() + " answered " + firstOf(http.StatusText(e.Status), "with an error") + "."
	}
}

// advice replaces Microsoft's wording where a better sentence exists.
var advice = map[Kind]string{
	NotPremium:       "This tenant has no Entra ID P1 or P2 licence, which this information needs.",
	NoMailbox:        "The user has no Exchange Online mailbox.",
	NoDrive:          "The user's OneDrive is not provisioned.",
	OnPremises:       "The object is mastered in the local Active Directory; change it there.",
	DynamicGroup:     "A membership rule decides who is in this group; members cannot be added or removed.",
	ExchangeManaged:  "This is a mail-enabled group; only Exchange can change its members.",
	UsageLocation:    "The user has no usage location, which a licence needs. Set usageLocation first.",
	NoSeats:          "The subscription has no free seat. Buy one or free one first.",
	InheritedLicense: "The licence comes from a group; take the user out of the group instead.",
	DefaultMethod:    "This is the user's default method; it can only be removed after the others.",
	AlreadyMember:    "That is so already: the membership or permission exists.",
	NotMember:        "That is so already: there is no such membership or permission.",
}

func adviceFor(k call, e *Error) string {
	if e.Kind == Throttled {
		return k.service.name() + " asks for a pause: too many requests for this tenant."
	}
	if e.Kind != Unavailable {
		return advice[e.Kind]
	}
	if e.Ambiguous {
		return k.service.name() + " is temporarily unavailable. The change may have been made; read the object before trying again."
	}
	return k.service.name() + " is temporarily unavailable."
}

// refine says whether a refusal is about a missing permission or a missing role. Microsoft answers both
// alike; the token tells them apart, for it lists what has been granted.
func (c *Client) refine(k call, err error, token string) error {
	var e *Error
	if !errors.As(err, &e) || e.Kind != Denied && e.Kind != RoleMissing || e.Status != http.StatusForbidden {
		return err
	}
	needs := k.needs
	if k.service == exchangeService {
		needs = []string{"Exchange.ManageAsApp", "Exchange.Manage"}
	}
	granted := permissions(token)
	if len(needs) == 0 || len(granted) == 0 {
		if e.Kind == Denied && e.Message == "" {
			e.Message = "The application may not do this in this tenant."
		}
		return e
	}
	for _, p := range granted {
		if containsFold(needs, p) {
			e.Kind = RoleMissing
			e.Message = c.roleAdvice(k)
			return e
		}
	}
	e.Kind = Denied
	e.Message = "The application lacks the permission " + needs[0] + " in this tenant. Grant it in the app registration and consent to it there."
	return e
}

func (c *Client) roleAdvice(k call) string {
	who := "The application's service principal in this tenant"
	switch c.cfg.Auth.Mode {
	case Partner:
		who = "The partner's administrator"
	case AsUser:
		who = "The person this server is signed in as"
	case App:
	}
	switch {
	case k.service == exchangeService:
		return who + " lacks the Exchange Administrator role (or the cmdlet is outside its role)."
	case k.write:
		return who + " lacks a directory role high enough for this target. Administrators need Privileged Authentication Administrator; other users User Administrator."
	}
	return who + " lacks a directory role that may read this, such as Global Reader."
}

var markup = regexp.MustCompile(`(?s)<[^>]{0,200}>`)

// cleanText makes a service's text fit to show: one line, no markup, no control or invisible characters, at
// most limit runes.
func cleanText(s string, limit int) string {
	s = markup.ReplaceAllString(s, " ")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.C, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > limit {
		s = strings.TrimSpace(string(runes[:limit-1])) + "…"
	}
	return s
}

var claimsPattern = regexp.MustCompile(`claims="([^"]+)"`)

// claimsChallenge is the claims a 401 demands, decoded, or "".
func claimsChallenge(headers []string) string {
	for _, h := range headers {
		if m := claimsPattern.FindStringSubmatch(h); m != nil {
			return decodeClaims(m[1])
		}
	}
	return ""
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
