package cloud

import (
	"context"
	"slices"
	"sort"
	"strings"
	"time"
)

// A write may be seen late: the directory is replicated. While an object lags, plain reads still see
// the copy from before the write (or nothing, where the write created it). On a frozen clock nobody
// waits, so nothing lags.

type past struct {
	before Object // nil: the object did not exist
	until  time.Time
	gone   bool // the write deleted a user: reads still find the copy
}

type later struct {
	at     time.Time
	strict bool // waits for its time on a frozen clock too
	do     func()
}

// Change is one entry of the log that delta queries read.
type Change struct {
	ID   string
	Kind string // changed, deleted (soft), purged
}

type lagKey struct{}

// WithLag marks a request so that what it writes is seen only after d.
func WithLag(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, lagKey{}, d)
}

// Lag is how late the writes of this request are seen.
func Lag(ctx context.Context) time.Duration {
	d, _ := ctx.Value(lagKey{}).(time.Duration)
	return d
}

// Delay makes the object with that id lag: until d has passed, Seen answers before (nil: absent).
// The caller holds the tenant's lock and passes a copy made before the write.
func (t *Tenant) Delay(id string, before Object, d time.Duration) { t.delay(id, before, d, false) }

// DelayDeletion makes a deleted user lag: until d has passed, SeenUser and SeenUsers still find before. The
// caller holds the tenant's lock.
func (t *Tenant) DelayDeletion(before Object, d time.Duration) {
	t.delay(Str(before, "id"), before, d, true)
}

func (t *Tenant) delay(id string, before Object, d time.Duration, gone bool) {
	if d <= 0 || t.cloud.Clock.Frozen() {
		return
	}
	t.lagMu.Lock()
	defer t.lagMu.Unlock()
	if t.stale == nil {
		t.stale = map[string]past{}
	}
	until := t.Now().Add(d)
	id = strings.ToLower(id)
	if p, ok := t.stale[id]; ok && p.until.After(t.Now()) {
		before = p.before
	}
	t.stale[id] = past{before, until, gone}
}

// Seen is the object as a read sees it now: o itself, an older copy, or nil while its creation has not
// arrived yet.
func (t *Tenant) Seen(o Object) Object {
	if o == nil {
		return nil
	}
	t.lagMu.Lock()
	defer t.lagMu.Unlock()
	if len(t.stale) == 0 {
		return o
	}
	id := strings.ToLower(Str(o, "id"))
	p, ok := t.stale[id]
	if !ok {
		return o
	}
	if !p.until.After(t.Now()) {
		delete(t.stale, id)
		return o
	}
	return p.before
}

// SeenAll is the objects as a list read sees them now.
func (t *Tenant) SeenAll(objects []Object) []Object {
	t.lagMu.Lock()
	n := len(t.stale)
	t.lagMu.Unlock()
	if n == 0 {
		return objects
	}
	out := make([]Object, 0, len(objects))
	for _, o := range objects {
		if s := t.Seen(o); s != nil {
			out = append(out, s)
		}
	}
	return out
}

// ghosts is the users whose deletion has not arrived yet.
func (t *Tenant) ghosts() []Object {
	t.lagMu.Lock()
	defer t.lagMu.Unlock()
	var out []Object
	for _, p := range t.stale {
		if p.gone && p.until.After(t.Now()) && t.Users().Get(Str(p.before, "id")) == nil {
			out = append(out, p.before)
		}
	}
	return out
}

// SeenUser is the user with that object id or user principal name as a read sees it now, or nil.
func (t *Tenant) SeenUser(key string) Object {
	if o := t.User(key); o != nil {
		return t.Seen(o)
	}
	for _, o := range t.ghosts() {
		if strings.EqualFold(Str(o, "id"), key) || strings.EqualFold(Str(o, "userPrincipalName"), key) {
			return o
		}
	}
	return nil
}

// SeenUsers is the users as a list read finds them; Seen has yet to be applied to each.
func (t *Tenant) SeenUsers() []Object {
	all := t.Users().All()
	if g := t.ghosts(); len(g) > 0 {
		return append(slices.Clone(all), g...)
	}
	return all
}

// SeenGroupsOf is the groups that a read finds id to be a direct member of now.
func (t *Tenant) SeenGroupsOf(id string) []Object {
	t.lagMu.Lock()
	n := len(t.stale)
	t.lagMu.Unlock()
	if n == 0 {
		return t.GroupsOf(id)
	}
	var out []Object
	for _, g := range t.SeenAll(t.Groups().All()) {
		if has(List(g, "members"), id) {
			out = append(out, g)
		}
	}
	return out
}

// After lets do happen once d has passed: when the tenant is next locked at or after that time, with
// the lock held. On a frozen clock, and for no delay, it happens at once. The caller holds Lock.
func (t *Tenant) After(d time.Duration, do func()) {
	if d <= 0 || t.cloud.Clock.Frozen() {
		do()
		return
	}
	t.schedule(later{t.Now().Add(d), false, do})
}

// At lets do happen once the cloud's clock reaches that time, frozen or not: it is an event of its own and no
// delay of somebody's request. The caller holds Lock.
func (t *Tenant) At(when time.Time, do func()) { t.schedule(later{when, true, do}) }

func (t *Tenant) schedule(l later) {
	t.lagMu.Lock()
	defer t.lagMu.Unlock()
	t.pending = append(t.pending, l)
	sort.SliceStable(t.pending, func(i, j int) bool { return t.pending[i].at.Before(t.pending[j].at) })
}

func (t *Tenant) due() bool {
	t.lagMu.Lock()
	defer t.lagMu.Unlock()
	return len(t.pending) > 0 && t.next() >= 0
}

// next is the first pending effect whose time has come, or -1.
func (t *Tenant) next() int {
	now, frozen := t.Now(), t.cloud.Clock.Frozen()
	for i, l := range t.pending {
		if !l.at.After(now) || frozen && !l.strict {
			return i
		}
	}
	return -1
}

func (t *Tenant) settle() {
	for t.due() {
		t.lagMu.Lock()
		i := t.next()
		next := t.pending[i]
		t.pending = slices.Delete(t.pending, i, i+1)
		t.lagMu.Unlock()
		next.do()
	}
}

// Note writes a change of a user into the log of delta queries. The caller holds Lock.
func (t *Tenant) Note(id string) { t.note(id, "changed") }

// NotePurged writes down that a user is gone for good. The caller holds Lock.
func (t *Tenant) NotePurged(id string) { t.note(id, "purged") }

func (t *Tenant) note(id, kind string) { t.changes = append(t.changes, Change{id, kind}) }

// Changes is the log of changes from position since on, and the position after its end.
func (t *Tenant) Changes(since int) ([]Change, int) {
	if since < 0 || since > len(t.changes) {
		since = 0
	}
	return t.changes[since:], len(t.changes)
}
