package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
)

const (
	e5     = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
	p2     = "84a661c4-e949-4bd2-a560-ed7766fcaf2b"
	visio  = "c5928f49-12ba-48f7-ada3-0d743a3601d5"
	stefan = "stefan.kruse@harbourline.example" // without a licence
	lewis  = "lewis.carrick@harbourline.example"
	hamish = "hamish.stewart@harbourline.example" // synchronised, without a usage location
)

// noVisio uses up the tenant's two seats of Visio.
func noVisio(w *world) {
	for _, u := range []string{dana, lewis} {
		w.done("cipp_manage_user_licenses", in(harbourline, "userId", u, "addLicenseSkuIds", []string{"VISIOCLIENT"}))
	}
	w.mark()
}

var licenceCapabilities = map[string]capability{
	"K1": {
		what: "lists licences with product names and free seats, those promised by jobs that wait taken off", tool: "cipp_list_licenses",
		does: func(w *world) {
			row := w.must("cipp_list_licenses", in(harbourline, "search", "visio")).row(w.t, "licenses", "skuId", visio)
			if row["name"] != "Visio Plan 2" || row["free"] != 2.0 || row["total"] != 2.0 {
				w.t.Errorf("%v", row)
			}
			at := w.env.Clock.Now().Add(24 * time.Hour).Format(time.RFC3339)
			w.must("cipp_manage_user_licenses", in(harbourline, "userId", dana, "addLicenseSkuIds", []string{visio}, "runAt", at))
			row = w.must("cipp_list_licenses", in(harbourline, "search", "VISIOCLIENT", "plans", true)).row(w.t, "licenses", "skuId", visio)
			if row["free"] != 1.0 || row["pending"] != 1.0 || row["consumed"] != 0.0 || len(row["servicePlans"].([]any)) != 1 {
				w.t.Errorf("%v", row)
			}
		},
		fails: func(w *world) { w.refused("tenant_not_found", "cipp_list_licenses", in("nobody.example")) },
	},
	"K2": {
		what: "assigns and removes licences of a user in one call, with service plans off", tool: "cipp_manage_user_licenses",
		does: func(w *world) {
			w.done("cipp_manage_user_licenses", in(harbourline, "userId", stefan, "addLicenseSkuIds", []string{"AAD_PREMIUM_P2", "Visio Plan 2"}, "disabledPlans", []string{"MFA_PREMIUM"}))
			if off, _ := w.at("graph/users/" + stefan + "/assignedLicenses/" + p2 + "/disabledPlans").([]any); len(off) != 1 {
				w.t.Errorf("plans that are off: %v", off)
			}
			a := w.done("cipp_manage_user_licenses", in(harbourline, "userId", stefan, "removeLicenseSkuIds", []string{p2}))
			if strings.Contains(a.text, "deleted after 30 days") {
				w.t.Errorf("no mailbox goes with it: %s", a.text)
			}
			a = w.must("cipp_manage_user_licenses", in(harbourline, "userId", dana, "removeLicenseSkuIds", []string{e5}, "dryRun", true))
			if !strings.Contains(a.text, "deleted after 30 days") {
				w.t.Errorf("nothing of the mailbox that goes: %s", a.text)
			}
		},
		changes: []string{stefan + "/assignedLicenses", stefan + "/licenseAssignmentStates", "consumedUnits"},
		leaves:  ofUser(stefan, "assignedLicenses/"+visio+"/skuId", visio, "assignedLicenses/"+p2, nil),
		fails: func(w *world) {
			w.blocked("Licences – E5 (Operations)", "cipp_manage_user_licenses", in(harbourline, "userId", gareth, "removeLicenseSkuIds", []string{e5}))
			w.blocked("no usageLocation", "cipp_manage_user_licenses", in(harbourline, "userId", hamish, "addLicenseSkuIds", []string{visio}))
			w.invalid("has no licence", "cipp_manage_user_licenses", in(harbourline, "userId", dana, "addLicenseSkuIds", []string{"SPE_E7"}))
			w.invalid("no", "cipp_manage_user_licenses", in(harbourline, "userId", dana, "addLicenseSkuIds", []string{visio}, "disabledPlans", []string{"TEAMS1"}))
		},
	},
	"K4": {
		what: "has group licences worked out again", tool: "cipp_reprocess_licenses",
		does: func(w *world) {
			if a := w.done("cipp_reprocess_licenses", in(harbourline, "userId", gareth)); len(a.list("steps")) != 1 || !strings.Contains(a.list("steps")[0]["step"].(string), "reprocess") {
				w.t.Error(a.text)
			}
		},
		fails: func(w *world) {
			w.refused("user_not_found", "cipp_reprocess_licenses", in(harbourline, "userId", "nobody@"+harbourline))
		},
	},
	"K5": {
		what: "stops an assignment for which there is no seat, with the figures", tool: "cipp_manage_user_licenses",
		does: func(w *world) {
			noVisio(w)
			w.blocked("2 of 2 in use", "cipp_manage_user_licenses", in(harbourline, "userId", priya, "addLicenseSkuIds", []string{visio}))
		},
		sure: "the refusal is the capability",
	},
	"K6": {
		what: "asks the operator's provider for a seat, after the operator's approval, and assigns it when it is there", tool: "cipp_manage_user_licenses",
		does: func(w *world) {
			w.t.Run("in a world where somebody takes requests", licenceIsAskedFor)
			w.must("cipp_manage_user_licenses", in(harbourline, "userId", priya, "addLicenseSkuIds", []string{visio}, "requestIfUnavailable", true, "dryRun", true))
		},
		fails: func(w *world) {
			noVisio(w)
			w.blocked("licenses.provider: none", "cipp_manage_user_licenses", in(harbourline, "userId", priya, "addLicenseSkuIds", []string{visio}, "requestIfUnavailable", true))
		},
	},
	"K7": {none: "Sherweb's own interface is not called: the request goes to the operator's webhook (K6), which may hand it on"},
	"K8": {
		what: "assigns a licence at a later time, looking for the seat now and then", tool: "cipp_manage_user_licenses",
		does: func(w *world) {
			at := w.env.Clock.Now().Add(time.Hour)
			a := w.must("cipp_manage_user_licenses", in(harbourline, "userId", priya, "addLicenseSkuIds", []string{visio}, "runAt", at.Format(time.RFC3339)))
			if a.v["status"] != "scheduled" {
				w.t.Fatal(a.text)
			}
			w.unharmed(w.marked)
			w.sandbox.Advance(2 * time.Hour)
			if j := w.ended(a.v["jobId"].(string)); j.v["status"] != "done" {
				w.t.Error(j.text)
			}
		},
		changes: []string{priya + "/assignedLicenses", priya + "/licenseAssignmentStates", "consumedUnits"},
		fails: func(w *world) {
			at := w.env.Clock.Now().Add(time.Hour)
			a := w.must("cipp_manage_user_licenses", in(harbourline, "userId", priya, "addLicenseSkuIds", []string{visio}, "runAt", at.Format(time.RFC3339)))
			tenant, err := w.env.Graph.ResolveTenant(w.t.Context(), harbourline)
			for _, u := range []string{dana, lewis} { // somebody else was faster
				if err == nil {
					err = w.env.Graph.AssignLicense(w.t.Context(), tenant.ID, u, []graphclient.AssignedLicense{{SkuID: visio}}, nil)
				}
			}
			if err != nil {
				w.t.Fatal(err)
			}
			w.mark()
			w.sandbox.Advance(2 * time.Hour)
			if j := w.ended(a.v["jobId"].(string)); j.v["status"] != "failed" || !strings.Contains(j.text, "no free seat") {
				w.t.Error(j.text)
			}
		},
	},
	"K10": {
		what: "takes a user's licences while blocking sign-in", tool: "cipp_disable_user",
		does: func(w *world) {
			w.done("cipp_disable_user", in(harbourline, "userId", yuki, "removeLicenses", true))
		},
		changes: []string{yuki, "consumedUnits"},
		fails: func(w *world) {
			w.blocked("on hold", "cipp_disable_user", in(harbourline, "userId", gareth, "removeLicenses", true, "removeGroups", true))
		},
	},
}

