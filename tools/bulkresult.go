package tools

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/workflows"
)

// RowResult is what became of one row of a bulk.
type RowResult struct {
	Row    int    `json:"row"`
	Tenant string `json:"tenant"`
	User   string `json:"user"`
	Tool   string `json:"tool,omitempty"`
	Status string `json:"status"`
	Detail string `json:"detail,omitempty"`
	JobID  string `json:"jobId,omitempty"`

	created, secret string
}

// BulkOutcome is what became of the rows of a bulk: all counted, those that need somebody shown.
type BulkOutcome struct {
	Rows   map[string]int `json:"rows" jsonschema_description:"Rows by status."`
	Open   []RowResult    `json:"notDone,omitempty" jsonschema_description:"The first rows that are not done."`
	Result string         `json:"result" jsonschema_description:"Resource with a line for each row, as CSV."`
}

func (o *BulkOutcome) text(l *lines) {
	var counts []string
	for _, s := range sortedKeys(o.Rows) {
		counts = append(counts, fmt.Sprintf("%d %s", o.Rows[s], s))
	}
	l.add("rows: %s", strings.Join(counts, ", "))
	for _, r := range o.Open {
		l.add("- row %d %s%s: %s%s%s", r.Row, q(r.User), ifText(r.Tool, " "), r.Status, ifText(r.Detail, ", "), ifText(r.JobID, " · "))
	}
	l.add("all rows as CSV: %s", o.Result)
}

// rowWithdrawn is the word for a row that ended before its first call though nobody cancelled it: what was approved for
// it did not hold any more.
const rowWithdrawn = "withdrawn"

// statusOf is a job's status with that of its rows: one some of whose rows are done has not failed.
func (o *BulkOutcome) statusOf(status string) string {
	if o != nil && status == "failed" && o.Rows["done"] > 0 {
		return "attention"
	}
	return status
}

// foundRows is where the run of a bulk remembers its rows.
const foundRows = "rows"

// openRows is how many rows that are not done a result shows.
const openRows = 10

// bulkOutcome sums up the rows of a bulk; nil for any other job, and before a bulk has begun.
func (e *Env) bulkOutcome(ctx context.Context, j jobs.Job) (*BulkOutcome, []RowResult) {
	rows, err := e.rowResults(ctx, j)
	if err != nil || rows == nil {
		return nil, nil
	}
	o := &BulkOutcome{Rows: map[string]int{}, Result: RowsURI(j.Run.ID)}
	for _, r := range rows {
		o.Rows[r.Status]++
		if r.Status != "done" && r.Status != "nothingToDo" && r.Status != "running" && len(o.Open) < openRows {
			o.Open = append(o.Open, r)
		}
	}
	return o, rows
}

// rowResults are all rows of a bulk in their order.
func (e *Env) rowResults(ctx context.Context, j jobs.Job) ([]RowResult, error) {
	var rows []bulkRow
	if !j.Run.Found(foundRows, &rows) {
		return nil, nil
	}
	children, err := e.Policy.Ledger.ChildJobs(ctx, j.Run.ID)
	if err != nil {
		return nil, err
	}
	left := map[int]string{}
	j.Run.Get(rowsLeft, &left)
	of := make(map[string]jobs.RunInfo, len(children))
	for _, c := range children {
		of[c.CallKey] = c
	}
	out := make([]RowResult, len(rows))
	for i, r := range rows {
		out[i] = RowResult{Row: r.N, Tenant: r.Tenant, User: r.who(), Tool: r.Tool, Status: "pending"}
		child, begun := of[rowKey(j.Run, r)]
		why, none := left[r.N]
		switch {
		case begun:
			if err := e.childResult(ctx, child, &out[i]); err != nil {
				return nil, err
			}
		case none:
			out[i].Status, out[i].Detail = "nothingToDo", why
			if strings.HasPrefix(why, withdrawnRow) {
				out[i].Status = rowWithdrawn
			}
		case j.Withdrawn():
			out[i].Status, out[i].Detail = rowWithdrawn, j.Detail
		case j.State == jobs.RunCancelled:
			out[i].Status = j.State
		case j.Ended():
			out[i].Status, out[i].Detail = "failed", "not begun"
		}
	}
	return out, nil
}

