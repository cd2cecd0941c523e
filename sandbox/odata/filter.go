package odata

import (
	"slices"
	"strconv"
	"strings"

	"cipp-mcp/sandbox/model"
)

// Filter is a parsed $filter and what it makes use of.
type Filter struct {
	Expr       Expr
	Properties []string // full names as Microsoft writes them, in order of appearance
	Uses       []Use
}

// Use is one property in one role: eq, ne, gt, ge, lt, le, in, startswith, endswith, contains, not, any,
// all, count.
type Use struct {
	Property string
	Operator string
	Null     bool // compared with null
}

// Has says whether any of these operators occurs.
func (f *Filter) Has(operators ...string) bool {
	return f != nil && slices.ContainsFunc(f.Uses, func(u Use) bool { return slices.Contains(operators, u.Operator) })
}

const (
	maxDepth   = 50
	maxClauses = 15 // alternatives joined by OR, members of an in list
)

// ParseFilter reads a $filter on a collection of the type. An empty text is no filter.
func ParseFilter(s string, m *model.Model, typ string) (*Filter, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil //nolint:nilnil // no filter is a filter
	}
	toks, err := lex(s)
	if err != nil {
		return nil, err
	}
	p := &parser{toks: toks, src: s, model: m, typ: typ, out: &Filter{}, vars: map[string]scope{}}
	x, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.peek().kind != end {
		return nil, p.syntax()
	}
	p.out.Expr = x
	return p.out, nil
}

// scope is what a lambda's variable stands for: a type, and the name of the collection it runs over.
type scope struct{ typ, name string }

type parser struct {
	toks  []token
	i     int
	src   string
	model *model.Model
	typ   string
	out   *Filter
	vars  map[string]scope
}

func (p *parser) peek() token { return p.toks[p.i] }

func (p *parser) next() token {
	t := p.toks[p.i]
	if t.kind != end {
		p.i++
	}
	return t
}

func (p *parser) isWord(w string) bool {
	t := p.peek()
	return t.kind == word && strings.EqualFold(t.text, w)
}

func (p *parser) isSign(s string) bool { t := p.peek(); return t.kind == sign && t.text == s }

func (p *parser) expect(s string) *Error {
	if !p.isSign(s) {
		return p.syntax()
	}
	p.i++
	return nil
}

func (p *parser) syntax() *Error {
	return badFilter("Syntax error at position %d in '%s'.", p.peek().at, p.src)
}

func (p *parser) or(depth int) (Expr, *Error) {
	if depth > maxDepth {
		return nil, badFilter("The query is nested too deeply.")
	}
	x, err := p.and(depth)
	if err != nil {
		return nil, err
	}
	n := 1
	for p.isWord("or") {
		p.i++
		y, err := p.and(depth)
		if err != nil {
			return nil, err
		}
		x = either{x, y}
		if n++; n > maxClauses {
			return nil, Unsupported("Too many child clauses specified in search filter expression containing 'OR' operators: " + strconv.Itoa(n) + ". Max allowed: 15.")
		}
	}
	return x, nil
}

func (p *parser) and(depth int) (Expr, *Error) {
	x, err := p.not(depth)
	if err != nil {
		return nil, err
	}
	for p.isWord("and") {
		p.i++
		y, err := p.not(depth)
		if err != nil {
			return nil, err
		}
		x = both{x, y}
	}
	return x, nil
}

func (p *parser) not(depth int) (Expr, *Error) {
	if !p.isWord("not") {
		return p.primary(depth)
	}
	if depth > maxDepth {
		return nil, badFilter("The query is nested too deeply.")
	}
	p.i++
	from := len(p.out.Uses)
	x, err := p.not(depth + 1)
	if err != nil {
		return nil, err
	}
	name := ""
	if from < len(p.out.Uses) {
		name = p.out.Uses[from].Property
	}
	p.out.Uses = append(p.out.Uses, Use{Property: name, Operator: "not"})
	return negation{x}, nil
}

