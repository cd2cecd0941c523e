package main

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/tools"
	"cipp-mcp/workflows"
)

// history runs a write as a durable job, and undoes it from what the ledger kept, each in a process that
// remembers nothing else: the steps are made anew from tool, arguments and run.
type history struct {
	*world
	ledger *jobs.Ledger
	tool   string
	args   map[string]any
	job    jobs.Job
}

func (w *world) history(tool string, args map[string]any) *history {
	w.t.Helper()
	l, err := jobs.OpenLedger(w.t.Context(), w.t.TempDir(), w.env.Clock, clock.System{})
	if err != nil {
		w.t.Fatal(err)
	}
	h := &history{world: w, ledger: l, tool: tool, args: args}
	worker := &jobs.Worker{Ledger: l, Ambiguous: graphclient.IsAmbiguous, Explain: func(err error) string { return err.Error() }, Registry: jobs.Registry{
		tool: func(ctx context.Context, info jobs.RunInfo) ([]jobs.Step, error) { return h.steps(ctx, info.Run) },
		"undo": func(ctx context.Context, _ jobs.RunInfo) ([]jobs.Step, error) {
			return h.undoSteps(ctx)
		},
	}}
	loop := jobs.NewLoop(l, 1, func(id string, err error) { w.t.Errorf("%s: %v", id, err) })
	ctx, cancel := context.WithCancel(context.Background())
	var over sync.WaitGroup
	over.Go(func() { _ = loop.Run(ctx, worker.Work) })
	w.t.Cleanup(func() {
		cancel()
		over.Wait()
		if err := l.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return h
}

// steps are the tool's steps for a run, new or kept.
func (h *history) steps(ctx context.Context, run *jobs.Run) ([]jobs.Step, error) {
	t, _ := tools.ByName(h.tool)
	in := reflect.New(t.Input).Interface()
	b, err := json.Marshal(h.args)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, in); err != nil {
		return nil, err
	}
	call, err := h.env.NewCall(ctx, t, in)
	if err != nil {
		return nil, err
	}
	call.Run = run
	work, err := t.Work(ctx, call, in)
	return work.Steps, err
}

// undoSteps are the undo steps of the job's steps that were done, in their order.
func (h *history) undoSteps(ctx context.Context) ([]jobs.Step, error) {
	steps, err := h.steps(ctx, h.job.Run)
	if err != nil {
		return nil, err
	}
	var out []jobs.Step
	for _, s := range steps {
		if s.Undo == nil || !slices.ContainsFunc(h.job.Steps, func(r jobs.StepRow) bool { return r.Name == s.Name && r.State == jobs.StateDone }) {
			continue
		}
		u, err := s.Undo(ctx, h.job.Run)
		if err != nil {
			return nil, err
		}
		if u != nil {
			out = append(out, *u)
		}
	}
	return workflows.OrderUndo(out), nil
}

// run plans steps and takes them to their end.
func (h *history) run(kind string, steps []jobs.Step, run *jobs.Run) jobs.Job {
	h.t.Helper()
	ctx := h.t.Context()
	var changes []jobs.Change
	for _, s := range steps {
		c, err := s.Plan(ctx, run)
		if err != nil || len(c.Blockers) > 0 {
			h.t.Fatalf("%s: %v %v", s.Name, err, c.Blockers)
		}
		changes = append(changes, c)
	}
	if err := h.ledger.Create(ctx, jobs.NewRun{Run: run, Kind: kind, Steps: steps, Changes: changes}); err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	job, err := h.ledger.Wait(ctx, run.ID, nil)
	if err != nil || !job.Ended() {
		h.t.Fatalf("%s: %s, %v", kind, job.State, err)
	}
	if job, err = h.ledger.Job(h.t.Context(), run.ID); err != nil {
		h.t.Fatal(err)
	}
	return job
}

// do runs the tool and expects it done.
func (h *history) do() {
	h.t.Helper()
	tenant, err := h.env.Graph.ResolveTenant(h.t.Context(), h.args["tenantFilter"].(string))
	if err != nil {
		h.t.Fatal(err)
	}
	user, err := h.env.Graph.User(h.t.Context(), tenant.ID, h.args["userId"].(string), "id", "userPrincipalName")
	if err != nil {
		h.t.Fatal(err)
	}
	run := h.invoker.Engine.NewRun(h.tool, tenant, &user)
	steps, err := h.steps(h.t.Context(), run)
	if err != nil {
		h.t.Fatal(err)
	}
	h.job = h.run(h.tool, steps, run)
	if s := policy.Status(h.job.Results()); s != "done" {
		h.t.Fatalf("%s: %+v", s, h.job.Results())
	}
	again, err := h.steps(h.t.Context(), h.job.Run)
	if err != nil {
		h.t.Fatal(err)
	}
	if a, b := stepNames(steps), stepNames(again); !slices.Equal(a, b) {
		h.t.Errorf("another process makes other steps of the run:\n%v\n%v", a, b)
	}
}

// undo brings back what can be, and answers the undo run.
func (h *history) undo() jobs.Job {
	h.t.Helper()
	steps, err := h.undoSteps(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	run := &jobs.Run{ID: h.job.Run.ID + "-undo", Tool: "undo", TenantID: h.job.Run.TenantID, Tenant: h.job.Run.Tenant, UserID: h.job.Run.UserID, User: h.job.Run.User}
	job := h.run("undo", steps, run)
	for _, r := range job.Results() {
		if r.State != jobs.StateDone && r.State != jobs.StateNothing {
			h.t.Errorf("%s is %s: %s", r.Step, r.State, r.Detail)
		}
	}
	return job
}

func stepNames(steps []jobs.Step) []string {
	var out []string
	for _, s := range steps {
		out = append(out, s.Name)
	}
	return out
}

// remains fails where what differs from before is not what is expected, each a part of a difference.
func (w *world) remains(before []byte, expected ...string) {
	w.t.Helper()
	changed := w.changed(before)
	for _, c := range changed {
		if !slices.ContainsFunc(expected, func(e string) bool { return strings.Contains(c, e) }) {
			w.t.Errorf("still different: %s", c)
		}
	}
	for _, e := range expected {
		if !slices.ContainsFunc(changed, func(c string) bool { return strings.Contains(c, e) }) {
			w.t.Errorf("%s is as it was, and was expected not to be", e)
		}
	}
}

// byGroup licenses Dana through a group, and not directly.
func byGroup(t *testing.T, g m) {
	dana := userOf(t, g, dana)
	group := groupOf(t, g, "Licences – E5 (Operations)")
	group["members"] = append(group["members"].([]any), dana["id"])
	dana["assignedLicenses"] = []any{}
}

// planOff switches a service plan of Dana's licence off.
func planOff(t *testing.T, g m) {
	plan := find(t, g["subscribedSkus"].([]any)[0].(m)["servicePlans"], "servicePlanName", "SHAREPOINTENTERPRISE")
	userOf(t, g, dana)["assignedLicenses"].([]any)[0].(m)["disabledPlans"] = []any{plan["servicePlanId"]}
}

func TestAnOffboardingIsUndone(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, g m)
		first  string
		also   []string
	}{
		"a direct licence":  {planOff, "undo-remove-licenses", []string{"lastUpdatedDateTime"}},
		"a group's licence": {byGroup, "undo-leave-group-", nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, story(t, func(g, _ m) { c.change(t, g) }))
			before := w.state()
			h := w.history("cipp_offboard_user", in(harbourline, "userId", dana, "convertToShared", true, "removeLicenses", true, "removeFromGroups", true,
				"hideFromGal", true, "forwardingAddress", priya, "outOfOfficeMessage", "I have left."))
			h.do()
			if u := w.must("cipp_get_user", in(harbourline, "userId", dana)); !strings.Contains(u.text, "BLOCKED") || !strings.Contains(u.text, "licences: none") {
				t.Errorf("%s", u.text)
			}
			// The world goes on: what came since is no part of the undo.
			w.done("cipp_edit_user", in(harbourline, "userId", dana, "jobTitle", "Former colleague"))
			job := h.undo()
			w.remains(before, append(c.also, "jobTitle", "signInSessionsValidFromDateTime", "WhenChanged", // the sandbox writes down what it left out before:
				"DeliverToMailboxAndForward: (none) → false", "HiddenFromAddressListsEnabled: (none) → false")...)
			var names []string
			for _, r := range job.Results() {
				names = append(names, r.Step)
			}
			at := func(s string) int {
				return slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, s) })
			}
			if at(c.first) != 0 || at("undo-convert-to-shared") != 1 || at("undo-block-sign-in") != len(names)-1 {
				t.Errorf("the order: %v", names)
			}
		})
	}
}

