package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"cipp-mcp/internal/policy"
	"cipp-mcp/tools"
)

// Discovery is for clients with a small context: instead of all tools the list shows three, by which a model finds the
// tool it needs, reads its arguments, and calls it. A call through them is the same call in all else.
const (
	searchTools  = "cipp_search_tools"
	describeTool = "cipp_describe_tool"
	callTool     = "cipp_call_tool"
)

// mostFound is how many tools a search names.
const mostFound = 8

var discoveryTools = []tools.Tool{
	{
		Name: searchTools, Title: "Find a tool", Idempotent: true,
		Description: "Finds tools of this server by what you want to do with users, MFA, mailboxes, licences, groups, devices or jobs. Then read one with cipp_describe_tool and call it with cipp_call_tool.",
	},
	{
		Name: describeTool, Title: "Describe a tool", Idempotent: true,
		Description: "Shows one tool's description, arguments and an example. Call it before the first cipp_call_tool of that tool.",
	},
	{
		Name: callTool, Title: "Call a tool", Risk: policy.Destructive, MayDestroy: true,
		Description: "Calls a tool by name with its arguments, under the same plans and approvals as a direct call. Use cipp_describe_tool first.",
	},
}

// discoverySchemas are the arguments of the three.
var discoverySchemas = map[string]string{
	searchTools:  `{"type":"object","properties":{"query":{"type":"string","description":"What to do, in a few words."}},"required":["query"]}`,
	describeTool: `{"type":"object","properties":{"name":{"type":"string","description":"A tool's name."}},"required":["name"]}`,
	callTool:     `{"type":"object","properties":{"name":{"type":"string","description":"A tool's name."},"arguments":{"type":"object","description":"Its arguments."}},"required":["name"]}`,
}

func discoveryTool(t tools.Tool) mcp.Tool {
	m := mcp.NewToolWithRawSchema(t.Name, t.Description, json.RawMessage(discoverySchemas[t.Name]))
	reads := t.Risk == policy.Read
	m.Annotations = mcp.ToolAnnotation{Title: t.Title, ReadOnlyHint: mcp.ToBoolPtr(reads), DestructiveHint: mcp.ToBoolPtr(!reads), IdempotentHint: mcp.ToBoolPtr(t.Idempotent), OpenWorldHint: mcp.ToBoolPtr(true)}
	return m
}

// addDiscovery offers the three tools.
func addDiscovery(s *server.MCPServer, inv *Invoker) {
	handlers := map[string]server.ToolHandlerFunc{searchTools: inv.searchTools, describeTool: inv.describeTool, callTool: inv.callTool}
	for _, t := range discoveryTools {
		s.AddTool(discoveryTool(t), handlers[t.Name])
	}
}

// on are the tools that can be called here.
func (inv *Invoker) on() []tools.Tool {
	return slices.DeleteFunc(tools.All(), func(t tools.Tool) bool { return inv.hidden(t.Name) })
}

type foundTool struct {
	Name  string      `json:"name"`
	Class policy.Risk `json:"class"`
	What  string      `json:"what"`
}

func (inv *Invoker) searchTools(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	found := tools.Found(r.GetString("query", ""), inv.on(), mostFound)
	out := struct {
		Tools []foundTool `json:"tools"`
	}{[]foundTool{}}
	var b strings.Builder
	for _, t := range found {
		first, _, _ := strings.Cut(t.Description, ". ")
		out.Tools = append(out.Tools, foundTool{t.Name, t.Risk, first})
		fmt.Fprintf(&b, "%s (%s): %s\n", t.Name, t.Risk, first)
	}
	if len(found) == 0 {
		var sets []string
		for _, t := range inv.on() {
			if !slices.Contains(sets, t.Toolset) {
				sets = append(sets, t.Toolset)
			}
		}
		fmt.Fprintf(&b, "No tool fits; search for one of: %s.", strings.Join(sets, ", "))
	}
	return mcp.NewToolResultStructured(out, b.String()), nil
}

// named finds the tool that a call of the three names, or says which exist.
func (inv *Invoker) named(r mcp.CallToolRequest) (tools.Tool, *mcp.CallToolResult) {
	name := strings.TrimSpace(r.GetString("name", ""))
	if t, ok := tools.ByName(name); ok {
		return t, nil
	}
	near := tools.Found(name, inv.on(), 3)
	names := make([]string, len(near))
	for i, t := range near {
		names[i] = t.Name
	}
	hint := ""
	if len(names) > 0 {
		hint = " Near it are " + strings.Join(names, ", ") + "."
	}
	return tools.Tool{}, failure(&tools.Problem{Code: "invalid_argument", Message: fmt.Sprintf("There is no tool %q.%s", tools.Clean(name, 60), hint), Next: "Find it with " + searchTools + "."})
}

func (inv *Invoker) describeTool(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	t, wrong := inv.named(r)
	if wrong != nil {
		return wrong, nil
	}
	out := struct {
		Name        string          `json:"name"`
		Class       policy.Risk     `json:"class"`
		Description string          `json:"description"`
		InputSchema json.RawMessage `json:"inputSchema"`
		Example     json.RawMessage `json:"example"`
		Off         string          `json:"switchedOff,omitempty"`
	}{t.Name, t.Risk, t.Description, rawSchema(inv.schemas[t.Name]), json.RawMessage(t.Example), inv.Off(t)}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", t.Name, err)
	}
	return mcp.NewToolResultStructured(out, string(b)), nil
}

func (inv *Invoker) callTool(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	t, wrong := inv.named(r)
	if wrong != nil {
		return wrong, nil
	}
	var outer struct {
		Arguments json.RawMessage `json:"arguments"`
	}
	if err := json.Unmarshal(rawArguments(r), &outer); err != nil {
		return failure(&tools.Problem{Code: "invalid_argument", Message: "The arguments are not a JSON object.", Next: "Correct the argument and call again."}), nil //nolint:nilerr // the problem is the result
	}
	// Some models send the inner object as text.
	var inner string
	if json.Unmarshal(outer.Arguments, &inner) == nil && strings.HasPrefix(strings.TrimSpace(inner), "{") {
		outer.Arguments = json.RawMessage(inner)
	}
	r.Params.Name, r.Params.RawArguments, r.Params.Arguments = t.Name, outer.Arguments, nil
	return inv.handler(t)(ctx, r)
}
