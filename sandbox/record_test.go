package sandbox

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cipp-mcp/sandbox/builtin"
	"cipp-mcp/sandbox/cloud"
)

func TestRecording(t *testing.T) {
	b := startWire(t, "2026-03-12T15:00:00Z,frozen", `[{"match":{"method":"DELETE"},"do":{"cut":true}}]`)
	b.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"aaa.bbb.ccc","expires_in":3599}`)
	}
	_, _, err := b.send("POST", "/x/oauth2/v2.0/token", "application/x-www-form-urlencoded", "grant_type=client_credentials&client_secret=hush-hush&client_id=me")
	if err != nil {
		t.Fatal(err)
	}
	b.answer = func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !bytes.Contains(body, []byte("Hunter-2")) || r.Header.Get("Content-Encoding") != "" {
			t.Errorf("the service got %q with encoding %q", body, r.Header.Get("Content-Encoding"))
		}
		w.WriteHeader(204)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, `{"passwordProfile":{"password":"Hunter-2","forceChangePasswordNextSignIn":true},"n":12345678901234567890}`)
	_ = z.Close()
	r, err := http.NewRequestWithContext(t.Context(), "PATCH", b.server.URL+"/v1.0/users/x?a=b", &zipped)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", token)
	r.Header.Set("Content-Encoding", "gzip")
	r.Header.Set("Content-Type", "application/json")
	res, err := b.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if _, _, err := b.send("DELETE", "/v1.0/users/x", "", ""); err == nil {
		t.Fatal("the connection was to be cut")
	}
	text := b.record.String()
	for _, secret := range []string{"hush-hush", "aaa.bbb.ccc", "Hunter-2", token[7:]} {
		if strings.Contains(text, secret) {
			t.Errorf("the recording holds %q", secret)
		}
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	var one struct {
		Time, Method, URL string
		Status            int
		RequestHeaders    map[string]string
		RequestBody       any
	}
	if err := json.Unmarshal([]byte(lines[1]), &one); err != nil {
		t.Fatal(err)
	}
	if one.Time != "2026-03-12T15:00:00Z" || one.Method != "PATCH" || !strings.HasSuffix(one.URL, "/v1.0/users/x?a=b") || one.Status != 204 || one.RequestHeaders["Authorization"] != redacted {
		t.Errorf("%+v", one)
	}
	if !strings.Contains(lines[1], `"n":12345678901234567890`) {
		t.Errorf("a number lost digits: %s", lines[1])
	}
	if !strings.Contains(lines[2], `"status":0`) {
		t.Errorf("a cut request: %s", lines[2])
	}
}

func TestPhoneNumbersAreCutShort(t *testing.T) {
	out := mustJSON(recordedBody(http.Header{}, []byte(`{"value":[{"mobilePhone":"+44 7700900417","businessPhones":["+44 1632960418"],"phoneNumber":"+44 7700900419","faxNumber":null}]}`)))
	if want := `{"value":[{"businessPhones":["***18"],"faxNumber":null,"mobilePhone":"***17","phoneNumber":"***19"}]}`; out != want {
		t.Errorf("%s", out)
	}
}

// What was cut off cannot be decoded, and a quotation mark within a secret does not end it.
func TestACutSecretIsNotRecorded(t *testing.T) {
	whole := `{"passwordProfile":{"password":"Zq&<\"+marker\\\"tail","forceChangePasswordNextSignIn":true}}`
	for n := range len(whole) {
		out := mustJSON(recordedBody(http.Header{}, []byte(whole[:n])))
		for _, part := range []string{"Zq&", "marker", "+mar", "tail"} {
			if strings.Contains(out, part) || strings.Contains(out, `Zq`) {
				t.Fatalf("%s became %s", whole[:n], out)
			}
		}
	}
}

func TestAPanicIsNoWeather(t *testing.T) {
	b := startWire(t, "", `[{"match":{"method":"DELETE"},"do":{"cut":true}}]`)
	b.answer = func(http.ResponseWriter, *http.Request) { panic("a bug") }
	for _, method := range []string{"GET", "DELETE"} {
		if _, _, err := b.send(method, "/v1.0/users/x", "", ""); err == nil {
			t.Errorf("%s was answered", method)
		}
	}
	if len(b.broken) != 1 || !strings.Contains(b.broken[0], "a bug") {
		t.Errorf("%v", b.broken)
	}
}

func TestFaultsOfATenantsOwn(t *testing.T) {
	state := bytes.Replace(builtin.State, []byte(`"tenantId": "`+testTenant+`",`), []byte(`"tenantId": "`+testTenant+`", "faults": [{"match":{},"do":{"status":503}}],`), 1)
	c, err := cloud.New(state, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	f := &faults{cloud: c}
	if err := f.set(nil); err != nil {
		t.Fatal(err)
	}
	if a := f.fire(&wireCall{service: serviceGraph, tenant: testTenant}); a.spoil == nil {
		t.Error("the tenant's own fault does not fire")
	}
	if a := f.fire(&wireCall{service: serviceGraph, tenant: "another"}); a.spoil != nil {
		t.Error("another tenant is hit")
	}
}

// No secret survives recording, however deep it lies and whatever lies around it.
func TestNoSecretIsRecorded(t *testing.T) {
	names := make([]any, 0, len(secretNames))
	for n := range secretNames {
		names = append(names, n)
	}
	rapid.Check(t, func(t *rapid.T) {
		const secret = "S3cr3t-V4lue"
		var build func(depth int) any
		build = func(depth int) any {
			o := map[string]any{}
			for i := range rapid.IntRange(0, 3).Draw(t, "keys") {
				o["k"+string(rune('a'+i))] = rapid.StringMatching(`[ -~]{0,8}`).Draw(t, "value")
			}
			name := rapid.SampledFrom(names).Draw(t, "name").(string)
			if rapid.Bool().Draw(t, "upper") {
				name = strings.ToUpper(name)
			}
			o[name] = secret
			if rapid.Bool().Draw(t, "list") {
				o[name] = []any{secret, map[string]any{name: secret}}
			}
			if depth > 0 {
				o["in"] = []any{build(depth - 1)}
			}
			return o
		}
		body := []byte(mustJSON(build(rapid.IntRange(0, 4).Draw(t, "depth"))))
		if out := mustJSON(recordedBody(http.Header{}, body)); strings.Contains(out, secret) {
			t.Fatalf("%s became %s", body, out)
		}
	})
}

func TestMetrics(t *testing.T) {
	b := startWire(t, "2026-03-12T15:00:00Z", `[{"match":{},"do":{"delay":"1ms"}}]`)
	for _, id := range []string{"9f36ee2c-2f1c-4d6e-8a59-2d4c0a6a7a11", "anna_vendor.example%23EXT%23@x.example"} {
		if _, _, err := b.send("GET", "/v1.0/users/"+id, "", ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := b.send("POST", "/"+testTenant+"/oauth2/v2.0/token", "", "grant_type=x"); err != nil {
		t.Fatal(err)
	}
	m := b.wire.metrics()
	if m.Total != 3 || m.Depth[testTenant] != 3 || m.Latency != "1ms" || len(m.Requests) != 2 {
		t.Fatalf("%+v", m)
	}
	if r := m.Requests[0]; r.Path != "/users/{id}" || r.Count != 2 || r.Service != "graph" || r.Tenant != testTenant || r.Status != 200 {
		t.Errorf("%+v", r)
	}
	if r := m.Requests[1]; r.Path != "/{tenant}/oauth2/v2.0/token" || r.Service != "signin" {
		t.Errorf("%+v", r)
	}
}

// The depth counts a chain, not requests: those that run side by side are one link.
func TestDepthOfParallelRequests(t *testing.T) {
	m := newMeter()
	w := &wireCall{service: "graph", tenant: "t", path: "/users"}
	first, second := m.begin(w), m.begin(w)
	first(200)
	third := m.begin(w) // began when the first had ended
	second(200)
	third(200)
	if d := m.read("").Depth["t"]; d != 2 {
		t.Errorf("depth %d", d)
	}
}