func (p *parser) primary(depth int) (Expr, *Error) {
	if p.isSign("(") {
		p.i++
		x, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		return x, p.closed()
	}
	if t := p.peek(); t.kind == word && p.toks[p.i+1].kind == sign && p.toks[p.i+1].text == "(" {
		return p.function(t)
	}
	left, x, err := p.operand(depth)
	if err != nil || x != nil {
		return x, err
	}
	return p.comparison(left)
}

func (p *parser) closed() *Error { return p.expect(")") }

func (p *parser) function(t token) (Expr, *Error) {
	name := strings.ToLower(t.text)
	if name != "startswith" && name != "endswith" && name != "contains" {
		return nil, badFilter("An unknown function with name '%s' was found. This may also be a function import or a key lookup on a navigation property, which is not allowed.", t.text)
	}
	p.i += 2
	left, x, err := p.operand(maxDepth)
	if err != nil {
		return nil, err
	}
	if x != nil {
		return nil, p.syntax()
	}
	if left.typ != "s" && left.typ != "any" || left.many || left.counted {
		return nil, badFilter("No function signature for the function with name '%s' matches the specified arguments.", t.text)
	}
	if err := p.expect(","); err != nil {
		return nil, err
	}
	arg := p.next()
	if arg.kind != text {
		return nil, badFilter("No function signature for the function with name '%s' matches the specified arguments.", t.text)
	}
	p.use(left, name, false)
	if err := p.closed(); err != nil {
		return nil, err
	}
	c := call{name, left, strings.ToLower(arg.text)}
	for _, w := range []string{"true", "false"} { // startswith(x,'y') eq true
		if p.isWord("eq") && p.toks[p.i+1].kind == word && strings.EqualFold(p.toks[p.i+1].text, w) {
			p.i += 2
			if w == "false" {
				return negation{c}, nil
			}
		}
	}
	return c, nil
}

func (p *parser) use(l path, op string, null bool) {
	name := p.full(l)
	p.out.Uses = append(p.out.Uses, Use{name, op, null})
	if !slices.Contains(p.out.Properties, name) {
		p.out.Properties = append(p.out.Properties, name)
	}
}

func (p *parser) full(l path) string {
	name := strings.Join(l.names, "/")
	if l.variable != "" {
		name = strings.TrimSuffix(p.vars[l.variable].name+"/"+name, "/")
	}
	return name
}

func (p *parser) comparison(left path) (Expr, *Error) {
	t := p.peek()
	op := strings.ToLower(t.text)
	if t.kind == word && op == "in" {
		p.i++
		return p.in(left)
	}
	if t.kind != word || !slices.Contains([]string{"eq", "ne", "gt", "ge", "lt", "le"}, op) {
		if left.typ == "b" && !left.many && !left.counted {
			p.use(left, "eq", false)
			return truth{left}, nil
		}
		return nil, p.syntax()
	}
	p.i++
	lit, err := p.literal(left, operatorNames[op])
	if err != nil {
		return nil, err
	}
	if left.many {
		return nil, badFilter("Operator '%s' is not supported because the property '%s' is a collection; use any or all.", op, strings.Join(left.names, "/"))
	}
	p.use(left, op, lit.null())
	return comparison{left, op, lit}, nil
}

var operatorNames = map[string]string{"eq": "Equal", "ne": "NotEqual", "gt": "GreaterThan", "ge": "GreaterThanOrEqual",
	"lt": "LessThan", "le": "LessThanOrEqual", "in": "In"}

func (p *parser) in(left path) (Expr, *Error) {
	if left.many {
		return nil, p.syntax()
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var list []literal
	for {
		l, err := p.literal(left, "In")
		if err != nil {
			return nil, err
		}
		list = append(list, l)
		if len(list) > maxClauses {
			return nil, Unsupported("Too many child clauses specified in search filter expression containing 'IN' operators. Max allowed: 15.")
		}
		if p.isSign(",") {
			p.i++
			continue
		}
		p.use(left, "in", false)
		return membership{left, list}, p.closed()
	}
}
