package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"

	"cipp-mcp/internal/mcpserver"
)

// viewer is a person whose client opens addresses: it agrees to every plan and, unless told otherwise,
// opens what it is offered and clicks.
type viewer struct {
	*world
	browser *http.Client
	offered []mcp.ElicitationParams
	shown   []string // pages after the click
	act     mcp.ElicitationResponseAction
	look    bool
}

func (v *viewer) Elicit(ctx context.Context, r mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	if r.Params.Mode != mcp.ElicitationModeURL {
		return v.world.Elicit(ctx, r)
	}
	v.offered = append(v.offered, r.Params)
	if v.look {
		v.shown = append(v.shown, v.visit("POST", r.Params.URL))
	}
	return &mcp.ElicitationResult{ElicitationResponse: mcp.ElicitationResponse{Action: v.act}}, nil
}

func (v *viewer) visit(method, address string) string {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, address, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	res, err := v.browser.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return string(b)
}

// view puts a client in front of the server that declares what it can do with addresses.
func (w *world) view(era string, can *mcp.ElicitationCapability) *viewer {
	w.t.Helper()
	v := &viewer{world: w, act: mcp.ElicitationResponseActionAccept, look: true, browser: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: w.trust()}}}
	w.connectAs(era, v, can)
	return v
}

var forms = &mcp.ElicitationCapability{Form: &struct{}{}}
var addresses = &mcp.ElicitationCapability{Form: &struct{}{}, URL: &struct{}{}}

func TestAPersonSeesThePasswordOnceAndTheModelNever(t *testing.T) {
	for _, era := range []string{"modern", "legacy"} {
		t.Run(era, func(t *testing.T) {
			w := newWorld(t, worldOptions{config: "passwords: {sink: link}\n"})
			const password = `Zq&<"+9x-Lantern`
			w.env.Secrets.Generate = func() (string, error) { return password, nil }
			v := w.view(era, addresses)
			args := in(harbourline, "userId", priya, "idempotencyKey", "k-1")
			a := w.done("cipp_reset_password", args)
			if len(v.offered) != 1 || len(v.shown) != 1 || !strings.Contains(v.shown[0], "Zq&amp;&lt;&#34;&#43;9x-Lantern") {
				t.Fatalf("%+v %v", v.offered, v.shown)
			}
			if s := a.list("secrets")[0]; s["shown"] != true || s["reveal"] != nil || !strings.Contains(a.text, "has seen it") {
				t.Errorf("%s", a.text)
			}
			token := v.offered[0].URL[len(v.offered[0].URL)-43:]
			if strings.Contains(a.text, token) || strings.Contains(a.text, "Lantern") || strings.Contains(v.offered[0].Message, "Lantern") {
				t.Errorf("%s", a.text)
			}
			if list, err := w.env.Secrets.List(); err != nil || len(list) != 0 {
				t.Errorf("it still waits: %v %v", list, err)
			}
			again := w.done("cipp_reset_password", args)
			if s := again.list("secrets")[0]; s["gone"] != true || s["reveal"] != nil || !strings.Contains(again.text, "seen it already") {
				t.Errorf("%s", again.text)
			}
			if len(w.asked) != 1 || len(v.offered) != 1 {
				t.Errorf("asked %d times, offered %d times", len(w.asked), len(v.offered))
			}
		})
	}
}

// What was made while nobody waited is offered to whoever asks how the job went.
func TestALaterPasswordIsOfferedWithItsJob(t *testing.T) {
	for _, era := range []string{"modern", "legacy"} {
		w := newWorld(t, worldOptions{config: "passwords: {sink: link}\n"})
		v := w.view(era, addresses)
		a := w.must("cipp_reset_password", in(harbourline, "userId", priya, "runAt", "2026-03-13T18:00:00Z"))
		if a.v["status"] != "scheduled" || len(v.offered) != 0 {
			t.Fatalf("%s: %s", era, a.text)
		}
		id, _ := a.v["jobId"].(string)
		w.sandbox.Advance(28 * time.Hour)
		if j := w.ended(id); j.v["status"] != "done" || !strings.Contains(j.text, "has seen it") || len(v.shown) != 1 || !strings.Contains(v.shown[0], "<pre>") {
			t.Errorf("%s: %s\n%v", era, j.text, v.shown)
		}
	}
}

