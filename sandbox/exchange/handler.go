// Package exchange is the simulated Exchange Online admin API: InvokeCommand with the cmdlets an
// administrator of users needs, its $batch, and the two entity reads.
package exchange

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"cipp-mcp/sandbox/cloud"
	"cipp-mcp/sandbox/signin"
)

// Service answers below /adminapi/.
type Service struct {
	cloud   *cloud.Cloud
	verify  func(*http.Request) (*signin.Principal, error)
	unknown func(method, path string)
	item    http.Handler // one item of a $batch

	mu       sync.Mutex
	sessions map[string]*auditSession // of Search-UnifiedAuditLog
}

// New makes the service. verify reads the bearer token of a request, unknown is told of paths that Exchange
// does not have, and item wraps what answers one item of a $batch (nil: nothing is wrapped).
func New(c *cloud.Cloud, verify func(*http.Request) (*signin.Principal, error), unknown func(method, path string), item func(http.Handler) http.Handler) *Service {
	s := &Service{cloud: c, verify: verify, unknown: unknown, sessions: map[string]*auditSession{}}
	s.item = http.HandlerFunc(s.answer)
	if item != nil {
		s.item = item(s.item)
	}
	return s
}

// Reset forgets the search sessions.
func (s *Service) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = map[string]*auditSession{}
}

// ServeHTTP answers /adminapi/{version}/{tenant}/….
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, _, rest, ok := split(r.URL.Path); ok && strings.EqualFold(rest, "$batch") {
		s.batch(w, r)
		return
	}
	s.answer(w, r)
}

func split(path string) (version, tenant, rest string, ok bool) {
	seg := strings.SplitN(strings.TrimPrefix(path, "/"), "/", 4)
	if len(seg) < 4 || !strings.EqualFold(seg[0], "adminapi") {
		return "", "", "", false
	}
	return strings.ToLower(seg[1]), seg[2], seg[3], true
}

// access is who calls which tenant.
type access struct {
	tenant *cloud.Tenant
	who    *signin.Principal
	by     cloud.Actor
}

func (s *Service) answer(w http.ResponseWriter, r *http.Request) {
	version, tenant, rest, ok := split(r.URL.Path)
	if !ok {
		s.unknown(r.Method, r.URL.Path)
		http.NotFound(w, r)
		return
	}
	a, err := s.access(r, tenant)
	if err != nil {
		writeError(w, err)
		return
	}
	switch {
	case strings.EqualFold(rest, "InvokeCommand"):
		if version != "beta" || r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			writeError(w, &failure{status: http.StatusMethodNotAllowed, code: "MethodNotAllowed", message: "The requested resource does not support http method '" + r.Method + "'."})
			return
		}
		s.invoke(w, r, a)
	case version == "beta" && r.Method == http.MethodGet && mailboxEntity.MatchString(rest):
		s.entity(w, r, a, rest)
	default:
		s.unknown(r.Method, r.URL.Path)
		writeError(w, &failure{status: http.StatusNotFound, code: "NotFound", exception: odataException, message: "Resource not found for the segment '" + rest + "'."})
	}
}

func (s *Service) access(r *http.Request, tenant string) (access, error) {
	who, err := s.verify(r)
	if err != nil {
		return access{}, &failure{status: http.StatusUnauthorized, code: "Unauthorized", message: "Provide valid credential. " + err.Error()}
	}
	t := s.cloud.Tenant(tenant)
	if t == nil {
		return access{}, &failure{status: http.StatusNotFound, code: "NotFound", exception: "Microsoft.Exchange.Admin.OData.Core.TenantNotFoundException", message: "The tenant '" + tenant + "' could not be found."}
	}
	if !strings.EqualFold(who.Tenant, t.ID) {
		return access{}, &failure{status: http.StatusForbidden, code: "Forbidden", message: "The token was issued for tenant " + who.Tenant + " and cannot be used with tenant " + t.ID + "."}
	}
	if !who.Exchange {
		return access{}, &failure{status: http.StatusForbidden, code: "Forbidden", message: "The token holds no permission to manage Exchange (Exchange.ManageAsApp)."}
	}
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = ""
	}
	return access{t, who, who.Actor(ip)}, nil
}

