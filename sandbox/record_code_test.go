package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// Whoever reads a recording while a device sign-in waits must not find the code that completes it.
func TestTheCodeOfADeviceSignInIsNotRecorded(t *testing.T) {
	const code = "QBLE7EP3V"
	for kind, body := range map[string]string{
		"application/json":                  `{"user_code":"` + code + `","device_code":"` + code + `","message":"To sign in, open the page https://login.example and enter the code ` + code + ` to authenticate."}`,
		"application/x-www-form-urlencoded": "otc=" + code + "&action=allow", "text/plain": `{"user_code":"` + code,
	} {
		if kind == "text/plain" { // JSON that was cut off
			kind = "application/json"
		}
		b, err := json.Marshal(recordedBody(http.Header{"Content-Type": {kind}}, []byte(body)))
		if err != nil || strings.Contains(string(b), code) || !strings.Contains(string(b), "*") && !strings.Contains(string(b), "%2A") {
			t.Errorf("%s: %s %v", kind, b, err)
		}
	}
}

// Whoever has the link of an invitation can take it up, so it is a secret like a password.
func TestTheLinkOfAnInvitationIsNotRecorded(t *testing.T) {
	const link = "https://login.example/redeem?user=QBLE7EP3V"
	for _, body := range []string{`{"id":"1","inviteRedeemUrl":"` + link + `","status":"PendingAcceptance"}`, `{"inviteRedeemUrl":"` + link} {
		b, err := json.Marshal(recordedBody(http.Header{"Content-Type": {"application/json"}}, []byte(body)))
		if err != nil || strings.Contains(string(b), "QBLE7EP3V") || !strings.Contains(string(b), "*") {
			t.Errorf("%s %v", b, err)
		}
	}
}
