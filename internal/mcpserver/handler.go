package mcpserver

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"go.uber.org/zap"

	"cipp-mcp/tools"
)

// declare is a tool as the protocol lists it. All four annotations are derived from the risk and
// always sent: the library's defaults would call every read destructive.
func declare(t tools.Tool) mcp.Tool {
	m := mcp.NewToolWithRawSchema(t.Name, t.Description, rawSchema(advertised(t.Input)))
	m.Annotations = mcp.ToolAnnotation{
		Title:           t.Title,
		ReadOnlyHint:    mcp.ToBoolPtr(!t.Writes()),
		DestructiveHint: mcp.ToBoolPtr(t.Destructive()),
		IdempotentHint:  mcp.ToBoolPtr(t.Idempotent),
		OpenWorldHint:   mcp.ToBoolPtr(true),
	}
	return m
}

// confirmID names the one question a call may ask.
const confirmID = "confirm"

// handler runs a tool for a client of either protocol era.
func (inv *Invoker) handler(t tools.Tool) server.ToolHandlerFunc {
	return func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		began := time.Now()
		if done := inv.offerAnswered(ctx, t, r); done != nil {
			return done, nil
		}
		caller := Caller{Name: clientName(ctx), CanAsk: canElicit(ctx), Progress: progress(ctx, r)}
		for _, id := range []string{confirmID, answersID} {
			if a := server.ElicitationResponse(r.Params.InputResponses, id); a != nil {
				caller.Answer = answerTo(id, r.Params.RequestState, a)
			}
		}
		out := inv.Invoke(ctx, t, rawArguments(r), caller)
		if out.Question != nil && server.IsModernRequest(ctx) {
			id, form := out.Question.form()
			return server.NewInputRequestBuilder(out.Question.State).Elicit(id, form).ToolResult(), nil
		}
		if out.Question != nil {
			out = inv.askWithin(ctx, t, r, out.Question, caller, began)
		}
		if out.Problem != nil {
			return failure(out.Problem), nil //nolint:nilerr // the problem is the result
		}
		if first := inv.offer(ctx, t, out, began); first != nil {
			return first, nil
		}
		return answered(out.Result), nil
	}
}

// answered is a result; what lies outside it is linked.
func answered(r Result) *mcp.CallToolResult {
	res := mcp.NewToolResultStructured(r, clip(r.Text()))
	if l, ok := r.(interface{ Exported() *tools.Export }); ok && l.Exported() != nil {
		res.Content = append(res.Content, mcp.NewResourceLink(l.Exported().URI, "rows.csv", "All rows of the list.", "text/csv"))
	}
	return res
}

// confirmation is the form a person sees: the plan and one box to tick.
func confirmation(q *Question) mcp.ElicitationParams {
	return mcp.ElicitationParams{
		Message: q.Message,
		RequestedSchema: map[string]any{
			"type":       "object",
			"properties": map[string]any{"approve": map[string]any{"type": "boolean", "title": "Do this", "description": "Yes, carry out exactly this plan.", "default": false}},
			"required":   []string{"approve"},
		},
	}
}

// askWithin asks through a client of the older protocol, which has to answer while the call waits.
// When nobody does in time, nothing executes in this call any more, and the plan waits for its token.
func (inv *Invoker) askWithin(ctx context.Context, t tools.Tool, r mcp.CallToolRequest, q *Question, caller Caller, began time.Time) Outcome {
	patience := inv.AskFor
	if !t.Writes() { // a read has its answer already, and has taken its time
		patience = max(inv.AskFor-time.Since(began), inv.AskFor/4)
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	id, form := q.form()
	a, err := server.ServerFromContext(ctx).RequestElicitation(waiting, mcp.ElicitationRequest{Params: form})
	if err != nil {
		inv.Log.Info("a question was not answered", zap.String("tool", t.Name), zap.Error(err))
		return Outcome{Result: q.Unanswered}
	}
	caller.Answer = answerTo(id, q.State, a)
	if q.Fields != nil && len(caller.Answer.Content) == 0 {
		return Outcome{Result: q.Unanswered} // nothing was said, and nothing has to be looked at again
	}
	return inv.Invoke(ctx, t, rawArguments(r), caller)
}

// rawArguments are a call's arguments as they came; what is no JSON is left for decoding to refuse.
func rawArguments(r mcp.CallToolRequest) json.RawMessage {
	if len(r.Params.RawArguments) > 0 || r.Params.Arguments == nil {
		return r.Params.RawArguments
	}
	b, err := json.Marshal(r.Params.Arguments)
	if err != nil {
		return json.RawMessage("invalid")
	}
	return b
}

// accepted says whether a person agreed: the form was sent and its one box was ticked.
func accepted(a *mcp.ElicitationResult) bool {
	content, _ := a.Content.(map[string]any)
	return a.Action == mcp.ElicitationResponseActionAccept && content["approve"] == true
}

// failure is an expected failure, the same in text and in the structured value.
func failure(p *tools.Problem) *mcp.CallToolResult {
	v := map[string]any{"error": p}
	b, err := json.Marshal(v)
	if err != nil {
		b = []byte(`{"error":{"code":"internal"}}`) // a Problem always marshals
	}
	r := mcp.NewToolResultStructured(v, string(b))
	r.IsError = true
	return r
}

// canElicit says whether a person can be asked through this client, in either era. A client that names
// no mode has forms; one that only opens addresses has none.
func canElicit(ctx context.Context) bool {
	e := asks(ctx)
	return e != nil && (e.Form != nil || e.URL == nil)
}

func clientName(ctx context.Context) string {
	if i := server.RequestProtocolInfoFromContext(ctx); i != nil && i.Modern && i.ClientInfo != nil {
		return i.ClientInfo.Name
	}
	if s, ok := server.ClientSessionFromContext(ctx).(server.SessionWithClientInfo); ok {
		return s.GetClientInfo().Name
	}
	return "a client"
}

// progressEvery bounds how often progress is told.
const progressEvery = 200 * time.Millisecond

// progress tells a client that asked for it how far a call is. It is a courtesy: nothing in it is
// missing from the result.
func progress(ctx context.Context, r mcp.CallToolRequest) func(done, total int, message string) {
	if r.Params.Meta == nil || r.Params.Meta.ProgressToken == nil {
		return func(int, int, string) {}
	}
	token, s := r.Params.Meta.ProgressToken, server.ServerFromContext(ctx)
	var mu sync.Mutex
	var last time.Time
	told := 0
	return func(done, total int, message string) {
		mu.Lock()
		defer mu.Unlock()
		if s == nil || done <= told || time.Since(last) < progressEvery {
			return
		}
		told, last = done, time.Now()
		_ = s.SendNotificationToClient(ctx, "notifications/progress", map[string]any{"progressToken": token, "progress": done, "total": total, "message": message})
	}
}
