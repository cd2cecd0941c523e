package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"runtime/debug"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
	"cipp-mcp/workflows/bec/collect"
	"cipp-mcp/workflows/bec/judge"
)

// Customer is what the operator knows of a customer, beside what the tenant itself tells.
type Customer struct {
	TrustedForwardDomains  []string
	ApprovedApps           []string // appIds
	ApprovedPartnerTenants []string
	BreakGlass             []string
}

// Cases is what investigations need beside the rest of the server.
type Cases struct {
	Store *casefile.Store
	// Patience is how long a call waits for a reading before it answers with what there is.
	Patience time.Duration
	// Customer is what the operator knows of a tenant; nil knows nothing.
	Customer func(graphclient.Tenant) Customer
	// Intel is what is known of an address; nil knows nothing.
	Intel func(netip.Addr) (bec.Intel, bool)
	// Leaving ends when the process is about to: a reading is put off then, and another process goes on with it.
	Leaving context.Context //nolint:containedctx // the process's life, not a call's
}

// checkTool is the tool whose runs read a case.
const checkTool = "cipp_bec_check"

// ErrLeaving says that a reading was put off because this process ends.
var ErrLeaving = errors.New("this process ends; another goes on with the reading")

// caseArgs is what a process needs to go on with a reading.
type caseArgs struct {
	CaseID string `json:"caseId"`
}

// readSettle is how long a reading may take altogether; a tenant's limits can make hours of it.
const readSettle = 24 * time.Hour

// read begins a reading of a case, or joins the one that goes on; the run's id is the answer.
func (e *Env) read(ctx context.Context, c *casefile.Case, client string) (string, error) {
	if id, err := e.Policy.Ledger.Active(ctx, c.TenantID, c.User.ID, jobs.ReadKind(checkTool)); err != nil || id != "" {
		return id, err
	}
	n, err := e.reading(c, client)
	if err != nil {
		return "", err
	}
	err = e.Policy.Ledger.Create(ctx, n)
	if errors.Is(err, jobs.ErrRunBusy) {
		return e.Policy.Ledger.Active(ctx, c.TenantID, c.User.ID, jobs.ReadKind(checkTool))
	}
	return n.Run.ID, err
}

// readAt makes a reading for a time, once under the same key.
func (e *Env) readAt(ctx context.Context, c *casefile.Case, at time.Time, key, client string) error {
	n, err := e.reading(c, client)
	if err != nil {
		return err
	}
	n.NotBefore, n.Deadline, n.CallKey = at, at.Add(policy.Lateness), key
	err = e.Policy.Ledger.Create(ctx, n)
	if errors.Is(err, jobs.ErrRunKnown) || errors.Is(err, jobs.ErrRunBusy) {
		return nil // it is made, or one is at work this moment
	}
	return err
}

func (e *Env) reading(c *casefile.Case, client string) (jobs.NewRun, error) {
	args, err := json.Marshal(caseArgs{c.CaseID})
	if err != nil {
		return jobs.NewRun{}, fmt.Errorf("begin a reading: %w", err)
	}
	tenant := graphclient.Tenant{ID: c.TenantID, DefaultDomain: c.Tenant}
	run := e.Policy.NewRun(checkTool, tenant, &graphclient.User{ID: c.User.ID, UserPrincipalName: c.User.UserPrincipalName})
	s := e.readStep(c.CaseID)
	return jobs.NewRun{
		Run: run, Kind: jobs.ReadKind(checkTool), Args: args, CreatedBy: client, Approval: "none needed: it only reads",
		Steps: []jobs.Step{s}, Changes: []jobs.Change{{Step: s.Name, Summary: "Read the evidence of " + c.CaseID}}, Asked: jobs.Event{Client: client},
	}, nil
}

// caseSteps rebuilds the step of a reading in whatever process goes on with it.
func (e *Env) caseSteps(_ context.Context, info jobs.RunInfo) ([]jobs.Step, error) {
	var a caseArgs
	if err := json.Unmarshal(info.Args, &a); err != nil {
		return nil, fmt.Errorf("%w: its arguments are damaged", jobs.ErrWithdrawn)
	}
	return []jobs.Step{e.readStep(a.CaseID)}, nil
}

func (e *Env) readStep(caseID string) jobs.Step {
	return jobs.Step{
		Name: "read", Class: jobs.Reading, Settle: readSettle,
		Do: func(_ context.Context, _ *jobs.Run) (jobs.Handle, error) {
			c, err := e.Cases.Store.Get(caseID)
			if err != nil {
				return nil, err
			}
			_, err = c.Begin(e.Clock.Now())
			return nil, err
		},
		Verify: func(ctx context.Context, _ *jobs.Run) (jobs.Outcome, error) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			if e.Cases.Leaving != nil {
				defer context.AfterFunc(e.Cases.Leaving, cancel)() //nolint:contextcheck // the process's life ends it too
			}
			over, err := e.readOn(ctx, caseID)
			switch {
			case err != nil && ctx.Err() != nil:
				return jobs.Pending, ErrLeaving
			case err != nil:
				return jobs.Unknown, err
			case !over:
				return jobs.Pending, nil
			}
			return jobs.Done, nil
		},
	}
}

// readOn goes on with a case's reading until it is over.
func (e *Env) readOn(ctx context.Context, caseID string) (over bool, err error) {
	c, err := e.Cases.Store.Get(caseID)
	if err != nil {
		return false, err
	}
	r, err := c.Last()
	if err != nil || r == nil || r.Over() {
		return r != nil && r.Over(), err
	}
	k, err := e.collector(ctx, c, r)
	if err != nil {
		return false, err
	}
	for _, part := range []string{collect.Snapshot, collect.Logs} {
		if err := k.Read(ctx, part); err != nil {
			return false, err
		}
	}
	if !r.Did(collect.Accounts) {
		a, err := e.judgedBy(ctx, c, judge.Suspect)
		if err != nil {
			return false, err
		}
		if err := k.OtherAccounts(ctx, pivots(a)); err != nil {
			return false, err
		}
	}
	return true, r.End(e.Clock.Now())
}

