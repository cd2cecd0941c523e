package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// crowd is one action for many: each row becomes a job of its own below the job that was approved.
type crowd struct {
	call *Call
	tool Tool
	rows []bulkRow
	// what is the whole in words; "" is the tool for so many rows.
	what string
	// sample is how many rows the plan shows.
	sample int

	mu      sync.Mutex
	planned []plannedRow // nil until they were planned in this process
}

// plannedRow is a row with its plan, and the steps to do it by.
type plannedRow struct {
	req  policy.Request
	run  *jobs.Run
	plan policy.Plan
	none string // why there is nothing to do, or why a person has to
	hand bool
}

const (
	runRows = "run-rows"
	// rowsShown and rowsLeft are where the run keeps what each row was shown to do, and why a row has no job.
	rowsShown, rowsLeft = "rowsShown", "rowsLeft"
	// rowsWait is how long the rows may take; each has its own times beside.
	rowsWait = 30 * 24 * time.Hour
)

func (cr *crowd) step() jobs.Step {
	return jobs.Step{
		Name: runRows, Class: jobs.Idempotent, Settle: rowsWait,
		Plan: cr.change, Do: cr.begin,
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			states, err := cr.call.Policy.Ledger.Children(ctx, run.ID)
			switch {
			case err != nil:
				return jobs.Unknown, err
			case states[jobs.RunQueued]+states[jobs.RunRunning]+states[jobs.RunHeld] > 0:
				return jobs.Pending, nil
			case len(notBegun(run)) > 0:
				return jobs.Partly, nil
			default:
				return jobs.Done, nil
			}
		},
	}
}

// withdrawnRow begins the reason why a row was not begun though it had something to do.
const withdrawnRow = "not begun: "

// notBegun are the rows that were withdrawn before they had a job.
func notBegun(run *jobs.Run) map[int]string {
	left := map[int]string{}
	run.Get(rowsLeft, &left)
	maps.DeleteFunc(left, func(_ int, why string) bool { return !strings.HasPrefix(why, withdrawnRow) })
	return left
}

