package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/config"
	"cipp-mcp/internal/jobs"
)

// Engine makes plans, holds the guards and runs what was approved.
type Engine struct {
	Config config.Config
	Graph  *graphclient.Client
	Plans  *Plans
	Sealer *Sealer
	Ledger *jobs.Ledger
	Clock  clock.Clock
	// Signatures tells whether a signature is an approver's; nil where nobody can approve.
	Signatures Signatures
	// Requester is who runs this server, as the machine knows him.
	Requester string
	// Embedded: the cloud is the sandbox inside this process, where writing is free.
	Embedded bool
	// Headless: this process runs jobs whoever is there, so that what is scheduled will be run.
	Headless bool
	// Explain words an error for results and journal.
	Explain func(error) string

	fresh fresh
}

// Request is one write before it is planned.
type Request struct {
	Tool     string
	Risk     Risk
	Tenant   graphclient.Tenant
	User     *graphclient.User // nil where the tool has no user as target
	Args     map[string]any
	Steps    []jobs.Step
	Warnings []string
	Client   string // who asks, as the client names itself
	Reason   string
	Ticket   string
	// Of is the tool whose work it does many times; "" for any other.
	Of string
	// Rows are whom such a request is about, each user once.
	Rows []Row
	// Parts are the tools whose work it does besides, each for the same subject.
	Parts []string
	// Row: it is one row of a request for many, or was planned for later by another, whose number and haste the whole was
	// judged by. Together are the users of its tenant whom the same approval reaches.
	Row      bool
	Together []string
	// Parent is the run it was approved with.
	Parent string
}

// tools are all whose work a request does.
func (r Request) tools() []string {
	return slices.DeleteFunc(append([]string{r.Tool, r.Of}, r.Parts...), func(t string) bool { return t == "" })
}

// Row is one subject of a request for many; UserID is "" where it is yet to be made.
type Row struct{ TenantID, UserID string }

// asked is who asks for what and why, for the journal.
func (r Request) asked() jobs.Event {
	return jobs.Event{Tool: r.Tool, Tenant: r.Tenant.ID, Client: r.Client, Reason: r.Reason, Ticket: r.Ticket}
}

// MayWrite says why writing is switched off here, "" when it is not.
func (e *Engine) MayWrite() string {
	if e.Embedded || e.Config.Access == config.Write {
		return ""
	}
	return "this server is read-only; the operator switches writing on with access: write in cipp-mcp.yaml (or CIPP_ACCESS=write)"
}

// ErrFrozen says that the operator stopped every write.
var ErrFrozen = errors.New("every write is frozen")

// Thawed says whether anything may be written now; ErrFrozen when the operator stopped it.
func (e *Engine) Thawed(ctx context.Context) error {
	f, err := e.Ledger.Frozen(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrState, err)
	case f != nil:
		return fmt.Errorf("%w since %s by %s: %s", ErrFrozen, f.At.UTC().Format("2006-01-02 15:04Z"), f.By, f.Why)
	default:
		return nil
	}
}

// NewRun is a fresh run of a tool; user is nil where the tool has none as target.
func (e *Engine) NewRun(tool string, tenant graphclient.Tenant, user *graphclient.User) *jobs.Run {
	run := &jobs.Run{ID: "run_" + strings.ReplaceAll(uuid.NewString(), "-", ""), Tool: tool, TenantID: tenant.ID, Tenant: tenant.DefaultDomain}
	if user != nil {
		run.UserID, run.User = user.ID, user.UserPrincipalName
	}
	return run
}

// Plan reads the state every step starts from, and writes into the journal that it was made. It changes
// nothing.
func (e *Engine) Plan(ctx context.Context, req Request, run *jobs.Run) (Plan, error) {
	p, err := e.look(ctx, req, run)
	if err != nil {
		return p, err
	}
	event := req.asked()
	event.Event, event.User, event.Shown = "plan", p.UserID, e.Sealer.Fingerprint(p.Binding())
	if err := e.Ledger.Note(ctx, run.ID, req.Client, event); err != nil {
		return p, fmt.Errorf("%w: the journal: %w", ErrState, err)
	}
	return p, nil
}

// Look makes a plan without a line in the journal: one row of a request for many, whose own plan has its line.
func (e *Engine) Look(ctx context.Context, req Request, run *jobs.Run) (Plan, error) {
	return e.look(ctx, req, run)
}

