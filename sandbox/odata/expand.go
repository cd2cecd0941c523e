package odata

import (
	"net/url"
	"strings"

	"cipp-mcp/sandbox/model"
)

// Expand is one member of an $expand with its own options.
type Expand struct {
	Property string
	Type     string
	Many     bool
	Query    Query
	Levels   string // "", a number or "max"
}

// ParseExpand reads an $expand on a type. The navigation property must exist; which of them may be expanded
// is the resource's affair.
func ParseExpand(s string, m *model.Model, typ string) ([]Expand, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var out []Expand
	for _, part := range split(s, ',') {
		name, options, nested := strings.Cut(strings.TrimSpace(part), "(")
		p := m.Type(typ).Property(strings.TrimSpace(name))
		if p == nil {
			return nil, UnknownProperty(name, typ)
		}
		if !p.Nav && p.Name != "extensions" {
			return nil, bad("Property '%s' on type 'microsoft.graph.%s' is not a navigation property or complex property. Only navigation properties can be expanded.", p.Name, typ)
		}
		e := Expand{Property: p.Name, Type: p.Type, Many: p.Many}
		if nested {
			inner, ok := strings.CutSuffix(options, ")")
			if !ok {
				return nil, bad("Invalid $expand clause: parentheses do not match in '%s'.", s)
			}
			values := url.Values{}
			for _, o := range split(inner, ';') {
				key, value, ok := strings.Cut(o, "=")
				if !ok {
					return nil, bad("Invalid $expand clause: '%s' is no query option.", o)
				}
				if strings.EqualFold(strings.TrimSpace(key), "$levels") {
					e.Levels = value
					continue
				}
				values.Add(strings.TrimSpace(key), value)
			}
			q, err := Parse(values)
			if err != nil {
				return nil, err
			}
			e.Query = q
		}
		out = append(out, e)
	}
	return out, nil
}

// split cuts at sep where it stands outside parentheses and string literals.
func split(s string, sep byte) []string {
	var out []string
	depth, from, in := 0, 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\'':
			in = !in
		case in:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == sep && depth == 0:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	return append(out, s[from:])
}
