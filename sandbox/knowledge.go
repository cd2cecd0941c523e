package sandbox

import (
	"encoding/json"

	"cipp-mcp/sandbox/cloud"
)

// A state file can say what nobody at Microsoft knows: whose an address is, and what the provider agreed with a
// customer. A server with the sandbox inside takes it for its operator's configuration.

// IPIntel is the state file's table of addresses, as JSON.
func (s *Server) IPIntel() []byte { return marshalled(s.cloud.IPIntel()) }

// Operator is what the state file's operator says of a tenant, as JSON.
func (s *Server) Operator(tenantID string) []byte {
	t := s.cloud.Tenant(tenantID)
	if t == nil {
		return []byte("{}")
	}
	t.RLock()
	defer t.RUnlock()
	return marshalled(t.Operator)
}

// BreakGlass are the accounts that the state file's operators want nobody to touch.
func (s *Server) BreakGlass() []string {
	var out []string
	for _, t := range s.cloud.Customers() {
		t.RLock()
		out = append(out, cloud.Strings(t.Operator, "breakGlass")...)
		t.RUnlock()
	}
	return out
}

func marshalled(o cloud.Object) []byte {
	b, err := json.Marshal(o)
	if err != nil || o == nil {
		return []byte("{}")
	}
	return b
}