func TestAnOfferThatIsNotTakenWaitsAtTheTerminal(t *testing.T) {
	for _, era := range []string{"modern", "legacy"} {
		for name, c := range map[string]struct {
			can    *mcp.ElicitationCapability
			act    mcp.ElicitationResponseAction
			offers int
			note   bool
		}{
			"declined":               {addresses, mcp.ElicitationResponseActionDecline, 1, false},
			"cancelled":              {addresses, mcp.ElicitationResponseActionCancel, 1, false},
			"opened, but not looked": {addresses, mcp.ElicitationResponseActionAccept, 1, true},
			"cannot be offered":      {forms, "", 0, false},
		} {
			t.Run(era+" "+name, func(t *testing.T) {
				w := newWorld(t, worldOptions{config: "passwords: {sink: link}\n"})
				w.invoker.AskFor = 50 * time.Millisecond
				v := w.view(era, c.can)
				v.act, v.look = c.act, false
				before := w.runs()
				a := w.done("cipp_reset_password", in(harbourline, "userId", priya))
				if len(v.offered) != c.offers || strings.Contains(a.text, "was given a page") != c.note {
					t.Errorf("%+v\n%s", v.offered, a.text)
				}
				handle, _ := a.list("secrets")[0]["handle"].(string)
				if !strings.Contains(a.text, "cipp-mcp secrets reveal "+handle) || len(w.reveal(handle)) != 18 {
					t.Errorf("%s", a.text)
				}
				if c.offers == 1 && strings.Contains(v.visit("POST", v.offered[0].URL), "<pre>") {
					t.Error("seen twice")
				}
				if w.runs() != before+1 {
					t.Errorf("executed %d times", w.runs()-before)
				}
			})
		}
	}
}

