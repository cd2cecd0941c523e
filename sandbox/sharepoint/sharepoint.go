// Package sharepoint is the simulated SharePoint: ProcessQuery of the admin site, as far as the properties of a site and
// the making of OneDrives go, and of sites' REST service who is in their groups.
package sharepoint

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cipp-mcp/sandbox/cloud"
	"cipp-mcp/sandbox/signin"
)

// Path is where queries go.
const Path = "/_vti_bin/client.svc/ProcessQuery"

const tenantType = "{268004ae-ef6b-4e9b-8425-127220d84719}"

// Service answers at the admin sites.
type Service struct {
	cloud   *cloud.Cloud
	signin  *signin.Service
	unknown func(method, path string)
}

// New makes the service. unknown is told of what it does not know.
func New(c *cloud.Cloud, s *signin.Service, unknown func(method, path string)) *Service {
	return &Service{c, s, unknown}
}

// request is a query: actions on objects that paths lead to.
//
// https://learn.microsoft.com/openspecs/sharepoint_protocols/ms-csom
type request struct {
	XMLName xml.Name `xml:"http://schemas.microsoft.com/sharepoint/clientquery/2009 Request"`
	Actions struct {
		List []action `xml:",any"`
	} `xml:"Actions"`
	Paths struct {
		List []path `xml:",any"`
	} `xml:"ObjectPaths"`
}

type action struct {
	XMLName   xml.Name
	ID        int       `xml:"Id,attr"`
	Path      int       `xml:"ObjectPathId,attr"`
	Name      string    `xml:"Name,attr"`
	Parameter parameter `xml:"Parameter"`
}

type path struct {
	XMLName    xml.Name
	ID         int         `xml:"Id,attr"`
	Parent     int         `xml:"ParentId,attr"`
	Name       string      `xml:"Name,attr"`
	TypeID     string      `xml:"TypeId,attr"`
	Parameters []parameter `xml:"Parameters>Parameter"`
}

type parameter struct {
	Type string `xml:"Type,attr"`
	Text string `xml:",chardata"`
	List []struct {
		Text string `xml:",chardata"`
	} `xml:"Object"`
}

// Action says in a word what a query does, for those who count requests: whether it sets or orders anything.
func Action(body []byte) string {
	var in request
	if xml.Unmarshal(body, &in) != nil {
		return ""
	}
	for _, a := range in.Actions.List {
		if a.XMLName.Local == "SetProperty" {
			return "SetProperty"
		}
	}
	for _, p := range in.Paths.List {
		if p.Name == "RequestPersonalSites" {
			return p.Name
		}
	}
	return "Query"
}

// problem is what a query is refused with: in an answer with status 200.
type problem struct {
	code           int
	kind, sentence string
}

func (p *problem) Error() string { return p.sentence }

// ServeHTTP answers one query, or a request to a site's REST service.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if IsREST(r.URL.Path) {
		s.serveREST(w, r)
		return
	}
	name := ""
	if t := s.cloud.Tenant(signin.TenantOf(r)); t != nil {
		name = t.SharePointName()
	}
	p, err := s.signin.Verify(r, "https://"+name+"-admin.sharepoint.com")
	if err != nil || p.AppOnly {
		reason := "Invalid JWT token. The token is not for this site, or has expired."
		if err == nil { // with a certificate it may be let in; nothing of Microsoft's says so
			reason = "Unsupported app only token."
		}
		s.unauthorized(w, reason)
		return
	}
	var in request
	if mt, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); r.Method != http.MethodPost || strings.TrimSpace(mt) != "text/xml" {
		http.Error(w, "", http.StatusUnsupportedMediaType)
		return
	}
	if err := xml.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	t := s.cloud.Tenant(p.Tenant)
	t.Lock()
	defer t.Unlock()
	q := &query{s: s, t: t, p: p, r: r, at: map[int]any{}}
	rows, refused := q.run(in)
	trace := s.cloud.NewID()
	head := map[string]any{"SchemaVersion": "15.0.0.0", "LibraryVersion": "16.0.26119.12009", "ErrorInfo": nil, "TraceCorrelationId": trace}
	if refused != nil {
		rows = nil
		head["ErrorInfo"] = map[string]any{"ErrorMessage": refused.sentence, "ErrorValue": nil, "TraceCorrelationId": trace, "ErrorCode": refused.code, "ErrorTypeName": refused.kind}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("request-id", trace)
	_ = json.NewEncoder(w).Encode(append([]any{head}, rows...)) // the client may be gone
}

