package tools

import (
	"fmt"
	"strings"
	"sync"
)

// remarks are what a list does not see, by the tenants it holds for; they are made side by side.
type remarks struct {
	mu    sync.Mutex
	texts []string
	of    map[string][]string
}

// remark says something about the list of the call's tenant.
func (c *Call) remark(text string) {
	if c.remarks == nil {
		return
	}
	c.remarks.mu.Lock()
	defer c.remarks.mu.Unlock()
	if c.remarks.of == nil {
		c.remarks.of = map[string][]string{}
	}
	if c.remarks.of[text] == nil {
		c.remarks.texts = append(c.remarks.texts, text)
	}
	c.remarks.of[text] = append(c.remarks.of[text], c.Tenant.DefaultDomain)
}

// namedTenants is how many tenants a remark names.
const namedTenants = 5

// list words the remarks, with the tenants where there may be several.
func (r *remarks) list(several bool) []string {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, text := range r.texts {
		if of := r.of[text]; several {
			named := strings.Join(of[:min(len(of), namedTenants)], ", ")
			if n := len(of) - namedTenants; n > 0 {
				named += fmt.Sprintf(" and %d more", n)
			}
			text = named + ": " + text
		}
		out = append(out, text)
	}
	return out
}
