package graphclient

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// Evidence is kept as Microsoft sent it: what a type of ours does not name may be what matters later. So these two
// reads decode nothing, and hand on page after page without holding them all.

// GraphRows hands the rows of a collection to take, page by page; the error of take ends it. path begins with a
// slash, query is $filter, $top and the like. Beta is asked for what v1.0 leaves out.
//
// Reference: https://learn.microsoft.com/graph/paging
func (c *Client) GraphRows(ctx context.Context, tid, path string, query url.Values, beta bool, take func([]json.RawMessage) error) error {
	if err := require(tid); err != nil {
		return err
	}
	a := c.v1
	if beta {
		a = c.beta
	}
	k := read(tid, evidenceNeeds(path)...).limited(evidenceBudget(path))
	params := make(map[string]string, len(query))
	names := make([]string, 0, len(query))
	for name := range query {
		key := strings.TrimPrefix(name, "$")
		params[key] = query.Get(name)
		names = append(names, strings.Replace(name, "$", "%24", 1))
	}
	build := func() (*abs.RequestInformation, error) {
		info := plainRequest(abs.GET, path+template(names), nil)
		for name, v := range params {
			info.QueryParametersAny["%24"+name] = v
		}
		// Without it some values of an enumeration that came later read unknownFutureValue.
		info.Headers.Add("Prefer", "include-unknown-enum-members")
		return info, nil
	}
	for p, err := range pages[json.RawMessage](ctx, c, k, a, build) {
		if err != nil {
			return err
		}
		if err := take(p.Value); err != nil {
			return err
		}
	}
	return nil
}

// GraphRow is one object as Microsoft sent it.
func (c *Client) GraphRow(ctx context.Context, tid, path string, beta bool) (json.RawMessage, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	a := c.v1
	if beta {
		a = c.beta
	}
	return fetch[json.RawMessage](ctx, c, read(tid, evidenceNeeds(path)...).limited(evidenceBudget(path)), a, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, path, nil), nil
	})
}

// template is the part of a URI template that takes the query.
func template(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "{?" + strings.Join(names, ",") + "}"
}

// evidencePlaces are the kinds of address evidence is read from, with what they need and whose pace they keep.
var evidencePlaces = []struct {
	prefix string
	needs  []string
	pace   budget
}{
	{"/auditLogs/", []string{"AuditLog.Read.All"}, reportBudget},
	{"/identityProtection/riskDetections", []string{"IdentityRiskEvent.Read.All"}, protectionBudget},
	{"/identityProtection/", []string{"IdentityRiskyUser.Read.All"}, protectionBudget},
	{"/identity/conditionalAccess/", []string{"Policy.Read.All"}, protectionBudget},
	{"/security/alerts_v2", []string{"SecurityAlert.Read.All"}, noBudget},
	{"/organization", []string{"Organization.Read.All", "Directory.Read.All", "User.Read.All"}, noBudget},
	{"/policies/", []string{"Policy.Read.All"}, noBudget},
	{"/servicePrincipals", []string{"Application.Read.All"}, noBudget},
	{"/oauth2PermissionGrants", []string{"Directory.Read.All"}, noBudget},
	{"/tenantRelationships/", []string{"DelegatedAdminRelationship.Read.All"}, noBudget},
	{"/domains", []string{"Domain.Read.All"}, noBudget},
}

func evidenceNeeds(path string) []string {
	for _, p := range evidencePlaces {
		if strings.HasPrefix(path, p.prefix) {
			return p.needs
		}
	}
	switch {
	case strings.Contains(path, "/authentication/"):
		return []string{"UserAuthenticationMethod.Read.All"}
	case strings.Contains(path, "/messageRules"), strings.Contains(path, "/mailFolders"):
		return []string{"MailboxSettings.Read"}
	case strings.Contains(path, "anagedDevices"):
		return []string{"DeviceManagementManagedDevices.Read.All"}
	case strings.Contains(path, "/drive"):
		return []string{"Files.Read.All"}
	}
	return []string{"Directory.Read.All"}
}

func evidenceBudget(path string) budget {
	for _, p := range evidencePlaces {
		if strings.HasPrefix(path, p.prefix) {
			return p.pace
		}
	}
	return noBudget
}

// ExchangeRows is the output of a cmdlet that reads, as Microsoft sent it. ref is the mailbox concerned and key the
// cmdlet's name for it (Identity or Mailbox); a zero ref concerns the organisation.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/
func (c *Client) ExchangeRows(ctx context.Context, tid string, ref MailboxRef, name, key string, params map[string]any) ([]json.RawMessage, error) {
	m := cmdlet{name: name, params: params}
	if ref != (MailboxRef{}) {
		m = ref.on(name, key, params)
	}
	if !m.reads() {
		return nil, &Error{Kind: Internal, Tenant: tid, Message: name + " is not a cmdlet that reads."}
	}
	return rows[json.RawMessage](ctx, c, tid, m)
}
