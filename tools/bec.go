package tools

import (
	"context"
	"fmt"
	"time"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/workflows"
)

// BECCheckIn are the arguments of cipp_bec_check.
type BECCheckIn struct {
	TenantArg
	UserArg
	Since string `json:"since,omitempty" jsonschema_description:"Look back to this time, RFC 3339 or -14d; default -14d."`
}

// BECCheckOut is the answer of cipp_bec_check.
type BECCheckOut struct {
	TenantID string               `json:"tenantId"`
	Tenant   string               `json:"tenant"`
	User     BECUser              `json:"user"`
	Since    time.Time            `json:"since"`
	AsOf     time.Time            `json:"asOf"`
	Verdict  string               `json:"verdict"`
	Summary  string               `json:"summary"`
	Findings []workflows.Finding  `json:"findings"`
	Coverage []workflows.Coverage `json:"coverage"`
	Evidence BECEvidence          `json:"evidence"`
	Next     []BECNext            `json:"next"`
	NotShown []Unavailable        `json:"notShown,omitempty"`
}

// BECUser identifies who was looked at.
type BECUser struct {
	ID             string `json:"id"`
	UPN            string `json:"userPrincipalName"`
	AccountEnabled *bool  `json:"accountEnabled"`
}

// BECEvidence is what the findings rest on, in short rows.
type BECEvidence struct {
	Rules      []RuleRow       `json:"inboxRules"`
	Forwarding string          `json:"forwarding,omitempty"`
	Delegates  []PermissionRow `json:"delegates"`
	Methods    []MethodRow     `json:"authenticationMethods"`
	Consents   []ConsentRow    `json:"appConsents"`
	SignIns    []SignInRow     `json:"signIns"`
	SignInsAll int             `json:"signInsRead"`
	Changes    []AuditRow      `json:"directoryChanges"`
	AutoReply  string          `json:"automaticReplies,omitempty"`
}

// RuleRow is one inbox rule.
type RuleRow struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	Hidden  bool   `json:"hidden"`
	Does    string `json:"does"`
}

// AuditRow is one change from the directory audit log.
type AuditRow struct {
	Time     *time.Time `json:"timeUtc"`
	Activity string     `json:"activity"`
	By       string     `json:"by"`
	Result   string     `json:"result"`
}

// BECNext is a proposal; nothing is done by itself.
type BECNext struct {
	What string `json:"what"`
	Tool string `json:"tool,omitempty"`
	Why  string `json:"why,omitempty"`
}

// Text tells verdict, coverage in short, findings by severity and what to do next.
func (o *BECCheckOut) Text() string {
	var l lines
	l.add("verdict: %s for %s in %s, as of %s", o.Verdict, o.User.UPN, o.Tenant, o.AsOf.Format(time.RFC3339))
	l.add("%s", o.Summary)
	l.add("%s", coverageText(o.Coverage))
	for _, f := range o.Findings {
		l.add("%s %s: %s (%s)%s", f.Severity, f.Class, q(f.Title), q(f.Why), ifText(dateIf(f.Time), ", "))
	}
	for _, n := range o.NotShown {
		l.add("not shown: %s: %s", n.Section, n.Reason)
	}
	for _, n := range o.Next {
		l.add("next: %s%s %s", n.What, ifText(n.Tool, " with "), n.Why)
	}
	return l.String()
}

func dateIf(t *time.Time) string {
	if t == nil {
		return ""
	}
	return date(t)
}

func coverageText(list []workflows.Coverage) string {
	complete, rest := 0, ""
	for _, c := range list {
		if c.Status == "complete" {
			complete++
			continue
		}
		rest += fmt.Sprintf("\ncoverage %s: %s, %s. %s", c.Source, c.Status, c.Reason, c.Detail)
	}
	return fmt.Sprintf("coverage: %d of %d sources complete", complete, len(list)) + rest
}

var becCheck = Read(Tool{
	Name: "cipp_bec_check", Title: "BEC check", Toolset: "security", Aliases: userAliases,
	Description: "Investigates a possibly compromised account: inbox rules (hidden too), forwarding, delegates, sign-ins, MFA methods and changes, consents, devices, with the coverage of each source. Always call it before changing anything.",
	Needs: Needs{
		App:      []string{"User.Read.All", "AuditLog.Read.All", "UserAuthenticationMethod.Read.All", "Directory.Read.All", "Application.Read.All", "Device.Read.All", "DeviceManagementManagedDevices.Read.All", "IdentityRiskyUser.Read.All", "Exchange.ManageAsApp"},
		AppRoles: []string{"Exchange Administrator"}, GDAPRoles: []string{"Security Reader", "Global Reader", "Authentication Administrator", "Exchange Administrator"},
	},
	Example: `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com"}`,
}, becHandler)

