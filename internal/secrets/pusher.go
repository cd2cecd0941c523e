package secrets

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"cipp-mcp/internal/config"
)

// pushWithin bounds one call to Password Pusher: a write waits for it.
const pushWithin = 20 * time.Second

// offeredFor is how long a secret is held ready for a person at the client.
const offeredFor = 10 * time.Minute

// pusher hands secrets to Password Pusher and seals for the operator the link it gives: until it was
// used, the link is as good as the secret.
//
// It speaks the JSON API that every edition and every self-hosted instance answers (/p.json, v1,
// https://docs.pwpush.com/docs/api-v1/); v2 is not everywhere yet.
type pusher struct {
	Terminal
	base     string // without a slash at the end
	token    string
	settings config.PasswordPusher
	client   *http.Client
	redactor *Redactor

	mu    sync.Mutex
	links map[string]pushed // by handle, until they were offered or discarded
}

type pushed struct {
	token, link, whom string
	until             time.Time
}

func newPusher(s *Store, c config.PasswordPusher, o SinkOptions) (Sink, error) {
	base, token := c.URL, ""
	if base == "" {
		base, token = o.PusherURL, o.PusherToken
	}
	if c.Token != "" {
		var err error
		if token, err = config.Resolve(c.Token); err != nil {
			return nil, fmt.Errorf("passwords.passwordPusher.token: %w", err)
		}
	}
	if base == "" {
		return nil, fmt.Errorf("passwords.passwordPusher.url is not configured, and this cloud brings no Password Pusher of its own")
	}
	o.Redactor.Add(token)
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: pushWithin, DisableKeepAlives: true,
	}
	return &pusher{
		Terminal: Terminal{s}, base: strings.TrimRight(base, "/"), token: token, settings: c, redactor: o.Redactor, links: map[string]pushed{},
		client: &http.Client{Transport: transport, Timeout: pushWithin, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // what carries a password goes where the operator said, and nowhere else
		}},
	}, nil
}

// Seal pushes first and seals the link then: an interruption in between leaves a push of a password
// that was never in force.
func (p *pusher) Seal(ctx context.Context, kind, whom, secret string) (Info, error) {
	if err := p.Ready(); err != nil {
		return Info{}, err
	}
	token, err := p.push(ctx, secret)
	if err != nil {
		return Info{}, err
	}
	link := p.base + "/p/" + token + "/r" // the page that asks before it shows
	p.redactor.Add(link)
	p.redactor.Add(token)
	info, err := p.Store.Seal("link to the "+kind, whom, link)
	if err != nil {
		p.expire(ctx, token)
		return Info{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.Store.clock.Now()
	for h, l := range p.links {
		if now.After(l.until) {
			delete(p.links, h)
		}
	}
	p.links[info.Handle] = pushed{token, link, whom, now.Add(offeredFor)}
	return info, nil
}

// Discard also lets the push expire, if it can.
func (p *pusher) Discard(ctx context.Context, handle string) {
	if l, ok := p.take(handle); ok {
		p.expire(ctx, l.token)
	}
	p.Terminal.Discard(ctx, handle)
}

func (p *pusher) take(handle string) (pushed, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.links[handle]
	delete(p.links, handle)
	return l, ok && !p.Store.clock.Now().After(l.until)
}

// Offers are the links themselves, each offered once.
func (p *pusher) Offers(handles []string) []Offer {
	var out []Offer
	for _, h := range handles {
		if l, ok := p.take(h); ok {
			out = append(out, Offer{ID: uuid.NewString(), URL: l.link, Handles: []string{h}, Message: "A password for " + l.whom + " waits at Password Pusher, behind a link that shows it once. Open it only when you can note the password."})
		}
	}
	return out
}

// urlToken is what Password Pusher names a push by; nothing else may get into an address.
var urlToken = regexp.MustCompile(`^[A-Za-z0-9_-]{6,128}$`)

// push makes a push and returns its token.
func (p *pusher) push(ctx context.Context, secret string) (string, error) {
	var in struct {
		Password struct {
			Payload   string `json:"payload"`
			Days      int    `json:"expire_after_days"`
			Views     int    `json:"expire_after_views"`
			Step      bool   `json:"retrieval_step"`
			Deletable bool   `json:"deletable_by_viewer"`
		} `json:"password"`
	}
	in.Password.Payload, in.Password.Days, in.Password.Views, in.Password.Step = secret, p.settings.ExpireAfterDays, p.settings.ExpireAfterViews, true
	body, err := json.Marshal(in)
	if err != nil {
		return "", p.failed("the push could not be written")
	}
	status, answer, err := p.call(ctx, http.MethodPost, "/p.json", body)
	switch {
	case err != nil:
		return "", err
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return "", p.failed(fmt.Sprintf("it refuses the token of passwords.passwordPusher.token (%d)", status))
	case status >= 300 && status < 400:
		return "", p.failed(fmt.Sprintf("it sends elsewhere (%d); passwords.passwordPusher.url must be the address that answers", status))
	case status != http.StatusCreated && status != http.StatusOK:
		return "", p.failed(fmt.Sprintf("it answered %d", status))
	}
	var out struct {
		Token string `json:"url_token"`
		Days  int    `json:"expire_after_days"`
		Views int    `json:"expire_after_views"`
		Step  bool   `json:"retrieval_step"`
	}
	if json.Unmarshal(answer, &out) != nil || !urlToken.MatchString(out.Token) {
		return "", p.failed("its answer is none of Password Pusher's")
	}
	// An instance silently puts its own limits in place of those outside its bounds.
	if out.Days != p.settings.ExpireAfterDays || out.Views != p.settings.ExpireAfterViews || !out.Step {
		p.expire(ctx, out.Token)
		return "", p.failed(fmt.Sprintf("it made %d days and %d views of the %d days and %d views that were asked for, or leaves out the page that asks first", out.Days, out.Views, p.settings.ExpireAfterDays, p.settings.ExpireAfterViews))
	}
	return out.Token, nil
}

// expire takes a push back. Only its owner may; where that fails, its own expiry takes care of it.
func (p *pusher) expire(ctx context.Context, token string) {
	_, _, _ = p.call(ctx, http.MethodDelete, "/p/"+token+".json", nil)
}

func (p *pusher) call(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, p.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, p.failed("its address cannot be used")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	res, err := p.client.Do(r)
	if err != nil {
		return 0, nil, p.failed("it does not answer: " + reason(err))
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return 0, nil, p.failed("its answer broke off")
	}
	return res.StatusCode, answer, nil
}

// failed words a failure without what the service said: old versions repeat the payload.
func (p *pusher) failed(why string) error {
	return &SinkError{"the password could not be handed to Password Pusher at " + p.base + ": " + why}
}
