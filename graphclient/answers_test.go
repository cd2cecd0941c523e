package graphclient

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

func graphError(code, message string) string {
	return `{"error":{"code":"` + code + `","message":"` + message + `","innerError":{"date":"2026-03-12T15:00:00","request-id":"r1"}}}`
}

func TestGraphErrors(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		body   string
		kind   Kind
		code   string
		says   string
	}{
		{"not found", 404, graphError("Request_ResourceNotFound", "Resource 'x' does not exist."), NotFound, "Request_ResourceNotFound", "does not exist"},
		{"inner code wins", 404, `{"error":{"code":"UnknownError","message":"","innererror":{"code":"MailboxNotEnabledForRESTAPI","message":"inactive"}}}`, NoMailbox, "MailboxNotEnabledForRESTAPI", "no Exchange Online mailbox"},
		{"unknown inner code does not", 404, `{"error":{"code":"itemNotFound","message":"m","innerError":{"code":"whatever"}}}`, NotFound, "itemNotFound", "m"},
		{"not premium", 403, graphError("Authentication_RequestFromNonPremiumTenantOrB2CTenant", "Neither tenant is B2C or tenant doesn't have premium license"), NotPremium, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "P1 or P2"},
		{"no Intune", 403, graphError("Forbidden", "Request not applicable to target tenant."), NotLicensed, "Forbidden", ""},
		{"no Intune, as 400", 400, graphError("BadRequest", "Request not applicable to target tenant."), NotLicensed, "BadRequest", ""},
		{"throttled without header", 429, graphError("TooManyRequests", "Please retry again later."), Throttled, "TooManyRequests", "pause"},
		{"UPN taken", 400, graphError("Request_BadRequest", "Another object with the same value for property userPrincipalName already exists."), Conflict, "Request_BadRequest", "same value"},
		{"UPN taken, in details", 400, `{"error":{"code":"Request_BadRequest","message":"x","details":[{"code":"ObjectConflict","message":"y"}]}}`, Conflict, "Request_BadRequest", "x"},
		{"synced", 400, graphError("Request_BadRequest", "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration."), OnPremises, "Request_BadRequest", "Active Directory"},
		{"usage location", 400, graphError("Request_BadRequest", "License assignment cannot be done for user with invalid usage location."), UsageLocation, "", "usageLocation"},
		{"no seats", 400, graphError("Request_BadRequest", "Subscription with SKU x does not have any available licenses."), NoSeats, "", "free seat"},
		{"group licence", 400, graphError("Request_BadRequest", "User license is inherited from a group membership and it cannot be removed directly from the user."), InheritedLicense, "", "group"},
		{"already member", 400, graphError("Request_BadRequest", "One or more added object references already exist for the following modified properties: 'members'."), AlreadyMember, "", "so already"},
		{"mail-enabled", 400, graphError("Request_BadRequest", "Cannot Update a mail-enabled security groups and or distribution list."), ExchangeManaged, "", "Exchange"},
		{"default method", 400, graphError("badRequest", "The phone matches the user's current default authentication method, and cannot be deleted until the default authentication method is changed"), DefaultMethod, "", "after the others"},
		{"weak password", 400, graphError("Request_BadRequest", "The specified password does not comply with password complexity requirements."), WeakPassword, "", "complexity"},
		{"just wrong", 400, graphError("Request_BadRequest", "Invalid value specified for property 'x'."), Invalid, "", "Invalid value"},
		{"a text does not turn a 403", 403, graphError("Authorization_RequestDenied", "The mysite default method premium license"), Denied, "Authorization_RequestDenied", ""},
		{"no OneDrive", 404, graphError("ResourceNotFound", "User's mysite not found."), NoDrive, "", "OneDrive"},
		{"not implemented", 501, graphError("NotImplemented", "This operation target is not yet supported."), Invalid, "NotImplemented", "not yet"},
		{"conflict", 409, graphError("", "Exists."), Conflict, "", "Exists."},
		{"empty 403", 403, "", Denied, "", "without saying why"},
		{"HTML", 400, "<html><body><h1>Bad Request</h1></body></html>", Invalid, "", "without saying why"},
		{"JSON that is no object", 404, `[1,2]`, NotFound, "", ""},
		{"error as a string", 404, `{"error":"nope"}`, NotFound, "", ""},
		{"expired delta", 410, graphError("resyncRequired", "x"), NotFound, "resyncRequired", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("request-id", "r1")
				answer(w, tc.status, tc.body)
			})
			_, err := f.client().getUser(context.Background(), customer, person, nil)
			e := errorOf(t, err)
			if e.Kind != tc.kind || e.Status != tc.status || e.Tenant != customer || e.Service != "graph" || e.Ambiguous || e.RequestID != "r1" {
				t.Errorf("%+v", e)
			}
			if tc.code != "" && e.Code != tc.code || !strings.Contains(e.Message, tc.says) || e.Message == "" {
				t.Errorf("code %q message %q", e.Code, e.Message)
			}
		})
	}
}

