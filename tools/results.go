package tools

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// WriteResult is what every write tool answers.
type WriteResult struct {
	Status    string            `json:"status" jsonschema_description:"planned | needs_approval | scheduled | running | done | attention | failed | cancelled | blocked | declined"`
	Tool      string            `json:"tool"`
	TenantID  string            `json:"tenantId"`
	Tenant    string            `json:"tenant"`
	UserID    string            `json:"userId,omitempty"`
	User      string            `json:"user,omitempty"`
	Review    *workflows.Review `json:"review,omitempty" jsonschema_description:"What to know of the leaver before the plan."`
	Plan      *policy.Plan      `json:"plan,omitempty"`
	PlanToken string            `json:"planToken,omitempty"`
	ExpiresAt *time.Time        `json:"expiresAt,omitempty"`
	JobID     string            `json:"jobId,omitempty"`
	Record    string            `json:"record,omitempty" jsonschema_description:"Resource with the record for a ticket."`
	Approval  string            `json:"approvalId,omitempty" jsonschema_description:"What the operator approves; the job's id."`
	RunAt     *time.Time        `json:"runAt,omitempty"`
	Steps     []jobs.StepResult `json:"steps,omitempty"`
	NotShown  int               `json:"stepsNotShown,omitempty" jsonschema_description:"Steps left out because the answer would be too long."`
	Secrets   []SecretRef       `json:"secrets,omitempty"`
	CreatedID string            `json:"createdId,omitempty"`
	Warnings  []string          `json:"warnings,omitempty"`
	Next      string            `json:"next,omitempty"`
	Bulk      *BulkOutcome      `json:"bulk,omitempty"`
	Case      *CaseOutcome      `json:"-"` // of a response to a compromise; its steps stand for Steps
}

// Text says in short lines what is planned or was done.
func (r *WriteResult) Text() string {
	var l lines
	who := r.Tenant
	if r.User != "" {
		who = r.User + " in " + r.Tenant
	}
	l.add("%s: %s on %s", r.Status, r.Tool, who)
	if r.Plan != nil && len(r.Steps) == 0 {
		l.b.WriteString(ReviewText(r.Review))
		l.b.WriteString(PlanText(r.Plan))
	}
	for _, s := range r.Steps {
		if s.Detail != "" {
			l.add("- %s %s: %s (%s)", s.State, s.Step, s.Summary, s.Detail)
		} else {
			l.add("- %s %s: %s", s.State, s.Step, s.Summary)
		}
	}
	if r.Case != nil {
		r.Case.text(&l)
	}
	if r.Bulk != nil {
		r.Bulk.text(&l)
	}
	if r.NotShown > 0 && len(r.Steps) > 0 {
		l.add("NOT SHOWN: %s, since the answer would be too long; the journal has them all", count(r.NotShown, "step", "steps"))
	} else if r.NotShown > 0 {
		l.add("NOT SHOWN: %s of this plan, since the answer would be too long; leave parts out and call again to see them", count(r.NotShown, "step", "steps"))
	}
	for _, s := range r.Secrets {
		l.add("%s", s.text())
	}
	if r.CreatedID != "" {
		l.add("created: %s", r.CreatedID)
	}
	if len(r.Steps) > 0 {
		for _, w := range r.Warnings {
			l.add("warning: %s", w)
		}
	}
	if r.RunAt != nil {
		l.add("runAt: %s", r.RunAt.UTC().Format(time.RFC3339))
	}
	if r.JobID != "" && r.Status != "done" {
		l.add("jobId: %s", r.JobID)
	}
	if r.Record != "" {
		l.add("record for the ticket: %s", r.Record)
	}
	if r.PlanToken != "" {
		l.add("planToken: %s (valid until %s)", r.PlanToken, r.ExpiresAt.Format("15:04:05 MST"))
	}
	if r.Next != "" {
		l.add("next: %s", r.Next)
	}
	return l.String()
}

