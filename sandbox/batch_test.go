package sandbox

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func request(id, method, url string, more obj) obj {
	return with(obj{"id": id, "method": method, "url": url}, more)
}

func TestBatch(t *testing.T) {
	x := small(t)
	jsonHeader := obj{"Content-Type": "application/json"}
	a := x.as(contoso, "POST", "/$batch", obj{"requests": []any{
		request("1", "GET", "/users/"+ann+"?$select=id", nil),
		request("2", "PATCH", "users/"+ann, obj{"headers": jsonHeader, "body": obj{"jobTitle": "X"}, "dependsOn": []string{"1"}}),
		request("3", "GET", "/users/nobody@contoso.com", nil),
		request("4", "DELETE", "/users/"+ann, obj{"dependsOn": []string{"3"}}),
		request("5", "GET", "/users?$search=\"displayName:ann\"&$select=id", obj{"headers": obj{"ConsistencyLevel": "eventual"}}),
		request("6", "GET", "/users?$top=1&$select=id", nil),
		request("7", "GET", "/users/$count", obj{"headers": obj{"ConsistencyLevel": "eventual"}}),
	}})
	x.want(a, 200, "")
	got := map[string]int{}
	for _, r := range a.body["responses"].([]any) {
		m := r.(map[string]any)
		got[m["id"].(string)] = int(m["status"].(float64))
	}
	if fmt.Sprint(got) != "map[1:200 2:204 3:404 4:424 5:200 6:200 7:200]" {
		t.Error(got, a.raw)
	}
	if !strings.Contains(a.raw, x.s.URL()+"/v1.0/users?$top=1&$select=id&$skiptoken=") {
		t.Error("a nextLink inside an answer leads on", a.raw)
	}
	if b := x.as(contoso, "POST", "/beta/$batch", obj{"requests": []any{request("a", "GET", "/users/"+ann+"/authentication/requirements", nil)}}); !strings.Contains(b.raw, `"perUserMfaState":"disabled"`) {
		t.Error(b.raw)
	}
	var many []any
	for i := range 21 {
		many = append(many, request(fmt.Sprint(i), "GET", "/users", nil))
	}
	for name, requests := range map[string][]any{"21": many, "same id": {request("a", "GET", "/users", nil), request("A", "GET", "/users", nil)}, "no id": {request("", "GET", "/users", nil)},
		"nested": {request("1", "POST", "/$batch", obj{"headers": jsonHeader, "body": obj{}})}, "no type": {request("1", "PATCH", "/users/"+ann, obj{"body": obj{"city": "X"}})},
		"forward": {request("1", "GET", "/users", obj{"dependsOn": []string{"2"}}), request("2", "GET", "/users", nil)}} {
		if a := x.as(contoso, "POST", "/$batch", obj{"requests": requests}); a.status != 400 {
			t.Error(name, a.raw)
		}
	}
	if err := x.s.SetFaults([]byte(`[{"match":{"service":"graph","path":"/users/*"},"do":{"status":429,"retryAfter":7},"times":1}]`)); err != nil {
		t.Fatal(err)
	}
	a = x.as(contoso, "POST", "/$batch", obj{"requests": []any{request("1", "GET", "/users/"+ann, nil), request("2", "GET", "/users/"+boss, nil)}})
	if a.status != 200 || !strings.Contains(a.raw, `"Retry-After":"7"`) || strings.Count(a.raw, `"status":200`) != 1 || x.s.FaultsHit() != 1 {
		t.Error(a.raw)
	}
}

func TestTheUnknownIsNotedAndRefused(t *testing.T) {
	x := small(t)
	x.want(x.as(contoso, "GET", "/bananas", nil), 400, "BadRequest")
	x.want(x.as(contoso, "PUT", "/users/"+ann, obj{}), 405, "Request_BadRequest")
	if a := x.send("GET", "/nowhere", "", nil); a.status != 404 {
		t.Error(a.raw)
	}
	if got := strings.Join(x.s.Unknown(), "; "); got != "GET /v1.0/bananas; PUT /v1.0/users/"+ann+"; GET /nowhere" {
		t.Error(got)
	}
}

func TestGzipBodiesAndHTTP2(t *testing.T) {
	x := small(t)
	x.as(contoso, "GET", "/users", nil)
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write([]byte(`{"jobTitle":"Zipped"}`))
	_ = w.Close()
	r, err := http.NewRequestWithContext(t.Context(), "PATCH", x.s.URL()+"/v1.0/users/"+ann, &z)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+x.tokens[contoso])
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Encoding", "gzip")
	res, err := x.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 204 || res.ProtoMajor != 2 {
		t.Error(res.Status, res.Proto)
	}
	if a := x.as(contoso, "GET", "/users/"+ann, nil, "client-request-id", "my-id"); a.body["jobTitle"] != "Zipped" || a.header.Get("client-request-id") != "my-id" {
		t.Error(a.raw)
	}
}

