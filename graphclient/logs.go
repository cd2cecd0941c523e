package graphclient

import (
	"context"
	"strings"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/auditlogs"
)

// largestLogPage is the default, the maximum and our limit of rows where none is given.
const largestLogPage = 1000

// SignIns are rows of the sign-in log, the newest first. Interactive ones only, unless q.AllTypes. A tenant
// without P1 or P2 is kind NotPremium.
//
// GET /auditLogs/signIns (beta for q.AllTypes); least permission AuditLog.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/signin-list
func (c *Client) SignIns(ctx context.Context, tid string, q SignInQuery) ([]SignIn, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	var terms []string
	if q.UserID != "" {
		terms = append(terms, "userId eq "+ODataString(strings.ToLower(q.UserID)))
	}
	if !q.Since.IsZero() {
		terms = append(terms, "createdDateTime ge "+q.Since.UTC().Format(time.RFC3339))
	}
	a := c.v1
	if q.AllTypes {
		a = c.beta
		terms = append(terms, "(signInEventTypes/any(t:t eq 'interactiveUser') or signInEventTypes/any(t:t eq 'nonInteractiveUser'))")
	}
	limit, top := rowLimit(q.Max)
	return all[SignIn](ctx, c, read(tid, "AuditLog.Read.All").limited(reportBudget), a, limit, func() (*abs.RequestInformation, error) {
		return auditlogs.NewSignInsRequestBuilderInternal(a.path(), a).ToGetRequestInformation(ctx, &auditlogs.SignInsRequestBuilderGetRequestConfiguration{
			QueryParameters: &auditlogs.SignInsRequestBuilderGetQueryParameters{Filter: opt(strings.Join(terms, " and ")),
				Orderby: []string{"createdDateTime desc"}, Top: top}})
	})
}

// DirectoryAudits are rows of the directory audit log, the newest first.
//
// GET /auditLogs/directoryAudits; least permission AuditLog.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/directoryaudit-list
func (c *Client) DirectoryAudits(ctx context.Context, tid string, q AuditQuery) ([]DirectoryAudit, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	var terms []string
	if !q.Since.IsZero() {
		terms = append(terms, "activityDateTime ge "+q.Since.UTC().Format(time.RFC3339))
	}
	if q.TargetID != "" {
		terms = append(terms, "targetResources/any(t:t/id eq "+ODataString(q.TargetID)+")")
	}
	if q.InitiatorID != "" {
		terms = append(terms, "initiatedBy/user/id eq "+ODataString(q.InitiatorID))
	}
	limit, top := rowLimit(q.Max)
	k := read(tid, "AuditLog.Read.All", "Directory.Read.All").limited(reportBudget)
	return all[DirectoryAudit](ctx, c, k, c.v1, limit, func() (*abs.RequestInformation, error) {
		return auditlogs.NewDirectoryAuditsRequestBuilderInternal(c.v1.path(), c.v1).ToGetRequestInformation(ctx, &auditlogs.DirectoryAuditsRequestBuilderGetRequestConfiguration{
			QueryParameters: &auditlogs.DirectoryAuditsRequestBuilderGetQueryParameters{Filter: opt(strings.Join(terms, " and ")),
				Orderby: []string{"activityDateTime desc"}, Top: top}})
	})
}

// rowLimit is how many rows to collect and to ask for at a time.
func rowLimit(most int) (int, *int32) {
	if most <= 0 {
		most = largestLogPage
	}
	return most, opt(int32(min(most, largestLogPage)))
}
