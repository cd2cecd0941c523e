package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
)

// bulkTool runs another write for many.
const bulkTool = "cipp_bulk_action"

// BulkActionIn are the arguments of cipp_bulk_action.
type BulkActionIn struct {
	Action       string         `json:"action" jsonschema:"maxLength=60" jsonschema_description:"The write tool to run for each, such as cipp_reset_password."`
	TenantFilter string         `json:"tenantFilter,omitempty" jsonschema_description:"Customer tenant."`
	Tenants      []string       `json:"tenants,omitempty" jsonschema:"maxItems=50" jsonschema_description:"Instead: several tenants, by name."`
	Targets      []string       `json:"targets,omitempty" jsonschema:"maxItems=1000" jsonschema_description:"Users. Or csv, or filter."`
	CSV          string         `json:"csv,omitempty" jsonschema:"maxLength=1000000" jsonschema_description:"Header of argument names, then rows; or a file in bulk.folder."`
	Filter       string         `json:"filter,omitempty" jsonschema:"maxLength=500" jsonschema_description:"As in cipp_list_users."`
	Arguments    map[string]any `json:"arguments,omitempty" jsonschema_description:"For all rows."`
	RunAtArg
	WriteArgs
}

func (a BulkActionIn) tenantFilter() string { return a.TenantFilter }

// notBulk are writes that steer jobs, or are many already.
var notBulk = []string{bulkTool, profileTool, undoTool, "cipp_control_job"}

var bulkAction = Write(Tool{
	Name: bulkTool, Title: "One action for many users", Toolset: "workflows", Risk: policy.Destructive, Extra: true,
	Aliases:     with(tenantAliases, map[string]string{"userIds": "targets", "users": "targets", "tool": "action", "args": "arguments", "rows": "csv"}),
	Description: "Runs one write tool for many users, named by targets, csv or filter: all rows are checked first, one plan shows them, and one job with a child each does them. For one user call that tool itself.",
	Example:     `{"action":"cipp_disable_user","tenantFilter":"contoso.onmicrosoft.com","targets":["anna@contoso.com"],"dryRun":true}`,
}, func(ctx context.Context, c *Call, in BulkActionIn) (Work, error) {
	t, err := c.bulkOf(in.Action)
	if err != nil {
		return Work{}, err
	}
	rows, err := jobs.Found(ctx, c.Run, foundRows, func(ctx context.Context) ([]bulkRow, error) { return c.bulkRows(ctx, t, in) })
	if err != nil {
		return Work{}, err
	}
	return c.bulkWork(ctx, t, rows)
})

// bulkWork is the one step that makes a job of each row and waits for them.
func (c *Call) bulkWork(ctx context.Context, t Tool, rows []bulkRow) (Work, error) {
	cr := &crowd{call: c, tool: t, rows: rows}
	w := Work{Of: t.Name, Risk: t.Risk, Steps: []jobs.Step{cr.step()}}
	for _, r := range rows {
		w.Rows = append(w.Rows, policy.Row{TenantID: r.TenantID, UserID: r.UserID})
	}
	var err error
	w.Parts, err = jobs.Found(ctx, c.Run, "parts", cr.parts)
	return w, err
}

// writers are the tools a bulk may run. It is set in init, since the bulk is a tool itself.
var writers func() []Tool

func init() {
	writers = func() []Tool {
		return slices.DeleteFunc(All(), func(t Tool) bool { return !t.Writes() || slices.Contains(notBulk, t.Name) })
	}
}

// bulkOf finds the tool an action names, with or without its prefix.
func (c *Call) bulkOf(action string) (Tool, error) {
	name := strings.ToLower(strings.NewReplacer("-", "_", " ", "_").Replace(strings.TrimSpace(action)))
	if !strings.HasPrefix(name, "cipp_") {
		name = "cipp_" + name
	}
	for _, t := range writers() {
		if t.Name != name {
			continue
		}
		if c.Off != nil {
			if why := c.Off(t); why != "" {
				return t, &Problem{Code: "switched_off", Message: t.Name + " is switched off: " + why + ".", Next: "Ask the operator."}
			}
		}
		return t, nil
	}
	if t := toolOf(name); t.Name != "" && !t.Writes() {
		return Tool{}, invalid("action: %s only reads; call it itself, its report and filter arguments reach many users.", t.Name)
	}
	var near []string
	for _, t := range Found(action, writers(), 5) {
		near = append(near, t.Name)
	}
	if len(near) == 0 {
		for _, t := range writers() {
			near = append(near, t.Name)
		}
	}
	return Tool{}, invalid("action: there is no write tool %q; near it are %s.", Clean(action, 60), strings.Join(near, ", "))
}

