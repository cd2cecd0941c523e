package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"cipp-mcp/internal/config"
	"cipp-mcp/test/leaks"
)

// awkward makes passwords that every kind of escaping has to touch, and that a test knows beforehand.
func awkward(tag string) func() (string, error) {
	var mu sync.Mutex
	n := 0
	return func() (string, error) {
		mu.Lock()
		defer mu.Unlock()
		n++
		return awkwardPassword(tag, n), nil
	}
}

func awkwardPassword(tag string, n int) string {
	return fmt.Sprintf(`Zq&<"+%s/%02d'>%%\Lantern-%s`, tag, n, tag)
}

// awkwardly many are searched for, whether they were made or not.
const awkwardly = 26

// given is a password that a caller chose: it came in by the door, and may be nowhere else.
const given = `Gv&<"+my-own/Password'%\Chosen-1`

// story sets passwords in every way there is.
func (r *run) story() {
	r.t.Helper()
	last := 0
	set := func(status, tool string, args map[string]any) {
		r.t.Helper()
		handle, shown := r.call(status, tool, args)
		if handle == "" {
			r.t.Fatalf("%s gave no handle", tool)
		}
		if r.sink == config.SinkLink && shown == r.decline {
			r.t.Errorf("%s: shown is %v", tool, shown)
		}
		last = r.delivered(last, handle, shown)
	}
	nia := in(harbourline, "displayName", "Nia <& Reyes>", "userPrincipalName", "nia@"+harbourline, "mailNickname", "nia", "usageLocation", "gb")
	set("done", "cipp_create_user", nia)
	set("done", "cipp_reset_password", in(harbourline, "userId", priya))
	set("done", "cipp_offboard_user", in(harbourline, "userId", dana, "resetPassword", true))
	r.faults(`[{"match":{"service":"graph","method":"PATCH","path":"/users/*"},"do":{"status":400,"code":"Request_BadRequest","message":"The specified password does not comply with password complexity requirements. Please provide a different password."}}]`)
	if handle, _ := r.call("failed", "cipp_reset_password", in(harbourline, "userId", priya)); handle != "" {
		r.t.Errorf("a refused password has the handle %s", handle)
	}
	r.faults(`[{"match":{"service":"graph","method":"PATCH","path":"/users/*"},"do":{"effect":"before","cut":true}}]`)
	set("done", "cipp_reset_password", in(harbourline, "userId", gareth))
	r.faults(`[{"match":{"service":"graph","method":"POST","path":"/users"},"do":{"effect":"before","status":504}}]`)
	set("done", "cipp_create_user", and(nia, "userPrincipalName", "nia.two@"+harbourline, "mailNickname", "nia.two"))
	r.faults(`[{"match":{"service":"graph","method":"PATCH","path":"/users/*"},"do":{"effect":"none","cut":true}}]`)
	r.call("failed", "cipp_reset_password", in(harbourline, "userId", demoManager)) // lost on the way, more than once
	r.faults("null")
	r.call("done", "cipp_reset_password", in(harbourline, "userId", priya, "password", given, "reason", "it becomes "+given, "ticket", given))
	r.call("", "cipp_reset_password", in(harbourline, "userId", given)) // quoted in an error
	r.call("scheduled", "cipp_reset_password", in(harbourline, "userId", dana, "password", given, "runAt", "2026-03-14T09:00:00Z"))
	r.call("needs_approval", "cipp_reset_password", in(harbourline, "userId", marta, "password", given)) // an administrator
	pass := func(args map[string]any) {
		r.t.Helper()
		handle, shown := r.call("done", "cipp_create_tap", args)
		got := r.opened(handle, shown)
		if len(got) != 8 || handle == "" {
			r.t.Fatalf("%q is no Temporary Access Pass", got)
		}
		r.passes = append(r.passes, got)
	}
	pass(in(harbourline, "userId", priya, "usableOnce", true))
	r.faults(`[{"match":{"service":"graph","method":"POST","path":"/users/*/authentication/temporaryAccessPassMethods"},"do":{"effect":"before","cut":true},"times":1}]`)
	pass(in(harbourline, "userId", gareth))
	r.faults("null")
	r.many(&last)
	r.decline = true
	set("done", "cipp_reset_password", in(harbourline, "userId", demoManager))
	pass(in(harbourline, "userId", dana))
}

