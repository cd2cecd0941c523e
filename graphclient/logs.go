package graphclient

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/auditlogs"
)

// largestLogPage is the default and the maximum of rows in a page, and how many are read where all were not
// asked for.
const largestLogPage = 1000

// unknownEnums asks for values of enumerations that are newer than the API's version; without it they all come
// as unknownFutureValue.
//
// Reference: https://learn.microsoft.com/graph/best-practices-concept#handling-future-members-in-evolvable-enumerations
const unknownEnums = "include-unknown-enum-members"

// SignIns are rows of the sign-in log, the newest first: 1000 of them, or q.Max. See EachSignIn.
func (c *Client) SignIns(ctx context.Context, tid string, q SignInQuery) ([]SignIn, error) {
	if q.Max <= 0 {
		q.Max = largestLogPage
	}
	var rows []SignIn
	err := c.EachSignIn(ctx, tid, q, func(some []SignIn) error { rows = append(rows, some...); return nil })
	return rows, err
}

// EachSignIn gives take rows of the sign-in log page by page, the newest first, all of them unless q.Max.
// Interactive ones only, unless q.Types. An interval that Graph has no time to search is divided. An error of take
// ends it and is returned. A tenant without P1 or P2 is kind NotPremium.
//
// GET /auditLogs/signIns (beta for q.Types); least permission AuditLog.Read.All. Kept 30 days; five requests in
// ten seconds per tenant, which this client keeps to.
//
// Reference: https://learn.microsoft.com/graph/api/signin-list
func (c *Client) EachSignIn(ctx context.Context, tid string, q SignInQuery, take func([]SignIn) error) error {
	if err := require(tid); err != nil {
		return err
	}
	given := 0
	err := c.signInsOf(ctx, tid, q, func(some []SignIn) error { given += len(some); return take(some) })
	until := q.Until
	if until.IsZero() {
		until = c.clock.Now()
	}
	var e *Error
	if given > 0 || q.Since.IsZero() || until.Sub(q.Since) < 2*shortestLogSpan || !errors.As(err, &e) || e.Status != http.StatusGatewayTimeout {
		return err
	}
	// Too much to search through at once: the newer half, then the older.
	middle := q.Since.Add(until.Sub(q.Since) / 2).Truncate(time.Second)
	newer, older := q, q
	newer.Since, older.Until = middle.Add(time.Second), middle
	err = c.EachSignIn(ctx, tid, newer, func(some []SignIn) error { given += len(some); return take(some) })
	if err != nil || q.Max > 0 && given >= q.Max {
		return err
	}
	if q.Max > 0 {
		older.Max = q.Max - given
	}
	return c.EachSignIn(ctx, tid, older, take)
}

// shortestLogSpan is the span of the sign-in log that is not divided any more.
const shortestLogSpan = time.Hour

// signInsOf reads the sign-in log in one go.
func (c *Client) signInsOf(ctx context.Context, tid string, q SignInQuery, take func([]SignIn) error) error {
	var terms []string
	if q.UserID != "" {
		terms = append(terms, "userId eq "+ODataString(strings.ToLower(q.UserID)))
	}
	terms = append(terms, between("createdDateTime", q.Since, q.Until)...)
	if q.IPAddress != "" {
		terms = append(terms, "ipAddress eq "+ODataString(q.IPAddress))
	}
	if q.AppID != "" {
		terms = append(terms, "appId eq "+ODataString(q.AppID))
	}
	a, types := c.v1, q.Types
	if q.AllTypes {
		types = []string{"interactiveUser", "nonInteractiveUser"}
	}
	if len(types) > 0 {
		a = c.beta
		var any []string
		for _, t := range types {
			any = append(any, "signInEventTypes/any(t:t eq "+ODataString(t)+")")
		}
		term := strings.Join(any, " or ")
		if len(any) > 1 {
			term = "(" + term + ")"
		}
		terms = append(terms, term)
	}
	headers := abs.NewRequestHeaders()
	headers.Add("Prefer", unknownEnums)
	k := read(tid, "AuditLog.Read.All").limited(reportBudget)
	return eachPage(ctx, c, k, a, q.Max, take, func() (*abs.RequestInformation, error) {
		return auditlogs.NewSignInsRequestBuilderInternal(a.path(), a).ToGetRequestInformation(ctx, &auditlogs.SignInsRequestBuilderGetRequestConfiguration{
			Headers: headers, QueryParameters: &auditlogs.SignInsRequestBuilderGetQueryParameters{Filter: opt(strings.Join(terms, " and ")),
				Orderby: []string{"createdDateTime desc"}, Top: logPage(q.Max)}})
	})
}

// DirectoryAudits are rows of the directory audit log, the newest first: 1000 of them, or q.Max. See
// EachDirectoryAudit.
func (c *Client) DirectoryAudits(ctx context.Context, tid string, q AuditQuery) ([]DirectoryAudit, error) {
	if q.Max <= 0 {
		q.Max = largestLogPage
	}
	var rows []DirectoryAudit
	err := c.EachDirectoryAudit(ctx, tid, q, func(some []DirectoryAudit) error { rows = append(rows, some...); return nil })
	return rows, err
}

// EachDirectoryAudit gives take rows of the directory audit log page by page, the newest first, all of them
// unless q.Max. An error of take ends it and is returned.
//
// GET /auditLogs/directoryAudits; least permission AuditLog.Read.All. Kept 30 days, 7 without P1; an earlier
// start can be refused. Five requests in ten seconds per tenant, which this client keeps to.
//
// Reference: https://learn.microsoft.com/graph/api/directoryaudit-list
func (c *Client) EachDirectoryAudit(ctx context.Context, tid string, q AuditQuery, take func([]DirectoryAudit) error) error {
	if err := require(tid); err != nil {
		return err
	}
	terms := between("activityDateTime", q.Since, q.Until)
	if q.TargetID != "" {
		terms = append(terms, "targetResources/any(t:t/id eq "+ODataString(q.TargetID)+")")
	}
	if q.InitiatorID != "" {
		terms = append(terms, "initiatedBy/user/id eq "+ODataString(q.InitiatorID))
	}
	if q.Category != "" {
		terms = append(terms, "category eq "+ODataString(q.Category))
	}
	if q.LoggedByService != "" {
		terms = append(terms, "loggedByService eq "+ODataString(q.LoggedByService))
	}
	k := read(tid, "AuditLog.Read.All", "Directory.Read.All").limited(reportBudget)
	return eachPage(ctx, c, k, c.v1, q.Max, take, func() (*abs.RequestInformation, error) {
		return auditlogs.NewDirectoryAuditsRequestBuilderInternal(c.v1.path(), c.v1).ToGetRequestInformation(ctx, &auditlogs.DirectoryAuditsRequestBuilderGetRequestConfiguration{
			QueryParameters: &auditlogs.DirectoryAuditsRequestBuilderGetQueryParameters{Filter: opt(strings.Join(terms, " and ")),
				Orderby: []string{"activityDateTime desc"}, Top: logPage(q.Max)}})
	})
}

// between are the terms of a filter for an interval, both ends included; a zero time is no limit.
func between(property string, since, until time.Time) []string {
	var terms []string
	if !since.IsZero() {
		terms = append(terms, property+" ge "+since.UTC().Format(time.RFC3339))
	}
	if !until.IsZero() {
		terms = append(terms, property+" le "+until.UTC().Format(time.RFC3339))
	}
	return terms
}

// logPage is how many rows to ask for at a time.
func logPage(most int) *int32 {
	if most <= 0 {
		most = largestLogPage
	}
	return opt(int32(min(most, largestLogPage)))
}
