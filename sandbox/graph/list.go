package graph

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cipp-mcp/sandbox/cloud"
	"cipp-mcp/sandbox/odata"
)

// listing is a collection that is about to be answered, and the rules of its resource.
type listing struct {
	set       string // name in the context
	typ       string
	rows      []cloud.Object
	byDefault []string // properties shown without $select; nil: all that are there
	page, max int      // page size without $top, and the limit of $top; 0: everything in one page
	clamp     bool     // a $top over the limit is cut instead of refused
	directory bool     // a directory object: the rules of advanced queries hold
	options   string   // the query options the page allows, with $; "": all but $skip
	orderable []string // properties by which one may sort; nil: any (directory: see defaultOrder)
	cast      string   // only objects of this type; the path carried a cast
	typeOf    func(cloud.Object) string
	view      func(cloud.Object) cloud.Object // what a row looks like, made when it is shown
	expand    func(cloud.Object, odata.Expand) (any, error)
	expands   []string // navigation properties that may be expanded
	newest    string   // the rows come sorted by this property, the newest first
}

// list filters, sorts, pages and writes a collection.
func (c *call) list(l listing) error {
	if err := c.allowed(l); err != nil {
		return err
	}
	filter, err := odata.ParseFilter(c.q.Filter, c.m, l.typ)
	if err != nil {
		return err
	}
	search, err := odata.ParseSearch(c.q.Search, c.m, l.typ)
	if err != nil {
		return err
	}
	order, err := odata.ParseOrderBy(c.q.OrderBy, c.m, l.typ)
	if err != nil {
		return err
	}
	selected, err := c.selected(l.typ)
	if err != nil {
		return err
	}
	expand, err := odata.ParseExpand(c.q.Expand, c.m, l.typ)
	if err != nil {
		return err
	}
	if err := c.judge(l, filter, order, expand); err != nil {
		return err
	}
	size, err := c.pageSize(l)
	if err != nil {
		return err
	}
	rows := c.t.SeenAll(l.rows)
	if filter != nil || search != nil || l.cast != "" {
		kept := make([]cloud.Object, 0, min(len(rows), 1024))
		for _, o := range rows {
			if l.cast != "" && !strings.EqualFold(l.typeOf(o), l.cast) {
				continue
			}
			if (filter == nil || odata.Match(filter.Expr, o)) && search.Match(o) {
				kept = append(kept, o)
			}
		}
		rows = kept
	}
	sorted := l.newest != "" && len(order) == 1 && order[0].Desc && order[0].Property == l.newest
	if len(order) > 0 && !sorted {
		rows = slices.Clone(rows)
		odata.Sort(rows, order)
	}
	total := len(rows)
	from, err := c.position(rows)
	if err != nil {
		return err
	}
	to := len(rows)
	if size > 0 {
		to = min(from+size, to)
	}
	return c.writePage(l, rows, from, to, total, selected, expand)
}

func (c *call) writePage(l listing, rows []cloud.Object, from, to, total int, selected []string, expand []odata.Expand) error {
	set := l.set
	if l.cast != "" {
		set += "/microsoft.graph." + l.cast
	}
	b := make([]byte, 0, 1024+(to-from)*600)
	b = append(b, '{')
	b = append(b, c.context(fragment(set, selected))...)
	if c.q.Count && from == 0 && (!l.directory || c.eventual()) && c.q.SkipToken == "" {
		b = append(append(append(b, `"@odata.count":`...), strconv.Itoa(total)...), ',')
	}
	if to < len(rows) {
		b = append(appendString(append(b, `"@odata.nextLink":`...), c.nextLink(rows[to-1], to)), ',')
	}
	b = append(b, `"value":[`...)
	shapes := map[string][]field{}
	one := c.shape(l.typ, selected, l.byDefault)
	for i, o := range rows[from:to] {
		if i > 0 {
			b = append(b, ',')
		}
		fields, head := one, ""
		if l.typeOf != nil && l.cast == "" {
			typ := l.typeOf(o)
			var ok bool
			if fields, ok = shapes[typ]; !ok {
				fields = c.shape(typ, selected, defaults[typ])
				shapes[typ] = fields
			}
			if c.meta != "none" {
				head = typed(typ)
			}
		}
		if c.meta == "full" && head == "" {
			head = typed(l.typ)
		}
		if l.view != nil {
			o = l.view(o)
		}
		if len(expand) > 0 {
			var err error
			if o, fields, err = c.expanded(l, o, fields, expand); err != nil {
				return err
			}
		}
		b = appendObject(b, o, fields, head)
	}
	b = append(b, "]}"...)
	c.out = b
	return nil
}

