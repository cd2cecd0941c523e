package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

const (
	// unifiedPoll is how often Microsoft wants to be asked how far a query is, unifiedLater how long a tenant's limit of
	// queries is waited for.
	unifiedPoll  = 30 * time.Second
	unifiedLater = 10 * time.Minute
	// unifiedLong is how long a search may take altogether.
	unifiedLong = 6 * time.Hour
	// unifiedRead bounds the records that are read of a search, unifiedKept those of them that are kept, the newest.
	unifiedRead = 20000
	unifiedKept = 1000
)

// The steps of a search, and where its run keeps how far it is and what it found.
const (
	searchStep  = "search"
	recordsStep = "records"
	unifiedKey  = "unified"
	recordsKey  = "records"
)

// unifiedState is how far a search is.
type unifiedState struct {
	Query  string    `json:"query,omitempty"` // Purview's id of it
	Begun  time.Time `json:"begun"`
	Next   time.Time `json:"next"` // not asked before
	Failed string    `json:"failed,omitempty"`
	Waits  string    `json:"waits,omitempty"` // why it did not go on
}

// unifiedKeeps is what a search found.
type unifiedKeeps struct {
	Rows  []LogRow  `json:"rows"`
	Note  string    `json:"note,omitempty"`
	Ended time.Time `json:"ended"`
}

func keptOf(run *jobs.Run) unifiedKeeps {
	k := unifiedKeeps{}
	run.Get(recordsKey, &k)
	if k.Rows == nil {
		k.Rows = []LogRow{}
	}
	return k
}

// unifiedWhy is why a search did not come to its end.
func unifiedWhy(j jobs.Job) string {
	for _, s := range j.Steps {
		if s.State != jobs.StateDone && s.Detail != "" {
			return strings.TrimSuffix(s.Detail, ".")
		}
	}
	return "the job ended as " + j.State
}

// unifiedSteps rebuilds the steps of a search in whatever process goes on with it.
func (e *Env) unifiedSteps(_ context.Context, info jobs.RunInfo) ([]jobs.Step, error) {
	var ask unifiedAsk
	if err := json.Unmarshal(info.Args, &ask); err != nil {
		return nil, fmt.Errorf("%w: its arguments are damaged", jobs.ErrWithdrawn)
	}
	return e.searchSteps(ask), nil
}

// searchSteps are a search and the reading of what it found. Both only read, so that begun twice they do no harm, and
// the query bears the run's name: whoever goes on finds it by that, even where its id was not written down any more.
func (e *Env) searchSteps(ask unifiedAsk) []jobs.Step {
	way := "Have Purview search the unified audit log"
	if ask.Exchange {
		way = "Search the unified audit log by Exchange, since Purview may not be asked here"
	}
	begin := func(context.Context, *jobs.Run) (jobs.Handle, error) { return nil, nil }
	plan := func(text string) func(context.Context, *jobs.Run) (jobs.Change, error) {
		return func(context.Context, *jobs.Run) (jobs.Change, error) { return jobs.Change{Summary: text}, nil }
	}
	return []jobs.Step{{
		Name: searchStep, Class: jobs.Reading, Settle: unifiedLong + time.Hour,
		Plan: plan(fmt.Sprintf("%s from %s to %s", way, ask.From.UTC().Format(time.RFC3339), ask.To.UTC().Format(time.RFC3339))),
		Do:   begin,
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			var s unifiedState
			if !run.Get(unifiedKey, &s) {
				s.Begun = e.Clock.Now()
			}
			outcome, err := e.searchOn(ctx, run, ask, &s)
			return outcome, errors.Join(err, run.Put(unifiedKey, s))
		},
	}, {
		Name: recordsStep, Class: jobs.Reading, Settle: time.Hour, Needs: []string{searchStep},
		Plan: plan("Read what it found, the newest first"),
		Do: func(_ context.Context, run *jobs.Run) (jobs.Handle, error) {
			var s unifiedState
			if run.Get(unifiedKey, &s); s.Failed != "" {
				return nil, errors.New(s.Failed)
			}
			return nil, nil
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			var s unifiedState
			run.Get(unifiedKey, &s)
			var had unifiedKeeps
			if run.Get(recordsKey, &had) || s.Failed != "" {
				return jobs.Done, nil // by Exchange the search gave them
			}
			k := newKeeper(ask)
			err := e.Graph.AuditQueryRecords(ctx, run.TenantID, s.Query, k.take)
			if err != nil && !errors.Is(err, errEnough) {
				return jobs.Pending, err
			}
			return jobs.Done, run.Put(recordsKey, k.end(e.Clock.Now(), false))
		},
	}}
}

// searchOn goes on with a search. What cannot be mended by waiting ends it: the next step says why.
func (e *Env) searchOn(ctx context.Context, run *jobs.Run, ask unifiedAsk, s *unifiedState) (jobs.Outcome, error) {
	now := e.Clock.Now()
	switch {
	case now.Before(s.Next):
		return jobs.Pending, nil
	case now.Sub(s.Begun) > unifiedLong:
		s.Failed = "the search of the audit log did not end within six hours"
		return jobs.Done, nil
	}
	s.Next, s.Waits = now.Add(unifiedPoll), ""
	over, err := false, error(nil)
	if ask.Exchange {
		over, err = e.searchByExchange(ctx, run, ask)
	} else {
		over, err = e.searchByPurview(ctx, run, ask, s)
	}
	switch kind := graphclient.KindOf(err); {
	case err == nil && over:
		return jobs.Done, nil
	case err == nil:
		return jobs.Pending, nil
	case errors.Is(err, ErrLeaving):
		s.Next = time.Time{}
		return jobs.Pending, err
	case kind == graphclient.Throttled:
		s.Next, s.Waits = now.Add(unifiedLater), e.Policy.Explain(err)
		return jobs.Pending, nil
	case kind == graphclient.Unavailable || graphclient.IsAmbiguous(err) || ctx.Err() != nil:
		s.Waits = e.Policy.Explain(err) // a query that was sent all the same is found by its name
		return jobs.Pending, err
	default:
		s.Failed = e.Policy.Explain(err)
		return jobs.Done, nil
	}
}

