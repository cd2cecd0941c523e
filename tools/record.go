package tools

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cipp-mcp/internal/jobs"
)

// Record is what a job leaves for a ticket: who asked, what was shown, who approved, what was done, and by which
// requests, with where the journal proves it.
type Record struct {
	JobID    string        `json:"jobId"`
	Tool     string        `json:"tool"`
	Status   string        `json:"status"`
	TenantID string        `json:"tenantId"`
	Tenant   string        `json:"tenant"`
	UserID   string        `json:"userId,omitempty"`
	User     string        `json:"userPrincipalName,omitempty"`
	AskedBy  string        `json:"askedBy"`
	Asked    time.Time     `json:"asked"`
	Approved string        `json:"approvedBy,omitempty"`
	Grant    string        `json:"grant,omitempty"`
	Reason   string        `json:"reason,omitempty"`
	Ticket   string        `json:"ticket,omitempty"`
	Shown    string        `json:"planFingerprint,omitempty"`
	RunAt    *time.Time    `json:"runAt,omitempty"`
	Ended    *time.Time    `json:"ended,omitempty"`
	Detail   string        `json:"detail,omitempty"`
	Steps    []RecordStep  `json:"steps"`
	Secrets  []SecretRef   `json:"secrets,omitempty"`
	Journal  RecordJournal `json:"journal"`
}

// RecordStep is one step with its proof.
type RecordStep struct {
	Step      string     `json:"step"`
	State     string     `json:"state"`
	Summary   string     `json:"summary"`
	Before    string     `json:"before,omitempty"`
	After     string     `json:"after,omitempty"`
	Detail    string     `json:"detail,omitempty"`
	NoWayBack string     `json:"noWayBack,omitempty"`
	At        *time.Time `json:"at,omitempty"`
	Attempts  int        `json:"attempts,omitempty"`
	Requests  []string   `json:"clientRequestIds,omitempty"`
	Answers   []string   `json:"microsoftRequestIds,omitempty"`
}

// RecordJournal is where in the journal the record stands.
type RecordJournal struct {
	First int64 `json:"firstLine"`
	Last  int64 `json:"lastLine"`
	Lines int   `json:"lines"`
}

const recordScheme = "cipp://jobs/"

// RecordURI is under which address a client reads a job's record.
func RecordURI(jobID string) string { return recordScheme + jobID + "/record" }

// RecordTemplates are the addresses of records, as URI templates, with their media types.
var RecordTemplates = []struct{ URI, Name, Type, Description string }{
	{recordScheme + "{jobId}/record", "Record of a job", "text/markdown", "What a job did, for a ticket: who asked and approved, each step with before and after."},
	{recordScheme + "{jobId}/rows.csv", "Rows of a bulk", "text/csv", "What became of each row of cipp_bulk_action."},
	{recordScheme + "{jobId}/record.json", "Record of a job (JSON)", "application/json", "The same for programs."},
}

// Record makes a job's record of what the ledger and the journal hold.
func (e *Env) Record(ctx context.Context, jobID string) (*Record, error) {
	c := &Call{Env: e}
	if err := e.loadJob(ctx, c, &struct{ JobArg }{JobArg{jobID}}); err != nil {
		return nil, err
	}
	j := *c.Job
	lines, err := e.Policy.Ledger.Journal(ctx, jobs.JournalQuery{RunID: jobID})
	if err != nil {
		return nil, err
	}
	results := j.Results()
	r := &Record{
		JobID: j.Run.ID, Tool: j.Tool(), Status: JobStatus(j.RunInfo, results, e.Clock.Now()), TenantID: j.Run.TenantID, Tenant: j.Run.Tenant, UserID: j.Run.UserID, User: j.Run.User,
		AskedBy: j.CreatedBy, Asked: j.Created, Approved: j.Approval, Detail: j.Detail,
	}
	_, rows := e.bulkOutcome(ctx, j)
	r.Secrets = e.secretsOf(j.Run, results, rows)
	if !j.NotBefore.IsZero() {
		r.RunAt = &j.NotBefore
	}
	at := map[string]int{}
	for i, s := range j.Steps {
		at[s.Name] = i
		r.Steps = append(r.Steps, RecordStep{Step: s.Name, State: s.State, Summary: s.Change.Summary, Before: s.Change.Before, After: s.Change.After, Detail: s.Detail, NoWayBack: s.Change.NoWayBack, Attempts: s.Attempt})
	}
	for i := len(lines) - 1; i >= 0; i-- { // the oldest first
		l := lines[i]
		if r.Journal.Lines++; r.Journal.First == 0 {
			r.Journal.First = l.Seq
		}
		r.Journal.Last = l.Seq
		r.tell(l, at)
	}
	Sanitize(r, e.Redact)
	return r, nil
}