// plans plans every row, once in this process.
func (cr *crowd) plans(ctx context.Context) ([]plannedRow, error) {
	cr.mu.Lock()
	defer cr.mu.Unlock()
	if cr.planned != nil {
		return cr.planned, nil
	}
	out := make([]plannedRow, len(cr.rows))
	wrong := make([]*Problem, len(cr.rows))
	err := eachRow(cr.call.together(ctx, cr.rows), wrong, func(ctx context.Context, i int) (err error) {
		out[i], err = cr.plan(ctx, cr.rows[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	e := &rowErrors{of: len(cr.rows)}
	for i, p := range wrong {
		switch {
		case p == nil:
		case p.Code == "nothing_to_undo":
			out[i].none = p.Message
		default:
			e.add(cr.rows[i], q(cr.rows[i].who())+": "+p.Message)
		}
	}
	if err := e.err(); err != nil {
		return nil, err
	}
	cr.planned = out
	return out, nil
}

// parts are the tools whose work the rows do besides: what one row needs a second person for, the whole needs one for.
func (cr *crowd) parts(ctx context.Context) ([]string, error) {
	planned, err := cr.plans(ctx)
	var out []string
	for _, p := range planned {
		for _, t := range p.req.Parts {
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	return out, err
}

// of is the tool of a row.
func (cr *crowd) of(r bulkRow) Tool {
	if r.Tool != "" {
		return toolOf(r.Tool)
	}
	return cr.tool
}

// plan is a row's own plan, as the tool would make it for that user alone.
func (cr *crowd) plan(ctx context.Context, r bulkRow) (plannedRow, error) {
	var p plannedRow
	t := cr.of(r)
	in, err := t.input(r.Args)
	if err != nil {
		return p, err
	}
	c, err := cr.call.NewCall(ctx, t, in)
	if err != nil {
		return p, err
	}
	if err := c.Begin(ctx, t.Name); err != nil {
		return p, err
	}
	c.part = r.Tool != ""
	w, err := t.Work(ctx, c, in)
	if err != nil {
		return p, err
	}
	p.run = c.Run
	p.req = policy.Request{Tool: t.Name, Risk: max(t.Risk, w.Risk), Tenant: c.Tenant, User: c.User, Args: r.Args, Steps: w.Steps, Warnings: w.Warnings, Parts: w.Parts, Row: true, Together: cr.together(c.Tenant.ID)}
	if p.plan, err = cr.call.Policy.Look(ctx, p.req, p.run); err != nil {
		return p, err
	}
	if p.plan.Writes() == 0 && len(p.plan.Blockers) == 0 {
		var why []string
		for _, c := range p.plan.Changes {
			why = append(why, c.Nothing+c.Manual)
		}
		p.none, p.hand = strings.Join(why, "; "), p.plan.ByHand() > 0
		if p.none == "" {
			p.none = "nothing to do"
		}
	}
	return p, nil
}

// together are the users of a tenant whom the rows reach.
func (cr *crowd) together(tenantID string) []string {
	var out []string
	for _, r := range cr.rows {
		if r.TenantID == tenantID && r.UserID != "" {
			out = append(out, r.UserID)
		}
	}
	return out
}

// effects are two fingerprints of a row's plan: what stands there, and what will be done, to whom, and whether that
// needs the operator.
func (cr *crowd) effects(p plannedRow) (before, after string) {
	type effect struct{ Step, Target, Summary, After, Manual string }
	var was []string
	does := []effect{{p.plan.Tool, p.plan.TenantID, p.plan.UserID, "", ""}}
	if p.plan.Risk >= policy.Critical {
		does[0].After = "critical"
	}
	for _, c := range p.plan.Changes {
		was = append(was, c.Before+c.Nothing)
		if c.Runs() {
			does = append(does, effect{c.Step, c.Target, c.Summary, c.After, c.Manual})
		}
	}
	return cr.fingerprint(was), cr.fingerprint(does)
}

func (cr *crowd) fingerprint(v any) string {
	b, _ := json.Marshal(v)
	return cr.call.Policy.Sealer.Fingerprint(string(b))[:16]
}

// change is the plan of all rows as one change, with a sample of them.
func (cr *crowd) change(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
	planned, err := cr.plans(ctx)
	if err != nil {
		return jobs.Change{}, err
	}
	var befores, afters []string
	s := summary{rows: cr.rows, most: cr.sample}
	if s.most == 0 {
		s.most = sampleRows
	}
	for i, p := range planned {
		before, after := cr.effects(p)
		befores, afters = append(befores, before), append(afters, after)
		s.add(i, p)
	}
	if err := run.Put(rowsShown, afters); err != nil {
		return jobs.Change{}, err
	}
	what := cr.what
	if what == "" {
		what = fmt.Sprintf("%s for %s", cr.tool.Name, count(len(cr.rows), "row", "rows"))
	}
	return s.change(what, cr.fingerprint(befores), cr.fingerprint(afters)), nil
}

// begin makes a job of each row that has none yet. Begun again, by whatever process, it goes on where it was.
func (cr *crowd) begin(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
	planned, err := cr.plans(ctx)
	if err != nil {
		return nil, err
	}
	var shown []string
	run.Get(rowsShown, &shown)
	left := map[int]string{} // why a row has no job, as it is now
	var todo []int
	for i := range planned {
		id, err := cr.call.Policy.Ledger.ByKey(ctx, rowKey(run, cr.rows[i]))
		switch {
		case err != nil:
			return nil, err
		case id != "":
			continue
		case planned[i].none != "":
			left[cr.rows[i].N] = planned[i].none
			continue
		}
		if _, after := cr.effects(planned[i]); i >= len(shown) || after != shown[i] || len(planned[i].plan.Blockers) > 0 {
			left[cr.rows[i].N] = withdrawnRow + "what was shown for it no longer holds"
			continue
		}
		todo = append(todo, i)
	}
	if err := errors.Join(cr.sealTogether(ctx, run, planned, todo), run.Keep(ctx, rowsLeft, left)); err != nil {
		return nil, err
	}
	for _, i := range todo {
		if err := cr.start(ctx, run, cr.rows[i], planned[i]); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func rowKey(run *jobs.Run, r bulkRow) string {
	return fmt.Sprintf("row %d of %s", r.N, run.ID)
}

// start puts a row's job into the ledger. Where the same tool is at work on the same user it waits its turn.
func (cr *crowd) start(ctx context.Context, parent *jobs.Run, r bulkRow, p plannedRow) error {
	s := policy.Start{Request: p.req, Run: p.run, Plan: p.plan, ApprovedBy: "approved with job " + parent.ID, ParentID: parent.ID, CallKey: rowKey(parent, r)}
	s.Client, s.Beside = "job "+parent.ID, parent.UserID != ""
	err := cr.call.Policy.Start(ctx, s)
	var busy *policy.BusyError
	if errors.As(err, &busy) {
		s.NotBefore = cr.call.Clock.Now().Add(time.Second)
		err = cr.call.Policy.Start(ctx, s)
	}
	if errors.Is(err, policy.ErrCallKnown) {
		return nil
	}
	return err
}

// sealTogether makes the passwords of all rows that need one and seals them as one secret, before any of them is in
// force, so that the operator opens one file and not hundreds. They are kept nowhere else: a row that another process
// goes on with makes its own.
func (cr *crowd) sealTogether(ctx context.Context, run *jobs.Run, planned []plannedRow, todo []int) error {
	if cr.tool.Name != "cipp_reset_password" && cr.tool.Name != "cipp_create_user" {
		return nil
	}
	var rows []int
	for _, i := range todo {
		if text(cr.rows[i].Args["password"]) == "" {
			rows = append(rows, i)
		}
	}
	if len(rows) < 2 {
		return nil
	}
	made := make(map[string]batchSecret, len(rows))
	const passwordColumn = 2
	table := [][]string{{"tenant", "user", "password"}}
	for _, i := range rows {
		p, err := cr.call.Secrets.Generate()
		if err != nil {
			return err
		}
		cr.call.Redactor.Add(p)
		made[planned[i].run.ID] = batchSecret{password: p}
		table = append(table, []string{cr.rows[i].Tenant, cr.rows[i].who(), p})
	}
	handle, err := cr.call.sealer().Seal(ctx, "passwords", fmt.Sprintf("%s for %s", cr.tool.Name, count(len(rows), "user", "users")), csvText(table, passwordColumn))
	if err != nil {
		return err
	}
	for id, b := range made {
		b.handle = handle
		made[id] = b
	}
	cr.call.batch.put(made)
	var earlier []string
	run.Get(workflows.SecretHandles, &earlier)
	return errors.Join(run.Put(workflows.SecretStep, runRows), run.Keep(ctx, workflows.SecretHandles, append(earlier, handle)))
}