// searchByPurview begins the query, or finds the one that was begun, and says whether it is over.
func (e *Env) searchByPurview(ctx context.Context, run *jobs.Run, ask unifiedAsk, s *unifiedState) (over bool, err error) {
	name := "cipp-mcp " + run.ID
	if s.Query == "" {
		known, err := e.Graph.AuditQueries(ctx, run.TenantID)
		if err != nil {
			return false, err
		}
		i := slices.IndexFunc(known, func(k graphclient.AuditLogQuery) bool { return k.DisplayName == name })
		if i < 0 {
			q, err := e.Graph.StartAuditQuery(ctx, run.TenantID, graphclient.AuditLogQuery{DisplayName: name, FilterStartDateTime: &ask.From, FilterEndDateTime: &ask.To, KeywordFilter: ask.User})
			if err != nil {
				return false, err
			}
			known, i = []graphclient.AuditLogQuery{q}, 0
		}
		s.Query = known[i].ID
	}
	q, err := e.Graph.AuditQuery(ctx, run.TenantID, s.Query)
	if err == nil && q.Ended() && !strings.EqualFold(q.Status, "succeeded") {
		s.Failed = "Purview's query of the audit log ended as " + Clean(q.Status, 40)
	}
	return q.Ended(), err
}

// searchByExchange searches to the end; a process that leaves puts it off.
func (e *Env) searchByExchange(ctx context.Context, run *jobs.Run, ask unifiedAsk) (over bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if e.Cases.Leaving != nil {
		defer context.AfterFunc(e.Cases.Leaving, cancel)() //nolint:contextcheck // the process's life ends it too
	}
	k := newKeeper(ask)
	end, err := e.Graph.SearchAudit(ctx, run.TenantID, ask.search(), k.take)
	switch {
	case err != nil && e.Cases.Leaving != nil && e.Cases.Leaving.Err() != nil:
		return false, ErrLeaving
	case err != nil && !errors.Is(err, errEnough):
		return false, err
	}
	return true, run.Put(recordsKey, k.end(e.Clock.Now(), end.Capped || end.Incomplete))
}

// keeper keeps the newest of many records that come in no order.
type keeper struct {
	ask       unifiedAsk
	rows      []LogRow
	read, fit int
}

func newKeeper(ask unifiedAsk) *keeper { return &keeper{ask: ask} }

func (k *keeper) take(some []graphclient.AuditRecord) error {
	for _, r := range some {
		k.read++
		if k.ask.wants(r) {
			k.fit++
			k.rows = append(k.rows, unifiedRow(r))
		}
	}
	if len(k.rows) > 2*unifiedKept {
		k.newest()
	}
	if k.read >= unifiedRead {
		return errEnough
	}
	return nil
}

func (k *keeper) newest() {
	slices.SortStableFunc(k.rows, func(a, b LogRow) int { return b.At.Compare(a.At) })
	k.rows = slices.Clone(k.rows[:min(len(k.rows), unifiedKept)])
}

func (k *keeper) end(at time.Time, lacking bool) unifiedKeeps {
	k.newest()
	out := unifiedKeeps{Rows: k.rows, Ended: at}
	switch {
	case k.read >= unifiedRead:
		out.Note = fmt.Sprintf("only the first %d records that Microsoft handed out were read, and the newest %d of them kept", k.read, len(k.rows))
	case k.fit > len(k.rows):
		out.Note = fmt.Sprintf("only the newest %d of %d records were kept", len(k.rows), k.fit)
	case lacking:
		out.Note = "Exchange did not hand out all records"
	}
	return out
}

// LogOutcome is what a search of the unified audit log found.
type LogOutcome struct {
	Rows []LogRow `json:"rows"`
	Note string   `json:"note,omitempty"`
	Part
}

// logOutcome is what a job that searched the audit log found, page by page; nil for any other job.
func (c *Call) logOutcome(j jobs.Job, page PageArgs) (*LogOutcome, error) {
	if j.Kind != jobs.ReadKind(auditTool) {
		return nil, nil //nolint:nilnil // most jobs are no search
	}
	var err error
	k, s := keptOf(j.Run), unifiedState{}
	j.Run.Get(unifiedKey, &s)
	out := &LogOutcome{Note: k.Note}
	if s.Waits != "" && !j.Ended() {
		out.Note = "the search waits: " + s.Waits
	}
	out.Rows, out.Part, err = slicePage(c, "cipp_get_job", k.Rows, page)
	return out, err
}

func (o *LogOutcome) text(l *lines) {
	if o.Export != nil || len(o.Rows) > 0 {
		l.add("%s of the unified audit log, the newest first", count(o.rows(len(o.Rows)), "entry", "entries"))
	}
	for _, r := range o.Rows {
		l.add("%s", r.line())
	}
	if o.Note != "" {
		l.add("NOTE: %s", o.Note)
	}
	if o.HasMore {
		l.add("more entries: call cipp_get_job again with cursor=%s", o.Cursor)
	}
}
