package secrets

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"cipp-mcp/internal/config"
)

func sinkOf(t *testing.T, c config.Passwords, o SinkOptions) (Sink, *Store, *still) {
	t.Helper()
	s, clk := store(t)
	if o.Redactor == nil {
		o.Redactor = &Redactor{}
	}
	sink, err := NewSink(s, c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sink.Close)
	return sink, s, clk
}

func TestAgeFilesAreForTheirRecipients(t *testing.T) {
	one, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	two, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	later, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		to  []string
		ids []age.Identity
	}{
		{[]string{one.Recipient().String(), two.Recipient().String()}, []age.Identity{one, two}},
		{[]string{later.Recipient().String()}, []age.Identity{later}},
	} {
		sink, s, clk := sinkOf(t, config.Passwords{Sink: config.SinkAge, AgeRecipients: c.to}, SinkOptions{})
		if err := sink.Ready(); err != nil {
			t.Errorf("it asks for an operator's passphrase: %v", err)
		}
		info, err := sink.Seal(t.Context(), "password", "anna", odd)
		if err != nil {
			t.Fatal(err)
		}
		box, err := os.ReadFile(s.path(info.Handle, "age"))
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range c.ids {
			r, err := age.Decrypt(bytes.NewReader(box), id)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(r); err != nil || string(b) != odd+"\n" {
				t.Errorf("%q %v", b, err)
			}
		}
		if list, err := s.List(); err != nil || len(list) != 1 || list[0].Sink != config.SinkAge {
			t.Errorf("%v %v", list, err)
		}
		if err := s.SetOperator(passphrase); err != nil {
			t.Errorf("files that no passphrase opens stand in the way of one: %v", err)
		}
		if _, secret, err := s.Reveal(info.Handle, passphrase); !errors.Is(err, ErrNotOurs) || secret != "" || !strings.Contains(err.Error(), "age -d") {
			t.Errorf("%q %v", secret, err)
		}
		if sink.Offers([]string{info.Handle}) != nil {
			t.Error("it is offered")
		}
		clk.t = clk.t.Add(Lifetime + time.Minute)
		if _, err := sink.Seal(t.Context(), "password", "ben", odd); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(s.path(info.Handle, "age")); err == nil {
			t.Error("an expired file lies there until somebody lists")
		}
	}
}

// fakePusher is an instance of Password Pusher that answers as a test likes.
type fakePusher struct {
	*httptest.Server
	answer func(w http.ResponseWriter, r *http.Request, in map[string]any)
	asked  []string
	auth   string
}

