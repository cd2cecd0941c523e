package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// write answers a failure in the words of the service it is meant for.
func (d *faultDo) write(rw http.ResponseWriter, call *wireCall, inBatch bool) {
	h := rw.Header()
	if ra := d.retryAfter(); ra != "" {
		h.Set("Retry-After", ra)
	}
	if (d.Status == http.StatusBadGateway || d.Status == http.StatusGatewayTimeout) && !inBatch {
		h.Set("Content-Type", "text/html; charset=us-ascii")
		rw.WriteHeader(d.Status)
		text := strconv.Itoa(d.Status) + " " + http.StatusText(d.Status)
		_, _ = io.WriteString(rw, "<html>\r\n<head><title>"+text+"</title></head>\r\n<body>\r\n<center><h1>"+text+"</h1></center>\r\n</body>\r\n</html>\r\n")
		return
	}
	h.Set("Content-Type", "application/json")
	rw.WriteHeader(d.Status)
	_ = json.NewEncoder(rw).Encode(d.body(call))
}

func (d *faultDo) body(call *wireCall) map[string]any {
	code, message := d.words(call)
	switch call.service {
	case serviceSignin:
		return map[string]any{"error": code, "error_description": message, "error_codes": aadstsNumbers(message),
			"trace_id": "8e0bd2f1-7c4e-4a51-9f37-3f8a6c5d0b00", "correlation_id": "c1d7f0a3-22b5-4e0e-8f4b-6a1b1d9e7f00"}
	case serviceExchange:
		kind := "Microsoft.Exchange.Admin.OData.Core.ODataServiceException"
		e := map[string]any{"code": code, "message": "Error executing cmdlet", "innererror": map[string]any{
			"message": "Error executing cmdlet", "type": kind, "stacktrace": "",
			"internalexception": map[string]any{"message": message, "type": kind, "stacktrace": ""}}}
		if d.Status < 429 {
			if !strings.Contains(message, "|") {
				message = "|" + kind + "|" + message
			}
			e["details"] = []any{map[string]any{"code": "Context", "target": "", "message": message}}
		} else {
			e["message"] = message
		}
		return map[string]any{"error": e}
	}
	inner := map[string]any{"request-id": "94fb3b52-452a-4535-a601-69e0a90e3aa2", "client-request-id": "94fb3b52-452a-4535-a601-69e0a90e3aa2", "date": "2026-03-12T15:00:00"}
	if d.Status == http.StatusTooManyRequests {
		inner["code"], inner["status"], inner["message"] = "429", "429", "Please retry after"
	}
	return map[string]any{"error": map[string]any{"code": code, "message": message, "innerError": inner}}
}

func (d *faultDo) words(call *wireCall) (code, message string) {
	code, message = "UnknownError", "An error has occurred."
	switch {
	case call.service == serviceSignin && d.Status >= 500 || call.service == serviceSignin && d.Status == 429:
		code, message = "temporarily_unavailable", "AADSTS90033: A transient error has occurred. Please try again."
	case call.service == serviceSignin:
		code, message = "invalid_request", "AADSTS90014: The required field 'request' is missing from the credential."
	case d.Status == http.StatusTooManyRequests:
		code, message = "TooManyRequests", "Please retry again later."
	case d.Status == http.StatusServiceUnavailable && call.service == serviceExchange:
		code, message = "ServiceUnavailable", "The server is busy. Please retry again later."
	case d.Status == http.StatusServiceUnavailable:
		code, message = "serviceNotAvailable", "The service is temporarily unavailable. Please try again later."
	case d.Status == http.StatusForbidden:
		code, message = "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
	case d.Status == http.StatusNotFound:
		code, message = "Request_ResourceNotFound", "Resource does not exist or one of its queried reference-property objects are not present."
	case d.Status == http.StatusUnauthorized:
		code, message = "InvalidAuthenticationToken", "Access token has expired or is not yet valid."
	case d.Status < 500:
		code, message = "Request_BadRequest", "The request is invalid."
	}
	if d.Code != "" {
		code = d.Code
	}
	if d.Message != "" {
		message = d.Message
	}
	return code, message
}

func aadstsNumbers(message string) []int {
	_, rest, ok := strings.Cut(message, "AADSTS")
	if !ok {
		return []int{}
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	n, err := strconv.Atoi(rest[:end])
	if err != nil {
		return []int{}
	}
	return []int{n}
}

// retryAfter is the text of the header, "" for none.
func (d *faultDo) retryAfter() string {
	if len(d.RetryAfter) == 0 || string(d.RetryAfter) == "null" {
		return ""
	}
	var s string
	if json.Unmarshal(d.RetryAfter, &s) == nil {
		return s
	}
	var n float64
	if json.Unmarshal(d.RetryAfter, &n) == nil {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return ""
}