// seller takes requests for licences.
type seller struct {
	mu  sync.Mutex
	got []licenceRequested
}

func (s *seller) asked() []licenceRequested {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func (s *seller) ServeHTTP(_ http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	var r licenceRequested
	if json.Unmarshal(body, &r) == nil && r.Event == "license.requested" {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got = append(s.got, r)
	}
}

// shop is a seller that is asked for licences as the configuration says, and a tenant that has no seat of Visio left.
func shop(t *testing.T, licences string) (*seller, *world) {
	s := &seller{}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	t.Setenv("CIPP_TEST_HOOK_SECRET", shared)
	w := newWorld(t, worldOptions{config: "webhook: {url: \"" + h.URL + "\", secret: \"env:CIPP_TEST_HOOK_SECRET\"}\nlicenses: {" + licences + "}\n"})
	noVisio(w)
	return s, w
}

// licenceIsAskedFor: a seat that is missing is asked for once the operator approves, and never bought; the licence is
// assigned when the tenant has the seat, and no more is asked for than the operator allows.
func licenceIsAskedFor(t *testing.T) {
	s, w := shop(t, "provider: webhook, maxSeatsPerDay: 1")
	args := in(harbourline, "userId", priya, "addLicenseSkuIds", []string{visio}, "requestIfUnavailable", true)
	id := w.held("cipp_manage_user_licenses", args)
	if w.unharmed(w.marked); len(s.asked()) != 0 {
		t.Fatal("it asked before anybody approved")
	}
	if err := w.env.Policy.Approve(t.Context(), id, policy.Operator, w.signs(id)); err != nil {
		t.Fatal(err)
	}
	w.reaches(id, "request-license-"+visio, jobs.StateDone)
	if got := s.asked(); len(got) != 1 || got[0].SkuPartNumber != "VISIOCLIENT" || got[0].User != priya || got[0].Quantity != 1 {
		t.Fatalf("%+v", got)
	}
	w.unharmed(w.marked)
	w.blocked("licenses.maxSeatsPerDay", "cipp_manage_user_licenses", in(harbourline, "userId", stefan, "addLicenseSkuIds", []string{visio}, "requestIfUnavailable", true))
	w.done("cipp_manage_user_licenses", in(harbourline, "userId", dana, "removeLicenseSkuIds", []string{visio})) // the seat arrives
	w.sandbox.Advance(time.Hour)
	if j := w.ended(id); j.v["status"] != "done" || len(s.asked()) != 1 {
		t.Fatal(j.text)
	}
	if row := w.must("cipp_list_licenses", in(harbourline, "search", "visio")).row(t, "licenses", "skuId", visio); row["consumed"] != 2.0 {
		t.Errorf("%v", row)
	}
}

// newUserWaitsForASeat: a user for whom there is no seat is created once the operator approves, the seat is asked for, and
// given when it is there.
func newUserWaitsForASeat(t *testing.T) {
	s, w := shop(t, "provider: webhook")
	id := w.held("cipp_create_user", newNia("usageLocation", "GB", "licenses", []string{visio}, "requestIfUnavailable", true))
	if w.unharmed(w.marked); len(s.asked()) != 0 {
		t.Fatal("it asked before anybody approved")
	}
	if err := w.env.Policy.Approve(t.Context(), id, policy.Operator, w.signs(id)); err != nil {
		t.Fatal(err)
	}
	w.reaches(id, "request-license-"+visio, jobs.StateDone)
	if got := s.asked(); len(got) != 1 || got[0].SkuPartNumber != "VISIOCLIENT" || got[0].User != nia {
		t.Fatalf("%+v", got)
	}
	w.done("cipp_manage_user_licenses", in(harbourline, "userId", dana, "removeLicenseSkuIds", []string{visio})) // the seat arrives
	w.sandbox.Advance(time.Hour)
	if j := w.ended(id); j.v["status"] != "done" {
		t.Fatal(j.text)
	}
	w.stands(ofUser(nia, "assignedLicenses/"+visio+"/skuId", visio))
}

// reaches waits until a step of a job is in a state.
func (w *world) reaches(id, step, state string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	reached := false
	_, err := w.env.Policy.Ledger.Wait(ctx, id, func(_, _ int, r jobs.StepResult) {
		if r.Step == step && r.State == state {
			reached = true
			cancel()
		}
	})
	if !reached {
		w.t.Fatalf("%s of %s never was %s: %v", step, id, state, err)
	}
}