func (c *call) expanded(l listing, o cloud.Object, fields []field, expand []odata.Expand) (cloud.Object, []field, error) {
	wide := make(cloud.Object, len(o)+len(expand))
	for k, v := range o {
		wide[k] = v
	}
	fields = slices.Clone(fields)
	for _, e := range expand {
		v, err := l.expand(o, e)
		if err != nil {
			return nil, nil, err
		}
		if v == nil {
			continue
		}
		wide[e.Property] = v
		fields = append(fields, field{name: e.Property, key: strconv.Quote(e.Property) + ":", empty: "null", must: true})
	}
	return wide, fields, nil
}

func (c *call) allowed(l listing) error {
	if l.options != "" {
		for _, name := range c.q.Given {
			if name != "$skiptoken" && name != "$format" && !slices.Contains(strings.Fields(l.options), name) {
				return refused(http.StatusBadRequest, "BadRequest", "Query option '%s' is not allowed. To allow it, set the 'AllowedQueryOptions' property on EnableQueryAttribute or QueryValidationSettings.", strings.Title(name[1:])) //nolint:staticcheck // ASCII
			}
		}
	} else if c.q.Has("$skip") {
		return badRequest("'$skip' is not supported by the service.")
	}
	return nil
}

func (c *call) pageSize(l listing) (int, error) {
	if l.page == 0 && l.max == 0 {
		return c.q.Top, nil
	}
	if c.q.Top == 0 {
		return l.page, nil
	}
	if c.q.Top > l.max {
		if l.clamp {
			return l.max, nil
		}
		return 0, badRequest("Invalid page size specified: '%d'. Must be between 1 and %d inclusive.", c.q.Top, l.max)
	}
	return c.q.Top, nil
}

// A skip token names the last object of the page and its place, so that the next page begins behind it even
// if objects before it have gone.
func (c *call) nextLink(last cloud.Object, next int) string {
	token := base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(next) + " " + cloud.Str(last, "id")))
	var q []string
	for _, part := range strings.Split(c.r.URL.RawQuery, "&") {
		name, _, _ := strings.Cut(part, "=")
		name, _ = url.QueryUnescape(name)
		if part != "" && !strings.EqualFold(name, "$skiptoken") && !strings.EqualFold(name, "skiptoken") {
			q = append(q, part)
		}
	}
	return c.base + c.path + "?" + strings.Join(append(q, "$skiptoken="+token), "&")
}

func (c *call) position(rows []cloud.Object) (int, error) {
	if c.q.SkipToken == "" {
		if c.q.Skip > len(rows) {
			return len(rows), nil
		}
		return c.q.Skip, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(c.q.SkipToken)
	place, id, ok := strings.Cut(string(text), " ")
	next, bad := strconv.Atoi(place)
	if err != nil || !ok || bad != nil || next < 1 {
		return 0, refused(http.StatusBadRequest, "Directory_ExpiredPageToken", "The specified page token value '%s' included in the request is invalid.", c.q.SkipToken)
	}
	if next <= len(rows) && cloud.Str(rows[next-1], "id") == id {
		return next, nil
	}
	for i, o := range rows {
		if cloud.Str(o, "id") == id {
			return i + 1, nil
		}
	}
	return min(next-1, len(rows)), nil
}

// number answers a $count segment: bare text.
func (c *call) number(n int) error {
	c.header.Set("Content-Type", "text/plain")
	c.out = []byte(fmt.Sprint(n))
	return nil
}

// count answers a $count segment of a directory collection.
func (c *call) count(l listing) error {
	if !c.eventual() {
		return badRequest("$count is not currently supported.")
	}
	filter, err := odata.ParseFilter(c.q.Filter, c.m, l.typ)
	if err != nil {
		return err
	}
	search, err := odata.ParseSearch(c.q.Search, c.m, l.typ)
	if err != nil {
		return err
	}
	n := 0
	for _, o := range c.t.SeenAll(l.rows) {
		if l.cast != "" && !strings.EqualFold(l.typeOf(o), l.cast) {
			continue
		}
		if (filter == nil || odata.Match(filter.Expr, o)) && search.Match(o) {
			n++
		}
	}
	return c.number(n)
}

// selected is the properties of $select, or nil.
func (c *call) selected(typ string) ([]string, error) {
	return odata.ParseSelect(c.q.Select, c.m, typ)
}
