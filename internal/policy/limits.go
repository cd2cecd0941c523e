package policy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cipp-mcp/internal/jobs"
)

// guardMass makes critical one plan that changes what too many people have: the user it is about, and those whose
// access or duties its steps change. What a user has, be it a hundred groups, counts as that user: an offboarding is
// one person's, and its length says nothing.
func (e *Engine) guardMass(p *Plan) {
	people := map[string]bool{}
	if p.UserID != "" {
		people[strings.ToLower(p.UserID)] = true
	}
	for _, c := range p.Changes {
		if !c.Runs() {
			continue
		}
		for _, id := range c.People {
			people[strings.ToLower(id)] = true
		}
	}
	if most := e.Config.Guards.MaxPeoplePerRun; most > 0 && len(people) > most {
		p.raise(fmt.Sprintf("this changes what %d people have or may, in one run (guards.maxPeoplePerRun: %d)", len(people), most))
	}
}

// guardRate makes critical what comes too fast for a person to have looked at each: an agent that runs wild
// writes one plan after the other, each of them small.
func (e *Engine) guardRate(ctx context.Context, req Request, run *jobs.Run, p *Plan) error {
	if req.Tool == "cipp_control_job" {
		return nil // stopping must never be slowed down
	}
	rows, err := shared(ctx, "runs of the last hour", func() ([]jobs.RunInfo, error) { return e.Ledger.Since(ctx, e.Clock.Now().Add(-time.Hour)) })
	if err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	users, tenants := map[string]bool{run.UserID: true}, map[string]bool{run.TenantID: true}
	writes := 1
	for _, row := range req.Rows {
		tenants[row.TenantID] = true
		users[row.UserID] = true
	}
	looked := map[string]bool{} // runs of many that the operator looked at and approved
	for _, r := range rows {
		looked[r.Run.ID] = r.Proof != ""
	}
	for _, r := range rows {
		if r.Reads() || r.Run.ID == run.ID || r.State == jobs.RunHeld || r.State == jobs.RunCancelled || looked[r.ParentID] {
			continue
		}
		tenants[r.Run.TenantID] = true
		if r.Run.TenantID == run.TenantID {
			users[r.Run.UserID] = true
		}
		if r.ParentID == "" { // what one approval made is one write, and as many users as it has
			writes++
		}
	}
	delete(users, "")
	delete(tenants, "")
	g := e.Config.Guards
	if len(req.Rows) > g.MassAction {
		g.MassAction = 0 // guardBulk says it
	}
	for _, l := range []struct {
		n, most int
		what    string
	}{
		{writes, g.MaxWritesPerHour, "writes within an hour (guards.maxWritesPerHour: %d)"},
		{len(users), g.MassAction, "different users of this tenant within an hour (guards.massAction: %d)"},
		{len(tenants), g.BulkTenants, "tenants within an hour (guards.bulkTenants: %d)"},
	} {
		if l.most > 0 && l.n > l.most {
			p.raise(fmt.Sprintf("this would make it %d "+l.what, l.n, l.most))
		}
	}
	return nil
}

// guardBulk makes critical what is done to more than the operator's threshold of users at once, or in more than one
// tenant, and refuses more tenants than the operator lets be named.
func (e *Engine) guardBulk(req Request, p *Plan) {
	if len(req.Rows) == 0 {
		return
	}
	tenants := map[string]bool{}
	for _, r := range req.Rows {
		tenants[r.TenantID] = true
	}
	g := e.Config.Guards
	if g.MassAction > 0 && len(req.Rows) > g.MassAction {
		p.raise(fmt.Sprintf("this is done to %d users at once (guards.massAction: %d)", len(req.Rows), g.MassAction))
	}
	if len(tenants) > 1 {
		p.raise(fmt.Sprintf("this is done in %d tenants at once", len(tenants)))
	}
	if g.BulkTenants > 0 && len(tenants) > g.BulkTenants {
		p.Blockers = append(p.Blockers, fmt.Sprintf("this names %d tenants, and the operator lets %d be named at once (guards.bulkTenants)", len(tenants), g.BulkTenants))
	}
	if e.twoPersons(req.Of, p.Risk) && p.Risk < Critical {
		p.raise(req.Of + " needs a second person (approval.twoPerson)")
	}
}