func (e *Env) childResult(ctx context.Context, child jobs.RunInfo, r *RowResult) error {
	r.JobID = child.Run.ID
	if child.State == jobs.RunDone && child.Tool() != "cipp_create_user" && child.Tool() != "cipp_reset_password" && child.Tool() != "cipp_create_tap" {
		r.Status = child.State
		return nil
	}
	j, err := e.Policy.Ledger.Job(ctx, child.Run.ID)
	if errors.Is(err, jobs.ErrSealed) { // the other rows are told all the same
		r.Status, r.Detail = JobStatus(child, nil, e.Clock.Now()), jobs.ErrSealed.Error()
		return nil
	}
	if err != nil {
		return err
	}
	steps := j.Results()
	r.Status, r.created = JobStatus(j.RunInfo, steps, e.Clock.Now()), createdBy(j.Run)
	if j.Withdrawn() {
		r.Status = rowWithdrawn
	}
	var handle string
	if j.Run.Get(workflows.SecretHandle, &handle) {
		r.secret = handle
	}
	var why []string
	for _, s := range steps {
		if s.State != jobs.StateDone && s.State != jobs.StateNothing && s.State != jobs.StateToDo {
			why = append(why, s.Step+" "+s.State+ifText(s.Detail, ": "))
		}
	}
	r.Detail = strings.Join(append(why, child.Detail), "; ")
	r.Detail = strings.TrimSuffix(r.Detail, "; ")
	return nil
}

// RowsURI is under which address a client reads what became of a bulk's rows.
func RowsURI(jobID string) string { return recordScheme + jobID + "/rows.csv" }

// Rows is that table.
func (e *Env) Rows(ctx context.Context, jobID string) (string, error) {
	c := &Call{Env: e}
	if err := e.loadJob(ctx, c, &struct{ JobArg }{JobArg{jobID}}); err != nil {
		return "", err
	}
	rows, err := e.rowResults(ctx, *c.Job)
	if err != nil {
		return "", err
	}
	if rows == nil {
		return "", &Problem{Code: "not_found", Message: "This job is none of many rows.", Next: "Read " + RecordURI(jobID) + " instead."}
	}
	table := [][]string{{"row", "tenant", "user", "status", "detail", "jobId", "createdId", "secret"}}
	for _, r := range rows {
		Sanitize(&r, e.Redact)
		table = append(table, []string{strconv.Itoa(r.Row), r.Tenant, r.User, r.Status, r.Detail, r.JobID, r.created, r.secret})
	}
	return csvText(table, -1), nil
}

// formula begins what a spreadsheet takes for one, in either width; and so it does after what parts cells where another
// separator is the custom, for there a cell's quotes do not hold it together.
const formula = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"

var formulaWithin = regexp.MustCompile("([;\t\r\n][ \u00a0;\t\r\n]*)([=+\\-@\uff1d\uff0b\uff0d\uff20])")

// csvText writes a table. What a spreadsheet would take for a formula is kept from being one, since the cells hold what
// people of the tenant wrote; but the exact column is written as it is.
func csvText(table [][]string, exact int) string {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	for _, row := range table {
		safe := make([]string, len(row))
		for i, cell := range row {
			if safe[i] = cell; i != exact {
				safe[i] = noFormula(cell)
			}
		}
		_ = w.Write(safe) // a buffer takes everything
	}
	w.Flush()
	return b.String()
}

// noFormula is a cell that no spreadsheet takes for a formula.
func noFormula(cell string) string {
	cell = formulaWithin.ReplaceAllString(cell, "${1}'${2}")
	if first, _ := utf8.DecodeRuneInString(cell); cell != "" && strings.ContainsRune(formula, first) {
		return "'" + cell
	}
	return cell
}

// batchSecret is a password of one row that lies with those of all others under one handle.
type batchSecret struct{ password, handle string }

// batch holds such passwords between their sealing and their setting, in memory alone.
type batch struct {
	mu      sync.Mutex
	waits   map[string]batchSecret // by run
	taken   map[string]batchSecret
	handles map[string]bool
}

func (b *batch) put(made map[string]batchSecret) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waits == nil {
		b.waits, b.taken, b.handles = map[string]batchSecret{}, map[string]batchSecret{}, map[string]bool{}
	}
	for id, s := range made {
		b.waits[id] = s
		b.handles[s.handle] = true
	}
}

// take hands out the password of a run, once.
func (b *batch) take(runID string) (batchSecret, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.waits[runID]
	if ok {
		delete(b.waits, runID)
		b.taken[runID] = s
	}
	return s, ok
}

// sealed is under which handle a run's password lies already.
func (b *batch) sealed(runID, password string) (handle string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.taken[runID]
	if !ok || s.password != password {
		return "", false
	}
	delete(b.taken, runID)
	return s.handle, true
}

// shared says whether a handle is that of many passwords.
func (b *batch) shared(handle string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.handles[handle]
}
