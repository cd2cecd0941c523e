package odata

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cipp-mcp/sandbox/model"
)

// Query is the OData options of a request, as text and read where the reading needs no type.
type Query struct {
	Filter, Search, OrderBy, Select, Expand, SkipToken, DeltaToken string
	Top                                                            int // 0: not given
	Skip                                                           int
	Count                                                          bool
	Given                                                          []string // names, with $
	Other                                                          url.Values
}

var known = []string{"$filter", "$search", "$orderby", "$select", "$expand", "$skiptoken", "$deltatoken", "$top", "$skip", "$count",
	"$format", "$levels"}

// Parse reads the options of a request. The $ may be left out; names are matched without regard to case.
func Parse(values url.Values) (Query, error) {
	q := Query{Other: url.Values{}}
	for key, list := range values {
		name := strings.ToLower(key)
		if !strings.HasPrefix(name, "$") {
			name = "$" + name
		}
		if !slices.Contains(known, name) {
			if strings.HasPrefix(key, "$") {
				return q, bad("The query parameter '%s' is not supported.", key)
			}
			q.Other[key] = list
			continue
		}
		if len(list) > 1 || slices.Contains(q.Given, name) {
			return q, bad("Query option '%s' was specified more than once, but it must be specified at most once.", name)
		}
		q.Given = append(q.Given, name)
		v := list[0]
		var err error
		switch name {
		case "$filter":
			q.Filter = v
		case "$search":
			q.Search = v
		case "$orderby":
			q.OrderBy = v
		case "$select":
			q.Select = v
		case "$expand":
			q.Expand = v
		case "$skiptoken":
			q.SkipToken = v
		case "$deltatoken":
			q.DeltaToken = v
		case "$top":
			q.Top, err = count(v, "$top", 1)
		case "$skip":
			q.Skip, err = count(v, "$skip", 0)
		case "$count":
			switch strings.ToLower(v) {
			case "true":
				q.Count = true
			case "false":
			default:
				err = bad("Invalid value '%s' for $count query option found. Valid values are 'true' and 'false'.", v)
			}
		}
		if err != nil {
			return q, err
		}
	}
	slices.Sort(q.Given)
	return q, nil
}

func count(v, name string, least int) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < least {
		if name == "$top" && err == nil {
			return 0, bad("Invalid page size specified: '%s'. Must be between 1 and 999 inclusive.", v)
		}
		return 0, bad("Invalid value '%s' for %s query option found. The %s query option requires a non-negative integer value.", v, name, name)
	}
	return n, nil
}

// Has says whether an option was given.
func (q Query) Has(name string) bool { return slices.Contains(q.Given, name) }

// ParseSelect reads a $select on a type: the properties in canonical case, each once; nil for "*" and for
// none.
func ParseSelect(s string, m *model.Model, typ string) ([]string, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	t := m.Type(typ)
	var out []string
	for _, name := range strings.Split(s, ",") {
		name = strings.TrimSpace(name)
		if name == "*" {
			return nil, nil
		}
		head, rest, nested := strings.Cut(name, "/")
		p := t.Property(head)
		switch {
		case p == nil && t.Open && strings.HasPrefix(head, "extension_"):
			p = &model.Property{Name: head, Type: "any"}
		case p == nil:
			return nil, UnknownProperty(head, typ)
		case nested:
			if sub := m.Type(p.Type); sub == nil || sub.Property(rest) == nil {
				return nil, UnknownProperty(rest, p.Type)
			}
		}
		if !slices.Contains(out, p.Name) {
			out = append(out, p.Name)
		}
	}
	return out, nil
}

// Order is one key of an $orderby.
type Order struct {
	Property string // full path as Microsoft writes it
	names    []string
	Desc     bool
	date     bool
}

// ParseOrderBy reads an $orderby on a type.
func ParseOrderBy(s string, m *model.Model, typ string) ([]Order, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var out []Order
	for _, part := range strings.Split(s, ",") {
		words := strings.Fields(part)
		if len(words) == 0 || len(words) > 2 {
			return nil, bad("Invalid order by clause: '%s'.", s)
		}
		var o Order
		if len(words) == 2 {
			switch strings.ToLower(words[1]) {
			case "asc":
			case "desc":
				o.Desc = true
			default:
				return nil, bad("Invalid order by clause: syntax error at '%s'.", words[1])
			}
		}
		at := typ
		for _, name := range strings.Split(words[0], "/") {
			t := m.Type(at)
			if t == nil || t.Property(name) == nil {
				return nil, UnknownProperty(name, at)
			}
			p := t.Property(name)
			if p.Many || p.Nav {
				return nil, Unsupported("Sorting by the property '" + p.Name + "' is not supported.")
			}
			o.names = append(o.names, p.Name)
			at, o.date = p.Type, p.Type == "t"
		}
		o.Property = strings.Join(o.names, "/")
		out = append(out, o)
	}
	return out, nil
}

// Sort orders objects by the keys; equals keep their order. Null comes first.
func Sort(objects []Object, keys []Order) {
	slices.SortStableFunc(objects, func(a, b Object) int {
		for _, k := range keys {
			c := compareValues(path{names: k.names}.value(&env{it: a}), path{names: k.names}.value(&env{it: b}), k.date)
			if k.Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
}

func compareValues(a, b any, date bool) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	switch x := a.(type) {
	case string:
		y, _ := b.(string)
		if date {
			if s, ok := parseTime(x); ok {
				if t, ok := parseTime(y); ok {
					return s.Compare(t)
				}
			}
		}
		return strings.Compare(strings.ToLower(x), strings.ToLower(y))
	case float64:
		y, _ := b.(float64)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
	case bool:
		y, _ := b.(bool)
		switch {
		case !x && y:
			return -1
		case x && !y:
			return 1
		}
	}
	return 0
}