func TestReplicationLag(t *testing.T) {
	x := start(t, Options{State: testState(t), Clock: "2026-03-12T15:00:00Z"})
	if err := x.s.SetFaults([]byte(`[{"match":{"service":"graph","method":"POST","path":"/users"},"do":{"lag":"1h"}},{"match":{"service":"graph","method":"PATCH","path":"/users/*"},"do":{"lag":"1h"}},
	{"match":{"service":"graph","method":"DELETE"},"do":{"lag":"1h"}}]`)); err != nil {
		t.Fatal(err)
	}
	a := x.as(contoso, "POST", "/users", newUser)
	x.want(a, 201, "")
	id := a.body["id"].(string)
	x.want(x.as(contoso, "GET", "/users/"+id, nil), 404, "Request_ResourceNotFound")
	x.want(x.as(contoso, "PATCH", "/users/"+ann, obj{"jobTitle": "X"}), 204, "")
	if a = x.as(contoso, "GET", "/users/"+ann, nil); a.body["jobTitle"] != nil {
		t.Error("a stale read is due", a.raw)
	}
	x.want(x.as(contoso, "DELETE", "/groups/"+secGroup+"/members/"+ann+"/$ref", nil), 204, "")
	x.want(x.as(contoso, "DELETE", "/users/"+nell, nil), 204, "")
	in := func() (n int) {
		for _, g := range x.as(contoso, "GET", "/users/"+ann+"/memberOf", nil).rows() {
			if g["id"] == secGroup {
				n++
			}
		}
		return n + 10*len(x.as(contoso, "GET", "/groups/"+secGroup+"/members", nil).rows())
	}
	if n := in(); n != 11 {
		t.Error("a membership is still seen", n)
	}
	x.want(x.as(contoso, "GET", "/users/nell@contoso.com", nil), 200, "")
	if a = x.as(contoso, "GET", "/users?$select=id", nil); len(a.rows()) != 7 { // nell still, the new one not yet
		t.Error(a.raw)
	}
	x.s.Advance(2 * time.Hour)
	x.tokens = map[string]string{}
	x.want(x.as(contoso, "GET", "/users/"+id, nil), 200, "")
	if a = x.as(contoso, "GET", "/users/"+ann, nil); a.body["jobTitle"] != "X" {
		t.Error(a.raw)
	}
	if n := in(); n != 0 {
		t.Error("in the end it is gone", n)
	}
	x.want(x.as(contoso, "GET", "/users/"+nell, nil), 404, "Request_ResourceNotFound")
}

func TestControlPaths(t *testing.T) {
	x := small(t)
	x.want(x.as(contoso, "PATCH", "/users/"+ann, obj{"jobTitle": "Changed"}), 204, "")
	if a := x.send("GET", "/_sandbox/state", "", nil); a.status != 200 || !strings.Contains(a.raw, "Changed") {
		t.Error(a.status)
	}
	if a := x.send("POST", "/_sandbox/clock", "", obj{"advance": "24h"}); a.body["now"] != "2026-03-13T15:00:00Z" || a.body["frozen"] != true {
		t.Error(a.raw)
	}
	if a := x.send("POST", "/_sandbox/clock", "", obj{"set": "2026-04-01T00:00:00Z", "frozen": false}); a.body["frozen"] != false {
		t.Error(a.raw)
	}
	for _, bad := range []obj{{"advance": "1 day"}, {"set": "tomorrow"}, {"jump": "1h"}} {
		if a := x.send("POST", "/_sandbox/clock", "", bad); a.status != 400 {
			t.Error(bad, a.raw)
		}
	}
	if a := x.send("POST", "/_sandbox/faults", "", "[{\"match\":{},\"do\":{\"colour\":\"red\"}}]"); a.status != 400 {
		t.Error(a.raw)
	}
	if a := x.send("GET", "/_sandbox/metrics", "", nil); a.body["total"].(float64) < 2 {
		t.Error(a.raw)
	}
	if a := x.send("POST", "/_sandbox/reset", "", nil); a.status != 204 {
		t.Error(a.raw)
	}
	if a := x.send("GET", "/_sandbox/state", "", nil); strings.Contains(a.raw, "Changed") || !strings.Contains(a.raw, `"clock": "2026-03-12T15:00:00Z,frozen"`) {
		t.Error("reset goes back")
	}
	if a := start(t, Options{State: testState(t)}).send("GET", "/_sandbox/state", "", nil); a.status != 404 {
		t.Error("control paths are there unasked")
	}
}

func TestClientFile(t *testing.T) {
	dir := t.TempDir()
	x := start(t, Options{State: testState(t), OutDir: dir, Control: true})
	c := x.s.Client()
	if c.Graph != x.s.URL() || c.Auth.ClientID != appID || c.Auth.ClientSecret == "" || c.Auth.RefreshToken != "refresh-1" || c.Clock != x.s.URL()+"/_sandbox/clock" || c.Auth.Mode != "app" || !strings.Contains(c.CA, "BEGIN CERTIFICATE") {
		t.Errorf("%+v", c)
	}
	if _, err := Start(t.Context(), Options{State: []byte(`{"banana":1}`)}); err == nil || !strings.Contains(err.Error(), "banana") {
		t.Error(err)
	}
	if _, err := Start(t.Context(), Options{Clock: "noon"}); err == nil {
		t.Error("a bad clock is accepted")
	}
	if _, err := Start(t.Context(), Options{Faults: []byte(`{}`)}); err == nil {
		t.Error("bad faults are accepted")
	}
}