func becHandler(ctx context.Context, c *Call, in BECCheckIn) (BECCheckOut, error) {
	now := c.Clock.Now()
	since, err := lookBack(in.Since, now)
	if err != nil {
		return BECCheckOut{}, err
	}
	out := BECCheckOut{TenantID: c.Tenant.ID, Tenant: c.Tenant.DefaultDomain, User: BECUser{c.User.ID, c.User.UserPrincipalName, c.User.AccountEnabled}, Since: since, AsOf: now}
	steps, result := workflows.BECCheck(c.target(), since)
	run := &jobs.Run{Tool: "cipp_bec_check", TenantID: c.Tenant.ID, UserID: c.User.ID}
	if err := jobs.Gather(ctx, run, steps, func(done, total int, name string) { c.Progress(done, total, "read "+name) }); err != nil {
		return out, err
	}
	own, err := ownDomains(ctx, c)
	if err != nil {
		return out, err
	}
	e, coverage := result()
	for i := range coverage {
		coverage[i].Detail = Clean(coverage[i].Detail, 200)
	}
	out.Coverage = coverage
	out.Findings = workflows.BECFindings(e, c.target(), own, since)
	out.Verdict = workflows.BECVerdict(out.Findings)
	out.Evidence = becEvidence(e, c.User.UserPrincipalName)
	out.Summary = becSummary(out)
	out.Next = becNext(out)
	return out, nil
}

// lookBack reads since: RFC 3339, or -14d; at most 180 days.
func lookBack(s string, now time.Time) (time.Time, error) {
	if s == "" {
		s = "-14d"
	}
	var days int
	if n, err := fmt.Sscanf(s, "-%dd", &days); err == nil && n == 1 && days > 0 && days <= 180 {
		return now.AddDate(0, 0, -days), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.After(now) || t.Before(now.AddDate(0, 0, -180)) {
		return time.Time{}, invalid("since must be a time of the last 180 days, as RFC 3339 or like -14d (got %q).", Clean(s, 40))
	}
	return t, nil
}

func ownDomains(ctx context.Context, c *Call) ([]string, error) {
	domains, err := c.Graph.Domains(ctx, c.Tenant.ID)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, d := range domains {
		if d.IsVerified {
			out = append(out, d.ID)
		}
	}
	return out, nil
}

const evidenceRows = 20

func becEvidence(e workflows.Evidence, upn string) BECEvidence {
	out := BECEvidence{Rules: []RuleRow{}, Delegates: []PermissionRow{}, Methods: methodRows(e.Methods), Consents: []ConsentRow{}, Changes: []AuditRow{}, SignInsAll: len(e.SignIns)}
	for _, r := range e.Rules {
		out.Rules = append(out.Rules, RuleRow{ID: r.RuleIdentity, Name: r.Name, Enabled: r.Enabled, Hidden: r.Hidden, Does: Clean(r.Description, 300)})
	}
	if e.Mailbox != nil {
		out.Forwarding = forwardingOf(*e.Mailbox)
		for _, g := range e.Mailbox.GrantSendOnBehalfTo {
			out.Delegates = append(out.Delegates, PermissionRow{upn, g, "sendOnBehalf", nil})
		}
	}
	for _, p := range e.Delegates {
		out.Delegates = append(out.Delegates, PermissionRow{upn, p.User, "fullAccess", nil})
	}
	for _, p := range e.SendAs {
		out.Delegates = append(out.Delegates, PermissionRow{upn, p.Trustee, "sendAs", nil})
	}
	for _, p := range e.Calendar {
		out.Delegates = append(out.Delegates, PermissionRow{p.Folder, p.User, "calendar", p.AccessRights})
	}
	for _, g := range e.Grants {
		out.Consents = append(out.Consents, ConsentRow{ID: g.ID, App: e.Apps[g.ClientID].DisplayName, AppID: e.Apps[g.ClientID].AppID, Scopes: g.Scopes()})
	}
	out.SignIns = signInRows(e.SignIns[:min(len(e.SignIns), evidenceRows)])
	for _, a := range e.Audits[:min(len(e.Audits), evidenceRows)] {
		row := AuditRow{Time: a.ActivityDateTime, Activity: a.ActivityDisplayName, Result: a.Result}
		if a.InitiatedBy.User != nil {
			row.By = a.InitiatedBy.User.UserPrincipalName
		} else if a.InitiatedBy.App != nil {
			row.By = a.InitiatedBy.App.DisplayName
		}
		out.Changes = append(out.Changes, row)
	}
	if e.AutoReply != nil {
		out.AutoReply = e.AutoReply.AutoReplyState
	}
	return out
}

func becSummary(o BECCheckOut) string {
	n := map[string]int{}
	for _, f := range o.Findings {
		n[f.Severity]++
	}
	s := fmt.Sprintf("%d critical, %d high, %d medium, %d low findings since %s.", n["critical"], n["high"], n["medium"], n["low"], o.Since.Format("2006-01-02"))
	if o.Verdict == "inconclusive" {
		s += " What was read shows nothing decisive; that does not prove that nothing happened."
	}
	return s
}

// becNext proposes the order of the response: evidence first, then sessions, password, methods, and
// what the attacker left behind.
func becNext(o BECCheckOut) []BECNext {
	if o.Verdict == "inconclusive" {
		return []BECNext{{What: "ask the user about what stands above, and widen since"}, {What: "watch the account for some days"}}
	}
	return []BECNext{
		{What: "keep this answer as evidence before changing anything"},
		{What: "block sign-in and end the sessions", Tool: "cipp_disable_user revokeSessions=true"},
		{What: "set a new password", Tool: "cipp_reset_password", Why: "(the operator reveals it)"},
		{What: "clear the methods the attacker may have added", Tool: "cipp_reset_mfa"},
		{What: "have rules, forwarding, consents and delegates that stand above removed, each by its id"},
		{What: "end the sessions again, then let the user back in", Tool: "cipp_revoke_sessions"},
	}
}
