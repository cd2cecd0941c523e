// Package sandbox is a simulated Microsoft 365: sign-in, Microsoft Graph and Exchange Online for a partner
// and its customers, answering on HTTPS as the real services do. It is one process, in memory, with one
// seed and one clock.
package sandbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"cipp-mcp/sandbox/builtin"
	"cipp-mcp/sandbox/cloud"
	"cipp-mcp/sandbox/exchange"
	"cipp-mcp/sandbox/graph"
	"cipp-mcp/sandbox/mfapush"
	"cipp-mcp/sandbox/pusher"
	"cipp-mcp/sandbox/sharepoint"
	"cipp-mcp/sandbox/signin"
)

// Options says how a sandbox starts. The zero value is the built-in story on a free port.
type Options struct {
	Addr         string        // listen address, "127.0.0.1:0" when empty
	State        []byte        // state file; nil: the built-in story
	Clock        string        // "2026-03-12T15:00:00Z" or "...,frozen"; empty: the state's clock, else now
	Record       io.Writer     // JSONL recording of every exchange; nil: none
	Faults       []byte        // faults file (JSON array); nil: none
	OutDir       string        // where ca.pem and client.json are written; empty: nothing is written
	InsecureHTTP bool          // plain HTTP; Microsoft's sign-in libraries refuse it
	Control      bool          // serve /_sandbox/* to loopback clients
	Seed         int64         // decides every id that is made
	Latency      time.Duration // how long each request is on its way, in real time even where the clock stands still
	Limits       bool          // Microsoft's published limits of requests hold; off, so that measurements measure us
}

// Server is a running sandbox.
type Server struct {
	options  Options
	cloud    *cloud.Cloud
	signin   *signin.Service
	graph    *graph.Service
	exchange *exchange.Service
	pusher   *pusher.Service
	mfapush  *mfapush.Service
	wire     *wire

	sharepoint *sharepoint.Service

	listener net.Listener
	http     *http.Server
	url      string
	ca       []byte
	serveErr chan error
	unwatch  func() bool

	mu      sync.Mutex
	unknown []string
}

// Start listens and serves until Close or the end of ctx.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.State == nil {
		o.State = builtin.State
	}
	c, err := cloud.New(o.State, o.Clock, o.Seed)
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, cloud: c, signin: signin.New(c), serveErr: make(chan error, 1)}
	s.wire = newWire(c, o.Record, s.noteUnknown)
	s.wire.latency = o.Latency
	if s.wire.faults.limits = o.Limits; o.Limits {
		s.wire.outlook, s.wire.identity = newLimiter(mailboxConcurrency), newIdentityLimits(c)
	}
	if err := s.SetFaults(o.Faults); err != nil {
		return nil, err
	}
	s.graph = graph.New(c, s.signin, s.noteUnknown)
	s.graph.Inner = s.wire.item(s.graph)
	s.exchange = exchange.New(c, func(r *http.Request) (*signin.Principal, error) { return s.signin.Verify(r, signin.Exchange) }, s.noteUnknown, s.wire.item)
	s.sharepoint = sharepoint.New(c, s.signin, s.noteUnknown)
	s.mfapush = mfapush.New(c, s.signin)
	s.pusher = pusher.New(pusherToken, c.Now, func() string { return c.IDs.Text(16, "abcdefghijklmnopqrstuvwxyz0123456789-_") }, s.noteUnknown)
	if s.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", o.Addr); err != nil {
		return nil, fmt.Errorf("the sandbox cannot listen: %w", err)
	}
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	scheme := "http"
	if !o.InsecureHTTP {
		scheme = "https"
		cert, ca, err := certificate(s.listener.Addr())
		if err != nil {
			return nil, errors.Join(err, s.listener.Close())
		}
		s.ca = ca
		s.http.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	s.url = scheme + "://" + s.listener.Addr().String()
	if o.OutDir != "" {
		if err := s.writeOut(o.OutDir); err != nil {
			return nil, errors.Join(err, s.listener.Close())
		}
	}
	go func() {
		var err error
		if o.InsecureHTTP {
			err = s.http.Serve(s.listener)
		} else {
			err = s.http.ServeTLS(s.listener, "", "")
		}
		s.serveErr <- err
	}()
	s.unwatch = context.AfterFunc(ctx, func() { _ = s.http.Close() })
	return s, nil
}

// Close ends the server and every connection.
func (s *Server) Close() error {
	s.unwatch()
	err := s.http.Close()
	if e := <-s.serveErr; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	s.serveErr <- http.ErrServerClosed // a second Close finds an answer
	return err
}

// URL is where the sandbox answers, https://127.0.0.1:PORT.
func (s *Server) URL() string { return s.url }

// CA is the PEM of the authority that signed the server's certificate; empty with InsecureHTTP.
func (s *Server) CA() []byte { return s.ca }

// State is the whole cloud now, in the format of the state file.
func (s *Server) State() ([]byte, error) {
	s.wire.faults.settle()
	return s.cloud.Save()
}

// Advance moves the clock forward.
func (s *Server) Advance(d time.Duration) { s.cloud.Clock.Advance(d) }

// Now is the simulated time.
func (s *Server) Now() time.Time { return s.cloud.Now() }

// Sleep waits for d or until ctx ends; on a frozen clock it returns at once.
func (s *Server) Sleep(ctx context.Context, d time.Duration) error {
	return s.cloud.Clock.Sleep(ctx, d)
}

// Reset goes back to the state, time and ids with which the sandbox started.
func (s *Server) Reset() error {
	s.mu.Lock()
	s.unknown = nil
	s.mu.Unlock()
	if err := s.cloud.Reset(); err != nil {
		return err
	}
	s.wire.reset()
	s.exchange.Reset()
	s.signin.Reset()
	s.pusher.Reset()
	return s.SetFaults(s.options.Faults)
}

// SetFaults puts a faults file's content in force and forgets the faults before; nil clears. Faults that stand
// with a tenant in the state file stay in force for that tenant.
func (s *Server) SetFaults(text []byte) error { return s.wire.faults.set(text) }

// FaultsHit is how many times a fault fired since the faults were set.
func (s *Server) FaultsHit() int { return s.wire.faults.hitCount() }

// Metrics is what the sandbox has been asked since it started or was reset.
func (s *Server) Metrics() Metrics { return s.wire.metrics() }

// pusherToken is the API token of the simulated Password Pusher's one account.
const pusherToken = "sandbox-password-pusher-token" //nolint:gosec // of a simulation

// Pushes is what was left at the simulated Password Pusher.
func (s *Server) Pushes() []pusher.Push { return s.pusher.Pushes() }

// Unknown is "METHOD path" of every request since the start that the sandbox does not know. The real
// services may know it: a test that finds one here has left the simulated part.
func (s *Server) Unknown() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.unknown...)
}

func (s *Server) noteUnknown(method, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unknown = append(s.unknown, method+" "+path)
}