// look makes a plan of the guards and of what every step finds.
func (e *Engine) look(ctx context.Context, req Request, run *jobs.Run) (Plan, error) {
	p := Plan{Tool: req.Tool, TenantID: req.Tenant.ID, Tenant: req.Tenant.DefaultDomain, Risk: req.Risk, Warnings: req.Warnings, argsHash: ArgsHash(req.Args)}
	if req.User != nil {
		p.UserID, p.User = req.User.ID, req.User.UserPrincipalName
	}
	if err := e.guardTarget(ctx, req, &p); err != nil {
		return p, err
	}
	if err := e.guardRate(ctx, req, run, &p); err != nil {
		return p, err
	}
	e.guardBulk(req, &p)
	e.guardParts(req, &p)
	changes, err := plans(ctx, req.Steps, run)
	if err != nil {
		return p, err
	}
	for _, c := range changes {
		if c.Critical != "" {
			p.raise(c.Critical)
		}
		p.Blockers = appendNew(p.Blockers, c.Blockers...)
		p.Warnings = appendNew(p.Warnings, c.Warnings...)
	}
	p.Changes = changes
	e.guardMass(&p)
	e.guardOperator(req, &p)
	return p, nil
}

// sideBySide is how many steps are planned at once: they only read, and none waits for another's answer.
const sideBySide = 6

// plans asks every step what it will do, in the steps' order.
func plans(ctx context.Context, steps []jobs.Step, run *jobs.Run) ([]jobs.Change, error) {
	changes := make([]jobs.Change, len(steps))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(sideBySide)
	for i, s := range steps {
		g.Go(func() error {
			return jobs.Caught(func() error {
				c, err := s.Plan(ctx, run)
				if err != nil {
					return fmt.Errorf("plan step %s: %w", s.Name, err)
				}
				c.Step = s.Name
				changes[i] = c
				return nil
			})
		})
	}
	return changes, g.Wait()
}

// appendNew adds what is not there yet: two steps may have the same to say.
func appendNew(list []string, more ...string) []string {
	for _, m := range more {
		if !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}

// ErrState says that what has to be kept before a write could not be kept.
var ErrState = errors.New("the server's own state cannot be written, so nothing was changed")

// ErrChanged says that between the showing and the doing the objects changed.
var ErrChanged = errors.New("what the plan showed no longer holds, so nothing was done")

// Approved holds a shown plan against the one just made from the same objects. Approval of one never
// passes for approval of the other.
func Approved(shown, now Plan) error {
	if shown.Tool != now.Tool || shown.TenantID != now.TenantID || shown.UserID != now.UserID || shown.argsHash != now.argsHash {
		return ErrPlanOther
	}
	if shown.Binding() != now.Binding() {
		return fmt.Errorf("%w: %s", ErrChanged, difference(shown, now))
	}
	return nil
}

func difference(shown, now Plan) string {
	var out []string
	before := map[string]jobs.Change{}
	for _, c := range shown.Changes {
		before[c.Step] = c
	}
	for _, c := range now.Changes {
		old, ok := before[c.Step]
		switch {
		case !ok:
			out = append(out, c.Step+" was not in the plan")
		case old.Before != c.Before:
			out = append(out, fmt.Sprintf("%s: was %q, is now %q", c.Step, old.Before, c.Before))
		case old.After != c.After || old.Nothing != c.Nothing || old.Manual != c.Manual || old.Summary != c.Summary:
			out = append(out, c.Step+" would do something else now")
		}
	}
	if len(out) == 0 {
		return "the steps differ"
	}
	return strings.Join(out, "; ")
}

// Status sums the steps up: done, attention (a person is needed) or failed (nothing was changed).
func Status(res []jobs.StepResult) string {
	done, bad := 0, 0
	for _, r := range res {
		switch r.State {
		case jobs.StateDone:
			done++
		case jobs.StateNothing:
		default:
			bad++
		}
	}
	switch {
	case bad == 0:
		return "done"
	case done == 0 && allFailed(res):
		return "failed"
	default:
		return "attention"
	}
}

func allFailed(res []jobs.StepResult) bool {
	for _, r := range res {
		if r.State == jobs.StateUnknown || r.State == jobs.StatePending || r.State == jobs.StateManual {
			return false
		}
	}
	return true
}
