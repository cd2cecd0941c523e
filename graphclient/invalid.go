package graphclient

import "strings"

// invalid is a request we refuse ourselves, before anything is sent.
func invalid(message string) *Error { return &Error{Kind: Invalid, Message: message} }

// require refuses identifiers that are empty or made of dots: one that vanishes from a path, or means "up",
// leaves the path of something else, of a whole collection or of the object a reference points to.
func require(tenant string, ids ...string) error {
	if strings.Trim(tenant, ". ") == "" {
		return invalid("No tenant was named.")
	}
	for _, id := range ids {
		if strings.Trim(id, ". ") == "" {
			return &Error{Kind: Invalid, Tenant: tenant, Message: "An empty identifier was given."}
		}
	}
	return nil
}
