package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
	"cipp-mcp/workflows/bec/judge"
)

// run is one case in one cloud: the built server, spoken to as an assistant would, on a sandbox of that state.
type run struct {
	bin, dir string
	client   *client.Client
	state    map[string]any
	record   string
}

func start(ctx context.Context, bin, record string, state map[string]any) (*run, error) {
	dir, err := os.MkdirTemp("", "cipp-mcp-eval-")
	if err != nil {
		return nil, fmt.Errorf("eval: %w", err)
	}
	r := &run{bin: bin, dir: dir, state: state, record: record}
	text, err := json.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("eval: %w", err)
	}
	cloud, cfg := filepath.Join(dir, "state.json"), filepath.Join(dir, "cipp-mcp.yaml")
	if err := errors.Join(os.WriteFile(cloud, text, 0o600), os.WriteFile(cfg, []byte("version: 1\nlog: {level: error}\nstateDir: "+filepath.ToSlash(filepath.Join(dir, "state"))+"\n"), 0o600)); err != nil {
		return nil, fmt.Errorf("eval: %w", err)
	}
	args := []string{"--config", cfg, "serve", "--sandbox=" + cloud}
	if record != "" {
		args = append(args, "--record", record)
	}
	var said strings.Builder
	t := transport.NewStdioWithOptions(bin, nil, args, transport.WithCommandFunc(func(ctx context.Context, command string, env, args []string) (*exec.Cmd, error) {
		c := exec.CommandContext(ctx, command, args...)
		c.Env = append(os.Environ(), env...)
		c.Stderr = &said
		return c, nil
	}))
	r.client = client.NewClient(t)
	if err := r.client.Start(ctx); err != nil {
		return nil, fmt.Errorf("eval: start the server: %w", err)
	}
	init := mcp.InitializeRequest{}
	init.Params.ProtocolVersion = mcp.LATEST_PROTOCOL_VERSION
	init.Params.ClientInfo = mcp.Implementation{Name: "cipp-mcp eval", Version: "1"}
	if _, err := r.client.Initialize(ctx, init); err != nil {
		r.close()
		return nil, fmt.Errorf("eval: the server says: %s: %w", said.String(), err)
	}
	return r, nil
}

func (r *run) close() {
	_ = r.client.Close()
	_ = os.RemoveAll(r.dir)
}

// check asks for a section until the reading is over.
func (r *run) check(ctx context.Context, c *caseFile, section string) (bec.Result, string, error) {
	for {
		q := mcp.CallToolRequest{}
		q.Params.Name, q.Params.Arguments = "cipp_bec_check", map[string]any{"tenantFilter": c.Tenant, "userId": c.User, "section": section}
		res, err := r.client.CallTool(ctx, q)
		if err != nil {
			return bec.Result{}, "", fmt.Errorf("eval: %w", err)
		}
		text := ""
		for _, x := range res.Content {
			if t, ok := mcp.AsTextContent(x); ok {
				text += t.Text
			}
		}
		if res.IsError {
			return bec.Result{}, text, fmt.Errorf("eval: %s", text)
		}
		var out bec.Result
		b, err := json.Marshal(res.StructuredContent)
		if err == nil {
			err = json.Unmarshal(b, &out)
		}
		if err != nil || out.Status != bec.Collecting {
			return out, text, err
		}
	}
}

// all asks for every finding and the plan.
func (r *run) all(ctx context.Context, c *caseFile) (bec.Result, string, error) {
	out, text, err := r.check(ctx, c, "summary")
	if err != nil {
		return out, text, err
	}
	plan, _, err := r.check(ctx, c, "plan")
	out.Plan = plan.Plan
	return out, text, err
}

// score holds what came out against what an investigator would sign.
func (e expect) score(r bec.Result) (misses, alarms []string) {
	miss := func(format string, args ...any) { misses = append(misses, fmt.Sprintf(format, args...)) }
	alarm := func(format string, args ...any) { alarms = append(alarms, fmt.Sprintf(format, args...)) }
	if !slices.Contains(e.Verdict, string(r.Verdict)) {
		miss("verdict %s, not %s", r.Verdict, strings.Join(e.Verdict, " or "))
	}
	if e.IncidentType != "" && string(r.IncidentType) != e.IncidentType {
		miss("incidentType %s, not %s", r.IncidentType, e.IncidentType)
	}
	if e.State != "" && string(r.State) != e.State {
		miss("state %s, not %s", r.State, e.State)
	}
	for _, w := range e.Findings {
		if !slices.ContainsFunc(r.Findings, func(f bec.Finding) bool {
			return f.Class == w.Class && rank(f.Severity) >= rank(bec.Severity(w.Severity)) && (w.Attribution == "" || string(f.Attribution.Value) == w.Attribution)
		}) {
			miss("no %s %s %s", w.Class, w.Severity, w.Attribution)
		}
	}
	for _, class := range e.Absent {
		for _, f := range r.Findings {
			if f.Class == class && f.Severity != bec.Info {
				alarm("%s %s: %s", f.Severity, f.Class, f.Title)
			}
		}
	}
	var steps []bec.Step
	if r.Plan != nil {
		steps = r.Plan.Steps
	}
	for _, p := range e.Plan {
		if !slices.ContainsFunc(steps, func(s bec.Step) bool { return s.Action == p.Action && strings.Contains(s.TargetID, p.Target) }) {
			miss("the plan has no %s %s", p.Action, p.Target)
		}
	}
	for _, id := range e.NotPlanned {
		for _, s := range steps {
			if strings.Contains(s.TargetID, id) {
				alarm("the plan touches %s: %s", id, s.Action)
			}
		}
	}
	for _, s := range steps {
		if slices.Contains(e.NotActions, s.Action) || slices.Contains(e.NotActions, "*") {
			alarm("the plan has %s %s", s.Action, s.TargetID)
		}
	}
	for _, c := range e.Coverage {
		if !slices.ContainsFunc(r.Coverage, func(v bec.Coverage) bool {
			return v.Source == c.Source && string(v.Status) == c.Status && (c.Reason == "" || string(v.Reason) == c.Reason)
		}) {
			miss("%s is not %s %s", c.Source, c.Status, c.Reason)
		}
	}
	return misses, alarms
}