// Report puts into the result what a job has come to.
func (r *WriteResult) Report(ctx context.Context, e *Env, j jobs.Job) {
	steps := j.Results()
	r.Tool, r.TenantID, r.Tenant, r.UserID, r.User = j.Kind, j.Run.TenantID, j.Run.Tenant, j.Run.UserID, j.Run.User
	r.JobID, r.Status, r.Steps = j.Run.ID, JobStatus(j.RunInfo, steps, e.Clock.Now()), steps
	var rows []RowResult
	r.Bulk, rows = e.bulkOutcome(ctx, j)
	r.Status = r.Bulk.statusOf(r.Status)
	r.Secrets, r.CreatedID, r.Case = e.secretsOf(j.Run, steps, rows), createdBy(j.Run), e.caseOutcome(ctx, j)
	if j.Ended() {
		r.Record = RecordURI(j.Run.ID)
	}
	if j.Detail != "" {
		r.Warnings = append(r.Warnings, j.Detail)
	}
	if r.Status == "needs_approval" {
		until := j.HeldUntil()
		r.Approval, r.ExpiresAt = j.Run.ID, &until
	}
	switch r.Status {
	case "needs_approval", "scheduled": // nothing was done: what is shown is the plan
		r.Steps = nil
	default:
		r.Plan, r.Review = nil, nil
	}
	switch r.Status {
	case "scheduled":
		if r.Next = "It will be planned and checked again when its time comes."; !e.Policy.Headless {
			r.Next += " " + needsWorker
		}
	case "done", "needs_approval", "running", "cancelled":
		r.Next = nextOf(r.Status, j)
	default:
		r.Next = "Read the steps that are not done before anything else; do not report them as done. " + nextOf(r.Status, j)
	}
}

// ReviewText is a review in short lines, "" where there is none.
func ReviewText(r *workflows.Review) string {
	if r == nil {
		return ""
	}
	var l lines
	for _, s := range r.Lines() {
		l.add("%s", s)
	}
	return "\n" + l.String()
}

// PlanText is a plan in short lines, as it is shown to model and person alike.
func PlanText(p *policy.Plan) string {
	var l lines
	l.add("")
	for i, c := range p.Changes {
		switch {
		case c.Nothing != "":
			l.add("%d. %s: nothing to do, %s", i+1, c.Step, c.Nothing)
		case c.Manual != "":
			l.add("%d. %s: by hand: %s", i+1, c.Step, c.Manual)
		case c.Before != "" || c.After != "":
			l.add("%d. %s: %s (%s → %s)", i+1, c.Step, c.Summary, c.Before, c.After)
		default:
			l.add("%d. %s: %s", i+1, c.Step, c.Summary)
		}
		for _, s := range c.Sample {
			l.add("   %s", s)
		}
		if c.NoWayBack != "" {
			l.add("   no way back: %s", c.NoWayBack)
		}
	}
	for _, w := range p.Warnings {
		l.add("warning: %s", w)
	}
	for _, c := range p.Critical {
		l.add("needs the operator's approval: %s", c)
	}
	for _, b := range p.Blockers {
		l.add("blocked: %s", b)
	}
	return "\n" + l.b.String()[0:]
}

// FailedTenant is a customer that a call over all tenants could not read.
type FailedTenant struct {
	Tenant string `json:"tenant"`
	Reason string `json:"reason"`
	Next   string `json:"next"`
}

func failedTenant(domain string, err error) FailedTenant {
	p, ok := ProblemOf(err)
	if !ok {
		return FailedTenant{domain, "internal error", "Report it to the operator."}
	}
	return FailedTenant{domain, p.Message, p.Next}
}

// more tells how to go on after a cut list, or where all rows are.
func more(l *lines, p Part, narrow string) {
	if x := p.Export; x != nil {
		l.add("all %s as CSV: resource %s, until %s; columns %s", count(x.Rows, "row", "rows"), x.URI, x.Until.UTC().Format("15:04Z"), strings.Join(x.Columns, ", "))
	}
	if p.HasMore {
		l.add("more rows: call again with cursor=%s, or narrow with %s", p.Cursor, narrow)
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
