package sandbox

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"cipp-mcp/sandbox/cloud"
	"cipp-mcp/sandbox/sharepoint"
)

// The services a request can be for.
const (
	serviceGraph      = "graph"
	serviceExchange   = "exchange"
	serviceSharePoint = "sharepoint"
	serviceSignin     = "signin"
	serviceOther      = "other"
)

const maxRequestBody = 64 << 20

// wireCall is what faults, metrics and recordings know of a request before any service has seen it.
type wireCall struct {
	service    string
	tenant     string // GUID; the name as sent where it is no tenant's; "" where the request names none
	app        string // the application the token was given to
	version    string // v1.0 or beta
	method     string
	path       string // within the service: /users/…, /InvokeCommand, /{tenant}/oauth2/v2.0/token
	query      string // decoded
	cmdlet     string
	parameters map[string]any
	body       []byte // decoded of gzip
}

// describe reads the request's body, puts a plain one in its place and says what the request is.
func describe(c *cloud.Cloud, r *http.Request) (*wireCall, error) {
	w := &wireCall{method: r.Method, path: r.URL.EscapedPath()}
	if q, err := url.QueryUnescape(r.URL.RawQuery); err == nil {
		w.query = q
	} else {
		w.query = r.URL.RawQuery
	}
	if r.Body != nil && r.Body != http.NoBody {
		raw, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBody))
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
			if plain, err := gunzip(raw); err == nil {
				raw = plain
				r.Header.Del("Content-Encoding")
			}
		}
		w.body = raw
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	}
	w.place(c, r)
	return w, nil
}

func (w *wireCall) place(c *cloud.Cloud, r *http.Request) {
	seg := strings.SplitN(strings.TrimPrefix(w.path, "/"), "/", 4)
	switch first := strings.ToLower(seg[0]); {
	case first == "v1.0" || first == "beta":
		w.service, w.version = serviceGraph, first
		w.path = w.path[len(seg[0])+1:]
		w.tenant, w.app = tokenClaims(r.Header.Get("Authorization"))
	case first == "adminapi" && len(seg) == 4:
		w.service, w.version = serviceExchange, strings.ToLower(seg[1])
		w.path, w.tenant = "/"+seg[3], tenantID(c, seg[2])
		var in struct {
			CmdletInput struct {
				CmdletName string
				Parameters map[string]any
			}
		}
		if strings.EqualFold(seg[3], "InvokeCommand") && json.Unmarshal(w.body, &in) == nil {
			w.cmdlet, w.parameters = in.CmdletInput.CmdletName, in.CmdletInput.Parameters
		}
	case strings.EqualFold(w.path, sharepoint.Path):
		w.service, w.tenant = serviceSharePoint, tokenTenant(r.Header.Get("Authorization"))
		w.cmdlet = sharepoint.Action(w.body)
	case sharepoint.IsREST(w.path):
		w.service, w.tenant = serviceSharePoint, tokenTenant(r.Header.Get("Authorization"))
	case signinPath.MatchString(w.path):
		w.service, w.tenant = serviceSignin, tenantID(c, seg[0])
	default:
		w.service, w.tenant = serviceOther, tokenTenant(r.Header.Get("Authorization"))
	}
}

var signinPath = regexp.MustCompile(`(?i)/(oauth2|discovery|\.well-known|userrealm|kerberos|adminconsent)(/|$)`)

func tenantID(c *cloud.Cloud, name string) string {
	if n, err := url.PathUnescape(name); err == nil {
		name = n
	}
	if t := c.Tenant(name); t != nil {
		return t.ID
	}
	return name
}

func tokenTenant(authorization string) string {
	tenant, _ := tokenClaims(authorization)
	return tenant
}

// tokenClaims are the tid and the appid of a bearer token. Nothing is verified: this only sorts requests.
func tokenClaims(authorization string) (tenant, app string) {
	_, token, ok := strings.Cut(authorization, " ")
	if !ok {
		return "", ""
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", ""
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", ""
	}
	var c struct{ Tid, AppID string }
	if json.Unmarshal(claims, &c) != nil {
		return "", ""
	}
	return strings.ToLower(c.Tid), strings.ToLower(c.AppID)
}

func gunzip(b []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, maxRequestBody))
}

var (
	keyInParens = regexp.MustCompile(`\('[^']*'\)|\(%27.*?%27\)`)
	guidInPath  = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	plainWord   = regexp.MustCompile(`^[$A-Za-z][A-Za-z0-9.]{0,50}(\(\))?$`)
	hasDigits   = regexp.MustCompile(`\d{3}`)
)

// template is the path with every id replaced, so that requests of one kind count as one.
func (w *wireCall) template() string {
	if w.service == serviceSignin {
		if _, rest, ok := strings.Cut(strings.TrimPrefix(w.path, "/"), "/"); ok {
			return "/{tenant}/" + rest
		}
		return w.path
	}
	segs := strings.Split(w.path, "/")
	for i, s := range segs {
		segs[i] = keyInParens.ReplaceAllString(guidInPath.ReplaceAllString(s, "{id}"), "({id})")
		if s == "" || segs[i] != s {
			continue
		}
		if !plainWord.MatchString(s) || (hasDigits.MatchString(s) && !strings.HasPrefix(s, "oauth2") && !strings.HasPrefix(s, "fido2")) {
			segs[i] = "{id}"
		}
	}
	return strings.Join(segs, "/")
}