// tell takes from a line of the journal what the job's row does not hold.
func (r *Record) tell(l jobs.JournalLine, at map[string]int) {
	e := l.Event
	switch e.Event {
	case "created":
		r.Reason, r.Ticket, r.Grant, r.Shown = e.Reason, e.Ticket, e.Grant, e.Shown
	case "end":
		r.Ended = &l.At
	}
	i, ok := at[e.Step]
	if !ok || e.Step == "" {
		return
	}
	s := &r.Steps[i]
	if e.Request != "" {
		s.Requests = append(s.Requests, e.Request)
	}
	s.Answers = append(s.Answers, e.Answers...)
	if e.Event == "step" {
		s.At = &l.At
	}
}

// Markdown is the record as a ticket shows it. Names from the tenant stand in guillemets and in code, so that
// nothing in them is read as markup.
func (r *Record) Markdown() string {
	var l lines
	l.add("# %s: %s", r.Tool, r.Status)
	l.add("")
	for _, f := range []struct{ name, value string }{
		{"User", r.User + ifText(r.UserID, " · ")}, {"Tenant", r.Tenant + " · " + r.TenantID}, {"Job", r.JobID}, {"Asked for by", r.AskedBy}, {"Asked", stampOf(&r.Asked)}, {"Scheduled for", stampOf(r.RunAt)},
		{"Approved by", r.Approved}, {"Grant", r.Grant}, {"Reason", r.Reason}, {"Ticket", r.Ticket}, {"Ended", stampOf(r.Ended)}, {"Note", r.Detail},
	} {
		if strings.Trim(f.value, " ·") != "" {
			l.add("- **%s:** %s", f.name, code(f.value))
		}
	}
	l.add("")
	l.add("| # | Step | State | What | Before | After | When |")
	l.add("|---|---|---|---|---|---|---|")
	for i, s := range r.Steps {
		l.add("| %d | %s | %s | %s | %s | %s | %s |", i+1, code(s.Step), s.State, code(s.Summary), code(s.Before), code(s.After), stampOf(s.At))
	}
	r.notes(&l)
	l.add("")
	l.add("## Proof")
	l.add("")
	l.add("Journal lines %d to %d (%d of this job); `cipp-mcp journal verify` proves that nobody changed them.%s", r.Journal.First, r.Journal.Last, r.Journal.Lines, ifText(r.Shown, " Fingerprint of the plan that was shown: "))
	for _, s := range r.Steps {
		if len(s.Answers)+len(s.Requests) > 0 {
			l.add("- %s: client-request-id %s; Microsoft's request-id %s", code(s.Step), strings.Join(s.Requests, ", "), orNone(s.Answers))
		}
	}
	return l.String()
}

// notes are what a person still has to know: what is not done, what cannot come back, where secrets wait.
func (r *Record) notes(l *lines) {
	var open, lasting []string
	for _, s := range r.Steps {
		if s.Detail != "" && s.State != jobs.StateNothing {
			open = append(open, fmt.Sprintf("- %s is %s: %s", code(s.Step), s.State, code(s.Detail)))
		}
		if s.State == jobs.StateDone && s.NoWayBack != "" {
			lasting = append(lasting, fmt.Sprintf("- %s: %s", code(s.Summary), code(s.NoWayBack)))
		}
	}
	for _, part := range []struct {
		title string
		rows  []string
	}{{"Left to look at", open}, {"What cannot come back", lasting}} {
		if len(part.rows) > 0 {
			l.add("")
			l.add("## %s", part.title)
			l.add("")
			l.add("%s", strings.Join(part.rows, "\n"))
		}
	}
	for _, s := range r.Secrets {
		l.add("")
		l.add("A generated password waits for a person: %s (%s).", code(s.Handle), code(s.Reveal))
	}
}

// code puts a value where Markdown reads no markup: between backticks of which it has none itself.
func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.NewReplacer("`", "'", "|", "¦", "\n", " ").Replace(s) + "`"
}

func stampOf(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}
