package mcpserver

import (
	"slices"
	"strings"
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
	// running are the keys whose call is executing now.
	running map[string]bool
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

// again is the answer of the earlier call under a key, nil when there was none. It says that it is one:
// the state may have changed since.
func (e *executed) again(key string) *tools.WriteResult {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.byKey[key]
	if before == nil {
		return nil
	}
	r := *before
	r.Steps, r.Secrets, r.Warnings = slices.Clone(before.Steps), slices.Clone(before.Secrets), slices.Clone(before.Warnings)
	r.Next = strings.TrimSpace("This is the answer of the earlier call under this idempotencyKey; nothing was executed now. " + r.Next)
	return &r
}

// begin says whether this call may execute under a key; the same call may be executing already.
func (e *executed) begin(key string) bool {
	if key == "" {
		return true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running[key] || e.byKey[key] != nil {
		return false
	}
	if e.running == nil {
		e.running = map[string]bool{}
	}
	e.running[key] = true
	return true
}

// end forgets that a call is executing.
func (e *executed) end(key string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.running, key)
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
	kept := *r // what leaves is cleaned in place; what is kept is not touched again
	kept.Steps, kept.Secrets, kept.Warnings = slices.Clone(r.Steps), slices.Clone(r.Secrets), slices.Clone(r.Warnings)
	e.byKey[key] = &kept
	if len(e.order) > rememberedKeys {
		delete(e.byKey, e.order[0])
		e.order = e.order[1:]
	}
}
