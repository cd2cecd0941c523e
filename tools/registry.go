package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// Registry says for each kind of run how its steps are made again in a process that did not plan it: the
// tool's own handler is asked once more, with the same arguments and with what planning found.
func (e *Env) Registry() jobs.Registry {
	r := jobs.Registry{jobs.ReadKind(checkTool): e.caseSteps, jobs.ReadKind(auditTool): e.unifiedSteps}
	for _, t := range known() {
		if t.Writes() {
			r[t.Name] = func(ctx context.Context, info jobs.RunInfo) ([]jobs.Step, error) { return e.rebuild(ctx, t, info) }
		}
	}
	return r
}

func (e *Env) rebuild(ctx context.Context, t Tool, info jobs.RunInfo) ([]jobs.Step, error) {
	if s := e.Policy.Steps(info.Run.ID); s != nil {
		return s, nil
	}
	if t.work == nil {
		return nil, fmt.Errorf("%w: this version of cipp-mcp does not know %s", jobs.ErrWithdrawn, info.Kind)
	}
	args, err := e.Policy.Args(info)
	if err != nil {
		return nil, err
	}
	if p, ok := args["password"].(string); ok {
		e.Redactor.Add(p)
	}
	in, err := t.input(args)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", jobs.ErrWithdrawn, err)
	}
	c, err := e.rebuiltCall(ctx, info.Run)
	if err != nil {
		return nil, err
	}
	if err := e.loadJob(ctx, c, in); err != nil {
		return nil, fmt.Errorf("%w: %w", jobs.ErrWithdrawn, err)
	}
	w, err := t.Work(ctx, c, in)
	return w.Steps, err
}

// input is the tool's input of arguments that were checked before.
func (t Tool) input(args map[string]any) (any, error) {
	b, err := json.Marshal(args)
	if err != nil {
		return nil, fmt.Errorf("read the arguments again: %w", err)
	}
	p := reflect.New(t.Input)
	if err := json.Unmarshal(b, p.Interface()); err != nil {
		return nil, fmt.Errorf("this version of cipp-mcp does not read the arguments of this job: %w", err)
	}
	return p.Interface(), nil
}

// foundUser is where a run remembers its user as planning saw him.
const foundUser = "user"

// rebuiltCall is the call that made a run, by the ids it kept.
func (e *Env) rebuiltCall(ctx context.Context, run *jobs.Run) (*Call, error) {
	c := &Call{Env: e, Run: run, Progress: func(int, int, string) {}}
	var err error
	if run.TenantID != "" {
		if c.Tenant, err = e.Graph.ResolveTenant(ctx, run.TenantID); err != nil {
			return nil, err
		}
	}
	if run.UserID == "" {
		return c, nil
	}
	u, err := jobs.Found(ctx, run, foundUser, func(ctx context.Context) (graphclient.User, error) {
		return e.Graph.User(ctx, run.TenantID, run.UserID, callUser...)
	})
	c.User = &u
	return c, err
}

// Begin gives a call its run, which remembers the user as he is now.
func (c *Call) Begin(ctx context.Context, tool string) error {
	c.Run = c.Policy.NewRun(tool, c.Tenant, c.User)
	if c.User == nil {
		return nil
	}
	_, err := jobs.Found(ctx, c.Run, foundUser, func(context.Context) (graphclient.User, error) { return *c.User, nil })
	return err
}