// undoRows undoes those rows of a bulk that did something, each as its own job would be undone.
func (c *Call) undoRows(ctx context.Context, j jobs.Job) (Work, error) {
	var of []bulkRow
	j.Run.Found(foundRows, &of)
	children, err := c.Policy.Ledger.ChildJobs(ctx, j.Run.ID)
	if err != nil {
		return Work{}, err
	}
	byKey := map[string]jobs.RunInfo{}
	for _, child := range children {
		byKey[child.CallKey] = child
	}
	rows, err := jobs.Found(ctx, c.Run, foundRows, func(context.Context) ([]bulkRow, error) {
		var rows []bulkRow
		for _, r := range of {
			if child, ok := byKey[rowKey(j.Run, r)]; ok && (child.State == jobs.RunDone || child.State == jobs.RunAttention || child.State == jobs.RunCancelled) {
				rows = append(rows, bulkRow{N: r.N, TenantID: r.TenantID, Tenant: r.Tenant, UserID: r.UserID, User: r.User, Args: map[string]any{"jobId": child.Run.ID}})
			}
		}
		return rows, nil
	})
	if err != nil {
		return Work{}, err
	}
	if len(rows) == 0 {
		return Work{}, &Problem{Code: "nothing_to_undo", Message: "No row of this job did anything.", Next: "Look at the job with cipp_get_job."}
	}
	w, err := c.bulkWork(ctx, toolOf(undoTool), rows)
	_, took := c.Policy.Took(j.RunInfo)
	w.Parts = append(w.Parts, took...)
	return w, err
}

// bulkRow is one row as it was checked: whom it is about and the whole call's arguments, under their canonical names.
type bulkRow struct {
	N        int            `json:"n"` // the row as the caller counts: from 1, without the header
	TenantID string         `json:"tenantId"`
	Tenant   string         `json:"tenant"`
	UserID   string         `json:"userId,omitempty"`
	User     string         `json:"user,omitempty"`
	Args     map[string]any `json:"args"`
	// Tool is the row's own tool, where the rows have different ones.
	Tool string `json:"tool,omitempty"`
}

// who is the row in words.
func (r bulkRow) who() string {
	named := text(r.Args["mailNickname"]) + "@" + text(r.Args["primDomain"])
	if strings.HasPrefix(named, "@") || strings.HasSuffix(named, "@") {
		named = ""
	}
	for _, s := range []string{r.User, text(r.Args["userPrincipalName"]), named, text(r.Args["mail"]), text(r.Args["displayName"]), text(r.Args["jobId"])} {
		if s != "" {
			return s
		}
	}
	return "row " + fmt.Sprint(r.N)
}

// rowErrors are the mistakes of rows, in their order.
type rowErrors struct {
	of    int
	found []string
}

// shownErrors bounds how many are told at once.
const shownErrors = 20

func (e *rowErrors) add(r bulkRow, sentence string) {
	e.found = append(e.found, fmt.Sprintf("row %d: ", r.N)+strings.TrimSuffix(sentence, "."))
}

// together puts the same mistake of many rows into one: «rows 1, 2, 3: …».
func (e *rowErrors) together() []string {
	var order []string
	at := map[string][]string{}
	for _, f := range e.found {
		row, sentence, _ := strings.Cut(f, ": ")
		if _, known := at[sentence]; !known {
			order = append(order, sentence)
		}
		at[sentence] = append(at[sentence], strings.TrimPrefix(row, "row "))
	}
	out := make([]string, len(order))
	for i, s := range order {
		switch n := at[s]; {
		case len(n) == 1:
			out[i] = "row " + n[0] + ": " + s
		case len(n) > 10:
			out[i] = "rows " + strings.Join(n[:10], ", ") + fmt.Sprintf(" and %d more: ", len(n)-10) + s
		default:
			out[i] = "rows " + strings.Join(n, ", ") + ": " + s
		}
	}
	return out
}

// err is one sentence with all mistakes, nil where there are none.
func (e *rowErrors) err() error {
	if len(e.found) == 0 {
		return nil
	}
	all := e.together()
	shown := all[:min(len(all), shownErrors)]
	text := fmt.Sprintf("%s in %s, so nothing was planned: %s", count(len(e.found), "mistake", "mistakes"), count(e.of, "row", "rows"), strings.Join(shown, "; "))
	if n := len(all) - len(shown); n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return &Problem{Code: "invalid_argument", Message: text + ".", Next: "Correct these rows and call again with all of them."}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
