package policy

import (
	"context"
	"slices"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// Took is what it took to approve runs, and so what it takes to set them to work once more: the highest class among
// them, and all tools whose work they do. Of a run that cannot be read nobody can tell, so it is the worst.
func (e *Engine) Took(runs ...jobs.RunInfo) (r Risk, tools []string) {
	for _, info := range runs {
		a, err := e.opened(info)
		if err != nil {
			a.Risk = Critical
		}
		r = max(r, a.Risk)
		for _, t := range a.request(info).tools() {
			if !slices.Contains(tools, t) {
				tools = append(tools, t)
			}
		}
	}
	return r, tools
}

// SecondPerson says for what of a run the operator wants somebody else than the requester to approve, "" when for nothing.
func (e *Engine) SecondPerson(runs ...jobs.RunInfo) string {
	r, tools := e.Took(runs...)
	return e.secondPerson(Request{Parts: tools}, r)
}

// StillGuarded holds against the target of a run that shall go on what guards it now: it may have become an
// administrator, or the last one, since the run was approved. together are the users of its tenant whose runs go on
// with it.
func (e *Engine) StillGuarded(ctx context.Context, info jobs.RunInfo, tenant graphclient.Tenant, user *graphclient.User, together []string) (Plan, error) {
	a, err := e.opened(info)
	if err != nil {
		return Plan{}, err
	}
	req := a.request(info)
	req.Tenant, req.User, req.Together = tenant, user, together
	p := Plan{Tool: req.Tool, TenantID: tenant.ID, Tenant: tenant.DefaultDomain, Risk: a.Risk}
	return p, e.guardTarget(ctx, req, &p)
}
