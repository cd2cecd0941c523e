package graph

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"cipp-mcp/sandbox/cloud"
	"cipp-mcp/sandbox/model"
)

// rules is what a write to a type may carry.
type rules struct {
	resource  string         // as messages name it: User
	typ       string         // type of the body
	required  []string       // must be there, not null
	readOnly  []string       // refused
	lengths   map[string]int // longest text
	notNull   []string       // null is refused
	bind      []string       // navigation properties that may be bound: members
	emptyText bool           // empty strings are accepted
}

// body reads the request's JSON object; an absent body is nil where that is allowed.
func (c *call) json(need bool) (cloud.Object, error) {
	text, err := io.ReadAll(io.LimitReader(c.r.Body, 8<<20))
	if err != nil {
		return nil, refused(http.StatusBadRequest, "BadRequest", "Unable to read the request payload.")
	}
	if len(bytes.TrimSpace(text)) == 0 {
		if need {
			return nil, refused(http.StatusBadRequest, "BadRequest", "Empty Payload. JSON content expected.")
		}
		return nil, nil
	}
	mt, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	switch {
	case mt == "":
		return nil, refused(http.StatusBadRequest, "BadRequest", "Write requests (excluding DELETE) must contain the Content-Type header declaration.")
	case mt != "application/json":
		return nil, refused(http.StatusUnsupportedMediaType, "BadRequest", "Invalid media type '%s'; application/json is expected.", mt)
	}
	var o cloud.Object
	if err := json.Unmarshal(text, &o); err != nil || o == nil {
		return nil, refused(http.StatusBadRequest, "BadRequest", "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")
	}
	return o, nil
}

// body reads and judges a JSON object: names without regard to case, types, read-only properties, lengths. The
// result has canonical names; binds is what stands under x@odata.bind.
func (c *call) body(r rules) (o cloud.Object, binds map[string][]string, err error) {
	in, err := c.json(true)
	if err != nil {
		return nil, nil, err
	}
	return c.judged(in, r)
}

func (c *call) judged(in cloud.Object, r rules) (cloud.Object, map[string][]string, error) {
	t := c.m.Type(r.typ)
	out, binds := cloud.Object{}, map[string][]string{}
	for name, v := range in {
		if nav, ok := strings.CutSuffix(name, "@odata.bind"); ok {
			p := t.Property(nav)
			if p == nil || !slices.Contains(r.bind, p.Name) {
				return nil, nil, badRequest("Property '%s' does not exist as a declared property or extension property.", nav)
			}
			links, err := references(v)
			if err != nil {
				return nil, nil, err
			}
			binds[p.Name] = links
			continue
		}
		if strings.HasPrefix(name, "@odata.") {
			continue
		}
		p := t.Property(name)
		switch {
		case p == nil && t.Open && strings.HasPrefix(name, "extension_"):
			out[name] = v
			continue
		case p == nil || p.Nav:
			return nil, nil, badRequest("Property '%s' does not exist as a declared property or extension property.", name)
		case slices.Contains(r.readOnly, p.Name):
			return nil, nil, badRequest("Property '%s' is read-only and cannot be set.", p.Name)
		case v == nil && slices.Contains(r.notNull, p.Name):
			return nil, nil, invalidValue(p.Name, r.resource)
		}
		if _, dup := out[p.Name]; dup {
			return nil, nil, badRequest("The property '%s' is specified more than once.", p.Name)
		}
		v, ok := c.value(p.Type, p.Many, v, r.emptyText)
		if !ok {
			return nil, nil, invalidValue(p.Name, r.resource)
		}
		if s, isText := v.(string); isText && r.lengths[p.Name] > 0 && len([]rune(s)) > r.lengths[p.Name] {
			return nil, nil, badRequest("Invalid value specified for property '%s' of resource '%s'. The value exceeds the maximum length of %d characters.", p.Name, r.resource, r.lengths[p.Name])
		}
		out[p.Name] = v
	}
	for _, name := range r.required {
		if out[name] == nil {
			return nil, nil, badRequest("A value is required for property '%s' of resource '%s'.", name, r.resource)
		}
	}
	return out, binds, nil
}

// value judges one value by its type and gives it canonical names.
func (c *call) value(typ string, many bool, v any, emptyText bool) (any, bool) {
	if many {
		list, ok := v.([]any)
		if !ok {
			return nil, false
		}
		out := make([]any, len(list))
		for i, x := range list {
			if x == nil {
				return nil, false
			}
			if out[i], ok = c.value(typ, false, x, emptyText); !ok {
				return nil, false
			}
		}
		return out, true
	}
	if v == nil {
		return nil, true
	}
	switch typ {
	case "any":
		return v, true
	case "b":
		_, ok := v.(bool)
		return v, ok
	case "i", "l":
		n, ok := v.(float64)
		return v, ok && n == float64(int64(n))
	case "d":
		_, ok := v.(float64)
		return v, ok
	case "s", "g", "t", "u", "D", "T", "B", "Stream":
		s, ok := v.(string)
		if ok && typ == "g" {
			return s, cloud.IsGUID(s)
		}
		if ok && typ == "t" {
			_, ok = moment(s)
		}
		return v, ok && (s != "" || emptyText)
	}
	if members := c.m.Enum(typ); members != nil {
		s, ok := v.(string)
		i := slices.IndexFunc(members, func(m string) bool { return strings.EqualFold(m, s) })
		if !ok || i < 0 {
			return nil, false
		}
		return members[i], true
	}
	return c.complexValue(c.m.Type(typ), v, emptyText)
}

func (c *call) complexValue(t *model.Type, v any, emptyText bool) (any, bool) {
	in, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	if t == nil {
		return in, true
	}
	out := make(cloud.Object, len(in))
	for name, x := range in {
		if strings.HasPrefix(name, "@odata.") {
			continue
		}
		p := t.Property(name)
		if p == nil {
			if !t.Open {
				return nil, false
			}
			p = &model.Property{Name: name, Type: "any"}
		}
		if out[p.Name], ok = c.value(p.Type, p.Many, x, emptyText); !ok {
			return nil, false
		}
	}
	return out, true
}

// references reads the ids from one URL or a list of URLs of directory objects.
func references(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var out []string
	for _, x := range list {
		s, _ := x.(string)
		id, err := reference(s)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

// reference is the id in a URL like https://graph.microsoft.com/v1.0/directoryObjects/{id}.
func reference(s string) (string, error) {
	_, rest, ok := strings.Cut(s, "://")
	if ok {
		_, rest, ok = strings.Cut(rest, "/")
	}
	if ok {
		_, rest, ok = strings.Cut(rest, "/") // the version
	}
	if !ok {
		return "", badRequest("Invalid object identifier '%s'.", s)
	}
	parts, err := segments(rest)
	if err != nil || len(parts) != 2 || !slices.ContainsFunc([]string{"directoryObjects", "users", "groups", "devices", "servicePrincipals", "contacts"},
		func(set string) bool { return strings.EqualFold(set, parts[0]) }) {
		return "", badRequest("Invalid URL format specified in @odata.id for '%s'.", s)
	}
	return parts[1], nil
}

// refBody reads {"@odata.id": URL}.
func (c *call) refBody() (string, error) {
	o, err := c.json(true)
	if err != nil {
		return "", err
	}
	s, ok := o["@odata.id"].(string)
	if !ok {
		return "", badRequest("The request body must hold '@odata.id'.")
	}
	return reference(s)
}
