package tools

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
)

// JobArg names a job.
type JobArg struct {
	JobID string `json:"jobId" jsonschema_description:"jobId of a write's answer."`
}

func (a JobArg) jobID() string { return a.JobID }

// loadJob resolves the job an input names, and with it tenant and user. A job of a tenant that the operator
// excludes is not shown.
func (e *Env) loadJob(ctx context.Context, c *Call, in any) error {
	a, ok := in.(interface{ jobID() string })
	if !ok {
		return nil
	}
	j, err := e.Policy.Ledger.Job(ctx, a.jobID())
	if errors.Is(err, jobs.ErrNoRun) {
		return &Problem{Code: "job_not_found", Message: fmt.Sprintf("There is no job %q.", Clean(a.jobID(), 60)), Next: "cipp_list_scheduled_items with status=all lists the jobs."}
	}
	if err != nil {
		return err
	}
	c.Job = &j
	if j.Run.TenantID == "" {
		return nil // over several tenants
	}
	if c.Tenant, err = e.Graph.ResolveTenant(ctx, j.Run.TenantID); err != nil {
		return err
	}
	if j.Run.UserID == "" || c.User != nil {
		return nil
	}
	u, err := e.Graph.User(ctx, c.Tenant.ID, j.Run.UserID, callUser...)
	if graphclient.KindOf(err) == graphclient.NotFound {
		return nil // deleted meanwhile, which may be just what the job did
	}
	c.User = &u
	return err
}

// JobRow is one job in a list.
type JobRow struct {
	JobID    string     `json:"jobId"`
	Status   string     `json:"status"`
	Tool     string     `json:"tool"`
	Tenant   string     `json:"tenant"`
	User     string     `json:"user,omitempty"`
	RunAt    *time.Time `json:"runAt,omitempty"`
	Created  time.Time  `json:"created"`
	By       string     `json:"by,omitempty"`
	ParentID string     `json:"parentJobId,omitempty"`
	Detail   string     `json:"detail,omitempty"`
}

func jobRow(r jobs.RunInfo, now time.Time) JobRow {
	row := JobRow{JobID: r.Run.ID, Status: JobStatus(r, nil, now), Tool: r.Tool(), Tenant: r.Run.Tenant, User: r.Run.User, Created: r.Created, By: r.CreatedBy, ParentID: r.ParentID, Detail: r.Detail}
	if !r.NotBefore.IsZero() {
		row.RunAt = &r.NotBefore
	}
	return row
}

// JobStatus is a job's state in the words of a write's result. steps tell a job that failed from one that is
// half done; nil where only the list is wanted.
func JobStatus(r jobs.RunInfo, steps []jobs.StepResult, now time.Time) string {
	switch {
	case r.State == jobs.RunHeld && now.After(r.HeldUntil()):
		return "expired"
	case r.State == jobs.RunHeld:
		return "needs_approval"
	case !r.Ended() && r.NotBefore.After(now) && !r.Cancelled:
		return "scheduled"
	case !r.Ended():
		return "running"
	case r.State == jobs.RunAttention && steps != nil && policy.Status(steps) == "failed":
		return "failed"
	default:
		return r.State
	}
}

// ListJobsIn are the arguments of cipp_list_scheduled_items.
type ListJobsIn struct {
	AnyTenantArg
	Status string `json:"status,omitempty" jsonschema:"enum=open,enum=attention,enum=all,default=open" jsonschema_description:"open: scheduled, running, or waiting for approval."`
	PageArgs
}

// ListJobsOut is the answer of cipp_list_scheduled_items.
type ListJobsOut struct {
	Tenant string   `json:"tenant"`
	Jobs   []JobRow `json:"jobs"`
	Note   string   `json:"note,omitempty"`
	Part
}

// Text lists the jobs.
func (o *ListJobsOut) Text() string {
	var l lines
	l.add("%s of %s", count(len(o.Jobs), "job", "jobs"), o.Tenant)
	for _, j := range o.Jobs {
		when := j.Created
		if j.RunAt != nil {
			when = *j.RunAt
		}
		l.add("- %s %s %s %s %s, %s%s", j.JobID, j.Status, j.Tool, q(j.User), j.Tenant, when.UTC().Format("2006-01-02 15:04Z"), ifText(j.Detail, "; "))
	}
	if o.Note != "" {
		l.add("%s", o.Note)
	}
	more(&l, o.Part, "status")
	return l.String()
}

