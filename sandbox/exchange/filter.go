package exchange

import (
	"regexp"
	"strings"
	"time"

	"cipp-mcp/sandbox/cloud"
)

// condition is a parsed -Filter.
// https://learn.microsoft.com/powershell/exchange/recipient-filters
type condition func(cloud.Object) bool

var filterToken = regexp.MustCompile(`^\s*(\(|\)|'(?:[^']|'')*'|"[^"]*"|-[A-Za-z]+|\$[A-Za-z]+|\{|\}|[A-Za-z_][\w.]*|[\d.:TZ-]+)`)

type filterParser struct {
	tokens []string
	known  func(property string) bool
}

// parseFilter reads a filter over rows whose properties known names.
func parseFilter(text string, known func(string) bool) (condition, error) {
	p := &filterParser{known: known}
	rest := text
	for strings.TrimSpace(rest) != "" {
		m := filterToken.FindStringSubmatchIndex(rest)
		if m == nil {
			return nil, invalidFilter(text, strings.TrimSpace(rest))
		}
		if tok := rest[m[2]:m[3]]; tok != "{" && tok != "}" {
			p.tokens = append(p.tokens, tok)
		}
		rest = rest[m[1]:]
	}
	c, bad := p.or()
	if bad == "" && len(p.tokens) > 0 {
		bad = p.tokens[0]
	}
	if bad != "" {
		return nil, invalidFilter(text, bad)
	}
	return c, nil
}

func invalidFilter(text, at string) error {
	return invalid("System.Management.Automation.ParameterBindingArgumentTransformationException",
		"Cannot bind parameter 'Filter' to the target. Exception setting \"Filter\": \"Invalid filter syntax. For a description of the filter parameter syntax see the command help.\n\"%s\" at \"%s\".\"", text, at)
}

func (p *filterParser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

func (p *filterParser) is(word string) bool {
	if len(p.tokens) > 0 && strings.EqualFold(p.tokens[0], word) {
		p.tokens = p.tokens[1:]
		return true
	}
	return false
}

func (p *filterParser) or() (condition, string) {
	left, bad := p.and()
	for bad == "" && p.is("-or") {
		var right condition
		a := left
		if right, bad = p.and(); bad == "" {
			left = func(o cloud.Object) bool { return a(o) || right(o) }
		}
	}
	return left, bad
}

func (p *filterParser) and() (condition, string) {
	left, bad := p.unary()
	for bad == "" && p.is("-and") {
		var right condition
		a := left
		if right, bad = p.unary(); bad == "" {
			left = func(o cloud.Object) bool { return a(o) && right(o) }
		}
	}
	return left, bad
}

func (p *filterParser) unary() (condition, string) {
	if p.is("-not") {
		c, bad := p.unary()
		return func(o cloud.Object) bool { return !c(o) }, bad
	}
	if p.is("(") {
		c, bad := p.or()
		if bad == "" && !p.is(")") {
			bad = "end"
		}
		return c, bad
	}
	return p.comparison()
}

func (p *filterParser) comparison() (condition, string) {
	name, op, value := p.next(), strings.ToLower(p.next()), p.next()
	if name == "" || value == "" || strings.HasPrefix(name, "-") || !p.known(name) {
		return nil, name + " "
	}
	var due any
	switch low := strings.ToLower(value); {
	case low == "$null":
	case low == "$true":
		due = true
	case low == "$false":
		due = false
	case strings.HasPrefix(value, "'") || strings.HasPrefix(value, `"`):
		due = strings.ReplaceAll(value[1:len(value)-1], "''", "'")
	default:
		due = value
	}
	test := comparators[op]
	if test == nil {
		return nil, op + " "
	}
	return func(o cloud.Object) bool {
		v := property(o, name)
		if l, ok := v.([]any); ok && due != nil {
			for _, x := range l {
				if test(x, due) {
					return true
				}
			}
			return op == "-ne" && len(l) == 0
		} else if ok && len(l) == 0 {
			v = nil
		}
		return test(v, due)
	}, ""
}

func property(o cloud.Object, name string) any {
	if v, ok := o[name]; ok {
		return v
	}
	for k, v := range o {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}

var comparators = map[string]func(v, due any) bool{
	"-eq":      equal,
	"-ne":      func(v, due any) bool { return !equal(v, due) },
	"-like":    like,
	"-notlike": func(v, due any) bool { return !like(v, due) },
	"-gt":      func(v, due any) bool { return order(v, due) > 0 },
	"-ge":      func(v, due any) bool { return order(v, due) >= 0 },
	"-lt":      func(v, due any) bool { return order(v, due) < 0 },
	"-le":      func(v, due any) bool { return order(v, due) <= 0 },
}

func equal(v, due any) bool {
	if due == nil {
		return v == nil || v == ""
	}
	if b, ok := v.(bool); ok {
		if s, isText := due.(string); isText {
			return strings.EqualFold(s, map[bool]string{true: "true", false: "false"}[b])
		}
		return b == due
	}
	s, ok := due.(string)
	return ok && strings.EqualFold(scalar(v), s)
}

func like(v, due any) bool {
	s, ok := due.(string)
	if !ok {
		return false
	}
	parts := strings.Split(strings.ToLower(s), "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	matched, err := regexp.MatchString("^"+strings.Join(parts, ".*")+"$", strings.ToLower(scalar(v)))
	return err == nil && matched
}

func order(v, due any) int {
	a, b := scalar(v), scalar(due)
	if x, err := parseDate(a); err == nil {
		if y, err := parseDate(b); err == nil {
			return x.Truncate(time.Second).Compare(y.Truncate(time.Second))
		}
	}
	if x, y := bytesOf(a), bytesOf(b); x >= 0 && y >= 0 {
		return int(min(1, max(-1, x-y)))
	}
	return strings.Compare(strings.ToLower(a), strings.ToLower(b))
}

// filtered is the rows that the cmdlet's -Filter lets through.
func (c *call) filtered(rows []cloud.Object) ([]cloud.Object, error) {
	text := c.p.text("Filter")
	if text == "" {
		return rows, nil
	}
	test, err := parseFilter(text, func(name string) bool {
		if len(rows) == 0 {
			return true
		}
		for k := range rows[0] {
			if strings.EqualFold(k, name) {
				return true
			}
		}
		return false
	})
	if err != nil {
		return nil, err
	}
	var out []cloud.Object
	for _, row := range rows {
		if test(row) {
			out = append(out, row)
		}
	}
	return out, nil
}
