package tools

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

func TestCellsOfARow(t *testing.T) {
	at, yes := time.Date(2026, 3, 12, 15, 0, 0, 0, time.FixedZone("", 3600)), true
	row := struct {
		Name   string            `json:"name"`
		On     *bool             `json:"on"`
		Off    *bool             `json:"off"`
		At     *time.Time        `json:"at"`
		Words  []string          `json:"words"`
		N      int               `json:"n"`
		More   map[string]string `json:"more"`
		Hidden string            `json:"-"`
	}{Name: "=1+1", On: &yes, At: &at, Words: []string{"a", "b"}, N: 3, Hidden: "x"}
	if got, want := cells(reflect.ValueOf(row)), []string{"=1+1", "true", "", "2026-03-12 14:00:00Z", "a; b", "3", ""}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := jsonNames(reflect.TypeOf(row)); len(got) != 7 {
		t.Errorf("%q", got)
	}
	for in, want := range map[string]string{"=1+1": "'=1+1", "+44": "'+44", "-x": "'-x", "@x": "'@x", "\tx": "'\tx", "a=1": "a=1", "": ""} {
		if got := noFormula(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestTypesOfAudits(t *testing.T) {
	changed := func(property string) []graphclient.AuditTarget {
		return []graphclient.AuditTarget{{ModifiedProperties: []graphclient.ModifiedProperty{{DisplayName: property}}}}
	}
	for want, a := range map[string]graphclient.DirectoryAudit{
		"license":     {Category: "UserManagement", ActivityDisplayName: "Change user license"},
		"mfa":         {Category: "UserManagement", ActivityDisplayName: "Update user", TargetResources: changed("StrongAuthenticationMethod")},
		"password":    {Category: "UserManagement", ActivityDisplayName: "Reset user password"},
		"signInState": {Category: "UserManagement", ActivityDisplayName: "Update user", TargetResources: changed("AccountEnabled")},
		"user":        {Category: "UserManagement", ActivityDisplayName: "Update user", TargetResources: changed("JobTitle")},
		"role":        {Category: "RoleManagement", ActivityDisplayName: "Add member to role"},
		"policy":      {Category: "Policy", ActivityDisplayName: "Update policy"},
		"":            {Category: "Agreement", ActivityDisplayName: "Accept Terms Of Use"},
	} {
		if got := entraType(a); got != want {
			t.Errorf("%s is %q, expected %q", a.ActivityDisplayName, got, want)
		}
	}
	for _, c := range []struct {
		e        jobs.Event
		of, want string
	}{
		{jobs.Event{Step: "manage-licences"}, "cipp_manage_user_licenses", "license"},
		{jobs.Event{Step: "remove-licences"}, "cipp_offboard_user", "license"},
		{jobs.Event{Step: "disable-sign-in"}, "cipp_offboard_user", "signInState"},
		{jobs.Event{Tool: "cipp_reset_mfa"}, "", "mfa"},
		{jobs.Event{Step: "hide-mailbox"}, "cipp_offboard_user", ""},
	} {
		if got := journalType(c.e, c.of); got != c.want {
			t.Errorf("%+v of %s is %q, expected %q", c.e, c.of, got, c.want)
		}
	}
}

func TestServiceAccounts(t *testing.T) {
	patterns := []string{"svc-*", "scanner@contoso.com", "11111111-1111-4111-8111-111111111111"}
	for upn, want := range map[string]bool{"SVC-Backup@contoso.com": true, "scanner@contoso.com": true, "scanner@fabrikam.com": false, "ada@svc-contoso.com": false} {
		if got := isService(patterns, graphclient.User{ID: "2", UserPrincipalName: upn}); got != want {
			t.Errorf("%s: %t", upn, got)
		}
	}
	if !isService(patterns, graphclient.User{ID: patterns[2], UserPrincipalName: "x@contoso.com"}) {
		t.Error("an id is not known")
	}
}

// The failures that Microsoft words at length are short; what is not known keeps Microsoft's words.
func TestSignInFailuresInWords(t *testing.T) {
	for _, c := range []struct {
		s    graphclient.SignInStatus
		want string
	}{
		{graphclient.SignInStatus{}, "success"},
		{graphclient.SignInStatus{ErrorCode: 53003, FailureReason: "Access has been blocked by Conditional Access policies."}, "failed: blocked by Conditional Access (53003)"},
		{graphclient.SignInStatus{ErrorCode: 1, FailureReason: "Something new."}, "failed: Something new. (1)"},
	} {
		if got := signInResult(c.s); got != c.want {
			t.Errorf("%q", got)
		}
	}
}
