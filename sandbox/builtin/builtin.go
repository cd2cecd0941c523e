// Package builtin holds the state with which the simulated cloud starts when nobody gives it another:
// a partner with seven customers that tell a story. docs/sandbox.md says who is who.
package builtin

import _ "embed"

// State is the built-in story, in the format of the state file.
//
//go:embed story.json
var State []byte
