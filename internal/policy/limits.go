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
	rows, err := e.Ledger.Since(ctx, e.Clock.Now().Add(-time.Hour))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	users, tenants := map[string]bool{run.UserID: true}, map[string]bool{run.TenantID: true}
	writes := 1
	for _, r := range rows {
		if r.Reads() || r.Run.ID == run.ID || r.State == jobs.RunHeld || r.State == jobs.RunCancelled || r.ParentID != "" {
			continue
		}
		writes++
		tenants[r.Run.TenantID] = true
		if r.Run.TenantID == run.TenantID {
			users[r.Run.UserID] = true
		}
	}
	g := e.Config.Guards
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
