package tools

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"cipp-mcp/graphclient"
)

// ListSignInsIn are the arguments of cipp_list_user_signin_logs.
type ListSignInsIn struct {
	TenantArg
	UserArg
	Days int `json:"days,omitempty" jsonschema:"minimum=1,maximum=30,default=7"`
	PageArgs
}

// SignInRow is one sign-in.
type SignInRow struct {
	Time       *time.Time `json:"createdDateTime"`
	App        string     `json:"app"`
	IP         string     `json:"ipAddress"`
	Place      string     `json:"place,omitempty"`
	Country    string     `json:"country,omitempty"`
	Client     string     `json:"client,omitempty"`
	Device     string     `json:"device,omitempty"`
	Result     string     `json:"result"` // success, or in words why not
	ErrorNum   int        `json:"errorCode"`
	Access     string     `json:"conditionalAccess,omitempty"` // success | failure | notApplied
	Risk       string     `json:"risk,omitempty"`
	RiskEvents []string   `json:"riskEvents,omitempty"`
}

// ListSignInsOut is the answer of cipp_list_user_signin_logs.
type ListSignInsOut struct {
	TenantID string      `json:"tenantId"`
	Tenant   string      `json:"tenant"`
	UserID   string      `json:"userId"`
	User     string      `json:"userPrincipalName"`
	Days     int         `json:"days"`
	SignIns  []SignInRow `json:"signIns"`
	// LogRead: false where the tenant has no log to read, so that no rows prove nothing.
	LogRead bool `json:"logRead"`
	// Blocked: the user's sign-in is blocked now, whatever the log says.
	Blocked    bool       `json:"signInBlocked,omitempty"`
	Note       string     `json:"note,omitempty"`
	LastSignIn *time.Time `json:"lastSignInDateTime,omitempty"`
	Part
}

// Text lists the sign-ins.
func (o *ListSignInsOut) Text() string {
	var l lines
	if o.Blocked {
		l.add("the sign-in of %s is BLOCKED; cipp_enable_user allows it", o.User)
	}
	if !o.LogRead {
		l.add("the sign-ins of %s in %s cannot be listed: %s", o.User, o.Tenant, o.Note)
		return l.String()
	}
	l.add("%s of %s in %s, interactive ones of the last %s, the newest first", count(o.rows(len(o.SignIns)), "sign-in", "sign-ins"), o.User, o.Tenant, count(o.Days, "day", "days"))
	for _, s := range o.SignIns {
		l.add("%s", s.line())
	}
	more(&l, o.Part, "fewer days")
	return l.String()
}

func (s SignInRow) line() string {
	return fmt.Sprintf("sign-in %s | %s | %s | %s | %s%s%s", date(s.Time), q(s.App), s.IP, q(s.Place), q(s.Result), fenced(" | ", s.Device), ifText(s.Risk, " | risk "))
}

// Shrink drops the second half of the rows.
func (o *ListSignInsOut) Shrink() bool { return shrinkRows(&o.SignIns, &o.Part) }