// A refusal names the permission that is missing, or the role where the token shows that the permission is granted.
func TestDeniedAndRoleMissingAreToldApart(t *testing.T) {
	denied := func(w http.ResponseWriter, r *http.Request) {
		answer(w, 403, graphError("Authorization_RequestDenied", "Insufficient privileges to complete the operation."))
	}
	set := func(c *Client) error { return c.SetPassword(context.Background(), customer, person, "pw", true) }
	for name, tc := range map[string]struct {
		roles []string
		mode  Mode
		kind  Kind
		says  string
	}{
		"permission missing": {[]string{"User.Read.All"}, App, Denied, "User-PasswordProfile.ReadWrite.All"},
		"role missing":       {[]string{"User-PasswordProfile.ReadWrite.All"}, App, RoleMissing, "service principal"},
		"higher permission":  {[]string{"User.ReadWrite.All"}, App, RoleMissing, "Privileged Authentication Administrator"},
		"unknown":            {nil, App, Denied, "Insufficient privileges"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, denied)
			f.roles = tc.roles
			e := errorOf(t, set(f.client()))
			if e.Kind != tc.kind || !strings.Contains(e.Message, tc.says) {
				t.Errorf("%+v", e)
			}
		})
	}
}

func exchangeError(exception, text string) string {
	return `{"error":{"code":"BadRequest","message":"Error executing cmdlet","details":[{"code":"Context","target":"","message":"Ex6F9304|` + exception + `|` + text + `"}]}}`
}

func TestExchangeErrors(t *testing.T) {
	const ns = "Microsoft.Exchange.Configuration.Tasks."
	for _, tc := range []struct {
		name   string
		status int
		body   string
		kind   Kind
		code   string
		says   string
	}{
		{"no mailbox", 404, exchangeError(ns+"ManagementObjectNotFoundException", "The operation couldn't be performed because object 'x' couldn't be found on 'dc'."), NoMailbox, "ManagementObjectNotFoundException", "no Exchange Online mailbox"},
		{"several", 400, exchangeError(ns+"ManagementObjectAmbiguousException", "The operation couldn't be performed because 'x' matches multiple entries."), UserAmbiguous, "ManagementObjectAmbiguousException", "matches multiple"},
		{"exists", 400, exchangeError("Microsoft.Exchange.Management.Tasks.MemberAlreadyExistsException", "The recipient is already a member."), AlreadyMember, "MemberAlreadyExistsException", "so already"},
		{"no member", 400, exchangeError("Microsoft.Exchange.Management.Tasks.MemberNotFoundException", "x"), NotMember, "", ""},
		{"no entry", 400, exchangeError("Microsoft.Exchange.Management.StoreTasks.UserNotFoundInPermissionEntryException", "There is no existing permission entry found for user: X."), NotMember, "", ""},
		{"ACE", 400, exchangeError(ns+"SomethingException", "Can't remove the access control entry because the ACE isn't present."), NotMember, "", ""},
		{"synced", 400, exchangeError("Microsoft.Exchange.Data.Directory.InvalidADObjectOperationException", "The operation on mailbox failed because it's out of the current user's write scope. The action 'Set-Mailbox' can't be performed because the object is being synchronized from your on-premises organization."), OnPremises, "InvalidADObjectOperationException", "Active Directory"},
		{"cmdlet unknown", 400, exchangeError("System.Management.Automation.CommandNotFoundException", "The term 'Get-Mailbox' is not recognized."), RoleMissing, "CommandNotFoundException", ""},
		{"parameter unknown", 400, exchangeError("System.Management.Automation.ParameterBindingException", "A parameter cannot be found that matches parameter name 'X'."), Invalid, "ParameterBindingException", "parameter"},
		{"NUL byte", 403, "\x00", RoleMissing, "", "Exchange"},
		{"nothing", 403, "", RoleMissing, "", "Exchange"},
		{"not mapped yet", 400, exchangeError("System.Exception", "Unable to initialize the authorization context"), GDAPMissing, "", ""},
		{"inner exception", 500, `{"error":{"code":"InternalServerError","message":"Error","innererror":{"message":"outer","type":"x","internalexception":{"message":"couldn't find","type":"Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"}}}}`, NoMailbox, "ManagementObjectNotFoundException", ""},
		{"no pipe", 400, `{"error":{"code":"BadRequest","message":"","details":[{"message":"just words"}]}}`, Invalid, "BadRequest", "just words"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t, func(w http.ResponseWriter, r *http.Request) { answer(w, tc.status, tc.body) })
			_, err := f.client().Mailbox(context.Background(), customer, MailboxRef{ID: person})
			e := errorOf(t, err)
			if e.Kind != tc.kind || e.Service != "exchange" || e.Status != tc.status {
				t.Errorf("%+v", e)
			}
			if tc.code != "" && e.Code != tc.code || !strings.Contains(e.Message, tc.says) || e.Message == "" {
				t.Errorf("code %q message %q", e.Code, e.Message)
			}
		})
	}
	t.Run("a missing rule is no missing mailbox", func(t *testing.T) {
		f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			answer(w, 404, exchangeError(ns+"ManagementObjectNotFoundException", "x"))
		})
		if err := f.client().RemoveInboxRule(context.Background(), customer, MailboxRef{ID: person}, "r"); KindOf(err) != NotFound {
			t.Error(err)
		}
	})
}

