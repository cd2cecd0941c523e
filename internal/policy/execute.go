package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// Lateness is how long after its time a scheduled run may still begin. The server may have been off, and
// what was wanted on Friday may be wrong on Monday.
const Lateness = 24 * time.Hour

// planVersion is the version of what stands in a run's arguments.
const planVersion = 1

// Start is an approved plan on its way into the ledger.
type Start struct {
	Request
	Run        *jobs.Run
	Plan       Plan
	ApprovedBy string
	NotBefore  time.Time // zero: at once
	Held       bool      // the operator has yet to approve it
	Grant      string    // the standing grant it is done under
	ParentID   string    // the run it was approved with
	CallKey    string
	Beside     bool // part of a run on the same user
}

// sealedArgs are a call's arguments as they lie in the ledger. They may hold a caller's password, so
// nobody can read them there.
type sealedArgs struct {
	Sealed string `json:"sealed"`
}

// asked is what a later process needs to go on with a run.
type asked struct {
	Args      map[string]any
	Risk      Risk
	Binding   string
	Warnings  []string
	Requester string
	// Operator: it needs the operator's approval, and does not begin without one that can be believed.
	Operator bool
	Grant    string
	// Of, Parts, Rows and Row are those of the request.
	Of    string
	Parts []string
	Rows  []Row
	Row   bool
}

// request is what a run was asked for, as far as the guards judge it.
func (a asked) request(info jobs.RunInfo) Request {
	return Request{Tool: info.Kind, Risk: a.Risk, Args: a.Args, Warnings: a.Warnings, Of: a.Of, Parts: a.Parts, Rows: a.Rows, Row: a.Row, Parent: info.ParentID}
}

const argsPurpose = "arguments of "

// Start writes an approved plan into the ledger, from where it is run by whatever process is there. When
// Start has returned nil, what was approved will be done or be told as not done.
func (e *Engine) Start(ctx context.Context, s Start) error {
	box, err := e.Sealer.Seal(argsPurpose+s.Run.ID, asked{s.Args, s.Plan.Risk, s.Plan.Binding(), s.Warnings, e.Requester, s.Held, s.Grant, s.Of, s.Parts, s.Rows, s.Row})
	if err != nil {
		return err
	}
	args, err := json.Marshal(sealedArgs{box})
	if err != nil {
		return fmt.Errorf("keep the arguments: %w", err)
	}
	n := jobs.NewRun{
		Run: s.Run, PlanVersion: planVersion, Args: args, NotBefore: s.NotBefore, Held: s.Held, CallKey: s.CallKey, Grant: s.Grant, ParentID: s.ParentID, Beside: s.Beside,
		CreatedBy: s.Client, Approval: s.ApprovedBy, Steps: s.Steps, Changes: s.Plan.Changes, Asked: s.asked(),
	}
	n.Asked.Shown = e.Sealer.Fingerprint(s.Plan.Binding())
	if !s.NotBefore.IsZero() {
		n.Deadline = s.NotBefore.Add(Lateness)
	} else if !s.Held {
		e.fresh.put(s.Run.ID, s.Steps)
	}
	err = e.Ledger.Create(ctx, n)
	if err == nil {
		return nil
	}
	e.fresh.take(s.Run.ID)
	switch {
	case errors.Is(err, jobs.ErrStore):
		return fmt.Errorf("%w: %w", ErrState, err)
	case errors.Is(err, jobs.ErrRunKnown):
		return ErrCallKnown
	case errors.Is(err, jobs.ErrRunBusy):
		id, _ := e.Ledger.Active(ctx, s.Run.TenantID, s.Run.UserID, s.Tool) // it may have ended just now
		return &BusyError{id}
	default:
		return err
	}
}

// ErrCallKnown says that the same call was made before under its idempotencyKey.
var ErrCallKnown = errors.New("this call was made before under the same key")

// BusyError says that a job of the same tool is at work on the same user.
type BusyError struct{ JobID string }

func (b *BusyError) Error() string { return jobs.ErrRunBusy.Error() + ": " + b.JobID }

// Follow waits for a job to end, as long as ctx lets it. One that waits itself, for its time or for an
// approval, is not waited for.
func (e *Engine) Follow(ctx context.Context, id string, report func(done, total int, r jobs.StepResult)) (jobs.Job, error) {
	j, err := e.Ledger.Job(context.WithoutCancel(ctx), id)
	if err != nil || j.State == jobs.RunHeld || j.NotBefore.After(e.Clock.Now()) {
		return j, err
	}
	return e.Ledger.Wait(ctx, id, report)
}

// opened reads what a run was asked for.
func (e *Engine) opened(info jobs.RunInfo) (asked, error) {
	var box sealedArgs
	var a asked
	if err := json.Unmarshal(info.Args, &box); err != nil {
		return a, fmt.Errorf("%w: its arguments are damaged", jobs.ErrWithdrawn)
	}
	if err := e.Sealer.Open(argsPurpose+info.Run.ID, box.Sealed, &a); err != nil {
		return a, fmt.Errorf("%w: its arguments were sealed with another key, or changed", jobs.ErrWithdrawn)
	}
	return a, nil
}

// Args are the arguments a run was made with.
func (e *Engine) Args(info jobs.RunInfo) (map[string]any, error) {
	a, err := e.opened(info)
	return a.Args, err
}

