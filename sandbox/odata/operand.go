package odata

import (
	"strconv"
	"strings"

	"cipp-mcp/sandbox/model"
)

// operand reads a property path. Where it ends in any or all it is a whole expression and returned as
// such.
func (p *parser) operand(depth int) (path, Expr, *Error) {
	var out path
	typ, many := p.typ, false
	first := true
	for {
		t := p.next()
		if t.kind != word {
			p.i--
			if t.kind == end {
				p.i++
				return out, nil, p.syntax()
			}
			return out, nil, p.syntax()
		}
		switch name := strings.ToLower(t.text); {
		case first && p.vars[t.text].typ != "":
			out.variable, typ = t.text, p.vars[t.text].typ
			out.typ = typ
		case many && name == "$count":
			out.counted, out.typ, out.many = true, "i", false
			p.use(out, "count", false)
			return out, nil, nil
		case many && (name == "any" || name == "all"):
			x, err := p.lambda(out, typ, name == "all", depth)
			return out, x, err
		case many:
			return out, nil, badFilter("The property '%s' is a collection; use any, all or $count.", strings.Join(out.names, "/"))
		case typ == "any":
			out.names, out.typ = append(out.names, t.text), "any"
		default:
			prop, err := p.property(typ, t.text)
			if err != nil {
				return out, nil, err
			}
			out.names = append(out.names, prop.Name)
			typ, many = prop.Type, prop.Many
			out.typ, out.many = typ, many
		}
		first = false
		if !p.isSign("/") {
			return out, nil, nil
		}
		p.i++
	}
}

func (p *parser) property(typ, name string) (*model.Property, *Error) {
	t := p.model.Type(typ)
	if t == nil {
		return nil, badFilter("A value of type '%s' has no property '%s'.", model.Edm(typ), name)
	}
	prop := t.Property(name)
	switch {
	case prop == nil && t.Open && strings.HasPrefix(name, "extension_"):
		return &model.Property{Name: name, Type: "any"}, nil
	case prop == nil:
		return nil, UnknownProperty(name, typ)
	case prop.Nav:
		return nil, Unsupported("Filtering by the navigation property '" + prop.Name + "' is not supported.")
	}
	return prop, nil
}

func (p *parser) lambda(left path, typ string, all bool, depth int) (Expr, *Error) {
	op := "any"
	if all {
		op = "all"
	}
	if depth >= maxDepth {
		return nil, p.syntax()
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	p.use(left, op, false)
	if p.isSign(")") {
		if all {
			return nil, p.syntax()
		}
		p.i++
		return lambda{left: left}, nil
	}
	v := p.next()
	if v.kind != word || p.vars[v.text].typ != "" {
		return nil, p.syntax()
	}
	if err := p.expect(":"); err != nil {
		return nil, err
	}
	p.vars[v.text] = scope{typ, p.full(left)}
	body, err := p.or(depth + 1)
	delete(p.vars, v.text)
	if err != nil {
		return nil, err
	}
	return lambda{left, all, v.text, body}, p.closed()
}

// literal reads a value that is compared with left and judges its type.
func (p *parser) literal(left path, operator string) (literal, *Error) {
	t := p.next()
	l := literal{kind: t.kind, text: t.text}
	found := ""
	switch t.kind {
	case text:
		found = "s"
	case guid:
		found = "g"
	case moment:
		l.when, _ = parseTime(t.text)
		found = "t"
	case number:
		n, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return l, badFilter("The literal '%s' is no number.", t.text)
		}
		l.num = n
		found = "i"
	case word:
		l.text = strings.ToLower(t.text)
		switch l.text {
		case "true", "false":
			found = "b"
		case "null":
			return l, nil
		default:
			return l, UnknownProperty(t.text, p.typ)
		}
	default:
		return l, p.syntax()
	}
	if !p.fits(left.typ, found, t) {
		return l, bad("A binary operator with incompatible types was detected. Found operand types '%s' and '%s' for operator kind '%s'.",
			model.Edm(left.typ), model.Edm(found), operator)
	}
	return l, nil
}

func (p *parser) fits(want, found string, t token) bool {
	switch want {
	case "any":
		return true
	case "i", "l", "d":
		return found == "i"
	case "s", "b", "g", "t":
		return want == found
	case "u":
		return found == "s"
	}
	if members := p.model.Enum(want); members != nil && found == "s" {
		for _, m := range members {
			if strings.EqualFold(m, t.text) {
				return true
			}
		}
	}
	return false
}