// Shrink drops the second half of the rows.
func (o *ListJobsOut) Shrink() bool { return shrinkRows(&o.Jobs, &o.Part) }

// listedJobs bounds how far back the list looks.
const listedJobs = 1000

var listJobs = Read(Tool{
	Name: "cipp_list_scheduled_items", Title: "Jobs", Toolset: "jobs", Extra: true, AllTenants: true, Aliases: tenantAliases,
	Description: "Lists this server's own jobs: scheduled, running, waiting for approval, or ended with something left for a person. cipp_get_job shows one step by step.",
	Example:     `{"tenantFilter":"allTenants"}`,
}, func(ctx context.Context, c *Call, in ListJobsIn) (ListJobsOut, error) {
	out := ListJobsOut{Tenant: c.Tenant.DefaultDomain}
	seen := func(string) bool { return true } // the tenant was resolved, and so is allowed
	if c.AllTenants {
		out.Tenant = "all tenants"
		tenants, err := c.Graph.Tenants(ctx)
		if err != nil {
			return out, err
		}
		seen = func(id string) bool {
			return slices.ContainsFunc(tenants, func(t graphclient.Tenant) bool { return t.ID == id })
		}
	}
	all, err := c.Policy.Ledger.Jobs(ctx, "", c.Tenant.ID, listedJobs)
	if err != nil {
		return out, err
	}
	now, scheduled := c.Clock.Now(), false
	rows := []JobRow{}
	for _, r := range all {
		row := jobRow(r, now)
		wanted := in.Status == "all" || in.Status == "attention" && r.State == jobs.RunAttention || (in.Status == "" || in.Status == "open") && !r.Ended() && row.Status != "expired"
		if !wanted || !seen(r.Run.TenantID) {
			continue
		}
		scheduled = scheduled || row.Status == "scheduled"
		rows = append(rows, row)
	}
	if scheduled && !c.Policy.Headless {
		out.Note = needsWorker
	}
	out.Jobs, out.Part, err = slicePage(c, "cipp_list_scheduled_items", rows, in.PageArgs)
	return out, err
})

// needsWorker is what has to be said of anything scheduled by a server that lives as long as its client.
const needsWorker = "Scheduled jobs run only while this server or a cipp-mcp worker is running; one that is more than 24 h late is not begun and asks for attention."

// GetJobIn are the arguments of cipp_get_job.
type GetJobIn struct {
	JobArg
	Limit  int    `json:"limit,omitempty" jsonschema:"minimum=1,maximum=100,default=25" jsonschema_description:"Entries of a search to return." quiet:"true"`
	Cursor string `json:"cursor,omitempty" jsonschema_description:"cursor of the previous answer, for the next entries of a search." quiet:"true"`
}

// GetJobOut is the answer of cipp_get_job.
type GetJobOut struct {
	JobRow
	Approved string            `json:"approvedBy,omitempty"`
	Steps    []jobs.StepResult `json:"steps"`
	NotShown int               `json:"stepsNotShown,omitempty"`
	Children map[string]int    `json:"childJobs,omitempty" jsonschema_description:"Child jobs by state."`
	Secrets  []SecretRef       `json:"secrets,omitempty"`
	Created  string            `json:"createdId,omitempty"`
	Case     *CaseOutcome      `json:"response,omitempty" jsonschema_description:"Of a response to a compromise: what it came to."`
	Bulk     *BulkOutcome      `json:"bulk,omitempty"`
	Log      *LogOutcome       `json:"log,omitempty" jsonschema_description:"Of a search of the unified audit log: what it found."`
	Next     string            `json:"next,omitempty"`
}