func (s *Service) invoke(w http.ResponseWriter, r *http.Request, a access) {
	var in map[string]json.RawMessage
	var input struct {
		CmdletName string
		Parameters map[string]any
	}
	dec := json.NewDecoder(r.Body)
	if err := dec.Decode(&in); err != nil {
		writeError(w, badRequest("The request body is no valid JSON: "+err.Error()))
		return
	}
	body := json.NewDecoder(strings.NewReader(string(in["CmdletInput"])))
	body.DisallowUnknownFields()
	if err := body.Decode(&input); err != nil || len(in) != 1 || input.CmdletName == "" {
		writeError(w, badRequest("The request body must hold CmdletInput with CmdletName and Parameters, and nothing else."))
		return
	}
	c, err := s.prepare(a, input.CmdletName, input.Parameters)
	if err != nil {
		writeError(w, err)
		return
	}
	p := &page{c: c, r: r}
	out, err := c.run(p.window)
	if err != nil {
		writeError(w, err)
		return
	}
	p.reply(w, out)
}

// prepare finds the cmdlet, asks whether the caller may run it and binds its parameters.
func (s *Service) prepare(a access, name string, parameters map[string]any) (*call, error) {
	if !a.who.HasRole(readers...) {
		return nil, &failure{status: http.StatusForbidden, code: "Forbidden", message: "The role assigned to application " + a.who.AppID + " isn't supported in this scenario. Please check online documentation for assigning correct Directory Roles to Azure AD Application for EXO App-Only Authentication."}
	}
	def := cmdlets[strings.ToLower(name)]
	if def == nil {
		return nil, &failure{status: http.StatusBadRequest, code: "BadRequest", exception: "System.Management.Automation.CommandNotFoundException",
			message: "The term '" + name + "' is not recognized as the name of a cmdlet, function, script file, or executable program. Check the spelling of the name, or if a path was included, verify that the path is correct and try again."}
	}
	if only := except[def.name]; only != nil && !a.who.HasRole(only...) || def.writes() && !a.who.HasRole(writers...) {
		return nil, errNoCmdlet
	}
	p, err := def.bind(parameters)
	if err != nil {
		return nil, err
	}
	return &call{service: s, access: a, def: def, p: p}, nil
}

// Roles with which a caller may read, and write. Others see no cmdlet at all.
// https://learn.microsoft.com/powershell/exchange/app-only-auth-powershell-v2
var (
	writers = []string{"Global Administrator", "Exchange Administrator", "Exchange Recipient Administrator"}
	readers = append([]string{"Global Reader", "Security Reader", "Security Administrator", "Compliance Administrator", "Helpdesk Administrator"}, writers...)
)

// except is whose roles hold a cmdlet that not every reader may run: Audit Logs or View-Only Audit Logs, and
// for inbox rules more than the view-only roles, as Microsoft's pages of the two cmdlets say.
var except = map[string][]string{
	"Search-UnifiedAuditLog": {"Global Administrator", "Exchange Administrator", "Compliance Administrator", "Security Administrator", "Security Reader", "Global Reader"},
	"Get-InboxRule":          {"Global Administrator", "Exchange Administrator", "Exchange Recipient Administrator"},
}

// call is one run of a cmdlet.
type call struct {
	service *Service
	access
	def      *cmdlet
	p        parameters
	warnings []string
	view     func(cloud.Object) cloud.Object // what a row that the cmdlet gave looks like; nil: as it is
}

func (c *call) warn(text string) { c.warnings = append(c.warnings, text) }

