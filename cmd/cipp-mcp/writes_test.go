package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cipp-mcp/tools"
)

func TestDisableIsPlannedApprovedAndReadBack(t *testing.T) {
	for _, era := range []string{"modern", "legacy"} {
		t.Run(era, func(t *testing.T) {
			w := newWorld(t, worldOptions{era: era})
			before := w.state()
			w.answer = func(string) bool { return false }
			if a := w.must("cipp_disable_user", in(harbourline, "userId", priya)); a.v["status"] != "declined" {
				t.Errorf("%s", a.text)
			}
			w.unharmed(before)
			if len(w.asked) != 1 || !strings.Contains(w.asked[0], priya) || !strings.Contains(w.asked[0], "\n1. block-sign-in") || !strings.Contains(w.asked[0], "enabled → blocked") {
				t.Fatalf("the question: %v", w.asked)
			}
			w.answer = func(string) bool { return true }
			w.done("cipp_disable_user", in(harbourline, "userId", priya, "revokeSessions", true))
			changed := w.changed(before)
			if len(changed) != 2 || !strings.Contains(changed[0], "accountEnabled") {
				t.Errorf("%v", changed)
			}
			if a := w.done("cipp_disable_user", in(harbourline, "userId", priya)); !strings.Contains(a.text, "blocked already") {
				t.Errorf("%s", a.text)
			}
			w.done("cipp_enable_user", in(harbourline, "userId", priya))
		})
	}
}

func TestWithoutAPersonThePlanComesBack(t *testing.T) {
	w := newWorld(t, worldOptions{deaf: true})
	before := w.state()
	args := in(harbourline, "userId", priya)
	plan := w.must("cipp_disable_user", args)
	if plan.v["status"] != "needs_approval" || plan.v["planToken"] == nil {
		t.Fatalf("%s", plan.text)
	}
	w.unharmed(before)
	token := plan.v["planToken"]
	w.refused("plan_refused", "cipp_disable_user", and(args, "planToken", "plan_nonsense"))
	w.refused("plan_refused", "cipp_disable_user", and(args, "planToken", token, "revokeSessions", true))
	w.refused("plan_refused", "cipp_disable_user", in(harbourline, "userId", dana, "planToken", token))
	w.refused("plan_refused", "cipp_enable_user", and(args, "planToken", token))
	w.unharmed(before)
	w.done("cipp_disable_user", and(args, "planToken", token))
	w.done("cipp_enable_user", and(args, "planToken", w.must("cipp_enable_user", and(args, "dryRun", true)).v["planToken"]))
	w.refused("plan_refused", "cipp_disable_user", and(args, "planToken", token))
}

func TestAChangedStateIsNotOverwritten(t *testing.T) {
	w := newWorld(t, worldOptions{deaf: true})
	args := in(harbourline, "userId", priya, "jobTitle", "Chief Analyst")
	plan := w.must("cipp_edit_user", args)
	other := in(harbourline, "userId", priya, "jobTitle", "Somebody else's title")
	w.done("cipp_edit_user", and(other, "planToken", w.must("cipp_edit_user", other).v["planToken"]))
	before := w.state()
	a := w.refused("state_changed", "cipp_edit_user", and(args, "planToken", plan.v["planToken"]))
	if !strings.Contains(a.text, "Somebody else") {
		t.Errorf("the difference is not shown: %s", a.text)
	}
	w.unharmed(before)
}

func TestAPlanExpiresWithTheClock(t *testing.T) {
	w := newWorld(t, worldOptions{deaf: true})
	args := in(harbourline, "userId", priya)
	plan := w.must("cipp_disable_user", args)
	w.sandbox.Advance(11 * time.Minute)
	a := w.refused("plan_refused", "cipp_disable_user", and(args, "planToken", plan.v["planToken"]))
	if !strings.Contains(a.text, "expired") {
		t.Errorf("%s", a.text)
	}
}