// NeedsMore says whether a run that is to be made below another needs an approval of its own: it turned out to be
// critical and the other was approved as less, or it needs a second person and none approved the whole.
func (e *Engine) NeedsMore(ctx context.Context, parent jobs.RunInfo, req Request, p Plan) (bool, error) {
	if approved, _ := e.Took(parent); p.Risk >= Critical && approved < Critical {
		return true, nil
	}
	if e.secondPerson(req, p.Risk) == "" {
		return false, nil
	}
	for parent.ParentID != "" {
		j, err := e.Ledger.Job(ctx, parent.ParentID)
		if err != nil {
			return true, err
		}
		parent = j.RunInfo
	}
	a, err := e.opened(parent)
	if err != nil {
		return true, err
	}
	return !a.Operator || e.secondPerson(a.request(parent), a.Risk) == "", nil
}

// Steps hands out the steps of a run that this process itself planned a moment ago; nil for any other.
func (e *Engine) Steps(runID string) []jobs.Step { return e.fresh.take(runID) }

// fresh holds the steps of runs that were planned here and not yet taken up, so that they need not be
// rebuilt from the ledger.
type fresh struct {
	mu    sync.Mutex
	steps map[string][]jobs.Step
}

func (f *fresh) put(runID string, s []jobs.Step) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.steps == nil {
		f.steps = map[string][]jobs.Step{}
	}
	f.steps[runID] = s
}

func (f *fresh) take(runID string) []jobs.Step {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.steps[runID]
	delete(f.steps, runID)
	return s
}

// Check looks whether a run that waited may begin now, for its time, for an approval, or because the process
// that made it died before it could begin: its approval, its target and its plan must still hold. What a scheduled run finds before its changes may have moved meanwhile, for weeks may lie between;
// what it will do, to whom, and the guards may not.
func (e *Engine) Check(ctx context.Context, job jobs.Job, steps []jobs.Step) error {
	a, err := e.opened(job.RunInfo)
	if err != nil {
		return err
	}
	if why := e.MayWrite(); why != "" {
		return fmt.Errorf("%w: %s", jobs.ErrWithdrawn, why)
	}
	if a.Operator {
		if err := e.proven(job, a); err != nil {
			return fmt.Errorf("%w: %w", jobs.ErrWithdrawn, err)
		}
	} else if job.NotBefore.IsZero() && e.Clock.Now().Sub(job.Created).Abs() < PlanLifetime {
		return nil // it begins right after its plan was made; a clock that was set back tells nothing
	}
	if err := e.stillGranted(ctx, a.Grant); err != nil {
		return err
	}
	req := a.request(job.RunInfo)
	req.Steps = steps
	if job.Run.TenantID != "" { // a job over several tenants has none
		if req.Tenant, err = e.Graph.ResolveTenant(ctx, job.Run.TenantID); err != nil {
			return withdrawn(err)
		}
	}
	if job.Run.UserID != "" {
		u, err := e.Graph.User(ctx, job.Run.TenantID, job.Run.UserID, GuardedUser...)
		if err != nil {
			return withdrawn(err)
		}
		req.User = &u
	}
	now, err := e.look(ctx, req, job.Run)
	if err != nil {
		return withdrawn(err)
	}
	if len(now.Blockers) > 0 {
		return fmt.Errorf("%w: %s", jobs.ErrWithdrawn, now.Blockers[0])
	}
	shown := Plan{Tool: job.Kind, TenantID: job.Run.TenantID, UserID: job.Run.UserID}
	for _, s := range job.Steps {
		shown.Changes = append(shown.Changes, s.Change)
	}
	switch {
	case now.Risk > a.Risk:
		return fmt.Errorf("%w: it has become %s, and was approved as %s: %s", jobs.ErrWithdrawn, now.Risk, a.Risk, strings.Join(now.Critical, "; "))
	case job.NotBefore.IsZero() && now.Binding() != a.Binding, !sameEffect(shown, now):
		return fmt.Errorf("%w: %w: %s", jobs.ErrWithdrawn, ErrChanged, difference(shown, now))
	}
	return nil
}

// sameEffect says whether two plans do the same, whatever stands there before.
func sameEffect(shown, now Plan) bool {
	if len(shown.Changes) != len(now.Changes) {
		return false
	}
	for i, c := range shown.Changes {
		n := now.Changes[i]
		if c.Step != n.Step || c.Target != n.Target || n.Runs() && (!c.Runs() || c.After != n.After || c.Summary != n.Summary) {
			return false
		}
	}
	return true
}

// withdrawn ends a run whose target is gone or out of reach for good; what may pass is tried again.
func withdrawn(err error) error {
	switch graphclient.KindOf(err) {
	case graphclient.NotFound, graphclient.TenantUnknown, graphclient.TenantDenied, graphclient.TenantAmbiguous:
		return fmt.Errorf("%w: %w", jobs.ErrWithdrawn, err)
	default:
		return err
	}
}

// GuardedUser is what the guards have to know of a user.
var GuardedUser = []string{"id", "userPrincipalName", "displayName", "mail", "mailNickname", "accountEnabled", "userType", "onPremisesSyncEnabled", "usageLocation", "proxyAddresses"}
