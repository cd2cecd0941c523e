package policy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cipp-mcp/internal/jobs"
)

// still is a clock that a test moves.
type still struct {
	mu sync.Mutex
	t  time.Time
}

func (s *still) Now() time.Time                                   { s.mu.Lock(); defer s.mu.Unlock(); return s.t }
func (s *still) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }
func (s *still) advance(d time.Duration)                          { s.mu.Lock(); defer s.mu.Unlock(); s.t = s.t.Add(d) }

func newPlans(t *testing.T) (*Plans, *still, string) {
	t.Helper()
	dir := t.TempDir()
	c := &still{t: time.Date(2026, 3, 12, 15, 0, 0, 0, time.UTC)}
	sealer, err := OpenSealer(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := OpenPlans(dir, sealer, c)
	if err != nil {
		t.Fatal(err)
	}
	return p, c, dir
}

func aPlan() Plan {
	return Plan{Tool: "cipp_disable_user", TenantID: "t1", UserID: "u1", User: "anna@contoso.example", Risk: Destructive, argsHash: "h",
		Changes: []jobs.Change{{Step: "block-sign-in", Summary: "Block sign-in", Before: "enabled", After: "blocked"}}}
}

func TestAPlanIsUsedOnce(t *testing.T) {
	plans, _, _ := newPlans(t)
	token, _, err := plans.Keep(aPlan())
	if err != nil {
		t.Fatal(err)
	}
	if len(token) > 64 {
		t.Errorf("the token has %d characters", len(token))
	}
	const callers = 16
	var wg sync.WaitGroup
	got := make(chan error, callers)
	for range callers {
		wg.Go(func() {
			_, err := plans.Take(token)
			got <- err
		})
	}
	wg.Wait()
	close(got)
	won := 0
	for err := range got {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, ErrPlanUnknown):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d callers got the plan", won)
	}
}

func TestAPlanExpires(t *testing.T) {
	plans, clock, _ := newPlans(t)
	token, _, err := plans.Keep(aPlan())
	if err != nil {
		t.Fatal(err)
	}
	clock.advance(PlanLifetime + time.Second)
	if _, err := plans.Peek(token); !errors.Is(err, ErrPlanExpired) {
		t.Errorf("peek: %v", err)
	}
	if _, err := plans.Take(token); !errors.Is(err, ErrPlanExpired) {
		t.Errorf("take: %v", err)
	}
}

func TestAPlanLiesSealed(t *testing.T) {
	plans, _, dir := newPlans(t)
	token, _, err := plans.Keep(aPlan())
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "plans", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "anna") || strings.Contains(files[0], token) {
		t.Error("the plan or its token lies open")
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := plans.Take(token); !errors.Is(err, ErrPlanUnknown) {
		t.Errorf("a changed plan: %v", err)
	}
}

func TestApprovalHoldsForWhatWasShownOnly(t *testing.T) {
	for name, change := range map[string]func(*Plan){
		"tool":      func(p *Plan) { p.Tool = "cipp_enable_user" },
		"tenant":    func(p *Plan) { p.TenantID = "t2" },
		"user":      func(p *Plan) { p.UserID = "u2" },
		"arguments": func(p *Plan) { p.argsHash = "other" },
	} {
		now := aPlan()
		change(&now)
		if err := Approved(aPlan(), now); !errors.Is(err, ErrPlanOther) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	now := aPlan()
	now.Changes = []jobs.Change{{Step: "block-sign-in", Summary: "Block sign-in", Before: "blocked", After: "blocked"}}
	if err := Approved(aPlan(), now); !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), `was "enabled", is now "blocked"`) {
		t.Errorf("a changed state: %v", err)
	}
	if err := Approved(aPlan(), aPlan()); err != nil {
		t.Error(err)
	}
}

func TestSealedTokensOpenForTheirPurposeOnly(t *testing.T) {
	s, err := OpenSealer(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(r *rapid.T) {
		v := rapid.String().Draw(r, "value")
		purpose := rapid.String().Draw(r, "purpose")
		token, err := s.Seal(purpose, v)
		if err != nil {
			r.Fatal(err)
		}
		var back string
		if err := s.Open(purpose, token, &back); err != nil || back != strings.ToValidUTF8(v, "\ufffd") {
			r.Fatalf("%q came back as %q, %v", v, back, err)
		}
		if err := s.Open(purpose+"x", token, &back); !errors.Is(err, ErrSeal) {
			r.Fatalf("opened for another purpose: %v", err)
		}
		b := []byte(token)
		i := rapid.IntRange(0, len(b)-1).Draw(r, "at")
		b[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[(strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", b[i])+1)%64]
		if err := s.Open(purpose, string(b), &back); !errors.Is(err, ErrSeal) {
			r.Fatalf("a changed token opened: %v", err)
		}
	})
}

func FuzzOpen(f *testing.F) {
	s, err := NewSealer(make([]byte, 32))
	if err != nil {
		f.Fatal(err)
	}
	good, _ := s.Seal("p", "v")
	f.Add(good)
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		var v string
		if err := s.Open("p", token, &v); err == nil && token != good && v != "v" {
			t.Fatalf("%q opened as %q", token, v)
		}
	})
}

func TestTwoProcessesShareTheSealingKey(t *testing.T) {
	dir := t.TempDir()
	const n = 8
	sealers := make([]*Sealer, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			s, err := OpenSealer(dir)
			if err != nil {
				t.Error(err)
			}
			sealers[i] = s
		})
	}
	wg.Wait()
	token, err := sealers[0].Seal("p", 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sealers {
		var v int
		if err := s.Open("p", token, &v); err != nil {
			t.Error(err)
		}
	}
}

func TestStatusNeverCallsHalfDoneDone(t *testing.T) {
	r := func(states ...string) (out []jobs.StepResult) {
		for _, s := range states {
			out = append(out, jobs.StepResult{State: s})
		}
		return out
	}
	for _, c := range []struct {
		res  []jobs.StepResult
		want string
	}{
		{r(jobs.StateDone, jobs.StateNothing), "done"},
		{r(jobs.StateDone, jobs.StateFailed), "attention"},
		{r(jobs.StateFailed, jobs.StateSkipped), "failed"},
		{r(jobs.StateUnknown), "attention"},
		{r(jobs.StatePending), "attention"},
		{r(jobs.StateManual, jobs.StateDone), "attention"},
	} {
		if got := Status(c.res); got != c.want {
			t.Errorf("%v: %s, not %s", c.res, got, c.want)
		}
	}
}
