package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// recorder writes one JSON object a line for every exchange, secrets replaced.
type recorder struct {
	mu  sync.Mutex
	out io.Writer
	now func() time.Time
	err error
}

type recordedExchange struct {
	Time            string            `json:"time"`
	Method          string            `json:"method"`
	URL             string            `json:"url"`
	RequestHeaders  map[string]string `json:"requestHeaders"`
	RequestBody     any               `json:"requestBody"`
	Status          int               `json:"status"`
	ResponseHeaders map[string]string `json:"responseHeaders"`
	ResponseBody    any               `json:"responseBody"`
}

// write records one exchange. status 0 means that no answer was given.
func (rec *recorder) write(r *http.Request, requestHeaders http.Header, body []byte, at time.Time, status int, answerHeaders http.Header, answer []byte) {
	scheme := "https"
	if r.TLS == nil {
		scheme = "http"
	}
	line, err := json.Marshal(recordedExchange{
		Time: at.UTC().Format(time.RFC3339Nano), Method: r.Method, URL: scheme + "://" + r.Host + r.URL.RequestURI(),
		RequestHeaders: recordedHeaders(requestHeaders), RequestBody: recordedBody(requestHeaders, body),
		Status: status, ResponseHeaders: recordedHeaders(answerHeaders), ResponseBody: recordedBody(answerHeaders, answer),
	})
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if err == nil {
		_, err = rec.out.Write(append(line, '\n'))
	}
	if rec.err == nil {
		rec.err = err
	}
}

const redacted = "***"

func recordedHeaders(h http.Header) map[string]string {
	out := make(map[string]string, len(h))
	for k, v := range h {
		out[k] = strings.Join(v, ", ")
		switch k {
		case "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie":
			out[k] = redacted
		case "Content-Encoding":
			delete(out, k) // bodies are recorded decoded
		}
	}
	return out
}

// recordedBody is JSON as JSON, a form without its secrets, other text as it is, nothing as null.
func recordedBody(h http.Header, b []byte) any {
	if strings.EqualFold(h.Get("Content-Encoding"), "gzip") {
		if plain, err := gunzip(b); err == nil {
			b = plain
		}
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	if t := bytes.TrimSpace(b)[0]; t == '{' || t == '[' {
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.UseNumber()
		var v any
		if dec.Decode(&v) == nil && !dec.More() {
			return redact("", v)
		}
		return cutSecret.ReplaceAllString(string(b), `$1"`+redacted)
	}
	if strings.HasPrefix(h.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if form, err := url.ParseQuery(string(b)); err == nil {
			for k, values := range form {
				if isSecret(k) {
					for i := range values {
						values[i] = redacted
					}
				}
			}
			return form.Encode()
		}
	}
	return string(b)
}

var secretNames = map[string]bool{
	"client_secret": true, "client_assertion": true, "assertion": true, "refresh_token": true, "access_token": true, "id_token": true,
	"password": true, "newpassword": true, "currentpassword": true, "temporaryaccesspass": true, "secrettext": true, "secretkey": true,
	"certificate": true, "authorization": true, "clientsecret": true, "refreshtoken": true, "device_code": true, "user_code": true, "otc": true, "inviteredeemurl": true,
}

// A phone number is known by its last two digits, which is enough to tell two apart.
var phoneNames = map[string]bool{"phonenumber": true, "mobilephone": true, "businessphones": true, "faxnumber": true, "telephonenumber": true}

func isSecret(name string) bool { return secretNames[strings.ToLower(name)] }

// cutSecret finds a secret in JSON that was cut off and therefore cannot be decoded.
var cutSecret = regexp.MustCompile(`(?i)("(?:client_secret|device_code|user_code|client_assertion|refresh_token|access_token|id_token|password|newPassword|temporaryAccessPass|secretText|inviteRedeemUrl)"\s*:\s*)"(?:[^"\\]|\\.)*\\?`)

// toldCode finds the code of a device sign-in in the sentence that tells a person to type it.
var toldCode = regexp.MustCompile(`(enter the code )[A-Z0-9]+`)

func redact(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			v[k] = redact(k, x)
		}
	case []any:
		for i, x := range v {
			v[i] = redact(name, x)
		}
	case string:
		if isSecret(name) && v != "" {
			return redacted
		}
		if phoneNames[strings.ToLower(name)] && len(v) > 4 {
			return redacted + v[len(v)-2:]
		}
		return toldCode.ReplaceAllString(v, "${1}"+redacted)
	}
	return v
}