// Without a licence the mailbox stays shared, or it would be lost.
func TestAMailboxIsNotMadeAUsersWithoutALicence(t *testing.T) {
	w := newWorld(t, worldOptions{})
	h := w.history("cipp_offboard_user", in(harbourline, "userId", dana, "convertToShared", true, "removeLicenses", true))
	h.do()
	steps, err := h.undoSteps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(steps, func(s jobs.Step) bool { return s.Name == "undo-convert-to-shared" })
	if i < 0 || !slices.Contains(steps[i].Needs, "undo-remove-licenses") {
		t.Fatalf("%v", stepNames(steps))
	}
	if _, err := steps[i].Do(t.Context(), &jobs.Run{}); err == nil || !strings.Contains(err.Error(), "not begun") {
		t.Errorf("%v", err)
	}
}

// A step that found its effect there already brings nothing back: it changed nothing.
func TestWhatWasSoBeforeStaysSo(t *testing.T) {
	w := newWorld(t, story(t, func(g, x m) {
		userOf(t, g, dana)["accountEnabled"] = false
		mailboxOf(t, x, dana)["HiddenFromAddressListsEnabled"] = true
	}))
	h := w.history("cipp_offboard_user", in(harbourline, "userId", dana, "hideFromGal", true))
	h.do()
	steps, err := h.undoSteps(t.Context())
	if err != nil || len(steps) != 0 {
		t.Errorf("%v %v", stepNames(steps), err)
	}
}

// Whoever was taken out of a group by somebody else in the meantime is not put back by an undo.
func TestAGroupLeftByOthersIsNotJoinedAgain(t *testing.T) {
	var group string
	w := newWorld(t, story(t, func(g, _ m) { group = groupOf(t, g, "CRM Users")["id"].(string) }))
	h := w.history("cipp_offboard_user", in(harbourline, "userId", dana, "removeFromGroups", true))
	tenant, err := w.env.Graph.ResolveTenant(t.Context(), harbourline)
	if err != nil {
		t.Fatal(err)
	}
	u, err := w.env.Graph.User(t.Context(), tenant.ID, dana, "id", "userPrincipalName")
	if err != nil {
		t.Fatal(err)
	}
	run := w.invoker.Engine.NewRun(h.tool, tenant, &u)
	steps, err := h.steps(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.env.Graph.RemoveGroupMember(t.Context(), tenant.ID, group, u.ID); err != nil {
		t.Fatal(err)
	}
	h.job = h.run(h.tool, steps, run)
	back, err := h.undoSteps(t.Context())
	if names := stepNames(back); err != nil || slices.Contains(names, "undo-leave-group-"+group) || len(names) != 8 { // five groups, two ownerships, the block
		t.Errorf("%v %v", names, err)
	}
}
