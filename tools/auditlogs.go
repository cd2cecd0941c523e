package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// ListAuditLogsIn are the arguments of cipp_list_audit_logs.
type ListAuditLogsIn struct {
	TenantArg
	UserID string `json:"userId,omitempty" jsonschema_description:"Only what was done to this user."`
	Source string `json:"source,omitempty" jsonschema:"enum=all,enum=entra,enum=cipp-mcp,enum=ual,default=all" jsonschema_description:"cipp-mcp: this server's journal; ual: unified audit log, slow."`
	Type   string `json:"type,omitempty" jsonschema:"enum=user,enum=signInState,enum=password,enum=mfa,enum=license,enum=group,enum=role,enum=app,enum=device,enum=policy,enum=mailbox"`
	JobID  string `json:"jobId,omitempty" jsonschema_description:"Only this job (source cipp-mcp)."`
	Days   int    `json:"days,omitempty" jsonschema:"minimum=1,maximum=90,default=7"`
	PageArgs
}

// LogRow is one thing that was done, by whatever source tells of it.
type LogRow struct {
	Source string    `json:"source"` // entra | cipp-mcp | ual
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	What   string    `json:"what"`
	Target string    `json:"target,omitempty"`
	Result string    `json:"result,omitempty"`
	JobID  string    `json:"jobId,omitempty"`
	Detail string    `json:"detail,omitempty"`
}

// ListAuditLogsOut is the answer of cipp_list_audit_logs.
type ListAuditLogsOut struct {
	TenantID string        `json:"tenantId"`
	Tenant   string        `json:"tenant"`
	User     string        `json:"userPrincipalName,omitempty"`
	Rows     []LogRow      `json:"rows"`
	Missing  []Unavailable `json:"unavailable,omitempty"`
	JobID    string        `json:"jobId,omitempty" jsonschema_description:"The job that searches the unified audit log, or has searched it."`
	Next     string        `json:"next,omitempty"`
	Part

	searching bool
}

// Text lists the rows.
func (o *ListAuditLogsOut) Text() string {
	var l lines
	if o.searching {
		l.add("The unified audit log of %s%s is still being searched by job %s; no entry can be shown yet.", o.Tenant, ifText(o.User, " about "), o.JobID)
		l.add("%s", o.Next)
		return l.String()
	}
	l.add("%s in %s%s, the newest first", count(o.rows(len(o.Rows)), "entry", "entries"), o.Tenant, ifText(o.User, " about "))
	for _, r := range o.Rows {
		l.add("%s", r.line())
	}
	for _, m := range o.Missing {
		l.add("NOT READ: %s: %s. %s", m.Section, m.Reason, m.Next)
	}
	if o.Next != "" {
		l.add("%s", o.Next)
	}
	more(&l, o.Part, "userId, source, type or days")
	return l.String()
}

func (r LogRow) line() string {
	return fmt.Sprintf("- %s %s %s by %s%s%s%s%s", r.At.UTC().Format("2006-01-02 15:04:05Z"), r.Source, r.What, q(r.Who), ifText(r.Target, " on "), ifText(r.Result, ": "), ifText(r.JobID, " "), ifText(r.Detail, "; "))
}

// Shrink drops the second half of the rows.
func (o *ListAuditLogsOut) Shrink() bool { return shrinkRows(&o.Rows, &o.Part) }

// auditTool is the tool whose runs search the unified audit log.
const auditTool = "cipp_list_audit_logs"

// auditMax bounds the rows read of one source.
const auditMax = 2000

