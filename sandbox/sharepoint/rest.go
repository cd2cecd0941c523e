package sharepoint

import (
	"encoding/json"
	"hash/fnv"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"cipp-mcp/sandbox/cloud"
	"cipp-mcp/sandbox/signin"
)

const restPart = "/_api/web/"

// IsREST says whether a path is one of a site's REST service.
func IsREST(path string) bool { return strings.Contains(strings.ToLower(path), restPart) }

// Groups of a site, by what its REST service calls them, and where the state keeps who is in them.
var siteGroups = map[string]struct {
	list, title string
	id          int
}{"associatedownergroup": {"owners", "Owners", 3}, "associatedmembergroup": {"members", "Members", 5}, "associatedvisitorgroup": {"visitors", "Visitors", 4}}

var (
	groupPath  = regexp.MustCompile(`(?i)^(associated(?:owner|member|visitor)group)(/users)?$`)
	removePath = regexp.MustCompile(`(?i)^sitegroups\((\d+)\)/users/removebyid\((\d+)\)$`)
)

// serveREST answers {site}/_api/web/…: an application needs a certificate, whoever calls the permission, and somebody
// who signed in the role SharePoint Administrator besides. Whether that role suffices in a site that is not one's own
// is not documented.
// https://learn.microsoft.com/sharepoint/dev/sp-add-ins/users-groups-and-roles-rest-api-reference
func (s *Service) serveREST(w http.ResponseWriter, r *http.Request) {
	t := s.cloud.Tenant(signin.TenantOf(r))
	if t == nil {
		s.unauthorized(w, "Invalid JWT token.")
		return
	}
	p, err := s.signin.Verify(r, "https://"+t.SharePointName()+".sharepoint.com")
	switch {
	case err != nil:
		s.unauthorized(w, "Invalid JWT token. The token is not for this site, or has expired.")
		return
	case p.AppOnly && !p.Certificate:
		s.unauthorized(w, "Unsupported app only token.")
		return
	}
	t.Lock()
	defer t.Unlock()
	c := &restCall{s: s, t: t, w: w, r: r}
	path, rest, _ := cutFold(r.URL.Path, restPart)
	for _, site := range t.Collection("sites").All() {
		if strings.EqualFold(cloud.Str(site, "webUrl"), "https://"+t.SharePointName()+".sharepoint.com"+path) {
			c.site = site
		}
	}
	allowed := p.AppOnly && contains(p.Roles, "Sites.FullControl.All") || !p.AppOnly && contains(p.Scopes, "AllSites.FullControl") && p.HasRole("SharePoint Administrator", "Global Administrator")
	switch {
	case !allowed:
		c.refuse(http.StatusForbidden, "-2147024891, System.UnauthorizedAccessException", "Access denied. You do not have permission to perform this action or access this resource.")
	case c.site == nil:
		c.refuse(http.StatusNotFound, "-2147024894, System.IO.FileNotFoundException", "404 FILE NOT FOUND")
	default:
		c.serve(rest)
	}
}

