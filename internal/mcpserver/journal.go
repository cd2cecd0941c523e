package mcpserver

import (
	"sort"
	"strings"

	"cipp-mcp/tools"
)

// journal notes who called what, with the names of the arguments and never their values. A call that
// comes back with a person's answer is the same call.
func (inv *Invoker) journal(t tools.Tool, call *tools.Call, caller Caller, args map[string]any) {
	if caller.Answer != nil {
		return
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
	call.NoteCall(t.Name, tenant, user, caller.Name, strings.Join(given, " "))
}
