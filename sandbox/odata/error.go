// Package odata reads and evaluates the OData query options of Microsoft Graph requests: $filter, $search,
// $orderby, $select, $expand, $top, $count. Property names are judged by the model's types.
// https://learn.microsoft.com/graph/query-parameters
package odata

import (
	"fmt"
	"net/http"
	"strings"
)

// Error is a refusal as Microsoft Graph words it.
type Error struct {
	Status  int
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func bad(format string, args ...any) *Error {
	return &Error{http.StatusBadRequest, "Request_BadRequest", fmt.Sprintf(format, args...)}
}

func badFilter(format string, args ...any) *Error {
	return bad("Invalid filter clause: "+format, args...)
}

// UnknownProperty is the refusal of a name that a type does not have.
func UnknownProperty(name, typ string) *Error {
	typ, _, _ = strings.Cut(typ, " ")
	return bad("Could not find a property named '%s' on type 'microsoft.graph.%s'.", name, typ)
}

// Unsupported is the refusal of a query that only works with advanced query capabilities, or not at all.
func Unsupported(message string) *Error {
	return &Error{http.StatusBadRequest, "Request_UnsupportedQuery", message}
}
