package sandbox

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

type pushed struct {
	status int
	text   string
	v      map[string]any
}

func pusherOf(t *testing.T, o Options) (*Server, func(method, path, auth, kind, body string) pushed) {
	t.Helper()
	o.Clock, o.Control = "2026-03-12T15:00:00Z,frozen", true
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA())
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	t.Cleanup(client.CloseIdleConnections)
	return s, func(method, path, auth, kind, body string) pushed {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", kind)
		if auth != "" {
			r.Header.Set("Authorization", "Bearer "+auth)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		out := pushed{status: res.StatusCode, text: string(b)}
		_ = json.Unmarshal(b, &out.v) // not every answer is JSON
		return out
	}
}

const (
	asJSON = "application/json"
	asForm = "application/x-www-form-urlencoded"
)

func TestAPushIsSeenOnce(t *testing.T) {
	var record bytes.Buffer
	s, do := pusherOf(t, Options{Record: &record})
	token := s.Client().Pusher.Token
	made := do("POST", "/pusher/p.json", token, asJSON, `{"password":{"payload":"Hunter-2 & <co>","expire_after_days":2,"expire_after_views":1,"retrieval_step":true}}`)
	if made.status != 201 || strings.Contains(made.text, "Hunter") || made.v["expire_after_views"] != 1.0 {
		t.Fatalf("%+v", made)
	}
	path := "/pusher/p/" + made.v["url_token"].(string)
	if s.Client().Pusher.URL+strings.TrimPrefix(path, "/pusher")+"/r" != made.v["html_url"] {
		t.Errorf("%v", made.v["html_url"])
	}
	for range 3 { // the page that asks first
		if a := do("GET", path+"/r", "", "", ""); a.status != 200 || strings.Contains(a.text, "Hunter") {
			t.Fatalf("%+v", a)
		}
	}
	if p := s.Pushes(); len(p) != 1 || p[0].Payload != "Hunter-2 & <co>" || p[0].Viewed != 0 {
		t.Errorf("%+v", p)
	}
	if a := do("GET", path, "", "", ""); !strings.Contains(a.text, "Hunter-2 &amp; &lt;co&gt;") {
		t.Errorf("%+v", a)
	}
	for _, p := range []string{path, path + ".json", path + "/r"} {
		if a := do("GET", p, "", "", ""); strings.Contains(a.text, "Hunter") {
			t.Errorf("a second view: %+v", a)
		}
	}
	if a := do("GET", "/_sandbox/pushes", "", "", ""); a.status != 200 || strings.Contains(a.text, "Hunter") || !strings.Contains(a.text, `"expired":true`) {
		t.Errorf("%+v", a)
	}
	if record.Len() != 0 || s.Metrics().Total != 0 {
		t.Errorf("it is counted or recorded: %s", record.String())
	}
	if err := s.Reset(); err != nil || len(s.Pushes()) != 0 {
		t.Errorf("%v", err)
	}
}

func TestAPushExpires(t *testing.T) {
	s, do := pusherOf(t, Options{})
	token := s.Client().Pusher.Token
	made := do("POST", "/pusher/p.json", token, asForm, "password%5Bpayload%5D=Hunter-2&password%5Bexpire_after_days%5D=2&password%5Bexpire_after_views%5D=500")
	if made.status != 201 || made.v["expire_after_views"] != 5.0 || made.v["expire_after_days"] != 2.0 {
		t.Fatalf("%+v", made)
	}
	path := "/pusher/p/" + made.v["url_token"].(string)
	s.Advance(47 * time.Hour)
	if a := do("GET", path+".json", "", "", ""); a.v["payload"] != "Hunter-2" || a.v["views_remaining"] != 4.0 {
		t.Errorf("%+v", a)
	}
	s.Advance(2 * time.Hour)
	if a := do("GET", path+".json", "", "", ""); a.v["payload"] != nil || a.v["expired"] != true {
		t.Errorf("%+v", a)
	}
}

func TestAPusherRefuses(t *testing.T) {
	s, do := pusherOf(t, Options{})
	token := s.Client().Pusher.Token
	made := do("POST", "/pusher/p.json", token, asJSON, `{"password":{"payload":"Hunter-2"}}`)
	path := "/pusher/p/" + made.v["url_token"].(string) + ".json"
	for _, c := range []struct {
		method, path, auth, body string
		status                   int
	}{
		{"POST", "/pusher/p.json", "wrong", `{"password":{"payload":"x"}}`, 401},
		{"POST", "/pusher/p.json", "", `{"password":{"payload":"x"}}`, 401},
		{"GET", path, "wrong", "", 401},
		{"POST", "/pusher/p.json", token, `{"password":{"payload":""}}`, 422},
		{"POST", "/pusher/p.json", token, `{"secret":{"payload":"x"}}`, 400},
		{"POST", "/pusher/p.json", token, `{"password":`, 400},
		{"GET", "/pusher/p/nothing-here.json", "", "", 404},
		{"DELETE", path, "", "", 422},
		{"DELETE", path, token, "", 200},
		{"DELETE", path, token, "", 422},
	} {
		if a := do(c.method, c.path, c.auth, asJSON, c.body); a.status != c.status {
			t.Errorf("%+v: %+v", c, a)
		}
	}
	if p := s.Pushes(); len(p) != 1 || p[0].Payload != "" || !p[0].Deleted {
		t.Errorf("%+v", p)
	}
	if do("PUT", "/pusher/p.json", token, asJSON, "{}").status != 404 || len(s.Unknown()) != 1 {
		t.Errorf("%v", s.Unknown())
	}
}
