package policy

import (
	"context"
	"sync"
)

// enough is from how many plans in a tenant its lists are read as a whole, instead of asking for each user.
const enough = 10

// together is what plans that are made side by side for one approval read once for all of them. It lives as long as
// their making, and what is done later reads anew.
type together struct {
	plans map[string]int // by tenant
	mu    sync.Mutex
	asked map[string]*reading
}

type reading struct {
	once  sync.Once
	value any
	err   error
}

type togetherKey struct{}

// Together lets the plans that are made under the context share what each would read alike. plans is how many there
// will be, by the tenant's id.
func Together(ctx context.Context, plans map[string]int) context.Context {
	return context.WithValue(ctx, togetherKey{}, &together{plans: plans, asked: map[string]*reading{}})
}

func togetherIn(ctx context.Context) *together {
	t, _ := ctx.Value(togetherKey{}).(*together)
	return t
}

// many says whether enough plans are made in a tenant to read its lists as a whole.
func many(ctx context.Context, tenant string) bool {
	t := togetherIn(ctx)
	return t != nil && t.plans[tenant] >= enough
}

// shared reads once for all plans under the context what they have in common; by itself, each time.
func shared[T any](ctx context.Context, what string, read func() (T, error)) (T, error) {
	t := togetherIn(ctx)
	if t == nil {
		return read()
	}
	t.mu.Lock()
	r := t.asked[what]
	if r == nil {
		r = &reading{}
		t.asked[what] = r
	}
	t.mu.Unlock()
	r.once.Do(func() { r.value, r.err = read() })
	v, _ := r.value.(T)
	return v, r.err
}
