package main

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cipp-mcp/graphclient"
)

// In mode user nothing works before a person has signed in, a model is told so and never sees the code, and then
// everything works that GDAP allows the person, jobs included.
func TestAPersonSignsTheServerIn(t *testing.T) {
	asked := make(chan graphclient.DeviceSignIn, 3)
	w := newWorld(t, worldOptions{config: "auth: {mode: user}\n", flags: cloudFlags{prompt: func(d graphclient.DeviceSignIn) { asked <- d }}})
	before := w.state()
	a := w.refused("sign_in_needed", "cipp_get_user", in(harbourline, "userId", dana))
	d := <-asked
	if a.err["retryable"] != true || strings.Contains(a.text, d.Code) || strings.Contains(a.text, "deviceauth") {
		t.Errorf("%s", a.text)
	}
	w.refused("sign_in_needed", "cipp_disable_user", in(harbourline, "userId", dana))
	w.unharmed(before)

	wire := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool(w.sandbox.CA()), MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
	res, err := (&http.Client{Transport: wire}).PostForm(d.URL, url.Values{"otc": {d.Code}, "action": {"allow"}})
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", res, err)
	}
	_ = res.Body.Close()
	if err := w.env.Graph.SignIn(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.must("cipp_get_user", in(harbourline, "userId", dana))
	if a := w.must("cipp_list_tenants", map[string]any{}); len(a.list("tenants")) != 6 {
		t.Errorf("%s", a.text)
	}
	w.done("cipp_disable_user", in(harbourline, "userId", dana))
	w.refused("gdap_missing", "cipp_get_user", in("oakhurst-dental.example", "userId", "x@oakhurst-dental.example"))
	if h := w.must("cipp_get_tenant_details", in(harbourline, "sections", "health")); !strings.Contains(h.text, "user") {
		t.Errorf("%s", h.text)
	}
	if len(asked) != 0 {
		t.Error("the person was asked again")
	}
}