// Text tells the job step by step.
func (o *GetJobOut) Text() string {
	w := WriteResult{Status: o.Status, Tool: o.Tool, Tenant: o.Tenant, User: o.User, JobID: o.JobID, Steps: o.Steps, NotShown: o.NotShown, Secrets: o.Secrets, CreatedID: o.Created, Case: o.Case, Bulk: o.Bulk, Next: o.Next}
	var l lines
	l.add("%s", w.Text())
	if o.RunAt != nil {
		l.add("runAt: %s", o.RunAt.UTC().Format(time.RFC3339))
	}
	if o.Detail != "" {
		l.add("%s", o.Detail)
	}
	if o.Approved != "" {
		l.add("approved by: %s", o.Approved)
	}
	for _, s := range slices.Sorted(maps.Keys(o.Children)) {
		if o.Bulk != nil {
			break // the rows say it
		}
		l.add("child jobs %s: %d", s, o.Children[s])
	}
	if o.Log != nil {
		o.Log.text(&l)
	}
	return l.String()
}

// Shrink drops the second half of what a search found, else leaves out steps that are done.
func (o *GetJobOut) Shrink() bool {
	if o.Log != nil && shrinkRows(&o.Log.Rows, &o.Log.Part) {
		return true
	}
	w := WriteResult{Steps: o.Steps, NotShown: o.NotShown}
	ok := w.Shrink()
	o.Steps, o.NotShown = w.Steps, w.NotShown
	return ok
}

var getJob = Read(Tool{
	Name: "cipp_get_job", Title: "One job", Toolset: "jobs", Aliases: map[string]string{"id": "jobId", "job": "jobId", "approvalId": "jobId"},
	Description: "Tells how far a job is, step by step. Call it when a write answered running, scheduled or needs_approval with a jobId.",
	Example:     `{"jobId":"run_00000000000000000000000000000000"}`,
}, func(ctx context.Context, c *Call, in GetJobIn) (GetJobOut, error) {
	j := *c.Job
	steps := j.Results()
	out := GetJobOut{JobRow: jobRow(j.RunInfo, c.Clock.Now()), Approved: j.Approval, Steps: steps, Created: createdBy(j.Run)}
	out.Status = JobStatus(j.RunInfo, steps, c.Clock.Now())
	var err error
	if out.Children, err = c.Policy.Ledger.Children(ctx, j.Run.ID); err != nil {
		return out, err
	}
	if out.Log, err = c.logOutcome(j, PageArgs{Limit: in.Limit, Cursor: in.Cursor}); err != nil {
		return out, err
	}
	var rows []RowResult
	out.Bulk, rows = c.bulkOutcome(ctx, j)
	out.Status = out.Bulk.statusOf(out.Status)
	out.Next, out.Case, out.Secrets = nextOf(out.Status, j), c.caseOutcome(ctx, j), c.secretsOf(j.Run, steps, rows)
	return out, nil
})

// nextOf says what is to be done about a job.
func nextOf(status string, j jobs.Job) string {
	if j.Reads() && (status == "attention" || status == "failed") {
		return "Nothing was changed: it only reads. Once what stopped it is mended, call " + j.Tool() + " again with what was asked."
	}
	switch status {
	case "needs_approval":
		return "The operator approves it on the terminal: cipp-mcp approvals approve " + j.Run.ID + ". No tool can."
	case "scheduled":
		return needsWorker
	case "running":
		return "Call cipp_get_job again in a while; do not report it as done."
	case "done":
		return ""
	case "attention":
		if j.Run.Found(foundRows, new([]bulkRow)) {
			return "Read the rows that are not done; once what stopped them is mended, cipp_control_job with action=retry runs those again."
		}
	case "cancelled":
		return "cipp_control_job with action=resume goes on with what was left."
	case "expired":
		return "Nobody approved it in time, so nothing was done; make the write again if it is still wanted."
	}
	for _, s := range j.Steps {
		if s.State == jobs.StateUnknown {
			return fmt.Sprintf("Step %s: look whether its effect is there; then the operator settles it: cipp-mcp jobs resolve %s %s done|redo|skip. No tool can.", s.Name, j.Run.ID, s.Name)
		}
	}
	return "Read the steps that are not done; once what stopped them is mended, cipp_control_job with action=retry runs them again."
}
