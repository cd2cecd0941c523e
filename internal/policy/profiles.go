package policy

import (
	"maps"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/config"
)

// Profiles are the names of the operator's profiles that may be used in a tenant.
func (e *Engine) Profiles(t graphclient.Tenant) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(e.Config.Profiles)) {
		if e.Config.Profiles[name].In(t.ID, t.DefaultDomain) {
			out = append(out, name)
		}
	}
	return out
}

// Profile finds one of them.
func (e *Engine) Profile(t graphclient.Tenant, name string) (config.Profile, bool) {
	for _, n := range e.Profiles(t) {
		if strings.EqualFold(n, strings.TrimSpace(name)) {
			return e.Config.Profiles[n], true
		}
	}
	return config.Profile{}, false
}
