package graphclient

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var ada = body(`{"id":"` + person + `","displayName":"Ada"}`)

func TestReadsAreRepeated(t *testing.T) {
	later := time.Date(2026, 3, 12, 15, 0, 7, 0, time.UTC)
	for name, tc := range map[string]struct {
		first http.HandlerFunc
		wait  time.Duration // exact; 0 means any backoff
	}{
		"429 seconds":  {status(429, "Retry-After", "3"), 3 * time.Second},
		"429 fraction": {status(429, "Retry-After", "2.128"), 2128 * time.Millisecond},
		"429 date":     {status(429, "Retry-After", later.Format(http.TimeFormat), "Date", later.Add(-7*time.Second).Format(http.TimeFormat)), 7 * time.Second},
		"429 without":  {status(429), 0},
		"503 with":     {status(503, "Retry-After", "1"), time.Second},
		"503 without":  {status(503), 0},
		"502":          {status(502), 0},
		"504 HTML": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(504)
			_, _ = w.Write([]byte("<html>Gateway"))
		}, 0},
		"500":               {status(500), 0},
		"cut":               {cut, 0},
		"cut in the answer": {cutShort, 0},
		"truncated JSON":    {body(`{"id":"1","displayName":"A`), 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, inTurn(tc.first, ada))
			u, err := f.client().User(context.Background(), customer, person)
			if err != nil || u.DisplayName != "Ada" {
				t.Fatalf("got %+v, %v", u, err)
			}
			sleeps := f.clock.sleeps()
			if len(f.requests()) != 2 || len(sleeps) != 1 {
				t.Fatalf("%d requests, sleeps %v", len(f.requests()), sleeps)
			}
			if tc.wait != 0 && sleeps[0] != tc.wait {
				t.Errorf("waited %v, want %v", sleeps[0], tc.wait)
			}
			if tc.wait == 0 && (sleeps[0] < 500*time.Millisecond || sleeps[0] > 2*time.Second) {
				t.Errorf("first backoff is %v", sleeps[0])
			}
		})
	}
}

func TestWritesAreNotRepeatedWhenTheyMayHaveLanded(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{
		"500": status(500), "502": status(502), "504": status(504), "cut": cut, "cut in the answer": cutShort,
	} {
		for method, do := range map[string]func(context.Context, *Client) error{
			"POST": func(ctx context.Context, c *Client) error {
				_, err := c.CreateUser(ctx, customer, NewUser{DisplayName: "A", MailNickname: "a", UserPrincipalName: "a@x.example", PasswordProfile: PasswordProfile{Password: "p"}})
				return err
			},
			"POST marked": func(ctx context.Context, c *Client) error { return c.RevokeSessions(Repeatable(ctx), customer, person) },
			"PATCH": func(ctx context.Context, c *Client) error {
				return c.UpdateUser(ctx, customer, person, map[string]any{"city": nil})
			},
			"password marked": func(ctx context.Context, c *Client) error {
				return c.SetPassword(Repeatable(ctx), customer, person, "x", true)
			},
			"DELETE": func(ctx context.Context, c *Client) error { return c.DeleteUser(ctx, customer, person) },
			"cmdlet": func(ctx context.Context, c *Client) error {
				return c.SetMailbox(ctx, customer, MailboxRef{ID: person}, map[string]any{"Type": "Shared"})
			},
			"Add- marked": func(ctx context.Context, c *Client) error {
				return c.AddDistributionGroupMember(Repeatable(ctx), customer, "g", "m")
			},
		} {
			if name == "cut in the answer" && (method == "PATCH" || method == "DELETE") {
				continue // a 204 has no body to cut
			}
			t.Run(method+" "+name, func(t *testing.T) {
				f := newFake(t, first)
				err := do(context.Background(), f.client())
				e := errorOf(t, err)
				if !IsAmbiguous(err) || e.Kind != Unavailable {
					t.Errorf("got %+v, want Unavailable and ambiguous", e)
				}
				if n := len(f.requests()); n != 1 {
					t.Errorf("%d requests, want 1", n)
				}
			})
		}
	}
}