// run holds the tenant's lock while the cmdlet works. Of the rows those in the window come back, and they
// are the caller's own.
func (c *call) run(window func(rows int) (from, to int, err error)) ([]cloud.Object, error) {
	if c.def.writes() {
		c.tenant.Lock()
		defer c.tenant.Unlock()
	} else {
		c.tenant.RLock()
		defer c.tenant.RUnlock()
	}
	if c.p.flag("WhatIf") {
		return nil, nil
	}
	rows, err := c.def.run(c)
	if err != nil {
		return nil, err
	}
	from, to, err := window(len(rows))
	if err != nil {
		return nil, err
	}
	out := make([]cloud.Object, 0, to-from)
	for _, row := range rows[from:to] {
		if c.view != nil {
			row = c.view(row)
		}
		out = append(out, cloud.Copy(row))
	}
	if c.def.writes() {
		c.audit()
	}
	return out, nil
}

func (s *Service) batch(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Requests []struct {
			ID      string            `json:"id"`
			Method  string            `json:"method"`
			URL     string            `json:"url"`
			Body    json.RawMessage   `json:"body"`
			Headers map[string]string `json:"headers"`
		} `json:"requests"`
	}
	if r.Method != http.MethodPost {
		writeError(w, &failure{status: http.StatusMethodNotAllowed, code: "MethodNotAllowed", message: "$batch takes POST."})
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		writeError(w, badRequest("The batch request is no valid JSON: "+err.Error()))
		return
	}
	if len(in.Requests) == 0 || len(in.Requests) > 10 {
		writeError(w, badRequest("A batch holds 1 to 10 requests."))
		return
	}
	seen := map[string]bool{}
	responses := make([]any, 0, len(in.Requests))
	for _, q := range in.Requests {
		if q.ID == "" || seen[strings.ToLower(q.ID)] {
			writeError(w, badRequest("Every request of a batch needs an id of its own."))
			return
		}
		seen[strings.ToLower(q.ID)] = true
		responses = append(responses, s.batchItem(r, q.ID, q.Method, q.URL, q.Body, q.Headers))
	}
	writeJSON(w, http.StatusOK, cloud.Object{"responses": responses})
}

func (s *Service) batchItem(r *http.Request, id, method, target string, body json.RawMessage, headers map[string]string) any {
	u, err := url.Parse(target)
	if err != nil || !u.IsAbs() {
		return itemAnswer(id, badRequest("The url of a batch item is absolute."))
	}
	sub, err := http.NewRequestWithContext(r.Context(), strings.ToUpper(method), u.String(), strings.NewReader(string(body)))
	if err != nil {
		return itemAnswer(id, badRequest(err.Error()))
	}
	sub.RemoteAddr, sub.Host, sub.TLS = r.RemoteAddr, r.Host, r.TLS
	sub.Header.Set("Authorization", r.Header.Get("Authorization"))
	for k, v := range headers {
		sub.Header.Set(k, v)
	}
	got := &heldAnswer{header: http.Header{}, status: http.StatusOK}
	s.item.ServeHTTP(got, sub)
	return got.item(id)
}

func itemAnswer(id string, f *failure) any {
	got := &heldAnswer{header: http.Header{}}
	writeError(got, f)
	return got.item(id)
}

// heldAnswer keeps the answer to an item.
type heldAnswer struct {
	header http.Header
	status int
	body   []byte
}

func (h *heldAnswer) Header() http.Header { return h.header }

func (h *heldAnswer) WriteHeader(status int) { h.status = status }

func (h *heldAnswer) Write(b []byte) (int, error) {
	h.body = append(h.body, b...)
	return len(b), nil
}

func (h *heldAnswer) item(id string) any {
	headers := map[string]string{}
	for k := range h.header {
		if k != "Content-Encoding" {
			headers[k] = h.header.Get(k)
		}
	}
	var body any
	if err := json.Unmarshal(h.body, &body); err != nil {
		body = nil
	} else {
		body = json.RawMessage(h.body)
	}
	return map[string]any{"id": id, "status": h.status, "headers": headers, "body": body}
}

// badRequest is a refusal that no cmdlet has seen.
func badRequest(message string) *failure {
	return &failure{status: http.StatusBadRequest, code: "BadRequest", exception: odataException, message: message}
}

// asFailure is what is answered for an error.
func asFailure(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return &failure{status: http.StatusInternalServerError, code: "InternalServerError", exception: odataException, message: err.Error()}
}