var listSignIns = Read(Tool{
	Name: "cipp_list_user_signin_logs", Title: "A user's sign-ins", Toolset: "users", Extra: true, Aliases: userAliases,
	Description: "Lists a user's interactive sign-ins and why some failed; without Entra ID P1 only the last one. To judge a suspicion use cipp_bec_check.",
	Needs:       Needs{App: []string{"AuditLog.Read.All", "User.Read.All"}, GDAPRoles: []string{"Reports Reader"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","days":3}`,
}, func(ctx context.Context, c *Call, in ListSignInsIn) (ListSignInsOut, error) {
	out := ListSignInsOut{TenantID: c.Tenant.ID, Tenant: c.Tenant.DefaultDomain, UserID: c.User.ID, User: c.User.UserPrincipalName, Days: in.Days, SignIns: []SignInRow{}, LogRead: true, Blocked: c.User.AccountEnabled != nil && !*c.User.AccountEnabled}
	if out.Days == 0 {
		out.Days = 7
	}
	query := graphclient.SignInQuery{UserID: c.User.ID, Since: c.Clock.Now().AddDate(0, 0, -out.Days)}
	if in.csv() {
		var err error
		out.Export, err = exportSignIns(ctx, c, query)
		return out, c.withoutSignIns(ctx, &out, err)
	}
	at, err := openCursor(c, "cipp_list_user_signin_logs", in.Cursor)
	if err != nil {
		return out, err
	}
	query.Max = at.Skip + in.limit() + 1
	rows, err := c.Graph.SignIns(ctx, c.Tenant.ID, query)
	if err != nil {
		return out, c.withoutSignIns(ctx, &out, err)
	}
	out.SignIns, out.Part, err = slicePage(c, "cipp_list_user_signin_logs", signInRows(rows), in.PageArgs)
	return out, err
})

// exportSignIns writes page by page what may be very long.
func exportSignIns(ctx context.Context, c *Call, q graphclient.SignInQuery) (*Export, error) {
	x, err := c.export(jsonNames(reflect.TypeFor[SignInRow]()))
	if err != nil {
		return nil, err
	}
	err = c.Graph.EachSignIn(ctx, c.Tenant.ID, q, func(some []graphclient.SignIn) error {
		for _, r := range signInRows(some) {
			if err := x.add(cells(reflect.ValueOf(r))); err != nil {
				return err
			}
		}
		return nil
	})
	return x.end(err)
}

// withoutSignIns says of a tenant that has no log what is known without it; any other error stays one.
func (c *Call) withoutSignIns(ctx context.Context, out *ListSignInsOut, err error) error {
	if graphclient.KindOf(err) != graphclient.NotPremium {
		return err
	}
	out.LogRead, out.Export = false, nil
	u, aerr := c.Graph.User(ctx, c.Tenant.ID, c.User.ID, "id", "signInActivity")
	switch last := lastSuccess(u); {
	case aerr == nil && last != nil:
		out.LastSignIn = last
		out.Note = "the sign-in log needs Entra ID P1 in the tenant. The last successful sign-in was " + date(last) + "."
		return nil
	case aerr != nil && graphclient.KindOf(aerr) != graphclient.NotPremium:
		return aerr
	}
	out.Note = "the sign-in log and the last sign-in need Entra ID P1 in the tenant."
	if s, merr := c.Graph.MailboxStatistics(ctx, c.Tenant.ID, c.Mailbox()); merr == nil && !none(s.LastLogonTime) {
		out.LastSignIn = s.LastLogonTime
		out.Note += " The mailbox was last opened " + date(s.LastLogonTime) + ", by the user, a delegate or a service."
	}
	return nil
}

func signInRows(rows []graphclient.SignIn) []SignInRow {
	out := []SignInRow{}
	for _, r := range rows {
		risk := r.RiskLevelDuringSignIn
		if risk == "none" {
			risk = ""
		}
		row := SignInRow{Time: r.CreatedDateTime, App: Clean(r.AppDisplayName, 120), IP: Clean(r.IPAddress, 45), Country: Clean(r.Location.CountryOrRegion, 60), Place: Clean(strings.Trim(r.Location.City+", "+r.Location.CountryOrRegion, ", "), 120),
			Client: Clean(r.ClientAppUsed, 60), Device: Clean(strings.TrimSpace(r.DeviceDetail.DisplayName+" "+r.DeviceDetail.OperatingSystem), 120), Result: signInResult(r.Status), Risk: risk, ErrorNum: r.Status.ErrorCode, Access: r.ConditionalAccessStatus}
		for _, e := range r.RiskEventTypes[:min(len(r.RiskEventTypes), 10)] {
			row.RiskEvents = append(row.RiskEvents, Clean(e, 60))
		}
		out = append(out, row)
	}
	return out
}

// signInFailures are the failures a service desk meets, in words shorter than Microsoft's.
//
// Reference: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
var signInFailures = map[int]string{
	50034: "no such user", 50053: "locked after too many wrong passwords, or from an address with a bad name", 50055: "the password has expired", 50056: "no password in Entra ID", 50057: "the account is blocked",
	50058: "no session to sign in with silently", 50072: "has to register for MFA", 50074: "MFA was asked for and not passed", 50076: "MFA was asked for", 50079: "has to register for MFA",
	50097: "the device had to prove itself", 50105: "not assigned to the application", 50125: "interrupted for a password reset or registration", 50126: "wrong user name or password", 50132: "the session was revoked",
	50133: "the session ended with a changed password", 50140: "interrupted to ask whether to stay signed in", 50144: "the password in Active Directory has expired", 50158: "sent to an outside check, such as MFA", 50173: "the session was revoked; a new sign-in is needed",
	50199: "had to confirm the sign-in", 53000: "the device is not compliant", 53001: "the device is not joined", 53002: "the application is not approved", 53003: "blocked by Conditional Access", 53004: "has to register for MFA from a safe place",
	65001: "the application has no consent", 70008: "the session has expired", 70043: "the session has expired under Conditional Access", 90095: "an administrator has to agree to the application", 500011: "no such resource in the tenant", 500121: "MFA was not passed",
	530002: "the device is not compliant", 530003: "the device has to be managed", 530032: "blocked by security defaults or policy", 530034: "blocked for risk", 700082: "the session was not used for too long",
}

// signInResult is how a sign-in ended, in words.
func signInResult(s graphclient.SignInStatus) string {
	if s.ErrorCode == 0 {
		return "success"
	}
	why, known := signInFailures[s.ErrorCode]
	if !known {
		why = Clean(s.FailureReason, 200)
	}
	return strings.TrimSpace(fmt.Sprintf("failed: %s (%d)", why, s.ErrorCode))
}
