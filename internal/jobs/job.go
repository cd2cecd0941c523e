package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

// RunInfo is what the ledger knows of a run; the registry rebuilds its steps from it.
type RunInfo struct {
	Run         *Run // whom it is about, with the values its steps have left
	Kind        string
	PlanVersion int
	Args        json.RawMessage
	State       string
	Detail      string
	NotBefore   time.Time
	NextAt      time.Time
	Deadline    time.Time
	Created     time.Time
	CreatedBy   string
	Approval    string
	Proof       string // what makes the approval believable
	ParentID    string
	CallKey     string // names the call that made it
	Owner       string
	Epoch       int64
	Cancelled   bool // a person wants it to stop

	failures int
	vals     string // the run's values as they lie in the ledger
}

// readKind begins the kind of a run that only reads.
const readKind = "read:"

// ReadKind is the kind of a tool's runs that only read: they need no approval, count as no write, and a process that
// may not write does them too.
func ReadKind(tool string) string { return readKind + tool }

// Reads says whether the run only reads.
func (r RunInfo) Reads() bool { return strings.HasPrefix(r.Kind, readKind) }

// Tool is the tool the run is of.
func (r RunInfo) Tool() string { return strings.TrimPrefix(r.Kind, readKind) }

// Ended says that nothing more happens without a person.
func (r RunInfo) Ended() bool {
	return r.State != RunQueued && r.State != RunRunning && r.State != RunHeld
}

// StepRow is one step as it lies in the ledger.
type StepRow struct {
	Name     string
	Class    Class
	Needs    []string
	Change   Change
	State    string
	Attempt  int // calls begun, ever
	IntentAt time.Time
	NextAt   time.Time // zero for an accepted step: it is no longer looked after
	Handle   Handle
	Detail   string // what became of it, or the last thing that went wrong
	Problem  string // refused | ambiguous | throttled | unknownStep | panic, "" where nothing did

	idx, tries int
}

// Job is a run with its steps.
type Job struct {
	RunInfo
	Steps []StepRow
}

// Results are the steps in the words of a write tool's result.
func (j Job) Results() []StepResult {
	out := make([]StepResult, len(j.Steps))
	for i, s := range j.Steps {
		out[i] = s.result()
	}
	return out
}

func (s StepRow) result() StepResult {
	return StepResult{Step: s.Name, State: s.State, Summary: s.Change.Summary, Detail: s.Detail}
}

const runColumns = `id, kind, plan_version, info, args, vals, state, detail, not_before, next_at, deadline, created_at, created_by, approval, proof, parent_id, call_key, owner, epoch, cancel_requested, failures`

// listColumns are the same without what the steps left, which a list does not open and a search's run has much of.
var listColumns = strings.Replace(runColumns, " vals,", " '',", 1)

