package graph

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"cipp-mcp/sandbox/cloud"
	"cipp-mcp/sandbox/model"
)

// field is a property on its way into JSON.
type field struct {
	name  string
	key   string // "name":
	empty string // null or []
	must  bool   // shown even where the object has no value
}

// shape is how the objects of one type are shown: which properties, in which order.
func (c *call) shape(typ string, selected, byDefault []string) []field {
	t := c.m.Type(typ)
	var out []field
	add := func(p *model.Property, must bool) {
		f := field{name: p.Name, key: strconv.Quote(p.Name) + ":", empty: "null", must: must}
		if p.Many {
			f.empty = "[]"
		}
		out = append(out, f)
	}
	names := selected
	if names == nil {
		names = byDefault
	}
	if names != nil {
		for _, n := range names {
			p := t.Property(n)
			if p == nil && strings.HasPrefix(n, "extension_") {
				p = &model.Property{Name: n}
			}
			if p != nil && !p.Nav {
				add(p, true)
			}
		}
		return out
	}
	for _, p := range t.Order {
		if !p.Nav {
			add(p, p.Name == "id")
		}
	}
	if typ == "servicePrincipal" { // answered, but in no published model: https://github.com/microsoftgraph/msgraph-sdk-java/issues/2246
		add(&model.Property{Name: "createdDateTime"}, false)
	}
	return out
}

// appendObject writes an object in that shape. annotations is JSON members that come first.
func appendObject(b []byte, o cloud.Object, fields []field, annotations string) []byte {
	b = append(b, '{')
	b = append(b, annotations...)
	first := annotations == ""
	for i := range fields {
		f := &fields[i]
		v, ok := o[f.name]
		if !ok && !f.must {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, f.key...)
		if v == nil {
			b = append(b, f.empty...)
			continue
		}
		b = appendValue(b, v)
	}
	return append(b, '}')
}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case float64:
		if v == float64(int64(v)) {
			return strconv.AppendInt(b, int64(v), 10)
		}
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case raw:
		return append(b, v...)
	case []any:
		b = append(b, '[')
		for i, x := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, x)
		}
		return append(b, ']')
	case []string:
		b = append(b, '[')
		for i, x := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, x)
		}
		return append(b, ']')
	case map[string]any:
		var buf [16]string
		keys := buf[:0]
		for k := range v {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, compareKeys)
		b = append(b, '{')
		for i, k := range keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, k)
			b = append(b, ':')
			b = appendValue(b, v[k])
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

// raw is JSON that is ready to be sent.
type raw string

// compareKeys orders members: annotations, id, then by name.
func compareKeys(a, b string) int {
	rank := func(s string) int {
		switch {
		case strings.HasPrefix(s, "@"):
			return 0
		case s == "id":
			return 1
		}
		return 2
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
			b = append(append(b, s[from:i]...), "\ufffd"...)
			i++
			from = i
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

// context is the @odata.context member, with a comma behind it, or nothing where the client wants none.
func (c *call) context(fragment string) string {
	if c.meta == "none" {
		return ""
	}
	return `"@odata.context":` + string(appendString(nil, c.base+"/$metadata#"+fragment)) + ","
}

// fragment is what a context says about a set and the chosen properties.
func fragment(set string, selected []string) string {
	if len(selected) == 0 {
		return set
	}
	return set + "(" + strings.Join(selected, ",") + ")"
}

// typed is the @odata.type member of an object.
func typed(typ string) string { return `"@odata.type":"#microsoft.graph.` + typ + `"` }

// entity answers one object. set names the set in the context ("users"), typ its type.
func (c *call) entity(set, typ string, o cloud.Object, byDefault []string) error {
	selected, err := c.selected(typ)
	if err != nil {
		return err
	}
	head := c.context(fragment(set, selected) + "/$entity")
	if c.meta == "full" {
		head += typed(typ) + `,"@odata.id":` + string(appendString(nil, c.base+"/"+set+"('"+url.PathEscape(cloud.Str(o, "id"))+"')")) + ","
	}
	c.out = appendObject(nil, o, c.shape(typ, selected, byDefault), strings.TrimSuffix(head, ","))
	return nil
}

// polymorphic answers one object whose type the client cannot know from the path.
func (c *call) polymorphic(o cloud.Object, typ string) error {
	head := c.context("directoryObjects/$entity")
	if c.meta != "none" {
		head += typed(typ) + ","
	}
	c.out = appendObject(nil, o, c.shape(typ, nil, defaults[typ]), strings.TrimSuffix(head, ","))
	return nil
}

// plain answers an object as it stands, under a context.
func (c *call) plain(fragment string, o cloud.Object) error {
	b := appendValue(nil, o)
	head := c.context(fragment)
	if len(o) == 0 {
		head = strings.TrimSuffix(head, ",")
	}
	c.out = append([]byte("{"+head), b[1:]...)
	return nil
}
