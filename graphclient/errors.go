package graphclient

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what went wrong in terms a caller can act on. The list is closed.
type Kind string

// The kinds of failure.
const (
	NotFound         Kind = "notFound"         // the object is not there, or not yet
	Denied           Kind = "denied"           // the permission is not granted to the application
	RoleMissing      Kind = "roleMissing"      // permission granted; a directory or Exchange role is missing
	NotConsented     Kind = "notConsented"     // the application has no consent in the tenant
	GDAPMissing      Kind = "gdapMissing"      // no working delegated admin relationship with the tenant
	SecretExpired    Kind = "secretExpired"    // the application's secret or certificate, or the refresh token, has expired
	SignInFailed     Kind = "signInFailed"     // any other refusal of the sign-in service
	SignInBlocked    Kind = "signInBlocked"    // multifactor authentication or Conditional Access stands in the way
	OtherSignIn      Kind = "otherSignIn"      // Microsoft gives this to another kind of sign-in only
	SignInNeeded     Kind = "signInNeeded"     // a person has to sign this program in first
	NotPremium       Kind = "notPremium"       // the tenant has no Entra ID P1 or P2
	NotLicensed      Kind = "notLicensed"      // the service (Intune, SharePoint …) does not exist in the tenant
	Throttled        Kind = "throttled"        // too many requests; RetryAfter says when
	Invalid          Kind = "invalid"          // the request was refused as it is
	Conflict         Kind = "conflict"         // the value or object exists already
	OnPremises       Kind = "onPremises"       // the object is mastered in the local Active Directory
	NoMailbox        Kind = "noMailbox"        // the user has no Exchange Online mailbox
	NoDrive          Kind = "noDrive"          // the user's OneDrive is not provisioned
	Unavailable      Kind = "unavailable"      // the service or the way to it is down
	TenantUnknown    Kind = "tenantUnknown"    // no such tenant, or not one of ours
	TenantAmbiguous  Kind = "tenantAmbiguous"  // several tenants match; see Candidates
	TenantDenied     Kind = "tenantDenied"     // the operator's lists exclude the tenant
	UserAmbiguous    Kind = "userAmbiguous"    // several users match; see Candidates
	AlreadyMember    Kind = "alreadyMember"    // the membership or permission exists already
	NotMember        Kind = "notMember"        // the membership or permission does not exist
	DynamicGroup     Kind = "dynamicGroup"     // a rule decides the group's members
	ExchangeManaged  Kind = "exchangeManaged"  // a mail-enabled group that only Exchange can change
	UsageLocation    Kind = "usageLocation"    // a licence needs the user's usage location first
	NoSeats          Kind = "noSeats"          // the subscription has no free seat
	InheritedLicense Kind = "inheritedLicense" // the licence comes from a group
	DefaultMethod    Kind = "defaultMethod"    // the default authentication method goes last
	WeakPassword     Kind = "weakPassword"     // the password policy refuses the password
	Internal         Kind = "internal"         // this program's mistake, or an answer it cannot read
)

// Error is every failure this package returns. Message is one clean, bounded sentence or two that a person
// can act on; the rest is for logs and for deciding.
type Error struct {
	Kind       Kind
	Service    string // graph | exchange | signin
	Tenant     string // the tenant's id
	Status     int    // HTTP status; 0 where no answer came
	Code       string // Microsoft's code: Request_ResourceNotFound, AADSTS65001, ManagementObjectNotFoundException …
	Message    string
	RequestID  string
	RetryAfter time.Duration
	// Ambiguous marks a write that may have been done although it failed: the connection was cut, time
	// ran out, or a gateway answered 500, 502 or 504. Read the object back before anything else.
	Ambiguous bool
	// Candidates are what the name could have meant, for TenantAmbiguous and UserAmbiguous, or near misses
	// for TenantUnknown and NotFound.
	Candidates []string

	cause   error
	claims  string // claims challenge of a 401
	notSent bool   // nothing reached the service: safe to send again
}

// Error is "message (status code, kind)".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	var parts []string
	if e.Status != 0 {
		parts = append(parts, fmt.Sprint(e.Status))
	}
	if e.Code != "" {
		parts = append(parts, e.Code)
	}
	parts = append(parts, string(e.Kind))
	return b.String() + " (" + strings.Join(parts, " ") + ")"
}

// Unwrap is the network or context error underneath, if any.
func (e *Error) Unwrap() error { return e.cause }

// KindOf is the kind of err: "" for nil, Internal for an error that is not from this package.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// IsAmbiguous reports whether err is a write that may have been done although it failed.
func IsAmbiguous(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Ambiguous
}

// Later says that Microsoft did nothing and wants to be asked again after a while.
func Later(err error) (time.Duration, bool) {
	var e *Error
	switch {
	case !errors.As(err, &e) || e.Ambiguous:
		return 0, false
	case e.Kind == SignInNeeded:
		return time.Minute, true // what a person needs at the least
	case e.Kind != Throttled:
		return 0, false
	}
	return max(e.RetryAfter, time.Second), true
}