// Job reads a run and its steps as they were at one moment.
func (l *Ledger) Job(ctx context.Context, id string) (Job, error) {
	tx, err := l.store.read.BeginTx(ctx, nil)
	if err != nil {
		return Job{}, storeError(err)
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	return l.readJob(ctx, tx, id)
}

func (l *Ledger) readJob(ctx context.Context, tx Tx, id string) (Job, error) {
	info, err := scanRun(tx.QueryRowContext(ctx, `SELECT `+runColumns+` FROM run WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Job{}, ErrNoRun
	}
	if err != nil {
		return Job{}, storeError(err)
	}
	j := Job{RunInfo: info}
	if err := l.open(leftBy(id), info.vals, &j.Run.values); err != nil {
		return Job{}, fmt.Errorf("what the steps of job %s left: %w", id, err)
	}
	rows, err := tx.QueryContext(ctx, `SELECT idx, name, class, needs, change, state, attempt, tries, intent_at, next_at, before_image, op_handle, result, error_class, error FROM step WHERE run_id = ? ORDER BY idx`, id)
	if err != nil {
		return Job{}, storeError(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		s, image, err := scanStep(rows)
		if err != nil {
			return Job{}, storeError(err)
		}
		if image != "" {
			var before json.RawMessage
			if err := l.open(foundBy(id, s.Name), image, &before); err != nil {
				return Job{}, fmt.Errorf("what step %s of job %s found before: %w", s.Name, id, err)
			}
			if err := j.Run.Put(beforeKey+s.Name, before); err != nil {
				return Job{}, err
			}
		}
		if s.Handle != nil {
			if err := j.Run.Put(handleKey+s.Name, s.Handle); err != nil {
				return Job{}, err
			}
		}
		j.Steps = append(j.Steps, s)
	}
	return j, storeError(rows.Err())
}

type scanner interface{ Scan(dest ...any) error }

func scanRun(row scanner) (RunInfo, error) {
	var r RunInfo
	var id, info, args, vals string
	var notBefore, nextAt, deadline, created int64
	err := row.Scan(&id, &r.Kind, &r.PlanVersion, &info, &args, &vals, &r.State, &r.Detail, &notBefore, &nextAt, &deadline, &created,
		&r.CreatedBy, &r.Approval, &r.Proof, &r.ParentID, &r.CallKey, &r.Owner, &r.Epoch, &r.Cancelled, &r.failures)
	if err != nil {
		return r, err
	}
	r.Kind, _, _ = strings.Cut(r.Kind, besideMark)
	r.Run = &Run{}
	r.vals = vals
	if err := json.Unmarshal([]byte(info), r.Run); err != nil {
		return r, fmt.Errorf("the row of job %s is damaged: %w", id, err)
	}
	r.Run.ID, r.Args = id, json.RawMessage(args)
	r.NotBefore, r.NextAt, r.Deadline, r.Created = fromMilli(notBefore), fromMilli(nextAt), fromMilli(deadline), fromMilli(created)
	return r, nil
}

func scanStep(row scanner) (s StepRow, image string, err error) {
	var class, needs, change, handle, result, problem string
	var intentAt, nextAt int64
	err = row.Scan(&s.idx, &s.Name, &class, &needs, &change, &s.State, &s.Attempt, &s.tries, &intentAt, &nextAt, &image, &handle, &result, &s.Problem, &problem)
	if err != nil {
		return s, "", err
	}
	s.Class, s.IntentAt, s.NextAt = classOf(class), fromMilli(intentAt), fromMilli(nextAt)
	if s.Detail = result; s.Detail == "" {
		s.Detail = problem
	}
	err = errors.Join(json.Unmarshal([]byte(needs), &s.Needs), json.Unmarshal([]byte(change), &s.Change))
	if handle != "" {
		err = errors.Join(err, json.Unmarshal([]byte(handle), &s.Handle))
	}
	if err != nil {
		return s, "", fmt.Errorf("the row of step %s is damaged: %w", s.Name, err)
	}
	return s, image, nil
}

// Jobs lists runs, the newest first, at most limit of them; state and tenant "" are any.
func (l *Ledger) Jobs(ctx context.Context, state, tenantID string, limit int) ([]RunInfo, error) {
	return l.list(ctx, `SELECT `+listColumns+` FROM run WHERE ? IN ('', state) AND ? IN ('', tenant) ORDER BY created_at DESC, id LIMIT ?`, state, tenantID, limit)
}

func (l *Ledger) list(ctx context.Context, query string, args ...any) ([]RunInfo, error) {
	rows, err := l.store.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, storeError(err)
	}
	defer func() { _ = rows.Close() }()
	var out []RunInfo
	for rows.Next() {
		r, err := scanRun(rows)
		if err != nil {
			return nil, storeError(err)
		}
		out = append(out, r)
	}
	return out, storeError(rows.Err())
}

// Since lists the runs that were made after a moment, but for those that were cancelled before their first call: one that
// was stopped in the middle has written.
func (l *Ledger) Since(ctx context.Context, at time.Time) ([]RunInfo, error) {
	return l.list(ctx, `SELECT `+listColumns+` FROM run WHERE created_at > ? AND (state <> ? OR EXISTS (SELECT 1 FROM attempt WHERE attempt.run_id = run.id))`, milli(at), RunCancelled)
}

// ByKey finds the run that a call made, "" when there is none.
func (l *Ledger) ByKey(ctx context.Context, key string) (runID string, err error) {
	err = l.store.read.QueryRowContext(ctx, `SELECT id FROM run WHERE call_key = ? AND call_key <> ''`, key).Scan(&runID)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return runID, storeError(err)
}

// Active finds the run of a kind that is at work on a subject, "" when there is none.
func (l *Ledger) Active(ctx context.Context, tenantID, subject, kind string) (runID string, err error) {
	err = l.store.read.QueryRowContext(ctx, `SELECT id FROM run WHERE tenant = ? AND subject = ? AND kind = ? AND state IN ('queued', 'running') ORDER BY created_at LIMIT 1`, tenantID, subject, kind).Scan(&runID)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return runID, storeError(err)
}

// Count counts all runs by their state.
func (l *Ledger) Count(ctx context.Context) (map[string]int, error) {
	return countBy(ctx, l.store.read, `SELECT state, COUNT(*) FROM run GROUP BY state`)
}

// Children counts the runs below a parent by their state.
func (l *Ledger) Children(ctx context.Context, parentID string) (map[string]int, error) {
	return countChildren(ctx, l.store.read, parentID)
}

func countChildren(ctx context.Context, tx Tx, parentID string) (map[string]int, error) {
	return countBy(ctx, tx, `SELECT state, COUNT(*) FROM run WHERE parent_id = ? GROUP BY state`, parentID)
}

func countBy(ctx context.Context, tx Tx, query string, args ...any) (map[string]int, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, storeError(err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string]int{}
	for rows.Next() {
		var state string
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			return nil, storeError(err)
		}
		out[state] = n
	}
	return out, storeError(rows.Err())
}

// kept is what the steps leave for each other, without the handles and what was found before, which lie
// with their steps.
func (l *Ledger) kept(r *Run) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	vals := maps.Clone(r.values)
	maps.DeleteFunc(vals, func(k string, _ json.RawMessage) bool {
		return strings.HasPrefix(k, handleKey) || strings.HasPrefix(k, beforeKey)
	})
	if vals == nil {
		vals = map[string]json.RawMessage{}
	}
	return l.seal(leftBy(r.ID), vals)
}

// Box seals what steps leave behind: it holds people's data, and the ledger is a file that is backed up.
type Box interface {
	Seal(purpose string, v any) (string, error)
	Open(purpose, box string, v any) error
}

// sealedMark begins a value that lies sealed.
const sealedMark = "sealed:"

// ErrSealed says that a job's values in the ledger are not what was sealed for this very place: they are another
// job's, another step's or in the clear, they were changed, or the key is another.
var ErrSealed = errors.New("what the ledger keeps of this job was not sealed here for it, or was changed since; look at what it did, and make the write again if it is still wanted")

// leftBy is the place of what a run's steps leave for each other, and foundBy that of what a step found before. A value is
// sealed for its place: copied to another, it does not open.
func leftBy(runID string) string { return fmt.Sprintf("%sleft by %q", sealedMark, runID) }
func foundBy(runID, step string) string {
	return fmt.Sprintf("%sfound by %q of %q", sealedMark, step, runID)
}

// seal writes a value as it lies in the ledger.
func (l *Ledger) seal(place string, v any) (string, error) {
	if l.Box != nil {
		s, err := l.Box.Seal(place, v)
		return sealedMark + s, err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("keep the run's values: %w", err)
	}
	return string(b), nil
}

// open reads such a value.
func (l *Ledger) open(place, text string, v any) error {
	box, sealed := strings.CutPrefix(text, sealedMark)
	switch {
	case sealed != (l.Box != nil):
		return ErrSealed
	case !sealed:
		return json.Unmarshal([]byte(text), v)
	case l.Box.Open(place, box, v) != nil:
		return ErrSealed
	default:
		return nil
	}
}
