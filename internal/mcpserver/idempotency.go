package mcpserver

import (
	"sync"

	"cipp-mcp/internal/policy"
	"cipp-mcp/tools"
)

// executed remembers what was executed under a caller's idempotencyKey while this process lives: a
// client that lost the answer and calls again gets that answer instead of a second execution.
type executed struct {
	mu    sync.Mutex
	order []string
	byKey map[string]*tools.WriteResult
}

// rememberedKeys bounds the memory; the oldest goes first.
const rememberedKeys = 256

// idempotencyKey is the call's key bound to everything else it says; "" when the caller gave none.
func idempotencyKey(t tools.Tool, call *tools.Call, args map[string]any) string {
	key := text(args["idempotencyKey"])
	if key == "" {
		return ""
	}
	user := ""
	if call.User != nil {
		user = call.User.ID
	}
	return t.Name + " " + call.Tenant.ID + " " + user + " " + policy.ArgsHash(args) + " " + key
}

func (e *executed) get(key string) *tools.WriteResult {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.byKey[key]
}

func (e *executed) put(key string, r *tools.WriteResult) {
	if key == "" {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.byKey == nil {
		e.byKey = map[string]*tools.WriteResult{}
	}
	if _, ok := e.byKey[key]; !ok {
		e.order = append(e.order, key)
	}
	e.byKey[key] = r
	if len(e.order) > rememberedKeys {
		delete(e.byKey, e.order[0])
		e.order = e.order[1:]
	}
}
