package tools

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/exports"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/internal/secrets"
	"cipp-mcp/workflows"
)

// Env is what handlers work with; one for the server's life.
type Env struct {
	Graph    *graphclient.Client
	Policy   *policy.Engine
	Secrets  *secrets.Store
	Sink     secrets.Sink // where generated secrets go
	Redactor *secrets.Redactor
	Clock    clock.Clock
	Cases    Cases
	Licences workflows.LicenceProvider // whom to ask for seats; nil: nobody
	Exports  *exports.Store            // long lists, outside the context
	// Quick is how long a call waits for the unified audit log before it leaves the search to a job.
	Quick time.Duration
	// Decode turns arguments into a tool's input and their canonical form, as for a call; nil where nobody calls.
	Decode func(t Tool, args map[string]any) (in any, canonical map[string]any, err error)
	// Off says why a tool is switched off, "" when it is on.
	Off func(Tool) string
	// Listed are the tools that a client sees; nil where nobody calls.
	Listed func() []Tool

	batch batch
}

// Redact replaces every secret the server knows in a text that is about to leave.
func (e *Env) Redact(s string) string { return e.Redactor.Clean(s) }

// Call is one call with its tenant and user resolved to immutable ids.
type Call struct {
	*Env
	Tenant     graphclient.Tenant
	AllTenants bool
	User       *graphclient.User // nil for tools without userId
	Job        *jobs.Job         // the job a tool names, nil for tools without jobId
	Run        *jobs.Run         // the run that is planned, or rebuilt in another process; nil in reads
	Said       *Said             // what a person answered to the questions of the same call, nil where nobody was asked
	part       bool              // it is planned as a part of a profile: what another part brings is not there yet
	remarks    *remarks          // what a list does not see; nil where nobody is told
	asked      string            // fingerprint of what was asked for, for cursors
	// Progress tells whoever waits how far the call is; never nil.
	Progress func(done, total int, message string)
}

// IsAllTenants says whether a tenantFilter means every customer.
func IsAllTenants(filter string) bool {
	switch strings.ToLower(strings.NewReplacer(" ", "", "_", "", "-", "").Replace(filter)) {
	case "alltenants", "all", "*":
		return true
	}
	return false
}

// callUser is what every tool knows of its user before the handler starts.
var callUser = policy.GuardedUser

// NewCall resolves tenant and user of a decoded input, once, for the handler and for everything
// around it.
func (e *Env) NewCall(ctx context.Context, t Tool, in any) (*Call, error) {
	c := &Call{Env: e, Progress: func(int, int, string) {}, asked: askedFor(in)}
	if a, ok := in.(interface{ tenantFilter() string }); ok && a.tenantFilter() != "" {
		if IsAllTenants(a.tenantFilter()) {
			if !t.AllTenants {
				return nil, &Problem{Code: "one_tenant_only", Message: t.Name + " works on one tenant at a time.", Next: "Name one tenant in tenantFilter; cipp_list_tenants lists them."}
			}
			c.AllTenants = true
			return c, nil
		}
		tenant, err := e.Graph.ResolveTenant(ctx, a.tenantFilter())
		if err != nil {
			return nil, err
		}
		c.Tenant = tenant
	}
	if a, ok := in.(interface{ userID() string }); ok {
		u, err := e.user(ctx, c.Tenant.ID, a.userID())
		if err != nil {
			if graphclient.KindOf(err) == graphclient.NotFound {
				return nil, c.noUser(a.userID(), err)
			}
			return nil, err
		}
		c.User = &u
	}
	return c, e.loadJob(ctx, c, in)
}

// noUser is the answer to a name that is nobody's. Who may be meant is named, and never taken for it.
func (c *Call) noUser(name string, err error) *Problem {
	p := &Problem{Code: "user_not_found", Message: fmt.Sprintf("There is no user %q in %s.", Clean(name, 120), c.Tenant.DefaultDomain), Next: "cipp_list_users with search finds the exact userPrincipalName.", Tenant: c.Tenant.DefaultDomain}
	if p.Candidates = meant(err); len(p.Candidates) > 0 {
		p.Message = strings.TrimSuffix(p.Message, ".") + "; near it: " + strings.Join(p.Candidates, ", ") + "."
		p.Next = "Make sure with the person who is meant, then call again with that userPrincipalName."
	}
	return p
}

// meant are the users whom a name that is nobody's may stand for.
func meant(err error) []string {
	var g *graphclient.Error
	if !errors.As(err, &g) {
		return nil
	}
	out := make([]string, 0, len(g.Candidates))
	for _, c := range g.Candidates[:min(len(g.Candidates), 5)] {
		out = append(out, Clean(c, 120))
	}
	return out
}

// Mailbox names the user's mailbox to Exchange.
func (c *Call) Mailbox() graphclient.MailboxRef {
	return graphclient.MailboxRef{ID: c.User.ID, UPN: c.User.UserPrincipalName}
}

// Synced says whether the user is mastered in an on-premises directory.
func Synced(u *graphclient.User) bool {
	return u.OnPremisesSyncEnabled != nil && *u.OnPremisesSyncEnabled
}

// WriteArguments are a write tool's steering arguments.
func WriteArguments(in any) WriteArgs {
	if w, ok := in.(interface{ writeArgs() WriteArgs }); ok {
		return w.writeArgs()
	}
	return WriteArgs{}
}

// NoteCall writes a call into the journal: who called what, with argument names only.
func (e *Env) NoteCall(ctx context.Context, tool, tenant, user, client, arguments string) error {
	return e.Policy.Ledger.Note(ctx, "", Clean(client, 80), jobs.Event{Event: "call", Tool: tool, Tenant: tenant, User: user, Client: Clean(client, 80), Detail: arguments})
}

// StepProgress words the runner's report of a step for whoever waits.
func StepProgress(tell func(done, total int, message string)) func(done, total int, r jobs.StepResult) {
	return func(done, total int, r jobs.StepResult) { tell(done, total, r.State+" "+r.Step) }
}