func TestReadOnlyHidesAndRefuses(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, worldOptions{})
	w.invoker.Engine.Embedded = false // as against any other cloud
	list, err := w.client.ListTools(t.Context(), listTools)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range list.Tools {
		if !*tool.Annotations.ReadOnlyHint {
			t.Errorf("%s is listed", tool.Name)
		}
	}
	if reads := len(slices.DeleteFunc(tools.All(), tools.Tool.Writes)); len(list.Tools) != reads {
		t.Errorf("%d tools, and %d read", len(list.Tools), reads)
	}
	before := w.state()
	a := w.refused("read_only", "cipp_disable_user", in(harbourline, "userId", priya))
	if !strings.Contains(a.text, "access: write") {
		t.Errorf("%s", a.text)
	}
	w.unharmed(before)
	_ = dir
}

func TestSwitchedOffToolsSayWhoSwitchesThemOn(t *testing.T) {
	w := newWorld(t, worldOptions{config: "tools: {remove: [cipp_reset_password]}\n"})
	list, err := w.client.ListTools(t.Context(), listTools)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range list.Tools {
		if tool.Name == "cipp_reset_password" {
			t.Error("it is listed")
		}
	}
	w.refused("switched_off", "cipp_reset_password", in(harbourline, "userId", priya))
}

func TestCreateUser(t *testing.T) {
	w := newWorld(t, worldOptions{})
	args := in(harbourline, "displayName", "Nia O'Reyes", "userPrincipalName", "nia@"+harbourline, "mailNickname", "nia", "firstName", "Nia", "usageLocation", "gb")
	a := w.done("cipp_create_user", args)
	if a.v["createdId"] == nil || len(a.list("secrets")) != 1 {
		t.Fatalf("%s", a.text)
	}
	handle, _ := a.list("secrets")[0]["handle"].(string)
	if secret := w.reveal(handle); len(secret) != 18 || strings.Contains(a.text, secret) {
		t.Error("the password is weak, or was shown")
	}
	u := w.must("cipp_get_user", in(harbourline, "userId", "nia@"+harbourline))
	if !strings.Contains(u.text, "GB") {
		t.Errorf("%s", u.text)
	}
	taken := w.must("cipp_create_user", args)
	if taken.v["status"] != "blocked" || !strings.Contains(taken.text, "is taken by") {
		t.Errorf("%s", taken.text)
	}
	foreign := w.must("cipp_create_user", and(args, "userPrincipalName", "nia@elsewhere.example"))
	if foreign.v["status"] != "blocked" || !strings.Contains(foreign.text, "no verified domain") {
		t.Errorf("%s", foreign.text)
	}
	w.refused("invalid_argument", "cipp_create_user", and(args, "mailNickname", "nia@x"))
}

func TestEditUser(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	w.done("cipp_edit_user", in(harbourline, "userId", priya, "jobTitle", "Head of Pricing", "businessPhone", "+44 20 7946 0000", "clear", "officeLocation", "managerId", marta))
	for _, c := range w.changed(before) {
		if !strings.Contains(c, priya) {
			t.Errorf("somebody else changed: %s", c)
		}
	}
	w.refused("invalid_argument", "cipp_edit_user", in(harbourline, "userId", priya))
	w.refused("invalid_argument", "cipp_edit_user", in(harbourline, "userId", priya, "clear", "displayName"))
	w.refused("invalid_argument", "cipp_edit_user", in(harbourline, "userId", priya, "jobTitle", ""))
	if a := w.must("cipp_edit_user", in(harbourline, "userId", priya, "newUserPrincipalName", marta)); a.v["status"] != "blocked" {
		t.Errorf("%s", a.text)
	}
	w.done("cipp_edit_user", in(harbourline, "userId", priya, "newUserPrincipalName", "p.shah@"+harbourline))
}

func TestResetPasswordKeepsItFromEverybody(t *testing.T) {
	w := newWorld(t, worldOptions{})
	a := w.done("cipp_reset_password", in(harbourline, "userId", priya, "ticket", "T-1"))
	handle, _ := a.list("secrets")[0]["handle"].(string)
	secret := w.reveal(handle)
	found := ""
	dir, err := w.cfg.StatePath()
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(filepath.Dir(dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), secret) {
			found = path
		}
		return err
	})
	if err != nil || found != "" {
		t.Errorf("%s holds the password, %v", found, err)
	}
	if b, _ := json.Marshal(a.v); strings.Contains(string(b), secret) || strings.Contains(a.text, secret) {
		t.Error("the result holds the password")
	}
	const own = "A-password-of-my-0wn"
	b := w.done("cipp_reset_password", in(harbourline, "userId", priya, "newPassword", own))
	if !strings.Contains(b.text, "was seen by the model") || strings.Contains(b.text, own) || len(b.list("secrets")) != 0 {
		t.Errorf("%s", b.text)
	}
}