// runs counts what was executed, by the ledger.
func (w *world) runs() int {
	w.t.Helper()
	all, err := w.env.Policy.Ledger.Jobs(w.t.Context(), "", "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(all)
}

// A client that only opens addresses has no form in which to agree to a plan.
func TestAClientWithoutFormsGetsThePlan(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.view("legacy", &mcp.ElicitationCapability{URL: &struct{}{}})
	if a := w.must("cipp_disable_user", in(harbourline, "userId", priya)); a.v["status"] != "needs_approval" || len(w.asked) != 0 {
		t.Errorf("%s", a.text)
	}
}

// An answer that belongs to no call executes nothing.
func TestAnOffersAnswerExecutesNothing(t *testing.T) {
	w := newWorld(t, worldOptions{config: "approval: {write: none}\n"})
	before := w.state()
	server := mcpserver.New(mcpserver.Options{Invoker: w.invoker, Log: w.log, Version: "test"})
	for _, more := range []string{
		`"requestState":"offer_NOBODYHASMADETHIS","inputResponses":{"reveal0":{"action":"accept"}}`,
		`"inputResponses":{"reveal0":{"action":"accept"}}`,
		`"requestState":"offer_NOBODYHASMADETHIS"`,
	} {
		answer := server.HandleMessage(t.Context(), []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"cipp_edit_user","arguments":{"tenantFilter":"`+harbourline+`","userId":"`+priya+`","jobTitle":"Nobody's answer"},`+more+`}}`))
		if b, err := json.Marshal(answer); err != nil || !strings.Contains(string(b), "token_refused") {
			t.Errorf("%s: %s %v", more, b, err)
		}
	}
	w.unharmed(before)
}

func TestAPushedPasswordIsOfferedByItsLink(t *testing.T) {
	for _, era := range []string{"modern", "legacy"} {
		t.Run(era, func(t *testing.T) {
			w := newWorld(t, worldOptions{config: "cloud: sandbox\npasswords: {sink: passwordPusher}\n"})
			v := w.view(era, addresses)
			v.look = false
			a := w.done("cipp_reset_password", in(harbourline, "userId", priya))
			if len(v.offered) != 1 || !strings.HasPrefix(v.offered[0].URL, w.sandbox.URL()+"/pusher/p/") || !strings.Contains(a.text, "was given a page") {
				t.Fatalf("%+v\n%s", v.offered, a.text)
			}
			pushes := w.sandbox.Pushes()
			if len(pushes) != 1 || len(pushes[0].Payload) != 18 || strings.Contains(a.text, pushes[0].Token) || strings.Contains(a.text, pushes[0].Payload) {
				t.Fatalf("%+v\n%s", pushes, a.text)
			}
			handle, _ := a.list("secrets")[0]["handle"].(string)
			if link := w.reveal(handle); link != v.offered[0].URL {
				t.Errorf("the operator gets %q", link)
			}
			if page := v.visit("GET", v.offered[0].URL); strings.Contains(page, "<pre>") {
				t.Error("the link does not ask first")
			}
			if page := v.visit("GET", strings.TrimSuffix(v.offered[0].URL, "/r")); !strings.Contains(page, "<pre>") {
				t.Errorf("%s", page)
			}
		})
	}
}

// Nothing is asked of Microsoft when the password could not be handed over, and nothing waits.
func TestAPushThatFailsSetsNoPassword(t *testing.T) {
	t.Setenv("CIPP_TEST_PUSHER", "a-token-that-is-wrong")
	w := newWorld(t, worldOptions{config: "cloud: sandbox\npasswords: {sink: passwordPusher, passwordPusher: {token: 'env:CIPP_TEST_PUSHER'}}\n"})
	if w.pusher.url == "" {
		t.Fatal("the sandbox has no Password Pusher")
	}
	before := w.state()
	a := w.must("cipp_reset_password", in(harbourline, "userId", priya))
	if a.v["status"] != "failed" || !strings.Contains(a.text, "refuses the token") || !strings.Contains(a.text, "not begun") || len(a.list("secrets")) != 0 {
		t.Errorf("%s", a.text)
	}
	w.unharmed(before)
	if strings.Contains(a.text, "a-token-that-is-wrong") {
		t.Errorf("%s", a.text)
	}
	if list, _ := w.env.Secrets.List(); len(list) != 0 || len(w.sandbox.Pushes()) != 0 {
		t.Errorf("%v", list)
	}
}

// What Microsoft refused is in force nowhere: the push goes too.
func TestARefusedPasswordsPushIsTakenBack(t *testing.T) {
	w := newWorld(t, worldOptions{config: "cloud: sandbox\npasswords: {sink: passwordPusher}\n"})
	if err := w.sandbox.SetFaults([]byte(`[{"match":{"service":"graph","method":"PATCH","path":"/users/*"},"do":{"status":400,"code":"Request_BadRequest","message":"The specified password does not comply with password complexity requirements. Please provide a different password."}}]`)); err != nil {
		t.Fatal(err)
	}
	a := w.must("cipp_reset_password", in(harbourline, "userId", priya))
	if p := w.sandbox.Pushes(); a.v["status"] != "failed" || len(p) != 1 || !p[0].Deleted {
		t.Errorf("%+v\n%s", p, a.text)
	}
}

func TestAnAgeFileNeedsNoPassphraseHere(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, worldOptions{noPass: true, config: "passwords: {sink: age, ageRecipients: [" + id.Recipient().String() + "]}\n"})
	a := w.done("cipp_reset_password", in(harbourline, "userId", priya))
	handle, _ := a.list("secrets")[0]["handle"].(string)
	dir, err := w.cfg.StatePath()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "secrets", handle+".age"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r, err := age.Decrypt(f, id)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || len(b) != 19 {
		t.Errorf("%q %v", b, err)
	}
	if !strings.Contains(a.text, "age -d -i KEY secrets/"+handle+".age") || strings.Contains(a.text, "secrets reveal") {
		t.Errorf("%s", a.text)
	}
}

var _ client.ElicitationHandler = (*viewer)(nil)