func cutFold(s, sep string) (before, after string, ok bool) {
	i := strings.Index(strings.ToLower(s), sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

type restCall struct {
	s    *Service
	t    *cloud.Tenant
	w    http.ResponseWriter
	r    *http.Request
	site cloud.Object
}

func (c *restCall) refuse(status int, code, message string) {
	c.answer(status, map[string]any{"odata.error": map[string]any{"code": code, "message": map[string]any{"lang": "en-US", "value": message}}})
}

func (c *restCall) answer(status int, v any) {
	c.w.Header().Set("Content-Type", "application/json;odata=nometadata;streaming=true;charset=utf-8")
	c.w.Header().Set("request-id", c.s.cloud.NewID())
	c.w.WriteHeader(status)
	_ = json.NewEncoder(c.w).Encode(v) // the client may be gone
}

func (c *restCall) serve(rest string) {
	post := c.r.Method == http.MethodPost
	switch g := groupPath.FindStringSubmatch(rest); {
	case post && strings.EqualFold(rest, "ensureuser"):
		var in struct {
			LogonName string `json:"logonName"`
		}
		if u := c.named(&in, func() string { return in.LogonName }); u != nil {
			c.answer(http.StatusOK, c.user(u))
		}
	case g != nil && g[2] == "" && !post:
		kind := siteGroups[strings.ToLower(g[1])]
		c.answer(http.StatusOK, map[string]any{"Id": kind.id, "Title": cloud.Str(c.site, "displayName") + " " + kind.title, "LoginName": cloud.Str(c.site, "displayName") + " " + kind.title, "PrincipalType": 8})
	case g != nil && g[2] != "" && !post:
		rows := []any{}
		for _, id := range cloud.Strings(c.t.Seen(c.site), siteGroups[strings.ToLower(g[1])].list) {
			if u := c.t.User(id); u != nil {
				rows = append(rows, c.user(u))
			}
		}
		c.answer(http.StatusOK, map[string]any{"value": rows})
	case g != nil && g[2] != "" && post:
		var in struct{ LoginName string }
		if u := c.named(&in, func() string { return in.LoginName }); u != nil {
			c.keep(siteGroups[strings.ToLower(g[1])].list, u, true)
			c.answer(http.StatusCreated, c.user(u))
		}
	case post && removePath.MatchString(rest):
		c.remove(removePath.FindStringSubmatch(rest))
	default:
		c.s.unknown(c.r.Method, c.r.URL.Path)
		c.refuse(http.StatusNotFound, "-1, Microsoft.SharePoint.Client.ResourceNotFoundException", "Cannot find resource for the request "+rest+".")
	}
}

const claim = "i:0#.f|membership|"

// named reads a body and finds whom it names; who is nobody is refused.
func (c *restCall) named(in any, name func() string) cloud.Object {
	if err := json.NewDecoder(http.MaxBytesReader(c.w, c.r.Body, 1<<16)).Decode(in); err != nil {
		c.refuse(http.StatusBadRequest, "-1, Microsoft.SharePoint.Client.InvalidClientQueryException", "The request is not valid.")
		return nil
	}
	upn, ok := strings.CutPrefix(strings.ToLower(name()), claim)
	u := c.t.User(upn)
	if !ok || u == nil {
		c.refuse(http.StatusNotFound, "-2146232832, Microsoft.SharePoint.SPException", "The specified user "+name()+" could not be found.")
		return nil
	}
	return u
}

// userNumber is a user's number in a site. Real ones count from one.
func userNumber(u cloud.Object) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(cloud.Str(u, "id")))
	return int(h.Sum32()>>8) + 10
}

func (c *restCall) user(u cloud.Object) map[string]any {
	upn := cloud.Str(u, "userPrincipalName")
	return map[string]any{"Id": userNumber(u), "LoginName": claim + strings.ToLower(upn), "Title": cloud.Str(u, "displayName"), "Email": cloud.Str(u, "mail"), "UserPrincipalName": upn, "IsSiteAdmin": false, "PrincipalType": 1}
}

// remove takes somebody out of a group; who is not in it is as good as taken out.
func (c *restCall) remove(m []string) {
	for _, g := range siteGroups {
		if strconv.Itoa(g.id) != m[1] {
			continue
		}
		for _, id := range cloud.Strings(c.site, g.list) {
			if u := c.t.User(id); u != nil && strconv.Itoa(userNumber(u)) == m[2] {
				c.keep(g.list, u, false)
			}
		}
		c.answer(http.StatusOK, map[string]any{"odata.null": true})
		return
	}
	c.refuse(http.StatusNotFound, "-2146232832, Microsoft.SharePoint.SPException", "Group cannot be found.")
}

func (c *restCall) keep(list string, u cloud.Object, in bool) {
	before := cloud.Copy(c.site)
	kept := []any{}
	for _, x := range cloud.List(c.site, list) {
		if x != u["id"] {
			kept = append(kept, x)
		}
	}
	if in {
		kept = append(kept, u["id"])
	}
	c.site[list] = kept
	if d := cloud.Lag(c.r.Context()); d > 0 {
		c.t.Delay(cloud.Str(c.site, "id"), before, d)
	}
}
