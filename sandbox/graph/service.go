// Package graph is the simulated Microsoft Graph, v1.0 and beta: its operations with their permissions,
// refusals and paging. One file per resource.
package graph

import (
	"net/http"
	"net/url"
	"strings"
	"sync"

	"cipp-mcp/sandbox/cloud"
	"cipp-mcp/sandbox/model"
	"cipp-mcp/sandbox/odata"
	"cipp-mcp/sandbox/signin"
)

// Service answers at the Graph host.
type Service struct {
	// Inner serves the items of a $batch; nil: the service itself. Whoever wraps the service sets it to
	// the wrapped handler, so that items are treated like single requests.
	Inner http.Handler

	cloud   *cloud.Cloud
	signin  *signin.Service
	unknown func(method, path string)
	table   table
	finds   sync.Map // auditFind → []cloud.Object
}

// New makes the service. unknown is told of every request that the simulation does not know.
func New(c *cloud.Cloud, s *signin.Service, unknown func(method, path string)) *Service {
	return &Service{cloud: c, signin: s, unknown: unknown, table: compile(operations())}
}

// call is one request on its way.
type call struct {
	s    *Service
	r    *http.Request
	p    *signin.Principal
	t    *cloud.Tenant
	op   *op
	q    odata.Query
	m    *model.Model
	beta bool
	base string   // https://host/v1.0
	path string   // below the version, as sent
	args []string // what stands for the {placeholders} of the operation's path
	meta string   // none, minimal, full

	status int
	header http.Header
	out    []byte
	id     string
}

// ServeHTTP answers one request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{s: s, r: r, status: http.StatusOK, header: w.Header(), id: s.cloud.NewID(), meta: metadata(r)}
	c.header.Set("request-id", c.id)
	if id := r.Header.Get("client-request-id"); id != "" {
		c.header.Set("client-request-id", id)
	} else {
		c.header.Set("client-request-id", c.id)
	}
	if err := c.serve(); err != nil {
		c.fail(err)
	}
	if c.out == nil {
		if c.status == http.StatusOK {
			c.status = http.StatusNoContent
		}
		w.WriteHeader(c.status)
		return
	}
	if c.header.Get("Content-Type") == "" {
		c.header.Set("OData-Version", "4.0")
		c.header.Set("Content-Type", "application/json;odata.metadata="+c.meta+";odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
	}
	w.WriteHeader(c.status)
	_, _ = w.Write(c.out) // the client may be gone
}

func (c *call) serve() error {
	p, err := c.s.signin.Verify(c.r, signin.Graph)
	if err != nil {
		return &failure{http.StatusUnauthorized, "InvalidAuthenticationToken", err.Error()}
	}
	c.p, c.t = p, c.s.cloud.Tenant(p.Tenant)
	escaped := c.r.URL.EscapedPath()
	version, rest, _ := strings.Cut(strings.TrimPrefix(escaped, "/"), "/")
	c.beta = version == "beta"
	c.m = model.V1()
	if c.beta {
		c.m = model.Beta()
	}
	c.base = base(c.r) + "/" + version
	c.path = "/" + rest
	segments, err := segments(rest)
	if err != nil {
		return badRequest("The request URI is not valid: %v.", err)
	}
	if len(segments) == 1 && segments[0] == "$batch" {
		return c.batch()
	}
	if c.op, c.args, err = c.s.table.find(c.r.Method, segments, c.beta); err != nil {
		if c.op == nil {
			c.s.unknown(c.r.Method, c.r.URL.Path)
		}
		return err
	}
	values, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return badRequest("The query string is not valid: %v.", err)
	}
	if c.q, err = odata.Parse(values); err != nil {
		return err
	}
	if err := c.permitted(); err != nil {
		return err
	}
	if c.r.Method == http.MethodGet {
		c.t.RLock()
		defer c.t.RUnlock()
	} else {
		c.t.Lock()
		defer c.t.Unlock()
	}
	return c.op.do(c)
}

func base(r *http.Request) string {
	if r.TLS == nil && r.Header.Get("X-Forwarded-Proto") != "https" {
		return "http://" + r.Host
	}
	return "https://" + r.Host
}

// segments cuts a path below the version. A key in brackets becomes a segment of its own: users('x') is
// users/x, servicePrincipals(appId='x') is servicePrincipals/appId=x.
func segments(rest string) ([]string, error) {
	var out []string
	for _, s := range strings.Split(strings.Trim(rest, "/"), "/") {
		s, err := url.PathUnescape(s)
		if err != nil {
			return nil, err
		}
		if s == "$" { // memberOf/$/microsoft.graph.group
			continue
		}
		if i := strings.IndexByte(s, '('); i > 0 && strings.HasSuffix(s, ")") {
			key := s[i+1 : len(s)-1]
			out = append(out, s[:i])
			switch {
			case key == "":
				continue
			case len(key) >= 2 && key[0] == '\'' && key[len(key)-1] == '\'':
				key = strings.ReplaceAll(key[1:len(key)-1], "''", "'")
			default:
				if name, v, ok := strings.Cut(key, "='"); ok && strings.HasSuffix(v, "'") {
					key = name + "=" + strings.ReplaceAll(v[:len(v)-1], "''", "'")
				}
			}
			out = append(out, key)
			continue
		}
		out = append(out, s)
	}
	return out, nil
}

func metadata(r *http.Request) string {
	accept := strings.ToLower(r.Header.Get("Accept"))
	for _, level := range []string{"none", "full"} {
		if strings.Contains(accept, "odata.metadata="+level) {
			return level
		}
	}
	return "minimal"
}

// wrote keeps the books of a write to a directory object: when it is seen, and that it changed. before is a
// copy from before the write, nil where the write made the object.
func (c *call) wrote(id string, before cloud.Object) {
	if d := cloud.Lag(c.r.Context()); d > 0 {
		c.t.Delay(id, before, d)
	}
}

func (c *call) actor() cloud.Actor { return c.p.Actor("") }

// eventual says whether the request opts into the eventually consistent index.
func (c *call) eventual() bool {
	return strings.EqualFold(c.r.Header.Get("ConsistencyLevel"), "eventual")
}
