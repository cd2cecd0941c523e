package graphclient

// invalid is a request we refuse ourselves, before anything is sent.
func invalid(message string) *Error { return &Error{Kind: Invalid, Message: message} }

// require refuses empty identifiers: an id that vanishes from a path leaves the path of something else, of a
// whole collection or of the object a reference points to.
func require(tenant string, ids ...string) error {
	if tenant == "" {
		return invalid("No tenant was named.")
	}
	for _, id := range ids {
		if id == "" {
			return &Error{Kind: Invalid, Tenant: tenant, Message: "An empty identifier was given."}
		}
	}
	return nil
}
