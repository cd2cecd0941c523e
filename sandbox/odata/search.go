package odata

import (
	"slices"
	"strings"
	"unicode"

	"cipp-mcp/sandbox/model"
)

// Search is a parsed $search: clauses joined by AND and OR.
// https://learn.microsoft.com/graph/search-query-parameter
type Search struct{ x searchExpr }

type searchExpr interface{ match(o Object) bool }

type clause struct {
	property string
	tokens   []string
}

type searchAnd struct{ a, b searchExpr }

type searchOr struct{ a, b searchExpr }

func (x searchAnd) match(o Object) bool { return x.a.match(o) && x.b.match(o) }
func (x searchOr) match(o Object) bool  { return x.a.match(o) || x.b.match(o) }

// match: every token of the clause begins a word of the property.
func (x clause) match(o Object) bool {
	var words []string
	switch v := o[x.property].(type) {
	case string:
		words = words0(v)
	case []any:
		for _, e := range v {
			if s, ok := e.(string); ok {
				words = append(words, words0(s)...)
			}
		}
	}
	for _, t := range x.tokens {
		if !slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, t) }) {
			return false
		}
	}
	return true
}

func words0(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// Match says whether the object is found.
func (s *Search) Match(o Object) bool { return s == nil || s.x.match(o) }

// ParseSearch reads a $search on a type. Clauses have the form "property:text", with the double quotes.
func ParseSearch(s string, m *model.Model, typ string) (*Search, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil //nolint:nilnil // no search is a search
	}
	p := &searchParser{s: s, t: m.Type(typ), typ: typ}
	x, err := p.or(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.i < len(s) {
		return nil, p.bad()
	}
	return &Search{x}, nil
}

type searchParser struct {
	s   string
	i   int
	t   *model.Type
	typ string
}

func (p *searchParser) bad() *Error {
	return bad("Syntax error: character is not valid at position %d in '%s'.", p.i, p.s)
}

func (p *searchParser) space() {
	for p.i < len(p.s) && p.s[p.i] == ' ' {
		p.i++
	}
}

func (p *searchParser) keyword(w string) bool {
	p.space()
	if strings.HasPrefix(p.s[p.i:], w+" ") || strings.HasPrefix(p.s[p.i:], w+"\"") || strings.HasPrefix(p.s[p.i:], w+"(") {
		p.i += len(w)
		return true
	}
	return false
}

func (p *searchParser) or(depth int) (searchExpr, *Error) {
	x, err := p.and(depth)
	for err == nil && p.keyword("OR") {
		var y searchExpr
		if y, err = p.and(depth); err == nil {
			x = searchOr{x, y}
		}
	}
	return x, err
}

func (p *searchParser) and(depth int) (searchExpr, *Error) {
	x, err := p.one(depth)
	for err == nil && p.keyword("AND") {
		var y searchExpr
		if y, err = p.one(depth); err == nil {
			x = searchAnd{x, y}
		}
	}
	return x, err
}

func (p *searchParser) one(depth int) (searchExpr, *Error) {
	p.space()
	if depth > maxDepth || p.i >= len(p.s) {
		return nil, p.bad()
	}
	if p.s[p.i] == '(' {
		p.i++
		x, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		p.space()
		if p.i >= len(p.s) || p.s[p.i] != ')' {
			return nil, p.bad()
		}
		p.i++
		return x, nil
	}
	if p.s[p.i] != '"' {
		return nil, p.bad()
	}
	var b strings.Builder
	for p.i++; ; p.i++ {
		if p.i >= len(p.s) {
			return nil, p.bad()
		}
		c := p.s[p.i]
		if c == '"' {
			break
		}
		if c == '\\' && p.i+1 < len(p.s) {
			p.i++
			c = p.s[p.i]
		}
		b.WriteByte(c)
	}
	p.i++
	name, value, ok := strings.Cut(b.String(), ":")
	if !ok {
		return nil, bad("Search clause '%s' must have the form property:value.", b.String())
	}
	prop := p.t.Property(name)
	if prop == nil {
		return nil, UnknownProperty(name, p.typ)
	}
	if prop.Type != "s" {
		return nil, bad("Property '%s' cannot be searched.", prop.Name)
	}
	tokens := words0(value)
	if len(tokens) == 0 {
		return nil, bad("Search clause '%s' has no text to search for.", b.String())
	}
	return clause{prop.Name, tokens}, nil
}