// many sets passwords of several users at once: those that are made lie together in one secret, with those of callers
// and of rows that Microsoft refused nowhere.
func (r *run) many(last *int) {
	r.t.Helper()
	set := func(status string, made int, args map[string]any) {
		r.t.Helper()
		handle, shown := r.call(status, "cipp_bulk_action", args)
		rows, err := csv.NewReader(strings.NewReader(r.opened(handle, shown))).ReadAll()
		if err != nil || len(rows) != made+1 {
			r.t.Fatalf("%s gave %d rows, %v", r.sink, len(rows), err)
		}
		before := *last
		for _, row := range rows[1:] {
			n := before + 1
			for n <= awkwardly && row[2] != awkwardPassword(r.tag, n) {
				n++
			}
			if n > awkwardly {
				r.t.Fatalf("%q is none after password %d", row[2], before)
			}
			*last = max(*last, n)
		}
		r.readRows()
	}
	own := `"` + strings.ReplaceAll(given, `"`, `""`) + `"`
	set("done", 2, in(harbourline, "action", "cipp_reset_password", "csv", "userId,newPassword\n"+priya+",\n"+gareth+",\n"+demoManager+","+own+"\n"))
	set("done", 2, in(harbourline, "action", "cipp_create_user", "arguments", map[string]any{"usageLocation": "GB"},
		"csv", "displayName,userPrincipalName,password\nOmar,omar@"+harbourline+",\nLea,lea@"+harbourline+",\nPia,pia@"+harbourline+","+own+"\n"))
	r.faults(`[{"match":{"service":"graph","method":"PATCH","path":"/users/*"},"times":1,"do":{"status":400,"code":"Request_BadRequest","message":"The specified password does not comply with password complexity requirements. Please provide a different password."}}]`)
	set("attention", 2, in(harbourline, "action", "cipp_reset_password", "targets", []string{priya, gareth}))
	r.faults("null")
	r.call("", "cipp_bulk_action", in(harbourline, "action", "cipp_reset_password", "csv", "userId,newPassword\n"+priya+","+own+"\nnobody@"+harbourline+","+own+"\n"))
	r.call("", "cipp_bulk_action", in(harbourline, "action", "cipp_reset_password", "csv", "userId,password\n"+priya+","+strings.Repeat("x", 300)+"\n"))
}

// readRows reads every resource of the last result's job, as a client does.
func (r *run) readRows() {
	r.t.Helper()
	found := regexp.MustCompile(`(run_[0-9a-f]{32})/rows\.csv`).FindStringSubmatch(r.results[len(r.results)-1])
	if found == nil {
		r.t.Fatalf("no rows in %s", r.results[len(r.results)-1])
	}
	id := found[1]
	for _, of := range []string{"rows.csv", "record", "record.json"} {
		q := mcp.ReadResourceRequest{}
		q.Params.URI = "cipp://jobs/" + id + "/" + of
		res, err := r.client.ReadResource(r.t.Context(), q)
		r.fatal(err)
		b, err := json.Marshal(res)
		r.fatal(err)
		r.results = append(r.results, string(b))
	}
	q := mcp.CallToolRequest{}
	q.Params.Name, q.Params.Arguments = "cipp_get_job", map[string]any{"jobId": id}
	res, err := r.client.CallTool(r.t.Context(), q)
	r.fatal(err)
	b, err := json.Marshal(res)
	r.fatal(err)
	r.results = append(r.results, string(b))
}

