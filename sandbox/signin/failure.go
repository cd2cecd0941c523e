package signin

import (
	"fmt"
	"net/http"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

// failure is one of the identity platform's refusals.
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
type failure struct {
	code   int
	kind   string
	status int
	text   string
}

func (s *Service) refuse(w http.ResponseWriter, r *http.Request, f failure) {
	trace, correlation := s.cloud.NewID(), r.Header.Get("client-request-id")
	if !cloud.IsGUID(correlation) {
		correlation = s.cloud.NewID()
	}
	at := s.cloud.Now().Format("2006-01-02 15:04:05Z")
	w.Header().Set("x-ms-request-id", trace)
	body := map[string]any{
		"error": f.kind,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
			f.code, f.text, trace, correlation, at),
		"error_codes": []int{f.code}, "timestamp": at, "trace_id": trace, "correlation_id": correlation,
		"error_uri": fmt.Sprintf("https://login.microsoftonline.com/error?code=%d", f.code),
	}
	if f.code == 50076 {
		body["suberror"] = "basic_action"
	}
	reply(w, f.status, body)
}

func unknownTenant(name string) failure {
	if !cloud.IsGUID(name) && (!strings.Contains(name, ".") || strings.ContainsAny(name, " '\"<>\\")) {
		return failure{900023, "invalid_request", http.StatusBadRequest,
			fmt.Sprintf("Specified tenant identifier '%s' is neither a valid DNS name, nor a valid external domain.", name)}
	}
	return failure{90002, "invalid_request", http.StatusBadRequest,
		fmt.Sprintf("Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.", name)}
}

func onlyPost(method string) failure {
	return failure{900561, "invalid_request", http.StatusBadRequest, "The endpoint only accepts POST requests. Received a " + method + " request."}
}

func missing(field string) failure {
	return failure{900144, "invalid_request", http.StatusBadRequest,
		fmt.Sprintf("The request body must contain the following parameter: '%s'.", field)}
}

func notInDirectory(appID string, t *cloud.Tenant) failure {
	return failure{700016, "unauthorized_client", http.StatusBadRequest,
		fmt.Sprintf("Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.", appID, t.DisplayName)}
}

func notConsented(appID, name string) failure {
	return failure{65001, "invalid_grant", http.StatusBadRequest,
		fmt.Sprintf("The user or administrator has not consented to use the application with ID '%s' named '%s'. Send an interactive authorization request for this user and resource.", appID, name)}
}
