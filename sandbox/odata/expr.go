package odata

import (
	"strings"
	"time"
)

// Object is a resource: Microsoft's property names and JSON values.
type Object = map[string]any

// Expr is a filter that an object passes or not.
type Expr interface{ match(e *env) bool }

type env struct {
	it   Object
	vars map[string]any
}

// Match says whether the object passes the filter; a nil filter lets everything pass.
func Match(x Expr, o Object) bool {
	if x == nil {
		return true
	}
	return x.match(&env{it: o})
}

type both struct{ a, b Expr }

func (x both) match(e *env) bool { return x.a.match(e) && x.b.match(e) }

type either struct{ a, b Expr }

func (x either) match(e *env) bool { return x.a.match(e) || x.b.match(e) }

type negation struct{ a Expr }

func (x negation) match(e *env) bool { return !x.a.match(e) }

// path is a property, possibly of a lambda's variable, possibly counted.
type path struct {
	variable string
	names    []string
	typ      string
	many     bool
	counted  bool
}

func (p path) value(e *env) any {
	var v any = e.it
	if p.variable != "" {
		v = e.vars[p.variable]
	}
	for _, n := range p.names {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[n]
	}
	if p.counted {
		l, _ := v.([]any)
		return float64(len(l))
	}
	return v
}

type literal struct {
	kind kind // text, number, guid, moment, word (true, false, null)
	text string
	num  float64
	when time.Time
}

func (l literal) null() bool { return l.kind == word && l.text == "null" }

type comparison struct {
	left path
	op   string
	lit  literal
}

func (x comparison) match(e *env) bool { return compare(x.left.value(e), x.op, x.lit) }

func compare(v any, op string, l literal) bool {
	if l.null() {
		return (v == nil) == (op == "eq") && (op == "eq" || op == "ne")
	}
	if v == nil {
		return op == "ne"
	}
	c, ok := order(v, l)
	if !ok {
		return op == "ne"
	}
	switch op {
	case "eq":
		return c == 0
	case "ne":
		return c != 0
	case "gt":
		return c > 0
	case "ge":
		return c >= 0
	case "lt":
		return c < 0
	default:
		return c <= 0
	}
}

func order(v any, l literal) (int, bool) {
	switch v := v.(type) {
	case string:
		if l.kind == moment {
			t, ok := parseTime(v)
			return t.Compare(l.when), ok
		}
		if len(v) == len(l.text) && strings.EqualFold(v, l.text) {
			return 0, true
		}
		return strings.Compare(strings.ToLower(v), strings.ToLower(l.text)), l.kind == text || l.kind == guid
	case float64:
		switch {
		case v < l.num:
			return -1, l.kind == number
		case v > l.num:
			return 1, l.kind == number
		}
		return 0, l.kind == number
	case bool:
		if l.kind != word {
			return 0, false
		}
		if v == (l.text == "true") {
			return 0, true
		}
		return 1, true
	}
	return 0, false
}

type membership struct {
	left path
	list []literal
}

func (x membership) match(e *env) bool {
	v := x.left.value(e)
	for _, l := range x.list {
		if compare(v, "eq", l) {
			return true
		}
	}
	return false
}

type call struct {
	name string // startswith, endswith, contains
	left path
	arg  string // lower case
}

func (x call) match(e *env) bool {
	s, ok := x.left.value(e).(string)
	if !ok {
		return false
	}
	s = strings.ToLower(s)
	switch x.name {
	case "startswith":
		return strings.HasPrefix(s, x.arg)
	case "endswith":
		return strings.HasSuffix(s, x.arg)
	default:
		return strings.Contains(s, x.arg)
	}
}

type truth struct{ left path }

func (x truth) match(e *env) bool { b, _ := x.left.value(e).(bool); return b }

type lambda struct {
	left     path
	all      bool
	variable string
	body     Expr // nil: any()
}

func (x lambda) match(e *env) bool {
	list, _ := x.left.value(e).([]any)
	if x.body == nil {
		return len(list) > 0
	}
	inner := env{it: e.it, vars: map[string]any{}}
	for k, v := range e.vars {
		inner.vars[k] = v
	}
	for _, v := range list {
		inner.vars[x.variable] = v
		if x.body.match(&inner) != x.all {
			return !x.all
		}
	}
	return x.all
}