// search looks through everything for the passwords, the caller's own and the links.
func (r *run) search(when string) (found []leaks.Finding) {
	r.t.Helper()
	made := map[string]string{}
	for n := 1; n <= awkwardly; n++ {
		made[fmt.Sprintf("password %d", n)] = awkwardPassword(r.tag, n)
	}
	for n, p := range r.passes {
		made[fmt.Sprintf("pass %d", n+1)] = p
	}
	passwords, err := leaks.New(made)
	r.fatal(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	links := map[string]string{"the caller's own": given, "the pusher's token": r.cloud.Client().Pusher.Token}
	for name, token := range r.tokens {
		links[name] = token
	}
	// These may be on the wire: what a caller chose in its call, an address in the question to the person.
	addresses, err := leaks.New(links)
	r.fatal(err)
	texts := []byte(strings.Join(r.results, "\n") + strings.Join(r.asked, "\n"))
	found = append(found, passwords.Search("what went in", r.wire[0].bytes())...)
	found = append(found, passwords.Search("what came out", r.wire[1].bytes())...)
	found = append(found, passwords.Search("results and questions", texts)...)
	found = append(found, addresses.Search("results and questions", texts)...)
	for _, s := range []*leaks.Searcher{passwords, addresses} {
		more, files, err := s.Tree(r.base)
		r.fatal(err)
		if files < 6 {
			r.t.Errorf("%s: only %d files were searched", when, files)
		}
		found = append(found, more...)
	}
	return found
}

// A full run with every sink, in both protocol eras, at the most talkative log level, leaves no secret
// behind: in no result, question, log, file of the state, temporary file or recording.
func TestNothingLeaks(t *testing.T) {
	for _, sink := range []string{config.SinkTerminal, config.SinkLink, config.SinkAge, config.SinkPasswordPusher} {
		for _, era := range []string{"modern", "legacy"} {
			t.Run(sink+" "+era, func(t *testing.T) {
				t.Parallel()
				r := startRun(t, sink, era)
				r.story()
				if logs, err := filepath.Glob(filepath.Join(r.base, "state", "*", "*.db-wal")); err != nil || len(logs) == 0 {
					t.Errorf("no write-ahead log was searched: %v", err)
				}
				for _, f := range r.search("while it runs") {
					t.Errorf("while it runs: %s", f)
				}
				if want := sink == config.SinkLink || sink == config.SinkPasswordPusher; want != (len(r.tokens) > 3) {
					t.Errorf("%d pages were offered", len(r.tokens))
				}
				_ = r.client.Close()
				if err := r.cmd.Wait(); err != nil {
					t.Errorf("the program ended with %v", err)
				}
				for _, f := range r.search("afterwards") {
					t.Errorf("afterwards: %s", f)
				}
				for _, place := range []string{"tmp", "record", "state"} {
					b, err := json.Marshal(awkwardPassword(r.tag, 2))
					r.fatal(err)
					r.fatal(os.WriteFile(filepath.Join(r.base, place, "planted"), b, 0o600))
				}
				found := fmt.Sprint(r.search("with leaks in it"))
				for _, place := range []string{"tmp", "record", "state"} { // the search looks there
					if !strings.Contains(found, filepath.Join(r.base, place, "planted")) {
						t.Errorf("a leak in %s was not found", place)
					}
				}
			})
		}
	}
}

// Microsoft may repeat in an error what it was sent. What is passed on then has no password in it.
func TestMicrosoftsEchoIsRedacted(t *testing.T) {
	for _, password := range []string{`Zq&<"+9x/'>%\Lantern-81`, `"Zq'Lantern«&»-<b>-82"`, "Zq&<\"+Lantern \u00e9-83", strings.Repeat(`x"&`, 60) + "Lantern"} {
		for _, status := range []int{400, 403, 409, 500} {
			w := newWorld(t, worldOptions{})
			w.env.Secrets.Generate = func() (string, error) { return password, nil }
			message, err := json.Marshal("Property passwordProfile has the invalid value '" + password + "'; " + password + " was refused.")
			if err != nil {
				t.Fatal(err)
			}
			if err := w.sandbox.SetFaults(fmt.Appendf(nil, `[{"match":{"service":"graph","method":"PATCH","path":"/users/*"},"do":{"status":%d,"code":"Request_BadRequest","message":%s}}]`, status, message)); err != nil {
				t.Fatal(err)
			}
			a := w.must("cipp_reset_password", in(harbourline, "userId", priya))
			if a.v["status"] == "done" {
				t.Fatalf("%s", a.text)
			}
			s, err := leaks.New(map[string]string{"the password": password, "its end": "Lantern-"[:7] + password[len(password)-3:]})
			if err != nil {
				t.Fatal(err)
			}
			dir, err := w.cfg.StatePath()
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(a.v)
			if err != nil {
				t.Fatal(err)
			}
			found, _, err := s.Tree(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range append(append(found, s.Search("the result", b)...), s.Search("the text", []byte(a.text))...) {
				t.Errorf("%d: %s\n%s", status, f, a.text)
			}
		}
	}
}
