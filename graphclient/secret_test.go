package graphclient

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Whatever the service does with what it was sent: its words come without it.
func TestAServicesWordsDoNotRepeatASecret(t *testing.T) {
	for _, secret := range []string{`Zq&<"+9x/'>%\Lantern-81`, "<b>Quiet</b>-Harbour", "Hush4711Hush"} {
		quoted, err := json.Marshal(secret)
		if err != nil {
			t.Fatal(err)
		}
		for name, echo := range map[string]string{
			"as it is": secret, "within JSON": string(quoted), "in HTML": html.EscapeString(secret), "in an address": url.QueryEscape(secret), "in capitals": strings.ToUpper(secret),
			"its end": secret[len(secret)-9:], "its beginning": secret[:9],
		} {
			for place, body := range map[string]any{
				"message": map[string]any{"code": "Request_BadRequest", "message": "Invalid value '" + echo + "' for password."},
				"inner":   map[string]any{"code": "Request_BadRequest", "innerError": map[string]any{"message": "Invalid value " + echo}},
				"details": map[string]any{"code": "Request_BadRequest", "message": "See the details.", "details": []any{map[string]any{"code": "x", "message": echo}}},
				"code":    map[string]any{"code": "Bad " + echo, "message": "No."},
			} {
				b, err := json.Marshal(map[string]any{"error": body})
				if err != nil {
					t.Fatal(err)
				}
				e := answerError(change(t.Context(), "t").hiding(secret), &http.Response{StatusCode: 400, Header: http.Header{}}, b)
				if repeats(e.Error(), secret) || !strings.Contains(e.Message, "not shown") {
					t.Errorf("%s, %s: %v", name, place, e)
				}
			}
		}
	}
}

// What says nothing of the secret is passed on, and its kind is known in any case.
func TestOtherWordsAreKept(t *testing.T) {
	body := []byte(`{"error":{"code":"Request_BadRequest","message":"The specified password does not comply with password complexity requirements."}}`)
	for secret, want := range map[string]string{"Quiet-Harbour-4711": "complexity requirements", "password": "not shown"} {
		e := answerError(change(t.Context(), "t").hiding(secret), &http.Response{StatusCode: 400, Header: http.Header{}}, body)
		if e.Kind != WeakPassword || !strings.Contains(e.Message, want) {
			t.Errorf("%q: %v", secret, e)
		}
	}
}