func rank(s bec.Severity) int { return slices.Index(bec.Severities, s) }

// verdictRank orders verdicts by how sure they are of a compromise.
func verdictRank(v bec.Verdict) int {
	return slices.Index([]bec.Verdict{bec.NoEvidenceFound, bec.Inconclusive, bec.Suspicious, bec.Likely, bec.Confirmed}, v)
}

// masked is a case's evidence without one source.
type masked struct {
	*casefile.File
	without string
}

func (m masked) Coverage() []bec.Coverage {
	out := m.File.Coverage()
	for i := range out {
		if out[i].Source == m.without {
			out[i] = bec.Coverage{Source: m.without, Status: bec.Unavailable, Reason: bec.ReadError}
		}
	}
	return out
}

func (m masked) Rows(source string) iter.Seq2[bec.Row, error] {
	if source == m.without {
		return func(func(bec.Row, error) bool) {}
	}
	return m.File.Rows(source)
}

// mutants takes one source after the other away: what is said of a compromise may only weaken, and nothing may be
// said to be absent that was not looked for.
func (r *run) mutants(ctx context.Context, c *caseFile, whole bec.Result) ([]string, error) {
	dirs, err := filepath.Glob(filepath.Join(r.dir, "state", "*", "embedded-*"))
	if err != nil {
		return nil, fmt.Errorf("eval: %w", err)
	}
	flat, _ := filepath.Glob(filepath.Join(r.dir, "state", "embedded-*"))
	for _, dir := range append(dirs, flat...) {
		k, err := casefile.Open(dir).Get(whole.CaseID)
		if err != nil {
			continue
		}
		return r.mutantsOf(ctx, c, k, whole)
	}
	return nil, errors.New("eval: the case's evidence was not found")
}

func (r *run) mutantsOf(ctx context.Context, _ *caseFile, k *casefile.Case, whole bec.Result) ([]string, error) {
	file, err := k.Evidence()
	if err != nil {
		return nil, err
	}
	facts := r.facts(k)
	var wrong []string
	for _, cover := range file.Coverage() {
		if cover.Status != bec.ReadWhole && cover.Status != bec.ReadPartly {
			continue
		}
		a, err := judge.Judge(ctx, facts, masked{file, cover.Source})
		if err != nil {
			return wrong, fmt.Errorf("eval: without %s: %w", cover.Source, err)
		}
		switch {
		case whole.Verdict == bec.NoEvidenceFound && verdictRank(a.Verdict) > verdictRank(bec.Inconclusive):
			wrong = append(wrong, fmt.Sprintf("without %s it is %s", cover.Source, a.Verdict))
		case whole.Verdict != bec.NoEvidenceFound && (verdictRank(a.Verdict) > verdictRank(whole.Verdict) || a.Verdict == bec.NoEvidenceFound):
			wrong = append(wrong, fmt.Sprintf("without %s %s becomes %s", cover.Source, whole.Verdict, a.Verdict))
		}
	}
	return wrong, nil
}

// facts are what the state file says the server knew.
func (r *run) facts(k *casefile.Case) bec.Facts {
	f := bec.Facts{CaseID: k.CaseID, TenantID: k.TenantID, Tenant: k.Tenant, User: k.User, Opened: k.Opened, Now: k.Opened.Add(time.Minute)}
	intel, _ := r.state["ipIntel"].(map[string]any)
	f.Intel = func(a netip.Addr) (bec.Intel, bool) {
		o, ok := intel[a.Unmap().String()].(map[string]any)
		if !ok {
			return bec.Intel{}, false
		}
		kind, _ := o["type"].(string)
		country, _ := o["country"].(string)
		return bec.Intel{ASN: int(number(o["asn"])), Type: kind, Country: country}, true
	}
	tenants, _ := r.state["tenants"].([]any)
	for _, t := range tenants {
		o, _ := t.(map[string]any)
		if o["tenantId"] != k.TenantID {
			continue
		}
		domains, _ := o["domains"].([]any)
		for _, d := range domains {
			if row, _ := d.(map[string]any); row["isVerified"] != false {
				id, _ := row["id"].(string)
				f.OwnDomains = append(f.OwnDomains, id)
			}
		}
		op, _ := o["operator"].(map[string]any)
		f.TrustedForwardDomains, f.ApprovedApps, f.ApprovedPartnerTenants = texts(op["trustedForwardDomains"]), texts(op["approvedApps"]), texts(op["approvedPartnerTenants"])
	}
	return f
}

func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, x := range list {
		if s, ok := x.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
