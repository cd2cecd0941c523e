// Package pusher simulates Password Pusher (https://pwpush.com), where a secret is left behind a link
// that shows it so many times. Beside Microsoft's services it answers under a path of its own, and what
// passes there is in no recording. The answers follow the JSON API v1 of an instance with sign-in
// (https://docs.pwpush.com/docs/api-v1/).
package pusher

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Prefix is the path under which the service answers.
const Prefix = "/pusher"

// Push is one secret and what is left of it.
type Push struct {
	Token     string    `json:"urlToken"`
	Payload   string    `json:"payload"` // "" once it expired
	Created   time.Time `json:"created"`
	Days      int       `json:"expireAfterDays"`
	Views     int       `json:"expireAfterViews"`
	Viewed    int       `json:"viewed"`
	Step      bool      `json:"retrievalStep"`
	Deletable bool      `json:"deletableByViewer"`
	Expired   bool      `json:"expired"`
	Deleted   bool      `json:"deleted"`
}

// Service is the simulated instance. It knows one account, by its API token.
type Service struct {
	token   string
	now     func() time.Time
	name    func() string
	unknown func(method, path string)

	mu     sync.Mutex
	pushes []*Push
}

// New is an instance whose one account has this API token. name names pushes; unknown is told of
// requests the service does not know.
func New(token string, now func() time.Time, name func() string, unknown func(method, path string)) *Service {
	return &Service{token: token, now: now, name: name, unknown: unknown}
}

// Token is the account's API token.
func (s *Service) Token() string { return s.token }

// Pushes are all pushes so far.
func (s *Service) Pushes() []Push {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Push, len(s.pushes))
	for i, p := range s.pushes {
		s.age(p)
		out[i] = *p
	}
	return out
}

// Reset forgets all pushes.
func (s *Service) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pushes = nil
}

// ServeHTTP answers one request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Cache-Control", "no-store")
	path := strings.TrimPrefix(r.URL.Path, Prefix)
	signedIn := r.Header.Get("Authorization") == "Bearer "+s.token
	if r.Header.Get("Authorization") != "" && !signedIn {
		w.WriteHeader(http.StatusUnauthorized) // a bad token is refused even where none is needed
		return
	}
	rest, isPush := strings.CutPrefix(path, "/p/")
	token, isJSON := strings.CutSuffix(rest, ".json")
	switch {
	case path == "/p.json" && r.Method == http.MethodPost:
		s.create(w, r, signedIn)
	case isPush && isJSON && strings.HasSuffix(token, "/preview") && r.Method == http.MethodGet:
		if p := s.find(w, strings.TrimSuffix(token, "/preview")); p != nil {
			reply(w, http.StatusOK, map[string]string{"url": address(r, p)})
		}
	case isPush && isJSON && r.Method == http.MethodGet:
		if p := s.find(w, token); p != nil {
			payload := s.view(p)
			out := s.shape(r, p)
			out["payload"] = payload
			reply(w, http.StatusOK, out)
		}
	case isPush && isJSON && r.Method == http.MethodDelete:
		s.remove(w, r, token, signedIn)
	case isPush && r.Method == http.MethodGet:
		s.page(w, r, rest)
	default:
		s.unknown(r.Method, r.URL.Path)
		http.NotFound(w, r)
	}
}

