package policy

import (
	"maps"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/config"
)

// Profile is a bundle of access that the operator wrote.
type Profile = config.Profile

// Profiles are the names of the operator's profiles that may be used in a tenant, by who runs this server.
func (e *Engine) Profiles(t graphclient.Tenant) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(e.Config.Profiles)) {
		if p := e.Config.Profiles[name]; p.In(t.ID, t.DefaultDomain) && p.By(e.Requester) {
			out = append(out, name)
		}
	}
	return out
}

// Profile finds one of them.
func (e *Engine) Profile(t graphclient.Tenant, name string) (Profile, bool) {
	for _, n := range e.Profiles(t) {
		if strings.EqualFold(n, strings.TrimSpace(name)) {
			return e.Config.Profiles[n], true
		}
	}
	return Profile{}, false
}