// collector reads a case where an earlier process, or an earlier reading, stopped.
func (e *Env) collector(ctx context.Context, c *casefile.Case, r *casefile.Reading) (*collect.Collector, error) {
	u, err := e.Graph.User(ctx, c.TenantID, c.User.ID, callUser...)
	if err != nil {
		return nil, err
	}
	k := &collect.Collector{Graph: e.Graph, Clock: e.Clock, Reading: r, Tenant: c.TenantID, User: u, Tell: func(int, int, string) {}, ResumeFrom: map[string]time.Time{}}
	if r.N == 1 {
		return k, nil
	}
	f, err := c.Evidence()
	if err != nil {
		return nil, err
	}
	for _, s := range f.Coverage() {
		if s.AsOf != nil && casefile.IsLog(s.Source) && s.Status == bec.ReadWhole {
			k.ResumeFrom[s.Source] = *s.AsOf
		}
	}
	return k, nil
}

// pivots are what the attacker's events tell of him, and then the addresses that are only odd: whether colleagues use
// them too is what explains them.
func pivots(a bec.Analysis) collect.Pivots {
	var p collect.Pivots
	seen := map[string]bool{}
	for _, ev := range a.Events {
		if ev.Attribution == bec.ByAttacker && ev.IP != "" && !seen[ev.IP] {
			seen[ev.IP] = true
			p.IPs = append(p.IPs, ev.IP)
		}
	}
	for _, f := range a.Findings {
		odd := f.Attribution.Value == bec.Ambiguous && f.Severity != bec.Info && f.Severity != bec.Low
		for _, x := range f.Evidence {
			if ip := x.Fields["ip"]; odd && ip != "" && !seen[ip] {
				seen[ip] = true
				p.IPs = append(p.IPs, ip)
			}
			if id := x.Fields["appId"]; id != "" && (f.Class == "OAUTH_USER_GRANT_RISKY" || f.Class == "OAUTH_KNOWN_ABUSED_APP") && !seen[id] {
				seen[id] = true
				p.AppIDs = append(p.AppIDs, id)
			}
		}
	}
	return p
}

// judgingGC is how much garbage, in percent of what is kept, may pile up while a case is judged: that is the moment at
// which this process holds the most.
const judgingGC = 25

// judging is held by who judges a case: a large one takes a hundred megabytes, and the call that waited for a reading
// judges at the moment at which the reading itself does.
var judging = make(chan struct{}, 1)

// judged is what the evidence of a case says by now.
func (e *Env) judged(ctx context.Context, c *casefile.Case) (bec.Analysis, error) {
	return e.judgedBy(ctx, c, judge.Judge)
}

func (e *Env) judgedBy(ctx context.Context, c *casefile.Case, judgement func(context.Context, bec.Facts, bec.File) (bec.Analysis, error)) (bec.Analysis, error) {
	select {
	case judging <- struct{}{}:
		most := debug.SetGCPercent(judgingGC)
		defer func() { debug.SetGCPercent(most); <-judging }()
	case <-ctx.Done():
		return bec.Analysis{}, ctx.Err()
	}
	file, err := c.Evidence()
	if err != nil {
		return bec.Analysis{}, err
	}
	facts, err := e.facts(ctx, c)
	if err != nil {
		return bec.Analysis{}, err
	}
	return judgement(ctx, facts, file)
}

// facts are what a case knows beside its evidence.
func (e *Env) facts(ctx context.Context, c *casefile.Case) (bec.Facts, error) {
	f := bec.Facts{CaseID: c.CaseID, TenantID: c.TenantID, Tenant: c.Tenant, User: c.User, Opened: c.Opened, Now: e.Clock.Now(), Since: c.Since, Intel: e.Cases.Intel, OwnAppID: e.Graph.ClientID()}
	domains, err := e.Graph.Domains(ctx, c.TenantID)
	if err != nil {
		return f, err
	}
	for _, d := range domains {
		if d.IsVerified {
			f.OwnDomains = append(f.OwnDomains, d.ID)
		}
	}
	if e.Cases.Customer != nil {
		k := e.Cases.Customer(graphclient.Tenant{ID: c.TenantID, DefaultDomain: c.Tenant})
		f.TrustedForwardDomains, f.ApprovedApps, f.ApprovedPartnerTenants, f.BreakGlass = k.TrustedForwardDomains, k.ApprovedApps, k.ApprovedPartnerTenants, k.BreakGlass
	}
	if f.Attested, f.Elicited, err = e.attested(c); err != nil {
		return f, err
	}
	f.OwnActs, err = e.ownActs(ctx, c)
	return f, err
}

// ownActs are the writes this server made to the user, which must not come back as findings.
func (e *Env) ownActs(ctx context.Context, c *casefile.Case) ([]bec.OwnAct, error) {
	runs, err := e.Policy.Ledger.Jobs(ctx, "", c.TenantID, listedJobs)
	if err != nil {
		return nil, err
	}
	var out []bec.OwnAct
	for _, r := range runs {
		if r.Run.UserID != c.User.ID || r.Reads() {
			continue
		}
		j, err := e.Policy.Ledger.Job(ctx, r.Run.ID)
		if err != nil {
			return nil, err
		}
		for _, s := range j.Steps {
			if s.Attempt > 0 {
				out = append(out, bec.OwnAct{At: s.IntentAt, Action: s.Name, Job: r.Run.ID})
			}
		}
	}
	return out, nil
}