func TestSigninErrors(t *testing.T) {
	for code, kind := range map[string]Kind{
		"AADSTS7000222": SecretExpired, "AADSTS7000215": SignInFailed, "AADSTS65001": NotConsented, "AADSTS700016": NotConsented,
		"AADSTS50020": GDAPMissing, "AADSTS50173": SecretExpired, "AADSTS53003": SignInBlocked, "AADSTS90002": TenantUnknown, "AADSTS999999": SignInFailed,
	} {
		for _, mode := range []Mode{App, Partner} {
			t.Run(code+" "+string(mode), func(t *testing.T) {
				f := newFake(t, ada)
				f.signin = func(w http.ResponseWriter, r *http.Request) {
					answer(w, 401, `{"error":"invalid_client","error_description":"`+code+`: Words of Microsoft. Trace ID: x","error_codes":[1],"trace_id":"t1"}`)
				}
				c := f.client(func(c *Config) { c.Auth.Mode, c.Auth.RefreshToken = mode, "rt" })
				_, err := c.User(context.Background(), customer, person)
				e := errorOf(t, err)
				if e.Kind != kind || e.Code != code || e.Service != "signin" || e.Tenant != customer || e.Ambiguous || e.RequestID != "t1" || !strings.HasSuffix(strings.TrimSpace(e.Message), ".") && code != "AADSTS999999" {
					t.Errorf("%+v", e)
				}
				if len(f.signinRequests()) != 1 || len(f.requests()) != 0 {
					t.Errorf("%d sign-ins, %d requests", len(f.signinRequests()), len(f.requests()))
				}
			})
		}
	}
}

func TestSigninOutageIsRepeatedEvenForWrites(t *testing.T) {
	for _, mode := range []Mode{App, Partner} {
		f := newFake(t, status(204))
		n := 0
		f.signin = func(w http.ResponseWriter, r *http.Request) {
			if n++; n < 3 {
				w.WriteHeader(503)
				return
			}
			answer(w, 200, `{"token_type":"Bearer","expires_in":3600,"access_token":"`+f.token(0)+`"}`)
		}
		c := f.client(func(c *Config) { c.Auth.Mode, c.Auth.RefreshToken = mode, "rt" })
		if err := c.RevokeSessions(context.Background(), customer, person); err != nil || len(f.requests()) != 1 {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

func FuzzAnswerError(f *testing.F) {
	for _, s := range []string{"", "\x00", `{"error":null}`, `{"error":{"innerError":{"innerError":{"code":"toomanyrequests"}}}}`, "<html>", graphError("a", "b"), exchangeError("c", "d|e")} {
		f.Add(s, 404, true)
		f.Add(s, 500, false)
	}
	f.Fuzz(func(t *testing.T, body string, status int, exchange bool) {
		k := call{service: graphService, tenant: customer, write: true}
		if exchange {
			k.service = exchangeService
		}
		e := answerError(k, &http.Response{StatusCode: status, Header: http.Header{}}, []byte(body))
		if e.Kind == "" || e.Message == "" || utf8.RuneCountInString(e.Message) > longestMessage+100 || utf8.RuneCountInString(e.Code) > 80 || !utf8.ValidString(e.Message) {
			t.Fatalf("%+v", e)
		}
		if strings.ContainsFunc(e.Message, func(r rune) bool { return r < ' ' }) {
			t.Fatalf("%q", e.Message)
		}
	})
}

func TestCleanText(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\n\tb\x00c\u200b": "a bc", "<p>Hello <b>there</b></p>": "Hello there", "a < b and c": "a < b and c", "ünï": "ünï",
	} {
		if got := cleanText(in, 100); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	if got := cleanText(strings.Repeat("ä", 500), 10); utf8.RuneCountInString(got) != 10 {
		t.Errorf("%q", got)
	}
}
