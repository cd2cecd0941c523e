package policy

import (
	"context"
	"fmt"
	"maps"
	"slices"
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
	if stops := req.Tool == "cipp_control_job" && req.Args["action"] == "cancel"; stops || req.Row {
		return nil // stopping must never be slowed down; a row was counted with the whole, and when it falls due is nobody's haste
	}
	rows, err := shared(ctx, "runs of the last hour", func() ([]jobs.RunInfo, error) { return e.Ledger.Since(ctx, e.Clock.Now().Add(-time.Hour)) })
	if err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	users, writes := reached{}, 1
	users.add(run.TenantID, run.UserID)
	for i, row := range req.Rows {
		if row.UserID == "" { // yet to be made
			row.UserID = fmt.Sprintf("row %d", i)
		}
		users.add(row.TenantID, row.UserID)
	}
	own := slices.Collect(maps.Keys(users))
	looked := map[string]bool{} // runs of many that the operator looked at and approved
	for _, r := range rows {
		looked[r.Run.ID] = r.Proof != ""
	}
	for _, r := range rows {
		if r.Reads() || r.Run.ID == run.ID || r.State == jobs.RunHeld || looked[r.ParentID] || req.Parent != "" && (r.ParentID == req.Parent || r.Run.ID == req.Parent) {
			continue
		}
		if r.ParentID == "" { // what one approval made is one write, and as many users as it has
			writes++
		} else if r.Run.UserID == "" && r.CallKey != "" { // a row for somebody who is yet to be made
			r.Run.UserID = r.Run.ID
		}
		users.add(r.Run.TenantID, r.Run.UserID)
	}
	most := 0
	for _, t := range own {
		most = max(most, len(users[t]))
	}
	g := e.Config.Guards
	if len(req.Rows) > g.MassAction {
		g.MassAction = 0 // guardBulk says so
	}
	for _, l := range []struct {
		n, most int
		what    string
	}{
		{writes, g.MaxWritesPerHour, "writes within an hour (guards.maxWritesPerHour: %d)"},
		{most, g.MassAction, "different users of this tenant within an hour (guards.massAction: %d)"},
		{len(users), g.BulkTenants, "tenants within an hour (guards.bulkTenants: %d)"},
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
}

// guardParts makes critical what does a tool's work that needs a second person, under another name.
func (e *Engine) guardParts(req Request, p *Plan) {
	if second := e.secondPerson(Request{Of: req.Of, Parts: req.Parts}, Read); second != "" {
		p.raise(second + " needs a second person (approval.twoPerson)")
	}
}

// reached are the users that were written to, by tenant.
type reached map[string]map[string]bool

func (u reached) add(tenant, user string) {
	if tenant == "" {
		return
	}
	if u[tenant] == nil {
		u[tenant] = map[string]bool{}
	}
	if user != "" {
		u[tenant][user] = true
	}
}
