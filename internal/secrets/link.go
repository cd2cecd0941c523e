package secrets

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
)

// link seals secrets for the operator as Terminal does, and holds them in this process's memory for ten
// minutes besides: within that time a person at the client can be sent to a page on this machine that
// shows them once. What was shown there is no longer at the terminal, and the other way round.
type link struct {
	Terminal
	redactor *Redactor

	mu      sync.Mutex
	waiting map[string]*waiting // by handle
	pages   map[[sha256.Size]byte]*page
	serving *serving
	ended   sync.WaitGroup
}

type waiting struct {
	Info
	secret string
	until  time.Time
	forget *time.Timer
}

// page shows some secrets once.
type page struct {
	handles []string
	until   time.Time
	seen    chan struct{}
	mu      sync.Mutex // held while it is shown
	used    bool
}

// serving is the listener, which is there only while a page waits.
type serving struct {
	host string
	at   net.Listener
	http *http.Server
}

func newLink(s *Store, r *Redactor) *link {
	return &link{Terminal: Terminal{s}, redactor: r, waiting: map[string]*waiting{}, pages: map[[sha256.Size]byte]*page{}}
}

func (l *link) Seal(_ context.Context, kind, whom, secret string) (Info, error) {
	info, err := l.Store.Seal(kind, whom, secret)
	if err != nil {
		return info, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting[info.Handle] = &waiting{
		Info: info, secret: secret, until: l.Store.clock.Now().Add(offeredFor),
		// The simulated clock decides what may be shown; real time decides how long this lies in memory.
		forget: time.AfterFunc(offeredFor, func() { l.forget(info.Handle) }),
	}
	return info, nil
}

func (l *link) Discard(ctx context.Context, handle string) {
	l.forget(handle)
	l.Terminal.Discard(ctx, handle)
}

// forget drops a secret from memory, and with it the pages that have nothing left to show.
func (l *link) forget(handle string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.waiting[handle]; w != nil {
		w.forget.Stop()
		delete(l.waiting, handle)
	}
	for token, p := range l.pages {
		left := false
		for _, h := range p.handles {
			left = left || l.waiting[h] != nil
		}
		if !left {
			delete(l.pages, token)
		}
	}
	if len(l.pages) == 0 {
		l.stop()
	}
}

// Offers is one page for all of them.
func (l *link) Offers(handles []string) []Offer {
	l.mu.Lock()
	defer l.mu.Unlock()
	var whom string
	p := &page{seen: make(chan struct{})}
	for _, h := range handles {
		w := l.waiting[h]
		if w == nil {
			continue
		}
		p.handles = append(p.handles, h)
		if p.until.IsZero() || w.until.Before(p.until) {
			p.until = w.until
		}
		if whom != "" {
			whom += ", "
		}
		whom += w.For
	}
	if len(p.handles) == 0 {
		return nil
	}
	var raw [32]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return nil
	}
	if err := l.serve(); err != nil {
		return nil // the handle waits at the terminal all the same
	}
	token := base64.RawURLEncoding.EncodeToString(raw[:])
	l.redactor.Add(token)
	l.pages[sha256.Sum256([]byte(token))] = p
	return []Offer{{
		ID: uuid.NewString(), URL: "http://" + l.serving.host + "/" + token, Handles: p.handles, Seen: p.seen,
		Message: "The new password for " + whom + " can be seen once, on a page of this machine, until " + p.until.Format("15:04 MST") + ". Open it only when nobody else looks.",
	}}
}

// serve listens on this machine alone, if nothing does yet.
func (l *link) serve() error {
	if l.serving != nil {
		return nil
	}
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen on this machine: %w", err)
	}
	s := &serving{host: at.Addr().String(), at: at}
	s.http = &http.Server{
		Handler: l.handler(s.host), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		MaxHeaderBytes: 16 << 10, ErrorLog: quiet,
	}
	s.http.SetKeepAlivesEnabled(false)
	l.serving = s
	l.ended.Go(func() { _ = s.http.Serve(at) })
	return nil
}

// stop ends the listener. The answers under way go out: each connection ends with its answer, or after
// ten seconds.
func (l *link) stop() {
	if l.serving != nil {
		_ = l.serving.at.Close()
		l.serving = nil
	}
}

// Close forgets everything; what was not seen waits at the terminal.
func (l *link) Close() {
	l.mu.Lock()
	for h, w := range l.waiting {
		w.forget.Stop()
		delete(l.waiting, h)
	}
	clear(l.pages)
	if l.serving != nil {
		_ = l.serving.http.Close()
	}
	l.stop()
	l.mu.Unlock()
	l.ended.Wait()
}
