package graphclient

import (
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// keyed mends the path of a request on /users/{id} whose id begins with "$": such a UPN must be written as
// a key, /users('$x@contoso.com'), or Graph takes it for an operator. Everything else is left to the SDK's
// template, which encodes ids exactly as EscapeSegment does.
func keyed(info *abs.RequestInformation, err error, id string) (*abs.RequestInformation, error) {
	if err != nil || !strings.HasPrefix(id, "$") {
		return info, err
	}
	const slot = "{user%2Did}"
	info.UrlTemplate = strings.Replace(info.UrlTemplate, "/"+slot, "('"+slot+"')", 1)
	info.PathParameters["user%2Did"] = strings.ReplaceAll(id, "'", "''")
	return info, nil
}

// userPath is the path of a user for requests written by hand, in the same two forms.
func userPath(id string) string {
	if strings.HasPrefix(id, "$") {
		return "/users('" + EscapeSegment(strings.ReplaceAll(id, "'", "''")) + "')"
	}
	return "/users/" + EscapeSegment(id)
}