func TestResetPasswordRefusals(t *testing.T) {
	w := newWorld(t, worldOptions{noPass: true, config: "passwords: {fromCaller: refuse}\n"})
	before := w.state()
	if a := w.must("cipp_reset_password", in(harbourline, "userId", priya)); a.v["status"] != "blocked" || !strings.Contains(a.text, "secrets init") {
		t.Errorf("%s", a.text)
	}
	w.refused("password_refused", "cipp_reset_password", in(harbourline, "userId", priya, "password", "whatever-1234"))
	for user, why := range map[string]string{ingrid: "Active Directory", "anna_vendor-supplies.example#EXT#@harbourlinefreight.onmicrosoft.com": "guest", "tomasz.brennan@harbourline.example": "administrator"} {
		if a := w.must("cipp_reset_password", in(harbourline, "userId", user)); a.v["status"] != "blocked" || !strings.Contains(a.text, why) {
			t.Errorf("%s: %s", user, a.text)
		}
	}
	w.unharmed(before)
}

func TestBreakGlassAccountsAreNotTouched(t *testing.T) {
	const emergency = "emergency@harbourlinefreight.onmicrosoft.com"
	w := newWorld(t, worldOptions{config: "guards: {breakGlass: [" + emergency + "]}\n"})
	before := w.state()
	for _, tool := range []string{"cipp_disable_user", "cipp_reset_password", "cipp_reset_mfa", "cipp_revoke_sessions", "cipp_offboard_user"} {
		if a := w.must(tool, in(harbourline, "userId", emergency)); a.v["status"] != "blocked" && a.v["status"] != "done" || !strings.Contains(a.text, "break-glass") {
			t.Errorf("%s: %s", tool, a.text)
		}
	}
	w.unharmed(before)
}

func TestResetMFARemovesTheDefaultLast(t *testing.T) {
	w := newWorld(t, worldOptions{})
	a := w.done("cipp_reset_mfa", in("brightwell.example", "userId", demoVictim))
	if len(a.list("steps")) < 2 {
		t.Errorf("%s", a.text)
	}
	if m := w.must("cipp_get_user", in("brightwell.example", "userId", demoVictim, "sections", "mfa")); strings.Contains(m.text, "method ") {
		t.Errorf("%s", m.text)
	}
}

func TestOffboardInTheSafeOrder(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	a := w.done("cipp_offboard_user", in(harbourline, "userId", dana, "convertToShared", true, "removeLicenses", true, "removeFromGroups", true, "forwardingAddress", demoManager, "outOfOfficeMessage", "Gone & <not> back", "hideFromGal", true))
	var order []string
	for _, s := range a.list("steps") {
		order = append(order, s["step"].(string))
	}
	at := func(name string) int {
		i := slices.Index(order, name)
		if i < 0 {
			t.Fatalf("%s is no step of %v", name, order)
		}
		return i
	}
	if at("block-sign-in") != 0 || at("revoke-sessions") != 1 || at("out-of-office") > at("convert-to-shared") || at("remove-licenses") < at("convert-to-shared") {
		t.Errorf("%v", order)
	}
	for _, c := range w.changed(before) {
		if !strings.Contains(c, dana) && !expected(c) {
			t.Errorf("somebody else changed: %s", c)
		}
	}
	if m := w.must("cipp_get_user", in(harbourline, "userId", dana, "sections", "mailbox")); !strings.Contains(m.text, "SharedMailbox") || !strings.Contains(m.text, "auto-reply Enabled") {
		t.Errorf("%s", m.text)
	}
	if again := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "convertToShared", true, "removeLicenses", true, "dryRun", true)); !strings.Contains(again.text, "nothing to do") {
		t.Errorf("%s", again.text)
	}
}