func TestRepeatableWrites(t *testing.T) {
	ctx := Repeatable(context.Background())
	gone := func(w http.ResponseWriter, r *http.Request) {
		answer(w, 404, `{"error":{"code":"Request_ResourceNotFound","message":"gone"}}`)
	}
	t.Run("patch", func(t *testing.T) {
		f := newFake(t, inTurn(status(504), cut, status(204)))
		if err := f.client().UpdateUser(ctx, customer, person, map[string]any{"city": "Ulm"}); err != nil {
			t.Fatal(err)
		}
		got := f.requests()
		if len(got) != 3 || got[2].Body != `{"city":"Ulm"}` {
			t.Errorf("%+v", got)
		}
	})
	t.Run("delete that had landed", func(t *testing.T) {
		f := newFake(t, inTurn(status(504), gone))
		if err := f.client().DeleteUser(ctx, customer, person); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("delete of nothing", func(t *testing.T) {
		f := newFake(t, gone)
		if err := f.client().DeleteUser(ctx, customer, person); KindOf(err) != NotFound {
			t.Fatal(err)
		}
	})
	t.Run("cmdlet", func(t *testing.T) {
		f := newFake(t, inTurn(status(504), body(`{"value":[]}`)))
		if err := f.client().SetMailbox(ctx, customer, MailboxRef{ID: person}, map[string]any{"Type": "Shared"}); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("refused after an unanswered attempt", func(t *testing.T) {
		f := newFake(t, inTurn(status(504), status(403)))
		if err := f.client().UpdateUser(ctx, customer, person, map[string]any{"city": "Ulm"}); !IsAmbiguous(err) || KindOf(err) != Denied {
			t.Fatal(err)
		}
	})
}

// Whatever comes back, a POST is sent again only after the service has said that it did nothing.
func TestPostIsSentAgainOnlyWhenNothingWasDone(t *testing.T) {
	codes := []int{200, 204, 400, 401, 403, 404, 409, 429, 500, 502, 503, 504, 0}
	rapid.Check(t, func(rt *rapid.T) {
		plan := rapid.SliceOfN(rapid.SampledFrom(codes), 1, 6).Draw(rt, "answers")
		hint := rapid.Bool().Draw(rt, "Retry-After")
		var handlers []http.HandlerFunc
		for _, code := range plan {
			switch {
			case code == 0:
				handlers = append(handlers, cut)
			case hint:
				handlers = append(handlers, status(code, "Retry-After", "1"))
			default:
				handlers = append(handlers, status(code))
			}
		}
		f := newFake(t, inTurn(handlers...))
		defer f.Close()
		c := f.client()
		defer c.Close()
		err := c.RevokeSessions(context.Background(), customer, person)
		n := len(f.requests())
		for i := 0; i < n-1; i++ { // every answer that was followed by another request
			code := plan[min(i, len(plan)-1)]
			if code != 429 && code != 401 && (code != 503 || !hint) {
				rt.Fatalf("sent again after %d: plan %v, %d requests, %v", code, plan, n, err)
			}
		}
		last := plan[min(n-1, len(plan)-1)]
		if (last == 200 || last == 204) != (err == nil) {
			rt.Fatalf("last answer %d, error %v", last, err)
		}
		if lost := last == 0 || last == 500 || last == 502 || last == 504; lost != IsAmbiguous(err) {
			rt.Fatalf("last answer %d, ambiguous %v: %v", last, IsAmbiguous(err), err)
		}
	})
}

func TestEndlessThrottlingIsToldToTheCaller(t *testing.T) {
	f := newFake(t, status(429, "Retry-After", "30"))
	_, err := f.client().User(context.Background(), customer, person)
	e := errorOf(t, err)
	if e.Kind != Throttled || e.RetryAfter != 30*time.Second || e.Message == "" {
		t.Errorf("%+v", e)
	}
	var waited time.Duration
	for _, d := range f.clock.sleeps() {
		waited += d
	}
	if waited > longestWait {
		t.Errorf("waited %v", waited)
	}
}

func TestUnreachableServiceIsNotAmbiguous(t *testing.T) {
	f := newFake(t, ada)
	c := f.client()
	if _, err := c.User(context.Background(), customer, person); err != nil {
		t.Fatal(err)
	}
	f.Close()
	c.Close() // a connection that breaks under a request is another matter
	err := c.RevokeSessions(context.Background(), customer, person)
	if KindOf(err) != Unavailable || IsAmbiguous(err) {
		t.Errorf("%+v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 12, 15, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Duration{
		"": 0, "5": 5 * time.Second, "0.5": 500 * time.Millisecond, "-3": 0, "nan": 0, "soon": 0,
		"1e12": 24 * time.Hour, now.Add(time.Minute).Format(http.TimeFormat): time.Minute, now.Add(-time.Minute).Format(http.TimeFormat): 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {in}}, now); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.IntRange(1, 86400).Draw(rt, "seconds")
		if got := retryAfter(http.Header{"Retry-After": {strconv.Itoa(s)}}, now); got != time.Duration(s)*time.Second {
			rt.Fatal(got)
		}
	})
}
