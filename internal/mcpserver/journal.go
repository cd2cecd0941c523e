package mcpserver

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"go.uber.org/zap"

	"cipp-mcp/internal/policy"
	"cipp-mcp/tools"
)

// journal notes who called what, with the names of the arguments and never their values. A call that
// comes back with a person's answer is the same call.
func (inv *Invoker) journal(ctx context.Context, t tools.Tool, call *tools.Call, caller Caller, args map[string]any) error {
	if caller.Answer != nil {
		return nil
	}
	given := make([]string, 0, len(args))
	for name := range args {
		given = append(given, name)
	}
	sort.Strings(given)
	tenant, user := call.Tenant.ID, ""
	if call.AllTenants {
		tenant = "allTenants"
	}
	if call.User != nil {
		user = call.User.ID
	}
	err := call.NoteCall(ctx, t.Name, tenant, user, caller.Name, strings.Join(given, " "))
	switch {
	case err != nil && t.Writes():
		return fmt.Errorf("%w: %w", policy.ErrState, err)
	case err != nil: // what only reads is not worth refusing
		inv.Log.Error("the journal cannot be written", zap.String("tool", t.Name), zap.Error(err))
	}
	return nil
}