// The leaver with traps: 62 GB, litigation hold, last owner, licence by group, dynamic and synced groups.
func TestOffboardStopsBeforeTheTraps(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	a := w.must("cipp_offboard_user", in(harbourline, "userId", gareth, "convertToShared", true, "removeLicenses", true, "removeFromGroups", true))
	if a.v["status"] != "blocked" {
		t.Fatalf("%s", a.text)
	}
	for _, say := range []string{"on hold", "may hold 50 GB", "only owner"} {
		if !strings.Contains(a.text, say) {
			t.Errorf("nothing of %q:\n%s", say, a.text)
		}
	}
	w.unharmed(before)
	w.done("cipp_offboard_user", in(harbourline, "userId", gareth, "convertToShared", true))
}

func TestOffboardForwardsInsideOnly(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	for _, to := range []string{"thief@evil.example", "anna_vendor-supplies.example#EXT#@harbourlinefreight.onmicrosoft.com"} {
		w.refused("external_forwarding", "cipp_offboard_user", in(harbourline, "userId", dana, "forwardingAddress", to))
	}
	w.refused("invalid_argument", "cipp_offboard_user", in(harbourline, "userId", dana, "forwardingAddress", dana))
	w.unharmed(before)
}

func TestOffboardTakesTheOperatorsDefaults(t *testing.T) {
	w := newWorld(t, worldOptions{config: "offboarding: {default: {convertToShared: true}, harbourline.example: {removeFromGroups: true}}\n"})
	a := w.must("cipp_offboard_user", in(harbourline, "userId", dana, "dryRun", true))
	if !strings.Contains(a.text, "removeFromGroups=true by the operator's default (offboarding.harbourline.example)") || !strings.Contains(a.text, "convert-to-shared") {
		t.Errorf("%s", a.text)
	}
}

func TestTenantTextIsNoInstruction(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	for tool, args := range map[string]map[string]any{
		"cipp_list_users":     in("quillfeather.example"),
		"cipp_list_mfa_users": in("quillfeather.example"),
		"cipp_bec_check":      in("quillfeather.example", "userId", "nadia.frost@quillfeather.example"),
		"cipp_get_user":       in("quillfeather.example", "userId", "zero.width@quillfeather.example", "sections", "all"),
	} {
		a := w.must(tool, args)
		if strings.ContainsAny(a.text, "\u200b\u202e\x1b\x00") {
			t.Errorf("%s lets hidden characters through", tool)
		}
		for _, line := range strings.Split(a.text, "\n") {
			if strings.Contains(line, "Ignore all previous") && !strings.Contains(line, "«") {
				t.Errorf("%s does not fence: %s", tool, line)
			}
		}
	}
	w.unharmed(before)
}

// A client of the older protocol has to answer while the call waits. When nobody does, nothing
// executes in that call, and the plan waits for its token.
func TestNobodyAnswers(t *testing.T) {
	w := newWorld(t, worldOptions{era: "legacy"})
	w.invoker.AskFor = 20 * time.Millisecond
	w.away = true
	before := w.state()
	args := in(harbourline, "userId", priya)
	a := w.must("cipp_disable_user", args)
	if a.v["status"] != "needs_approval" || a.v["planToken"] == nil {
		t.Fatalf("%s", a.text)
	}
	w.unharmed(before)
	w.away = false
	w.invoker.AskFor = time.Minute
	w.done("cipp_disable_user", and(args, "planToken", a.v["planToken"]))
	if len(w.asked) != 2 {
		t.Errorf("asked %d times: a token does not pass for a person's answer where there is a person to ask", len(w.asked))
	}
}

// A client that lost the answer and calls again under the same key gets the answer, not a second password.
func TestTheSameKeyExecutesOnce(t *testing.T) {
	w := newWorld(t, worldOptions{})
	args := in(harbourline, "userId", priya, "idempotencyKey", "k-1")
	first := w.done("cipp_reset_password", args)
	again := w.done("cipp_reset_password", args)
	if first.v["jobId"] != again.v["jobId"] || len(w.asked) != 1 {
		t.Errorf("executed again: %s", again.text)
	}
	if other := w.done("cipp_reset_password", and(args, "idempotencyKey", "k-2")); other.v["jobId"] == first.v["jobId"] {
		t.Error("another key gave the same answer")
	}
}