func (s *Service) create(w http.ResponseWriter, r *http.Request, signedIn bool) {
	if !signedIn {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	in, err := parameters(w, r)
	switch {
	case err != nil:
		reply(w, http.StatusBadRequest, map[string]string{"error": "the request cannot be read"})
		return
	case in == nil:
		reply(w, http.StatusBadRequest, map[string]string{"error": "param is missing or the value is empty: password"})
		return
	case in["payload"] == "":
		reply(w, http.StatusUnprocessableEntity, map[string][]string{"payload": {"Payload is required."}})
		return
	}
	p := &Push{Token: s.name(), Payload: in["payload"], Created: s.now(), Step: in["retrieval_step"] == "true", Deletable: in["deletable_by_viewer"] == "true",
		// What lies outside the bounds is replaced by the default, without a word.
		Days: within(in["expire_after_days"], 90, 7), Views: within(in["expire_after_views"], 100, 5)}
	s.pushes = append(s.pushes, p)
	reply(w, http.StatusCreated, s.shape(r, p))
}

func within(text string, most, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= most {
		return n
	}
	return otherwise
}

// parameters are the fields of "password", from JSON or from a form; nil where there is no such thing.
func parameters(w http.ResponseWriter, r *http.Request) (map[string]string, error) {
	body := http.MaxBytesReader(w, r.Body, 2<<20)
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		r.Body = body
		if err := r.ParseForm(); err != nil {
			return nil, err
		}
		var out map[string]string
		for k, v := range r.PostForm {
			if name, ok := strings.CutPrefix(k, "password["); ok && len(v) > 0 {
				if out == nil {
					out = map[string]string{}
				}
				out[strings.TrimSuffix(name, "]")] = v[0]
			}
		}
		return out, nil
	}
	var in struct{ Password map[string]any }
	if err := json.NewDecoder(body).Decode(&in); err != nil {
		return nil, err
	}
	if in.Password == nil {
		return nil, nil
	}
	out := map[string]string{}
	for k, v := range in.Password {
		out[k] = fmt.Sprint(v)
	}
	return out, nil
}

func (s *Service) find(w http.ResponseWriter, token string) *Push {
	for _, p := range s.pushes {
		if p.Token == token {
			s.age(p)
			return p
		}
	}
	reply(w, http.StatusNotFound, map[string]string{"error": "not-found"})
	return nil
}

// age lets a push expire when its time is over.
func (s *Service) age(p *Push) {
	if !p.Expired && !s.now().Before(p.Created.AddDate(0, 0, p.Days)) {
		p.Expired, p.Payload = true, ""
	}
}

// view uses one view up and gives the payload, nil where none is left.
func (s *Service) view(p *Push) any {
	if p.Expired {
		return nil
	}
	payload := p.Payload
	p.Viewed++
	if p.Viewed >= p.Views {
		p.Expired, p.Payload = true, ""
	}
	return payload
}

func (s *Service) remove(w http.ResponseWriter, r *http.Request, token string, signedIn bool) {
	p := s.find(w, token)
	switch {
	case p == nil:
	case !signedIn && !p.Deletable:
		reply(w, http.StatusUnprocessableEntity, map[string]string{"error": "That push is not deletable by viewers and does not belong to you."})
	case p.Expired:
		reply(w, http.StatusUnprocessableEntity, map[string]string{"error": "That push is already expired."})
	default:
		p.Expired, p.Deleted, p.Payload = true, true, ""
		reply(w, http.StatusOK, s.shape(r, p))
	}
}

// page is what a person sees: the page that asks first (/p/TOKEN/r), which uses no view, and the one
// that shows.
func (s *Service) page(w http.ResponseWriter, _ *http.Request, rest string) {
	token, asks := strings.CutSuffix(rest, "/r")
	p := s.find(w, token)
	if p == nil {
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if asks && !p.Expired {
		_, _ = io.WriteString(w, `<a href="`+Prefix+"/p/"+p.Token+`">Click here to proceed</a>`)
		return
	}
	payload, ok := s.view(p).(string)
	if !ok {
		_, _ = io.WriteString(w, "We apologize but this secret link has expired.")
		return
	}
	_, _ = io.WriteString(w, "<pre>"+html.EscapeString(payload)+"</pre>")
}

// shape is a push as the API shows it: without its payload.
func (s *Service) shape(r *http.Request, p *Push) map[string]any {
	left := max(0, int(p.Created.AddDate(0, 0, p.Days).Sub(s.now())/(24*time.Hour)))
	return map[string]any{
		"url_token": p.Token, "html_url": address(r, p), "json_url": strings.TrimSuffix(address(r, p), "/r") + ".json",
		"created_at": p.Created, "updated_at": s.now(), "expire_after_days": p.Days, "expire_after_views": p.Views, "days_remaining": left,
		"views_remaining": max(0, p.Views-p.Viewed), "retrieval_step": p.Step, "deletable_by_viewer": p.Deletable, "expired": p.Expired, "deleted": p.Deleted,
	}
}

func address(r *http.Request, p *Push) string {
	scheme, step := "https", ""
	if r.TLS == nil {
		scheme = "http"
	}
	if p.Step {
		step = "/r"
	}
	return scheme + "://" + r.Host + Prefix + "/p/" + p.Token + step
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
