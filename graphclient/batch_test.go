package graphclient

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// batchServer answers items in reverse order, each as serve says: status, headers, body.
func batchServer(t *testing.T, serve func(path string, nth int) (int, string, string)) (*fake, *[]int) {
	var mu sync.Mutex
	var sizes []int
	asked := map[string]int{}
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		var in struct{ Requests []batchRequest }
		if err := json.Unmarshal(b, &in); err != nil || r.Method != "POST" || len(in.Requests) > 20 {
			t.Errorf("%s %v", b, err)
		}
		mu.Lock()
		defer mu.Unlock()
		sizes = append(sizes, len(in.Requests))
		var items []string
		for _, q := range in.Requests {
			asked[q.URL]++
			status, headers, body := serve(q.URL, asked[q.URL])
			if status != 0 {
				items = append(items, fmt.Sprintf(`{"id":%q,"status":%d,"headers":%s,"body":%s}`, q.ID, status, headers, body))
			}
		}
		slices.Reverse(items)
		answer(w, 200, `{"responses":[`+strings.Join(items, ",")+`]}`)
	})
	return f, &sizes
}

func TestAuthMethodsOf(t *testing.T) {
	ids := make([]string, 45)
	for i := range ids {
		ids[i] = fmt.Sprintf("user%d#EXT#@x", i)
	}
	f, sizes := batchServer(t, func(path string, nth int) (int, string, string) {
		plain, _ := url.PathUnescape(path)
		var n int
		_, _ = fmt.Sscanf(plain, "/users/user%d#EXT#@x/authentication/methods", &n)
		switch {
		case n == 3 && nth == 1:
			return 429, `{"Retry-After":"2.5"}`, `{"error":{"code":"TooManyRequests","message":"x"}}`
		case n == 4:
			return 404, `{}`, graphError("Request_ResourceNotFound", "no")
		case n == 5 && nth < 3:
			return 0, "", "" // left out of the answer
		case n == 6:
			return 503, `{}`, `""`
		}
		return 200, `{}`, fmt.Sprintf(`{"value":[{"@odata.type":"#microsoft.graph.phoneAuthenticationMethod","id":"%d"}]}`, n)
	})
	got, err := f.client().AuthMethodsOf(context.Background(), customer, ids)
	if err != nil || len(got) != len(ids) {
		t.Fatalf("%d results, %v", len(got), err)
	}
	for i, id := range ids {
		r := got[id]
		switch i {
		case 4:
			if KindOf(r.Err) != NotFound {
				t.Errorf("%d: %v", i, r.Err)
			}
		case 6:
			if KindOf(r.Err) != Unavailable {
				t.Errorf("%d: %v", i, r.Err)
			}
		default:
			if r.Err != nil || len(r.Methods) != 1 || r.Methods[0].ID != fmt.Sprint(i) || r.Methods[0].Type() != "phone" || !r.Methods[0].CanDelete() {
				t.Errorf("%d: %+v", i, r)
			}
		}
	}
	if f.clock.sleeps()[0] != 2500*time.Millisecond {
		t.Errorf("waits %v", f.clock.sleeps())
	}
	slices.Sort(*sizes)
	if s := *sizes; !slices.Equal(s[len(s)-3:], []int{5, 20, 20}) || s[0] != 1 || len(s) != 6 {
		t.Errorf("batches of %v", s)
	}
}

func TestBatchThatFailsAsAWhole(t *testing.T) {
	f := newFake(t, status(403))
	if _, err := f.client().AuthMethodsOf(context.Background(), customer, []string{"a"}); KindOf(err) != Denied {
		t.Error(err)
	}
	if got, err := f.client().AuthMethodsOf(context.Background(), customer, nil); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
}

func TestPerUserMFAStates(t *testing.T) {
	f, _ := batchServer(t, func(path string, nth int) (int, string, string) {
		return 200, `{}`, `{"perUserMfaState":"enforced"}`
	})
	got, err := f.client().PerUserMFAStates(context.Background(), customer, []string{"a", "$b@x"})
	if err != nil || got["a"].Value != "enforced" || got["$b@x"].Err != nil {
		t.Errorf("%+v %v", got, err)
	}
	if r := f.requests()[0]; r.Path != "/beta/$batch" || !strings.Contains(r.Body, `/users('%24b%40x')/authentication/requirements`) {
		t.Errorf("%+v", r)
	}
}
