package jobs

import "strings"

var fences = strings.NewReplacer("«", "‹", "»", "›")

// Fence marks a tenant's own words (a name, a property's value, a service's message) inside a sentence,
// so that whoever reads it can tell data from what this program says. What stands inside cannot end it.
func Fence(s string) string { return "«" + fences.Replace(s) + "»" }
