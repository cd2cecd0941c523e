package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"cipp-mcp/sandbox/odata"
)

// failure is a refusal as Graph words it.
// https://learn.microsoft.com/graph/errors
type failure struct {
	status  int
	code    string
	message string
}

func (f *failure) Error() string { return f.code + ": " + f.message }

func badRequest(format string, args ...any) error {
	return &failure{http.StatusBadRequest, "Request_BadRequest", fmt.Sprintf(format, args...)}
}

func refused(status int, code, format string, args ...any) error {
	return &failure{status, code, fmt.Sprintf(format, args...)}
}

func notFound(id string) error {
	return refused(http.StatusNotFound, "Request_ResourceNotFound",
		"Resource '%s' does not exist or one of its queried reference-property objects are not present.", id)
}

func denied() error {
	return refused(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
}

func invalidValue(property, resource string) error {
	return badRequest("Invalid value specified for property '%s' of resource '%s'.", property, resource)
}

func notPremium() error {
	return refused(http.StatusForbidden, "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
		"Neither tenant is B2C or tenant doesn't have premium license")
}

func onPremises() error {
	return badRequest("Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.")
}

// fail puts the error into the answer.
func (c *call) fail(err error) {
	var f *failure
	var o *odata.Error
	switch {
	case errors.As(err, &f):
	case errors.As(err, &o):
		f = &failure{o.Status, o.Code, o.Message}
	default:
		f = &failure{http.StatusInternalServerError, "Service_InternalServerError", err.Error()}
	}
	if f.status == http.StatusUnauthorized {
		c.header.Set("WWW-Authenticate", `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"`)
	}
	c.status = f.status
	c.header.Set("Content-Type", "application/json")
	c.out, err = json.Marshal(map[string]any{"error": map[string]any{"code": f.code, "message": f.message, "innerError": map[string]any{
		"date": c.s.cloud.Now().Format("2006-01-02T15:04:05"), "request-id": c.id, "client-request-id": c.header.Get("client-request-id")}}})
	if err != nil {
		c.out = []byte("{}")
	}
}
