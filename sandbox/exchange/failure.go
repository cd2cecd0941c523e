package exchange

import (
	"encoding/json"
	"fmt"
	"net/http"

	"cipp-mcp/sandbox/cloud"
)

const (
	odataException  = "Microsoft.Exchange.Admin.OData.Core.ODataServiceException"
	bindException   = "System.Management.Automation.ParameterBindingException"
	tasksExceptions = "Microsoft.Exchange.Configuration.Tasks."
)

// failure is an error as Exchange tells it: the .NET exception's type decides what it means.
type failure struct {
	status    int
	code      string // NotFound, BadRequest, …
	ex        string // Ex6F9304 and the like
	exception string // "" where no cmdlet ran
	message   string
	nul       bool // the body is a NUL byte labelled gzip
}

func (f *failure) Error() string { return f.exception + ": " + f.message }

// errNoCmdlet is what a caller sees whose role does not hold the cmdlet.
var errNoCmdlet = &failure{status: http.StatusForbidden, nul: true}

func notFound(object any) *failure {
	return &failure{status: http.StatusNotFound, code: "NotFound", ex: "Ex6F9304", exception: tasksExceptions + "ManagementObjectNotFoundException",
		message: fmt.Sprintf("The operation couldn't be performed because object '%v' couldn't be found on 'LO2P265A01DC003.GBRP265A001.PROD.OUTLOOK.COM'.", object)}
}

func ambiguous(object any) *failure {
	return &failure{status: http.StatusBadRequest, code: "BadRequest", ex: "Ex1ACD7C", exception: tasksExceptions + "ManagementObjectAmbiguousException",
		message: fmt.Sprintf("The operation couldn't be performed because '%v' matches multiple entries.", object)}
}

// invalid is a refusal of the cmdlet itself.
func invalid(exception, format string, args ...any) *failure {
	return &failure{status: http.StatusBadRequest, code: "BadRequest", ex: "Ex0F34AA", exception: exception, message: fmt.Sprintf(format, args...)}
}

func badParameter(format string, args ...any) *failure {
	return &failure{status: http.StatusBadRequest, code: "BadRequest", exception: bindException, message: fmt.Sprintf(format, args...)}
}

// outOfScope is the refusal to change what is mastered on-premises.
func outOfScope(cmdlet, what string, object any) *failure {
	return invalid("System.InvalidOperationException", "The operation on mailbox \"%v\" failed because it's out of the current user's write scope. The action '%s', '%s', can't be performed on the object '%v' because the object is being synchronized from your on-premises organization. This action should be performed on the object in your on-premises organization.", object, cmdlet, what, object)
}

func writeError(w http.ResponseWriter, err error) {
	f := asFailure(err)
	if f.nul {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(f.status)
		_, _ = w.Write([]byte{0}) // the client may be gone
		return
	}
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="00000001-0000-0000-c000-000000000000@*", token_types="app_asserted_user_v1 service_asserted_app_v1", error="invalid_token"`)
	}
	e := cloud.Object{"code": f.code, "message": f.message}
	if f.exception != "" {
		e["message"] = "Error executing cmdlet"
		e["details"] = []any{cloud.Object{"code": "Context", "target": "", "message": f.ex + "|" + f.exception + "|" + f.message}}
		e["innererror"] = cloud.Object{"message": "Error executing cmdlet", "type": odataException, "stacktrace": "",
			"internalexception": cloud.Object{"message": f.message, "type": f.exception, "stacktrace": ""}}
	}
	writeJSON(w, f.status, cloud.Object{"error": e})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; odata.metadata=minimal; odata.streaming=true; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