func (s *Service) unauthorized(w http.ResponseWriter, reason string) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="`+s.cloud.Partner().TenantID+`"`)
	w.Header().Set("x-ms-diagnostics", `3000006;reason="`+reason+`";category="invalid_client"`)
	w.WriteHeader(http.StatusUnauthorized)
}

// query is one request's objects by the number of their path.
type query struct {
	s  *Service
	t  *cloud.Tenant
	p  *signin.Principal
	r  *http.Request
	at map[int]any
}

type (
	tenantObject    struct{}
	siteProperties  struct{ owner, set cloud.Object }
	updateOperation struct{ site *siteProperties }
	sitesOperation  struct{}
)

func (q *query) run(in request) ([]any, *problem) {
	if !slices.Contains(q.p.Scopes, "AllSites.FullControl") || !q.p.HasRole("SharePoint Administrator", "Global Administrator") {
		return nil, &problem{-2147024891, "System.UnauthorizedAccessException", "Attempted to perform an unauthorized operation."}
	}
	var rows []any
	paths := map[int]path{}
	for _, p := range in.Paths.List {
		paths[p.ID] = p
	}
	for _, a := range in.Actions.List {
		object, refused := q.object(paths, a.Path)
		if refused != nil {
			return nil, refused
		}
		switch a.XMLName.Local {
		case "ObjectPath":
			rows = append(rows, a.ID, map[string]any{"IsNull": false})
		case "ObjectIdentityQuery":
			rows = append(rows, a.ID, map[string]any{"_ObjectIdentity_": "identity"})
		case "Query":
			rows = append(rows, a.ID, q.shown(object))
		case "SetProperty":
			if refused := q.set(object, a); refused != nil {
				return nil, refused
			}
		default:
			return nil, q.notHere(a.XMLName.Local)
		}
	}
	return rows, nil
}

// notHere refuses what is not simulated, and says so to the test.
func (q *query) notHere(what string) *problem {
	q.s.unknown(q.r.Method, Path+" "+what)
	return &problem{-1, "Microsoft.SharePoint.Client.InvalidClientQueryException", fmt.Sprintf("The expression \"%s\" is not valid.", what)}
}

// object is what a path leads to; what it does on the way is done once.
func (q *query) object(paths map[int]path, id int) (any, *problem) {
	if o, ok := q.at[id]; ok {
		return o, nil
	}
	p, ok := paths[id]
	if !ok {
		return nil, q.notHere(fmt.Sprintf("path %d", id))
	}
	var o any
	switch {
	case p.XMLName.Local == "Constructor" && strings.EqualFold(p.TypeID, tenantType):
		o = tenantObject{}
	case p.XMLName.Local == "Method":
		parent, refused := q.object(paths, p.Parent)
		if refused != nil {
			return nil, refused
		}
		if o, refused = q.method(parent, p); refused != nil {
			return nil, refused
		}
	default:
		return nil, q.notHere(p.XMLName.Local)
	}
	q.at[id] = o
	return o, nil
}

func (q *query) method(parent any, p path) (any, *problem) {
	switch parent := parent.(type) {
	case tenantObject:
		if p.Name == "GetSitePropertiesByUrl" && len(p.Parameters) == 2 {
			return q.siteAt(p.Parameters[0].Text)
		}
		if p.Name == "RequestPersonalSites" && len(p.Parameters) == 1 {
			return q.requestPersonalSites(p.Parameters[0])
		}
	case *siteProperties:
		if p.Name == "Update" {
			return updateOperation{parent}, q.update(parent)
		}
	}
	return nil, q.notHere(p.Name)
}

// siteAt finds the site of a user's OneDrive. Others are not simulated: there is none.
func (q *query) siteAt(address string) (any, *problem) {
	for _, u := range append(slices.Clone(q.t.Users().All()), q.t.Collection("deletedItems").All()...) {
		if len(cloud.Child(u, "drive")) > 0 && strings.EqualFold(strings.TrimRight(address, "/"), q.t.PersonalSite(u)) {
			return &siteProperties{owner: u, set: cloud.Object{}}, nil
		}
	}
	return nil, &problem{-1, "Microsoft.Online.SharePoint.Common.SpoNoSiteException", "Cannot get site " + address + "."}
}

// set notes a property; Update brings it into force.
func (q *query) set(object any, a action) *problem {
	site, ok := object.(*siteProperties)
	n, err := strconv.Atoi(strings.TrimSpace(a.Parameter.Text))
	if !ok || a.Name != "SharingCapability" || a.Parameter.Type != "Enum" || err != nil || n < 0 || n > 3 {
		return q.notHere("SetProperty " + a.Name)
	}
	site.set["sharingCapability"] = float64(n)
	return nil
}

// openness orders the values by how many people they let in: nobody, those already there, those who sign in, all.
var openness = map[int]int{0: 0, 3: 1, 1: 2, 2: 3}

func (q *query) update(site *siteProperties) *problem {
	to, given := site.set["sharingCapability"].(float64)
	if !given {
		return nil
	}
	if openness[int(to)] > openness[q.ofTenant()] {
		return &problem{-2147024809, "Microsoft.SharePoint.SPException", "The sharing capability of a site cannot be more permissive than that of the organization."}
	}
	before := cloud.Copy(site.owner)
	cloud.Child(site.owner, "drive")["sharingCapability"] = to
	if d := cloud.Lag(q.r.Context()); d > 0 {
		q.t.Delay(cloud.Str(site.owner, "id"), before, d)
	}
	return nil
}

// ofTenant is what the whole organisation may share.
func (q *query) ofTenant() int {
	if n, ok := q.t.Features["sharingCapability"].(float64); ok {
		return int(n)
	}
	return 2
}

func (q *query) shown(object any) any {
	switch o := object.(type) {
	case *siteProperties:
		owner := q.t.Seen(o.owner)
		now, ok := cloud.Child(owner, "drive")["sharingCapability"].(float64)
		if !ok {
			now = float64(q.ofTenant())
		}
		return map[string]any{"_ObjectType_": "Microsoft.Online.SharePoint.TenantAdministration.SiteProperties", "Url": q.t.PersonalSite(o.owner), "SharingCapability": now}
	case sitesOperation:
		return map[string]any{"_ObjectType_": "Microsoft.Online.SharePoint.TenantAdministration.SpoOperation", "IsComplete": false, "PollingInterval": 15000, "HasTimedout": false}
	case updateOperation:
		return map[string]any{"_ObjectType_": "Microsoft.Online.SharePoint.TenantAdministration.SpoOperation", "IsComplete": true, "PollingInterval": 15000, "HasTimedout": false}
	}
	return map[string]any{"_ObjectType_": "Microsoft.Online.SharePoint.TenantAdministration.Tenant"}
}