func newFakePusher(t *testing.T) *fakePusher {
	t.Helper()
	f := &fakePusher{answer: func(w http.ResponseWriter, _ *http.Request, in map[string]any) {
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{"url_token": "abc-def_123", "expire_after_days": in["expire_after_days"], "expire_after_views": in["expire_after_views"],
			"retrieval_step": in["retrieval_step"], "html_url": "https://evil.example/p/abc", "payload": in["payload"]})
	}}
	f.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.asked, f.auth = append(f.asked, r.Method+" "+r.URL.Path), r.Header.Get("Authorization")
		var in struct{ Password map[string]any }
		if r.Method == http.MethodPost && json.NewDecoder(r.Body).Decode(&in) != nil {
			t.Error("no JSON was pushed")
		}
		f.answer(w, r, in.Password)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fakePusher) options() SinkOptions {
	return SinkOptions{RootCAs: f.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
}

func (f *fakePusher) config(t *testing.T) config.Passwords {
	t.Setenv("CIPP_TEST_PUSHER", "the-token-of-the-pusher")
	return config.Passwords{Sink: config.SinkPasswordPusher, PasswordPusher: config.PasswordPusher{URL: f.URL + "/pw/", Token: "env:CIPP_TEST_PUSHER", ExpireAfterDays: 3, ExpireAfterViews: 1}}
}

func TestAPushLeavesItsLinkWithTheOperator(t *testing.T) {
	f := newFakePusher(t)
	var given map[string]any
	answer := f.answer
	f.answer = func(w http.ResponseWriter, r *http.Request, in map[string]any) {
		given = in
		answer(w, r, in)
	}
	o := f.options()
	o.Redactor = &Redactor{}
	sink, s, clk := sinkOf(t, f.config(t), o)
	if _, err := sink.Seal(t.Context(), "password", "anna", odd); !errors.Is(err, ErrNoOperator) || len(f.asked) != 0 {
		t.Fatalf("pushed although nobody could get the link: %v %v", err, f.asked)
	}
	if err := s.SetOperator(passphrase); err != nil {
		t.Fatal(err)
	}
	info, err := sink.Seal(t.Context(), "password", "anna", odd)
	if err != nil {
		t.Fatal(err)
	}
	if f.asked[0] != "POST /pw/p.json" || f.auth != "Bearer the-token-of-the-pusher" {
		t.Errorf("%v %s", f.asked, f.auth)
	}
	if given["payload"] != odd || given["expire_after_days"] != 3.0 || given["expire_after_views"] != 1.0 || given["retrieval_step"] != true {
		t.Errorf("%v", given)
	}
	want := f.URL + "/pw/p/abc-def_123/r"
	for _, text := range []string{want, "abc-def_123", "the-token-of-the-pusher"} {
		if strings.Contains(o.Redactor.Clean("x "+text+" y"), text) {
			t.Errorf("%s is not redacted", text)
		}
	}
	got, secret, err := s.Reveal(info.Handle, passphrase)
	if err != nil || secret != want || got.Kind != "link to the password" {
		t.Errorf("%+v %q %v", got, secret, err)
	}
	offers := sink.Offers([]string{info.Handle, "sec_unknown"})
	if len(offers) != 1 || offers[0].URL != want || offers[0].Seen != nil || strings.Contains(offers[0].Message, "abc-def") {
		t.Errorf("%+v", offers)
	}
	if sink.Offers([]string{info.Handle}) != nil {
		t.Error("offered twice")
	}
	info, err = sink.Seal(t.Context(), "password", "anna", odd)
	if err != nil {
		t.Fatal(err)
	}
	sink.Discard(t.Context(), info.Handle)
	if last := f.asked[len(f.asked)-1]; last != "DELETE /pw/p/abc-def_123.json" {
		t.Errorf("the push of a refused password stays: %s", last)
	}
	if list, _ := s.List(); len(list) != 0 {
		t.Errorf("%v", list)
	}
	info, err = sink.Seal(t.Context(), "password", "anna", odd)
	if err != nil {
		t.Fatal(err)
	}
	clk.t = clk.t.Add(offeredFor + time.Second)
	if sink.Offers([]string{info.Handle}) != nil {
		t.Error("offered long after")
	}
}

func TestAPushThatFailsBeginsNothing(t *testing.T) {
	elsewhere := newFakePusher(t)
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request, in map[string]any)
		say    string
	}{
		"wrong token":   {status(401), "refuses the token"},
		"no permission": {status(403), "refuses the token"},
		"overloaded":    {status(429), "answered 429"},
		"broken":        {status(500), "answered 500"},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request, _ map[string]any) {
			http.Redirect(w, r, elsewhere.URL+"/p.json", http.StatusTemporaryRedirect)
		}, "sends elsewhere (307)"},
		"no JSON": {func(w http.ResponseWriter, _ *http.Request, _ map[string]any) {
			_, _ = io.WriteString(w, "<html>sign in first</html>")
		}, "none of Password Pusher's"},
		"an address in the token": {func(w http.ResponseWriter, _ *http.Request, _ map[string]any) {
			_, _ = io.WriteString(w, `{"url_token":"../../evil","expire_after_days":3,"expire_after_views":1,"retrieval_step":true}`)
		}, "none of Password Pusher's"},
		"more views than asked for": {func(w http.ResponseWriter, r *http.Request, _ map[string]any) {
			_, _ = io.WriteString(w, `{"url_token":"abcdefgh","expire_after_days":3,"expire_after_views":5,"retrieval_step":true}`)
		}, "5 views of the 3 days and 1 views"},
		"cut off": {func(http.ResponseWriter, *http.Request, map[string]any) { panic(http.ErrAbortHandler) }, "connection failed"},
	} {
		f := newFakePusher(t)
		f.answer = c.answer
		sink, s, _ := sinkOf(t, f.config(t), f.options())
		if err := s.SetOperator(passphrase); err != nil {
			t.Fatal(err)
		}
		info, err := sink.Seal(t.Context(), "password", "anna", odd)
		var told *SinkError
		if !errors.As(err, &told) || !strings.Contains(err.Error(), c.say) || info.Handle != "" {
			t.Errorf("%s: %+v %v", name, info, err)
			continue
		}
		if strings.Contains(err.Error(), "marker") || strings.Contains(err.Error(), "the-token") || strings.Contains(err.Error(), "abcdefgh") {
			t.Errorf("%s: %v", name, err)
		}
		if list, _ := s.List(); len(list) != 0 {
			t.Errorf("%s: a handle waits: %v", name, list)
		}
		if name == "more views than asked for" && f.asked[len(f.asked)-1] != "DELETE /pw/p/abcdefgh.json" {
			t.Errorf("the push stays: %v", f.asked)
		}
	}
	if len(elsewhere.asked) != 0 {
		t.Errorf("a redirect was followed: %v", elsewhere.asked)
	}
}

func status(code int) func(http.ResponseWriter, *http.Request, map[string]any) {
	return func(w http.ResponseWriter, _ *http.Request, in map[string]any) {
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(in) // some versions repeat what they were sent
	}
}

func TestAPushGoesToWhomTheCertificateNames(t *testing.T) {
	f := newFakePusher(t)
	o := f.options()
	o.RootCAs = nil // the system knows nothing of the test's authority
	sink, s, _ := sinkOf(t, f.config(t), o)
	if err := s.SetOperator(passphrase); err != nil {
		t.Fatal(err)
	}
	f.Config.ErrorLog = quiet
	if _, err := sink.Seal(t.Context(), "password", "anna", odd); err == nil || !strings.Contains(err.Error(), "certificate is not trusted") {
		t.Errorf("%v", err)
	}
	if len(f.asked) != 0 {
		t.Errorf("%v", f.asked)
	}
}

func TestAPushIsGivenUpWithItsCall(t *testing.T) {
	f := newFakePusher(t)
	sink, s, _ := sinkOf(t, f.config(t), f.options())
	if sink.(*pusher).client.Timeout == 0 {
		t.Error("a push may take for ever")
	}
	if err := s.SetOperator(passphrase); err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	f.answer = func(http.ResponseWriter, *http.Request, map[string]any) { <-release }
	sink.(*pusher).client.Timeout = 20 * time.Millisecond
	_, err := sink.Seal(t.Context(), "password", "anna", odd)
	close(release)
	if err == nil || !strings.Contains(err.Error(), "took too long") {
		t.Errorf("%v", err)
	}
}
