package secrets

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const odd = `Zq&<"+9x-marker`

func linked(t *testing.T) (*link, *still, *Redactor) {
	t.Helper()
	s, c := store(t)
	if err := s.SetOperator(passphrase); err != nil {
		t.Fatal(err)
	}
	r := &Redactor{}
	l := newLink(s, r)
	t.Cleanup(l.Close)
	return l, c, r
}

func offered(t *testing.T, l *link, secrets ...string) (Offer, []string) {
	t.Helper()
	var handles []string
	for _, s := range secrets {
		i, err := l.Seal(t.Context(), "password", "anna & co", s)
		if err != nil {
			t.Fatal(err)
		}
		handles = append(handles, i.Handle)
	}
	o := l.Offers(handles)
	if len(o) != 1 {
		t.Fatalf("%d offers", len(o))
	}
	return o[0], handles
}

var browser = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func ask(t *testing.T, method, address, host string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	res, err := browser.Do(r)
	if err != nil {
		return 0, "", nil
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

const oddInHTML = `Zq&amp;&lt;&#34;&#43;9x-marker`

func TestAPageShowsOnceAfterAClick(t *testing.T) {
	l, _, red := linked(t)
	o, handles := offered(t, l, odd, "another-secret-1")
	for _, method := range []string{"GET", "HEAD", "GET"} { // previews and scanners
		status, body, h := ask(t, method, o.URL, "")
		if status != 200 || strings.Contains(body, "marker") {
			t.Fatalf("%s: %d %s", method, status, body)
		}
		if h.Get("Cache-Control") != "no-store" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%v", h)
		}
	}
	select {
	case <-o.Seen:
		t.Fatal("a look at the address counts as seen")
	default:
	}
	status, body, h := ask(t, "POST", o.URL, "")
	if status != 200 || !strings.Contains(body, oddInHTML) || !strings.Contains(body, "another-secret-1") || h.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", status, body)
	}
	<-o.Seen
	if status, body, _ := ask(t, "POST", o.URL, ""); status == 200 || strings.Contains(body, "marker") {
		t.Errorf("a second view: %d %s", status, body)
	}
	for _, h := range handles {
		if _, _, err := l.Store.Reveal(h, passphrase); err == nil {
			t.Error("what was shown can be revealed again")
		}
	}
	if len(l.waiting) != 0 {
		t.Error("it still lies in memory")
	}
	if strings.Contains(red.Clean(o.URL), o.URL[len(o.URL)-43:]) || strings.Contains(o.ID+o.Message, o.URL[len(o.URL)-43:]) {
		t.Error("the address is not kept back")
	}
}

func TestOfTwoClicksOneSees(t *testing.T) {
	l, _, _ := linked(t)
	o, _ := offered(t, l, odd)
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := 0
	for range 8 {
		wg.Go(func() {
			if _, body, _ := ask(t, "POST", o.URL, ""); strings.Contains(body, oddInHTML) {
				mu.Lock()
				seen++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if seen != 1 {
		t.Errorf("seen %d times", seen)
	}
}

func TestAPageIsForThisMachineAndItsHolderOnly(t *testing.T) {
	l, _, _ := linked(t)
	o, _ := offered(t, l, odd)
	u, err := url.Parse(o.URL)
	if err != nil || u.Hostname() != "127.0.0.1" || len(u.Path) != 44 {
		t.Fatalf("%s %v", o.URL, err)
	}
	for _, c := range []struct {
		method, address, host string
		status                int
	}{
		{"POST", o.URL, "evil.example", 421},
		{"POST", o.URL, "localhost:" + u.Port(), 421},
		{"POST", o.URL, "127.0.0.1", 421},
		{"GET", o.URL, "evil.example:" + u.Port(), 421},
		{"POST", o.URL + "x", "", 404},
		{"POST", "http://" + u.Host + "/", "", 404},
		{"POST", o.URL + "/", "", 404},
		{"DELETE", o.URL, "", 405},
		{"PUT", o.URL, "", 405},
	} {
		if status, body, _ := ask(t, c.method, c.address, c.host); status != c.status || strings.Contains(body, "marker") {
			t.Errorf("%+v: %d %s", c, status, body)
		}
	}
	if status, body, _ := ask(t, "POST", o.URL, ""); status != 200 || !strings.Contains(body, oddInHTML) {
		t.Errorf("after all that the person gets %d %s", status, body)
	}
}

func TestAnUnseenPageExpiresAndTheTerminalStillShows(t *testing.T) {
	l, c, _ := linked(t)
	o, handles := offered(t, l, odd)
	c.t = c.t.Add(offeredFor + time.Second)
	if status, _, _ := ask(t, "POST", o.URL, ""); status != 404 {
		t.Errorf("an expired page: %d", status)
	}
	if _, secret, err := l.Store.Reveal(handles[0], passphrase); err != nil || secret != odd {
		t.Errorf("%q %v", secret, err)
	}
}

func TestTheTerminalsViewIsThePagesToo(t *testing.T) {
	l, _, _ := linked(t)
	o, handles := offered(t, l, odd)
	if _, _, err := l.Store.Reveal(handles[0], passphrase); err != nil {
		t.Fatal(err)
	}
	if status, body, _ := ask(t, "POST", o.URL, ""); status != 404 || strings.Contains(body, "marker") {
		t.Errorf("seen twice: %d %s", status, body)
	}
}

// The listener is there only while something waits behind it.
func TestNothingListensWithoutNeed(t *testing.T) {
	l, _, _ := linked(t)
	if _, err := l.Seal(t.Context(), "password", "anna", odd); err != nil {
		t.Fatal(err)
	}
	if l.serving != nil {
		t.Error("it listens before anybody was offered a page")
	}
	for name, end := range map[string]func(handle string){
		"discarded": func(h string) { l.Discard(t.Context(), h) },
		"forgotten": l.forget, // what the timer does
	} {
		o, handles := offered(t, l, odd)
		end(handles[0])
		l.ended.Wait()
		u, err := url.Parse(o.URL)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := net.DialTimeout("tcp", u.Host, time.Second); err == nil {
			_ = c.Close()
			t.Errorf("%s: it still listens", name)
		}
		if l.Offers(handles) != nil {
			t.Errorf("%s: offered again", name)
		}
	}
}

func TestClosingForgets(t *testing.T) {
	l, _, _ := linked(t)
	o, handles := offered(t, l, odd)
	l.Close()
	if status, _, _ := ask(t, "POST", o.URL, ""); status != 0 {
		t.Errorf("%d", status)
	}
	if len(l.waiting) != 0 {
		t.Error("it lies in memory")
	}
	if _, secret, err := l.Store.Reveal(handles[0], passphrase); err != nil || secret != odd {
		t.Errorf("%q %v", secret, err)
	}
}

// A page whose answer breaks off on the way has shown nothing.
func TestABrokenConnectionLosesNothing(t *testing.T) {
	l, _, _ := linked(t)
	_, handles := offered(t, l, odd)
	var p *page
	for _, p = range l.pages {
	}
	l.show(&broken{}, p)
	if _, err := os.Stat(l.Store.path(handles[0], "age")); err != nil || p.used {
		t.Errorf("%v", err)
	}
}

type broken struct{ h http.Header }

func (b *broken) Header() http.Header {
	if b.h == nil {
		b.h = http.Header{}
	}
	return b.h
}
func (b *broken) WriteHeader(int)           {}
func (b *broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