var listAuditLogs = Read(Tool{
	Name: auditTool, Title: "Audit logs", Toolset: "users", Extra: true, Aliases: userAliases,
	Description: "Lists who did what: Entra's directory audits and this server's own journal of calls, plans, approvals and steps, each row with its source.",
	Needs:       Needs{App: []string{"AuditLog.Read.All", "AuditLogsQuery.Read.All", "User.Read.All"}, AppRoles: []string{"Exchange Administrator"}, GDAPRoles: []string{"Reports Reader", "Exchange Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","source":"cipp-mcp"}`,
}, func(ctx context.Context, c *Call, in ListAuditLogsIn) (ListAuditLogsOut, error) {
	out := ListAuditLogsOut{TenantID: c.Tenant.ID, Tenant: c.Tenant.DefaultDomain}
	id := ""
	if in.UserID != "" {
		u, err := c.Graph.User(ctx, c.Tenant.ID, in.UserID, "id", "userPrincipalName")
		switch {
		case graphclient.KindOf(err) == graphclient.NotFound && !strings.Contains(in.UserID, "@"):
			id, out.User = in.UserID, in.UserID // deleted, perhaps: the logs know the id
		case err != nil:
			return out, err
		default:
			id, out.User = u.ID, u.UserPrincipalName
		}
	}
	days := in.Days
	if days == 0 {
		days = 7
	}
	since := c.Clock.Now().AddDate(0, 0, -days)
	rows := []LogRow{}
	if in.Type == "mailbox" && in.Source != "ual" {
		return out, invalid("type: what was done to a mailbox stands in the unified audit log alone: add source=\"ual\".")
	}
	if in.Source == "ual" {
		if in.Type != "" && in.Type != "mailbox" {
			return out, invalid("type: source=\"ual\" takes no type but mailbox; leave type out, or use source=\"entra\", where %s stands.", in.Type)
		}
		found, err := c.unified(ctx, unifiedAsk{User: out.User, Kind: in.Type, Days: days, From: since, To: c.Clock.Now()}, in.Cursor != "")
		switch {
		case err != nil:
			return out, err
		case found.searching:
			out.Rows, out.JobID, out.searching = rows, found.job, true
			out.Next = "Call cipp_get_job with this jobId in a minute or later: it shows the entries once the search has ended, which takes minutes to hours. The same call as now shows them then too."
			return out, nil
		}
		rows, out.Missing, out.JobID = found.rows, found.missing(), found.job
	}
	if in.Source != "entra" && in.Source != "ual" {
		journal, err := c.Policy.Ledger.Journal(ctx, jobs.JournalQuery{TenantID: c.Tenant.ID, Subject: id, RunID: in.JobID, Since: since, Limit: auditMax})
		if err != nil {
			return out, err
		}
		rows = append(rows, journalRows(journal, in.Type)...)
	}
	if in.Source != "cipp-mcp" && in.Source != "ual" && in.JobID == "" {
		audits, err := c.Graph.DirectoryAudits(ctx, c.Tenant.ID, graphclient.AuditQuery{TargetID: id, Category: auditCategories[in.Type], Since: since, Max: auditMax})
		switch {
		case err != nil && in.Source == "entra":
			return out, err
		case err != nil:
			p, ok := ProblemOf(err)
			if !ok {
				return out, err
			}
			out.Missing = append(out.Missing, Unavailable{Section: "entra", Reason: p.Message, Next: p.Next})
		}
		for _, a := range audits {
			if in.Type == "" || entraType(a) == in.Type {
				rows = append(rows, entraRow(a))
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b LogRow) int { return b.At.Compare(a.At) })
	var err error
	out.Rows, out.Part, err = slicePage(c, auditTool, rows, in.PageArgs)
	return out, err
})

func journalRow(l jobs.JournalLine) LogRow {
	e := l.Event
	r := LogRow{Source: "cipp-mcp", At: l.At, Who: l.Who, What: e.Event, Result: e.State, JobID: l.RunID, Target: e.Target}
	if e.Tool != "" {
		r.What += " " + e.Tool
	}
	if e.Step != "" {
		r.What += " " + e.Step
	}
	var detail []string
	for _, d := range []struct{ name, value string }{{"before", e.Before}, {"after", e.After}, {"approved by", e.Approval}, {"grant", e.Grant}, {"reason", e.Reason}, {"ticket", e.Ticket}, {"", e.Detail}, {"client-request-id", e.Request}, {"request-id", strings.Join(e.Answers, " ")}} {
		switch {
		case d.value == "":
		case d.name == "":
			detail = append(detail, d.value)
		default:
			detail = append(detail, d.name+" "+d.value)
		}
	}
	r.Detail = strings.Join(detail, ", ")
	return r
}

func entraRow(a graphclient.DirectoryAudit) LogRow {
	r := LogRow{Source: "entra", What: a.ActivityDisplayName, Result: a.Result, Detail: a.ResultReason, Who: "unknown"}
	if a.ActivityDateTime != nil {
		r.At = *a.ActivityDateTime
	}
	switch {
	case a.InitiatedBy.User != nil:
		r.Who = a.InitiatedBy.User.UserPrincipalName
	case a.InitiatedBy.App != nil:
		r.Who = a.InitiatedBy.App.DisplayName
	}
	var targets []string
	for _, t := range a.TargetResources {
		if name := t.UserPrincipalName; name != "" {
			targets = append(targets, q(name))
		} else if t.DisplayName != "" {
			targets = append(targets, q(t.DisplayName))
		}
	}
	r.Target = strings.Join(targets, ", ")
	return r
}
