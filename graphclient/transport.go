package graphclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	khttp "github.com/microsoft/kiota-http-go"
)

// call is what the chain has to know of a request. It travels in the request's context, so that one chain
// and one adapter serve every tenant.
type call struct {
	service    service
	tenant     string
	write      bool     // anything that may change something
	repeatable bool     // a write that does no harm when sent twice
	deletes    bool     // a DELETE: gone already is as good as done
	mailbox    bool     // an Exchange cmdlet on a user's mailbox: its absence means there is no mailbox
	needs      []string // permissions any of which suffices, the least first
	budget     budget
	rate       budget // a second limit that this call is under
	secret     string // what is sent has this in it, and no error may
	// base and scope are those of the service, where it has several: SharePoint's differ from tenant to tenant.
	base, scope string
	// location is where the answer's Location is put; nil where nobody wants it.
	location *string
}

type callKey struct{}

func withCall(ctx context.Context, k call) context.Context {
	return context.WithValue(ctx, callKey{}, k)
}

func callOf(ctx context.Context) call {
	k, _ := ctx.Value(callKey{}).(call)
	return k
}

// Longest time one attempt may take. Exchange cmdlets are slow: the service itself gives up after minutes.
const (
	graphPatience    = 100 * time.Second
	exchangePatience = 300 * time.Second
	largestAnswer    = 256 << 20
)

// newWire is the connection pool under everything. roots nil means the system's.
func newWire(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: 15 * time.Second,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
	}
}

// neverFollow leaves redirects to us: following one would carry the token to another host.
func neverFollow(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// newChain is the HTTP client for Graph and Exchange. The order is fixed: names of query options are written
// as Microsoft documents them, the request gets its identity, then its token, and what comes back is turned
// into a whole body or an *Error. Repetition is not part of the chain: it stands above, in repeat, where it
// also sees answers that arrive but cannot be read.
func (c *Client) newChain() *http.Client {
	return &http.Client{
		CheckRedirect: neverFollow,
		Transport: khttp.NewCustomTransportWithParentTransport(c.wire,
			khttp.NewParametersNameDecodingHandler(),
			identify{agent: c.cfg.UserAgent},
			authorise{c},
			outcome{},
		),
	}
}

// identify makes requests traceable and their bodies repeatable.
type identify struct{ agent string }

func (m identify) Intercept(p khttp.Pipeline, next int, req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", m.agent)
	t := traceOf(req)
	switch {
	case t != nil:
		req.Header.Set("client-request-id", t.requestID)
	case req.Header.Get("client-request-id") == "":
		req.Header.Set("client-request-id", uuid.NewString())
	}
	if req.Body != nil && req.Body != http.NoBody {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		setBody(req, body)
	}
	res, err := p.Next(req, next)
	t.answered(res)
	return res, err
}

// setBody gives req a body of known length that the transport may rewind.
func setBody(req *http.Request, body []byte) {
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
}

// authorise puts the tenant's token on a request, but only for the host the token is meant for. A 401 is
// answered once with a token that is forced fresh.
type authorise struct{ c *Client }

func (m authorise) Intercept(p khttp.Pipeline, next int, req *http.Request) (*http.Response, error) {
	k := callOf(req.Context())
	if !m.c.belongs(k, req.URL.Scheme, req.URL.Host) {
		return nil, &Error{Kind: Invalid, Service: string(k.service), Tenant: k.tenant,
			Message: "The address " + cleanText(req.URL.Host, 80) + " is not Microsoft's configured host, so nothing was sent to it."}
	}
	token, err := m.c.tokens.get(req.Context(), k.tenant, m.c.scopeOf(k))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := p.Next(req, next)
	var e *Error
	if !errors.As(err, &e) || e.Status != http.StatusUnauthorized {
		return res, m.c.refine(k, err, token)
	}
	token, renewErr := m.c.tokens.renew(req.Context(), k.tenant, m.c.scopeOf(k), token, e.claims)
	if renewErr != nil {
		return nil, renewErr
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if req.GetBody != nil {
		req.Body, _ = req.GetBody()
	}
	res, err = p.Next(req, next)
	return res, m.c.refine(k, err, token)
}

// scopeOf is what a token for the call is asked for.
func (c *Client) scopeOf(k call) string {
	if k.scope != "" {
		return k.scope
	}
	return c.cfg.Cloud.scope(k.service)
}

// belongs reports whether scheme://host is the base of the call's service.
func (c *Client) belongs(k call, scheme, host string) bool {
	base := c.cfg.Cloud.Graph
	switch {
	case k.base != "":
		base = k.base
	case k.service == exchangeService:
		base = c.cfg.Cloud.Exchange
	}
	baseScheme, rest, _ := strings.Cut(base, "://")
	baseHost, _, _ := strings.Cut(rest, "/")
	return strings.EqualFold(scheme, baseScheme) && strings.EqualFold(host, baseHost)
}

// outcome reads the whole answer, so that a body cut short is seen here and not by a decoder, and turns
// every failure into an *Error that says whether a write may have landed.
type outcome struct{}

func (outcome) Intercept(p khttp.Pipeline, next int, req *http.Request) (*http.Response, error) {
	k := callOf(req.Context())
	patience := graphPatience
	if k.service == exchangeService {
		patience = exchangePatience
	}
	var sent atomic.Bool
	ctx, cancel := context.WithTimeout(req.Context(), patience)
	defer cancel()
	// From the moment there is a connection the request may be on it. The later hooks are of no use: the
	// service can have acted before the goroutine that wrote the request comes to report it.
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	res, err := p.Next(req.WithContext(ctx), next)
	if err != nil {
		return nil, lost(k, err, sent.Load())
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, largestAnswer))
	_ = res.Body.Close()
	if res.StatusCode >= 300 {
		return nil, answerError(k, res, body)
	}
	if err != nil {
		return nil, lost(k, err, true)
	}
	if k.location != nil {
		*k.location = res.Header.Get("Location")
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	res.ContentLength = int64(len(body))
	return res, nil
}

// lost is the error of a request that got no answer, or half of one.
func lost(k call, err error, sent bool) *Error {
	e := &Error{Kind: Unavailable, Service: string(k.service), Tenant: k.tenant, cause: err, notSent: !sent}
	e.Ambiguous = k.write && sent
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.Message = k.service.name() + " did not answer in time."
	case errors.Is(err, context.Canceled):
		e.Message = "The call to " + k.service.name() + " was cancelled."
	case !sent:
		e.Message = k.service.name() + " cannot be reached: " + cleanText(rootText(err), 160) + "."
	default:
		e.Message = "The connection to " + k.service.name() + " broke before its answer was complete."
	}
	if e.Ambiguous {
		e.Message += " The change may have been made; read the object before trying again."
	}
	return e
}

// rootText is the innermost text of a chain of network errors, which names the cause and not the URL.
func rootText(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
