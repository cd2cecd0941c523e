// Package policy decides what may be done: risk classes, guards, plans and approvals. Nothing in it
// approves itself.
package policy

import (
	"fmt"
	"strings"
)

// Risk is how much a tool can spoil. The MCP annotations are derived from it.
type Risk int

const (
	// Read changes nothing.
	Read Risk = iota
	// Write is easy to change back.
	Write
	// Destructive is hard to undo, or lets somebody in or out.
	Destructive
	// Critical needs the operator: an administrator as target, a role, a purge, money.
	Critical
)

var riskNames = [...]string{"read", "write", "destructive", "critical"}

func (r Risk) String() string { return riskNames[r] }

// MarshalText writes the class's name.
func (r Risk) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the class's name.
func (r *Risk) UnmarshalText(b []byte) error {
	for i, n := range riskNames {
		if strings.EqualFold(n, string(b)) {
			*r = Risk(i)
			return nil
		}
	}
	return fmt.Errorf("no risk class %q", b)
}
