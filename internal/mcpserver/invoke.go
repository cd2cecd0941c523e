package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/invopop/jsonschema"
	"go.uber.org/zap"

	"cipp-mcp/internal/policy"
	"cipp-mcp/tools"
)

// Invoker runs one tool with everything that surrounds every tool: decoding, resolution, guards, plan
// and approval, redaction, wording of errors, budget. It knows no transport: the MCP server and the
// command line both call it.
type Invoker struct {
	Env    *tools.Env
	Engine *policy.Engine
	Log    *zap.Logger
	// Off says why a tool is switched off, "" when it is on.
	Off func(tools.Tool) string
	// AskFor is how long a client that must answer within the call is waited for.
	AskFor time.Duration

	// FollowFor is how long a write that runs is waited for before its job id is the answer.
	FollowFor time.Duration

	schemas map[string]*jsonschema.Schema
	offers  offers
}

// askFor keeps a call under the minute after which many clients give up.
const askFor = 45 * time.Second

// NewInvoker prepares the schemas of all tools.
func NewInvoker(env *tools.Env, engine *policy.Engine, log *zap.Logger, off func(tools.Tool) string) *Invoker {
	inv := &Invoker{Env: env, Engine: engine, Log: log, Off: off, AskFor: askFor, FollowFor: followFor, schemas: map[string]*jsonschema.Schema{}}
	for _, t := range tools.All() {
		inv.schemas[t.Name] = inputSchema(t.Input)
	}
	env.Off = off
	env.Listed = func() []tools.Tool {
		return slices.DeleteFunc(tools.All(), func(t tools.Tool) bool { return inv.hidden(t.Name) })
	}
	env.Decode = func(t tools.Tool, args map[string]any) (any, map[string]any, error) {
		raw, err := json.Marshal(args)
		if err != nil {
			return nil, nil, fmt.Errorf("encode the arguments: %w", err)
		}
		return decode(t, inv.schemas[t.Name], raw)
	}
	return inv
}

// Caller is who calls, and what he can be asked.
type Caller struct {
	Name     string
	CanAsk   bool    // a person can be asked through the client
	Answer   *Answer // what the person answered to the question of an earlier round
	Progress func(done, total int, message string)
}

// Answer is a person's answer, with the sealed state that the question carried. Accepted is that a plan was agreed to;
// Content is the form that was sent, nil where none was.
type Answer struct {
	State    string
	Accepted bool
	Content  map[string]any
}

// Question is to be put to the person at the client; State comes back with the answer. Unanswered is
// the call's result when nobody answers in time. Fields are what a read wants to know; without them the question is
// whether a plan is agreed to.
type Question struct {
	Message    string
	State      string
	Unanswered Result
	Fields     []string
}

// Outcome is one of: a result, a question, a problem.
type Outcome struct {
	Result   Result
	Question *Question
	Problem  *tools.Problem
}

// Result is what a tool answers: a value for programs and a compact text for the model.
type Result interface{ Text() string }

// Invoke runs a tool on raw arguments.
func (inv *Invoker) Invoke(ctx context.Context, t tools.Tool, raw json.RawMessage, caller Caller) (out Outcome) {
	defer func() {
		if r := recover(); r != nil {
			out = inv.bug(t, fmt.Errorf("panic: %v", r), debug.Stack())
		}
	}()
	if caller.Progress == nil {
		caller.Progress = func(int, int, string) {}
	}
	res, question, err := inv.invoke(ctx, t, raw, caller)
	if err != nil {
		p, foreseen := tools.ProblemOf(err)
		if !foreseen {
			return inv.bug(t, err, nil)
		}
		tools.Sanitize(p, inv.Env.Redact)
		return Outcome{Problem: p}
	}
	if question != nil {
		if question.Unanswered != nil {
			tools.Sanitize(question.Unanswered, inv.Env.Redact)
			shrink(question.Unanswered)
		}
		return Outcome{Question: question}
	}
	tools.Sanitize(res, inv.Env.Redact)
	shrink(res)
	return Outcome{Result: res}
}

// bug logs what nobody foresaw under a reference and answers with the reference alone.
func (inv *Invoker) bug(t tools.Tool, err error, stack []byte) Outcome {
	ref := uuid.NewString()[:8]
	inv.Log.Error("bug", zap.String("tool", t.Name), zap.String("reference", ref), zap.String("error", inv.Env.Redact(err.Error())), zap.ByteString("stack", stack))
	return Outcome{Problem: &tools.Problem{Code: "internal", Message: "Internal error, reference " + ref + ".", Next: "Tell the operator the reference; the log has the rest. Read the state before calling again."}}
}

func (inv *Invoker) invoke(ctx context.Context, t tools.Tool, raw json.RawMessage, caller Caller) (Result, *Question, error) {
	if why := inv.Off(t); why != "" {
		return nil, nil, &tools.Problem{Code: "switched_off", Message: t.Name + " is switched off: " + why + ".", Next: "Ask the operator."}
	}
	in, args, err := decode(t, inv.schemas[t.Name], raw)
	if err != nil {
		return nil, nil, err
	}
	if t.Writes() {
		if why := inv.Engine.MayWrite(); why != "" {
			return nil, nil, &tools.Problem{Code: "read_only", Message: "Nothing was changed: " + why + ".", Next: "Ask the operator, or go on with tools that only read."}
		}
		if err := inv.Engine.Thawed(ctx); err != nil {
			return nil, nil, err
		}
	}
	call, err := inv.Env.NewCall(ctx, t, in)
	if err != nil {
		return nil, nil, err
	}
	call.Progress, caller.Name = caller.Progress, tools.Clean(caller.Name, 80)
	if err := inv.journal(ctx, t, call, caller, args); err != nil {
		return nil, nil, err
	}
	if t.Writes() {
		return inv.write(ctx, t, call, in, args, caller)
	}
	if caller.Answer != nil {
		call.Said = inv.said(*caller.Answer)
	}
	v, err := t.Run(ctx, call, in)
	if err != nil {
		return nil, nil, err
	}
	res, ok := v.(Result)
	if !ok {
		return nil, nil, fmt.Errorf("the result %T of %s has no text", v, t.Name)
	}
	q, err := inv.askOf(res, caller)
	return res, q, err
}
